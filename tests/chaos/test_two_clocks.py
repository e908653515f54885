"""Two hundred timers fall due in the same moment while three clocks run and are killed: each fires once, none early (F4)."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor, Engine, Scope
from engine.definitions import Procedure
from service import db
from tests.chaos.checker import check, lateness
from tests.chaos.stage import Stage
from tests.engine.drawing import flows, plain, process, timer, user

WAIT = process("wait", plain("startEvent", "s"), plain("intermediateCatchEvent", "until", timer("Date", "=due")), user("after"),
               plain("endEvent", "e"), flows("s > until", "until > after", "after > e"))
SHEET = b"code: W\nname: wait\nvariables: {due: datetime}\n"
FORM = b'{"type": "default", "id": "any", "schemaVersion": 16, "components": []}'
CLOCKS = ("clock-1", "clock-2", "clock-3")


def arm(url: str, count: int, due: datetime) -> None:
    """Start `count` instances that all wait for the same instant."""
    database = db.connect(url)
    engine = Engine(database)
    procedure = Procedure.from_files({"wait.bpmn": WAIT, "control-sheet.yaml": SHEET, "forms/any.form": FORM})
    with engine.unit() as unit:
        engine.catalogue.put(unit.connection, procedure, unit.now, "test")
    with engine.unit() as unit:
        for number in range(count):
            engine.start("wait", {"due": due}, business_key=f"W-{number}", scope=Scope(1), actor=Actor("lin"), unit=unit)
    engine.feel.close()
    database.dispose()


def figures(database: sa.Engine) -> tuple[int, int]:
    """(still armed, fired)"""
    with database.connect() as connection:
        states = Counter(connection.execute(sa.text("select state from timer")).scalars())
    return states["armed"], states["fired"]


@pytest.mark.slow
def test_three_killed_clocks_fire_each_of_many_timers_once_and_never_early(database_url, tmp_path, chance: random.Random, full, capsys,
                                                                           database_kind):
    count, kills = (1000, 60) if full else (200, 20)
    due = datetime.now(UTC) + timedelta(seconds=3 + count / 100)
    arm(database_url, count, due)
    database = sa.create_engine(database_url)
    fired_at_kills = []
    with Stage(database_url, tmp_path, clock_sweep_seconds=0.2, clock_heartbeat_seconds=1) as stage:
        for clock in CLOCKS:
            stage.start(clock)
        time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() - 1))
        assert figures(database) == (count, 0)  # a second before, nothing has fired
        ends = time.monotonic() + 120
        while (figures(database)[0] or len(fired_at_kills) < kills) and time.monotonic() < ends:
            time.sleep(chance.uniform(0.02, 0.2))
            if len(fired_at_kills) < kills and stage.kill(chance.choice(CLOCKS)):
                fired_at_kills.append(figures(database)[1])
            stage.keep_running()
    late = lateness(database)
    amid = sum(0 < fired < count for fired in fired_at_kills)
    with capsys.disabled():
        print(f"\nthree clocks on {database_kind}: {count} timers due at once, {len(fired_at_kills)} kills, {amid} of them amid the firing, "
              f"late p50 {late[len(late) // 2]:.1f} s, p95 {late[int(len(late) * 0.95)]:.1f} s" if late else "\nnothing fired")
    assert figures(database) == (0, count)
    assert late[0] >= 0
    faults = check(database, clocks_until=datetime.now(UTC), grace=timedelta(0))
    assert faults == [], "\n".join(map(str, faults))
    with database.connect() as connection:
        assert connection.execute(sa.text("select count(*) from user_task where state = 'open'")).scalar() == count
    assert stage.left_over() == []
    database.dispose()
