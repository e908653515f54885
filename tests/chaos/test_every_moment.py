"""A process is killed at every moment of every kind of step: all of it is there or nothing, and the repeated request is answered (F1).

The moments are each statement, each commit from both sides, each operation of a diagram (tests/chaos/moments.py). A killed move of
running instances leaves each of them moved or not (F16). The short form takes some moments by chance, always both sides of a commit.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.chaos.checker import check
from tests.chaos.moments import COMMIT, COMMITTED, kill, reached
from tests.chaos.stage import KILLED, ROOT, Stage, furnish


def tables(database: sa.Engine) -> str:
    """A digest of every row of every table."""
    seen = hashlib.sha256()
    with database.connect() as connection:
        for name in sorted(sa.inspect(connection).get_table_names()):
            rows = connection.execute(sa.text(f'select * from "{name}"')).all()
            seen.update(repr((name, sorted(map(repr, rows)))).encode())
    return seen.hexdigest()


class Place:
    """A centre whose steps are done by processes that die."""

    def __init__(self, url: str, folder, stage: Stage):
        self.url, self.folder, self.stage = url, folder, stage
        self.database = sa.create_engine(url, poolclass=sa.NullPool)
        self.editions = 0

    def do(self, call: str, *values):
        found = self.stage.do(call, *values)
        assert found != KILLED, self.stage.log.read_text()[-2000:]
        return found

    # --- what each kind of step is done to -----------------------------------------------------------------------------------
    def nothing(self) -> tuple:
        return ()

    def registered(self) -> tuple:
        return (self.do("registered", uuid4().hex),)

    def dispatched(self) -> tuple:
        return (self.do("dispatched", uuid4().hex),)

    def overdue(self) -> tuple:
        """Its slip's limit is a second."""
        found = self.dispatched()
        ends = time.monotonic() + 10
        while not self._due(*found) and time.monotonic() < ends:
            time.sleep(0.05)
        return found

    def _due(self, found: dict) -> bool:
        now = datetime.now(UTC)
        now = now if self.database.dialect.name == "postgresql" else now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with self.database.connect() as connection:
            return connection.execute(sa.text("select 1 from timer where root_id = :root and state = 'armed' and due_at < :now"),
                                      {"root": found["instance"], "now": now}).first() is not None

    def message(self) -> tuple:
        return (self.do("kept_message", uuid4().hex),)

    def told(self) -> tuple:
        return (self.do("due", *self.dispatched()),)

    def edition(self) -> tuple:
        """The shipped procedures, each with another line of text."""
        self.editions += 1
        folder = self.folder / f"edition-{self.editions}"
        shutil.copytree(ROOT / "bpmn", folder, ignore=shutil.ignore_patterns("scenarios"))
        for sheet in folder.glob("*/control-sheet.yaml"):
            sheet.write_text(f"{sheet.read_text(encoding='utf-8')}# {self.editions}\n", encoding="utf-8")
        return (str(folder),)

    def to_move(self) -> tuple:
        """Three running requests and the version that came after they began."""
        ids = [self.do("dispatched", uuid4().hex)["instance"] for _ in range(3)]
        deployed = self.do("deploy", *self.edition())
        return ids, next(hash for key, hash, _ in deployed if key == "customer-request")


@dataclass(frozen=True)
class Step:
    call: str
    prepare: Callable[[Place], tuple]


STEPS = {
    "start": Step("register", Place.nothing),
    "complete": Step("dispatch", Place.registered),
    "sweep": Step("sweep", Place.overdue),
    "correlate": Step("urge", Place.dispatched),
    "deliver a message": Step("sweep", Place.message),
    "deliver a notice": Step("deliver", Place.told),
    "undo": Step("undo", lambda place: _done(place)),
    "deploy": Step("deploy", Place.edition),
    "migrate": Step("migrate", Place.to_move),
}


def _done(place: Place) -> tuple:
    (found,) = place.registered()
    place.do("dispatch", found, uuid4().hex)
    return (found,)


@pytest.fixture(scope="module")
def place(copies, centre_template, tmp_path_factory):
    url, folder = copies.copy(centre_template), tmp_path_factory.mktemp("moments")
    furnish(url, folder, {"response_passed": 1, "others": 3600})
    with Stage(url, folder) as stage:
        found = Place(url, folder, stage)
        yield found
        found.database.dispose()
    copies.drop(url)


def test_a_step_killed_at_any_moment_is_done_whole_or_not_at_all(place, full, chance, capsys):
    """F1, F3, F16."""
    for name in STEPS if full else chance.sample(sorted(STEPS), 2):
        killed = Killing(place, name, full, chance).at_every_moment()
        with capsys.disabled():
            print(f"\n{name}: {killed}")


class Killing:
    """One kind of step, killed again and again; after each commit on something new."""

    def __init__(self, place: Place, name: str, full: bool, chance):
        self.place, self.name, self.step, self.full, self.chance = place, name, STEPS[name], full, chance
        self.notes = place.folder / "moments"

    def at_every_moment(self) -> str:
        values, key = self.step.prepare(self.place), uuid4().hex
        self.place.stage.do(self.step.call, *values, key, before=[kill(0, self.notes)])
        listed = reached(self.notes)
        assert COMMIT in listed and COMMITTED in listed
        chosen, values = list(range(1, len(listed) + 1)) if self.full else some(listed, self.chance), None
        for number in chosen:
            if values is None:
                values, key = self.step.prepare(self.place), uuid4().hex
            if self._killed_at(number, listed, values, key) or number == chosen[-1]:
                self._answered(number, values, key)
                values = None
        return f"{len(listed)} moments, killed at {len(chosen)}"

    def _killed_at(self, number: int, listed: list[str], values: tuple, key: str) -> bool:
        """Whether it had committed something."""
        before = tables(self.place.database)
        outcome = self.place.stage.do(self.step.call, *values, key, before=[kill(number, self.notes)])
        came_to = reached(self.notes)
        assert outcome == KILLED or len(came_to) < number, f"{self.name} was to die at moment {number} of {len(came_to)}"
        if COMMITTED not in came_to:
            assert tables(self.place.database) == before, f"killed at moment {number} ({listed[number - 1]}), {self.name} left something"
        return COMMITTED in came_to

    def _answered(self, number: int, values: tuple, key: str) -> None:
        """The same request goes through, and a third time changes nothing and gets the same answer."""
        first = self.place.do(self.step.call, *values, key)
        settled = tables(self.place.database)
        assert self.place.do(self.step.call, *values, key) == first, f"{self.name} repeated after moment {number}"
        assert tables(self.place.database) == settled, f"{self.name} repeated after moment {number}"
        if self.name == "migrate":
            assert [outcome for _, outcome in first] == ["moved"] * 3
        faults = check(self.place.database)
        assert faults == [], "\n".join(map(str, faults))


def some(listed: list[str], chance) -> list[int]:
    """A moment by chance, and both sides of the last commit."""
    last = max(n for n, what in enumerate(listed, 1) if what == COMMITTED)
    return sorted({chance.randint(1, last), last - 1, last})
