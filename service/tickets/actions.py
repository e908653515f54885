"""The only place where people change tickets: register, complete a task, urge, withdraw, ask for help, promise, photos.

Every action is one transaction with the engine's step inside; the person's right is checked in it, by service.access.
Surprise: each takes the `app` and opens its own unit of work, so a page never holds the write lock while it renders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import SYSTEM, Result, Scope, new_id
from engine.errors import FormInvalid, NotFound, TaskNotOpen
from engine.sql import Prepared
from engine.tables import user_task
from service import access
from service.customers.models import Contact, Customer, UnitOccupancy
from service.db import upserting
from service.errors import NotThere, Refused, ServiceError
from service.notifications.notify import tell_about_task
from service.organisation.models import Building, Centre, Person, Role, Unit
from service.organisation.queries import members
from service.search.actions import index_ticket
from service.tickets import complaints, pauses, photos, rules, steps
from service.tickets.models import (
    AnsweredRequest,
    Category,
    Channel,
    Counter,
    NoteKind,
    Photo,
    PhotoKind,
    Promise,
    PromiseState,
    Slip,
    Ticket,
    TicketNote,
    TicketState,
    Urgency,
)

PROCESS = "customer-request"


@dataclass(frozen=True, slots=True)
class Registered:
    """A ticket that was registered; `replayed` when this request id had been answered before."""

    ticket_id: int
    number: str
    instance_id: str
    opened: tuple[str, ...] = ()  # tasks that wait now
    replayed: bool = False


# --- registering ------------------------------------------------------------------------------------------------------


def register(
    app,
    person: Person,
    values: dict[str, Any],
    *,
    unit_id: int | None = None,
    building_id: int | None = None,
    customer_id: int | None = None,
    contact_id: int | None = None,
    channel: str = "phone",
    about: str | None = None,
    about_floor_id: int | None = None,
    request_id: str | None = None,
    also: Callable[[Session], None] | None = None,
) -> Registered:
    """Register a request: number, ticket, process and its first task, completed with the form's values, in one
    transaction.

    `values` are those of the form `register`; `about` is the username, `about_floor_id` the floor that a complaint is
    about. The unit fills in customer and VIP mark. The same `request_id` gives the first answer again. `also` runs in
    the transaction. Raises NotThere, NotAllowed, FormInvalid, Refused.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        if (done := _registered_before(session, request_id)) is not None:
            return done
        place = _place(session, me, unit_id, building_id, customer_id, contact_id)
        grant = access.require(me, "register", place.centre)
        clean = _checked(app, session, "register", values)
        ticket = _new_ticket(app, session, me, place, clean, Channel(channel), about, about_floor_id, request_id)
        registered = _start(app, session, me, access.actor(me, grant), ticket, place, values)
        if also:
            also(session)
        return registered


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request comes from, and from whom."""

    centre: Centre
    building_id: int | None
    unit: Unit | None
    customer: Customer | None
    contact: Contact | None
    label: str


def _registered_before(session: Session, request_id: str | None) -> Registered | None:
    if request_id is None:
        return None
    session.info["unit"].lock_request(request_id)
    ticket = _ASKED.record(session.connection(), request_id=request_id)
    return Registered(ticket.id, ticket.number, ticket.instance_id, replayed=True) if ticket else None


def _place(session: Session, me: Person, unit_id, building_id, customer_id, contact_id) -> Place:
    unit = _in_reach(session, me, "see units", Unit, unit_id)
    contact = _in_reach(session, me, "see customers", Contact, contact_id)
    customer = _in_reach(
        session, me, "see customers", Customer, customer_id or (contact.customer_id if contact else None)
    )
    building = _in_reach(session, me, "see units", Building, building_id)
    if unit is None and building is None and customer is None:
        raise Refused("A request needs its place: pick the unit, or the building for a public area.", "unit_id")
    if customer is None and unit is not None:
        customer = _customer_in(session, unit)
    centre = session.get_one(Centre, (unit or building or customer).centre_id)
    if unit is not None:
        label = unit.code
    else:
        label = building.name if building is not None else customer.name
    return Place(centre, unit.building_id if unit else building_id, unit, customer, contact, label)


def _in_reach(session: Session, me: Person, action: str, table, id: int | None):
    if id is None:
        return None
    row = session.get(table, id)
    if row is None or not access.may(me, action, row):
        raise NotThere(table.__name__, id)
    return row


def _customer_in(session: Session, unit: Unit) -> Customer | None:
    found = _OCCUPIES.first(session.connection(), unit_id=unit.id)
    return session.get(Customer, found["customer_id"]) if found else None


def _checked(app, session: Session, form: str, values: dict[str, Any]) -> dict[str, Any]:
    """The form's cleaned values before anything is numbered. Raises FormInvalid. The engine checks again when it
    completes.
    """
    procedure = app.engine.definition_in_force(PROCESS, session.info["unit"]).procedure
    clean = procedure.forms[form].validate(values, app.engine.expressions, {"now": session.info["unit"].now})
    if not str(clean.get("request") or "").strip():
        raise FormInvalid(form, {"request": "Say what the customer wants."})
    return clean


def _new_ticket(
    app,
    session: Session,
    me: Person,
    place: Place,
    clean: dict[str, Any],
    channel: Channel,
    about: str | None,
    about_floor_id: int | None,
    request_id: str | None,
) -> Ticket:
    now = session.info["unit"].now
    subject = complaints.person_of(session, about, place.centre.id) if about else None
    floor = complaints.floor_of(session, about_floor_id, place.centre.id) if about_floor_id else None
    vip = bool(place.customer and place.customer.vip)
    ticket = Ticket(
        number=_next_number(session, now, app.settings.zone),
        centre_id=place.centre.id,
        building_id=place.building_id,
        unit_id=place.unit.id if place.unit else None,
        customer_id=place.customer.id if place.customer else None,
        contact_id=place.contact.id if place.contact else None,
        channel=channel,
        category=Category(clean["category"]),
        urgency=Urgency(clean.get("urgency") or "normal"),
        vip=vip,
        title=rules.title_of(clean["request"]),
        request=clean["request"],
        expectation=clean.get("expectation") or "note-only",
        deadline_kind=clean.get("reply_deadline_kind") or "none",
        deadline_at=clean.get("reply_deadline"),
        owner=_owner(session, me, subject, place),
        about_person_id=subject.id if subject else None,
        about_floor_id=floor.id if floor else None,
        state=TicketState.REGISTERED,
        registered_at=now,
        created_by=me.username,
        request_id=request_id,
        instance_id=new_id(now),
    )
    session.add(ticket)
    session.flush()
    index_ticket(session, ticket.centre_id, ticket.id, ticket.number, f"{ticket.title} {ticket.request}")
    if place.contact:
        place.contact.last_call_at = now
    return ticket


def _next_number(session: Session, now: datetime, zone: str) -> str:
    """The next number of the year, counted up in this transaction (T20)."""
    year = now.astimezone(ZoneInfo(zone)).year
    return rules.ticket_number(year, count_up(session, f"ticket-{year}"))


def count_up(connection: sa.Connection | Session, name: str) -> int:
    """Count a counter up by one and give its new value; a row lock makes others wait until this transaction ends."""
    if isinstance(connection, Session):
        connection = connection.connection()
    return _COUNT_UP.first(connection, name=name)["value"]


def _owner(session: Session, me: Person, about: Person | None, place: Place) -> str:
    """Whoever receives the request owns it (clause 4), except whom a complaint is about: then the supervisor does."""
    if about is None or about.id != me.id:
        return me.username
    for role in (Role.SUPERVISOR, Role.MANAGER):
        for person in members(session, role, place.centre.id, place.building_id):
            if person.id != about.id:
                return person.username
    raise Refused(
        "A complaint about you needs another owner, and this centre has no supervisor. Ask a colleague to register it.",
        "about",
    )


def _start(
    app, session: Session, me: Person, actor, ticket: Ticket, place: Place, values: dict[str, Any]
) -> Registered:
    unit = session.info["unit"]
    started = app.engine.start(
        PROCESS,
        {
            "ticket_id": ticket.id,
            "ticket_number": ticket.number,
            "owner": ticket.owner,
            "vip": ticket.vip,
            "registered_at": ticket.registered_at,
            "unit_label": place.label,
            "customer_name": place.customer.name if place.customer else "",
            "category": str(ticket.category),
            "urgency": str(ticket.urgency),
            "title": ticket.title,
        },
        business_key=ticket.number,
        scope=Scope(ticket.centre_id, ticket.building_id),
        actor=actor,
        unit=unit,
        instance_id=ticket.instance_id,
    )
    task = _REGISTER_TASK.first(session.connection(), root_id=ticket.instance_id)["id"]
    result = app.engine.complete(task, values, actor=actor, unit=unit)
    return Registered(ticket.id, ticket.number, started.instance_id, tuple(result.opened))


_ASKED = Prepared(
    sa.select(Ticket.id, Ticket.number, Ticket.instance_id).where(Ticket.request_id == sa.bindparam("request_id"))
)
_OCCUPIES = Prepared(
    sa.select(UnitOccupancy.customer_id)
    .where(UnitOccupancy.unit_id == sa.bindparam("unit_id"), UnitOccupancy.until_on.is_(None))
    .order_by(UnitOccupancy.from_on.desc())
    .limit(1)
)
_COUNT_UP = Prepared(
    lambda dialect: upserting(dialect, Counter.__table__)
    .values(name=sa.bindparam("name"), value=1)
    .on_conflict_do_update(index_elements=["name"], set_={"value": Counter.__table__.c.value + 1})
    .returning(Counter.__table__.c.value)
)
_REGISTER_TASK = Prepared(
    sa.select(user_task.c.id).where(
        user_task.c.root_id == sa.bindparam("root_id"),
        user_task.c.element_id == "register",
        user_task.c.state == "open",
    )
)


# --- tasks ------------------------------------------------------------------------------------------------------------


def complete_task(
    app,
    person: Person,
    task_id: str,
    values: dict[str, Any],
    seen: int | None = None,
    request_id: str | None = None,
    also: Callable[[Session], None] | None = None,
) -> Result:
    """Complete a task with its form's values; `also` runs in the transaction. Raises NotThere, NotAllowed, TaskNotOpen,
    VersionClash, FormInvalid, Refused.
    """
    with app.writing() as session:
        me = person  # read in this transaction by access, by id
        if request_id:
            session.info["unit"].lock_request(request_id)  # a double click waits here for its first half
        task = _task(app, session, task_id)
        if task.state != "open" and request_id and (done := _completed_before(app, session, me, task, request_id)):
            return done
        grant = _may_do(app, session, me, task)
        result = app.engine.complete(
            task_id, values, actor=access.actor(me, grant), seen=seen, request_id=request_id, unit=session.info["unit"]
        )
        if task.process_key != PROCESS:  # an escalation's answer may have moved the ticket
            _follow_owner(app, session, task.root_id)
        if also:
            also(session)
        return result


def claim(app, person: Person, task_id: str) -> Result:
    """Take a task that is offered to the person's group. Raises NotThere, NotAllowed, TaskNotOpen."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, "claim", _open(_task(app, session, task_id)))
        return app.engine.claim(task_id, actor=access.actor(me, grant), unit=session.info["unit"])


def assign(
    app, person: Person, task_id: str, to_username: str | None, reason: str, request_id: str | None = None
) -> None:
    """Give a task to somebody, or back to its group (None). Leads may, and a department's head within it.

    Whoever has it already keeps it, and nothing is recorded. The same `request_id` changes nothing a second time.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)

        def give() -> int:
            task = _open(_task(app, session, task_id))
            grant = access.require(me, "assign", task)
            to = steps.person_meant(session.connection(), to_username, task.centre_id) if to_username else None
            if to and (ticket := _ticket_of(session, task.root_id)) is not None:
                steps.not_about(session.connection(), ticket.id, to)
            if to != task.assignee:
                app.engine.assign(
                    task_id, to, reason=reason, actor=access.actor(me, grant), unit=session.info["unit"]
                )
                tell_about_task(session, "given-to-you", task, [to], by=me.username)
            return 0

        once(session, me, request_id, "assign", give)


def _task(app, session: Session, task_id: str):
    try:
        return app.engine.task(task_id, session.info["unit"])
    except NotFound as error:
        raise NotThere("Task", task_id) from error


def _open(task):
    if task.state != "open":
        raise TaskNotOpen(task.id, task.name, task.state, task.ended_by, task.ended_at)
    return task


def _may_do(app, session: Session, me: Person, task) -> access.Grant:
    """The grant to do the task. Somebody who may see it learns that it is done, also when that has just happened;
    others learn nothing.
    """
    try:
        return access.require(me, "do", task, session=session)
    except ServiceError:
        task = _task(app, session, task.id)
        if task.state != "open" and access.may(me, "see", task, session=session):
            _open(task)
        raise


def _completed_before(app, session: Session, me: Person, task, request_id: str) -> Result | None:
    done = app.engine.replayed(session.info["unit"], request_id, "complete")
    return done if done is not None and task.ended_by in (me.username, None) else None


def _ticket_of(session: Session, root_id: str) -> Ticket | None:
    return session.scalars(sa.select(Ticket).where(Ticket.instance_id == root_id)).first()


def _follow_owner(app, session: Session, root_id: str) -> None:
    """An answer to an escalation may have moved the ticket: its owner's open tasks move along in the same
    transaction.
    """
    ticket = _ticket_of(session, root_id)
    if ticket is None:
        return
    before = (
        session.info["unit"]
        .connection.execute(
            sa.select(user_task.c.id, user_task.c.assignee).where(
                user_task.c.instance_id == root_id,
                user_task.c.state == "open",
                user_task.c.assignee.is_not(None),
                user_task.c.groups.like("%|specialist|%"),
                user_task.c.assignee != ticket.owner,
            )
        )
        .all()
    )
    for task in before:
        app.engine.assign(
            task.id, ticket.owner, actor=SYSTEM, reason="owner changed by escalation", unit=session.info["unit"]
        )


# --- what the customer says later -------------------------------------------------------------------------------------


def urge(app, person: Person, number: str, text: str = "", request_id: str | None = None) -> Result:
    """The customer urges: owner and worker are told, and it is counted."""
    return _message(app, person, number, "urge", "ticket.urge", lambda _: {"text": text or ""}, request_id)


def add_information(app, person: Person, number: str, text: str, request_id: str | None = None) -> Result:
    """The customer adds something."""
    return _message(app, person, number, "inform", "ticket.add-information", lambda _: {"text": text}, request_id)


def withdraw(app, person: Person, number: str, reason: str, request_id: str | None = None) -> Result:
    """The customer withdraws; the ticket ends with the reason."""
    if not reason.strip():
        raise Refused("Say why the customer withdraws; the ticket ends with this reason.", "reason")
    return _message(app, person, number, "withdraw", "ticket.withdraw", lambda _: {"reason": reason}, request_id)


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help (clause 12): an escalation starts at the supervisor; everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    return _message(
        app,
        person,
        number,
        "ask help",
        "ticket.help",
        lambda me: {"question": question, "asked_by": me.username},
        request_id,
    )


def _message(
    app, person: Person, number: str, action: str, message: str, values: Callable[[Person], dict], request_id
) -> Result:
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, action, ticket_named(session, number))
        result = app.engine.correlate(
            message, number, values(me), actor=access.actor(me, grant), request_id=request_id, unit=session.info["unit"]
        )
        return result


def ticket_named(session: Session, number: str) -> Ticket:
    """The ticket, whoever asks; callers check access. Raises NotThere."""
    ticket = session.scalars(sa.select(Ticket).where(Ticket.number == number)).first()
    if ticket is None:
        raise NotThere("Ticket", number)
    return ticket


# --- notes, promises, photos ------------------------------------------------------------------------------------------


def note(app, person: Person, number: str, text: str, kind: str = "internal", request_id: str | None = None) -> int:
    """Write a note on the ticket; gives its id."""
    if not text.strip():
        raise Refused("The note is empty. Write it, then save.", "text")
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        ticket = ticket_named(session, number)
        access.require(me, "note", ticket)
        return once(
            session,
            me,
            request_id,
            "note",
            lambda: _added(
                session,
                TicketNote(
                    centre_id=ticket.centre_id,
                    ticket_id=ticket.id,
                    kind=NoteKind(kind),
                    text=text.strip(),
                    at=session.info["unit"].now,
                    by=me.username,
                ),
            ),
        )


def promise(app, person: Person, number: str, text: str, due_at: datetime, request_id: str | None = None) -> int:
    """Keep what was promised to the customer as a due item of the ticket's owner; gives its id."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        ticket = ticket_named(session, number)
        access.require(me, "promise", ticket)
        now = session.info["unit"].now
        if due_at <= now:
            raise Refused("The promised moment is already over. Name a later one.", "due_at")
        return once(
            session,
            me,
            request_id,
            "promise",
            lambda: _added(
                session,
                Promise(
                    centre_id=ticket.centre_id,
                    ticket_id=ticket.id,
                    owner=ticket.owner,
                    text=text.strip(),
                    due_at=due_at,
                    made_by=me.username,
                    made_at=now,
                ),
            ),
        )


def end_promise(app, person: Person, promise_id: int, kept: bool = True, told: str = "") -> None:
    """The promise was kept (with what the customer was told) or is dropped."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        row = session.get(Promise, promise_id)
        if row is None:
            raise NotThere("Promise", promise_id)
        access.require(me, "promise", row)
        if row.state != PromiseState.OPEN:
            raise Refused(f"This promise was already ended by {row.ended_by}.")
        now = session.info["unit"].now
        row.state, row.ended_at, row.ended_by = PromiseState.KEPT if kept else PromiseState.DROPPED, now, me.username
        if told.strip():
            session.add(
                TicketNote(
                    centre_id=row.centre_id,
                    ticket_id=row.ticket_id,
                    kind=NoteKind.TOLD,
                    text=told.strip(),
                    at=now,
                    by=me.username,
                )
            )


def add_photo(
    app, person: Person, number: str, sent: bytes, name: str, kind: str = "other", task_id: str | None = None
) -> Photo:
    """Take a photo onto a ticket; the same picture again gives the photo that is there. Raises PhotoRefused,
    StorageFull.
    """
    picture = photos.encode_anew(sent, app.settings.photo_max_megabytes, app.settings.photo_max_megapixels)
    with app.session() as session:  # refuse strangers before anything is written
        access.require(session.get_one(Person, person.id), "photo", ticket_named(session, number))
    key = photos.store(app.settings.photos, picture, app.settings.disk_reserve_megabytes)
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        ticket = ticket_named(session, number)
        access.require(me, "photo", ticket)
        there = session.scalars(
            sa.select(Photo).where(Photo.ticket_id == ticket.id, Photo.source_sha256 == picture.source_sha256)
        ).first()
        if there is not None:
            photos.path_of(app.settings.photos, key).unlink(missing_ok=True)
            return there
        task = _task(app, session, task_id) if task_id else None
        photo = Photo(
            key=key,
            centre_id=ticket.centre_id,
            ticket_id=ticket.id,
            task_id=task_id,
            element_id=task.element_id if task else None,
            kind=PhotoKind(kind),
            name=name[-200:],
            media_type=picture.media_type,
            sha256=picture.sha256,
            source_sha256=picture.source_sha256,
            width=picture.width,
            height=picture.height,
            size=len(picture.content),
            taken_by=me.username,
            at=session.info["unit"].now,
        )
        session.add(photo)
        session.flush()
        return photo


def once(session: Session, me: Person, request_id: str | None, action: str, do: Callable[[], int]) -> int:
    """Do it, or give the answer of the same request before."""
    if request_id is None:
        return do()
    session.info["unit"].lock_request(request_id)
    before = session.get(AnsweredRequest, request_id)
    if before is not None:
        if (before.action, before.by) != (action, me.username):
            raise Refused("This request id was used for something else. Load the page again.")
        return before.thing_id
    id = do()
    session.add(
        AnsweredRequest(request_id=request_id, action=action, by=me.username, thing_id=id, at=session.info["unit"].now)
    )
    return id


def _added(session: Session, row) -> int:
    session.add(row)
    session.flush()
    return row.id


# --- merging ----------------------------------------------------------------------------------------------------------


def merge(app, person: Person, number: str, into: str, reason: str = "", request_id: str | None = None) -> None:
    """Merge a ticket into another open one: its process ends, its number leads to the other, the customer's words
    move there. The same `request_id` merges once. Raises NotThere, NotAllowed, Refused.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        child, parent = ticket_named(session, number), ticket_named(session, into)
        actor = access.actor(me, access.require(me, "merge", child))
        access.require(me, "merge", parent)

        def join() -> int:
            if child.id == parent.id or parent.merged_into_id or parent.closed_at or child.closed_at:
                raise Refused(f"{number} cannot be merged into {into}: both have to be open, and not the same.", "into")
            steps.not_about(session.connection(), child.id, parent.owner)
            _merged(app, session, child, parent, reason, actor)
            return parent.id

        once(session, me, request_id, "merge", join)


def _merged(app, session: Session, child: Ticket, parent: Ticket, reason: str, actor) -> None:
    now, by = session.info["unit"].now, actor.person
    if child.paused_at:
        pauses.stop(session.connection(), child.id, by, now)
    app.engine.cancel(
        child.instance_id, reason=f"merged into {parent.number}", actor=actor, unit=session.info["unit"]
    )
    child.state, child.merged_into_id, child.closed_at, child.end_reason = TicketState.MERGED, parent.id, now, reason
    said = f"{child.number}: {child.request}"
    session.add(
        TicketNote(centre_id=parent.centre_id, ticket_id=parent.id, kind=NoteKind.SAID, text=said, at=now, by=by)
    )
    session.execute(
        sa.update(Slip)
        .where(Slip.ticket_id == child.id, Slip.cancelled_at.is_(None), Slip.verified_at.is_(None))
        .values(state="cancelled", cancelled_at=now)
    )
