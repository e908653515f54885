"""The token game alone: what opens, what ends, and that a saved state says all of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engine.dialect import read
from engine.errors import NotPossible, StepFailed
from engine.spiff import TokenGame, build
from tests.engine.drawing import boundary, call, flows, message, plain, process, script, timer, user


class Recorder:
    """A host that notes what it is told and takes the first flow whose condition is in `true`."""

    def __init__(self, true=()):
        self.true, self.log, self.done = set(true), [], []

    def new_id(self):
        return uuid4().hex

    def opened(self, token):
        self.log.append(("opened", token.element.id))

    def closed(self, token, how):
        self.log.append((how, token.element.id))

    def passed(self, token, flows):
        self.done.append(token.element.id)

    def perform(self, token):
        self.log.append(("performed", token.element.id))

    def entered(self, token):
        pass

    def choose(self, token):
        diagram = token.workflow.game.graph.diagram
        found = [diagram.flows[f] for f in token.element.outgoing]
        return next((f.id for f in found if f.condition in self.true), found[-1].id)


class Played:
    """A game that is saved and loaded before every command, as the engine does."""

    def __init__(self, xml: bytes, true=()):
        diagram, faults = read(xml, "test.bpmn")
        assert diagram is not None, faults
        self.graph, self.host = build(diagram), Recorder(true)
        game = TokenGame(self.graph, self.host)
        game.begin()
        game.advance()
        self.state, self.ended = game.save(), game.ended

    def __call__(self, verb: str, element: str):
        game = TokenGame.load(self.graph, self.state, self.host)
        token = next(t for t in game.live() if t.element.id == element)
        getattr(game, verb)(token.key)
        game.advance()
        self.state, self.ended = game.save(), game.ended

    def open(self) -> list[str]:
        return sorted(t.element.id for t in TokenGame.load(self.graph, self.state, self.host).live())


LINE = process("line", plain("startEvent", "s"), user("a"), user("b"), plain("endEvent", "e"), flows("s > a", "a > b", "b > e"))


def test_a_token_walks_from_task_to_task_and_the_instance_ends():
    played = Played(LINE)
    assert played.open() == ["a"]
    played("complete", "a")
    assert played.open() == ["b"] and not played.ended
    played("complete", "b")
    assert played.open() == [] and played.ended


def test_completing_what_does_not_wait_is_refused():
    played = Played(LINE)
    game = TokenGame.load(played.graph, played.state, played.host)
    with pytest.raises(NotPossible):
        game.complete("0" * 32)


def split(*extra, arrows=()):
    return process("p", plain("startEvent", "s"), plain("parallelGateway", "f"), user("a"), user("b"),
                   plain("parallelGateway", "j"), user("c"), plain("endEvent", "e"), *extra,
                   flows("s > f", "f > a", "f > b", "a > j", "b > j", "j > c", "c > e", *arrows))


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_parallel_join_waits_for_every_branch(order):
    played = Played(split())
    played("complete", order[0])
    assert "c" not in played.open()
    played("complete", order[1])
    assert played.open() == ["c"]


def test_a_parallel_join_in_a_loop_never_fires_early():
    """facts A: the library's own join lets the token on with a branch still open on a later pass."""
    xml = process("p", plain("startEvent", "s"), plain("exclusiveGateway", "m"), plain("parallelGateway", "f"), user("a"),
                  user("b"), plain("parallelGateway", "j"), plain("exclusiveGateway", "x"), plain("endEvent", "e"),
                  flows("s > m", "m > f", "f > a", "f > b", "a > j", "b > j", "j > x", "x > m : again", "x > e : stop"))
    played = Played(xml, true={"again"})
    for _ in range(30):
        played("complete", "a")
        assert played.open() == ["b", "j"]
        played("complete", "b")
        assert played.open() == ["a", "b"]


def test_a_token_too_many_at_a_join_stays_there():
    xml = process("p", plain("startEvent", "s"), plain("parallelGateway", "f"), user("a"), user("a2"), user("b"),
                  plain("exclusiveGateway", "m"), plain("parallelGateway", "j"), plain("endEvent", "e"),
                  flows("s > f", "f > a", "f > a2", "f > b", "a > m", "a2 > m", "m > j", "b > j", "j > e"))
    played = Played(xml)
    played("complete", "a")
    played("complete", "a2")
    assert played.open() == ["b", "j", "j"]
    played("complete", "b")
    assert played.open() == ["j"] and not played.ended


@pytest.mark.parametrize("rounds", [10, 1200])
def test_state_size_does_not_grow_with_rounds(rounds):
    xml = process("p", plain("startEvent", "s"), plain("exclusiveGateway", "m"), user("a"), plain("exclusiveGateway", "x"),
                  plain("endEvent", "e"), flows("s > m", "m > a", "a > x", "x > m : again", "x > e : stop"))
    played = Played(xml, true={"again"})
    for _ in range(rounds):
        played("complete", "a")
    assert played.open() == ["a"] and not played.ended and len(played.state) < 200


WATCHED = process(
    "p", plain("startEvent", "s"), user("a"), user("late"), plain("endEvent", "e"), plain("endEvent", "e2"),
    boundary("t", "a", timer("Duration", "PT1H"), interrupting=False), flows("s > a", "a > e", "t > late", "late > e2"))


def test_a_non_interrupting_timer_opens_its_branch_and_leaves_the_task():
    played = Played(WATCHED)
    assert played.open() == ["a", "t"]
    played("fire", "t")
    assert played.open() == ["a", "late"]
    played("complete", "a")
    assert not played.ended
    played("complete", "late")
    assert played.ended


def test_a_boundary_timer_ends_with_its_task():
    played = Played(WATCHED)
    played("complete", "a")
    assert played.open() == [] and played.ended
    assert ("cancelled", "t") in played.host.log


def test_an_interrupting_timer_takes_the_task_away():
    xml = WATCHED.replace(b'cancelActivity="false"', b'cancelActivity="true"')
    played = Played(xml)
    played("fire", "t")
    assert played.open() == ["late"] and ("cancelled", "a") in played.host.log


SUB = process(
    "p", plain("startEvent", "s"),
    plain("subProcess", "sub", plain("startEvent", "is") + user("i1") + user("i2") + plain("endEvent", "ie")
          + flows("is > i1", "i1 > i2", "i2 > ie")),
    boundary("t", "sub", timer("Duration", "PT1H")), user("after"), user("late"), plain("endEvent", "e"), plain("endEvent", "e2"),
    flows("s > sub", "sub > after", "after > e", "t > late", "late > e2"))


def test_a_sub_process_ends_when_its_last_token_has():
    played = Played(SUB)
    assert played.open() == ["i1", "sub", "t"]
    played("complete", "i1")
    played("complete", "i2")
    assert played.open() == ["after"]


def test_interrupting_a_sub_process_ends_everything_in_it():
    played = Played(SUB)
    played("complete", "i1")
    played("fire", "t")
    assert played.open() == ["late"] and ("cancelled", "i2") in played.host.log


def with_event_subprocess(interrupting: bool):
    start = plain("startEvent", "es", message("m"), isInterrupting=str(interrupting).lower())
    return process(
        "p", plain("startEvent", "s"), user("a"), plain("endEvent", "e"),
        plain("subProcess", "ev", start + user("x") + plain("endEvent", "ee") + flows("es > x", "x > ee"),
              triggeredByEvent="true"),
        flows("s > a", "a > e"), messages=("m",))


def test_a_non_interrupting_event_sub_process_runs_as_often_as_its_message_comes():
    played = Played(with_event_subprocess(False))
    assert played.open() == ["a", "es"]
    played("fire", "es")
    played("fire", "es")
    assert played.open() == ["a", "es", "ev", "ev", "x", "x"]
    played("complete", "a")
    assert not played.ended, "what the message started is work too"
    played("complete", "x")
    played("complete", "x")
    assert played.ended


def test_a_listening_event_sub_process_does_not_keep_the_instance_open():
    """facts F: the library's own does."""
    played = Played(with_event_subprocess(False))
    played("complete", "a")
    assert played.ended and ("cancelled", "es") in played.host.log


def test_an_interrupting_event_sub_process_takes_the_whole_scope():
    """facts B: the library reads isInterrupting nowhere."""
    played = Played(with_event_subprocess(True))
    played("fire", "es")
    assert played.open() == ["ev", "x"] and ("cancelled", "a") in played.host.log
    played("complete", "x")
    assert played.ended


def test_a_terminate_end_event_ends_the_other_branches():
    xml = process("p", plain("startEvent", "s"), plain("parallelGateway", "f"), user("a"), user("b"),
                  plain("endEvent", "e", "<bpmn:terminateEventDefinition/>"), plain("endEvent", "e2"),
                  flows("s > f", "f > a", "f > b", "a > e", "b > e2"))
    played = Played(xml)
    played("complete", "a")
    assert played.ended and ("cancelled", "b") in played.host.log


def test_the_first_event_after_an_event_gateway_ends_the_others():
    xml = process("p", plain("startEvent", "s"), plain("eventBasedGateway", "g"),
                  plain("intermediateCatchEvent", "t", timer("Duration", "PT1H")),
                  plain("intermediateCatchEvent", "m", message("m")), user("after"), user("late"), plain("endEvent", "e"),
                  plain("endEvent", "e2"), flows("s > g", "g > t", "g > m", "m > after", "t > late", "after > e", "late > e2"),
                  messages=("m",))
    played = Played(xml)
    assert played.open() == ["m", "t"]
    played("fire", "m")
    assert played.open() == ["after"] and ("cancelled", "t") in played.host.log


def test_a_call_activity_waits_for_the_called_instance():
    xml = process("p", plain("startEvent", "s"), call("c", "other"), plain("endEvent", "e"), flows("s > c", "c > e"))
    played = Played(xml)
    assert played.open() == ["c"] and played.host.log == [("opened", "c")]
    played("complete", "c")
    assert played.ended


def test_an_automatic_loop_is_stopped():
    """facts B, assurance F13: an endless automatic loop is an incident, not a hang."""
    xml = process("p", plain("startEvent", "s"), plain("exclusiveGateway", "m"), script("n", "n", "1"),
                  plain("exclusiveGateway", "x"), plain("endEvent", "e"),
                  flows("s > m", "m > n", "n > x", "x > m : again", "x > e : stop"))
    with pytest.raises(StepFailed) as failed:
        Played(xml, true={"again"})
    assert failed.value.kind == "endless"


def test_a_state_of_another_format_is_refused():
    played = Played(LINE)
    with pytest.raises(StepFailed):
        TokenGame.load(played.graph, b'[99,false,[]]', played.host)
