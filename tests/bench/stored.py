"""Many stored instances: a step among 1,000 and among 100,000 others, and the copying that makes so many.

Two real instances are copied in the database, row by row, under ids of earlier times: ids begin with their time, so the copies lie
beside and between each other as if they had been started over two years. Surprise: they are no dummies. All ids of an original
begin with the same time, as its clock stood still; the copy replaces it in the tokens, too, so any copy can be stepped and fired.
Only the texts of a copy's trace name the original.
"""

from __future__ import annotations

import contextlib
import random
import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from engine.api import Actor
from engine.clock import FrozenClock
from engine.tables import command, process_instance, timer, trace_event, user_task
from service import db
from tests.bench.clock import Turns, take_turns
from tests.bench.steps import RESULT, Loop

NUMBERS = (1_000, 100_000)
MOST = 1.2  # times the step among few
APART = timedelta(minutes=10)  # the copies' beginnings
OPEN = (4, 5)  # of these, the other one is finished
STAMP = 12  # characters of an id that say its time
TABLES = {process_instance: "root_id = :root", user_task: "root_id = :root", timer: "root_id = :root", trace_event: "root_id = :root",
          command: "request_id like :root || '%'"}
IDS = {"id", "root_id", "instance_id", "subject", "request_id"}


class Stored:
    """A database with `count` instances of the loop: open ones with a task and an armed timer after two rounds, the others finished.

    `step()` completes the task of another open one each time.
    """

    def __init__(self, url: str, count: int, finished: bool = True):
        self.database = db.connect(url)
        db.upgrade(self.database)
        start = time.perf_counter()
        self.loop = Loop(self.database, FrozenClock(datetime.now(UTC)))
        self.loop.step()
        live = count * OPEN[0] // OPEN[1] if finished else count
        self.loop.step()
        copy(self.database, self.loop.root, live, first=1)
        if finished:
            self.loop.fresh()
            self.loop.step()
            self.loop.step("yes")
            copy(self.database, self.loop.root, count - live, first=live + 1)
        settle(self.database)
        self.engine = Loop(self.database).engine
        self.seconds = time.perf_counter() - start
        self.tasks = self._tasks()

    def _tasks(self) -> list[str]:
        with self.database.connect() as connection:
            found = list(connection.scalars(sa.select(user_task.c.id).where(user_task.c.state == "open").order_by(user_task.c.id)))
        random.Random(1).shuffle(found)
        return found

    def step(self) -> None:
        task = self.tasks.pop()
        self.engine.complete(task, RESULT, actor=Actor("lin"), request_id=f"{task}-step")

    def close(self) -> None:
        self.database.dispose()


def copy(database: sa.Engine, root: str, count: int, first: int) -> None:
    """`count` copies of all rows of an instance, in order of their ids."""
    sqlite = database.dialect.name == "sqlite"
    moment = f":begin - {int(APART.total_seconds() * 1000)} * series.n"
    stamp = f"printf('%012x', {moment})" if sqlite else f"lpad(to_hex({moment}), {STAMP}, '0')"
    text, blob = ("cast({} as text)", "cast({} as blob)") if sqlite else ("convert_from({}, 'UTF8')", "convert_to({}, 'UTF8')")

    def value(name: str) -> str:
        if name == "tokens":
            return blob.format(f"replace({text.format('tokens')}, :old, {stamp})")
        if name == "business_key":
            return "'copy-' || series.n"
        return f"replace({name}, :old, {stamp})" if name in IDS else f'"{name}"'

    values = {"root": root, "old": root[:STAMP], "begin": int(root[:STAMP], 16), "first": first, "last": first + count - 1}
    with database.begin() as connection:
        if not sqlite:
            connection.execute(sa.text("set local statement_timeout = 0"))
        for table, where in TABLES.items():
            names = [column.name for column in table.columns]
            connection.execute(sa.text(f"create temporary table original as select * from {table.name} where {where}"), {"root": root})
            connection.execute(sa.text(
                f"with recursive series(n) as (select cast(:last as bigint) union all select n - 1 from series where n > :first)"
                f" insert into {table.name} ({', '.join(names)})"
                f" select {', '.join(map(value, names))} from series cross join original"), values)
            connection.execute(sa.text("drop table original"))


def settle(database: sa.Engine) -> None:
    """Bring a filled database to rest: its log put away, its statistics taken."""
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.dialect.name == "sqlite":
            connection.execute(sa.text("pragma wal_checkpoint(truncate)"))
            return
        connection.execute(sa.text("set statement_timeout = 0"))
        connection.execute(sa.text("vacuum analyze"))
        connection.execute(sa.text("checkpoint"))


def measure(urls: list[str], steps: int, numbers: tuple[int, int] = NUMBERS) -> dict[str, float]:
    """ms of a step among few and among many, each in a database of its own, in turns; their ratio as `step_100k_to_1k`."""
    with contextlib.ExitStack() as stack:
        crowds = [stack.enter_context(contextlib.closing(Stored(url, count))) for url, count in zip(urls, numbers, strict=True)]
        few, many = Turns(), Turns()
        take_turns([(Turns(), crowd.step) for crowd in crowds], max(1, steps // 10))
        take_turns(list(zip((few, many), (crowd.step for crowd in crowds), strict=True)), steps)
    least, most = map(short, numbers)
    return {f"step_among_{least}": few.median, f"step_among_{most}": many.median, f"step_{most}_to_{least}": many.median / few.median,
            f"step_{most}_to_{least}_cpu": many.median_cpu / few.median_cpu, "fill_seconds": crowds[1].seconds}


def short(count: int) -> str:
    return f"{count // 1000}k" if count >= 1000 else str(count)


def show(kind: str, found: dict[str, float], numbers: tuple[int, int] = NUMBERS) -> None:
    few, many = map(short, numbers)
    ratio = found[f"step_{many}_to_{few}"]
    said = "at most" if ratio <= MOST else "ABOVE"
    print(f"\n{kind}: one step among stored instances, each of another one, ms (filled in {found['fill_seconds']:.0f} s)")
    print(f"  {f'among {numbers[0]:,}':25s} {found[f'step_among_{few}']:9.2f}")
    print(f"  {f'among {numbers[1]:,}':25s} {found[f'step_among_{many}']:9.2f}   {ratio:.2f}x, {said} {MOST}x;"
          f" CPU {found[f'step_{many}_to_{few}_cpu']:.2f}x", flush=True)
