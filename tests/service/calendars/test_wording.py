"""A sum as people read it, on the ticket and in the table over it (clause 11)."""

from __future__ import annotations

from datetime import date

import pytest

from service.calendars.rules import Closure, explain, round_the_clock
from service.calendars.wording import sum_line, sum_rows, unpublished_warning, weekday_label
from tests.service.calendars.cases import at, official, plain

LUNCH = plain("08:30-12:00", "13:30-18:00", published_years={2026})


@pytest.mark.parametrize(("start", "minutes", "chinese", "english"), [
    ("2026-02-13 17:45", 30, "30 分钟，从周五 17:45 起：当天 15 分；周六补班，08:30 起 15 分",
     "30 min from Fri 17:45: 15 min today, Sat is a make-up day, 15 min from 08:30"),
    ("2026-11-20 17:45", 30, "30 分钟，从周五 17:45 起：当天 15 分；周六、周日休息；周一 08:30 起 15 分",
     "30 min from Fri 17:45: 15 min today, Sat and Sun closed, 15 min from Mon 08:30"),
    ("2026-11-20 09:00", 30, "30 分钟，从周五 09:00 起：当天 30 分", "30 min from Fri 09:00: 30 min today"),
    ("2026-11-20 07:10", 30, "30 分钟，从周五 07:10 起：当天 08:30 起 30 分", "30 min from Fri 07:10: 30 min today from 08:30"),
    ("2026-11-19 19:20", 30, "30 分钟，从周四 19:20 起：当天已下班；周五 08:30 起 30 分",
     "30 min from Thu 19:20: closed by then, 30 min from Fri 08:30"),
    ("2026-11-21 10:00", 240, "4 小时（240 分钟），从周六 10:00 起：周六、周日休息；周一 08:30 起 240 分",
     "4 h (240 min) from Sat 10:00: Sat and Sun closed, 240 min from Mon 08:30"),
    ("2026-09-30 17:00", 1140,
     "2 天（1140 分钟），从周三 17:00 起：当天 60 分；10月1日至10月7日国庆节；10月8日周四 570 分；10月9日周五 08:30 起 510 分",
     "2 days (1140 min) from Wed 17:00: 60 min today, 1 Oct to 7 Oct: National Day, 570 min on Thu 8 Oct, 510 min from Fri 9 Oct 08:30"),
    ("2026-11-16 10:00", 2850, "5 天（2850 分钟），从周一 10:00 起：当天 480 分；周二至周五 2280 分；周六、周日休息；11月23日周一 08:30 起 90 分",
     "5 days (2850 min) from Mon 10:00: 480 min today, 2280 min from Tue to Fri, Sat and Sun closed, 90 min from Mon 23 Nov 08:30"),
    ("2026-12-31 17:00", 570, "1 天（570 分钟），从周四 17:00 起：当天 60 分；周五 08:30 起 510 分；2027 年放假安排未发布，按每周时间计",
     "1 day (570 min) from Thu 17:00: 60 min today, 510 min from Fri 08:30; 2027 holidays not published yet, counted by the week"),
    ("2026-11-21 10:00", 0, "0 分钟，从周六 10:00 起：周六、周日休息；周一 08:30 即到", "0 min from Sat 10:00: Sat and Sun closed, due at Mon 08:30"),
])
def test_a_sum_reads_in_one_line(start, minutes, chinese, english):
    explained = explain(at(start), minutes, official())
    assert sum_line(explained, "zh") == chinese
    assert sum_line(explained, "en") == english


def test_round_the_clock_is_said_instead_of_days():
    explained = explain(at("2026-11-20 23:50"), 15, round_the_clock())
    assert sum_line(explained) == "15 分钟，从周五 23:50 起，昼夜计时"
    assert sum_line(explained, "en") == "15 min from Fri 23:50, counted round the clock"


def test_a_lunch_break_is_named_where_a_sum_runs_over_it():
    assert sum_line(explain(at("2026-11-20 11:45"), 30, LUNCH)) == "30 分钟，从周五 11:45 起：当天 30 分（间歇不计）"


def test_a_closure_is_named_with_its_reason():
    calendar = plain(closed_by_order=[Closure(date(2026, 11, 23), "台风")], published_years={2026})
    assert "周一停业（台风）" in sum_line(explain(at("2026-11-20 17:45"), 30, calendar))


def test_the_table_has_a_row_for_each_stretch_and_each_skipped_day():
    rows = sum_rows(explain(at("2026-11-20 17:45"), 30, official()))
    assert [(row.day, row.hours, row.minutes, row.note) for row in rows] == [
        ("11月20日 周五", "17:45–18:00", 15, ""), ("11月21日 周六", "", 0, "休息"),
        ("11月22日 周日", "", 0, "休息"), ("11月23日 周一", "08:30–08:45", 15, "")]


def test_the_tables_minutes_add_up_over_breaks():
    rows = sum_rows(explain(at("2026-11-20 11:45"), 300, LUNCH), "en")
    assert [(row.hours, row.minutes) for row in rows] == [("11:45–12:00", 15), ("13:30–18:00", 270), ("", 0), ("", 0), ("08:30–08:45", 15)]


def test_a_row_over_midnight_says_which_day_it_ends_on():
    (row,) = sum_rows(explain(at("2026-11-20 23:50"), 15, round_the_clock()), "en")
    assert row.hours == "23:50–Sat 21 Nov 00:05"


@pytest.mark.parametrize(("day", "chinese", "english"), [
    ("2026-02-14 10:00", "周六（补班）", "Sat (make-up day)"),
    ("2026-10-01 10:00", "周四（国庆节）", "Thu (National Day)"),
    ("2026-11-21 10:00", "周六", "Sat"),
    ("2026-11-20 10:00", "周五", "Fri"),
])
def test_a_weekday_says_what_is_unusual_about_it(day, chinese, english):
    assert weekday_label(at(day), official()) == chinese
    assert weekday_label(at(day), official(), "en") == english
    assert weekday_label(at(day).date(), official(), "zh_CN") == chinese


def test_a_combined_holiday_is_named_in_both_languages():
    assert weekday_label(date(2025, 10, 6), official(), "en") == "Mon (National Day and Mid-Autumn Festival)"


def test_the_warning_stands_alone_too():
    assert unpublished_warning((2027, 2028)) == "2027、2028 年放假安排未发布，按每周时间计"
    assert unpublished_warning(()) == ""
