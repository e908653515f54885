"""What becomes of a finding in the demo: accepted, put right, looked at again; now and then late, sent back, made a ticket.

Surprise: a fate that ends early ("new", "taken", "stuck", "to look at") is what waits for the reader of the demo.
"""

from __future__ import annotations

import sqlalchemy as sa

from service.demo import deeds, texts
from service.demo.living import Case, Story
from service.demo.people import Staff
from service.demo.week import Week
from service.findings import actions
from service.findings.models import Finding
from service.tickets.models import Ticket

FATES = {"plain": 66, "back": 14, "late": 10, "overdue": 6, "ticket": 4}  # of a hundred
FIX = {"minor": (50, 420), "major": (40, 260)}  # minutes of opening time; danger by the wall clock


def dealt(week: Week, seen: texts.Seen) -> str:
    """By chance; what is dangerous is put right at once."""
    return "plain" if seen.severity == "danger" else week.world.chance.choices(list(FATES), list(FATES.values()))[0]


def followed(week: Week, number: str, reporter: Staff, seen: texts.Seen, fate: str) -> Story:
    """From the report to the second look. What somebody else has ended in between ends here too."""
    if fate == "new":
        return
    yield week.later(40, 70) if fate == "late" else _soon(week, seen, 3, 18)
    if fate == "ticket":
        yield from _as_ticket(week, number, reporter, seen)
        return
    worker = _worker(week, number, seen)
    if not _accept(week, number, seen, worker):
        return
    if fate in ("taken", "stuck"):
        return
    yield week.told.b(40) if fate == "to look at" else week.later(1200, 1400) if fate == "overdue" else _fixed_at(week, seen)
    for passed in ([False] if fate == "back" else []) + [True]:
        if not _put_right(week, number, worker, seen):
            return
        if fate == "to look at":
            return
        yield _soon(week, seen, 25, 180)
        _look(week, number, reporter, passed)
        if not passed:
            yield week.later(30, 120)


def _soon(week: Week, seen: texts.Seen, least: float, most: float):
    return week.now + week.minutes(least, most) if seen.severity == "danger" else week.later(least, most)


def _fixed_at(week: Week, seen: texts.Seen):
    return week.now + week.minutes(12, 60) if seen.severity == "danger" else week.later(*FIX[seen.severity])


def _worker(week: Week, number: str, seen: texts.Seen) -> Staff:
    """Somebody of the department who works in the finding's building."""
    (building_id,) = week.rows(sa.select(Finding.building_id).where(Finding.number == number))
    code = next((code for code, building in week.place.site.buildings.items() if building.id == building_id), None)
    mine = week.place.with_role(seen.department, code, shift="day") or week.place.with_role(seen.department, code)
    return week.world.chance.choice([s for s in mine if "-head" not in " ".join(s.roles)] or mine)


def _accept(week: Week, number: str, seen: texts.Seen, worker: Staff) -> bool:
    """The head names somebody, or whoever takes it for themselves; whether it was still to be accepted."""
    head = next((s for s in week.place.staff if f"{seen.department}-head" in s.roles), None)
    by = head if head is not None and week.world.chance.random() < 0.5 else worker
    return _do(week, number, "accept_finding", {"worker": worker.username}, by)


def _put_right(week: Week, number: str, worker: Staff, seen: texts.Seen) -> bool:
    if week.task(number, "put_right") is None:
        return False
    photos = week.photo(worker, seen.picture, after=True)
    return _do(week, number, "put_right", {"result": seen.result, "photo_after": photos}, worker)


def _look(week: Week, number: str, reporter: Staff, passed: bool) -> bool:
    values = {"passed": "yes"} if passed else {"passed": "no", "back_reason": week.one_of("back")}
    return _do(week, number, "look_again", values, reporter)


def _do(week: Week, number: str, element: str, values: dict, by: Staff) -> bool:
    """Complete the finding's open task: by whom it is assigned to, else `by`."""
    task = week.task(number, element)
    if task is None:
        return False
    actions.complete(week.world.app, week.who(task.assignee) if task.assignee else by, number, task.id, values)
    return True


def _as_ticket(week: Week, number: str, reporter: Staff, seen: texts.Seen) -> Story:
    """The reporter makes it a ticket, unless it is closed; the department works on that."""
    (finding,) = week.rows(sa.select(Finding).where(Finding.number == number))
    if finding.instance_id is None or finding.closed_at is not None:
        return
    named = actions.to_ticket(week.world.app, reporter, number, "repair", f"demo-ticket-{number}")
    (ticket,) = week.rows(sa.select(Ticket).where(Ticket.number == named))
    request = texts.Request("repair", seen.words, frozenset(), False, seen.department, "", seen.words, seen.result, 40, "", 0, seen.picture)
    case = Case(named, ticket.instance_id, reporter, request, request.at(1, ""), week.place.site, False, False)
    yield week.later(4, 12)
    deeds.accept(week.world, case, _worker(week, number, seen))
    for deed, least, most in ((deeds.arrive, 10, 30), (deeds.handle, 40, 90), (deeds.verify, 10, 40), (_visited, 60, 300)):
        yield week.later(least, most)
        deed(week.world, case)


def _visited(world, case: Case) -> None:
    deeds.visit(world, case, 5)
