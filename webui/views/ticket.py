"""The page of one ticket and the list of tickets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from flask import g, url_for

from service import access
from service.tickets import actions, queries
from webui import people, words
from webui.errors import Missing
from webui.filters import clock, local, masked, when
from webui.gates import service_app
from webui.i18n import comma, gettext, language, listed
from webui.views import changes, diagram
from webui.views.limits import limits_of
from webui.views.pages import Row, photo_view, place_of, slip_view, ticket_clock, ticket_view
from webui.views.story import element_name, procedure_name, story

PROCEDURE = "customer-request"


@dataclass(slots=True)
class Page:
    ticket: Any
    procedure: str
    limits: list
    first_limit: Any
    slips: list
    story: list
    customer: Any
    photos: list
    may: Any
    my_tasks: list = field(default_factory=list)
    promises: list = field(default_factory=list)
    diagram: dict | None = None
    promise_default: str = ""
    merged_href: str = ""
    merged_into: str = ""
    changes: Any = None
    about: str = ""  # whom a complaint is about


def page(card) -> Page:
    ticket, now = card.ticket, service_app().clock.now()
    people.names().update(card.names)
    limits = limits_of(card, now)
    definitions = definitions_of(card)
    definition = definitions(PROCEDURE)
    procedure = (
        gettext("%(name)s 第 %(n)d 版", name=procedure_name(definition), n=definition.version) if definition else ""
    )
    return Page(
        ticket_view(ticket),
        procedure,
        limits,
        next((x for x in limits if x.first), None),
        [slip_view(s, ticket, now) for s in reversed(card.slips)],
        story(card, definitions),
        _customer(card),
        [photo_view(p) for p in card.photos],
        _may(card),
        [
            {
                "href": url_for("tasks.show", task_id=t.id),
                "name": words.button(t.element_id, element_name(definitions(t.process_key), t.element_id)),
            }
            for t in card.tasks
            if t.mine
        ],
        [_promise(p, card, now) for p in card.promises if str(p.state) == "open"],
        diagram.of_ticket(ticket, card.tasks, definitions),
        f"{local(now + timedelta(minutes=30)):%Y-%m-%dT%H:%M}",
        url_for("tickets.show", number=card.merged_into) if card.merged_into else "",
        card.merged_into or "",
        changes.of_card(card, now),
        card.about_name,
    )


def state(card) -> dict:
    people.names().update(card.names)
    return diagram.state(card, PROCEDURE, service_app().clock.now())


def diagram_xml(card) -> bytes:
    """The diagram that the ticket runs on, with the names of its elements in the reader's language."""
    procedure = service_app().engine.definition(card.definition_hash).procedure
    xml = next(content for name, content in procedure.files.items() if name.endswith(".bpmn"))
    names = (procedure.translations or {}).get("elements") if language() == "en" else None
    return diagram.renamed(xml, names) if names else xml


def definitions_of(card):
    """process key -> the definition that this ticket's instances run on; by the trace, each loaded once."""
    hashes = {e.data["process"]: e.data["definition"] for e in card.timeline if e.kind == "instance-started"}
    known: dict[str, Any] = {}

    def find(key: str):
        if key not in known:
            known[key] = service_app().engine.definition(hashes[key]) if key in hashes else None
        return known[key]

    return find


def reveal(person, card, phone_id: int) -> str:
    """The whole number of the ticket's contact. Who looked stands on the ticket. 404 for any other number."""
    phone = (
        next((p for p in card.contact.phones if p.id == phone_id), None)
        if card.contact and "reveal" in card.may
        else None
    )
    if phone is None:
        raise Missing("phone")
    actions.note(service_app(), person, card.ticket.number, gettext("看了号码 %(phone)s", phone=masked(phone.digits)))
    return phone.digits


def listing(person, everything: bool, number: int) -> SimpleNamespace:
    """One page of the tickets within reach: the open ones, the nearest limit first, or all, the newest first."""
    found, now = queries.ticket_list(person, everything, number), service_app().clock.now()
    first = (number - 1) * queries.LISTED
    whole = number == 1 and not found.more
    return SimpleNamespace(
        rows=rows(found.tickets, now),
        everything=everything,
        count=len(found.tickets) if whole else f"{first + 1}–{first + len(found.tickets)}",
        earlier=list_address(everything, number - 1) if number > 1 else "",
        later=list_address(everything, number + 1) if found.more else "",
    )


def list_address(everything: bool, number: int = 1) -> str:
    return url_for("tickets.index", all=1 if everything else None, page=number if number > 1 else None)


def _address():
    """ticket number -> its page's address; the router is asked once for the whole list."""
    before, after = url_for("tickets.show", number="-").rsplit("-", 1)
    return lambda number: f"{before}{quote(number)}{after}"


def _customer(card) -> SimpleNamespace:
    ticket, contact, customer = card.ticket, card.contact, card.customer
    phones = [{"id": p.id, "masked": masked(p.digits)} for p in contact.phones] if contact else []
    habits = listed(customer.habits, customer.address_as) if customer else ""
    href = url_for("desk.register", unit=ticket.unit_id) if ticket.unit_id and access.may(g.person, "register") else ""
    return SimpleNamespace(
        unit=ticket.unit.code if ticket.unit else "",
        customer=customer.name if customer else "",
        contact=contact.name if contact else "",
        title=contact.title if contact else "",
        vip=ticket.vip,
        phones=phones if "reveal" in card.may else [],
        habits=habits,
        unit_href=href,
    )


def _may(card) -> SimpleNamespace:
    return SimpleNamespace(
        urge="urge" in card.may,
        add_information="inform" in card.may,
        withdraw="withdraw" in card.may,
        promise="promise" in card.may,
        help="ask help" in card.may,
        photo="photo" in card.may,
    )


def _promise(promise, card, now) -> dict:
    return {
        "text": promise.text,
        "clock": clock(promise.due_at, promise.made_at, mine=promise.owner == g.person.username, at=now),
        "until": gettext("%(at)s 前", at=when(promise.due_at)),
        "keep_href": url_for("tickets.keep", number=card.ticket.number, promise_id=promise.id)
        if "promise" in card.may
        else "",
    }


def rows(tickets, now: datetime) -> list[Row]:
    """The list's rows; what is the same for all of them is looked up once."""
    me, address, see, until = g.person.username, _address(), gettext("看"), gettext("%(at)s 前")
    states, mark = words.ticket_states(), comma()
    found = []
    for ticket in tickets:
        chip = ticket_clock(ticket, now, mine=ticket.owner == me)
        found.append(
            Row(
                chip,
                until % {"at": when(chip.due_at)} if chip.due_at else "",
                ticket.title,
                place_of(ticket, ticket.unit_code, ticket.customer_name) + mark + states[ticket.state],
                address(ticket.number),
                see,
                vip=ticket.vip,
                waiting=chip.kind in ("wait", "done"),
            )
        )
    return found
