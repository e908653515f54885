"""The roster follows the calendar: what a changed calendar does to shifts that have not begun, before and after it is saved.

A shift's times come from the hours of its day (`rules.shift_times`) and stand in `duty`, where roles, notices and handovers read them. A
shift that has begun keeps its times. Surprise: a person's change does it at once, and so does the clock for whatever a killed process left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.calendars.rules import Calendar
from service.organisation import centres
from service.organisation.models import Duty, Person
from service.shifts import rules
from service.shifts.models import Post, RosterEntry, Shift
from service.tickets import recompute
from service.timetable import actions as timetable


@dataclass(frozen=True, slots=True)
class Moved:
    """One shift whose times a calendar moves."""

    duty_id: int
    post: str
    person: str  # username
    day: date
    shift: Shift
    old: tuple[datetime, datetime]
    new: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Changed:
    """A calendar change with what followed: limits of tickets, and shifts."""

    tickets: recompute.Changed
    shifts: list[Moved]


def preview(session: Session, centre_id: int, draft: Calendar) -> list[Moved]:
    """Which shifts would move if `draft` were the centre's calendar, the earliest first. One statement; changes nothing."""
    now = session.info["clock"].now()
    rows = session.execute(
        sa.select(Duty.id, Duty.starts_at, Duty.ends_at, RosterEntry.day, RosterEntry.shift, Post.name, Person.username)
        .join(RosterEntry, RosterEntry.duty_id == Duty.id)
        .join(Post, Post.id == RosterEntry.post_id)
        .join(Person, Person.id == Duty.person_id)
        .where(RosterEntry.centre_id == centre_id, Duty.starts_at > now)
        .order_by(Duty.starts_at, Duty.id)
    )
    found = []
    for row in rows:
        new = rules.shift_times(draft, row.day, row.shift)
        if new != (row.starts_at, row.ends_at):
            found.append(Moved(row.id, row.name, row.username, row.day, Shift(row.shift), (row.starts_at, row.ends_at), new))
    return found


def follow(app, centre_id: int) -> list[Moved]:
    """Give the shifts of a centre that have not begun the times of its calendar, and plan what hangs on them anew."""
    with app.writing() as session:
        session.info["unit"].lock_request(f"roster-{centre_id}")
        moved = preview(session, centre_id, calendar_of(session, centre_id))
        for one in moved:
            times = {"starts_at": one.new[0], "ends_at": one.new[1]}
            session.execute(sa.update(Duty).where(Duty.id == one.duty_id).values(times))
    if moved:
        timetable.plan_ahead(app, centre_id=centre_id)
    return moved


def change_calendar(app, person: Person, centre_id: int, change: Callable[[Calendar], Calendar], **options) -> Changed:
    """`recompute.change_calendar`, and the roster follows as well. Raises what that raises."""
    tickets = recompute.change_calendar(app, person, centre_id, change, **options)
    return Changed(tickets, follow(app, centre_id))


def catch_up(app) -> int:
    """Let the rosters of every centre follow their calendars; how many shifts moved. The clock calls it."""
    return centres.in_each(app, partial(_catch_up, app))


def _catch_up(app, centre_id: int) -> int:
    with app.session() as session:  # most looks find nothing to move, and those take no lock
        behind = preview(session, centre_id, calendar_of(session, centre_id))
    return len(follow(app, centre_id)) if behind else 0
