"""What is answered without the sandbox is answered as the sandbox would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import ExpressionError
from engine.expressions import Expressions
from engine.feel import Feel

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
