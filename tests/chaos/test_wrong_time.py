"""The time is wrong, slept over, or read in another zone: nothing fires early, nothing is lost, and people read why (F6, F7, F24, F25)."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from engine.api import Actor, Engine, Scope
from engine.clock import FrozenClock
from engine.definitions import Procedure
from service import db
from tests.chaos.checker import check
from tests.chaos.lived import Day
from tests.chaos.stage import KILLED, Stage, furnish
from tests.chaos.test_database_faults import centre, specialist, wait_until
from tests.chaos.test_two_clocks import FORM, SHEET
from tests.engine.drawing import boundary, flows, plain, process, timer, user

JUMPED = "服务器的时间跳变"
CLOCK_SETTINGS = {"clock_sweep_seconds": 0.2, "clock_heartbeat_seconds": 1}


def told(database: sa.Engine) -> str | None:
    """What the newest clock says is wrong."""
    with database.connect() as connection:
        row = connection.execute(sa.text("select error from clock_heartbeat order by at desc")).first()
    return row.error if row else ""


def fired(database: sa.Engine) -> int:
    with database.connect() as connection:
        return connection.execute(sa.text("select count(*) from timer where state = 'fired'")).scalar()


def test_firing_pauses_while_the_time_is_wrong_the_page_says_why_and_it_goes_on_by_itself(copies, centre_template, tmp_path):
    """F6: a jump of an hour either way in a running clock."""
    offset = tmp_path / "offset"
    offset.write_text("0")
    with centre(copies, centre_template, tmp_path, web_workers=1, **CLOCK_SETTINGS) as (stage, database):
        stage.start("web")
        stage.start("clock-1", before=[("tests.chaos.hands:shifted", str(offset))])
        stage.do("dispatched", uuid4().hex)  # its limits are an hour away: with the clock an hour ahead they would be due
        assert stage.wait_for_web()
        assert wait_until(lambda: told(database) is None, 30)
        lin = specialist(stage, database)
        for off in (3601, -3601):
            assert JUMPED not in lin.page("/tickets").page
            offset.write_text(str(off))
            assert wait_until(lambda: told(database), 30), stage.log.read_text()[-500:]
            time.sleep(1)  # some sweeps
            assert JUMPED in lin.page("/tickets").page and fired(database) == 0
            offset.write_text("0")
            assert wait_until(lambda: not told(database), 30)
        assert JUMPED not in lin.page("/tickets").page
        assert check(database) == []


@pytest.mark.databases("postgresql")
def test_a_clock_that_starts_with_the_wrong_time_asks_the_database_and_fires_nothing(copies, centre_template, tmp_path):
    """F6: its own machine cannot tell, PostgreSQL can."""
    offset = tmp_path / "offset"
    offset.write_text("3601")
    with centre(copies, centre_template, tmp_path, **CLOCK_SETTINGS) as (stage, database):
        stage.do("dispatched", uuid4().hex)
        stage.start("clock-1", before=[("tests.chaos.hands:shifted", str(offset))])
        assert wait_until(lambda: told(database), 30)
        time.sleep(1)
        assert fired(database) == 0
        assert check(database) == []


# --- F7 -----------------------------------------------------------------------------------------------------------------------

REMIND = process("remind", plain("startEvent", "s"), user("work"), boundary("nudge", "work", timer("Cycle", "R/PT1H"), interrupting=False),
                 boundary("late", "work", timer("Date", "=due"), interrupting=False), user("nudged"), user("after"),
                 plain("endEvent", "e"), plain("endEvent", "e2"), plain("endEvent", "e3"),
                 flows("s > work", "work > e", "nudge > nudged", "late > after", "after > e2", "nudged > e3"))


def test_deadlines_slept_over_for_three_days_are_each_handled_once_in_due_order(database, tmp_path, full, capsys):
    """F7: reminders that were missed are one reminder with their count."""
    count = 500 if full else 60
    start = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    clock = FrozenClock(start)
    engine = Engine(database, clock=clock)
    procedure = Procedure.from_files({"remind.bpmn": REMIND, "control-sheet.yaml": SHEET.replace(b"wait", b"remind"), "forms/any.form": FORM})
    with engine.unit() as unit:
        engine.catalogue.put(unit.connection, procedure, unit.now, "test")
    for number in range(count):
        due = start + timedelta(minutes=(number * 37) % 4000 + 1)  # not in the order of starting
        engine.start("remind", {"due": due}, business_key=f"R-{number}", scope=Scope(1), actor=Actor("lin"))
    clock.advance(timedelta(days=3))
    began = time.monotonic()
    while engine.fire_due(50).fired:
        pass
    spent = time.monotonic() - began
    with capsys.disabled():
        print(f"\n{count} deadlines slept over: handled in {spent:.1f} s")
    with database.connect() as connection:
        open_tasks = Counter(connection.execute(sa.text("select element_id from user_task where state = 'open'")).scalars())
        order = connection.execute(sa.text("select due_at from timer where element_id = 'late' and state = 'fired' order by fired_at, due_at")).all()
        bodies = connection.execute(sa.text("select body from trace_event where kind = 'timer-fired' and element_id = 'nudge'")).scalars().all()
    assert open_tasks == {"work": count, "after": count, "nudged": count}
    assert len(order) == count and order == sorted(order)
    assert all('"missed":71' in body for body in bodies) and len(bodies) == count
    assert check(database) == []
    engine.feel.close()


def test_after_three_days_asleep_an_escalation_is_at_its_first_level_and_the_next_limit_begins_now(copies, centre_template, tmp_path):
    """F7: nobody is passed over because the machine slept."""
    url = copies.copy(centre_template)
    database = db.connect(url)
    day = Day(database, datetime(2026, 11, 20, 2, 0, tzinfo=UTC), tmp_path)
    number = day.register()
    day.do(number, "dispatch", "lin", department="engineering", instruction="先关阀再查")
    for _ in range(2):
        day.pass_time(days=3) if _ == 0 else day.pass_time(seconds=1)
    with database.connect() as connection:
        levels = connection.execute(sa.text(
            "select element_id from user_task where process_key = 'escalation' and state = 'open'")).scalars().all()
    assert set(levels) == {"answer_supervisor"}
    assert check(database) == []
    database.dispose()
    copies.drop(url)


# --- F24, F25 -----------------------------------------------------------------------------------------------------------------

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Pacific/Kiritimati")


def test_the_zone_of_the_machine_changes_no_instant(copies, centre_template, tmp_path):
    """F24: the same day lived in four zones gives the same rows."""
    urls = {zone: copies.copy(centre_template) for zone in ZONES}
    with Stage(urls["UTC"], tmp_path) as stage:
        found = {zone: stage.do("lived_day", zone, url) for zone, url in urls.items()}
    assert KILLED not in found.values(), stage.log.read_text()[-2000:]
    for url in urls.values():
        copies.drop(url)
    assert len(found["UTC"]["timer"]) > 5 and len(found["UTC"]["ticket"]) > 4
    for zone in ZONES[1:]:
        assert found[zone] == found[ZONES[0]], zone


def test_three_clocks_that_come_up_after_26_hours_start_or_miss_each_slot_once(copies, centre_template, tmp_path):
    """F25."""
    url = copies.copy(centre_template)
    furnish(url, tmp_path)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with Stage(url, tmp_path) as stage:
        planned = stage.do("rounds_planned")
        clocks = [stage.do("rounds_started", wait=False) for _ in range(3)]
        assert KILLED not in [clock() for clock in clocks], stage.log.read_text()[-2000:]
        with database.connect() as connection:
            runs = connection.execute(sa.text("select id, state, reason, instance_id from planned_run where kind = 'test-round'"
                                              " and day <= '2026-11-24' order by id")).all()
            instances = connection.execute(sa.text("select business_key from process_instance where process_key = 'round'")).scalars().all()
        assert planned > 0 and len(runs) >= planned
        assert {run.state for run in runs} == {"started", "missed"}
        assert all(run.reason for run in runs if run.state == "missed")
        assert sorted(instances) == sorted(f"R-{run.id}" for run in runs if run.state == "started")
        assert check(database) == []
    copies.drop(url)
