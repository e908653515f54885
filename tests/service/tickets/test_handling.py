"""A request on its way through the departments, seen from the domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import NotPossible, TaskNotOpen, VersionClash
from service.errors import NotAllowed, NotThere, Refused
from service.organisation.models import Person
from service.tickets import actions, queries
from service.tickets.models import SlipState, TicketState
from service.tickets.rules import Chip
from tests.people import REPAIR

HANDLED = {
    "result": "换了阀门",
    "cause": "阀门老化",
    "material": "阀门一个",
    "labour_minutes": 30,
    "cost_yuan": 12.5,
    "photo_after": [],
}


def to_return_visit(story) -> str:
    number = story.register()
    story.dispatch()
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "刘强"})
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.complete("liu", "handle", HANDLED)
    story.complete("lin", "verify", {"passed": "yes"})
    return number


def test_a_request_goes_from_the_desk_to_the_worker_and_back_to_its_owner(story):
    number = to_return_visit(story)
    story.complete("lin", "return_visit", {"reached": "yes", "how": "phone", "satisfaction": 5, "words": "来得快"})
    card = story.card("lin", number)
    assert (card.ticket.state, card.ticket.satisfaction) == (TicketState.CLOSED, 5)
    (slip,) = card.slips
    assert (slip.number, slip.state, slip.worker, slip.cost_fen) == (f"{number}-1", SlipState.VERIFIED, "liu", 1250)
    assert all(t.met_at for t in card.targets)
    assert story.app.engine.verify() == []


def test_a_failed_check_goes_back_to_the_worker_and_is_counted(story):
    number = story.register()
    story.dispatch()
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.complete("liu", "handle", HANDLED)
    story.complete("lin", "verify", {"passed": "no", "fail_reason": "还在滴"})
    card = story.card("lin", number)
    assert (card.slips[0].state, card.ticket.failed_count, card.ticket.resolution_met_at) == (SlipState.BACK, 1, None)
    assert story.task("liu", "arrive")


def test_a_score_of_two_reopens_the_ticket_with_new_targets(story):
    number = to_return_visit(story)
    story.complete("lin", "return_visit", {"reached": "yes", "how": "phone", "satisfaction": 2, "words": "又漏了"})
    card = story.card("lin", number)
    assert (card.ticket.reopened_count, card.ticket.response_met_at) == (1, None)
    assert [t.reason for t in card.targets if t.kind == "response"] == ["reopened"]
    assert story.task("lin", "dispatch")


def test_whoever_is_none_of_ours_comes_from_outside_and_the_departments_people_record_the_work(story):
    number = story.register()
    story.dispatch()
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": " 电梯公司小王 "})
    (slip,) = story.card("lin", number).slips
    assert (slip.worker, slip.outsider) == (None, "电梯公司小王")
    assert story.task("gao", "arrive") and story.task("liu", "arrive"), "whoever of the department goes along"


def test_a_name_that_two_people_have_is_refused_with_nothing_changed(story):
    with story.app.writing() as session:
        session.get_one(Person, story.world.people["sun"]).name = "刘强"
    story.register()
    story.dispatch()
    with pytest.raises(Refused, match="More than one person"):
        story.complete("gao", "accept_slip", {"answer": "accept", "worker": "刘强"})
    assert story.task("gao", "accept_slip")


def test_a_worker_who_accepts_has_the_work(story):
    story.register()
    story.dispatch()
    story.complete("liu", "accept_slip", {"answer": "accept"})
    assert story.task("liu", "arrive").assignee == "liu"


def test_the_supervisor_who_takes_over_gets_the_owner_s_open_tasks(story):
    """Clause 12: an answer of an escalation moves the ticket in one step."""
    number = to_return_visit(story)
    actions.ask_help(story.app, story.person("lin"), number, "客户不接受怎么办")
    story.complete("chen", "answer_supervisor", {"answer": "take-over", "guidance": "我来回访"})
    assert story.card("chen", number).ticket.owner == "chen"
    assert story.task("chen", "return_visit")
    assert story.tasks("lin") == []


def test_an_urge_is_counted_and_tells_the_worker(story):
    number = story.register()
    story.dispatch()
    story.complete("liu", "accept_slip", {"answer": "accept"})
    actions.urge(story.app, story.person("lin"), number, "还在滴", request_id="u1")
    actions.urge(story.app, story.person("lin"), number, "还在滴", request_id="u1")
    card = story.card("lin", number)
    assert card.ticket.urged_count == 1
    assert [(n.kind, n.text) for n in card.notes] == [("urge", "还在滴")]


def test_a_withdrawn_ticket_ends_with_its_reason_and_takes_no_more(story):
    number = story.register()
    story.dispatch()
    actions.withdraw(story.app, story.person("lin"), number, "自己修好了")
    card = story.card("lin", number)
    assert (card.ticket.state, card.ticket.end_reason, card.slips[0].state) == (
        TicketState.WITHDRAWN,
        "自己修好了",
        SlipState.CANCELLED,
    )
    assert story.tasks("gao") == []
    with pytest.raises(NotPossible):
        actions.urge(story.app, story.person("lin"), number)


def test_the_second_of_two_learns_who_was_faster(story):
    """F2."""
    story.register()
    story.dispatch()
    task = story.task("gao", "accept_slip")
    story.complete("liu", "accept_slip", {"answer": "accept"})
    with pytest.raises(TaskNotOpen) as late:
        actions.complete_task(story.app, story.person("gao"), task.task_id, {"answer": "accept"})
    assert late.value.ended_by == "liu"


def test_a_task_that_changed_since_it_was_read_is_not_completed(story):
    story.register()
    story.dispatch()
    task = story.task("gao", "accept_slip")
    actions.claim(story.app, story.person("gao"), task.task_id)
    with pytest.raises(VersionClash):
        actions.complete_task(story.app, story.person("gao"), task.task_id, {"answer": "accept"}, seen=task.version)


def test_the_same_request_id_completes_once_and_answers_twice(story):
    """F3."""
    story.register()
    task = story.task("lin", "dispatch")
    values = {"department": "engineering", "instruction": "去看"}
    first = actions.complete_task(story.app, story.person("lin"), task.task_id, values, request_id="c1")
    again = actions.complete_task(story.app, story.person("lin"), task.task_id, values, request_id="c1")
    assert (again.replayed, again.opened) == (True, first.opened)


def test_a_head_gives_a_task_of_the_department_to_a_worker(story):
    story.register()
    story.dispatch()
    task = story.task("gao", "accept_slip")
    actions.assign(story.app, story.person("gao"), task.task_id, "刘强", "离得近")
    assert story.task("liu", "accept_slip").assignee == "liu"
    with pytest.raises(NotAllowed):
        actions.assign(story.app, story.person("liu"), task.task_id, "gao", "忙")


def test_a_merged_ticket_leads_to_the_other_and_its_words_move_there(story):
    """T16."""
    first = story.register()
    second = story.register(form=REPAIR | {"request": "又是茶水间"})
    actions.merge(story.app, story.person("lin"), second, first)
    assert story.card("lin", second).merged_into == first
    assert "又是茶水间" in story.card("lin", first).notes[0].text
    with story.as_person("lin") as lin:
        assert [t.number for t in queries.ticket_list(lin, everything=True).tickets] == [first]


def test_a_promise_is_a_due_item_until_it_is_kept(story):
    number = story.register()
    due_at = story.app.now() + timedelta(minutes=20)
    promise = actions.promise(story.app, story.person("lin"), number, "给回话", due_at)
    with story.as_person("lin") as lin:
        assert [(p.promise.text, p.minutes_left) for p in queries.my_work(lin).promises] == [("给回话", 20)]
    actions.end_promise(story.app, story.person("lin"), promise, told="六点前到")
    with story.as_person("lin") as lin:
        assert queries.my_work(lin).promises == []
    assert [n.text for n in story.card("lin", number).notes] == ["六点前到"]


def test_work_that_goes_wrong_first_stands_first(story, clock):
    clock.set(datetime(2026, 11, 23, 2, 0, tzinfo=UTC))
    early = story.register()
    clock.advance(timedelta(minutes=4))
    late = story.register(unit="2-0805")
    clock.advance(timedelta(minutes=11))
    assert [(t.number, t.chip) for t in story.tasks("lin")] == [(early, Chip.OVER), (late, Chip.SOON)]


def test_what_somebody_else_works_on_waits_on_the_owner_s_screen(story):
    number = story.register()
    story.dispatch()
    with story.as_person("lin") as lin:
        work = queries.my_work(lin)
    assert (work.items, [(w.element_id, w.chip) for w in work.waiting]) == ([], [("accept_slip", Chip.WAIT)])
    assert [s.slip.number for s in work.not_accepted] == [f"{number}-1"]


def test_a_task_s_page_says_why_it_is_there_and_what_comes_next(story):
    story.register()
    task = story.task("lin", "dispatch")
    with story.as_person("lin") as lin:
        card = queries.task_card(lin, task.task_id)
    assert (card.may_do, card.task.clause, card.form.id, card.following) == (True, "4,8", "dispatch", ["开单"])
    with story.as_person("hu") as hu, pytest.raises(NotThere):
        queries.task_card(hu, task.task_id)
