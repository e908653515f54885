"""The official days of 2024 to 2026, against the State Council's notices written out day by day (T6)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from service.calendars import proposals
from service.calendars.proposals import Proposal, from_notice, from_package, merge, propose_year
from service.calendars.rules import Calendar, DayKind, Week, Window
from tests.service.calendars.cases import official, plain

# Typed from the notices a second time, so that a slip in `data` is found.
WORKED = {
    2024: "02-04 Sun, 02-18 Sun, 04-07 Sun, 04-28 Sun, 05-11 Sat, 09-14 Sat, 09-29 Sun, 10-12 Sat",
    2025: "01-26 Sun, 02-08 Sat, 04-27 Sun, 09-28 Sun, 10-11 Sat",
    2026: "01-04 Sun, 02-14 Sat, 02-28 Sat, 05-09 Sat, 09-20 Sun, 10-10 Sat",
}
FREE_WEEKDAYS = {
    2024: "01-01, 02-12, 02-13, 02-14, 02-15, 02-16, 04-04, 04-05, 05-01, 05-02, 05-03, 06-10, 09-16, 09-17, "
          "10-01, 10-02, 10-03, 10-04, 10-07",
    2025: "01-01, 01-28, 01-29, 01-30, 01-31, 02-03, 02-04, 04-04, 05-01, 05-02, 05-05, 06-02, "
          "10-01, 10-02, 10-03, 10-06, 10-07, 10-08",
    2026: "01-01, 01-02, 02-16, 02-17, 02-18, 02-19, 02-20, 02-23, 04-06, 05-01, 05-04, 05-05, 06-19, 09-25, "
          "10-01, 10-02, 10-05, 10-06, 10-07",
}
YEARS = sorted(WORKED)


def days_of(year: int):
    first = date(year, 1, 1)
    return (first + timedelta(days=count) for count in range((date(year + 1, 1, 1) - first).days))


@pytest.mark.parametrize("year", YEARS)
def test_every_make_up_day_of_the_notice_is_worked(year):
    calendar = official(year)
    worked = [f"{on:%m-%d %a}" for on in days_of(year) if on.weekday() > 4 and calendar.windows_on(on)]
    assert ", ".join(worked) == WORKED[year]
    assert all(sum(window.minutes for window in calendar.windows_on(on)) == 570 for on in calendar.makeup)


@pytest.mark.parametrize("year", YEARS)
def test_every_free_weekday_of_the_notice_is_free(year):
    calendar = official(year)
    free = [f"{on:%m-%d}" for on in days_of(year) if on.weekday() < 5 and not calendar.windows_on(on)]
    assert ", ".join(free) == FREE_WEEKDAYS[year]


@pytest.mark.parametrize("year", YEARS)
def test_the_package_says_what_the_notice_says(year):
    """Should a later release differ, the notice counts and the owner is shown where."""
    assert propose_year(year).differences == ()
    assert from_package(year).covered


def test_the_notice_counts_where_the_package_lacks_a_make_up_sunday(monkeypatch):
    """T6: a library lacked two official make-up Sundays."""
    lacking = dict(list(from_package(2026).makeup.items())[1:])
    monkeypatch.setattr(proposals, "from_package", lambda year: Proposal(year, "package", from_package(year).holidays, lacking))
    proposed = propose_year(2026)
    assert proposed.makeup == from_notice(2026).makeup
    assert proposed.differences == (date(2026, 1, 4),)


def test_a_year_without_notice_comes_from_the_package():
    assert propose_year(2023).source.startswith("chinesecalendar")
    assert date(2023, 1, 22) in propose_year(2023).holidays


def test_a_year_that_nobody_knows_is_not_covered():
    proposed = propose_year(2099)
    assert not proposed.covered and not proposed.holidays and not proposed.makeup


def test_a_make_up_day_takes_the_hours_of_the_weekday_next_to_it():
    calendar = official(2026)
    assert calendar.makeup[date(2026, 2, 14)] == 4 and calendar.makeup[date(2026, 1, 4)] == 0


def test_a_make_up_day_takes_the_hours_of_another_weekday_where_the_next_is_closed():
    no_friday = Calendar("Asia/Shanghai", Week.read([["09:00-17:00"]] * 4 + [[]] * 3))
    assert merge(no_friday, propose_year(2026)).makeup[date(2026, 2, 14)] == 3


def test_what_the_owner_entered_as_special_counts_more_than_the_proposal():
    calendar = merge(plain(special={date(2026, 10, 1): (Window.read("09:00-12:00"),)}), propose_year(2026))
    assert calendar.kind_on(date(2026, 10, 1)) is DayKind.SPECIAL
    assert calendar.kind_on(date(2026, 10, 2)) is DayKind.HOLIDAY


def test_taking_a_proposal_over_twice_changes_nothing_and_leaves_other_years_alone():
    once = merge(official(2025), propose_year(2026))
    assert merge(once, propose_year(2026)) == once
    assert date(2025, 10, 1) in once.holidays
