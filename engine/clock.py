"""The given time. Everything asks a clock for `now()`; nothing reads the system's time by itself.

So scenarios, tests and simulations run days in milliseconds. Instants are aware and in UTC. A database may be the better
clock where several machines share one (`DatabaseClock`): then a machine whose time is off fires nothing early.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """A time that stands still until it is moved. `at` is aware."""

    def __init__(self, at: datetime):
        self.set(at)

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone; give an aware instant")
        self._at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._at += by
