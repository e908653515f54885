"""Diagrams in the manner of other tools: executed, or refused with every reason at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from engine.api import Actor
from engine.checks import check, check_file
from engine.definitions import Procedure
from engine.dialect import read
from engine.feel import Feel
from engine.operations import Registry
from tests.engine.conftest import form

FOLDER = Path(__file__).parent / "diagrams" / "foreign"

# tool -> every element that has to be told, with a word of the reason
REASONS = {
    "camunda7": {("repair-7", "historyTimeToLive"), ("Start_1", "asyncBefore"), ("Start_1", "formData"), ("Task_register", "formKey"),
                 ("Task_register", "candidateGroups"), ("Task_register", "dueDate"), ("Task_register", "taskListener"), ("Flow_3", "${urgent"),
                 ("Task_call", "delegateExpression"), ("Task_call", "inputOutput"), ("Task_script", "other languages"),
                 ("Task_call_other", "calledElement"), ("Late", "${limit}")},
    "signavio": {(None, "No process"), ("sid-start", "no message"), ("sid-task", "without a type"), ("sid-work", "loop"),
                 ("sid-ds", "Data stores"), ("sid-lane1", "signavioMetaData")},
    "bizagi": {(None, "No process"), ("Id_t", "manual task"), ("Id_a", "Ad-hoc"), ("Id_request", "BizagiExtensions"), ("Id_f1", "BizagiExtensions")},
    "bpmn-io": {(None, "No process"), ("Activity_1", "without a type"), ("Activity_2", "ulti-instance"), ("Event_1", "no time"),
                ("Gateway_1", "Complex"), ("Event_3", "ignal")},
    "jbpm": {("_iface", "interface"), ("org.example.repair", "packageName"), ("_task", "Resource roles"), ("_task", "onEntry-script"),
             ("_rule", "ruleFlowGroup"), ("_service", "serviceimplementation"), ("_script", "other languages")},
    "flowable": {("leave", "candidateStarterGroups"), ("leave", "stencilid"), ("approve", "assignee"), ("approve", "formKey"),
                 ("approve", "executionListener"), ("approve", "ulti-instance"), ("s3", "${approved}"), ("mail", "field"), ("oops", "rror")},
}


def content(tool: str) -> bytes:
    return (FOLDER / f"{tool}.bpmn").read_bytes()


@cache
def feel():
    return Feel()


def judged(tool: str) -> list:
    procedure = Procedure.from_files({f"{tool}.bpmn": content(tool)})
    return check(procedure, operations=Registry(), roles=[], known_processes=[], feel=feel())


@pytest.mark.parametrize("tool", REASONS)
def test_a_diagram_of_another_tool_is_refused_with_every_reason_at_once(tool):
    faults = check_file(f"{tool}.bpmn", content(tool))
    for element, word in REASONS[tool]:
        assert any(f.element == element and word in f.reason for f in faults), (element, word)
    assert all(f.remedy and f.check and not f.warning for f in faults)


@pytest.mark.parametrize("tool", REASONS)
def test_its_graph_is_checked_in_the_same_run(tool):
    """What the checks see beside what the reader sees: no form, no group, nothing drawn, loose ends."""
    found = {f.check for f in judged(tool)}
    assert {"shape", "control-sheet"} <= found and found & {"user-task", "dead-end", "flow-ends", "gateway-condition", "implicit-fork"}


@pytest.mark.parametrize("tool", [*REASONS, "camunda8"])
def test_what_is_only_drawing_or_exchange_is_no_reason(tool):
    said = " ".join(f.reason for f in read(content(tool), tool)[1])
    for harmless in ("schemaLocation", "BPSimData", "ioSpecification", "background-color", "exporter", "participant", "textAnnotation"):
        assert harmless not in said


def test_the_process_of_a_file_that_says_nothing_executable_is_the_largest():
    diagram, faults = read(content("bizagi"), "bizagi.bpmn")
    assert diagram.key == "Id_request" and faults[0].check == "one-process"


def test_a_diagram_of_camunda_8_in_the_dialect_runs(desk, engine, operations):
    assert read(content("camunda8"), "camunda8.bpmn")[1] == []
    desk.deploy(content("camunda8"), forms__any_form=form("name"))
    root = desk.start("camunda8")
    desk.complete(root, "Activity_register", {"name": "沈静"})
    assert engine.variables(root)["fee"] == 0.3
    assert operations.calls == ["沈静"] and engine.variables(root)["booked"] == "沈静"
    engine.correlate("paid", "2026-1", actor=Actor("lin"))
    assert engine.instance(root).state == "ended"
