"""What the desk notes: a missed call and what becomes of it (clause 24.7), visitors in and out (19), visits to customers (22)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result, Scope
from engine.tables import user_task
from service import access
from service.calendars.queries import calendar_of
from service.customers import queries as customers
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Person
from service.reception import rules
from service.reception.models import CallState, CustomerVisit, IdKind, MissedCall, Visitor
from service.reception.queries import ACTION, call_named, task_of
from service.subjects.steps import name as name_subject
from service.tickets.actions import count_up, once

PROCESS = "missed-call"


def note_call(app, person: Person, centre_id: int, given: rules.CallGiven, request_id: str | None = None) -> str:
    """Write down a call that nobody answered; it is to be called back from now on. Gives its number. Raises NotAllowed, Refused."""
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        grant = access.require(me, ACTION, session.get_one(Centre, centre_id))
        if (before := app.engine.replayed(unit, request_id)) is not None:
            return session.scalars(sa.select(MissedCall.number).where(MissedCall.instance_id == before.instance_id)).one()
        rules.check_call(given, unit.now)
        call = _call(session, me, centre_id, given)
        started = app.engine.start(
            PROCESS,
            {"call_number": call.number, "rang_at": call.rang_at, "noted_by": me.username},
            business_key=call.number, scope=Scope(centre_id), actor=access.actor(me, grant), request_id=request_id, unit=unit,
        )  # fmt: skip
        call.instance_id = started.instance_id
        due = sa.select(user_task.c.due_at).where(user_task.c.root_id == started.instance_id, user_task.c.state == "open")
        call.due_at = session.execute(due).scalar()
        return call.number


def _call(session: Session, me: Person, centre_id: int, given: rules.CallGiven) -> MissedCall:
    now = session.info["unit"].now
    callers = customers.by_phone(me, given.phone)
    caller = callers[0] if len(callers) == 1 else None  # a number of several is nobody's: it is never guessed
    year = calendar_of(session, centre_id).local(now).year
    call = MissedCall(
        number=f"LD{year}-{count_up(session, f'missed-call-{year}'):04d}", centre_id=centre_id, phone=given.phone[:20],
        contact_id=caller.contact.id if caller else None, unit_id=caller.unit.id if caller and caller.unit else None,
        rang_at=given.rang_at, rings=given.rings, noted_by=me.username, noted_at=now, state=CallState.WAITING,
    )  # fmt: skip
    session.add(call)
    tail, place = given.phone[-4:], caller.unit.code if caller and caller.unit else ""
    name_subject(session, call.number, centre_id, "call", f"漏接来电 …{tail}", place)
    session.flush()
    return call


def complete(
    app, person: Person, number: str, values: Mapping[str, Any], seen: int | None = None, request_id: str | None = None
) -> Result:
    """Do the open task of a call: call back, or say which ticket came of it. Raises NotThere, NotAllowed, FormInvalid, Refused."""
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        if (before := app.engine.replayed(unit, request_id, "complete")) is not None:
            return before
        call = call_named(session, number)
        if (task := task_of(session, call)) is None:
            raise Refused(f"{number} has been dealt with.")
        actor = access.actor(me, access.require(me, "do", task, session=session))
        result = app.engine.complete(task.id, dict(values), actor=actor, seen=seen, request_id=request_id, unit=unit)
        if unit.kept is not None:
            unit.kept.exact = False  # somebody was called: that is not taken back
        return result


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help about a call (clause 12); everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        grant = access.require(me, ACTION, call_named(session, number))
        values = {"question": question.strip(), "asked_by": me.username}
        actor = access.actor(me, grant)
        result = app.engine.correlate("ticket.help", number, values, actor=actor, request_id=request_id, unit=unit)
        if unit.kept is not None:
            unit.kept.exact = False
        return result


def visitor_in(app, person: Person, centre_id: int, given: rules.VisitorGiven, request_id: str | None = None) -> int:
    """Write a visitor into the register; gives the line's id. Raises NotAllowed, Refused."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        access.require(me, ACTION, session.get_one(Centre, centre_id))
        rules.check_visitor(given)

        def write() -> int:
            row = Visitor(
                centre_id=centre_id, came_at=session.info["unit"].now, name=given.name.strip()[:40], host=given.host.strip()[:60],
                purpose=given.purpose.strip()[:200], id_kind=IdKind(given.id_kind), badge=given.badge.strip()[:20],
                entered_by=me.username,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

        return once(session, me, request_id, "visitor-in", write)


def visitor_out(app, person: Person, visitor_id: int) -> None:
    """The visitor has left; said again it changes nothing. Raises NotThere, NotAllowed."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        row = session.get(Visitor, visitor_id)
        if row is None:
            raise NotThere("Visitor", visitor_id)
        access.require(me, ACTION, row)
        if row.left_at is None:
            row.left_at, row.left_by = session.info["unit"].now, me.username


def record_visit(
    app, person: Person, centre_id: int, where: str, given: rules.VisitGiven, request_id: str | None = None
) -> int:
    """Write down a visit to a customer; `where` names the unit. Gives the line's id. Raises NotAllowed, Refused."""
    with app.writing() as session:
        me, now = session.get_one(Person, person.id), session.info["unit"].now
        access.require(me, ACTION, session.get_one(Centre, centre_id))
        unit, customer = _visited(me, centre_id, where)
        rules.check_visit(given, now)

        def write() -> int:
            row = CustomerVisit(
                centre_id=centre_id, unit_id=unit.id, customer_id=customer.id, visited_at=given.visited_at,
                contact=given.contact.strip()[:40], purpose=given.purpose.strip()[:200], interview=given.interview.strip()[:4000],
                wishes=given.wishes.strip()[:2000], visited_by=me.username, entered_at=now,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

        return once(session, me, request_id, "customer-visit", write)


def _visited(me: Person, centre_id: int, where: str):
    """The unit that a text names, and who is in it. Raises Refused for none, several, or an empty one."""
    hits = [hit for hit in customers.find_units(me, where) if hit.unit.centre_id == centre_id]
    exact = [hit for hit in hits if hit.unit.code == where.strip()] or hits
    if not hits:
        raise Refused("Name one unit by its number.", "where")
    if len(exact) > 1:
        raise Refused("More than one unit is called so. Write the whole number.", "where")
    if not exact[0].customers:
        raise Refused(f"Nobody is in {exact[0].unit.code}. Look at the number again.", "where")
    return exact[0].unit, exact[0].customers[0]
