"""Checking a text without running it: faults with places, unknown names, the names a text takes."""

import pytest

from engine.errors import ExpressionError
from engine.feel import Feel, Function


@pytest.fixture
def feel():
    return Feel([Function("business time after", ("from", "minutes"), lambda start, minutes: start, "")])


def test_a_good_text_has_no_problem(feel):
    names = {"now", "minutes", "items", "level"}
    for text in (
        "now",
        "business time after(now, minutes)",
        "business time after(from: now, minutes: 3)",
        "for i in items return i.x + minutes",
        "some x in items satisfies x.price > minutes",
        "{a: 1, b: a}.b",
        "items[price > 3 and item.y = 1]",
        "function(x, y) x + y + minutes",
        "level.response",
        "sum(for i in 1..3, j in 1..i return i * j)",
        "minutes instance of number",
        'if now = null then duration("PT1H") else null',
        "for i in items return count(partial)",
    ):
        assert feel.check(text, names) == [], text


def test_an_unknown_name_is_found_with_its_place_and_a_suggestion(feel):
    (problem,) = feel.check("urgnecy > 2", {"urgency"})
    assert (problem.start, problem.end, problem.name) == (0, 7, "urgnecy")
    assert "did you mean 'urgency'" in problem.message
    assert [each.name for each in feel.check("a + b * c(d)", {"b"})] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("for i in items return j", ["j"]),
        ("(for i in [1] return i) + i", ["i"]),
        ("{a: b, b: 1}", ["b"]),
        ("function(x) y", ["y"]),
        ("?", ["?"]),
        ("now()", ["now"]),
        ("items[1].price", []),
        ("items[foo > 3]", []),
        ("foo[1]", ["foo"]),
        ("bussiness time after(1, 2)", ["bussiness time after"]),
    ],
)
def test_names_are_judged_by_their_scope(feel, text, unknown):
    assert [each.name for each in feel.check(text, {"items"})] == unknown


def test_a_syntax_fault_has_a_place_also_after_characters_outside_the_basic_plane(feel):
    (problem,) = feel.check('"🏢" + * 2', set())
    assert (problem.start, problem.end) == (6, 7)
    (problem,) = feel.check("1 + ", set())
    assert 3 <= problem.start <= 4


def test_unary_tests_are_checked_with_the_questioned_value(feel):
    assert feel.check('"a", "b", < limit, ? + 1 = 2', {"limit"}, unary=True) == []
    assert feel.check("-", set(), unary=True) == []
    assert [each.name for each in feel.check("urgent", set(), unary=True)] == ["urgent"]
    assert feel.check('"a', set(), unary=True)[0].name is None


def test_an_empty_or_endless_text_is_a_problem_not_an_exception(feel):
    assert "empty" in feel.check("", set())[0].message
    assert "longer" in feel.check("1+" * 6000 + "1", set())[0].message


def test_names_gives_what_a_text_takes_from_outside(feel):
    assert feel.names("business time after(now, level.minutes) > due at") == {"now", "level", "due at"}
    assert feel.names("for i in items return i * factor") == {"items", "factor"}
    assert feel.names("? > limit", unary=True) == {"limit"}
    with pytest.raises(ExpressionError):
        feel.names("1 +")
