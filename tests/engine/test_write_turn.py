"""The line in front of SQLite's write lock: it orders who waits, and never decides whether somebody may write."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa

from engine import write_turn
from engine.unit_of_work import unit_of_work
from engine.write_turn import WriteTurn

HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "w"); fcntl.flock(file, fcntl.LOCK_EX); print("held", flush=True); time.sleep(60)
"""


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "zhiban.db")


@pytest.fixture
def holder(path):
    """Another process that has the turn and stands still."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, f"{path}-turn"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def taken_after_end_of(process, turn: WriteTurn) -> bool:
    """Whether the turn came only when the other process was gone."""
    ended = threading.Event()

    def end() -> None:
        time.sleep(0.1)
        ended.set()
        process.kill()

    thread = threading.Thread(target=end)
    thread.start()
    with turn.taken():
        had_to_wait = ended.is_set()
    thread.join()
    return had_to_wait


def test_a_process_waits_for_another_and_goes_on_when_it_is_killed(path, holder, monkeypatch):
    monkeypatch.setattr(write_turn, "PATIENCE_SECONDS", 60)
    assert taken_after_end_of(holder, WriteTurn(path))


def test_who_has_waited_long_enough_goes_on_without_the_turn(path, holder, monkeypatch):
    monkeypatch.setattr(write_turn, "PATIENCE_SECONDS", 0.05)
    with WriteTurn(path).taken():
        assert holder.poll() is None  # still has it


def test_threads_of_a_process_take_turns(path):
    turn, inside, most = WriteTurn(path), [], []

    def write() -> None:
        for _ in range(50):
            with turn.taken():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=write) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(most) == 200 and max(most) == 1


def test_a_block_that_fails_gives_the_turn_back(path, monkeypatch):
    turn = WriteTurn(path)
    with pytest.raises(ValueError, match="in the middle"), turn.taken():
        raise ValueError("in the middle")
    monkeypatch.setattr(write_turn, "PATIENCE_SECONDS", 0)
    assert turn._thread.acquire(blocking=False)


def test_a_folder_without_room_for_the_file_stops_nobody(tmp_path):
    with WriteTurn(str(tmp_path / "missing" / "zhiban.db")).taken():
        pass


@pytest.mark.databases("sqlite")
def test_what_happens_after_the_commit_may_write_again(database, path):
    now = lambda: None  # noqa: E731 - the rows need no instant here
    written = []

    def again() -> None:
        with unit_of_work(database, now) as unit:
            written.append(unit.connection.execute(sa.text("select 1")).scalar())

    with unit_of_work(database, now) as unit:
        unit.after_commit(again)
    assert written == [1]


def test_a_process_that_writes_all_the_time_lets_another_in_between(path):
    greedy, other, done, waited = WriteTurn(path), WriteTurn(path), [], []
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            with greedy.taken():
                time.sleep(0.002)
            done.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(20):
        before = len(done)
        with other.taken():
            waited.append(len(done) - before)
    enough.set()
    thread.join()
    assert max(waited) <= 20, waited  # without the second file it is hundreds, until patience ends
