"""The cases from the field that are in force: each has a test whose docstring begins with its number, and a row on the page.

A case is something that went wrong for users of such systems, with the behaviour that is right. A test shows it when its
docstring begins with the number ("T8", "T1, T2: ..."). docs/reference/cases.md says each case in words and names tests.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "cases.md"
IN_FORCE = (1, 2, 4, 5, 6, 8, 11, 12, 13, 14, 16, 17, 19, 20, 21, 23, 24, 27, 28, 29, 31, 32, 33, 35)
NOT_BUILT = {25: "the customer's page", 30: "the queue of a phone without network", 37: "the rating link", 39: "tags at doors"}
NUMBERS = re.compile(r"(?:[A-Z]\d+(?:, )?)+")


@cache
def functions_by_file() -> dict[str, dict[str, str]]:
    """file -> test function -> its docstring."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[path.relative_to(ROOT / "tests").as_posix()] = {
            node.name: ast.get_docstring(node) or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        }
    return found


@cache
def shown_by() -> dict[str, list[str]]:
    """ "T8" -> the tests, as file::function, whose docstring begins with it."""
    found: dict[str, list[str]] = {}
    for file, functions in functions_by_file().items():
        for name, text in functions.items():
            for case in re.findall(r"[A-Z]\d+", match[0] if (match := NUMBERS.match(text)) else ""):
                found.setdefault(case, []).append(f"{file}::{name}")
    return found


def rows() -> dict[str, str]:
    """Number -> the rest of its row on the page."""
    return dict(re.findall(r"^\| (T\d+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("case", [f"T{number}" for number in IN_FORCE])
def test_each_case_in_force_has_a_test_that_begins_with_its_number(case):
    assert shown_by().get(case), f'no test\'s docstring begins with {case}; write """{case}: ...""" under the one that shows it'


def test_the_page_has_a_row_for_each_case_and_says_what_is_not_built():
    assert sorted(rows()) == sorted(f"T{number}" for number in (*IN_FORCE, *NOT_BUILT))
    assert [n for n in NOT_BUILT if not rows()[f"T{n}"].endswith("| not built yet")] == []


@pytest.mark.parametrize("case", [f"T{number}" for number in IN_FORCE])
def test_the_tests_that_the_page_names_show_the_case(case):
    named = re.findall(r"`([\w/]+\.py)` ((?:test_\w+(?:, )?)+)", rows()[case])
    tests = [f"{file}::{name}" for file, names in named for name in names.split(", ") if name]
    assert tests, f"docs/reference/cases.md names no test for {case}"
    assert [test for test in tests if test not in shown_by().get(case, [])] == []


def test_no_test_names_a_case_that_nobody_knows():
    known = {f"T{number}" for number in (*IN_FORCE, *NOT_BUILT)}
    assert {case: tests for case, tests in shown_by().items() if case.startswith("T") and case not in known} == {}
