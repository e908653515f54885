"""Undo a completed task or a received message: every row as it was before, in one transaction, and one more event in the trace.

What the step told is withdrawn, for its notices have waited as long as it could be undone. The trace is never rewritten: it
tells the step, and then that it was undone. Surprise: restored are stored values, not objects, so the domain's own types and
defaults have no say in it.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from engine.commands.common import Result, remember, replay
from engine.errors import NotFound, StepFailed, TooLateToUndo
from engine.execution import Actor, lock_root, tell
from engine.history import Chain, Event
from engine.sql import Prepared
from engine.tables import command, outbox, process_instance, step_undo, subscription, timer, trace_event, user_task
from engine.undo import FORMAT, columns, fits, instant
from engine.unit_of_work import Unit


def undo(engine, unit: Unit, task_id: str, *, actor: Actor, request_id: str | None = None) -> Result:
    """All is as before, and the task open again (`task_id` may also be the step that a message was). Raises TooLateToUndo when its
    time is over, somebody acted on the instance since, something was told already, or an earlier release did the step; NotFound for a
    task that nobody has just completed.
    """
    if request_id:
        unit.lock_request(request_id)
    if (done := replay(unit, request_id, "undo")) is not None:
        return done
    kept = _kept(unit, task_id, actor)
    root = lock_root(unit.connection, kept["root_id"])
    kept = _kept(unit, task_id, actor)  # as it is under the lock: two may press at once
    _still_possible(unit, kept, root)
    before = _before(engine, kept)
    try:
        _restore_domain(engine, unit, kept, before)
    except IntegrityError as error:
        raise TooLateToUndo(task_id, kept["name"], "acted") from error
    _restore_engine(unit, kept, root, before, actor)
    _withdraw(unit, kept, before["notices"])
    unit.connection.execute(delete(step_undo).where(step_undo.c.task_id == task_id))
    message = before.get("message")
    opened = () if message else (task_id,)
    result = Result(kept["instance_id"], False, opened, data={"values": before["values"], "message": message})
    remember(unit, request_id, "undo", actor, task_id, result)
    return result


def _kept(unit: Unit, task_id: str, actor: Actor) -> dict:
    """What is kept of the step; only whoever did it gets it."""
    row = _KEPT.first(unit.connection, task_id=task_id)
    if row is None or row["actor"] != actor.person:
        raise NotFound("Step to undo of task", task_id)
    return row


def _still_possible(unit: Unit, kept: dict, root: dict) -> None:
    if root["chain_seq"] != kept["seq"]:
        event = unit.connection.execute(select(trace_event.c.actor, trace_event.c.at).where(
            trace_event.c.root_id == kept["root_id"], trace_event.c.seq == kept["seq"] + 1)).first()
        raise TooLateToUndo(kept["task_id"], kept["name"], "acted", *(event or ()))
    if unit.now >= kept["until_at"]:
        raise TooLateToUndo(kept["task_id"], kept["name"], "time")


def _before(engine, kept: dict) -> dict:
    """What the row holds, if this release wrote it and the domain's tables are as they were: it lives for seconds, and an upgrade may
    have come in between.
    """
    before = json.loads(kept["before"])
    found = [row[:2] for row in (*before["rows"], *json.loads(kept["after"]))]
    tables = {name: r.table for name, r in engine.memory.tables.items()}
    if before.get("format") != FORMAT or not all(fits(tables.get(what), row) for what, row in found):
        raise TooLateToUndo(kept["task_id"], kept["name"], "upgraded")
    return before


# --- the domain's rows -------------------------------------------------------------------------------------------------------


def _restore_domain(engine, unit: Unit, kept: dict, before: dict) -> None:
    """Take away the rows that the step added, children first; write back those it changed or removed."""
    tables = {name: r.table for name, r in engine.memory.tables.items()}
    was, left, ours = {}, {}, set()
    for what, row in before["rows"]:
        was[_key(tables[what], row)] = row
    for what, row, added in json.loads(kept["after"]):
        key = _key(tables[what], row)
        left[key] = row
        if added:
            ours.add(key)
    mine = ours - was.keys()
    changed = {key for key in was.keys() & left.keys() if was[key] != left[key]}
    if unit.connection.dialect.name == "postgresql":
        changed &= ours  # what another transaction has changed while the step ran stays as it is
    _untouched(engine, unit, kept, {key: left[key] for key in changed | mine})
    for name in reversed(tables):
        for key in sorted(k for k in mine if k[0] == name):
            _run(unit.connection, f'delete from "{name}" where {_where(tables[name])}', _keys(tables[name], left[key]))
    for key in sorted(changed):
        _write_back(unit.connection, tables[key[0]], was[key], _UPDATE)
    for key in sorted(was.keys() - left.keys()):
        _write_back(unit.connection, tables[key[0]], was[key], _INSERT)


def _untouched(engine, unit: Unit, kept: dict, rows: dict) -> None:
    """Nobody has changed what the step left, not even without a word in the trace."""
    if rows:
        tables = engine.memory.tables
        now = {_key(tables[r["what"]].table, r["row"]): r["row"] for r in engine.memory.now.all(unit.connection, root=kept["root_id"])}
        if any(now.get(key) != row for key, row in rows.items()):
            raise TooLateToUndo(kept["task_id"], kept["name"], "acted")


def _key(table: Table, row: str) -> tuple:
    values = columns(table, row)
    return (table.name, *(str(values[c.name]) for c in table.primary_key.columns))


def _keys(table: Table, row: str) -> dict[str, Any]:
    values = columns(table, row)
    return {f"key_{c.name}": values[c.name] for c in table.primary_key.columns}


def _where(table: Table) -> str:
    return " and ".join(f'"{c.name}" = :key_{c.name}' for c in table.primary_key.columns)


_UPDATE = ('update "{table}" set {assigned} where {where}',
           'update "{table}" set ({names}) = (select {names} from json_populate_record(null::"{table}", cast(:row as json))) where {where}')
_INSERT = ('insert into "{table}" ({names}) values ({binds})',
           'insert into "{table}" ({names}) select {names} from json_populate_record(null::"{table}", cast(:row as json))')


def _write_back(connection: Connection, table: Table, row: str, form: tuple[str, str]) -> None:
    names = [c.name for c in table.columns]
    sqlite = connection.dialect.name == "sqlite"
    sql = form[0 if sqlite else 1].replace("null::", "null\\:\\:").format(
        table=table.name, where=_where(table), names=", ".join(f'"{n}"' for n in names), binds=", ".join(f":{n}" for n in names),
        assigned=", ".join(f'"{n}" = :{n}' for n in names))
    keys = _keys(table, row) if ":key_" in sql else {}
    _run(connection, sql, keys | (columns(table, row) if sqlite else {"row": row}))


def _run(connection: Connection, sql: str, values: dict) -> None:
    """One row, no more and no less."""
    if connection.execute(text(sql), values).rowcount != 1:
        raise StepFailed(None, None, f"a row that an undo puts back is not there ({sql.split(' set ')[0]})", "conflict")


# --- the engine's rows -------------------------------------------------------------------------------------------------------


def _restore_engine(unit: Unit, kept: dict, root: dict, before: dict, actor: Actor) -> None:
    connection = unit.connection
    for table, ids in ((user_task, before["new_tasks"]), (timer, before["new_timers"]), (subscription, before["new_subscriptions"]),
                       (process_instance, before["new_instances"])):
        if ids:
            connection.execute(delete(table).where(table.c.id.in_(ids)))
    if before["subscriptions"]:
        connection.execute(insert(subscription), before["subscriptions"])
    for id, row in before["tasks"].items():
        _restore_task(connection, id, row)
    for id, row in before["timers"].items():
        _restore_timer(connection, id, row)
    chain = _tell_undone(unit, kept, root, actor)
    for id, row in before["instances"].items():
        more = {"chain_seq": chain.seq, "chain_hash": chain.last} if id == kept["root_id"] else {}
        found = connection.execute(update(process_instance).where(
            process_instance.c.id == id, process_instance.c.version == row["now"]).values(
            tokens=row["tokens"].encode(), variables=row["variables"].encode(), version=row["version"], state=row["state"],
            scopes=row["scopes"].encode() if row.get("scopes") else None,
            ended_at=instant(row["ended_at"]), **more))
        if found.rowcount != 1:
            raise StepFailed(id, None, "the instance was changed by somebody else in between", "conflict")


def _restore_task(connection: Connection, id: str, row: dict) -> None:
    values: dict[str, Any] = {"version": user_task.c.version - row["bumped"]}
    if row.get("ended"):
        values |= {"state": "open", "ended_at": None, "ended_by": None, "ended_how": None}
    if "due_at" in row:
        values["due_at"] = instant(row["due_at"])
    if "assignee" in row:
        values["assignee"] = row["assignee"]
    connection.execute(update(user_task).where(user_task.c.id == id).values(**values))


def _restore_timer(connection: Connection, id: str, row: dict) -> None:
    values: dict[str, Any] = {"state": "armed", "fired_at": None} if row.get("ended") else {}
    if "due_at" in row:
        values["due_at"] = instant(row["due_at"])
    if values:
        connection.execute(update(timer).where(timer.c.id == id).values(**values))


def _tell_undone(unit: Unit, kept: dict, root: dict, actor: Actor) -> Chain:
    """One more event: which of the events before it no longer hold."""
    chain = Chain(kept["root_id"], root["centre_id"], root["chain_seq"], root["chain_hash"])
    event = Event("step-undone", kept["instance_id"], kept["element_id"], {
        "task": kept["task_id"], "name": kept["name"], "done_by": kept["actor"], "done_at": kept["at"],
        "undone_from": kept["first_seq"], "undone_to": kept["seq"]})
    chain.add(event, unit.now, actor)
    tell(unit.connection, chain)
    unit.undone.append(event)
    return chain


def _withdraw(unit: Unit, kept: dict, keys: list[str]) -> None:
    """Nothing of the step leaves any more, and its request id answers that it was undone."""
    connection = unit.connection
    if keys:
        gone = connection.execute(delete(outbox).where(outbox.c.key.in_(keys), outbox.c.sent_at.is_(None))).rowcount
        if gone != len(keys):
            raise TooLateToUndo(kept["task_id"], kept["name"], "told")
    if kept["request_id"]:
        asked = command.c.request_id == kept["request_id"]
        answer = connection.execute(select(command.c.result).where(asked)).scalar()
        if answer is not None:
            result = orjson.dumps(json.loads(answer) | {"undone": True}).decode()
            connection.execute(update(command).where(asked).values(result=result))


_KEPT = Prepared(select(step_undo).where(step_undo.c.task_id == bindparam("task_id")))
