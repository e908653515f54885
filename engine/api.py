"""`Engine`: everything the engine can be asked, and the parts it is given at start-up.

The domain gives it a database, a clock, its operations and its FEEL functions; the engine knows nothing else of it. Every
command may join a unit of work that the caller has opened, or makes one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import orjson
import sqlalchemy
from sqlalchemy import bindparam, delete, select

from engine import history, incidents, messages, starting
from engine.catalogue import Catalogue
from engine.checks import check
from engine.clock import Clock, SystemClock
from engine.commands.assign import assign, claim
from engine.commands.cancel import cancel
from engine.commands.common import Result, replay
from engine.commands.complete import complete
from engine.commands.correlate import correlate
from engine.commands.deliver import send
from engine.commands.migrate import migrate, unmigrate
from engine.commands.resolve import resolve
from engine.commands.retime import retime, retime_element
from engine.commands.retry import retry
from engine.commands.start import start
from engine.commands.undo import undo
from engine.commands.variables import set_variables
from engine.errors import DefinitionRefused, NotFound, NotPossible, StepFailed
from engine.execution import SYSTEM, Actor, Family, Scope, new_id
from engine.expressions import Expressions
from engine.feel import Feel, Function, from_json
from engine.migration import Moved
from engine.operations import Registry
from engine.sql import Prepared, passing
from engine.sweep import Sweep, sweep
from engine.tables import process_instance, step_undo, timer, user_task
from engine.undo import Memory, Remembered, note
from engine.unit_of_work import Unit, unit_of_work

__all__ = ["SYSTEM", "Actor", "Deployed", "Engine", "Moved", "Result", "Scope", "Sweep", "new_id"]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A procedure in force. `changed` is False when the same content already was."""

    key: str
    hash: str
    version: int
    changed: bool


Reader = Unit | sqlalchemy.Connection | None  # where to read: in a unit, beside what the caller reads, on a connection of its own


class Engine:
    """Runs process definitions on one database."""

    def __init__(self, database: sqlalchemy.Engine, *, clock: Clock | None = None, operations: Registry | None = None,
                 functions: Iterable[Function] = (), roles: Iterable[str] = (), listeners: Iterable[Callable] = (),
                 feel: Feel | None = None, undo_seconds: int = 0, undo_tables: Iterable[Remembered] = (), zone: tzinfo = UTC,
                 scopes: Callable[[sqlalchemy.Connection], Iterable[Scope]] = lambda connection: ()):
        """zone: by whose calendar cycles count days and months. scopes: where procedures with a start timer begin."""
        self.database, self.clock = database, clock or SystemClock()
        self.operations = operations or Registry()
        self.functions = {f.name: f for f in functions}
        self.feel = feel or Feel(self.functions)
        self.expressions = Expressions(self.feel)
        self.roles = frozenset(roles)
        self.listeners = list(listeners)
        self.zone, self.scopes = zone, scopes
        self.undo_seconds, self.memory = undo_seconds, Memory(undo_tables)
        self.catalogue = Catalogue(self.operations, self.feel)

    # ---- units -----------------------------------------------------------------------------------------------------
    @contextmanager
    def unit(self, joined: Unit | None = None):
        """A unit of work; the one given, if any. A step that fails in its own unit leaves an incident behind."""
        if joined is not None:
            yield joined
            return
        try:
            with unit_of_work(self.database, self.clock.now) as unit:
                yield unit
        except Exception as error:
            self._note_failure(error)
            raise

    def _note_failure(self, error: Exception) -> None:
        """Open the incident of a failed step, if its family is stored (a failed start leaves nothing). What failed may have been a
        timer that was due before it: that one is put off, and the step can be sent again.
        """
        if (timer_id := getattr(error, "timer_id", None)) is not None and not passing(error):
            with unit_of_work(self.database, self.clock.now) as unit:
                incidents.put_off(unit.connection, unit.now, timer, timer_id, error)
        elif isinstance(error, StepFailed) and error.instance_id is not None and error.kind != "conflict":
            with unit_of_work(self.database, self.clock.now) as unit:
                if root := incidents.stored_root(unit.connection, error):
                    incidents.record(unit.connection, unit.now, error, root, {"command": "step", "reason": error.reason})

    def publish(self, unit: Unit, family) -> None:
        """Tell the listeners of a family's new events, once they are committed. Every command ends with it."""
        note(unit, family)
        events = list(family.events)
        if events and self.listeners:
            unit.after_commit(lambda: [listener(events) for listener in self.listeners])

    # ---- definitions -----------------------------------------------------------------------------------------------
    def check(self, procedure, known: Iterable = ()) -> list:
        """Every fault of a procedure, warnings included. `known`: procedures that are deployed together with it."""
        with self.database.connect() as connection:
            in_force = {key: self.catalogue.in_force(connection, key).procedure for key in self.catalogue.keys(connection)}
        return check(procedure, operations=self.operations, functions=self.functions, roles=self.roles,
                     known_processes=in_force | {p.key: p for p in known} | {procedure.key: procedure})

    def deploy(self, procedure, actor: Actor = SYSTEM, unit: Unit | None = None, known: Iterable = (),
               if_new: bool = False) -> Deployed:
        """Check a procedure and put it in force; running instances stay on theirs. Raises DefinitionRefused.

        `if_new`: only if this content was never deployed; so an installation may offer its shipped edition at every start
        without undoing what its owner changed.
        """
        faults = [f for f in self.check(procedure, known) if not f.warning]
        if faults:
            raise DefinitionRefused(faults)
        with self.unit(unit) as unit:
            version, changed = self.catalogue.put(unit.connection, procedure, unit.now, actor.person, if_new)
            if changed:
                starting.arm(self, unit, deployed=procedure.key)
        return Deployed(procedure.key, procedure.hash, version, changed)

    # ---- commands --------------------------------------------------------------------------------------------------
    def start(self, key: str, variables: dict, *, business_key: str, scope: Scope, actor: Actor,
              request_id: str | None = None, unit: Unit | None = None, instance_id: str | None = None) -> Result:
        """Start the version of `key` in force. `instance_id`: of `new_id`, where the caller has written it down before. Raises
        NotFound, StepFailed.
        """
        with self.unit(unit) as unit:
            return start(self, unit, key, variables, business_key=business_key, scope=scope, actor=actor, request_id=request_id,
                         instance_id=instance_id)

    def complete(self, task_id: str, values: dict, *, actor: Actor, seen: int | None = None, request_id: str | None = None,
                 unit: Unit | None = None) -> Result:
        """Complete a user task. Raises NotFound, TaskNotOpen, VersionClash, FormInvalid, StepFailed."""
        with self.unit(unit) as unit:
            return complete(self, unit, task_id, values, actor=actor, seen=seen, request_id=request_id)

    def undo(self, task_id: str, *, actor: Actor, request_id: str | None = None, unit: Unit | None = None) -> Result:
        """Put everything back as it was before this task was completed, for `undo_seconds` after it. Raises NotFound,
        TooLateToUndo.
        """
        with self.unit(unit) as unit:
            result = undo(self, unit, task_id, actor=actor, request_id=request_id)
            self._publish_undone(unit)
            return result

    def _publish_undone(self, unit: Unit) -> None:
        if unit.undone and self.listeners:
            events = list(unit.undone)
            unit.after_commit(lambda: [listener(events) for listener in self.listeners])

    def claim(self, task_id: str, *, actor: Actor, unit: Unit | None = None) -> Result:
        with self.unit(unit) as unit:
            return claim(self, unit, task_id, actor=actor)

    def assign(self, task_id: str, person: str | None, *, actor: Actor, reason: str | None = None,
               unit: Unit | None = None) -> Result:
        with self.unit(unit) as unit:
            return assign(self, unit, task_id, person, actor=actor, reason=reason)

    def correlate(self, message: str, key: str, variables: dict | None = None, *, actor: Actor, request_id: str | None = None,
                  instance_id: str | None = None, unit: Unit | None = None) -> Result:
        """Deliver a message by name and key. Raises NotPossible if nothing waits for it."""
        with self.unit(unit) as unit:
            return correlate(self, unit, message, key, variables or {}, actor=actor, request_id=request_id,
                             instance_id=instance_id)

    def send(self, message: str, key: str, variables: dict | None = None, *, scope: Scope, actor: Actor,
             live_for: timedelta = messages.TIME_TO_LIVE, request_id: str | None = None, unit: Unit | None = None) -> Result:
        """Keep a message for whoever waits for it now or within `live_for`; it is delivered once, by the clock's next sweep."""
        with self.unit(unit) as unit:
            return send(self, unit, message, key, variables or {}, scope=scope, actor=actor, live_for=live_for,
                        request_id=request_id)

    def retime(self, timer_id: str, due_at: datetime, *, reason: str, actor: Actor, unit: Unit | None = None) -> Result:
        with self.unit(unit) as unit:
            return retime(self, unit, timer_id, due_at, reason=reason, actor=actor)

    def retime_element(self, root_id: str, element_id: str, due_at: datetime, *, reason: str, actor: Actor,
                       unit: Unit | None = None, only: Collection[str] | None = None) -> int:
        """`only`: ids of the timers and tasks that are meant, where the element waits more than once."""
        with self.unit(unit) as unit:
            return retime_element(self, unit, root_id, element_id, due_at, reason=reason, actor=actor, only=only)

    def set_variables(self, instance_id: str, values: dict, *, reason: str, actor: Actor, unit: Unit | None = None,
                      follow: Collection[str] = ()) -> Result:
        """Change variables of a running instance; the trace keeps names, before, after and reason.

        `follow`: names of those whose deadlines, as the diagram makes them, move, are put away or armed along with them.
        """
        with self.unit(unit) as unit:
            return set_variables(self, unit, instance_id, values, reason=reason, actor=actor, following=follow)

    def cancel(self, instance_id: str, *, reason: str, actor: Actor, unit: Unit | None = None) -> Result:
        with self.unit(unit) as unit:
            return cancel(self, unit, instance_id, reason=reason, actor=actor)

    def migrate(self, ids: Iterable[str], target_hash: str, *, mapping: Mapping[str, str] | None = None, actor: Actor, reason: str,
                dry_run: bool = False, request_id: str | None = None, per_second: float | None = None) -> list[Moved]:
        """Move running instances (called ones too) to another version of their procedure; what came of each, in the order asked.

        Each has a transaction of its own: one that is refused or fails stops no other, and sent again those that have moved are
        kept. `mapping`: old element id -> new one where an element has another id now. `dry_run` answers the same and leaves
        nothing. `per_second`: at most so many. Raises NotFound for an unknown version, NotPossible without a reason or where
        the version lacks a mapped element.
        """
        return migrate(self, ids, target_hash, mapping=dict(mapping or {}), actor=actor, reason=reason, dry_run=dry_run,
                       request_id=request_id, per_second=per_second)

    def unmigrate(self, instance_id: str, *, actor: Actor, reason: str, unit: Unit | None = None) -> Result:
        """Put an instance back where it was before its newest move. Raises NotFound without one, NotPossible once anything else
        happened to its family.
        """
        with self.unit(unit) as unit:
            result = unmigrate(self, unit, instance_id, actor=actor, reason=reason)
            self._publish_undone(unit)
            return result

    def undoable(self, person: str, unit: Unit | None = None):
        """The newest step of a person that may still be undone, unless somebody acted since; None without one."""
        with self._reading(unit) as connection:
            return connection.execute(select(step_undo).join(
                process_instance, (process_instance.c.id == step_undo.c.root_id) & (process_instance.c.chain_seq == step_undo.c.seq))
                .where(step_undo.c.actor == person, step_undo.c.until_at > self.clock.now())
                .order_by(step_undo.c.until_at.desc(), step_undo.c.at.desc()).limit(1)).first()

    def forget_undo(self) -> int:
        """Drop what can no longer be undone; how many steps."""
        with self.unit() as unit:
            return unit.connection.execute(delete(step_undo).where(step_undo.c.until_at <= unit.now)).rowcount

    def replayed(self, unit: Unit, request_id: str | None, name: str = "start") -> Result | None:
        """The first answer to a repeated request; also makes parallel repeats wait for each other."""
        if request_id:
            unit.lock_request(request_id)
        return replay(unit, request_id, name)

    # ---- the clock's part ------------------------------------------------------------------------------------------
    def fire_due(self, limit: int = 50) -> Sweep:
        """Fire the due timers, start what begins by itself, deliver what is buffered: each in a transaction of its own; a failing
        one delays nobody else.
        """
        return sweep(self, limit)

    def arm_starts(self) -> int:
        """Arm the start timers of procedures in force in every scope that has none yet; drop expired messages. Idempotent."""
        with self.unit() as unit:
            messages.forget(unit.connection, unit.now)
        with self.unit() as unit:
            return starting.arm(self, unit)

    def retry(self, incident_id: str, *, actor: Actor) -> bool:
        """Fire the timer or deliver the message of an incident again, now, and resolve it. Raises NotFound, NotPossible, or what
        failed again.
        """
        try:
            with unit_of_work(self.database, self.clock.now) as unit:
                return retry(self, unit, incident_id, actor=actor)
        except (NotFound, NotPossible):
            raise
        except Exception as error:
            with unit_of_work(self.database, self.clock.now) as unit:
                incidents.failed_again(unit.connection, incident_id, error)
            raise

    def retry_all(self, ids: Iterable[str], *, actor: Actor) -> dict[str, Exception | None]:
        """Each incident on its own: what came of it, None where it went well. One that fails again stops no other."""
        return {id: _failure_of(lambda id=id: self.retry(id, actor=actor)) for id in dict.fromkeys(ids)}

    def causes(self, centre_id: int | None = None) -> list[incidents.Cause]:
        """The open incidents by cause, the most frequent first."""
        with self.database.connect() as connection:
            return incidents.causes(connection, centre_id)

    def settle_incidents(self) -> int:
        """Close the incidents whose timer fired or whose step was done since; how many. Idempotent."""
        with self.unit() as unit:
            return incidents.settle(unit.connection, unit.now)

    def resolve(self, incident_id: str, *, note: str, actor: Actor, unit: Unit | None = None) -> Result:
        """Close an incident that somebody has put right; the note goes into the trace. Raises NotFound, NotPossible."""
        with self.unit(unit) as unit:
            return resolve(self, unit, incident_id, note=note, actor=actor)

    # ---- reading ---------------------------------------------------------------------------------------------------
    def task(self, task_id: str, unit: Reader = None):
        """The row of a task. Raises NotFound."""
        with self._reading(unit) as connection:
            row = _TASK.record(connection, id=task_id)
        if row is None:
            raise NotFound("Task", task_id)
        return row

    def instance(self, instance_id: str, unit: Reader = None):
        with self._reading(unit) as connection:
            row = _INSTANCE.record(connection, id=instance_id)
        if row is None:
            raise NotFound("Process instance", instance_id)
        return row

    def variables(self, instance_id: str, task_id: str | None = None, unit: Reader = None) -> dict:
        """The variables of an instance, or what one of its open tasks sees: those of the items and sub-processes around it too."""
        row = self.instance(instance_id, unit)
        found = from_json(orjson.loads(row.variables))
        if task_id is None or not row.scopes:
            return found
        scopes, homes = from_json(orjson.loads(row.scopes)), {token[0]: token[3] for token in orjson.loads(row.tokens)[2]}
        around, key = [], task_id
        while key is not None:
            around.append(scopes.get(key, {}).get("own", {}))
            key = homes.get(key)
        for own in reversed(around):
            found |= own
        return found

    def seen_by(self, root_id: str, element_id: str, unit: Unit) -> dict[str, dict]:
        """What each open task of an element sees, by task id: the variables of its turn or sub-process over the instance's."""
        family = Family.lock(self, unit.connection, unit.now, SYSTEM, root_id)
        tasks = [task for task in self.open_tasks(root_id, unit) if task.element_id == element_id]
        members = [(task.id, family.member(task.instance_id)) for task in tasks]
        return {id: running.seen(running.game.token(id)) for id, running in members}

    def definition(self, hash: str, unit: Reader = None):
        if (known := self.catalogue.known(hash)) is not None:
            return known
        with self._reading(unit) as connection:
            return self.catalogue.get(connection, hash)

    def definition_in_force(self, key: str, unit: Unit | None = None):
        with self._reading(unit) as connection:
            return self.catalogue.in_force(connection, key)

    def open_tasks(self, root_id: str, unit: Unit | None = None) -> list:
        with self._reading(unit) as connection:
            return list(connection.execute(select(user_task).where(
                user_task.c.root_id == root_id, user_task.c.state == "open").order_by(user_task.c.opened_at, user_task.c.id)))

    def armed_timers(self, root_id: str, unit: Unit | None = None) -> list:
        with self._reading(unit) as connection:
            return list(connection.execute(select(timer).where(
                timer.c.root_id == root_id, timer.c.state == "armed").order_by(timer.c.due_at)))

    def trace(self, root_id: str, unit: Unit | None = None) -> list[dict]:
        """The events of a root instance and all it called, oldest first."""
        with self._reading(unit) as connection:
            return history.read(connection, root_id)

    def verify(self, root_id: str | None = None) -> list[str]:
        """Every break in the chains; [] when they are whole."""
        with self.database.connect() as connection:
            return history.verify(connection, root_id)

    @contextmanager
    def _reading(self, unit: Reader):
        if unit is not None:
            yield unit.connection if isinstance(unit, Unit) else unit
            return
        with self.database.connect() as connection:
            yield connection


_TASK = Prepared(select(user_task).where(user_task.c.id == bindparam("id")))
_INSTANCE = Prepared(select(process_instance).where(process_instance.c.id == bindparam("id")))


def _failure_of(attempt: Callable) -> Exception | None:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever an operation raises; the step is rolled back, the incident stays
        return error
    return None
