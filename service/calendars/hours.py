"""Opening hours as written: windows of a day, the week, closures; and everything that can be wrong with a calendar.

Pure. What these hours mean over the years is `business_time`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from service.errors import Refused, ServiceError

WHOLE_DAY_MINUTES = 1440


class CalendarError(ServiceError):
    """Base of everything that is wrong with a calendar or a question to it."""


class EmptySchedule(CalendarError, Refused):
    """No weekday has opening hours. Enter at least one window, or mark the calendar as round the clock."""

    def __init__(self, where: str = "The week"):
        self.where = where
        super().__init__(f"{where} has no opening hours, so no limit could ever be reached."
                         " Enter at least one window, or mark the calendar as round the clock.")


class BadHours(CalendarError, Refused):
    """A window, day or zone cannot be read or contradicts another. The message names it and the remedy."""


class NaiveInstant(CalendarError):
    """An instant came without a zone. Pass an aware datetime; the host's zone is never assumed."""

    def __init__(self, at: datetime):
        self.at = at
        super().__init__(f"{at.isoformat()} has no time zone. Pass an aware instant in UTC.")


class ClosedAllDay(CalendarError):
    """The date has no opening hours, so it has no closing time. Ask `windows_on` first, or for the next business day."""

    def __init__(self, on: date):
        self.on = on
        super().__init__(f"The centre is closed on {on.isoformat()}, so that day has no closing time."
                         " Take the next business day.")


class CalendarEnds(CalendarError):
    """No opening was found for years. Look at the calendar's closed days and holidays around `on`."""

    def __init__(self, on: date):
        self.on = on
        super().__init__(f"The calendar has no usable opening for years around {on.isoformat()}."
                         " Check its closed days and holidays, or the limit itself.")


class DayKind(StrEnum):
    """Why a date has the hours it has."""

    NORMAL = "normal"
    MAKEUP = "makeup"
    SPECIAL = "special"
    ROUND_THE_CLOCK = "round-the-clock"
    HOLIDAY = "holiday"
    WEEKEND = "weekend"  # the week has no hours on that weekday
    CLOSED = "closed"  # closed by order for the whole day


@dataclass(frozen=True, order=True)
class Window:
    """Opening hours within one local day, in minutes from midnight, half-open; 1440 is 24:00."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= WHOLE_DAY_MINUTES:
            raise BadHours(f"{_clock(self.start)}-{_clock(self.end)} is not a window of one day: it has to start before"
                           " it ends, between 00:00 and 24:00. Hours over midnight are two windows.")

    @classmethod
    def read(cls, text: str) -> Window:
        """The window written as `08:30-18:00`. Raises BadHours."""
        start, dash, end = text.replace("–", "-").replace("：", ":").partition("-")
        if not dash:
            raise BadHours(f"{text!r} is not a window. Write it like 08:30-18:00.")
        return cls(_minute_of_day(start), _minute_of_day(end))

    @property
    def minutes(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"


Windows = tuple[Window, ...]
WHOLE_DAY: Windows = (Window(0, WHOLE_DAY_MINUTES),)


@dataclass(frozen=True)
class Week:
    """The opening hours of the seven weekdays, Monday first. At least one has a window, or EmptySchedule is raised."""

    days: tuple[Windows, ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7:
            raise BadHours(f"A week has seven days, not {len(self.days)}. Give a closed weekday an empty list.")
        object.__setattr__(self, "days", tuple(in_order(day) for day in self.days))
        if not any(self.days):
            raise EmptySchedule()

    @classmethod
    def read(cls, days: Sequence[Iterable[str]]) -> Week:
        """The week whose days are lists like `["08:30-12:00", "13:30-18:00"]`."""
        return cls(tuple(tuple(Window.read(window) for window in day) for day in days))

    @classmethod
    def working_days(cls, *windows: str) -> Week:
        """Monday to Friday with the same windows; 08:30-18:00 if none is given."""
        return cls.read([windows or ("08:30-18:00",)] * 5 + [()] * 2)

    def to_json(self) -> list[list[str]]:
        return [[str(window) for window in day] for day in self.days]

    @property
    def day_minutes(self) -> int:
        """The usual opening minutes of an open day: the most frequent sum, the longer one where two are as frequent."""
        sums = Counter(sum(window.minutes for window in day) for day in self.days if day)
        return max(sums, key=lambda minutes: (sums[minutes], minutes))


@dataclass(frozen=True)
class Closure:
    """Closed by order on one local date (a drill, a typhoon): the whole day, or the window given. `reason` is shown."""

    on: date
    reason: str
    window: Window = WHOLE_DAY[0]


def in_order(windows: Iterable[Window]) -> Windows:
    ordered = tuple(sorted(windows))
    for earlier, later in pairwise(ordered):
        if later.start < earlier.end:
            raise BadHours(f"{earlier} and {later} overlap on the same day. Make them one window or set them apart.")
    return ordered


def without(windows: Windows, gone: Window) -> Windows:
    left = []
    for window in windows:
        if window.start < gone.start:
            left.append((window.start, min(window.end, gone.start)))
        if window.end > gone.end:
            left.append((max(window.start, gone.end), window.end))
    return tuple(Window(start, end) for start, end in left if start < end)


def _minute_of_day(text: str) -> int:
    hours, colon, minutes = text.strip().partition(":")
    if not (colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()
            and len(minutes) == 2 and int(minutes) < 60):
        raise BadHours(f"{text.strip()!r} is not a time of day. Write it like 08:30; midnight at the end is 24:00.")
    return int(hours) * 60 + int(minutes)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
