"""Close an incident by hand: somebody has put it right elsewhere, and says how."""

from __future__ import annotations

from sqlalchemy import select

from engine import incidents
from engine.commands.common import Result
from engine.errors import NotFound, NotPossible
from engine.execution import Actor, Family
from engine.tables import incident
from engine.unit_of_work import Unit


def resolve(engine, unit: Unit, incident_id: str, *, note: str, actor: Actor) -> Result:
    """The incident is resolved; the trace keeps who, when, its cause and the note. Raises NotFound, NotPossible."""
    if not note.strip():
        raise NotPossible("An incident is resolved with a note. Say what was done about it, then send again.")
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id)).first()
    if row is None:
        raise NotFound("Incident", incident_id)
    family = Family.lock(engine, unit.connection, unit.now, actor, row.root_id)
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id)).first()
    if row.resolved_at is not None:
        raise NotPossible(f"Incident {incident_id} was resolved by {row.resolved_by}.")
    family.member(row.instance_id).record(
        "incident-resolved", row.element_id, incident=row.id, cause=row.kind, reason=note.strip()
    )
    family.save()
    incidents.resolve(unit.connection, incident_id, unit.now, actor.person)
    engine.publish(unit, family)
    return Result(row.instance_id)
