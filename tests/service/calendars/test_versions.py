"""Calendars in the database: every change is a version, and nothing that was promised is counted by another one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

import service.calendars.models  # noqa: F401  before the template database is made
from service.calendars import actions, queries
from service.calendars.rules import Closure, DayKind, EmptySchedule, Week, Window
from service.errors import NotThere, Refused
from tests.service.calendars.cases import at, official, plain

CENTRE, OTHER_CENTRE = 1, 2


@dataclass(frozen=True)
class Author:
    person: str


CHEN = Author("chen")


@pytest.fixture
def session(database):
    with Session(database) as opened:
        yield opened


@pytest.fixture
def save(session, clock):
    def save_calendar(calendar, reason="opens later", centre=CENTRE, **options):
        return actions.save_version(session, centre, calendar, actor=CHEN, now=clock.now(), reason=reason, **options)
    return save_calendar


@pytest.fixture
def acting(clock):
    return {"actor": CHEN, "now": clock.now()}


def test_a_centre_without_calendar_counts_working_days_and_warns(session):
    calendar = queries.calendar_of(session, CENTRE)
    assert calendar.version == 0 and calendar.day_minutes == 570
    assert calendar.warnings(at("2026-11-20 09:00"), at("2026-11-20 10:00")) == (2026,)


def test_a_saved_calendar_comes_back_as_it_was(session, save):
    calendar = plain(
        "08:30-12:00", "13:30-18:00", holidays={date(2026, 10, 1): "国庆节"}, makeup={date(2026, 10, 10): 4},
        special={date(2026, 11, 18): (Window.read("10:00-12:00"),)}, names={date(2026, 10, 10): "国庆节", date(2026, 11, 18): "开放日"},
        closed_by_order=(Closure(date(2026, 11, 20), "停电", Window.read("14:00-15:00")), Closure(date(2026, 11, 19), "台风")),
        published_years={2025, 2026}, changes=((date(2026, 12, 1), Week.working_days("09:00-17:00")),))
    change = save(calendar)
    assert change.new == replace(calendar, version=1)
    assert queries.calendar_of(session, CENTRE) == change.new


def test_a_change_is_a_new_version_and_the_old_one_stays(session, save):
    save(plain())
    save(plain("09:00-17:00"), seen=1)
    assert queries.calendar_of(session, CENTRE).version == 2
    assert queries.calendar_version(session, CENTRE, 1).day_minutes == 570
    assert [(row.version, row.created_by, row.reason) for row in queries.versions(session, CENTRE)] == [
        (2, "chen", "opens later"), (1, "chen", "opens later")]


def test_each_centre_has_its_own_calendar(session, save):
    save(plain("09:00-17:00"))
    assert queries.calendar_of(session, OTHER_CENTRE).version == 0
    with pytest.raises(NotThere):
        queries.calendar_version(session, OTHER_CENTRE, 1)


def test_saving_the_same_again_makes_no_version(session, save):
    save(official())
    assert not save(queries.calendar_of(session, CENTRE)).changed
    assert queries.newest_version(session, CENTRE) == 1


def test_whoever_saves_on_an_older_version_is_told(save):
    save(plain())
    with pytest.raises(actions.CalendarMoved) as refused:
        save(plain("09:00-17:00"), seen=0)
    assert (refused.value.seen, refused.value.newest) == (0, 1)


def test_two_who_save_at_once_do_not_overwrite_each_other(session, save, monkeypatch):
    before = queries.calendar_of(session, CENTRE)
    save(plain())
    with monkeypatch.context() as late, pytest.raises(actions.CalendarMoved):
        late.setattr(queries, "calendar_of", lambda *_: before)  # read before the other one had saved
        save(plain("09:00-17:00"))
    assert queries.calendar_of(session, CENTRE).day_minutes == 570


def test_a_change_without_reason_is_refused(save):
    with pytest.raises(Refused, match="reason"):
        save(plain(), reason="  ")


def test_an_empty_schedule_never_reaches_the_database(session, save):
    """T5"""
    with pytest.raises(EmptySchedule):
        save(plain(changes=((date(2026, 12, 1), Week(((),) * 7)),)))
    assert queries.newest_version(session, CENTRE) == 0


def test_a_version_that_was_rolled_back_is_never_served(session, save):
    save(plain("09:00-17:00"))
    assert queries.calendar_of(session, CENTRE).day_minutes == 480
    session.rollback()
    save(plain("10:00-17:00"))
    assert queries.calendar_of(session, CENTRE).day_minutes == 420


def test_a_calendar_is_built_once_and_then_costs_one_statement(session, save, statements):
    save(official())
    first = queries.calendar_of(session, CENTRE)
    statements.clear()
    assert queries.calendar_of(session, CENTRE) is first
    assert len(statements) == 1


def test_a_connection_serves_as_well_as_a_session(database, clock):
    with database.begin() as connection:
        actions.save_version(connection, CENTRE, plain(), actor=CHEN, now=clock.now(), reason="opening")
        assert queries.calendar_of(connection, CENTRE).version == 1


def test_the_calendar_that_limits_name_is_found(session, save):
    save(plain())
    assert queries.calendar_of(session, CENTRE, "business").version == 1
    assert queries.calendar_of(session, CENTRE, "round-the-clock").round_the_clock
    with pytest.raises(NotThere, match="lunar"):
        queries.calendar_of(session, CENTRE, "lunar")


def test_a_new_centre_starts_with_the_official_years(session, acting):
    change = actions.start_calendar(session, CENTRE, **acting)
    assert change.new.published_years == {2024, 2025, 2026}
    assert change.new.add(at("2026-02-13 17:45"), 30) == at("2026-02-14 08:45")
    assert not actions.start_calendar(session, CENTRE, **acting).changed


def test_an_imported_year_counts_and_is_published_by_the_owner(session, save, acting):
    save(plain(published_years={2025}))
    imported = actions.import_year(session, CENTRE, 2026, **acting)
    assert imported.proposal.source.startswith("国办发明电")
    assert imported.change.new.kind_on(date(2026, 10, 1)) is DayKind.HOLIDAY
    assert 2026 not in imported.change.new.published_years
    published = actions.publish_year(session, CENTRE, 2026, **acting).new
    assert published.warnings(at("2026-02-13 17:45"), at("2026-02-14 08:45")) == ()


def test_a_year_that_no_source_covers_goes_on_counting_weekdays(session, save, acting):
    save(official())
    imported = actions.import_year(session, CENTRE, 2099, **acting)
    assert not imported.proposal.covered and not imported.change.changed
    assert queries.calendar_of(session, CENTRE).warnings(at("2099-01-01 09:00"), at("2099-01-01 10:00")) == (2099,)


def test_importing_and_publishing_twice_is_once(session, save, acting):
    save(plain())
    for _ in range(2):
        actions.import_year(session, CENTRE, 2026, **acting)
        actions.publish_year(session, CENTRE, 2026, **acting)
    assert queries.newest_version(session, CENTRE) == 3


def test_the_year_page_lists_every_date(session):
    rows = queries.year_of(official(), 2026)
    assert len(rows) == 365
    assert rows[44] == queries.DayRow(date(2026, 2, 14), DayKind.MAKEUP, ("08:30-18:00",), "春节")
