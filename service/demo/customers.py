"""The customers of the demo: companies in several offices, shops, households; contacts, shared phones, VIP marks, habits.

All names are put together by chance from made-up parts, all numbers lie in a range that is nobody's. Surprise: some numbers belong
to two people on purpose (a couple, a reception desk), because the desk must show a list there and never guess.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from service.customers.actions import add_contact, add_customer
from service.customers.models import Contact, Customer, CustomerKind
from service.demo.company import Site
from service.demo.texts import everything
from service.organisation.models import AreaKind, Unit

TITLES = ("行政主管", "前台", "行政", "总经理助理", "财务")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may call: a contact of a customer, for a unit."""

    contact_id: int
    unit_id: int
    unit: str
    level: int
    kind: AreaKind
    building: str
    vip: bool


def move_in(session: Session, site: Site, chance: random.Random, today: date) -> list[Caller]:
    """Customers in nearly every unit of a site; gives everybody who may call, those told by name first."""
    callers: list[Caller] = []
    free = {unit.code: unit for unit in site.units}
    for row in everything()["customers"]:
        callers += _told_by_name(session, site, chance, free, [part.strip() for part in row.split("|")], today)
    phones = _numbers(chance)
    for units in _shares(site, chance, list(free.values())):
        callers += _settle(session, site, chance, units, phones, today)
        session.expunge_all()  # as in `company`: what a session holds is looked through at each indexing
    return callers


def _told_by_name(session: Session, site: Site, chance: random.Random, free: dict[str, Unit], parts: list[str], today: date) -> list[Caller]:
    """One customer of the list, where this site has its units."""
    name, kind, codes, vip, address_as, habits, contacts = parts
    units = [free.pop(code) for code in codes.split() if code in free]
    if not units:
        return []
    customer = add_customer(session, site.centre.id, CustomerKind(kind), name, vip=vip == "vip", units=units,
                            from_on=today - timedelta(days=chance.randint(200, 2000)), address_as=address_as.strip("-"), habits=habits.strip("-"))
    people = [[part.strip() for part in contact.split(",")] for contact in contacts.split(";")]
    callers = [_contact(session, site, customer, person, title, phones.split(), site.by_code[unit]) for person, title, phones, unit in people]
    called_for = {c.unit for c in callers}
    return callers + [replace(callers[0], unit_id=u.id, unit=u.code) for u in units if u.code not in called_for]


def _shares(site: Site, chance: random.Random, units: list[Unit]) -> Iterator[list[Unit]]:
    """The free units as they are let: companies take up to four neighbours, shops and households one; a few stay empty."""
    left = list(units)
    while left:
        if chance.random() < 0.07:
            left.pop(0)
            continue
        most = {AreaKind.OFFICE: (1, 1, 1, 2, 2, 3, 4), AreaKind.MALL: (1, 1, 1, 1, 1, 2)}.get(
            site.kind_of(left[0]), (1,)
        )
        take = [left.pop(0)]
        for _ in range(chance.choice(most) - 1):
            if left and left[0].floor_id == take[0].floor_id:
                take.append(left.pop(0))
        yield take


def _settle(
    session: Session, site: Site, chance: random.Random, units: list[Unit], phones: Iterator[str], today: date
) -> list[Caller]:
    kind = site.kind_of(units[0])
    home = kind is AreaKind.HOMES
    people = [
        _name(chance)
        for _ in range(chance.choice((1, 1, 2) if home else (1, 2, 2, 3) if kind is AreaKind.OFFICE else (1, 1, 2)))
    ]
    name = people[0] if home else _firm(chance, "shops" if kind is AreaKind.MALL else "offices")
    customer = add_customer(
        session,
        site.centre.id,
        CustomerKind.HOUSEHOLD if home else CustomerKind.COMPANY,
        name,
        vip=chance.random() < 0.04,
        units=units,
        from_on=today - timedelta(days=chance.randint(40, 2600)),
        address_as=f"{people[0][0]}{chance.choice(('先生', '女士', '老师') if home else ('总', '经理'))}"
        if chance.random() < 0.15
        else "",
        habits=chance.choice(everything()["habits"]) if chance.random() < 0.2 else "",
    )
    shared = next(phones) if len(people) > 1 and chance.random() < 0.15 else None
    titles = ("业主", "家属") if home else ("店长", "店员") if kind is AreaKind.MALL else TITLES
    return [
        _contact(session, site, customer, person, titles[index], [shared or next(phones)], chance.choice(units))
        for index, person in enumerate(people)
    ]


def _contact(
    session: Session, site: Site, customer: Customer, name: str, title: str, phones: list[str], unit: Unit
) -> Caller:
    contact: Contact = add_contact(session, customer, name, phones, unit=unit, title=title)
    return Caller(
        contact.id,
        unit.id,
        unit.code,
        site.level_of(unit),
        site.kind_of(unit),
        unit.code.split("-", 1)[0],
        customer.vip,
    )


def _name(chance: random.Random) -> str:
    names = everything()["names"]
    return chance.choice(names["family"]) + chance.choice(names["given"].split())


def _firm(chance: random.Random, trade: str) -> str:
    names = everything()["names"]
    return chance.choice(names["words"].split()) + chance.choice(names[trade].split())


def _numbers(chance: random.Random) -> Iterator[str]:
    """Numbers 138 0014 xxxx, each once."""
    tails = chance.sample(range(10_000), 9_000)
    yield from (f"1380014{tail:04d}" for tail in tails)
