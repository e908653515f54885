"""Helpers we ship for tests of procedures and of the engine: an engine on a throwaway database and a clock that stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from engine.api import Actor, Engine, Scope
from engine.clock import FrozenClock
from engine.tables import metadata
from engine.unit_of_work import prepare

LIN = Actor("lin", "specialist")
HERE = Scope(1)


def memory_database():
    """A SQLite database in memory with the engine's tables."""
    database = prepare(create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}))
    metadata.create_all(database)
    return database


def memory_engine(at: datetime = datetime(2026, 11, 20, 1, 0, tzinfo=UTC), **parts) -> Engine:
    """An engine in memory at a frozen instant (default: Friday 09:00 in Shanghai)."""
    return Engine(memory_database(), clock=FrozenClock(at), **parts)


def open_names(engine: Engine, root_id: str) -> list[str]:
    return sorted(t.element_id for t in engine.open_tasks(root_id))


def complete(engine: Engine, root_id: str, element: str, values: dict | None = None, actor: Actor = LIN):
    """Complete the one open task of `element`."""
    task, = [t for t in engine.open_tasks(root_id) if t.element_id == element]
    return engine.complete(task.id, values or {}, actor=actor)


def pass_time(engine: Engine, by: timedelta) -> int:
    """Move the clock and fire what became due; how many timers fired."""
    engine.clock.advance(by)
    return engine.fire_due(1000).fired
