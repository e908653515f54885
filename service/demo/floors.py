"""Patrols of the demo: a plan per building, tags in 3座; where the demo is filled in opening hours, a patrol under way.

Surprise: nothing of this lies in the demo's past. Patrols start by themselves from now on, as in life.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.demo.living import Place
from service.demo.living import World as Living
from service.notifications.deliver import deliver_due
from service.organisation.models import AreaKind, Floor
from service.patrols import actions, checklist
from service.patrols.models import Visit
from service.timetable.actions import plan_ahead, start_due

WALKED = "3"
SEEN = (
    {"group": "facilities", "severity": "major", "department": "engineering", "words": "应急灯不亮", "place": "东侧走道"},
    {"group": "notices", "severity": "minor", "department": "specialist", "words": "电梯里贴了小广告", "place": "2 号梯"},
)


def patrolled(living: Living, place: Place) -> None:
    """Plans for every building of the centre, and some floors of 3座 walked just now."""
    chen, lin = living.staff["chen"], living.staff["lin"]
    for code, building in place.site.buildings.items():
        ids = _floors(living, building.id)
        if code == WALKED:
            actions.make_points(living.app, chen, list(ids), "电梯厅")
        rhythm = "twice" if place.site.kinds[code] is AreaKind.OFFICE else "daily"
        given = actions.PlanGiven(building.name, building.area_id, rhythm, ids)
        actions.save_plan(living.app, chen, place.site.centre.id, given)
    plan_ahead(living.app)
    start_due(living.app)
    for number, visit_id in enumerate(_waiting(living, place)[:4]):
        _walk(living, lin, visit_id, SEEN[number // 2 : number // 2 + 1] if number % 2 else (), number)
    deliver_due(living.app, 1000)


def _floors(living: Living, building_id: int) -> tuple[int, ...]:
    with living.app.session() as session:
        return tuple(session.scalars(sa.select(Floor.id).where(Floor.building_id == building_id).order_by(Floor.level)))


def _waiting(living: Living, place: Place) -> list[int]:
    with living.app.session() as session:
        here = place.site.buildings[WALKED].id
        return list(session.scalars(sa.select(Visit.id).where(Visit.building_id == here).order_by(Visit.id)))


def _walk(living: Living, who, visit_id: int, seen: tuple, number: int) -> None:
    """One floor, sent by the phone a moment ago."""
    now: datetime = living.clock.now()
    groups = {found["group"] for found in seen}
    answers = {g.key: "finding" if g.key in groups else "fine" for g in checklist.groups()}
    opened, sent = now - timedelta(minutes=10 - 2 * number), now - timedelta(minutes=9 - 2 * number)
    times = {"opened_at": opened.isoformat(), "sent_at": sent.isoformat()}
    actions.submit(living.app, who, visit_id, f"demo-floor-{visit_id}", {"answers": answers, "findings": list(seen), **times})
