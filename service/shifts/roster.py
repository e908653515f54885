"""What a supervisor changes: posts, the roster week by week, goods, who is responsible. Each is one transaction.

Surprise: a cell of the roster is changed only if it still says what the page showed, so two supervisors never undo each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import access
from service.calendars.queries import calendar_of
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Duty, Person, Role
from service.organisation.queries import members, names_of
from service.organisation.rules import DESK
from service.shifts import rules, steps
from service.shifts.models import Goods, GoodsKind, Handover, HandoverState, Post, RosterEntry, Shift
from service.timetable import actions as timetable

Cell = tuple[int, date, Shift]  # post, day, shift
WEEK = timedelta(days=7)


# --- posts ------------------------------------------------------------------------------------------------------------


def add_post(app, person: Person, centre_id: int, name: str, role: str, responsible: str) -> int:
    """A new post, for which `responsible` answers from now on; gives its id. Raises Refused, NotAllowed."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        access.require(me, "change roster", session.get_one(Centre, centre_id))
        if not name.strip():
            raise Refused("A post needs a name, such as that of its desk.", "name")
        if role not in list(Role) or Role(role) not in access.WORKING:
            raise Refused("Say in which role people work at this post.", "role")
        same = sa.select(Post.id).where(Post.centre_id == centre_id, Post.name == name.strip())
        if session.execute(same).first():
            raise Refused(f"There is a post {name.strip()} already. Take another name.", "name")
        who, _ = _eligible(session, responsible, Role(role), centre_id, "responsible")
        post = Post(centre_id=centre_id, name=name.strip()[:40], role=Role(role))
        session.add(post)
        session.flush()
        steps.answer_for(session.connection(), post.id, centre_id, who.username, "新岗位", session.info["unit"].now)
        return post.id


def retire_post(app, person: Person, post_id: int, active: bool = False) -> None:
    """Close a post, or open it again. Raises Refused while it is being handed over."""
    with app.writing() as session:
        post = _post(session, person, post_id)
        if running(session, post.id) is not None:
            raise Refused(f"{post.name} is being handed over. Finish that first.")
        post.active = active


def make_responsible(app, person: Person, post_id: int, username: str, reason: str) -> None:
    """A supervisor says who answers for a post from now on. Raises Refused while it is being handed over, or without a reason."""
    with app.writing() as session:
        post = _post(session, person, post_id)
        if not reason.strip():
            raise Refused("Say why; it stands with the post.", "reason")
        open_one = running(session, post.id)
        if open_one is not None:
            raise Refused(f"{open_one.number} is not signed yet. Name another person there, or have it signed.")
        who, _ = _eligible(session, username, post.role, post.centre_id, "responsible")
        now = session.info["unit"].now
        steps.answer_for(session.connection(), post.id, post.centre_id, who.username, reason.strip(), now)


def _post(session: Session, person: Person, post_id: int, action: str = "change roster") -> Post:
    post = session.scalars(sa.select(Post).where(Post.id == post_id).with_for_update()).first()
    if post is None:
        raise NotThere("Post", post_id)
    access.require(session.get_one(Person, person.id), action, session.get_one(Centre, post.centre_id))
    return post


def running(session: Session, post_id: int) -> Handover | None:
    """The handover of a post that is not done yet."""
    return session.scalars(
        sa.select(Handover).where(Handover.post_id == post_id, Handover.state != HandoverState.DONE)
    ).first()


def people_for(session: Session, role: Role, centre_id: int) -> dict[str, tuple[Person, Role]]:
    """Who can work at a post of this role, by username, and as what they are on duty then; the desk's people stand in for each
    other (clause 15), whoever has the post's own role comes first.
    """
    roles = [role, *(r for r in Role if r in DESK and r != role)] if role in DESK else [role]
    found: dict[str, tuple[Person, Role]] = {}
    for one in roles:
        for person in members(session, one, centre_id):
            found.setdefault(person.username, (person, one))
    return found


def _eligible(session: Session, username: str, role: Role, centre_id: int, field: str) -> tuple[Person, Role]:
    found = people_for(session, role, centre_id).get(username)
    if found is None:
        raise Refused(f"{username or 'Nobody'} does not work in this role here. Pick somebody from the list.", field)
    return found


# --- the roster -------------------------------------------------------------------------------------------------------


def save_cells(app, person: Person, centre_id: int, cells: Mapping[Cell, tuple[str, str]]) -> int:
    """Change the roster: each cell maps to (who stood there when the page was shown, who is to stand there), "" for nobody.

    How many cells changed. Raises Refused where a cell was changed in between, its shift is over, the person does not work in the
    post's role or is at two posts in one shift; then nothing is changed.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        access.require(me, "change roster", session.get_one(Centre, centre_id))
        session.info["unit"].lock_request(f"roster-{centre_id}")
        changed = {cell: pair for cell, pair in cells.items() if pair[0] != pair[1]}
        for cell, (was, becomes) in changed.items():
            _change(session, me, centre_id, cell, was, becomes)
        session.flush()
        _nobody_twice(session, centre_id, changed)
    timetable.plan_ahead(app, centre_id=centre_id)
    return len(changed)


def copy_week(app, person: Person, centre_id: int, monday: date) -> int:
    """Fill the empty cells of a week with those of the week before; how many. Shifts that are over stay as they are."""
    with app.session() as session:
        before, now = (cells_of(session, centre_id, day) for day in (monday - WEEK, monday))
        calendar, at = calendar_of(session, centre_id), app.clock.now()
        wanted = {(post, day + WEEK, shift): who for (post, day, shift), who in before.items()}
        free = {
            cell: ("", who)
            for cell, who in wanted.items()
            if cell not in now and rules.shift_times(calendar, *cell[1:])[1] > at
        }
    return save_cells(app, person, centre_id, free)


def cells_of(session: Session, centre_id: int, monday: date) -> dict[Cell, str]:
    """Who works what in the week that begins on `monday`, by username."""
    rows = session.execute(
        sa.select(RosterEntry.post_id, RosterEntry.day, RosterEntry.shift, Person.username)
        .join(Duty, Duty.id == RosterEntry.duty_id)
        .join(Person, Person.id == Duty.person_id)
        .where(RosterEntry.centre_id == centre_id, RosterEntry.day >= monday, RosterEntry.day < monday + WEEK)
    )
    return {(r.post_id, r.day, Shift(r.shift)): r.username for r in rows}


def _change(session: Session, me: Person, centre_id: int, cell: Cell, was: str, becomes: str) -> None:
    post_id, day, shift = cell
    post = session.get(Post, post_id)
    if post is None or post.centre_id != centre_id:
        raise NotThere("Post", post_id)
    now = session.info["unit"].now
    starts_at, ends_at = rules.shift_times(calendar_of(session, centre_id), day, shift)
    if ends_at <= now:
        raise Refused(f"That shift of {day} is over. Change those that are still to come.", "roster")
    entry = session.scalars(
        sa.select(RosterEntry).where(RosterEntry.post_id == post_id, RosterEntry.day == day, RosterEntry.shift == shift)
    ).first()
    there = entry.duty.person.username if entry else ""
    if there != was:
        who = names_of(session, [entry.changed_by]).get(entry.changed_by, "") if entry else "Somebody"
        raise Refused(f"{who} has changed {day} in between. Load the page again, then change it.", "roster")
    _put(session, me, post, entry, cell, becomes, (starts_at, ends_at), now)


def _put(session, me, post: Post, entry, cell: Cell, becomes: str, times: tuple[datetime, datetime], now) -> None:
    if entry is not None:
        duty = entry.duty
        session.delete(entry)
        session.flush()
        session.delete(duty)
        session.flush()
    if becomes:
        who, role = _eligible(session, becomes, post.role, post.centre_id, "roster")
        duty = Duty(centre_id=post.centre_id, role=role, person_id=who.id, starts_at=times[0], ends_at=times[1])
        session.add(duty)
        session.flush()
        row = RosterEntry(
            centre_id=post.centre_id, post_id=post.id, day=cell[1], shift=cell[2], duty_id=duty.id, changed_by=me.username,
            changed_at=now,
        )  # fmt: skip
        session.add(row)


def _nobody_twice(session: Session, centre_id: int, changed: Mapping[Cell, tuple[str, str]]) -> None:
    for day, shift in {(day, shift) for _, day, shift in changed}:
        twice = session.execute(
            sa.select(Person.name)
            .join(Duty, Duty.person_id == Person.id)
            .join(RosterEntry, RosterEntry.duty_id == Duty.id)
            .where(RosterEntry.centre_id == centre_id, RosterEntry.day == day, RosterEntry.shift == shift)
            .group_by(Person.name)
            .having(sa.func.count() > 1)
        ).scalar()
        if twice:
            raise Refused(f"{twice} would be at two posts in the same shift of {day}. Pick somebody else.", "roster")


# --- goods ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoodsGiven:
    """Goods as a supervisor fills them in; `expected` in pieces, or in fen for money."""

    name: str
    measure: str
    kind: str
    expected: int
    active: bool = True


def save_goods(app, person: Person, post_id: int, given: GoodsGiven, goods_id: int | None = None) -> int:
    """Keep new goods of a post, or change them; gives the id. A handover that runs keeps what it began with."""
    with app.writing() as session:
        post = _post(session, person, post_id)
        if not given.name.strip():
            raise Refused("Say what it is that is handed over.", "goods_name")
        if given.kind not in list(GoodsKind):
            raise Refused("Say whether it is counted in pieces or in money.", "goods_kind")
        if not 0 <= given.expected < 10**9:
            raise Refused("Say how much of it there has to be, in whole numbers.", "goods_expected")
        row = session.get(Goods, goods_id) if goods_id else Goods(centre_id=post.centre_id, post_id=post.id)
        if row is None or row.post_id != post.id:
            raise NotThere("Goods", goods_id)
        same = sa.select(Goods.id).where(Goods.post_id == post.id, Goods.name == given.name.strip()[:40])
        if any(id != row.id for id in session.scalars(same)):
            raise Refused(f"{given.name.strip()} is on the list of {post.name} already.", "goods_name")
        row.name, row.measure, row.kind = given.name.strip()[:40], given.measure.strip()[:8], GoodsKind(given.kind)
        row.expected, row.active = given.expected, given.active
        row.changed_by, row.changed_at = person.username, session.info["unit"].now
        session.add(row)
        session.flush()
        return row.id
