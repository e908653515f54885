"""What a step is measured against: bare commits with the driver and nothing else, on the step's own database, in turns with it.

`Floor` is the step-shaped commit: the rows of a real step, read back from its tables, into tables of the same columns, keys and
indexes, by the statements that the step itself writes with (its two reads are left out). `Lean` is the smaller commit that a
design without history, request ids and lists by centre would get by with: five rows, no index beside the keys. The bench prints
the rows and pages of each beside those of the step, and tests/engine/test_bench.py holds the floor to what a step writes.
"""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import nullcontext

import psycopg
import sqlalchemy as sa

from engine.tables import command, process_instance, timer, trace_event, user_task

TABLES = (process_instance, user_task, timer, trace_event, command)
CHANGED = ("state", "version", "tokens", "variables", "scopes", "ended_at", "chain_seq", "chain_hash")


def driver(url):
    """A connection of the bare driver that keeps every commit, as the step's own does."""
    if url.drivername.startswith("sqlite"):
        connection = sqlite3.connect(url.database, isolation_level=None)
        connection.executescript("pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on;")
        return connection
    return psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True)


class Bare:
    """A transaction of fixed statements on the bare driver."""

    pipelined = True  # on PostgreSQL: sent in one go, as the step sends what it writes

    def __init__(self, url):
        self.sqlite = url.drivername.startswith("sqlite")
        self.mark = "?" if self.sqlite else "%s"
        self.connection = driver(url)

    def write(self, statements) -> None:
        """All of them in one transaction; a statement with several rows is sent once for all of them."""
        connection = self.connection
        if self.sqlite:
            connection.execute("begin immediate")
            for statement, rows in statements:
                if len(rows) == 1:
                    connection.execute(statement, rows[0])
                else:
                    connection.executemany(statement, rows)
            connection.execute("commit")
            return
        with connection.transaction(), connection.pipeline() if self.pipelined else nullcontext():
            for statement, rows in statements:
                if len(rows) == 1:
                    connection.execute(statement, rows[0], prepare=True)
                else:
                    connection.cursor().executemany(statement, rows)

    def close(self) -> None:
        self.connection.close()


class Floor(Bare):
    """The step-shaped commit. `like`: a loop (tests.bench.steps) that has taken two steps at least."""

    def __init__(self, url, like):
        super().__init__(url)
        self._make_tables(like.engine.database)
        self._read_rows(like)
        mark = self.mark
        ended = f"state = 'completed', ended_at = {mark}, ended_by = {mark}, ended_how = {mark}"
        self.statements = [
            f"update floor_process_instance set {', '.join(f'{name} = {mark}' for name in CHANGED)} where id = {mark} and version = {mark}",
            f"update floor_user_task set {ended}, version = version + 1 where id = {mark}",
            self._insert(user_task),
            f"update floor_timer set state = 'cancelled', fired_at = null where id = {mark} and state = 'armed'",
            self._insert(timer), self._insert(trace_event), self._insert(command)]
        self.instances = itertools.count(1)
        self.fresh()

    def _make_tables(self, database) -> None:
        copies = sa.MetaData()
        for table in TABLES:
            copy = table.to_metadata(copies, name=f"floor_{table.name}")
            for named in (copy.primary_key, *copy.indexes):
                named.name = f"floor_{named.name}"
        copies.create_all(database)

    def _read_rows(self, like) -> None:
        """The newest two steps of the loop, as the database holds them: one of each of its two tasks."""
        mine = f"root_id = '{like.root}'"
        self.instance = self._rows(process_instance, f"id = '{like.root}'")[0]
        self.tasks = self._rows(user_task, f"{mine} order by id")[-2:]
        self.timers = self._rows(timer, f"{mine} order by id")[-2:]
        events = self._rows(trace_event, f"{mine} order by seq")
        begins = [n for n, event in enumerate(events) if event[_AT[trace_event]["kind"]] == "task-completed"][-2:]
        self.events = [events[begins[0]:begins[1]], events[begins[1]:]]
        self.answer = self._rows(command, f"request_id like '{like.root}-%'")[-1]
        self.now = self.instance[_AT[process_instance]["started_at"]]

    def _rows(self, table, where: str) -> list[list]:
        names = ", ".join(f'"{name}"' for name in _AT[table])
        return [list(row) for row in self.connection.execute(f"select {names} from {table.name} where {where}").fetchall()]

    def _insert(self, table) -> str:
        names = ", ".join(f'"{name}"' for name in _AT[table])
        return f"insert into floor_{table.name} ({names}) values ({', '.join([self.mark] * len(_AT[table]))})"

    def fresh(self) -> None:
        """A new instance with its first task and timer."""
        self.numbers, self.version, self.seq = itertools.count(1), 1, 0
        self.prefix = f"{next(self.instances):016x}"
        self.root = self._id()
        root = {"instance_id": self.root, "root_id": self.root}
        given = root | {"id": None, "state": "open", "version": 1, "ended_at": None, "ended_by": None, "ended_how": None}
        self.tasks = [_but(user_task, row, given) for row in self.tasks]
        self.timers = [_but(timer, row, root | {"id": None, "state": "armed"}) for row in self.timers]
        self.events = [[_but(trace_event, row, root) for row in events] for events in self.events]
        self.instance = _but(process_instance, self.instance, {"id": self.root, "root_id": self.root, "version": 1})
        self.changed = [self.instance[_AT[process_instance][name]] for name in CHANGED]
        self.task, self.timer = self._id(), self._id()
        self.write([(self._insert(process_instance), [self.instance]), (self.statements[2], [[self.task, *self.tasks[0][1:]]]),
                    (self.statements[4], [[self.timer, *self.timers[0][1:]]])])

    def _id(self) -> str:
        """As long as an id of the engine, and in order of time like those."""
        return f"{self.prefix}{next(self.numbers):016x}"

    def commit(self) -> None:
        """One bare step: the instance and its task change, a timer ends, the next ones begin, events and answer are added."""
        which, version, seq = self.version % 2, self.version, self.seq
        task, timer_id = self._id(), self._id()
        changed, events = self.changed, self.events[which]
        changed[1], changed[6] = version + 1, seq + len(events)
        for n, event in enumerate(events, seq + 1):
            event[1] = n
        self.write(zip(self.statements, (
            ((*changed, self.root, version),), ((self.now, "lin", "completed", self.task),), ((task, *self.tasks[which][1:]),),
            ((self.timer,),), ((timer_id, *self.timers[which][1:]),), events, ((f"{self.root}-{version}", *self.answer[1:]),)), strict=True))
        self.task, self.timer, self.version, self.seq = task, timer_id, version + 1, seq + len(events)


_AT = {table: {column.name: place for place, column in enumerate(table.columns)} for table in TABLES}


def _but(table, row: list, values: dict) -> list:
    return [values.get(name, row[place]) for name, place in _AT[table].items()]


class Lean(Bare):
    """Five rows: UPDATE of an instance (2 KB, version check), UPDATE and INSERT of a task, INSERT of one event, UPSERT of a timer."""

    TABLES = (
        "create table lean_instance (id integer primary key, ver integer, state {blob})",
        "create table lean_task (id integer primary key, inst integer, state text, body text)",
        "create table lean_audit (id integer primary key, inst integer, body text)",
        "create table lean_timer (id integer primary key, inst integer, due text)")
    STEP = (
        "update lean_instance set ver = ver + 1, state = {0} where id = {0} and ver = {0}",
        "update lean_task set state = 'done' where id = {0}",
        "insert into lean_task (id, inst, state, body) values ({0}, {0}, 'open', {0})",
        "insert into lean_audit (id, inst, body) values ({0}, {0}, {0})",
        "insert into lean_timer (id, inst, due) values ({0}, {0}, {0}) on conflict (id) do update set due = excluded.due")
    pipelined = False
    BLOB, BODY, AUDIT, INSTANCES = b"x" * 2048, "y" * 300, "z" * 600, 200

    def __init__(self, url):
        super().__init__(url)
        for statement in self.TABLES:
            self.connection.execute(statement.format(blob="blob" if self.sqlite else "bytea"))
        self.statements = [statement.format(self.mark) for statement in self.STEP]
        for n in range(self.INSTANCES):
            self.connection.execute(f"insert into lean_instance values ({self.mark}, 0, {self.mark})", (n, self.BLOB))
        self.numbers, self.versions = itertools.count(1), [0] * self.INSTANCES

    def commit(self) -> None:
        """One lean step."""
        n = next(self.numbers)
        i = n % self.INSTANCES
        rows = ((self.BLOB, i, self.versions[i]), (n - 1,), (n, i, self.BODY), (n, i, self.AUDIT), (i, i, "2026-11-25T12:00:00"))
        self.write([(statement, [row]) for statement, row in zip(self.statements, rows, strict=True)])
        self.versions[i] += 1
