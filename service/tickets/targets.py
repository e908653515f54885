"""Targets of a ticket: each due instant with the sum that led to it, computed in the centre's calendar.

Every computation is kept as a row (which start, minutes, calendar and version), so that a pause, a changed urgency or
calendar can be computed again and an old sum still be shown. Called by operations, on the step's connection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from service.calendars.queries import calendar_of
from service.calendars.rules import Pause
from service.tickets import rows
from service.tickets.contracts import Limit, limit_of
from service.tickets.counting import Counted, Named, counted, named_of, reminder_at
from service.tickets.models import Target, TargetKind, Ticket, TicketPause

BUSINESS_DAY_MINUTES = 570  # one business day: 08:30 to 18:00
_ticket, _target, _pause = Ticket.__table__, Target.__table__, TicketPause.__table__
_COLUMN = {
    TargetKind.RESPONSE: "response_due_at",
    TargetKind.ARRIVAL: "arrival_due_at",
    TargetKind.RESOLUTION: "resolution_due_at",
    TargetKind.RETURN_VISIT: "return_visit_due_at",
}
_ON_REGISTRATION = (TargetKind.RESPONSE, TargetKind.ARRIVAL, TargetKind.RESOLUTION)


def set_targets(
    connection: Connection,
    ticket: Any,
    level: dict[str, Any],
    start_at: datetime,
    now: datetime,
    customer_at: datetime | None = None,
    reason: str = "",
) -> dict[str, datetime | None]:
    """Compute response, arrival and resolution from the decision table's row; gives the process its instants.

    `ticket` is its row. `level` has response_minutes, arrival_minutes, resolution_minutes (None: no such target) and
    calendar; with `standard` and `promised` also which minutes are a contract's. Also `reminder_at`, the moment when 80 % of
    the handling time is used.
    """
    calendar = calendar_of(connection, ticket.centre_id, level["calendar"])
    named = Named(customer_at, start_at) if customer_at else None
    pauses = pauses_of(connection, ticket.id) if start_at < now else ()  # a merge that was undone may have had some
    values: dict[str, Any] = {}
    kept = []
    for kind in _ON_REGISTRATION:
        limit = limit_of(level, kind)
        values[_COLUMN[kind]] = None
        if limit.minutes is not None:
            found = counted(start_at, limit.minutes, calendar, pauses, named)
            kept.append(_row(ticket, kind, level["calendar"], limit, found, now, reason))
            values[_COLUMN[kind]] = found.due.at
    rows.add(connection, _target, kept)
    instants = dict(values)
    if customer_at:
        values |= {"deadline_kind": "at", "deadline_at": customer_at, "deadline_named_at": None}
    _change(connection, ticket.id, return_visit_wanted=bool(level.get("return_visit")), **values)
    return instants | {"reminder_at": reminder_at(calendar, start_at, instants["resolution_due_at"], pauses)}


def count_again(
    connection: Connection, ticket: Any, now: datetime, reason: str, level: dict[str, Any] | None = None
) -> dict[str, datetime | None]:
    """Every limit that is not met, counted from its own start with the ticket's pauses and the customer's deadline.

    `ticket` is its row as it is now. `level`: by another row of the decision table; a limit that this row lacks is
    dropped, one that it brings begins where the others did. Gives the process its instants, like `set_targets`.
    """
    newest, pauses, named = _newest(connection, ticket.id), pauses_of(connection, ticket.id), named_of(ticket)
    if not newest:
        return {}
    opened = max(newest.values(), key=lambda row: row.id)
    name = level["calendar"] if level else opened.calendar
    calendar = calendar_of(connection, ticket.centre_id, name)
    instants: dict[str, datetime | None] = {}
    kept = []
    for kind in _ON_REGISTRATION:
        instants[_COLUMN[kind]] = getattr(ticket, _COLUMN[kind])
        if getattr(ticket, f"{kind}_met_at") is not None:
            continue
        limit = limit_of(level, kind) if level else _limit(ticket, kind, newest)
        instants[_COLUMN[kind]] = None
        if limit.minutes is not None:
            found = counted(opened.start_at, limit.minutes, calendar, pauses, named)
            if _differs(newest.get(kind), name, limit, found):
                kept.append(_row(ticket, kind, name, limit, found, now, reason))
            instants[_COLUMN[kind]] = found.due.at
    rows.add(connection, _target, kept)
    _change(connection, ticket.id, **instants)
    return instants | {"reminder_at": reminder_at(calendar, opened.start_at, instants["resolution_due_at"], pauses)}


def keep_return_visit(connection: Connection, ticket: Any, handled_at: datetime, now: datetime) -> datetime:
    """The return visit is due one business day after handling; keeps the sum, the ticket's column is the caller's."""
    found = counted(handled_at, BUSINESS_DAY_MINUTES, calendar_of(connection, ticket.centre_id))
    limit = Limit(BUSINESS_DAY_MINUTES)
    rows.add(connection, _target, [_row(ticket, TargetKind.RETURN_VISIT, "business", limit, found, now, "")])
    return found.due.at


def pauses_of(connection: Connection, ticket_id: int) -> tuple[Pause, ...]:
    """When the ticket stood still, in order; a pause that lasts counts until its latest moment."""
    found = connection.execute(
        sa.select(_pause).where(_pause.c.ticket_id == ticket_id).order_by(_pause.c.started_at, _pause.c.id)
    )
    return tuple(stretch(row) for row in found)


def stretch(row: Any) -> Pause:
    return Pause(row.started_at, row.ended_at or row.until_at)


def _row(
    ticket: Any, kind: TargetKind, calendar: str, limit: Limit, found: Counted, now: datetime, reason: str
) -> dict[str, Any]:
    return {
        "centre_id": ticket.centre_id,
        "ticket_id": ticket.id,
        "kind": kind,
        "start_at": found.total.start_at,
        "minutes": limit.minutes,
        "table_minutes": limit.table_minutes,
        "promise_id": limit.promise_id,
        "calendar": calendar,
        "calendar_version": found.total.calendar_version,
        "standard_at": found.total.due_at,
        "due_at": found.due.at,
        "source": source_of(found, limit.promise_id),
        "reason": reason,
        "sum": found.total.to_json(),
        "computed_at": now,
    }


def source_of(found: Counted, promise_id: int | None) -> str:
    """Whose limit counts: the customer's own, a contract's promise, or the table's."""
    return "promise" if promise_id is not None and found.due.source == "table" else found.due.source


def _differs(row: Any, calendar: str, limit: Limit, found: Counted) -> bool:
    if row is None:
        return True
    before = (row.calendar, row.minutes, row.promise_id, row.due_at, row.sum)
    return before != (calendar, limit.minutes, limit.promise_id, found.due.at, found.total.to_json()) or (
        row.source != source_of(found, limit.promise_id)
    )


def _limit(ticket: Any, kind: TargetKind, newest: dict[TargetKind, Any]) -> Limit:
    """What was given when the limit was last counted; no minutes for one that the ticket does not have now."""
    if kind not in newest or getattr(ticket, _COLUMN[kind]) is None:
        return Limit(None)
    return Limit(newest[kind].minutes, newest[kind].table_minutes, newest[kind].promise_id)


def _newest(connection: Connection, ticket_id: int) -> dict[TargetKind, Any]:
    """The newest computation of each limit that begins with the registration."""
    wanted = sa.select(_target).where(_target.c.ticket_id == ticket_id, _target.c.kind.in_(_ON_REGISTRATION))
    return {row.kind: row for row in connection.execute(wanted.order_by(_target.c.id))}


def _change(connection: Connection, ticket_id: int, **values: Any) -> None:
    rows.change(connection, _ticket, ticket_id, values)
