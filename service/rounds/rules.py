"""Pure decisions of rounds: the ticks of a line on a day, what a line may hold, the groups of a workplace check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.rounds.models import RoundKind

TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
MOST_POSTS, LONGEST_GRACE, SHORTEST_TURN = 6, 120, 15
GROUPS = {  # clause -> group of the check, what it is called on the form
    "24.1": ("tidy", "公共区域整洁"),
    "24.2": ("papers", "资料有序"),
    "24.3": ("drawers", "抽屉整洁"),
    "24.4": ("chairs", "座椅归位"),
    "24.5": ("equipment", "设备整洁"),
}
DEPARTMENT = "specialist"  # puts workplaces in order, unless a finding names another one


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of a line: which post, when, until when, and what it is called."""

    key: str
    post: str
    title: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the timetable as plain values."""

    id: int
    kind: RoundKind
    name: str
    from_time: str
    until_time: str
    every_minutes: int
    posts: tuple[str, ...]
    grace_minutes: int


def ticks(line: Line, on: date, zone: str) -> Iterator[Tick]:
    """The ticks of a day, in order. Doors have two (open, back to automatic), an hourly change one per turn, the rest one per
    post at the beginning.
    """
    start, end = (at(on, text, zone) for text in (line.from_time, line.until_time))
    for moment, what in _moments(line, start, end):
        for number, post in enumerate(line.posts or ("",)):
            title = f"{line.name}{what}"
            ends_at = moment + timedelta(minutes=line.grace_minutes)
            yield Tick(f"{line.id}-{moment:%H%M}-{number}", post, title, moment, ends_at)


def _moments(line: Line, start: datetime, end: datetime) -> Iterator[tuple[datetime, str]]:
    if line.kind is RoundKind.DOOR_OPEN:
        yield start, "：设为常开"
        yield end, "：改回自动感应"
    elif line.every_minutes:
        moment = start
        while moment < end:
            yield moment, ""
            moment += timedelta(minutes=line.every_minutes)
    else:
        yield start, ""


def at(on: date, text: str, zone: str) -> datetime:
    """08:15 of a day by the zone's clock."""
    return datetime.combine(on, time.fromisoformat(text), ZoneInfo(zone))


def fault(
    from_time: str, until_time: str, every_minutes: int, posts: tuple[str, ...], grace_minutes: int
) -> tuple[str, str] | None:
    """What is wrong with a line: (field, sentence); None where nothing is."""
    if not TIME.fullmatch(from_time) or not TIME.fullmatch(until_time):
        return "from_time", "Give both times as HH:MM."
    if until_time <= from_time:
        return "until_time", "The end has to be after the beginning."
    if every_minutes and every_minutes < SHORTEST_TURN:
        return "every_minutes", f"A turn takes {SHORTEST_TURN} minutes at least."
    if len(posts) > MOST_POSTS:
        return "posts", f"{MOST_POSTS} posts at most."
    if not 1 <= grace_minutes <= LONGEST_GRACE:
        return "grace_minutes", f"Between 1 and {LONGEST_GRACE} minutes."
    return None


USUAL = (  # what a centre starts with: clauses 18, 20 and 21
    (RoundKind.DOOR_OPEN, "大堂门 早", "08:15", "09:30", 0, ()),
    (RoundKind.DOOR_OPEN, "大堂门 晚", "17:00", "18:30", 0, ()),
    (RoundKind.ETIQUETTE, "礼仪引导", "08:15", "09:30", 0, ("客服前台", "电梯前室")),
    (RoundKind.HOURLY, "大堂值守换班", "09:30", "17:00", 60, ("客服前台",)),
    (RoundKind.LIFT, "电梯分层引导 早", "08:15", "09:30", 0, ("电梯前室",)),
    (RoundKind.LIFT, "电梯分层引导 晚", "17:00", "18:30", 0, ("电梯前室",)),
)
