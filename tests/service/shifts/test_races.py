"""The second signature against steps that end at the same moment: at every instant one person answers, and no ticket is split."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
import sqlalchemy as sa

from engine.api import SYSTEM, Scope
from engine.errors import EngineError
from engine.tables import process_instance, user_task
from service.errors import Refused, ServiceError
from service.shifts import handovers
from service.shifts.models import Responsibility, Shift
from service.shifts.sheets import IN
from service.tickets import actions as tickets
from service.tickets.models import OPEN_STATES, Ticket
from tests.service.shifts.desk import FRIDAY, Desk, at

SHORT, LONG = 6, 100


@pytest.fixture
def desk(story, clock) -> Desk:
    return Desk(story, clock, start=False)


def begin(desk: Desk, count: int, outgoing: str, incoming: str) -> None:
    """A handover as the planner starts it."""
    number = f"JB2026-{count:04d}"
    variables = {
        "handover_number": number, "post_id": desk.post, "post_name": "前台", "day": FRIDAY.isoformat(),
        "shift": str(Shift.DAY), "outgoing": outgoing, "incoming": incoming, "shift_ends_at": at(23), "sign_due_at": at(23, 30),
    }  # fmt: skip
    desk.app.engine.start("handover", variables, business_key=number, scope=Scope(desk.here), actor=SYSTEM)


def work(desk: Desk, outgoing: str) -> tuple[str, str]:
    """Two tickets of the outgoing person: one to be dispatched, one whose worker is about to be done."""
    story = desk.story
    waiting, at_work = (
        tickets.register(desk.app, story.person(outgoing), FORM, unit_id=story.world.units["3-1201"]).number
        for _ in range(2)
    )
    story.complete(outgoing, "dispatch", {"department": "engineering", "instruction": "去看"}, at_work)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, at_work)
    story.complete("liu", "arrive", {"arrived_at": desk.clock.now().isoformat()}, at_work)
    return waiting, at_work


FORM = {
    "category": "repair", "request": "灯不亮", "expectation": "come-now", "reply_deadline_kind": "none", "urgency": "normal",
    "on_the_spot": False,
}  # fmt: skip
DONE = {"result": "换了灯管", "cause": "老化", "labour_minutes": 10}


def sign(desk: Desk, incoming: str, number: str, signing) -> None:
    """Sign what was seen; where a step changed the list in between, read it again and sign that."""
    for _ in range(10):
        try:
            handovers.take(desk.app, desk.story.person(incoming), number, signing)
            return
        except Refused:  # the list changed
            desk.check(by=incoming)
            signing = desk.signing(IN)
    raise AssertionError("the list never came to rest")


def race(desk: Desk, outgoing: str, incoming: str) -> list[str]:
    """Both sign and complete at once; how each act ended, by the refusal's name. Raises what nobody expects."""
    waiting, at_work = work(desk, outgoing)
    begin_number = desk.number
    desk.give(by=outgoing)
    desk.check(by=incoming)
    signing, story = desk.signing(IN), desk.story
    dispatch, handle = task_of(desk, waiting, "dispatch"), task_of(desk, at_work, "handle")
    form = {"department": "engineering", "instruction": "去看"}
    acts = [
        lambda: sign(desk, incoming, begin_number, signing),
        lambda: sign(desk, incoming, begin_number, signing),
        lambda: tickets.complete_task(desk.app, story.person(outgoing), dispatch, form),
        lambda: tickets.complete_task(desk.app, story.person("liu"), handle, DONE),
    ]
    gate, stop = threading.Barrier(len(acts)), threading.Event()

    def do(act) -> str:
        gate.wait()
        try:
            act()
        except (EngineError, ServiceError) as error:
            return type(error).__name__
        return ""

    def watch() -> set[int]:
        seen = {answering(desk)}
        while not stop.is_set():
            seen.add(answering(desk))
        return seen

    with ThreadPoolExecutor(len(acts) + 1) as pool:
        watching = pool.submit(watch)
        ends = [pool.submit(do, act) for act in acts]
        wait(ends)
        stop.set()
    assert watching.result() == {1}, "somebody answers for the post at every look, and one only"
    return [end.result() for end in ends]


def answering(desk: Desk) -> int:
    with desk.app.session() as session:
        clause = (Responsibility.post_id == desk.post, Responsibility.until_at.is_(None))
        return session.scalar(sa.select(sa.func.count()).select_from(Responsibility).where(*clause))


def task_of(desk: Desk, number: str, element: str) -> str:
    with desk.app.session() as session:
        return session.execute(
            sa.select(user_task.c.id).where(
                user_task.c.business_key == number, user_task.c.element_id == element, user_task.c.state == "open"
            )
        ).scalar_one()


def split(desk: Desk, owner: str) -> list[str]:
    """Open tickets that say two names: row, process and the desk's open tasks have to agree on the owner."""
    found = []
    with desk.app.session() as session:
        for ticket in session.scalars(
            sa.select(Ticket).where(Ticket.state.in_(OPEN_STATES), Ticket.centre_id == desk.here)
        ):
            names = {ticket.owner, desk.app.engine.variables(ticket.instance_id)["owner"]}
            names |= set(session.execute(
                sa.select(user_task.c.assignee).where(
                    user_task.c.root_id == ticket.instance_id, user_task.c.state == "open",
                    user_task.c.groups.like("%specialist%"), user_task.c.process_key == "customer-request",
                )
            ).scalars())  # fmt: skip
            found += [f"{ticket.number}: {sorted(map(str, names))}"] if names != {owner} else []
    return found


def open_tickets(desk: Desk) -> list[str]:
    with desk.app.session() as session:
        return list(session.scalars(sa.select(Ticket.number).where(Ticket.state.in_(OPEN_STATES))))


def stretches(desk: Desk) -> list[tuple]:
    with desk.app.session() as session:
        rows = session.scalars(
            sa.select(Responsibility).where(Responsibility.post_id == desk.post).order_by(Responsibility.id)
        )
        return [(row.person, row.from_at, row.until_at) for row in rows]


def test_the_second_signature_against_completions_never_leaves_none_or_two_responsible(desk, full):
    people, taken = ("lin", "zhou"), Counter()
    for count in range(1, (LONG if full else SHORT) + 1):
        outgoing, incoming = people if count % 2 else people[::-1]
        begin(desk, count, outgoing, incoming)
        taken.update(race(desk, outgoing, incoming))
        desk.clock.set(desk.clock.now() + (at(9, 1) - at(9)))
        assert desk.responsible() == incoming
        assert split(desk, incoming) == [], f"race {count}"
        held = stretches(desk)
        assert [a[2] for a in held[:-1]] == [b[1] for b in held[1:]] and held[-1][2] is None, "no gap and no overlap"
        assert len(held) == count + 1, "each signature moved the post once"
        for number in open_tickets(desk):
            tickets.withdraw(desk.app, desk.story.person(incoming), number, "收工")
    assert taken["TaskNotOpen"] >= count, "the second press of the same signature learns that it was signed"
    with desk.app.session() as session:
        running = sa.select(sa.func.count()).select_from(process_instance).where(
            process_instance.c.process_key == "handover", process_instance.c.state == "running"
        )  # fmt: skip
        assert session.scalar(running) == 0
