"""Taking back a registration for as long as a step may be undone: the ticket ends as if nobody had called.

A registration has no rows before it to go back to, and its events stay in the trace: its process is cancelled, its number
stays with a withdrawn ticket, and what was typed is the person's draft again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.errors import TooLateToUndo
from engine.sql import Prepared
from engine.tables import Instant, process_instance, trace_event
from service import access
from service.drafts import actions as drafts
from service.drafts import rules
from service.errors import NotThere
from service.organisation.models import Person
from service.tickets.actions import PROCESS, once, ticket_named
from service.tickets.models import Photo, Promise, Ticket, TicketNote, TicketState
from service.tickets.undoing import typed

REASON = "登记撤销"
_ACTS = ("task-completed", "task-claimed", "task-assigned", "message-received", "timer-fired", "retimed")


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration that its author may still take back."""

    number: str
    at: datetime
    until_at: datetime


def newest(app, session: Session, person: Person) -> Registered | None:
    """The person's newest registration, while it may be taken back and nobody has gone on from it."""
    lasts = timedelta(seconds=app.engine.undo_seconds)
    since = session.info["clock"].now() - lasts
    ticket = _NEWEST.record(session.connection(), username=person.username, since=since)
    if ticket is None or ticket.gone_on:
        return None
    return Registered(ticket.number, ticket.registered_at, ticket.registered_at + lasts)


def undo_registration(app, person: Person, number: str, request_id: str | None = None) -> str:
    """End the ticket and give the id of the draft that holds what was typed.

    Raises NotThere for a ticket that the person did not register, TooLateToUndo when its time is over or somebody went on
    from it. The same `request_id` ends it once.
    """
    with app.writing() as session:
        me, ticket = session.get_one(Person, person.id), ticket_named(session, number)
        grant = access.require(me, "see", ticket)
        if ticket.created_by != me.username:
            raise NotThere("Step to undo", number)
        draft = uuid4().hex

        def take_back() -> int:
            _still_possible(app, session, ticket)
            drafts.put(session, me.id, rules.of_registration(draft), _as_typed(app, session, ticket))
            _end(app, session, ticket, access.actor(me, grant))
            return ticket.id

        once(session, me, request_id, "unregister", take_back)
        return draft


def _still_possible(app, session: Session, ticket: Ticket) -> None:
    root = sa.select(process_instance.c.id).where(process_instance.c.id == ticket.instance_id)
    session.execute(root.with_for_update())  # whoever completes a task at this moment comes first or last
    if session.info["unit"].now >= _until(app, ticket):
        raise TooLateToUndo(ticket.number, "登记", "time")
    if _gone_on(session, ticket):
        raise TooLateToUndo(ticket.number, "登记", "acted")


def _gone_on(session: Session, ticket: Ticket) -> bool:
    """Whether anything happened to the ticket but its registration."""
    return session.scalar(sa.select(_HAS_GONE_ON).where(Ticket.id == ticket.id))


# The first act of its trace is the registration itself.
_ACTS_ON = (
    sa.select(sa.func.count())
    .select_from(trace_event)
    .where(trace_event.c.root_id == Ticket.instance_id, trace_event.c.kind.in_(_ACTS))
)
_HAS_GONE_ON = sa.or_(
    Ticket.state != TicketState.REGISTERED,
    _ACTS_ON.scalar_subquery() > 1,
    *(sa.exists().where(table.ticket_id == Ticket.id) for table in (TicketNote, Photo, Promise)),
).label("gone_on")
_NEWEST = Prepared(
    sa.select(Ticket.number, Ticket.registered_at, _HAS_GONE_ON)
    .where(
        Ticket.owner == sa.bindparam("username", ""),
        Ticket.created_by == sa.bindparam("username", ""),
        Ticket.registered_at > sa.bindparam("since", None, Instant()),
    )
    .order_by(Ticket.registered_at.desc(), Ticket.id.desc())
    .limit(1)
)


def _until(app, ticket: Ticket) -> datetime:
    return ticket.registered_at + timedelta(seconds=app.engine.undo_seconds)


def _as_typed(app, session: Session, ticket: Ticket) -> dict[str, list[str]]:
    """The register form with its place and caller, as a browser sends it."""
    unit = session.info["unit"]
    variables = app.engine.variables(ticket.instance_id, unit)
    form = app.engine.definition_in_force(PROCESS, unit).procedure.forms["register"]
    zone = ZoneInfo(app.settings.zone)
    values = {key: _local(variables.get(key), zone) for key in form.keys}
    places = {name: getattr(ticket, name) for name in ("unit_id", "customer_id", "contact_id")}
    return typed(values | places | {"channel": str(ticket.channel)})


def _local(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value


def _end(app, session: Session, ticket: Ticket, actor) -> None:
    unit = session.info["unit"]
    app.engine.cancel(ticket.instance_id, reason=REASON, actor=actor, unit=unit)
    ticket.state, ticket.closed_at, ticket.end_reason = TicketState.WITHDRAWN, unit.now, REASON
