"""Timers: one row with one due instant, computed when armed, changed only by `retime`.

`due` turns a timer event into its instant; `take_due` finds rows that a sweep may fire. The system clock is never asked: the
step's instant is given. Surprise: an expression that gives null arms nothing, so a deadline can be absent by its own rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import Connection, bindparam, or_, select, true

from engine import cycles
from engine.dialect import Event, TimerKind
from engine.errors import EngineError
from engine.feel import YearsMonths
from engine.sql import Prepared
from engine.tables import Instant, timer

MAX_COUNTED = 1000  # turns of a calendar cycle missed; more are told as this many
_SECONDS = re.compile(r"R(\d*)/(\d+)")  # how earlier releases stored what is left of a cycle


class BadTimer(EngineError):
    """The expression of a timer gives no instant or duration. Change it in the diagram."""


def due(event: Event, evaluate: Callable, now: datetime, memo: dict, zone: tzinfo = UTC) -> tuple[datetime, str | None] | None:
    """The due instant of a timer armed at `now` and what is left to repeat; None when the expression gives null.

    memo: {"due": instant text, "repeat": what is left} on the next turn of a repeating timer. zone: by whose calendar days and
    months are counted. Raises BadTimer.
    """
    if memo.get("due"):
        return datetime.fromisoformat(memo["due"]), memo["repeat"]
    value = evaluate(event.expression)
    if value is None:
        return None
    if event.timer is TimerKind.DATE and isinstance(value, datetime):
        return value.astimezone(UTC), None
    if event.timer is TimerKind.DURATION and isinstance(value, timedelta):
        if value <= timedelta(0):
            raise BadTimer(f"Timer `{event.expression}` gives {value}, which is not above zero.")
        return now + value, None
    if event.timer is TimerKind.CYCLE:
        return _first_turn(value, event, now, zone)
    raise BadTimer(f"Timer `{event.expression}` gives {value!r}; a {event.timer} needs "
                   f"{'an instant' if event.timer is TimerKind.DATE else 'a duration'}.")


def _first_turn(value, event: Event, now: datetime, zone: tzinfo) -> tuple[datetime, str] | None:
    if isinstance(value, timedelta):
        value = f"R/PT{int(value.total_seconds())}S" if value > timedelta(0) else f"R/{value}"
    elif isinstance(value, YearsMonths):
        value = f"R/P{value.months}M"
    try:
        cycle = cycles.parse(str(value))
    except cycles.BadCycle as error:
        raise BadTimer(f"Timer `{event.expression}`: {error}") from error
    first = cycle.first(now, zone)
    return (first, _left(cycle.count, first, cycle.text)) if first else None


def _left(count: int | None, first: datetime, text: str) -> str:
    """What is left of a cycle, as its row keeps it: turns left, first turn, text."""
    return f"{'' if count is None else count}|{first.astimezone(UTC).isoformat()}|{text}"


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds. Raises BadTimer."""
    try:
        found = cycles.period(text)
    except cycles.BadCycle as error:
        raise BadTimer(str(error)) from error
    if found.months:
        raise BadTimer(f"`{text}` is no duration of days, hours, minutes and seconds, such as PT15M or P1DT2H.")
    return timedelta(days=found.days, seconds=found.seconds)


def next_turn(due_at: datetime, repeat: str, now: datetime, zone: tzinfo = UTC) -> tuple[dict | None, int]:
    """The memo of a repeating timer's next token, and how many turns were missed and are told once.

    Missed turns coalesce: the next due instant is the first one after `now`.
    """
    count, first, cycle = _stored(repeat, due_at)
    missed, due = 0, cycle.after(first, due_at, zone)
    if due is not None and due <= now and cycle.period is not None and not cycle.period.months and not cycle.period.days:
        missed = int((now - due_at).total_seconds() // cycle.period.seconds)
        due = due_at + timedelta(seconds=cycle.period.seconds * (missed + 1))
    while due is not None and due <= now:
        missed += 1
        due = cycle.after(first, due if missed < MAX_COUNTED else now, zone)
    left = count - 1 - missed if count is not None else None
    if due is None or left is not None and left <= 0:
        return None, missed
    return {"due": due.isoformat(), "repeat": _left(left, first, cycle.text)}, missed


def _stored(repeat: str, due_at: datetime) -> tuple[int | None, datetime, cycles.Cycle]:
    if old := _SECONDS.fullmatch(repeat):
        return int(old[1]) if old[1] else None, due_at, cycles.parse(f"R/PT{old[2]}S")
    count, first, text = repeat.split("|", 2)
    return int(count) if count else None, datetime.fromisoformat(first), cycles.parse(text)


def overdue(connection: Connection, root_id: str, now: datetime, also: str = "") -> list[dict]:
    """The armed timers of a family that are due, in due order. One that failed waits for its next try and holds up neither the
    others nor anybody's step, unless it is `also`.
    """
    return _OVERDUE.all(connection, root_id=root_id, now=now, also=also)


_NOW = bindparam("now", type_=Instant())
_OVERDUE = Prepared(select(timer).where(
    timer.c.root_id == bindparam("root_id"), timer.c.state == "armed", timer.c.due_at <= _NOW,
    or_(timer.c.retry_at.is_(None), timer.c.retry_at <= _NOW, timer.c.id == bindparam("also")))
    .order_by(timer.c.due_at, timer.c.id))


def due_rows(connection: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(timer id, root id) of timers to fire, one of a family, most overdue first; those that failed wait for their retry."""
    found: dict[str, str] = {}
    while len(found) < limit:
        rows = connection.execute(select(timer.c.id, timer.c.root_id).where(
            timer.c.state == "armed", timer.c.due_at <= now, or_(timer.c.retry_at.is_(None), timer.c.retry_at <= now),
            timer.c.root_id.not_in(found) if found else true()).order_by(timer.c.due_at, timer.c.id).limit(limit)).all()
        for row in rows:
            if len(found) < limit:
                found.setdefault(row.root_id, row.id)
        if len(rows) < limit:
            break
    return [(id, root_id) for root_id, id in found.items()]


def next_due_at(connection: Connection) -> datetime | None:
    return connection.execute(select(timer.c.due_at).where(timer.c.state == "armed").order_by(timer.c.due_at).limit(1)).scalar()
