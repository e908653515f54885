"""A step that the engine could not finish: cause, what was asked, and a retry, until somebody resolves it.

An incident is written in a transaction of its own, after the failed step was rolled back: the old state stays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from engine.errors import EngineError, StepFailed
from engine.tables import incident, process_instance, timer, trace_event

RETRY_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))


@dataclass(frozen=True, slots=True)
class Cause:
    """Open incidents of one cause at one place of one procedure: ids from the oldest to the newest, and a reason among them."""

    process_key: str
    element_id: str | None
    kind: str
    reason: str
    ids: tuple[str, ...]


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


def failed_again(connection: Connection, incident_id: str, error: Exception) -> None:
    connection.execute(update(incident).where(incident.c.id == incident_id).values(tries=incident.c.tries + 1, reason=str(error)))


def resolve(connection: Connection, incident_id: str, now: datetime, by: str) -> None:
    connection.execute(update(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None)).values(
        resolved_at=now, resolved_by=by))


def causes(connection: Connection, centre_id: int | None = None) -> list[Cause]:
    """The open incidents by procedure, element and kind, the most frequent cause first. One statement."""
    rows = select(incident, process_instance.c.process_key).outerjoin(
        process_instance, process_instance.c.id == incident.c.instance_id).where(incident.c.resolved_at.is_(None))
    if centre_id is not None:
        rows = rows.where(incident.c.centre_id == centre_id)
    found: dict[tuple, list] = {}
    for row in connection.execute(rows.order_by(incident.c.opened_at, incident.c.id)):
        found.setdefault((row.process_key or "", row.element_id, row.kind), []).append(row)
    listed = [Cause(*place, rows[-1].reason, tuple(row.id for row in rows)) for place, rows in found.items()]
    return sorted(listed, key=lambda cause: -len(cause.ids))


def is_over(connection: Connection, incident_id: str) -> bool:
    """Whether what failed has been done since: its timer is no longer armed, its element was passed, its instance has ended."""
    return bool(connection.execute(select(func.count()).select_from(incident).where(incident.c.id == incident_id, _over())).scalar())


def settle(connection: Connection, now: datetime) -> int:
    """Resolve the open incidents that are over; how many. A person who repeats a step need not know of its incident."""
    return connection.execute(update(incident).where(incident.c.resolved_at.is_(None), _over()).values(
        resolved_at=now, resolved_by="system")).rowcount


def _over():
    fired = select(timer.c.id).where(timer.c.id == incident.c.timer_id, timer.c.state != "armed").exists()
    passed = select(trace_event.c.seq).where(
        trace_event.c.root_id == incident.c.root_id, trace_event.c.element_id == incident.c.element_id,
        trace_event.c.kind == "passed", trace_event.c.at > incident.c.opened_at).exists()
    ended = select(process_instance.c.id).where(
        process_instance.c.id == incident.c.instance_id, process_instance.c.state != "running").exists()
    return or_(and_(incident.c.timer_id.is_not(None), fired), and_(incident.c.timer_id.is_(None), passed), ended)
