"""`zhiban check` on diagrams that must not run: each fault names file, element, reason and remedy; exit 1, never a stack trace."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.acceptance.second_signature import drawn_into
from webui import cli

SHIPPED = Path(__file__).parents[2] / "bpmn" / "customer-request"
DIAGRAM, TABLE = "customer-request.bpmn", "service-level.dmn"
A_TASK = (
    '<bpmn:userTask id="alone" name="没人到"><bpmn:extensionElements><zeebe:formDefinition formId="verify" />'
    '<zeebe:assignmentDefinition candidateGroups="specialist" /></bpmn:extensionElements></bpmn:userTask>'
)
CASES = {  # name: (file, what is changed, into what, element named, words of the reason)
    "unknown element": (
        DIAGRAM,
        '<bpmn:textAnnotation id="no_refusal">',
        '<bpmn:adHocSubProcess id="as_you_like" /><bpmn:textAnnotation id="no_refusal">',
        "as_you_like",
        "adHocSubProcess|ad-hoc",
    ),
    "complex gateway": (
        DIAGRAM,
        '<bpmn:textAnnotation id="no_refusal">',
        '<bpmn:complexGateway id="all_of_it" /><bpmn:textAnnotation id="no_refusal">',
        "all_of_it",
        "complex",
    ),
    "unknown operation": (DIAGRAM, 'type="slip.create"', 'type="slip.creat"', "create_slip", "slip.creat"),
    "wrong parameter": (
        DIAGRAM,
        'source="=instruction" target="instruction"',
        'source="=instruction" target="instrukt"',
        "create_slip",
        "instrukt",
    ),
    "Python expression": (
        DIAGRAM,
        ">=on_the_spot = true<",
        '>=__import__("os").system("id")<',
        "on_the_spot_possible",
        "__import__|import",
    ),
    "Python lambda": (
        DIAGRAM,
        ">=on_the_spot = true<",
        ">=[x for x in ().__class__.__mro__]<",
        "on_the_spot_possible",
        "",
    ),
    "unknown name": (
        DIAGRAM,
        ">=on_the_spot = true<",
        ">=on_the_spott = true<",
        "on_the_spot_possible",
        "on_the_spott",
    ),
    "missing form": (DIAGRAM, 'formId="verify"', 'formId="verifie"', "verify", "verifie"),
    "unreachable task": (
        DIAGRAM,
        '<bpmn:textAnnotation id="no_refusal">',
        A_TASK + '<bpmn:textAnnotation id="no_refusal">',
        "alone",
        "reach|no way",
    ),
    "bad timer text": (
        DIAGRAM,
        '<bpmn:timerEventDefinition id="response_passed_timer">\n        <bpmn:timeDate xsi:type="bpmn:tFormalExpression">=if response_due_at &gt; now then response_due_at else business time after(now, service_level.response_minutes, service_level.calendar)</bpmn:timeDate>',
        '<bpmn:timerEventDefinition id="response_passed_timer"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">30 minutes</bpmn:timeDuration>',
        "response_passed",
        "30 minutes",
    ),
    "unknown role": (
        DIAGRAM,
        'candidateGroups="specialist"',
        'candidateGroups="specialists"',
        "register",
        "specialists",
    ),
    "missing table": (
        DIAGRAM,
        'decisionId="service-level"',
        'decisionId="service-levels"',
        "set_level",
        "service-levels",
    ),
    "unknown procedure": (DIAGRAM, 'processId="escalation"', 'processId="escalate"', "escalate_", "escalate"),
    "DOCTYPE": (
        DIAGRAM,
        "<bpmn:definitions",
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><bpmn:definitions',
        "-",
        "DOCTYPE|DTD|entit",
    ),
    "not closed": (DIAGRAM, "</bpmn:definitions>", "", "-", ""),
}


def changed(folder: Path, file: str, before: str, after: str) -> Path:
    """A copy of the shipped procedure with one change."""
    target = folder / "customer-request"
    shutil.copytree(SHIPPED, target)
    text = (target / file).read_text(encoding="utf-8")
    assert before in text, f"the shipped {file} no longer holds {before!r}"
    (target / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    return target


def checked(capsys, *paths: Path) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = cli.main(["check", *map(str, paths)])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out.splitlines()


@pytest.mark.parametrize("name", CASES)
def test_a_diagram_with_a_fault_is_refused_with_its_place_reason_and_remedy(name, tmp_path, capsys):
    file, before, after, element, reason = CASES[name]
    code, lines = checked(capsys, changed(tmp_path, file, before, after))
    print(name, *lines, sep="\n   ")
    assert code == 1
    fitting = [
        line
        for line in lines
        if re.match(rf"[\w./-]*{re.escape(file)}: {re.escape(element)}\w*: ", line)
        and re.search(reason, line, re.IGNORECASE)
    ]
    assert fitting, lines
    assert fitting[0].rstrip().endswith(".") and fitting[0].count(". ") >= 1, "a reason, then a remedy"


@pytest.mark.parametrize(
    "content", [b"", b"   ", b"\x00\xff\xfe", b"hello", b"<x/>", b"{}", b"<?xml version='1.0'?><definitions/>"]
)
@pytest.mark.parametrize("suffix", [".bpmn", ".dmn", ".form"])
def test_a_file_that_is_no_diagram_table_or_form_is_refused(content, suffix, tmp_path, capsys):
    path = tmp_path / f"lone{suffix}"
    path.write_bytes(content)
    code, lines = checked(capsys, path)
    assert code == 1 and lines and all(line.startswith(f"lone{suffix}: ") for line in lines), lines


def test_an_empty_diagram_in_a_folder_is_refused(tmp_path, capsys):
    target = tmp_path / "customer-request"
    shutil.copytree(SHIPPED, target)
    (target / DIAGRAM).write_bytes(b"")
    code, lines = checked(capsys, target)
    assert code == 1 and any(DIAGRAM in line and "empty" in line for line in lines), lines


def test_the_shipped_procedures_and_the_owners_edit_pass(tmp_path, capsys):
    assert checked(capsys, SHIPPED.parent)[0] == 0
    code, lines = checked(capsys, drawn_into(tmp_path))
    assert code == 0, lines


def test_a_path_that_is_not_there_is_said_so(tmp_path, capsys):
    assert cli.main(["check", str(tmp_path / "nothing")]) == 2
    assert "no such file" in capsys.readouterr().err
