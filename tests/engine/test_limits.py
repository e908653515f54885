"""Large things: a loop of 5,000 rounds, 1,000 items, 250 nodes. Told in bytes and statements, which no busy machine changes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import func, select

from engine.api import Actor
from engine.dialect import MAX_NODES, read
from engine.errors import StepFailed
from engine.spiff import TokenGame, build
from engine.tables import process_instance, user_task
from tests.engine.conftest import form
from tests.engine.drawing import flows, looped, many, plain, process, service, signal, user

FORMS = {"forms__any_form": form("word", "more")}
S, E = plain("startEvent", "s"), plain("endEvent", "e")
ROUNDS, ITEMS = 5_000, 1_000


def state(engine, root: str) -> tuple[int, int]:
    """How many bytes the tokens of an instance and the variables of its scopes take."""
    with engine.database.connect() as connection:
        row = connection.execute(select(process_instance.c.tokens, process_instance.c.scopes).where(process_instance.c.id == root)).one()
    return len(row.tokens), len(row.scopes or b"")


def open_tasks(engine, root: str) -> list[str]:
    with engine.database.connect() as connection:
        return list(connection.execute(select(user_task.c.id).where(user_task.c.root_id == root, user_task.c.state == "open").order_by(
            user_task.c.id)).scalars())


# --- a long loop ------------------------------------------------------------------------------------------------------

BY_GATEWAY = (S, plain("exclusiveGateway", "m"), user("a"), plain("exclusiveGateway", "x", default="x_m"), E,
              flows("s > m", "m > a", "a > x", 'x > e : word = "stop"', "x > m"))
BY_MARKER = (S, looped(user("a"), maximum=ROUNDS), E, flows("s > a", "a > e"))


class Rounds:
    """A host that goes round until it has counted enough."""

    def __init__(self):
        self.number, self.left = 0, ROUNDS

    def new_id(self):
        self.number += 1
        return f"{self.number:032x}"

    def choose(self, token):
        self.left -= 1
        return "x_m" if self.left else "x_e"

    def turns(self, token):
        return None

    def turn_ended(self, *counts):
        return False

    def nothing(self, *told):
        pass
    opened = closed = passed = turn_begins = turns_over = nothing


@pytest.mark.parametrize("parts", [BY_GATEWAY, BY_MARKER], ids=["gateway", "marker"])
def test_the_state_of_a_loop_of_5000_rounds_is_as_large_as_after_the_first(parts):
    diagram, _ = read(process("p", *parts), "p.bpmn")
    graph, host = build(diagram), Rounds()
    game = TokenGame(graph, host)
    game.begin()
    game.advance()
    sizes = []
    for _ in range(ROUNDS):
        sizes.append(len(game.save()))
        game = TokenGame.load(graph, game.save(), host)
        game.complete(next(t for t in game.live() if t.task_spec.manual).key)
        game.advance()
    assert game.ended and game.live() == []
    assert max(sizes) - sizes[0] <= 12  # the digits of the counters
    assert max(sizes) < 400


@pytest.mark.parametrize("parts", [BY_GATEWAY, BY_MARKER], ids=["gateway", "marker"])
def test_a_late_round_sends_the_same_statements_as_an_early_one(desk, engine, full, statements, parts):
    desk.deploy(process("p", *parts), **FORMS)
    root = desk.start("p")
    sent_by, sizes = [], []
    for _ in range(ROUNDS - 1 if full else 60):
        task, = open_tasks(engine, root)
        statements.clear()
        engine.complete(task, {"word": "on"}, actor=Actor("lin"))
        sent_by.append(list(statements))
        sizes.append(sum(state(engine, root)))
    assert sent_by[-1] == sent_by[1] and 5 <= len(sent_by[1]) < 20
    assert max(sizes) - sizes[0] <= 12


def test_a_loop_without_a_task_is_stopped(desk):
    desk.deploy(process("p", S, plain("exclusiveGateway", "m"), plain("exclusiveGateway", "x"), E,
                        flows("s > m", "m > x", "x > m : true", "x > e")), **FORMS)
    with pytest.raises(StepFailed, match="does not come to rest"):
        desk.start("p")


def test_a_signal_that_answers_itself_is_stopped(desk, engine):
    inside = plain("subProcess", "v", plain("startEvent", "vs", signal("alarm"), isInterrupting="false")
                   + plain("endEvent", "ve", signal("alarm")) + flows("vs > ve"), triggeredByEvent="true")
    desk.deploy(process("p", S, user("a"), plain("endEvent", "t", signal("alarm")), user("b"), E, plain("parallelGateway", "f"), inside,
                        flows("s > f", "f > a", "a > t", "f > b", "b > e"), signals=("alarm",)), **FORMS)
    root = desk.start("p")
    with pytest.raises(StepFailed, match="does not come to rest"):
        desk.complete(root, "a")
    assert desk.open(root) == ["a", "b"]


# --- many items -------------------------------------------------------------------------------------------------------

def items(number: int) -> dict:
    return {"items": [{"name": f"{n:04d}"} for n in range(number)]}


@pytest.mark.parametrize("parallel", [True, False])
def test_a_thousand_user_tasks_open_with_a_statement_for_each_table(desk, engine, statements, parallel):
    desk.deploy(process("p", S, many(user("a"), "items", parallel=parallel, outputs="words", output="word"), user("after"), E,
                        flows("s > a", "a > after", "after > e")), variables=items(0), **FORMS)
    statements.clear()
    root = desk.start("p", items(ITEMS))
    sent = len(statements)
    assert len(open_tasks(engine, root)) == (ITEMS if parallel else 1)
    assert 5 <= sent < 20
    assert state(engine, root)[0] < (150_000 if parallel else 600)
    before = sum(state(engine, root))
    sent_by = []
    for _ in range(3):
        task = open_tasks(engine, root)[0]
        statements.clear()
        engine.complete(task, {"word": "好"}, actor=Actor("lin"))
        sent_by.append(list(statements))
    assert len(open_tasks(engine, root)) == (ITEMS - 3 if parallel else 1)
    assert sent_by[0] == sent_by[1] == sent_by[2] and 5 <= len(sent_by[0]) < 20
    assert sum(state(engine, root)) < before + 200


@pytest.mark.parametrize("parallel", [True, False])
def test_a_thousand_service_tasks_run_in_one_step(desk, engine, operations, statements, parallel):
    task = many(service("a", "note", {"text": "item.name"}, {"seen": "noted"}), "items", parallel=parallel, outputs="all", output="seen")
    desk.deploy(process("p", S, task, user("after"), E, flows("s > a", "a > after", "after > e")), variables=items(0) | {"seen": ""}, **FORMS)
    statements.clear()
    root = desk.start("p", items(ITEMS))
    sent = len(statements)
    assert desk.open(root) == ["after"]
    assert engine.variables(root)["all"] == operations.calls == [i["name"] for i in items(ITEMS)["items"]]
    assert 5 <= sent < 20
    assert state(engine, root) == (pytest.approx(120, abs=80), 0)


def test_one_item_too_many_is_refused(desk, engine):
    desk.deploy(process("p", S, many(user("a"), "items"), E, flows("s > a", "a > e")), variables=items(0), **FORMS)
    with pytest.raises(StepFailed, match="the limit is 1000"):
        desk.start("p", items(ITEMS + 1))
    with engine.database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(user_task)).scalar() == 0


# --- a large diagram --------------------------------------------------------------------------------------------------

def line(nodes: int) -> bytes:
    """A diagram of so many nodes, one task after the other."""
    names = ["s", *[f"a{n}" for n in range(nodes - 2)], "e"]
    return process("p", S, *[user(n) for n in names[1:-1]], E, flows(*[f"{a} > {b}" for a, b in pairwise(names)]))


def test_a_step_in_a_diagram_of_250_nodes_costs_what_it_costs_in_a_small_one(desk, engine, statements):
    sent_by, sizes = [], []
    for nodes in (6, MAX_NODES):
        desk.deploy(line(nodes), **FORMS)
        root = desk.start("p", number=str(nodes))
        desk.complete(root, "a0")
        task = desk.task(root, "a1").id
        statements.clear()
        engine.complete(task, {"word": "好"}, actor=Actor("lin"))
        sent_by.append(list(statements))
        sizes.append(state(engine, root))
    assert sent_by[0] == sent_by[1] and 5 <= len(sent_by[0]) < 20 and sizes[0] == sizes[1]


def test_one_node_too_many_is_refused():
    assert read(line(MAX_NODES), "p.bpmn")[1] == []
    diagram, faults = read(line(MAX_NODES + 1), "p.bpmn")
    assert diagram is None and [f.check for f in faults] == ["too-large"]
