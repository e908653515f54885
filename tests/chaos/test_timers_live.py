"""Web and a clock as they run in production: limits armed through the pages fire by themselves, each once, none early."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.chaos.checker import check, lateness
from tests.chaos.people import Diary, Person
from tests.chaos.stage import Stage, furnish


class Specialist(Person):
    """Registers requests and dispatches each; nobody accepts, so every slip's response limit passes."""

    def act(self) -> None:
        self.register()
        for task in self.tasks():
            if task.element_id == "dispatch":
                self.do(task)

    def register(self) -> None:
        self.dice.seed(7)  # the same request each time: one that is dispatched
        super().register()


@pytest.mark.slow
def test_limits_armed_through_the_pages_fire_once_and_never_early(copies, centre_template, tmp_path, seed, full, capsys, database_kind):
    url, count = copies.copy(centre_template), 500 if full else 50
    furnish(url, tmp_path, {"response_passed": 2, "supervisor_late": 3600})
    database, diary, over = sa.create_engine(url), Diary(), threading.Event()

    def timers(state: str) -> int:
        with database.connect() as connection:
            return connection.execute(sa.text("select count(*) from timer where element_id = 'response_passed' and state = :state"),
                                      {"state": state}).scalar()

    def wait(true) -> None:
        ends = time.monotonic() + (600 if full else 60)
        while not true() and time.monotonic() < ends:
            time.sleep(0.1)

    with Stage(url, tmp_path) as stage:
        for name in ("web", "clock-1"):
            stage.start(name)
        assert stage.wait_for_web()
        people = [Specialist(name, {"specialist"}, stage.port, database, diary, over, str(seed)) for name in ("lin", "mei")]
        [person.start() for person in people]
        wait(lambda: timers("armed") + timers("fired") >= count)
        over.set()
        [person.join(30) for person in people]
        wait(lambda: timers("armed") == 0)
        ended_at = datetime.now(UTC)
    late = lateness(database) or [0.0]
    with capsys.disabled():
        print(f"\nlive timers on {database_kind}: {timers('fired')} limits of 2 s armed through {len(diary.asked)} commands, {len(late)} fired in all; "
              f"late p50 {late[len(late) // 2]:.2f} s, p95 {late[int(len(late) * 0.95)]:.2f} s, most {late[-1]:.2f} s")
    assert [person.error for person in people] == [None, None] and diary.broken == []
    assert timers("fired") >= count and timers("armed") == 0 and late[0] >= 0
    faults = check(url, asked=diary.asked, clocks_until=ended_at, grace=timedelta(seconds=15))
    assert faults == [], "\n".join(map(str, faults))
    assert stage.left_over() == []
    database.dispose()
    copies.drop(url)
