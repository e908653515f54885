"""What people do with rounds: keep the timetable, tick, check a workplace. Each is one transaction; rights by service.access.

Surprise: saving a line of etiquette with other times changes no time; it files a notice with the quality department, whose
acknowledgement changes it (clause 18).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result
from engine.errors import NotPossible
from engine.tables import user_task
from service import access
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Person
from service.rounds import planner, rules
from service.rounds.models import FilingState, Round, RoundFiling, RoundItem, RoundKind, WorkplaceCheck
from service.subjects.steps import name as name_subject
from service.tickets import actions as tickets
from service.tickets.actions import count_up
from service.timetable import actions as timetable
from service.timetable.steps import start_soon

ETIQUETTE = ("08:15", "09:30")  # until the quality department has acknowledged another window


@dataclass(frozen=True, slots=True)
class ItemGiven:
    """A line of the timetable as a supervisor fills it in; `reason` where an etiquette window is to move."""

    kind: str
    name: str
    from_time: str
    until_time: str
    every_minutes: int = 0
    posts: tuple[str, ...] = ()
    grace_minutes: int = 10
    active: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """The line, and the notice that has to be acknowledged before its new times hold."""

    item_id: int
    filing: str | None


def save_item(
    app, person: Person, centre_id: int, given: ItemGiven, item_id: int | None = None, seen: int | None = None
) -> Saved:
    """Keep a new line, or change one. What has not started yet follows at once; an etiquette window waits for the quality
    department. Raises Refused.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        item = _item(session, me, centre_id, item_id)
        _check(session, item, centre_id, given, seen)
        window = (given.from_time, given.until_time)
        held = _held(item, given)
        item.kind, item.name = RoundKind(given.kind), given.name.strip()
        item.from_time, item.until_time = held or window
        item.every_minutes, item.posts, item.grace_minutes = given.every_minutes, list(given.posts), given.grace_minutes
        item.active, item.version = given.active, (item.version or 0) + 1
        item.changed_by, item.changed_at = me.username, session.info["unit"].now
        session.add(item)
        session.flush()
        number = _file(session, item, window, given.reason, me.username) if held and held != window else None
        saved = Saved(item.id, number)
    timetable.plan_ahead(app, centre_id=centre_id)
    return saved


def start_usual(app, person: Person, centre_id: int) -> int:
    """The timetable of the procedure's text (clauses 18, 20, 21), for a centre that has none; how many lines."""
    with app.writing() as session:
        me, centre = session.get_one(Person, person.id), session.get(Centre, centre_id)
        if centre is None:
            raise NotThere("Centre", centre_id)
        access.require(me, "change rounds", centre)
        session.info["unit"].lock_request(f"rounds-{centre_id}")
        if session.execute(sa.select(RoundItem.id).where(RoundItem.centre_id == centre_id)).first():
            raise Refused("This centre has a timetable already. Change its lines.", "name")
        now = session.info["unit"].now
        for kind, name, start, end, every, posts in rules.USUAL:
            session.add(
                RoundItem(
                    centre_id=centre_id,
                    kind=kind,
                    name=name,
                    from_time=start,
                    until_time=end,
                    every_minutes=every,
                    posts=list(posts),
                    grace_minutes=10,
                    active=True,
                    changed_by=me.username,
                    changed_at=now,
                )
            )
    timetable.plan_ahead(app, centre_id=centre_id)
    return len(rules.USUAL)


def _item(session: Session, me: Person, centre_id: int, item_id: int | None) -> RoundItem:
    if item_id is None:
        centre = session.get(Centre, centre_id)
        if centre is None:
            raise NotThere("Centre", centre_id)
        access.require(me, "change rounds", centre)
        return RoundItem(centre_id=centre_id)
    item = session.get(RoundItem, item_id)
    if item is None or item.centre_id != centre_id:
        raise NotThere("Line of the timetable", item_id)
    access.require(me, "change rounds", item)
    return item


def _check(session: Session, item: RoundItem, centre_id: int, given: ItemGiven, seen: int | None) -> None:
    if given.kind not in list(RoundKind):
        raise Refused("Say what kind of line it is.", "kind")
    if item.kind is not None and item.kind != given.kind:
        raise Refused("The kind of a line stays. Switch this one off and add another.", "kind")
    if not given.name.strip():
        raise Refused("A line needs a name.", "name")
    if seen is not None and item.version is not None and seen != item.version:
        raise Refused(
            f"{item.changed_by} has changed this line in between. Load the page again, then change it.", "name"
        )
    fault = rules.fault(given.from_time, given.until_time, given.every_minutes, given.posts, given.grace_minutes)
    if fault is not None:
        raise Refused(fault[1], fault[0])
    same = sa.select(RoundItem.id).where(
        RoundItem.centre_id == centre_id, RoundItem.name == given.name.strip(), RoundItem.id != (item.id or 0)
    )
    if session.execute(same).first():
        raise Refused(f"There is a line {given.name.strip()} already. Change that one, or take another name.", "name")


def _held(item: RoundItem, given: ItemGiven) -> tuple[str, str] | None:
    """The window that holds until the quality department has acknowledged another; None where no notice is needed."""
    if given.kind != RoundKind.ETIQUETTE:
        return None
    return (item.from_time, item.until_time) if item.id else ETIQUETTE


def _file(session: Session, item: RoundItem, window: tuple[str, str], reason: str, by: str) -> str:
    if not reason.strip():
        raise Refused("Say why the etiquette window is to move; the quality department reads it (clause 18).", "reason")
    waiting = sa.select(RoundFiling.number).where(
        RoundFiling.item_id == item.id, RoundFiling.state == FilingState.FILED
    )
    if (number := session.scalar(waiting)) is not None:
        raise Refused(
            f"{number} waits for the quality department. Change it again once it is acknowledged.", "from_time"
        )
    now = session.info["unit"].now
    filing = RoundFiling(
        number=f"BB{now.year}-{count_up(session, f'filing-{now.year}'):05d}",
        centre_id=item.centre_id,
        item_id=item.id,
        before_from=item.from_time,
        before_until=item.until_time,
        after_from=window[0],
        after_until=window[1],
        reason=reason.strip()[:500],
        filed_by=by,
        filed_at=now,
    )
    session.add(filing)
    session.flush()
    name_subject(session, filing.number, item.centre_id, "filing", f"{item.name}改为 {window[0]}-{window[1]}")
    start_soon(session, planner.FILING, filing.number, item.centre_id, now)
    return filing.number


# --- ticking, checking, acknowledging ---------------------------------------------------------------------------------


def tick(app, person: Person, number: str, note: str = "", request_id: str | None = None) -> Result:
    """Somebody is on post. Raises NotThere, NotAllowed, NotPossible when its time is over, Refused for a second post."""
    return _complete(app, person, _named(app, person, Round, number), "tick_round", {"note": note.strip()}, request_id)


def acknowledge(app, person: Person, number: str, note: str = "", request_id: str | None = None) -> Result:
    """The quality department knows of a moved window; it holds from now on."""
    filing = _named(app, person, RoundFiling, number)
    return _complete(app, person, filing, "acknowledge", {"note": note.strip()}, request_id)


def check(app, person: Person, number: str, values: dict[str, Any], request_id: str | None = None) -> Result:
    """The area is checked, with the form's values. Raises FormInvalid where a group has no answer."""
    done = _complete(app, person, _named(app, person, WorkplaceCheck, number), "check_area", values, request_id)
    timetable.start_due(app, kind="finding")  # what was seen goes to whoever puts it right now
    return done


def _named(app, person: Person, kind: type, number: str):
    with app.session() as session:
        found = session.scalars(sa.select(kind).where(kind.number == number)).first()
        if found is None:
            raise NotThere(kind.__name__, number)
        access.require(session.get_one(Person, person.id), "see rounds", found)
        return found


def _complete(app, person: Person, thing, element: str, values: dict[str, Any], request_id: str | None) -> Result:
    with app.session() as session:
        tasks = sa.select(user_task.c.id, user_task.c.state).where(
            user_task.c.root_id == (thing.instance_id or ""), user_task.c.element_id == element
        )
        task = session.execute(tasks.order_by(user_task.c.opened_at.desc())).first()
    if task is None or (task.state != "open" and not request_id):
        raise NotPossible(f"{thing.number} does not wait for anybody any more.")
    return tickets.complete_task(app, person, task.id, values, request_id=request_id, also=_for_good)


def _for_good(session: Session) -> None:
    """Such a step is not offered to be taken back: others act on it at once."""
    if session.info["unit"].kept is not None:
        session.info["unit"].kept.exact = False


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help on post, about a notice or a check (clause 12); everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    kinds = {"GW": Round, "BB": RoundFiling, "HJ": WorkplaceCheck}
    thing = _named(app, person, kinds.get(number[:2], Round), number)
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, "see rounds", thing)
        result = app.engine.correlate(
            "ticket.help",
            number,
            {"question": question.strip(), "asked_by": me.username},
            actor=access.actor(me, grant),
            request_id=request_id,
            unit=session.info["unit"],
        )
        _for_good(session)
        return result
