"""Functions of ours: called in the parent process, by position or by name, with values converted both ways."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import ExpressionError, ExpressionLimit
from engine.feel import Feel, Function, evaluate

NOW = datetime(2026, 1, 2, 9, 30, tzinfo=UTC)


def function(name, params, call, **more):
    return Function(name, params, call, "for a test", **more)


def after(start, minutes, calendar="business"):
    assert isinstance(start, datetime) and isinstance(minutes, int)
    return start + timedelta(minutes=minutes * (2 if calendar == "business" else 1))


FEEL = Feel(
    [
        function("business time after", ("from", "minutes", "calendar"), after),
        function("double", ("x",), lambda x: 2 * x),
    ]
)


@pytest.mark.parametrize(
    "call",
    [
        'business time after(now, 30, "round")',
        'business time after(from: now, minutes: 30, calendar: "round")',
        "business time after(now, 15)",
        'business time after(calendar: "round", minutes: 30, from: now)',
    ],
)
def test_a_function_is_called_by_position_or_name_and_defaults_apply(call):
    assert FEEL.evaluate(call, {"now": NOW}) == NOW + timedelta(minutes=30)


def test_functions_nest_and_iterate():
    assert FEEL.evaluate("double(double(x)) + sum(for i in 1..3 return double(i))", {"x": 5}) == 32


def test_functions_are_given_as_a_mapping_or_a_list():
    double = function("double", ("x",), lambda x: 2 * x)
    assert evaluate("double(2)", {}, {"double": double}) == evaluate("double(2)", {}, [double]) == 4
    with pytest.raises(ExpressionError, match="unknown name 'double'"):
        evaluate("double(2)")


def test_the_environment_of_an_evaluation_reaches_the_functions_that_want_it():
    feel = Feel([function("duty of", ("role",), lambda env, role: f"{role} of {env}", wants_env=True)])
    assert feel.evaluate('duty of("cashier")', env="East") == "cashier of East"
    assert feel.evaluate('duty of("cashier")', env="West") == "cashier of West"


def test_a_failing_function_is_an_error_that_names_it_and_keeps_the_cause():
    def fails(x):
        raise LookupError(f"no calendar for {x}")

    feel = Feel([function("closing time", ("on",), fails)])
    with pytest.raises(ExpressionError, match="function 'closing time': no calendar for 2031") as caught:
        feel.evaluate("closing time(2031)")
    assert isinstance(caught.value.__cause__, LookupError)
    assert feel.evaluate("1 + 1") == 2


@pytest.mark.parametrize(
    ("call", "said"),
    [("double()", "takes \\(x\\)"), ("double(1, 2)", "Cannot invoke"), ("double(y: 1)", "Cannot invoke")],
)
def test_wrong_arguments_are_an_error_that_names_the_parameters(call, said):
    with pytest.raises(ExpressionError, match=said):
        FEEL.evaluate(call)


def test_a_result_that_is_no_feel_value_is_an_error_that_names_the_function():
    with pytest.raises(ExpressionError, match="function 'odd'"):
        Feel([function("odd", (), object)]).evaluate("odd()")


def test_a_slow_function_does_not_use_up_the_limit_of_the_expression():
    def slow(x):
        time.sleep(1.2)
        return x

    feel = Feel([function("slow", ("x",), slow)])
    assert feel.evaluate("slow(20) + 1") == 21


def test_a_function_may_evaluate_again():
    feel = Feel([function("inner", ("x",), lambda x: evaluate("x + 1", {"x": x}))])
    assert feel.evaluate("inner(inner(1))") == 3


def test_a_function_does_not_lift_the_limits_around_it():
    with pytest.raises(ExpressionLimit):
        FEEL.evaluate("sum(for i in 1..100000, j in 1..100000 return i * double(1))")
    assert FEEL.evaluate("double(4)") == 8


def test_a_context_entry_hides_a_function_of_the_same_name():
    assert FEEL.evaluate("double + 1", {"double": 1}) == 2


def test_a_value_of_ours_keeps_its_type_through_a_function():
    feel = Feel([function("same", ("x",), lambda x: x)])
    for value in (NOW, NOW.date(), timedelta(hours=-3), [1, {"a": NOW}], None, "文"):
        assert feel.evaluate("same(x)", {"x": value}) == value
