"""What one person has to answer before going home (clause 24.8): entries of today not complete, items not closed, slips out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.organisation.models import Unit
from service.shifts.sheets import OPEN_SLIPS
from service.tickets.models import OPEN_STATES, Slip, Ticket

INCOMPLETE, OPEN, SLIP = "incomplete", "open", "slip"


def open_of(connection: Any, centre_id: int, username: str, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """kind, key, title of each item: the person's entries since `since` that lack something, their open tickets, their slips out.

    A ticket stands once: as incomplete where its entry lacks something, as a slip where it waits for a department.
    """
    slips = _slips(connection, centre_id, username)
    incomplete = _incomplete(connection, centre_id, username, since)
    named = {item["key"] for item in incomplete} | {item["key"].rpartition("-")[0] for item in slips}
    return incomplete + [i for i in _open(connection, centre_id, username) if i["key"] not in named] + slips


def _incomplete(connection: Any, centre_id: int, username: str, since: datetime) -> list[dict[str, Any]]:
    """Clause 11 wants unit or company, customer, request, expectation, deadline; the form asks for all but the customer."""
    rows = connection.execute(
        sa.select(Ticket.number, Ticket.title)
        .where(
            Ticket.centre_id == centre_id,
            Ticket.created_by == username,
            Ticket.registered_at >= since,
            sa.or_(sa.and_(Ticket.customer_id.is_(None), Ticket.unit_id.is_not(None)), Ticket.expectation == ""),
        )
        .order_by(Ticket.id)
    )
    return [_item(INCOMPLETE, row.number, row.title) for row in rows]


def _open(connection: Any, centre_id: int, username: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        sa.select(Ticket.number, Ticket.title, Unit.code)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .where(Ticket.centre_id == centre_id, Ticket.owner == username, Ticket.state.in_(OPEN_STATES))
        .order_by(Ticket.id)
    )
    return [_item(OPEN, row.number, f"{row.code or ''} {row.title}".strip()) for row in rows]


def _slips(connection: Any, centre_id: int, username: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        sa.select(Slip.number, Ticket.title)
        .join(Ticket, Ticket.id == Slip.ticket_id)
        .where(
            Ticket.centre_id == centre_id,
            Ticket.owner == username,
            Ticket.state.in_(OPEN_STATES),
            Slip.state.in_(OPEN_SLIPS),
        )
        .order_by(Slip.id)
    )
    return [_item(SLIP, row.number, row.title) for row in rows]


def _item(kind: str, key: str, title: str) -> dict[str, Any]:
    return {"kind": kind, "key": key, "title": title[:200]}
