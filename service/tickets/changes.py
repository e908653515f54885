"""What people change on a ticket that is under way: pause and go on, urgency, the customer's deadline; undo a merge.

Like `actions`: each is one transaction with the engine's step inside, the person's right checked in it. Surprise: going on is
a task of the worker's, and yet whoever may pause may do it from the ticket's page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result, Scope
from engine.errors import NotPossible
from engine.tables import user_task
from service import access
from service.errors import Refused
from service.organisation.models import Person
from service.tickets import pauses
from service.tickets.actions import PROCESS, once, ticket_named
from service.tickets.models import NoteKind, Ticket, TicketNote, TicketState

UNDO_MERGE_FOR = timedelta(hours=24)
_STARTED_WITH = ("ticket_id", "ticket_number", "owner", "vip", "registered_at", "unit_label", "customer_name", "category", "title")  # fmt: skip


def pause(app, person: Person, number: str, reason: str, until: datetime, request_id: str | None = None) -> Result:
    """The handling stands still for one of `PauseReason`, at the latest until `until`. Raises Refused, NotAllowed."""
    values = {"pause_reason": reason, "pause_until": until}
    try:
        return _send(app, person, number, "pause", "ticket.pause", values, request_id)
    except NotPossible as error:
        raise Refused(f"Nobody is working on {number} now, so there is nothing to pause.") from error


def resume(app, person: Person, number: str, note: str = "", request_id: str | None = None) -> Result:
    """Work goes on now. Raises Refused where nothing is paused, NotAllowed."""
    with app.writing() as session:
        me, ticket, unit = session.get_one(Person, person.id), ticket_named(session, number), session.info["unit"]
        grant = access.require(me, "pause", ticket)
        if (done := app.engine.replayed(unit, request_id, "complete")) is not None:
            return done
        task = _open_task(session, ticket, "resume")
        if task is None:
            raise Refused(
                f"The work on {number} is not paused, so there is nothing to go on with. Load the page again."
            )
        actor = access.actor(me, grant)
        return app.engine.complete(task, {"note": note}, actor=actor, request_id=request_id, unit=unit)


def change_urgency(
    app, person: Person, number: str, urgency: str, reason: str, request_id: str | None = None
) -> Result:
    """Another urgency: the table is asked again, elapsed and paused time stay (T2). Raises Refused, NotAllowed."""
    if not reason.strip():
        raise Refused("Say why the urgency changes; it changes the limits.", "reason")
    values = {"urgency": urgency, "reason": reason.strip()}
    return _send(app, person, number, "change urgency", "ticket.change-urgency", values, request_id)


def change_deadline(
    app, person: Person, number: str, at: datetime | None, text: str = "", request_id: str | None = None
) -> Result:
    """The customer asks for another moment (None: for none any more); the earlier of it and the table's counts."""
    values = {"reply_deadline_kind": "at" if at else "none", "reply_deadline": at, "text": text.strip()}
    return _send(app, person, number, "inform", "ticket.change-deadline", values, request_id)


def _send(app, person: Person, number: str, action: str, message: str, values: dict[str, Any], request_id) -> Result:
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        actor = access.actor(me, access.require(me, action, ticket_named(session, number)))
        unit = session.info["unit"]
        return app.engine.correlate(message, number, values, actor=actor, request_id=request_id, unit=unit)


def _open_task(session: Session, ticket: Ticket, element_id: str) -> str | None:
    return session.execute(
        sa.select(user_task.c.id).where(
            user_task.c.root_id == ticket.instance_id,
            user_task.c.element_id == element_id,
            user_task.c.state == "open",
        )
    ).scalar()


# --- merged tickets ---------------------------------------------------------------------------------------------------


def unmerge(app, person: Person, number: str, request_id: str | None = None) -> None:
    """Within 24 hours a merged ticket goes its own way again: at dispatch, its limits counted from its registration.

    The same `request_id` does it once. Raises Refused, NotAllowed. Slips that the merge had stopped stay stopped.
    """
    with app.writing() as session:
        me, ticket = session.get_one(Person, person.id), ticket_named(session, number)
        actor = access.actor(me, access.require(me, "merge", ticket))
        once(session, me, request_id, "unmerge", lambda: _unmerged(app, session, me, ticket, actor))


def _unmerged(app, session: Session, me: Person, ticket: Ticket, actor) -> int:
    unit, number = session.info["unit"], ticket.number
    parent = session.get(Ticket, ticket.merged_into_id) if ticket.merged_into_id else None
    if parent is None:
        raise Refused(f"{number} is not merged into another ticket. Load the page again.")
    if unit.now > ticket.closed_at + UNDO_MERGE_FOR:
        raise Refused(f"{number} was merged more than 24 hours ago and stays so. Register the matter anew.")
    ticket.state, ticket.merged_into_id, ticket.closed_at, ticket.end_reason = TicketState.REGISTERED, None, None, ""
    told = ((ticket, f"从 {parent.number} 分出来"), (parent, f"{number} 分出去单办"))
    session.add_all(_note(one, text, me, unit.now) for one, text in told)
    session.flush()
    _start_again(app, session, ticket, actor)
    return ticket.id


def tell_callers(app, person: Person, number: str, text: str, request_id: str | None = None) -> int:
    """Everybody who called about the same thing was told the same: one note on the ticket and on each merged into it.

    Gives how many tickets that was; the same `request_id` gives the first answer. Raises Refused, NotAllowed.
    """
    if not text.strip():
        raise Refused("Write what the customers were told.", "text")
    with app.writing() as session:
        me, ticket = session.get_one(Person, person.id), ticket_named(session, number)
        access.require(me, "promise", ticket)

        def tell() -> int:
            told = [ticket, *session.scalars(sa.select(Ticket).where(Ticket.merged_into_id == ticket.id))]
            now = session.info["unit"].now
            session.add_all(_note(one, text.strip(), me, now, NoteKind.TOLD) for one in told)
            return len(told)

        return once(session, me, request_id, "tell callers", tell)


def _note(ticket: Ticket, text: str, by: Person, at: datetime, kind: NoteKind = NoteKind.INTERNAL) -> TicketNote:
    return TicketNote(centre_id=ticket.centre_id, ticket_id=ticket.id, kind=kind, text=text, at=at, by=by.username)


def _start_again(app, session: Session, ticket: Ticket, actor) -> None:
    """A new instance from what the first one was registered with; the limits keep their opening and their pauses."""
    unit, before = session.info["unit"], app.engine.variables(ticket.instance_id, session.info["unit"])
    variables = {name: before.get(name) for name in _STARTED_WITH} | {
        "owner": ticket.owner,
        "urgency": str(ticket.urgency),
    }
    scope = Scope(ticket.centre_id, ticket.building_id)
    started = app.engine.start(PROCESS, variables, business_key=ticket.number, scope=scope, actor=actor, unit=unit)
    ticket.instance_id = started.instance_id
    session.flush()
    form = app.engine.definition_in_force(PROCESS, unit).procedure.forms["register"]
    values = {key: before.get(key) for key in form.keys} | {
        "urgency": str(ticket.urgency),
        "on_the_spot": False,
        "reply_deadline_kind": ticket.deadline_kind,
        "reply_deadline": ticket.deadline_at,
    }
    task = _open_task(session, ticket, "register")
    app.engine.complete(task, {k: v for k, v in values.items() if v is not None}, actor=actor, unit=unit)


def lasting_pause(session: Session, ticket: Ticket) -> Any | None:
    """The pause that the ticket is in now, None while work goes on."""
    return pauses.lasting(session.connection(), ticket.id) if ticket.paused_at else None
