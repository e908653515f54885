"""Deadlines follow changed variables: each open task and timer whose expression names one of them is asked again.

The diagram says which deadline follows what: its own expression, as of the moment when the task was opened or the timer was
armed. A timer whose expression gives null now is put away, one that had none is armed. Surprise: a deadline that is not what
its expression gave before was set by hand and stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import bindparam, select, update

from engine.dialect import EventKind, TimerKind
from engine.errors import StepFailed
from engine.history import Event
from engine.sql import Prepared
from engine.tables import timer, user_task


def follow(family, running, values: dict, reason: str) -> int:
    """The instance goes on with `values`; how many of its deadlines moved. Old, new and reason go into the trace."""
    moved = _tasks(family, running, values, reason) + _timers(family, running, values, reason)
    running.assign(values)
    return moved


def _tasks(family, running, values: dict, reason: str) -> int:
    moved = 0
    for row in _rows(family.new_tasks, family.ended_tasks, _OPEN, family.connection, running.id, "open"):
        element = running.definition.diagram.elements[row["element_id"]]
        due_at = family.retimed_tasks.get(row["id"], row["due_at"])
        new_at = _moved(running, element, element.due, values, due_at, row["opened_at"], running.game.token(row["id"]))
        if new_at == due_at:
            continue
        if row["id"] in family.new_tasks:
            row["due_at"] = new_at
        else:
            family.retimed_tasks[row["id"]] = new_at
        _tell(family, running, element, "task-retimed", "task", row["id"], due_at, new_at, reason)
        moved += 1
    return moved


def _timers(family, running, values: dict, reason: str) -> int:
    armed = {row["id"]: row for row in _rows(family.new_timers, family.ended_timers, _ARMED, family.connection, running.id, "armed")}
    moved = 0
    for token in running.game.live():
        element = token.element
        if not token.task_spec.waits or element.event.kind is not EventKind.TIMER or element.event.timer is not TimerKind.DATE:
            continue
        row = armed.get(token.key)
        if row is None:
            due_at, new_at = None, _moved(running, element, element.event.expression, values, None, family.now, token)
        else:
            due_at = family.retimed_timers.get(token.key, row["due_at"])
            new_at = _moved(running, element, element.event.expression, values, due_at, row["armed_at"], token)
        if new_at == due_at:
            continue
        _put(family, running, token, row, new_at)
        _tell(family, running, element, "timer-retimed", "timer", token.key, due_at, new_at, reason)
        moved += 1
    return moved


def _moved(running, element, expression: str | None, values: dict, due_at: datetime | None, at: datetime,
           token) -> datetime | None:
    """Where the deadline stands with the new values; `due_at` itself where it follows none of them or was set by hand."""
    if expression is None or not any(name in expression for name in values):
        return due_at
    if _instant(running, element, expression, {}, at, token) != due_at:
        return due_at
    return _instant(running, element, expression, values, at, token)


def _instant(running, element, expression: str, values: dict, at: datetime, token) -> datetime | None:
    value = running.as_of(at, expression, values, token)
    if value is not None and not isinstance(value, datetime):
        raise StepFailed(running.id, element.id, f"`{expression}` gives {value!r}, not an instant.", "not-an-instant")
    return value.astimezone(UTC) if value else None


def _put(family, running, token, row: dict | None, new_at: datetime | None) -> None:
    """Move, put away or arm the timer of a waiting token."""
    if new_at is None:
        family.retimed_timers.pop(token.key, None)
        family.end_timer(token.key, "cancelled")
    elif row is None:
        family.ended_timers.pop(token.key, None)
        if not _AGAIN.run(family.connection, b_id=token.key, due_at=new_at, armed_at=family.now):
            running.arm_at(token, new_at)
    elif token.key in family.new_timers:
        row["due_at"] = new_at
    else:
        family.retimed_timers[token.key] = new_at


def _rows(new: dict, ended: dict, stored: Prepared, connection, instance_id: str, state: str) -> Iterator[dict]:
    """The rows of an instance that are open at this point of the step."""
    yield from (row for row in new.values() if row["instance_id"] == instance_id and row["state"] == state)
    for row in stored.all(connection, instance_id=instance_id):
        if row["id"] not in ended:
            yield dict(row)


def _tell(family, running, element, kind: str, what: str, id: str, before, after, reason: str) -> None:
    family.record(Event(kind, running.id, element.id, {what: id, "before": before, "after": after, "reason": reason}))


_OPEN = Prepared(select(user_task).where(user_task.c.instance_id == bindparam("instance_id"), user_task.c.state == "open"))
_ARMED = Prepared(select(timer).where(timer.c.instance_id == bindparam("instance_id"), timer.c.state == "armed"))
_AGAIN = Prepared(update(timer).where(timer.c.id == bindparam("b_id"), timer.c.state == "cancelled").values(
    state="armed", due_at=bindparam("due_at"), armed_at=bindparam("armed_at")))
