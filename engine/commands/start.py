"""Start an instance of the version of a procedure in force."""

from __future__ import annotations

from engine.commands.common import Result, finish, remember, replay
from engine.execution import Actor, Family, Scope
from engine.unit_of_work import Unit


def start(engine, unit: Unit, key: str, variables: dict, *, business_key: str, scope: Scope, actor: Actor,
          request_id: str | None = None, instance_id: str | None = None) -> Result:
    if request_id:
        unit.lock_request(request_id)
    if (done := replay(unit, request_id, "start")) is not None:
        return done
    family = Family(engine, unit.connection, unit.now, actor)
    running = family.start(key, variables, business_key, scope, id=instance_id)
    result = finish(engine, unit, family, running.id)
    remember(unit, request_id, "start", actor, key, result)
    return result
