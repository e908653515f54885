"""Change variables of a running instance from outside its diagram, with the reason."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam, select

from engine.commands.common import Result, finish
from engine.errors import NotFound, NotPossible
from engine.execution import Actor, Family
from engine.feel import to_json
from engine.following import follow
from engine.sql import Prepared
from engine.tables import process_instance
from engine.unit_of_work import Unit


def set_variables(
    engine, unit: Unit, instance_id: str, values: dict[str, Any], *, reason: str, actor: Actor, following: Collection[str] = ()
) -> Result:
    """The instance goes on with these values; names, reason, before and after go into the trace. The same values: nothing.

    No path that was taken is taken back. Armed timers and open tasks move only with the names in `following`. Raises NotFound,
    NotPossible without a reason or when the instance runs no more.
    """
    if not reason.strip():
        raise NotPossible("Variables are changed with a reason. Say why, then send again.")
    root_id = _ROOT.first(unit.connection, id=instance_id)
    if root_id is None:
        raise NotFound("Process instance", instance_id)
    family = Family.lock(engine, unit.connection, unit.now, actor, root_id["root_id"])
    running = family.member(instance_id)
    if running.fields["state"] != "running":
        raise NotPossible(
            f"Instance {instance_id} has {running.fields['state']} already; its variables stay as they are."
        )
    before = {name: running.variables.get(name) for name in values}
    changed = sorted(name for name in values if name not in running.variables or before[name] != values[name])
    if not changed:
        return Result(instance_id)
    if followed := {name: values[name] for name in changed if name in following}:
        follow(family, running, followed, reason)
    running.assign({name: values[name] for name in changed})
    running.record(
        "variables-set",
        None,
        names=changed,
        reason=reason,
        personal={
            "before": to_json({name: before[name] for name in changed}),
            "after": to_json({name: values[name] for name in changed}),
        },
    )
    if running.definition.graph.conditional:
        family.touch(running)
        return finish(engine, unit, family, instance_id)
    family.save()
    engine.publish(unit, family)
    return Result(instance_id)


_ROOT = Prepared(select(process_instance.c.root_id).where(process_instance.c.id == bindparam("id")))
