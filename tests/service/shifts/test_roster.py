"""The roster: who works which shift, who answers for a post at every instant, goods; changed by a supervisor."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from service.calendars.queries import calendar_of, default_calendar
from service.errors import NotAllowed, NotThere, Refused
from service.operations.functions import duty_of
from service.organisation.queries import on_duty
from service.shifts import queries, roster, rules
from service.shifts.models import Shift
from service.shifts.rules import Stint
from tests.conftest import CHINA

MONDAY = date(2026, 11, 23)
DAY, NIGHT = Shift.DAY, Shift.NIGHT


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@pytest.fixture
def desk(story) -> int:
    """A post at the desk, for which Lin answers."""
    return roster.add_post(story.app, story.person("chen"), story.world.centre_id, "前台", "specialist", "lin")


def save(story, cells: dict, by: str = "chen") -> int:
    return roster.save_cells(story.app, story.person(by), story.world.centre_id, cells)


def week(story, monday: date = MONDAY) -> dict:
    with story.app.session() as session:
        return roster.cells_of(session, story.world.centre_id, monday)


def duty(story, role: str) -> str | None:
    from types import SimpleNamespace

    with story.app.session() as session:
        env = SimpleNamespace(
            connection=session.connection(),
            scope=SimpleNamespace(centre=story.world.centre_id),
            now=story.app.clock.now(),
        )
        return duty_of(env, role)


def test_the_day_shift_has_the_opening_hours_and_the_night_runs_to_the_morning_by_the_wall():
    calendar = default_calendar()
    assert rules.shift_times(calendar, MONDAY, DAY) == (at(MONDAY, 8, 30), at(MONDAY, 18))
    assert rules.shift_times(calendar, MONDAY, NIGHT) == (at(MONDAY, 18), at(MONDAY + timedelta(1), 8, 30))
    saturday = MONDAY - timedelta(2)
    assert rules.shift_times(calendar, saturday, DAY) == (at(saturday, 8, 30), at(saturday, 18))


def test_relief_is_the_next_person_within_a_week_and_nobody_relieves_themselves():
    mine = Stint(1, "lin", at(MONDAY, 8, 30), at(MONDAY, 18))
    night = Stint(2, "zhou", at(MONDAY, 18), at(MONDAY + timedelta(1), 8, 30))
    next_week = Stint(3, "zhou", mine.ends_at + timedelta(days=7), mine.ends_at + timedelta(days=8))
    assert rules.relief(mine, [night]) == night
    assert rules.relief(mine, [next_week]) is None
    assert rules.relief(mine, [Stint(2, "lin", night.starts_at, night.ends_at), next_week]) is None
    assert rules.relief(mine, []) is None


def test_a_saved_shift_is_duty_and_the_function_of_the_diagrams_gives_it(story, desk, clock):
    assert save(story, {(desk, MONDAY, DAY): ("", "lin"), (desk, MONDAY, NIGHT): ("", "zhou")}) == 2
    for moment, specialist, cashier in (
        (at(MONDAY, 8, 29), None, None),
        (at(MONDAY, 8, 30), "lin", None),
        (at(MONDAY, 17, 59), "lin", None),
        (at(MONDAY, 18), None, "zhou"),
        (at(MONDAY + timedelta(1), 8, 29), None, "zhou"),
        (at(MONDAY + timedelta(1), 8, 30), None, None),
    ):
        clock.set(moment)
        assert (duty(story, "specialist"), duty(story, "cashier")) == (specialist, cashier), moment


def test_a_shift_given_to_another_or_to_nobody_leaves_no_duty_behind(story, desk):
    save(story, {(desk, MONDAY, DAY): ("", "lin")})
    save(story, {(desk, MONDAY, DAY): ("lin", "zhou")})
    assert week(story) == {(desk, MONDAY, DAY): "zhou"}
    with story.app.session() as session:
        here = story.world.centre_id
        assert on_duty(session, "specialist", here, at(MONDAY, 9)) == []
        assert [p.username for p in on_duty(session, "cashier", here, at(MONDAY, 9))] == ["zhou"]
    save(story, {(desk, MONDAY, DAY): ("zhou", "")})
    assert week(story) == {}


def test_a_cell_that_somebody_changed_in_between_is_told_and_nothing_is_changed(story, desk):
    save(story, {(desk, MONDAY, DAY): ("", "lin")}, by="wang")
    with pytest.raises(Refused, match="changed"):
        save(story, {(desk, MONDAY, NIGHT): ("", "zhou"), (desk, MONDAY, DAY): ("", "zhou")})
    assert week(story) == {(desk, MONDAY, DAY): "lin"}


def test_a_shift_that_is_over_stays(story, desk, clock):
    friday = date(2026, 11, 20)
    clock.set(at(friday, 18))
    with pytest.raises(Refused, match="is over"):
        save(story, {(desk, friday, DAY): ("", "lin")})
    assert save(story, {(desk, friday, NIGHT): ("", "lin")}) == 1


def test_nobody_is_at_two_posts_in_one_shift(story, desk):
    other = roster.add_post(story.app, story.person("chen"), story.world.centre_id, "大堂", "specialist", "lin")
    with pytest.raises(Refused, match="two posts"):
        save(story, {(desk, MONDAY, DAY): ("", "lin"), (other, MONDAY, DAY): ("", "lin")})
    assert save(story, {(desk, MONDAY, DAY): ("", "lin"), (other, MONDAY, NIGHT): ("", "lin")}) == 2


def test_last_week_is_copied_into_what_is_empty_and_not_over(story, desk, clock):
    friday = date(2026, 11, 20)
    save(story, {(desk, friday, DAY): ("", "lin"), (desk, friday, NIGHT): ("", "zhou")})
    save(story, {(desk, MONDAY + timedelta(4), DAY): ("", "zhou")})
    assert roster.copy_week(story.app, story.person("chen"), story.world.centre_id, MONDAY) == 1
    assert week(story) == {(desk, MONDAY + timedelta(4), DAY): "zhou", (desk, MONDAY + timedelta(4), NIGHT): "zhou"}
    clock.set(at(MONDAY + timedelta(7 + 5), 9))
    assert roster.copy_week(story.app, story.person("chen"), story.world.centre_id, MONDAY + timedelta(7)) == 0


def test_only_people_of_the_role_or_the_desk_work_at_a_post(story, desk):
    for somebody in ("gao", "hu", "nobody"):
        with pytest.raises(Refused, match="does not work in this role"):
            save(story, {(desk, MONDAY, DAY): ("", somebody)})


def test_the_desk_does_not_change_the_roster_and_another_centre_sees_no_post(story, desk):
    with pytest.raises(NotAllowed):
        save(story, {(desk, MONDAY, DAY): ("", "lin")}, by="lin")
    with pytest.raises((NotThere, NotAllowed)):
        save(story, {(desk, MONDAY, DAY): ("", "hu")}, by="hu")
    with pytest.raises((NotThere, NotAllowed)):
        roster.make_responsible(story.app, story.person("hu"), desk, "hu", "我来")


def test_at_every_instant_one_person_answers_for_a_post(story, desk, clock):
    began = clock.now()
    clock.advance(timedelta(hours=1))
    roster.make_responsible(story.app, story.person("chen"), desk, "zhou", "林晓雯请假")
    with story.app.session() as session:
        assert queries.responsible_at(session, desk, began - timedelta(seconds=1)) is None
        assert [queries.responsible_at(session, desk, began + timedelta(minutes=m)) for m in (0, 59, 60, 600)] == [
            "lin", "lin", "zhou", "zhou",
        ]  # fmt: skip
        assert queries.responsible_now(session, story.world.centre_id)[desk].reason == "林晓雯请假"
    with pytest.raises(Refused, match="Say why"):
        roster.make_responsible(story.app, story.person("chen"), desk, "lin", " ")


def test_goods_are_data_that_a_supervisor_changes(story, desk):
    chen = story.person("chen")
    keys = roster.save_goods(story.app, chen, desk, roster.GoodsGiven("钥匙", "把", "count", 12))
    roster.save_goods(story.app, chen, desk, roster.GoodsGiven("备用金", "元", "money", 50000))
    roster.save_goods(story.app, chen, desk, roster.GoodsGiven("钥匙", "把", "count", 13), keys)
    with pytest.raises(Refused, match="already"):
        roster.save_goods(story.app, chen, desk, roster.GoodsGiven("钥匙", "把", "count", 1))
    with pytest.raises(Refused, match="how much"):
        roster.save_goods(story.app, chen, desk, roster.GoodsGiven("对讲机", "台", "count", -1))
    with pytest.raises(NotAllowed):
        roster.save_goods(story.app, story.person("lin"), desk, roster.GoodsGiven("对讲机", "台", "count", 2))
    with story.app.session() as session:
        shown = [rules.amount(g.kind, g.expected, g.measure) for g in queries.goods_of(session, desk)]
    assert shown == ["13 把", "500.00 元"]


def test_a_persons_own_shifts_around_now(story, desk, clock):
    friday = date(2026, 11, 20)
    save(story, {(desk, friday, DAY): ("", "lin"), (desk, MONDAY, DAY): ("", "lin")})
    lin = story.person("lin")
    with story.app.session() as session:

        def stretch(moment):
            return queries.stretch_of(session, lin.id, [story.world.centre_id], moment)

        during, between = stretch(at(friday, 9)), stretch(at(friday, 19))
        assert calendar_of(session, story.world.centre_id).windows_on(MONDAY)
    assert (during.last_ended_at, during.starts_at, during.ends_at) == (None, at(friday, 8, 30), at(friday, 18))
    assert (between.last_ended_at, between.starts_at) == (at(friday, 18), at(MONDAY, 8, 30))
