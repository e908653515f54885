"""Start timers: procedures that begin by themselves at an instant, again and again, in every scope the domain names.

A row in `start_timer` per start event, version in force and scope. `arm` is idempotent: deploying and the clock's housekeeping
call it. Runs missed while no clock lived are told once: the instance starts late and its row says by how many turns.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, delete, insert, or_, select, update

from engine import timers
from engine.commands.deliver import start_at
from engine.dialect import EventKind
from engine.execution import SYSTEM, CallEnvironment, Scope, new_id
from engine.tables import start_timer
from engine.unit_of_work import Unit

ARMED, UNARMED, FIRED = "armed", "unarmed", "fired"
log = logging.getLogger("zhiban.engine")


def arm(engine, unit: Unit, deployed: str | None = None) -> int:
    """Arm what is in force and not armed, drop what belongs to older versions; how many were armed.

    One whose instant cannot be computed stands in nobody's way: the clock tries it again, as what fails. Only the procedure that is
    `deployed` just now raises, so that whoever deploys it sees why.
    """
    armed, connection = 0, unit.connection
    unit.lock_request("start timers")  # two clocks at once would arm each twice
    definitions = engine.catalogue.all_in_force(connection)
    wanted = {(d.hash, e.id): (d, e) for d in definitions for e in d.procedure.diagram.starts() if e.event.kind is EventKind.TIMER}
    unread = engine.catalogue.hashes_in_force(connection) - {d.hash for d in definitions}  # their turns stay, and fail for all to see
    rows = list(connection.execute(select(start_timer)))
    known = {(r.definition_hash, r.element_id, r.centre_id, r.building_id) for r in rows}
    for row in rows:
        if (row.definition_hash, row.element_id) not in wanted and row.definition_hash not in unread:
            connection.execute(delete(start_timer).where(start_timer.c.id == row.id))
    for definition, element in wanted.values():
        for scope in engine.scopes(connection):
            if (definition.hash, element.id, scope.centre, scope.building) not in known:
                armed += _arm(engine, unit, definition, element, scope, definition.key == deployed)
    return armed


def _arm(engine, unit: Unit, definition, element, scope: Scope, must: bool) -> int:
    try:
        with unit.connection.begin_nested():  # what an expression asks of PostgreSQL may fail, too
            due = _due(engine, unit, element, scope)
        state = ARMED
    except Exception:
        if must:
            raise
        log.exception("the start timer %s of %s could not be armed", element.id, definition.key)
        due, state = (unit.now, None), UNARMED
    if due is None:
        return 0
    unit.connection.execute(insert(start_timer).values(
        id=new_id(unit.now), process_key=definition.key, definition_hash=definition.hash, element_id=element.id,
        centre_id=scope.centre, building_id=scope.building, due_at=due[0], repeat=due[1], state=state, missed=0, tries=0))
    return int(state == ARMED)


def _due(engine, unit: Unit, element, scope: Scope) -> tuple[datetime, str | None] | None:
    evaluate = partial(_value, engine, unit.connection, unit.now, scope)
    return timers.due(element.event, evaluate, unit.now, {}, engine.zone)


def _value(engine, connection: Connection, now: datetime, scope: Scope, expression: str):
    return engine.expressions.evaluate(expression, {"now": now}, CallEnvironment(connection, scope, now))


def due_rows(connection: Connection, now: datetime, limit: int) -> list[str]:
    return list(connection.execute(select(start_timer.c.id).where(
        start_timer.c.state.in_((ARMED, UNARMED)), start_timer.c.due_at <= now,
        or_(start_timer.c.retry_at.is_(None), start_timer.c.retry_at <= now)).order_by(start_timer.c.due_at).limit(limit)).scalars())


def fire(engine, unit: Unit, id: str) -> bool:
    """Start the instance of a due row, or compute the instant of one that has none; False when another clock was faster."""
    row = unit.connection.execute(select(start_timer).where(start_timer.c.id == id).with_for_update(skip_locked=True)).first()
    if row is None or row.state == FIRED or row.due_at > unit.now:
        return False
    if row.state == UNARMED:
        _arm_again(engine, unit, row)
        return True
    again, missed = timers.next_turn(row.due_at, row.repeat, unit.now, engine.zone) if row.repeat else (None, 0)
    turn = {"due_at": datetime.fromisoformat(again["due"]), "repeat": again["repeat"]} if again else {"state": FIRED}
    _put(unit, id, missed=row.missed + missed, **turn)
    local = row.due_at.astimezone(engine.zone)
    start_at(engine, unit, row.process_key, row.element_id, {}, f"{row.process_key}:{local:%Y-%m-%dT%H:%M}",
             Scope(row.centre_id, row.building_id), SYSTEM, "timer")
    return True


def _arm_again(engine, unit: Unit, row) -> None:
    element = engine.catalogue.get(unit.connection, row.definition_hash).diagram.elements[row.element_id]
    due = _due(engine, unit, element, Scope(row.centre_id, row.building_id))
    if due is None:
        unit.connection.execute(delete(start_timer).where(start_timer.c.id == row.id))
    else:
        _put(unit, row.id, state=ARMED, due_at=due[0], repeat=due[1])


def _put(unit: Unit, id: str, **values) -> None:
    unit.connection.execute(update(start_timer).where(start_timer.c.id == id).values(tries=0, retry_at=None, **values))


def next_due_at(connection: Connection) -> datetime | None:
    return connection.execute(select(start_timer.c.due_at).where(start_timer.c.state == ARMED).order_by(
        start_timer.c.due_at).limit(1)).scalar()
