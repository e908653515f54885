"""Reads about tickets for the screens: my work in the order it will go wrong, a department's queue, a ticket, a task.

Each takes a person attached to a session of `app.session()`; reach decides what is in the answer. A fixed number of
statements each, no matter how many rows. Words are left to the page: answers carry instants, kinds and names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime, time, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.orm import Session, object_session, selectinload

from engine.errors import NotFound
from engine.sql import Prepared
from engine.tables import user_task
from service import access
from service.customers.models import Contact, Customer
from service.errors import NotThere
from service.notifications.queries import notices, unread_count
from service.organisation.models import Person, Unit
from service.organisation.queries import names_of, person_named
from service.organisation.rules import DEPARTMENT_OF
from service.subjects.models import Subject
from service.tickets import photos, rules
from service.tickets.models import (
    IS_OPEN,
    OPEN_STATES,
    Category,
    ContractPromise,
    Escalation,
    Photo,
    Promise,
    PromiseState,
    Slip,
    SlipState,
    Target,
    TargetKind,
    Ticket,
    TicketNote,
    TicketPause,
    TicketState,
    next_due,
)
from service.tickets.rules import Chip

__all__ = [
    "department_queue",
    "duplicates",
    "my_work",
    "notices",
    "open_of_unit",
    "photo_file",
    "task_card",
    "ticket_card",
    "ticket_list",
    "unread_count",
]

PAGE = 100
LISTED = 50  # on one page of the list of tickets
FOLDED = ("walk_floor",)  # steps of which there are many at once: they have a page of their own, not a row each
FIRST_DUE_FIRST = (  # how open tasks stand in every list; of those due at one instant, the older ticket's comes first
    user_task.c.due_at.is_(None),
    user_task.c.due_at,
    user_task.c.priority.desc(),
    user_task.c.opened_at,
    user_task.c.business_key,
    user_task.c.id,  # random, and only what is left
)
HANDLING = ("arrive", "handle")  # the steps that stand still while a ticket is paused
PAUSABLE = (TargetKind.ARRIVAL, TargetKind.RESOLUTION)
DUPLICATE_HOURS = 24


# --- my work ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of a work list: a task that the reader may do, or (waiting) a ticket of theirs that somebody else works
    on.
    """

    task_id: str | None
    element_id: str  # which step: verify, return_visit, accept_slip, ...
    name: str  # the step's name in the diagram
    form: str | None
    clause: str | None
    number: str  # of the ticket, or the business key of what is no ticket
    title: str
    unit_label: str
    customer_name: str
    category: str
    urgency: str
    vip: bool
    opened_at: datetime
    due_at: datetime | None
    chip: Chip
    minutes_left: int | None
    assignee: str | None
    assignee_name: str
    groups: tuple[str, ...]
    version: int
    definition_hash: str
    slip_number: str = ""
    urged_count: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PromiseItem:
    promise: Promise
    ticket: Ticket
    contact_name: str
    unit_label: str
    chip: Chip
    minutes_left: int


@dataclass(frozen=True, slots=True)
class SlipItem:
    """A slip of mine that nobody has accepted."""

    slip: Slip
    ticket: Ticket
    unit_label: str
    due_at: datetime | None
    chip: Chip
    minutes_left: int | None


@dataclass(frozen=True, slots=True)
class MyWork:
    """The first screen. `items` first what goes wrong first; `more` rows of it are not here, the earliest due at
    `more_due_at`.
    """

    items: list[WorkItem]
    more: int
    more_due_at: datetime | None
    waiting: list[WorkItem]
    promises: list[PromiseItem]
    not_accepted: list[SlipItem]
    unread: int

    @property
    def count(self) -> int:
        return len(self.items) + self.more


def my_work(person: Person, now: datetime | None = None, limit: int = 10) -> MyWork:
    """What the person has to do, in the order it will go wrong, and what they wait for."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    mine = access.reach(person, now)
    found = _tasks(session, now, _work_of(mine), limit=PAGE + 1)
    count = _work_of(mine, counted=True).first(session.connection())["count"] if len(found) > PAGE else len(found)
    return MyWork(
        found[:limit],
        max(0, count - limit),
        found[limit].due_at if len(found) > limit else None,
        _waiting(session, mine, now),
        _promises(session, mine, now),
        _not_accepted(session, mine, now),
        unread_count(person),
    )


def all_work(person: Person, now: datetime | None = None, limit: int = PAGE) -> list[WorkItem]:
    """Every task that the person may do, first what goes wrong first."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    return _tasks(session, now, _work_of(access.reach(person, now)), limit=limit)


# Each of these statements is built once for everybody who reaches the same.


@lru_cache(1024)
def _work_of(mine: access.Reach, counted: bool = False) -> Prepared:
    listed = sa.and_(access.task_filter(mine), user_task.c.element_id.not_in(FOLDED))
    if counted:
        return Prepared(sa.select(sa.func.count().label("count")).select_from(user_task).where(listed))
    return _tasks_where(listed)


@lru_cache(1024)
def _waited_for_by(mine: access.Reach) -> Prepared:
    mine_now = sa.select(Ticket.number).where(Ticket.owner.in_(mine.usernames), Ticket.state.in_(OPEN_STATES))
    return _tasks_where(
        sa.and_(
            user_task.c.state == "open",
            user_task.c.business_key.in_(mine_now),
            user_task.c.process_key == "customer-request",
            user_task.c.id.not_in(sa.select(user_task.c.id).where(access.task_filter(mine))),
        )
    )


@lru_cache(1024)
def _queue_of(department: str, centres: tuple[int | None, ...]) -> Prepared:
    return _tasks_where(
        sa.and_(
            user_task.c.state == "open",
            user_task.c.centre_id.in_(centres),
            user_task.c.groups.like(f"%|{department}|%"),
        )
    )


def department_queue(person: Person, department: str, now: datetime | None = None, limit: int = PAGE) -> list[WorkItem]:
    """The open tasks of a department in the person's centres, whoever has them."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    mine = access.reach(person, now)
    centres = tuple(
        g.centre_id for g in mine.grants if DEPARTMENT_OF.get(g.role) == department or g.role in access.LEAD
    )
    return _tasks(
        session,
        now,
        _queue_of(department, centres),
        limit=limit,
        may_do=lambda r: r.assignee is None or r.assignee in mine.usernames,
    )


def _tasks(
    session: Session, now: datetime, chosen: Prepared, limit: int, may_do: Callable[[Any], bool] = lambda _: True
) -> list[WorkItem]:
    """Rows of user_task with their ticket, in one statement, first due first; tasks without a due instant last."""
    rows = [SimpleNamespace(**row) for row in chosen.all(session.connection(), most=limit)]
    return [_work_item(r, now, may_do(r)) for r in rows]


def _tasks_where(clause) -> Prepared:
    worker = sa.orm.aliased(Person)
    newest_slip = (
        sa.select(Slip.number)
        .where(Slip.ticket_id == Ticket.id)
        .order_by(Slip.id.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )
    return Prepared(
        sa.select(
            user_task,
            Ticket.title,
            Ticket.category,
            Ticket.urgency,
            Ticket.vip,
            Ticket.urged_count,
            Ticket.paused_at,
            Unit.code,
            Customer.name.label("customer"),
            worker.name.label("worker"),
            newest_slip.label("slip"),
            Subject.title.label("subject"),
            Subject.place,
        )
        .outerjoin(Subject, sa.and_(Subject.number == user_task.c.business_key, Subject.centre_id == user_task.c.centre_id))
        .outerjoin(
            Ticket, sa.and_(Ticket.number == user_task.c.business_key, Ticket.centre_id == user_task.c.centre_id)
        )
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(worker, worker.username == user_task.c.assignee)
        .where(clause)
        .order_by(*FIRST_DUE_FIRST)
        .limit(sa.bindparam("most", PAGE))
    )


def _work_item(r: Any, now: datetime, mine: bool) -> WorkItem:
    paused = r.paused_at is not None and r.element_id in HANDLING
    return WorkItem(
        r.id,
        r.element_id,
        r.name,
        r.form,
        r.clause,
        r.business_key,
        r.title or r.subject or r.name,
        r.code or r.place or "",
        r.customer or "",
        str(r.category or ""),
        str(r.urgency or ""),
        bool(r.vip),
        r.opened_at,
        r.due_at,
        _chip(paused, now, r.opened_at, r.due_at, mine),
        rules.minutes_left(now, r.due_at),
        r.assignee,
        r.worker or "",
        tuple(g for g in r.groups.split("|") if g),
        r.version,
        r.definition_hash,
        r.slip or "",
        r.urged_count or 0,
        paused,
    )


def _chip(paused: bool, now: datetime, opened_at: datetime, due_at: datetime | None, mine: bool = True) -> Chip:
    found = rules.chip(now, opened_at, due_at, mine)
    return Chip.PAUSED if paused and found is not Chip.OVER else found


def _waiting(session: Session, mine: access.Reach, now: datetime, limit: int = 20) -> list[WorkItem]:
    """Tickets that I own and somebody else works on, by their task."""
    return _tasks(session, now, _waited_for_by(mine), limit, may_do=lambda _: False)


def _promises(session: Session, mine: access.Reach, now: datetime) -> list[PromiseItem]:
    """Open promises until the end of today, overdue ones included."""
    rows = session.execute(
        sa.select(Promise, Ticket, Contact.name.label("contact"), Customer.name.label("customer"), Unit.code)
        .join(Ticket, Ticket.id == Promise.ticket_id)
        .outerjoin(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .where(
            Promise.owner.in_(mine.usernames),
            Promise.state == PromiseState.OPEN,
            Promise.due_at < _end_of_day(session, now),
        )
        .order_by(Promise.due_at)
        .limit(PAGE)
    ).all()
    return [
        PromiseItem(
            r.Promise,
            r.Ticket,
            r.contact or r.customer or "",
            r.code or "",
            rules.chip(now, r.Promise.made_at, r.Promise.due_at),
            rules.minutes_left(now, r.Promise.due_at),
        )
        for r in rows
    ]


def _not_accepted(session: Session, mine: access.Reach, now: datetime) -> list[SlipItem]:
    rows = session.execute(
        sa.select(Slip, Ticket, Unit.code)
        .join(Ticket, Ticket.id == Slip.ticket_id)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .where(
            Ticket.owner.in_(mine.usernames),
            Ticket.state.in_(OPEN_STATES),
            Slip.state.in_([SlipState.SENT, SlipState.ASKED]),
        )
        .order_by(Ticket.response_due_at)
        .limit(PAGE)
    ).all()
    return [
        SlipItem(
            r.Slip,
            r.Ticket,
            r.code or "",
            r.Ticket.response_due_at,
            rules.chip(now, r.Slip.sent_at, r.Ticket.response_due_at, mine=False),
            rules.minutes_left(now, r.Ticket.response_due_at),
        )
        for r in rows
    ]


def _end_of_day(session: Session, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai")))
    return datetime.combine(local.date() + timedelta(days=1), time(0), tzinfo=local.tzinfo)


# --- one ticket -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One clock of a ticket: when it is due, when it was met, and the sum (as JSON of service.calendars.rules.Sum)."""

    kind: str  # response, arrival, resolution, return-visit
    due_at: datetime | None
    met_at: datetime | None
    start_at: datetime
    minutes: int
    calendar: str
    calendar_version: int
    standard_at: datetime
    source: str  # table, customer, promise
    reason: str
    sum: dict[str, Any]
    chip: Chip
    minutes_left: int | None
    promise: ContractPromise | None = None  # whose minutes these are
    table_minutes: int | None = None  # what the table gave beside the promise; None for no such limit


@dataclass(frozen=True, slots=True)
class OpenTask:
    """An open task of the ticket, of whatever process."""

    id: str
    element_id: str
    name: str
    form: str | None
    clause: str | None
    assignee: str | None
    assignee_name: str
    groups: tuple[str, ...]
    due_at: datetime | None
    opened_at: datetime
    version: int
    process_key: str
    mine: bool  # the reader may do it now
    chip: Chip
    minutes_left: int | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of what happened, newest first. `kind`: a NoteKind, or the trace's kind (task-completed, decision,
    timer-fired, ...).
    """

    at: datetime
    kind: str
    element_id: str | None
    name: str  # the element's name in the diagram
    by: str  # username, or system
    by_name: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TicketCard:
    """Everything for the ticket's page."""

    ticket: Ticket
    unit: Unit | None
    customer: Customer | None
    contact: Contact | None
    owner_name: str
    about_name: str
    targets: list[TargetLine]
    next_target: TargetLine | None  # the one clock that is lit
    slips: list[Slip]
    notes: list[TicketNote]
    photos: list[Photo]
    promises: list[Promise]
    escalations: list[Escalation]
    tasks: list[OpenTask]
    timeline: list[TimelineEntry]
    names: dict[str, str]  # username -> name of everybody who occurs
    may: frozenset[str]  # actions of access.ON_TICKET that the reader may do
    process_key: str | None
    definition_hash: str | None
    definition_version: int | None
    walked: dict[str, int]  # element and flow ids of the ticket's own process -> how often passed
    standing: frozenset[str]  # element ids where it stands now
    merged_into: str | None
    pauses: list[TicketPause]
    merged: list[Ticket]  # that were merged into it: their callers are told together

    @property
    def pause(self) -> TicketPause | None:
        """The pause that it is in now."""
        return next((p for p in self.pauses if p.ended_at is None), None)


def ticket_card(person: Person, number: str, now: datetime | None = None) -> TicketCard:
    """Everything for the ticket's page. Raises NotThere for a number that is unknown or out of reach."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    mine = access.reach(person, now)
    ticket = _visible(session, mine, number)
    notes = _all(session, TicketNote, TicketNote.ticket_id == ticket.id, TicketNote.at)
    slips = _all(session, Slip, Slip.ticket_id == ticket.id, Slip.id)
    escalations = _all(session, Escalation, Escalation.ticket_id == ticket.id, Escalation.id)
    promises = _all(session, Promise, Promise.ticket_id == ticket.id, Promise.due_at)
    events = _trace(session, ticket)
    tasks = _open_tasks(session, mine, ticket, now)
    names = names_of(
        session,
        [
            ticket.owner,
            ticket.created_by,
            *(n.by for n in notes),
            *(e.get("actor") for e in events),
            *(s.worker for s in slips),
            *(s.sent_by for s in slips),
            *(s.accepted_by for s in slips),
            *(e.asked_by for e in escalations),
            *(e.answered_by for e in escalations),
            *(t.assignee for t in tasks),
            *(e.get("assignee") for e in events),
            *(e.get("after") for e in events if isinstance(e.get("after"), str)),
        ],
    )
    definition = _definition(session, ticket)
    targets = _targets(session, ticket, now)
    return TicketCard(
        ticket,
        ticket.unit,
        ticket.customer,
        ticket.contact,
        names.get(ticket.owner, ticket.owner),
        _about_name(session, ticket),
        targets,
        _next(targets, ticket),
        slips,
        notes,
        _all(session, Photo, Photo.ticket_id == ticket.id, Photo.id),
        promises,
        escalations,
        [_named(t, names) for t in tasks],
        _timeline(session, ticket, notes, events, names),
        names,
        _may(session, mine, ticket),
        definition.key if definition else None,
        definition.hash if definition else None,
        definition.version if definition else None,
        *_path(ticket, events, tasks),
        _merged_into(session, ticket),
        _all(session, TicketPause, TicketPause.ticket_id == ticket.id, TicketPause.started_at),
        _merged(session, ticket),
    )


def _merged(session: Session, ticket: Ticket) -> list[Ticket]:
    ways = (selectinload(Ticket.unit), selectinload(Ticket.customer), selectinload(Ticket.contact))
    found = sa.select(Ticket).where(Ticket.merged_into_id == ticket.id).order_by(Ticket.id).options(*ways)
    return list(session.scalars(found))


def _visible(session: Session, mine: access.Reach, number: str) -> Ticket:
    ticket = session.scalars(
        sa.select(Ticket)
        .where(Ticket.number == number, access.ticket_filter(mine))
        .options(selectinload(Ticket.unit), selectinload(Ticket.customer), selectinload(Ticket.contact))
    ).first()
    if ticket is None:
        raise NotThere("Ticket", number)
    return ticket


def _all(session: Session, table, clause, order) -> list:
    return list(session.scalars(sa.select(table).where(clause).order_by(order)))


def _may(session: Session, mine: access.Reach, ticket: Ticket) -> frozenset[str]:
    """In one statement: for each set of roles, whether the ticket is reached through it."""
    role_sets = list(dict.fromkeys(access.ON_TICKET.values()))
    columns = [
        sa.case((access.ticket_filter(mine, roles), 1), else_=0).label(f"r{i}") for i, roles in enumerate(role_sets)
    ]
    row = session.execute(sa.select(*columns).select_from(Ticket).where(Ticket.id == ticket.id)).one()
    reached = {roles for roles, yes in zip(role_sets, row) if yes}
    changing = ticket.state in OPEN_STATES
    return frozenset(
        a
        for a, roles in access.ON_TICKET.items()
        if roles in reached and (changing or a in ("see", "note", "photo", "reveal"))
    )


def _targets(session: Session, ticket: Ticket, now: datetime) -> list[TargetLine]:
    """The newest computation of each kind, in the order of the work."""
    newest = {
        t.kind: t for t in session.scalars(sa.select(Target).where(Target.ticket_id == ticket.id).order_by(Target.id))
    }
    met = {
        TargetKind.RESPONSE: ticket.response_met_at,
        TargetKind.ARRIVAL: ticket.arrival_met_at,
        TargetKind.RESOLUTION: ticket.resolution_met_at,
        TargetKind.RETURN_VISIT: ticket.return_visit_met_at,
    }
    named = {t.promise_id for t in newest.values() if t.promise_id}
    wanted = sa.select(ContractPromise).where(ContractPromise.id.in_(named))
    promises = {row.id: row for row in session.scalars(wanted)} if named else {}
    lines = []
    for kind in TargetKind:
        t, column = newest.get(kind), f"{kind.replace('-', '_')}_due_at"
        if t is not None and getattr(ticket, column) is not None:  # an urgency without this limit may have dropped it
            paused = ticket.paused_at is not None and kind in PAUSABLE
            done = met[kind] is not None or ticket.state not in OPEN_STATES
            lines.append(
                TargetLine(
                    str(kind),
                    t.due_at,
                    met[kind],
                    t.start_at,
                    t.minutes,
                    t.calendar,
                    t.calendar_version,
                    t.standard_at,
                    t.source,
                    t.reason,
                    t.sum,
                    Chip.DONE if done else _chip(paused, now, t.start_at, t.due_at),
                    rules.minutes_left(now, t.due_at),
                    promises.get(t.promise_id),
                    t.table_minutes,
                )
            )
    return lines


def _next(targets: list[TargetLine], ticket: Ticket) -> TargetLine | None:
    waiting = [t for t in targets if t.chip is not Chip.DONE]
    return min(waiting, key=lambda t: t.due_at, default=None)


def _open_tasks(session: Session, mine: access.Reach, ticket: Ticket, now: datetime) -> list[OpenTask]:
    may_do = sa.case((access.task_filter(mine), 1), else_=0).label("mine")
    rows = session.execute(
        sa.select(user_task, may_do)
        .where(
            user_task.c.business_key == ticket.number,
            user_task.c.centre_id == ticket.centre_id,
            user_task.c.state == "open",
        )
        .order_by(*FIRST_DUE_FIRST)
    ).all()
    return [
        OpenTask(
            r.id,
            r.element_id,
            r.name,
            r.form,
            r.clause,
            r.assignee,
            "",
            tuple(g for g in r.groups.split("|") if g),
            r.due_at,
            r.opened_at,
            r.version,
            r.process_key,
            bool(r.mine),
            rules.chip(now, r.opened_at, r.due_at, bool(r.mine)),
            rules.minutes_left(now, r.due_at),
        )
        for r in rows
    ]


def _named(task: OpenTask, names: dict[str, str]) -> OpenTask:
    from dataclasses import replace

    return replace(task, assignee_name=names.get(task.assignee or "", ""))


def _trace(session: Session, ticket: Ticket) -> list[dict]:
    return session.info["app"].engine.trace(ticket.instance_id) if ticket.instance_id else []


def _definition(session: Session, ticket: Ticket):
    if not ticket.instance_id:
        return None
    engine = session.info["app"].engine
    return engine.definition(engine.instance(ticket.instance_id).definition_hash)


_TOLD = {
    "task-completed",
    "task-claimed",
    "task-assigned",
    "decision",
    "timer-fired",
    "timer-retimed",
    "instance-started",
    "instance-cancelled",
    "step-undone",
}


def _timeline(
    session: Session, ticket: Ticket, notes: list[TicketNote], events: list[dict], names: dict[str, str]
) -> list[TimelineEntry]:
    """Notes and those events of the trace that tell people something, newest first."""
    element_names = _element_names(session, events)
    entries = [TimelineEntry(n.at, str(n.kind), None, "", n.by, names.get(n.by, n.by), n.text) for n in notes]
    for event in events:
        if event["kind"] in _TOLD:
            entries.append(
                TimelineEntry(
                    event["at"],
                    event["kind"],
                    event.get("element"),
                    element_names.get((event["instance"], event.get("element")), event.get("name") or ""),
                    event["actor"],
                    names.get(event["actor"], event["actor"]),
                    "",
                    {k: v for k, v in event.items() if k not in ("root", "seq", "at", "kind", "hash")},
                )
            )
    return sorted(entries, key=lambda e: e.at, reverse=True)


def _element_names(session: Session, events: list[dict]) -> dict[tuple[str, str | None], str]:
    """(instance, element id) -> name in that instance's own version of its diagram."""
    engine, names = session.info["app"].engine, {}
    for event in events:
        if event["kind"] == "instance-started":
            for element in engine.definition(event["definition"]).diagram.elements.values():
                names[event["instance"], element.id] = element.name
    return names


def _path(ticket: Ticket, events: list[dict], tasks: list[OpenTask]) -> tuple[dict[str, int], frozenset[str]]:
    walked: dict[str, int] = {}
    for event in events:
        if event["instance"] == ticket.instance_id and event["kind"] == "passed" and not event.get("undone"):
            for id in (event.get("element"), *event.get("flows", ())):
                walked[id] = walked.get(id, 0) + 1
    return walked, frozenset(t.element_id for t in tasks if t.process_key == "customer-request")


def _about_name(session: Session, ticket: Ticket) -> str:
    person = session.get(Person, ticket.about_person_id) if ticket.about_person_id else None
    return person.name if person else ""


def _merged_into(session: Session, ticket: Ticket) -> str | None:
    return session.get_one(Ticket, ticket.merged_into_id).number if ticket.merged_into_id else None


# --- one task ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskCard:
    """Everything for a task's page: the form to fill, why it is there, what comes next."""

    task: Any  # the engine's row
    form: Any | None  # engine.forms.Form
    values: dict[str, Any]  # variables that the form's fields already have
    ticket: Ticket | None
    procedure_name: str
    procedure_version: int
    translations: dict[str, Any]
    documentation: str
    following: list[str]  # names of the elements that come next in the diagram
    may_do: bool
    may_claim: bool
    may_assign: bool
    chip: Chip
    minutes_left: int | None
    assignee_name: str


def escalation_of(session: Session, instance_id: str) -> Escalation | None:
    """The call for help that an instance of the escalation procedure is about."""
    return session.scalars(sa.select(Escalation).where(Escalation.instance_id == instance_id)).first()


def task_card(person: Person, task_id: str, now: datetime | None = None) -> TaskCard:
    """Everything for a task's page. Raises NotThere for an id that is unknown or out of reach."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    engine, connection = session.info["app"].engine, session.connection()
    try:
        task = engine.task(task_id, connection)
    except NotFound as error:
        raise NotThere("Task", task_id) from error
    may_do = access.may(person, "do", task, now)
    if not may_do and not access.may(person, "see", task, now):
        raise NotThere("Task", task_id)
    definition = engine.definition(task.definition_hash, connection)
    element = definition.diagram.elements[task.element_id]
    form = definition.procedure.forms.get(task.form) if task.form else None
    variables = engine.variables(task.instance_id, unit=connection)
    return TaskCard(
        task,
        form,
        {f.key: variables[f.key] for f in form.fields if f.key in variables} if form else {},
        session.execute(_NUMBERED, {"number": task.business_key}).scalar(),
        definition.diagram.name,
        definition.version,
        definition.procedure.translations,
        element.documentation,
        _following(definition.diagram, element),
        may_do,
        may_do and task.assignee is None,
        access.may(person, "assign", task, now),
        rules.chip(now, task.opened_at, task.due_at, may_do),
        rules.minutes_left(now, task.due_at),
        person.name if task.assignee == person.username else names_of(session, [task.assignee]).get(task.assignee or "", ""),
    )


_NUMBERED = sa.select(Ticket).where(Ticket.number == sa.bindparam("number"))


def _following(diagram, element) -> list[str]:
    """The next named elements behind this one, looking through gateways and automatic steps' flows once."""
    names, seen, ahead = [], set(), [diagram.flows[f].target for f in element.outgoing]
    while ahead:
        id = ahead.pop(0)
        if id in seen:
            continue
        seen.add(id)
        target = diagram.elements[id]
        if target.kind.endswith("Gateway"):
            ahead += [diagram.flows[f].target for f in target.outgoing]
        elif target.name and target.name != target.id:
            names.append(target.name)
    return names


# --- lists ------------------------------------------------------------------------------------------------------------


def open_of_unit(person: Person, unit_id: int) -> list[Ticket]:
    """The open tickets of a unit that the person may see, newest first."""
    session, mine = object_session(person), access.reach(person)
    return list(
        session.scalars(
            sa.select(Ticket)
            .where(Ticket.unit_id == unit_id, Ticket.state.in_(OPEN_STATES), access.ticket_filter(mine))
            .order_by(Ticket.registered_at.desc())
        )
    )


def duplicates(person: Person, unit_id: int, category: str, now: datetime | None = None) -> list[Ticket]:
    """Tickets of the same unit and category within 24 hours, to be offered for merging before a second one is
    registered.
    """
    session = object_session(person)
    now = now or session.info["clock"].now()
    hours = session.info["app"].settings.duplicate_hours if "app" in session.info else DUPLICATE_HOURS
    return list(
        session.scalars(
            sa.select(Ticket)
            .where(
                Ticket.unit_id == unit_id,
                Ticket.category == Category(category),
                Ticket.state.in_(OPEN_STATES),
                Ticket.registered_at > now - timedelta(hours=hours),
                access.ticket_filter(access.reach(person, now)),
            )
            .order_by(Ticket.registered_at.desc())
        )
    )


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """One row of the list of tickets: what it shows, and no more is read."""

    number: str
    title: str
    category: Category
    state: TicketState
    vip: bool
    owner: str
    registered_at: datetime
    closed_at: datetime | None
    paused_at: datetime | None
    response_due_at: datetime | None
    response_met_at: datetime | None
    arrival_due_at: datetime | None
    arrival_met_at: datetime | None
    resolution_due_at: datetime | None
    resolution_met_at: datetime | None
    return_visit_due_at: datetime | None
    return_visit_met_at: datetime | None
    unit_code: str
    customer_name: str


@dataclass(frozen=True, slots=True)
class TicketList:
    """One page of the list; `more`: there is another one after it."""

    tickets: list[ListedTicket]
    more: bool


def ticket_list(person: Person, everything: bool = False, page: int = 1, limit: int = LISTED) -> TicketList:
    """The open tickets within reach, the nearest limit first; with `everything` all but merged ones, the newest first.

    One statement, which reads as many rows as the page shows.
    """
    listed = _listed(access.reach(person), everything)
    rows = listed.all(object_session(person).connection(), most=limit + 1, skipped=(page - 1) * limit)
    return TicketList([ListedTicket(**row) for row in rows[:limit]], len(rows) > limit)


@lru_cache(1024)
def _listed(mine: access.Reach, everything: bool) -> Prepared:
    """Built once for everybody who reaches the same."""
    shown = (Ticket.state != TicketState.MERGED,) if everything else (sa.text(IS_OPEN), Ticket.state.in_(OPEN_STATES))
    return Prepared(
        sa.select(
            *(getattr(Ticket, f.name) for f in fields(ListedTicket) if hasattr(Ticket, f.name)),
            sa.func.coalesce(Unit.code, "").label("unit_code"),
            sa.func.coalesce(Customer.name, "").label("customer_name"),
        )
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Customer, Customer.id == Ticket.customer_id)
        .where(access.ticket_filter(mine), *shown)
        .order_by(*((Ticket.id.desc(),) if everything else (next_due(), Ticket.id)))
        .limit(sa.bindparam("most", LISTED))
        .offset(sa.bindparam("skipped", 0))
    )


def photo_file(person: Person, key: str) -> tuple[Any, Photo]:
    """(path, photo) of a photo whose ticket the person may see. Raises NotThere for anybody else (T24)."""
    session = object_session(person)
    photo = session.scalars(sa.select(Photo).where(Photo.key == key)).first()
    if photo is None or not access.may(person, "see", photo):
        raise NotThere("Photo", key)
    return photos.path_of(session.info["app"].settings.photos, key), photo


def person_of(session: Session, username: str) -> Person | None:
    return person_named(session, username)
