"""What starts by itself, counted by kind for a week, as plain text for the command line: what was planned, what became of it.

The words are the screens' own, so that a supervisor reads the same names in both. Surprise: a column's width counts a Chinese
character twice, as a terminal shows it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy.orm import Session

from service.organisation.models import Centre
from service.timetable import queries
from service.timetable.actions import WINDOW_PASSED
from service.timetable.models import PlannedRun, RunState
from webui import refusals, words
from webui.filters import local, minutes, month_day, weekday
from webui.i18n import colon, gettext, listed


def week_of(text: str, today: date) -> date | None:
    """The Monday of a week given as 2026-W19 or as any of its days (2026-05-06); of the present one for nothing; None for
    what is neither.
    """
    try:
        on = date.fromisoformat(text) if text else today
    except ValueError:
        return None
    return on - timedelta(days=on.weekday())


def lines(session: Session, centre: Centre, monday: date, now) -> Iterator[str]:
    """The table of a centre's week, then one line for each start that was late, missed, called off or is overdue."""
    found = queries.table(session, centre.id, monday, monday + timedelta(days=6), now)
    yield f"{centre.name}  {month_day(found.first)} – {month_day(found.last)} ({monday:%G-W%V})"
    if not found.tallies:
        yield gettext("这一周没有排到点自己开始的事")
        return
    yield from _aligned([_heads(), *(_cells(words.planned(t.kind), [t]) for t in found.tallies), _cells(gettext("合计"), found.tallies)])
    if found.troubles:
        yield ""
    for run in found.troubles:
        yield f"  {_trouble(session, run)}"


def _heads() -> list[str]:
    return [
        gettext("到点自己开始的"), gettext("排了"), gettext("开始了"), gettext("其中晚了"), gettext("没开始"), gettext("取消了"),
        gettext("还没到"),
    ]  # fmt: skip


def _cells(name: str, tallies: list[queries.Tally]) -> list[str]:
    columns = ("planned", "started", "late", "missed", "called_off", "to_come")
    return [name, *(str(sum(getattr(t, column) for t in tallies)) for column in columns)]


def _trouble(session: Session, run: PlannedRun) -> str:
    """周四 17:45 交接班 前台：没开始，那段时间时钟没有走"""
    name = f"{words.planned(run.kind)} {queries.name_of(session, run)}".strip()
    at = local(run.due_at)
    return f"{weekday(at.date())} {at:%H:%M} {name}{colon()}{_became(run)}"


def _became(run: PlannedRun) -> str:
    if run.state == RunState.STARTED:
        return gettext("晚了 %(t)s", t=minutes(run.late_seconds // 60))
    why = reason(run.reason)
    states = {
        RunState.MISSED: gettext("没开始"),
        RunState.CALLED_OFF: gettext("取消了"),
        RunState.PLANNED: gettext("过了点还没开始"),
    }
    return listed(states[run.state], why)


def reason(stored: str) -> str:
    """Why something did not start by itself, in the reader's language; empty where nothing says."""
    if stored == WINDOW_PASSED:
        return gettext("那段时间时钟没有走")
    return refusals.said(stored) if stored else ""


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    """The first column to the left, figures to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        yield "  ".join([_padded(first, -widths[0]), *(_padded(text, n) for text, n in zip(rest, widths[1:], strict=True))])


def _padded(text: str, width: int) -> str:
    gap = " " * (abs(width) - _width(text))
    return text + gap if width < 0 else gap + text


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


