"""Giving tasks to somebody, to oneself or back to the group: many at once, each in a transaction of its own.

One bad row never stops the rest (T33): the answer says of every row what came of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from engine.errors import EngineError
from engine.tables import user_task
from service import access
from service.errors import Refused, ServiceError
from service.organisation.models import Person
from service.tickets import actions

MOST = 100


@dataclass(frozen=True, slots=True)
class Given:
    """What came of one row. `name` and `number` are empty for a task that the person may not know of."""

    task_id: str
    name: str
    number: str
    error: Exception | None = None


def give(
    app, person: Person, task_ids: list[str], to: str | None, reason: str, request_id: str | None = None
) -> list[Given]:
    """Give each task to `to`, or back to its group (None). The same `request_id` changes nothing a second time.

    Raises Refused where nothing could be done with any row: none named, too many, or no reason.
    """
    wanted = list(dict.fromkeys(task_ids))
    if not wanted:
        raise Refused("Nothing is selected. Select the tasks first, then say who gets them.", "task")
    if len(wanted) > MOST:
        raise Refused(f"At most {MOST} tasks at once. Select fewer.", "task")
    if not reason.strip():
        raise Refused("Say why the work changes hands; whoever gets it reads it.", "reason")
    known = _known(app, person, wanted)
    return [_give(app, person, id, known.get(id, ("", "")), to, reason.strip(), request_id) for id in wanted]


def _give(app, person: Person, task_id: str, known: tuple[str, str], to, reason: str, request_id) -> Given:
    error = None
    try:
        actions.assign(app, person, task_id, to, reason, request_id=_of_row(request_id, task_id))
    except (EngineError, ServiceError, OperationalError) as refused:
        error = refused
    return Given(task_id, *known, error)


def _of_row(request_id: str | None, task_id: str) -> str | None:
    """A request id of its own for each row, so that a repeat after half of the rows does the other half."""
    return hashlib.sha256(f"{request_id}/{task_id}".encode()).hexdigest() if request_id else None


def _known(app, person: Person, task_ids: list[str]) -> dict[str, tuple[str, str]]:
    """task id -> (name, number), of those on the person's board."""
    with app.session() as session:
        mine = access.reach(session.get_one(Person, person.id))
        rows = session.execute(
            sa.select(user_task.c.id, user_task.c.name, user_task.c.business_key).where(
                user_task.c.id.in_(task_ids), access.centre_filter(mine, "see board", user_task.c.centre_id)
            )
        ).all()
    return {r.id: (r.name, r.business_key) for r in rows}
