"""Targets of a ticket: each due instant with the sum that led to it, computed in the centre's calendar.

Every computation is kept as a row (which start, minutes, calendar and version), so that a changed urgency or calendar
can be computed again and an old sum still be shown. Called by operations, on the step's connection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from service.calendars.queries import calendar_of
from service.calendars.rules import Calendar, explain
from service.tickets import rules
from service.tickets.models import Target, TargetKind, Ticket

REMIND_AT_SHARE = 0.8
BUSINESS_DAY_MINUTES = 570  # one business day: 08:30 to 18:00
_COLUMN = {
    TargetKind.RESPONSE: "response_due_at",
    TargetKind.ARRIVAL: "arrival_due_at",
    TargetKind.RESOLUTION: "resolution_due_at",
    TargetKind.RETURN_VISIT: "return_visit_due_at",
}
_ON_REGISTRATION = (TargetKind.RESPONSE, TargetKind.ARRIVAL, TargetKind.RESOLUTION)


def set_targets(
    connection: Connection,
    ticket_id: int,
    level: dict[str, Any],
    start_at: datetime,
    now: datetime,
    customer_at: datetime | None = None,
    reason: str = "",
) -> dict[str, datetime | None]:
    """Compute response, arrival and resolution from the decision table's row; gives the process its instants.

    `level` has response_minutes, arrival_minutes, resolution_minutes (None: no such target) and calendar. Also
    `reminder_at`, the moment when 80 % of the handling time is used.
    """
    centre_id = _centre_of(connection, ticket_id)
    calendar = calendar_of(connection, centre_id, level["calendar"])
    instants: dict[str, datetime | None] = {}
    for kind in _ON_REGISTRATION:
        minutes = level.get(f"{kind}_minutes")
        instants[_COLUMN[kind]] = (
            None
            if minutes is None
            else _add_target(
                connection,
                centre_id,
                ticket_id,
                kind,
                calendar,
                level["calendar"],
                start_at,
                int(minutes),
                now,
                customer_at,
                reason,
            )
        )
    values: dict[str, Any] = {**instants, "return_visit_wanted": bool(level.get("return_visit"))}
    connection.execute(sa.update(Ticket.__table__).where(Ticket.__table__.c.id == ticket_id).values(**values))
    return {**instants, "reminder_at": reminder_at(calendar, start_at, instants["resolution_due_at"])}


def set_return_visit(connection: Connection, ticket_id: int, handled_at: datetime, now: datetime) -> datetime:
    """The return visit is due one business day after handling."""
    centre_id = _centre_of(connection, ticket_id)
    due_at = _add_target(
        connection,
        centre_id,
        ticket_id,
        TargetKind.RETURN_VISIT,
        calendar_of(connection, centre_id),
        "business",
        handled_at,
        BUSINESS_DAY_MINUTES,
        now,
        None,
        "",
    )
    table = Ticket.__table__
    connection.execute(sa.update(table).where(table.c.id == ticket_id).values(return_visit_due_at=due_at))
    return due_at


def _add_target(
    connection: Connection,
    centre_id: int,
    ticket_id: int,
    kind: TargetKind,
    calendar: Calendar,
    calendar_kind: str,
    start_at: datetime,
    minutes: int,
    now: datetime,
    customer_at: datetime | None,
    reason: str,
) -> datetime:
    total = explain(start_at, minutes, calendar)
    due = rules.earlier_of(total.due_at, customer_at)
    connection.execute(
        sa.insert(Target.__table__).values(
            centre_id=centre_id,
            ticket_id=ticket_id,
            kind=kind,
            start_at=start_at,
            minutes=minutes,
            calendar=calendar_kind,
            calendar_version=calendar.version,
            standard_at=total.due_at,
            due_at=due.at,
            source=due.source,
            reason=reason,
            sum=total.to_json(),
            computed_at=now,
        )
    )
    return due.at


def reminder_at(calendar: Calendar, start_at: datetime, due_at: datetime | None) -> datetime | None:
    """The moment when 80 % of the time until `due_at` is used; None where there is no such time."""
    if due_at is None or due_at <= start_at:
        return None
    share = calendar.elapsed(start_at, due_at) * REMIND_AT_SHARE
    return calendar.add(start_at, share) if share > 0 else None


def _centre_of(connection: Connection, ticket_id: int) -> int:
    return connection.execute(
        sa.select(Ticket.__table__.c.centre_id).where(Ticket.__table__.c.id == ticket_id)
    ).scalar_one()
