"""What changed between two editions: each rule by one change of one procedure, and nothing else told with it."""

from __future__ import annotations

import json

import pytest

from engine.definitions import Procedure
from engine.differences import RULES, Weight, compare
from tests.engine.drawing import boundary, call, flows, many, plain, process, receive, script, service, timer, user

LANE = '<bpmn:laneSet id="ls"><bpmn:lane id="l" name="前台"><bpmn:flowNodeRef>a</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>'
BOUNDARY = boundary("b2", "v", timer("Duration", "PT3H")) + script("x", "raised", "1")
DRAWN = ('<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"><bpmndi:BPMNPlane id="pl"'
         ' bpmnElement="p"><bpmndi:BPMNShape id="a_di" bpmnElement="a"><dc:Bounds xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
         ' x="1" y="1" width="100" height="80"/></bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>')
DIAGRAM = process(
    "p", LANE, plain("startEvent", "s"), user("a"), boundary("b", "a", timer("Duration", "PT1H"), interrupting=False), user("late"),
    plain("endEvent", "e2"), plain("exclusiveGateway", "g", default="g_c"), service("n", "note", {"text": '"x"'}), script("c", "total", "1"),
    plain("exclusiveGateway", "m"), many(user("v"), "items"), call("k", "other", {"y": "1"}), receive("r", "answer"), plain("endEvent", "e"),
    flows("s > a", "a > g", "g > n : urgent", "g > c : default", "n > m", "c > m", "m > v", "v > k", "k > r", "r > e", "b > late", "late > e2"),
    messages=("answer",)).decode().replace("</bpmn:definitions>", DRAWN)
TABLE = ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="D" name="D" namespace="t"><decision id="limits" name="时限">'
         '<literalExpression id="L"><text>24</text></literalExpression></decision></definitions>')


def schema(*components: dict) -> str:
    return json.dumps({"type": "default", "id": "any", "schemaVersion": 16, "components": [
        {"type": "textfield", "id": f"F_{c['key']}", "label": c["key"]} | c for c in components]})


FORM = schema({"key": "word", "validate": {"required": True}}, {"key": "more"})
SHEET = '{"code": "T", "name": "p", "variables": {"urgent": "boolean", "items": "list"}}'
FILES = {"p.bpmn": DIAGRAM, "t.dmn": TABLE, "forms/any.form": FORM, "control-sheet.yaml": SHEET, "en.yaml": '{"a": "Accept"}'}


def edition(*changes: tuple[str, str, str]) -> Procedure:
    """The procedure with (file, text before, text after) changed; each text is there once."""
    files = dict(FILES)
    for file, before, after in changes:
        assert files[file].count(before) == 1, (before, files[file].count(before))
        files[file] = files[file].replace(before, after)
    return Procedure.from_files({name: text.encode() for name, text in files.items()}, "p")


def diagram(before: str, after: str) -> tuple[str, str, str]:
    return "p.bpmn", before, after


def form(*components: dict) -> tuple[str, str, str]:
    return "forms/any.form", FORM, schema(*components)


WORD, MORE = {"key": "word", "validate": {"required": True}}, {"key": "more"}
SWAPPED = flows("g > n : urgent"), flows("g > c : default")
ELEMENT_A, ELEMENT_V, EXCLUSIVE = '<bpmn:userTask id="a" name="a">', '<bpmn:userTask id="v" name="v">', plain("exclusiveGateway", "m")
START = '<bpmn:startEvent id="s"'
# rule -> the changes that show it, the element it names, and the rules that are told with it
EXAMPLES: dict[str, tuple] = {
    "label": ([diagram(ELEMENT_A, ELEMENT_A.replace('name="a"', 'name="受理"'))], "a"),
    "documentation": ([diagram(ELEMENT_A, f"{ELEMENT_A}<bpmn:documentation>先听完再写。</bpmn:documentation>")], "a"),
    "lane": ([diagram('name="前台"', 'name="工程"')], "a"),
    "drawing": ([diagram('x="1"', 'x="2"')], "p.bpmn"),
    "english": ([("en.yaml", "Accept", "Take")], "en.yaml"),
    "control-sheet": ([("control-sheet.yaml", '"T"', '"T2"')], "control-sheet.yaml"),
    "form-texts": ([form(WORD, MORE | {"label": "更多"})], "any"),
    "due": ([diagram(user("late"), user("late", due="=now"))], "late"),
    "who": ([diagram(user("late"), user("late", groups="engineering"))], "late"),
    "time": ([diagram("PT1H", "PT2H")], "b"),
    "properties": ([diagram(user("late"), user("late").replace('value="1"', 'value="12"'))], "late"),
    "boundary-added": ([diagram(START, BOUNDARY + flows("b2 > x", "x > e2") + START)], "b2"),
    "field-added": ([form(WORD, MORE, {"key": "new"})], "any/new"),
    "field-optional": ([form({"key": "word"}, MORE)], "any/word"),
    "name-added": ([("control-sheet.yaml", '"items": "list"', '"items": "list", "floor": "number"')], "control-sheet.yaml"),
    "element-removed": ([diagram(user("late"), ""), diagram(flows("b > late", "late > e2"), "")], "late", {"flow-removed"}),
    "element-added": ([diagram(START, script("y", "more", "1") + START)], "y"),
    "kind": ([diagram(EXCLUSIVE, EXCLUSIVE.replace("exclusive", "inclusive"))], "m"),
    "place": ([diagram('attachedToRef="a"', 'attachedToRef="v"')], "b"),
    "marker": ([diagram('isSequential="false"', 'isSequential="true"')], "v"),
    "event": ([diagram('name="answer"', 'name="reply"')], "r"),
    "operation": ([diagram('type="note"', 'type="fail"')], "n"),
    "mappings": ([diagram(service("n", "note", {"text": '"x"'}), service("n", "note", {"text": '"z"'}))], "n"),
    "call": ([diagram('processId="other"', 'processId="another"')], "k"),
    "condition": ([diagram("=urgent", "=not(urgent)")], "g_n"),
    "flow-removed": ([diagram(flows("b > late"), "")], "b_late"),
    "flow-added": ([diagram(START, flows("late > m") + START)], "late_m"),
    "flow-order": ([diagram("".join(SWAPPED), "".join(SWAPPED[::-1]))], "g"),
    "table": ([("t.dmn", "24", "48")], "t.dmn"),
    "form": ([diagram(user("late"), user("late", form="other"))], "late"),
    "field-removed": ([form(WORD)], "any/more"),
    "field-required": ([form(WORD, MORE | {"validate": {"required": True}})], "any/more"),
    "field-added-required": ([form(WORD, MORE, {"key": "new", "validate": {"required": True}})], "any/new"),
    "field-rule": ([form(WORD, MORE | {"validate": {"maxLength": 5}})], "any/more"),
    "name-removed": ([("control-sheet.yaml", ', "items": "list"', "")], "control-sheet.yaml"),
}
WEIGHTS = {rule.what: rule.weight for rule in RULES}


def test_every_rule_has_its_example():
    assert EXAMPLES.keys() == WEIGHTS.keys() and len(WEIGHTS) == len(RULES)


@pytest.mark.parametrize("what", EXAMPLES)
def test_a_change_is_told_by_its_rule_alone(what):
    changes, element, *others = EXAMPLES[what]
    found = compare(edition(), edition(*changes))
    assert {d.what for d in found} == {what}.union(*others)
    assert (element, WEIGHTS[what]) in [(d.element, d.weight) for d in found if d.what == what]
    assert all(d.text.endswith(".") for d in found)


def test_the_same_edition_differs_in_nothing():
    assert compare(edition(), edition()) == [] and compare(edition().diagram, edition().diagram) == []


def test_a_new_id_that_is_mapped_is_no_difference():
    changed = DIAGRAM.replace('"late"', '"too-late"').replace('name="too-late"', 'name="late"').replace("late_e2", "away")
    renamed = Procedure.from_files({name: text.encode() for name, text in (FILES | {"p.bpmn": changed}).items()}, "p")
    assert {d.what for d in compare(edition(), renamed)} == {"element-removed", "element-added", "flow-removed", "flow-added"}
    assert compare(edition(), renamed, {"late": "too-late"}) == []


def test_the_weightiest_is_told_first():
    found = compare(edition(), edition(("en.yaml", "Accept", "Take"), diagram("PT1H", "PT2H"), diagram("=urgent", "=not(urgent)")))
    assert [d.weight for d in found] == [Weight.SEMANTIC, Weight.COMPATIBLE, Weight.COSMETIC]


def test_a_branch_that_comes_back_to_a_join_is_semantic():
    """A token more at a parallel gateway changes when it goes on."""
    def with_branch(kind: str) -> tuple[Procedure, Procedure]:
        changed = diagram(EXCLUSIVE, plain(kind, "m"))
        return edition(changed), edition(changed, diagram(START, BOUNDARY + flows("b2 > x", "x > m") + START))
    assert [d.what for d in compare(*with_branch("exclusiveGateway"))] == ["boundary-added"]
    assert [d.what for d in compare(*with_branch("parallelGateway"))] == ["flow-added", "boundary-added"]


def test_what_other_ways_lead_to_is_not_part_of_a_boundary_events_branch():
    found = compare(edition(), edition(diagram(START, BOUNDARY + flows("b2 > x", "x > e2", "late > x") + START)))
    assert {d.what for d in found} == {"boundary-added", "element-added", "flow-added"}
