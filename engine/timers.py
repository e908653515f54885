"""Timers: one row with one due instant, computed when armed, changed only by `retime`.

`due` turns a timer event into its instant; `take_due` finds rows that a sweep may fire. The system clock is never asked: the
step's instant is given. Surprise: an expression that gives null arms nothing, so a deadline can be absent by its own rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, or_, select

from engine.dialect import Event, TimerKind
from engine.errors import EngineError
from engine.sql import Prepared
from engine.tables import Instant, timer

_CYCLE = re.compile(r"R(\d*)/(P.+)")
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
MAX_REPEATS = 10_000


class BadTimer(EngineError):
    """The expression of a timer gives no instant or duration. Change it in the diagram."""


def due(event: Event, evaluate: Callable, now: datetime, memo: dict) -> tuple[datetime, str | None] | None:
    """The due instant of a timer armed at `now` and what is left to repeat; None when the expression gives null.

    memo: {"due": instant text, "repeat": cycle} on the next turn of a repeating timer. Raises BadTimer.
    """
    if memo.get("due"):
        return datetime.fromisoformat(memo["due"]), memo["repeat"]
    value = evaluate(event.expression)
    if value is None:
        return None
    if event.timer is TimerKind.DATE and isinstance(value, datetime):
        return value.astimezone(UTC), None
    if event.timer is TimerKind.DURATION and isinstance(value, timedelta):
        return now + _positive(value, event), None
    if event.timer is TimerKind.CYCLE:
        count, interval = _cycle(value, event)
        return now + interval, f"R{count}/{int(interval.total_seconds())}"
    raise BadTimer(f"Timer `{event.expression}` gives {value!r}; a {event.timer} needs "
                   f"{'an instant' if event.timer is TimerKind.DATE else 'a duration'}.")


def _positive(value: timedelta, event: Event) -> timedelta:
    if value <= timedelta(0):
        raise BadTimer(f"Timer `{event.expression}` gives {value}, which is not above zero.")
    return value


def _cycle(value, event: Event) -> tuple[str, timedelta]:
    if isinstance(value, timedelta):
        return "", _positive(value, event)
    found = _CYCLE.fullmatch(str(value))
    if not found:
        raise BadTimer(f"Timer `{event.expression}` gives {value!r}; a cycle is a duration or a text like R3/PT1H.")
    return found.group(1), _positive(duration(found.group(2)), event)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds. Raises BadTimer."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise BadTimer(f"`{text}` is no duration of days, hours, minutes and seconds, such as PT15M or P1DT2H.")
    weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def next_turn(due_at: datetime, repeat: str, now: datetime) -> tuple[dict | None, int]:
    """The memo of a repeating timer's next token, and how many turns were missed and are told once.

    Missed turns coalesce: the next due instant is the first one after `now`.
    """
    count, seconds = repeat[1:].split("/")
    interval = timedelta(seconds=int(seconds))
    missed = max(0, int((now - due_at) / interval))
    left = int(count) - 1 - missed if count else None
    if left is not None and left <= 0:
        return None, missed
    return {"due": (due_at + interval * (missed + 1)).isoformat(), "repeat": f"R{'' if left is None else left}/{seconds}"}, missed


def overdue(connection: Connection, root_id: str, now: datetime) -> list[dict]:
    """The armed timers of a family that are due, in due order."""
    return _OVERDUE.all(connection, root_id=root_id, now=now)


_OVERDUE = Prepared(select(timer).where(
    timer.c.root_id == bindparam("root_id"), timer.c.state == "armed", timer.c.due_at <= bindparam("now", type_=Instant()))
    .order_by(timer.c.due_at, timer.c.id))


def due_rows(connection: Connection, now: datetime, limit: int) -> list:
    """(timer id, root id) of timers to fire, most overdue first; those that failed wait for their retry."""
    return list(connection.execute(select(timer.c.id, timer.c.root_id).where(
        timer.c.state == "armed", timer.c.due_at <= now, or_(timer.c.retry_at.is_(None), timer.c.retry_at <= now))
        .order_by(timer.c.due_at).limit(limit)))


def next_due_at(connection: Connection) -> datetime | None:
    return connection.execute(select(timer.c.due_at).where(timer.c.state == "armed").order_by(timer.c.due_at).limit(1)).scalar()
