"""The database: its engine, the mapped base class, sessions, and the schema steps.

SQLite by default (write-ahead log, full sync), PostgreSQL when one machine is not enough: the same code on both.
Surprise: on SQLite the driver's own BEGIN is switched off (engine.unit_of_work.prepare): reading begins with BEGIN, a
unit of work with BEGIN IMMEDIATE, which takes the single write lock before anything is read. So change things only
inside a unit.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import select
import sqlite3
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase

from engine import tables
from engine.unit_of_work import prepare

SQLITE_BUSY_MILLISECONDS = 10_000
# Compiling a query (jit) gains nothing where every query reads a few rows by index: taking turns on a busy machine, a
# search for a frequent pair of characters among 100,000 tickets took 54 ms with it and 22 ms without.
POSTGRESQL_OPTIONS = (
    "-c lock_timeout=5s -c idle_in_transaction_session_timeout=15s -c statement_timeout=10s -c timezone=UTC -c jit=off"
)
PREPARED = 300  # statements that the server keeps ready per connection; a page's and a step's are some fifty
GIVEN_UP = {"40001", "40P01"}  # serialization failure, deadlock
CAME_SECOND = {"23505"}  # a row that two found missing; on SQLite writers go one by one
DISK_FULL = {"53100"}
SQLITE_DISK_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}


def goes_again(error: sa.exc.DBAPIError) -> bool:
    """Whether this transaction failed for another's sake (F20): nothing was done, and the same again sees what the other did."""
    return getattr(error.orig, "sqlstate", None) in GIVEN_UP | CAME_SECOND


def disk_is_full(error: sa.exc.DBAPIError) -> bool:
    """Whether there was no room for what was to be written (F9): nothing was done, and the same again fails, too."""
    return (
        getattr(error.orig, "sqlstate", None) in DISK_FULL
        or getattr(error.orig, "sqlite_errorcode", None) in SQLITE_DISK_FULL
    )


class Base(DeclarativeBase):
    """Mapped classes share the engine's metadata: one schema, one set of migrations."""

    metadata = tables.metadata
    type_annotation_map: ClassVar[dict] = {datetime: tables.Instant(), dict[str, Any]: sa.JSON(), list[Any]: sa.JSON()}


def choice(kind: type[StrEnum]) -> sa.Enum:
    """The column type for an enum: its values as text, so that a dump reads well and no type is altered later."""
    return sa.Enum(
        kind, native_enum=False, length=24, create_constraint=False, values_callable=lambda k: [m.value for m in k]
    )


def connect(url: str) -> sa.Engine:
    """The database at `url`. Makes the folder of a SQLite file; opens nothing yet."""
    address = sa.engine.make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        database = sa.create_engine(
            address,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            pool_use_lifo=True,  # the connection that has prepared most
            hide_parameters=True,  # what people typed has no place in the log
            connect_args={"options": POSTGRESQL_OPTIONS},
        )
        database.dialect.do_ping = _ping(database.dialect.do_ping)
        database.dialect.do_rollback = _rollback(database.dialect.do_rollback)
        event.listen(database, "connect", _postgresql_connected)
        return database
    raise ValueError(
        f"{address.get_backend_name()} is no database that Zhiban runs on; use sqlite:/// or postgresql://"
    )


def _ping(ask: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a connection of the pool still lives. A server that ended it has said so: then something lies in the socket, and
    only then is it worth a question to the server.
    """

    def alive(connection: Any) -> bool:
        if connection.closed:
            return ask(connection)
        socket = select.poll()
        socket.register(connection.fileno(), select.POLLIN)
        return ask(connection) if socket.poll(0) else True

    return alive


def _rollback(ask: Callable[[Any], None]) -> Callable[[Any], None]:
    """A rollback after which the server still knows the statements that it has prepared. The driver forgets them, as tables may have
    gone with the transaction; here they never do, and as every reading ends with a rollback the server planned everything anew.
    """

    def roll_back(connection: Any) -> None:
        line = connection.pgconn
        plain = line.status == ConnStatus.OK and line.pipeline_status == PipelineStatus.OFF
        if not (plain and line.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)):
            return ask(connection)
        if line.exec_(b"ROLLBACK").status != ExecStatus.COMMAND_OK:
            return ask(connection)  # and its error says why
        return None

    return roll_back


def _postgresql_connected(connection: Any, _record) -> None:
    connection.prepared_max = PREPARED


def _sqlite(address: sa.URL) -> sa.Engine:
    memory = address.database in (None, "", ":memory:")
    if not memory:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    database = sa.create_engine(
        address,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_MILLISECONDS / 1000, "check_same_thread": False},
        poolclass=sa.pool.StaticPool if memory else None,
    )
    event.listen(database, "connect", _sqlite_connected)
    return prepare(database)


def _sqlite_connected(connection: sqlite3.Connection, _record) -> None:
    connection.isolation_level = None  # a pragma inside the driver's own transaction would be lost
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {SQLITE_BUSY_MILLISECONDS}",
        "foreign_keys = ON",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def import_models() -> None:
    """Import every `models` module of the domain, so that the metadata is complete. Packages are discovered."""
    import service

    for module in pkgutil.iter_modules(service.__path__, "service."):
        if module.ispkg:
            _import_if_there(f"{module.name}.models")


def _import_if_there(name: str) -> None:
    if importlib.util.find_spec(name) is not None:
        importlib.import_module(name)


def upgrade(database: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`. One transaction per step; running it again changes nothing."""
    from alembic import command

    with database.begin() as connection:
        command.upgrade(_alembic(connection), revision)


def revision_of(database: sa.Engine) -> str | None:
    """The schema step that the database stands at, None for an empty database."""
    from alembic.runtime.migration import MigrationContext

    with database.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic(None)).get_current_head()


def _alembic(connection: sa.Connection | None):
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def insert_or_leave(connection: Any, table: sa.Table | type, rows: list[dict], keys: list[str]) -> None:
    """Insert the rows whose `keys` are not there yet, on both databases; the others stay as they are."""
    if rows:
        connection.execute(upserting(connection, table).on_conflict_do_nothing(index_elements=keys), rows)


def upserting(connection: Any, table: sa.Table | type):
    """An INSERT of this database that knows `on_conflict_do_nothing` and `on_conflict_do_update`; takes a session or
    the name of a dialect, too.
    """
    if isinstance(connection, str):
        name = connection
    else:
        name = (connection.dialect if isinstance(connection, sa.Connection) else connection.get_bind().dialect).name
    return importlib.import_module(f"sqlalchemy.dialects.{name}").insert(table)
