"""Leaving the post for a time (clause 24.6), and answering the check before going home (24.8): what people do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result, Scope
from engine.tables import user_task
from service import access
from service.calendars.queries import calendar_of
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Person
from service.shifts import rules
from service.shifts.models import CheckAnswer, DayCheck, DayCheckItem, Leave, LeaveState
from service.subjects.steps import name as name_subject
from service.tickets.actions import count_up
from service.tickets.steps import person_meant

AT_PLACE = (LeaveState.ASKED, LeaveState.AWAY)


def leave(
    app,
    person: Person,
    centre_id: int,
    reason: str,
    back_due_at: datetime,
    cover: str = "",
    request_id: str | None = None,
) -> str:
    """Say why and until when; with a cover the leave begins at once, without one the supervisor names one first; gives its number.

    Raises Refused without a reason, for a time that is past or too far, for somebody who is away already, for a cover who cannot.
    """
    with app.writing() as session:
        me, now = session.get_one(Person, person.id), session.info["unit"].now
        centre = session.get_one(Centre, centre_id)
        grant = access.require(me, "leave post", centre)
        if (before := app.engine.replayed(session.info["unit"], request_id)) is not None:
            return session.scalars(sa.select(Leave.number).where(Leave.instance_id == before.instance_id)).one()
        _check(session, me, reason, back_due_at, now)
        who = person_meant(session.connection(), cover, centre_id) if cover.strip() else None
        year = calendar_of(session, centre_id).local(now).year
        number = f"LG{year}-{count_up(session, f'leave-{year}'):04d}"
        row = Leave(
            number=number, centre_id=centre_id, person=me.username, reason=reason.strip()[:500], back_due_at=back_due_at,
            state=LeaveState.ASKED, asked_at=now,
        )  # fmt: skip
        session.add(row)
        name_subject(session, number, centre_id, "leave", f"离岗：{row.reason}"[:120])
        session.flush()
        started = app.engine.start(
            "leave-post",
            {
                "leave_number": number, "person": me.username, "reason": row.reason, "back_due_at": back_due_at, "cover": who
            },
            business_key=number, scope=Scope(centre_id), actor=access.actor(me, grant), request_id=request_id,
            unit=session.info["unit"],
        )  # fmt: skip
        row.instance_id = started.instance_id
        return number


def _check(session: Session, me: Person, reason: str, back_due_at: datetime, now: datetime) -> None:
    if not reason.strip():
        raise Refused("Say in a few words why you leave the post.", "reason")
    if not now < back_due_at <= now + rules.LONGEST_LEAVE:
        raise Refused("Say until when, later than now and today.", "until")
    there = sa.select(Leave.number).where(Leave.person == me.username, Leave.state.in_(AT_PLACE))
    if (number := session.scalar(there)) is not None:
        raise Refused(f"{number} is not over yet. Come back first.", "reason")


def complete(app, person: Person, number: str, element: str, values: Mapping, request_id: str | None = None) -> Result:
    """Do the open task of a step of a leave: `name_cover` or `come_back`. Raises NotThere, NotAllowed, FormInvalid."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        row = session.scalars(sa.select(Leave).where(Leave.number == number).with_for_update()).first()
        task = row and _task(session, row.instance_id, element)
        if not task:
            raise NotThere("Leave", number)
        actor = access.actor(me, access.require(me, "do", task, session=session))
        return _for_good(session, app.engine.complete(
            task.id, dict(values), actor=actor, request_id=request_id, unit=session.info["unit"]
        ))  # fmt: skip


def may_do(session: Session, person: Person, row: Leave, element: str) -> bool:
    """Whether a step of a leave waits for the person."""
    task = _task(session, row.instance_id, element)
    return task is not None and access.may(person, "do", task, session=session)


def answer_check(app, person: Person, number: str, answers: Mapping[str, tuple[str, str]]) -> int:
    """Answer items of one's check, as many as are given: `answers` maps `kind:key` to (answer, words); how many are left.

    They are answered in the list's order; the first without an answer ends it, so that nothing is skipped unseen.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        check = session.scalars(sa.select(DayCheck).where(DayCheck.number == number).with_for_update()).first()
        if check is None:
            raise NotThere("Check", number)
        waiting = sa.select(DayCheckItem).where(DayCheckItem.check_id == check.id, DayCheckItem.answer.is_(None))
        items = list(session.scalars(waiting.order_by(DayCheckItem.position)))
        for item in items:
            answer, words = answers.get(f"{item.kind}:{item.key}", ("", ""))
            if answer not in list(CheckAnswer):
                break
            task = _task(session, check.instance_id, "answer_item")
            if task is None:
                raise NotThere("Check", number)
            actor = access.actor(me, access.require(me, "do", task, session=session))
            values = {"answer": answer, "words": words.strip()[:1000]}
            _for_good(session, app.engine.complete(task.id, values, actor=actor, unit=session.info["unit"]))
        session.expire_all()
        return session.scalar(
            sa.select(sa.func.count()).where(DayCheckItem.check_id == check.id, DayCheckItem.answer.is_(None))
        )


def _task(session: Session, instance_id: str | None, element: str):
    session.flush()
    return session.execute(
        sa.select(user_task).where(
            user_task.c.root_id == instance_id, user_task.c.element_id == element, user_task.c.state == "open"
        )
    ).first()


def _for_good(session: Session, result: Result) -> Result:
    if session.info["unit"].kept is not None:
        session.info["unit"].kept.exact = False
    return result
