"""Every construct and function of FEEL with examples: the page docs/reference/feel.md names the tests of this file."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from engine.errors import ExpressionError
from engine.feel import YearsMonths, evaluate

AT = datetime(2026, 1, 2, 9, tzinfo=UTC)
CONTEXT = {"x": 5, "items": [1, 2, 3], "at": AT, "服务 类别": "维修", "unit price": 2.5, "order": {"客户 名称": "泰达"}}


def same(examples: dict) -> None:
    """Every expression gives its value, of the same type."""
    for expression, expected in examples.items():
        value = evaluate(expression, CONTEXT)
        assert (value, type(value)) == (expected, type(expected)), expression


def refused(*expressions: str) -> None:
    for expression in expressions:
        with pytest.raises(ExpressionError):
            evaluate(expression, CONTEXT)


# ---- literals and names


def test_literals():
    same({'"维修"': "维修", '"a\\"b"': 'a"b', '"\\u7ef4"': "维", "12": 12, "-3": -3, ".5": 0.5, "1.50": 1.5, "1e3": 1000,
          "1.5E-2": 0.015, "true": True, "false": False, "null": None, "[]": [], "{}": {}})


def test_comments_are_skipped():
    same({"1 /* one */ + 1": 2, "1 + 1 // two": 2})


def test_names_with_spaces_and_chinese_names():
    same({'服务 类别 = "维修"': True, "unit price * 2": 5, "order.客户 名称": "泰达", "{总 价: 3, 含税: 总 价 * 2}.含税": 6})


# ---- operators


def test_arithmetic():
    same({"1 + 2 * 3": 7, "(1 + 2) * 3": 9, "7 / 2": 3.5, "2 ** 3": 8, "2 ** -1": 0.5, "-x": -5, "-2 ** 2": 4,
          '"a" + "b"': "ab"})
    refused("1 / 0", '1 + "a"', "10 ** 400")


def test_money_is_decimal_not_binary():
    same({"0.1 + 0.2 = 0.3": True, "0.29 * 100": 29, "1.1 - 1.0": 0.1, "1000000.1 - 1000000": 0.1, "0.3 / 0.1": 3,
          "1.1 ** 2": 1.21, "1 / 3 * 3": 1, "50 / 60 * 60": 50, "sum(0.1, 0.2)": 0.3, "sum([1.1, 2.2, 3.3])": 6.6,
          "19.99 * 3": 59.97, "4.35 * 100": 435, "1.15 + 2.30": 3.45,
          "9999999999999.99 + 0.01": 10000000000000, "(0.1 + 0.7) * 10": 8, "1.005 * 1000": 1005, "6 * 0.1": 0.6,
          "12345678.91 - 12345678.9": 0.01, "product([0.1, 3])": 0.3, "mean([0.1, 0.2, 0.3])": 0.2})


def test_every_price_in_fen_comes_back_from_yuan():
    wrong = evaluate("(for fen in 1..2000 return fen / 100 * 100 - fen)[item != 0]")
    assert wrong == []
    added = evaluate("for fen in 1..1000 return (fen / 100 + 0.07) * 100 - fen")
    assert set(added) == {7}


def test_whole_numbers_stay_whole_up_to_the_largest():
    same({"9007199254740991": 2**53 - 1, "9007199254740990 + 1": 2**53 - 1, "94906265 * 94906265": 94906265**2})


def test_comparison():
    same({"x = 5": True, "x != 5": False, "x < 6": True, "x <= 5": True, "x > 5": False, "x >= 5": True, '"a" < "b"': True,
          "x between 1 and 5": True, "[1, 2] = [1, 2]": True, "{a: 1} = {a: 1}": True, "null = null": True,
          '@"2026-01-02" < @"2026-01-03"': True})


def test_is_asks_for_the_same_value_of_the_same_type():
    same({"is(1, 1.0)": True, "is(1, 2)": False, 'is(@"2026-01-01", @"2026-01-01")': True,
          'is(time("08:00:00Z"), time("08:00:00"))': False})


def test_in_and_unary_tests_within_an_expression():
    same({"x in [1..5]": True, "x in (1..5)": False, "x in (> 3)": True, "x in (1, 2, 5)": True, "x in items": False})


def test_logic_with_three_values():
    same({"true and false": False, "true or null": True, "false and null": False, "true and null": None,
          "not(true)": False, "not(null)": None})


def test_conditions():
    same({'if x > 3 then "a" else "b"': "a", "if null then 1 else 2": 2})
    refused("if 5 then 1 else 2")


def test_iteration():
    same({"for i in 1..3 return i * i": [1, 4, 9], "for i in 3..1 return i": [3, 2, 1],
          "for i in 1..2, j in 1..2 return i * j": [1, 2, 2, 4], "for i in items return i + count(partial)": [1, 3, 5]})


def test_quantifiers():
    same({"some i in items satisfies i > 2": True, "every i in items satisfies i > 2": False,
          "some i in [] satisfies i > 2": False, "every i in [] satisfies i > 2": True})


def test_filters_and_paths():
    same({"items[item > 1]": [2, 3], "items[1]": 1, "items[-1]": 3, "items[4]": None,
          "[{a: 1, b: 2}, {a: 3, b: 4}][a > 1].b": [4], "[{a: 1}, {a: 2}].a": [1, 2]})


def test_contexts():
    same({"{a: 1, b: a + 1}.b": 2, '{"k e": 1}': {"k e": 1}, 'get value({a: 1}, "a")': 1,
          "get entries({a: 1})": [{"key": "a", "value": 1}], 'context([{key: "a", value: 1}])': {"a": 1},
          'context put({a: 1}, "b", 2)': {"a": 1, "b": 2}, 'context put({a: {b: 1}}, ["a", "b"], 2)': {"a": {"b": 2}},
          "context merge([{a: 1}, {b: 2}])": {"a": 1, "b": 2}})
    refused('context([{key: "a", value: 1}, {key: "a", value: 2}])', "{a: 1}.b")


def test_functions_of_the_author():
    same({"(function(a, b) a + b)(1, 2)": 3, "{f: function(a: number) a * 2, r: f(4)}.r": 8,
          "{twice: function(f, v) f(f(v)), r: twice(function(n) n + 1, 1)}.r": 3})


def test_named_arguments():
    same({'substring(string: "foobar", start position: 3)': "obar", "modulo(divisor: 5, dividend: 12)": 2})


def test_instance_of():
    same({"x instance of number": True, "[1] instance of list<number>": True, '"a" instance of string': True,
          "{a: 1} instance of context<a: number>": True, '@"PT1H" instance of days and time duration': True,
          "null instance of number": False})


# ---- functions


def test_number_functions():
    same({"decimal(2.675, 2)": 2.68, "decimal(2.5, 0)": 2, "decimal(1234, -2)": 1200, "floor(-1.5)": -2,
          "floor(0.29 * 100)": 29, "floor(-1.56, 1)": -1.6, "ceiling(1.1)": 2, "ceiling(2.2, 1)": 2.2, "abs(-3)": 3,
          "modulo(10.1, 4.5)": 1.1, "modulo(-10.1, 4.5)": 3.4, "modulo(10.1, -4.5)": -3.4, "sqrt(16)": 4, "exp(0)": 1,
          "log(1)": 0, "odd(5)": True, "even(5)": False, 'number("1,000.5", ",", ".")': 1000.5, 'number("3")': 3})
    refused("modulo(1, 0)", "sqrt(-1)", 'number("three")')


def test_rounding():
    same({"round up(1.121, 2)": 1.13, "round up(0.29 * 100, 0)": 29, "round up(-1.126, 2)": -1.13,
          "round down(1.129, 2)": 1.12, "round down(0.29 * 100, 0)": 29, "round half up(1.005, 2)": 1.01,
          "round half up(2.5, 0)": 3, "round half up(-5.5, 0)": -6, "round half up(-1.126, 2)": -1.13,
          "round half down(5.5, 0)": 5, "round half down(-5.5, 0)": -5, "round half down(1.126, 2)": 1.13})


def test_text_functions():
    same({'string length("维修😀")': 3, 'substring("foobar", 3)': "obar", 'substring("foobar", -2, 1)': "a",
          'upper case("aBc")': "ABC", 'lower case("aBc")': "abc", 'substring before("foobar", "bar")': "foo",
          'substring after("foobar", "ob")': "ar", 'contains("维修单", "维修")': True, 'starts with("foobar", "fo")': True,
          'ends with("foobar", "r")': True, 'matches("foobar", "^fo*b")': True, 'replace("aaa", "a", "b")': "bbb",
          'split("a;b;;c", ";")': ["a", "b", "", "c"], 'string join(["a", null, "b"], "-")': "a-b",
          "string(1.1)": "1.1", "string(0.1 + 0.2)": "0.3", 'string([1, "a"])': '[1, "a"]', "string(null)": None})
    refused('matches("a", "[")', "upper case(5)")


def test_list_functions():
    same({"count([1, 2])": 2, "list contains([1, null], null)": True, "sublist([4, 5, 6], 1, 2)": [4, 5],
          "append([1], 2, 3)": [1, 2, 3], "concatenate([1, 2], [3])": [1, 2, 3], "insert before([1, 3], 1, 2)": [2, 1, 3],
          "remove([1, 2, 3], 2)": [1, 3], "reverse([1, 2, 3])": [3, 2, 1], "index of([1, 2, 3, 2], 2)": [2, 4],
          "union([1, 2], [2, 3])": [1, 2, 3], "distinct values([1, 2, 1])": [1, 2], "flatten([[1, [2]], 3])": [1, 2, 3],
          "sort([3, 1, 2], function(a, b) a < b)": [1, 2, 3], "list replace([2, 4, 7], 3, 6)": [2, 4, 6],
          "all([true, false])": False, "any([false, true])": True})


def test_statistics():
    same({"sum([1, 2])": 3, "min(3, 1, 2)": 1, "max([1, 2])": 2, 'min("b", "a")': "a",
          'max(@"2026-01-01", @"2026-02-01")': date(2026, 2, 1), 'min([@"PT2H", @"PT90M"])': timedelta(minutes=90),
          "max(at, at + @\"PT1H\")": AT + timedelta(hours=1), "median(10, 9, 1)": 9, "median([6, 1, 2, 3])": 2.5,
          "mode([6, 1, 9, 6, 1])": [1, 6], "min([])": None, "sum([])": None})
    assert evaluate("stddev(2, 4, 7, 5)") == pytest.approx(2.0816659994661)
    refused('min(1, "a")', 'max([@"2026-01-01", at])', "max([true, false])")


# ---- dates, times, durations


def test_dates_and_times():
    same({"date(2026, 1, 2)": date(2026, 1, 2), 'date("2026-01-02")': date(2026, 1, 2), "date(at)": date(2026, 1, 2),
          'time("08:30:00")': time(8, 30), "time(at)": time(9, tzinfo=UTC),
          'date and time(date("2026-01-02"), time("08:30:00"))': datetime(2026, 1, 2, 8, 30),
          '@"2026-01-02T08:30:00@Asia/Shanghai" = @"2026-01-02T00:30:00Z"': True, "at.year": 2026, "at.weekday": 5,
          "at.hour": 9, "at.time offset": timedelta()})
    refused('date("2026-02-30")', 'time("25:00:00")')


def test_calendar_functions():
    same({"day of year(date(2019, 9, 17))": 260, "day of week(date(2019, 9, 17))": "Tuesday",
          "month of year(date(2019, 9, 17))": "September", "week of year(date(2019, 9, 17))": 38})


def test_durations():
    same({'duration("PT90M")': timedelta(minutes=90), '@"P1Y2M"': YearsMonths(14), '@"P1DT2H".hours': 2,
          '@"P1Y2M".months': 2, 'string(@"PT90M")': "PT1H30M", 'abs(@"-PT1H")': timedelta(hours=1),
          '-@"PT1H"': timedelta(hours=-1), '@"PT1H" < @"PT61M"': True,
          'years and months duration(@"2024-01-01", @"2026-03-05")': YearsMonths(26)})


def test_arithmetic_with_durations():
    same({'at + @"PT1H"': AT + timedelta(hours=1), 'at - @"P1D"': AT - timedelta(days=1), "at - at": timedelta(),
          'date("2026-01-31") + @"P1M"': date(2026, 2, 28), 'time("10:00:00") + @"PT3H"': time(13),
          '@"PT1H" + @"PT30M"': timedelta(minutes=90), '@"PT1H" * 2': timedelta(hours=2), '1.5 * @"PT1H"': timedelta(minutes=90),
          '@"PT3H" / 2': timedelta(minutes=90), '@"PT3H" / @"PT2H"': 1.5, '@"P1Y" * 2': YearsMonths(24), '@"P1Y" / @"P1M"': 12})
    refused('@"PT1H" * @"PT1H"', '2 / @"PT1H"', '@"P1M" / @"P1D"', '@"PT1H" / 0', '@"PT1H" + 1')


# ---- ranges


def test_ranges():
    same({"[1..5].start": 1, "[1..5).end included": False, "(> 3).start": 3, 'range("[1..5]").end': 5,
          'range("(@\\"2026-01-01\\"..@\\"2026-02-01\\")").start': date(2026, 1, 1), 'x in range("[1..5]")': True})
    refused('range("[x..5]")', 'range("[count([1])..5]")', 'range("1..5")')


def test_relations_of_ranges():
    same({"before(1, 10)": True, "before([1..10), [10..20])": True, "after(10, 1)": True, "meets([1..5], [5..10])": True,
          "met by([5..10], [1..5])": True, "overlaps([1..5], [3..8])": True, "overlaps([1..5), [5..8])": False,
          "overlaps before([1..5], [4..10])": True, "overlaps before([3..4], [1..2])": False,
          "overlaps after([4..10], [1..5])": True, "overlaps after([1..5], [4..10])": False,
          "finishes(10, [1..10])": True, "finishes([5..10], [1..10])": True, "finishes([5..10), [1..10])": False,
          "finished by([1..10], 10)": True, "finished by([1..10], [5..10])": True, "includes([1..10], 5)": True,
          "includes([1..10], [4..6])": True, "during(5, [1..10])": True, "during(1, (1..10])": False,
          "during([4..6], [1..10])": True, "starts(1, [1..10])": True, "starts([1..5], [1..10])": True,
          "starts((1..5], [1..10])": False, "started by([1..10], 1)": True, "started by([1..10], [1..5])": True,
          "coincides(5, 5)": True, "coincides([1..5], [1..5])": True, "coincides([1..5), [1..5])": False,
          'during(@"2026-01-02", [@"2026-01-01"..@"2026-01-31"])': True})
    refused('during("a", [1..5])', "overlaps before((> 3), [1..2])")
