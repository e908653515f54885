"""What one search box found, as lines with an address, in the order of the search: number, units, people, companies, tickets."""

from __future__ import annotations

from flask import url_for

from service import access
from service.customers.models import Contact, Customer
from service.organisation.models import Unit
from service.search.queries import find
from service.tickets.models import Ticket
from webui import words
from webui.i18n import listed
from webui.views.pages import where_of


def found(person, text: str) -> list[dict]:
    """One line per thing found. Places and people lead to the register form, so they are for those who register."""
    desk = access.may(person, "register")
    lines = (LINES[type(thing)](thing) for thing in find(person, text) if desk or isinstance(thing, Ticket))
    return [line for line in lines if line]


def _ticket(ticket: Ticket) -> dict:
    hint = listed(where_of(ticket), words.ticket_state(ticket.state))
    return _line(f"{ticket.number} {ticket.title}", hint, ticket.vip, url_for("tickets.show", number=ticket.number))


def _unit(unit: Unit) -> dict:
    return _line(unit.code, unit.building.name if unit.building else "", False, url_for("desk.register", unit=unit.id))


def _contact(contact: Contact) -> dict | None:
    if not contact.unit_id:
        return None
    href = url_for("desk.register", unit=contact.unit_id, contact=contact.id)
    return _line(contact.name, contact.customer.name, contact.customer.vip, href)


def _customer(customer: Customer) -> dict | None:
    if not customer.occupancies:
        return None
    hint = listed(*(o.unit.code for o in customer.occupancies), items=True)
    return _line(customer.name, hint, customer.vip, url_for("desk.register", unit=customer.occupancies[0].unit_id))


def _line(title: str, hint: str, vip: bool, href: str) -> dict:
    return {"title": title, "hint": hint, "vip": vip, "href": href}


LINES = {Ticket: _ticket, Unit: _unit, Contact: _contact, Customer: _customer}
