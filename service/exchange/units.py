"""Units with their customers from a file: what it would change, and the change itself.

A unit is known by its code, a company by its name in the centre, a household by its name in the unit or with a phone (two
families may have one name). An empty cell leaves what is there; phones are only added; a unit that names another customer
changes hands today. Surprise: customers, contacts and phones that the file does not name stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.customers.models import Contact, ContactPhone, Customer, CustomerKind, UnitOccupancy
from service.exchange import rules
from service.exchange.plans import Plan, Reader, chunks, insert, update
from service.exchange.sheets import Line
from service.organisation.models import Area, AreaKind, Building, Floor, Unit
from service.organisation.rules import unit_shorthand
from service.search import rules as search
from service.search.models import KeyKind, SearchKey, ThingKind


@dataclass(slots=True)
class Place:
    """A building, as the file may name it."""

    id: int
    code: str
    homes: bool


@dataclass(slots=True, eq=False)
class Home:
    """A unit: there (`id`) or to be made."""

    code: str
    building: Place
    floor: tuple[int, int] | None = None  # (building id, level)
    square_metres: float | None = None
    id: int | None = None
    parties: list[Party] = field(default_factory=list)  # who is in it now
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Party:
    """A customer. `said` remembers which row of the file said what, so that two rows cannot contradict each other."""

    name: str
    kind: CustomerKind
    vip: bool = False
    habits: str = ""
    id: int | None = None
    callers: list[Caller] = field(default_factory=list)
    said: dict[str, tuple[Any, int]] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Caller:
    """A contact with the digits of the phones."""

    name: str
    party: Party
    home: Home | None
    phones: list[str] = field(default_factory=list)
    id: int | None = None
    added: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Move:
    """A customer comes into a unit; who was there leaves."""

    home: Home
    comes: Party
    leave: list[Party]


@dataclass(slots=True)
class Work(Plan):
    """A plan with everything that is to be written."""

    floors: dict[tuple[int, int], int | None] = field(
        default_factory=dict
    )  # (building id, level) -> id, None: to be made
    homes: list[Home] = field(default_factory=list)  # new
    parties: list[Party] = field(default_factory=list)  # new
    callers: list[Caller] = field(default_factory=list)  # new
    moves: list[Move] = field(default_factory=list)
    changed_homes: dict[Home, None] = field(default_factory=dict)  # in the order of the file
    changed_parties: dict[Party, None] = field(default_factory=dict)
    changed_callers: dict[Caller, None] = field(default_factory=dict)


# --- what is there ----------------------------------------------------------------------------------------------------


class Known:
    """Places and customers of one centre, by what a file calls them. A fixed number of statements."""

    def __init__(self, session: Session, centre_id: int, today: date):
        self.places: dict[str, Place] = {}
        self.codes: list[str] = []
        self.homes: dict[str, Home] = {}
        self.floors: dict[tuple[int, int], int | None] = {}
        self.parties: dict[str, list[Party]] = {}  # by bare name
        self._load_places(session, centre_id)
        self._load_customers(session, centre_id, today)

    def _load_places(self, session: Session, centre_id: int) -> None:
        by_id: dict[int, Place] = {}
        rows = session.execute(
            sa.select(Building.id, Building.code, Building.name, Area.kind)
            .outerjoin(Area, Area.id == Building.area_id)
            .where(Building.centre_id == centre_id)
            .order_by(Building.code)
        ).all()
        for id, code, name, kind in rows:
            place = by_id[id] = Place(id, code, kind is AreaKind.HOMES)
            self.codes.append(name or code)
            self.places.setdefault(rules.bare(name), place)
        for place in by_id.values():  # a code counts more than somebody else's name
            self.places[rules.bare(place.code)] = place
        floors = session.execute(
            sa.select(Floor.building_id, Floor.level, Floor.id).where(Floor.centre_id == centre_id)
        )
        self.floors = {(building, level): id for building, level, id in floors}
        level_of = {id: key for key, id in self.floors.items()}
        units = session.execute(
            sa.select(Unit.id, Unit.code, Unit.building_id, Unit.floor_id, Unit.square_metres).where(
                Unit.centre_id == centre_id
            )
        )
        for id, code, building, floor, metres in units:
            self.homes[rules.bare(code)] = Home(code, by_id[building], level_of.get(floor), metres, id)

    def _load_customers(self, session: Session, centre_id: int, today: date) -> None:
        homes = {home.id: home for home in self.homes.values()}
        parties = {
            row.id: Party(row.name, row.kind, row.vip, row.habits, row.id)
            for row in session.execute(
                sa.select(Customer.id, Customer.name, Customer.kind, Customer.vip, Customer.habits)
                .where(Customer.centre_id == centre_id, Customer.active)
                .order_by(Customer.id)
            )
        }
        for party in parties.values():
            self.add(party)
        callers: dict[int, Caller] = {}
        for row in session.execute(
            sa.select(Contact.id, Contact.name, Contact.customer_id, Contact.unit_id)
            .where(Contact.centre_id == centre_id, Contact.active)
            .order_by(Contact.id)
        ):
            if (party := parties.get(row.customer_id)) is not None:
                callers[row.id] = Caller(row.name, party, homes.get(row.unit_id), id=row.id)
                party.callers.append(callers[row.id])
        phones = sa.select(ContactPhone.contact_id, ContactPhone.digits).where(ContactPhone.centre_id == centre_id)
        for contact, digits in session.execute(phones):
            if contact in callers:
                callers[contact].phones.append(digits)
        for unit, customer in session.execute(
            sa.select(UnitOccupancy.unit_id, UnitOccupancy.customer_id)
            .where(UnitOccupancy.centre_id == centre_id, _now(today))
            .order_by(UnitOccupancy.id)
        ):
            if unit in homes and customer in parties:
                homes[unit].parties.append(parties[customer])

    def add(self, party: Party) -> None:
        self.parties.setdefault(rules.bare(party.name), []).append(party)

    def place(self, text: str) -> Place:
        """A building by code or name: 3, 3座, 3号楼."""
        name = rules.bare(text)
        found = self.places.get(name)
        for ending in ("号楼", "座", "栋", "幢", "楼"):
            found = found or (self.places.get(name.removesuffix(ending)) if name.endswith(ending) else None)
        if found is None:
            raise rules.Unreadable("building-unknown", text=text, known="、".join(self.codes[:12]) or "-")
        return found


def _now(today: date) -> sa.ColumnElement[bool]:
    """Who is in a unit today."""
    return sa.and_(
        UnitOccupancy.from_on <= today, sa.or_(UnitOccupancy.until_on.is_(None), UnitOccupancy.until_on >= today)
    )


# --- the plan ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One row, read."""

    number: int
    place: Place
    code: str
    level: int | None
    kind: CustomerKind | None
    square_metres: float | None
    customer: str
    contact: str
    phones: list[str]
    vip: bool | None
    habits: str


def plan(session: Session, centre_id: int, lines: list[Line], today: date) -> Work:
    """What the lines would do. Reads only; faults are collected, a faulty row does nothing."""
    known, work = Known(session, centre_id, today), Work()
    first_row: dict[str, int] = {}
    for line in lines:
        if line.bad:
            work.count("bad")
            continue
        reader = Reader(line)
        row = _read(reader, known)
        if row is not None and (before := first_row.setdefault(row.code, line.row)) != line.row:
            reader.fault("unit", "code-twice", code=row.code, row=before)
        state = _take(work, known, row, reader) if row is not None and not reader.faults else None
        work.faults += reader.faults
        work.count("bad" if reader.faults else state)
    work.floors = known.floors
    return work


def _read(reader: Reader, known: Known) -> Row | None:
    place = reader.needed("building", known.place)
    code = reader.needed("unit", (lambda text: rules.unit_code(text, place.code)) if place else str)
    row = Row(
        reader.line.row,
        place,
        code,
        reader.get("floor", rules.floor_level),
        reader.get("kind", rules.customer_kind),
        reader.get("area", rules.square_metres),
        reader.get("customer", otherwise=""),
        reader.get("contact", otherwise=""),
        reader.get("phones", rules.phones, []),
        reader.get("vip", rules.yes_or_no),
        reader.get("habits", otherwise=""),
    )
    if not row.customer and (row.contact or row.phones or row.vip or row.habits):
        reader.fault("customer", "customer-missing")
    return row if place and code else None


def _take(work: Work, known: Known, row: Row, reader: Reader) -> str:
    """Enter one row into the plan: "new", "changed" or "unchanged"."""
    home = known.homes.get(rules.bare(row.code))
    is_new = home is None
    party = _party(known, home, row, reader) if row.customer else None
    caller = _caller(row, party, reader) if party else None
    if reader.faults:
        return "bad"
    if home is None:
        home = known.homes[rules.bare(row.code)] = Home(row.code, row.place)
        work.homes.append(home)
    changed = _place_home(work, known, home, row)
    if party is not None:
        changed |= _settle(work, known, home, party, row)
        changed |= caller is not None and _call(work, home, party, caller, row)
    return "new" if is_new else "changed" if changed else "unchanged"


def _place_home(work: Work, known: Known, home: Home, row: Row) -> bool:
    changes: dict[str, Any] = {}
    if row.level is not None:
        floor = (home.building.id, row.level)
        if floor not in known.floors:
            known.floors[floor] = None
            work.besides_too("floors")
        if home.floor != floor:
            home.floor = changes["floor"] = floor
    if row.square_metres is not None and row.square_metres != home.square_metres:
        home.square_metres = changes["square_metres"] = row.square_metres
    if changes and home.id:
        home.changes |= changes
        work.changed_homes[home] = None
    return bool(changes)


def _party(known: Known, home: Home | None, row: Row, reader: Reader) -> Party | None:
    """The customer that the row means, there or to be made. Two that could be meant are a fault."""
    alike = known.parties.get(rules.bare(row.customer), [])
    here = [p for p in alike if home is not None and p in home.parties]
    kind = row.kind or (alike[0].kind if alike else CustomerKind.HOUSEHOLD if row.place.homes else CustomerKind.COMPANY)
    if here:
        found = here[0]
    elif kind is CustomerKind.HOUSEHOLD:
        mine = set(row.phones)
        found = next((p for p in alike if any(mine & set(c.phones) for c in p.callers)), None)
    else:
        companies = [p for p in alike if p.kind is CustomerKind.COMPANY]
        if len(companies) > 1:
            reader.fault("customer", "customer-ambiguous", name=row.customer, count=len(companies))
            return None
        found = companies[0] if companies else None
    party = found or Party(row.customer, kind)
    for column, value in (("kind", row.kind), ("vip", row.vip), ("habits", row.habits or None)):
        if value is None:
            continue
        before, number = party.said.setdefault(column, (value, row.number))
        if before != value:
            reader.fault(column, "differs", name=row.customer, row=number)
    return party


def _settle(work: Work, known: Known, home: Home, party: Party, row: Row) -> bool:
    """The customer as the row has it, in this unit."""
    fresh = party.id is None and party not in known.parties.get(rules.bare(party.name), ())
    if fresh:
        known.add(party)
        work.parties.append(party)
        work.besides_too("customers")
    changes = {}
    for column, value in (("kind", row.kind), ("vip", row.vip), ("habits", row.habits or None)):
        if value is not None and value != getattr(party, column):
            setattr(party, column, value)
            changes[column] = value
    if changes and party.id:
        party.changes |= changes
        work.changed_parties[party] = None
    if party in home.parties:
        return bool(changes)
    leave = list(home.parties)
    work.moves.append(Move(home, party, leave))
    for _ in leave:
        work.besides_too("left")
    home.parties = [party]
    return True


def _caller(row: Row, party: Party, reader: Reader) -> str | None:
    """The contact's name; a household may call under its own."""
    if row.phones and not row.contact:
        if party.kind is CustomerKind.HOUSEHOLD:
            return party.name[:100]
        reader.fault("contact", "contact-missing")
    return row.contact or None


def _call(work: Work, home: Home, party: Party, name: str, row: Row) -> bool:
    alike = [c for c in party.callers if rules.bare(c.name) == rules.bare(name)]
    caller = next((c for c in alike if c.home is home), alike[0] if alike else None)
    if caller is None:
        caller = Caller(name, party, home)
        party.callers.append(caller)
        work.callers.append(caller)
        work.besides_too("contacts")
        is_new = True
    else:
        is_new = False
    more = [p for p in row.phones if p not in caller.phones]
    caller.phones += more
    caller.added += more
    if more and caller.id:
        work.changed_callers[caller] = None
    return is_new or bool(more)


# --- writing ----------------------------------------------------------------------------------------------------------


def apply(session: Session, centre_id: int, work: Work, today: date) -> None:
    """Write the plan, in bulk, in the session's transaction; everything new is findable at once."""
    _make_floors(session, centre_id, work)
    keys: list[dict[str, Any]] = []
    _make_units(session, centre_id, work, keys)
    _make_customers(session, centre_id, work, keys)
    _move(session, centre_id, work.moves, today)
    _make_contacts(session, centre_id, work, keys)
    _index(session, centre_id, keys)


def _make_floors(session: Session, centre_id: int, work: Work) -> None:
    missing = [floor for floor, id in work.floors.items() if id is None]
    ids = insert(
        session,
        Floor,
        [
            {
                "centre_id": centre_id,
                "building_id": building,
                "level": level,
                "name": f"{level} 层" if level > 0 else f"B{-level}",
            }
            for building, level in missing
        ],
    )
    work.floors.update(zip(missing, ids, strict=True))


def _make_units(session: Session, centre_id: int, work: Work, keys: list) -> None:
    ids = insert(
        session,
        Unit,
        [
            {
                "centre_id": centre_id,
                "building_id": h.building.id,
                "floor_id": work.floors[h.floor] if h.floor else None,
                "code": h.code,
                "square_metres": h.square_metres,
            }
            for h in work.homes
        ],
    )
    for home, id in zip(work.homes, ids, strict=True):
        home.id = id
        codes = {unit_shorthand(home.code), unit_shorthand(home.code.split("-", 1)[-1])}
        keys += [(ThingKind.UNIT, id, KeyKind.CODE, code) for code in codes]
    update(
        session,
        Unit,
        [
            {"id": home.id}
            | ({"floor_id": work.floors[home.floor]} if "floor" in home.changes else {})
            | ({"square_metres": home.square_metres} if "square_metres" in home.changes else {})
            for home in work.changed_homes
        ],
    )


def _make_customers(session: Session, centre_id: int, work: Work, keys: list) -> None:
    ids = insert(
        session,
        Customer,
        [
            {
                "centre_id": centre_id,
                "kind": p.kind,
                "name": p.name,
                "vip": p.vip,
                "habits": p.habits,
                "address_as": "",
                "note": "",
                "active": True,
            }
            for p in work.parties
        ],
    )
    for party, id in zip(work.parties, ids, strict=True):
        party.id = id
        keys += [(ThingKind.CUSTOMER, id, *key) for key in _name_keys(party.name)]
    update(session, Customer, [{"id": party.id} | party.changes for party in work.changed_parties])


def _make_contacts(session: Session, centre_id: int, work: Work, keys: list) -> None:
    ids = insert(
        session,
        Contact,
        [
            {
                "centre_id": centre_id,
                "customer_id": c.party.id,
                "unit_id": c.home.id if c.home else None,
                "name": c.name,
                "title": "",
                "note": "",
                "active": True,
            }
            for c in work.callers
        ],
    )
    for caller, id in zip(work.callers, ids, strict=True):
        caller.id = id
        keys += [(ThingKind.CONTACT, id, *key) for key in _name_keys(caller.name)]
    phones = []
    for caller in (*work.callers, *work.changed_callers):
        for digits in caller.added:
            phones.append(
                {
                    "centre_id": centre_id,
                    "contact_id": caller.id,
                    "digits": digits,
                    "kind": "mobile" if digits.startswith("1") else "desk",
                }
            )
            keys += [
                (ThingKind.CONTACT, caller.id, KeyKind.TAIL, search.tail_key(digits)),
                (ThingKind.CONTACT, caller.id, KeyKind.CODE, digits),
            ]
    insert(session, ContactPhone, phones)


def _move(session: Session, centre_id: int, moves: list[Move], today: date) -> None:
    """Who leaves was there until yesterday; who came only today was never there."""
    for move in moves:
        for party in move.leave:
            if party.id is None or move.home.id is None:
                continue
            here = sa.and_(UnitOccupancy.unit_id == move.home.id, UnitOccupancy.customer_id == party.id, _now(today))
            session.execute(sa.delete(UnitOccupancy).where(here, UnitOccupancy.from_on == today))
            session.execute(sa.update(UnitOccupancy).where(here).values(until_on=today - timedelta(days=1)))
    insert(
        session,
        UnitOccupancy,
        [{"centre_id": centre_id, "unit_id": m.home.id, "customer_id": m.comes.id, "from_on": today} for m in moves],
    )


# --- search -----------------------------------------------------------------------------------------------------------


def warm(lines: list[Line]) -> None:
    """Work out what needs no database before the transaction begins: on SQLite everybody waits while it lasts."""
    for line in lines:
        for column in ("customer", "contact"):
            _name_keys(line[column])
        for text in line.cells.values():
            rules.bare(text)


@lru_cache(maxsize=50_000)
def _name_keys(name: str) -> list[tuple[KeyKind, str]]:
    """As service.search.actions makes them for one; a test holds the two together."""
    return [(KeyKind.PINYIN, search.pinyin_key(name)), *((KeyKind.TEXT, key) for key in search.text_keys(name))]


def _index(session: Session, centre_id: int, keys: list[tuple[ThingKind, int, KeyKind, str]]) -> None:
    """All search keys in a few statements. Names are never changed by a file, so nothing has to be taken away."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as upsert
    else:
        from sqlalchemy.dialects.sqlite import insert as upsert
    statement = upsert(SearchKey.__table__).on_conflict_do_nothing()
    rows = (
        {"centre_id": centre_id, "thing": thing, "thing_id": id, "kind": kind, "key": key}
        for thing, id, kind, key in sorted(set(keys))
        if key
    )
    for chunk in chunks(rows):
        connection.execute(statement, chunk)
