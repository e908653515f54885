"""What steps do to reviews: open one, pass it on, note its signature. Called inside a step, on its connection."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from service.calendars.queries import calendar_of
from service.errors import NotThere
from service.reviews import rules
from service.reviews.models import Review, ReviewKind, ReviewState, ReviewVersion
from service.signing import steps as signing
from service.subjects.steps import name as name_subject

_review, _version = Review.__table__, ReviewVersion.__table__
TITLES = {ReviewKind.DAILY: "日审", ReviewKind.WEEKLY: "周检"}


def review_of(connection: Any, number: str) -> SimpleNamespace:
    """The review that a process instance is about. Its business key is the review's number."""
    row = connection.execute(sa.select(_review).where(_review.c.number == number)).mappings().first()
    if row is None:
        raise NotThere("Review", number)
    return SimpleNamespace(**row)


def opened(
    connection: Any, number: str, centre_id: int, instance_id: str, given: dict[str, Any], now: datetime
) -> None:
    """Write the review down; one that is there is to be signed once more, for what was corrected since."""
    there = connection.execute(sa.select(_review.c.id).where(_review.c.number == number)).scalar()
    if there is not None:
        change(connection, there, state=ReviewState.OPEN, due_at=given["due_at"], instance_id=instance_id)
        return
    kind, day = ReviewKind(given["kind"]), date.fromisoformat(given["day"])
    calendar = calendar_of(connection, centre_id)
    first = day if kind is ReviewKind.DAILY else day - timedelta(days=day.weekday())
    last = day if kind is ReviewKind.DAILY else first + timedelta(days=6)
    connection.execute(
        sa.insert(_review).values(
            number=number,
            centre_id=centre_id,
            kind=kind,
            day=day,
            first_on=first,
            patrol_on=rules.working_day_before(calendar, day) if kind is ReviewKind.DAILY else None,
            from_at=_from(connection, centre_id, kind, first, calendar.zone),
            until_at=_midnight(last + timedelta(days=1), calendar.zone),
            due_at=given["due_at"],
            state=ReviewState.OPEN,
            opinion="",
            instance_id=instance_id,
            opened_at=now,
        )
    )
    name_subject(connection, number, centre_id, "review", f"{TITLES[kind]} {day.month}月{day.day}日")


def _from(connection: Any, centre_id: int, kind: ReviewKind, first: date, zone: str) -> datetime:
    """Where the review before this one left off, so that every entry is in exactly one: its signature, or its midnight."""
    before = connection.execute(
        sa.select(_review.c.signed_at, _review.c.until_at)
        .where(_review.c.centre_id == centre_id, _review.c.kind == kind, _review.c.day < first)
        .order_by(_review.c.day.desc())
        .limit(1)
    ).first()
    if before is None:
        return _midnight(first, zone)
    return min(before.signed_at + rules.TICK if before.signed_at else before.until_at, before.until_at)


def _midnight(on: date, zone: str) -> datetime:
    return datetime.combine(on, time.min, ZoneInfo(zone))


def passed_on(connection: Any, review: SimpleNamespace) -> None:
    """Nobody has signed it in time."""
    change(connection, review.id, state=ReviewState.LATE)


def signed(
    connection: Any, review: SimpleNamespace, signature_id: Any, by: str, spent_on: str, instance_id: str
) -> str:
    """It is signed: the signature's content is the review's newest version from now on; gives its hash.

    Raises Refused without a signature of this person for this review that has served no other step.
    """
    row = signing.spend(connection, signature_id, review.number, meaning(review.kind), by, spent_on)
    versions = connection.execute(
        sa.select(_version).where(_version.c.review_id == review.id).order_by(_version.c.version.desc())
    ).all()
    values = {"signature_id": row.id, "content_hash": row.content_hash, "instance_id": instance_id}
    if versions and versions[0].signature_id is None:  # a correction that was noticed before
        connection.execute(sa.update(_version).where(_version.c.id == versions[0].id).values(**values))
    else:
        before = versions[0] if versions else None
        connection.execute(sa.insert(_version).values(**_next(review, before, [], row.signed_at), **values))
    first = {} if versions else {"signed_at": row.signed_at, "signed_by": by}
    change(connection, review.id, state=ReviewState.SIGNED, opinion=row.content.get("opinion", ""), **first)
    return row.content_hash


def noticed(connection: Any, review: Any, before: Any, changes: list[dict[str, Any]], now: datetime) -> None:
    """What was signed has been corrected since: a further version that names the one it replaces, not signed yet."""
    connection.execute(sa.insert(_version).values(**_next(review, before, changes, now)))


def _next(review: Any, before: Any, changes: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    return {
        "centre_id": review.centre_id,
        "review_id": review.id,
        "version": before.version + 1 if before else 1,
        "replaces_id": before.id if before else None,
        "replaces_hash": before.content_hash if before else None,
        "changes": changes,
        "made_at": now,
    }


def meaning(kind: Any) -> str:
    """The meaning of a review's signature: daily-review, weekly-review."""
    return f"{kind}-review"


def change(connection: Any, review_id: int, **values: Any) -> None:
    connection.execute(sa.update(_review).where(_review.c.id == review_id).values(**values))
