"""Move running instances to another version of their procedure, each in a transaction of its own, and take a move back.

What a move changes is kept in `instance_migration`, so it can be put back as long as nothing else has happened to the family.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.exc import OperationalError

from engine.commands.common import Result, finish, fire_overdue, remember, replay
from engine.errors import EngineError, NotFound, NotPossible
from engine.execution import Actor, Family, Running, lock_root, new_id, tell
from engine.history import Chain, Event
from engine.migration import Moved, differences, move, plan
from engine.tables import instance_migration, process_instance, subscription, timer, trace_event, user_task
from engine.unit_of_work import Unit, unit_of_work

log = logging.getLogger("zhiban.engine")

MIGRATED, UNDONE = "migrated", "migration-undone"


class _OnlyLooked(Exception):
    """Ends the transaction of a dry run, so that it leaves nothing."""


class _Batch:
    """One request to move instances to one version."""

    def __init__(self, engine, target, mapping: dict[str, str], actor: Actor, reason: str, request_id: str | None):
        self.engine, self.target, self.mapping, self.actor, self.reason = engine, target, mapping, actor, reason
        self.request_id = request_id
        self._differences: dict[str, tuple] = {}

    def differences(self, definition) -> tuple:
        """What changes for instances of this version; asked once per version."""
        if definition.hash not in self._differences:
            self._differences[definition.hash] = differences(definition, self.target, self.mapping)
        return self._differences[definition.hash]

    def key(self, instance_id: str) -> str | None:
        """The request id of one instance's move: the same when the whole request is repeated."""
        return hashlib.sha256(f"{self.request_id} {instance_id}".encode()).hexdigest() if self.request_id else None


def migrate(engine, ids: Iterable[str], target_hash: str, *, mapping: dict[str, str], actor: Actor, reason: str, dry_run: bool,
            request_id: str | None, per_second: float | None, pause: Callable[[float], None] = time.sleep) -> list[Moved]:
    """What came of each instance, in the order asked. See `Engine.migrate`."""
    if not reason.strip():
        raise NotPossible("Instances are moved with a reason. Say why, then send again.")
    with engine.database.connect() as connection:
        target = engine.catalogue.get(connection, target_hash)
    known = target.diagram.elements.keys() | target.diagram.flows.keys()
    if unknown := sorted(set(mapping.values()) - known):
        raise NotPossible(f"The new version has no {', '.join(unknown)}. Map to elements that it has.")
    batch, found = _Batch(engine, target, dict(mapping), actor, reason, request_id), []
    for number, id in enumerate(dict.fromkeys(ids)):
        if number and per_second and not dry_run:
            pause(1 / per_second)
        found.append(_one(batch, id, dry_run))
    return found


def _one(batch: _Batch, id: str, dry_run: bool) -> Moved:
    """The outcome of one instance; whatever fails is its own."""
    outcome = None
    try:
        with unit_of_work(batch.engine.database, batch.engine.clock.now) as unit:
            outcome = _asked(batch, unit, id) if not dry_run else _move(batch, unit, id)
            if dry_run:
                raise _OnlyLooked
        return outcome
    except _OnlyLooked:
        return outcome
    except EngineError as error:
        return Moved(id, "refused", str(error))
    except OperationalError:
        return Moved(id, "refused", "The database is busy. Send the same request again: what has moved stays moved.")
    except Exception as error:  # the domain's own fault, in a timer that was overdue: the others go on
        log.exception("instance %s could not be moved", id)
        return Moved(id, "refused", f"It failed on the way: {type(error).__name__}: {error}")


def _asked(batch: _Batch, unit: Unit, id: str) -> Moved:
    """The first answer to a repeated request, or the move. A refusal has done nothing, so a repeat tries again."""
    request_id = batch.key(id)
    if request_id:
        unit.lock_request(request_id)
    if (done := replay(unit, request_id, "migrate")) is not None:
        return Moved(id, done.data["outcome"], done.data["why"])
    outcome = _move(batch, unit, id)
    if outcome.outcome != "refused":
        remember(unit, request_id, "migrate", batch.actor, id, Result(id, data={"outcome": outcome.outcome, "why": outcome.why}))
    return outcome


def _move(batch: _Batch, unit: Unit, id: str) -> Moved:
    engine, target = batch.engine, batch.target
    row = unit.connection.execute(select(process_instance.c.root_id, process_instance.c.process_key).where(
        process_instance.c.id == id)).first()
    if row is None:
        return Moved(id, "refused", str(NotFound("Process instance", id)))
    if row.process_key != target.key:
        return Moved(id, "refused", f"It is an instance of {row.process_key}, the version is one of {target.key}.")
    family = _rested(engine, unit, row.root_id, batch.actor)
    running = family.member(id)
    if running.fields["state"] != "running":
        return Moved(id, "kept", f"It has {running.fields['state']}; what has happened stays on its version.")
    if running.definition.hash == target.hash:
        return Moved(id, "kept", f"It is on version {target.version} already.")
    changes, made = batch.differences(running.definition), plan(running, target, batch.mapping)
    if made.obstacles:
        return Moved(id, "refused", " ".join(dict.fromkeys(map(str, made.obstacles))), changes)
    _write(batch, unit, family, running, made)
    return Moved(id, "moved", "", changes)


def _rested(engine, unit: Unit, root_id: str, actor: Actor) -> Family:
    """The family under lock. Its overdue timers have fired under the version they were armed by, and that is written."""
    family = Family.lock(engine, unit.connection, unit.now, actor, root_id)
    if fire_overdue(family):
        finish(engine, unit, family, root_id)
        family = Family.lock(engine, unit.connection, unit.now, actor, root_id)
    return family


# --- writing -----------------------------------------------------------------------------------------------------------------

STATE = ("tokens", "variables", "scopes")
TASK = ("element_id", "name", "form", "clause", "definition_hash", "version")
TIMER = ("element_id", "target", "state")


def _write(batch: _Batch, unit: Unit, family: Family, running: Running, made) -> None:
    connection, target = unit.connection, batch.target
    before, first_seq = _rows_before(connection, running), family.chain.seq + 1
    after = move(family, running, target, made)
    before["new_timers"], before["new_subscriptions"] = sorted(family.new_timers), sorted(family.new_subscriptions)
    after.record(MIGRATED, None, **{"from": running.definition.hash, "to": target.hash, "from_version": running.definition.version,
                                    "to_version": target.version, "mapping": batch.mapping, "reason": batch.reason,
                                    "cancelled": [token.element.id for token in made.cancelled],
                                    "armed": [t.element.id for t in after.game.live() if running.game.token(t.key) is None]})
    family.save()
    connection.execute(update(process_instance).where(process_instance.c.id == running.id).values(definition_hash=target.hash))
    _name_rows(connection, before, after, running)
    connection.execute(insert(instance_migration).values(
        id=new_id(unit.now), root_id=family.chain.root_id, centre_id=running.fields["centre_id"], instance_id=running.id,
        process_key=running.fields["process_key"], from_hash=running.definition.hash, to_hash=target.hash,
        mapping=orjson.dumps(batch.mapping).decode(), actor=batch.actor.person, reason=batch.reason, at=unit.now, first_seq=first_seq,
        seq=family.chain.seq, before=orjson.dumps(before).decode(), undone_at=None, undone_by=None))
    batch.engine.publish(unit, family)


def _rows_before(connection: Connection, running: Running) -> dict[str, Any]:
    """What a move may change of an instance's rows, as it is stored."""
    row = connection.execute(select(*(process_instance.c[name] for name in STATE)).where(process_instance.c.id == running.id)).one()
    keys = [token.key for token in running.game.live()]
    return {"instance": {name: bytes(value).decode() if value is not None else None for name, value in zip(STATE, row, strict=True)},
            "tasks": _kept(connection, user_task, TASK, keys), "timers": _kept(connection, timer, TIMER, keys),
            "subscriptions": _kept(connection, subscription, tuple(subscription.columns.keys()), keys)}


def _kept(connection: Connection, table, names: tuple[str, ...], keys: list[str]) -> dict[str, dict]:
    """id -> these columns, of the rows of these tokens."""
    found: dict[str, dict] = {}
    for n in range(0, len(keys), 500):
        for row in connection.execute(select(table.c.id, *(table.c[name] for name in names if name != "id")).where(
                table.c.id.in_(keys[n:n + 500]))):
            found[row.id] = {str(name): row._mapping[name] for name in names}
    return found


def _name_rows(connection: Connection, before: dict, after: Running, running: Running) -> None:
    """Open tasks, timers and subscriptions carry the names of the element that their token stands on now."""
    for id, row in before["tasks"].items():
        element = after.game.token(id).element
        values = {"element_id": element.id, "name": element.name, "form": element.form, "clause": element.clause,
                  "definition_hash": after.definition.hash, "version": row["version"] + _other_form(running, row["form"], after, element)}
        connection.execute(update(user_task).where(user_task.c.id == id).values(**values))
    for table, rows in ((timer, before["timers"]), (subscription, before["subscriptions"])):
        for id, row in rows.items():
            token = after.game.token(id)
            if token is None:
                continue  # its event was taken away
            values = {"element_id": token.element.id} | ({"target": token.element.attached_to} if table is timer else {})
            if any(row[name] != value for name, value in values.items()):
                connection.execute(update(table).where(table.c.id == id).values(**values))


def _other_form(running: Running, form: str | None, after: Running, element) -> bool:
    """Whether a task asks otherwise now, so that whoever has it open sees a clash and not a surprise."""
    return running.definition.procedure.forms.get(form) != after.definition.procedure.forms.get(element.form)


# --- back again --------------------------------------------------------------------------------------------------------------

def unmigrate(engine, unit: Unit, instance_id: str, *, actor: Actor, reason: str) -> Result:
    """Every row that the newest move of this instance changed is as before; the trace tells the move and that it was undone."""
    if not reason.strip():
        raise NotPossible("A move is taken back with a reason. Say why, then send again.")
    root = lock_root(unit.connection, _newest(unit.connection, instance_id)["root_id"])
    kept = _newest(unit.connection, instance_id)  # as it is under the lock
    _nothing_since(unit.connection, kept)
    before = json.loads(kept["before"])
    _restore_rows(unit.connection, before)
    chain = _tell(unit, kept, root, actor, reason)
    connection, instance = unit.connection, before["instance"]
    end = {"chain_seq": chain.seq, "chain_hash": chain.last}
    connection.execute(update(process_instance).where(process_instance.c.id == instance_id).values(
        definition_hash=kept["from_hash"], tokens=instance["tokens"].encode(), variables=instance["variables"].encode(),
        scopes=instance["scopes"].encode() if instance["scopes"] is not None else None, version=process_instance.c.version - 1))
    back = 0 if root["id"] == instance_id else 1  # the root's own row was written with the move, for its chain
    connection.execute(update(process_instance).where(process_instance.c.id == root["id"]).values(
        version=process_instance.c.version - back, **end))
    connection.execute(update(instance_migration).where(instance_migration.c.id == kept["id"]).values(
        undone_at=unit.now, undone_by=actor.person))
    return Result(instance_id)


def _newest(connection: Connection, instance_id: str) -> dict:
    row = connection.execute(select(instance_migration).where(
        instance_migration.c.instance_id == instance_id, instance_migration.c.undone_at.is_(None))
        .order_by(instance_migration.c.seq.desc()).limit(1)).first()
    if row is None:
        raise NotFound("Move to undo of process instance", instance_id)
    return dict(row._mapping)


def _nothing_since(connection: Connection, kept: dict) -> None:
    """Nothing but moves of the family's members (and their undoing) has happened: those touch no row of this instance."""
    moves = select(instance_migration.c.id).where(
        instance_migration.c.root_id == trace_event.c.root_id, trace_event.c.seq >= instance_migration.c.first_seq,
        trace_event.c.seq <= instance_migration.c.seq).exists()
    event = connection.execute(select(trace_event.c.actor, trace_event.c.at, trace_event.c.kind).where(and_(
        trace_event.c.root_id == kept["root_id"], trace_event.c.seq > kept["seq"], trace_event.c.kind != UNDONE, ~moves))
        .order_by(trace_event.c.seq).limit(1)).first()
    if event is not None:
        raise NotPossible(f"Instance {kept['instance_id']} stays on its version: something happened since it was moved ({event.kind} by"
                          f" {event.actor} at {event.at:%Y-%m-%d %H:%M:%S}Z). Move it again, to the version you want.")


def _restore_rows(connection: Connection, before: dict) -> None:
    for table, new in ((timer, before["new_timers"]), (subscription, before["new_subscriptions"])):
        for n in range(0, len(new), 500):
            connection.execute(delete(table).where(table.c.id.in_(new[n:n + 500])))
    for table, rows in ((user_task, before["tasks"]), (timer, before["timers"])):
        for id, row in rows.items():
            connection.execute(update(table).where(table.c.id == id).values(**row))
    for id, row in before["subscriptions"].items():
        if not connection.execute(update(subscription).where(subscription.c.id == id).values(element_id=row["element_id"])).rowcount:
            connection.execute(insert(subscription).values(**row))


def _tell(unit: Unit, kept: dict, root: dict, actor: Actor, reason: str) -> Chain:
    """One more event: which of the events before it no longer hold."""
    chain = Chain(kept["root_id"], root["centre_id"], root["chain_seq"], root["chain_hash"])
    event = Event(UNDONE, kept["instance_id"], None, {
        "from": kept["to_hash"], "to": kept["from_hash"], "reason": reason, "moved_by": kept["actor"], "moved_at": kept["at"],
        "undone_from": kept["first_seq"], "undone_to": kept["seq"]})
    chain.add(event, unit.now, actor)
    tell(unit.connection, chain)
    unit.undone.append(event)
    return chain
