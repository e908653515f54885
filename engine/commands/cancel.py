"""End an instance and all that it called, with the reason."""

from __future__ import annotations

from sqlalchemy import select

from engine.commands.common import Result, finish
from engine.errors import NotFound, NotPossible
from engine.execution import Actor, Family
from engine.tables import process_instance
from engine.unit_of_work import Unit


def cancel(engine, unit: Unit, instance_id: str, *, reason: str, actor: Actor) -> Result:
    """Raises NotPossible if it has ended already, or is called by another one (cancel that)."""
    row = unit.connection.execute(select(process_instance.c.root_id).where(process_instance.c.id == instance_id)).first()
    if row is None:
        raise NotFound("Process instance", instance_id)
    if row.root_id != instance_id:
        raise NotPossible(f"Instance {instance_id} was called by {row.root_id}; cancel that one.")
    family = Family.lock(engine, unit.connection, unit.now, actor, instance_id)
    if family.root.fields["state"] != "running":
        raise NotPossible(f"Instance {instance_id} has {family.root.fields['state']} already.")
    family.root.record("cancelled", None, reason=reason)
    family.cancel_instance(instance_id, "cancel")
    return finish(engine, unit, family, instance_id)
