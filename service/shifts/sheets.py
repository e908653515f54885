"""What a handover lists: made from the open work as it is now, joined with what the two have written about it.

Nothing here writes. Before the outgoing person has signed, the list follows the open work; after it, what they signed stays, what has
come since is added and what was finished since is marked. Surprise: a complaint about the incoming person is not on their sheet; it
goes to the supervisor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.findings.models import OPEN_STATES as OPEN_FINDINGS
from service.findings.models import Finding
from service.findings.rules import title_of
from service.organisation.models import Person
from service.shifts import queries
from service.shifts.models import (
    Handover,
    HandoverGoods,
    HandoverItem,
    HandoverState,
    ItemKind,
    ShiftNote,
)
from service.signing.rules import Sheet
from service.tickets.models import OPEN_STATES, Promise, PromiseState, Slip, SlipState, Ticket

OPEN_SLIPS = (
    SlipState.SENT, SlipState.ASKED, SlipState.ACCEPTED, SlipState.ARRIVED, SlipState.HANDLED, SlipState.BACK
)  # fmt: skip
OUT, IN = "handover-out", "handover-in"  # meanings of the two signatures


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the list. `added`: it came after the outgoing person signed; `gone`: it was finished since."""

    kind: ItemKind
    thing: str  # a number, or an id within its kind
    title: str
    where: str = ""
    due_at: datetime | None = None
    comment: str = ""
    ticked: bool = False
    added: bool = False
    gone: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.thing}"


# --- the open work ----------------------------------------------------------------------------------------------------


def open_work(session: Session, handover: Handover) -> list[Item]:
    """What the outgoing person has open now, in the order in which it will go wrong within each kind."""
    return [
        *_tickets(session, handover),
        *_slips(session, handover),
        *_findings(session, handover),
        *_promises(session, handover),
        *_notes(session, handover),
    ]


def owned(handover: Handover) -> sa.ColumnElement[bool]:
    """The open tickets that move with the signature; those about the incoming person do not."""
    incoming = sa.select(Person.id).where(Person.username == handover.incoming).scalar_subquery()
    return sa.and_(
        Ticket.centre_id == handover.centre_id,
        Ticket.owner == handover.outgoing,
        Ticket.state.in_(OPEN_STATES),
        sa.or_(Ticket.about_person_id.is_(None), Ticket.about_person_id != incoming),
    )


def _tickets(session: Session, handover: Handover) -> Iterator[Item]:
    due = sa.func.coalesce(Ticket.resolution_due_at, Ticket.return_visit_due_at)
    rows = session.scalars(sa.select(Ticket).where(owned(handover)).order_by(due.is_(None), due, Ticket.id))
    for row in rows:
        at = row.return_visit_due_at if row.resolution_met_at else row.resolution_due_at
        yield Item(ItemKind.TICKET, row.number, row.title, row.unit.code if row.unit else "", at)


def _slips(session: Session, handover: Handover) -> Iterator[Item]:
    rows = session.execute(
        sa.select(Slip, Ticket.title)
        .join(Ticket, Ticket.id == Slip.ticket_id)
        .where(owned(handover), Slip.state.in_(OPEN_SLIPS))
        .order_by(Slip.id)
    )
    for slip, title in rows:
        yield Item(ItemKind.SLIP, slip.number, slip.instruction or title, slip.department)


def _findings(session: Session, handover: Handover) -> Iterator[Item]:
    """Those that the person reported, and those that came with the handover before."""
    before = (
        sa.select(Handover.id)
        .where(Handover.post_id == handover.post_id, Handover.state == HandoverState.DONE)
        .where(Handover.incoming == handover.outgoing)
        .order_by(Handover.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    carried = sa.select(HandoverItem.key).where(
        HandoverItem.handover_id == before, HandoverItem.kind == ItemKind.FINDING
    )
    rows = session.scalars(
        sa.select(Finding)
        .where(
            Finding.centre_id == handover.centre_id,
            Finding.state.in_(OPEN_FINDINGS),
            sa.or_(Finding.reported_by == handover.outgoing, Finding.number.in_(carried)),
        )
        .order_by(Finding.fix_due_at, Finding.id)
    )
    for row in rows:
        yield Item(ItemKind.FINDING, row.number, title_of(row.words), row.place, row.fix_due_at)


def _promises(session: Session, handover: Handover) -> Iterator[Item]:
    rows = session.execute(
        sa.select(Promise, Ticket.number)
        .join(Ticket, Ticket.id == Promise.ticket_id)
        .where(
            Promise.centre_id == handover.centre_id,
            Promise.owner == handover.outgoing,
            Promise.state == PromiseState.OPEN,
        )
        .order_by(Promise.due_at, Promise.id)
    )
    for row, number in rows:
        yield Item(ItemKind.PROMISE, str(row.id), row.text, number, row.due_at)


def _notes(session: Session, handover: Handover) -> Iterator[Item]:
    rows = session.scalars(
        sa.select(ShiftNote)
        .where(ShiftNote.post_id == handover.post_id, ShiftNote.handover_id.is_(None))
        .order_by(ShiftNote.at, ShiftNote.id)
    )
    for row in rows:
        yield Item(ItemKind.NOTE, str(row.id), row.text)


# --- the list ---------------------------------------------------------------------------------------------------------


def items(session: Session, handover: Handover) -> list[Item]:
    """The list as it is now; what was done is marked or gone, what is new is there."""
    kept = {f"{row.kind}:{row.key}": row for row in kept_items(session, handover)}
    live = {item.key: item for item in open_work(session, handover)}
    given = handover.given_at is not None and handover.state in (HandoverState.GIVEN, HandoverState.SETTLING)
    if handover.state == HandoverState.DONE:
        return [_of_row(row) for row in kept.values()]
    if not given:
        return [_written(item, kept.get(key)) for key, item in live.items()]
    signed = [replace(_of_row(row), gone=key not in live) for key, row in kept.items() if not row.added]
    before = {item.key for item in signed}
    return signed + [
        replace(_written(item, kept.get(key)), added=True) for key, item in live.items() if key not in before
    ]


def kept_items(session: Session, handover: Handover) -> list[HandoverItem]:
    wanted = sa.select(HandoverItem).where(HandoverItem.handover_id == handover.id)
    return list(session.scalars(wanted.order_by(HandoverItem.position, HandoverItem.id)))


def goods(session: Session, handover: Handover) -> list[HandoverGoods]:
    """The goods of the handover, as they were expected when it began."""
    wanted = sa.select(HandoverGoods).where(HandoverGoods.handover_id == handover.id)
    return list(session.scalars(wanted.order_by(HandoverGoods.id)))


def _of_row(row: HandoverItem) -> Item:
    return Item(row.kind, row.key, row.title, row.where, row.due_at, row.comment, row.ticked, row.added)


def _written(item: Item, row: HandoverItem | None) -> Item:
    return replace(item, comment=row.comment, ticked=row.ticked) if row is not None else item


# --- what is signed ---------------------------------------------------------------------------------------------------


def sheet(session: Session, handover: Handover, meaning: str) -> Sheet:
    """The content that the outgoing (OUT) or the incoming person (IN) signs, as it is now."""
    taking = meaning == IN
    content = {
        "number": handover.number,
        "post": handover.post_name,
        "day": handover.day,
        "shift": str(handover.shift),
        "outgoing": handover.outgoing,
        "incoming": handover.incoming,
        "items": [_signed(item, taking) for item in items(session, handover)],
        "goods": [_counted(row, taking) for row in goods(session, handover)],
        "matters": handover.matters,
    }
    if taking:
        content |= {"difference": handover.difference, "settlement": handover.settlement}
    return Sheet(content)


def _signed(item: Item, taking: bool) -> dict:
    found = {"key": item.key, "title": item.title, "where": item.where, "comment": item.comment}
    return found | ({"ticked": item.ticked, "finished": item.gone} if taking else {})


def _counted(row: HandoverGoods, taking: bool) -> dict:
    found = {
        "key": row.name,
        "measure": row.measure,
        "expected": row.expected,
        "out": row.counted_out,
        "remark": row.remark,
    }
    return found | ({"in": row.counted_in} if taking else {})


def responsible(session: Session, handover: Handover) -> str | None:
    """Who answers for the post now."""
    found = queries.responsible_now(session, handover.centre_id).get(handover.post_id)
    return found.person if found else None
