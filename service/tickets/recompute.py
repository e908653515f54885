"""Open limits follow a changed calendar or contract promise: what would move, and moving it, one ticket at a time.

A limit that is neither met nor closed is counted again from its own start, minutes, calendar and pauses; the minutes are those
of the table, or of a promise where it is shorter. A limit that only a promise gives comes and goes with it,
while what it limits is still to be done. The ticket, its sums, the variables of its process and every open task and armed timer that follows move together, in one transaction per ticket. Which
task or timer follows is read from the diagram the instance runs on. Surprise: a deadline moves only if it is exactly what its
expression gives by an older calendar; one that somebody set by hand stays where it was put.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from engine.api import SYSTEM, Actor, Scope
from engine.dialect import TimerKind
from engine.errors import ExpressionError
from engine.feel import from_json
from engine.tables import process_instance, timer, user_task
from service import access
from service.calendars import queries as calendars
from service.calendars.actions import CalendarMoved, save_version
from service.calendars.queries import BUSINESS, ROUND_THE_CLOCK
from service.calendars.rules import Calendar, CalendarError, Pause, round_the_clock
from service.errors import NotThere
from service.organisation import centres
from service.organisation.models import Centre, Person
from service.tickets import contracts
from service.tickets.counting import Counted, counted, named_of, reminder_at
from service.tickets.models import (
    OPEN_STATES,
    AnsweredRequest,
    ContractPromise,
    Target,
    TargetKind,
    Ticket,
    TicketPause,
    TicketState,
)
from service.tickets.targets import source_of, stretch

log = logging.getLogger("zhiban.recompute")

_ticket, _target, _pause = Ticket.__table__, Target.__table__, TicketPause.__table__
_promise = ContractPromise.__table__
_COMPUTED = ("table", "customer", "promise")  # where a target comes from when it is a sum of business time
_RECOUNTED = re.compile("(?:^|；)(?:日历第|合同承诺)")  # how the reason of a recount begins
_WORKED_ON = (TicketState.REGISTERED, TicketState.DISPATCHED, TicketState.IN_HAND)
_AHEAD = {  # a limit that a promise may give, and the states in which what it limits is still to come
    TargetKind.RESPONSE: (TicketState.REGISTERED, TicketState.DISPATCHED),
    TargetKind.ARRIVAL: _WORKED_ON,
    TargetKind.RESOLUTION: _WORKED_ON,
}
_COUNTED = (
    "business time after",
    "next business day",
    "closing time",
)  # FEEL functions whose value the calendar decides


@dataclass(frozen=True, slots=True)
class Shift:
    """One deadline that moves; without an instant before or after, one that comes or goes. `kind` None: a step with a limit
    of its own, named by its element and definition.
    """

    ticket_id: int
    number: str
    title: str
    kind: TargetKind | None
    element_id: str | None
    definition_hash: str | None
    old_at: datetime | None
    new_at: datetime | None


@dataclass(slots=True)
class Preview:
    """What a calendar would do to the open tickets of a centre. `unreachable`: number -> why its limit has no instant."""

    tickets: int = 0
    shifts: list[Shift] = field(default_factory=list)
    unpublished_years: tuple[int, ...] = ()
    unreachable: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Followed:
    """What was moved. A ticket in `failed` is as it was before; the clock tries it again."""

    shifts: list[Shift] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Changed:
    """The version that is in force after a change, and what it moved."""

    version: int
    followed: Followed
    replayed: bool = False


# --- what a page and the clock ask ---------------------------------------------------------------------------------


def preview(session: Session, centre_id: int, draft: Calendar) -> Preview:
    """What would move if `draft` were the centre's newest calendar. Changes nothing; a fixed number of statements."""
    return _preview(session, centre_id, _Counting.with_draft(session.connection(), centre_id, draft))


def preview_promises(session: Session, centre_id: int, promises: list[dict[str, Any]]) -> Preview:
    """What would move if these were the promises in force in the centre. Changes nothing."""
    counting = _Counting.saved(session.connection(), centre_id)
    counting.promises = promises
    return _preview(session, centre_id, counting)


def _preview(session: Session, centre_id: int, counting: _Counting) -> Preview:
    connection, engine = session.connection(), session.info["app"].engine
    found = Preview()
    years: set[int] = set()
    for plan in _plans(engine, connection, counting, centre_id):
        found.tickets += 1
        found.shifts += plan.shifts
        years |= plan.unpublished_years
        if plan.fault:
            found.unreachable[plan.ticket.number] = plan.fault
    found.shifts.sort(key=lambda shift: (shift.old_at or shift.new_at, shift.number))
    found.unpublished_years = tuple(sorted(years))
    return found


def change_calendar(
    app,
    person: Person,
    centre_id: int,
    change: Callable[[Calendar], Calendar],
    *,
    reason: str,
    seen: int | None = None,
    request_id: str | None = None,
) -> Changed:
    """Save `change` of the centre's calendar as a new version and let every open limit follow.

    `seen` is the version the person looked at. The same `request_id` saves once. Raises NotThere, NotAllowed, CalendarMoved,
    and Refused where the calendar contradicts itself. Should the process die on the way, `catch_up` does the rest.
    """
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        centre = session.get(Centre, centre_id)
        if centre is None:
            raise NotThere("Centre", centre_id)
        actor = access.actor(me, access.require(me, "change calendar", centre))
        if (answered := _answered(session, unit, request_id)) is not None:
            return Changed(answered, Followed(), replayed=True)
        old = calendars.calendar_of(session, centre_id)
        if seen is not None and seen != old.version:
            raise CalendarMoved(seen, old.version)
        saved = save_version(session, centre_id, change(old), actor=actor, now=unit.now, reason=reason, seen=seen)
        if request_id:
            session.add(
                AnsweredRequest(
                    request_id=request_id, action="calendar", by=me.username, thing_id=saved.new.version, at=unit.now
                )
            )
    return Changed(saved.new.version, follow(app, centre_id, actor=actor) if saved.changed else Followed())


def _answered(session: Session, unit, request_id: str | None) -> int | None:
    if request_id is None:
        return None
    unit.lock_request(request_id)
    row = session.get(AnsweredRequest, request_id)
    return row.thing_id if row and row.action == "calendar" else None


def follow(app, centre_id: int, *, actor: Actor = SYSTEM, reason: str = "") -> Followed:
    """Move every open limit of a centre to where its newest calendar and its promises put it; `reason`: why, if it is not
    the calendar. Run again it moves nothing twice.
    """
    with app.session() as session:
        connection = session.connection()
        counting = _Counting.saved(connection, centre_id)
        waiting = [row["id"] for row in counting.promises if not row["followed"]] + _ended_waiting(connection, centre_id)
        plans = list(_plans(app.engine, connection, counting, centre_id))
    done = Followed()
    for plan in plans:
        if plan.works:
            _follow_safely(app, centre_id, plan.ticket, actor, reason, done)
    _mark(app, counting.newest.version, [id for plan in plans if not plan.works for id in plan.same])
    if waiting and not done.failed:
        _mark_followed(app, waiting)
    return done


def _follow_safely(app, centre_id: int, ticket: sa.Row, actor: Actor, reason: str, done: Followed) -> None:
    try:
        done.shifts += _follow_one(app, centre_id, ticket, actor, reason)
    except Exception:
        log.exception("the limits of ticket %s do not follow the calendar yet; the clock tries again", ticket.number)
        done.failed.append(ticket.number)


def unfinished(session: Session, centre_id: int) -> int:
    """How many open limits of a centre were counted by an older calendar than its newest, and promises not followed yet."""
    newest, wanted = calendars.newest_version(session, centre_id), _open_of(centre_id)
    tickets = {row.id: row for row in session.execute(sa.select(_ticket).where(wanted))}
    older = _newest_targets(wanted).where(_target.c.calendar == BUSINESS, _target.c.calendar_version < newest)
    counted_before = sum(not _is_met(tickets[row.ticket_id], row.kind) for row in session.execute(older))
    return counted_before + session.scalar(sa.select(sa.func.count()).select_from(_promise).where(_waits(centre_id)))


def _waits(centre_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(_promise.c.centre_id == centre_id, _promise.c.followed.is_(False))


def _ended_waiting(connection: Connection, centre_id: int) -> list[int]:
    ended = sa.select(_promise.c.id).where(_waits(centre_id), _promise.c.ended_at.is_not(None))
    return list(connection.scalars(ended))


def _mark_followed(app, promises: list[int]) -> None:
    with app.writing() as session:
        session.execute(sa.update(_promise).where(_promise.c.id.in_(promises)).values(followed=True))


def catch_up(app) -> int:
    """Finish, for every centre, what a killed process left behind; how many deadlines moved. The clock calls it."""
    return centres.in_each(app, partial(_catch_up, app))


def _catch_up(app, centre_id: int) -> int:
    with app.session() as session:
        behind = unfinished(session, centre_id)
    return len(follow(app, centre_id).shifts) if behind else 0


# --- calendars to count by -----------------------------------------------------------------------------------------


@dataclass
class _Counting:
    """The calendar that counts from now on, and the older ones by which a deadline may have been made."""

    newest: Calendar
    reason: str
    connection: Connection
    centre_id: int
    older: list[tuple[int, datetime]]  # (version, when it was saved), newest first, without the newest calendar's own
    promises: list[dict[str, Any]]  # those in force

    @classmethod
    def saved(cls, connection: Connection, centre_id: int) -> _Counting:
        rows = calendars.versions(connection, centre_id)
        reason = f"日历第 {rows[0].version} 版：{rows[0].reason}" if rows else ""
        newest = calendars.calendar_of(connection, centre_id)
        older = [(row.version, row.created_at) for row in rows[1:]]
        return cls(newest, reason, connection, centre_id, older, contracts.in_force(connection, centre_id))

    @classmethod
    def with_draft(cls, connection: Connection, centre_id: int, draft: Calendar) -> _Counting:
        rows = calendars.versions(connection, centre_id)
        older = [(row.version, row.created_at) for row in rows]
        return cls(draft, "", connection, centre_id, older, contracts.in_force(connection, centre_id))

    def limit(self, ticket: sa.Row, target: sa.Row) -> contracts.Limit:
        """The minutes that count for a limit now: the table's of then, or a promise's of now where it is shorter."""
        table = target.minutes if target.promise_id is None else target.table_minutes
        if target.kind == TargetKind.RETURN_VISIT or not (self.promises or target.promise_id):
            return contracts.Limit(table)
        return contracts.shorter(table, self._promised(ticket, target.kind))

    def promised_only(self, ticket: sa.Row, kind: TargetKind) -> contracts.Limit:
        """What a promise gives a ticket to which the table gives no limit of this kind."""
        return contracts.shorter(None, self._promised(ticket, kind))

    def _promised(self, ticket: sa.Row, kind: TargetKind) -> dict[str, Any] | None:
        on = self.newest.local(ticket.registered_at).date()
        request = contracts.Request(ticket.unit_id, ticket.customer_id, ticket.category, ticket.urgency, on)
        return contracts.promised(self.promises, request)[kind]

    def by(self, calendar: Calendar) -> Callable[[str], Calendar]:
        return lambda name: round_the_clock(calendar.zone) if name == ROUND_THE_CLOCK else calendar

    def before(self, at: datetime) -> Iterable[Calendar]:
        """The calendars by which something opened at that moment may stand, newest first.

        One more than was in force then: a step that had begun before a calendar was saved may have read the one before.
        """
        spare = 1
        for version, saved_at in self.older:
            yield self._load(version)
            if saved_at <= at:
                spare -= 1
            if spare < 0:
                return
        yield calendars.default_calendar(self.newest.zone)

    def _load(self, version: int) -> Calendar:
        if version not in self._loaded:
            self._loaded[version] = calendars.calendar_version(self.connection, self.centre_id, version)
        return self._loaded[version]

    @cached_property
    def _loaded(self) -> dict[int, Calendar]:
        return {}


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a FEEL function sees when an expression is tried out by a calendar that is given."""

    connection: Connection
    scope: Scope
    now: datetime
    calendars: Callable[[str], Calendar]


# --- what would move -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Waiting:
    """An open task or an armed timer, and the expression that gave its deadline."""

    id: str
    instance: _Instance
    element_id: str
    due_at: datetime
    opened_at: datetime
    expression: str


@dataclass(slots=True)
class _Instance:
    """A running instance of a ticket's family with its variables."""

    row: sa.Row
    definition: Any
    variables: dict[str, Any]


@dataclass(slots=True)
class _Family:
    """A ticket's process and the procedures it called, and what waits in them."""

    instances: list[_Instance] = field(default_factory=list)
    waiting: list[_Waiting] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    """Everything that one ticket's limits have to change; empty where nothing does."""

    ticket: sa.Row
    targets: list[dict[str, Any]] = field(default_factory=list)  # rows to be added
    columns: dict[str, datetime | None] = field(default_factory=dict)
    same: list[int] = field(default_factory=list)  # targets whose sum the newest calendar confirms
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)  # instance -> values
    turned: dict[str, dict[str, datetime | None]] = field(default_factory=dict)  # those that had no instant, or have none now
    moves: list[tuple[_Waiting, datetime]] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    unpublished_years: set[int] = field(default_factory=set)
    fault: str = ""

    @property
    def works(self) -> bool:
        return bool(self.targets or self.moves or self.columns)


def _plans(engine, connection: Connection, counting: _Counting, centre_id: int, ticket_id: int | None = None):
    """The plan of every open ticket of a centre, or of one: six statements for all of them together."""
    wanted = _open_of(centre_id) if ticket_id is None else sa.and_(_open_of(centre_id), _ticket.c.id == ticket_id)
    tickets = connection.execute(sa.select(_ticket).where(wanted).order_by(_ticket.c.id)).all()
    targets = defaultdict(list)
    for row in connection.execute(_newest_targets(wanted)):
        targets[row.ticket_id].append(row)
    families, pauses = _families(engine, connection, wanted), _pauses(connection, wanted)
    for ticket in tickets:
        plan, family = _Plan(ticket), families.get(ticket.instance_id, _Family())
        try:
            _count_again(plan, targets[ticket.id], pauses[ticket.id], family, counting)
            _move_along(plan, family, engine, counting)
        except CalendarError as error:  # no opening for years: the limit stays, and the page says so
            plan = _Plan(ticket, fault=str(error))
        yield plan


def _open_of(centre_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(_ticket.c.centre_id == centre_id, _ticket.c.state.in_(OPEN_STATES))


def _newest_targets(wanted: sa.ColumnElement[bool]) -> sa.Select:
    """The newest computation of each kind, of the tickets wanted."""
    newest = (
        sa.select(sa.func.max(_target.c.id))
        .where(_target.c.ticket_id.in_(sa.select(_ticket.c.id).where(wanted)))
        .group_by(_target.c.ticket_id, _target.c.kind)
    )
    return sa.select(_target).where(_target.c.id.in_(newest)).order_by(_target.c.id)


def _pauses(connection: Connection, wanted: sa.ColumnElement[bool]) -> dict[int, list[Pause]]:
    """Ticket -> when it stood still."""
    rows = sa.select(_pause).where(_pause.c.ticket_id.in_(sa.select(_ticket.c.id).where(wanted)))
    found = defaultdict(list)
    for row in connection.execute(rows.order_by(_pause.c.started_at, _pause.c.id)):
        found[row.ticket_id].append(stretch(row))
    return found


def _families(engine, connection: Connection, wanted: sa.ColumnElement[bool]) -> dict[str, _Family]:
    """Root instance -> its family: the running instances, and what waits in them with a deadline of the diagram's."""
    roots = sa.select(_ticket.c.instance_id).where(wanted)
    running = sa.select(process_instance).where(
        process_instance.c.root_id.in_(roots), process_instance.c.state == "running"
    )
    tasks = sa.select(user_task).where(user_task.c.root_id.in_(roots), user_task.c.state == "open")
    timers = sa.select(timer).where(timer.c.root_id.in_(roots), timer.c.state == "armed")
    families, instances = defaultdict(_Family), {}
    for row in connection.execute(running.order_by(process_instance.c.id)).all():
        definition = engine.catalogue.get(connection, row.definition_hash)
        instances[row.id] = _Instance(row, definition, from_json(orjson.loads(row.variables)))
        families[row.root_id].instances.append(instances[row.id])
    for row in connection.execute(tasks.order_by(user_task.c.id)):
        _add(families[row.root_id], instances.get(row.instance_id), row, row.opened_at)
    for row in connection.execute(timers.order_by(timer.c.id)):
        _add(families[row.root_id], instances.get(row.instance_id), row, row.armed_at)
    return families


def _add(family: _Family, instance: _Instance | None, row: sa.Row, opened_at: datetime) -> None:
    element = instance.definition.diagram.elements.get(row.element_id) if instance else None
    if element is None or row.due_at is None:
        return
    dated = element.event.timer is TimerKind.DATE and not getattr(row, "repeat", None)
    expression = element.due or (element.event.expression if dated else None)
    if expression:
        family.waiting.append(_Waiting(row.id, instance, row.element_id, row.due_at, opened_at, expression))


def _is_met(ticket: sa.Row, kind: str) -> bool:
    return getattr(ticket, f"{_name(kind)}_met_at") is not None


def _name(kind: str) -> str:
    return str(kind).replace("-", "_")


# --- the ticket's own limits


def _count_again(plan: _Plan, targets: list[sa.Row], pauses: list[Pause], family: _Family, counting: _Counting) -> None:
    for target in targets:
        column = f"{_name(target.kind)}_due_at"
        if _is_met(plan.ticket, target.kind):
            continue
        limit = counting.limit(plan.ticket, target)
        if target.calendar != BUSINESS and (limit.minutes, limit.promise_id) == (target.minutes, target.promise_id):
            continue
        if getattr(plan.ticket, column) == target.due_at and target.source in _COMPUTED:
            if limit.minutes is None:
                _drop(plan, target, column, family, counting)
            else:
                _count_one(plan, target, limit, column, pauses, family, counting)
        elif target.calendar_version != counting.newest.version:  # set by hand, or promised: it stays
            plan.same.append(target.id)
    _add_promised(plan, targets, pauses, family, counting)


def _add_promised(
    plan: _Plan, targets: list[sa.Row], pauses: list[Pause], family: _Family, counting: _Counting
) -> None:
    """Limits that the ticket does not have and a promise gives: they begin where its others did."""
    there = [row for row in targets if row.kind != TargetKind.RETURN_VISIT]
    if not there or not counting.promises:
        return
    first, ticket = max(there, key=lambda row: row.id), plan.ticket
    newest = counting.by(counting.newest)(first.calendar)
    for kind, states in _AHEAD.items():
        column = f"{_name(kind)}_due_at"
        if getattr(ticket, column) is not None or _is_met(ticket, kind) or ticket.state not in states:
            continue
        limit = counting.promised_only(ticket, kind)
        if limit.minutes is None:
            continue
        found = counted(first.start_at, limit.minutes, newest, pauses, named_of(ticket))
        plan.targets.append(_row(first, limit, found, counting.newest.version) | {"kind": kind})
        plan.columns[column] = found.due.at
        plan.shifts.append(_shift(ticket, None, found.due.at, kind=kind))
        _remember_level(plan, kind, limit, family, counting)
        _turn(plan, column, found.due.at, family, reminder_at(newest, first.start_at, found.due.at, pauses))


def _drop(plan: _Plan, target: sa.Row, column: str, family: _Family, counting: _Counting) -> None:
    """Only a promise had given the limit, and it has ended: the ticket has no such limit any more."""
    plan.columns[column] = None
    plan.shifts.append(_shift(plan.ticket, target.due_at, None, kind=TargetKind(target.kind)))
    _remember_level(plan, target.kind, contracts.Limit(None), family, counting)
    _turn(plan, column, None, family, None)


def _turn(plan: _Plan, column: str, at: datetime | None, family: _Family, remind_at: datetime | None) -> None:
    """The process gets an instant or loses one; its deadlines are armed or put away by their own expressions."""
    values = {column: at} | ({"reminder_at": remind_at} if column == "resolution_due_at" else {})
    for instance in family.instances:
        if column in instance.variables:
            plan.turned.setdefault(instance.row.id, {}).update(values)


def _row(target: sa.Row, limit: contracts.Limit, found: Counted, version: int) -> dict[str, Any]:
    """Another computation of a limit, from the start and in the calendar of one that is there."""
    return {c.name: getattr(target, c.name) for c in _target.c if c.name != "id"} | {
        "minutes": limit.minutes,
        "table_minutes": limit.table_minutes,
        "promise_id": limit.promise_id,
        "calendar_version": version,
        "standard_at": found.total.due_at,
        "due_at": found.due.at,
        "source": source_of(found, limit.promise_id),
        "sum": found.total.to_json(),
    }


def _count_one(
    plan: _Plan,
    target: sa.Row,
    limit: contracts.Limit,
    column: str,
    pauses: list[Pause],
    family: _Family,
    counting: _Counting,
) -> None:
    newest = counting.by(counting.newest)(target.calendar)
    named = None if target.kind == TargetKind.RETURN_VISIT else named_of(plan.ticket)
    found = counted(target.start_at, limit.minutes, newest, pauses, named)
    total, due, source = found.total, found.due, source_of(found, limit.promise_id)
    plan.unpublished_years.update(total.unpublished_years)
    now = (_content(total.to_json()), due.at, source, limit.promise_id)
    if now == (_content(target.sum), target.due_at, target.source, target.promise_id):
        plan.same += [target.id] if target.calendar_version != newest.version else []
        return
    plan.targets.append(_row(target, limit, found, newest.version))
    if due.at != target.due_at:
        plan.columns[column] = due.at
        plan.shifts.append(_shift(plan.ticket, target.due_at, due.at, kind=TargetKind(target.kind)))
    _remember_level(plan, target.kind, limit, family, counting)
    for instance in family.instances:
        if instance.variables.get(column) != target.due_at:
            continue
        values = {column: due.at} if due.at != target.due_at else {}
        if target.kind == TargetKind.RESOLUTION:
            remind_at, before = reminder_at(newest, target.start_at, due.at, pauses), instance.variables.get("reminder_at")
            if remind_at is None or not _stands(family, instance, "reminder_at", before):
                plan.turned.setdefault(instance.row.id, {})["reminder_at"] = remind_at
            elif remind_at != before:
                values["reminder_at"] = remind_at
        if values:
            plan.variables.setdefault(instance.row.id, {}).update(values)


def _stands(family: _Family, instance: _Instance, name: str, at: datetime | None) -> bool:
    """Whether something waits for this instant; nothing does where there was none, or where it was over when its step began."""
    return any(one.instance is instance and one.due_at == at and name in one.expression for one in family.waiting)


def _remember_level(
    plan: _Plan, kind: str, limit: contracts.Limit, family: _Family, counting: _Counting
) -> None:
    """The minutes that the process goes by when it counts this limit anew: a slip sent again, a ticket reopened."""
    for instance in family.instances:
        level = plan.variables.get(instance.row.id, {}).get("service_level") or instance.variables.get("service_level")
        if level and level.get(f"{kind}_minutes") != limit.minutes:
            promise = next((row for row in counting.promises if row["id"] == limit.promise_id), None)
            promised = (level.get("promised") or {}) | {str(kind): contracts.as_input(promise, limit.minutes or 0)}
            level = level | {f"{kind}_minutes": limit.minutes, "promised": promised}
            plan.variables.setdefault(instance.row.id, {})["service_level"] = level


def _content(total: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in total.items() if key != "calendar_version"}


def _shift(
    ticket: sa.Row, old_at: datetime | None, new_at: datetime | None, *, kind=None, waiting: _Waiting | None = None
) -> Shift:
    element, hash = (waiting.element_id, waiting.instance.row.definition_hash) if waiting else (None, None)
    return Shift(ticket.id, ticket.number, ticket.title, kind, element, hash, old_at, new_at)


# --- tasks and timers


def _move_along(plan: _Plan, family: _Family, engine, counting: _Counting) -> None:
    told = {(shift.old_at, shift.new_at) for shift in plan.shifts}
    for one in family.waiting:
        values = plan.variables.get(one.instance.row.id, {})
        new_at = _followed(one, values, engine, counting)
        if new_at is None:
            new_at = _counted(one, engine, counting)
        if new_at is None or new_at == one.due_at:
            continue
        plan.moves.append((one, new_at))
        if not _from_variable(one, values) and (one.due_at, new_at) not in told:
            told.add((one.due_at, new_at))  # a step and the timer on its edge are one limit
            plan.shifts.append(_shift(plan.ticket, one.due_at, new_at, waiting=one))


def _from_variable(one: _Waiting, values: dict[str, datetime | None]) -> list[str]:
    return [name for name in values if one.instance.variables.get(name) == one.due_at]


def _followed(one: _Waiting, values: dict[str, datetime | None], engine, counting: _Counting) -> datetime | None:
    """The new instant of a deadline that is one of the changed variables; None where it follows none of them."""
    names = engine.expressions.names(one.expression)
    instants = {values[name] for name in _from_variable(one, values) if name in names and values[name]}
    if len(instants) > 1:  # two limits stood at the same instant and part now: the diagram says which one it is
        meant = _value(one, one.instance.variables | values, engine, counting, counting.newest)
        instants = {meant} if meant in instants else {min(instants)}
    return next(iter(instants), None)


def _counted(one: _Waiting, engine, counting: _Counting) -> datetime | None:
    """The new instant of a deadline that its expression counts itself; None where an older calendar does not explain it."""
    if not any(function in one.expression for function in _COUNTED):
        return None
    variables = one.instance.variables
    new_at = _value(one, variables, engine, counting, counting.newest)
    if new_at is None or new_at == one.due_at:
        return None
    if any(_value(one, variables, engine, counting, old) == one.due_at for old in counting.before(one.opened_at)):
        return new_at
    return None


def _value(one: _Waiting, variables: dict, engine, counting: _Counting, calendar: Calendar) -> datetime | None:
    """What the expression gives by a calendar, as of the moment when the task was opened or the timer armed."""
    row = one.instance.row
    context = dict.fromkeys(one.instance.definition.names) | variables
    context |= {
        "now": one.opened_at,
        "instance": {
            "id": row.id,
            "business_key": row.business_key,
            "process": row.process_key,
            "centre": row.centre_id,
            "building": row.building_id,
        },
    }
    scope = Scope(row.centre_id, row.building_id)
    trial = _Trial(counting.connection, scope, one.opened_at, counting.by(calendar))
    try:
        value = engine.expressions.evaluate(one.expression, context, trial)
    except ExpressionError as error:
        log.warning("the deadline of %s in %s stays: %s", one.element_id, row.business_key, error)
        return None
    return value if isinstance(value, datetime) else None


# --- moving it -----------------------------------------------------------------------------------------------------


def _follow_one(app, centre_id: int, ticket: sa.Row, actor: Actor, reason: str) -> list[Shift]:
    """One ticket in one transaction, planned anew under the lock of its process."""
    with app.writing() as session:
        connection, unit = session.connection(), session.info["unit"]
        _lock(connection, ticket.instance_id)
        counting = _Counting.saved(connection, centre_id)
        counting.reason = reason or counting.reason
        for plan in _plans(app.engine, connection, counting, centre_id, ticket.id):
            _write_ticket(connection, plan, counting, unit.now)
            _write_process(app.engine, unit, plan, counting.reason, actor)
            return plan.shifts
        return []  # closed meanwhile


def _lock(connection: Connection, instance_id: str | None) -> None:
    """The same lock, first, as every step of the process takes (SQLite: the unit has the write lock already)."""
    connection.execute(sa.select(process_instance.c.id).where(process_instance.c.id == instance_id).with_for_update())


def _write_ticket(connection: Connection, plan: _Plan, counting: _Counting, now: datetime) -> None:
    if plan.columns:
        connection.execute(
            sa.update(_ticket)
            .where(_ticket.c.id == plan.ticket.id)
            .values(version=_ticket.c.version + 1, **plan.columns)
        )
    if plan.targets:
        rows = [row | {"computed_at": now, "reason": _reason(row["reason"], counting.reason)} for row in plan.targets]
        connection.execute(sa.insert(_target), rows)
    _mark_in(connection, counting.newest.version, plan.same)


def _reason(before: str, reason: str) -> str:
    """Why a target was first set stays in front; an earlier recount's reason makes place for the new one."""
    first = _RECOUNTED.split(before)[0]
    return f"{first}；{reason}" if first else reason


def _write_process(engine, unit, plan: _Plan, reason: str, actor: Actor) -> None:
    for instance_id in plan.variables | plan.turned:
        turned = plan.turned.get(instance_id, {})
        values = plan.variables.get(instance_id, {}) | turned
        engine.set_variables(instance_id, values, reason=reason, actor=actor, unit=unit, follow=turned)
    together = defaultdict(list)
    for one, new_at in plan.moves:
        together[one.instance.row.root_id, one.element_id, new_at].append(one.id)
    for (root_id, element_id, new_at), ids in together.items():
        engine.retime_element(root_id, element_id, new_at, reason=reason, actor=actor, unit=unit, only=ids)


def _mark(app, version: int, ids: list[int]) -> None:
    if ids:
        with app.writing() as session:
            _mark_in(session.connection(), version, ids)


def _mark_in(connection: Connection, version: int, ids: list[int]) -> None:
    """The newest calendar gives the same sum: note on the row that it was asked, so that nobody asks again."""
    for start in range(0, len(ids), 500):
        some = _target.c.id.in_(ids[start : start + 500])
        connection.execute(
            sa.update(_target).where(some, _target.c.calendar_version < version).values(calendar_version=version)
        )
