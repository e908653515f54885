"""What a file would do, worked out before anything is written: which rows are new, changed or as they are, which are bad.

The same plan is made for the preview and, inside the transaction, for applying; only a plan without bad rows is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.exchange.rules import Unreadable
from service.exchange.sheets import Fault, Line

T = TypeVar("T")
CHUNK = 2000


@dataclass(slots=True)
class Counts:
    """How many rows of the file are of which kind."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0


@dataclass(slots=True)
class Plan:
    """Counts, faults, and what is made besides the rows themselves (new floors, customers who move out, ...)."""

    counts: Counts = field(default_factory=Counts)
    faults: list[Fault] = field(default_factory=list)
    besides: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)

    def besides_too(self, what: str) -> None:
        self.besides[what] = self.besides.get(what, 0) + 1


class Reader:
    """Reads one row and collects what is wrong with it, so that a person sees all faults of a row at once."""

    def __init__(self, line: Line):
        self.line, self.faults = line, []

    def get(self, column: str, how: Callable[[str], T] = str, otherwise: Any = None) -> T | Any:
        """The value of a cell, `otherwise` for an empty or bad one."""
        text = self.line[column]
        if not text:
            return otherwise
        try:
            return how(text)
        except Unreadable as fault:
            self.fault(column, fault.rule, **fault.facts)
            return otherwise

    def needed(self, column: str, how: Callable[[str], T] = str) -> T | None:
        if not self.line[column]:
            self.fault(column, "missing")
        return self.get(column, how)

    def fault(self, column: str, rule: str, **facts: Any) -> None:
        self.faults.append(Fault(self.line.row, column, rule, facts))


def insert(session: Session, table: type, rows: list[dict[str, Any]]) -> list[int]:
    """Insert rows in bulk; their new ids in the same order."""
    if not rows:
        return []
    if session.connection().dialect.name == "sqlite":
        # One by one is the only order that SQLite returns ids in. The unit holds the write lock, so the next ids are ours.
        first = session.scalar(sa.select(sa.func.coalesce(sa.func.max(table.id), 0))) + 1
        ids = list(range(first, first + len(rows)))
        session.execute(sa.insert(table), [row | {"id": id} for row, id in zip(rows, ids, strict=True)])
        return ids
    return list(session.scalars(sa.insert(table).returning(table.id, sort_by_parameter_order=True), rows))


def update(session: Session, table: type, rows: list[dict[str, Any]]) -> None:
    """Update rows in bulk by their `id`, those with the same columns together."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        alike.setdefault(tuple(sorted(row)), []).append(row)
    for group in alike.values():
        session.execute(sa.update(table), group)


def chunks(rows: Iterable[T]) -> Iterable[list[T]]:
    rows = list(rows)
    return (rows[at : at + CHUNK] for at in range(0, len(rows), CHUNK))
