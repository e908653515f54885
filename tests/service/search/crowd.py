"""Many tickets written by few statements, with their search pieces as the service writes them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.search import actions
from service.tickets.models import Category, Channel, Slip, SlipState, Ticket, TicketState, Urgency

AT = datetime.fromisoformat("2026-11-01T02:00:00+00:00")


def ticket(id: int, number: str, centre_id: int, text: str, **other) -> dict:
    """One row of `ticket`."""
    row = {"id": id, "number": number, "centre_id": centre_id, "channel": Channel.PHONE, "category": Category.REPAIR}
    row |= {"urgency": Urgency.NORMAL, "vip": False, "title": text[:20], "request": text, "expectation": "come-now"}
    row |= {"deadline_kind": "none", "owner": "lin", "state": TicketState.CLOSED, "created_by": "lin", "result": ""}
    row |= {"end_reason": "", "return_visit_wanted": False, "urged_count": 0, "failed_count": 0, "reopened_count": 0}
    at = AT + timedelta(minutes=id)
    return row | {"version": 1, "registered_at": at, "closed_at": at + timedelta(hours=1)} | other


def slip(row: dict, department: str = "engineering", count: int = 1) -> dict:
    """A slip of a ticket's row."""
    words = dict.fromkeys(("instruction", "result", "cause", "material", "reason"), "")
    return words | {
        "centre_id": row["centre_id"], "ticket_id": row["id"], "count": count, "number": f"{row['number']}-{count}",
        "department": department, "state": SlipState.SENT, "sent_by": "lin", "sent_at": row["registered_at"],
    }  # fmt: skip


def put(connection, rows: list[dict], slips: list[dict] = ()) -> None:
    """Write tickets with what they are found by."""
    connection.execute(sa.insert(Ticket.__table__), rows)
    if slips:
        connection.execute(sa.insert(Slip.__table__), slips)
    for row in rows:
        actions.index_ticket(connection, row["centre_id"], row["id"], row["number"], f"{row['title']} {row['request']}")


def text(chance: random.Random, letters: str, least: int = 4, most: int = 40) -> str:
    return "".join(chance.choices(letters, k=chance.randint(least, most)))
