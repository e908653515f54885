"""Business time: when a centre is open, and the arithmetic of every limit that counts in it. Pure: no session, no clock.

The one surprise: adding 30 minutes that end exactly at closing gives the closing instant, not the next opening, because
a limit is reached when its last minute has been served. Instants are aware; results are in UTC; the host's zone is
never used. `rules` explains the sums made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.calendars.hours import (
    WHOLE_DAY,
    WHOLE_DAY_MINUTES,
    BadHours,
    CalendarEnds,
    CalendarError,
    ClosedAllDay,
    Closure,
    DayKind,
    NaiveInstant,
    Week,
    Windows,
    in_order,
    without,
)

LONGEST_CLOSURE_DAYS = 5 * 366
LONGEST_LIMIT_DAYS = 100 * 366
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MINUTE = 60_000_000  # microseconds, the unit of all sums here: whole numbers add up, fractions of minutes would not


@dataclass(frozen=True)
class Calendar:
    """A centre's opening hours over the years, and the arithmetic of business time.

    `holidays` maps a date to its name (a bare set of dates is taken too), `makeup` a date to the weekday (Monday is 0)
    whose hours it takes, `special` a date to its own windows, `closed_by_order` takes hours away from whatever the date
    would have. One date is only one of holiday, make-up and special day. `changes` holds later weeks as
    (from date, week): the hours before that date stay as they were. A round-the-clock calendar ignores all of these.
    `published_years` are those whose official days are entered; every other year simply counts by the week.
    Raises EmptySchedule, BadHours when built, never later for the same cause.
    """

    zone: str
    week: Week
    holidays: Mapping[date, str] = field(default_factory=dict, hash=False)
    makeup: Mapping[date, int] = field(default_factory=dict, hash=False)
    special: Mapping[date, Windows] = field(default_factory=dict, hash=False)
    closed_by_order: tuple[Closure, ...] = ()
    round_the_clock: bool = False
    published_years: frozenset[int] = frozenset()
    version: int = 0
    changes: tuple[tuple[date, Week], ...] = ()
    names: Mapping[date, str] = field(default_factory=dict, hash=False)  # of make-up and special days

    def __post_init__(self) -> None:
        holidays = self.holidays if isinstance(self.holidays, Mapping) else dict.fromkeys(self.holidays, "")
        self._freeze(
            holidays=MappingProxyType(dict(holidays)),
            makeup=MappingProxyType(dict(self.makeup)),
            special=MappingProxyType({on: in_order(windows) for on, windows in self.special.items()}),
            names=MappingProxyType(dict(self.names)),
            closed_by_order=tuple(sorted(self.closed_by_order, key=lambda one: (one.on, one.window, one.reason))),
            published_years=frozenset(self.published_years),
            changes=tuple(sorted(self.changes, key=lambda change: change[0])),
            _spans={},
        )
        self._check()

    def _freeze(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check(self) -> None:
        self._zone  # noqa: B018  an unknown zone is refused now, not at the first sum
        for on in [*self.makeup, *self.special]:
            if (on in self.holidays) + (on in self.makeup) + (on in self.special) > 1:
                raise BadHours(f"{on.isoformat()} is entered twice as holiday, make-up or special day. Keep one of them.")
        for on, weekday in self.makeup.items():
            if not 0 <= weekday <= 6 or not self.week_on(on).days[weekday]:
                raise BadHours(f"Make-up day {on.isoformat()} takes the hours of weekday {weekday}, which has none."
                               " Choose a weekday with opening hours.")
        for on, windows in self.special.items():
            if not windows:
                raise BadHours(f"Special day {on.isoformat()} has no hours. Enter it as a holiday or as closed.")

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadHours(f"Time zone {self.zone!r} is not known. Use a name like Asia/Shanghai.") from error

    # What a date is

    def week_on(self, on: date) -> Week:
        """The week in force on that date."""
        week = self.week
        for from_on, later in self.changes:
            if on >= from_on:
                week = later
        return week

    def windows_on(self, on: date) -> Windows:
        """The opening hours of a local date, in order; empty when closed."""
        if self.round_the_clock:
            return WHOLE_DAY
        windows = self._planned_on(on)
        for closure in self._closures.get(on, ()):
            windows = without(windows, closure.window)
        return windows

    def _planned_on(self, on: date) -> Windows:
        if on in self.special:
            return self.special[on]
        if on in self.makeup:
            return self.week_on(on).days[self.makeup[on]]
        if on in self.holidays:
            return ()
        return self.week_on(on).days[on.weekday()]

    @cached_property
    def _closures(self) -> dict[date, list[Closure]]:
        closures: dict[date, list[Closure]] = {}
        for closure in self.closed_by_order:
            closures.setdefault(closure.on, []).append(closure)
        return closures

    def kind_on(self, on: date) -> DayKind:
        """What kind of day a local date is."""
        if self.round_the_clock:
            return DayKind.ROUND_THE_CLOCK
        if self._planned_on(on) and not self.windows_on(on):
            return DayKind.CLOSED
        for kind, days in ((DayKind.SPECIAL, self.special), (DayKind.MAKEUP, self.makeup),
                           (DayKind.HOLIDAY, self.holidays)):
            if on in days:
                return kind
        return DayKind.NORMAL if self._planned_on(on) else DayKind.WEEKEND

    def name_on(self, on: date) -> str:
        """The holiday's name, the reason of a closure, the name of a make-up or special day; else empty."""
        if self.kind_on(on) is DayKind.CLOSED:
            return self._closures[on][0].reason
        return self.holidays.get(on) or self.names.get(on, "")

    @property
    def day_minutes(self) -> int:
        """What "1 day" of a limit means: the centre's normal opening minutes by its newest week (08:30-18:00: 570)."""
        if self.round_the_clock:
            return WHOLE_DAY_MINUTES
        return (self.changes[-1][1] if self.changes else self.week).day_minutes

    def local(self, at: datetime) -> datetime:
        """The instant on the centre's own clock."""
        if at.tzinfo is None:
            raise NaiveInstant(at)
        return at.astimezone(self._zone)

    # Looking around an instant

    def is_open(self, at: datetime) -> bool:
        """Whether the centre is open at that instant; the closing instant itself is closed."""
        moment = micros_of(at)
        return any(begin <= moment < end for begin, end in self._spans_on(self._local_day(at)))

    def next_opening(self, at: datetime) -> datetime:
        """The first open instant from `at` on: `at` itself while open. Raises CalendarEnds."""
        moment = micros_of(at)
        for begin, _ in self._spans_from(moment, self._local_day(at)):
            return instant(max(begin, moment))
        raise AssertionError("unreachable: _spans_from never ends without raising")

    def next_business_day(self, at: datetime) -> datetime:
        """The opening of the next local date that has any, after the local date of `at`."""
        tomorrow = self._local_day(at) + 1
        for begin, _ in self._spans_from(_I64_MIN, tomorrow):
            return instant(begin)
        raise AssertionError("unreachable: _spans_from never ends without raising")

    def opening_time(self, on: date) -> datetime:
        """The first opening of a local date. Raises ClosedAllDay."""
        return instant(self._spans_or_closed(on)[0][0])

    def closing_time(self, on: date) -> datetime:
        """The last closing of a local date; 24:00 is the next midnight. Raises ClosedAllDay."""
        return instant(self._spans_or_closed(on)[-1][1])

    def _spans_or_closed(self, on: date) -> _Spans:
        spans = self._spans_on(on.toordinal())
        if not spans:
            raise ClosedAllDay(on)
        return spans

    # Sums

    def add(self, start: datetime, minutes: float | timedelta) -> datetime:
        """The instant at which so much business time has been served since `start`, in UTC.

        A start outside opening hours counts from the next opening. Friday 17:30 plus 120 with closing at 18:00 is
        Monday 10:00 when Monday opens at 08:30; Friday 17:30 plus 30 is Friday 18:00. Raises CalendarEnds.
        """
        left, moment = as_micros(minutes), micros_of(start)
        if self.round_the_clock:
            return instant(moment + left)
        for begin, end in self._spans_from(moment, self._local_day(start)):
            begin = max(begin, moment)
            if left <= end - begin:
                return instant(begin + left)
            left -= end - begin
        raise AssertionError("unreachable: _spans_from never ends without raising")

    def subtract(self, end: datetime, minutes: float | timedelta) -> datetime:
        """The instant from which so much business time is left until `end`: the mirror of `add`.

        `subtract(add(s, d), d) == s` for every open `s` and d above zero. Raises CalendarEnds.
        """
        left, moment = as_micros(minutes), micros_of(end)
        if self.round_the_clock:
            return instant(moment - left)
        for begin, stop in self._spans_back(moment, self._local_day(end)):
            stop = min(stop, moment)
            if left <= stop - begin:
                return instant(stop - left)
            left -= stop - begin
        raise AssertionError("unreachable: _spans_back never ends without raising")

    def elapsed(self, start: datetime, end: datetime) -> float:
        """The business minutes between two instants; negative when `end` is earlier. Never raises for closed years."""
        return self._served(start, end) / MINUTE

    def elapsed_time(self, start: datetime, end: datetime) -> timedelta:
        """The same as `elapsed`, exact to the microsecond."""
        return timedelta(microseconds=self._served(start, end))

    def _served(self, start: datetime, end: datetime) -> int:
        if end < start:
            return -self._served(end, start)
        since, until = micros_of(start), micros_of(end)
        if self.round_the_clock:
            return until - since
        days = range(self._local_day(start), self._local_day(end) + 1)
        return sum(max(0, min(stop, until) - max(begin, since)) for day in days for begin, stop in self._spans_on(day))

    def open_between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The parts of a span in which the centre is open, in order, none over midnight of the centre."""
        since, until = micros_of(start), micros_of(end)
        for day in range(self._local_day(start), self._local_day(end) + 1):
            for begin, stop in self._spans_on(day):
                if max(begin, since) < min(stop, until):
                    yield instant(max(begin, since)), instant(min(stop, until))

    def warnings(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The unpublished years that a span touches: their holidays and make-up days are not known yet."""
        if self.round_the_clock:
            return ()
        years = range(self.local(start).year, self.local(end).year + 1)
        return tuple(year for year in years if year not in self.published_years)

    # Days as spans of microseconds, computed once each

    def _local_day(self, at: datetime) -> int:
        return at.astimezone(self._zone).toordinal()

    def _spans_on(self, day: int) -> _Spans:
        spans = self._spans.get(day)
        if spans is None:
            if len(self._spans) > _KEPT_DAYS:
                self._spans.clear()
            spans = self._spans[day] = self._work_out(day)
        return spans

    def _work_out(self, day: int) -> _Spans:
        windows = self.windows_on(date.fromordinal(day))
        spans, last = [], _I64_MIN
        # Clocks going forward can push a window over its neighbour: cut, so that no minute counts twice.
        for begin, end in sorted((self._at_minute(day, window.start), self._at_minute(day, window.end)) for window in windows):
            if max(begin, last) < end:
                spans.append((max(begin, last), end))
                last = end
        return tuple(spans)

    def _at_minute(self, day: int, minute: int) -> int:
        day, minute = day + minute // WHOLE_DAY_MINUTES, minute % WHOLE_DAY_MINUTES
        wall = datetime.combine(date.fromordinal(day), time(minute // 60, minute % 60), self._zone)
        return micros_of(wall.astimezone(UTC))

    def _spans_from(self, moment: int, day: int) -> Iterator[tuple[int, int]]:
        """Open spans that end after `moment`, in order; raises CalendarEnds instead of ending."""
        first, last_open = day, day
        while day - last_open <= LONGEST_CLOSURE_DAYS and day - first <= LONGEST_LIMIT_DAYS and day < _LAST_DAY:
            for span in self._spans_on(day):
                last_open = day
                if span[1] > moment:
                    yield span
            day += 1
        raise CalendarEnds(date.fromordinal(first))

    def _spans_back(self, moment: int, day: int) -> Iterator[tuple[int, int]]:
        """Open spans that begin before `moment`, latest first; raises CalendarEnds instead of ending."""
        first, last_open = day, day
        while last_open - day <= LONGEST_CLOSURE_DAYS and first - day <= LONGEST_LIMIT_DAYS and day > _FIRST_DAY:
            for span in reversed(self._spans_on(day)):
                last_open = day
                if span[0] < moment:
                    yield span
            day -= 1
        raise CalendarEnds(date.fromordinal(first))


_Spans = tuple[tuple[int, int], ...]
_I64_MIN = -(2 ** 63)
_KEPT_DAYS = 20_000
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1).toordinal(), date(9990, 1, 1).toordinal()


def round_the_clock(zone: str = "Asia/Shanghai") -> Calendar:
    """The calendar that is always open: for urgent and safety matters."""
    return Calendar(zone, Week((WHOLE_DAY,) * 7), round_the_clock=True)


def as_micros(minutes: float | timedelta) -> int:
    amount = minutes // _MICROSECOND if isinstance(minutes, timedelta) else round(minutes * MINUTE)
    if amount < 0:
        raise CalendarError(f"A limit of {minutes} minutes is below zero. Use subtract to count backwards.")
    if amount > LONGEST_LIMIT_DAYS * WHOLE_DAY_MINUTES * MINUTE:
        raise CalendarError(f"A limit of {minutes} minutes is longer than a hundred years. Check its unit.")
    return amount


def micros_of(at: datetime) -> int:
    if at.tzinfo is None:
        raise NaiveInstant(at)
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
