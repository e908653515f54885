"""Reads about findings for the screens: the list, one finding with its photos and open tasks, a photo's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from engine.tables import user_task
from service import access
from service.errors import NotThere
from service.findings.models import OPEN_STATES, Finding, FindingPhoto, FindingState, Severity
from service.organisation.models import Person
from service.organisation.queries import names_of
from service.tickets import photos
from service.tickets.models import Ticket

PAGE = 100


@dataclass(frozen=True, slots=True)
class FindingList:
    findings: list[Finding]
    names: dict[str, str]
    photos: dict[int, int]  # finding id -> how many
    counts: dict[str, int]  # state -> how many, within reach


def listed(person: Person, state: str = "open", severity: str = "", department: str = "") -> FindingList:
    """Findings within reach, open ones first by their limit, others newest first. `state`: open, all or a FindingState."""
    session = object_session(person)
    mine = access.centre_filter(access.reach(person), "see findings", Finding.centre_id)
    query = sa.select(Finding).where(mine)
    if state == "open":
        query = query.where(Finding.state.in_(OPEN_STATES)).order_by(Finding.fix_due_at, Finding.id)
    else:
        query = query.order_by(Finding.id.desc())
        if state in list(FindingState):
            query = query.where(Finding.state == FindingState(state))
    if severity in list(Severity):
        query = query.where(Finding.severity == Severity(severity))
    if department:
        query = query.where(Finding.department == department)
    found = list(session.scalars(query.limit(PAGE)))
    counts = session.execute(sa.select(Finding.state, sa.func.count()).where(mine).group_by(Finding.state))
    people = [p for f in found for p in (f.reported_by, f.worker)]
    return FindingList(found, names_of(session, people), _photo_counts(session, found), {str(s): n for s, n in counts})


def _photo_counts(session: Session, found: list[Finding]) -> dict[int, int]:
    return dict(
        session.execute(
            sa.select(FindingPhoto.finding_id, sa.func.count())
            .where(FindingPhoto.finding_id.in_([f.id for f in found]))
            .group_by(FindingPhoto.finding_id)
        ).all()
    )


@dataclass(frozen=True, slots=True)
class FindingCard:
    """Everything for a finding's page. `tasks`: the open ones, of escalations too, each with whether the reader may do it."""

    finding: Finding
    photos: list[FindingPhoto]
    tasks: list[tuple[Any, bool]]
    ticket: Ticket | None
    names: dict[str, str]
    events: list[dict]
    may_turn: bool
    may_ask: bool


def card(person: Person, number: str) -> FindingCard:
    """Raises NotThere for a number that is unknown or out of reach."""
    session = object_session(person)
    finding = session.scalars(sa.select(Finding).where(Finding.number == number)).first()
    if finding is None or not access.may(person, "see findings", finding):
        raise NotThere("Finding", number)
    rows = session.execute(
        sa.select(user_task)
        .where(
            user_task.c.business_key == number, user_task.c.centre_id == finding.centre_id, user_task.c.state == "open"
        )
        .order_by(user_task.c.opened_at, user_task.c.id)
    ).all()
    events = session.info["app"].engine.trace(finding.instance_id) if finding.instance_id else []
    pictures = list(
        session.scalars(sa.select(FindingPhoto).where(FindingPhoto.finding_id == finding.id).order_by(FindingPhoto.id))
    )
    people = [
        finding.reported_by,
        finding.worker,
        finding.checked_by,
        *(r.assignee for r in rows),
        *(p.taken_by for p in pictures),
    ]
    is_open = finding.state in OPEN_STATES
    return FindingCard(
        finding,
        pictures,
        [(row, access.may(person, "do", row)) for row in rows],
        session.get(Ticket, finding.ticket_id) if finding.ticket_id else None,
        names_of(session, people + [e["actor"] for e in events]),
        events,
        is_open and finding.instance_id is not None and access.may(person, "turn findings", finding),
        is_open and finding.instance_id is not None and access.may(person, "report findings", finding),
    )


def of_ticket(session: Session, ticket_id: int) -> Finding | None:
    """The finding that a ticket was made of."""
    return session.scalars(sa.select(Finding).where(Finding.ticket_id == ticket_id)).first()


def photo_file(person: Person, key: str) -> tuple[Any, FindingPhoto]:
    """(path, photo); raises NotThere for whom the centre is out of reach (T24)."""
    session = object_session(person)
    photo = session.scalars(sa.select(FindingPhoto).where(FindingPhoto.key == key)).first()
    if photo is None or not access.may(person, "see findings", photo):
        raise NotThere("Photo", key)
    return photos.path_of(session.info["app"].settings.photos, key), photo
