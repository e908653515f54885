"""Business time: limits count inside opening hours and nowhere else (clauses 8 and 11)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from service.calendars.rules import (
    BadHours,
    Calendar,
    CalendarEnds,
    CalendarError,
    ClosedAllDay,
    Closure,
    DayKind,
    EmptySchedule,
    NaiveInstant,
    Week,
    Window,
    round_the_clock,
)
from service.errors import Refused
from tests.service.calendars.cases import at, official, plain

ROUND = Week.read([["00:00-24:00"]] * 7)


# Windows

def test_a_window_is_open_at_its_start_and_closed_at_its_end():
    """T4"""
    calendar = plain()
    assert not calendar.is_open(at("2026-11-20 08:29:59"))
    assert calendar.is_open(at("2026-11-20 08:30"))
    assert calendar.is_open(at("2026-11-20 17:59:59"))
    assert not calendar.is_open(at("2026-11-20 18:00"))


def test_a_desk_open_round_the_clock_serves_exactly_24_hours_a_day():
    """T4: no minute is lost at midnight."""
    for calendar in (Calendar("Asia/Shanghai", ROUND), round_the_clock()):
        assert calendar.add(at("2026-11-20 00:00"), 1440) == at("2026-11-21 00:00")
        assert calendar.add(at("2026-11-20 13:07"), 30 * 1440) == at("2026-12-20 13:07")
        assert calendar.elapsed(at("2026-11-20 00:00"), at("2026-11-21 00:00")) == 1440
        assert calendar.is_open(at("2026-11-20 23:59:59.999999"))
        assert calendar.day_minutes == 1440


def test_lunch_does_not_count_as_working_time():
    """T8"""
    calendar = plain("08:30-12:00", "13:30-18:00")
    assert calendar.add(at("2026-11-20 11:45"), 30) == at("2026-11-20 13:45")
    assert calendar.elapsed(at("2026-11-20 11:00"), at("2026-11-20 14:00")) == 90
    assert not calendar.is_open(at("2026-11-20 12:00"))
    assert calendar.day_minutes == 480


def test_hours_over_midnight_are_two_windows():
    night = Calendar("Asia/Shanghai", Week.read([["00:00-08:30", "18:00-24:00"]] * 7))
    assert night.elapsed(at("2026-11-20 18:00"), at("2026-11-21 08:30")) == 870
    with pytest.raises(BadHours, match="two windows"):
        Window.read("18:00-08:30")


@pytest.mark.parametrize("text", ["", "8-18", "08:30", "08:60-09:00", "09:00-24:01", "09:00-09:00", "a:00-b:00"])
def test_an_unreadable_window_is_refused_with_its_text(text):
    with pytest.raises(BadHours):
        Window.read(text)


def test_overlapping_windows_are_refused_and_touching_ones_are_not():
    with pytest.raises(BadHours, match="overlap"):
        plain("08:30-12:00", "11:59-18:00")
    assert plain("12:00-18:00", "08:30-12:00").day_minutes == 570


# The schedule

def test_an_empty_schedule_is_refused_when_it_is_built():
    """T5: a mistake is refused to the one who makes it, not to everybody who saves a ticket later."""
    with pytest.raises(EmptySchedule) as refused:
        Week(((),) * 7)
    assert isinstance(refused.value, Refused)


def test_a_single_open_weekday_is_a_schedule():
    """T5"""
    wednesdays = Calendar("Asia/Shanghai", Week.read([[], [], ["10:00-11:00"], [], [], [], []]))
    assert wednesdays.add(at("2026-11-20 09:00"), 90) == at("2026-12-02 10:30")
    assert wednesdays.next_business_day(at("2026-11-25 10:30")) == at("2026-12-02 10:00")


def test_an_unknown_zone_is_refused_when_it_is_built():
    with pytest.raises(BadHours, match="Asia/Peking"):
        Calendar("Asia/Peking", Week.working_days())


def test_a_date_cannot_be_holiday_and_make_up_day_at_once():
    with pytest.raises(BadHours, match="2026-02-14"):
        plain(holidays={date(2026, 2, 14)}, makeup={date(2026, 2, 14): 4})


def test_a_make_up_day_cannot_take_the_hours_of_a_closed_weekday():
    with pytest.raises(BadHours, match="none"):
        plain(makeup={date(2026, 2, 14): 6})


def test_years_without_any_opening_are_said_to_end_the_calendar():
    mondays = Week.read([["09:00-10:00"], [], [], [], [], [], []])
    closed = frozenset(date(2026, 1, 5) + timedelta(weeks=week) for week in range(300))
    calendar = Calendar("Asia/Shanghai", mondays, holidays=closed)
    with pytest.raises(CalendarEnds):
        calendar.add(at("2026-01-05 09:00"), 1)
    with pytest.raises(CalendarEnds):
        calendar.next_opening(at("2026-01-05 09:00"))
    assert calendar.elapsed(at("2026-01-05 09:00"), at("2031-01-05 09:00")) == 0


def test_a_limit_below_zero_or_beyond_a_century_is_refused():
    for minutes in (-1, 10 ** 9):
        with pytest.raises(CalendarError):
            plain().add(at("2026-11-20 09:00"), minutes)


def test_an_instant_without_zone_is_refused():
    naive = datetime(2026, 11, 20, 9)
    for ask in (plain().is_open, plain().next_opening, plain().local, lambda moment: plain().add(moment, 1)):
        with pytest.raises(NaiveInstant):
            ask(naive)


# Sums

def test_friday_evening_before_a_make_up_saturday_goes_on_on_saturday():
    """T6: registered Friday 17:45, 30 minutes, Saturday is worked: Saturday 08:45."""
    assert official().add(at("2026-02-13 17:45"), 30) == at("2026-02-14 08:45")


def test_friday_evening_before_a_free_saturday_goes_on_on_monday():
    assert official().add(at("2026-11-20 17:45"), 30) == at("2026-11-23 08:45")


def test_a_limit_ends_when_its_last_minute_has_been_served():
    assert plain().add(at("2026-11-20 17:45"), 15) == at("2026-11-20 18:00")
    assert plain().add(at("2026-11-20 17:45"), 15 + 1 / 60) == at("2026-11-23 08:30:01")


def test_a_start_outside_opening_hours_counts_from_the_next_opening():
    for start in ("2026-11-20 18:00", "2026-11-21 12:00", "2026-11-23 08:00"):
        assert plain().add(at(start), 30) == at("2026-11-23 09:00")
        assert plain().add(at(start), 0) == at("2026-11-23 08:30")


def test_results_are_in_utc():
    due_at = plain().add(at("2026-11-20 09:00"), 30)
    assert due_at.tzinfo is UTC and due_at == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def test_days_of_a_limit_are_the_normal_opening_minutes():
    assert plain().day_minutes == 570
    short_friday = Week.read([["08:30-18:00"]] * 4 + [["08:30-16:00"], [], []])
    assert Calendar("Asia/Shanghai", short_friday).day_minutes == 570


def test_a_duration_may_be_given_instead_of_minutes():
    assert plain().add(at("2026-11-20 17:45"), timedelta(hours=2)) == plain().add(at("2026-11-20 17:45"), 120)


def test_counting_backwards_mirrors_counting_forwards():
    calendar = official()
    assert calendar.subtract(at("2026-02-14 08:45"), 30) == at("2026-02-13 17:45")
    assert calendar.subtract(at("2026-02-14 08:30"), 15) == at("2026-02-13 17:45")
    assert calendar.subtract(at("2026-02-17 12:00"), 570) == at("2026-02-14 08:30")


def test_elapsed_counts_both_ways():
    calendar = plain()
    assert calendar.elapsed(at("2026-11-20 17:00"), at("2026-11-23 09:00")) == 90
    assert calendar.elapsed(at("2026-11-23 09:00"), at("2026-11-20 17:00")) == -90


def test_a_closed_weekend_adds_nothing_to_a_pause():
    """T1"""
    assert plain().elapsed(at("2026-11-20 18:00"), at("2026-11-23 08:30")) == 0


# Days

def test_each_kind_of_day_has_its_hours():
    calendar = plain(
        holidays={date(2026, 10, 1): "国庆节"}, makeup={date(2026, 10, 10): 4},
        special={date(2026, 11, 18): (Window.read("10:00-12:00"),)},
        closed_by_order=(Closure(date(2026, 11, 19), "台风"), Closure(date(2026, 11, 20), "停电", Window.read("14:00-15:00"))))
    kinds = {on: (str(calendar.kind_on(on)), [str(window) for window in calendar.windows_on(on)]) for on in (
        date(2026, 10, 1), date(2026, 10, 10), date(2026, 10, 11), date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))}
    assert list(kinds.values()) == [
        ("holiday", []), ("makeup", ["08:30-18:00"]), ("weekend", []), ("special", ["10:00-12:00"]), ("closed", []),
        ("normal", ["08:30-14:00", "15:00-18:00"])]
    assert calendar.name_on(date(2026, 11, 19)) == "台风"


def test_a_closure_may_cut_off_either_end_of_the_day():
    calendar = plain(closed_by_order=[Closure(date(2026, 11, 20), "", Window(0, 600)), Closure(date(2026, 11, 20), "", Window(1020, 1440))])
    assert [str(window) for window in calendar.windows_on(date(2026, 11, 20))] == ["10:00-17:00"]


def test_a_closure_ends_a_make_up_day_too():
    calendar = plain(makeup={date(2026, 2, 14): 4}, closed_by_order=[Closure(date(2026, 2, 14), "台风")])
    assert calendar.kind_on(date(2026, 2, 14)) is DayKind.CLOSED


def test_next_business_day_is_the_opening_of_the_next_open_date():
    assert official().next_business_day(at("2026-02-13 10:00")) == at("2026-02-14 08:30")
    assert official().next_business_day(at("2026-02-14 10:00")) == at("2026-02-24 08:30")
    assert official().next_business_day(at("2026-02-16 07:00")) == at("2026-02-24 08:30")


def test_closing_time_of_a_closed_day_is_refused_by_name():
    assert plain().closing_time(date(2026, 11, 20)) == at("2026-11-20 18:00")
    assert plain().opening_time(date(2026, 11, 20)) == at("2026-11-20 08:30")
    assert round_the_clock().closing_time(date(2026, 11, 20)) == at("2026-11-21 00:00")
    with pytest.raises(ClosedAllDay, match="2026-11-21"):
        plain().closing_time(date(2026, 11, 21))


def test_new_hours_hold_from_their_date_and_leave_the_days_before_alone():
    calendar = plain(changes=((date(2026, 12, 1), Week.working_days("09:00-17:00")),))
    assert calendar.closing_time(date(2026, 11, 30)) == at("2026-11-30 18:00")
    assert calendar.add(at("2026-11-30 17:30"), 60) == at("2026-12-01 09:30")
    assert calendar.day_minutes == 480


# Years that nobody has published

def test_an_unpublished_year_counts_weekdays_and_says_so():
    calendar = official()
    assert calendar.add(at("2027-01-01 09:00"), 60) == at("2027-01-01 10:00")
    assert calendar.warnings(at("2026-12-31 17:30"), at("2027-01-01 09:00")) == (2027,)
    assert calendar.warnings(at("2026-01-01 00:00"), at("2026-12-31 23:59")) == ()


def test_the_year_of_a_warning_is_the_centres_own():
    calendar = official()
    new_year_in_shanghai = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    assert calendar.warnings(new_year_in_shanghai, new_year_in_shanghai) == (2027,)


def test_round_the_clock_needs_no_official_days():
    assert round_the_clock().warnings(at("2030-01-01 00:00"), at("2031-01-01 00:00")) == ()


# Zones

def test_a_day_is_shorter_when_the_clocks_go_forward():
    new_york = Calendar("America/New_York", ROUND)
    assert new_york.elapsed(at("2026-03-08 00:00", "America/New_York"), at("2026-03-09 00:00", "America/New_York")) == 23 * 60
    assert new_york.elapsed(at("2026-11-01 00:00", "America/New_York"), at("2026-11-02 00:00", "America/New_York")) == 25 * 60


def test_no_minute_counts_twice_where_clocks_jump_over_a_window():
    split = Calendar("America/New_York", Week.read([["02:15-02:45", "03:00-03:30"]] * 7))
    day = at("2026-03-08 00:00", "America/New_York"), at("2026-03-09 00:00", "America/New_York")
    assert split.elapsed(*day) == 45  # 03:00-03:45: the first window does not exist and falls on 03:15
    assert split.add(day[0], 45) <= day[1]


@pytest.mark.parametrize("host_zone", ["America/New_York", "Pacific/Kiritimati", "Asia/Kolkata", "UTC"])
def test_the_hosts_zone_changes_nothing(host_zone, root):
    script = (
        "import time; time.tzset()\n"
        "from datetime import date\n"
        "from tests.service.calendars.cases import at, official\n"
        "calendar = official()\n"
        "print(calendar.add(at('2026-02-13 17:45'), 30).isoformat(), calendar.elapsed(at('2026-01-01 00:00'), at('2027-01-01 00:00')),\n"
        "      calendar.closing_time(date(2026, 3, 8)).isoformat() if calendar.windows_on(date(2026, 3, 8)) else '',\n"
        "      calendar.next_business_day(at('2026-09-30 17:59')).isoformat(), calendar.warnings(at('2026-12-31 23:59'), at('2027-01-01 00:00')))\n")
    run = subprocess.run([sys.executable, "-c", script], cwd=root, env=os.environ | {"TZ": host_zone}, capture_output=True, text=True, check=True)
    # 2026 has 261 weekdays, 19 of them free, and 6 make-up days
    assert run.stdout.split() == ["2026-02-14T00:45:00+00:00", f"{(261 - 19 + 6) * 570.0}", "2026-10-08T00:30:00+00:00", "(2027,)"]
