"""Finding things by what somebody typed, within the person's reach. At most `limit` of each kind, best match first."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.orm import Session, object_session, selectinload

from service import access
from service.customers.models import Contact, Customer
from service.organisation.models import Person, Unit
from service.search import rules
from service.search.models import SearchKey, ThingKind
from service.tickets.models import Slip, Ticket

LIMIT = 8


@dataclass(slots=True)
class Found:
    """What one box found."""

    units: list[Unit] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.units or self.customers or self.contacts or self.tickets)


def find(person: Person, text: str, now=None, limit: int = LIMIT) -> Found:
    """Units, customers, contacts and tickets that the text leads to and that the person may see."""
    session, mine = object_session(person), access.reach(person, now)
    return Found(
        _things(
            session,
            text,
            ThingKind.UNIT,
            Unit,
            access.centre_filter(mine, "see units", Unit.centre_id),
            Unit.code,
            limit,
        ),
        _things(
            session,
            text,
            ThingKind.CUSTOMER,
            Customer,
            access.centre_filter(mine, "see customers", Customer.centre_id),
            Customer.vip.desc(),
            limit,
        ),
        _things(
            session,
            text,
            ThingKind.CONTACT,
            Contact,
            access.centre_filter(mine, "see customers", Contact.centre_id),
            Contact.name,
            limit,
        ),
        _tickets(session, text, mine, limit),
    )


def ids(text: str, thing: ThingKind) -> sa.ColumnElement | None:
    """A clause `id in (...)` maker: the select of thing ids that the text leads to, None for an empty text."""
    ways = [_all_of(way, thing) for way in rules.asks(text)]
    if not ways:
        return None
    return ways[0] if len(ways) == 1 else sa.union(*ways)


def _all_of(way: list[rules.Ask], thing: ThingKind) -> sa.Select:
    first, *others = way
    found = sa.select(SearchKey.thing_id).where(*_matches(SearchKey, first, thing))
    for ask in others:
        other = sa.orm.aliased(SearchKey)
        found = found.where(SearchKey.thing_id.in_(sa.select(other.thing_id).where(*_matches(other, ask, thing))))
    return found


def _matches(table, ask: rules.Ask, thing: ThingKind) -> list:
    key = table.key == ask.key
    if ask.beginning:
        key = sa.and_(table.key >= ask.key, table.key < ask.key + "￿")
    return [table.thing == thing, table.kind == ask.kind, key]


def _things(session: Session, text: str, thing: ThingKind, table, seen, order, limit: int) -> list:
    found = ids(text, thing)
    if found is None:
        return []
    return list(
        session.scalars(sa.select(table).where(table.id.in_(found), seen).order_by(order, table.id).limit(limit))
    )


def _tickets(session: Session, text: str, mine: access.Reach, limit: int) -> list[Ticket]:
    found = ids(text, ThingKind.TICKET)
    if found is None:
        return []
    by_slip = sa.select(Slip.ticket_id).where(Slip.number == text.strip())
    return list(
        session.scalars(
            sa.select(Ticket)
            .where(sa.or_(Ticket.id.in_(found), Ticket.id.in_(by_slip)), access.ticket_filter(mine))
            .options(selectinload(Ticket.unit), selectinload(Ticket.customer))
            .order_by(Ticket.registered_at.desc())
            .limit(limit)
        )
    )
