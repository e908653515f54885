"""Staff from a file: what it would change, and the change itself.

A person is known by the username. Roles are only added: taking one away, like switching off somebody with open work, needs
a receiver for that work first (T35). Nobody gets a password here; a one-time code does that. Surprise: who imports for one
centre can neither give nor touch what reaches beyond it; only a company-wide grant (the administrator) can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.tables import user_task
from service.auth.models import WebSession
from service.exchange import rules
from service.exchange.plans import Plan, Reader, insert, update
from service.exchange.sheets import Line
from service.organisation.models import Building, Department, Person, Role, RoleAssignment
from service.organisation.rules import COMPANY_WIDE, DEPARTMENT_OF, HEADS, LEAD
from service.tickets.models import OPEN_STATES, Ticket

PROTECTED = COMPANY_WIDE | {Role.MANAGER}  # only the administrator gives these, and changes who has them

Grant = tuple[Role, int | None, int | None]  # role, centre id, building id


@dataclass(frozen=True, slots=True)
class Importer:
    """On whose authority: `whole` is company-wide. `username` is empty for the command line."""

    username: str = ""
    whole: bool = True


@dataclass(slots=True, eq=False)
class Member:
    """A person: there (`id`) or to be made."""

    username: str
    name: str
    phone: str | None
    active: bool = True
    id: int | None = None
    roles: set[Grant] = field(default_factory=set)  # in force or to come
    ever: set[Grant] = field(default_factory=set)
    added: list[Grant] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Work(Plan):
    """A plan with everything that is to be written."""

    members: list[Member] = field(default_factory=list)  # new
    changed: dict[Member, None] = field(default_factory=dict)


class Known:
    """People, departments and buildings by what a file calls them. A fixed number of statements."""

    def __init__(self, session: Session, centre_id: int, today: date):
        self.members: dict[str, Member] = {}
        by_id: dict[int, Member] = {}
        people = sa.select(Person.id, Person.username, Person.name, Person.phone, Person.active)
        for id, username, name, phone, active in session.execute(people):
            by_id[id] = self.members[username] = Member(username, name, phone, active, id)
        for row in session.execute(sa.select(RoleAssignment.__table__)):
            grant = (row.role, row.centre_id, row.building_id)
            by_id[row.person_id].ever.add(grant)
            if row.until_on is None or row.until_on >= today:
                by_id[row.person_id].roles.add(grant)
        self.departments: dict[str, tuple[str, str]] = {}
        self.department_names: list[str] = []
        for row in session.scalars(sa.select(Department).order_by(Department.key)):
            self.department_names.append(row.name)
            for name in (row.key, row.name, row.name_en):
                self.departments[rules.bare(name)] = (row.key, row.name)
        self.buildings: dict[str, int] = {}
        self.building_names: list[str] = []
        for id, code, name in session.execute(
            sa.select(Building.id, Building.code, Building.name)
            .where(Building.centre_id == centre_id)
            .order_by(Building.code)
        ):
            self.building_names.append(name)
            self.buildings |= {rules.bare(name): id, rules.bare(code): id}
        self.busy = _open_work(session)

    def building(self, text: str) -> int:
        try:
            return self.buildings[rules.bare(text)]
        except KeyError:
            known = "、".join(self.building_names[:12]) or "-"
            raise rules.Unreadable("building-unknown", text=text, known=known) from None

    def department(self, text: str) -> tuple[str, str]:
        """(key, name) of a department by key or name."""
        try:
            return self.departments[rules.bare(text)]
        except KeyError:
            known = "、".join(self.department_names) or "-"
            raise rules.Unreadable("department-unknown", text=text, known=known) from None


def _open_work(session: Session) -> dict[str, int]:
    """username -> open tasks and owned open tickets."""
    tasks = sa.select(user_task.c.assignee, sa.func.count()).where(
        user_task.c.state == "open", user_task.c.assignee.is_not(None)
    )
    tickets = sa.select(Ticket.owner, sa.func.count()).where(Ticket.state.in_(OPEN_STATES))
    busy: dict[str, int] = {}
    for query in (tasks.group_by(user_task.c.assignee), tickets.group_by(Ticket.owner)):
        for username, count in session.execute(query):
            busy[username] = busy.get(username, 0) + count
    return busy


# --- the plan ---------------------------------------------------------------------------------------------------------


def plan(session: Session, centre_id: int, lines: list[Line], today: date, importer: Importer) -> Work:
    """What the lines would do. Reads only; faults are collected, a faulty row does nothing."""
    known, work = Known(session, centre_id, today), Work()
    first_row: dict[str, int] = {}
    for line in lines:
        if line.bad:
            work.count("bad")
            continue
        reader = Reader(line)
        username = reader.needed("username", rules.username)
        if username and (before := first_row.setdefault(username, line.row)) != line.row:
            reader.fault("username", "username-twice", username=username, row=before)
        state = _take(work, known, centre_id, username, reader, importer)
        work.faults += reader.faults
        work.count("bad" if reader.faults else state)
    return work


def _take(work: Work, known: Known, centre_id: int, username: str | None, reader: Reader, importer: Importer) -> str:
    """Enter one row into the plan: "new", "changed" or "unchanged"."""
    member = known.members.get(username or "")
    name = reader.get("name", otherwise="") if member else reader.needed("name")
    phone = reader.get("phone", rules.phone)
    active = reader.get("active", rules.yes_or_no)
    grants = _grants(known, centre_id, reader, importer)
    if member is None and not grants and not reader.faults:
        reader.fault("roles", "roles-missing")
    if member is not None:
        _may_touch(known, member, centre_id, active, grants, reader, importer)
    if reader.faults:
        return "bad"
    if member is None:
        member = Member(username, name, phone, active is not False, added=grants)
        known.members[username] = member
        work.members.append(member)
        return "new"
    return "changed" if _change(work, member, name, phone, active, grants) else "unchanged"


def _grants(known: Known, centre_id: int, reader: Reader, importer: Importer) -> list[Grant]:
    grants: list[Grant] = []
    for entry in rules.parts(reader.line["roles"]):
        try:
            grants.append(_grant(known, centre_id, entry, importer))
        except rules.Unreadable as fault:
            reader.fault("roles", fault.rule, **fault.facts)
    department = reader.get("department", known.department)
    if department is None:
        return list(dict.fromkeys(grants))
    key, name = department
    if not grants and not reader.line["roles"]:
        return [(Role(key), centre_id, None)] if key in set(Role) else []
    if not any(_department_of(role) == key for role, _, _ in grants):
        reader.fault("department", "department-differs", text=name)
    return list(dict.fromkeys(grants))


def _department_of(role: Role) -> str:
    """The department of a role; at the desk specialists and assistants are one, the supervisor leads it."""
    desk = {Role.ASSISTANT: "specialist", Role.SUPERVISOR: "specialist", Role.MANAGER: "specialist"}
    return DEPARTMENT_OF.get(role) or desk.get(role) or str(role)


def _grant(known: Known, centre_id: int, entry: str, importer: Importer) -> Grant:
    role, place = rules.role_and_place(entry)
    if role in PROTECTED and not importer.whole:
        raise rules.Unreadable("role-not-yours", text=entry)
    if place and role in COMPANY_WIDE | HEADS | LEAD:
        raise rules.Unreadable("role-has-no-building", text=rules.ROLE_NAMES[role][0])
    return (role, None if role in COMPANY_WIDE else centre_id, known.building(place) if place else None)


def _may_touch(
    known: Known,
    member: Member,
    centre_id: int,
    active: bool | None,
    grants: list[Grant],
    reader: Reader,
    importer: Importer,
) -> None:
    """Nobody is changed by somebody who does not answer for all that they are; nobody is switched off with work in hand."""
    beyond = not member.ever or any(centre != centre_id or role in PROTECTED for role, centre, _ in member.ever)
    if beyond and not importer.whole:
        reader.fault("username", "person-not-yours", username=member.username)
    elif active is False and member.active:
        if member.username == importer.username:
            reader.fault("active", "yourself")
        elif count := known.busy.get(member.username):
            reader.fault("active", "open-work", username=member.username, count=count)


def _change(work: Work, member: Member, name: str, phone: str | None, active: bool | None, grants: list[Grant]) -> bool:
    for column, value in (("name", name or None), ("phone", phone), ("active", active)):
        if value is not None and value != getattr(member, column):
            setattr(member, column, value)
            member.changes[column] = value
    more = [g for g in grants if g not in member.roles]
    member.roles |= set(more)
    member.added += more
    if member.changes or more:
        work.changed[member] = None
    return bool(member.changes or more)


# --- writing ----------------------------------------------------------------------------------------------------------


def apply(session: Session, work: Work, now: datetime) -> None:
    """Write the plan in the session's transaction. Who is switched off is logged out everywhere."""
    ids = insert(
        session,
        Person,
        [
            {
                "username": m.username,
                "name": m.name,
                "phone": m.phone,
                "active": m.active,
                "locale": "",
                "theme": "auto",
                "single_keys": True,
            }
            for m in work.members
        ],
    )
    for member, id in zip(work.members, ids, strict=True):
        member.id = id
    insert(
        session,
        RoleAssignment,
        [
            {"person_id": m.id, "role": role, "centre_id": centre, "building_id": building}
            for m in (*work.members, *work.changed)
            for role, centre, building in m.added
        ],
    )
    update(session, Person, [{"id": m.id} | m.changes for m in work.changed if m.changes])
    off = [m.id for m in work.changed if m.changes.get("active") is False]
    if off:
        live = sa.and_(WebSession.person_id.in_(off), WebSession.ended_at.is_(None))
        session.execute(sa.update(WebSession).where(live).values(ended_at=now, ended_why="disabled"))
