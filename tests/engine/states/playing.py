"""Saved states of a release: written from a database, loaded into another, played on to the end.

A file holds the rows of the engine's tables as they are stored, the instant of their clock, what is to happen first, and which
events that release then told until everything had ended.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import LargeBinary, Table, insert, select

from engine import tables
from engine.api import Actor, Scope
from engine.cycles import period
from engine.tables import Instant

HERE = Path(__file__).parent
LIN = Actor("lin")
SAVED = ("process_definition", "process_instance", "user_task", "timer", "subscription", "buffered_message", "start_timer", "trace_event",
         "incident", "instance_migration")
TABLES = {t.name: t for t in vars(tables).values() if isinstance(t, Table)}
ROUNDS = 200


def operations(registry) -> None:
    """The operations that the stories' diagrams call."""
    @registry.operation("note", inputs={"text": str}, outputs=("noted",))
    def note(step, *, text):
        """Gives the text back."""
        return {"noted": text}


def dump(connection) -> dict[str, list[dict]]:
    found = {}
    for name in SAVED:
        table = TABLES[name]
        rows = connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
        found[name] = [{c.name: _out(row[c.name]) for c in table.columns} for row in rows]
    return {name: rows for name, rows in found.items() if rows}


def _out(value):
    if isinstance(value, datetime):
        return value.isoformat()
    return bytes(value).decode() if isinstance(value, bytes | memoryview) else value


def load(connection, saved: dict[str, list[dict]]) -> None:
    """Insert the rows; what a table has got since the release takes its default, as at an upgrade."""
    for name, rows in saved.items():
        for row in rows:
            connection.execute(insert(TABLES[name]).values({key: _in(TABLES[name].c[key], value) for key, value in row.items()}))


def _in(column, value):
    if value is None:
        return None
    if isinstance(column.type, Instant):
        return datetime.fromisoformat(value)
    return value.encode() if isinstance(column.type, LargeBinary) else value


def write(path: Path, about: str, at: datetime, first: list, saved: dict, told: list) -> None:
    """One row a line, so that a change of a saved state would show."""
    head = {"about": about, "at": at.isoformat(), "first": first}
    lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    lines.append(' "tables": {')
    for n, (name, rows) in enumerate(saved.items()):
        inside = ",\n".join(f"   {json.dumps(row, ensure_ascii=False)}" for row in rows)
        lines.append(f'  {json.dumps(name)}: [\n{inside}\n  ]{"," if n < len(saved) - 1 else ""}')
    lines += [" },", f' "told": {json.dumps(told, ensure_ascii=False)}']
    path.write_text("{\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")


# --- playing on ---------------------------------------------------------------------------------------------------------------

def roots(engine, running: bool = False) -> list[str]:
    table = TABLES["process_instance"]
    statement = select(table.c.id).where(table.c.parent_id.is_(None)).order_by(table.c.id)
    with engine.database.connect() as connection:
        return list(connection.execute(statement.where(table.c.state == "running") if running else statement).scalars())


def told(engine) -> list:
    """[kind, element, how often] of every event so far."""
    counts = Counter((e["kind"], e["element"] or "") for root in roots(engine) for e in engine.trace(root))
    return sorted([*key, count] for key, count in counts.items())


def act(engine, what: str, value) -> None:
    """One thing that happens: a task done, a message, time that passes, variables, a procedure that starts."""
    if what == "complete":
        task = next(t for r in roots(engine, True) for t in engine.open_tasks(r) if t.element_id == value)
        engine.complete(task.id, {}, actor=LIN)
    elif what == "message":
        engine.correlate(value, "2026-1", actor=LIN)
    elif what == "time":
        passed = period(value)
        engine.clock.advance(timedelta(days=passed.days, seconds=passed.seconds))
    elif what == "set":
        engine.set_variables(roots(engine, True)[0], value, reason="story", actor=LIN)
    elif what == "start":
        engine.start(value, {}, business_key="2026-9", scope=Scope(1), actor=LIN)
    engine.fire_due(100)


def finish(engine) -> None:
    """Play until everything has ended: tasks, then messages, then time, then what makes conditions true and signals come."""
    for _ in range(ROUNDS):
        running = roots(engine, True)
        if not running:
            return
        act(engine, *_next(engine, running))
    raise AssertionError(f"{roots(engine, True)} did not end in {ROUNDS} rounds")


def _next(engine, running: list[str]) -> tuple[str, object]:
    tasks = sorted(t.element_id for r in running for t in engine.open_tasks(r))
    if tasks:
        return "complete", tasks[0]
    table = TABLES["subscription"]
    with engine.database.connect() as connection:
        waits = sorted(map(tuple, connection.execute(select(table.c.kind, table.c.message))))
    messages = [name for kind, name in waits if kind == "message"]
    if messages:
        return "message", messages[0]
    due = [t.due_at for r in running for t in engine.armed_timers(r)]
    if due:
        return "time", f"PT{max(0, int((min(due) - engine.clock.now()).total_seconds()))}S"
    return ("start", "alarm") if waits else ("set", {"so": True})
