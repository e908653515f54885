"""Patrols of the demo's last week: plans and tags, floors walked day by day, some left out, one sent late by a phone without network.

`begin` is the first morning; the rest are stories. At the end Lin is on her way through 3座, or has just come through it. Surprise: a
floor that nobody walks needs no telling, the end of its slot makes it a missed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.demo import found, texts
from service.demo.living import Story
from service.demo.people import Staff
from service.demo.week import Week
from service.organisation.models import AreaKind, Floor
from service.patrols import actions, checklist, rules
from service.patrols.models import Patrol, PatrolPoint, PatrolSlot, Posting, Rhythm, Visit, VisitState
from service.reviews import actions as reviews

LINS = "3"  # the building that Lin walks at the end
ROUTES = {
    "river": ((("1",), "luojia"), (("2",), "dengying"), (("3",), "songyt"), (("T",), "xielin"),
              (("L1", "L2", "L3"), "jiangwen"), (("L4", "L5", "L6"), "yuyang")),
    "east": ((("A",), "linyu"),),
}  # fmt: skip
BEFORE_END = 12  # minutes of opening time before the demo's end at which Lin has sent her last floor
SHARE_LEFT, MINUTES_A_FLOOR = 0.4, 3  # of a patrol that goes on at the end, as long as there is time for the rest
SEEN_ON, SCANNED = 1 / 38, 0.96  # of the floors
WITHOUT = {AreaKind.HOMES: ("toilets",)}  # what a floor has none of
TAKEN_DOWN = "停水通知"
OLD_NOTICE = texts.Seen("notices", "minor", "specialist", "电梯厅", "温馨提示过期了还贴着", "撤下", "reader")


@dataclass(frozen=True, slots=True)
class Slot:
    """One patrol of the plan: a building, a day, a slot with its instants."""

    code: str
    day: date
    slot: PatrolSlot
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one floor of a patrol: which row of the findings is seen there and what becomes of it."""

    seen: str  # the words begin so
    fate: str


LIVE = {-1: Told("应急灯不亮", "new"), 0: Told("男卫", "taken")}  # by floor of the patrol that Lin walks last; -1 is its last one


def begin(week: Week, lead: str) -> None:
    """Plans for every building of the centre, a tag on every floor, and two notices that will be past their date. In homes every
    third floor is walked.
    """
    app, chief = week.world.app, week.who(lead)
    for code, building in week.place.site.buildings.items():
        ids = tuple(week.rows(sa.select(Floor.id).where(Floor.building_id == building.id).order_by(Floor.level)))
        rhythm = Rhythm.TWICE if _slots_a_day(week, code) == 2 else Rhythm.DAILY
        walked = ids[::3] if week.place.site.kinds[code] is AreaKind.HOMES else ids
        actions.save_plan(app, chief, week.centre_id, actions.PlanGiven(building.name, building.area_id, rhythm, walked))
        actions.make_points(app, chief, list(walked), "电梯厅")
        if code == LINS:
            _post_notices(week, chief, ids)


def _post_notices(week: Week, chief: Staff, ids: tuple[int, ...]) -> None:
    """One is taken down on the first patrol after its date, the other is still there then and becomes a finding."""
    until = week.working[-3] - timedelta(days=1)
    for floor_id, title in ((ids[1], TAKEN_DOWN), (ids[-1], "温馨提示：雨天地滑")):
        actions.post(week.world.app, chief, floor_id, "notice", title, until)


def stories(week: Week, which: str) -> None:
    """Everybody walks their buildings, every working day."""
    for codes, username in ROUTES[which]:
        week.world.plan(week.from_at, _route(week, codes, username))
    if which == "river":
        week.world.plan(week.told.b(25), _sent_late(week))


# --- walking ----------------------------------------------------------------------------------------------------------


def _route(week: Week, codes: tuple[str, ...], username: str) -> Story:
    live = _live(week) if LINS in codes else None
    for day in week.working:
        for number in range(_slots_a_day(week, codes[0])):
            for code in codes:
                slots = _slots(week, code, day)
                if number < len(slots):
                    yield from _patrol(week, slots[number], username, live, wait=code == codes[0])


def _slots_a_day(week: Week, code: str) -> int:
    return 2 if week.place.site.kinds[code] is AreaKind.OFFICE and code != "A" else 1


def _slots(week: Week, code: str, day: date) -> list[Slot]:
    rhythm = Rhythm.TWICE if _slots_a_day(week, code) == 2 else Rhythm.DAILY
    opens, closes = week.calendar.opening_time(day), week.calendar.closing_time(day)
    return [Slot(code, day, *found) for found in rules.slots(rhythm, opens, closes, week.calendar)]


def _live(week: Week) -> Slot:
    """The patrol of 3座 that Lin walked last."""
    at = week.told.b(BEFORE_END)
    slots = [slot for day in week.working for slot in _slots(week, LINS, day)]
    return next(slot for slot in reversed(slots) if slot.starts_at < at)


def _patrol(week: Week, slot: Slot, username: str, live: Slot | None, wait: bool) -> Story:
    """One building in one slot, floor after floor in the plan's order."""
    if slot == live:
        yield slot.starts_at + timedelta(minutes=1)
        yield from _walked_by_lin(week, slot, _visits(week, slot))
        return
    if wait:
        yield slot.starts_at + week.minutes(12, 40)
    visits, told = _visits(week, slot), _places(week).get((slot.code, slot.day, slot.slot), {})
    walker = week.who("lin" if slot.code == LINS and slot.day == week.working[-2] and slot.slot == PatrolSlot.MORNING else username)
    for number, visit in enumerate(visits[: len(visits) - _left_out(week, slot, len(visits))]):
        yield week.now + week.minutes(1.6, 3.4)
        if week.now < slot.ends_at:
            _walk(week, walker, visit, told.get(number))


def _walked_by_lin(week: Week, slot: Slot, visits: list[Visit]) -> Story:
    """Spread over the time that there was; the last floor twelve minutes before the end, some left where the slot goes on."""
    last_at = week.told.b(BEFORE_END)
    minutes_left = max(0, (slot.ends_at - week.world.end_at) / timedelta(minutes=1))
    left = min(int(len(visits) * SHARE_LEFT), int(minutes_left / MINUTES_A_FLOOR))
    count = max(1, len(visits) - left)
    first_at = max(min(slot.starts_at + week.minutes(12, 40), last_at - timedelta(minutes=2 * count)), week.now)
    count = min(count, max(1, int((last_at - first_at) / timedelta(minutes=1))))
    step = (last_at - first_at) / max(1, count - 1)
    for number, visit in enumerate(visits[:count]):
        yield last_at if number == count - 1 else first_at + number * step
        _walk(week, week.who("lin"), visit, LIVE.get(-1 if number == count - 1 else number))


def _visits(week: Week, slot: Slot) -> list[Visit]:
    here = week.place.site.buildings[slot.code].id
    query = sa.select(Visit).join(Patrol, Patrol.id == Visit.patrol_id).where(
        Visit.building_id == here, Patrol.day == slot.day, Patrol.slot == slot.slot, Visit.state == VisitState.WAITING
    )  # fmt: skip
    return week.rows(query.order_by(Visit.position))


def _left_out(week: Week, slot: Slot, count: int) -> int:
    """How many floors of a patrol nobody walks: the last ones, or all of them."""
    days = week.working
    if (slot.code, slot.day, slot.slot) == ("2", days[-3], PatrolSlot.AFTERNOON):
        return 3
    if (slot.code, slot.day) == ("L6", days[-4]):
        return count
    return 1 if _basement(week) == (slot.code, slot.day, slot.slot) else 0


def _basement(week: Week) -> tuple[str, date, PatrolSlot]:
    """The patrol whose last floor was walked without network."""
    return LINS, week.working[-4], PatrolSlot.AFTERNOON


def _places(week: Week) -> dict[tuple[str, date, PatrolSlot], dict[int, Told]]:
    """What is seen on which floor of which patrol, beside what chance gives."""
    days = week.working
    return {
        ("3", days[-2], PatrolSlot.MORNING): {1: Told("楼层牌", "to look at")},
        ("3", days[-3], PatrolSlot.MORNING): {3: Told("防火门", "back")},
        ("3", days[-4], PatrolSlot.MORNING): {2: Told("现场没封闭", "plain")},
        ("2", days[-3], PatrolSlot.MORNING): {1: Told("管井门", "stuck"), 2: Told("小便斗", "ticket")},
        ("1", days[-3], PatrolSlot.MORNING): {0: Told("纸箱堵住消火栓", "plain"), 2: Told("一盏筒灯", "late")},
    }


# --- one floor --------------------------------------------------------------------------------------------------------


def _walk(week: Week, walker: Staff, visit: Visit, told: Told | None) -> None:
    """A floor as the phone sends it, with what was seen; each finding goes its own way from here."""
    seen, fate = _seen(week, told)
    past = _past_date(week, visit)
    there = [(seen, fate)] * (seen is not None) + [(OLD_NOTICE, "plain") for what in past.values() if what == "finding"]
    entry = _entry(week, walker, visit, [row for row, _ in there]) | {"postings": past}
    done = actions.submit(week.world.app, walker, visit.id, f"demo-floor-{visit.id}", entry)
    for number, (row, becomes) in zip(done.findings, there, strict=True):
        week.world.plan(week.now, found.followed(week, number, walker, row, becomes))


def _seen(week: Week, told: Told | None) -> tuple[texts.Seen | None, str]:
    if told is not None:
        return texts.seen(told.seen), told.fate
    if week.world.chance.random() < SEEN_ON:
        row = week.world.chance.choice([row for row in texts.findings() if row not in _told_by_name(week)])
        return row, found.dealt(week, row)
    return None, ""


def _told_by_name(week: Week) -> list[texts.Seen]:
    return [texts.seen(told.seen) for told in (*LIVE.values(), *(t for floors in _places(week).values() for t in floors.values()))]


def _past_date(week: Week, visit: Visit) -> dict[str, str]:
    """What hangs here past its date: taken down on the way, or still there; a finding is reported of it once."""
    today = week.calendar.local(week.now).date()
    hanging = week.rows(sa.select(Posting).where(
        Posting.floor_id == visit.floor_id, Posting.taken_down_at.is_(None), Posting.expires_on < today
    ))  # fmt: skip
    fresh = [p for p in hanging if p.id not in week.reported]
    week.reported |= {p.id for p in fresh}
    return {str(p.id): "down" if p.title == TAKEN_DOWN else "finding" for p in fresh}


def _entry(week: Week, walker: Staff, visit: Visit, rows: list[texts.Seen]) -> dict[str, Any]:
    """What a phone sends of a floor: opened a minute ago by its tag, as far as it has one."""
    took = timedelta(seconds=9) if _hasty(week, visit) else week.minutes(0.6, 1.4)
    opened, sent = week.now - took - timedelta(seconds=4), week.now - timedelta(seconds=4)
    point = sa.select(PatrolPoint.code).where(PatrolPoint.floor_id == visit.floor_id, PatrolPoint.retired_at.is_(None))
    tag = week.rows(point)
    proof = week.photo(walker, "window") if visit.photo_item and visit.id % 3 == 0 else []
    return {
        "answers": _answers(week, visit, {row.group for row in rows}),
        "findings": [_finding(week, walker, row) for row in rows],
        "opened_at": opened.isoformat(),
        "sent_at": sent.isoformat(),
        "proof_photo": proof[0] if proof else None,
        **({"tag": tag[0], "scanned_at": opened.isoformat()} if tag and week.world.chance.random() < SCANNED else {}),
    }


def _hasty(week: Week, visit: Visit) -> bool:
    """One evening somebody answers without looking; the supervisor sees it by the times."""
    here = week.place.site.buildings.get("L5")
    return here is not None and visit.building_id == here.id and week.calendar.local(week.now).date() == week.working[-3] and visit.position < 2


def _answers(week: Week, visit: Visit, found_in: set[str]) -> dict[str, str]:
    code = next(code for code, building in week.place.site.buildings.items() if building.id == visit.building_id)
    without = WITHOUT.get(week.place.site.kinds[code], ()) + (("renovation",) if visit.floor_id % 4 else ())
    return {
        g.key: "finding" if g.key in found_in else "na" if g.key in without else "fine" for g in checklist.groups()
    }


def _finding(week: Week, walker: Staff, row: texts.Seen) -> dict[str, Any]:
    return {
        "group": row.group,
        "severity": row.severity,
        "department": row.department,
        "place": row.place,
        "words": row.words,
        "photos": week.photo(walker, row.picture),
    }


# --- a phone without network ------------------------------------------------------------------------------------------


def _sent_late(week: Week) -> Story:
    """What was walked in the basement days ago arrives now: the record that Chen has signed gets a second version."""
    code, day, slot = _basement(week)
    here = week.place.site.buildings[code].id
    query = sa.select(Visit).join(Patrol, Patrol.id == Visit.patrol_id).where(
        Visit.building_id == here, Patrol.day == day, Patrol.slot == slot, Visit.state == VisitState.MISSED
    )  # fmt: skip
    for visit in week.rows(query):
        walked_at = week.at(day, 16, 40)
        entry = _entry(week, week.who("songyt"), visit, []) | {
            "opened_at": (walked_at - timedelta(minutes=1)).isoformat(),
            "sent_at": walked_at.isoformat(),
        }
        actions.submit(week.world.app, week.who("songyt"), visit.id, f"demo-floor-{visit.id}", entry)
    reviews.notice_corrections(week.world.app)
    yield from ()

