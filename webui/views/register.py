"""The register page: who calls, the customer's card beside it, and the limits that the decision table would set now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from engine.errors import EngineError
from service import access
from service.calendars.queries import calendar_of
from service.calendars.rules import explain
from service.customers import queries as customers
from service.errors import NotThere
from service.tickets import actions, complaints, contracts, queries, rules
from service.tickets.models import Category
from webui import clauses, words
from webui.filters import Clock, local, masked, month_day, when
from webui.gates import look_again, service_app
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.views.limits import SumView, sum_of
from webui.views.pages import ticket_clock

PROCEDURE = "customer-request"
DECISION = "service-level"
CATEGORIES = frozenset(Category)
KINDS = ("response", "arrival", "resolution")


@dataclass(slots=True)
class Who:
    unit: str
    customer: str
    contact: str
    phone: str
    vip: bool
    unit_id: int
    customer_id: int | None
    contact_id: int | None
    contacts: list[dict]


@dataclass(slots=True)
class Page:
    """Everything the register page and its parts show."""

    who: Who | None = None
    card: Any = None
    fields: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    targets_hint: str = ""
    department: str = ""
    duplicates: list = field(default_factory=list)
    channel: str = "phone"
    channels: list = field(default_factory=list)
    clause: str = ""
    clause_text: str = ""
    query: str = ""
    fault: Any = None
    errors: dict = field(default_factory=dict)
    centre_id: int | None = None
    about: Any = None
    draft: Any = None
    unsaved: bool = False  # what stands in the form is not in its draft yet


@dataclass(frozen=True, slots=True)
class TargetView:
    kind: str
    clock: Clock
    sum: SumView


def definition():
    return service_app().engine.definition_in_force(PROCEDURE)


def page(
    unit_id: int | None = None,
    contact_id: int | None = None,
    channel: str = "phone",
    query: str = "",
    category: str = "",
    about: str = "",
) -> Page:
    """The page for a unit (perhaps already a caller), or still without one. Raises NotThere outside the person's reach."""
    card = customers.unit_card(g.person, unit_id) if unit_id else None
    element = definition().diagram.elements.get("register")
    found = Page(
        channel=channel,
        channels=list(words.channels().items()),
        clause=element.clause or "" if element else "",
        query=query,
    )
    found.clause_text = clauses.title(found.clause)
    found.about = SimpleNamespace(hidden=category != Category.COMPLAINT, chosen=about, people=[], floors=[])
    if card is not None:
        found.about.people, found.about.floors = _may_be_about(card.unit)
        found.who = _who(card, contact_id)
        found.card = _card(card)
        found.centre_id = card.unit.centre_id
    return found


def page_as_left(typed: Mapping[str, str]) -> Page:
    """The page with unit, caller and way in as a draft holds them; without the unit if it is out of reach by now."""

    def number(name: str) -> int | None:
        raw = typed.get(name) or ""
        return int(raw) if raw.isdigit() and len(raw) < 10 else None

    left = [typed.get("channel") or "phone", *(typed.get(name) or "" for name in ("q", "category", "about"))]
    try:
        return page(number("unit_id"), number("contact_id"), *left)
    except NotThere:
        return page(None, None, *left)


def _may_be_about(unit) -> tuple[list[dict], list[dict]]:
    """(people, floors) that a complaint from the unit may be about, as the list sends them: person:zhou, floor:12."""
    people = [
        {"value": f"person:{p.username}", "text": f"{p.name} {listed(*roles_of(p, unit.centre_id), items=True)}"}
        for p in complaints.people_of(g.session, unit.centre_id)
    ]
    floors = [
        {"value": f"floor:{f.floor.id}", "text": listed(f"{f.building}{f.floor.name}".replace(" ", ""), f.responsible)}
        for f in complaints.floors_of(g.session, unit.id)
    ]
    return people, floors


def roles_of(person, centre_id: int) -> list[str]:
    return list(dict.fromkeys(words.role(r.role) for r in person.roles if r.centre_id == centre_id))


def _who(card, contact_id: int | None) -> Who:
    contacts = list(card.contacts)
    chosen = next((c for c in contacts if c.id == contact_id), contacts[0] if len(contacts) == 1 else None)
    customer = chosen.customer if chosen else card.customer
    phone = chosen.phones[0].digits if chosen and chosen.phones else ""
    return Who(
        card.unit.code,
        customer.name if customer else gettext("空置"),
        _called(chosen),
        masked(phone),
        bool(customer and customer.vip),
        card.unit.id,
        customer.id if customer else None,
        chosen.id if chosen else None,
        [_choice(card.unit.id, c) for c in contacts],
    )


def _called(contact) -> str:
    if contact is None:
        return ""
    return gettext("%(name)s（%(title)s）", name=contact.name, title=contact.title) if contact.title else contact.name


def _choice(unit_id: int, contact) -> dict:
    return {
        "id": contact.id,
        "name": contact.name,
        "title": contact.title,
        "href": url_for("desk.register", unit=unit_id, contact=contact.id),
        "fragment": url_for("desk.who", unit=unit_id, contact=contact.id),
    }


def _card(card) -> SimpleNamespace:
    now = service_app().clock.now()
    customer = card.customer
    units = listed(*(u.code for u in card.units_of_customer), items=True)
    facts = [
        (gettext("租用"), units + (gettext("，%(year)d 年起", year=card.since_on.year) if card.since_on else "")),
        (gettext("联系人"), listed(*(_called(c) for c in card.contacts))),
        (gettext("称呼"), customer.address_as if customer else ""),
        (gettext("习惯"), customer.habits if customer else ""),
        (gettext("备注"), customer.note if customer else ""),
        (gettext("满意"), gettext("近 90 天平均 %(score)s", score=card.satisfaction) if card.satisfaction else ""),
    ]
    return SimpleNamespace(
        unit=card.unit.code,
        customer=customer.name if customer else gettext("空置"),
        vip=card.vip,
        facts=[f for f in facts if f[1]],
        open=[
            {
                "href": url_for("tickets.show", number=t.number),
                "title": t.title,
                "clock": ticket_clock(t, now),
                "hint": listed(t.number, words.category(t.category), words.ticket_state(t.state)),
            }
            for t in card.open_tickets
        ],
        recent=[
            {
                "href": url_for("tickets.show", number=t.number),
                "title": t.title,
                "hint": month_day(t.registered_at.date())
                + (gettext("，满意 %(n)d", n=t.satisfaction) if t.satisfaction else ""),
            }
            for t in card.recent
        ],
    )


def hits(text: str, fragment: bool) -> list[dict]:
    """What the desk may pick from: everybody behind a whole phone number, else units with their customers."""
    digits = "".join(c for c in text if c.isdigit())
    callers = customers.by_phone(g.person, text) if len(digits) >= 7 and len(digits) >= len(text.strip()) - 4 else []
    if callers:
        return [
            _hit(
                c.unit.id if c.unit else None,
                c.contact.id,
                c.unit.code if c.unit else "",
                c.customer.name,
                c.customer.vip,
                _called(c.contact),
                gettext("上次来电 %(at)s", at=when(c.contact.last_call_at))
                if c.contact.last_call_at
                else masked(digits),
            )
            for c in callers
            if c.unit
        ]
    return [
        _hit(h.unit.id, None, h.label, listed(*(c.name for c in h.customers), items=True), h.vip, "", "")
        for h in customers.find_units(g.person, text)
    ]


def _hit(unit_id, contact_id, unit, customer, vip, contact, hint) -> dict:
    args = {"unit": unit_id} | ({"contact": contact_id} if contact_id else {})
    return {
        "href": url_for("desk.register", **args),
        "fragment": url_for("desk.who", **args),
        "title": f"{unit} {customer}".strip(),
        "vip": vip,
        "contact": contact,
        "hint": hint,
    }


def add_targets(found: Page, values: dict[str, Any], vip: bool, centre_id: int, customer_at: datetime | None) -> None:
    """What the decision table gives for these values, from this moment on, each with its sum."""
    if not values.get("category") or not values.get("urgency"):
        return
    now = service_app().clock.now()
    try:
        decision = (
            definition()
            .decisions[DECISION]
            .decide(DECISION, values | {"vip": vip, "now": now, "promised": _promised(found, values, centre_id, now)})
        )
    except (EngineError, KeyError):
        found.targets_hint = gettext("时限表没有这一行，保存时会再算")
        return
    level = decision.value or {}
    found.department = words.department(level.get("department"))
    for kind in KINDS:
        if contracts.limit_of(level, kind).minutes is not None:
            found.targets.append(_target(kind, level, now, customer_at, centre_id, decision.rules))


def _promised(found: Page, values: dict[str, Any], centre_id: int, now: datetime) -> dict[str, Any]:
    """What contracts promise for what stands in the form, as the process will look it up."""
    there = contracts.in_force(g.session.connection(), centre_id)
    unit = found.who.unit_id if found.who else None
    customer = found.who.customer_id if found.who else None
    request = contracts.Request(unit, customer, values["category"], values["urgency"], local(now).date())
    return contracts.promised(there, request)


def _target(
    kind: str, level: dict[str, Any], now: datetime, customer_at: datetime | None, centre_id: int, fired
) -> TargetView:
    limit, calendar = contracts.limit_of(level, kind), level["calendar"]
    total = explain(now, limit.minutes, calendar_of(g.session, centre_id, calendar))
    due = rules.earlier_of(total.due_at, customer_at)
    row = gettext("第 %(rows)s 行", rows=listed(*map(str, fired), items=True)) if fired else ""
    target = SimpleNamespace(
        kind=kind,
        sum=total.to_json(),
        calendar=calendar,
        minutes=limit.minutes,
        table_minutes=limit.table_minutes,
        promise=SimpleNamespace(**level["promised"][kind]) if limit.promise_id else None,
        start_at=now,
        standard_at=total.due_at,
        due_at=due.at,
        source="promise" if limit.promise_id and due.source == "table" else due.source,
        reason=row,
    )
    return TargetView(kind, Clock("mine", f"{words.target(kind)} {when(due.at)}"), sum_of(target))


def duplicates(unit_id: int, category: str) -> list[dict]:
    """Open tickets of the unit that may be the same matter."""
    return (
        [
            {
                "number": t.number,
                "title": t.title,
                "href": url_for("tickets.show", number=t.number),
                "hint": gettext("%(at)s 登记，%(state)s", at=when(t.registered_at), state=words.ticket_state(t.state)),
            }
            for t in queries.duplicates(g.person, unit_id, category)
        ]
        if category in CATEGORIES
        else []
    )


def save(person, form: Mapping[str, str], values: dict[str, Any], also=None) -> tuple[str, str | None]:
    """Registers (`also` in the same transaction); gives the number and the person's next task (dispatch, or handling on the spot)."""

    def number(name: str) -> int | None:
        raw = form.get(name, "")
        return int(raw) if raw.isdigit() else None

    channel = form.get("channel", "phone")
    done = actions.register(
        service_app(),
        person,
        values,
        unit_id=number("unit_id"),
        customer_id=number("customer_id"),
        contact_id=number("contact_id"),
        channel=channel if channel in words.channels() else "phone",
        **_about(form.get("about", ""), values.get("category")),
        request_id=form.get("request_id", "")[:64] or None,
        also=also,
    )
    look_again()
    if done.replayed and somebody_elses(done.number):
        return done.number, None
    if done.replayed:  # the second click of a double click leads where the first did
        return done.number, next((t.id for t in queries.ticket_card(person, done.number).tasks if t.mine), None)
    return done.number, next(iter(done.opened), None)


def somebody_elses(number: str) -> str | None:
    """The owner's name of a ticket that the reader does not see though they have just registered it: it is about them."""
    ticket = actions.ticket_named(g.session, number)
    return None if access.may(g.person, "see", ticket) else name_of(ticket.owner)


def _about(sent: str, category: Any) -> dict[str, Any]:
    """What the list sent; nothing for what is no complaint, where the list is hidden."""
    kind, _, key = sent.partition(":")
    if category != Category.COMPLAINT or not key:
        return {}
    if kind == "person":
        return {"about": key}
    return {"about_floor_id": int(key)} if kind == "floor" and key.isdigit() and len(key) < 10 else {}
