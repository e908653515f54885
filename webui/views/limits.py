"""The limits of a ticket as rows with a chip, and the sum behind each: one line per stretch, the total under a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext

from webui import words
from webui.filters import Clock, clock, day, left, local, minutes, when

# kind -> the ticket's columns of the limit and of the moment it was met
COLUMNS = {"response": ("response_due_at", "response_met_at"), "arrival": ("arrival_due_at", "arrival_met_at"),
           "resolution": ("resolution_due_at", "resolution_met_at"), "return-visit": ("return_visit_due_at", "return_visit_met_at")}


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


def limits_of(ticket, targets: Iterable, now: datetime, mine: bool = True) -> list[Limit]:
    """Every limit of a ticket in the order of its life; the nearest unmet one is the one that is lit."""
    newest = {str(t.kind): t for t in targets}  # rows come oldest first
    open_kinds = [k for k, (due, met) in COLUMNS.items() if getattr(ticket, due) and not getattr(ticket, met)]
    first = min(open_kinds, key=lambda k: getattr(ticket, COLUMNS[k][0]), default=None)
    closed = ticket.closed_at is not None
    return [_limit(ticket, kind, newest.get(kind), now, mine, kind == first and not closed)
            for kind, (due, _) in COLUMNS.items() if getattr(ticket, due)]


def _limit(ticket, kind: str, target, now: datetime, mine: bool, first: bool) -> Limit:
    due_at, met_at = (getattr(ticket, column) for column in COLUMNS[kind])
    started = target.start_at if target else ticket.registered_at
    if met_at or ticket.closed_at:
        used = max((met_at or ticket.closed_at) - started, timedelta(0))
        chip = clock(due_at, done_after=used, at=now)
        if (met_at or ticket.closed_at) > due_at:
            chip = Clock("done", gettext("晚了 %(t)s", t=minutes(int(((met_at or ticket.closed_at) - due_at).total_seconds() // 60) or 1)))
    else:
        chip = clock(due_at, started, mine=mine, at=now)
        if not first and chip.kind != "over":
            chip = Clock("wait", left(due_at, now), due_at, started)
    until = gettext("%(at)s 前", at=when(due_at))
    if target is not None and target.source == "customer":
        until = gettext("%(until)s，客户要求", until=until)
    return Limit(kind, words.target(kind), chip, until, sum_of(target) if target is not None else None, first)


def sum_of(target, kind: str = "") -> SumView:
    """The sum of a stored target, or of one that the register form asks for before anything is saved."""
    name = words.target(kind or target.kind)
    lines = [Line(_stretch_text(s), _span(s)) for s in _stretches(target.sum)]
    if target.calendar == "round-the-clock":
        lines = [Line(gettext("从登记起 %(t)s，全天计时", t=amount(target.minutes)), f"{when(target.start_at)} → {when(target.standard_at)}")]
    lines += [Line(_skipped_text(s), gettext("不算")) for s in _skipped(target.sum)]
    if target.due_at < target.standard_at:
        lines.append(Line(gettext("客户要求 %(at)s 前，比标准早", at=when(target.due_at)), gettext("取早的")))
    total = gettext("合计 %(t)s", t=amount(target.minutes)) if target.due_at >= target.standard_at else gettext("标准 %(at)s", at=when(target.standard_at))
    return SumView(gettext("%(name)s %(at)s 是怎么算的", name=name, at=when(target.due_at)), source_of(target), lines, total, when(target.due_at))


def source_of(target) -> str:
    where = {"table": gettext("时限表"), "customer": gettext("客户要求"), "promise": gettext("合同承诺")}.get(str(target.source), str(target.source))
    calendar = gettext("全天计时") if target.calendar == "round-the-clock" else gettext("营业时间")
    return f"{where}，{calendar}" + (f"，{target.reason}" if target.reason else "")


def amount(count: float) -> str:
    """30 分, 4 小时, 8 小时 50 分"""
    hours, rest = divmod(round(count), 60)
    if not hours:
        return gettext("%(n)d 分", n=rest)
    return gettext("%(h)d 小时 %(m)d 分", h=hours, m=rest) if rest else gettext("%(n)d 小时", n=hours)


def _stretches(stored) -> list[dict]:
    """Stretches as plain rows {start, end, minutes, kind}, whichever of its two shapes the sum was stored in."""
    found = stored.get("stretches", []) if isinstance(stored, Mapping) else stored or []
    return [s if isinstance(s, Mapping) else dict(zip(("start", "end", "minutes", "kind"), s)) for s in found if not (isinstance(s, Mapping) and "skipped" in s)]


def _skipped(stored) -> list[dict]:
    found = stored.get("skipped", []) if isinstance(stored, Mapping) else []
    return [s if isinstance(s, Mapping) else dict(zip(("on", "kind", "name"), s)) for s in found]


def _stretch_text(s: dict) -> str:
    start = _instant(s["start"])
    kind = str(s.get("kind") or s.get("label") or "")
    text = gettext("%(day)s 算 %(t)s", day=day(start), t=amount(s["minutes"]))
    return text + gettext("（补班）") if kind == "makeup" and "）" not in day(start) else text


def _span(s: dict) -> str:
    return f"{local(_instant(s['start'])):%H:%M}–{local(_instant(s['end'])):%H:%M}"


def _skipped_text(s: dict) -> str:
    from datetime import date

    on = date.fromisoformat(s["on"])
    why = s.get("name") or {"weekend": gettext("休息日"), "holiday": gettext("节假日"), "closed": gettext("停业")}.get(str(s["kind"]), "")
    return gettext("%(day)s %(why)s", day=day(on), why=why)


def _instant(value) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value.replace("Z", "+00:00"))
