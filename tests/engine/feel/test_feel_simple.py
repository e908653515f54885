"""Texts that are answered without the sandbox: each has to be answered as the sandbox answers it, or not at all."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from engine.errors import ExpressionError
from engine.expressions import Expressions
from engine.feel import Feel, Function
from engine.feel.simple import Simple, Unsure

AT = datetime(2026, 11, 25, 10, 0, 0, 53098, UTC)
FUNCTIONS = [Function("double of", ("n",), lambda n: n * 2, "n twice"), Function("said", ("a", "b"), lambda a, b=None: f"{a}/{b}", "both")]
VALUES = [None, True, False, 0, 1, 2, 20, -3, 2**53 - 1, "", "no", "yes", "2", 1.5, [1], {"x": 1}, AT, AT + timedelta(microseconds=300),
          AT + timedelta(milliseconds=1), AT + timedelta(hours=4), AT.astimezone(timezone(timedelta(hours=8))), timedelta(hours=1),
          date(2026, 11, 25)]
NAMES = ("a", "b", "c", "now", "层", "level")
CONSTANTS = ("null", "true", "false", "0", "1", "20", "9007199254740991", '"no"', '"yes"', '""', 'duration("PT1H")', 'duration("P2D")',
             'duration("P1DT30M")', "level.x", "level.y")


@pytest.fixture(scope="module")
def feel() -> Feel:
    return Feel(FUNCTIONS)


def text(chance: random.Random, depth: int) -> str:
    """A text of the grammar, whatever its parts are about."""
    def part() -> str:
        return text(chance, depth - 1)

    kind = chance.randrange(9) if depth > 0 else 9
    if kind == 0:
        return f"if {part()} then {part()} else {part()}"
    if kind in (1, 2):
        return f"{part()} {chance.choice(['=', '!=', '<', '<=', '>', '>='])} {part()}"
    if kind in (3, 4):
        return f"{part()} {chance.choice(['and', 'or'])} {part()}"
    if kind in (5, 6):
        return f"{part()} {chance.choice('+-')} {part()}"
    if kind == 7:
        return f"({part()})"
    if kind == 8:
        return chance.choice([f"double of({part()})", f"said({part()}, {part()})", f"said({part()})"])
    return chance.choice([*NAMES[:5], *CONSTANTS])


def answer(ask) -> tuple[str, object]:
    try:
        value = ask()
    except ExpressionError as error:
        return "refused", type(error).__name__
    return type(value).__name__, value


def test_what_is_answered_without_the_sandbox_is_answered_like_the_sandbox(feel, chance, full):
    """Random texts over random values; the rest (wrong types, other zones, less than a millisecond apart) is left to it."""
    answered = 0
    for _ in range(50_000 if full else 2_000):
        expression = text(chance, chance.randint(1, 3))
        context = {name: chance.choice(VALUES) for name in NAMES} | {"level": {"x": chance.choice(VALUES), "y": chance.choice(VALUES)}}
        try:
            simple = Simple(expression, feel.functions)
        except Unsure:
            continue
        try:
            ours = answer(lambda s=simple, c=context: s.evaluate(c, feel.call))
        except Unsure:
            continue
        if simple.names != feel.names(expression) or ours[0] == "refused":
            continue
        theirs = answer(lambda e=expression, c=context: feel.evaluate(e, c))
        assert ours == theirs, (expression, context)
        answered += 1
    assert answered > 150


@pytest.mark.parametrize(("expression", "context", "value"), [
    ('passed = "no"', {"passed": "no"}, True), ("due = null", {"due": None}, True), ("due != null", {"due": AT}, True),
    ("on_the_spot = true", {"on_the_spot": False}, False), ("level.visit = true", {"level": {"visit": True}}, True),
    ("if due > now then due else null", {"due": AT, "now": AT + timedelta(hours=1)}, None),
    ("if n = null or n > 20 then 1 else n + 1", {"n": None}, 1), ("if n = null or n > 20 then 1 else n + 1", {"n": 20}, 21),
    ('now + duration("PT1H30M")', {"now": AT}, AT + timedelta(minutes=90)), ('duration("P1D")', {}, timedelta(days=1)),
    ("said(if n = 0 then a else b, 2)", {"n": 0, "a": "x", "b": "y"}, "x/2"), ("0", {}, 0), ('"急"', {}, "急"),
])
def test_usual_texts_of_diagrams_need_no_sandbox(feel, expression, context, value):
    expressions = Expressions(feel)
    expressions.names(expression)
    asked = []
    expressions.feel = type("Counting", (), {"functions": feel.functions, "names": feel.names, "call": feel.call,
                                             "evaluate": lambda self, *given, **more: asked.append(given)})()
    assert expressions.evaluate(expression, context) == value and asked == []


@pytest.mark.parametrize("expression", ["a.b.c", "a[1]", "1.5", "007", "-1", "a b", "not(a)", "a = b = c", "a * 2", 'date("2026-11-25")',
                                        "for x in a return x", "a between 1 and 2", "a in (1, 2)", '"a\\n"', "{x: 1}", "count(a)", "", "a //"])
def test_other_texts_and_other_values_are_left_to_the_sandbox(feel, expression):
    with pytest.raises(Unsure):
        Simple(expression, feel.functions).evaluate({"a": 1.5, "b": 2, "c": 3}, feel.call)


def test_a_name_that_feel_reads_otherwise_is_left_to_the_sandbox(feel):
    """`floor` is FEEL's function: as a variable it takes no part in the names that decide what an expression depends on."""
    assert Expressions(feel)._read_simple("floor.name = 1") is None and Expressions(feel)._read_simple("level.name = 1") is not None


def test_a_function_that_fails_is_told_with_the_whole_text(feel):
    failing = Feel([Function("opens at", ("a",), lambda a: 1 // 0, "")])
    with pytest.raises(ExpressionError, match="if n = 0") as refused:
        Expressions(failing).evaluate("if n = 0 then opens at(n) else 1", {"n": 0})
    assert "opens at" in str(refused.value)
