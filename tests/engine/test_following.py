"""Deadlines follow the variables that their expressions are made of: they move, are put away, are armed; set by hand they stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.api import SYSTEM
from tests.engine.conftest import NINE
from tests.engine.drawing import boundary, flows, plain, process, timer, user

TEN, ELEVEN, NOON = (NINE + timedelta(hours=h) for h in (1, 2, 3))
WATCHED = process(
    "watched",
    plain("startEvent", "s"),
    user("a", due="=due_at"),
    boundary("late", "a", timer("Date", "=due_at"), interrupting=False),
    boundary("soon", "a", timer("Date", "=if due_at = null then null else due_at - duration(\"PT30M\")"), interrupting=False),
    boundary("other", "a", timer("Date", "=other_at"), interrupting=False),
    plain("endEvent", "e"),
    *(plain("endEvent", f"e{n}") for n in range(3)),
    flows("s > a", "a > e", "late > e0", "soon > e1", "other > e2"),
)


@pytest.fixture
def root(desk, engine) -> str:
    desk.deploy(WATCHED, variables={"due_at": None, "other_at": None})
    return desk.start("watched", variables={"due_at": TEN, "other_at": NOON})


def due(engine, root: str) -> dict:
    return {r.element_id: r.due_at for r in [*engine.open_tasks(root), *engine.armed_timers(root)]}


def follow(engine, root: str, **values) -> None:
    engine.set_variables(root, values, reason="test", actor=SYSTEM, follow=values)


def test_what_is_made_of_the_variable_moves_and_nothing_else(engine, root):
    follow(engine, root, due_at=ELEVEN)
    half = timedelta(minutes=30)
    assert due(engine, root) == {"a": ELEVEN, "late": ELEVEN, "soon": ELEVEN - half, "other": NOON}
    told = [e for e in engine.trace(root) if e["kind"].endswith("-retimed")]
    assert {(e["element"], e["reason"]) for e in told} == {("a", "test"), ("late", "test"), ("soon", "test")}


def test_a_timer_without_an_instant_is_put_away_and_armed_again(engine, root, clock):
    follow(engine, root, due_at=None)
    assert due(engine, root) == {"a": None, "other": NOON}
    clock.set(ELEVEN)
    assert engine.fire_due().fired == 0
    follow(engine, root, due_at=NOON)
    assert due(engine, root)["late"] == NOON
    clock.set(NOON)
    assert engine.fire_due().fired == 3
    assert engine.verify() == []


def test_a_timer_that_never_had_an_instant_is_armed_once(desk, engine, clock):
    desk.deploy(WATCHED, variables={"due_at": None, "other_at": None})
    root = desk.start("watched", variables={})
    assert due(engine, root) == {"a": None}
    for _ in range(2):
        follow(engine, root, other_at=TEN)
        assert due(engine, root) == {"a": None, "other": TEN}
    clock.set(TEN)
    assert engine.fire_due().fired == 1
    follow(engine, root, other_at=ELEVEN)  # it has fired: it does not come again
    assert due(engine, root) == {"a": None}


def test_a_deadline_that_was_set_by_hand_stays(engine, root):
    engine.retime_element(root, "late", NOON, reason="by hand", actor=SYSTEM)
    follow(engine, root, due_at=ELEVEN)
    assert due(engine, root)["late"] == NOON and due(engine, root)["a"] == ELEVEN


def test_a_task_that_is_done_ends_its_armed_and_put_away_timers(desk, engine, root):
    follow(engine, root, due_at=None)
    desk.complete(root, "a")
    assert engine.armed_timers(root) == [] and engine.instance(root).state == "ended"
