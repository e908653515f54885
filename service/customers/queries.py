"""Reads about customers: units by what was typed, people by a phone number, the card of a unit.

A number shared by several people is answered with all of them, last caller first; nobody is guessed (design, section
7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session, selectinload

from service import access
from service.customers.models import Contact, ContactPhone, Customer, UnitOccupancy
from service.organisation.models import Person, Unit
from service.organisation.rules import phone_digits
from service.search.models import ThingKind
from service.search.queries import ids
from service.tickets.models import OPEN_STATES, Ticket, TicketState

RECENT_DAYS = 90


@dataclass(frozen=True, slots=True)
class UnitHit:
    """One unit of a result list, with who is in it."""

    unit: Unit
    customers: list[Customer]

    @property
    def label(self) -> str:
        return self.unit.code

    @property
    def vip(self) -> bool:
        return any(c.vip for c in self.customers)


@dataclass(frozen=True, slots=True)
class Caller:
    """One person behind a phone number."""

    contact: Contact
    customer: Customer
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class UnitCard:
    """Everything the desk wants beside a request of this unit."""

    unit: Unit
    customers: list[Customer]
    contacts: list[Contact]
    units_of_customer: list[Unit]
    since_on: date | None
    open_tickets: list[Ticket]
    recent: list[Ticket]  # closed within 90 days, newest first
    satisfaction: float | None  # mean of the recent ones that have a score

    @property
    def customer(self) -> Customer | None:
        return self.customers[0] if self.customers else None

    @property
    def vip(self) -> bool:
        return any(c.vip for c in self.customers)


def find_units(person: Person, text: str, limit: int = 8) -> list[UnitHit]:
    """Units by shorthand, by their customer's name or pinyin, or by a contact's name or phone tail."""
    session, mine = object_session(person), access.reach(person)
    ways = _unit_ways(text)
    if not ways:
        return []
    units = session.scalars(
        sa.select(Unit)
        .where(sa.or_(*ways), access.centre_filter(mine, "see units", Unit.centre_id))
        .order_by(Unit.code)
        .limit(limit)
    ).all()
    customers = _customers_of(session, [u.id for u in units], _today(session))
    seen = access.may(person, "see customers")
    return [UnitHit(u, customers.get(u.id, []) if seen else []) for u in units]


def by_phone(person: Person, phone: str) -> list[Caller]:
    """Everybody who has this number, the last caller first. Empty for an unknown number."""
    session, mine = object_session(person), access.reach(person)
    digits = phone_digits(phone)
    if not digits:
        return []
    contacts = (
        session.scalars(
            sa.select(Contact)
            .join(ContactPhone)
            .where(
                ContactPhone.digits == digits,
                Contact.active,
                access.centre_filter(mine, "see customers", Contact.centre_id),
            )
            .options(selectinload(Contact.customer), selectinload(Contact.unit))
            .order_by(Contact.last_call_at.is_(None), Contact.last_call_at.desc(), Contact.id)
        )
        .unique()
        .all()
    )
    return [Caller(c, c.customer, c.unit or _only_unit(session, c.customer_id)) for c in contacts]


def unit_card(person: Person, unit_id: int) -> UnitCard:
    """The card of a unit. Raises NotThere outside the person's reach."""
    session, mine = object_session(person), access.reach(person)
    unit = session.get(Unit, unit_id)
    if unit is None or not access.may(person, "see customers", unit):
        from service.errors import NotThere

        raise NotThere("Unit", unit_id)
    now = session.info["clock"].now()
    customers = _customers_of(session, [unit.id], _today(session)).get(unit.id, [])
    customer_ids = [c.id for c in customers]
    occupied = session.scalars(
        sa.select(UnitOccupancy)
        .where(UnitOccupancy.customer_id.in_(customer_ids))
        .options(selectinload(UnitOccupancy.unit))
        .order_by(UnitOccupancy.from_on)
    ).all()
    recent = _recent(session, mine, unit.id, now)
    scores = [t.satisfaction for t in recent if t.satisfaction]
    return UnitCard(
        unit,
        customers,
        _contacts(session, customer_ids),
        [o.unit for o in occupied],
        min((o.from_on for o in occupied if o.unit_id == unit.id), default=None),
        open_tickets(session, mine, unit.id),
        recent,
        round(sum(scores) / len(scores), 1) if scores else None,
    )


def customer_card(person: Person, customer_id: int) -> Customer:
    """One customer with contacts and units. Raises NotThere outside the person's reach."""
    session = object_session(person)
    customer = session.get(Customer, customer_id)
    if customer is None or not access.may(person, "see", customer):
        from service.errors import NotThere

        raise NotThere("Customer", customer_id)
    return customer


def open_tickets(session: Session, mine: access.Reach, unit_id: int) -> list[Ticket]:
    return list(
        session.scalars(
            sa.select(Ticket)
            .where(Ticket.unit_id == unit_id, Ticket.state.in_(OPEN_STATES), access.ticket_filter(mine))
            .order_by(Ticket.registered_at.desc())
        )
    )


def _recent(session: Session, mine: access.Reach, unit_id: int, now: datetime) -> list[Ticket]:
    return list(
        session.scalars(
            sa.select(Ticket)
            .where(
                Ticket.unit_id == unit_id,
                Ticket.state == TicketState.CLOSED,
                Ticket.registered_at > now - timedelta(days=RECENT_DAYS),
                access.ticket_filter(mine),
            )
            .order_by(Ticket.registered_at.desc())
            .limit(20)
        )
    )


def _unit_ways(text: str) -> list:
    ways = []
    if (units := ids(text, ThingKind.UNIT)) is not None:
        ways.append(Unit.id.in_(units))
    if (customers := ids(text, ThingKind.CUSTOMER)) is not None:
        ways.append(Unit.id.in_(sa.select(UnitOccupancy.unit_id).where(UnitOccupancy.customer_id.in_(customers))))
    if (contacts := ids(text, ThingKind.CONTACT)) is not None:
        ways.append(Unit.id.in_(sa.select(Contact.unit_id).where(Contact.id.in_(contacts))))
    return ways


def _customers_of(session: Session, unit_ids: list[int], today: date) -> dict[int, list[Customer]]:
    rows = session.execute(
        sa.select(UnitOccupancy.unit_id, Customer)
        .join(Customer, Customer.id == UnitOccupancy.customer_id)
        .where(
            UnitOccupancy.unit_id.in_(unit_ids),
            UnitOccupancy.from_on <= today,
            sa.or_(UnitOccupancy.until_on.is_(None), UnitOccupancy.until_on >= today),
        )
        .order_by(UnitOccupancy.from_on.desc())
    ).all()
    found: dict[int, list[Customer]] = {}
    for unit_id, customer in rows:
        found.setdefault(unit_id, []).append(customer)
    return found


def _contacts(session: Session, customer_ids: list[int]) -> list[Contact]:
    return list(
        session.scalars(
            sa.select(Contact).where(Contact.customer_id.in_(customer_ids), Contact.active).order_by(Contact.id)
        )
    )


def _only_unit(session: Session, customer_id: int) -> Unit | None:
    units = session.scalars(
        sa.select(Unit)
        .join(UnitOccupancy)
        .where(UnitOccupancy.customer_id == customer_id, UnitOccupancy.until_on.is_(None))
        .limit(2)
    ).all()
    return units[0] if len(units) == 1 else None


def _today(session: Session) -> date:
    return session.info["clock"].now().astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai"))).date()
