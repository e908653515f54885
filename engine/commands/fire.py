"""Fire one due timer, as the clock's sweep asks."""

from __future__ import annotations

from engine.commands.common import finish, fire_overdue, timer_row
from engine.execution import SYSTEM, Family
from engine.unit_of_work import Unit


def fire_timer(engine, unit: Unit, timer_id: str, root_id: str, wait: bool = True) -> int:
    """Fire `timer_id` and everything overdue in its family; 0 when another clock was faster. Raises InUse (see `Family.lock`)."""
    family = Family.lock(engine, unit.connection, unit.now, SYSTEM, root_id, wait)
    row = timer_row(unit, timer_id)
    if row is None or row.state != "armed" or row.due_at > unit.now:
        return 0
    fired = fire_overdue(family, also=timer_id)
    finish(engine, unit, family, row.instance_id)
    return fired
