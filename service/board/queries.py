"""Reads for the board: every open task of the reader's centres, calls for help, slips nobody accepts, load per person.

A fixed number of statements, no matter how many rows or people. Surprise: figures come from a tally of all open tasks,
cards only of the `ROWS` that go wrong first, so a full centre never makes the page slow or its figures wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.orm import Session, object_session

from engine.tables import incident, user_task
from service import access
from service.customers.models import Customer
from service.organisation.models import Centre, Duty, Person, RoleAssignment, Unit
from service.organisation.rules import DEPARTMENT_OF, DESK, LEAD
from service.subjects.models import Subject
from service.tickets import rules
from service.tickets.models import OPEN_STATES, Escalation, Slip, SlipState, Ticket
from service.tickets.queries import FIRST_DUE_FIRST, FOLDED
from service.tickets.rules import Chip

ROWS = 400
SLIPS = 20
BOARD, ESCALATION = "see board", "escalation"
DESK_COLUMN, LEAD_COLUMN = "desk", "lead"


@dataclass(frozen=True, slots=True)
class Card:
    """One open task. `department`: desk, lead, or the key of a department."""

    task_id: str
    element_id: str
    name: str
    process_key: str
    definition_hash: str
    number: str
    title: str
    unit_label: str
    customer_name: str
    centre_name: str
    vip: bool
    opened_at: datetime
    due_at: datetime | None
    chip: Chip
    assignee: str | None
    assignee_name: str
    groups: tuple[str, ...]
    department: str
    urged_count: int
    is_ticket: bool
    mine: bool  # the reader may do it now
    may_assign: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A call for help that waits for an answer (clause 12)."""

    card: Card
    subject: str
    reason: str
    asked_by: str
    level: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A slip that nobody has accepted."""

    number: str
    ticket_number: str
    title: str
    unit_label: str
    department: str
    state: str
    sent_at: datetime
    due_at: datetime | None


@dataclass(slots=True)
class Load:
    """What one person has: open tasks that are theirs, how many are overdue, when the next is due."""

    username: str
    name: str
    roles: tuple[str, ...]
    on_duty: bool
    open: int = 0
    over: int = 0
    next_due_at: datetime | None = None


@dataclass(slots=True)
class Figures:
    open: int = 0
    over: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    cards: list[Card]  # first what goes wrong first
    calls: list[Call]  # those of the reader first
    slips: list[Waiting]
    slip_count: int
    people: list[Load]
    departments: dict[str, Figures]
    elements: dict[str, Figures]
    incidents: int
    may_assign: bool
    several_centres: bool

    @property
    def over(self) -> int:
        return sum(f.over for f in self.departments.values())


def board(person: Person, now: datetime | None = None, rows: int = ROWS, slips: int = SLIPS) -> Board:
    """Everything of the board, within the centres whose board the person may see; at most so many cards and slips."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    mine = access.reach(person, now)
    tasks = _open_tasks(session, mine, now, rows)
    tally = _tally(session, mine, now)
    waiting = _slips(session, mine, slips)
    return Board(
        [card for card, _ in tasks if card.process_key != ESCALATION],
        sorted((call for _, call in tasks if call), key=lambda c: not c.card.mine),
        [s for s, _ in waiting],
        waiting[0][1] if waiting else 0,
        _loads(session, mine, tally, now),
        _figures(tally, lambda r: department_of(r.groups)),
        _figures(tally, lambda r: r.element_id),
        _incidents(session, mine),
        _leads(mine),
        mine.company_wide or len({g.centre_id for g in mine.only(access.IN_CENTRE[BOARD])}) > 1,
    )


def department_of(groups: str | Iterable[str]) -> str:
    """Whose queue a task stands in, by the groups that it is offered to."""
    found = [g for g in (groups.split("|") if isinstance(groups, str) else groups) if g]
    for group in found:
        if group in DEPARTMENT_OF:
            return DEPARTMENT_OF[group]
    return DESK_COLUMN if any(g in DESK for g in found) else LEAD_COLUMN


def may_give(person: Person) -> bool:
    """Whether the person may give anybody's work to somebody else."""
    return _leads(access.reach(person))


def _leads(mine: access.Reach) -> bool:
    return bool(mine.only(LEAD))


# --- parts, one statement each ----------------------------------------------------------------------------------------


def _open(mine: access.Reach) -> sa.ColumnElement[bool]:
    listed = sa.and_(user_task.c.state == "open", user_task.c.element_id.not_in(FOLDED))
    return sa.and_(listed, access.centre_filter(mine, BOARD, user_task.c.centre_id))


def _open_tasks(session: Session, mine: access.Reach, now: datetime, most: int) -> list[tuple[Card, Call | None]]:
    worker = sa.orm.aliased(Person)
    rows = session.execute(
        sa.select(
            user_task,
            Ticket.id.label("ticket_id"),
            Ticket.title,
            Ticket.vip,
            Ticket.urged_count,
            Unit.code,
            Customer.name.label("customer"),
            Centre.name.label("centre"),
            worker.name.label("worker"),
            Subject.title.label("about"),
            Subject.place,
            Escalation.subject,
            Escalation.reason,
            Escalation.asked_by,
            Escalation.level,
            sa.case((access.task_filter(mine), 1), else_=0).label("mine"),
        )
        .join(Centre, Centre.id == user_task.c.centre_id)
        .outerjoin(Subject, Subject.number == user_task.c.business_key)
        .outerjoin(
            Ticket, sa.and_(Ticket.number == user_task.c.business_key, Ticket.centre_id == user_task.c.centre_id)
        )
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(worker, worker.username == user_task.c.assignee)
        .outerjoin(
            Escalation,
            sa.and_(Escalation.instance_id == user_task.c.instance_id, user_task.c.process_key == ESCALATION),
        )
        .where(_open(mine))
        .order_by(*FIRST_DUE_FIRST)
        .limit(most)
    ).all()
    leads = {g.centre_id for g in mine.only(LEAD)}
    return [(card := _card(r, leads, now), _call(r, card)) for r in rows]


def _card(r: Any, leads: set[int | None], now: datetime) -> Card:
    return Card(
        r.id,
        r.element_id,
        r.name,
        r.process_key,
        r.definition_hash,
        r.business_key,
        r.title or r.about or r.name,
        r.code or r.place or "",
        r.customer or "",
        r.centre,
        bool(r.vip),
        r.opened_at,
        r.due_at,
        rules.chip(now, r.opened_at, r.due_at),
        r.assignee,
        r.worker or "",
        tuple(g for g in r.groups.split("|") if g),
        department_of(r.groups),
        r.urged_count or 0,
        r.ticket_id is not None,
        bool(r.mine),
        r.centre_id in leads or None in leads,
    )


def _call(r: Any, card: Card) -> Call | None:
    if r.process_key != ESCALATION:
        return None
    return Call(card, r.subject or r.name, r.reason or "", r.asked_by or "", r.level or 1)


def _tally(session: Session, mine: access.Reach, now: datetime) -> list[Any]:
    late = sa.case((user_task.c.due_at <= now, 1), else_=0)
    return session.execute(
        sa.select(
            user_task.c.groups,
            user_task.c.assignee,
            user_task.c.process_key,
            user_task.c.element_id,
            sa.func.count().label("open"),
            sa.func.sum(late).label("over"),
            sa.func.min(user_task.c.due_at).label("next_due_at"),
        )
        .where(_open(mine))
        .group_by(user_task.c.groups, user_task.c.assignee, user_task.c.process_key, user_task.c.element_id)
    ).all()


def _figures(tally: list[Any], key) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for row in tally:
        if row.process_key != ESCALATION:
            one = found.setdefault(key(row), Figures())
            one.open, one.over = one.open + row.open, one.over + row.over
    return found


def _slips(session: Session, mine: access.Reach, most: int) -> list[tuple[Waiting, int]]:
    rows = session.execute(
        sa.select(Slip, Ticket, Unit.code, sa.func.count().over().label("all"))
        .join(Ticket, Ticket.id == Slip.ticket_id)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .where(
            access.centre_filter(mine, BOARD, Slip.centre_id),
            Slip.state.in_([SlipState.SENT, SlipState.ASKED]),
            Ticket.state.in_(OPEN_STATES),
        )
        .order_by(Ticket.response_due_at, Slip.id)
        .limit(most)
    ).all()
    return [
        (
            Waiting(
                r.Slip.number,
                r.Ticket.number,
                r.Ticket.title,
                r.code or "",
                r.Slip.department,
                str(r.Slip.state),
                r.Slip.sent_at,
                r.Ticket.response_due_at,
            ),
            r.all,
        )
        for r in rows
    ]


def _loads(session: Session, mine: access.Reach, tally: list[Any], now: datetime) -> list[Load]:
    """Everybody who works in these centres: overdue first, then who has most, then who has nothing."""
    on_duty = sa.exists().where(Duty.person_id == Person.id, Duty.starts_at <= now, Duty.ends_at > now)
    rows = session.execute(
        sa.select(Person.username, Person.name, RoleAssignment.role, on_duty.label("on_duty"))
        .join(RoleAssignment, RoleAssignment.person_id == Person.id)
        .where(
            Person.active,
            RoleAssignment.role.in_(access.WORKING),
            access.centre_filter(mine, BOARD, RoleAssignment.centre_id),
        )
        .order_by(Person.id, RoleAssignment.id)
    ).all()
    people: dict[str, Load] = {}
    for r in rows:
        one = people.setdefault(r.username, Load(r.username, r.name, (), bool(r.on_duty)))
        one.roles = (*one.roles, str(r.role)) if str(r.role) not in one.roles else one.roles
    for row in tally:
        if one := people.get(row.assignee or ""):
            one.open, one.over = one.open + row.open, one.over + row.over
            dues = [d for d in (one.next_due_at, row.next_due_at) if d]
            one.next_due_at = min(dues, default=None)
    return sorted(people.values(), key=lambda p: (-p.over, -p.open, not p.on_duty, p.name))


def _incidents(session: Session, mine: access.Reach) -> int:
    return session.execute(
        sa.select(sa.func.count())
        .select_from(incident)
        .where(incident.c.resolved_at.is_(None), access.centre_filter(mine, BOARD, incident.c.centre_id))
    ).scalar_one()
