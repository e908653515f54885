"""Change the due instant of an armed timer, or of an open task, with the reason."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update

from engine.commands.common import Result, timer_row
from engine.errors import NotFound, NotPossible
from engine.execution import Actor, Family
from engine.tables import timer
from engine.unit_of_work import Unit


def retime(engine, unit: Unit, timer_id: str, due_at: datetime, *, reason: str, actor: Actor) -> Result:
    """The timer fires at `due_at` instead; old, new and reason go into the trace. Raises NotPossible if it is not armed."""
    row = timer_row(unit, timer_id)
    if row is None:
        raise NotFound("Timer", timer_id)
    if not reason.strip():
        raise NotPossible("A deadline is changed with a reason. Say why, then send again.")
    family = Family.lock(engine, unit.connection, unit.now, actor, row.root_id)
    row = timer_row(unit, timer_id)
    if row.state != "armed":
        raise NotPossible(f"Timer {timer_id} at {row.element_id} is {row.state} and cannot be moved.")
    unit.connection.execute(update(timer).where(timer.c.id == timer_id).values(due_at=due_at))
    running = family.member(row.instance_id)
    running.record("timer-retimed", row.element_id, timer=timer_id, before=row.due_at, after=due_at, reason=reason)
    family.save()
    engine.publish(unit, family)
    return Result(row.instance_id)


def retime_element(engine, unit: Unit, root_id: str, element_id: str, due_at: datetime, *, reason: str,
                   actor: Actor, only: Collection[str] | None = None) -> int:
    """Move every armed timer and open task of `element_id` in a family (or `only` those ids) to `due_at`; how many moved."""
    family = Family.lock(engine, unit.connection, unit.now, actor, root_id)
    moved = family.retime(element_id, due_at, reason, only)
    if moved:
        family.save()
        engine.publish(unit, family)
    return moved
