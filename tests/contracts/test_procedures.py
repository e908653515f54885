"""What every shipped procedure must look like: its tasks complete, its drawing clean, its texts in both languages.

Reads the files alone, with lxml, json and yaml; the engine's own checks and the scenarios are tested elsewhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import yaml
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(p.parent for p in ROOT.glob("bpmn/*/control-sheet.yaml"))
NS = {"b": "http://www.omg.org/spec/BPMN/20100524/MODEL", "di": "http://www.omg.org/spec/BPMN/20100524/DI",
      "dc": "http://www.omg.org/spec/DD/20100524/DC", "dd": "http://www.omg.org/spec/DD/20100524/DI",
      "z": "http://camunda.org/schema/zeebe/1.0", "dmn": "https://www.omg.org/spec/DMN/20191111/MODEL/"}
DRAWN = {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "userTask", "serviceTask",
         "businessRuleTask", "scriptTask", "callActivity", "subProcess", "exclusiveGateway", "parallelGateway",
         "eventBasedGateway", "textAnnotation"}
CHINESE = re.compile("[\u4e00-\u9fff]")

every_procedure = pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        return (self.x < other.x + other.width and other.x < self.x + self.width
                and self.y < other.y + other.height and other.y < self.y + self.height)

    def holds(self, other: Box) -> bool:
        return (self.x <= other.x and self.y <= other.y and other.x + other.width <= self.x + self.width
                and other.y + other.height <= self.y + self.height)

    def smaller(self, by: float) -> Box:
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


class Drawing:
    """One diagram file: its elements, boxes and lines."""

    def __init__(self, folder: Path):
        root = etree.parse(folder / f"{folder.name}.bpmn").getroot()
        self.process = root.find("b:process", NS)
        self.elements = {e.get("id"): e for e in self.process.iter() if kind(e) in DRAWN}
        self.flows = {f.get("id"): f for f in self.process.iterfind(".//b:sequenceFlow", NS)}
        self.boxes = {s.get("bpmnElement"): box(s.find("dc:Bounds", NS)) for s in root.iterfind(".//di:BPMNShape", NS)}
        self.lines = {e.get("bpmnElement"): [(float(w.get("x")), float(w.get("y"))) for w in e.iterfind("dd:waypoint", NS)]
                      for e in root.iterfind(".//di:BPMNEdge", NS)}
        self.labels = {s.get("bpmnElement"): box(s.find("di:BPMNLabel/dc:Bounds", NS))
                       for s in root.iter(f"{{{NS['di']}}}BPMNShape", f"{{{NS['di']}}}BPMNEdge")
                       if s.find("di:BPMNLabel/dc:Bounds", NS) is not None}

    def of(self, *kinds: str) -> list:
        return [e for e in self.elements.values() if kind(e) in kinds]

    def ends(self, flow: str) -> set[str]:
        return {self.flows[flow].get("sourceRef"), self.flows[flow].get("targetRef")}


def kind(element) -> str:
    """The element's BPMN name; empty for comments and extension elements (`zeebe:userTask` is one)."""
    own = isinstance(element.tag, str) and etree.QName(element).namespace == NS["b"]
    return etree.QName(element).localname if own else ""


def box(bounds) -> Box:
    return Box(*(float(bounds.get(n)) for n in ("x", "y", "width", "height")))


def extension(element, name: str):
    return element.find(f"b:extensionElements/z:{name}", NS)


def properties(element) -> dict[str, str]:
    found = element.iterfind("b:extensionElements/z:properties/z:property", NS)
    return {p.get("name"): p.get("value") for p in found}


def segments(line):
    return list(pairwise(line))


def meet(one, two) -> bool:
    """Whether two upright segments touch or lie on each other."""
    (a, b), (c, d) = one, two
    return (min(a[0], b[0]) <= max(c[0], d[0]) and min(c[0], d[0]) <= max(a[0], b[0])
            and min(a[1], b[1]) <= max(c[1], d[1]) and min(c[1], d[1]) <= max(a[1], b[1]))


def read_yaml(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def forms(folder: Path) -> dict[str, dict]:
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("forms/*.form")}


def test_there_are_procedures():
    assert {"customer-request", "escalation"} <= {p.name for p in FOLDERS}


@every_procedure
def test_every_user_task_names_group_form_due_time_and_clause(folder):
    for task in Drawing(folder).of("userTask"):
        id = task.get("id")
        assert extension(task, "assignmentDefinition").get("candidateGroups"), id
        assert extension(task, "formDefinition").get("formId") in forms(folder), id
        assert extension(task, "taskSchedule").get("dueDate", "").startswith("="), id
        assert properties(task).get("clause"), id


@every_procedure
def test_every_clause_named_in_a_diagram_is_on_the_control_sheet(folder):
    known = {str(c) for c in read_yaml(folder / "control-sheet.yaml")["clauses"]}
    for element in Drawing(folder).elements.values():
        assert set(filter(None, properties(element).get("clause", "").split(","))) <= known, element.get("id")


@every_procedure
def test_every_clause_of_the_control_sheet_is_on_the_process(folder):
    on_sheet = [str(c) for c in read_yaml(folder / "control-sheet.yaml")["clauses"]]
    assert properties(Drawing(folder).process)["clause"].split(",") == on_sheet


@every_procedure
def test_every_expression_is_feel(folder):
    for mapping in Drawing(folder).process.iter(f"{{{NS['z']}}}input", f"{{{NS['z']}}}output"):
        assert mapping.get("source").startswith("="), mapping.get("target")
    for text in Drawing(folder).process.iter(f"{{{NS['b']}}}conditionExpression", f"{{{NS['b']}}}timeDate"):
        assert text.text.startswith("="), text.text


@every_procedure
def test_every_choice_has_a_default_and_named_ways(folder):
    drawing = Drawing(folder)
    for gateway in drawing.of("exclusiveGateway"):
        ways = [f for f in drawing.flows.values() if f.get("sourceRef") == gateway.get("id")]
        if len(ways) > 1:
            assert gateway.get("default") in drawing.flows, gateway.get("id")
            assert all(f.get("name") for f in ways), gateway.get("id")
            assert all((f.find("b:conditionExpression", NS) is None) == (f.get("id") == gateway.get("default")) for f in ways)


@every_procedure
def test_everything_is_drawn(folder):
    drawing = Drawing(folder)
    assert set(drawing.elements) <= set(drawing.boxes)
    assert set(drawing.flows) <= set(drawing.lines)


@every_procedure
def test_no_shape_lies_on_another(folder):
    drawing = Drawing(folder)
    for (a, one), (b, two) in combinations(drawing.boxes.items(), 2):
        attached = drawing.elements[a].get("attachedToRef") == b or drawing.elements[b].get("attachedToRef") == a
        assert attached or not one.overlaps(two) or one.holds(two) or two.holds(one), f"{a} lies on {b}"


@every_procedure
def test_a_shape_stands_inside_its_sub_process(folder):
    drawing = Drawing(folder)
    for id, element in drawing.elements.items():
        around = element.getparent()
        if kind(around) == "subProcess":
            assert drawing.boxes[around.get("id")].holds(drawing.boxes[id]), id


@every_procedure
def test_lines_are_upright_and_long_enough_to_see(folder):
    for flow, line in Drawing(folder).lines.items():
        if flow in Drawing(folder).flows:
            assert all(a[0] == b[0] or a[1] == b[1] for a, b in segments(line)), flow
            assert sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in segments(line)) >= 25, flow


@every_procedure
def test_no_line_crosses_another(folder):
    drawing = Drawing(folder)
    for a, b in combinations(drawing.flows, 2):
        assert not any(meet(one, two) for one in segments(drawing.lines[a]) for two in segments(drawing.lines[b])
                       if not _dock_together(drawing, a, b, one, two)), f"{a} crosses {b}"


def _dock_together(drawing: Drawing, a: str, b: str, one, two) -> bool:
    """Lines may touch where they enter or leave the same shape."""
    shared = drawing.ends(a) & drawing.ends(b)
    return any(p in (drawing.lines[a][0], drawing.lines[a][-1]) and p in (drawing.lines[b][0], drawing.lines[b][-1])
               for p in set(one) & set(two)) and bool(shared)


@every_procedure
def test_no_line_runs_through_a_shape(folder):
    drawing = Drawing(folder)
    for flow in drawing.flows:
        for id, shape in drawing.boxes.items():
            inside = kind(drawing.elements[id]) == "subProcess" and drawing.elements[id] in drawing.flows[flow].iterancestors()
            if id in drawing.ends(flow) or inside:
                continue
            attached = drawing.elements[id].get("attachedToRef") in drawing.ends(flow)
            for a, b in segments(drawing.lines[flow]):
                way = Box(min(a[0], b[0]), min(a[1], b[1]), abs(a[0] - b[0]), abs(a[1] - b[1]))
                assert attached or not shape.overlaps(way), f"{flow} runs through {id}"


@every_procedure
def test_labels_lie_on_no_shape_and_no_other_label(folder):
    drawing = Drawing(folder)
    for (a, one), (b, two) in combinations(drawing.labels.items(), 2):
        assert not one.smaller(3).overlaps(two.smaller(3)), f"label {a} lies on label {b}"
    for id, label in drawing.labels.items():
        for other, shape in drawing.boxes.items():
            if kind(drawing.elements[other]) != "subProcess" and other != id:
                assert not label.smaller(3).overlaps(shape), f"label {id} lies on {other}"


@every_procedure
def test_names_are_chinese_and_short(folder):
    drawing = Drawing(folder)
    for id, element in {**drawing.elements, **drawing.flows}.items():
        name = element.get("name") or ""
        if name:
            assert CHINESE.search(name) and len(name) <= 5, f"{id}: {name}"
        else:
            assert kind(element) in ("sequenceFlow", "parallelGateway", "exclusiveGateway", "textAnnotation"), id
    for element in drawing.of("exclusiveGateway"):
        assert len((element.get("name") or "").rstrip("?")) <= 4, element.get("id")


@every_procedure
def test_english_names_everything_that_has_a_chinese_name(folder):
    drawing, english = Drawing(folder), read_yaml(folder / "en.yaml")
    named = {id for id, e in {**drawing.elements, **drawing.flows}.items() if e.get("name")}
    assert named <= set(english["elements"])
    assert set(english["elements"]) <= set(drawing.elements) | set(drawing.flows) | {drawing.process.get("id")}
    assert not [t for t in english["elements"].values() if not t or CHINESE.search(t)]


@every_procedure
def test_english_has_every_label_of_every_form(folder):
    english = read_yaml(folder / "en.yaml")["forms"]
    assert set(english) == set(forms(folder))
    for id, form in forms(folder).items():
        for component in form["components"]:
            texts = english[id][component["key"]]
            wanted = {k for k in ("label", "description") if k in component} | ({"values"} if "values" in component else set())
            assert wanted <= set(texts), f"{id}.{component['key']}"
            assert {v["value"] for v in component.get("values", ())} == set(texts.get("values", ())), f"{id}.{component['key']}"
            assert not CHINESE.search(json.dumps(texts, ensure_ascii=False)), f"{id}.{component['key']}"


@every_procedure
def test_english_has_every_column_of_every_table(folder):
    english = read_yaml(folder / "en.yaml")["decisions"]
    for path in folder.glob("*.dmn"):
        for decision in etree.parse(path).getroot().iterfind("dmn:decision", NS):
            columns = english[decision.get("id")]
            assert {e.findtext(".//dmn:text", namespaces=NS) for e in decision.iterfind(".//dmn:input", NS)} == set(columns.get("inputs") or ())
            assert {e.get("name") for e in decision.iterfind(".//dmn:output", NS)} == set(columns.get("outputs") or ())


@every_procedure
def test_form_ids_are_their_file_names_and_labels_chinese(folder):
    for stem, form in forms(folder).items():
        assert form["id"] == stem and form["schemaVersion"] == 16
        assert all(CHINESE.search(c["label"]) for c in form["components"]), stem


@every_procedure
def test_the_control_sheet_is_filled_in(folder):
    sheet = read_yaml(folder / "control-sheet.yaml")
    for line in ("code", "name", "status", "tier", "department", "original_department", "drawn_up", "owner", "clauses", "variables"):
        assert sheet.get(line), line
    assert sheet["status"] in ("in-force", "abolished", "draft")
    assert all(set(r) == {"time", "code_before", "code_after", "changes"} for r in sheet["revisions"])


@every_procedure
def test_there_are_stories_and_the_owners_words(folder):
    stories = [read_yaml(p) for p in sorted(folder.glob("scenarios/*.yaml"))]
    assert len(stories) >= 5 and all({"title", "clause", "start", "steps", "then"} <= set(s) for s in stories)
    assert len({s["title"] for s in stories}) == len(stories)
    assert "## 谁" in (folder / "README.md").read_text(encoding="utf-8")


@every_procedure
def test_help_can_be_asked_for_at_any_time(folder):
    if folder.name == "escalation":
        pytest.skip("the procedure that answers the call for help")
    starts = [e for e in Drawing(folder).of("startEvent") if e.find("b:messageEventDefinition", NS) is not None]
    help_wanted, = [e for e in starts if e.find("b:messageEventDefinition", NS).get("messageRef") == "Message_help"]
    called = [extension(e, "calledElement").get("processId") for e in help_wanted.getparent().iterfind("b:callActivity", NS)]
    assert help_wanted.get("isInterrupting") == "false" and called == ["escalation"]


def test_a_department_cannot_refuse_and_nobody_can_say_not_mine():
    answers = {v["value"] for v in forms(ROOT / "bpmn/customer-request")["accept"]["components"][0]["values"]}
    assert answers == {"accept", "ask", "cannot-solve"}
    by_level = {level: {v["value"] for v in form["components"][0]["values"]}
                for level, form in forms(ROOT / "bpmn/escalation").items()}
    common = {"advise", "take-over", "give-to", "call-in"}
    assert by_level == {"answer-supervisor": common | {"raise"}, "answer-manager": common | {"raise", "close"}, "answer-quality": common}


def test_a_limit_and_the_clock_that_watches_it_are_the_same():
    for key in ("customer-request", "escalation"):
        drawing = Drawing(ROOT / "bpmn" / key)
        for clock in drawing.of("boundaryEvent"):
            host = drawing.elements[clock.get("attachedToRef")]
            if kind(host) == "userTask" and host.get("id") != "arrive":
                assert clock.findtext(".//b:timeDate", namespaces=NS) == extension(host, "taskSchedule").get("dueDate"), host.get("id")
