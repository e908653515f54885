"""Limits that were paused or whose calendar changed, and the sums that explain them."""

from __future__ import annotations

import json
from datetime import date

from service.calendars.rules import (
    Closure,
    DayKind,
    Deadline,
    Pause,
    Sum,
    Week,
    explain,
    preview_change,
    round_the_clock,
)
from tests.service.calendars.cases import at, official, plain

DAY = 570


def test_pending_over_a_closed_weekend_moves_nothing():
    """T1"""
    pause = Pause(at("2026-11-20 18:00"), at("2026-11-23 08:30"))
    assert Deadline("t", at("2026-11-20 17:00"), DAY, (pause,)).due_at(plain()) == plain().add(at("2026-11-20 17:00"), DAY)


def test_a_pause_counts_in_business_time():
    """T1: from Friday 17:00 to Monday 09:30 the desk was open for two hours."""
    pause = Pause(at("2026-11-20 17:00"), at("2026-11-23 09:30"))
    assert Deadline("t", at("2026-11-20 16:00"), 90, (pause,)).due_at(plain()) == at("2026-11-23 10:00")


def test_a_limit_that_is_still_paused_has_no_instant():
    assert Deadline("t", at("2026-11-20 16:00"), 90, (Pause(at("2026-11-20 17:00"), None),)).due_at(plain()) is None


def test_a_pause_after_the_limit_changes_nothing():
    late = Pause(at("2026-11-20 17:30"), None)
    assert Deadline("t", at("2026-11-20 16:00"), 90, (late,)).due_at(plain()) == at("2026-11-20 17:30")


def test_a_new_limit_keeps_what_was_served_and_what_was_paused():
    """T2: repair became urgent after 60 served minutes and two paused hours; the four hours count from the opening."""
    paused = Pause(at("2026-11-20 10:00"), at("2026-11-20 12:00"))
    old = Deadline("t", at("2026-11-20 09:00"), DAY, (paused,))
    assert old.served(at("2026-11-20 12:00"), plain()) == 60
    urgent = Deadline("t", old.start_at, 240, old.pauses)
    assert urgent.due_at(plain()) == at("2026-11-20 15:00")


def test_served_minutes_stand_still_during_a_pause():
    limit = Deadline("t", at("2026-11-20 09:00"), DAY, (Pause(at("2026-11-20 10:00"), None),))
    assert limit.served(at("2026-11-20 11:00"), plain()) == limit.served(at("2026-11-20 16:00"), plain()) == 60


def test_a_preview_names_the_limits_that_a_holiday_moves():
    old, new = plain(), plain(holidays={date(2026, 11, 23): "停业"})
    moved, stays = preview_change(old, new, [Deadline("a", at("2026-11-20 17:45"), 30), Deadline("b", at("2026-11-20 17:00"), 30)])
    assert moved.changed and (moved.old_at, moved.new_at) == (at("2026-11-23 08:45"), at("2026-11-24 08:45"))
    assert not stays.changed


def test_publishing_a_year_moves_the_limits_that_were_counted_by_the_week():
    before, after = official(2025), official(2025, 2026)
    (move,) = preview_change(before, after, [Deadline("t", at("2026-02-13 17:45"), 600)])
    assert (move.old_at, move.new_at) == (at("2026-02-17 08:45"), at("2026-02-24 08:45"))


# Explanations

def test_an_explanation_names_each_stretch_and_each_skipped_day():
    explained = explain(at("2026-02-13 17:45"), 600, official())
    assert [(stretch.minutes, stretch.kind) for stretch in explained] == [
        (15, DayKind.NORMAL), (DAY, DayKind.MAKEUP), (15, DayKind.NORMAL)]
    assert {(skip.kind, skip.name) for skip in explained.skipped} == {(DayKind.HOLIDAY, "春节")}
    assert len(explained.skipped) == 9 and explained.total == 600


def test_an_explanation_says_why_a_day_was_closed():
    calendar = plain(closed_by_order=[Closure(date(2026, 11, 23), "台风")])
    explained = explain(at("2026-11-20 17:45"), 30, calendar)
    assert [(str(skip.kind), skip.name) for skip in explained.skipped] == [("weekend", ""), ("weekend", ""), ("closed", "台风")]


def test_an_explanation_round_the_clock_is_one_stretch():
    (stretch,) = explain(at("2026-11-20 23:50"), 15, round_the_clock())
    assert (stretch.end, stretch.kind) == (at("2026-11-21 00:05"), DayKind.ROUND_THE_CLOCK)


def test_an_explanation_carries_the_unpublished_years():
    assert explain(at("2026-12-31 17:45"), 30, official()).unpublished_years == (2027,)


def test_an_explanation_can_be_kept_and_read_back():
    for calendar in (official(), plain("08:30-12:00", "13:30-18:00"), round_the_clock()):
        explained = explain(at("2026-02-13 11:45:20.5"), 1234.5, calendar)
        assert Sum.from_json(json.loads(json.dumps(explained.to_json()))) == explained


def test_the_explained_week_is_the_one_of_each_day():
    calendar = plain(changes=((date(2026, 12, 1), Week.working_days("09:00-17:00")),))
    assert [stretch.minutes for stretch in explain(at("2026-11-30 17:30"), 60, calendar)] == [30, 30]
