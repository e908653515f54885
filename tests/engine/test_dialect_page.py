"""The page about the dialect names what there is."""

from pathlib import Path

from engine.checks import STATUSES
from engine.dialect import MAX_EXPRESSION, MAX_FLOWS, MAX_NESTING, MAX_NODES
from engine.forms.fields import FIELDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "dialect.md").read_text(encoding="utf-8")


def test_the_page_names_every_field_type():
    assert [kind for kind in FIELDS if f"`{kind}`" not in PAGE] == []


def test_the_page_names_every_status_and_limit():
    assert all(status in PAGE for status in STATUSES)
    assert f"{MAX_NODES} nodes, {MAX_FLOWS:,} flows, sub-processes {MAX_NESTING} deep" in PAGE
    assert f"expressions of {MAX_EXPRESSION:,} characters" in PAGE
