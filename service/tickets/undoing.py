"""Undo of a step on a ticket: which tables it may touch, and the person's press.

Every table whose `ticket_id` refers to a ticket is remembered by itself, so that a new one cannot be forgotten; search keys
without one stay, for they are derived and lead at worst to one thing too many. Surprise: what was typed comes back as the
person's draft, for after an undo the form is open again and nobody should write it twice.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result
from engine.errors import NotFound
from engine.sql import Prepared
from engine.tables import Instant, process_instance, step_undo, user_task
from engine.undo import Remembered
from service import access
from service.db import Base
from service.drafts import actions as drafts
from service.drafts import rules
from service.errors import NotThere
from service.organisation.models import Person
from service.tickets.actions import ticket_named
from service.tickets.models import Target, Ticket, TicketNote

_GROWING = (Target.__tablename__, TicketNote.__tablename__)  # their rows are never changed


def tables() -> list[Remembered]:
    """Tickets and all that hangs on them, parents first."""
    of_root = Ticket.instance_id == sa.bindparam("root")
    ticket_id = sa.select(sa.func.min(Ticket.id)).where(of_root).scalar_subquery()  # one, or none
    found = []
    for table in Base.metadata.sorted_tables:
        if table is Ticket.__table__:
            found.append(Remembered(table, of_root))
        elif "ticket_id" in table.c and table.c.ticket_id.foreign_keys:
            found.append(Remembered(table, _rows(table, ticket_id), grows=table.name in _GROWING))
    return found


def _rows(table: sa.Table, ticket_id: sa.ScalarSelect) -> sa.ColumnElement[bool]:
    """An escalation or a finding may be about no ticket: then it is known by its own process."""
    rows = table.c.ticket_id == ticket_id
    return sa.or_(rows, table.c.instance_id == sa.bindparam("root")) if "instance_id" in table.c else rows


def newest(session: Session, person: Person):
    """The person's newest step that may still be undone and that nobody has gone on from, in a few words; None without one."""
    return _NEWEST.record(session.connection(), username=person.username, now=session.info["clock"].now())


_NEWEST = Prepared(
    sa.select(*(step_undo.c[name] for name in ("task_id", "name", "business_key", "definition_hash", "element_id", "at", "until_at")))
    .join(
        process_instance,
        sa.and_(process_instance.c.id == step_undo.c.root_id, process_instance.c.chain_seq == step_undo.c.seq),
    )
    .where(
        step_undo.c.actor == sa.bindparam("username"), step_undo.c.until_at > sa.bindparam("now", type_=Instant())
    )
    .order_by(step_undo.c.until_at.desc(), step_undo.c.at.desc())  # as the index stands: who did a hundred steps has one read
    .limit(1)
)


def undo(app, person: Person, step_id: str, request_id: str | None = None) -> Result:
    """Take back what the person has just done. A task is theirs again, with what they typed as its draft; of an urge, a
    withdrawal or another message nothing is left but the trace.

    Raises NotThere for a step that is not theirs or not there, TooLateToUndo.
    """
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        if (done := app.engine.replayed(unit, request_id, "undo")) is not None:
            return done
        try:
            grant = access.require(me, "see", _thing(app, session, step_id))
            result = app.engine.undo(step_id, actor=access.actor(me, grant), request_id=request_id, unit=unit)
        except NotFound as error:
            raise NotThere("Step to undo", step_id) from error
        if not result.data["message"]:
            drafts.put(session, me.id, rules.of_task(step_id), typed(result.data["values"]))
        return result


def _thing(app, session: Session, step_id: str) -> Any:
    """What the step was on: its task, or the ticket that got a message. Raises NotFound."""
    number = session.scalar(sa.select(step_undo.c.business_key).where(step_undo.c.task_id == step_id))
    task = sa.select(user_task.c.id).where(user_task.c.id == step_id)
    if number is None or session.scalar(task) is not None:
        return app.engine.task(step_id, session.info["unit"])
    return ticket_named(session, number)


def typed(values: dict[str, Any]) -> dict[str, list[str]]:
    """The form's values as a browser sends them."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        if isinstance(value, dict):  # an instant or a date that was not typed but given
            value = next(iter(value.values()), None)
        if value is True:
            found[name] = ["true"]
        elif isinstance(value, list):
            found[name] = [str(one) for one in value]
        elif value is not None and value is not False:
            found[name] = [str(value)]
    return found
