"""Claim a task, or give it to somebody."""

from __future__ import annotations

from sqlalchemy import update

from engine.commands.common import Result
from engine.commands.complete import locked_root, open_task
from engine.errors import TaskNotOpen
from engine.execution import Actor, Family
from engine.tables import user_task
from engine.unit_of_work import Unit


def claim(engine, unit: Unit, task_id: str, *, actor: Actor) -> Result:
    """Take an open task that nobody has taken. Raises TaskNotOpen naming who was faster."""
    return _assign(engine, unit, task_id, actor.person, actor, "task-claimed", None, only_free=True)


def assign(engine, unit: Unit, task_id: str, person: str | None, *, actor: Actor, reason: str | None = None) -> Result:
    """Give an open task to `person`, or back to its group (None)."""
    return _assign(engine, unit, task_id, person, actor, "task-assigned", reason, only_free=False)


def _assign(engine, unit: Unit, task_id, person, actor, kind, reason, only_free) -> Result:
    family = Family(engine, unit.connection, unit.now, actor, locked_root(unit, task_id))
    task = open_task(unit, family, task_id)
    if only_free and task["assignee"] not in (None, person):
        raise TaskNotOpen(task_id, task["name"], "taken", task["assignee"], None)
    unit.connection.execute(update(user_task).where(user_task.c.id == task_id).values(
        assignee=person, version=user_task.c.version + 1))
    running = family.member(task["instance_id"])
    running.record(kind, task["element_id"], task=task_id, before=task["assignee"], after=person, reason=reason)
    family.save()
    engine.publish(unit, family)
    return Result(task["instance_id"])
