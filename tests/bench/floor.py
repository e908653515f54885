"""The floor: a transaction shaped like a step, written with the bare driver and nothing else.

One UPDATE of an instance (2 KB, version check), one UPDATE and one INSERT of a task, one INSERT of an audit row (600 B), one
UPSERT of a timer. What a step costs is told as a multiple of this, measured in the same run on the same database.
"""

from __future__ import annotations

import itertools
import sqlite3

import psycopg

TABLES = """
create table floor_instance (id integer primary key, ver integer, state {blob});
create table floor_task (id integer primary key, inst integer, state text, body text);
create table floor_audit (id integer primary key, inst integer, body text);
create table floor_timer (id integer primary key, inst integer, due text);
"""
STEP = (
    "update floor_instance set ver = ver + 1, state = {0} where id = {0} and ver = {0}",
    "update floor_task set state = 'done' where id = {0}",
    "insert into floor_task (id, inst, state, body) values ({0}, {0}, 'open', {0})",
    "insert into floor_audit (id, inst, body) values ({0}, {0}, {0})",
    "insert into floor_timer (id, inst, due) values ({0}, {0}, {0}) on conflict (id) do update set due = excluded.due",
)
BLOB, BODY, AUDIT = b"x" * 2048, "y" * 300, "z" * 600
INSTANCES = 200


class Floor:
    """Bare step-shaped commits on one database."""

    def __init__(self, url):
        self.sqlite = url.drivername.startswith("sqlite")
        if self.sqlite:
            self.connection = sqlite3.connect(url.database, isolation_level=None)
            self.connection.executescript("pragma journal_mode=wal; pragma synchronous=full;")
            self.connection.executescript(TABLES.format(blob="blob"))
        else:
            self.connection = psycopg.connect(host=url.query["host"], user=url.username, dbname=url.database, autocommit=True)
            self.connection.execute(TABLES.format(blob="bytea"))
        mark = "?" if self.sqlite else "%s"
        self.step = [s.format(mark) for s in STEP]
        fill = f"insert into floor_instance values ({mark}, 0, {mark})"
        for n in range(INSTANCES):
            self.connection.execute(fill, (n, BLOB))
        self.numbers, self.versions = itertools.count(1), [0] * INSTANCES

    def commit(self) -> None:
        """One bare step."""
        n = next(self.numbers)
        i = n % INSTANCES
        values = ((BLOB, i, self.versions[i]), (n - 1,), (n, i, BODY), (n, i, AUDIT), (i, i, "2026-11-25T12:00:00"))
        if self.sqlite:
            self.connection.execute("begin immediate")
            for statement, row in zip(self.step, values, strict=True):
                self.connection.execute(statement, row)
            self.connection.execute("commit")
        else:
            with self.connection.transaction():
                for statement, row in zip(self.step, values, strict=True):
                    self.connection.execute(statement, row, prepare=True)
        self.versions[i] += 1

    def close(self) -> None:
        self.connection.close()
