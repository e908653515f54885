"""What the desk notes beside requests: missed calls (clause 24.7), visitors (19), visits to customers (22), and their registers."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from service.errors import NotAllowed, NotThere, Refused
from service.organisation.models import Centre
from service.reception import actions, queries
from service.reception.models import CallState, MissedCall, Visitor
from service.reception.rules import CallGiven, VisitGiven, VisitorGiven
from service.registers import queries as registers
from service.registers.queries import Wanted
from service.registers.rules import Record
from tests.conftest import CHINA, FRIDAY_EVENING
from tests.people import REPAIR

PHONE, SHARED = "13900562210", "13800132046"  # 顾北's alone; of two people
VISITOR = VisitorGiven("张伟", "恒远律师事务所 沈静", "送合同", "id-card", "A12")
VISIT = VisitGiven(FRIDAY_EVENING - timedelta(hours=2), "沈静", "发停水通知", "续租没问题，空调偏冷", "想换一盏灯")


def rung(story, at=FRIDAY_EVENING - timedelta(minutes=2), phone=PHONE, rings=5, by="lin", **more) -> str:
    given = CallGiven(phone, at, rings)
    return actions.note_call(story.app, story.person(by), story.world.centre_id, given, **more)


def call(story, number: str) -> MissedCall:
    with story.app.session() as session:
        return queries.call_named(session, number)


def entries(story, record: Record, by="chen", **wanted):
    with story.as_person(by) as person:
        centre = registers.object_session(person).get_one(Centre, story.world.centre_id)
        return registers.register(person, record, centre, Wanted(**wanted)).rows


def test_a_missed_call_is_to_be_called_back_in_15_minutes_of_business_time(story):
    number = rung(story)
    found = call(story, number)
    assert (found.number, found.state, found.tries) == ("LD2026-0001", CallState.WAITING, 0)
    assert found.contact.name == "顾北" and found.unit.code == "2-0805", "one person alone has this number"
    assert found.due_at == datetime(2026, 11, 20, 18, 0, tzinfo=CHINA), "17:45 and 15 minutes"
    assert story.task("zhou", "call_back", number).task_id


def test_a_number_of_several_people_is_nobodys(story):
    assert call(story, rung(story, phone=SHARED)).contact_id is None


def test_called_back_it_is_a_complete_line_of_the_register(story):
    number = rung(story)
    (line,) = entries(story, Record.CALLS)
    assert line.missing == () and line.cells["result"] == "", "its 15 minutes still run"
    values = {"reached": "yes", "reason": "在接另一个电话", "words": "问停水", "has_request": "no"}
    actions.complete(story.app, story.person("zhou"), number, values)
    (line,) = entries(story, Record.CALLS)
    assert (line.key, line.cells["channel"], line.cells["phone"]) == (number, "missed-call", "139****2210")
    assert line.cells["request"] == {"rings": 5} and line.missing == ()
    assert line.cells["result"] == {
        "outcome": "answered", "by": "zhou", "reason": "在接另一个电话", "words": "问停水", "ticket": None,
    }  # fmt: skip
    with pytest.raises(Refused):
        actions.complete(story.app, story.person("zhou"), number, values)


def test_not_called_back_in_time_its_line_is_incomplete(story, clock):
    rung(story)
    clock.set(FRIDAY_EVENING + timedelta(minutes=15))
    (line,) = entries(story, Record.CALLS)
    assert line.missing == ("result",)


def test_a_request_becomes_a_ticket_and_both_name_each_other(story, clock):
    number = rung(story)
    answer = {"reached": "yes", "reason": "离开座位", "words": "漏水", "has_request": "yes"}
    actions.complete(story.app, story.person("lin"), number, answer)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(Refused):
        actions.complete(story.app, story.person("lin"), number, {"ticket_number": "2026-9999"})
    ticket = story.register(channel="missed-call", form=REPAIR)
    with story.app.session() as session:
        assert queries.registered_since(session, queries.call_named(session, number), "lin") == ticket
        assert queries.registered_since(session, queries.call_named(session, number), "zhou") is None
    actions.complete(story.app, story.person("lin"), number, {"ticket_number": ticket})
    assert (call(story, number).state, call(story, number).ticket_number) == (CallState.TICKET, ticket)


def test_twice_not_reached_ends_it_and_keeps_both_tries(story):
    number = rung(story)
    for by in ("lin", "zhou"):
        actions.complete(story.app, story.person(by), number, {"reached": "no"})
    found = call(story, number)
    assert (found.state, found.tries, found.called_by) == (CallState.UNREACHED, 2, "zhou")
    (line,) = entries(story, Record.CALLS)
    assert line.cells["result"]["outcome"] == "not-reached" and line.missing == ()


def test_a_double_click_notes_one_call_and_one_visitor(story):
    assert rung(story, request_id="once") == rung(story, request_id="once")
    lin, here = story.person("lin"), story.world.centre_id
    assert len({actions.visitor_in(story.app, lin, here, VISITOR, "same") for _ in "ab"}) == 1
    assert len({actions.record_visit(story.app, lin, here, "3-1201", VISIT, "visit") for _ in "ab"}) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (CallGiven("12", FRIDAY_EVENING, 3), "phone"),
        (CallGiven(PHONE, None, 3), "rang_at"),
        (CallGiven(PHONE, FRIDAY_EVENING + timedelta(minutes=1), 3), "rang_at"),
        (CallGiven(PHONE, FRIDAY_EVENING - timedelta(days=1, minutes=1), 3), "rang_at"),
        (CallGiven(PHONE, FRIDAY_EVENING, 0), "rings"),
        (CallGiven(PHONE, FRIDAY_EVENING, None), "rings"),
    ],
)
def test_a_call_says_who_when_and_how_often_it_rang(story, given, field):
    with pytest.raises(Refused) as refused:
        actions.note_call(story.app, story.person("lin"), story.world.centre_id, given)
    assert refused.value.field == field


def test_a_visitor_stands_in_the_register_with_a_hidden_name_from_in_to_out(story, clock):
    id = actions.visitor_in(story.app, story.person("lin"), story.world.centre_id, VISITOR)
    (line,) = entries(story, Record.VISITORS)
    assert line.missing == () and line.cells["visitor"] == "张**", "lists do not name who comes; nobody is late on the same day"
    assert (line.cells["host"], line.cells["purpose"], line.cells["id_kind"], line.cells["badge"], line.cells["by"]) == (
        "恒远律师事务所 沈静", "送合同", "id-card", "A12", "lin",
    )  # fmt: skip
    clock.advance(timedelta(hours=1))
    actions.visitor_out(story.app, story.person("zhou"), id)
    actions.visitor_out(story.app, story.person("lin"), id)  # said again it changes nothing
    (line,) = entries(story, Record.VISITORS)
    assert line.cells["left_at"] == "2026-11-20T10:45:00+00:00"
    with story.app.session() as session:
        assert session.get(Visitor, id).left_by == "zhou"


def test_who_was_not_signed_out_makes_the_line_of_yesterday_incomplete(story, clock):
    actions.visitor_in(story.app, story.person("lin"), story.world.centre_id, VISITOR)
    clock.set(FRIDAY_EVENING + timedelta(days=1))
    (line,) = entries(story, Record.VISITORS, on=FRIDAY_EVENING.date())
    assert line.missing == ("left_at",)


def test_a_visit_has_the_columns_of_the_paper_form(story):
    actions.record_visit(story.app, story.person("lin"), story.world.centre_id, "3-1201", VISIT)
    (line,) = entries(story, Record.VISITS)
    assert line.missing == () and line.cells == {
        "at": "2026-11-20T07:45:00+00:00", "place": "3-1201", "customer": "恒远律师事务所", "contact": "沈静",
        "purpose": "发停水通知", "interview": "续租没问题，空调偏冷", "wishes": "想换一盏灯", "by": "lin",
    }  # fmt: skip


@pytest.mark.parametrize(("where", "field"), [("9-9999", "where"), ("", "where"), ("3-", "where")])
def test_a_visit_names_one_unit_in_which_somebody_is(story, where, field):
    with pytest.raises(Refused) as refused:
        actions.record_visit(story.app, story.person("lin"), story.world.centre_id, where, VISIT)
    assert refused.value.field == field


def test_only_the_desk_and_its_leads_enter_and_only_in_their_centre(story):
    number, here = rung(story), story.world.centre_id
    id = actions.visitor_in(story.app, story.person("lin"), here, VISITOR)
    for by in ("gao", "liu", "qin", "hu", "admin"):
        for do in (
            lambda by: rung(story, by=by),
            lambda by: actions.visitor_in(story.app, story.person(by), here, VISITOR),
            lambda by: actions.visitor_out(story.app, story.person(by), id),
            lambda by: actions.record_visit(story.app, story.person(by), here, "3-1201", VISIT),
            lambda by: actions.complete(story.app, story.person(by), number, {"reached": "no"}),
        ):
            with pytest.raises((NotAllowed, NotThere)):
                do(by)
    assert call(story, number).tries == 0
