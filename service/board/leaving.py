"""Leaving: a role or an account ends only when the open work has somebody else (T35).

What is open is listed first; with a receiver it moves in the same transaction, each task and ticket with its reason in
the trace. Surprise: what waits for a group whose last member leaves counts as open work of that person, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Actor
from engine.tables import user_task
from service import access
from service.auth.models import WebSession
from service.errors import NotThere, Refused
from service.notifications.notify import tell_about_task
from service.organisation.models import Person, RoleAssignment, Substitute
from service.organisation.queries import members, person_named
from service.organisation.rules import DEPARTMENT_OF, DESK, LEAD
from service.tickets import complaints, steps
from service.tickets.models import OPEN_STATES, Promise, PromiseState, Slip, SlipState, Ticket

WORKED_ON = (SlipState.ACCEPTED, SlipState.ARRIVED, SlipState.BACK, SlipState.HANDLED)


@dataclass(slots=True)
class OpenWork:
    """What somebody still has. Empty: they may go."""

    tasks: list[Any] = field(default_factory=list)  # rows of user_task
    tickets: list[Ticket] = field(default_factory=list)  # that they own
    slips: list[Slip] = field(default_factory=list)  # that they work on
    promises: list[Promise] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.tasks) + len(self.tickets) + len(self.slips) + len(self.promises)


def open_work(session: Session, person: Person, ending: RoleAssignment | None = None) -> OpenWork:
    """What is open of a person, or only what hangs on the role that ends and no other of theirs covers."""
    kept = [r for r in person.roles if ending is not None and r.id != ending.id and holds(session, r)]
    found = OpenWork(
        session.execute(
            sa.select(user_task).where(user_task.c.state == "open", user_task.c.assignee == person.username)
        ).all(),
        list(session.scalars(sa.select(Ticket).where(Ticket.owner == person.username, Ticket.state.in_(OPEN_STATES)))),
        list(session.scalars(sa.select(Slip).where(Slip.worker == person.username, Slip.state.in_(WORKED_ON)))),
        list(
            session.scalars(
                sa.select(Promise).where(Promise.owner == person.username, Promise.state == PromiseState.OPEN)
            )
        ),
    )
    if ending is not None:
        found = _hanging_on(ending, kept, found)
    for role in [ending] if ending is not None else [r for r in person.roles if holds(session, r)]:
        found.tasks += _orphans(session, person, role)
    return found


def _hanging_on(ending: RoleAssignment, kept: list[RoleAssignment], work: OpenWork) -> OpenWork:
    def of_role(task) -> bool:
        groups, here = task.groups.split("|"), _covers(ending, task)
        return here and str(ending.role) in groups and not any(str(r.role) in groups and _covers(r, task) for r in kept)

    def at_desk(thing) -> bool:
        owning = DESK | LEAD
        return (
            ending.role in owning
            and _covers(ending, thing)
            and not any(r.role in owning and _covers(r, thing) for r in kept)
        )

    def in_department(slip) -> bool:
        return _works_in(ending, slip) and not any(_works_in(r, slip) for r in kept)

    return OpenWork(
        [t for t in work.tasks if of_role(t)],
        [t for t in work.tickets if at_desk(t)],
        [s for s in work.slips if in_department(s)],
        [p for p in work.promises if at_desk(p)],
    )


def _orphans(session: Session, person: Person, role: RoleAssignment) -> list[Any]:
    """Tasks that only this role is offered, in a centre where nobody else has it (B24)."""
    if role.centre_id is None or any(p.id != person.id for p in members(session, role.role, role.centre_id)):
        return []
    return session.execute(
        sa.select(user_task).where(
            user_task.c.state == "open",
            user_task.c.assignee.is_(None),
            user_task.c.centre_id == role.centre_id,
            user_task.c.groups == f"|{role.role}|",
        )
    ).all()


def _works_in(role: RoleAssignment, slip: Slip) -> bool:
    return DEPARTMENT_OF.get(role.role) == slip.department and _covers(role, slip)


def _covers(role: RoleAssignment, thing: Any) -> bool:
    """Whether the thing lies in the role's centre and building; a promise where its ticket does."""
    place = thing.ticket if isinstance(thing, Promise) else thing
    if role.centre_id not in (None, place.centre_id):
        return False
    building = getattr(place, "building_id", None)
    return role.building_id is None or building is None or role.building_id == building


def holds(session: Session, role: RoleAssignment) -> bool:
    """Whether the role has not ended yet."""
    return role.until_on is None or role.until_on >= _today(session)


def _today(session: Session):
    now = session.info["unit"].now if "unit" in session.info else session.info["clock"].now()
    return now.astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai"))).date()


# --- going ------------------------------------------------------------------------------------------------------------


def end_role(app, person: Person, role_id: int, receiver: str | None, reason: str = "") -> OpenWork:
    """The role ends now; gives what moved to the receiver. Raises NotThere, NotAllowed; Refused with work and no receiver."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, "manage people", None)
        role = session.get(RoleAssignment, role_id)
        if role is None:
            raise NotThere("Role", role_id)
        if not holds(session, role):
            return OpenWork()
        work = open_work(session, role.person, role)
        _move(app, session, access.actor(me, grant), role.person, work, receiver, reason or f"role {role.role} ended")
        role.until_on = _today(session) - timedelta(days=1)
        return work


def switch_off(app, person: Person, username: str, receiver: str | None, reason: str = "") -> OpenWork:
    """The account ends now, with its sessions and what it stood in for; gives what moved. Raises as `end_role`."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, "manage people", None)
        leaver, now = person_named(session, username), session.info["unit"].now
        if leaver is None:
            raise NotThere("Person", username)
        if leaver.id == me.id:
            raise Refused("Nobody switches off their own account. Ask another administrator.")
        if not leaver.active:
            return OpenWork()
        work = open_work(session, leaver)
        _move(app, session, access.actor(me, grant), leaver, work, receiver, reason or "left")
        leaver.active = False
        live = sa.and_(WebSession.person_id == leaver.id, WebSession.ended_at.is_(None))
        session.execute(sa.update(WebSession).where(live).values(ended_at=now, ended_why="disabled"))
        standing = sa.and_(
            sa.or_(Substitute.by_person_id == leaver.id, Substitute.for_person_id == leaver.id),
            Substitute.ends_at > now,
            Substitute.starts_at < now,
        )
        session.execute(sa.update(Substitute).where(standing).values(ends_at=now))
        return work


def _move(
    app, session: Session, actor: Actor, leaver: Person, work: OpenWork, receiver: str | None, reason: str
) -> None:
    if not work.count:
        return
    if not receiver:
        raise Refused(
            f"{leaver.name} still has {work.count} open things. Say who gets them, then send again.", "receiver"
        )
    to = _receiver(session, leaver, work, receiver)
    _refuse_own_complaints(session, to, work)
    unit = session.info["unit"]
    for ticket in work.tickets:
        ticket.owner = to
        _say(app, unit, ticket.instance_id, {"owner": to}, reason, actor)
    for slip in work.slips:
        slip.worker = to
        ticket = session.get_one(Ticket, slip.ticket_id)
        if ticket.state in OPEN_STATES:
            _say(app, unit, ticket.instance_id, {"worker": to}, reason, actor)
    for promise in work.promises:
        promise.owner = to
    session.flush()
    for task in work.tasks:
        app.engine.assign(task.id, to, reason=reason, actor=actor, unit=unit)
        tell_about_task(session, "given-to-you", task, [to], by=actor.person)


def _refuse_own_complaints(session: Session, to: str, work: OpenWork) -> None:
    """Nobody takes over a complaint about themselves."""
    tickets = {t.id for t in work.tickets} | {thing.ticket_id for thing in (*work.slips, *work.promises)}
    complaints.not_theirs(session, person_named(session, to), tickets, {t.root_id for t in work.tasks})


def _say(app, unit, instance_id: str | None, values: dict, reason: str, actor: Actor) -> None:
    """The instance goes on with the new name, so that tasks still to come are the receiver's."""
    if instance_id:
        app.engine.set_variables(instance_id, values, reason=reason, actor=actor, unit=unit)


def _receiver(session: Session, leaver: Person, work: OpenWork, text: str) -> str:
    """The receiver's username. Refused unless active, somebody else, and of every centre that has open work."""
    centres = {t.centre_id for t in (*work.tasks, *work.tickets, *work.slips, *work.promises)}
    found = {steps.person_meant(session.connection(), text, centre) for centre in centres}
    to = found.pop()
    if found or to == leaver.username:
        raise Refused("Pick one colleague who works where the open work is.", "receiver")
    return to
