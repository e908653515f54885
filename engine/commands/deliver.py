"""Give a buffered message or signal to who waits for it, as the clock's sweep asks, or put one into the buffer."""

from __future__ import annotations

from datetime import timedelta

from engine import messages
from engine.commands.common import Result, finish, locked, remember, replay
from engine.dialect import EventKind
from engine.execution import SYSTEM, Actor, Family, Scope, new_id
from engine.feel import to_json
from engine.unit_of_work import Unit


def send(engine, unit: Unit, name: str, key: str, values: dict, *, scope: Scope, actor: Actor, live_for: timedelta,
         request_id: str | None = None) -> Result:
    """Keep a message until somebody waits for it, at most `live_for`. The answer's instance is empty."""
    if request_id:
        unit.lock_request(request_id)
    if (done := replay(unit, request_id, "send")) is not None:
        return done
    messages.BUFFER.run(unit.connection, **messages.message(new_id(unit.now), unit.now, scope, name, key, values, live_for))
    result = Result("")
    remember(unit, request_id, "send", actor, f"{name} {key}"[:100], result)
    return result


def deliver(engine, unit: Unit, id: str, wait: bool = True) -> bool:
    """Whether this transaction delivered the row. Nobody waiting any more: a signal is over, a message goes on waiting. Raises InUse
    (see `Family.lock`).
    """
    row = messages.take(unit.connection, id)
    if row is None:
        return False
    if row["start_key"]:
        _start(engine, unit, row, row["start_key"], row["start_element"])
        return True
    found = messages.waiting(unit.connection, row)
    if found:
        return _receive(engine, unit, row, found, wait)
    if row["subscription_id"]:
        return False
    starts = engine.catalogue.starts_with(unit.connection, EventKind.MESSAGE, row["name"])
    for key, element in starts:
        _start(engine, unit, row, key, element)
    if starts:
        return True
    messages.BUFFER.run(unit.connection, **row)
    return False


def _receive(engine, unit: Unit, row: dict, found: list, wait: bool) -> bool:
    """The first root instance that waits gets it, at each of its events that do."""
    root_id = found[0].root_id
    family = locked(engine, unit, root_id, SYSTEM, wait)
    received = False
    for waiting in found:
        if waiting.root_id == root_id and waiting.id not in family.ended_subscriptions:
            family.receive(waiting.id, waiting.instance_id, row["name"], row["correlation_key"], messages.variables(row))
            received = True
    finish(engine, unit, family, found[0].instance_id)
    return received


def _start(engine, unit: Unit, row: dict, key: str, element: str) -> None:
    start_at(engine, unit, key, element, messages.variables(row), row["correlation_key"] or f"{key}:{row['id'][:12]}",
             Scope(row["centre_id"], row["building_id"]), SYSTEM, row["name"])


def start_at(engine, unit: Unit, key: str, element: str, values: dict, business_key: str, scope: Scope, actor: Actor,
             by: str) -> Result:
    """An instance that begins at the message, signal or timer start event `element`."""
    family = Family(engine, unit.connection, unit.now, actor)
    running = family.start(key, values, business_key, scope, at=element)
    running.record("started-by", element, event=by, personal={"variables": to_json(values)})
    return finish(engine, unit, family, running.id)
