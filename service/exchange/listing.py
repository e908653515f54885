"""The list of units and their customers, to take out whole: one row for each customer of each unit, and for each empty unit.

It is for who brings units in, and within the same centres; what is there is read as the importer reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import object_session

from service.exchange.importing import centres_for, today
from service.exchange.models import Kind
from service.exchange.units import Home, Known, Party
from service.organisation.models import Centre, Person


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit with one of its customers. `contacts`: name and digits of each; `kind` is empty where nobody is in."""

    centre: str
    building: str
    floor: str
    unit: str
    square_metres: str
    kind: str
    customer: str
    vip: bool
    contacts: list[tuple[str, list[str]]]
    habits: str


def units(person: Person, limit: int) -> list[UnitRow]:
    """At most `limit` rows, by centre, building and unit."""
    rows = (row for centre in centres_for(person, Kind.UNITS) for row in _of_centre(person, centre))
    return list(islice(rows, limit))


def _of_centre(person: Person, centre: Centre) -> Iterator[UnitRow]:
    session = object_session(person)
    known = Known(session, centre.id, today(session, session.info["clock"].now()))
    for home in sorted(known.homes.values(), key=lambda h: (h.building.code, h.code)):
        yield from (_row(centre.name, home, party) for party in home.parties or [None])


def _row(centre: str, home: Home, party: Party | None) -> UnitRow:
    level = home.floor[1] if home.floor else None
    return UnitRow(
        centre,
        home.building.code,
        "" if level is None else f"B{-level}" if level < 0 else str(level),
        home.code,
        f"{home.square_metres:g}" if home.square_metres else "",
        str(party.kind) if party else "",
        party.name if party else "",
        bool(party and party.vip),
        [(c.name, c.phones) for c in party.callers if c.home in (None, home)] if party else [],
        party.habits if party else "",
    )
