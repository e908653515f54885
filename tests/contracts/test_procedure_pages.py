"""Every sentence about how a procedure runs names the scenario and the story on the pages that show it.

docs/reference/procedures.md has a section per procedure and a row per sentence. A sentence that no diagram shows (what the
domain does around it) has `-` instead of a scenario; every sentence has a story.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/reference/procedures.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
STORY = re.compile(r"`((?:acceptance|webui)/test_\w+\.py)` (test_\w+)")


@dataclass(frozen=True)
class Sentence:
    number: int
    text: str
    scenarios: tuple[str, ...]
    stories: tuple[tuple[str, str], ...]


def sections() -> dict[str, list[Sentence]]:
    """Procedure -> its sentences, in the page's order."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.split("\n", 1)[0].strip(): [sentence(*found) for found in ROW.findall(part)] for part in parts}


def sentence(number: str, text: str, scenarios: str, stories: str) -> Sentence:
    names = tuple(name.strip() for name in scenarios.split(",") if name.strip() != "-")
    return Sentence(int(number), text.strip(), names, tuple(STORY.findall(stories)))


def scenarios_of(key: str) -> set[str]:
    return {path.stem for path in (ROOT / "bpmn" / key / "scenarios").glob("*.yaml")}


def functions_of(file: str) -> set[str]:
    path = ROOT / "tests" / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


KEYS = sorted(sections())
every_procedure = pytest.mark.parametrize("key", KEYS)


def test_the_page_has_the_shipped_procedures():
    assert set(KEYS) == {p.parent.name for p in ROOT.glob("bpmn/*/control-sheet.yaml")}


@every_procedure
def test_the_sentences_are_numbered_and_each_names_a_story(key):
    found = sections()[key]
    assert [s.number for s in found] == list(range(1, len(found) + 1)), f"number the rows of {key} from 1"
    assert [s.text for s in found if not s.stories] == [], f"{PAGE}: give these a story: `acceptance/test_x.py` test_name"


@every_procedure
def test_what_the_page_names_is_there(key):
    gone = [f"{key} {s.number}: no bpmn/{key}/scenarios/{name}.yaml" for s in sections()[key]
            for name in s.scenarios if name not in scenarios_of(key)]  # fmt: skip
    gone += [f"{key} {s.number}: no {name} in tests/{file}" for s in sections()[key]
             for file, name in s.stories if name not in functions_of(file)]  # fmt: skip
    assert gone == []


@every_procedure
def test_every_scenario_is_named_by_a_sentence(key):
    named = {name for s in sections()[key] for name in s.scenarios}
    assert [f"add {name} to the sentence of {PAGE}, section {key}, that it shows, or write that sentence"
            for name in sorted(scenarios_of(key) - named)] == []  # fmt: skip
