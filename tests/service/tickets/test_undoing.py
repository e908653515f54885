"""Undo on the shipped procedure: after it every row of every table is as before, whatever the step was."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TooLateToUndo
from engine.tables import outbox
from service.db import Base
from service.drafts.models import Draft
from service.errors import NotThere
from service.notifications.deliver import deliver_due
from service.tickets import actions, undoing
from tests.chaos.checker import check
from tests.people import REPAIR, Story

NOT_COMPARED = {"trace_event", "command", "step_undo", "draft", "search_key", "search_piece"}


@pytest.fixture
def story(centre) -> Story:
    centre.engine.undo_seconds = 30
    return Story(centre)


def rows(app) -> dict[str, list]:
    """Every row of every table; of a root instance all but where its chain ends."""
    found = {}
    with app.database.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in NOT_COMPARED:
                columns = [c for c in table.columns if c.name not in ("chain_seq", "chain_hash")]
                found[table.name] = sorted(map(repr, connection.execute(sa.select(*columns))))
    return found


def differing(before: dict, after: dict) -> list[str]:
    return [name for name in before if before[name] != after[name]]


LIFE = [
    ("lin", "dispatch", {"department": "engineering", "instruction": "先到现场看"}),
    ("gao", "accept_slip", {"answer": "ask", "question": "漏在哪一间"}),
    ("lin", "answer_question", {"answer_text": "茶水间，带梯子"}),
    ("gao", "accept_slip", {"answer": "accept", "worker": "liu"}),
    ("liu", "arrive", {"arrived_at": "2026-11-20T17:45"}),
    ("liu", "handle", {"result": "换了水阀", "cause": "老化", "labour_minutes": 30, "cost_yuan": "12.50"}),
    ("lin", "verify", {"passed": "no", "fail_reason": "还在滴"}),
    ("liu", "arrive", {"arrived_at": "2026-11-20T17:50"}),
    ("liu", "handle", {"result": "换了整根软管", "cause": "软管裂", "labour_minutes": 20}),
    ("lin", "verify", {"passed": "yes"}),
    ("lin", "return_visit", {"reached": "yes", "satisfaction": 5, "words": "很快", "how": "phone"}),
]


def test_every_step_of_a_repair_is_undone_exactly_and_done_again(story, clock):
    """Each step is undone and done again before the next; at the end the ticket is closed as if nothing had been."""
    number = story.register()
    for username, element, values in LIFE:
        clock.advance(timedelta(minutes=1))
        deliver_due(story.app)
        task, before = story.task(username, element, number).task_id, rows(story.app)
        actions.complete_task(story.app, story.person(username), task, values, request_id=f"{task} first")
        undoing.undo(story.app, story.person(username), task, f"{task} undo")
        assert differing(before, rows(story.app)) == [], element
        assert check(story.app.database) == []
        story.complete(username, element, values, number, request_id=f"{task} again")
    assert story.card("lin", number).ticket.state == "closed"
    assert story.app.engine.verify() == [] and check(story.app.database) == []


def test_a_second_opinion_of_the_department_is_undone_with_its_escalation(story):
    """cannot-solve opens an escalation, an instance of its own."""
    number = story.register()
    story.dispatch(number)
    task, before = story.task("gao", "accept_slip", number).task_id, rows(story.app)
    actions.complete_task(story.app, story.person("gao"), task, {"answer": "cannot-solve", "reason": "要外包"})
    assert "escalation" in differing(before, rows(story.app))
    undoing.undo(story.app, story.person("gao"), task)
    assert differing(before, rows(story.app)) == []


def test_taking_over_is_undone_with_the_tasks_that_moved_along(story):
    number = story.register()
    actions.ask_help(story.app, story.person("lin"), number, "没有钥匙")
    task, before = story.task("chen", "answer_supervisor", number).task_id, rows(story.app)
    actions.complete_task(story.app, story.person("chen"), task, {"answer": "take-over", "guidance": "我来"})
    assert story.card("lin", number).ticket.owner == "chen"
    undoing.undo(story.app, story.person("chen"), task)
    assert differing(before, rows(story.app)) == []


def test_what_was_typed_comes_back_as_a_draft(story):
    number = story.register()
    task = story.task("lin", "dispatch", number).task_id
    actions.complete_task(story.app, story.person("lin"), task, LIFE[0][2])
    undoing.undo(story.app, story.person("lin"), task)
    with story.app.session() as session:
        fields = session.scalars(sa.select(Draft)).one().fields
    assert fields == {"department": ["engineering"], "instruction": ["先到现场看"]}


def test_nobody_is_told_before_the_step_can_no_longer_be_undone(story, clock):
    number = story.register(form=REPAIR | {"urgency": "urgent"})
    clock.advance(timedelta(minutes=1))
    deliver_due(story.app)
    story.dispatch(number)
    clock.advance(timedelta(seconds=29))
    assert deliver_due(story.app) == 0
    clock.advance(timedelta(seconds=1))
    assert deliver_due(story.app) == 1


def test_an_undone_step_tells_nobody(story, clock):
    number = story.register(form=REPAIR | {"urgency": "urgent"})
    task = story.task("lin", "dispatch", number).task_id
    actions.complete_task(story.app, story.person("lin"), task, LIFE[0][2])
    undoing.undo(story.app, story.person("lin"), task)
    clock.advance(timedelta(minutes=1))
    deliver_due(story.app)
    with story.app.session() as session:
        assert session.execute(sa.select(outbox.c.key).where(outbox.c.payload.like("%slip-sent%"))).all() == []


def test_after_the_department_has_accepted_the_dispatch_stays(story, clock):
    number = story.register()
    task = story.task("lin", "dispatch", number).task_id
    actions.complete_task(story.app, story.person("lin"), task, LIFE[0][2])
    clock.advance(timedelta(seconds=10))
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    with pytest.raises(TooLateToUndo) as late:
        undoing.undo(story.app, story.person("lin"), task)
    assert (late.value.why, late.value.by) == ("acted", "gao")


def test_a_note_that_a_colleague_wrote_meanwhile_stays(story):
    number = story.register()
    task = story.task("lin", "dispatch", number).task_id
    actions.complete_task(story.app, story.person("lin"), task, LIFE[0][2])
    actions.note(story.app, story.person("zhou"), number, "客户在楼下等")
    undoing.undo(story.app, story.person("lin"), task)
    assert [n.text for n in story.card("lin", number).notes] == ["客户在楼下等"]


@pytest.mark.parametrize("username", ["zhou", "chen", "hu"])
def test_nobody_undoes_the_step_of_another(story, username):
    number = story.register()
    task = story.task("lin", "dispatch", number).task_id
    actions.complete_task(story.app, story.person("lin"), task, LIFE[0][2])
    with pytest.raises(NotThere):
        undoing.undo(story.app, story.person(username), task)


def test_every_table_that_hangs_on_a_ticket_is_remembered():
    named = {r.table.name for r in undoing.tables()}
    assert {"ticket", "slip", "target", "ticket_note", "photo", "promise", "escalation", "ticket_pause"} <= named
