"""Cycles: when something that repeats happens next, by calendar arithmetic in a given zone.

Three ways to say it: `R3/PT1H` (three times, every hour from now), `R/2026-01-31T09:00:00+08:00/P1M` (each month from an
instant; the 31st becomes the last day of a shorter month and the 31st again after it), and cron with five or six fields,
`0 30 8 * * MON-FRI` (second first, as Camunda writes it). Surprise: each turn is counted from the first one, not from the last,
so a month of 28 days moves nothing for good.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from apscheduler.triggers.cron import CronTrigger

from engine.errors import EngineError

MAX_TURNS = 9999
_ISO = re.compile(r"R(\d{0,4})/(?:(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))/)?(P.+)")
_PERIOD = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
                     r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # cron's own numbers: 0 and 7 are Sunday
_MACROS = {"@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *", "@weekly": "0 0 0 * * 0",
           "@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *", "@hourly": "0 0 * * * *"}


class BadCycle(EngineError):
    """A text says no cycle. Change the timer in the diagram."""


@dataclass(frozen=True, slots=True)
class Period:
    """Months and days by the calendar, then seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def times(self, turns: int, start: datetime, zone: tzinfo) -> datetime:
        """The instant `turns` periods after `start`; wall time in `zone` is kept over months and days."""
        if not self.months and not self.days:
            return start + timedelta(seconds=self.seconds * turns)
        local = start.astimezone(zone)
        month = local.month - 1 + self.months * turns
        year, month = local.year + month // 12, month % 12 + 1
        day = min(local.day, calendar.monthrange(year, month)[1])
        moved = local.replace(year=year, month=month, day=day) + timedelta(days=self.days * turns)
        return moved.astimezone(UTC) + timedelta(seconds=self.seconds * turns)

    def about(self) -> float:
        """Roughly how many seconds it is."""
        return self.months * 30.4 * 86400 + self.days * 86400 + self.seconds


@dataclass(frozen=True, slots=True)
class Cycle:
    """A parsed cycle: how often (None: without end), from when (None: one period from now), and how."""

    count: int | None
    start: datetime | None
    period: Period | None
    cron: str | None
    text: str

    def first(self, now: datetime, zone: tzinfo) -> datetime | None:
        """The first turn of a cycle that is armed at `now`; None where there is none any more."""
        if self.cron:
            return self.after(now, now, zone)
        if self.start is None:
            return self.period.times(1, now, zone)
        return self.start if self.start >= now else self.after(self.start, now, zone)

    def after(self, first: datetime, at: datetime, zone: tzinfo) -> datetime | None:
        """The first turn later than `at`, where `first` was one."""
        if self.cron:
            found = _trigger(self.cron, str(zone), zone).get_next_fire_time(None, at.astimezone(zone) + timedelta(microseconds=1))
            return found.astimezone(UTC) if found else None
        turn = max(0, int((at - first).total_seconds() / self.period.about()) - 2)
        while (due := self.period.times(turn, first, zone)) <= at:
            turn += 1
        return due


@lru_cache(512)
def parse(text: str) -> Cycle:
    """The cycle that a text says. Raises BadCycle."""
    text = text.strip()
    if not text.startswith("R"):
        return Cycle(None, None, None, _cron(text), text)
    found = _ISO.fullmatch(text)
    if not found or found[1] and int(found[1]) < 1:
        raise BadCycle(f"{text!r} is no cycle.")
    return Cycle(int(found[1]) if found[1] else None, _instant(found[2], text), period(found[3]), None, text)


def period(text: str) -> Period:
    """The period of an ISO 8601 duration above zero. Raises BadCycle."""
    found = _PERIOD.fullmatch(text)
    if not found:
        raise BadCycle(f"{text!r} is no period such as PT1H, P1D or P1M.")
    years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    made = Period(years * 12 + months, weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)
    if made == Period():
        raise BadCycle(f"The period {text} is zero.")
    if made.about() > 100 * 366 * 86400:
        raise BadCycle(f"The period {text} is longer than a hundred years.")
    return made


def firings(text: str, now: datetime, zone: tzinfo, count: int = 10) -> list[datetime]:
    """The next `count` instants of a cycle that is armed at `now`; fewer where it ends before."""
    cycle = parse(text)
    at = first = cycle.first(now, zone)
    found: list[datetime] = []
    while at is not None and len(found) < min(count, cycle.count or count):
        found.append(at)
        at = cycle.after(first, at, zone)
    return found


def _instant(text: str | None, cycle: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except ValueError as error:
        raise BadCycle(f"The start of the cycle {cycle!r} is no instant.") from error


def _cron(text: str) -> str:
    """Six checked fields. Raises BadCycle."""
    fields = _MACROS.get(text, text).split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6 or len(text) > 100:
        raise BadCycle(f"{text!r} is no cycle: it has neither the form R3/PT1H nor five or six cron fields.")
    fields = ["*" if f == "?" else f.lower() for f in fields]
    fields[3] = "last" if fields[3] == "l" else fields[3]
    fields[5] = _weekdays(fields[5], text)
    cron = " ".join(fields)
    try:
        trigger = _trigger(cron, "UTC", UTC)
    except (ValueError, TypeError) as error:
        raise BadCycle(f"The cron text {text!r} is not understood: {error}.") from error
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
        raise BadCycle(f"The cron text {text!r} never happens.")
    return cron


def _weekdays(field: str, text: str) -> str:
    """Cron's weekdays by name: numbers mean something else to everybody."""
    if field == "*":
        return field
    days: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            first, dash, last = "0", "-", "6"
        try:
            start, end = _weekday(first), _weekday(last if dash else first)
            every = int(step or 1)
        except ValueError as error:
            raise BadCycle(f"The weekday {part!r} in {text!r} is not understood.") from error
        if every < 1:
            raise BadCycle(f"The step in {text!r} is not above zero.")
        length = (end - start) % 7
        days |= {(start + n) % 7 for n in range(0, length + 1, every)}
    return ",".join(_WEEKDAYS[d] for d in sorted(days))


def _weekday(text: str) -> int:
    """0 for Sunday. Raises ValueError."""
    if text in _WEEKDAYS:
        return _WEEKDAYS.index(text)
    if re.fullmatch("[0-7]", text):
        return int(text) % 7
    raise ValueError(text)


@lru_cache(512)
def _trigger(cron: str, zone_name: str, zone: tzinfo) -> CronTrigger:
    second, minute, hour, day, month, weekday = cron.split()
    return CronTrigger(second=second, minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=zone)
