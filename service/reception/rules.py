"""Pure decisions of the desk's own books: what an entry has to say before it is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.errors import Refused
from service.reception.models import IdKind

MOST_RINGS = 60
SHORTEST_PHONE = 5
LONG_AGO = timedelta(days=1)  # a missed call is noted on its day
OLDEST_VISIT = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class CallGiven:
    """`phone` in digits; `rang_at` None: a time that could not be read."""

    phone: str
    rang_at: datetime | None
    rings: int | None


@dataclass(frozen=True, slots=True)
class VisitorGiven:
    name: str
    host: str
    purpose: str
    id_kind: str
    badge: str = ""


@dataclass(frozen=True, slots=True)
class VisitGiven:
    """`visited_at` None: a time that could not be read."""

    visited_at: datetime | None
    contact: str
    purpose: str
    interview: str
    wishes: str = ""


def check_call(given: CallGiven, now: datetime) -> None:
    if len(given.phone) < SHORTEST_PHONE:
        raise Refused("Write the number that called.", "phone")
    if given.rang_at is None or not now - LONG_AGO <= given.rang_at <= now:
        raise Refused("Say when it rang, at most a day ago.", "rang_at")
    if given.rings is None or not 1 <= given.rings <= MOST_RINGS:
        raise Refused(f"Say how often it rang, from 1 to {MOST_RINGS}.", "rings")


def check_visitor(given: VisitorGiven) -> None:
    for field in ("name", "host", "purpose"):
        if not getattr(given, field).strip():
            raise Refused("The visitor register has to say who came, to whom and why.", field)
    if given.id_kind not in list(IdKind):
        raise Refused("Pick which card the visitor showed.", "id_kind")


def check_visit(given: VisitGiven, now: datetime) -> None:
    if given.visited_at is None or not now - OLDEST_VISIT <= given.visited_at <= now:
        raise Refused("Say when you were there, at most a month ago.", "visited_at")
    for field in ("contact", "purpose", "interview"):
        if not getattr(given, field).strip():
            raise Refused("The visit record has to say with whom you spoke, what for, and what was said.", field)
