"""What starts by itself: planned from the calendar, started once, missed with its reason; clocks may sleep, double and die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.api import SYSTEM
from engine.tables import process_instance, user_task
from service import app as service
from service.calendars.actions import import_year, save_version
from service.calendars.queries import calendar_of
from service.calendars.rules import Window
from service.organisation.models import Centre
from service.scheduler import ClockProcess, JumpGuard
from service.timetable import kinds, rules
from service.timetable.actions import plan_ahead, start_due
from service.timetable.models import PlannedRun, PlannedUntil, RunState
from service.timetable.queries import missed, runs
from tests.conftest import CHINA
from tests.service.timetable import rounds as small
from tests.service.timetable.rounds import DOORS, KEY, LOBBY, Rounds

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@pytest.fixture
def rounds(centre, clock, monkeypatch) -> Rounds:
    """Monday 07:00: a round of the lobby and the doors at every opening (08:30), due a quarter of an hour before."""
    made = Rounds([LOBBY, DOORS])
    kinds.all_kinds()  # the areas' own kinds are registered now, and not in the place of this one
    monkeypatch.setattr(kinds, "_kinds", {KEY: small.kind(made)})
    small.deploy(centre)
    with centre.writing() as session:  # one centre is enough here
        session.execute(
            sa.update(Centre).where(Centre.id != session.scalar(sa.select(sa.func.min(Centre.id)))).values(active=False)
        )
    clock.set(at(MONDAY, 7))
    return made


def rows(app, day: date) -> list[PlannedRun]:
    with app.session() as session:
        return runs(session, session.scalar(sa.select(sa.func.min(Centre.id))), day)


def states(app, day: date) -> dict[str, str]:
    return {run.key: str(run.state) for run in rows(app, day)}


def count(app, table, *where) -> int:
    with app.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table).where(*where))


def open_until(app, day: date, closes: str, opens: str = "08:30") -> None:
    """A supervisor enters other hours for one day."""
    with app.writing() as session:
        here = session.scalar(sa.select(sa.func.min(Centre.id)))
        calendar = calendar_of(session, here)
        hours = calendar.special | {day: (Window.read(f"{opens}-{closes}"),)}
        save_version(session, here, replace(calendar, special=hours), actor=SYSTEM, now=app.clock.now(), reason="提前关门")


# --- planning ---------------------------------------------------------------------------------------------------------


def test_today_and_tomorrow_are_planned_once(centre, rounds):
    assert plan_ahead(centre) == 4
    assert plan_ahead(centre) == 0
    assert states(centre, MONDAY) == states(centre, TUESDAY) == {LOBBY: "planned", DOORS: "planned"}
    run = rows(centre, MONDAY)[0]
    assert (run.due_at, run.starts_at, run.ends_at) == (at(MONDAY, 8, 15), at(MONDAY, 8, 30), at(MONDAY, 18))


def test_a_holiday_has_none_and_a_make_up_saturday_has_them(centre, rounds, clock):
    """Spring Festival 2026: 15 to 23 February off, Saturday 14 and Saturday 28 worked."""
    with centre.writing() as session:
        here = session.scalar(sa.select(sa.func.min(Centre.id)))
        if 2026 not in calendar_of(session, here).published_years:
            import_year(session, here, 2026, actor=SYSTEM, now=clock.now())
    clock.set(at(date(2026, 2, 13), 7))
    for day, expected in (
        (date(2026, 2, 14), 2),
        (date(2026, 2, 16), 0),
        (date(2026, 2, 21), 0),
        (date(2026, 2, 28), 2),
    ):
        plan_ahead(centre, day)
        assert len(rows(centre, day)) == expected, day


def test_what_the_plan_no_longer_has_is_taken_away_unless_it_has_started(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 8, 15))
    start_due(centre)
    rounds.posts = [LOBBY]
    assert plan_ahead(centre) == 1
    assert states(centre, MONDAY) == {LOBBY: "started", DOORS: "started"}
    assert states(centre, TUESDAY) == {LOBBY: "planned"}


def test_a_post_entered_after_its_window_is_no_miss(centre, rounds, clock):
    rounds.posts = [LOBBY]
    plan_ahead(centre)
    clock.set(at(MONDAY, 18))
    rounds.posts = [LOBBY, DOORS]
    plan_ahead(centre)
    assert set(states(centre, MONDAY)) == {LOBBY}
    assert set(states(centre, TUESDAY)) == {LOBBY, DOORS}


def test_a_day_that_closes_earlier_ends_the_windows_that_have_not_started(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 8, 15))
    start_due(centre)
    open_until(centre, MONDAY, "16:00")
    open_until(centre, TUESDAY, "16:00")
    assert plan_ahead(centre) == 2
    assert plan_ahead(centre) == 0
    assert {run.ends_at for run in rows(centre, MONDAY)} == {at(MONDAY, 18)}
    assert {run.ends_at for run in rows(centre, TUESDAY)} == {at(TUESDAY, 16)}


def test_a_window_that_is_cut_short_before_anything_started_is_missed_not_forgotten(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 16))
    open_until(centre, MONDAY, "16:00")
    plan_ahead(centre)
    start_due(centre)
    assert states(centre, MONDAY) == {LOBBY: "missed", DOORS: "missed"}


def test_what_has_started_is_not_started_again_when_the_day_opens_later(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 8, 15))
    start_due(centre)
    open_until(centre, MONDAY, "18:00", opens="09:30")
    plan_ahead(centre)
    clock.set(at(MONDAY, 9, 15))
    assert start_due(centre) == 0
    assert [run.state for run in rows(centre, MONDAY)] == [RunState.STARTED] * 2


def test_planning_a_single_day_leaves_no_hole_before_it(centre, rounds, clock):
    plan_ahead(centre, date(2026, 11, 27))
    plan_ahead(centre)
    clock.set(at(date(2026, 11, 26), 7))
    plan_ahead(centre)
    assert [len(rows(centre, date(2026, 11, day))) for day in (23, 24, 25, 26, 27)] == [2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("until", "first", "days"),
    [
        (None, TUESDAY, 2),
        (TUESDAY, TUESDAY, 2),
        (date(2026, 11, 25), TUESDAY, 2),
        (date(2026, 11, 20), date(2026, 11, 21), 5),
        (date(2026, 1, 1), date(2026, 11, 10), 16),
    ],
)
def test_days_nobody_planned_are_made_up_for_a_fortnight_back(until, first, days):
    planned = rules.days_to_plan(TUESDAY, until)
    assert (planned[0], len(planned), planned[-1]) == (first, days, date(2026, 11, 25))


# --- starting ---------------------------------------------------------------------------------------------------------


def test_each_starts_at_its_instant_and_not_before(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 8, 15) - timedelta(microseconds=1))
    assert start_due(centre) == 0
    clock.set(at(MONDAY, 8, 15))
    assert start_due(centre) == 2
    assert start_due(centre) == 0
    assert rounds.begun == [DOORS, LOBBY]
    run = rows(centre, MONDAY)[0]
    assert (run.started_at, run.late_seconds, run.reason) == (at(MONDAY, 8, 15), 0, "")
    with centre.session() as session:
        task = session.execute(sa.select(user_task).where(user_task.c.root_id == run.instance_id)).one()
    assert (task.element_id, task.centre_id, task.business_key) == ("go_round", run.centre_id, f"R-{run.id}")


def test_a_late_start_says_by_how_much(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 9))
    start_due(centre)
    assert [run.late_seconds for run in rows(centre, MONDAY)] == [45 * 60] * 2


def test_clocks_that_slept_26_hours_miss_what_has_passed_and_start_what_has_not(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(TUESDAY, 9))
    process = ClockProcess(centre)
    process.guard = JumpGuard(lambda: 0.0, lambda: 0.0)
    process.timetable()
    process.planning()
    assert states(centre, MONDAY) == {LOBBY: "missed", DOORS: "missed"}
    assert states(centre, TUESDAY) == {LOBBY: "started", DOORS: "started"}
    assert {run.reason for run in rows(centre, MONDAY)} == {"window-passed"}
    assert rounds.told == [DOORS, LOBBY]


def test_days_that_no_clock_planned_are_missed_not_forgotten(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(date(2026, 11, 27), 7))
    plan_ahead(centre)
    while start_due(centre):
        pass
    for day in (23, 24, 25, 26):
        assert states(centre, date(2026, 11, day)) == {LOBBY: "missed", DOORS: "missed"}
    with centre.session() as session:
        here = session.scalar(sa.select(PlannedUntil.centre_id))
        assert len(missed(session, here, MONDAY, date(2026, 11, 26), KEY)) == 8


def test_the_window_ends_at_its_end(centre, rounds, clock):
    plan_ahead(centre)
    clock.set(at(MONDAY, 18) - timedelta(microseconds=1))
    assert start_due(centre, limit=1) == 1
    clock.set(at(MONDAY, 18))
    assert start_due(centre) == 1
    assert sorted(states(centre, MONDAY).values()) == ["missed", "started"]


def test_what_is_no_longer_wanted_at_its_start_keeps_the_reason(centre, rounds, clock):
    plan_ahead(centre)
    rounds.unwanted = True
    clock.set(at(MONDAY, 8, 15))
    start_due(centre)
    assert [(run.state, run.reason) for run in rows(centre, MONDAY)] == [(RunState.CALLED_OFF, "The post was closed.")] * 2


def test_a_start_that_fails_is_tried_again_later_and_delays_no_other(centre, rounds, clock):
    plan_ahead(centre)
    begin = rounds.begin

    def fails(session, run):
        if run.key == LOBBY:
            raise LookupError("nobody is on the roster")
        return begin(session, run)

    kinds._kinds[KEY] = kinds.Kind(KEY, "round", rounds.slots, fails, rounds.missed)
    clock.set(at(MONDAY, 8, 15))
    assert start_due(centre) == 1
    assert states(centre, MONDAY) == {LOBBY: "planned", DOORS: "started"}
    waiting = rows(centre, MONDAY)[1]
    assert (waiting.tries, waiting.retry_at) == (1, at(MONDAY, 8, 15) + timedelta(seconds=10))
    assert waiting.reason == "LookupError: nobody is on the roster"
    assert start_due(centre) == 0
    kinds._kinds[KEY] = small.kind(rounds)
    clock.advance(timedelta(seconds=10))
    assert start_due(centre) == 1
    assert rows(centre, MONDAY)[1].late_seconds == 10


def cannot_be_written(session):
    raise LookupError("nobody \x00 is on the roster")


def breaks_on_its_own_statement(session):
    session.execute(sa.text("select * from nowhere"))


@pytest.mark.parametrize("breaks", [cannot_be_written, breaks_on_its_own_statement])
def test_a_start_waits_for_its_next_try_whatever_it_fails_with(centre, rounds, clock, breaks):
    plan_ahead(centre)
    kinds._kinds[KEY] = kinds.Kind(KEY, "round", rounds.slots, lambda session, run: breaks(session), rounds.missed)
    clock.set(at(MONDAY, 8, 15))
    assert start_due(centre) == 0
    assert [(run.tries, "nobody" in run.reason or "nowhere" in run.reason) for run in rows(centre, MONDAY)] == [(1, True)] * 2


def test_a_start_that_fails_until_its_window_passes_is_missed_with_that_reason(centre, rounds, clock):
    def fails(session, run):
        raise LookupError("nobody is on the roster")

    plan_ahead(centre)
    kinds._kinds[KEY] = kinds.Kind(KEY, "round", rounds.slots, fails, rounds.missed)
    clock.set(at(MONDAY, 8, 15))
    start_due(centre)
    clock.set(at(MONDAY, 18))
    start_due(centre)
    assert {(str(run.state), run.reason) for run in rows(centre, MONDAY)} == {
        ("missed", "LookupError: nobody is on the roster")
    }


# --- more than one clock ----------------------------------------------------------------------------------------------


def another(app) -> service.App:
    return service.create(app.settings, clock=app.clock)


def test_two_clocks_plan_and_start_each_run_once(centre, rounds, clock):
    rounds.posts = [f"post-{number}" for number in range(12)]
    clock.set(at(MONDAY, 8, 15))
    apps = [another(centre) for _ in range(3)]
    together = threading.Barrier(len(apps))

    def live(app) -> None:
        together.wait()
        plan_ahead(app)
        together.wait()
        for _ in range(20):
            start_due(app, limit=5)

    threads = [threading.Thread(target=live, args=[app]) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(states(centre, MONDAY).values()) == {"started"}
    assert len(rows(centre, MONDAY)) == 12
    assert count(centre, process_instance, process_instance.c.process_key == "round") == 12
    assert len({run.instance_id for run in rows(centre, MONDAY)}) == 12
    for app in apps:
        app.database.dispose()


def test_a_clock_killed_before_its_commit_leaves_the_run_to_the_next(centre, rounds, clock, tmp_path, root):
    rounds.posts = [LOBBY]
    plan_ahead(centre)
    clock.set(at(MONDAY, 8, 15))
    died = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.service.timetable.rounds",
            centre.settings.database_url,
            tmp_path,
            clock.now().isoformat(),
        ],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert states(centre, MONDAY) == {LOBBY: "planned"}
    assert count(centre, process_instance, process_instance.c.process_key == "round") == 0
    assert start_due(centre) == 1
    assert count(centre, process_instance, process_instance.c.process_key == "round") == 1


def test_firing_pauses_while_the_time_has_jumped(centre, rounds, clock):
    """F6."""
    plan_ahead(centre)
    process = ClockProcess(centre)
    process.guard = JumpGuard(lambda: clock.now().timestamp(), lambda: 0.0)
    clock.set(at(MONDAY, 9))
    process.timetable()
    process.planning()
    assert states(centre, MONDAY) == {LOBBY: "planned", DOORS: "planned"}
