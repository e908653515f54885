"""The pages about FEEL and DMN: every row of a construct names tests, and those tests exist."""

import ast
import re
from pathlib import Path

import pytest

from engine.feel import dmn

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
    assert {name for name in names if f"{name}(" not in examples} - {"now", "today"} == set()


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


def test_the_page_about_feel_names_every_word_of_the_grammar_in_the_row_of_a_construct():
    """Words in small letters are what authors write; those are in the examples."""
    parser = (ROOT / "node_modules" / "lezer-feel" / "dist" / "index.js").read_text(encoding="utf-8")
    words = {w for w in re.search(r'nodeNames: "([^"]*)"', parser)[1].split() if re.fullmatch("[A-Z][A-Za-z]+", w)}
    table = page("feel.md").split("| words of the grammar |\n|---|---|\n")[1].split("\n\n")[0]
    told = [line.strip("| ").split(" | ") for line in table.splitlines()]
    assert len(words) > 50
    assert words - {w for _, line in told for w in line.split(", ")} == {"BacktickIdentifier"}
    assert {construct for construct, _ in told} <= {row[0] for row in rows("feel.md")}


def test_the_page_about_feel_names_every_function():
    bundle = (ROOT / "node_modules" / "feelin" / "dist" / "index.js").read_text(encoding="utf-8")
    names = set(re.findall(r"^    '([a-z][a-z ]*)': (?:fn|listFn)\(", bundle, re.MULTILINE))
    assert [name for name in sorted(names) if f"`{name}`" not in page("feel.md") and f"`{name}(" not in page("feel.md")] == []


def test_the_page_about_dmn_names_every_element_that_is_read_and_every_policy():
    tree = ast.parse((ROOT / "engine" / "feel" / "dmn.py").read_text(encoding="utf-8"))
    calls = [c for c in ast.walk(tree) if isinstance(c, ast.Call)
             and getattr(c.func, "id", getattr(c.func, "attr", "")) in ("_children", "_child", "_text", "_nodes")]
    read = {a.value for call in calls for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    assert len(read) > 30
    text = page("dmn.md")
    expressions = set(dmn._EXPRESSIONS) - {"literalExpression", "decisionTable", "context"}  # rows of their own, in words
    assert [name for name in sorted(read | expressions) if f"`{name}`" not in text] == []
    assert [word for word in sorted(dmn.POLICIES | dmn.AGGREGATIONS) if word not in text] == []
