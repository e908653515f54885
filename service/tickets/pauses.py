"""Pausing the handling of a ticket: no limit runs meanwhile, and none fires. Called by operations, on the step's connection.

While it lasts, every limit stands where it is if work goes on at the pause's latest moment; whoever goes on earlier moves it
back to what it really is. Surprise: a limit that was missed before the pause stays missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from service.errors import Refused
from service.tickets import targets
from service.tickets.models import PauseReason, Ticket, TicketPause, TicketState

LONGEST = timedelta(days=90)  # later than this is a slip of the pen: the ticket would never come up again
NAMES = {
    PauseReason.CUSTOMER_AWAY: "客户不在",
    PauseReason.PART_ON_ORDER: "等配件",
    PauseReason.THIRD_PARTY: "等第三方",
    PauseReason.APPOINTMENT: "约了时间",
}
_ticket, _pause = Ticket.__table__, TicketPause.__table__
Instants = dict[str, datetime | None]


def begin(
    connection: Connection, ticket: SimpleNamespace, reason: str, until: datetime, by: str, now: datetime
) -> Instants:
    """The handling stands still from now on; gives the process its instants. Raises Refused."""
    why = _allowed(ticket, reason, until, now)
    connection.execute(
        sa.insert(_pause).values(
            centre_id=ticket.centre_id,
            ticket_id=ticket.id,
            reason=why,
            started_at=now,
            started_by=by,
            until_at=until,
            note="",
        )
    )
    _mark(connection, ticket.id, now)
    return targets.count_again(connection, ticket, now, f"暂停：{NAMES[why]}")


def end(connection: Connection, ticket: SimpleNamespace, note: str, by: str, now: datetime) -> Instants:
    """Work goes on, at the latest since the pause's latest moment; gives the process its instants. Raises Refused."""
    if not _end(connection, ticket.id, note, by, now):
        raise Refused(
            f"The work on {ticket.number} is not paused, so there is nothing to go on with. Load the page again."
        )
    return targets.count_again(connection, ticket, now, "继续办")


def stop(connection: Connection, ticket_id: int, by: str, now: datetime) -> bool:
    """The ticket ends, and with it a pause that lasts; its limits stay as they are."""
    return _end(connection, ticket_id, "", by, now)


def lasting(connection: Connection, ticket_id: int) -> Any | None:
    """The pause that a ticket is in now."""
    open_ones = sa.select(_pause).where(_pause.c.ticket_id == ticket_id, _pause.c.ended_at.is_(None))
    return connection.execute(open_ones).first()


def _allowed(ticket: SimpleNamespace, reason: str, until: datetime, now: datetime) -> PauseReason:
    if ticket.paused_at is not None:
        raise Refused(f"The work on {ticket.number} is paused already. Go on with it first, then pause it again.")
    if ticket.state != TicketState.IN_HAND:
        raise Refused(f"Nobody is working on {ticket.number} now, so there is nothing to pause.")
    if reason not in list(PauseReason):
        raise Refused(f"A pause needs a reason of the list: {', '.join(PauseReason)}.", "pause_reason")
    if until is None or until <= now:
        raise Refused("The latest moment to go on is already over. Name a later one.", "pause_until")
    if until > now + LONGEST:
        raise Refused(f"A pause lasts {LONGEST.days} days at most. Name an earlier moment.", "pause_until")
    return PauseReason(reason)


def _end(connection: Connection, ticket_id: int, note: str, by: str, now: datetime) -> bool:
    pause = lasting(connection, ticket_id)
    if pause is None:
        return False
    ended = {"ended_at": min(now, pause.until_at), "ended_by": by, "note": note}
    connection.execute(sa.update(_pause).where(_pause.c.id == pause.id).values(**ended))
    _mark(connection, ticket_id, None)
    return True


def _mark(connection: Connection, ticket_id: int, at: datetime | None) -> None:
    changed = {"paused_at": at, "version": _ticket.c.version + 1}
    connection.execute(sa.update(_ticket).where(_ticket.c.id == ticket_id).values(**changed))
