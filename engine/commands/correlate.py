"""Deliver a message to the events that wait for its name and key."""

from __future__ import annotations

from sqlalchemy import select

from engine import undo
from engine.commands.common import Result, finish, locked_apart, remember, replay
from engine.errors import NotPossible
from engine.execution import Actor, new_id
from engine.tables import subscription
from engine.unit_of_work import Unit


def correlate(engine, unit: Unit, message: str, key: str, variables: dict, *, actor: Actor, request_id: str | None = None,
              instance_id: str | None = None) -> Result:
    """Each waiting event of one root instance gets the message once. Raises NotPossible if nothing waits for it.

    `instance_id` narrows it to one instance, where several wait under the same key.
    """
    if request_id:
        unit.lock_request(request_id)
    if (done := replay(unit, request_id, "correlate")) is not None:
        return done
    found = _waiting(unit, message, key, instance_id)
    if not found:
        raise NotPossible(f"Nothing waits for {message} of {key}: it has ended or is not at that point. Open it to see where it is.")
    family = locked_apart(engine, unit, found[0].root_id, actor)
    waiting = [row for row in _waiting(unit, message, key, instance_id)
               if row.root_id == found[0].root_id and row.id not in family.ended_subscriptions]
    if not waiting:
        raise NotPossible(f"{message} of {key} came too late: it has just ended. Open it to see how.")
    first = family.member(waiting[0].instance_id)
    step = {"id": new_id(unit.now), "element_id": waiting[0].element_id, "name": message}
    undo.begin(engine, unit, family, first, step, variables, request_id, message=message)
    for row in waiting:
        if row.id in family.ended_subscriptions:
            continue  # an earlier one of these interrupted it
        family.receive(row.id, row.instance_id, message, key, variables)
    result = finish(engine, unit, family, waiting[0].instance_id)
    remember(unit, request_id, "correlate", actor, f"{message} {key}"[:100], result)
    return result


def _waiting(unit: Unit, message: str, key: str, instance_id: str | None) -> list:
    statement = select(subscription).where(subscription.c.message == message, subscription.c.correlation_key == key,
                                           subscription.c.kind == "message")
    if instance_id:
        statement = statement.where(subscription.c.instance_id == instance_id)
    return list(unit.connection.execute(statement.order_by(subscription.c.id)))
