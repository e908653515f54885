"""A sum of business time in words, Chinese and English: one line for the ticket, rows for the table that pops up over it.

Pure. The line leaves out what goes without saying (the date within a week, the hours of a full day); the rows leave out nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from service.calendars.rules import Calendar, DayKind, Skipped, Stretch, Sum

_WEEKDAYS = {"zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
             "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOLIDAYS_EN = {"元旦": "New Year", "春节": "Spring Festival", "清明节": "Tomb-Sweeping Day", "劳动节": "Labour Day",
                "端午节": "Dragon Boat Festival", "中秋节": "Mid-Autumn Festival", "国庆节": "National Day"}
_KINDS = {
    "zh": {DayKind.NORMAL: "", DayKind.MAKEUP: "补班", DayKind.SPECIAL: "特别时间", DayKind.ROUND_THE_CLOCK: "昼夜计时",
           DayKind.HOLIDAY: "节假日", DayKind.WEEKEND: "休息", DayKind.CLOSED: "停业"},
    "en": {DayKind.NORMAL: "", DayKind.MAKEUP: "make-up day", DayKind.SPECIAL: "special hours",
           DayKind.ROUND_THE_CLOCK: "round the clock", DayKind.HOLIDAY: "holiday", DayKind.WEEKEND: "closed",
           DayKind.CLOSED: "closed by order"},
}
_NEAR_DAYS = 6  # so far a weekday alone says which date is meant


@dataclass(frozen=True)
class SumRow:
    """One line of the sum's table; minutes are 0 on a date that was skipped."""

    day: str
    hours: str
    minutes: float
    note: str


def sum_line(total: Sum, lang: str = "zh") -> str:
    """The sum in one line: `30 min from Fri 17:45: 15 min today, Sat is a make-up day, 15 min from 08:30`."""
    lang = _language(lang)
    start = total.start_at.astimezone(ZoneInfo(total.zone))
    if _round_the_clock(total):
        line = _say(lang, f"{_amount(total, lang)}，从{_weekday(start, lang)} {start:%H:%M} 起，昼夜计时",
                    f"{_amount(total, lang)} from {_weekday(start, lang)} {start:%H:%M}, counted round the clock")
    else:
        parts = [part for part in _parts(total, start, lang) if part]
        line = _say(lang, f"{_amount(total, lang)}，从{_weekday(start, lang)} {start:%H:%M} 起：" + "；".join(parts),
                    f"{_amount(total, lang)} from {_weekday(start, lang)} {start:%H:%M}: " + ", ".join(parts))
    return line + _warning(total.unpublished_years, lang)


def sum_rows(total: Sum, lang: str = "zh") -> list[SumRow]:
    """Every stretch served and every date skipped, in order. The minutes add up to `total.minutes`."""
    lang, zone = _language(lang), ZoneInfo(total.zone)
    rows = [(_on(stretch, zone), _served_row(stretch, zone, lang)) for stretch in total.stretches]
    rows += [(skip.on, SumRow(_full_day(skip.on, lang), "", 0, _why(skip, lang))) for skip in total.skipped]
    return [row for _, row in sorted(rows, key=lambda dated: dated[0])]


def weekday_label(at: datetime | date, calendar: Calendar, lang: str = "zh") -> str:
    """The weekday with what is unusual about it: 周六（补班）, Thu (National Day)."""
    lang = _language(lang)
    on = calendar.local(at).date() if isinstance(at, datetime) else at
    kind = calendar.kind_on(on)
    if kind in (DayKind.NORMAL, DayKind.WEEKEND, DayKind.ROUND_THE_CLOCK):
        return _weekday(on, lang)
    note = _KINDS[lang][kind] if kind in (DayKind.MAKEUP, DayKind.SPECIAL) else _why(Skipped(on, kind, calendar.name_on(on)), lang)
    return _weekday(on, lang) + _say(lang, f"（{note}）", f" ({note})")


def unpublished_warning(years: Iterable[int], lang: str = "zh") -> str:
    """What a reader has to know about years whose official days are not entered; empty when there are none."""
    return _warning(tuple(years), _language(lang)).lstrip("；; ")


# The parts of the line

def _parts(total: Sum, start: datetime, lang: str) -> Iterator[str]:
    zone = start.tzinfo
    days = [(on, list(stretches)) for on, stretches in groupby(total.stretches, key=lambda stretch: _on(stretch, zone))]
    if days and not total.starts_open and start.date() not in {on for on, _ in days} | {skip.on for skip in total.skipped}:
        yield _say(lang, "当天已下班", "closed by then")
    dated = [(on, stretches) for on, stretches in days] + [(skip.on, skip) for skip in total.skipped]
    for key, run in groupby(sorted(dated, key=lambda entry: entry[0]), key=lambda entry: _together(entry, start, days)):
        yield _run(key[0], [entry for _, entry in run], start, days[-1][0] if days else None, total.starts_open, lang)
    if not days:
        yield _until(total.due_at.astimezone(zone), lang)


def _together(entry: tuple, start: datetime, days: list) -> tuple:
    """What the line says in one part: skipped dates with one reason, full normal days in a row, every other day alone."""
    on, what = entry
    if isinstance(what, Skipped):
        return "skipped", what.kind, what.name
    if what[0].kind is DayKind.NORMAL and on not in (start.date(), days[-1][0]):
        return "full", None, None
    return "day", on, None


def _run(how: str, entries: list, start: datetime, last: date | None, starts_open: bool, lang: str) -> str:
    if how == "skipped":
        return _skipped(entries, start, lang)
    if how == "full":
        return _full(entries, start, lang)
    return _day(entries[0], start, last, starts_open, lang)


def _day(stretches: list[Stretch], start: datetime, last: date | None, starts_open: bool, lang: str) -> str:
    first = stretches[0].start.astimezone(start.tzinfo)
    minutes = _minutes(sum(stretch.minutes for stretch in stretches))
    broken = _say(lang, "（间歇不计）", " (break not counted)") if len(stretches) > 1 else ""
    today, runs_on = first.date() == start.date(), first.date() != last
    if today and starts_open:
        return _say(lang, f"当天 {minutes} 分{broken}", f"{minutes} min today{broken}")
    if today:
        return _say(lang, f"当天 {first:%H:%M} 起 {minutes} 分{broken}", f"{minutes} min today from {first:%H:%M}{broken}")
    day, kind = _day_label(first.date(), start, lang), stretches[0].kind
    if kind is DayKind.NORMAL:
        return _say(lang, f"{day} {first:%H:%M} 起 {minutes} 分{broken}", f"{minutes} min from {day} {first:%H:%M}{broken}")
    if runs_on:
        return _say(lang, f"{day}（{_KINDS['zh'][kind]}）{minutes} 分", f"{minutes} min on {day} ({_KINDS['en'][kind]})")
    unusual = f"{day} is a make-up day" if kind is DayKind.MAKEUP else f"{day} has special hours"
    return _say(lang, f"{day}{_KINDS['zh'][kind]}，{first:%H:%M} 起 {minutes} 分{broken}",
                f"{unusual}, {minutes} min from {first:%H:%M}{broken}")


def _full(days: list[list[Stretch]], start: datetime, lang: str) -> str:
    labels = [_day_label(stretches[0].start.astimezone(start.tzinfo).date(), start, lang) for stretches in days]
    minutes = _minutes(sum(stretch.minutes for stretches in days for stretch in stretches))
    if len(labels) == 1:
        return _say(lang, f"{labels[0]} {minutes} 分", f"{minutes} min on {labels[0]}")
    return _say(lang, f"{labels[0]}至{labels[-1]} {minutes} 分", f"{minutes} min from {labels[0]} to {labels[-1]}")


def _skipped(skips: list[Skipped], start: datetime, lang: str) -> str:
    first, last = skips[0], skips[-1]
    if first.kind is DayKind.WEEKEND and len(skips) <= 2:
        days = [_day_label(skip.on, start, lang) for skip in skips]
        return _say(lang, "、".join(days) + "休息", " and ".join(days) + " closed")
    if len(skips) == 1:
        return _say(lang, f"{_day_label(first.on, start, lang)}{_why(first, lang)}", f"{_day_label(first.on, start, lang)}: {_why(first, lang)}")
    return _say(lang, f"{_month_day(first.on, lang)}至{_month_day(last.on, lang)}{_why(first, lang)}",
                f"{_month_day(first.on, lang)} to {_month_day(last.on, lang)}: {_why(first, lang)}")


def _until(due: datetime, lang: str) -> str:
    return _say(lang, f"{_weekday(due, lang)} {due:%H:%M} 即到", f"due at {_weekday(due, lang)} {due:%H:%M}")


def _amount(total: Sum, lang: str) -> str:
    minutes, day = total.minutes, total.day_minutes
    plain = _say(lang, f"{_minutes(minutes)} 分钟", f"{_minutes(minutes)} min")
    if minutes and minutes % day == 0 and not _round_the_clock(total):
        days = _minutes(minutes // day)
        return _say(lang, f"{days} 天（{plain}）", f"{days} {'day' if days == '1' else 'days'} ({plain})")
    if minutes >= 120 and minutes % 60 == 0:
        return _say(lang, f"{_minutes(minutes // 60)} 小时（{plain}）", f"{_minutes(minutes // 60)} h ({plain})")
    return plain


def _warning(years: tuple[int, ...], lang: str) -> str:
    if not years:
        return ""
    named = "、".join(map(str, years)) if lang == "zh" else " and ".join(map(str, years))
    return _say(lang, f"；{named} 年放假安排未发布，按每周时间计", f"; {named} holidays not published yet, counted by the week")


# Words for dates and reasons

def _served_row(stretch: Stretch, zone: ZoneInfo, lang: str) -> SumRow:
    start, end = stretch.start.astimezone(zone), stretch.end.astimezone(zone)
    closing = "24:00" if end.date() > start.date() and f"{end:%H:%M}" == "00:00" else f"{end:%H:%M}"
    until = closing if stretch.kind is not DayKind.ROUND_THE_CLOCK or end.date() == start.date() else f"{_full_day(end, lang)} {end:%H:%M}"
    return SumRow(_full_day(start, lang), f"{start:%H:%M}–{until}", stretch.minutes, _KINDS[lang][stretch.kind])


def _why(skip: Skipped, lang: str) -> str:
    if not skip.name or skip.kind is DayKind.WEEKEND:
        return _KINDS[lang][skip.kind]
    if skip.kind is DayKind.CLOSED:
        return f"{_KINDS[lang][skip.kind]}{_say(lang, f'（{skip.name}）', f' ({skip.name})')}"
    return skip.name if lang == "zh" else " and ".join(_HOLIDAYS_EN.get(name, name) for name in skip.name.split("、"))


def _on(stretch: Stretch, zone) -> date:
    return stretch.start.astimezone(zone).date()


def _day_label(on: date, start: datetime, lang: str) -> str:
    if (on - start.date()).days <= _NEAR_DAYS:
        return _weekday(on, lang)
    return _say(lang, f"{_month_day(on, lang)}{_weekday(on, lang)}", f"{_weekday(on, lang)} {_month_day(on, lang)}")


def _full_day(on: date, lang: str) -> str:
    return _say(lang, f"{_month_day(on, lang)} {_weekday(on, lang)}", f"{_weekday(on, lang)} {_month_day(on, lang)}")


def _month_day(on: date, lang: str) -> str:
    return _say(lang, f"{on.month}月{on.day}日", f"{on.day} {_MONTHS[on.month - 1]}")


def _weekday(on: date, lang: str) -> str:
    return _WEEKDAYS[lang][on.weekday()]


def _minutes(amount: float) -> str:
    return f"{amount:.1f}".removesuffix(".0")


def _round_the_clock(total: Sum) -> bool:
    return bool(total.stretches) and total.stretches[0].kind is DayKind.ROUND_THE_CLOCK


def _language(lang: str) -> str:
    return "en" if lang.lower().startswith("en") else "zh"


def _say(lang: str, chinese: str, english: str) -> str:
    return chinese if lang == "zh" else english
