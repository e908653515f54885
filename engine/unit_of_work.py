"""One command, one transaction: everything a step changes is committed together or not at all.

A unit may be opened by the domain around several commands and its own changes. What must happen after the commit (listeners,
wake-ups) is registered with `after_commit` and does not happen on a rollback. Surprise: on SQLite a unit takes the write lock
at its start (BEGIN IMMEDIATE), so reading and writing are one; on PostgreSQL the commands lock the root instance's row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime

from sqlalchemy import Connection, Engine, PoolProxiedConnection, RootTransaction, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from engine.sql import run
from engine.write_turn import WriteTurn

_beginning = threading.local()  # `write`: the transaction that this thread begins now is a unit's
IDLE_TOO_LONG = "25P03"  # PostgreSQL ended the session of a process that stood still in a step


class Unit:
    """An open transaction with its instant. `now` is read once, so that all rows of a step carry the same time."""

    def __init__(self, connection: Connection, now: datetime):
        self.connection, self.now = connection, now
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self.started: set[str] = set()  # root instances that began in this unit
        self.kept = None  # the step that may be undone (engine.undo)
        self.undone: list = []  # events of steps that were undone here

    def before_commit(self, call: Callable[[], None]) -> None:
        """Call it last in the transaction, after everything that the unit's callers change."""
        self._before.append(call)

    def after_commit(self, call: Callable[[], None]) -> None:
        self._after.append(call)

    def lock_request(self, request_id: str) -> None:
        """Make a second request with the same id wait until this unit has ended (SQLite: the write lock does it)."""
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(text("select pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": request_id})


def prepare(database: Engine) -> Engine:
    """Make `database` begin transactions itself. Call once per engine; service.db does it."""
    if database.dialect.name == "sqlite":
        @event.listens_for(database, "connect")
        def _manual(dbapi_connection, _record):
            dbapi_connection.isolation_level = None

        if database.url.database not in (None, "", ":memory:"):
            database.write_turn = WriteTurn(database.url.database)
        database.dialect.do_begin = _begin  # not an event: an engine with listeners pays for them at every turn of a step
    return database


def _begin(connection: PoolProxiedConnection) -> None:
    run(connection.driver_connection, "BEGIN IMMEDIATE" if getattr(_beginning, "write", False) else "BEGIN")


def _begun(connection: Connection) -> RootTransaction:
    """The transaction of a unit. SQLAlchemy's own options for this would cost a step more than the statement does."""
    _beginning.write = True
    try:
        return connection.begin()
    finally:
        _beginning.write = False


def _turn(database: Engine) -> AbstractContextManager[None]:
    turn = getattr(database, "write_turn", None)
    return turn.taken() if turn else nullcontext()


@contextmanager
def unit_of_work(database: Engine, now: Callable[[], datetime]) -> Iterator[Unit]:
    """A unit that commits when the block ends and rolls back when it raises.

    Raises OperationalError where the database let it down (busy, gone, full): nothing was done, the same again may go.
    """
    try:
        with database.connect() as connection:
            with _turn(database), _begun(connection):
                unit = Unit(connection, now())
                yield unit
                for call in unit._before:
                    call()
            for call in unit._after:
                call()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != IDLE_TOO_LONG:
            raise
        raise OperationalError(error.statement, None, error.orig) from error  # psycopg calls it an internal error
