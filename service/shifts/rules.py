"""Pure decisions about shifts: when they begin and end, who follows whom, what a handover still lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from service.shifts.models import GoodsKind, Shift

NIGHT_BEGINS, NIGHT_ENDS = time(18, 0), time(8, 30)
HANDOVER_BEFORE = timedelta(minutes=15)  # clause 25: before the shift ends
SIGNED_WITHIN = timedelta(minutes=30)  # of the incoming shift
CHECK_BEFORE = timedelta(minutes=30)  # clause 24.8: before the shift ends
FOLLOWS_WITHIN = timedelta(days=7)  # somebody rostered later than that is nobody's relief
LONGEST_LEAVE = timedelta(hours=12)


def shift_times(calendar: Any, day: date, shift: Shift) -> tuple[datetime, datetime]:
    """When a shift begins and ends: the day shift with the opening hours, on a closed day and at night by wall time.

    On a day that closes later than the night would begin, the night begins at closing: nobody is relieved before the end.
    """
    zone = ZoneInfo(calendar.zone)
    if shift == Shift.NIGHT:
        begins = datetime.combine(day, NIGHT_BEGINS, zone)
        closes = calendar.closing_time(day) if calendar.windows_on(day) else begins
        return max(begins, closes), datetime.combine(day + timedelta(days=1), NIGHT_ENDS, zone)
    if calendar.windows_on(day):
        return calendar.opening_time(day), calendar.closing_time(day)
    return datetime.combine(day, NIGHT_ENDS, zone), datetime.combine(day, NIGHT_BEGINS, zone)


@dataclass(frozen=True, slots=True)
class Stint:
    """One shift of one person as the roster has it."""

    entry_id: int
    person: str
    starts_at: datetime
    ends_at: datetime


def relief(stint: Stint, others: Iterable[Stint]) -> Stint | None:
    """Whoever has the post next, if that is somebody else; None where the same person stays or nobody comes within a week."""
    later = [o for o in others if stint.ends_at <= o.starts_at < stint.ends_at + FOLLOWS_WITHIN]
    following = min(later, key=lambda o: o.starts_at, default=None)
    return following if following is not None and following.person != stint.person else None


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def missing_out(items: Iterable[Any], goods: Iterable[Any]) -> list[str]:
    """What the outgoing person still has to do: names of items without a comment, of goods not counted or not explained."""
    lacking = [i.key for i in items if not i.comment.strip()]
    return lacking + [
        g.name for g in goods if g.counted_out is None or (g.counted_out != g.expected and not g.remark.strip())
    ]


def missing_in(items: Iterable[Any], goods: Iterable[Any]) -> list[str]:
    """What the incoming person still has to go through: names of items not ticked, of goods not counted."""
    return [i.key for i in items if not i.ticked and not i.gone] + [g.name for g in goods if g.counted_in is None]


def differing(goods: Iterable[Any]) -> list[Any]:
    """The goods that the two counted differently."""
    return [g for g in goods if g.counted_in is not None and g.counted_in != g.counted_out]


def amount(kind: GoodsKind, value: int | None, measure: str) -> str:
    """A quantity as the paper has it: 12 把, 500.00 元."""
    if value is None:
        return "—"
    return f"{value / 100:.2f} 元" if kind == GoodsKind.MONEY else f"{value} {measure}".strip()
