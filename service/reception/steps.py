"""What steps do to missed calls. Called inside a step, on its connection; nothing here decides where a process goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.errors import Refused
from service.reception.models import CallState, MissedCall
from service.tickets.models import Ticket

_call, _ticket = MissedCall.__table__, Ticket.__table__


def tried(connection: Any, number: str, reached: bool, reason: str, words: str, by: str, now: datetime) -> int:
    """Somebody has called back; how often that has been tried now."""
    told = {"reason": reason, "words": words} if reached else {}
    statement = sa.update(_call).where(_call.c.number == number)
    values = {"tries": _call.c.tries + 1, "called_by": by, "called_at": now, **told}
    return connection.execute(statement.values(values).returning(_call.c.tries)).scalar_one()


def ended(connection: Any, number: str, state: CallState) -> None:
    connection.execute(sa.update(_call).where(_call.c.number == number).values(state=state))


def became(connection: Any, number: str, centre_id: int, ticket_number: str) -> str:
    """The request that the customer had is a ticket; its number. Raises Refused for a number that is none of this centre."""
    ticket = ticket_number.strip()
    there = sa.select(_ticket.c.id).where(_ticket.c.number == ticket, _ticket.c.centre_id == centre_id)
    if connection.execute(there).first() is None:
        raise Refused(f"There is no ticket {ticket} here. Register the request first, then write its number.", "ticket_number")
    connection.execute(
        sa.update(_call).where(_call.c.number == number).values(state=CallState.TICKET, ticket_number=ticket)
    )
    return ticket
