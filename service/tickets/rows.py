"""Changing and adding rows by statements that are built once per set of columns: a step is the hot path.

Plain values only; what is computed from the row itself is Core's to say (`First` apart). Surprise: nothing here counts a
row's version up unless `bump` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.sql import Prepared


@dataclass(frozen=True, slots=True)
class First:
    """A value for a column that has none yet; what is there stays."""

    value: Any


def change(connection: Connection, table: sa.Table, id: int, values: dict[str, Any], *, bump: bool = False) -> None:
    """Set these columns of the row with this id; `bump` counts its version up."""
    _update(table, _shape(values), bump, False).run(connection, b_id=id, **_plain(values))


def changed(connection: Connection, table: sa.Table, id: int, values: dict[str, Any]) -> Any | None:
    """The same, and the row as it is then; None without one."""
    return _update(table, _shape(values), False, True).record(connection, b_id=id, **_plain(values))


def add(connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert whole rows: every column but the number that the database gives."""
    if rows:
        _insert(table).run_many(connection, rows)


def _shape(values: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
    return tuple((name, isinstance(value, First)) for name, value in values.items())


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, First) else value for name, value in values.items()}


@cache
def _update(table: sa.Table, shape: tuple[tuple[str, bool], ...], bump: bool, returning: bool) -> Prepared:
    changes: dict[str, Any] = {"version": table.c.version + 1} if bump else {}
    for name, first in shape:
        value = sa.bindparam(name, type_=table.c[name].type)
        changes[name] = sa.func.coalesce(table.c[name], value) if first else value
    statement = sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(changes)
    return Prepared(statement.returning(*table.c) if returning else statement)


@cache
def _insert(table: sa.Table) -> Prepared:
    return Prepared(sa.insert(table))
