"""Ordinary days of the demo: requests come in, are dispatched, done, checked, visited; supervisors go their rounds; people read.

What becomes of a ticket is its fate, dealt out like cards, so that each fate occurs in any demo that is not tiny. The shares follow
what a centre of this size would call a normal week.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.calendars.rules import Calendar
from service.demo import deeds
from service.demo.customers import Caller
from service.demo.living import Case, Place, Story, World
from service.demo.people import Staff
from service.demo.texts import Request, requests, some
from service.notifications.actions import mark_read
from service.notifications.models import Notice
from service.organisation.models import AreaKind
from service.tickets import actions
from service.tickets.models import Escalation

FATES = {  # of a hundred tickets
    "plain": 48, "urged": 9, "asked": 6, "late": 4, "overdue": 3, "back": 6, "back twice": 1, "unhappy": 4, "withdrawn": 4, "merged": 2,
    "not reached": 4, "never reached": 1, "help": 3, "cannot": 2, "informed": 3,
}
CATEGORIES = {"repair": 46, "complaint": 13, "enquiry": 14, "fees": 8, "renovation": 7, "other": 5, "delivery": 4, "praise": 3}
CHANNELS = {"phone": 60, "visit": 20, "customer-page": 9, "missed-call": 6, "colleague": 5}
CALLS = {"office": 58, "mall": 18, "homes": 24}
ON_THE_SPOT = {"enquiry": 0.7, "praise": 0.9, "other": 0.4, "fees": 0.25}
BUSY = {8: 5, 9: 10, 10: 9, 11: 6, 12: 3, 13: 5, 14: 8, 15: 7, 16: 6, 17: 5}
OUT_OF_HOURS = 0.07
ROUND_MINUTES, PATIENCE = 10, timedelta(minutes=6)


def ordinary(world: World, place: Place, count: int, start_at: datetime, until: datetime) -> None:
    """Plan `count` tickets between the two instants."""
    fates = _deal(world.chance, FATES, count)
    categories = _deal(world.chance, CATEGORIES, count)
    for fate, category, at in zip(fates, categories, _arrivals(world.chance, place.calendar, count, start_at, until)):
        world.plan(at, _ticket(world, place, category, fate))


def _deal(chance: random.Random, shares: dict[str, int], count: int) -> list[str]:
    """`count` cards in the given shares, the rarer ones rounded up, in random order."""
    total = sum(shares.values())
    cards = [name for name, share in sorted(shares.items(), key=lambda item: item[1]) for _ in range(-(-share * count // total))][:count]
    chance.shuffle(cards)
    return cards


def _arrivals(chance: random.Random, calendar: Calendar, count: int, start_at: datetime, until: datetime) -> Iterator[datetime]:
    """Moments of arrival: in opening hours with their peaks, a few at night and at weekends."""
    seconds = (until - start_at).total_seconds()
    found = 0
    while found < count:
        at = start_at + timedelta(seconds=chance.uniform(0, seconds))
        weight = BUSY.get(calendar.local(at).hour, 0) / 10 if calendar.is_open(at) else OUT_OF_HOURS if calendar.local(at).hour >= 7 else 0.02
        if chance.random() < weight:
            found += 1
            yield at


# --- one ticket --------------------------------------------------------------------------------------------------------------

def _ticket(world: World, place: Place, category: str, fate: str) -> Story:
    case = _registered(world, place, category, fate)
    if fate == "merged":
        world.plan(world.later(case, 4, 15, place.calendar), _same_again(world, place, case))
    if world.task(case, "handle_on_the_spot"):
        yield world.later(case, 2, 14, place.calendar)
        deeds.on_the_spot(world, case)
    else:
        yield from _worked_on(world, place, case, fate)
    yield from _visited(world, place, case, fate)


def plain_repair(world: World, caller: Caller) -> Request:
    """Something that a caller wants repaired, in opening hours."""
    return _request(world.chance, "repair", caller, True)


def goes_on(world: World, place: Place, case: Case) -> Story:
    """A ticket that somebody else has registered, on its plain way to the return visit."""
    yield from _worked_on(world, place, case, "plain")
    yield from _visited(world, place, case, "plain")


def _registered(world: World, place: Place, category: str, fate: str) -> Case:
    chance, open_now = world.chance, place.calendar.is_open(world.clock.now())
    caller = _caller(chance, place)
    request = _request(chance, category, caller, open_now)
    urgent = request.urgent and (not open_now or chance.random() < 0.5)
    public = request.places == {"public"} or "public" in request.places and chance.random() < 0.3
    owner = _owner(world, place, caller.building, open_now)
    about = "luojia" if category == "complaint" and "luojia" in world.staff and caller.building == "1" and owner.username != "luojia" \
        and chance.random() < 0.3 else None
    at = world.clock.now()
    deadline_at = place.calendar.add(at, chance.randint(9, 30) * 20) if chance.random() < 0.1 and not urgent else None
    spot = open_now and fate == "plain" and not public and chance.random() < ON_THE_SPOT.get(category, 0)
    return world.register(owner, place.site, request, None if public else caller, building=caller.building, level=caller.level, urgent=urgent,
                          channel=chance.choice(("patrol", "colleague")) if public else _pick(chance, CHANNELS), about=about, on_the_spot=spot,
                          expectation="come-now" if urgent else chance.choice(("call-back", "appointment", "come-now", "note-only")),
                          deadline_at=deadline_at)


def _caller(chance: random.Random, place: Place) -> Caller:
    """Offices call more often than their number, homes less."""
    kind = AreaKind(_pick(chance, CALLS))
    return chance.choice([c for c in place.callers if c.kind is kind] or place.callers)


def _request(chance: random.Random, category: str, caller: Caller, open_now: bool) -> Request:
    """A request that fits the caller's place; out of hours mostly what cannot wait."""
    kind = {AreaKind.OFFICE: "office", AreaKind.MALL: "mall", AreaKind.HOMES: "homes"}.get(caller.kind, "office")
    fitting = [r for r in requests(category) if kind in r.places or r.places == {"public"} and category in ("repair", "complaint")]
    if not open_now and category == "repair":
        fitting = [r for r in fitting if r.urgent] or fitting
    return chance.choice(fitting)


def _owner(world: World, place: Place, building: str, open_now: bool) -> Staff:
    mine = place.with_role("specialist", building, "day" if open_now else "night") or place.with_role("specialist", building)
    return world.chance.choices(mine, [3 if s.username == "lin" else 2 for s in mine])[0]


def _same_again(world: World, place: Place, first: Case) -> Story:
    """Another caller about the same thing; the owner sees it and merges."""
    caller = world.chance.choice([c for c in place.callers if c.building in (first.owner.buildings or [c.building])])
    second = world.register(first.owner, place.site, first.request, caller, urgent=first.urgent)
    yield world.later(second, 1, 4, place.calendar)
    if world.task(first, "dispatch", "accept_slip", "arrive", "handle") is not None:
        deeds.merge(world, second, first)
    else:
        deeds.withdraw(world, second, "前一张单已经办好了")


# --- dispatched --------------------------------------------------------------------------------------------------------------

def _worked_on(world: World, place: Place, case: Case, fate: str) -> Story:
    """Dispatched, accepted, done and checked."""
    calendar, chance = place.calendar, world.chance
    yield world.later(case, 1, 4 if case.hasty else 7, calendar)
    deeds.dispatch(world, case)
    if fate == "withdrawn":
        yield world.later(case, 5, 60, calendar)
        deeds.withdraw(world, case)
        return
    yield from _accepted(world, place, case, fate)
    if chance.random() < 0.12:
        yield from _promised(world, place, case)
    yield world.later(case, 5, 14 if case.urgent else 40, calendar)
    if fate in ("urged", "unhappy"):
        deeds.urge(world, case)
        yield world.later(case, 3, 15, calendar)
    deeds.arrive(world, case)
    yield from _done(world, place, case, fate)
    for _ in range({"back": 1, "back twice": 2}.get(fate, 0)):
        yield world.later(case, 8, 40, calendar)
        deeds.send_back(world, case, some(chance, "fail"))
        yield world.later(case, 15, 60, calendar)
        deeds.arrive(world, case)
        yield from _done(world, place, case, "plain")
    yield calendar.add(world.clock.now(), chance.uniform(4, 45))
    deeds.verify(world, case)


def _accepted(world: World, place: Place, case: Case, fate: str) -> Story:
    chance, calendar = world.chance, place.calendar
    limit = 7 if case.hasty else 15
    yield world.later(case, 2, limit, calendar)
    worker = _worker(world, place, case, case.request.department)
    if fate == "asked":
        question, answer = some(chance, "questions")
        deeds.ask(world, case, worker, question)
        yield world.later(case, 4, 22, calendar)
        deeds.answer(world, case, answer)
        yield world.later(case, 3, 12, calendar)
    elif fate == "late":
        yield world.later(case, 35, 70, calendar)
    elif fate == "cannot":
        reason, department = some(chance, "cannot")
        deeds.cannot_solve(world, case, worker, reason)
        while (task := world.task(case, "dispatch", "accept_slip")) is None:
            yield calendar.add(world.clock.now(), 10)
        if task.element_id == "dispatch":
            deeds.dispatch(world, case, department)
            worker = _worker(world, place, case, department)
            yield world.later(case, 3, 12, calendar)
    head = next((s for s in place.staff if f"{case.request.department}-head" in s.roles), None)
    if head is not None and head is not worker and fate != "cannot" and chance.random() < 0.5:
        deeds.accept(world, case, head, worker)
    else:
        deeds.accept(world, case, worker)


def _worker(world: World, place: Place, case: Case, department: str) -> Staff:
    """Who of the department goes: of the shift that is on; a specialist's slip is mostly done by its owner."""
    if department == "specialist":
        return case.owner
    shift = "day" if place.calendar.is_open(world.clock.now()) else "night"
    mine = place.with_role(department, shift=shift) or place.with_role(department)
    return world.chance.choice([s for s in mine if "-head" not in " ".join(s.roles)] or mine)


def _promised(world: World, place: Place, case: Case) -> Story:
    due_at = place.calendar.add(world.clock.now(), world.chance.randint(4, 14) * 15)
    number = deeds.promise(world, case, some(world.chance, "promise"), due_at)
    world.plan(place.calendar.subtract(due_at, world.chance.uniform(2, 20)), _kept_promise(world, case, number))
    yield world.clock.now()


def _kept_promise(world: World, case: Case, promise_id: int) -> Story:
    actions.end_promise(world.app, case.owner, promise_id, True, some(world.chance, "told"))
    yield from ()


def _done(world: World, place: Place, case: Case, fate: str) -> Story:
    """From arrival to the result, with what happens in between."""
    calendar = place.calendar
    if fate == "help":
        yield world.later(case, 5, 20, calendar)
        deeds.ask_help(world, case, case.worker, some(world.chance, "help"))
        yield world.later(case, 25, 50, calendar)
    if fate == "informed":
        yield world.later(case, 3, 12, calendar)
        deeds.add_information(world, case)
    work = case.request.minutes
    if fate == "overdue":
        yield world.later(case, 250, 300, calendar) if case.urgent else calendar.add(world.clock.now(), world.chance.uniform(580, 680))
    else:
        yield world.later(case, 0.6 * work, 1.8 * work + 10, calendar)
    deeds.handle(world, case)


# --- visited -----------------------------------------------------------------------------------------------------------------

def _visited(world: World, place: Place, case: Case, fate: str) -> Story:
    calendar = place.calendar
    if fate in ("not reached", "never reached"):
        for _ in range(1 if fate == "not reached" else 3):
            yield calendar.add(world.clock.now(), world.chance.uniform(60, 200))
            deeds.not_reached(world, case)
            yield calendar.next_business_day(world.clock.now())
    yield calendar.add(world.clock.now(), world.chance.uniform(40, 420))
    if world.task(case, "return_visit") is None:
        return
    if fate == "unhappy":
        deeds.visit(world, case, world.chance.choice((2, 2, 1)))
        yield from _worked_on(world, place, case, "plain")
        yield calendar.add(world.clock.now(), world.chance.uniform(60, 300))
    deeds.visit(world, case, world.chance.choices((5, 4, 3), (62, 30, 8))[0])


# --- rounds ------------------------------------------------------------------------------------------------------------------

def rounds(world: World, place: Place, leads: dict[str, Staff]) -> Story:
    """Supervisor, manager and quality answer what was raised to them, some minutes after it came; what is kept is left."""
    while True:
        yield place.calendar.add(world.clock.now(), ROUND_MINUTES)
        for task in world.open_tasks(place.site.centre.id, leads):
            if task.business_key not in world.kept and world.clock.now() - task.opened_at >= PATIENCE:
                deeds.answer_open(world, task, _reason(world, task.instance_id), leads[task.element_id])


def _reason(world: World, instance_id: str) -> str:
    with world.app.database.connect() as connection:
        return connection.execute(sa.select(Escalation.reason).where(Escalation.instance_id == instance_id)).scalar() or ""


def reading(world: World, calendar: Calendar, until: datetime) -> Story:
    """Twice a day most people read what they were told; at `until` everybody does, and what comes later stays unread."""
    while world.clock.now() < until:
        yield min(until, calendar.add(world.clock.now(), world.chance.uniform(200, 320)))
        with world.app.database.connect() as connection:
            rows = connection.execute(sa.select(Notice.person_id, Notice.id).where(Notice.read_at.is_(None)).order_by(Notice.id)).all()
        for person in sorted({row.person_id for row in rows}):
            if world.clock.now() >= until or world.chance.random() < 0.8:
                mark_read(world.app, _Reader(person), [row.id for row in rows if row.person_id == person])


class _Reader:
    def __init__(self, id: int):
        self.id = id


def _pick(chance: random.Random, shares: dict[str, int]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


