"""Cases from the field about people and limits that no other test shows: told once, told only, counted once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.errors import FormInvalid
from engine.tables import trace_event
from service.board import queries as board
from service.calendars.changes import DayEntry, with_day
from service.calendars.models import EnteredAs
from service.calendars.queries import calendar_of
from service.notifications.deliver import deliver_due
from service.notifications.models import Notice
from service.organisation.models import Person
from service.tickets import actions, changes, queries, recompute
from tests.acceptance.tables import content
from tests.conftest import CHINA
from tests.people import REPAIR
from tests.service.tickets.test_pauses import to

MONDAY, NINE = datetime(2026, 11, 23, tzinfo=CHINA), timedelta(hours=9)
A_REMINDER_WRITES = {"timer", "trace_event", "outbox", "process_instance"}


def told(story) -> Counter:
    """(username, kind, level or subject) -> how many notices."""
    with story.app.session() as session:
        rows = session.execute(sa.select(Person.username, Notice.kind, Notice.data).join(Person)).all()
    return Counter((name, kind, data.get("level") or data.get("about")) for name, kind, data in rows)


@pytest.fixture
def accepted(story) -> str:
    """A repair of Monday 09:00, due on Tuesday 09:00, accepted by Liu, who has arrived."""
    story.app.clock.set(MONDAY + NINE)
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    story.complete("liu", "arrive", {"arrived_at": (MONDAY + NINE).isoformat()})
    return number


def test_every_level_is_told_once_however_often_the_clocks_look(story):
    """T11: nobody accepts and no level answers, while three clocks look every ten minutes for two days."""
    story.app.clock.set(MONDAY + NINE)
    story.dispatch(story.register(unit="2-0805"))
    deliver_due(story.app)
    before = told(story)
    for _ in range(2 * 24 * 6):
        story.app.clock.advance(timedelta(minutes=10))
        for _ in range(3):
            story.app.engine.fire_due()
            deliver_due(story.app)
    found = told(story) - before
    calls = {key: count for key, count in found.items() if key[1] == "escalated"}
    assert set(calls) >= {("chen", "escalated", 1), ("wang", "escalated", 2), ("qin", "escalated", 3)}
    assert set(calls.values()) == {1}
    heads = {key: count for key, count in found.items() if key[:2] == ("gao", "reminder")}
    assert heads and set(heads.values()) == {1}


def test_a_level_that_is_late_is_one_event_and_stays_one(story):
    """T11: one row per task and level, whatever comes later."""
    story.app.clock.set(MONDAY + NINE)
    story.dispatch(story.register(unit="2-0805"))
    to(story, MONDAY + timedelta(days=2))
    with story.app.session() as session:
        fired = session.execute(
            sa.select(trace_event.c.element_id, sa.func.count())
            .where(trace_event.c.kind == "timer-fired")
            .group_by(trace_event.c.element_id)
        ).all()
    counts = dict(map(tuple, fired))
    assert set(counts) >= {"response_passed", "supervisor_late", "manager_late", "quality_late"}
    assert set(counts.values()) == {1}


def test_a_reminder_tells_and_changes_nothing_else(story, accepted):
    """T32: four fifths of the limit have passed; priority, limits, tasks and whoever has them stay as they are."""
    story.app.clock.set(MONDAY + NINE + timedelta(minutes=456))  # of 570
    before = content(story.app.database)
    assert story.app.engine.fire_due().fired == 1
    after = content(story.app.database)
    assert {name for name in before if before[name] != after[name]} <= A_REMINDER_WRITES
    deliver_due(story.app)
    assert [key[:2] for key in told(story) if key[0] == "liu" and key[1] == "reminder"] == [("liu", "reminder")]


def test_looking_at_what_a_change_would_do_changes_nothing(story, accepted):
    """T32: a change of the opening hours is shown with the limits it would move, and no row is touched."""
    before = content(story.app.database)
    with story.app.session() as session:
        draft = with_day(
            calendar_of(session, story.world.centre_id), DayEntry(MONDAY.date(), EnteredAs.CLOSED, "停电放假")
        )
        assert [shift.number for shift in recompute.preview(session, story.world.centre_id, draft).shifts] == [accepted]
    assert content(story.app.database) == before


def test_a_merged_request_is_one_piece_of_work_and_two_callers(story):
    """T16: one on the board and in the lists, both callers told; the second leads to the first, also once it has ended."""
    first, second = story.register(), story.register(unit="2-0805", form=REPAIR | {"request": "楼下也在滴"})
    actions.merge(story.app, story.person("lin"), second, first)
    with story.as_person("chen") as chen:
        assert [card.number for card in board.board(chen).cards] == [first]
    assert changes.tell_callers(story.app, story.person("lin"), first, "五点修好") == 2
    actions.withdraw(story.app, story.person("lin"), first, "自己好了")
    assert (story.card("lin", second).merged_into, story.tasks("lin")) == (first, [])
    with story.as_person("lin") as lin:
        assert [ticket.number for ticket in queries.ticket_list(lin, everything=True).tickets] == [first]


def test_a_picture_pasted_as_text_is_refused_at_its_field(story, accepted):
    """T29: megabytes of letters are no result of any work."""
    pasted = "data:image/png;base64," + "A" * 2_000_000
    with pytest.raises(FormInvalid) as refused:
        story.complete("liu", "handle", {"result": pasted, "cause": "阀芯老化", "labour_minutes": 30})
    assert set(refused.value.faults) == {"result"}
    assert story.task("liu", "handle")
