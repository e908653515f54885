"""What is kept of a completed task or a received message for as long as it may be undone: the state before it, in one row of `step_undo`.

Of the engine's own rows the step itself knows what it changed (events that wait no longer are read before they go); of the
domain's rows one statement reads those of the tables that the domain names before the step, and the statement that writes the
row reads them again after it. Surprise: the row is written just before the unit commits, so that what the domain changes in the
same transaction is part of the step; whatever cannot be put back exactly (another root touched, a timer armed anew) is not kept
at all, and such a step cannot be undone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
    union_all,
)

from engine.feel import to_json
from engine.sql import Prepared
from engine.tables import step_undo

FORMAT = 2  # of what `before` holds; a row of another release is not put back
ASSIGNED, RETIMED = ("task-assigned", "task-claimed"), ("task-retimed", "timer-retimed")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A table of the domain whose rows a step may change. `rows` tells which belong to a root instance (bindparam "root").

    `grows`: its rows are never changed, only added, so nothing has to be read before a step.
    """

    table: Table
    rows: ColumnElement[bool]
    grows: bool = False


class Memory:
    """The statements that read the domain's rows of one root instance, before and after a step."""

    def __init__(self, tables: Iterable[Remembered] = ()):
        self.tables = {r.table.name: r for r in tables}
        for r in self.tables.values():
            if any(isinstance(c.type, LargeBinary) for c in r.table.columns):
                raise ValueError(f"table {r.table.name} holds bytes, which an undo cannot keep")
            if not r.table.dialect_options["sqlite"]["with_rowid"]:
                raise ValueError(f"table {r.table.name} has no rowid on SQLite, so its new rows cannot be told")
        self.before = Prepared(self._before)
        self.keep = Prepared(self._keep)
        self.now = Prepared(lambda dialect: union_all(*(self._rows(r, dialect) for r in self.tables.values())))

    def _before(self, dialect: str):
        """Rows as they are, and on SQLite the last row of each table, so that new ones can be told."""
        parts = [self._rows(r, dialect) for r in self.tables.values() if not r.grows]
        if dialect == "sqlite":
            parts += [select(literal_column(f"'{_mark(r)}'").label("what"),
                             cast(func.coalesce(func.max(_rowid(r)), 0), Text).label("row")).select_from(r.table)
                      for r in self.tables.values()]
        return union_all(*parts)

    def _keep(self, dialect: str):
        """Write the row, with what stands in the domain's tables now."""
        given = {c.name: bindparam(f"v_{c.name}", type_=c.type) for c in step_undo.columns if c.name != "after"}
        return insert(step_undo).values(**given, after=self._after(dialect) if self.tables else literal_column("'[]'"))

    def _after(self, dialect: str):
        parts = []
        for r in self.tables.values():
            mine = _added(r, dialect)
            part = self._rows(r, dialect).add_columns(mine.label("mine"))
            parts.append(part.where(mine) if r.grows else part)
        rows = union_all(*parts).subquery("kept")
        if dialect == "sqlite":
            return select(func.json_group_array(func.json_array(rows.c.what, rows.c.row, rows.c.mine))).scalar_subquery()
        listed = func.json_agg(func.json_build_array(rows.c.what, rows.c.row, rows.c.mine))
        return select(func.coalesce(cast(listed, Text), "[]")).scalar_subquery()

    @staticmethod
    def _rows(r: Remembered, dialect: str):
        """(table, row as one text) of the rows of a root instance; the text holds what is stored, untouched."""
        if dialect == "sqlite":
            row = func.json_array(*r.table.columns).op("||")(literal_column("''"))
        else:
            row = cast(func.row_to_json(literal_column(f'"{r.table.name}"')), Text)
        return select(literal_column(f"'{r.table.name}'").label("what"), cast(row, Text).label("row")).select_from(r.table).where(r.rows)


def _mark(r: Remembered) -> str:
    return f"mark_{r.table.name}"


def _rowid(r: Remembered) -> ColumnElement:
    return literal_column(f'"{r.table.name}".rowid', Integer)


def _added(r: Remembered, dialect: str) -> ColumnElement[bool]:
    """Whether this transaction wrote the row: SQLite's write lock makes it alone, PostgreSQL's rows carry their transaction."""
    if dialect == "sqlite":
        return _rowid(r) > bindparam(_mark(r), type_=Integer)
    return literal_column(f'(cast(cast("{r.table.name}".xmin as text) as bigint) = (txid_current() & 4294967295))', Boolean)


# --- one step ----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Kept:
    """The step of a unit that may be undone, as it grows until the commit."""

    root_id: str
    head: dict[str, Any]
    marks: dict[str, int]
    before: dict[str, Any]
    exact: bool = True
    seq: int = 0
    known: dict[str, set] = field(default_factory=lambda: {"instances": set(), "tasks": set(), "timers": set(), "subscriptions": set()})

    def absorb(self, family) -> None:
        """Take in what a family of this unit has written. The first state of each row is the one that counts."""
        if family.chain.root_id != self.root_id:
            self.exact = False
            return
        self.seq = family.chain.seq
        self.before["notices"] += [notice.key for notice in family.notices]
        self._instances(family)
        for name, new, ended in (("tasks", family.new_tasks, family.ended_tasks), ("timers", family.new_timers, family.ended_timers)):
            self.known[name] |= new.keys()
            for id in ended:
                self._row(name, id, bumped=1, ended=True)
        self.before["subscriptions"] += [row for row in family.gone_subscriptions if row["id"] not in self.known["subscriptions"]]
        self.known["subscriptions"] |= family.new_subscriptions.keys()
        for id in family.retimed_tasks.keys() - family.ended_tasks.keys():
            self._row("tasks", id, bumped=1)
        for event in family.events:
            self._told(event)

    def _instances(self, family) -> None:
        for id in family.saved:
            if family.members[id].new:
                self.known["instances"].add(id)
            elif id not in self.known["instances"]:
                first = self.before["instances"].setdefault(id, dict(family.found[id]))
                first["now"] = family.members[id].fields["version"] + 1

    def _row(self, name: str, id: str, bumped: int = 0, **first) -> None:
        if id not in self.known[name]:
            row = self.before[name].setdefault(id, {"bumped": 0})
            row["bumped"] += bumped
            for key, value in first.items():
                row.setdefault(key, value)

    def _told(self, event) -> None:
        """What an event says of a row's value before: who had a task, when something was due."""
        if event.kind in ASSIGNED:
            self._row("tasks", event.body["task"], bumped=1, assignee=event.body["before"])
        elif event.kind in RETIMED:
            name = event.kind.partition("-")[0]
            id = event.body[name]
            if event.body["before"] is None and name == "timer" and id not in self.known["timers"]:
                self.exact = False  # its row was put away and is armed again: what it was is not known
            self._row(f"{name}s", id, due_at=event.body["before"])

    def row(self) -> dict[str, Any]:
        for name, ids in self.known.items():
            self.before[f"new_{name}"] = sorted(ids)
        values = self.head | {"seq": self.seq, "before": orjson.dumps(self.before).decode()}
        return {f"v_{name}": value for name, value in values.items()} | self.marks | {"root": self.root_id}


def begin(engine, unit, family, running, task: dict, values: dict, request_id: str | None, message: str | None = None) -> None:
    """From here on the unit's changes to this root are one step that may be undone. Nothing where undo is off.

    `message`: the step is not a task but what this message did; `task` then names the step, the event and the message.

    A root that began in this unit has nothing to go back to.
    """
    if not engine.undo_seconds or family.chain.root_id in unit.started:
        return
    wait = timedelta(seconds=engine.undo_seconds)
    family.hold_until = unit.now + wait
    if unit.kept is not None:
        unit.kept.exact = unit.kept.root_id == family.chain.root_id and unit.kept.exact
        return
    found = engine.memory.before.all(unit.connection, root=family.chain.root_id) if engine.memory.tables else []
    marks = {row["what"]: int(row["row"]) for row in found if row["what"].startswith("mark_")}
    rows = [[row["what"], row["row"]] for row in found if not row["what"].startswith("mark_")]
    head = {name: running.fields[name] for name in ("process_key", "business_key", "definition_hash")} | {
            "root_id": family.chain.root_id, "centre_id": family.chain.centre_id, "instance_id": running.id, "task_id": task["id"],
            "element_id": task["element_id"], "name": task["name"], "actor": family.actor.person, "at": unit.now,
            "until_at": family.hold_until, "first_seq": family.chain.seq + 1, "request_id": request_id}
    before = {"format": FORMAT, "rows": rows, "instances": {}, "tasks": {}, "timers": {}, "subscriptions": [], "notices": [], "values": to_json(values),
              "message": message}
    unit.kept = Kept(family.chain.root_id, head, marks, before)
    unit.before_commit(lambda: _keep(engine, unit))


def _keep(engine, unit) -> None:
    if unit.kept.exact:
        engine.memory.keep.run(unit.connection, **unit.kept.row())


def note(unit, family) -> None:
    """A family of this unit was written."""
    root = family.members.get(family.chain.root_id)
    if root is not None and root.new:
        unit.started.add(root.id)
    if unit.kept is not None:
        unit.kept.absorb(family)


def instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def fits(table: Table | None, row: str) -> bool:
    """Whether a row's text has the columns that its table has now."""
    values = json.loads(row)
    names = [c.name for c in table.columns] if table is not None else None
    return names is not None and (values.keys() == set(names) if isinstance(values, dict) else len(values) == len(names))


def columns(table: Table, row: str) -> dict[str, Any]:
    """The stored values of a row's text, by column."""
    values = json.loads(row)
    return values if isinstance(values, dict) else dict(zip((c.name for c in table.columns), values, strict=True))
