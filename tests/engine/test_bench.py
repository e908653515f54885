"""The bench compares like with like: the bare commit writes what a step writes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from service import db
from tests.bench.floor import Floor, Lean
from tests.bench.pages import pages_written, rows_written
from tests.bench.steps import Loop


@pytest.fixture
def loop(tmp_path):
    database = db.connect(f"sqlite:///{tmp_path / 'bench.db'}")
    db.upgrade(database)
    loop = Loop(database)
    for _ in range(40):
        loop.step()
    yield loop
    database.dispose()


def test_the_floor_writes_the_rows_and_pages_of_a_step(loop):
    """Rows are the same; of pages the floor may have a little less, never more: it has no other instance beside it."""
    url = loop.engine.database.url
    floor, lean = Floor(url, loop), Lean(url)
    for _ in range(40):
        floor.commit()
    steps = rows_written(loop.engine.database, loop.step, 20), pages_written(url, loop.step, 20)
    bare = rows_written(floor.connection, floor.commit, 20), pages_written(url, floor.commit, 20)
    assert bare[0] == steps[0] and 0.85 * steps[1] < bare[1] <= 1.02 * steps[1]
    lean.commit()  # the first has no task before it
    assert rows_written(lean.connection, lean.commit, 20) == 5
    floor.close()
    lean.close()


def test_the_floor_goes_on_from_its_own_rows(loop):
    """Each commit finds the rows that the one before left: a statement that touches nothing would make the floor too low."""
    floor = Floor(loop.engine.database.url, loop)
    counts = []
    for _ in range(7):
        counts.append([floor.connection.execute(f"select count(*) from floor_{name}").fetchone()[0] for name in
                       ("process_instance", "user_task", "timer", "trace_event", "command")])
        floor.commit()
    added = {tuple(b - a for a, b in zip(one, two, strict=True)) for one, two in pairwise(counts)}
    assert added == {(0, 1, 1, 5, 1), (0, 1, 1, 6, 1)}
    ended = floor.connection.execute("select count(*) from floor_user_task where state = 'completed'").fetchone()[0]
    cancelled = floor.connection.execute("select count(*) from floor_timer where state = 'cancelled'").fetchone()[0]
    version, = floor.connection.execute("select version from floor_process_instance").fetchone()
    assert (ended, cancelled, version) == (7, 7, 8)
    floor.close()
