"""Statements of the hot path: written with SQLAlchemy Core, compiled once per database kind, run on the driver.

Building and caching a Core statement costs several times what the driver needs to run it, and a step runs a dozen. So a
`Prepared` compiles its statement on first use and afterwards only converts values; the connection and its transaction stay
SQLAlchemy's, its statement events see nothing of it: `observers` does. Surprise: rows come back as plain dicts, and constants
stand in the text: given as parameters, SQLite would plan a statement that meets a partial index or LIKE anew each time.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager
from operator import itemgetter
from types import SimpleNamespace

from sqlalchemy import BindParameter, Connection, Insert, bindparam, literal_column
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.sql import Executable, visitors

_PLAIN = re.compile(r"[\w|%.-]*", re.ASCII)  # texts that stand in a statement as they are
TOO_LONG = "57014"  # PostgreSQL ended a statement at its time limit
observers: list[Callable[[str], None]] = []  # are told each statement's text; for counting in tests and for slow-query logs


class Prepared:
    """One statement with named parameters. `statement` may be a function of the dialect's name where databases differ."""

    def __init__(self, statement: Executable | Callable[[str], Executable]):
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def _for(self, connection: Connection) -> _Compiled:
        name = connection.dialect.name
        if name not in self._compiled:
            statement = self._statement(name) if callable(self._statement) and not isinstance(
                self._statement, Executable) else self._statement
            self._compiled[name] = _Compiled(statement, connection.dialect)
        return self._compiled[name]

    def run(self, connection: Connection, **values) -> int:
        """Run it; the number of rows it touched."""
        compiled = self._for(connection)
        return execute(connection, compiled.sql, compiled.bind(values)).rowcount

    def sent(self, connection: Connection, **values) -> Callable[[], int]:
        """Run it without waiting, inside `pipelined`; after it the result says how many rows it touched."""
        compiled = self._for(connection)
        cursor = execute(connection, compiled.sql, compiled.bind(values))
        return lambda: cursor.rowcount

    def asked(self, connection: Connection, **values) -> Callable[[], list[dict]]:
        """Run it without waiting, inside `pipelined`; after it the result gives the rows."""
        compiled = self._for(connection)
        cursor = execute(connection, compiled.sql, compiled.bind(values))
        if connection.dialect.name == "sqlite":
            rows = cursor.fetchall()  # a statement with rows to come would keep the transaction from ending
            return lambda: [compiled.row(r) for r in rows]
        return lambda: [compiled.row(r) for r in cursor.fetchall()]

    def run_many(self, connection: Connection, rows: list[dict]) -> None:
        compiled = self._for(connection)
        if len(rows) == 1:
            execute(connection, compiled.sql, compiled.bind(rows[0]))
        else:
            execute(connection, compiled.sql, [compiled.bind(row) for row in rows], many=True)

    def all(self, connection: Connection, **values) -> list[dict]:
        compiled = self._for(connection)
        return [compiled.row(r) for r in execute(connection, compiled.sql, compiled.bind(values)).fetchall()]

    def record(self, connection: Connection, **values) -> SimpleNamespace | None:
        """The first row with its columns as attributes."""
        row = self.first(connection, **values)
        return SimpleNamespace(**row) if row is not None else None

    def first(self, connection: Connection, **values) -> dict | None:
        rows = self.all(connection, **values)
        return rows[0] if rows else None


@contextmanager
def pipelined(connection: Connection):
    """Statements whose answers nobody waits for: PostgreSQL gets them in one go, SQLite one by one as ever."""
    if connection.dialect.name != "postgresql":
        yield
        return
    try:
        with connection.connection.driver_connection.pipeline():
            yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, None, error) from error


def _told(connection: Connection, sql: str | None, error: Exception) -> Exception:
    """The driver's error as SQLAlchemy's."""
    return DBAPIError.instance(sql, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True,
                               dialect=connection.dialect)


def execute(connection: Connection, sql: str, values=(), many: bool = False):
    """Run a statement on the connection's driver, inside its transaction; the driver's errors come as SQLAlchemy's."""
    try:
        return run(connection.connection.driver_connection, sql, values, many)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, sql, error) from error


def run(driver_connection, sql: str, values=(), many: bool = False):
    """Run a statement on a connection of the driver; gives its cursor, raises the driver's own errors."""
    for observer in observers:
        observer(sql)
    cursor = driver_connection.cursor()
    if many:
        cursor.executemany(sql, values)
    else:
        cursor.execute(sql, values)
    return cursor


def passing(error: Exception) -> bool:
    """Whether the database let somebody down for a reason that goes by (busy, away, full), not for the statement's own."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return isinstance(error, (DisconnectionError, TimeoutError))
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code & 0xFF != sqlite3.SQLITE_ERROR if code is not None else getattr(error.orig, "sqlstate", None) != TOO_LONG


class _Compiled:
    """A statement's text for one dialect with its value converters."""

    def __init__(self, statement: Executable, dialect):
        plain = isinstance(statement, Insert) and not statement._values  # an insert of whole rows
        names = [c.name for c in statement.table.columns if c is not statement.table.autoincrement_column] if plain else None
        compiled = _with_constants(statement).compile(dialect=dialect, column_keys=names,
                                                      compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        order = compiled.positiontup
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}
        self._names = tuple(order or compiled.params)
        self._by_position = order is not None
        self._pick = itemgetter(*self._names) if len(self._names) > 1 else lambda values: [values[n] for n in self._names]
        self._in = [(place if self._by_position else name, compiled._bind_processors[name])
                    for place, name in enumerate(self._names) if compiled._bind_processors.get(name)]
        out = [(c.keyname, c.type.dialect_impl(dialect).result_processor(dialect, None))
               for c in getattr(compiled, "_result_columns", ())]
        self._keys = [str(name) for name, _ in out]  # plain texts, which JSON wants as keys
        self._read = [(name, convert) for name, convert in out if convert is not None]

    def bind(self, values: dict):
        if self._constants:
            values = self._constants | values
        picked = self._pick(values)
        bound = list(picked) if self._by_position else dict(zip(self._names, picked, strict=True))
        for place, convert in self._in:
            bound[place] = convert(bound[place])
        return bound

    def row(self, values) -> dict:
        row = dict(zip(self._keys, values, strict=True))
        for name, convert in self._read:
            row[name] = convert(row[name])
        return row


def _with_constants(statement: Executable) -> Executable:
    """The statement with its fixed numbers and plain texts written out instead of bound."""
    def written(element, **_):
        if type(element) is not BindParameter or element.callable is not None:
            return None
        value = element.value
        if element.unique and (type(value) is int or type(value) is str and _PLAIN.fullmatch(value)):  # nobody gives it by name
            return literal_column(repr(value), element.type)
        return bindparam(element.key, None, type_=element.type) if element.required else None  # or IN (...) asks for its value now

    return visitors.replacement_traverse(statement, {}, written)
