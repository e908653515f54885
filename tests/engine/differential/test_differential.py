"""The engine's token game against an independent one, over random diagrams, saved and loaded at every step."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest

from engine.dialect import Diagram, EventKind, Kind, read
from engine.errors import EngineError, StepFailed
from engine.operations import Failure
from engine.spiff import TokenGame, build
from engine.spiff.specs import Many, Node
from tests.engine.differential.diagrams import BLOCKS, Drawing
from tests.engine.differential.token_game import Judge

STEPS, DEPTH = 60, 3
SAMPLE, FULL, PARTS = 600, 10_000, 4
AT_LEAST = 300  # of the 10,000 diagrams have each construct
HAPPENED_AT_LEAST = 100  # of the 10,000 walks
HAPPENED = (  # and this must have happened in them, not only been drawn
    "merged", "merged one", "enough", "cancelled", "undone", "loop turn", "parallel 0", "parallel 3", "sequential 0", "sequential 3",
    "guard error", "guard escalation", "guard escalation beside", "guard cancel", "guard conditional", "guard conditional beside",
    "guard signal", "guard signal beside", "guard timer beside", "guard message beside", "listener error", "listener escalation",
    "listener escalation beside", "listener signal", "listener signal beside", "listener conditional", "listener conditional beside",
    "listener timer", "listener timer beside", "listener message", "catch signal", "catch conditional", "receive message")


class Choices:
    """The same choices for both games: by seed, element, where it runs, and how often it came there. A loop ends some day."""

    def __init__(self, diagram: Diagram, seed: int):
        self.diagram, self.seed, self.passed, self.world = diagram, seed, Counter(), 0

    def chance(self, *what) -> int:
        return hashlib.sha256(f"{self.seed} {what}".encode()).digest()[0]

    def passing(self, what: str, element: str, path: str) -> int:
        self.passed[what, element, path] += 1
        return self.passed[what, element, path]

    def flow(self, gateway: str, path: str) -> str:
        """The flow that leaves an exclusive gateway."""
        flows, turn = self.diagram.elements[gateway].outgoing, self.passing("flow", gateway, path)
        return flows[-1] if turn > 4 else flows[self.chance(gateway, path, turn) % len(flows)]

    def flows(self, gateway: str, path: str) -> tuple[str, ...]:
        """The flows that leave an inclusive gateway."""
        flows, turn = self.diagram.elements[gateway].outgoing, self.passing("flow", gateway, path)
        found = tuple(f for f in flows if self.chance(gateway, path, turn, f) % 2)
        return found if found and turn <= 4 else flows[-1:]

    def fails(self, element: str, path: str) -> str | None:
        """The code of the error that a service task ends with."""
        if not element.startswith("f") or (turn := self.passing("fails", element, path)) > 4:
            return None
        return (None, "e1", None, "e2")[self.chance(element, path, turn) % 4]

    def turns(self, element: str, path: str) -> int:
        return self.chance("turns", element, path, self.passing("turns", element, path)) % 4

    def again(self, element: str, turns: int) -> bool:
        return turns < 4 and self.chance("again", element, turns) % 2 == 0

    def enough(self, element: str, done: int, active: int, total: int) -> bool:
        return self.chance("enough", element, done, active, total) % 3 == 0

    def holds(self, element: str) -> bool:
        """Whether a condition is true in this step."""
        return self.chance("holds", element, self.world) % 3 == 0


class Host:
    """Answers the engine's game by `choices`. Nothing is performed but noted; a signal goes to who waits in this game."""

    numbers = iter(range(10**9))

    def __init__(self, choices: Choices):
        self.choices, self.game, self.turn_of, self.open = choices, None, {}, {}
        self.signals: list[list[str]] = []
        self.performed: Counter = Counter()

    def new_id(self):
        return f"{next(self.numbers):032x}"

    # ---- where a token is
    def path(self, home: str | None) -> str:
        if home is None:
            return ""
        token = self.game.workflow.tasks[home]
        if token.element.for_compensation:
            return f"{token.element.id}/"
        if self.is_many(token):
            return self.path(token.home)
        return f"{self.path(token.home)}{token.element.id}{self.turn(token)}/"

    def is_many(self, token) -> bool:
        return bool(token.element.multi or token.element.loop) and token.key not in self.turn_of

    def turn(self, token) -> str:
        return f"#{self.turn_of[token.key]}" if token.key in self.turn_of else ""

    def address(self, token) -> str:
        if token.element.for_compensation:
            return token.element.id
        return f"{self.path(token.home)}{token.element.id}{'*' if self.is_many(token) else self.turn(token)}"

    # ---- what the game asks and tells
    def choose(self, token):
        return self.choices.flow(token.element.id, self.path(token.home))

    def choose_all(self, token):
        return self.choices.flows(token.element.id, self.path(token.home))

    def opened(self, token):
        assert token.key not in self.open
        self.open[token.key] = token.element

    def closed(self, token, how):
        assert how in ("completed", "cancelled")
        del self.open[token.key]

    def passed(self, token, flows):
        pass

    def entered(self, token):
        pass

    def perform(self, token):
        element = token.element
        self.performed[self.address(token)] += 1
        if element.event.kind is EventKind.SIGNAL:
            self.signal(element.event.name)
        code = self.choices.fails(element.id, self.path(token.home))
        if code is not None:
            raise Failure(code)

    def signal(self, name: str) -> None:
        """Note who waits for the signal now; they get it at rest, as engine.execution does for a family."""
        self.signals.append([key for key, element in self.open.items()
                             if element.event.kind is EventKind.SIGNAL and element.event.name == name])

    def holds(self, token):
        return self.choices.holds(token.element.id)

    def turns(self, token):
        return self.choices.turns(token.element.id, self.path(token.home)) if token.element.multi else None

    def again(self, token, turn):
        return self.choices.again(token.element.id, turn)

    def turn_begins(self, token, turn, number):
        self.turn_of[turn.key] = number

    def turn_ended(self, token, turn, number, done, active, total):
        assert self.turn_of[turn.key] == number
        multi = token.element.multi
        return bool(multi and multi.completion) and self.choices.enough(token.element.id, done, active, total)

    def turns_over(self, token):
        pass

    def uncaught(self, kind, code, source):
        if kind is EventKind.ERROR:
            raise StepFailed(None, source.element.id, "nobody catches it", "uncaught-error")
        self.performed[f"uncaught {source.element.id}"] += 1
        return False


class Played:
    """The engine's game, saved and loaded after every step."""

    def __init__(self, graph, choices: Choices):
        self.graph, self.host, self.failed = graph, Host(choices), None
        self.host.game = self.game = TokenGame(graph, self.host)
        self.step(self.game.begin)

    def act(self, action: tuple[str, str]) -> None:
        verb, what = action
        host = self.host
        host.performed.clear()
        host.choices.world += 1
        if verb == "wait":
            return self.step(lambda: None)
        if verb == "signal":
            return self.step(lambda: host.signal(what))
        token = next(t for t in self.game.live() if t.key in host.open and host.address(t) == what)
        if verb == "complete":
            return self.step(lambda: self.game.complete(token.key))
        if verb.startswith("fire"):
            return self.step(lambda: self.game.fire(token.key, {} if verb == "fire again" else None))
        kind, code = verb.split()
        return self.step(lambda: self.game.throw(EventKind(kind), code, token.home, source=token, activity=token))

    def step(self, first) -> None:
        try:
            first()
            self.game.advance()
            while self.host.signals and not self.game.ended:
                for key in self.host.signals.pop(0):
                    if key in self.host.open:
                        self.game.fire(key)
                        self.game.advance()
            self.host.game = self.game = TokenGame.load(self.graph, self.game.save(), self.host)
        except StepFailed as failed:
            self.failed = failed.kind

    def view(self):
        if self.failed:
            return self.failed
        undone = [t for t in self.game.live() if t.element.kind is Kind.BOUNDARY and t.element.event.kind is EventKind.COMPENSATION]
        standing = [t for t in self.game.live() if t not in undone]
        return (sorted(map(self.host.address, standing)), sorted(t.element.attached_to for t in undone), self.game.ended,
                self.host.performed)


def play(seed: int, used: Counter, happened: Counter, graph_of=build) -> str | None:
    """One walk through one random diagram; what differed, or None."""
    dice = random.Random(seed)
    drawing = Drawing(dice)
    diagram, faults = read(drawing.xml(DEPTH, BLOCKS[seed % len(BLOCKS)]), "random.bpmn")
    assert diagram is not None and not [f for f in faults if not f.warning], (seed, faults)
    used.update(drawing.used)
    judge, engine, action, seen = Judge(diagram, lambda: Choices(diagram, seed)), Played(graph_of(diagram), Choices(diagram, seed)), None, set()
    for step in range(STEPS):
        if not judge.follow(action, engine.view()):
            return f"seed {seed} step {step} {action}:\n engine {engine.view()}\n judge  {judge.expected}"
        seen |= set(judge.game.happened)
        if engine.failed or engine.game.ended or not (actions := judge.game.actions()):
            break
        action = dice.choice(actions)
        engine.act(action)
    happened.update(seen)
    return None


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_judge_agree_on_random_diagrams(part, seed, full):
    used, happened = Counter(), Counter()
    number = (FULL if full else SAMPLE) // PARTS
    first = (part * FULL) if full else seed * 7 + part * number
    differences = [found for n in range(first, first + number) if (found := play(n, used, happened))]
    assert differences[:3] == []
    print(f"\npart {part}: {number} diagrams\n drawn {dict(sorted(used.items()))}\n happened {dict(sorted(happened.items()))}")
    assert {b: used[b] for b in BLOCKS if used[b] < (AT_LEAST // PARTS if full else 1)} == {}
    assert not full or {h: happened[h] for h in HAPPENED if happened[h] < HAPPENED_AT_LEAST // PARTS} == {}


# --- bugs that the judge has to notice --------------------------------------------------------------------------------

def original(name: str):
    """A rule of the engine as it is, by which a broken one goes on."""
    return ORIGINAL[name]


def join_waits_for_every_flow(game, token):
    return {t.flow for t in game._in(token.home) if t.task_spec is token.task_spec} == set(token.element.incoming)


def join_takes_every_token(game):
    moved = original("_try_inclusive_joins")(game)
    if moved:
        joins = {t.task_spec for t in game._queue}
        for token in game.live():
            if token.task_spec in joins and token not in game._queue:
                token.cancel()
    return moved


def undoes_oldest_first(game, by):
    undo = by.memo["undo"]
    undo[:] = undo[1:] + undo[:1]
    return original("_undo_next")(game, by)


def throws_to_the_nearest_scope_only(game, kind, code, home, *, source, activity=None):
    activity = activity or (game.token(home) if home else None)
    caught = game._catcher(kind, code, activity, home, set())
    if caught is None:
        return game.host.uncaught(kind, code, source)
    game.fire(caught.key)
    return caught.element.interrupting


def escalation_interrupts(game, kind, code, home, *, source, activity=None):
    ended = original("throw")(game, kind, code, home, source=source, activity=activity)
    if kind is EventKind.ESCALATION and not ended and game.token(home):
        game.interrupt(home, by=source)
        return True
    return ended


def event_sub_process_goes_beside(game, listener):
    cancel = game._cancel_all
    game._cancel_all = lambda tokens, by: None
    original("start_event_subprocess")(game, listener)
    game._cancel_all = cancel


def cancel_takes_nothing_back(game, by):
    return True if by.element.event.kind is EventKind.CANCEL else original("compensate")(game, by)


def any_code_is_caught(game, kind, code, activity, home, passed):
    codes = ("e1", "e2", "l1", "l2")
    return next((t for c in codes if (t := original("_catcher")(game, kind, c, activity, home, passed))), None)


def ends_after_the_first_item(game, turn):
    token = game.token(turn.home)
    game.host.turn_ended(token, turn, turn.memo["turn"], 1, 0, 1)
    game._cancel_all([t for t in game._in(token.key) if not t.listens], None)
    game._end_turns(token)


def never_enough(game, turn):
    asked = game.host.turn_ended
    game.host.turn_ended = lambda *answers: False
    original("item_done")(game, turn)
    game.host.turn_ended = asked


def opens_the_next_item_too(game, token):
    original("begin_turns")(game, token)
    if token.live and token.element.multi and not token.element.multi.parallel and token.memo["next"] < token.memo["total"]:
        game._begin_turn(token)


def forgets_what_was_done_inside(game, activity):
    for token in game._in(activity.key):
        token.cancel()
    original("release")(game, activity)


def throws_and_goes_on(game, handler):
    by = game.token(handler.host)
    if by is not None:
        by.complete()


def listens_to_the_end(game, home):
    if all(t.listens for t in game._in(home)):
        original("settle_scope")(game, home)


def undoes_each_turn_and_the_whole(game, activity):
    original("release")(game, activity)
    event = game.graph.compensations.get(activity.element.id)
    if event is not None and isinstance(activity.task_spec, Many):
        game._place(game.graph.spec.task_specs[event.id], home=activity.home, listens=True)


BROKEN = {
    "join fires at once": ("try_join", lambda game, token: token._ready()),
    "boundary outlives its task": ("_drop_guards", lambda game, activity: None),
    "interrupting does not interrupt": ("interrupt", lambda game, key, by: None),
    "race is never ended": ("end_race", lambda game, token: None),
    "terminate ends nothing": ("terminate", lambda game, by, all_but_compensation=False: None),
    "no boundary is armed": ("guard", lambda game, activity: None),
    "empty scope stays open": ("settle_scope", lambda game, home: None),
    "inclusive join does not wait": ("_join_ready", lambda game, token: True),
    "inclusive join waits for every flow": ("_join_ready", join_waits_for_every_flow),
    "inclusive join takes every token": ("_try_inclusive_joins", join_takes_every_token),
    "compensation goes oldest first": ("_undo_next", undoes_oldest_first),
    "compensation stops after one handler": ("undone", throws_and_goes_on),
    "what a sub-process did is not undone": ("release", forgets_what_was_done_inside),
    "a multi-instance is undone once more as a whole": ("release", undoes_each_turn_and_the_whole),
    "cancelled transaction takes nothing back": ("compensate", cancel_takes_nothing_back),
    "multi-instance ends after its first item": ("item_done", ends_after_the_first_item),
    "completion condition is not asked": ("item_done", never_enough),
    "sequential items overlap": ("begin_turns", opens_the_next_item_too),
    "loop goes round once": ("_again", lambda game, token: False),
    "error does not go outward": ("throw", throws_to_the_nearest_scope_only),
    "code is not looked at": ("_catcher", any_code_is_caught),
    "escalation always interrupts": ("throw", escalation_interrupts),
    "interrupting event sub-process goes beside": ("start_event_subprocess", event_sub_process_goes_beside),
    "event sub-process begins after the end": ("settle_scope", listens_to_the_end),
    "condition is never seen": ("_try_conditions", lambda game, until: False),
    "link leads nowhere": ("jump", lambda game, token, link: game.settle_scope(token.home)),
}
ORIGINAL = {method: getattr(TokenGame, method) for method, _ in BROKEN.values()}


@pytest.mark.parametrize("name", BROKEN)
def test_the_judge_notices_a_broken_rule(name, monkeypatch):
    method, broken = BROKEN[name]
    monkeypatch.setattr(TokenGame, method, broken)

    def differs(seed: int) -> bool:
        try:
            return play(seed, Counter(), Counter()) is not None
        except EngineError:  # a broken engine may also fall over, which is noticed too
            return True
    assert any(differs(seed) for seed in range(600))


@pytest.mark.parametrize("again", ["once", "without end"])
def test_the_judge_notices_an_event_that_comes_again(again, monkeypatch):
    from engine.spiff import game as module
    kinds = frozenset() if again == "once" else module.COMES_AGAIN | {EventKind.TIMER}
    monkeypatch.setattr(module, "COMES_AGAIN", kinds)
    assert any(play(seed, Counter(), Counter()) for seed in range(600))


def test_the_judge_notices_a_failed_service_task_that_goes_on(monkeypatch):
    def goes_on(spec, token):
        try:
            token.workflow.game.host.perform(token)
        except Failure:
            pass
        return True
    monkeypatch.setattr(Node, "perform", goes_on)
    assert any(play(seed, Counter(), Counter()) for seed in range(600))
