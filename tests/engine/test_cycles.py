"""Cycles by the calendar: months of unequal length, summer time, weekdays as cron counts them, turns that nobody saw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine import cycles, timers
from engine.dialect import Event, EventKind, TimerKind

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 9, 45, tzinfo=SHANGHAI)  # a Friday


def days(text: str, zone=SHANGHAI, now=NOW, count=4) -> list[str]:
    return [at.astimezone(zone).strftime("%m-%d %H:%M") for at in cycles.firings(text, now, zone, count)]


def test_the_31st_is_the_last_day_of_a_shorter_month_and_the_31st_again_after_it():
    assert days("R/2026-12-31T09:00:00+08:00/P1M", count=5) == ["12-31 09:00", "01-31 09:00", "02-28 09:00", "03-31 09:00", "04-30 09:00"]


def test_days_keep_their_wall_time_when_summer_time_begins():
    assert days("R/2026-03-27T09:00:00+01:00/P1D", BERLIN, datetime(2026, 3, 27, tzinfo=UTC)) == [
        "03-27 09:00", "03-28 09:00", "03-29 09:00", "03-30 09:00"]


def test_hours_are_counted_as_they_pass():
    assert days("R/2026-03-28T20:00:00+01:00/PT8H", BERLIN, datetime(2026, 3, 28, tzinfo=UTC)) == [
        "03-28 20:00", "03-29 05:00", "03-29 13:00", "03-29 21:00"]


def test_a_cycle_ends_after_its_turns():
    assert days("R3/PT1H", count=10) == ["11-20 10:45", "11-20 11:45", "11-20 12:45"]


@pytest.mark.parametrize(("cron", "expected"), [
    ("0 30 8 * * MON-FRI", ["11-23 08:30", "11-24 08:30", "11-25 08:30", "11-26 08:30"]),
    ("0 30 8 * * 1-5", ["11-23 08:30", "11-24 08:30", "11-25 08:30", "11-26 08:30"]),
    ("30 8 * * 0", ["11-22 08:30", "11-29 08:30", "12-06 08:30", "12-13 08:30"]),
    ("0 0 9 * * 7", ["11-22 09:00", "11-29 09:00", "12-06 09:00", "12-13 09:00"]),
    ("0 0 9 * * FRI-MON/3", ["11-23 09:00", "11-27 09:00", "11-30 09:00", "12-04 09:00"]),
    ("0 0 18 L * ?", ["11-30 18:00", "12-31 18:00", "01-31 18:00", "02-28 18:00"]),
    ("@daily", ["11-21 00:00", "11-22 00:00", "11-23 00:00", "11-24 00:00"])])
def test_cron_counts_weekdays_from_sunday_as_cron_does(cron, expected):
    """facts C: the library's own numbers begin with Monday."""
    assert days(cron) == expected


@pytest.mark.parametrize("text", [
    "", "R", "R0/PT1H", "R/PT0S", "R/P", "R3/-PT1H", "R/2026-13-01T00:00:00Z/P1D", "R/P999999D/P1D", "0 0 25 * * *", "0 61 8 * * *",
    "0 0 9 30 2 *", "0 0 9 * * 8", "0 0 9 * * MON-", "0 0 9 * * MON/0", "* * *", "@never", "R/PT1H; import os", "0 0 9 * * __import__"])
def test_what_is_no_cycle_is_refused(text):
    with pytest.raises(cycles.BadCycle):
        cycles.parse(text)


def armed(cycle: str, now=NOW):
    return timers.due(Event(EventKind.TIMER, TimerKind.CYCLE, "x"), lambda _: cycle, now, {}, SHANGHAI)


@pytest.mark.parametrize(("cycle", "slept", "missed", "next_due"), [
    ("R/PT1H", timedelta(hours=5, minutes=10), 4, "11-20 15:45"), ("0 30 8 * * *", timedelta(days=3), 2, "11-24 08:30"),
    ("R/2026-11-20T12:00:00+08:00/P1D", timedelta(days=2, hours=3), 2, "11-23 12:00")])
def test_turns_that_no_clock_saw_are_told_once_and_the_next_is_the_first_to_come(cycle, slept, missed, next_due):
    due, repeat = armed(cycle)
    again, counted = timers.next_turn(due, repeat, NOW + slept, SHANGHAI)
    assert counted == missed and datetime.fromisoformat(again["due"]).astimezone(SHANGHAI).strftime("%m-%d %H:%M") == next_due


def test_a_counted_cycle_counts_missed_turns_too():
    due, repeat = armed("R3/PT1H")
    assert timers.next_turn(due, repeat, NOW + timedelta(hours=2, minutes=1), SHANGHAI)[0]["repeat"].startswith("1|")
    assert timers.next_turn(due, repeat, NOW + timedelta(hours=4), SHANGHAI) == (None, 3)


def test_a_cycle_that_slept_for_a_year_is_no_long_sum():
    due, repeat = armed("* * * * * *")
    again, missed = timers.next_turn(due, repeat, NOW + timedelta(days=365), SHANGHAI)
    assert missed == timers.MAX_COUNTED and datetime.fromisoformat(again["due"]) > NOW + timedelta(days=365)


def test_what_an_earlier_release_stored_goes_on():
    again, missed = timers.next_turn(NOW, "R3/3600", NOW + timedelta(minutes=1), SHANGHAI)
    assert datetime.fromisoformat(again["due"]) == NOW + timedelta(hours=1) and again["repeat"].startswith("2|") and missed == 0
