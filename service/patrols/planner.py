"""When patrols start by themselves: every plan, every slot of every day that the centre is open (service.timetable)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.organisation.models import Building, Floor, Person
from service.patrols import rules, steps
from service.patrols.models import PatrolPlan, PatrolPlanFloor, PatrolSlot
from service.tickets.actions import count_up
from service.timetable.kinds import Kind, NotWanted, Slot, Start, register
from service.timetable.models import PlannedRun

KIND = "patrol"
SLOT_NAMES = {PatrolSlot.DAY: "", PatrolSlot.MORNING: " 上午", PatrolSlot.AFTERNOON: " 下午"}


def slots(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    calendar = calendar_of(session, centre_id)
    if not calendar.windows_on(day):
        return
    opens, closes = calendar.opening_time(day), calendar.closing_time(day)
    with_floors = sa.exists().where(PatrolPlanFloor.plan_id == PatrolPlan.id)
    query = sa.select(PatrolPlan).where(PatrolPlan.centre_id == centre_id, PatrolPlan.active, with_floors)
    for plan in session.scalars(query.order_by(PatrolPlan.id)):
        for slot, start, end in rules.slots(plan.rhythm, opens, closes, calendar):
            yield Slot(f"{plan.id}-{slot}", start, end)


def begin(session: Session, run: PlannedRun) -> Start:
    number, given = _given(session, run)
    return Start({"patrol_number": number, **given}, number)


def missed(session: Session, run: PlannedRun) -> None:
    """No clock ran in the whole slot: every floor of it counts as missed."""
    number, given = _given(session, run)
    connection = session.connection()
    steps.opened(connection, number, run.centre_id, None, given)
    steps.closed(connection, number, session.info["unit"].now)


def _given(session: Session, run: PlannedRun) -> tuple[str, dict[str, Any]]:
    plan_id, slot = run.key.split("-")
    plan = session.get(PatrolPlan, int(plan_id))
    floors = floors_of(session, plan.id) if plan and plan.active else []
    if not floors:
        raise NotWanted(f"Patrol plan {plan_id} is not there any more, or has no floors.")
    year = run.day.year
    return f"XC{year}-{count_up(session, f'patrol-{year}'):04d}", {
        "plan_id": plan.id,
        "area_id": plan.area_id,
        "patrol_name": f"{plan.name}{SLOT_NAMES[PatrolSlot(slot)]}",
        "day": run.day.isoformat(),
        "slot": slot,
        "slot_starts_at": run.starts_at,
        "slot_ends_at": run.ends_at,
        "floors": floors,
    }


def name(session: Session, run: PlannedRun) -> str:
    plan_id, slot = run.key.split("-")
    plan = session.get(PatrolPlan, int(plan_id))
    return f"{plan.name}{SLOT_NAMES[PatrolSlot(slot)]}" if plan else ""


def floors_of(session: Session, plan_id: int) -> list[dict[str, Any]]:
    """The floors of a plan in its order: floor_id, building_id, label, responsible (a username)."""
    rows = session.execute(
        sa.select(Floor.id, Floor.building_id, Building.name.label("building"), Floor.name, Person.username)
        .join(PatrolPlanFloor, PatrolPlanFloor.floor_id == Floor.id)
        .join(Building, Building.id == Floor.building_id)
        .outerjoin(Person, Person.id == Floor.responsible_id)
        .where(PatrolPlanFloor.plan_id == plan_id)
        .order_by(PatrolPlanFloor.position, Floor.id)
    )
    return [
        {"floor_id": r.id, "building_id": r.building_id, "label": label(r.building, r.name), "responsible": r.username}
        for r in rows
    ]


def label(building: str, floor: str) -> str:
    """3座12层"""
    return f"{building}{floor}".replace(" ", "")


register(Kind(KIND, process="patrol", slots=slots, begin=begin, missed=missed, name=name))
