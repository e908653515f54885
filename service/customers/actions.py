"""Changes of customer cards. All take a session inside a unit of work; search keys change with the row."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from service.customers.models import Contact, ContactPhone, Customer, CustomerKind, UnitOccupancy
from service.organisation.models import Unit
from service.organisation.rules import phone_digits
from service.search.actions import index_contact, index_customer


def add_customer(
    session: Session,
    centre_id: int,
    kind: CustomerKind,
    name: str,
    *,
    vip: bool = False,
    units: list[Unit] = (),
    from_on: date,
    address_as: str = "",
    habits: str = "",
    note: str = "",
) -> Customer:
    """A customer in its units from a day on."""
    customer = Customer(
        centre_id=centre_id, kind=kind, name=name, vip=vip, address_as=address_as, habits=habits, note=note
    )
    session.add(customer)
    session.flush()
    session.add_all(
        UnitOccupancy(centre_id=centre_id, unit_id=u.id, customer_id=customer.id, from_on=from_on) for u in units
    )
    index_customer(session, centre_id, customer.id, name)
    return customer


def add_contact(
    session: Session,
    customer: Customer,
    name: str,
    phones: list[str],
    *,
    unit: Unit | None = None,
    title: str = "",
    note: str = "",
) -> Contact:
    """A contact with any number of phones; a phone that others have too is fine."""
    digits = [phone_digits(p) for p in phones]
    contact = Contact(
        centre_id=customer.centre_id,
        customer_id=customer.id,
        unit_id=unit.id if unit else None,
        name=name,
        title=title,
        note=note,
    )
    contact.phones = [
        ContactPhone(centre_id=customer.centre_id, digits=d, kind="mobile" if d.startswith("1") else "desk")
        for d in dict.fromkeys(digits)
        if d
    ]
    session.add(contact)
    session.flush()
    index_contact(session, customer.centre_id, contact.id, name, digits)
    return contact
