"""Eight people work over HTTP while web and clock processes are killed; afterwards the tables tell one true story (F1, F3, F4)."""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.chaos.checker import check, lateness
from tests.chaos.people import Diary, Person
from tests.chaos.stage import Stage, furnish

PEOPLE = {"lin": {"specialist"}, "mei": {"specialist"}, "tao": {"specialist"}, "gao": {"engineering", "engineering-head"},
          "liu": {"engineering"}, "bo": {"engineering"}, "chen": {"supervisor"}, "wang": {"manager"}}
VICTIMS = ["worker"] * 5 + ["clock-1", "clock-2"] * 3 + ["web"]
GIVE_UP_SECONDS = 600  # a bound for a machine that hangs, not a measure


@pytest.mark.slow
def test_killed_processes_lose_nothing_and_do_nothing_twice(copies, centre_template, tmp_path, seed, full, capsys, database_kind):
    url = copies.copy(centre_template)
    furnish(url, tmp_path)
    storm = Storm(url, tmp_path, f"{seed} {database_kind}", commands=5000 if full else 500, kills=300 if full else 30)
    storm.rage()
    with capsys.disabled():
        print(f"\nkills on {database_kind}: {storm.figures()}")
    assert storm.errors() == []
    faults = check(url, asked=storm.diary.asked, clocks_until=storm.settled_at, grace=timedelta(seconds=10))
    assert faults == [], "\n".join(map(str, faults))
    assert storm.diary.broken == [], "\n".join(storm.diary.broken)
    assert storm.stage.left_over() == []
    assert len(storm.diary.asked) >= storm.commands and sum(storm.stage.kills.values()) >= storm.kills, storm.figures()
    storm.database.dispose()
    copies.drop(url)


class Storm:
    """The people, the processes, and who kills them."""

    def __init__(self, url: str, folder, seed: str, commands: int, kills: int):
        self.commands, self.kills, self.dice = commands, kills, random.Random(f"{seed} nemesis")
        self.database, self.diary, self.over = sa.create_engine(url, pool_size=12), Diary(), threading.Event()
        self.stage = Stage(url, folder)
        self.people = [Person(name, roles, self.stage.port, self.database, self.diary, self.over, seed) for name, roles in PEOPLE.items()]
        self.settled_at = datetime.min.replace(tzinfo=UTC)
        self.seconds = 0.0

    def rage(self) -> None:
        with self.stage:
            for name in ("web", "clock-1", "clock-2"):
                self.stage.start(name)
            assert self.stage.wait_for_web()
            began = time.monotonic()
            [person.start() for person in self.people]
            while not self._enough() and time.monotonic() - began < GIVE_UP_SECONDS * (10 if self.commands > 500 else 1):
                self._kill_one()
            self.over.set()
            self._keep_until(lambda: not any(person.is_alive() for person in self.people))
            self.seconds = time.monotonic() - began
            self._keep_until(self._quiet)
            self.settled_at = datetime.now(UTC)

    def _enough(self) -> bool:
        return (len(self.diary.asked) >= self.commands and sum(self.stage.kills.values()) >= self.kills) or any(p.error for p in self.people)

    def _kill_one(self) -> None:
        """Wait a little, kill one process, and let whatever is dead start again a little later. Kills keep step with the commands."""
        time.sleep(self.dice.uniform(0.1, 1.0))
        if sum(self.stage.kills.values()) > self.kills * len(self.diary.asked) / self.commands:
            return self.stage.keep_running()
        victim = self.dice.choice(VICTIMS)
        if victim == "worker" and self.dice.random() < 0.6:
            self._lie_in_wait()
        self.stage.kill(victim)
        time.sleep(self.dice.uniform(0.0, 0.4))
        return self.stage.keep_running()

    def _lie_in_wait(self) -> None:
        """Until something was just committed, so that the kill falls between the commit and its answer."""
        with self.database.connect() as connection:
            before = after = self._committed(connection)
            ends = time.monotonic() + 1
            while after == before and time.monotonic() < ends:
                time.sleep(0.002)
                after = self._committed(connection)

    @staticmethod
    def _committed(connection: sa.Connection) -> int:
        count = connection.execute(sa.text("select count(*) from command")).scalar()
        connection.rollback()
        return count

    def _keep_until(self, true) -> None:
        ends = time.monotonic() + 90
        while not true() and time.monotonic() < ends:
            self.stage.keep_running()
            time.sleep(0.1)

    def _quiet(self) -> bool:
        """Nothing will be due in the next seconds, and every notice is out."""
        soon = datetime.now(UTC) + timedelta(seconds=6)
        soon = soon if self.database.dialect.name == "postgresql" else soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self.database.connect() as connection:
            return not connection.execute(sa.text("select 1 from timer where state = 'armed' and due_at < :soon"), {"soon": soon}).first() and (
                not connection.execute(sa.text("select 1 from outbox where sent_at is null and not_before_at < :soon"), {"soon": soon}).first())

    def errors(self) -> list[str]:
        alive = [f"{person.name} does not come to an end" for person in self.people if person.is_alive()]
        return alive + [f"{person.name}: {person.error!r}" for person in self.people if person.error]

    def figures(self) -> str:
        late = lateness(self.database) or [0.0]
        outcomes = {o: sum(one.outcome == o for one in self.diary.asked) for o in ("acknowledged", "refused", "unanswered")}
        return (f"{len(self.diary.asked)} commands in {self.seconds:.0f} s {outcomes}; killed {self.stage.kills}; {dict(self.diary.counts)}; "
                f"{len(late)} timers fired, late p50 {late[len(late) // 2]:.1f} s, p95 {late[int(len(late) * 0.95)]:.1f} s; "
                f"refusals {dict(self.diary.refusals.most_common(12))}")
