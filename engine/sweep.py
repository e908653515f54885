"""The clock's sweep: deliver what is kept, begin what begins by itself, fire what is due.

Each has a transaction of its own. One that fails is put off (engine.incidents) and stops no other; one whose family somebody is
working on, or that the database gave up for a moment, is left for the next look. Surprise: a batch takes one timer of a family,
so that a family of a thousand that all fail takes no other's place; the other timers of a sound family fire along with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Table

from engine import incidents, messages, starting, timers
from engine.commands.deliver import deliver
from engine.commands.fire import fire_timer
from engine.errors import InUse
from engine.sql import passing
from engine.tables import buffered_message, start_timer, timer
from engine.unit_of_work import unit_of_work

log = logging.getLogger("zhiban.engine")


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one look at what is due did. failed: how many were put off."""

    fired: int
    failed: int
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A table whose rows wait for the clock. due: (engine, limit) -> keys; act: (engine, unit, *key) -> how many it did."""

    table: Table
    due: Callable
    act: Callable


def sweep(engine, limit: int) -> Sweep:
    """One batch of each kind, at most `limit` of each."""
    done = [_batch(engine, kind, limit) for kind in KINDS]
    with engine.database.connect() as connection:
        due = [at for at in (timers.next_due_at(connection), starting.next_due_at(connection)) if at is not None]
    return Sweep(sum(n for n, _ in done), sum(n for _, n in done), min(due, default=None))


def _batch(engine, kind: Kind, limit: int) -> tuple[int, int]:
    """How many were done, how many failed. What cannot even be looked up hides no other kind."""
    try:
        keys = kind.due(engine, limit)
    except Exception:
        log.exception("what is due in %s could not be read", kind.table.name)
        return 0, 0
    found = [_one(engine, kind, key) for key in keys]
    return sum(n for n in found if n is not None), found.count(None)


def _one(engine, kind: Kind, key: tuple) -> int | None:
    """How many things it did; None where it failed and was put off."""
    try:
        with unit_of_work(engine.database, engine.clock.now) as unit:
            return int(kind.act(engine, unit, *key))
    except InUse:
        return 0
    except Exception as error:
        if passing(error):
            log.warning("%s %s waits: the database is busy", kind.table.name, key[0])
            return 0
        log.exception("%s %s failed", kind.table.name, key[0])
        _put_off(engine, kind.table, key[0], error)
        return None


def _put_off(engine, table: Table, id: str, error: Exception) -> None:
    try:
        with unit_of_work(engine.database, engine.clock.now) as unit:
            incidents.put_off(unit.connection, unit.now, table, id, error)
    except Exception:
        log.exception("that %s %s failed could not be written", table.name, id)


def _messages(engine, limit: int) -> list[tuple]:
    with engine.database.connect() as connection:
        if not messages.any_kept(connection):
            return []
        starting_with = engine.catalogue.start_messages(connection)
        return [(id,) for id in messages.deliverable(connection, engine.clock.now(), starting_with, limit)]


def _starts(engine, limit: int) -> list[tuple]:
    with engine.database.connect() as connection:
        return [(id,) for id in starting.due_rows(connection, engine.clock.now(), limit)]


def _timers(engine, limit: int) -> list[tuple]:
    with engine.database.connect() as connection:
        return timers.due_rows(connection, engine.clock.now(), limit)


KINDS = (Kind(buffered_message, _messages, partial(deliver, wait=False)), Kind(start_timer, _starts, starting.fire),
         Kind(timer, _timers, partial(fire_timer, wait=False)))
