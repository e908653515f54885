"""Many at once: thousands of timers due at the same instant while a person works, and several processes that work side by side.

The other processes are real ones with connections of their own; this one is the person, or only counts. Surprise: a person's step
is followed by a pause, for nobody presses without one; the same steps with the same pause are measured in quiet before.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from engine.tables import timer, trace_event, user_task
from service import db
from tests.bench.clock import Turns, p95
from tests.bench.steps import Loop
from tests.bench.stored import Stored

TIMERS, WORKERS, SECONDS = 10_000, (1, 2, 4), 5
BATCH = 50  # as the clock process takes them
QUIET_STEPS, PAUSE_SECONDS = 200, 0.02
COMING_UP_SECONDS = 120

new_processes = multiprocessing.get_context("spawn")  # nothing is inherited: neither connections nor memory


@contextmanager
def beside(count: int, call: Callable, *values) -> Iterator[tuple]:
    """`count` processes that do `call(start, *values)`; gives them and the barrier `start` at which they and this one wait for
    each other. SystemExit where one fails.
    """
    start = new_processes.Barrier(count + 1)
    processes = [new_processes.Process(target=call, args=(start, *values)) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield processes, lambda: start.wait(COMING_UP_SECONDS)
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()
    if failed := [process.exitcode for process in processes if process.exitcode]:
        raise SystemExit(f"{call.__name__} ended with {failed}")


# --- timers -----------------------------------------------------------------------------------------------------------
def timers(url: str, count: int = TIMERS, quiet: int = QUIET_STEPS) -> dict[str, float]:
    """Seconds until all have fired and how late each was, ms of the person's steps; SystemExit unless each fired exactly once."""
    stored = Stored(url, count, finished=False)
    person = Loop(stored.database)
    alone, meanwhile = Turns(), Turns()
    for _ in range(quiet):
        _press(person, alone)
    with beside(1, sweep, url) as ((clock,), start):
        start()
        _now_due(stored)
        start()
        while clock.is_alive():
            _press(person, meanwhile)
    late = _lateness(stored, count)
    stored.close()
    return {"timers_seconds": max(late), "timers_per_second": count / max(late), "timers_late_p95": p95(late),
            "person_alone": alone.median, "person_alone_p95": alone.p95,
            "person_beside_timers": meanwhile.median, "person_beside_timers_p95": meanwhile.p95}


def sweep(start, url: str) -> None:
    """Fire what is due, in batches, until nothing is."""
    database = db.connect(url)
    engine = Loop(database).engine
    engine.fire_due(BATCH)
    start.wait(COMING_UP_SECONDS)
    start.wait(COMING_UP_SECONDS)
    while True:
        done = engine.fire_due(BATCH)
        if done.failed or done.next_due_at is None or done.next_due_at > engine.clock.now():
            return


def _press(person: Loop, turns: Turns) -> None:
    turns.take(person.step)
    time.sleep(PAUSE_SECONDS)


def _now_due(stored: Stored) -> None:
    with stored.database.begin() as connection:
        connection.execute(sa.update(timer).where(timer.c.state == "armed", timer.c.root_id.in_(_copies())).values(
            due_at=datetime.now(UTC)))


def _copies() -> sa.Select:
    return sa.select(user_task.c.root_id).where(user_task.c.business_key.like("copy-%"))


def _lateness(stored: Stored, count: int) -> list[float]:
    """Seconds from due to fired of each copy's timer. SystemExit where one did not fire, or twice, or led to no task or to two."""
    copies = trace_event.c.root_id.in_(_copies())
    with stored.database.connect() as connection:
        fired = connection.execute(sa.select(trace_event.c.root_id, sa.func.count()).where(
            trace_event.c.kind == "timer-fired", copies).group_by(trace_event.c.root_id)).all()
        tasks = connection.scalars(sa.select(user_task.c.root_id).where(user_task.c.element_id == "late")).all()
        rows = connection.execute(sa.select(timer.c.due_at, timer.c.fired_at).where(timer.c.state == "fired")).all()
    if {n for _, n in fired} != {1} or not len(fired) == len(rows) == len(tasks) == len(set(tasks)) == count:
        raise SystemExit(f"{count} timers were due; {len(rows)} have fired, of {len(fired)} instances at most"
                         f" {max((n for _, n in fired), default=0)} times each, and opened {len(tasks)} tasks")
    return [(row.fired_at - row.due_at).total_seconds() for row in rows]


# --- workers ----------------------------------------------------------------------------------------------------------
def workers(url: str, numbers: tuple[int, ...] = WORKERS, seconds: float = SECONDS) -> dict[str, float]:
    """Steps per second that so many processes make together, each on an instance of its own: `workers_2`."""
    database = db.connect(url)
    db.upgrade(database)
    Loop(database)
    database.dispose()
    return {f"workers_{number}": _together(url, number, seconds) for number in numbers}


def _together(url: str, number: int, seconds: float) -> float:
    made = new_processes.SimpleQueue()
    with beside(number, work, url, seconds, made) as (_, start):
        start()
    return sum(made.get() for _ in range(number)) / seconds


def work(start, url: str, seconds: float, made) -> None:
    """Complete steps of one instance for so long; puts how many into `made`."""
    loop = Loop(db.connect(url))
    for _ in range(20):
        loop.step()
    start.wait(COMING_UP_SECONDS)
    before, until = loop.steps, time.perf_counter() + seconds
    while time.perf_counter() < until:
        loop.step()
    made.put(loop.steps - before)


def show(kind: str, found: dict[str, float]) -> None:
    print(f"\n{kind}: timers due at once while a person works, ms of the person's step")
    print(f"  {'alone':25s} {found['person_alone']:9.2f}   p95 {found['person_alone_p95']:.2f}")
    print(f"  {'beside the timers':25s} {found['person_beside_timers']:9.2f}   p95 {found['person_beside_timers_p95']:.2f}")
    print(f"  all fired, each once, after {found['timers_seconds']:7.1f} s, {found['timers_per_second']:.0f} per second;"
          f" late by p95 {found['timers_late_p95']:.1f} s")
    print(f"\n{kind}: steps per second of several processes together")
    for name in found:
        if name.startswith("workers_"):
            print(f"  {name.removeprefix('workers_') + ' at work':25s} {found[name]:9.0f}", flush=True)
