"""One change of a calendar as a person enters it: a day, a year's proposal, a year published. Pure.

Each gives the calendar as it would be; saving it is `actions.save_version`. `differences` says what two calendars make of
each date. Surprise: what is entered for a date takes the place of what was entered there before; only a closure by order
keeps the day under it, because it takes hours away from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from service.calendars.hours import BadHours, Window
from service.calendars.models import EnteredAs
from service.calendars.proposals import merge, propose_year
from service.calendars.queries import DayRow
from service.calendars.rules import Calendar, Closure
from service.errors import Refused


@dataclass(frozen=True)
class DayEntry:
    """What is entered for one date. `kind` None takes away what was entered, so that the week counts again.

    `text` is the holiday's name or the reason of a closure. `takes_weekday` (Monday is 0) is for a make-up day, `windows` for
    special hours, or for the closed part of a day; a closure without windows is for the whole day.
    """

    on: date
    kind: EnteredAs | None
    text: str = ""
    takes_weekday: int | None = None
    windows: tuple[Window, ...] = ()


def with_day(calendar: Calendar, entry: DayEntry) -> Calendar:
    """The calendar with that day entered. Raises Refused or BadHours where the entry contradicts itself."""
    if entry.kind is EnteredAs.CLOSED:
        return _closed(calendar, entry)
    bare = _without_entry(calendar, entry.on)
    if entry.kind is EnteredAs.HOLIDAY:
        return replace(bare, holidays={**bare.holidays, entry.on: entry.text})
    if entry.kind is EnteredAs.MAKEUP:
        if entry.takes_weekday is None:
            raise Refused("A make-up day takes the hours of a weekday. Choose which.", "takes_weekday")
        return replace(_named(bare, entry), makeup={**bare.makeup, entry.on: entry.takes_weekday})
    if entry.kind is EnteredAs.SPECIAL:
        if not entry.windows:
            raise BadHours("Special hours need at least one window. Write it like 09:00-12:00.", "windows")
        return replace(_named(bare, entry), special={**bare.special, entry.on: entry.windows})
    return replace(bare, closed_by_order=tuple(c for c in bare.closed_by_order if c.on != entry.on))


def _closed(calendar: Calendar, entry: DayEntry) -> Calendar:
    if not entry.text.strip():
        raise Refused("A closure by order needs its reason: the sums show it.", "text")
    closures = [Closure(entry.on, entry.text, window) for window in entry.windows] or [Closure(entry.on, entry.text)]
    kept = [one for one in calendar.closed_by_order if one.on != entry.on]
    return replace(calendar, closed_by_order=(*kept, *closures))


def _without_entry(calendar: Calendar, on: date) -> Calendar:
    def kept(days):
        return {day: value for day, value in days.items() if day != on}

    return replace(
        calendar,
        holidays=kept(calendar.holidays),
        makeup=kept(calendar.makeup),
        special=kept(calendar.special),
        names=kept(calendar.names),
    )


def _named(calendar: Calendar, entry: DayEntry) -> Calendar:
    return replace(calendar, names={**calendar.names, entry.on: entry.text}) if entry.text else calendar


def with_year(calendar: Calendar, year: int) -> Calendar:
    """The calendar with a year's proposed days. A year that no source covers changes nothing: it counts by the week."""
    proposal = propose_year(year)
    return merge(calendar, proposal) if proposal.covered else calendar


def published(calendar: Calendar, year: int) -> Calendar:
    """The calendar with that year's days marked as complete, so that its sums lose their warning."""
    return replace(calendar, published_years=calendar.published_years | {year})


@dataclass(frozen=True)
class Difference:
    """One date that two calendars take differently."""

    before: DayRow
    after: DayRow

    @property
    def on(self) -> date:
        return self.before.on


def differences(old: Calendar, new: Calendar) -> list[Difference]:
    """The dates on which anything was entered in either calendar and that are not the same in both, in order."""
    dates = {on for calendar in (old, new) for on in _entered(calendar)}
    pairs = [Difference(day_row(old, on), day_row(new, on)) for on in sorted(dates)]
    return [pair for pair in pairs if pair.before != pair.after]


def day_row(calendar: Calendar, on: date) -> DayRow:
    """One date as a calendar has it."""
    return DayRow(on, calendar.kind_on(on), tuple(map(str, calendar.windows_on(on))), calendar.name_on(on))


def _entered(calendar: Calendar) -> set[date]:
    return {*calendar.holidays, *calendar.makeup, *calendar.special, *(one.on for one in calendar.closed_by_order)}
