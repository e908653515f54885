"""What a contract promised: the earlier limit counts, the sum names promise and source, open limits follow (customer-request 2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.errors import EngineError
from service.errors import NotAllowed, NotThere, Refused
from service.tickets import changes, promising, recompute
from service.tickets.contracts import Request, promised
from service.tickets.models import ContractPromise, Target, Ticket
from service.tickets.promising import Terms
from tests.conftest import CHINA
from tests.people import COMPLAINT, REPAIR

TERMS = Terms("报修二十分钟内接单", "物业服务合同第 8 条", date(2026, 1, 1), category="repair", response_minutes=20)


def promise(story, terms: Terms = TERMS, by: str = "chen", **options) -> promising.Changed:
    return promising.save(story.app, story.person(by), story.world.centre_id, terms, **options)


def end(story, promise_id: int, by: str = "chen") -> promising.Changed:
    return promising.end(story.app, story.person(by), story.world.centre_id, promise_id)


def register(story, form: dict = REPAIR, unit: str = "2-0805") -> str:
    return story.register(unit=unit, form=form)


def ticket(story, number: str) -> Ticket:
    with story.app.session() as session:
        return session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()


def response(story, number: str):
    return next(t for t in story.card("lin", number).targets if t.kind == "response")


def deadlines(story, number: str) -> dict[str, datetime]:
    root, engine = ticket(story, number).instance_id, story.app.engine
    return {row.element_id: row.due_at for row in [*engine.open_tasks(root), *engine.armed_timers(root)] if row.due_at}


def at(hour: int, minute: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


# --- a new ticket ----------------------------------------------------------------------------------------------------


def test_a_shorter_promise_is_the_limit_and_the_sum_names_promise_and_source(story):
    """Friday 17:45, twenty minutes instead of the table's thirty: fifteen today, five on Monday."""
    promise(story)
    line = response(story, register(story))
    assert (line.due_at, line.minutes, line.source) == (at(8, 35), 20, "promise")
    assert (line.promise.text, line.promise.source, line.table_minutes) == (TERMS.text, TERMS.source, 30)


def test_the_table_counts_where_it_is_shorter_or_as_short(story):
    for minutes in (30, 45):
        promise(story, Terms("慢", "第 1 条", date(2026, 1, 1), response_minutes=minutes))
    line = response(story, register(story))
    assert (line.due_at, line.minutes, line.source, line.promise) == (at(8, 45), 30, "table", None)


def test_the_customers_own_deadline_counts_where_it_is_earlier_than_the_promise(story):
    promise(story)
    by = at(17, 55, day=20)
    asked = REPAIR | {"reply_deadline_kind": "at", "reply_deadline": by.replace(tzinfo=None).isoformat()}
    line = response(story, register(story, asked))
    assert (line.due_at, line.source) == (by, "customer")


def test_a_promise_gives_a_limit_that_the_table_does_not_have(story):
    promise(story, Terms("一小时到场", "第 9 条", date(2026, 1, 1), arrival_minutes=60))
    number = register(story)
    assert ticket(story, number).arrival_due_at == at(9, 15)
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    assert deadlines(story, number)["arrival_passed"] == at(9, 15)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"category": "complaint"}, False),
        ({"urgency": "urgent"}, False),
        ({"unit_id": 1}, True),
        ({"unit_id": 2}, False),
        ({"customer_id": 7}, True),
        ({"customer_id": 8}, False),
        ({"from_on": date(2026, 11, 20)}, True),
        ({"from_on": date(2026, 11, 21)}, False),
        ({"until_on": date(2026, 11, 20)}, True),
        ({"until_on": date(2026, 11, 19)}, False),
    ],
)
def test_a_promise_counts_only_for_what_it_names_and_on_its_days(change, counts):
    row = {"id": 1, "text": "t", "source": "s", "unit_id": None, "customer_id": None, "category": None, "urgency": None}
    row |= {"from_on": date(2026, 1, 1), "until_on": None, "response_minutes": 20}
    row |= {"arrival_minutes": None, "resolution_minutes": None} | change
    found = promised([row], Request(1, 7, "repair", "normal", date(2026, 11, 20)))
    assert (found["response"] is not None) is counts and found["arrival"] is None


def test_of_several_promises_the_shortest_counts_limit_by_limit():
    rows = [
        {"id": n, "text": f"t{n}", "source": "s", "unit_id": None, "customer_id": None, "category": None, "urgency": None}
        | {"from_on": date(2026, 1, 1), "until_on": None}
        | dict(zip(("response_minutes", "arrival_minutes", "resolution_minutes"), minutes))
        for n, minutes in enumerate(((20, None, 500), (25, 60, 400), (20, 90, None)), 1)
    ]
    found = promised(rows, Request(None, None, "repair", "normal", date(2026, 11, 20)))
    assert {kind: (one["id"], one["minutes"]) for kind, one in found.items()} == {
        "response": (1, 20),
        "arrival": (2, 60),
        "resolution": (2, 400),
    }


def test_another_urgency_asks_for_the_promises_of_that_urgency(story):
    promise(story, Terms("紧急十分钟接", "第 9 条", date(2026, 1, 1), urgency="urgent", response_minutes=10))
    number = register(story)
    assert response(story, number).source == "table"
    changes.change_urgency(story.app, story.person("lin"), number, "urgent", "漏水变大")
    line = response(story, number)
    assert (line.minutes, line.source, line.due_at) == (10, "promise", at(17, 55, day=20))


def test_a_pause_keeps_the_promises_minutes(story):
    promise(story, Terms("四小时办完", "第 8 条", date(2026, 1, 1), resolution_minutes=240))
    number = register(story)
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    before = ticket(story, number).resolution_due_at
    changes.pause(story.app, story.person("lin"), number, "appointment", at(9, 0))
    line = next(t for t in story.card("lin", number).targets if t.kind == "resolution")
    assert (line.minutes, line.source, line.promise.text) == (240, "promise", "四小时办完")
    assert line.due_at == before + timedelta(minutes=15 + 30)  # until 18:00, and from 08:30


# --- open tickets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def dispatched(story) -> str:
    """A repair of Friday 17:45 that was sent: half an hour runs, until Monday 08:45."""
    number = register(story)
    story.dispatch(number)
    return number


def test_a_preview_lists_what_a_promise_would_move_and_moves_nothing(story, dispatched):
    with story.app.session() as session:
        found = promising.preview(session, story.world.centre_id, TERMS)
    assert [(s.number, s.kind, s.old_at, s.new_at) for s in found.shifts] == [
        (dispatched, "response", at(8, 45), at(8, 35))
    ]
    assert ticket(story, dispatched).response_due_at == at(8, 45)


def test_a_new_promise_moves_open_limits_with_tasks_and_timers_and_its_end_moves_them_back(story, dispatched):
    done = promise(story)
    moved = deadlines(story, dispatched)
    assert [s.number for s in done.followed.shifts] == [dispatched] and done.followed.failed == []
    assert ticket(story, dispatched).response_due_at == moved["accept_slip"] == moved["response_passed"] == at(8, 35)
    assert response(story, dispatched).source == "promise"
    level = story.app.engine.variables(ticket(story, dispatched).instance_id)["service_level"]
    assert level["response_minutes"] == 20 and level["promised"]["response"]["text"] == TERMS.text
    end(story, done.promise_id)
    back = deadlines(story, dispatched)
    assert ticket(story, dispatched).response_due_at == back["accept_slip"] == back["response_passed"] == at(8, 45)
    assert (response(story, dispatched).source, response(story, dispatched).promise) == ("table", None)
    assert story.app.engine.verify() == []


ARRIVAL = Terms("一小时到场", "第 9 条", date(2026, 1, 1), arrival_minutes=60)


@pytest.fixture
def accepted(story, dispatched) -> str:
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, dispatched)
    return dispatched


def arrival_of(story, number: str) -> list:
    return [t for t in story.card("lin", number).targets if t.kind == "arrival"]


@pytest.mark.parametrize("when", ["dispatched", "accepted"])
def test_a_limit_that_only_a_promise_gives_comes_to_an_open_ticket_and_goes_with_it(story, request, when):
    number = request.getfixturevalue(when)
    assert ticket(story, number).arrival_due_at is None and arrival_of(story, number) == []
    before = deadlines(story, number)
    done = promise(story, ARRIVAL)
    assert [(s.kind, s.old_at, s.new_at) for s in done.followed.shifts] == [("arrival", None, at(9, 15))]
    (line,) = arrival_of(story, number)
    assert (line.source, line.promise.text, line.table_minutes, line.start_at) == (
        "promise", "一小时到场", None, ticket(story, number).registered_at)  # fmt: skip
    if when == "accepted":
        there = deadlines(story, number)
        assert there["arrive"] == there["arrival_passed"] == at(9, 15)
    ended = end(story, done.promise_id)
    assert [(s.kind, s.old_at, s.new_at) for s in ended.followed.shifts] == [("arrival", at(9, 15), None)]
    assert ticket(story, number).arrival_due_at is None and arrival_of(story, number) == []
    assert deadlines(story, number) == before
    again = promise(story, ARRIVAL)
    assert [s.new_at for s in again.followed.shifts] == [at(9, 15)] and len(arrival_of(story, number)) == 1
    assert recompute.follow(story.app, story.world.centre_id).shifts == []
    assert story.app.engine.verify() == []


def test_a_promised_arrival_that_is_missed_tells_the_head_also_where_it_came_later(story, accepted):
    promise(story, ARRIVAL)
    story.app.clock.set(at(9, 16))
    story.app.engine.fire_due()
    root = ticket(story, accepted).instance_id
    assert "arrival_passed" in {e.get("element") for e in story.app.engine.trace(root) if e["kind"] == "timer-fired"}


def test_a_slip_that_was_accepted_after_its_promise_ended_has_no_arrival_limit(story, dispatched):
    end(story, promise(story, ARRIVAL).promise_id)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, dispatched)
    assert "arrival_passed" not in deadlines(story, dispatched)


def test_a_promise_gives_no_limit_for_what_is_done_already(story, accepted):
    story.complete("liu", "arrive", {"arrived_at": story.app.clock.now().isoformat()}, accepted)
    assert promise(story, ARRIVAL).followed.shifts == []


def test_a_preview_names_the_limits_that_come_and_go(story, dispatched):
    with story.app.session() as session:
        found = promising.preview(session, story.world.centre_id, ARRIVAL)
    assert [(s.old_at, s.new_at) for s in found.shifts] == [(None, at(9, 15))]
    id = promise(story, ARRIVAL).promise_id
    with story.app.session() as session:
        found = promising.preview(session, story.world.centre_id, None, replaces=id)
    assert [(s.old_at, s.new_at) for s in found.shifts] == [(at(9, 15), None)]


def test_a_calendar_change_leaves_a_limit_that_went_alone(story, dispatched):
    end(story, promise(story, ARRIVAL).promise_id)
    with story.app.session() as session:
        assert recompute.unfinished(session, story.world.centre_id) == 0
    assert recompute.catch_up(story.app) == 0


def test_a_limit_counted_round_the_clock_follows_too(story):
    number = register(story, REPAIR | {"urgency": "urgent"})
    promise(story, Terms("十分钟接", "第 9 条", date(2026, 1, 1), response_minutes=10))
    line = response(story, number)
    assert (line.calendar, line.due_at) == ("round-the-clock", at(17, 55, day=20))


def test_a_met_limit_and_another_category_stay(story, dispatched):
    complaint = register(story, COMPLAINT)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, dispatched)
    assert promise(story).followed.shifts == []
    assert response(story, dispatched).source == response(story, complaint).source == "table"


def test_a_change_ends_the_old_promise_and_its_ticket_names_the_new_one(story):
    first = promise(story)
    number = register(story)
    second = promise(story, Terms("十五分钟接", "补充协议第 2 条", date(2026, 11, 1), response_minutes=15), replaces=first.promise_id)
    line = response(story, number)
    assert (line.due_at, line.promise.source) == (at(18, 0, day=20), "补充协议第 2 条")
    with story.app.session() as session:
        rows = promising.listed(session, story.world.centre_id)
        assert [(r.id, r.replaces_id, r.ended_by) for r in rows] == [
            (second.promise_id, first.promise_id, None),
            (first.promise_id, None, "chen"),
        ]


def test_what_a_killed_process_left_behind_is_finished_by_the_clock_once(story, dispatched, monkeypatch):
    monkeypatch.setattr(recompute, "_follow_one", lambda *_: (_ for _ in ()).throw(EngineError("stopped")))
    assert promise(story).followed.failed == [dispatched]
    monkeypatch.undo()
    assert ticket(story, dispatched).response_due_at == at(8, 45)
    assert recompute.catch_up(story.app) == 1
    assert ticket(story, dispatched).response_due_at == at(8, 35)
    assert recompute.catch_up(story.app) == 0


def test_a_calendar_change_counts_the_promises_minutes(story, dispatched):
    promise(story)
    with story.app.session() as session:
        newest = session.scalars(sa.select(Target).where(Target.promise_id.is_not(None)).order_by(Target.id.desc())).first()
    assert newest.reason.startswith("合同承诺") and newest.table_minutes == 30
    assert recompute.follow(story.app, story.world.centre_id).shifts == []


# --- who and what may be entered -------------------------------------------------------------------------------------


def test_leads_enter_promises_others_do_not(story):
    for username in ("lin", "gao", "hu"):
        with pytest.raises((NotAllowed, NotThere)):
            promise(story, by=username)
    assert promise(story, by="wang").promise_id


def test_a_repeated_request_enters_one_promise(story):
    first, again = (promise(story, request_id="r1") for _ in range(2))
    assert (again.promise_id, again.replayed) == (first.promise_id, True)
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ContractPromise)) == 1


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(" ", "s", date(2026, 1, 1), response_minutes=5), "text"),
        (Terms("t", "", date(2026, 1, 1), response_minutes=5), "source"),
        (Terms("t", "s", date(2026, 1, 2), date(2026, 1, 1), response_minutes=5), "until_on"),
        (Terms("t", "s", date(2026, 1, 1)), "response_minutes"),
        (Terms("t", "s", date(2026, 1, 1), arrival_minutes=0), "arrival_minutes"),
        (Terms("t", "s", date(2026, 1, 1), resolution_minutes=60_001), "resolution_minutes"),
        (Terms("t", "s", date(2026, 1, 1), category="x", response_minutes=5), "category"),
        (Terms("t", "s", date(2026, 1, 1), unit_id=999_999, response_minutes=5), "unit_id"),
    ],
)
def test_what_is_no_promise_is_refused_at_its_field(story, terms, field):
    with pytest.raises(Refused) as refused:
        promise(story, terms)
    assert refused.value.field == field


def test_an_ended_promise_is_not_ended_again_nor_one_of_another_centre(story):
    done = promise(story)
    end(story, done.promise_id)
    with pytest.raises(Refused):
        end(story, done.promise_id)
    with pytest.raises(NotThere):
        end(story, 999)
