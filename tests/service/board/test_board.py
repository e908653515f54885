"""The board: what goes wrong first, who has how much, and giving work to others row by row (T33, T35)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TaskNotOpen
from engine.sql import observers
from engine.tables import trace_event, user_task
from service.board import actions, queries
from service.errors import NotAllowed, NotThere, Refused
from service.tickets import actions as tickets
from service.tickets.queries import Chip
from tests.people import REPAIR


def board_of(story, username: str) -> queries.Board:
    with story.as_person(username) as person:
        return queries.board(person)


def assignments(story) -> int:
    with story.app.session() as session:
        return session.execute(
            sa.select(sa.func.count()).select_from(trace_event).where(trace_event.c.kind == "task-assigned")
        ).scalar_one()


@pytest.fixture
def slips(story) -> list[str]:
    """Three tickets that engineering has not accepted."""
    numbers = [story.register(unit=unit) for unit in ("3-1201", "2-0805", "3-0902")]
    for number in numbers:
        story.dispatch(number)
    return numbers


def ids(story, *numbers: str) -> list[str]:
    return [c.task_id for n in numbers for c in board_of(story, "chen").cards if c.number == n]


def test_open_tasks_stand_in_their_department_and_the_overdue_first(story, slips):
    story.register(unit="3-1201")
    story.app.clock.advance(timedelta(days=4))
    late = story.register(unit="2-0805")
    board = board_of(story, "chen")
    assert {c.department for c in board.cards} == {"desk", "engineering"}
    assert [c.due_at for c in board.cards] == sorted(c.due_at for c in board.cards)
    assert board.cards[0].chip is Chip.OVER and board.cards[-1].number == late
    assert (board.departments["engineering"].open, board.departments["engineering"].over) == (3, 3)
    assert board.slip_count == len(board.slips) == 3


def test_tasks_of_one_instant_stand_by_the_tickets_age_in_every_list(story):
    numbers = [story.register(unit="2-0805") for _ in range(6)]
    for number in numbers:
        story.dispatch(number)
    assert [c.number for c in board_of(story, "chen").cards] == numbers
    assert [item.number for item in story.tasks("gao")] == numbers
    story.app.clock.advance(timedelta(days=2, hours=15, minutes=15))  # Monday, nine o'clock
    while story.app.engine.fire_due().fired:
        pass
    assert [call.card.number for call in board_of(story, "chen").calls] == numbers


def test_a_call_for_help_waits_for_the_supervisor_and_the_manager_sees_whose_turn_it_is(story, slips):
    tickets.ask_help(story.app, story.person("lin"), slips[0], "没有钥匙")
    (call,) = board_of(story, "chen").calls
    assert (call.card.mine, call.card.number, call.reason, call.level) == (True, slips[0], "没有钥匙", 1)
    (call,) = board_of(story, "wang").calls
    assert not call.card.mine and call.card.groups == ("supervisor",)
    assert all(c.process_key != "escalation" for c in board_of(story, "chen").cards)


def test_load_counts_what_each_person_has(story, slips):
    actions.give(story.app, story.person("chen"), ids(story, *slips[:2]), "liu", "离得近")
    story.app.clock.advance(timedelta(days=4))
    load = {p.username: p for p in board_of(story, "chen").people}
    assert (load["liu"].open, load["liu"].over, load["gao"].open) == (2, 2, 0)
    assert load["liu"].next_due_at is not None and "hu" not in load


def test_quality_reads_the_board_of_every_centre_and_gives_nothing(story, slips):
    board = board_of(story, "qin")
    assert len(board.cards) == 3 and not board.may_assign and not any(c.may_assign for c in board.cards)
    (given,) = actions.give(story.app, story.person("qin"), ids(story, slips[0]), "liu", "x")
    assert isinstance(given.error, NotAllowed)


@pytest.mark.parametrize("username", ["lin", "gao", "hu", "admin"])
def test_nobody_else_has_anything_on_a_board(story, slips, username):
    board = board_of(story, username)
    assert (board.cards, board.calls, board.slips, board.people, board.incidents) == ([], [], [], [], 0)


@pytest.fixture
def seen(story) -> list[str]:
    """Every statement that reaches the centre's database from now on."""
    found: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith(("BEGIN", "SET", "PRAGMA")):
            found.append(statement)

    sa.event.listen(story.app.database, "before_cursor_execute", lambda c, cursor, statement, *rest: note(statement))
    observers.append(note)
    yield found
    observers.remove(note)


def test_the_statements_do_not_grow_with_the_work(story, slips, seen):
    counts = []
    for _ in range(2):
        with story.as_person("chen") as person:
            _ = person.name
            seen.clear()
            queries.board(person)
            counts.append(len(seen))
        for unit in ("3-1201", "2-0805", "3-0902"):
            tickets.ask_help(story.app, story.person("lin"), story.register(unit=unit), "没有钥匙")
    assert counts[0] == counts[1] <= 6


# --- giving -----------------------------------------------------------------------------------------------------------


def test_a_task_goes_to_a_person_to_oneself_and_back_to_the_group(story, slips):
    chen, (task,) = story.person("chen"), ids(story, slips[0])
    for to in ("liu", "chen", None):
        (given,) = actions.give(story.app, chen, [task], to, "换人")
        assert given.error is None and given.number == slips[0]
        with story.app.session() as session:
            assert session.execute(sa.select(user_task.c.assignee).where(user_task.c.id == task)).scalar_one() == to
    events = story.app.engine.trace(story.card("chen", slips[0]).ticket.instance_id)
    assert [(e["before"], e["after"], e["reason"]) for e in events if e["kind"] == "task-assigned"] == [
        (None, "liu", "换人"),
        ("liu", "chen", "换人"),
        ("chen", None, "换人"),
    ]


def test_one_bad_row_does_not_stop_the_rest_and_each_says_what_came_of_it(story, slips):
    """T33: the second is done meanwhile, the third does not exist, the fourth belongs to another centre."""
    first, second, third = ids(story, *slips)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "gao"}, slips[1])
    with story.app.session() as session:
        building = session.execute(
            sa.text("select id from building where centre_id = :c"), {"c": story.world.other_centre_id}
        ).scalar()
    far = tickets.register(story.app, story.person("hu"), REPAIR, building_id=building).opened[0]
    given = actions.give(story.app, story.person("chen"), [first, second, "0" * 32, far, third], "liu", "人手不够")
    assert [type(g.error) for g in given] == [type(None), TaskNotOpen, NotThere, NotThere, type(None)]
    assert given[3].number == "" and given[4].number == slips[2]
    assert {t.task_id for t in story.tasks("liu")} >= {first, third}


def test_the_same_request_gives_once_and_a_repeat_finishes_what_was_left(story, slips):
    chen, rows = story.person("chen"), ids(story, *slips)
    actions.give(story.app, chen, rows[:2], "liu", "离得近", request_id="a" * 32)
    assert assignments(story) == 2
    again = actions.give(story.app, chen, rows, "liu", "离得近", request_id="a" * 32)
    assert [g.error for g in again] == [None] * 3 and assignments(story) == 3
    actions.give(story.app, chen, rows, "liu", "离得近", request_id="b" * 32)
    assert assignments(story) == 3, "who has it already keeps it"


def test_without_rows_a_reason_or_a_person_of_the_centre_nothing_happens(story, slips):
    chen, rows = story.person("chen"), ids(story, *slips)
    for wrong in (
        ([], "liu", "x"),
        (rows, "liu", " "),
        (["0" * 31 + str(i % 10) + str(i) for i in range(101)], "liu", "x"),
    ):
        with pytest.raises(Refused):
            actions.give(story.app, chen, *wrong)
    assert {type(g.error) for g in actions.give(story.app, chen, rows, "hu", "x")} == {Refused}
    assert assignments(story) == 0
