"""A step that the engine could not finish: cause, what was asked, and a retry, until somebody resolves it.

An incident is written in a transaction of its own, after the failed step was rolled back: the old state stays.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Table, and_, func, insert, not_, or_, select, true, update

from engine.errors import EngineError, StepFailed, text_of
from engine.tables import buffered_message, incident, process_instance, start_timer, timer, trace_event

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
           waiting_id: str | None = None, centre_id: int | None = None) -> str:
    """Open an incident, or count one more try on the open one of the same place and cause; its id.

    root_id: of the family; the id of what waits where nothing was stored yet. waiting_id, centre_id: of what waits (see `put_off`).
    """
    kind = (error.kind if isinstance(error, StepFailed) else type(error).__name__)[:incident.c.kind.type.length]
    element = getattr(error, "element_id", None)
    same = select(incident.c.id).where(incident.c.root_id == root_id, incident.c.resolved_at.is_(None), incident.c.kind == kind,
                                       incident.c.element_id == element, incident.c.timer_id == waiting_id)
    if (known := connection.execute(same).scalar()) is not None:
        failed_again(connection, known, error)
        return known
    ids = [root_id, getattr(error, "instance_id", None) or root_id]
    centres = dict(connection.execute(select(process_instance.c.id, process_instance.c.centre_id).where(
        process_instance.c.id.in_(ids))).all())
    id = uuid4().hex
    connection.execute(insert(incident).values(
        id=id, root_id=root_id, instance_id=ids[1] if ids[1] in centres else root_id,  # what was called may have gone with the step
        centre_id=centres.get(root_id, centre_id or 0), element_id=element, timer_id=waiting_id, kind=kind, reason=text_of(error),
        command=json.dumps(asked, default=str), tries=1, opened_at=now, resolved_at=None, resolved_by=None, note=None))
    return id


def stored_root(connection: Connection, error: Exception) -> str | None:
    """The family in which a step failed; None where nothing of it is stored, as of a start that failed."""
    ids = [id for id in (getattr(error, "instance_id", None), getattr(error, "root_id", None)) if id]
    return connection.execute(select(process_instance.c.root_id).where(process_instance.c.id.in_(ids)).limit(1)).scalar()


def put_off(connection: Connection, now: datetime, table: Table, id: str, error: Exception) -> None:
    """Let what failed wait before its next try, so that it delays nobody else, and open its incident.

    table: timer, start_timer or buffered_message. A timer gets three tries first, for what a diagram or operation says may go by;
    a message has somebody who waits for it. Where another timer failed before it, that one is meant.
    """
    if (earlier := getattr(error, "timer_id", None)) is not None:
        table, id = timer, earlier
    row = connection.execute(select(table).where(table.c.id == id)).first()
    if row is None:
        return
    wait = RETRY_AFTER[min(row.tries, len(RETRY_AFTER) - 1)]
    connection.execute(update(table).where(table.c.id == id).values(tries=row.tries + 1, retry_at=now + wait))
    if row.tries + 1 >= len(RETRY_AFTER) or not isinstance(error, EngineError) or table is buffered_message:
        root = row.root_id if table is timer else stored_root(connection, error) or id
        record(connection, now, error, root, _ASKED[table.name](row), id, row.centre_id)


_ASKED = {timer.name: lambda row: {"command": "fire", "id": row.id},
          start_timer.name: lambda row: {"command": "start", "id": row.id, "process_key": row.process_key,
                                         "definition_hash": row.definition_hash},
          buffered_message.name: lambda row: {"command": "deliver", "id": row.id, "process_key": row.start_key}}


def failed_again(connection: Connection, incident_id: str, error: Exception) -> None:
    connection.execute(update(incident).where(incident.c.id == incident_id).values(
        tries=incident.c.tries + 1, reason=text_of(error)))


def resolve(connection: Connection, incident_id: str, now: datetime, by: str, note: str | None = None) -> None:
    connection.execute(update(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None)).values(
        resolved_at=now, resolved_by=by, note=note))


def causes(connection: Connection, centre_id: int | None = None) -> list[Cause]:
    """The open incidents by procedure, element and kind, the most frequent cause first. One statement."""
    rows = select(incident, process_instance.c.process_key).outerjoin(
        process_instance, process_instance.c.id == incident.c.instance_id).where(incident.c.resolved_at.is_(None))
    if centre_id is not None:
        rows = rows.where(incident.c.centre_id == centre_id)
    found: dict[tuple, list] = {}
    for row in connection.execute(rows.order_by(incident.c.opened_at, incident.c.id)):
        key = row.process_key or json.loads(row.command).get("process_key") or ""
        found.setdefault((key, row.element_id, row.kind), []).append(row)
    listed = [Cause(*place, rows[-1].reason, tuple(row.id for row in rows)) for place, rows in found.items()]
    return sorted(listed, key=lambda cause: -len(cause.ids))


def is_over(connection: Connection, incident_id: str) -> bool:
    """Whether what failed has been done since: nothing waits any more, its element was passed, its instance has ended."""
    return bool(connection.execute(select(func.count()).select_from(incident).where(incident.c.id == incident_id, _over())).scalar())


def settle(connection: Connection, now: datetime) -> int:
    """Resolve the open incidents that are over; how many. A person who repeats a step need not know of its incident."""
    return connection.execute(update(incident).where(incident.c.resolved_at.is_(None), _over()).values(
        resolved_at=now, resolved_by="system")).rowcount


def _over():
    waits = or_(*(select(table.c.id).where(table.c.id == incident.c.timer_id, still).exists() for table, still in (
        (timer, timer.c.state == "armed"), (start_timer, start_timer.c.tries > 0), (buffered_message, true()))))
    passed = select(trace_event.c.seq).where(
        trace_event.c.root_id == incident.c.root_id, trace_event.c.element_id == incident.c.element_id,
        trace_event.c.kind == "passed", trace_event.c.at > incident.c.opened_at).exists()
    ended = select(process_instance.c.id).where(
        process_instance.c.id == incident.c.instance_id, process_instance.c.state != "running").exists()
    return or_(and_(incident.c.timer_id.is_not(None), not_(waits)), and_(incident.c.timer_id.is_(None), passed), ended)
