"""Close an incident by hand: somebody has put it right elsewhere, and says how."""

from __future__ import annotations

import json

from sqlalchemy import select

from engine import incidents, messages
from engine.commands.common import Result
from engine.errors import NotFound, NotPossible
from engine.execution import Actor, Family
from engine.tables import incident, process_instance
from engine.unit_of_work import Unit


def resolve(engine, unit: Unit, incident_id: str, *, note: str, actor: Actor) -> Result:
    """The incident is resolved; the trace keeps who, when, its cause and the note (the incident itself, where nothing had begun yet).
    A message that was not delivered is dropped. Raises NotFound, NotPossible.
    """
    if not note.strip():
        raise NotPossible("An incident is resolved with a note. Say what was done about it, then send again.")
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id)).first()
    if row is None:
        raise NotFound("Incident", incident_id)
    told = unit.connection.execute(select(process_instance.c.id).where(process_instance.c.id == row.root_id)).scalar()
    family = Family.lock(engine, unit.connection, unit.now, actor, row.root_id) if told else None
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id).with_for_update()).first()
    if row.resolved_at is not None:
        raise NotPossible(f"Incident {incident_id} was resolved by {row.resolved_by}.")
    incidents.resolve(unit.connection, incident_id, unit.now, actor.person, None if told else note.strip())
    if (asked := json.loads(row.command)).get("command") == "deliver":
        messages.drop(unit.connection, asked["id"])
    if family is not None:
        _tell(engine, unit, family, row, note.strip())
    return Result(row.instance_id)


def _tell(engine, unit: Unit, family: Family, row, note: str) -> None:
    family.member(row.instance_id).record("incident-resolved", row.element_id, incident=row.id, cause=row.kind, reason=note)
    family.save()
    engine.publish(unit, family)
