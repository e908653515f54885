"""The pages about FEEL and DMN: every row of a construct names tests, and those tests exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = {name for path in (ROOT / "tests" / "engine").rglob("test_*.py")
         for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)}


def rows(page: str) -> list[list[str]]:
    """The rows of the page's table of constructs."""
    lines = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8").splitlines()
    start = lines.index("| construct | example | test |") + 2
    table = lines[start:next(n for n in range(start, len(lines)) if not lines[n].startswith("|"))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in table]


@pytest.mark.parametrize(("page", "least"), [("feel.md", 30), ("dmn.md", 35)])
def test_every_construct_of_the_page_is_held_by_a_test_that_exists(page, least):
    found = rows(page)
    assert len(found) >= least
    for row in found:
        named = re.findall(r"`(test_\w+)`", row[-1])
        assert named, row
        assert set(named) <= TESTS, row


def test_every_function_of_feelin_is_offered_or_named_as_missing():
    bundle = (ROOT / "node_modules" / "feelin" / "dist" / "index.js").read_text(encoding="utf-8")
    names = set(re.findall(r"^    '([a-z][a-z ]*)': (?:fn|listFn)\(", bundle, re.MULTILINE))
    examples = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_feel_*.py"))
    assert len(names) > 60
    assert {name for name in names if f"{name}(" not in examples} - {"now", "today", "is"} == set()
