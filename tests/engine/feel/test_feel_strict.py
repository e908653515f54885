"""An unknown name, a wrong type or a faulty text is an error that says what and where, never a silent null."""

from datetime import UTC, datetime

import pytest

from engine.errors import ExpressionError
from engine.feel import Feel, evaluate


@pytest.mark.parametrize(
    ("expression", "context", "said"),
    [
        ("urgency > 2", {}, "unknown name 'urgency'"),
        ("if urgency > 2 then 1 else 2", {}, "unknown name 'urgency'"),
        ("business time after(1, 2)", {}, "unknown name 'business time after'"),
        ("服务 类别", {}, "unknown name '服务 类别'"),
        ("level.minuts", {"level": {"minutes": 3}}, "unknown entry 'minuts'; the entries are: minutes"),
        ("level.minutes", {"level": None}, "'minutes' is asked of null"),
        ("level.minutes", {"level": 3}, "a number has no 'minutes'"),
        ("level(1)", {"level": 3}, "not a function"),
        ("now()", {}, "unknown name 'now'"),
        ("today()", {}, "unknown name 'today'"),
        ("?", {}, "unknown name '?'"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_it(expression, context, said):
    with pytest.raises(ExpressionError, match="(?s)" + said.replace("?", r"\?")) as caught:
        evaluate(expression, context)
    assert caught.value.expression == expression
    assert caught.value.position is not None


@pytest.mark.parametrize(
    ("expression", "context"),
    [
        ('"a" + 1', {}),
        ("null + 1", {}),
        ('"a" < 3', {}),
        ('"a" <= 3', {}),
        ("x = 3", {"x": "3"}),
        ("x != 3", {"x": "3"}),
        ("x > 3", {"x": [4, 5]}),
        ("x in [1..5]", {"x": "3"}),
        ("1 / 0", {}),
        ("10 ** 400", {}),
        ("if 5 then 1 else 2", {}),
        ('"x" and true', {}),
        ("1 or false", {}),
        ("string length(5)", {}),
        ('contains("a")', {}),
        ('sum([1, "a"])', {}),
        ('number("abc")', {}),
        ('date("2026-02-30")', {}),
        ('abs("x")', {}),
        ('matches("a", "[")', {}),
        ('@"2026-01-01" < @"2026-01-01T00:00:00Z"', {}),
        ('@"2026-01-01T00:00:00" - @"2026-01-01T00:00:00Z"', {}),
        ("modulo(1, 0)", {}),
        ("x between 1 and 5", {"x": "3"}),
        ("at > 5", {"at": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
def test_a_wrong_type_is_an_error(expression, context):
    with pytest.raises(ExpressionError):
        evaluate(expression, context)


@pytest.mark.parametrize(
    ("expression", "context", "expected"),
    [
        ("x < 3", {"x": None}, None),
        ("x = null", {"x": None}, True),
        ("x = 3", {"x": None}, False),
        ("x != 3", {"x": None}, True),
        ("upper case(x)", {"x": None}, None),
        ("x and false", {"x": None}, False),
        ("x and true", {"x": None}, None),
        ("x or true", {"x": None}, True),
        ("if x then 1 else 2", {"x": None}, 2),
        ("x[1]", {"x": []}, None),
        ("sum([])", {}, None),
        ("x between 1 and 5", {"x": None}, None),
    ],
)
def test_null_is_a_value_that_compares_as_unknown(expression, context, expected):
    assert evaluate(expression, context) is expected or evaluate(expression, context) == expected


def test_and_and_or_stop_at_the_side_that_decides():
    assert evaluate("x != null and x.minutes > 3", {"x": None}) is False
    assert evaluate("x = null or x.minutes > 3", {"x": None}) is True
    assert evaluate("x != null and x.minutes > 3", {"x": {"minutes": 5}}) is True


@pytest.mark.parametrize(
    "expression", ["", "   ", "1 +", "if a then", "(1", '"open', "a b c +", "=1", "for x in", "1 2", "import os"]
)
def test_a_faulty_text_is_an_error(expression):
    with pytest.raises(ExpressionError):
        evaluate(expression, {"a": True})


def test_a_syntax_error_says_where():
    with pytest.raises(ExpressionError) as caught:
        evaluate("1 + * 2")
    assert caught.value.position == (4, 5)


@pytest.mark.parametrize(
    ("test", "value", "passes"),
    [
        ("-", 3, True),
        ("", None, True),
        ('"a", "b"', "b", True),
        ('"a", "b"', "c", False),
        ('not("a")', "c", True),
        ("< 5", 4, True),
        ("< 5", 5, False),
        ("[1..5]", 5, True),
        ("(1..5)", 5, False),
        ("? > limit", 4, True),
        ("? + 1 = 5", 4, True),
        ("< 5", None, False),
        ("null", None, True),
        ("true", False, False),
        ("limit", 3, True),
        ('list contains(?, "a")', ["a"], True),
    ],
)
def test_a_unary_test_passes_or_not(test, value, passes):
    assert Feel().unary(test, value, {"limit": 3}) is passes


def test_a_unary_test_of_the_wrong_type_is_an_error():
    with pytest.raises(ExpressionError):
        Feel().unary('"a"', 3)
    with pytest.raises(ExpressionError, match="unknown name 'urgent'"):
        Feel().unary("urgent", "urgent")


def test_what_one_evaluation_did_is_unknown_to_the_next():
    evaluate("{secret: 1, f: function(x) x}.secret")
    with pytest.raises(ExpressionError, match="unknown name 'secret'"):
        evaluate("secret")
    assert evaluate("x", {"x": 1}) == 1
    with pytest.raises(ExpressionError, match="unknown name 'x'"):
        evaluate("x")


def test_names_with_spaces_and_operators_are_read_as_the_context_has_them():
    assert evaluate("unit price * a", {"unit price": 2, "a": 3}) == 6
    assert evaluate("due-date", {"due-date": 1}) == 1
    assert evaluate("due - date", {"due": 5, "date": 2}) == 3
    assert evaluate("order.unit price", {"order": {"unit price": 2}}) == 2
