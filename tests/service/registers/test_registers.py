"""The registers: what stands in them, which day an entry belongs to, what is missing, who reads which (chapter 6)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from service.errors import NotThere
from service.organisation.models import Centre
from service.registers import queries, rules
from service.registers.queries import Wanted
from service.registers.rules import Record, Span
from service.tickets import actions
from tests.conftest import CHINA, FRIDAY_EVENING
from tests.people import COMPLAINT, REPAIR
from tests.service.patrols.walking import MONDAY, Round

FRIDAY = FRIDAY_EVENING.date()


def read(story, record=Record.CALLS, by="chen", centre=None, **wanted) -> queries.Register:
    with story.as_person(by) as person:
        session = queries.object_session(person)
        return queries.register(
            person, record, session.get_one(Centre, centre or story.world.centre_id), Wanted(**wanted)
        )


def test_an_entry_has_the_columns_of_the_paper_form(story):
    number = story.register()
    (entry,) = read(story).rows
    assert entry.key == number
    assert entry.cells["place"] == "3-1201" and entry.cells["customer"] == "恒远律师事务所"
    assert (entry.cells["request"], entry.cells["expectation"]) == (REPAIR["request"], "come-now")
    assert entry.cells["deadline"] == "none", "a customer who named none is a value, not an empty field (clause 11)"
    assert entry.cells["at"] == "2026-11-20T09:45:00+00:00" and entry.cells["by"] == "lin"


def test_a_repair_without_a_slip_is_incomplete_until_it_is_dispatched(story):
    """Clause 24.8: repairs and complaints carry their slip number."""
    number = story.register()
    before = read(story)
    assert before.rows[0].missing == ("slips",) and before.completeness == rules.Completeness(1, 0)
    story.dispatch(number)
    after = read(story)
    assert after.rows[0].missing == () and after.rows[0].cells["slips"] == [f"{number}-1"]
    assert after.completeness.percent == 100


def test_an_enquiry_needs_no_slip_and_one_done_on_the_spot_neither():
    enquiry = {c.key: "x" for c in rules.COLUMNS[Record.CALLS]} | {"category": "enquiry", "slips": [], "result": ""}
    assert rules.missing(Record.CALLS, enquiry) == ()
    assert rules.missing(Record.CALLS, enquiry | {"category": "repair"}) == ("slips",)
    assert rules.missing(Record.CALLS, enquiry | {"category": "repair", "result": "换了灯"}) == ()
    assert rules.missing(Record.CALLS, enquiry | {"category": "repair", "state": "withdrawn"}) == ()


@pytest.mark.parametrize(("at", "day"), [("2026-11-20T23:59:59", 20), ("2026-11-21T00:00:00", 21)])
def test_a_day_ends_at_the_centres_own_midnight(story, clock, at, day):
    clock.set(datetime.fromisoformat(at).replace(tzinfo=CHINA))
    number = story.register()
    assert [r.key for r in read(story, on=date(2026, 11, day)).rows] == [number]
    assert read(story, on=date(2026, 11, 41 - day)).rows == []


def test_a_week_is_monday_to_sunday_and_a_month_its_days():
    assert rules.span(Span.WEEK, FRIDAY) == (date(2026, 11, 16), date(2026, 11, 22))
    assert rules.span(Span.WEEK, date(2026, 11, 16)) == rules.span(Span.WEEK, date(2026, 11, 22))
    assert rules.span(Span.MONTH, date(2024, 2, 10)) == (date(2024, 2, 1), date(2024, 2, 29))
    assert rules.span(Span.MONTH, date(2026, 12, 31)) == (date(2026, 12, 1), date(2026, 12, 31))
    assert rules.span(Span.DAY, FRIDAY) == (FRIDAY, FRIDAY)


def test_a_day_has_23_hours_where_its_zone_says_so():
    start, end = rules.borders(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    assert end.astimezone(start.tzinfo).date() == date(2026, 3, 30)
    assert end.timestamp() - start.timestamp() == timedelta(hours=23).total_seconds()


def test_filters_leave_the_figure_of_completeness_alone(story):
    repair, complaint = story.register(), story.register(unit="2-0805", form=COMPLAINT)
    story.dispatch(repair)
    found = read(story, only="incomplete")
    assert [r.key for r in found.rows] == [complaint]
    assert [r.key for r in read(story, category="repair").rows] == [repair]
    assert [r.key for r in read(story, text="前台").rows] == [complaint]
    assert [r.key for r in read(story, building_id=story.world.buildings["2"]).rows] == [complaint]
    assert found.completeness == rules.Completeness(2, 1)


def test_who_belongs_to_another_centre_reads_nothing_of_it(story):
    story.register()
    with pytest.raises(NotThere):
        read(story, by="hu")
    assert read(story, by="hu", centre=story.world.other_centre_id).rows == []
    with story.as_person("hu") as hu:
        assert [c.id for c in queries.centres_of(hu)] == [story.world.other_centre_id]
    with story.as_person("liu") as liu:
        assert queries.centres_of(liu) == []


def test_nobody_reads_a_complaint_about_themselves_in_the_register(story):
    number = actions.register(
        story.app,
        story.person("zhou"),
        COMPLAINT,
        unit_id=story.world.units["2-0805"],
        about="lin",
    ).number
    assert read(story, by="lin").rows == []
    assert [r.key for r in read(story, by="chen").rows] == [number]


def test_the_patrol_record_has_a_line_per_floor_and_names_what_is_missing(story, clock):
    walk = Round(story, clock, levels=(11, 12))
    walk.walk(12, findings=[{"group": "facilities", "words": "灯不亮", "severity": "minor"}])
    running = read(story, Record.PATROLS)
    assert [r.cells["floor"] for r in running.rows] == ["3座11层", "3座12层"]
    assert running.rows[0].missing == (), "the slot still runs"
    assert running.rows[1].cells["findings"][0][1:] == ["灯不亮", "engineering"]
    assert (running.rows[1].cells["by"], running.rows[1].cells["responsible"]) == ("lin", "lin")
    clock.set(MONDAY.replace(hour=12))
    story.app.engine.fire_due()
    over = read(story, Record.PATROLS)
    assert over.rows[0].cells["state"] == "missed" and "by" in over.rows[0].missing
    assert over.completeness == rules.Completeness(2, 1)


def test_a_review_reads_every_entry_of_the_centre(story):
    story.register()
    with story.app.session() as session:
        time = queries.days(session, story.world.centre_id, FRIDAY, FRIDAY)
        assert len(queries.entries(session, Record.CALLS, story.world.centre_id, time)) == 1
