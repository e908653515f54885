"""What a year's official days probably are: a proposal that the process owner looks at, changes and publishes.

From the notice of the State Council where it is in `data`, else from the `chinesecalendar` package, else nothing. No session.
Surprise: where both are there the notice counts, and what the package says differently is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import chinese_calendar
import yaml

from service.calendars.rules import Calendar, Week

DATA = Path(__file__).parent / "data"
# The package's names, as the notices write them.
_NAMES = {"New Year's Day": "元旦", "Spring Festival": "春节", "Tomb-sweeping Day": "清明节", "Labour Day": "劳动节",
          "Dragon Boat Festival": "端午节", "National Day": "国庆节", "Mid-autumn Festival": "中秋节"}


@dataclass(frozen=True)
class Proposal:
    """A year's holidays and make-up days with their names; `covered` is False when no source knows the year."""

    year: int
    source: str = ""
    holidays: Mapping[date, str] = field(default_factory=dict)
    makeup: Mapping[date, str] = field(default_factory=dict)
    differences: tuple[date, ...] = ()  # dates on which the package says otherwise

    @property
    def covered(self) -> bool:
        return bool(self.source)


def propose_year(year: int) -> Proposal:
    """The proposal for a year. Not covered: without days, so the year goes on counting by the week."""
    notice, package = from_notice(year), from_package(year)
    if not notice.covered:
        return package
    if not package.covered:
        return notice
    return replace(notice, differences=_differences(notice, package))


def _differences(one: Proposal, other: Proposal) -> tuple[date, ...]:
    return tuple(sorted((one.holidays.keys() ^ other.holidays.keys()) | (one.makeup.keys() ^ other.makeup.keys())))


@lru_cache
def from_notice(year: int) -> Proposal:
    """The year as the State Council's notice has it, from `data/notice-<year>.yaml`."""
    path = DATA / f"notice-{year}.yaml"
    if not path.exists():
        return Proposal(year)
    notice = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Proposal(
        year, notice["notice"],
        holidays={on: holiday["name"] for holiday in notice["holidays"] for on in _days(holiday["from"], holiday["to"])},
        makeup={on: holiday["name"] for holiday in notice["holidays"] for on in holiday.get("makeup", ())},
    )


@lru_cache
def from_package(year: int) -> Proposal:
    """The year as the installed `chinesecalendar` has it."""
    holidays, makeup = {}, {}
    try:
        for on in _days(date(year, 1, 1), date(year, 12, 31)):
            off, name = chinese_calendar.get_holiday_detail(on)
            if name:
                (holidays if off else makeup)[on] = _NAMES.get(name, name)
    except NotImplementedError:  # how the package says that the year is not published yet
        return Proposal(year)
    return Proposal(year, f"chinesecalendar {version('chinesecalendar')}", holidays, makeup)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def merge(calendar: Calendar, proposal: Proposal) -> Calendar:
    """The calendar with the proposal's days instead of the holidays and make-up days it had for that year.

    Special days and closures stay, and count more than the proposal. A make-up day takes the hours of the nearest
    weekday that has any.
    """
    def kept(days: Mapping) -> dict:
        return {on: value for on, value in days.items() if on.year != proposal.year}

    holidays = {on: name for on, name in proposal.holidays.items() if on not in calendar.special}
    makeup = {on: name for on, name in proposal.makeup.items() if on not in calendar.special}
    names = {on: name for on, name in calendar.names.items() if on.year != proposal.year or on in calendar.special}
    return replace(
        calendar,
        holidays={on: name for on, name in kept(calendar.holidays).items() if on not in makeup} | holidays,
        makeup={on: day for on, day in kept(calendar.makeup).items() if on not in holidays}
        | {on: _hours_for(on, calendar.week_on(on)) for on in makeup},
        names=names | makeup,
    )


def _hours_for(on: date, week: Week) -> int:
    """A make-up Saturday works like Friday, a make-up Sunday like Monday, or like the next weekday that is worked."""
    order = (4, 3, 2, 1, 0, 5, 6) if on.weekday() == 5 else (0, 1, 2, 3, 4, 5, 6)
    return next(weekday for weekday in order if week.days[weekday])
