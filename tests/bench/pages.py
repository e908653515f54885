"""How much a commit writes: rows, and on SQLite pages of the write-ahead log, on PostgreSQL bytes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

HEADER, FRAME_HEADER = 32, 24


def rows_written(where, call: Callable[[], object], times: int) -> float:
    """Rows of one call, counted by SQLite. `where`: the connection that writes them, or an engine with only one."""
    connection = where if isinstance(where, sqlite3.Connection) else where.raw_connection().driver_connection
    before = connection.total_changes
    for _ in range(times):
        call()
    return (connection.total_changes - before) / times


def pages_written(url: sa.URL, call: Callable[[], object], times: int) -> float:
    """Pages that one call adds to the log of a SQLite database."""
    log = Path(f"{url.database}-wal")
    connection = sqlite3.connect(url.database, isolation_level=None)
    size = connection.execute("pragma page_size").fetchone()[0] + FRAME_HEADER
    found = 0
    for _ in range(times):
        connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        call()
        found += (log.stat().st_size - HEADER) // size
    connection.close()
    return found / times


def bytes_logged(database: sa.Engine, call: Callable[[], object], times: int) -> float:
    """Bytes that one call adds to PostgreSQL's log, pages written for the first time since a checkpoint left out."""
    with database.connect() as connection:
        connection.execute(sa.text("checkpoint"))
    for _ in range(times):
        call()
    before = _log_end(database)
    for _ in range(times):
        call()
    return (_log_end(database) - before) / times


def _log_end(database: sa.Engine) -> int:
    with database.connect() as connection:
        return int(connection.execute(sa.text("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")).scalar_one())
