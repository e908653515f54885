"""A step that the engine could not finish: cause, what was asked, and a retry, until somebody resolves it.

An incident is written in a transaction of its own, after the failed step was rolled back: the old state stays.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from engine.errors import EngineError, StepFailed
from engine.tables import incident, process_instance, timer

RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))


def record(connection: Connection, now: datetime, error: Exception, root_id: str, asked: dict,
           timer_id: str | None = None) -> str:
    """Open an incident, or count one more try on the open one of the same place and cause; its id."""
    kind = error.kind if isinstance(error, StepFailed) else type(error).__name__
    element = getattr(error, "element_id", None)
    same = select(incident.c.id).where(incident.c.root_id == root_id, incident.c.resolved_at.is_(None), incident.c.kind == kind,
                                       incident.c.element_id == element, incident.c.timer_id == timer_id)
    if (known := connection.execute(same).scalar()) is not None:
        connection.execute(update(incident).where(incident.c.id == known).values(
            tries=incident.c.tries + 1, reason=str(error)))
        return known
    row = connection.execute(select(process_instance.c.centre_id).where(process_instance.c.id == root_id)).first()
    id = uuid4().hex
    connection.execute(insert(incident).values(
        id=id, root_id=root_id, instance_id=getattr(error, "instance_id", None) or root_id, centre_id=row.centre_id if row else 0,
        element_id=element, timer_id=timer_id, kind=kind, reason=str(error), command=json.dumps(asked, default=str), tries=1,
        opened_at=now, resolved_at=None, resolved_by=None))
    return id


def timer_failed(connection: Connection, now: datetime, timer_id: str, root_id: str, error: Exception) -> None:
    """Let a failing timer wait before its next try, so that it delays nobody else; the third failure opens an incident."""
    tries = connection.execute(select(timer.c.tries).where(timer.c.id == timer_id)).scalar() or 0
    wait = RETRY_AFTER[min(tries, len(RETRY_AFTER) - 1)]
    connection.execute(update(timer).where(timer.c.id == timer_id).values(tries=tries + 1, retry_at=now + wait))
    if tries + 1 >= len(RETRY_AFTER) or not isinstance(error, EngineError):
        record(connection, now, error, root_id, {"command": "fire", "timer": timer_id}, timer_id)


def resolve(connection: Connection, incident_id: str, now: datetime, by: str) -> None:
    connection.execute(update(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None)).values(
        resolved_at=now, resolved_by=by))
