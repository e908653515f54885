"""FEEL values keep their type and meaning on the way into the sandbox, out of it, and in stored JSON."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest

from engine.errors import ExpressionError
from engine.feel import YearsMonths, evaluate, from_json, to_json

SHANGHAI = timezone(timedelta(hours=8))


class Urgency(StrEnum):
    URGENT = "urgent"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "维修 3-1201 🏢",
        'a\nb\\n"',
        0,
        -7,
        2**53 - 1,
        0.25,
        [],
        [1, [2, None]],
        {},
        {"名称": {"a b": [1]}},
        date(2024, 2, 29),
        time(8, 30),
        time(23, 59, 59, 500_000),
        time(8, 30, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 30, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 30, 1, 123456, tzinfo=UTC),
        datetime(2026, 1, 31, 8, 30, tzinfo=SHANGHAI),
        datetime(2026, 1, 31, 8, 30),
        timedelta(),
        timedelta(minutes=90),
        timedelta(days=-2, hours=3),
        timedelta(days=400, microseconds=1),
        YearsMonths(0),
        YearsMonths(1),
        YearsMonths(-14),
        YearsMonths(24),
    ],
)
def test_a_value_comes_back_as_it_went_in(value):
    for returned in (evaluate("x", {"x": value}), from_json(to_json(value))):
        assert returned == value
        assert type(returned) is type(value)


def test_the_json_form_of_typed_values_has_one_key():
    assert to_json(
        {
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "on": date(2026, 1, 2),
            "for": timedelta(hours=4),
            "clock": time(8, 30),
            "term": YearsMonths(15),
        }
    ) == {
        "at": {"@dt": "2026-01-01T00:00:00Z"},
        "on": {"@d": "2026-01-02"},
        "for": {"@p": "PT14400S"},
        "clock": {"@t": "08:30:00"},
        "term": {"@p": "P1Y3M"},
    }


def test_a_whole_number_is_an_int_whatever_was_computed():
    assert type(from_json(1e3)) is int
    for expression, expected in (
        ("7 / 2 * 2", 7),
        ("0.5 + 0.5", 1),
        ("10 ** 2", 100),
        ("floor(2.7)", 2),
        ("10 ** 22", 10**22),
    ):
        result = evaluate(expression)
        assert result == expected
        assert type(result) is int
    assert evaluate("1 / 4") == 0.25


def test_an_instant_keeps_its_offset_and_a_named_zone_its_name():
    assert evaluate('@"2026-01-01T08:00:00+08:00"') == datetime(2026, 1, 1, 8, tzinfo=SHANGHAI)
    named = evaluate('@"2026-07-01T08:00:00@Europe/Paris"')
    assert named == datetime(2026, 7, 1, 8, tzinfo=ZoneInfo("Europe/Paris"))
    assert to_json(named) == {"@dt": "2026-07-01T08:00:00+02:00"}


def test_arithmetic_with_instants_and_durations():
    now = datetime(2026, 2, 27, 17, 30, tzinfo=UTC)
    assert evaluate('now + duration("PT2H")', {"now": now}) == now + timedelta(hours=2)
    assert evaluate('date("2026-01-31") + @"P1M"') == date(2026, 2, 28)
    assert evaluate("until - now", {"now": now, "until": now + timedelta(days=3)}) == timedelta(days=3)
    assert evaluate("now < until", {"now": now, "until": now + timedelta(seconds=1)}) is True


def test_the_same_instant_in_two_zones_is_equal_and_no_time_apart():
    context = {"a": datetime(2026, 1, 1, tzinfo=UTC), "b": datetime(2026, 1, 1, 8, tzinfo=SHANGHAI)}
    assert evaluate("a = b", context) is True
    assert evaluate("b - a", context) == timedelta()
    assert evaluate('@"2026-07-01T12:00:00@Asia/Shanghai" - @"2026-07-01T12:00:00@Europe/Paris"') == timedelta(hours=-6)


def test_tuples_enums_and_decimals_are_taken_as_lists_texts_and_numbers():
    assert evaluate("x", {"x": (1, 2)}) == [1, 2]
    assert evaluate('x = "urgent"', {"x": Urgency.URGENT}) is True
    assert evaluate("x", {"x": Decimal("12.50")}) == 12.5
    assert to_json([Urgency.URGENT, Decimal(3)]) == ["urgent", 3]


@pytest.mark.parametrize("value", [object(), {1: 2}, b"x", {1, 2}, 2**53, -(2**70), 2**60])
def test_what_feel_does_not_know_is_refused_not_changed(value):
    with pytest.raises(ExpressionError, match="cannot be given to FEEL"):
        evaluate("x", {"x": value})
    with pytest.raises((TypeError, ValueError)):
        to_json(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"@dt": "x"}, {"a": {"@x": 1}}])
def test_numbers_without_value_and_reserved_keys_are_not_stored(value):
    with pytest.raises(ValueError):
        to_json(value)


@pytest.mark.parametrize("expression", ["function(a) a", "[1..3]", "{f: sum}", "count"])
def test_a_function_or_a_range_is_no_result(expression):
    with pytest.raises(ExpressionError, match="result is a"):
        evaluate(expression)


def test_a_typed_value_that_is_none_is_refused():
    with pytest.raises(ExpressionError, match="not a value"):
        evaluate("x", {"x": {"@dt": "yesterday"}})
    with pytest.raises(ValueError):
        from_json({"@p": "1 hour"})
