"""The roster follows the calendar: shifts that have not begun, shown before, moved with it, and what hangs on them is planned anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor
from service.calendars.actions import save_version
from service.calendars.hours import Window
from service.calendars.queries import calendar_of, default_calendar
from service.errors import NotAllowed
from service.organisation.models import Duty
from service.shifts import following, roster, rules
from service.shifts.models import RosterEntry, Shift
from service.timetable.actions import plan_ahead
from service.timetable.models import PlannedRun, RunState
from tests.conftest import CHINA

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
DAY, NIGHT = Shift.DAY, Shift.NIGHT


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@pytest.fixture
def rostered(story) -> int:
    """A post with Friday, which has begun, and Monday, by day and by night."""
    post = roster.add_post(story.app, story.person("chen"), story.world.centre_id, "前台", "specialist", "lin")
    people = {(FRIDAY, DAY): "lin", (FRIDAY, NIGHT): "zhou", (MONDAY, DAY): "lin", (MONDAY, NIGHT): "zhou"}
    cells = {(post, *key): ("", who) for key, who in people.items()}
    roster.save_cells(story.app, story.person("chen"), story.world.centre_id, cells)
    return post


def shorter(*days: date, hours: str = "09:00-17:00"):
    return lambda calendar: replace(calendar, special={**calendar.special, **dict.fromkeys(days, (Window.read(hours),))})


def change(story, *days: date, by: str = "chen", **hours) -> following.Changed:
    return following.change_calendar(
        story.app, story.person(by), story.world.centre_id, shorter(*days, **hours), reason="年会", request_id="once"
    )


def times(story) -> dict[tuple[date, str], tuple[datetime, datetime]]:
    with story.app.session() as session:
        rows = session.execute(
            sa.select(RosterEntry.day, RosterEntry.shift, Duty.starts_at, Duty.ends_at).join(Duty, Duty.id == RosterEntry.duty_id)
        )
        return {(r.day, str(r.shift)): (r.starts_at, r.ends_at) for r in rows}


def runs(story, kind: str) -> list[datetime]:
    with story.app.session() as session:
        query = sa.select(PlannedRun.due_at).where(PlannedRun.kind == kind, PlannedRun.state == RunState.PLANNED)
        return list(session.scalars(query.order_by(PlannedRun.due_at)))


def test_a_shift_that_has_not_begun_takes_the_new_hours_and_one_that_has_keeps_its_own(story, rostered):
    before = times(story)
    done = change(story, FRIDAY, MONDAY)
    assert [(m.person, m.day, m.shift, m.new) for m in done.shifts] == [("lin", MONDAY, DAY, (at(MONDAY, 9), at(MONDAY, 17)))]
    after = times(story)
    assert after[MONDAY, "day"] == (at(MONDAY, 9), at(MONDAY, 17))
    assert {k: v for k, v in after.items() if k != (MONDAY, "day")} == {k: v for k, v in before.items() if k != (MONDAY, "day")}


def test_the_preview_says_the_same_and_changes_nothing(story, rostered):
    before = times(story)
    with story.app.session() as session:
        draft = shorter(MONDAY)(calendar_of(session, story.world.centre_id))
        (moved,) = following.preview(session, story.world.centre_id, draft)
        assert following.preview(session, story.world.centre_id, calendar_of(session, story.world.centre_id)) == []
    assert (moved.old, moved.new) == ((at(MONDAY, 8, 30), at(MONDAY, 18)), (at(MONDAY, 9), at(MONDAY, 17)))
    assert times(story) == before


def test_handover_and_check_are_planned_anew(story, clock, rostered):
    clock.set(at(MONDAY, 8))
    plan_ahead(story.app)
    assert at(MONDAY, 17, 45) in runs(story, "handover") and at(MONDAY, 17, 30) in runs(story, "end-of-day-check")
    change(story, MONDAY)
    assert at(MONDAY, 16, 45) in runs(story, "handover") and at(MONDAY, 17, 45) not in runs(story, "handover")
    assert at(MONDAY, 16, 30) in runs(story, "end-of-day-check")


def test_a_day_that_closes_later_than_the_night_begins_moves_the_night_too():
    late = shorter(MONDAY, hours="08:30-20:00")(default_calendar())
    assert rules.shift_times(late, MONDAY, DAY)[1] == rules.shift_times(late, MONDAY, NIGHT)[0] == at(MONDAY, 20)
    early = shorter(MONDAY)(default_calendar())
    assert rules.shift_times(early, MONDAY, NIGHT)[0] == at(MONDAY, 18)


def test_the_clock_does_what_a_killed_process_left_and_twice_is_once(story, rostered):
    with story.app.writing() as session:
        calendar = shorter(MONDAY)(calendar_of(session, story.world.centre_id))
        save_version(session, story.world.centre_id, calendar, actor=Actor("chen"), now=story.app.clock.now(), reason="年会")
    assert following.catch_up(story.app) == 1 and following.catch_up(story.app) == 0
    assert times(story)[MONDAY, "day"] == (at(MONDAY, 9), at(MONDAY, 17))


def test_the_same_request_moves_once_and_who_may_not_change_the_calendar_moves_nothing(story, rostered):
    before = times(story)
    with pytest.raises(NotAllowed):
        change(story, MONDAY, by="lin")
    assert times(story) == before
    assert len(change(story, MONDAY).shifts) == 1 and change(story, MONDAY).shifts == []
    assert times(story)[MONDAY, "day"][1] - times(story)[MONDAY, "day"][0] == timedelta(hours=8)
