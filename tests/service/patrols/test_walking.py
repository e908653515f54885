"""Patrols on the real domain (clause 23): they start by themselves, a floor is kept once, weak proofs are flagged, nothing is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from engine.tables import user_task
from service.errors import NotAllowed, NotThere, Refused
from service.findings.models import Finding, FindingState
from service.notifications.deliver import deliver_due
from service.patrols import actions, queries
from service.patrols.models import Patrol, Posting, Submission, VisitState
from service.timetable.actions import plan_ahead, start_due
from service.timetable.models import PlannedRun
from tests.service.patrols.walking import FINE, MONDAY, Round

HOLE = {
    "group": "facilities",
    "severity": "major",
    "department": "engineering",
    "words": "应急灯不亮",
    "place": "东侧走道",
}


@pytest.fixture
def round_(story, clock) -> Round:
    return Round(story, clock)


def rows(app, table, *where) -> list:
    with app.session() as session:
        return list(session.scalars(sa.select(table).where(*where).order_by(table.id)))


# --- starting ---------------------------------------------------------------------------------------------------------


def test_a_patrol_starts_by_itself_with_a_task_per_floor_until_noon(round_):
    """Clause 23.1."""
    patrol = rows(round_.app, Patrol)[0]
    assert (patrol.name, str(patrol.slot), patrol.starts_at) == ("3座 上午", "morning", MONDAY)
    assert patrol.ends_at == MONDAY.replace(hour=12, minute=0)
    assert [v.label for v in round_.visits().values()] == ["3座10层", "3座11层", "3座12层", "3座13层"]
    assert {level: v.responsible for level, v in round_.visits().items()} == {10: None, 11: None, 12: "lin", 13: None}
    with round_.app.session() as session:
        tasks = session.execute(sa.select(user_task).where(user_task.c.element_id == "walk_floor")).all()
    assert {t.due_at for t in tasks} == {patrol.ends_at} and len(tasks) == 4


def test_the_floors_are_one_page_and_no_row_each_in_the_work_list(round_):
    assert round_.story.tasks("lin") == []
    with round_.story.as_person("lin") as lin:
        (row,) = queries.of_day(lin)
        assert len(row.waiting) == 4


def test_the_afternoon_starts_at_noon_and_ends_at_closing(round_):
    round_.begin(MONDAY.replace(hour=12, minute=0))
    patrol = rows(round_.app, Patrol)[-1]
    assert (str(patrol.slot), patrol.ends_at) == ("afternoon", MONDAY.replace(hour=18, minute=0))


def test_a_changed_plan_moves_what_has_not_started(round_, story):
    actions.save_plan(
        round_.app,
        story.person("chen"),
        round_.centre,
        actions.PlanGiven("3座", round_.given.area_id, "daily", round_.given.floor_ids),
        round_.plan,
    )
    with round_.app.session() as session:
        found = session.execute(
            sa.select(PlannedRun.key, PlannedRun.state).where(PlannedRun.kind == "patrol").order_by(PlannedRun.key)
        ).all()
    assert (f"{round_.plan}-afternoon", "planned") not in [(k, str(s)) for k, s in found]
    assert (f"{round_.plan}-day", "planned") in [(k, str(s)) for k, s in found]


def test_a_whole_slot_without_a_clock_counts_every_floor_as_missed(story, clock):
    made = Round(story, clock, start=False)
    plan_ahead(made.app)
    clock.set(MONDAY.replace(hour=13))
    start_due(made.app)
    morning = rows(made.app, Patrol, Patrol.slot == "morning")[0]
    assert (morning.missed, morning.instance_id) == (4, None)


# --- a floor ----------------------------------------------------------------------------------------------------------


def test_a_clean_floor_is_done_and_the_last_one_ends_the_patrol(round_, clock):
    for level in (10, 11, 12, 13):
        clock.advance(timedelta(minutes=5))
        assert round_.walk(level).findings == ()
    patrol = rows(round_.app, Patrol)[0]
    assert (patrol.closed_at, patrol.missed) == (clock.now(), 0)
    visit = round_.visits()[12]
    assert (visit.state, visit.answers, visit.walked_by, visit.flags) == (VisitState.DONE, FINE, "lin", [])
    assert (visit.scanned_at, visit.arrived_at - visit.scanned_at) == (visit.opened_at, timedelta(minutes=1))


def test_what_is_seen_goes_to_the_department_at_once(round_, story):
    """Clause 23.1."""
    done = round_.walk(12, answers=FINE | {"facilities": "finding"}, findings=[HOLE])
    (finding,) = rows(round_.app, Finding)
    assert done.findings == (finding.number,)
    assert (finding.state, finding.department, finding.place) == (
        FindingState.REPORTED,
        "engineering",
        "3座12层 东侧走道",
    )
    assert finding.instance_id is not None
    assert story.task("gao", "accept_finding", finding.number).title == "应急灯不亮"


def test_a_finding_of_which_nobody_said_what_it_is_is_not_lost(round_):
    round_.walk(12, answers=FINE | {"greenery": "finding"})
    (finding,) = rows(round_.app, Finding)
    assert (finding.words, finding.department) == ("绿化", "safety")


def test_an_entry_sent_twice_is_kept_once(round_):
    """T30."""
    first = round_.walk(12, submission="phone-0001", answers=FINE | {"facilities": "finding"}, findings=[HOLE])
    again = round_.walk(12, submission="phone-0001", answers=FINE | {"facilities": "finding"}, findings=[HOLE])
    assert (again.findings, again.replayed) == (first.findings, True)
    assert len(rows(round_.app, Finding)) == 1


def test_an_entry_id_of_another_floor_is_refused(round_):
    round_.walk(12, submission="phone-0001")
    with pytest.raises(Refused):
        round_.walk(11, submission="phone-0001")


def test_every_group_needs_an_answer(round_):
    answers = {k: v for k, v in FINE.items() if k != "toilets"}
    with pytest.raises(Refused) as refused:
        round_.walk(12, answers=answers)
    assert refused.value.field == "toilets"
    assert round_.visits()[12].state == VisitState.WAITING


def test_two_people_on_one_floor_both_are_heard(round_, story):
    round_.walk(12)
    sent = round_.entry(12, answers=FINE | {"facilities": "finding"}, findings=[HOLE])
    late = actions.submit(round_.app, story.person("zhou"), round_.visits()[12].id, "phone-0002", sent)
    assert late.late and len(late.findings) == 1
    assert round_.visits()[12].walked_by == "lin"


def test_the_slot_ends_with_floors_not_done_and_the_supervisor_is_told(round_, clock):
    round_.walk(12)
    clock.set(MONDAY.replace(hour=12, minute=0))
    round_.app.engine.fire_due()
    assert [v.state for v in round_.visits().values()] == [
        VisitState.MISSED,
        VisitState.MISSED,
        VisitState.DONE,
        VisitState.MISSED,
    ]
    deliver_due(round_.app)
    with round_.story.as_person("chen") as chen:
        from service.notifications.queries import notices

        told = [n.notice for n in notices(chen) if n.notice.kind == "patrol-missed"]
    assert told[0].data == {"count": 3, "floors": "3座10层、3座11层、3座13层"}


def test_a_floor_walked_in_time_without_network_counts_when_it_comes(round_, clock):
    visit = round_.visits()[12]
    clock.set(MONDAY.replace(hour=11))
    sent = round_.entry(12)
    clock.set(MONDAY.replace(hour=12))
    round_.app.engine.fire_due()
    clock.set(MONDAY.replace(hour=12, minute=40))
    done = actions.submit(round_.app, round_.story.person("lin"), visit.id, "phone-0003", sent)
    assert done.late
    visit = round_.visits()[12]
    assert (visit.state, visit.flags) == (VisitState.DONE, ["after-slot"])
    assert rows(round_.app, Patrol)[0].missed == 3


def test_a_floor_walked_after_its_slot_stays_missed_and_what_was_seen_counts(round_, clock):
    clock.set(MONDAY.replace(hour=12))
    round_.app.engine.fire_due()
    clock.set(MONDAY.replace(hour=12, minute=40))
    visits = round_.visits()
    sent = round_.entry(12, answers=FINE | {"facilities": "finding"}, findings=[HOLE])
    done = actions.submit(round_.app, round_.story.person("lin"), visits[12].id, "phone-0004", sent)
    assert done.late and len(done.findings) == 1
    assert round_.visits()[12].state == VisitState.MISSED
    assert len(rows(round_.app, Submission)) == 1


@pytest.mark.parametrize("who", ["hu"])
def test_another_centre_sees_no_floor(round_, who):
    with pytest.raises(NotThere):
        round_.walk(12, by=who)


# --- proofs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({}, []),
        ({"tag": None, "scanned_at": None}, ["no-tag"]),
        ({"seconds": 5}, ["too-fast"]),
        ({"tag": "of another floor"}, ["wrong-tag"]),
    ],
)
def test_what_speaks_against_a_visit_is_flagged_and_refuses_nothing(round_, more, flags):
    """T39."""
    if more.get("tag"):
        more = more | {"tag": round_.tag(11)}
    round_.walk(12, **more)
    assert round_.visits()[12].flags == flags


def test_a_phone_with_a_wrong_clock_is_flagged(round_, clock):
    round_.walk(12, sent_at=(clock.now() + timedelta(minutes=3)).isoformat())
    assert "clock-off" in round_.visits()[12].flags


def test_two_floors_in_ten_seconds_are_flagged(round_, clock):
    round_.walk(10)
    clock.advance(timedelta(seconds=40))
    round_.walk(13, seconds=30)
    assert round_.visits()[13].flags == ["too-near"]


def test_several_weak_signs_together_are_worth_a_look(round_):
    from service.patrols import rules

    round_.walk(12, seconds=5, tag=None, scanned_at=None)
    assert rules.weight(round_.visits()[12].flags) >= rules.LOOK


def test_a_picture_sent_before_is_flagged_where_one_was_asked_for(round_, story):
    from service.findings.actions import add_photo
    from tests.webui.test_access_matrix import photo

    with round_.app.writing() as session:
        session.execute(sa.text("update patrol_visit set photo_item = 'extinguisher'"))
    lin, picture = story.person("lin"), photo()
    old = add_photo(round_.app, lin, round_.centre, picture, "a.png")
    round_.walk(11, proof_photo=old.id)
    assert round_.visits()[11].flags == []
    again = add_photo(round_.app, lin, round_.centre, picture, "b.png")
    assert again.id != old.id
    round_.walk(12, proof_photo=again.id)
    assert "old-photo" in round_.visits()[12].flags
    round_.walk(13)
    assert "no-photo" in round_.visits()[13].flags


# --- postings ---------------------------------------------------------------------------------------------------------


def test_a_notice_past_its_date_comes_up_on_the_first_patrol_after_it(round_, story):
    lin = story.person("lin")
    actions.post(round_.app, lin, round_.floors[12], "notice", "停水通知", date(2026, 11, 23))
    actions.post(round_.app, lin, round_.floors[12], "permit", "1203 装修备案证", date(2026, 11, 22))
    with story.as_person("lin") as person:
        card = queries.visit_card(person, round_.visits()[12].id)
    assert [p.title for p in card.postings] == ["1203 装修备案证"]


def test_a_notice_taken_down_on_the_patrol_does_not_come_up_again(round_, story):
    id = actions.post(round_.app, story.person("lin"), round_.floors[12], "notice", "停水通知", date(2026, 11, 20))
    round_.walk(12, postings={str(id): "down"})
    (posting,) = rows(round_.app, Posting)
    assert posting.taken_down_by == "lin"


def test_a_notice_still_there_becomes_a_finding_and_closing_it_takes_it_down(round_, story):
    id = actions.post(round_.app, story.person("lin"), round_.floors[12], "notice", "停水通知", date(2026, 11, 20))
    seen = {"group": "notices", "department": "specialist", "words": "停水通知过期了", "posting": id}
    round_.walk(12, answers=FINE | {"notices": "finding"}, postings={str(id): "finding"}, findings=[seen])
    (finding,) = rows(round_.app, Finding)
    assert str(finding.source) == "posting"
    number = finding.number
    story.complete("lin", "accept_finding", {}, number)
    story.complete("lin", "put_right", {"result": "撤了", "photo_after": []}, number)
    story.complete("lin", "look_again", {"passed": "yes"}, number)
    (posting,) = rows(round_.app, Posting)
    assert posting.taken_down_by == "lin"


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_only_leads_change_the_plan(round_, story):
    with pytest.raises((NotAllowed, NotThere)):
        actions.save_plan(round_.app, story.person("lin"), round_.centre, round_.given, round_.plan)
    with pytest.raises((NotAllowed, NotThere)):
        actions.save_plan(round_.app, story.person("hu"), round_.centre, round_.given, round_.plan)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"rhythm": "never"}, "rhythm"),
        ({"floor_ids": ()}, "floors"),
        ({"floor_ids": (999_999,)}, "floors"),
        ({"area_id": 999}, "area"),
    ],
)
def test_a_plan_that_says_too_little_is_refused(round_, story, change, field):
    from dataclasses import replace

    with pytest.raises(Refused) as refused:
        actions.save_plan(round_.app, story.person("chen"), round_.centre, replace(round_.given, **change), round_.plan)
    assert refused.value.field == field


def test_two_supervisors_at_one_plan_do_not_overwrite_each_other(round_, story):
    actions.save_plan(round_.app, story.person("chen"), round_.centre, round_.given, round_.plan, seen=1)
    with pytest.raises(Refused):
        actions.save_plan(round_.app, story.person("wang"), round_.centre, round_.given, round_.plan, seen=1)


def test_a_renewed_tag_ends_the_old_code(round_, story):
    old = round_.tag(12)
    with story.as_person("lin") as lin:
        point, visit = queries.of_tag(lin, old)
        assert visit.id == round_.visits()[12].id
    actions.renew_point(round_.app, story.person("chen"), point.id)
    with story.as_person("lin") as lin, pytest.raises(NotThere):
        queries.of_tag(lin, old)
    assert round_.tag(12) != old


def test_a_complaint_finds_who_answers_for_the_floor_and_its_last_patrols(round_, story):
    """Clause 23.1."""
    round_.walk(12, findings=[HOLE], answers=FINE | {"facilities": "finding"})
    with round_.app.session() as session:
        past = queries.past_of(session, round_.floors[12], round_.clock.now())
        assert (past.responsible.username, past.label) == ("lin", "3座12层")
        ((visit, patrol),) = past.visits
        assert (visit.walked_by, patrol.name, past.findings[visit.id]) == ("lin", "3座 上午", 1)
