"""What is answered without the sandbox is answered as the sandbox would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import ExpressionError
from engine.expressions import Expressions
from engine.feel import Feel, Function

CONTEXT = {"now": datetime(2026, 11, 20, 9, 45, tzinfo=UTC), "name": "沈静", "n": 3, "none": None, "list": [1, 2],
           "level": {"department": "engineering", "minutes": 30, "none": None}}


@pytest.mark.parametrize("expression", [
    '"工程部"', "name", "level", "level.department", "level.none", "none", "true", "null", "n = 3", "n + 1", "none = null",
    'now + duration("PT4H")', 'now + duration("P1DT2H30M")', 'now - duration("PT4H")', 'now + duration("P1M")', 'name + "总"',
    "if n > 2 then level.minutes else 0", "list[item > 1]", 'level.department = "engineering" and n < 4'])
def test_the_answer_is_that_of_the_sandbox(expression):
    expressions = Expressions(Feel())
    for _ in range(2):  # the second time it may be remembered
        assert expressions.evaluate(expression, CONTEXT) == Feel().evaluate(expression, CONTEXT)


@pytest.mark.parametrize("expression", ["floor.name", "floor.minutes > 20", "if count > 2 then floor.name else string(count)", "floor(2.5) + 1"])
def test_a_variable_may_be_called_like_a_function_of_feel(expression):
    context = CONTEXT | {"count": 3} | ({} if "floor(" in expression else {"floor": {"name": "一层", "minutes": 30}})
    assert Expressions(Feel()).evaluate(expression, context | {"floor": {"name": "一层", "minutes": 30}}) == Feel().evaluate(expression, context)


@pytest.mark.parametrize("expression", ["unknown", "level.unknown.more", "name.first", 'n + duration("PT4H")', "n +"])
def test_what_the_sandbox_refuses_is_refused(expression):
    with pytest.raises(ExpressionError):
        Feel().evaluate(expression, CONTEXT)
    with pytest.raises(ExpressionError):
        Expressions(Feel()).evaluate(expression, CONTEXT)


def test_a_remembered_value_belongs_to_its_values():
    expressions = Expressions(Feel())
    assert [expressions.evaluate("n + 1", {"n": n}) for n in (1, 2, 1)] == [2, 3, 2]


def test_lists_and_contexts_are_made_anew_for_whoever_asks():
    expressions = Expressions(Feel())
    first = expressions.evaluate("[n, n]", {"n": 1})
    first.append(9)
    assert expressions.evaluate("[n, n]", {"n": 1}) == [1, 1]


def test_a_plain_call_of_a_function_is_answered_as_through_the_sandbox():
    asked = []

    def after(env, start, minutes, calendar):
        asked.append((env, minutes, calendar))
        return start + timedelta(minutes=minutes)

    feel = Feel([Function("business time after", ("from", "minutes", "calendar"), after, "later", wants_env=True)])
    for text in ('business time after(now, 60, "business")', "business time after(now, level.minutes, level.department)"):
        assert Expressions(feel).evaluate(text, CONTEXT, "env") == feel.evaluate(text, CONTEXT, env="env")
    assert asked[0] == asked[1] and asked[2] == asked[3]
    for text in ('business time after(now, 60)', 'business time after(name, 60, "business")'):
        with pytest.raises(ExpressionError, match="business time after"):
            Expressions(feel).evaluate(text, CONTEXT, "env")


def test_a_step_asks_a_function_once_for_the_same_values():
    asked = []
    feel = Feel([Function("head of", ("department",), lambda d: asked.append(d) or f"{d}-head", "head")])
    step = {}
    for _ in range(2):
        assert Expressions(feel).evaluate("head of(level.department)", CONTEXT, step=step) == "engineering-head"
    assert asked == ["engineering"]
