"""Complete a user task with the values of its form."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from engine import undo
from engine.commands.common import Result, answer, finish, fire_overdue, remember
from engine.errors import NotFound, TaskNotOpen, VersionClash
from engine.execution import Actor, Family
from engine.feel import to_json
from engine.sql import Prepared
from engine.tables import Instant, command, process_instance, timer, user_task
from engine.unit_of_work import Unit


def complete(engine, unit: Unit, task_id: str, values: dict, *, actor: Actor, seen: int | None = None,
             request_id: str | None = None) -> Result:
    """One of two people at once wins; the other learns who and when. Raises TaskNotOpen, VersionClash, FormInvalid."""
    root = locked_root(unit, task_id)
    state = _state(unit, task_id, request_id)
    if state["asked_name"] is not None:
        return answer({"name": state["asked_name"], "result": state["asked_result"]}, request_id, "complete")
    family = Family(engine, unit.connection, unit.now, actor, root)
    if state["overdue"]:
        fire_overdue(family)
        if engine.undo_seconds:  # what the clock did is a step of its own, which nobody undoes
            finish(engine, unit, family, root["id"])
            family = Family(engine, unit.connection, unit.now, actor, locked_root(unit, task_id))
            state = _state(unit, task_id, request_id)
    task = still_open(family, state)
    if seen is not None and seen != task["version"]:
        raise VersionClash(task_id, seen, task["version"])
    running = family.member(task["instance_id"])
    element = running.definition.diagram.elements[task["element_id"]]
    token = running.game.token(task_id)
    clean = validated(engine, running, element, values, token)
    undo.begin(engine, unit, family, running, task, values, request_id)
    seen_before = running.seen(token)
    before = {name: seen_before.get(name) for name in clean}
    running.record("task-completed", element.id, task=task_id, name=task["name"], clause=element.clause, due=task["due_at"],
                   fields=sorted(clean), personal={"before": to_json(before), "after": to_json(clean)})
    if element.outputs:
        clean = {m.target: running.evaluate(m.source, clean, token) for m in element.outputs}
    running.assign(clean, token)
    family.end_task(task_id, "completed", "completed")
    running.game.complete(task_id)
    family.touch(running)
    result = finish(engine, unit, family, running.id)
    remember(unit, request_id, "complete", actor, task_id, result)
    return result


def locked_root(unit: Unit, task_id: str) -> dict:
    """The root instance's row of a task, locked."""
    row = _ROOT.first(unit.connection, task_id=task_id)
    if row is None:
        raise NotFound("Task", task_id)
    return row


def open_task(unit: Unit, family: Family, task_id: str) -> dict:
    """The task's row, read under the lock. Raises TaskNotOpen with who ended it, NotFound when what opened it was undone."""
    row = unit.connection.execute(select(user_task).where(user_task.c.id == task_id)).first()
    if row is None:
        raise NotFound("Task", task_id)
    return still_open(family, dict(row._mapping))


def _state(unit: Unit, task_id: str, request_id: str | None) -> dict:
    row = _STATE.first(unit.connection, task_id=task_id, request_id=request_id or "", now=unit.now)
    if row is None:
        raise NotFound("Task", task_id)
    return row


def still_open(family: Family, row: dict) -> dict:
    """`row` if the task is open after what the family's overdue timers did. Raises TaskNotOpen."""
    row = row | family.ended_tasks.get(row["id"], {})
    if row["state"] != "open":
        raise TaskNotOpen(row["id"], row["name"], row["state"], row["ended_by"], row["ended_at"])
    return row


def validated(engine, running, element, values: dict, token=None) -> dict:
    """The cleaned values of the element's form; the form refuses what it does not know."""
    form = running.definition.procedure.forms.get(element.form)
    return form.validate(values, engine.expressions, running.context(token)) if form else {}


_ROOT = Prepared(select(process_instance).join(user_task, user_task.c.root_id == process_instance.c.id).where(
    user_task.c.id == bindparam("task_id")).with_for_update(of=process_instance))
_ASKED = select(command).where(command.c.request_id == bindparam("request_id"))
# One look under the lock: the task, an earlier answer to this request, and whether a timer of the family is overdue.
_STATE = Prepared(select(
    *(user_task.c[name] for name in ("id", "instance_id", "element_id", "name", "due_at", "state", "version", "ended_at",
                                     "ended_by")),
    _ASKED.with_only_columns(command.c.name).scalar_subquery().label("asked_name"),
    _ASKED.with_only_columns(command.c.result).scalar_subquery().label("asked_result"),
    select(func.count()).select_from(timer).where(
        timer.c.root_id == user_task.c.root_id, timer.c.state == "armed",
        timer.c.due_at <= bindparam("now", type_=Instant())).scalar_subquery().label("overdue"),
).where(user_task.c.id == bindparam("task_id")))
