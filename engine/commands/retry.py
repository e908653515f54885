"""Try again what an incident stands for: the timer that did not fire, the procedure that did not begin, the message that was not
delivered.
"""

from __future__ import annotations

import json

from sqlalchemy import select

from engine import incidents, starting
from engine.commands.deliver import deliver
from engine.commands.fire import fire_timer
from engine.errors import NotFound, NotPossible
from engine.execution import Actor
from engine.tables import incident
from engine.unit_of_work import Unit


def retry(engine, unit: Unit, incident_id: str, *, actor: Actor) -> bool:
    """True when it went well; the incident is resolved then. A person's own step is repeated by that person. Raises NotFound,
    NotPossible, or what failed again.
    """
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id).with_for_update()).first()
    if row is None:
        raise NotFound("Incident", incident_id)
    if row.resolved_at is not None:
        raise NotPossible(f"Incident {incident_id} was resolved by {row.resolved_by}.")
    asked = json.loads(row.command)
    if asked.get("command") == "fire":
        fire_timer(engine, unit, row.timer_id, row.root_id)
    elif asked.get("command") == "start":
        starting.fire(engine, unit, asked["id"])
    elif asked.get("command") == "deliver":
        if not deliver(engine, unit, asked["id"]):
            raise NotPossible("The message is gone or nobody waits for it any more. Send it again, or resolve with a note.")
    elif not incidents.is_over(unit.connection, row.id):
        raise NotPossible("A person's step is repeated by that person. Put the cause right, then resolve with a note.")
    incidents.resolve(unit.connection, incident_id, unit.now, actor.person)
    return True
