"""The clock process: its jobs, its signs of life, and what it does when time jumps or a job fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.tables import process_instance, timer
from service import scheduler
from service.health.models import ClockHeartbeat
from service.health.queries import health, lateness
from service.organisation.models import Centre
from service.scheduler import ClockProcess, JumpGuard
from service.shifts import following
from service.tickets import recompute


class Moves(list):
    """What followed, for rosters a list and for limits what has one."""

    shifts = ()


class Machine:
    """A machine's own time, moved by hand."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_swept_timer_fires_once_and_the_escalation_is_there(story, clock):
    """Clause 8: nobody accepts in time."""
    story.register(unit="2-0805")
    story.dispatch()
    process = ClockProcess(story.app)
    process.guard = JumpGuard(lambda: 0.0, lambda: 0.0)
    clock.advance(timedelta(days=3))
    for _ in range(2):
        process.sweep()
    assert [t.element_id for t in story.tasks("chen")] == ["answer_supervisor"]


def test_a_heartbeat_is_a_row_and_its_silence_is_seen(story, clock):
    """F26."""
    with story.app.session() as session:
        assert health(session).clock_age is None
    process = ClockProcess(story.app)
    process.guard = JumpGuard(lambda: 0.0, lambda: 0.0)
    process.heartbeat()
    with story.app.session() as session:
        assert health(session).well
        clock.advance(timedelta(seconds=60))
        assert health(session).clock_alive
        clock.advance(timedelta(seconds=1))
        assert health(session).faults == ("No clock process is alive: limits do not fire. Start `zhiban clock`.",)


def test_firing_pauses_while_the_wall_clock_has_jumped_and_goes_on_when_it_is_right_again(story, clock):
    """F6."""
    story.register(unit="2-0805")
    story.dispatch()
    machine = Machine()
    process = ClockProcess(story.app)
    process.guard = JumpGuard(lambda: clock.now().timestamp(), machine)
    right = clock.now()
    clock.advance(timedelta(days=3))
    process.sweep()
    assert story.tasks("chen") == []
    clock.set(right)
    process.heartbeat()
    machine.seconds += 3 * 86400
    clock.advance(timedelta(days=3))
    process.sweep()
    assert story.tasks("chen")


def test_slow_drift_is_no_jump():
    wall, machine = Machine(), Machine()
    guard = JumpGuard(wall, machine)
    for _ in range(100):
        wall.seconds, machine.seconds = wall.seconds + 11, machine.seconds + 10
        assert guard.jumped_by() == 0.0


def test_a_job_that_fails_leaves_the_others_running(story):
    process = ClockProcess(story.app)
    process.outbox = lambda: 1 / 0
    process._safely("outbox")
    process._safely("heartbeat")
    with story.app.session() as session:
        assert health(session).clock_alive


def test_a_dead_scheduler_is_noticed(story):
    assert ClockProcess(story.app).stuck() == "scheduler"


def test_housekeeping_may_run_twice(story, clock):
    process = ClockProcess(story.app)
    process.guard = JumpGuard(lambda: 0.0, machine=lambda: 0.0)  # the test's time is not PostgreSQL's
    process.heartbeat()
    clock.advance(timedelta(days=2))
    process.housekeeping()
    process.housekeeping()
    with story.app.session() as session:
        assert health(session).clock_age is None


def test_one_clock_with_the_wrong_time_is_no_fault_while_another_fires(story, clock):
    """F6: only when none of them fires, people are told."""
    for name, error in (("a", "the time jumped"), ("b", None)):
        with story.app.writing() as session:
            session.add(ClockHeartbeat(process=name, started_at=clock.now(), at=clock.now(), error=error))
    with story.app.session() as session:
        assert health(session).well
        session.execute(sa.update(ClockHeartbeat).values(error="the time jumped"))
        session.expire_all()
        assert health(session).faults == ("The clock reports: the time jumped",)


@pytest.mark.parametrize(("seconds", "bucket"), [(0, 0), (10, 0), (11, 1), (60, 1), (61, 2), (600, 2), (601, 3)])
def test_the_lateness_of_fired_limits_is_counted_in_four_steps(story, clock, seconds, bucket):
    values = dict.fromkeys(("instance_id", "root_id", "element_id"), "x") | {"centre_id": 1, "state": "fired", "tries": 0, "armed_at": clock.now()}
    with story.app.writing() as session:
        for id, fired_at in (("now", clock.now()), ("long ago", clock.now() - timedelta(hours=25))):
            session.execute(sa.insert(timer).values(id=id, due_at=fired_at - timedelta(seconds=seconds), fired_at=fired_at, **values))
    with story.app.session() as session:
        assert lateness(session) == tuple(int(n == bucket) for n in range(4))


# --- one bad among many -----------------------------------------------------------------------------------------------


def at_rest(app) -> ClockProcess:
    process = ClockProcess(app)
    process.guard = JumpGuard(lambda: 0.0, lambda: 0.0)
    return process


def test_a_whole_batch_that_fails_delays_nobody_behind_it(story, clock, monkeypatch):
    numbers = [story.register(unit=unit) for unit in ("3-1201", "2-0805", "3-0902")]
    for number in numbers:
        story.dispatch(number)
    bad = {story.card("chen", number).ticket.instance_id for number in numbers[:2]}
    with story.app.writing() as session:
        session.execute(sa.update(process_instance).where(process_instance.c.id.in_(bad)).values(tokens=b"[broken"))
    clock.advance(timedelta(days=3))
    fire_due = story.app.engine.fire_due
    monkeypatch.setattr(story.app.engine, "fire_due", lambda limit: fire_due(limit=2))
    at_rest(story.app).sweep()
    with story.app.session() as session:
        due = sa.select(timer.c.root_id).where(timer.c.state == "armed", timer.c.due_at <= clock.now())
        assert set(session.scalars(due)) == bad


@pytest.mark.parametrize("broken", ["arm_starts", "settle_incidents", "recompute", "reviews", "drafts"])
def test_a_chore_of_housekeeping_that_fails_keeps_no_other_from_its_turn(story, clock, monkeypatch, broken):
    done = []
    chores = {name: (story.app.engine, name) for name in ("arm_starts", "settle_incidents")} | {
        "logins": (scheduler.logins, "forget_old"), "recompute": (scheduler.recompute, "catch_up"),
        "reviews": (scheduler.reviews, "notice_corrections"), "drafts": (scheduler.drafts, "forget_old"),
        "presence": (scheduler.presence, "forget_old")}
    for name, (where, what) in chores.items():
        monkeypatch.setattr(where, what, lambda *_, name=name: 1 / 0 if name == broken else done.append(name))
    with story.app.writing() as session:
        session.add(ClockHeartbeat(process="old", started_at=clock.now(), at=clock.now() - timedelta(days=2)))
    at_rest(story.app).housekeeping()
    assert set(done) == chores.keys() - {broken}
    with story.app.session() as session:
        assert session.scalars(sa.select(ClockHeartbeat)).all() == []


@pytest.mark.parametrize("what", [following, recompute])
def test_a_centre_whose_calendar_ends_keeps_no_other_from_following_its_own(story, monkeypatch, what):
    with story.app.session() as session:
        first, *others = session.scalars(sa.select(Centre.id).where(Centre.active).order_by(Centre.id)).all()
    looked, followed = "preview" if what is following else "unfinished", []

    def look(session, centre_id, *_):
        if centre_id == first:
            raise ValueError("its calendar ends")
        return [True]

    monkeypatch.setattr(what, looked, look)
    monkeypatch.setattr(what, "follow", lambda app, centre_id: followed.append(centre_id) or Moves([]))
    assert what.catch_up(story.app) == 0 and followed == others != []


@pytest.mark.parametrize("broken", ["rosters", "a centre"])
def test_neither_rosters_nor_another_centre_keep_a_centre_from_being_planned(story, monkeypatch, broken):
    with story.app.session() as session:
        centres = set(session.scalars(sa.select(Centre.id).where(Centre.active)))
    first, planned, plan_ahead = min(centres), set(), scheduler.timetable.plan_ahead

    def plan(app, centre_id):
        if broken == "a centre" and centre_id == first:
            raise ValueError("its calendar ends")
        planned.add(centre_id)
        return plan_ahead(app, centre_id=centre_id)

    monkeypatch.setattr(scheduler.timetable, "plan_ahead", plan)
    if broken == "rosters":
        monkeypatch.setattr(scheduler.rosters, "catch_up", lambda app: 1 / 0)
    at_rest(story.app).planning()
    assert len(centres) > 1 and planned == centres - ({first} if broken == "a centre" else set())
