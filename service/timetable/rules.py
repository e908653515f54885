"""Pure decisions of the timetable: which days to plan, what changes between plan and rows, when to try again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

LATE = timedelta(minutes=1)  # a clock looks every second: a start later than this is worth a word
MADE_UP_DAYS = 14  # so far back are days made up for that nobody planned in time
RETRIES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10))

Key = tuple[str, str, datetime]  # kind, key, due


def days_to_plan(today: date, planned_until: date | None) -> list[date]:
    """Today and tomorrow, and before them the days that nobody planned in time (at most a fortnight)."""
    first = today if planned_until is None else min(today, planned_until + timedelta(days=1))
    first = max(first, today - timedelta(days=MADE_UP_DAYS))
    return [first + timedelta(days=count) for count in range((today - first).days + 2)]


def to_add(
    wanted: dict[Key, datetime], there: Iterable[Key], started: Collection[tuple[str, str]], now: datetime, made_up: bool
) -> set[Key]:
    """The starts that have no row yet. On a day planned before, one whose window has passed was entered too late and is no
    miss; what has `started` (kind, key) is not due again. `wanted` maps each start to the end of its window.
    """
    missing = wanted.keys() - set(there)
    return {key for key in missing if (made_up or wanted[key] > now) and key[:2] not in started}


def retry_at(tries: int, now: datetime) -> datetime:
    """When to try a start again that has failed `tries` times."""
    return now + RETRIES[min(tries, len(RETRIES)) - 1]
