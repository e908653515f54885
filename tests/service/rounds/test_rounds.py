"""Duty rounds: what comes up when, who may tick, what is missed, how the etiquette window moves (clauses 17, 18, 20, 21)."""

from __future__ import annotations

from datetime import date

import pytest

from engine.errors import NotPossible
from service.errors import NotAllowed, NotThere, Refused
from service.findings.actions import finding_named
from service.organisation.actions import add_person
from service.registers.rules import Record
from service.rounds import actions, queries, rules
from service.rounds.models import FilingState, RoundKind, RoundState
from service.rounds.rules import Line
from tests.service.registers.test_registers import read
from tests.service.reviews.reviewing import MONDAY_REVIEW, Reviewing
from tests.service.rounds.posts import Posts


@pytest.fixture
def posts(story, clock) -> Posts:
    with story.app.writing() as session:
        add_person(session, "wu", "吴桐", [("assistant", story.world.centre_id, None)])
    made = Posts(story, clock)
    story.world.people["wu"] = max(story.world.people.values()) + 1
    return made


def line(kind: RoundKind, start: str, end: str, every: int = 0, posts: tuple[str, ...] = ()) -> Line:
    return Line(1, kind, "x", start, end, every, posts, 10)


def test_the_usual_timetable_is_that_of_the_text():
    """Clauses 18 and 20: 08:15-09:30 and 17:00-18:30; two on post; changing every hour."""
    found = {(kind, start, end): (every, posts) for kind, _, start, end, every, posts in rules.USUAL}
    assert (RoundKind.DOOR_OPEN, "08:15", "09:30") in found and (RoundKind.DOOR_OPEN, "17:00", "18:30") in found
    assert found[RoundKind.ETIQUETTE, "08:15", "09:30"] == (0, ("客服前台", "电梯前室"))
    assert next(every for (kind, *_), (every, _) in found.items() if kind is RoundKind.HOURLY) == 60


def test_the_ticks_of_each_kind():
    on, zone = date(2026, 11, 23), "Asia/Shanghai"

    def times(one: Line) -> list[str]:
        return [f"{t.starts_at:%H:%M}" for t in rules.ticks(one, on, zone)]

    assert times(line(RoundKind.DOOR_OPEN, "17:00", "18:30")) == ["17:00", "18:30"]
    assert times(line(RoundKind.ETIQUETTE, "08:15", "09:30", posts=("a", "b"))) == ["08:15", "08:15"]
    assert times(line(RoundKind.HOURLY, "09:30", "12:30", 60)) == ["09:30", "10:30", "11:30"]
    assert times(line(RoundKind.LIFT, "08:15", "09:30")) == ["08:15"]


def test_at_a_quarter_past_eight_doors_two_posts_and_the_lift_come_up(posts):
    posts.at("08:14")
    assert posts.waiting() == {}
    posts.at("08:15")
    assert set(posts.waiting()) == {
        ("大堂门 早：设为常开", ""),
        ("礼仪引导", "客服前台"),
        ("礼仪引导", "电梯前室"),
        ("电梯分层引导 早", "电梯前室"),
    }


def test_two_people_have_to_be_there_one_cannot_tick_both_posts(posts):
    """Clause 18."""
    posts.at("08:15")
    posts.tick("礼仪引导", "客服前台", "lin")
    with pytest.raises(Refused):
        posts.tick("礼仪引导", "电梯前室", "lin")
    posts.tick("礼仪引导", "电梯前室", "wu")
    done = [r for r in posts.rows() if r.kind is RoundKind.ETIQUETTE]
    assert {(r.post, r.ticked_by, r.state) for r in done} == {
        ("客服前台", "lin", RoundState.DONE),
        ("电梯前室", "wu", RoundState.DONE),
    }


@pytest.mark.parametrize(("at", "state"), [("08:24", RoundState.WAITING), ("08:25", RoundState.MISSED)])
def test_what_nobody_ticks_within_its_grace_time_is_missed(posts, at, state):
    posts.at("08:15")
    posts.at(at)
    assert {r.state for r in posts.rows()} == {state}


def test_what_is_missed_cannot_be_ticked_later(posts):
    posts.at("08:15")
    number = posts.waiting()["礼仪引导", "客服前台"]
    posts.at("08:25")
    with pytest.raises(NotPossible):
        actions.tick(posts.app, posts.story.person("lin"), number)


def test_a_missed_post_is_a_matter_of_the_daily_review_and_stands_in_the_shift_record(posts, story, clock):
    posts.at("08:15")
    posts.tick("礼仪引导", "客服前台", "lin", note="秦总来得早")
    posts.at("08:25")
    reviewing = Reviewing(story, clock, at=MONDAY_REVIEW)
    missed = [x.matter.facts["title"] for x in reviewing.card().lines if x.matter.kind == "missed-round"]
    assert "礼仪引导 电梯前室" in missed and "礼仪引导 客服前台" not in missed
    entries = {r.cells["post"]: r for r in read(story, Record.SHIFTS).rows}
    there = entries["礼仪引导 客服前台"]
    assert (there.cells["person"], there.cells["matters"], there.missing) == ("lin", "秦总来得早", ())
    assert entries["礼仪引导 电梯前室"].missing == ("person", "done_at")


def test_a_clock_that_was_down_leaves_missed_rounds_not_gaps(posts):
    posts.at("08:00")
    posts.clock.set(posts.clock.now().replace(hour=12))
    posts.at("12:00")
    assert {r.title for r in posts.rows() if r.state is RoundState.MISSED} >= {"礼仪引导", "电梯分层引导 早"}


def test_doors_go_back_to_automatic_after_closing_too(posts):
    posts.at("18:30")
    assert ("大堂门 晚：改回自动感应", "") in posts.waiting()


def test_a_closed_day_has_no_rounds(posts):
    posts.at("08:15", days=5)
    assert posts.waiting() == {}


def test_who_has_no_post_ticks_nothing(posts):
    posts.at("08:15")
    number = posts.waiting()["礼仪引导", "客服前台"]
    for by in ("hu", "gao"):
        with pytest.raises(NotThere):
            actions.tick(posts.app, posts.story.person(by), number)
    with pytest.raises((NotAllowed, NotThere)):
        actions.tick(posts.app, posts.story.person("qin"), number)


def test_vips_are_named_where_somebody_is_marked(posts, story):
    with story.as_person("lin") as lin:
        page = queries.today(lin, queries.centre_for(lin))
    assert {c.name for c in page.vips} == {"恒远律师事务所", "启明资本"}
    with story.as_person("hu") as hu:
        assert queries.today(hu, queries.centre_for(hu)).vips == []


# --- the timetable ----------------------------------------------------------------------------------------------------


def test_moving_the_etiquette_window_waits_until_quality_has_acknowledged(posts, story):
    """Clause 18: only after filing with the company's quality department."""
    saved = posts.move("08:00", "09:15")
    assert saved.filing == "BB2026-00001" and posts.item().from_time == "08:15"
    posts.at("08:00")
    assert posts.waiting() == {}, "the old window holds"
    actions.acknowledge(story.app, story.person("qin"), saved.filing, "知悉")
    assert (posts.item().from_time, posts.item().until_time) == ("08:00", "09:15")
    (filing,) = posts.filings()
    assert (filing.state, filing.acknowledged_by, filing.note) == (FilingState.ACKNOWLEDGED, "qin", "知悉")
    posts.at("08:00", days=1)
    assert ("礼仪引导", "客服前台") in posts.waiting()


def test_the_other_doors_and_lifts_move_at_once(posts):
    """Clause 20: adjustable per project."""
    item = posts.item("lift")
    given = actions.ItemGiven("lift", item.name, "08:00", "09:00", posts=tuple(item.posts))
    assert actions.save_item(posts.app, posts.story.person("chen"), posts.centre, given, item.id).filing is None
    posts.at("08:00")
    assert (item.name, "电梯前室") in posts.waiting()


def test_a_moved_window_needs_a_reason_and_one_notice_at_a_time(posts):
    with pytest.raises(Refused) as error:
        posts.move("08:00", "09:15", reason=" ")
    assert error.value.field == "reason"
    posts.move("08:00", "09:15")
    with pytest.raises(Refused):
        posts.move("07:45", "09:00")


def test_a_new_etiquette_line_starts_with_the_window_of_the_text(posts, story):
    given = actions.ItemGiven("etiquette", "二号大堂", "07:30", "08:30", posts=("前台", "电梯"), reason="早会")
    saved = actions.save_item(story.app, story.person("chen"), posts.centre, given)
    item = next(i for i in posts.rows(type(posts.item())) if i.name == "二号大堂")
    assert (item.from_time, item.until_time) == ("08:15", "09:30") and saved.filing


def test_only_leads_change_the_timetable_and_only_quality_acknowledges(posts, story):
    saved = posts.move("08:00", "09:15")
    posts.at("08:00")
    for by in ("lin", "hu"):
        with pytest.raises((NotAllowed, NotThere)):
            posts.move("07:00", "08:00", by=by)
    for by in ("chen", "wang", "lin"):
        with pytest.raises((NotAllowed, NotThere)):
            actions.acknowledge(story.app, story.person(by), saved.filing)
    assert posts.item().from_time == "08:15"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from_time": "8:15"}, "from_time"),
        ({"until_time": "08:00"}, "until_time"),
        ({"every_minutes": 5}, "every_minutes"),
        ({"grace_minutes": 0}, "grace_minutes"),
        ({"name": " "}, "name"),
        ({"kind": "x"}, "kind"),
        ({"name": "大堂门 早"}, "name"),
    ],
)
def test_a_line_that_cannot_be_kept_says_what_is_wrong(posts, change, field):
    good = {"kind": "lift", "name": "新", "from_time": "08:15", "until_time": "09:30"}
    with pytest.raises(Refused) as error:
        actions.save_item(posts.app, posts.story.person("chen"), posts.centre, actions.ItemGiven(**good | change))
    assert error.value.field == field


def test_two_who_change_a_line_do_not_overwrite_each_other(posts):
    item = posts.item("lift")
    given = actions.ItemGiven("lift", item.name, "08:00", "09:00")
    actions.save_item(posts.app, posts.story.person("chen"), posts.centre, given, item.id, seen=item.version)
    with pytest.raises(Refused):
        actions.save_item(posts.app, posts.story.person("wang"), posts.centre, given, item.id, seen=item.version)


# --- workplaces -------------------------------------------------------------------------------------------------------

FINE = {group: "fine" for group, _ in rules.GROUPS.values()}


def test_each_area_is_checked_once_a_week(posts, story):
    """Clauses 24.1 to 24.5."""
    for days in (0, 1, 4):
        posts.at("08:30", days=days)
    areas = {c.area_id for c in posts.checks()}
    assert len(posts.checks()) == len(areas) > 0
    posts.at("08:30", days=7)
    assert len(posts.checks()) == 2 * len(areas)


def test_what_is_not_in_order_becomes_a_finding_that_is_followed(posts, story):
    posts.at("08:30")
    check = posts.checks()[0]
    values = FINE | {"drawers": "finding", "drawers_words": "抽屉里有零食"}
    actions.check(story.app, story.person("chen"), check.number, values)
    done = posts.checks()[0]
    assert done.checked_by == "chen" and done.answers["drawers"] == "finding" and len(done.findings) == 1
    with story.app.session() as session:
        finding = finding_named(session, done.findings[0])
    assert (finding.words, finding.group, finding.department) == ("抽屉里有零食", "drawers", "specialist")
    assert story.task("lin", "accept_finding", finding.number)


def test_an_area_that_nobody_checked_is_a_matter_of_the_weekly_review(posts, story, clock):
    posts.at("08:30")
    posts.at("18:00", days=4)
    assert {c.state for c in posts.checks()} == {"missed"}
    reviewing = Reviewing(story, clock, at=None)
    reviewing.begin(clock.now())
    number = reviewing.numbers("weekly")[-1]
    assert "unchecked" in reviewing.kinds(number, "wang")
