"""The daily review: when it starts, what it lists, that each matter gets an action, and that it is signed or goes to the manager."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.api import SYSTEM, Actor
from engine.errors import NotPossible
from service.calendars.actions import save_version
from service.calendars.rules import Calendar, Week
from service.errors import NotAllowed, NotThere, Refused
from service.reviews import actions, queries
from service.reviews.actions import NotDecided
from service.reviews.models import Review, ReviewState
from service.signing.actions import ContentChanged
from service.signing.models import Signature
from service.tickets import actions as tickets
from service.timetable.actions import plan_ahead, start_due
from service.timetable.models import PlannedRun, RunState
from tests.conftest import CHINA, FRIDAY_EVENING
from tests.service.patrols.walking import MONDAY, Round
from tests.service.reviews.reviewing import MONDAY_REVIEW, QUARTER_PAST_FIVE, Reviewing
from tests.service.shifts.desk import Desk

FRIDAY = FRIDAY_EVENING.date()


@pytest.fixture
def reviewing(story, clock) -> Reviewing:
    """Friday's daily review has just started; there were no requests."""
    return Reviewing(story, clock)


# --- when -------------------------------------------------------------------------------------------------------------


def test_it_starts_45_minutes_before_closing_once(story, clock):
    reviewing = Reviewing(story, clock, at=QUARTER_PAST_FIVE - timedelta(seconds=1))
    assert reviewing.numbers() == []
    for _ in range(2):
        reviewing.begin(QUARTER_PAST_FIVE)
    assert reviewing.numbers() == ["RS2026-0001"]
    card = reviewing.card()
    assert card.review.due_at == datetime(2026, 11, 20, 18, 0, tzinfo=CHINA) and card.review.state is ReviewState.OPEN
    assert card.review.patrol_on == date(2026, 11, 19)


def test_a_make_up_saturday_has_one_and_a_closed_sunday_none(story, clock):
    with story.app.writing() as session:
        calendar = Calendar("Asia/Shanghai", Week.working_days(), makeup={date(2026, 11, 21): 4})
        save_version(session, story.world.centre_id, calendar, actor=SYSTEM, now=clock.now(), reason="补班")
    reviewing = Reviewing(story, clock, at=datetime(2026, 11, 21, 17, 15, tzinfo=CHINA))
    reviewing.begin(datetime(2026, 11, 22, 17, 15, tzinfo=CHINA))
    with story.app.session() as session:
        days = session.scalars(
            sa.select(PlannedRun.day).where(
                PlannedRun.kind == "daily-review", PlannedRun.centre_id == story.world.centre_id
            )
        ).all()
    assert date(2026, 11, 21) in days and date(2026, 11, 22) not in days


def test_a_clock_that_was_down_starts_it_late_rather_than_never(story, clock):
    clock.set(QUARTER_PAST_FIVE - timedelta(hours=1))
    plan_ahead(story.app)
    reviewing = Reviewing(story, clock, at=datetime(2026, 11, 21, 9, 0, tzinfo=CHINA))
    with story.app.session() as session:
        run = session.scalars(
            sa.select(PlannedRun).where(
                PlannedRun.kind == "daily-review",
                PlannedRun.centre_id == story.world.centre_id,
                PlannedRun.day == FRIDAY,
            )
        ).one()
    assert run.state is RunState.STARTED and run.late_seconds > 0
    story.app.engine.fire_due()
    assert reviewing.card().review.state is ReviewState.LATE, "its limit had passed, so the manager has it"


# --- what it lists ----------------------------------------------------------------------------------------------------


def test_an_incomplete_entry_and_an_overdue_request_are_matters(story, clock):
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    number = story.register()
    clock.set(datetime(2026, 11, 20, 14, 0, tzinfo=CHINA))
    reviewing = Reviewing(story, clock)
    matters = reviewing.matters()
    assert set(matters) >= {f"incomplete:{number}", f"overdue:{number}"}
    assert matters[f"incomplete:{number}"].matter.facts["missing"] == ["slips"]
    assert matters[f"overdue:{number}"].matter.facts["limit"] == "response"


def test_a_request_that_is_in_time_and_complete_is_no_matter(story, clock):
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    story.dispatch(story.register())
    assert Reviewing(story, clock).kinds() == []


def test_the_working_day_before_is_reviewed_with_its_missed_floors_and_open_findings(story, clock):
    """Clause 23.3."""
    walk = Round(story, clock, levels=(11, 12))
    walk.walk(12, findings=[{"group": "facilities", "words": "灯不亮", "severity": "minor"}])
    clock.set(MONDAY.replace(hour=18))
    story.app.engine.fire_due(1000)
    reviewing = Reviewing(story, clock, at=datetime(2026, 11, 24, 17, 15, tzinfo=CHINA))
    number = next(n for n in reviewing.numbers() if n == reviewing.number)
    kinds = reviewing.kinds(number)
    card = reviewing.card(number=number)
    assert card.review.patrol_on == MONDAY.date()
    missed = [line.matter for line in card.lines if line.matter.kind == "missed-floor"]
    assert [m.facts["place"] for m in missed if m.facts["slot"] == "morning"] == ["3座11层"]
    assert "overdue" in kinds or "open-finding" in kinds
    floors = next(r for r in card.sheet.content["records"] if r["key"] == "patrol-record")["rows"]
    assert {row["state"] for row in floors} == {"done", "missed"}


def test_a_review_that_is_signed_late_lists_what_was_late_on_its_own_day(story, clock):
    """Monday morning Friday's review still waits for the manager: what became late since stands in Monday's."""
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    friday = story.register()
    reviewing = Reviewing(story, clock)
    clock.set(datetime(2026, 11, 23, 9, 0, tzinfo=CHINA))
    monday = story.register(unit="2-0805")
    clock.set(datetime(2026, 11, 23, 16, 0, tzinfo=CHINA))
    matters = reviewing.matters(by="wang")
    assert f"overdue:{friday}" in matters and f"overdue:{monday}" not in matters
    reviewing.begin(MONDAY_REVIEW)
    assert {f"overdue:{friday}", f"overdue:{monday}"} <= set(reviewing.matters())


def test_a_call_for_help_is_a_matter_answered_or_not(story, clock):
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    number = story.register()
    story.dispatch(number)
    tickets.ask_help(story.app, story.person("lin"), number, "没有钥匙")
    reviewing = Reviewing(story, clock)
    (line,) = [x for x in reviewing.card().lines if x.matter.kind == "escalation"]
    assert line.matter.facts["answer"] is None and line.matter.about == number


def test_a_call_for_help_that_ended_with_its_ticket_waits_for_nobody(story, clock):
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    number = story.register()
    story.dispatch(number)
    tickets.ask_help(story.app, story.person("lin"), number, "没有钥匙")
    tickets.withdraw(story.app, story.person("lin"), number, "客户自己弄好了")
    reviewing = Reviewing(story, clock)
    assert [f["answer"] for f in _facts(reviewing, reviewing.number, "escalation")] == ["ended"]
    reviewing.done()
    reviewing.begin(MONDAY_REVIEW)
    assert "escalation" not in reviewing.kinds()


def test_what_no_clock_started_is_a_matter_of_the_review_of_the_day_on_which_its_window_ended(story, clock):
    """The check before going home could be started until Friday 20:00, the handover until the next shift ends."""
    Desk(story, clock, start=False)
    plan_ahead(story.app)
    reviewing = Reviewing(story, clock, at=MONDAY_REVIEW)
    friday, monday = (
        [(f["planned"], f["title"]) for f in _facts(reviewing, number, "not-started")] for number in reviewing.numbers()
    )
    assert friday == [("end-of-day-check", "林晓雯")]
    assert monday == [("handover", "前台"), ("end-of-day-check", "周敏")]


def _facts(reviewing: Reviewing, number: str, kind: str) -> list[dict]:
    return [line.matter.facts for line in reviewing.card(number=number).lines if line.matter.kind == kind]


def test_what_was_decided_and_not_done_by_its_day_comes_up_again(story, clock):
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    number = story.register()
    reviewing = Reviewing(story, clock)
    reviewing.decide(f"incomplete:{number}", "补派单", person="lin", due_on=FRIDAY)
    reviewing.done()
    reviewing.begin(MONDAY_REVIEW)
    (line,) = [x for x in reviewing.card().lines if x.matter.kind == "action-late"]
    assert line.matter.facts["title"] == "补派单" and line.matter.facts["who"] == "lin"
    with story.as_person("lin") as lin:
        ((action, _),) = queries.actions_for(lin)
    actions.done(story.app, story.person("lin"), action.id)
    assert "action-late" not in reviewing.kinds()


def test_only_whoever_is_to_do_it_or_a_lead_says_that_it_is_done(story, clock):
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    number = story.register()
    reviewing = Reviewing(story, clock)
    reviewing.decide(f"incomplete:{number}", "补派单", person="lin", due_on=FRIDAY)
    with story.as_person("lin") as lin:
        ((action, _),) = queries.actions_for(lin)
    with pytest.raises((NotThere, NotAllowed)):
        actions.done(story.app, story.person("liu"), action.id)
    actions.done(story.app, story.person("chen"), action.id)


# --- deciding and signing ---------------------------------------------------------------------------------------------


def test_nothing_is_signed_before_each_matter_has_an_action(story, clock):
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    story.register()
    reviewing = Reviewing(story, clock)
    with pytest.raises(NotDecided) as error:
        reviewing.sign()
    assert len(error.value.keys) == len(reviewing.matters()) > 0
    assert reviewing.versions() == []
    reviewing.decide_all()
    reviewing.sign()
    assert reviewing.card().review.state is ReviewState.SIGNED


def test_an_action_needs_words_and_a_day_where_somebody_is_to_do_it(story, clock):
    number = story.register()
    reviewing = Reviewing(story, clock, at=FRIDAY_EVENING)
    key = f"incomplete:{number}"
    for text, person, due_on, field in (
        (" ", None, None, "text"),
        ("补", "lin", None, "due_on"),
        ("补", "nobody", FRIDAY, "person"),
        ("补", "lin", FRIDAY - timedelta(days=1), "due_on"),
    ):
        with pytest.raises(Refused) as error:
            reviewing.decide(key, text, person=person, due_on=due_on)
        assert error.value.field == field
    with pytest.raises(NotThere):
        reviewing.decide("incomplete:2026-9999")


def test_a_signature_keeps_the_content_as_it_was_seen(story, clock):
    """Clause 24.9; design 10: the password again, over the hash shown."""
    number = story.register()
    reviewing = Reviewing(story, clock, at=FRIDAY_EVENING)
    reviewing.decide_all()
    seen = reviewing.card().sheet
    reviewing.sign(opinion="都看过了")
    ((version, signature),) = reviewing.versions()
    assert (version.version, signature.person, signature.meaning) == (1, "chen", "daily-review")
    assert version.content_hash == signature.content_hash
    assert signature.content == seen.content | {"opinion": "都看过了"}
    calls = next(r for r in signature.content["records"] if r["key"] == "call-visit-register")["rows"]
    assert [row["key"] for row in calls] == [number]


def test_a_wrong_password_signs_nothing(reviewing):
    with pytest.raises(Refused) as error:
        reviewing.sign(password="wrong")
    assert error.value.field == "password" and reviewing.versions() == []


def test_what_nobody_has_seen_is_not_signed_and_the_difference_is_named(story, clock):
    """F18."""
    reviewing = Reviewing(story, clock)
    shown = reviewing.card()
    number = story.register()
    with pytest.raises(ContentChanged) as error:
        reviewing.sign(card=shown)
    wheres = [d.where[:2] for d in error.value.differences]
    assert ("records", "call-visit-register") in wheres
    assert any(number in d.where for d in error.value.differences)
    assert reviewing.versions() == [] and reviewing.card().review.state is ReviewState.OPEN


def test_the_second_press_of_the_button_gives_the_first_answer(reviewing):
    card = reviewing.card()
    one = reviewing.sign(card=card, request_id="pressed")
    two = reviewing.sign(card=card, request_id="pressed")
    assert one.instance_id == two.instance_id and len(reviewing.versions()) == 1
    with pytest.raises(NotPossible):
        reviewing.sign(card=card, request_id="pressed again")


def test_who_may_not_sign_signs_nothing(reviewing):
    for by in ("wang", "qin"):
        with pytest.raises((NotAllowed, NotThere)):
            reviewing.sign(by=by, card=reviewing.card())
    for by in ("lin", "hu", "gao", "admin"):
        with pytest.raises(NotThere):
            reviewing.card(by)
    assert reviewing.versions() == []


def test_the_step_takes_no_other_way_than_by_a_signature(story, reviewing):
    """Not by the plain task page, not with somebody else's signature, not twice with the same."""
    task = story.task("chen", "sign_review", reviewing.number)
    with pytest.raises(Refused):
        story.app.engine.complete(task.task_id, {"signature": 7}, actor=Actor("chen", "supervisor"))
    reviewing.sign()
    with story.app.session() as session:
        assert session.scalars(sa.select(Signature)).one().spent_on.endswith("record_signature")


def test_what_was_decided_stands_once_it_is_signed(story, clock):
    number = story.register()
    reviewing = Reviewing(story, clock, at=FRIDAY_EVENING)
    reviewing.done()
    with pytest.raises(Refused):
        reviewing.decide(f"incomplete:{number}", "另一个办法")


def test_it_goes_to_the_manager_when_it_is_not_signed_by_closing(story, clock, reviewing):
    clock.set(datetime(2026, 11, 20, 17, 59, 59, tzinfo=CHINA))
    story.app.engine.fire_due()
    assert reviewing.card("chen").may_sign and not reviewing.card("wang").may_sign
    clock.set(datetime(2026, 11, 20, 18, 0, tzinfo=CHINA))
    story.app.engine.fire_due()
    card = reviewing.card("wang")
    assert card.review.state is ReviewState.LATE and card.may_sign and not reviewing.card("chen").may_sign
    reviewing.sign("wang")
    ((_, signature),) = reviewing.versions()
    assert (signature.person, signature.role) == ("wang", "manager")


def test_every_entry_is_in_exactly_one_review(story, clock):
    """What is registered between the signature and closing belongs to the next review."""
    clock.set(datetime(2026, 11, 20, 17, 0, tzinfo=CHINA))
    first = story.register()
    reviewing = Reviewing(story, clock)
    reviewing.done()
    clock.set(datetime(2026, 11, 20, 17, 50, tzinfo=CHINA))
    second = story.register(unit="2-0805")
    reviewing.begin(MONDAY_REVIEW)
    third = story.register(unit="3-0902")
    reviewing.done()
    friday, monday = reviewing.numbers()
    assert calls(reviewing, friday) == [first] and calls(reviewing, monday) == [second, third]


def calls(reviewing, number: str) -> list[str]:
    content = reviewing.versions(number)[-1][1].content
    return [row["key"] for row in next(r for r in content["records"] if r["key"] == "call-visit-register")["rows"]]


def test_a_review_of_another_day_is_not_started_twice(story, clock, reviewing):
    with story.app.writing() as session:
        run = session.scalars(sa.select(PlannedRun).where(PlannedRun.kind == "daily-review", PlannedRun.state == RunState.STARTED,
                                                          PlannedRun.centre_id == story.world.centre_id)).one()  # fmt: skip
        run.state, run.retry_at = RunState.PLANNED, None
    start_due(story.app)
    with story.app.session() as session:
        assert (
            session.scalar(
                sa.select(sa.func.count())
                .select_from(Review)
                .where(Review.centre_id == story.world.centre_id, Review.kind == "daily")
            )
            == 1
        )


def test_what_is_alike_is_decided_at_once(story, clock):
    one, two = story.register(), story.register(unit="2-0805")
    reviewing = Reviewing(story, clock, at=FRIDAY_EVENING)
    key = f"incomplete:{one}"
    decision = actions.Decision("补派单", "lin", FRIDAY)
    actions.decide(story.app, story.person("chen"), reviewing.number, key, decision, same=True)
    decided = {k: line.action.text for k, line in reviewing.matters().items() if line.action}
    assert decided == {key: "补派单", f"incomplete:{two}": "补派单"}
