"""The engine's token game against an independent one, over random diagrams, saved and loaded at every step."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest

from engine.dialect import Kind, read
from engine.spiff import TokenGame, build
from tests.engine.differential.diagrams import BLOCKS, Drawing
from tests.engine.differential.token_game import Game

STEPS = 60
SAMPLE, FULL = 600, 10_000


class Choices:
    """The same choice for both games: by seed, gateway, and how often the gateway was passed. A loop ends some day."""

    def __init__(self, diagram, seed: int):
        self.diagram, self.seed, self.passed = diagram, seed, Counter()

    def __call__(self, gateway: str) -> str:
        flows = self.diagram.elements[gateway].outgoing
        self.passed[gateway] += 1
        if self.passed[gateway] > 4:
            return flows[-1]
        chance = hashlib.sha256(f"{self.seed} {gateway} {self.passed[gateway]}".encode()).digest()[0]
        return flows[chance % len(flows)]


class Host:
    """Answers the engine's game; nothing is performed."""

    numbers = iter(range(10**9))

    def __init__(self, choices):
        self.choices = choices

    def new_id(self):
        return f"{next(self.numbers):032x}"

    def choose(self, token):
        return self.choices(token.element.id)

    def opened(self, token):
        pass

    def closed(self, token, how):
        pass

    def passed(self, token, flows):
        pass

    def perform(self, token):
        pass

    def entered(self, token):
        pass


def waiting(game: TokenGame) -> list[str]:
    return sorted(t.element.id for t in game.live())


def candidates(game: Game) -> list[str]:
    return sorted({m.element for m in game.marks if m.kind not in ("subProcess", "join")})


def play(seed: int, used: Counter, graph_of=build) -> str | None:
    """One walk through one random diagram; what differed, or None."""
    dice = random.Random(seed)
    diagram, faults = read(Drawing(dice, used).xml(3), "random.bpmn")
    assert diagram is not None and not [f for f in faults if not f.warning], faults
    graph, host = graph_of(diagram), Host(Choices(diagram, seed))
    judge = Game(diagram, Choices(diagram, seed))
    game = TokenGame(graph, host)
    game.begin()
    game.advance()
    for step in range(STEPS):
        if waiting(game) != judge.waiting() or game.ended != judge.ended:
            return f"seed {seed} step {step}: engine {waiting(game)} {game.ended}, judge {judge.waiting()} {judge.ended}"
        if judge.ended or not candidates(judge):
            return None
        element = dice.choice(candidates(judge))
        game = TokenGame.load(graph, game.save(), host)
        token = next(t for t in game.live() if t.element.id == element)
        (game.complete if token.element.kind in (Kind.USER, Kind.CALL) else game.fire)(token.key)
        game.advance()
        judge.finish(element)
    return None


@pytest.mark.parametrize("part", range(4))
def test_engine_and_judge_agree_on_random_diagrams(part, seed, full):
    used: Counter = Counter()
    number = (FULL if full else SAMPLE) // 4
    first = (part * FULL) if full else seed * 7 + part * number
    differences = [found for n in range(first, first + number) if (found := play(n, used))]
    assert differences[:3] == []
    assert set(used) == set(BLOCKS)


def sabotage(name: str):
    """The engine with one rule broken, to show that the judge would notice."""
    from engine.spiff import game as module
    cls = module.TokenGame
    plants = {
        "join fires at once": ("try_join", lambda self, token: token._ready()),
        "boundary outlives its task": ("release", lambda self, activity: None),
        "interrupting does not interrupt": ("interrupt", lambda self, key, by: None),
        "race is never ended": ("end_race", lambda self, token: None),
        "terminate ends nothing": ("terminate", lambda self, by: None),
        "no boundary is armed": ("guard", lambda self, activity: None),
        "empty scope stays open": ("settle_scope", lambda self, home: None),
    }
    return cls, *plants[name]


@pytest.mark.parametrize("name", [
    "join fires at once", "boundary outlives its task", "interrupting does not interrupt", "race is never ended",
    "terminate ends nothing", "no boundary is armed", "empty scope stays open"])
def test_the_judge_notices_a_broken_rule(name, monkeypatch):
    cls, method, broken = sabotage(name)
    monkeypatch.setattr(cls, method, broken)

    def differs(seed: int) -> bool:
        try:
            return play(seed, Counter()) is not None
        except Exception:  # noqa: BLE001 - a broken engine may also fall over, which is noticed too
            return True
    assert any(differs(seed) for seed in range(400))
