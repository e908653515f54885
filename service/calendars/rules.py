"""The rules of limits in business time: how a sum came about, limits that were paused, what a changed calendar moves.

Pure: no session, no clock. The arithmetic itself is `business_time`, the hours are `hours`; both are offered here too, so
that callers need one name. How a sum reads in Chinese and English is `wording`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from service.calendars.business_time import Calendar, as_micros, round_the_clock
from service.calendars.hours import (
    BadHours,
    CalendarEnds,
    CalendarError,
    ClosedAllDay,
    Closure,
    DayKind,
    EmptySchedule,
    NaiveInstant,
    Week,
    Window,
)

__all__ = [
    "BadHours", "Calendar", "CalendarEnds", "CalendarError", "ClosedAllDay", "Closure", "DayKind", "Deadline",
    "EmptySchedule", "Move", "NaiveInstant", "Pause", "Skipped", "Stretch", "Sum", "Week", "Window", "explain",
    "preview_change", "round_the_clock",
]

_MICROSECOND, _MINUTE = timedelta(microseconds=1), timedelta(minutes=1)


# How a sum came about

@dataclass(frozen=True)
class Stretch:
    """Minutes served without a break, within one local date."""

    start: datetime
    end: datetime
    minutes: float
    kind: DayKind


@dataclass(frozen=True)
class Skipped:
    """A local date on which nothing was served, and why: holiday, weekend or closed by order, with its name or reason."""

    on: date
    kind: DayKind
    name: str = ""


@dataclass(frozen=True)
class Sum:
    """A limit and how it was reached: iterating gives its stretches. `skipped` are the closed dates between them."""

    start_at: datetime
    due_at: datetime
    minutes: float
    stretches: tuple[Stretch, ...]
    skipped: tuple[Skipped, ...]
    unpublished_years: tuple[int, ...]
    zone: str
    day_minutes: int
    calendar_version: int
    starts_open: bool
    pauses: tuple[Pause, ...] = ()  # in which it stood still, each with its end

    def __iter__(self) -> Iterator[Stretch]:
        return iter(self.stretches)

    def __len__(self) -> int:
        return len(self.stretches)

    def __getitem__(self, index: int) -> Stretch:
        return self.stretches[index]

    @property
    def total(self) -> float:
        return sum(stretch.minutes for stretch in self.stretches)

    def to_json(self) -> dict:
        """The sum as plain data, to be kept with the ticket; `from_json` gives it back."""
        paused = {"pauses": [[_text(pause.start), _text(pause.end)] for pause in self.pauses]} if self.pauses else {}
        return paused | {
            "start_at": _text(self.start_at), "due_at": _text(self.due_at), "minutes": self.minutes,
            "stretches": [[_text(s.start), _text(s.end), s.minutes, s.kind.value] for s in self.stretches],
            "skipped": [[s.on.isoformat(), s.kind.value, s.name] for s in self.skipped],
            "unpublished_years": list(self.unpublished_years), "zone": self.zone, "day_minutes": self.day_minutes,
            "calendar_version": self.calendar_version, "starts_open": self.starts_open,
        }

    @classmethod
    def from_json(cls, data: Mapping | str) -> Sum:
        data = json.loads(data) if isinstance(data, str) else dict(data)
        return cls(**data | {
            "start_at": datetime.fromisoformat(data["start_at"]), "due_at": datetime.fromisoformat(data["due_at"]),
            "stretches": tuple(Stretch(datetime.fromisoformat(start), datetime.fromisoformat(end), minutes, DayKind(kind))
                               for start, end, minutes, kind in data["stretches"]),
            "skipped": tuple(Skipped(date.fromisoformat(on), DayKind(kind), name) for on, kind, name in data["skipped"]),
            "unpublished_years": tuple(data["unpublished_years"]),
            "pauses": tuple(Pause(*map(datetime.fromisoformat, pause)) for pause in data.get("pauses", ())),
        })


def explain(
    start: datetime, minutes: float | timedelta, calendar: Calendar, pauses: Iterable[Pause] = ()
) -> Sum:
    """How a limit comes about: the stretches served and the dates skipped, adding up to `minutes`.

    Without pauses it is due at `calendar.add(start, minutes)`. `pauses` have their end each, do not overlap and may lie
    anywhere; those that the limit had reached before, or had not begun in, are not in the answer.
    """
    amount = timedelta(microseconds=as_micros(minutes)) / _MINUTE
    start_at, given = start.astimezone(UTC), tuple(sorted(pauses, key=lambda pause: pause.start))
    due_at = Deadline(None, start_at, amount, given).due_at(calendar) if given else calendar.add(start, minutes)
    stood = tuple(pause for pause in given if pause.start < due_at and pause.end > start_at)
    served = list(_without(start_at, due_at, stood))
    if calendar.round_the_clock:
        stretches = tuple(_whole_stretch(begin, end) for begin, end in served if begin < end) or (_whole_stretch(start_at, due_at),)
        skipped: tuple[Skipped, ...] = ()
    else:
        stretches = tuple(stretch for begin, end in served for stretch in _stretches(begin, end, calendar))
        skipped = _skipped(start_at, due_at, calendar)
    return Sum(start_at, due_at, _whole(amount), stretches, skipped,
               calendar.warnings(start, due_at), calendar.zone, calendar.day_minutes, calendar.version,
               calendar.is_open(start), stood)


def _without(start: datetime, due_at: datetime, pauses: tuple[Pause, ...]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a span in which no pause was."""
    for pause in pauses:
        if pause.start > start:
            yield start, pause.start
        start = max(start, pause.end)
    if start <= due_at:
        yield start, due_at


def _whole_stretch(start: datetime, end: datetime) -> Stretch:
    return Stretch(start, end, _whole((end - start) / _MINUTE), DayKind.ROUND_THE_CLOCK)


def _stretches(start: datetime, due_at: datetime, calendar: Calendar) -> Iterator[Stretch]:
    for begin, end in calendar.open_between(start, due_at):
        yield Stretch(begin, end, _whole((end - begin) / _MINUTE), calendar.kind_on(calendar.local(begin).date()))


def _skipped(start: datetime, due_at: datetime, calendar: Calendar) -> tuple[Skipped, ...]:
    return tuple(Skipped(on, calendar.kind_on(on), calendar.name_on(on))
                 for on in _dates(start, due_at, calendar) if not calendar.windows_on(on))


def _dates(start: datetime, end: datetime, calendar: Calendar) -> Iterator[date]:
    on, last = calendar.local(start).date(), calendar.local(end).date()
    while on <= last:
        yield on
        on += timedelta(days=1)


# Limits that were paused, and what a changed calendar does to the open ones

@dataclass(frozen=True)
class Pause:
    """A time in which a limit stood still; `end` is None while it still does."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Deadline:
    """An open limit: `key` is the caller's, `minutes` is business time, pauses are in order and do not overlap."""

    key: object
    start_at: datetime
    minutes: float
    pauses: tuple[Pause, ...] = ()

    def due_at(self, calendar: Calendar) -> datetime | None:
        """The instant it is reached by that calendar; None while it is paused before it was reached."""
        since, left = self.start_at, as_micros(self.minutes)
        for pause in sorted(self.pauses, key=lambda pause: pause.start):
            if pause.start > since:
                served = calendar.elapsed_time(since, pause.start) // _MICROSECOND
                if served >= left:
                    break
                left -= served
            if pause.end is None:
                return None
            since = max(since, pause.end)
        return calendar.add(since, timedelta(microseconds=left))

    def served(self, until: datetime, calendar: Calendar) -> float:
        """The business minutes used up until an instant, pauses left out: what stays when the limit itself changes."""
        paused = sum(calendar.elapsed(max(pause.start, self.start_at), min(pause.end or until, until))
                     for pause in self.pauses if pause.start < until and (pause.end or until) > self.start_at)
        return max(0.0, calendar.elapsed(self.start_at, until)) - paused


@dataclass(frozen=True)
class Move:
    """What a changed calendar does to one open limit; unpacks as (deadline, old instant, new instant)."""

    deadline: Deadline
    old_at: datetime | None
    new_at: datetime | None

    def __iter__(self) -> Iterator:
        return iter((self.deadline, self.old_at, self.new_at))

    @property
    def changed(self) -> bool:
        return self.old_at != self.new_at


def preview_change(old: Calendar, new: Calendar, open_deadlines: Iterable[Deadline]) -> list[Move]:
    """Every open limit with its instant by the old and by the new calendar, in the order given. Changes nothing."""
    return [Move(deadline, deadline.due_at(old), deadline.due_at(new)) for deadline in open_deadlines]


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds" if at.microsecond else "seconds")


def _whole(minutes: float) -> float:
    return int(minutes) if minutes == int(minutes) else minutes
