"""How instants, remaining time, phone numbers and clocks are written on a screen.

Everything takes `now` as a parameter or from the app's clock, never from the system. Times are written in the centre's
zone; the other day is named (今天 is left out, 明天, 周六（补班）); wall time is counted, the business-time sum is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g

from service import access
from service.calendars.queries import calendar_of
from service.calendars.rules import DayKind
from webui.i18n import ZONE, by_language, gettext, language

CENTRE_ZONE = ZoneInfo(ZONE)
SOON_SHARE = 0.8  # from here on a clock is amber
ICONS = {
    "wait": "hourglass",
    "mine": "clock",
    "soon": "clock-exclamation",
    "over": "alert-triangle",
    "paused": "player-pause",
    "done": "check",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock chip: kind says who must act and how soon, text says it in words; the instants let the page go on counting."""

    kind: str
    text: str
    due_at: datetime | None = None
    opened_at: datetime | None = None
    label: str = ""  # what the limit is for, put before the words: 到场剩 4 分

    @property
    def icon(self) -> str:
        return ICONS[self.kind]


def install(app: Flask) -> None:
    app.jinja_env.filters.update(
        clock_time=clock_time, when=when, day=day, left=left, masked=masked, face=face, minutes=minutes
    )
    app.jinja_env.globals.update(now=now)


def now() -> datetime:
    return current_app.extensions["zhiban"].clock.now()


def local(at: datetime) -> datetime:
    return at.astimezone(CENTRE_ZONE)


def clock_time(at: datetime | None) -> str:
    """16:52"""
    return f"{local(at):%H:%M}" if at else ""


def day(on: date | datetime, today: date | None = None) -> str:
    """The day in words: 今天, 明天, 昨天, 周六（补班）, 10月12日."""
    on = local(on).date() if isinstance(on, datetime) else on
    distance = (on - (today or _today())).days
    near = _near().get(distance)
    if near and not (distance == 1 and make_up(on)):  # 周六（补班） says more than 明天
        return near
    if 0 < distance < 7:
        return weekday(on) + make_up(on)
    return month_day(on) + make_up(on)


def when(at: datetime | None, today: date | None = None) -> str:
    """16:52 today, else the day in front: 明天 08:45."""
    if at is None:
        return ""
    at, today = local(at), today or _today()
    if at.date() == today:
        return f"{at:%H:%M}"
    words = day(at.date(), today)
    return f"{words}{'' if words.endswith('）') else ' '}{at:%H:%M}"


def _today() -> date:
    """The day of this request at the centre."""
    if "today" not in g:
        g.today = local(now()).date()
    return g.today


@by_language
def _near() -> dict[int, str]:
    return {0: gettext("今天"), 1: gettext("明天"), -1: gettext("昨天")}


def weekday(on: date) -> str:
    return _weekdays()[on.weekday()]


@by_language
def _weekdays() -> tuple[str, ...]:
    return (
        gettext("周一"),
        gettext("周二"),
        gettext("周三"),
        gettext("周四"),
        gettext("周五"),
        gettext("周六"),
        gettext("周日"),
    )


def month_day(on: date) -> str:
    if language() == "en":
        return f"{on.day} {on:%b}"
    return f"{on.month}月{on.day}日"


def date_words(on: date) -> str:
    """10月10日 周五, Fri 10 Oct"""
    return f"{weekday(on)} {month_day(on)}" if language() == "en" else f"{month_day(on)} {weekday(on)}"


def make_up(on: date) -> str:
    """（补班） on a day that is worked though its weekday is not; empty otherwise, or where no calendar is known."""
    calendar = centre_calendar()
    if calendar is None or calendar.kind_on(on) is not DayKind.MAKEUP:
        return ""
    return gettext("（补班）")


def centre_calendar():
    """The business calendar of the person's (first) centre, loaded once per request; None before log-in."""
    if "calendar" not in g:
        centres = access.reach(g.person).centre_ids if g.get("person") is not None else ()
        g.calendar = calendar_of(g.session, min(centres)) if centres else None
    return g.calendar


def minutes(amount: int) -> str:
    """8 分, from one hour 1:03, from two days 3 天."""
    if amount < 60:
        return gettext("%(n)d 分", n=amount)
    if amount < 48 * 60:
        return f"{amount // 60}:{amount % 60:02d}"
    return gettext("%(n)d 天", n=amount // (24 * 60))


def left(due_at: datetime, at: datetime | None = None) -> str:
    """剩 8 分, 剩 1:03, 超 8 分. A started minute counts as left; the limit itself is over."""
    seconds = (due_at - (at or now())).total_seconds()
    if seconds > 0:
        return gettext("剩 %(t)s", t=minutes(-int(-seconds // 60)))
    return gettext("超 %(t)s", t=minutes(max(1, int(-seconds // 60))))


def clock(
    due_at: datetime | None,
    opened_at: datetime | None = None,
    *,
    mine: bool = True,
    waits_for: str = "",
    paused: bool = False,
    done_after: timedelta | None = None,
    label: str = "",
    at: datetime | None = None,
) -> Clock:
    """The chip for one limit. Over and soon are the same for all; in time it is mine (blue) or somebody else's (grey)."""
    at = at or now()
    label = f"{label} " if label and language() == "en" else label
    if done_after is not None:
        return Clock("done", gettext("用 %(t)s", t=minutes(int(done_after.total_seconds() // 60))), label=label)
    if paused:
        return Clock("paused", gettext("暂停"), due_at, label=label)
    if due_at is None:
        return Clock("mine", gettext("等你办")) if mine else Clock("wait", _waiting(waits_for))
    kind = urgency(due_at, opened_at, at) or ("mine" if mine else "wait")
    if kind == "wait":
        return Clock("wait", _waiting(waits_for) if waits_for else left(due_at, at), due_at, opened_at, label)
    return Clock(kind, label + left(due_at, at), due_at, opened_at, label)


def urgency(due_at: datetime, opened_at: datetime | None, at: datetime) -> str | None:
    if at >= due_at:
        return "over"
    if opened_at and due_at > opened_at and at >= opened_at + SOON_SHARE * (due_at - opened_at):
        return "soon"
    return None


def _waiting(whom: str) -> str:
    return gettext("等%(whom)s", whom=whom) if whom else gettext("等别人")


def masked(phone: str | None) -> str:
    """138****2046, 021-****3320; anything short is hidden whole."""
    if not phone:
        return ""
    digits = phone.replace(" ", "")
    if len(digits) < 7:
        return "****"
    head = digits.split("-")[0] + "-" if "-" in digits else digits[:3]
    return f"{head}****{digits[-4:]}"


def face(name: str | None) -> str:
    """One character that stands for a person: the family name, or the initial."""
    return (name or "?").strip()[:1].upper() or "?"
