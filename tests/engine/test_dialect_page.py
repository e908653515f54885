"""The page about the dialect names what there is."""

import json
import re
from pathlib import Path

from engine.checks import STATUSES
from engine.dialect import MAX_EXPRESSION, MAX_FLOWS, MAX_NESTING, MAX_NODES, REFUSED, Kind
from engine.dialect.allowed import DOCUMENTATION, EVENTS, MARKERS
from engine.forms.fields import FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "dialect.md").read_text(encoding="utf-8")


def test_the_page_names_every_field_type():
    assert [kind for kind in FIELDS if f"`{kind}`" not in PAGE] == []


def test_the_page_names_every_status_and_limit():
    assert all(status in PAGE for status in STATUSES)
    assert f"{MAX_NODES} nodes, {MAX_FLOWS:,} flows, sub-processes {MAX_NESTING} deep" in PAGE
    assert f"expressions of {MAX_EXPRESSION:,} characters" in PAGE


BPMN_PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "bpmn.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in BPMN_PAGE.splitlines()
        if line.startswith("| ") and not line.startswith("| element")]


def test_each_row_about_bpmn_names_a_test_that_exists():
    for element, how, _, named in ROWS:
        assert how in ("executed", "documentation", "refused"), element
        file, name = named.strip("` ").split("::")
        assert f"def {name}(" in (Path(__file__).parent / file).read_text(encoding="utf-8"), (element, named)


def test_each_test_named_in_passing_exists():
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", BPMN_PAGE) if f"def {name}(" not in tests] == []


def test_the_page_about_bpmn_leaves_nothing_out_that_the_reader_knows():
    told = {element: how for element, how, *_ in ROWS}
    for kind, events in EVENTS.items():
        assert [e for e in events if told.get(f"{kind.value}, {e.value}") != "executed"] == []
    words = {word: how for element, how in told.items() for word in re.split(r"[ ,]+", element)}
    assert [k for k in Kind if k not in EVENTS and words.get(k.value) != "executed"] == []
    assert [m for m in MARKERS if words.get(m) != "executed"] == []
    assert [d for d in DOCUMENTATION - {"category", "categoryValue"} if words.get(d) != "documentation"] == []
    assert [r for r in REFUSED if " " not in r and r != "script" and words.get(r) != "refused"] == []


def test_the_page_about_bpmn_names_every_element_of_the_standard():
    """As bpmn.io's own description of BPMN 2.0 lists them."""
    described = Path(__file__).parents[2] / "node_modules/bpmn-moddle/resources/bpmn/json/bpmn.json"
    types = [t["name"] for t in json.loads(described.read_text(encoding="utf-8"))["types"] if not t.get("isAbstract")]
    elements = {name[0].lower() + name[1:] for name in types}
    events = {f"{kind.value}EventDefinition" for kinds in EVENTS.values() for kind in kinds}  # rows of their events
    words = {word for element, *_ in ROWS for word in re.findall(r"[A-Za-z]+", element)}
    assert len(elements) > 100 and elements - words - events - {"definitions", "documentation", "process"} == set()
