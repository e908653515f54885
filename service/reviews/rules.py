"""Pure decisions of reviews: what a matter is, what a review covers, how a signed content and today's entries differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from service.calendars.rules import Calendar
from service.registers.rules import COLUMNS, Record

BEFORE_CLOSING = timedelta(minutes=45)
NOON = time(12, 0)
LATEST_START = timedelta(days=7)  # a review that no clock could start in time is started late rather than lost
TICK = timedelta(microseconds=1)
SATISFIED = 4
GROWING = frozenset(c.key for columns in COLUMNS.values() for c in columns if c.grows)
PREFIX = {"daily": "RS", "weekly": "ZS"}  # 日审, 周审


class MatterKind(StrEnum):
    """What may stand on a review's list, in the order of the list."""

    ESCALATION = "escalation"
    OVERDUE = "overdue"
    MISSED_FLOOR = "missed-floor"
    MISSED_ROUND = "missed-round"
    DIFFERENCE = "difference"
    UNVISITED = "unvisited"  # a return visit that was not made in time
    INCOMPLETE = "incomplete"
    OPEN_FINDING = "open-finding"
    WEAK_PROOF = "weak-proof"
    UNCHECKED = "unchecked"  # a weekly check of a workplace, or a check before going home, that nobody made
    NOT_STARTED = "not-started"
    ACTION_LATE = "action-late"  # decided in an earlier review and not done by its day
    NO_REVIEW = "no-review"
    UNSIGNED = "unsigned"
    SIGNED_LATE = "signed-late"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that is not as it should be. `key` is the same at every look; `facts` are plain values for the screen's words."""

    key: str
    kind: MatterKind
    about: str  # the number of what it is about, as far as it has one
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One written value that is no longer what was signed. `column` is empty for an entry that is new or gone."""

    record: str
    key: str
    column: str
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "key": self.key,
            "column": self.column,
            "before": self.before,
            "after": self.after,
        }


def number(kind: str, year: int, count: int) -> str:
    """RS2026-0012, ZS2026-0003."""
    return f"{PREFIX[kind]}{year}-{count:04d}"


def in_order(matters: Iterable[Matter]) -> list[Matter]:
    places = {kind: place for place, kind in enumerate(MatterKind)}
    return sorted(matters, key=lambda m: (places[m.kind], m.key))


# --- when -------------------------------------------------------------------------------------------------------------


def starts_at(calendar: Calendar, on: date) -> datetime:
    """45 minutes before closing, not before opening."""
    return max(calendar.opening_time(on), calendar.closing_time(on) - BEFORE_CLOSING)


def is_last_of_week(calendar: Calendar, on: date) -> bool:
    """Whether no later day of the week (to Sunday) is worked. A make-up Saturday is the week's last working day."""
    rest = (on + timedelta(days=count) for count in range(1, 7 - on.weekday()))
    return bool(calendar.windows_on(on)) and not any(calendar.windows_on(later) for later in rest)


def weekly_due(calendar: Calendar, on: date) -> datetime:
    """Noon of the first working day after the week that ends with `on`: Monday, after a holiday the day that follows it."""
    sunday = on + timedelta(days=6 - on.weekday())
    end = datetime.combine(sunday, time(23, 59), ZoneInfo(calendar.zone))
    opening = calendar.local(calendar.next_business_day(end))
    return datetime.combine(opening.date(), NOON, ZoneInfo(calendar.zone))


def working_day_before(calendar: Calendar, on: date) -> date | None:
    """The last day before `on` on which the centre was open; None within two months."""
    days = (on - timedelta(days=count) for count in range(1, 62))
    return next((day for day in days if calendar.windows_on(day)), None)


# --- what was signed, and what there is now ---------------------------------------------------------------------------


def written(records: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """(record, entry) -> its written values, of a content's `records`."""
    found = {}
    for record in records:
        columns = [c.key for c in COLUMNS[Record(record["key"])] if c.written]
        for entry in record["rows"]:
            found[record["key"], entry["key"]] = {column: entry.get(column) for column in columns}
    return found


def changes(signed: Iterable[Mapping[str, Any]], now: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Every written value that differs. What goes on by itself (a state, a result) is no change of what was signed."""
    before, after = written(signed), written(now)
    found = []
    for place in dict.fromkeys([*before, *after]):
        old, new = before.get(place), after.get(place)
        if old is None or new is None:
            found.append(Change(*place, "", old, new))
        else:
            found += [Change(*place, column, old[column], new[column]) for column in old if _corrected(column, old, new)]
    return found


def _corrected(column: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    before, after = old[column], new[column]
    if column in GROWING and isinstance(before, list) and isinstance(after, list):
        return after[: len(before)] != before
    return before != after


def share(part: int, whole: int) -> dict[str, int]:
    return {"part": part, "whole": whole}
