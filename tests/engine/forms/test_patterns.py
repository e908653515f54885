"""Patterns that could run away are refused when a form is read; the rest is quick."""

import time

import pytest

from engine.forms.patterns import UnsafePattern, compiled


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a*)*b", r"([a-z]+\.)+x", r"(a|aa)+$", r"(a?){30}", r"(.*),(.*),(.*),(.*),x",
                                     r"(a)\1", r"(?=a)a", r"(?<!a)b", r"(", r"a{5000}", "a" * 300, r"((a{1,9}){1,9})x"])
def test_patterns_that_run_away_are_refused(pattern):
    with pytest.raises(UnsafePattern):
        compiled(pattern)


@pytest.mark.parametrize(("pattern", "good", "bad"), [
    (r"^[0-9]{4}-[0-9]{4}(-[0-9]+)?$", "2025-3415-1", "2025-34"), (r"^(沪|苏)[A-Z][A-Z0-9]{5,6}$", "沪A12345", "京A12345"),
    (r"^\d+-\d+$", "3-1201", "3/1201"), (r"^(\d{3}){2}$", "123456", "12345")])
def test_ordinary_patterns_are_taken(pattern, good, bad):
    assert compiled(pattern).search(good) and not compiled(pattern).search(bad)


def test_the_slowest_pattern_that_is_taken_is_quick():
    started = time.process_time()
    assert not compiled(r"a*a*a*b").search("a" * 200)
    assert time.process_time() - started < 2
