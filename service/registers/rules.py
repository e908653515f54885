"""Pure decisions of the registers: which columns a record has, which of them may not be empty, from when to when a day runs.

Surprise: a column is either `written` (what was entered; a later change of it is a correction) or it goes on by itself (state,
result): a signature freezes both, but only a changed written column makes a new version of a signed review.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


class Record(StrEnum):
    CALLS = "call-visit-register"
    SHIFTS = "shift-handover"
    VISITORS = "visitor-register"
    VISITS = "customer-visit"
    PATROLS = "patrol-record"


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a paper form. `needed`: an empty one makes the entry incomplete (rules of single entries may add to it)."""

    key: str
    width: int
    needed: bool = False
    written: bool = True
    grows: bool = False  # a list to which work that goes on adds; only what it had is as it was signed


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: JSON values by column, instants as text in UTC. `missing` are the columns that should not be empty."""

    key: str
    at: datetime
    cells: dict[str, Any]
    missing: tuple[str, ...] = ()
    building_id: int | None = None
    about: str = ""  # the number that the entry's own page has

    def written(self, columns: Iterable[Column]) -> dict[str, Any]:
        return {c.key: self.cells.get(c.key) for c in columns if c.written}


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many entries there are and how many of them have everything that the form asks for."""

    rows: int
    complete: int

    @property
    def percent(self) -> int | None:
        """Whole percent, rounded down so that 100 means all; None without entries."""
        return self.complete * 100 // self.rows if self.rows else None


GROUPS = ("floors", "greenery", "toilets", "facilities", "renovation", "notices")  # clause 23.2
COLUMNS: dict[Record, tuple[Column, ...]] = {
    Record.CALLS: (
        Column("at", 17, needed=True),
        Column("channel", 8, needed=True),
        Column("place", 12, needed=True),
        Column("customer", 24, needed=True),
        Column("contact", 10),
        Column("phone", 14),
        Column("category", 8, needed=True),
        Column("request", 44, needed=True),
        Column("expectation", 12, needed=True),
        Column("deadline", 17, needed=True),
        Column("slips", 18, grows=True),
        Column("result", 32, written=False),
        Column("satisfaction", 8, written=False),
        Column("by", 10, needed=True),
        Column("state", 14, written=False),
    ),
    Record.SHIFTS: (
        Column("at", 17, needed=True),
        Column("kind", 10, needed=True),
        Column("post", 20, needed=True),
        Column("person", 10, needed=True),
        Column("to", 10),
        Column("unfinished", 36),
        Column("to_follow", 36),
        Column("goods", 28),
        Column("matters", 28),
        Column("difference", 24),
        Column("done_at", 17, needed=True),
        Column("state", 10),
    ),
    Record.VISITORS: (
        Column("at", 17, needed=True),
        Column("visitor", 10, needed=True),
        Column("host", 20, needed=True),
        Column("purpose", 24, needed=True),
        Column("id_kind", 10, needed=True),
        Column("badge", 8),
        Column("left_at", 17, needed=True, written=False),
        Column("by", 10, needed=True),
    ),
    Record.VISITS: (
        Column("at", 17, needed=True),
        Column("place", 12, needed=True),
        Column("customer", 24, needed=True),
        Column("contact", 10, needed=True),
        Column("purpose", 20, needed=True),
        Column("interview", 44, needed=True),
        Column("wishes", 32),
        Column("by", 10, needed=True),
    ),
    Record.PATROLS: (
        Column("day", 11, needed=True),
        Column("patrol", 16, needed=True),
        Column("slot", 8, needed=True),
        Column("floor", 12, needed=True),
        Column("by", 10, needed=True),
        Column("at", 17, needed=True),
        *(Column(group, 8, needed=True) for group in GROUPS),
        Column("findings", 44),
        Column("progress", 24, written=False),
        Column("responsible", 10),
        Column("state", 8),
    ),
}  # fmt: skip
# Entries that are no request or handover need less than their form's columns; the kind stands in `category` or `kind`.
NEEDED: dict[str, tuple[str, ...]] = {
    "missed-call": ("at", "channel", "phone", "request", "deadline", "result", "by"),
    "end-of-day-check": ("at", "request", "result", "by"),
    "leave": ("at", "person", "matters", "done_at"),
    "workplace": ("at", "post", "person", "matters", "done_at"),
}
WANT_SLIP = frozenset({"repair", "complaint"})  # clause 24.8
WITHOUT_SLIP = frozenset({"withdrawn", "merged"})


def span(kind: Span, on: date) -> tuple[date, date]:
    """The first and the last day of the day, week (from Monday) or month that `on` lies in."""
    if kind is Span.WEEK:
        first = on - timedelta(days=on.weekday())
        return first, first + timedelta(days=6)
    if kind is Span.MONTH:
        first = on.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return on, on


def borders(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """From the first day's midnight to the midnight after the last one, in the zone: [from, until)."""
    here = ZoneInfo(zone)
    return datetime.combine(first, time.min, here), datetime.combine(last + timedelta(days=1), time.min, here)


def empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def missing(record: Record, cells: dict[str, Any]) -> tuple[str, ...]:
    """The columns of an entry that should not be empty and are, in the form's order."""
    needed = NEEDED.get(cells.get("category") or cells.get("kind") or "")
    found = [c.key for c in COLUMNS[record] if (c.key in needed if needed else c.needed) and empty(cells.get(c.key))]
    if record is Record.CALLS and wants_slip(cells):
        found.append("slips")
    return tuple(found)


def wants_slip(cells: dict[str, Any]) -> bool:
    """A repair or a complaint without a slip, unless it was done on the spot (clause 24.8)."""
    return (
        cells.get("category") in WANT_SLIP
        and empty(cells.get("slips"))
        and empty(cells.get("result"))
        and cells.get("state") not in WITHOUT_SLIP
    )


def completeness(rows: Iterable[Row]) -> Completeness:
    rows = list(rows)
    return Completeness(len(rows), sum(not row.missing for row in rows))
