"""The limits of a ticket as rows with a chip, and the sum behind each: one line per stretch, the total under a rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.calendars.rules import Sum
from service.calendars.wording import sum_rows
from webui import words
from webui.filters import Clock, clock, left, minutes, when
from webui.i18n import gettext, language, listed


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class SumView:
    """How an instant came about, ready to print."""

    title: str
    source: str
    lines: list[Line]
    total_text: str
    total_value: str


@dataclass(frozen=True, slots=True)
class Limit:
    kind: str
    name: str
    clock: Clock
    until: str
    sum: SumView | None = None
    first: bool = False  # the one clock that is lit


def limits_of(card, now: datetime, mine: bool = True) -> list[Limit]:
    """Every limit of a ticket in the order of its life; the nearest unmet one is the one that is lit."""
    return [_limit(line, card.ticket.closed_at, now, mine, line is card.next_target) for line in card.targets]


def _limit(line, closed_at: datetime | None, now: datetime, mine: bool, first: bool) -> Limit:
    ended_at = line.met_at or closed_at
    if ended_at:
        chip = clock(line.due_at, done_after=max(ended_at - line.start_at, timedelta(0)), at=now)
        if line.met_at and line.met_at > line.due_at:
            chip = Clock(
                "done", gettext("晚了 %(t)s", t=minutes(max(1, int((line.met_at - line.due_at).total_seconds() // 60))))
            )
        elif not line.met_at:
            chip = Clock("done", gettext("不用了"))
    else:
        chip = clock(line.due_at, line.start_at, mine=mine, paused=str(line.chip) == "paused", at=now)
        if not first and chip.kind not in ("over", "paused"):
            chip = Clock("wait", left(line.due_at, now), line.due_at, line.start_at)
    until = gettext("%(at)s 前", at=when(line.due_at))
    if line.source == "customer":
        until = gettext("%(until)s，客户要求", until=until)
    elif line.source == "promise":
        until = gettext("%(until)s，合同承诺", until=until)
    return Limit(line.kind, words.target(line.kind), chip, until, sum_of(line), first)


def sum_of(target, kind: str = "") -> SumView:
    """The sum of a stored target, or of one that the register form asks for before anything is saved."""
    name = words.target(kind or target.kind)
    counted = Sum.from_json(target.sum)
    rows = sum_rows(counted, language())
    lines = [Line(_row_text(row), row.hours if row.minutes else gettext("不算")) for row in rows]
    lines += [Line(_stood_still(pause), gettext("不算")) for pause in counted.pauses]
    total = gettext("合计 %(t)s", t=amount(target.minutes))
    if target.promise is not None:
        lines.append(_promised(target))
    if target.due_at < target.standard_at:
        lines += [
            Line(total, when(target.standard_at)),
            Line(gettext("客户要求 %(at)s 前，比标准早", at=when(target.due_at)), gettext("取早的")),
        ]
        total = gettext("取客户要求")
    return SumView(
        gettext("%(name)s %(at)s 是怎么算的", name=name, at=when(target.due_at)),
        source_of(target),
        lines,
        total,
        when(target.due_at),
    )


def _promised(target) -> Line:
    """What a contract promised beside what the table gives: it is not law, so its words and its source stand there."""
    text = gettext(
        "合同承诺：%(text)s（%(source)s） %(t)s",
        text=target.promise.text,
        source=target.promise.source,
        t=amount(target.minutes),
    )
    if target.table_minutes is None:
        return Line(text, gettext("时限表没有"))
    return Line(text, gettext("时限表 %(t)s，取早的", t=amount(target.table_minutes)))


def _stood_still(pause) -> str:
    return gettext("%(since)s 到 %(until)s 暂停", since=when(pause.start), until=when(pause.end))


def _row_text(row) -> str:
    text = gettext("%(name)s（%(title)s）", name=row.day, title=row.note) if row.note else row.day
    return gettext("%(day)s 算 %(t)s", day=text, t=amount(row.minutes)) if row.minutes else text


def source_of(target) -> str:
    where = {"table": gettext("时限表"), "customer": gettext("客户要求"), "promise": gettext("合同承诺")}.get(
        str(target.source), str(target.source)
    )
    calendar = gettext("全天计时") if target.calendar == "round-the-clock" else gettext("营业时间")
    return listed(where, calendar, target.reason)


def amount(count: float) -> str:
    """30 分, 4 小时, 8 小时 50 分"""
    hours, rest = divmod(round(count), 60)
    if not hours:
        return gettext("%(n)d 分", n=rest)
    return gettext("%(h)d 小时 %(m)d 分", h=hours, m=rest) if rest else gettext("%(n)d 小时", n=hours)
