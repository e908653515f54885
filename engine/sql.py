"""Statements of the hot path: written with SQLAlchemy Core, compiled once per database kind, run on the driver.

Building and caching a Core statement costs several times what the driver needs to run it, and a step runs a dozen. So a
`Prepared` compiles its statement on first use and afterwards only converts values; the connection and its transaction stay
SQLAlchemy's, its statement events see nothing of it: `observers` does. Surprise: rows come back as plain dicts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from types import SimpleNamespace

from sqlalchemy import Connection, Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable

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
        return _execute(connection, compiled.sql, compiled.bind(values)).rowcount

    def sent(self, connection: Connection, **values) -> Callable[[], int]:
        """Run it without waiting, inside `pipelined`; after it the result says how many rows it touched."""
        compiled = self._for(connection)
        cursor = _execute(connection, compiled.sql, compiled.bind(values))
        return lambda: cursor.rowcount

    def run_many(self, connection: Connection, rows: list[dict]) -> None:
        compiled = self._for(connection)
        if len(rows) == 1:
            _execute(connection, compiled.sql, compiled.bind(rows[0]))
        else:
            _execute(connection, compiled.sql, [compiled.bind(row) for row in rows], many=True)

    def all(self, connection: Connection, **values) -> list[dict]:
        compiled = self._for(connection)
        return [compiled.row(r) for r in _execute(connection, compiled.sql, compiled.bind(values)).fetchall()]

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


def _execute(connection: Connection, sql: str, values, many: bool = False):
    """Run a statement on the connection's driver, inside its transaction; the driver's errors come as SQLAlchemy's."""
    for observer in observers:
        observer(sql)
    cursor = connection.connection.driver_connection.cursor()
    try:
        if many:
            cursor.executemany(sql, values)
        else:
            cursor.execute(sql, values)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, sql, error) from error
    return cursor


class _Compiled:
    """A statement's text for one dialect with its value converters."""

    def __init__(self, statement: Executable, dialect):
        plain = isinstance(statement, Insert) and not statement._values  # an insert of whole rows
        names = [c.name for c in statement.table.columns if c.autoincrement is not True] if plain else None
        compiled = statement.compile(dialect=dialect, column_keys=names, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)
        order = compiled.positiontup
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}
        self._in = [(name, compiled._bind_processors.get(name)) for name in (order or compiled.params)]
        self._by_position = order is not None
        self._out = []
        for column in getattr(compiled, "_result_columns", ()):
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            self._out.append((column.keyname, convert))

    def bind(self, values: dict):
        values = self._constants | values if self._constants else values
        if self._by_position:
            return [values[name] if convert is None else convert(values[name]) for name, convert in self._in]
        return {name: values[name] if convert is None else convert(values[name]) for name, convert in self._in}

    def row(self, values) -> dict:
        return {name: convert(value) if convert is not None else value
                for (name, convert), value in zip(self._out, values, strict=True)}
