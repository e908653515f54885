"""Every story of every shipped procedure, on the real domain, in virtual time; together they pass every flow and table row."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.definitions import read_folder
from service import app as service
from service import rehearsal

ROOT = Path(__file__).parents[2] / "bpmn"
PROCEDURES = {p.key: p for p in map(read_folder, service.procedure_folders(ROOT))}


@pytest.fixture(scope="module")
def reports():
    """key -> its stories' reports, played once."""
    found = {}
    for procedure, report in rehearsal.play_all(ROOT):
        found.setdefault(procedure.key, []).append(report)
    return found


@pytest.mark.parametrize("key", sorted(PROCEDURES))
def test_every_story_holds(reports, key):
    assert {r.name: r.faults for r in reports[key] if not r.ok} == {}


@pytest.mark.parametrize("key", sorted(PROCEDURES))
def test_the_stories_pass_every_element_and_flow(reports, key):
    assert rehearsal.not_covered(PROCEDURES[key], reports[key]) == []


@pytest.mark.parametrize("key", sorted(k for k, p in PROCEDURES.items() if p.decisions))
def test_the_stories_hit_every_row_of_every_table(reports, key):
    assert rehearsal.table_rows(PROCEDURES[key])
    assert rehearsal.rows_not_hit(PROCEDURES[key], reports[key]) == []


@pytest.mark.parametrize(("key", "least"), [("customer-request", 10), ("escalation", 5)])
def test_there_are_enough_stories(key, least):
    assert len(PROCEDURES[key].scenarios) >= least
