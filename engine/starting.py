"""Start timers: procedures that begin by themselves at an instant, again and again, in every scope the domain names.

A row in `start_timer` per start event, version in force and scope. `arm` is idempotent: deploying and the clock's housekeeping
call it. Runs missed while no clock lived are told once: the instance starts late and its row says by how many turns.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from engine import timers
from engine.commands.deliver import start_at
from engine.dialect import EventKind
from engine.execution import SYSTEM, CallEnvironment, Scope, new_id
from engine.tables import start_timer
from engine.unit_of_work import Unit

WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


def arm(engine, connection: Connection, now: datetime) -> int:
    """Arm what is in force and not armed, drop what belongs to older versions; how many were armed."""
    armed = 0
    wanted = {(d.hash, e.id): (d, e) for d in engine.catalogue.all_in_force(connection) for e in d.procedure.diagram.starts()
              if e.event.kind is EventKind.TIMER}
    rows = list(connection.execute(select(start_timer)))
    known = {(r.definition_hash, r.element_id, r.centre_id, r.building_id) for r in rows}
    for row in rows:
        if (row.definition_hash, row.element_id) not in wanted:
            connection.execute(delete(start_timer).where(start_timer.c.id == row.id))
    for definition, element in wanted.values():
        for scope in engine.scopes(connection):
            if (definition.hash, element.id, scope.centre, scope.building) not in known:
                armed += _arm(engine, connection, now, definition, element, scope)
    return armed


def _arm(engine, connection: Connection, now: datetime, definition, element, scope: Scope) -> int:
    due = timers.due(element.event, lambda e: _value(engine, connection, now, scope, e), now, {}, engine.zone)
    if due is None:
        return 0
    connection.execute(insert(start_timer).values(
        id=new_id(now), process_key=definition.procedure.key, definition_hash=definition.hash, element_id=element.id,
        centre_id=scope.centre, building_id=scope.building, due_at=due[0], repeat=due[1], state="armed", missed=0, tries=0))
    return 1


def _value(engine, connection: Connection, now: datetime, scope: Scope, expression: str):
    return engine.expressions.evaluate(expression, {"now": now}, CallEnvironment(connection, scope, now))


def due_rows(connection: Connection, now: datetime, limit: int) -> list[str]:
    return list(connection.execute(select(start_timer.c.id).where(
        start_timer.c.state == "armed", start_timer.c.due_at <= now,
        or_(start_timer.c.retry_at.is_(None), start_timer.c.retry_at <= now)).order_by(start_timer.c.due_at).limit(limit)).scalars())


def failed(connection: Connection, id: str, now: datetime) -> None:
    """Try again later: after 10 s, a minute, ten minutes, then every hour, until it begins or another version is in force."""
    tries = connection.execute(select(start_timer.c.tries).where(start_timer.c.id == id)).scalar() or 0
    connection.execute(update(start_timer).where(start_timer.c.id == id).values(
        tries=tries + 1, retry_at=now + WAITS[min(tries, len(WAITS) - 1)]))


def fire(engine, unit: Unit, id: str) -> bool:
    """Start the instance of a due row; False when another clock was faster."""
    row = unit.connection.execute(select(start_timer).where(start_timer.c.id == id).with_for_update()).first()
    if row is None or row.state != "armed" or row.due_at > unit.now:
        return False
    again, missed = timers.next_turn(row.due_at, row.repeat, unit.now, engine.zone) if row.repeat else (None, 0)
    values = {"due_at": datetime.fromisoformat(again["due"]), "repeat": again["repeat"]} if again else {"state": "fired"}
    unit.connection.execute(update(start_timer).where(start_timer.c.id == id).values(
        missed=row.missed + missed, tries=0, retry_at=None, **values))
    local = row.due_at.astimezone(engine.zone)
    start_at(engine, unit, row.process_key, row.element_id, {}, f"{row.process_key}:{local:%Y-%m-%dT%H:%M}",
             Scope(row.centre_id, row.building_id), SYSTEM, "timer")
    return True


def next_due_at(connection: Connection) -> datetime | None:
    return connection.execute(select(start_timer.c.due_at).where(start_timer.c.state == "armed").order_by(
        start_timer.c.due_at).limit(1)).scalar()
