"""The calendar page: days in words, what a person entered as a change, and that change with the limits it moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import g, url_for

from service import access
from service.calendars import queries
from service.calendars.changes import DayEntry, day_row, differences, published, with_day, with_year
from service.calendars.hours import BadHours, Window, in_order
from service.calendars.models import EnteredAs
from service.calendars.proposals import propose_year
from service.calendars.rules import Calendar, DayKind
from service.calendars.wording import unpublished_warning, weekday_label
from service.errors import Refused
from service.organisation.models import Centre
from service.shifts import following
from service.tickets import recompute
from service.tickets.models import Ticket
from webui import moments, people, words
from webui.errors import Fault
from webui.filters import date_words, local, month_day, now, weekday, when
from webui.gates import service_app
from webui.i18n import colon, comma, gettext, language, listed
from webui.people import name_of
from webui.views.shifts import shift as shift_name
from webui.views.story import element_name

NORMAL = "normal"  # the form's word for "as the week says"
SHOWN_SHIFTS = 100
SHOWN_VERSIONS = 6
_MONDAY = date(2026, 11, 23)


@dataclass(frozen=True, slots=True)
class DayView:
    on: date
    label: str  # 11月21日 周六
    kind: str  # the word beside it; empty on a day like in every week
    note: str  # the holiday's name, whose hours, why closed
    hours: str
    open: bool
    weekend: bool  # closed like in every week
    today: bool
    inside: bool = True  # of the month that is shown


@dataclass(slots=True)
class Page:
    """Everything the calendar page shows. `typed` is what stood in the form when it was refused."""

    centre: Any
    centres: list[dict]
    may_change: bool
    version: int
    week: list[DayView]
    weekdays: list[str]
    month: str
    month_words: str
    weeks: list[list[DayView]]
    before: str
    after: str
    years: list[dict]
    versions: list[dict]
    kinds: dict[str, str]
    warning: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    promises: str = ""  # where the contract promises of the centre stand, for who may read them


@dataclass(frozen=True, slots=True)
class Draft:
    """A change as a person entered it: what it does to a calendar, the reason kept with it, and the values to send again."""

    change: Callable[[Calendar], Calendar]
    reason: str
    title: str
    values: dict[str, str]
    month: str


@dataclass(frozen=True, slots=True)
class ShiftView:
    number: str
    title: str
    href: str
    what: str
    before: str
    after: str
    earlier: bool


@dataclass(frozen=True)
class RosterView:
    """A shift that a change moves."""

    day: str
    post: str
    person: str
    before: str
    after: str


@dataclass(slots=True)
class PreviewPage:
    """A change before it is saved. `theirs` is what somebody else saved meanwhile."""

    centre: Any
    title: str
    values: dict[str, str]
    seen: int
    days: list[tuple[DayView, DayView]]
    tickets: int
    limits: int
    shifts: list[ShiftView]
    more: int
    warning: str
    unreachable: list[str]
    roster: list[RosterView]
    nothing: bool
    theirs: list[tuple[DayView, DayView]] = field(default_factory=list)
    fault: Fault | None = None
    back: str = ""


# --- the page ------------------------------------------------------------------------------------------------------


def centre_named(person, text: str) -> Centre | None:
    """One of the centres whose calendar the person may read: the one with that id, without an id the first."""
    found = _centres(person)
    if not text:
        return found[0] if found else None
    return next((centre for centre in found if str(centre.id) == text), None)


def _centres(person) -> list[Centre]:
    mine = access.reach(person)
    sees = sa.or_(*(access.centre_filter(mine, action, Centre.id) for action in ("see units", "change calendar")))
    return list(g.session.scalars(sa.select(Centre).where(sees).order_by(Centre.id)))


def page(centre: Centre, month: str = "", typed: Mapping[str, str] | None = None) -> Page:
    calendar, today = queries.calendar_of(g.session, centre.id), local(now()).date()
    first = _month(month) or _next_month(today)
    monday = today - timedelta(days=today.weekday())
    centres = _centres(g.person)
    return Page(
        centre,
        [
            {"name": c.name, "href": url_for("calendar.index", centre=c.id), "current": c.id == centre.id}
            for c in centres
        ],
        access.may(g.person, "change calendar", centre),
        calendar.version,
        [_day(calendar, monday + timedelta(days=n), today) for n in range(7)],
        [_weekday(n) for n in range(7)],
        f"{first:%Y-%m}",
        f"{first:%B %Y}" if language() == "en" else f"{first.year} 年 {first.month} 月",
        _weeks(calendar, first, today),
        f"{first - timedelta(days=1):%Y-%m}",
        f"{_next_month(first):%Y-%m}",
        [_year(calendar, year) for year in range(today.year, today.year + 3)],
        _versions(centre.id),
        kinds(),
        unpublished_warning(_unpublished(calendar, monday, _next_month(first) - timedelta(days=1)), language()),
        typed or {},
        promises=url_for("promises.index", centre=centre.id) if access.may(g.person, "see promises", centre) else "",
    )


def kinds() -> dict[str, str]:
    """What a day can be entered as, in the order of the form."""
    return {
        "holiday": gettext("节假日"),
        "makeup": gettext("补班"),
        "special": gettext("特别时间"),
        "closed": gettext("停业"),
        NORMAL: gettext("照常"),
    }


def _weekday(number: int) -> str:
    return weekday(_MONDAY + timedelta(days=number))


def _month(text: str) -> date | None:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _next_month(on: date) -> date:
    return (on.replace(day=1) + timedelta(days=32)).replace(day=1)


def _weeks(calendar: Calendar, first: date, today: date) -> list[list[DayView]]:
    monday, end = first - timedelta(days=first.weekday()), _next_month(first)
    weeks = []
    while monday < end:
        week = [monday + timedelta(days=n) for n in range(7)]
        weeks.append([_day(calendar, on, today, on.month == first.month) for on in week])
        monday += timedelta(days=7)
    return weeks


def _unpublished(calendar: Calendar, first: date, end: date) -> list[int]:
    return [year for year in range(first.year, end.year + 1) if year not in calendar.published_years]


def _year(calendar: Calendar, year: int) -> dict:
    entered = sum(on.year == year for on in [*calendar.holidays, *calendar.makeup])
    state = gettext("已发布") if year in calendar.published_years else gettext("没发布，按每周时间计")
    return {"year": year, "state": state, "days": entered, "published": year in calendar.published_years}


def _versions(centre_id: int) -> list[dict]:
    rows = queries.versions(g.session, centre_id)[:SHOWN_VERSIONS]
    return [
        {"version": row.version, "reason": row.reason, "who": name_of(row.created_by), "at": when(row.created_at)}
        for row in rows
    ]


def _day(calendar: Calendar, on: date, today: date, inside: bool = True) -> DayView:
    row = day_row(calendar, on)
    return DayView(
        on,
        date_words(on),
        _kind(row),
        _note(calendar, row),
        _hours(row.windows),
        bool(row.windows),
        row.kind is DayKind.WEEKEND,
        on == today,
        inside,
    )


def _kind(row: queries.DayRow) -> str:
    return {
        DayKind.NORMAL: "",
        DayKind.WEEKEND: "",
        DayKind.HOLIDAY: gettext("节假日"),
        DayKind.MAKEUP: gettext("补班"),
        DayKind.SPECIAL: gettext("特别时间"),
        DayKind.CLOSED: gettext("停业"),
        DayKind.ROUND_THE_CLOCK: gettext("昼夜"),
    }[row.kind]


def _note(calendar: Calendar, row: queries.DayRow) -> str:
    closed = [one for one in calendar.closed_by_order if one.on == row.on]
    parts = [row.name]
    if row.kind is DayKind.MAKEUP:
        parts.append(gettext("按%(weekday)s的时间", weekday=_weekday(calendar.makeup[row.on])))
    if closed and row.kind is not DayKind.CLOSED:
        parts += [gettext("%(hours)s 停业", hours=_hours([str(one.window)])) + f" {one.reason}" for one in closed]
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    return comma().join(part for part in parts if part)


def _hours(windows) -> str:
    return (", " if language() == "en" else "、").join(str(window).replace("-", "–") for window in windows)


# --- a change as it was entered ------------------------------------------------------------------------------------


def read(form: Mapping[str, str]) -> Draft:
    """The change that a form holds. Raises Refused naming the field."""
    if form.get("what") in ("import", "publish"):
        return _year_draft(form["what"], _year_typed(form.get("year", "")))
    return _day_draft(form)


def _year_draft(what: str, year: int) -> Draft:
    values = {"what": what, "year": str(year)}
    if what == "publish":
        title = gettext("发布 %(year)d 年放假安排", year=year)
        return Draft(lambda c: published(c, year), f"发布 {year} 年放假安排", title, values, f"{year}-01")
    proposal = propose_year(year)
    if not proposal.covered:
        raise Refused(gettext("还没有来源知道 %(year)d 年怎么放假，这一年按每周时间计", year=year), "year")
    title = gettext("导入 %(year)d 年放假安排（%(source)s）", year=year, source=proposal.source)
    reason = f"导入 {year} 年放假安排（{proposal.source}）"
    return Draft(lambda c: with_year(c, year), reason, title, values, f"{year}-01")


def _year_typed(text: str) -> int:
    if not (text.isdigit() and 2000 <= int(text[:5]) <= 2100):
        raise Refused(gettext("年份写四位数"), "year")
    return int(text)


def _day_draft(form: Mapping[str, str]) -> Draft:
    kind, on, text = form.get("kind", ""), _date(form.get("on", "")), form.get("text", "").strip()[:120]
    if kind not in kinds():
        raise Refused(gettext("选一种日子"), "kind")
    if not text:
        raise Refused(gettext("写上名称或原因，算时限的地方会显示"), "text")
    entry = DayEntry(
        on,
        None if kind == NORMAL else EnteredAs(kind),
        text,
        _takes(form.get("takes_weekday", "")) if kind == "makeup" else None,
        _windows(form, kind),
    )
    title = f"{date_words(on)} {kinds()[kind]}{colon()}{text}"
    values = {name: form.get(name, "") for name in ("on", "kind", "takes_weekday", "hours", "closed_hours")}
    stored = {"holiday": "节假日", "makeup": "补班", "special": "特别时间", "closed": "停业", NORMAL: "照常"}[kind]
    return Draft(
        lambda calendar: _fitting(calendar, entry),
        f"{on.isoformat()} {stored}：{text}",
        title,
        values | {"what": "day", "text": text},
        f"{on:%Y-%m}",
    )


def _fitting(calendar: Calendar, entry: DayEntry) -> Calendar:
    if entry.kind is EnteredAs.MAKEUP and not calendar.week_on(entry.on).days[entry.takes_weekday]:
        raise Refused(gettext("这个星期几本来就不开门，换一个"), "takes_weekday")
    return with_day(calendar, entry)


def _date(text: str) -> date:
    found = moments.day(text)
    if found is None:
        raise Refused(gettext("哪一天要写日期"), "on")
    if not 2000 <= found.year <= 2100:
        raise Refused(gettext("日期的年份不对"), "on")
    return found


def _takes(text: str) -> int:
    if text not in tuple("0123456"):
        raise Refused(gettext("补班按星期几的时间，选一个"), "takes_weekday")
    return int(text)


def _windows(form: Mapping[str, str], kind: str) -> tuple[Window, ...]:
    name = {"special": "hours", "closed": "closed_hours"}.get(kind)
    typed = form.get(name, "").strip()[:200] if name else ""
    parts = typed.replace("，", ",").replace("、", ",").split(",")
    try:
        windows = in_order(Window.read(part) for part in parts if part.strip())
    except BadHours:
        raise Refused(gettext("时间写成 09:00-12:00，几段用逗号隔开，不能重叠"), name) from None
    if kind == "special" and not windows:
        raise Refused(gettext("特别时间要写几点到几点"), "hours")
    return windows


# --- before it is saved --------------------------------------------------------------------------------------------


def preview(centre: Centre, draft: Draft, seen: int | None) -> PreviewPage:
    """What the change makes of days and open limits, and what somebody else changed since `seen`."""
    newest, today = queries.calendar_of(g.session, centre.id), local(now()).date()
    changed = draft.change(newest)
    found = recompute.preview(g.session, centre.id, changed)
    return PreviewPage(
        centre,
        draft.title,
        draft.values,
        newest.version,
        _pairs(newest, changed, today),
        len({shift.ticket_id for shift in found.shifts}),
        len(found.shifts),
        shift_views(found.shifts[:SHOWN_SHIFTS], newest, changed),
        max(0, len(found.shifts) - SHOWN_SHIFTS),
        unpublished_warning(found.unpublished_years, language()),
        list(found.unreachable),
        _roster(following.preview(g.session, centre.id, changed), newest, changed),
        changed == newest,
        *_theirs(centre, newest, seen, today),
        back=url_for("calendar.index", centre=centre.id, month=draft.month),
    )


def _roster(moved: list[following.Moved], old: Calendar, new: Calendar) -> list[RosterView]:
    """The shifts that move, in words."""
    people.know([one.person for one in moved])
    return [
        RosterView(
            f"{month_day(one.day)} {weekday_label(one.new[0], new, language())}",
            listed(one.post, shift_name(one.shift)),
            name_of(one.person),
            "–".join(f"{old.local(at):%H:%M}" for at in one.old),
            "–".join(f"{new.local(at):%H:%M}" for at in one.new),
        )
        for one in moved
    ]


def _pairs(old: Calendar, new: Calendar, today: date) -> list[tuple[DayView, DayView]]:
    return [(_day(old, one.on, today), _day(new, one.on, today)) for one in differences(old, new)]


def _theirs(centre: Centre, newest: Calendar, seen: int | None, today: date) -> tuple[list, Fault | None]:
    if seen is None or seen >= newest.version:
        return [], None
    row = queries.versions(g.session, centre.id)[0]
    what = gettext(
        "你打开之后，%(who)s 在 %(at)s 存了第 %(n)d 版日历",
        who=name_of(row.created_by),
        at=when(row.created_at),
        n=row.version,
    )
    fault = Fault(409, what, gettext("两份都在下面，对一下再保存"), rule=row.reason)
    return _pairs(queries.calendar_version(g.session, centre.id, seen), newest, today), fault


def shift_views(shifts: list[recompute.Shift], old: Calendar, new: Calendar) -> list[ShiftView]:
    """The moved deadlines in words, those of tickets outside the reader's reach without their title."""
    seen = access.ticket_filter(access.reach(g.person))
    numbers = [shift.number for shift in shifts]
    visible = set(g.session.scalars(sa.select(Ticket.number).where(Ticket.number.in_(numbers), seen)))
    return [_shift(shift, shift.number in visible, old, new) for shift in shifts]


def _shift(shift: recompute.Shift, visible: bool, old: Calendar, new: Calendar) -> ShiftView:
    return ShiftView(
        shift.number,
        shift.title if visible else "",
        url_for("tickets.show", number=shift.number) if visible else "",
        words.target(shift.kind) if shift.kind else _step(shift),
        _moment(shift.old_at, old),
        _moment(shift.new_at, new),
        shift.new_at is not None and (shift.old_at is None or shift.new_at < shift.old_at),
    )


def _step(shift: recompute.Shift) -> str:
    return element_name(service_app().engine.definition(shift.definition_hash), shift.element_id)


def _moment(at: datetime | None, calendar: Calendar) -> str:
    """11月21日 周六（补班） 08:45: by the calendar that is tried out, which is not yet the one of other pages."""
    if at is None:
        return gettext("没有时限")
    on = calendar.local(at)
    return f"{month_day(on.date())} {weekday_label(at, calendar, language())} {on:%H:%M}"


# --- saving --------------------------------------------------------------------------------------------------------


def save(person, centre: Centre, draft: Draft, seen: int | None, request_id: str | None) -> following.Changed:
    return following.change_calendar(
        service_app(), person, centre.id, draft.change, reason=draft.reason, seen=seen, request_id=request_id
    )


def saved_words(changed: following.Changed) -> str:
    shifts = gettext("%(n)d 个班次的时间跟着改了", n=len(changed.shifts)) if changed.shifts else ""
    return listed(_limits_words(changed.tickets), shifts)


def _limits_words(done: recompute.Changed) -> str:
    moved, failed = len(done.followed.shifts), len(done.followed.failed)
    if failed:
        return gettext("第 %(n)d 版已存，%(failed)d 件单的时限还没跟上，几分钟内会再算", n=done.version, failed=failed)
    if moved:
        return gettext("第 %(n)d 版已存，%(moved)d 个时限跟着改了", n=done.version, moved=moved)
    return gettext("第 %(n)d 版已存，没有时限要改", n=done.version)
