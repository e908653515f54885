"""Who may do what, and where: the one permission function for lists, pages, search, files, exports and actions.

A person's *reach* is the list of their grants: a role in a centre (and perhaps a building), own or as a substitute.
What may be seen is always a SQL clause made from the reach, and a single thing is asked with the same clause, so that
a list and a direct link can never disagree (T23). Surprise: whom a complaint is about neither owns nor reads that
ticket at the desk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from engine.api import Actor
from engine.sql import Prepared
from engine.tables import Instant, user_task
from service.customers.models import Contact, Customer
from service.errors import NotAllowed, NotThere
from service.organisation.models import Centre, Person, Role, RoleAssignment, Substitute, Unit
from service.organisation.rules import DEPARTMENT_OF, DESK, HEADS, LEAD
from service.tickets.models import Category, Escalation, Photo, Promise, Slip, Ticket

FIELD = frozenset(DEPARTMENT_OF)
WORKING = DESK | LEAD | FIELD
READING = frozenset({Role.QUALITY})

ON_TICKET: dict[str, frozenset[Role]] = {
    "see": WORKING | READING,
    "note": WORKING,
    "photo": WORKING,
    "ask help": WORKING,
    "reveal": WORKING,
    "pause": WORKING,
    "urge": DESK | LEAD,
    "inform": DESK | LEAD,
    "withdraw": DESK | LEAD,
    "change urgency": DESK | LEAD,
    "promise": DESK | LEAD,
    "merge": DESK | LEAD,
    "assign": LEAD,
    "retime": LEAD,
    "cancel": LEAD,
}
IN_CENTRE: dict[str, frozenset[Role]] = {
    "register": DESK | LEAD,
    "see customers": DESK | LEAD | READING,
    "change customers": DESK | LEAD,
    "see units": WORKING | READING,
    "see board": LEAD | READING,
    "see register": DESK | LEAD | READING,
    "see audit": READING,
    "see patrols": WORKING | READING,
    "walk patrols": DESK | LEAD,
    "change patrols": LEAD,
    "post notices": DESK | LEAD,
    "see rounds": DESK | LEAD | READING,
    "tick rounds": DESK | LEAD,
    "change rounds": LEAD,
    "see reviews": LEAD | READING,
    "decide in reviews": LEAD,  # and whoever is to sign: service.reviews
    "see findings": WORKING | READING,
    "report findings": WORKING,
    "turn findings": DESK | LEAD,
    "keep reception": DESK | LEAD,
    "see shifts": WORKING | READING,
    "change roster": LEAD,
    "hand over": WORKING,
    "leave post": WORKING,
    "see procedures": WORKING | READING | {Role.PROCESS_OWNER, Role.ADMIN},
    "change procedures": frozenset({Role.PROCESS_OWNER}),
    "change calendar": LEAD | {Role.PROCESS_OWNER},
    "see promises": WORKING | READING,
    "change promises": LEAD,
    "manage people": frozenset({Role.ADMIN}),
    "import units": frozenset({Role.MANAGER, Role.ADMIN}),
    "import people": frozenset({Role.MANAGER, Role.ADMIN}),  # a manager only within limits: service.exchange.people
    "resolve incidents": frozenset({Role.ADMIN, Role.PROCESS_OWNER}),
}
ONE_MOMENT = timedelta(seconds=10)  # longer than a request takes
_TASK_COLUMNS = ("id", "centre_id", "business_key", "groups", "assignee")


@dataclass(frozen=True, slots=True)
class Grant:
    """One role that a person has now. `centre_id` None: company-wide. `on_behalf_of`: whom they substitute for."""

    role: Role
    centre_id: int | None
    building_id: int | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that decides what a person may see and do at one moment."""

    person_id: int
    username: str
    grants: tuple[Grant, ...]
    usernames: tuple[str, ...]  # own name first, then those substituted for
    person_ids: tuple[int, ...]

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(g.role for g in self.grants)

    @property
    def company_wide(self) -> bool:
        return any(g.centre_id is None for g in self.grants)

    @property
    def centre_ids(self) -> frozenset[int]:
        return frozenset(g.centre_id for g in self.grants if g.centre_id is not None)

    @property
    def building_ids(self) -> frozenset[int] | None:
        """The buildings that the person is narrowed to, None where any grant has the whole centre."""
        if any(g.building_id is None for g in self.grants):
            return None
        return frozenset(g.building_id for g in self.grants)

    @property
    def departments(self) -> tuple[str, ...]:
        return tuple(sorted({DEPARTMENT_OF[g.role] for g in self.grants if g.role in DEPARTMENT_OF}))

    def only(self, roles: Iterable[Role]) -> tuple[Grant, ...]:
        roles = frozenset(roles)
        return tuple(g for g in self.grants if g.role in roles)


def reach(person: Person, now: datetime | None = None, session: Session | None = None) -> Reach:
    """The reach of a person at `now` (default: the session's clock): own roles and, while it lasts, those they
    substitute for.

    It is read in `session`; without one `person` has to be attached to its own. Someone who is not active reaches nothing.
    A session that answers one request of a reader (`session.info["reaches"]`) reads it once for the moment of that request.
    """
    session = session or object_session(person)
    kept = session.info.get("reaches")
    if kept is None:
        return _read_reach(person, now, session)
    at, found = kept.get(person.id, (None, None))
    if found is None or (now is not None and abs(now - at) > ONE_MOMENT):
        at = now or session.info["clock"].now()
        found = _read_reach(person, at, session)
        kept[person.id] = (at, found)
    return found


def _read_reach(person: Person, now: datetime | None, session: Session) -> Reach:
    session.flush()
    now = now or session.info["clock"].now()
    today = now.astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai"))).date()
    rows = _GRANTS.all(session.connection(), person_id=person.id, now=now)
    if not any(row["id"] == person.id and row["active"] for row in rows):
        return Reach(person.id, person.username, (), (person.username,), (person.id,))
    rows.sort(key=lambda row: row["id"] != person.id)  # own roles first
    grants = [
        Grant(row["role"], row["centre_id"], row["building_id"], None if row["id"] == person.id else row["username"])
        for row in rows
        if row["role"] is not None and _in_force(row["from_on"], row["until_on"], today)
    ]
    others = {row["id"]: row["username"] for row in rows if row["id"] != person.id}
    return Reach(
        person.id, person.username, tuple(grants), (person.username, *others.values()), (person.id, *others)
    )


_substituted = sa.select(Substitute.for_person_id).where(
    Substitute.by_person_id == sa.bindparam("person_id"),
    Substitute.starts_at <= sa.bindparam("now", type_=Instant()),
    Substitute.ends_at > sa.bindparam("now", type_=Instant()),
)
_GRANTS = Prepared(
    sa.select(
        Person.id,
        Person.username,
        Person.active,
        RoleAssignment.role,
        RoleAssignment.centre_id,
        RoleAssignment.building_id,
        RoleAssignment.from_on,
        RoleAssignment.until_on,
    )
    .outerjoin(RoleAssignment, RoleAssignment.person_id == Person.id)
    .where(sa.or_(Person.id == sa.bindparam("person_id"), Person.id.in_(_substituted)))
    .order_by(Person.id, RoleAssignment.id)
)


def task_filter(reach: Reach) -> sa.ColumnElement[bool]:
    """Which open tasks the person may do now: assigned to them, or nobody's and offered to one of their roles in its
    scope.
    """
    offered = [
        sa.and_(user_task.c.groups.like(f"%|{g.role}|%"), _in_scope(g, user_task.c.centre_id, user_task.c.building_id))
        for g in reach.grants
    ]
    about_them = sa.select(Ticket.number).where(Ticket.about_person_id.in_(reach.person_ids))
    return sa.and_(
        user_task.c.state == "open",
        sa.or_(
            user_task.c.assignee.in_(reach.usernames),
            sa.and_(user_task.c.assignee.is_(None), sa.or_(sa.false(), *offered)),
        ),
        user_task.c.business_key.not_in(about_them),
    )


def task_sight(reach: Reach) -> sa.ColumnElement[bool]:
    """Which tasks the person may see: of every ticket that they see, and what they may do."""
    return sa.or_(
        task_filter(reach), user_task.c.business_key.in_(sa.select(Ticket.number).where(ticket_filter(reach)))
    )


def ticket_filter(reach: Reach, roles: frozenset[Role] = ON_TICKET["see"]) -> sa.ColumnElement[bool]:
    """Which tickets the person reaches through one of `roles` (default: may see)."""
    ways = [_tickets_of(g, reach) for g in reach.only(roles)]
    if roles & WORKING and any(g.role in roles for g in reach.grants):
        ways.append(
            sa.exists().where(
                user_task.c.business_key == Ticket.number,
                user_task.c.centre_id == Ticket.centre_id,
                user_task.c.assignee.in_(reach.usernames),
            )
        )
    return sa.or_(sa.false(), *ways)


def centre_filter(reach: Reach, action: str, column) -> sa.ColumnElement[bool]:
    """Which rows a person reaches that only carry a centre (units, customers, ...), for an action of IN_CENTRE."""
    grants = reach.only(IN_CENTRE[action])
    if any(g.centre_id is None for g in grants):
        return sa.true()
    return column.in_([g.centre_id for g in grants])


def may(
    person: Person, action: str, thing: Any = None, now: datetime | None = None, session: Session | None = None
) -> bool:
    """Whether the person may do `action` with `thing`: a ticket or what hangs on it, a task, a unit, a customer, a
    centre or None.

    Actions: those of ON_TICKET and IN_CENTRE; "do", "see", "claim" and "assign" for tasks. An unknown action is False.
    """
    session = session or object_session(person)
    return _grant_for(reach(person, now, session), action, thing, session) is not None


def require(
    person: Person, action: str, thing: Any, now: datetime | None = None, session: Session | None = None
) -> Grant:
    """The grant by which the person may do it. Raises NotThere where they do not even see the thing, NotAllowed
    otherwise. `session`: where to look; default the person's own.
    """
    session = session or object_session(person)
    mine = reach(person, now, session)
    grant = _grant_for(mine, action, thing, session)
    if grant is not None:
        return grant
    what, key = _called(thing)
    if thing is not None and _grant_for(mine, "see", thing, session) is None:
        raise NotThere(what, key)
    raise NotAllowed(action, f"{what} {key}".strip(), _who_may(action, thing))


def actor(person: Person, grant: Grant, channel: str = "web") -> Actor:
    """How the engine and the trace name the person for what they do by this grant."""
    return Actor(person.username, role=str(grant.role), on_behalf_of=grant.on_behalf_of, channel=channel)


# --- how one grant reaches --------------------------------------------------------------------------------------------


def _tickets_of(grant: Grant, reach: Reach) -> sa.ColumnElement[bool]:
    here = _in_scope(grant, Ticket.centre_id, Ticket.building_id)
    if grant.role in DEPARTMENT_OF:
        return sa.and_(
            here, sa.exists().where(Slip.ticket_id == Ticket.id, Slip.department == DEPARTMENT_OF[grant.role])
        )
    if grant.role in DESK:
        return sa.and_(
            here,
            sa.or_(
                Ticket.category != Category.COMPLAINT,
                Ticket.about_person_id.is_(None),
                Ticket.about_person_id.not_in(reach.person_ids),
            ),
        )
    return here


def _in_scope(grant: Grant, centre, building) -> sa.ColumnElement[bool]:
    if grant.centre_id is None:
        return sa.true()
    here = centre == grant.centre_id
    return (
        here if grant.building_id is None else sa.and_(here, sa.or_(building.is_(None), building == grant.building_id))
    )


def _in_force(from_on: date | None, until_on: date | None, today: date) -> bool:
    return (from_on is None or from_on <= today) and (until_on is None or today <= until_on)


# --- one thing --------------------------------------------------------------------------------------------------------


def _grant_for(reach: Reach, action: str, thing: Any, session: Session) -> Grant | None:
    if isinstance(thing, (Slip, Photo, Promise, Escalation)):
        thing = session.get(Ticket, thing.ticket_id) if thing.ticket_id else session.get(Centre, thing.centre_id)
    if isinstance(thing, Ticket):
        return _grant_on_ticket(reach, action, thing, session)
    if all(hasattr(thing, c) for c in _TASK_COLUMNS):
        return _grant_on_task(reach, action, thing, session)
    if isinstance(thing, (Customer, Contact)) and action == "see":
        action = "see customers"
    if isinstance(thing, (Unit, Centre)) and action == "see":
        action = "see units"
    return _grant_in_centre(reach, action, _centre_id(thing))


def _grant_on_ticket(reach: Reach, action: str, ticket: Ticket, session: Session) -> Grant | None:
    roles = ON_TICKET.get(action)
    if roles is None or not _one_ticket_of(reach, roles).first(session.connection(), ticket_id=ticket.id):
        return None
    grants = [g for g in reach.only(roles) if g.centre_id in (None, ticket.centre_id)] or list(reach.only(roles))
    return grants[0]


def _grant_on_task(reach: Reach, action: str, task: Any, session: Session) -> Grant | None:
    if action == "see":
        return _grant_by_group(reach, task) if _one(_seen_by, reach, task, session) else None
    if action in ("do", "claim"):
        return _grant_by_group(reach, task) if _one(_free_for, reach, task, session) else None
    if action == "assign":
        return next((g for g in reach.grants if g.centre_id == task.centre_id and _leads(g, task)), None)
    return None


def _one(statement: Callable[[Reach], Prepared], reach: Reach, task: Any, session: Session) -> bool:
    return statement(reach).first(session.connection(), task_id=task.id) is not None


# The clauses of the lists, narrowed to one task or ticket; built once for everybody who reaches the same.


@lru_cache(1024)
def _free_for(reach: Reach) -> Prepared:
    return Prepared(sa.select(user_task.c.id).where(user_task.c.id == sa.bindparam("task_id", ""), task_filter(reach)))


@lru_cache(1024)
def _seen_by(reach: Reach) -> Prepared:
    return Prepared(sa.select(user_task.c.id).where(user_task.c.id == sa.bindparam("task_id", ""), task_sight(reach)))


@lru_cache(1024)
def _one_ticket_of(reach: Reach, roles: frozenset[Role]) -> Prepared:
    return Prepared(sa.select(Ticket.id).where(Ticket.id == sa.bindparam("ticket_id", 0), ticket_filter(reach, roles)))


def _leads(grant: Grant, task: Any) -> bool:
    """Leads assign any task of their centre, a department's head those of the department."""
    if grant.role in LEAD:
        return True
    return grant.role in HEADS and f"|{DEPARTMENT_OF[grant.role]}|" in task.groups


def _grant_by_group(reach: Reach, task: Any) -> Grant | None:
    here = [g for g in reach.grants if g.centre_id in (None, task.centre_id)]
    if task.assignee in reach.usernames:
        behalf = None if task.assignee == reach.username else task.assignee
        here = [g for g in here if g.on_behalf_of == behalf] or here
    fitting = [g for g in here if f"|{g.role}|" in (task.groups or "")]
    return next(iter(fitting or here or reach.grants), None)


def _grant_in_centre(reach: Reach, action: str, centre_id: int | None) -> Grant | None:
    grants = reach.only(IN_CENTRE.get(action, ()))
    return next((g for g in grants if centre_id is None or g.centre_id in (None, centre_id)), None)


def _centre_id(thing: Any) -> int | None:
    return thing.id if isinstance(thing, Centre) else getattr(thing, "centre_id", None)


def _called(thing: Any) -> tuple[str, Any]:
    if thing is None:
        return "this", ""
    what = "Task" if all(hasattr(thing, c) for c in _TASK_COLUMNS) else type(thing).__name__
    return what, getattr(thing, "number", None) or getattr(thing, "name", None) or getattr(thing, "id", "")


def _who_may(action: str, thing: Any) -> str:
    if hasattr(thing, "groups"):
        return (
            (thing.assignee or thing.groups.strip("|").replace("|", ", "))
            if action in ("do", "claim")
            else "The supervisor"
        )
    roles = ON_TICKET.get(action) or IN_CENTRE.get(action) or ()
    return ", ".join(sorted(map(str, roles)))
