"""A handover from the roster to the second signature (clause 25): the list, both signatures, a difference, nobody signing."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TaskNotOpen
from engine.tables import process_instance, user_task
from service.errors import NotAllowed, NotThere, Refused
from service.shifts import handovers, roster, sheets
from service.shifts.models import Handover, HandoverState, Shift
from service.shifts.sheets import IN, OUT
from service.signing import queries as signatures
from service.signing.actions import ContentChanged
from service.tickets import actions as tickets
from service.tickets.models import Promise, Ticket
from service.timetable.models import PlannedRun
from tests.people import COMPLAINT
from tests.service.shifts.desk import DAY, FRIDAY, Desk, at


@pytest.fixture
def desk(story, clock) -> Desk:
    return Desk(story, clock, start=False)


@pytest.fixture
def begun(desk, story) -> Desk:
    """Lin has a ticket at the desk, one dispatched, a promise and a note; 17:45 has come."""
    desk.first = story.register()
    desk.sent = story.register(unit="2-0805")
    story.dispatch(desk.sent)
    tickets.promise(story.app, story.person("lin"), desk.sent, "六点前回电", at(18, 30))
    handovers.add_note(story.app, story.person("lin"), desk.post, "三座货梯明早检修")
    desk.begin()
    return desk


def owner(desk, number: str) -> str:
    with desk.app.session() as session:
        return session.scalar(sa.select(Ticket.owner).where(Ticket.number == number))


def assignees(desk, number: str) -> set:
    with desk.app.session() as session:
        return set(session.execute(
            sa.select(user_task.c.assignee).where(user_task.c.business_key == number, user_task.c.state == "open")
        ).scalars())  # fmt: skip


def variables(desk, number: str) -> dict:
    with desk.app.session() as session:
        instance = session.execute(
            sa.select(process_instance.c.id).where(process_instance.c.business_key == number)
        ).scalar()
    return desk.app.engine.variables(instance)


# --- it starts --------------------------------------------------------------------------------------------------------


def test_it_starts_a_quarter_of_an_hour_before_the_shift_ends_and_once(desk):
    desk.begin(at(17, 44))
    assert desk.number == ""
    desk.begin(at(17, 45))
    desk.begin(at(17, 46))
    with desk.app.session() as session:
        found = list(session.scalars(sa.select(Handover)))
    assert [(h.outgoing, h.incoming, h.shift_ends_at, h.sign_due_at) for h in found] == [
        ("lin", "zhou", at(18), at(18, 30))
    ]


def test_nobody_hands_over_to_themselves_and_a_gap_waits_for_who_comes_next(desk, story):
    monday = FRIDAY + 3 * DAY
    roster.save_cells(desk.app, story.person("chen"), desk.here, {(desk.post, FRIDAY, Shift.NIGHT): ("zhou", "lin")})
    desk.put({(monday, Shift.DAY): "zhou"})
    desk.begin()
    assert desk.number == ""
    desk.begin(at(8, 15, FRIDAY + DAY))
    assert desk.handover().sign_due_at == at(9, 0, monday)


def test_the_night_hands_over_in_the_morning(desk):
    desk.begin()
    desk.give()
    desk.clock.set(at(18, 5))
    desk.take()
    desk.put({(FRIDAY + DAY, Shift.DAY): "lin"})
    desk.begin(at(8, 15, FRIDAY + DAY))
    found = desk.handover()
    assert (found.outgoing, found.incoming, str(found.shift), found.day) == ("zhou", "lin", "night", FRIDAY)
    assert found.sign_due_at == at(9, 0, FRIDAY + DAY)


def test_while_one_is_not_signed_the_next_does_not_start_and_says_why(desk):
    desk.put({(FRIDAY + DAY, Shift.DAY): "lin"})
    desk.begin()
    desk.begin(at(8, 15, FRIDAY + DAY))
    with desk.app.session() as session:
        reasons = list(session.scalars(sa.select(PlannedRun.reason).where(PlannedRun.reason != "")))
    assert reasons == [f"{desk.number} of this post is not signed yet."]
    assert desk.responsible() == "lin"


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_makes_itself_and_follows_until_it_is_signed(begun, story):
    kinds = [(str(i.kind), i.thing if i.kind in ("ticket", "slip") else i.title) for i in begun.items()]
    assert sorted(kinds) == sorted([
        ("ticket", begun.first), ("ticket", begun.sent), ("slip", f"{begun.sent}-1"), ("promise", "六点前回电"),
        ("note", "三座货梯明早检修"),
    ])  # fmt: skip
    tickets.withdraw(story.app, story.person("lin"), begun.first, "自己好了")
    story.register(unit="3-0902")
    assert [i.thing for i in begun.items() if i.kind == "ticket"][-1] == "2026-0003" and len(begun.items()) == 5


def test_everything_needs_a_word_and_every_count_that_is_not_as_expected_a_reason(begun, story):
    lin = story.person("lin")
    with pytest.raises(Refused, match="8 things"):
        handovers.give(begun.app, lin, begun.number, begun.signing(OUT))
    begun.write(keys=11)
    with pytest.raises(Refused, match="1 things"):
        handovers.give(begun.app, lin, begun.number, begun.signing(OUT))
    begun.write(keys=11, remark="一把借给工程部")
    handovers.give(begun.app, lin, begun.number, begun.signing(OUT))
    assert begun.handover().state == HandoverState.GIVEN


def test_a_complaint_about_the_incoming_person_is_not_on_the_sheet_and_goes_to_the_supervisor(desk, story):
    number = story.register(form=COMPLAINT, about="zhou")
    desk.begin()
    assert number not in {i.thing for i in desk.items()}
    desk.give()
    desk.take()
    assert owner(desk, number) == "chen" and assignees(desk, number) == {"chen"}


def test_what_comes_after_the_first_signature_is_added_and_gone_through_too(begun, story):
    begun.give()
    new = story.register(unit="3-0902")
    tickets.withdraw(story.app, story.person("lin"), begun.first, "自己好了")
    marks = {i.thing: (i.added, i.gone) for i in begun.items() if i.kind == "ticket"}
    assert marks == {begun.first: (False, True), begun.sent: (False, False), new: (True, False)}
    zhou = story.person("zhou")
    ticked = [i.key for i in begun.items() if i.thing != new]
    handovers.save_in(begun.app, zhou, begun.number, ticked, begun.counts())
    with pytest.raises(Refused, match="1 things are not gone through"):
        handovers.take(begun.app, zhou, begun.number, begun.signing(IN))
    begun.take()
    assert owner(begun, new) == "zhou" and owner(begun, begun.first) == "lin"


# --- signing ----------------------------------------------------------------------------------------------------------


def test_with_the_second_signature_and_not_before_the_post_and_the_open_work_move(begun):
    begun.give()
    assert begun.responsible() == "lin" and owner(begun, begun.first) == "lin"
    begun.clock.set(at(18, 10))
    result = begun.take()
    assert result.ended and begun.responsible(at(18, 9)) == "lin" and begun.responsible() == "zhou"
    assert {owner(begun, n) for n in (begun.first, begun.sent)} == {"zhou"}
    assert assignees(begun, begun.first) == {"zhou"} and variables(begun, begun.sent)["owner"] == "zhou"
    with begun.app.session() as session:
        assert set(session.scalars(sa.select(Promise.owner))) == {"zhou"}


def test_a_signature_covers_what_was_seen_else_the_difference_is_told(begun, story):
    begun.write()
    seen = begun.signing(OUT)
    tickets.withdraw(story.app, story.person("lin"), begun.first, "自己好了")
    with pytest.raises(ContentChanged) as told:
        handovers.give(begun.app, story.person("lin"), begun.number, seen)
    assert [d.where for d in told.value.differences] == [("items", f"ticket:{begun.first}")]
    assert begun.handover().state == HandoverState.OPEN
    handovers.give(begun.app, story.person("lin"), begun.number, begun.signing(OUT))


def test_a_wrong_password_signs_nothing(begun, story):
    begun.write()
    with pytest.raises(Refused, match="not your password"):
        handovers.give(begun.app, story.person("lin"), begun.number, begun.signing(OUT, "wrong"))
    with begun.app.session() as session:
        assert signatures.signatures_of(session, begun.number) == []


def test_nobody_signs_for_another_and_no_task_page_goes_round_the_signature(begun, story):
    begun.write()
    for who in ("zhou", "chen", "gao"):
        with pytest.raises(NotAllowed):
            handovers.give(begun.app, story.person(who), begun.number, begun.signing(OUT))
    with pytest.raises(NotThere):
        handovers.give(begun.app, story.person("hu"), begun.number, begun.signing(OUT))
    task = story.task("lin", "give_over").task_id
    with pytest.raises(Exception, match="needs your signature"):
        tickets.complete_task(begun.app, story.person("lin"), task, {"signature": 1})
    assert begun.handover().state == HandoverState.OPEN


def test_signed_twice_is_told_who_was_faster(begun, story):
    begun.give()
    begun.take()
    with pytest.raises(TaskNotOpen):
        handovers.take(begun.app, story.person("zhou"), begun.number, begun.signing(IN))


# --- differences ------------------------------------------------------------------------------------------------------


def test_another_count_cannot_be_signed_and_goes_back_once(begun, story):
    begun.give()
    with pytest.raises(Refused, match="counted something else"):
        begun.take(keys=11)
    begun.differ("钥匙少一把")
    assert begun.handover().state == HandoverState.BACK and story.task("lin", "give_over").number == begun.number
    begun.give(keys=11, remark="一把借给工程部")
    begun.take(keys=11)
    assert "第 1 次：钥匙少一把" in begun.record().difference
    assert "钥匙：应有 12 把，交 11 把，接 11 把（一把借给工程部）" in begun.record().goods


def test_the_second_difference_is_the_supervisors_and_the_incoming_signs_with_the_decision(begun, story):
    begun.give()
    begun.differ("钥匙少一把")
    begun.give()
    begun.differ("还是少一把")
    assert begun.handover().state == HandoverState.SETTLING and begun.responsible() == "lin"
    with pytest.raises(NotAllowed):
        handovers.settle(begun.app, story.person("lin"), begun.number, "算了")
    with pytest.raises(Refused, match="Say who answers"):
        handovers.settle(begun.app, story.person("chen"), begun.number, "")
    handovers.settle(begun.app, story.person("chen"), begun.number, "林晓雯明早补交，先按 11 把接")
    begun.take(keys=11)
    assert begun.responsible() == "zhou"
    assert begun.record().difference.splitlines() == [
        "第 1 次：钥匙少一把", "第 2 次：还是少一把", "林晓雯明早补交，先按 11 把接",
    ]  # fmt: skip


# --- nobody signs -----------------------------------------------------------------------------------------------------


def test_half_an_hour_into_the_shift_the_supervisor_is_asked_and_may_take_over(begun, story):
    begun.give()
    begun.pass_to(at(18, 30) - timedelta(seconds=1))
    assert not [t for t in story.tasks("chen") if t.number == begun.number]
    begun.pass_to(at(18, 30))
    story.complete("chen", "answer_supervisor", {"answer": "take-over", "guidance": "我来接"}, begun.number)
    assert begun.handover().incoming == "chen" and begun.responsible() == "lin"
    begun.take(by="chen")
    assert begun.responsible() == "chen" and owner(begun, begun.first) == "chen"


def test_a_supervisor_names_another_person_once_it_is_given(begun, story):
    chen = story.person("chen")
    with pytest.raises(Refused, match="once the outgoing"):
        handovers.name_incoming(begun.app, chen, begun.number, "wang")
    begun.give()
    begun.check()
    with pytest.raises(Refused, match="from themselves"):
        handovers.name_incoming(begun.app, chen, begun.number, "lin")
    with pytest.raises(NotAllowed):
        handovers.name_incoming(begun.app, story.person("zhou"), begun.number, "chen")
    handovers.name_incoming(begun.app, chen, begun.number, "chen")
    assert not any(i.ticked for i in begun.items()), "another person goes through it again"
    begun.take(by="chen")
    assert begun.responsible() == "chen"


def test_a_supervisor_who_names_who_answers_does_not_pass_by_a_running_handover(begun, story):
    with pytest.raises(Refused, match="is not signed yet"):
        roster.make_responsible(begun.app, story.person("chen"), begun.post, "zhou", "我说了算")


# --- the record -------------------------------------------------------------------------------------------------------


def test_the_record_has_every_column_of_the_paper(begun):
    begun.give()
    begun.take()
    row = begun.record()
    columns = {c.name: getattr(row, c.name) for c in row.__table__.columns}
    assert [name for name, value in columns.items() if value in (None, "")] == []
    assert (row.outgoing, row.incoming, row.post, row.matters, row.difference) == ("林晓雯", "周敏", "前台", "无", "无")
    assert f"{begun.first} " in row.unfinished and f"{begun.sent}-1 " in row.unfinished
    assert "三座货梯明早检修" in row.to_follow and f"{begun.sent} 六点前回电" in row.to_follow
    with begun.app.session() as session:
        out, in_ = signatures.signatures_of(session, begun.number)
    assert (row.out_hash, row.in_hash) == (out.content_hash, in_.content_hash) and signatures.holds(in_)
    assert in_.content["items"] and all(i["ticked"] for i in in_.content["items"])


def test_a_quiet_shift_leaves_a_record_too(desk):
    desk.begin()
    desk.give()
    desk.take()
    row = desk.record()
    assert (row.unfinished, row.to_follow, row.matters, row.difference) == ("无", "无", "无", "无")
    assert row.goods.count("\n") == 2


def test_a_note_is_carried_over_once(begun):
    begun.give()
    begun.take()
    begun.put({(FRIDAY + DAY, Shift.DAY): "lin"})
    begun.begin(at(8, 15, FRIDAY + DAY))
    assert [i for i in begun.items() if i.kind == "note"] == []
    assert {i.thing for i in begun.items() if i.kind == "ticket"} == {begun.first, begun.sent}


def test_sheets_of_both_meanings_name_the_same_list(begun):
    begun.write()
    with begun.app.session() as session:
        handover = handovers.named(session, begun.number)
        out, in_ = (sheets.sheet(session, handover, m).content for m in (OUT, IN))
    assert [i["key"] for i in out["items"]] == [i["key"] for i in in_["items"]]
    assert "ticked" not in out["items"][0] and in_["goods"][0]["in"] is None
