"""What every command shares: replay of a repeated request, lock with overdue timers first, result."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
from sqlalchemy import bindparam, insert, select

from engine import timers
from engine.errors import NotPossible, StepUndone
from engine.execution import SYSTEM, Actor, Family
from engine.sql import Prepared
from engine.tables import command, timer
from engine.unit_of_work import Unit


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did. `opened`: ids of the tasks it opened that are still open; `replayed`: an earlier answer given again."""

    instance_id: str
    ended: bool = False
    opened: tuple[str, ...] = ()
    replayed: bool = False
    data: dict = field(default_factory=dict)


def replay(unit: Unit, request_id: str | None, name: str) -> Result | None:
    """The first answer to `request_id`, if it was asked before. Raises NotPossible if it was another command."""
    if not request_id:
        return None
    row = _ASKED.first(unit.connection, request_id=request_id)
    return answer(row, request_id, name) if row else None


def answer(row: dict, request_id: str, name: str) -> Result:
    """The result stored under a request id; refused if another command asked it."""
    if row["name"] != name:
        raise NotPossible(f"Request {request_id} was a {row['name']}, not a {name}. Send each action with a request id of its own.")
    stored = orjson.loads(row["result"])
    if stored.get("undone"):
        raise StepUndone(request_id)
    return Result(stored["instance_id"], stored["ended"], tuple(stored["opened"]), True, stored["data"])


def remember(unit: Unit, request_id: str | None, name: str, actor: Actor, subject: str, result: Result) -> None:
    if request_id:
        _REMEMBER.run(unit.connection, request_id=request_id, name=name, actor=actor.person, subject=subject, at=unit.now,
                      result=orjson.dumps({"instance_id": result.instance_id, "ended": result.ended,
                                           "opened": list(result.opened), "data": result.data}).decode())


def locked(engine, unit: Unit, root_id: str, actor: Actor, wait: bool = True) -> Family:
    """The family of `root_id` under lock, its overdue timers fired first, in due order. Raises InUse (see `Family.lock`)."""
    family = Family.lock(engine, unit.connection, unit.now, actor, root_id, wait)
    fire_overdue(family)
    return family


def locked_apart(engine, unit: Unit, root_id: str, actor: Actor) -> Family:
    """Like `locked`; where steps may be undone, what the clock did is written first, a step of its own that nobody undoes."""
    family = Family.lock(engine, unit.connection, unit.now, actor, root_id)
    if fire_overdue(family) and engine.undo_seconds:
        finish(engine, unit, family, root_id)
        family = Family.lock(engine, unit.connection, unit.now, actor, root_id)
    return family


def fire_overdue(family: Family, also: str = "") -> int:
    """Fire what is due before anything else happens to the instance; by the clock's name, not the user's. `also`: id of a timer
    that failed and is not to wait for its next try.
    """
    fired, asked_by = 0, family.actor
    for row in timers.overdue(family.connection, family.chain.root_id, family.now, also):
        if row["id"] in family.ended_timers:
            continue  # an earlier one of these took it away
        family.actor = SYSTEM
        try:
            fire(family, row)
        except Exception as error:
            error.timer_id = row["id"]  # it is put off, not what was asked for
            raise
        fired += 1
    family.actor = asked_by
    return fired


def fire(family: Family, row: dict) -> None:
    """Fire one timer row and run to the next wait state."""
    running = family.member(row["instance_id"])
    again, missed = timers.next_turn(row["due_at"], row["repeat"], family.now, family.engine.zone) if row["repeat"] else (None, 0)
    lateness = max(0.0, (family.now - row["due_at"]).total_seconds())
    running.record("timer-fired", row["element_id"], timer=row["id"], due=row["due_at"], late_seconds=int(lateness), missed=missed)
    family.end_timer(row["id"], "fired")
    running.game.fire(row["id"], again)
    family.touch(running)
    family.settle()


def finish(engine, unit: Unit, family: Family, instance_id: str, data: dict | None = None) -> Result:
    """Come to rest, write, and say what is open now."""
    family.settle()
    family.save()
    engine.publish(unit, family)
    ended = family.members[instance_id].fields["state"] != "running"
    opened = tuple(k for k, row in family.new_tasks.items() if row["state"] == "open")
    return Result(instance_id, ended, opened, data=data or {})


def timer_row(unit: Unit, timer_id: str):
    return unit.connection.execute(select(timer).where(timer.c.id == timer_id)).first()


_ASKED = Prepared(select(command.c.name, command.c.result).where(command.c.request_id == bindparam("request_id")))
_REMEMBER = Prepared(insert(command))
