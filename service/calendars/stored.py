"""A calendar as rows and back. Pure: `queries` and `actions` read and write the rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from service.calendars.hours import WHOLE_DAY
from service.calendars.models import EnteredAs
from service.calendars.rules import Calendar, Closure, Week, Window


def head_of(calendar: Calendar) -> dict[str, Any]:
    """The values of the version's own row, without number, author and reason."""
    weeks = [(None, calendar.week), *calendar.changes]
    return {
        "zone": calendar.zone,
        "weeks": [{"from": on.isoformat() if on else None, "days": week.to_json()} for on, week in weeks],
        "round_the_clock": calendar.round_the_clock,
        "published_years": sorted(calendar.published_years),
    }


def days_of(calendar: Calendar) -> list[dict[str, Any]]:
    """The values of the rows of single dates, in order."""
    days = [_day(on, EnteredAs.HOLIDAY, name) for on, name in calendar.holidays.items()]
    days += [_day(on, EnteredAs.MAKEUP, calendar.names.get(on, ""), takes_weekday=weekday)
             for on, weekday in calendar.makeup.items()]
    days += [_day(on, EnteredAs.SPECIAL, calendar.names.get(on, ""), windows=[str(window) for window in windows])
             for on, windows in calendar.special.items()]
    days += [_day(closure.on, EnteredAs.CLOSED, closure.reason, windows=[str(closure.window)])
             for closure in calendar.closed_by_order]
    return sorted(days, key=lambda day: (day["day_on"], day["kind"], str(day["windows"])))


def _day(on: date, kind: EnteredAs, name: str, takes_weekday: int | None = None, windows: list[str] | None = None) -> dict:
    return {"day_on": on, "kind": kind, "name": name, "takes_weekday": takes_weekday, "windows": windows}


def digest_of(head: Mapping, days: Iterable[Mapping]) -> str:
    """The hash of a version's content."""
    return hashlib.sha256(json.dumps([head, list(days)], sort_keys=True, default=str).encode()).hexdigest()


def calendar_from(version: int, head: Mapping, days: Iterable[Mapping]) -> Calendar:
    """The calendar that the rows describe. Raises what `Calendar` raises."""
    days = list(days)
    (_, week), *changes = [(week["from"] and date.fromisoformat(week["from"]), Week.read(week["days"]))
                           for week in head["weeks"]]
    special, makeup = _of(days, EnteredAs.SPECIAL), _of(days, EnteredAs.MAKEUP)
    return Calendar(
        zone=head["zone"], week=week, changes=tuple(changes), round_the_clock=head["round_the_clock"],
        published_years=frozenset(head["published_years"]), version=version,
        holidays={day["day_on"]: day["name"] for day in _of(days, EnteredAs.HOLIDAY)},
        makeup={day["day_on"]: day["takes_weekday"] for day in makeup},
        special={day["day_on"]: tuple(map(Window.read, day["windows"])) for day in special},
        names={day["day_on"]: day["name"] for day in makeup + special if day["name"]},
        closed_by_order=tuple(Closure(day["day_on"], day["name"], Window.read(window))
                              for day in _of(days, EnteredAs.CLOSED) for window in day["windows"] or map(str, WHOLE_DAY)),
    )


def _of(days: list[Mapping], kind: EnteredAs) -> list[Mapping]:
    return [day for day in days if day["kind"] == kind]
