"""What changed since a person's last shift, and what will be late in the present or next one: for the handover and the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from service import access
from service.organisation.models import Person
from service.shifts import queries
from service.tickets.models import OPEN_STATES, Escalation, Ticket, TicketNote

SHOWN = 12
WITHOUT_ROSTER = timedelta(hours=12)  # so far back and ahead for somebody whom the roster does not know


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a ticket: `what` is new, closed, urged, told or escalated."""

    what: str
    number: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    since: datetime
    until: datetime
    changes: list[Change]
    more: int
    late: list[Ticket]  # with a limit that passes before `until`, the earliest first
    due: dict[int, datetime]  # ticket id -> that limit


def news(person: Person, now: datetime) -> News:
    """Of everything that the person may see."""
    session = object_session(person)
    mine = access.reach(person, now)
    stretch = queries.stretch_of(session, person.id, mine.centre_ids, now)
    since = stretch.last_ended_at or now - WITHOUT_ROSTER
    until = stretch.ends_at or now + WITHOUT_ROSTER
    seen = access.ticket_filter(mine)
    changes = sorted(_changes(session, seen, since), key=lambda c: c.at, reverse=True)
    due = _next_limit()
    rows = session.execute(
        sa.select(Ticket, due)
        .where(seen, Ticket.state.in_(OPEN_STATES), Ticket.paused_at.is_(None), due <= until)
        .order_by(due, Ticket.id)
        .limit(SHOWN)
    ).all()
    return News(
        since, until, changes[:SHOWN], max(0, len(changes) - SHOWN), [r[0] for r in rows], {r[0].id: r[1] for r in rows}
    )


def _changes(session, seen, since: datetime) -> list[Change]:
    number, title = Ticket.number, Ticket.title
    ways = (
        ("new", Ticket.registered_at, sa.select(number, title, Ticket.registered_at.label("at")).where(seen)),
        ("closed", Ticket.closed_at, sa.select(number, title, Ticket.closed_at.label("at")).where(seen)),
        (
            "note",
            TicketNote.at,
            _joined(TicketNote, TicketNote.at.label("at"), seen, TicketNote.kind.in_(("urge", "information"))),
        ),
        ("escalated", Escalation.level_at, _joined(Escalation, Escalation.level_at.label("at"), seen)),
    )
    found = []
    for what, column, query in ways:
        rows = session.execute(query.where(column > since).order_by(column.desc()).limit(50))
        found += [Change(what, row.number, row.title, row.at) for row in rows]
    return found


def _joined(table, at, *clauses):
    return sa.select(Ticket.number, Ticket.title, at).join(Ticket, Ticket.id == table.ticket_id).where(*clauses)


def _next_limit() -> sa.ColumnElement:
    """The earliest limit of a ticket that is not met; null where none is left."""
    pairs = (("response_due_at", "response_met_at"), ("arrival_due_at", "arrival_met_at"),
             ("resolution_due_at", "resolution_met_at"), ("return_visit_due_at", "return_visit_met_at"))  # fmt: skip
    return sa.case(
        *(
            (getattr(Ticket, met).is_(None) & getattr(Ticket, due).is_not(None), getattr(Ticket, due))
            for due, met in pairs
        ),
        else_=sa.null(),
    )
