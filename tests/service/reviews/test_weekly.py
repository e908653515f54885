"""The weekly review: when it starts, its figures, what it lists, and that it goes to quality when nobody signs by Monday noon."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from engine.api import SYSTEM
from service.calendars.actions import save_version
from service.calendars.rules import Calendar, Week
from service.errors import NotAllowed
from service.reviews import rules
from service.reviews.models import ReviewState
from tests.conftest import CHINA
from tests.service.reviews.reviewing import QUARTER_PAST_FIVE, Reviewing

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=CHINA)
WORKDAYS = Calendar("Asia/Shanghai", Week.working_days())


@pytest.fixture
def reviewing(story, clock) -> Reviewing:
    return Reviewing(story, clock)


def weekly(reviewing) -> str:
    return reviewing.numbers("weekly")[-1]


def test_it_starts_on_the_last_working_day_of_the_week_for_the_manager(reviewing):
    card = reviewing.card("wang", weekly(reviewing))
    assert (card.review.first_on, card.review.day) == (date(2026, 11, 16), date(2026, 11, 20))
    assert card.review.due_at == MONDAY_NOON and card.may_sign
    assert not reviewing.card("chen", weekly(reviewing)).may_sign


def test_only_the_last_working_day_has_one():
    friday = date(2026, 11, 20)
    assert rules.is_last_of_week(WORKDAYS, friday)
    assert not any(rules.is_last_of_week(WORKDAYS, friday + timedelta(days=n)) for n in (-1, 1, 2))
    saturday = Calendar("Asia/Shanghai", Week.working_days(), makeup={date(2026, 11, 21): 4})
    assert rules.is_last_of_week(saturday, date(2026, 11, 21)) and not rules.is_last_of_week(saturday, friday)


def test_a_closed_monday_moves_noon_to_the_day_after():
    closed = Calendar("Asia/Shanghai", Week.working_days(), holidays={date(2026, 11, 23): "假"})
    assert rules.weekly_due(closed, date(2026, 11, 20)) == MONDAY_NOON + timedelta(days=1)
    assert rules.weekly_due(WORKDAYS, date(2026, 11, 20)) == MONDAY_NOON


def test_its_figures_are_those_of_the_week(story, clock):
    clock.set(datetime(2026, 11, 20, 9, 0, tzinfo=CHINA))
    story.dispatch(story.register())
    story.register(unit="2-0805", form={"category": "enquiry", "request": "几点关门", "expectation": "note-only",
                                        "reply_deadline_kind": "none", "urgency": "normal", "on_the_spot": True})  # fmt: skip
    reviewing = Reviewing(story, clock)
    figures = reviewing.card("wang", weekly(reviewing)).sheet.content["figures"]
    assert figures["complete"] == {"part": 2, "whole": 2}
    assert figures["closed"]["whole"] == 2 and figures["escalations"]["part"] >= 1
    assert set(figures) == {"on_time", "closed", "revisited", "satisfied", "missed_floors", "escalations", "complete"}


def test_a_day_without_a_review_and_one_that_nobody_signed_are_matters(reviewing, clock, story):
    kinds = {k.split(":")[0] for k in reviewing.matters(weekly(reviewing), "wang")}
    assert kinds == {"no-review"}, "Monday to Thursday had none; Friday's is running"
    clock.set(datetime(2026, 11, 20, 18, 0, tzinfo=CHINA))
    story.app.engine.fire_due()
    assert "unsigned" in reviewing.kinds(weekly(reviewing), "wang")
    clock.advance(timedelta(minutes=1))
    reviewing.done("wang", reviewing.number)
    assert "signed-late" in reviewing.kinds(weekly(reviewing), "wang")


def test_the_manager_signs_the_register_with_the_daily_reviews_and_their_hashes(reviewing):
    """Clause 25.3."""
    reviewing.done()
    reviewing.done("wang", weekly(reviewing))
    ((version, signature),) = reviewing.card("wang", weekly(reviewing)).versions
    assert (signature.person, signature.meaning, version.version) == ("wang", "weekly-review", 1)
    daily = reviewing.versions(reviewing.number)[0][0]
    assert [d["hash"] for d in signature.content["reviews"]] == [daily.content_hash]
    assert [r["key"] for r in signature.content["records"]] == ["call-visit-register"]
    assert reviewing.faults() == []


def test_it_goes_to_quality_when_it_is_not_signed_by_monday_noon(reviewing, clock, story):
    number = weekly(reviewing)
    clock.set(MONDAY_NOON - timedelta(seconds=1))
    story.app.engine.fire_due()
    assert reviewing.card("wang", number).may_sign
    early = reviewing.card("qin", number)
    assert not early.may_sign and not early.may_decide
    with pytest.raises(NotAllowed):
        reviewing.decide(early.lines[0].matter.key, by="qin", number=number)
    clock.set(MONDAY_NOON)
    story.app.engine.fire_due()
    card = reviewing.card("qin", number)
    assert card.review.state is ReviewState.LATE and card.may_sign and card.may_decide
    reviewing.done("qin", number)
    assert reviewing.card("qin", number).versions[0][1].person == "qin"


def test_the_week_of_a_make_up_saturday_ends_on_it(story, clock):
    with story.app.writing() as session:
        calendar = Calendar("Asia/Shanghai", Week.working_days(), makeup={date(2026, 11, 21): 4})
        save_version(session, story.world.centre_id, calendar, actor=SYSTEM, now=clock.now(), reason="补班")
    reviewing = Reviewing(story, clock, at=QUARTER_PAST_FIVE)
    assert reviewing.numbers("weekly") == []
    reviewing.begin(QUARTER_PAST_FIVE + timedelta(days=1))
    assert reviewing.card("wang", weekly(reviewing)).review.day == date(2026, 11, 21)
