"""When rounds and workplace checks start by themselves: every line of the timetable on every open day; each area once a week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.organisation.models import Area
from service.rounds import rules, steps
from service.rounds.models import RoundFiling, RoundItem
from service.rounds.rules import Line, Tick
from service.tickets.actions import count_up
from service.timetable.kinds import Kind, NotWanted, Slot, Start, register
from service.timetable.models import PlannedRun

ROUND, CHECK, FILING = "duty-round", "workplace-check", "round-filing"


def line_of(item: RoundItem) -> Line:
    return Line(item.id, item.kind, item.name, item.from_time, item.until_time, item.every_minutes, tuple(item.posts),
                item.grace_minutes)  # fmt: skip


def slots(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    calendar = calendar_of(session, centre_id)
    if calendar.windows_on(day):
        for item in items(session, centre_id):
            for tick in rules.ticks(line_of(item), day, calendar.zone):
                yield Slot(tick.key, tick.starts_at, tick.ends_at)


def items(session: Session, centre_id: int) -> list[RoundItem]:
    """The lines of the timetable that are in use."""
    query = sa.select(RoundItem).where(RoundItem.centre_id == centre_id, RoundItem.active)
    return list(session.scalars(query.order_by(RoundItem.id)))


def begin(session: Session, run: PlannedRun) -> Start:
    number, given = _given(session, run)
    return Start({"round_number": number, **given}, number)


def missed(session: Session, run: PlannedRun) -> None:
    """No clock ran while it was due: it counts as missed, as for whoever was not there."""
    number, given = _given(session, run)
    connection = session.connection()
    steps.opened(connection, number, run.centre_id, None, given)
    steps.missed(connection, number)


def _given(session: Session, run: PlannedRun) -> tuple[str, dict[str, Any]]:
    item = session.get(RoundItem, int(run.key.split("-")[0]))
    tick = _tick(session, item, run) if item is not None and item.active else None
    if tick is None:
        raise NotWanted(f"The timetable has no {run.key} any more.")
    year = run.day.year
    return f"GW{year}-{count_up(session, f'round-{year}'):05d}", {
        "item_id": item.id,
        "kind": str(item.kind),
        "title": tick.title,
        "post": tick.post,
        "starts_at": tick.starts_at,
        "ends_at": tick.ends_at,
    }


def name(session: Session, run: PlannedRun) -> str:
    item = session.get(RoundItem, int(run.key.split("-")[0]))
    tick = _tick(session, item, run) if item is not None else None
    return f"{tick.title} {tick.post}".strip() if tick else item.name if item else ""


def _tick(session: Session, item: RoundItem, run: PlannedRun) -> Tick | None:
    found = rules.ticks(line_of(item), run.day, calendar_of(session, run.centre_id).zone)
    return next((tick for tick in found if tick.key == run.key), None)


# --- workplaces: from the first working day's opening to the last one's closing of the week ----------------------------


def check_slots(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    calendar, monday = calendar_of(session, centre_id), day - timedelta(days=day.weekday())
    week = [monday + timedelta(days=count) for count in range(7)]
    open_days = [on for on in week if calendar.windows_on(on)]
    if open_days and day == open_days[0]:
        ends_at = calendar.closing_time(open_days[-1])
        for area_id in session.scalars(sa.select(Area.id).where(Area.centre_id == centre_id).order_by(Area.id)):
            yield Slot(str(area_id), calendar.opening_time(day), ends_at)


def begin_check(session: Session, run: PlannedRun) -> Start:
    number, given = _check_given(session, run)
    return Start({"workplace_number": number, **given}, number)


def missed_check(session: Session, run: PlannedRun) -> None:
    number, given = _check_given(session, run)
    connection = session.connection()
    steps.check_opened(connection, number, run.centre_id, None, given)
    steps.check_missed(connection, number)


def _check_given(session: Session, run: PlannedRun) -> tuple[str, dict[str, Any]]:
    area = session.get(Area, int(run.key))
    if area is None:
        raise NotWanted(f"Area {run.key} is not there any more.")
    year = run.day.year
    monday = run.day - timedelta(days=run.day.weekday())
    return f"HJ{year}-{count_up(session, f'workplace-{year}'):05d}", {
        "area_id": area.id,
        "area_name": area.name,
        "week_on": monday.isoformat(),
        "due_at": run.ends_at,
    }


def area_name(session: Session, run: PlannedRun) -> str:
    area = session.get(Area, int(run.key))
    return area.name if area else ""


def begin_filing(session: Session, run: PlannedRun) -> Start:
    filing = session.scalars(sa.select(RoundFiling).where(RoundFiling.number == run.key)).one()
    item = session.get_one(RoundItem, filing.item_id)
    given = {
        "filing_number": filing.number,
        "title": f"{item.name} {filing.before_from}-{filing.before_until} 改为 {filing.after_from}-{filing.after_until}",
        "reason": filing.reason,
        "filed_by": filing.filed_by,
        "filed_at": filing.filed_at,
    }
    return Start(given, filing.number)


register(Kind(ROUND, ROUND, slots, begin, missed, name))
register(Kind(CHECK, CHECK, check_slots, begin_check, missed_check, area_name))
register(Kind(FILING, FILING, None, begin_filing))
