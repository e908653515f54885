"""What an owner draws to ask for a second signature on costs over 500 yuan: one gateway, one task, one form. No Python."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lxml import etree

SHIPPED = Path(__file__).parents[2] / "bpmn" / "customer-request"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
NAMESPACES = ('xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
              'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
              'xmlns:di="http://www.omg.org/spec/DD/20100524/DI"')

NODES = f"""<x {NAMESPACES}>
  <bpmn:exclusiveGateway id="costs_much" name="超500元" default="costs_much__record_result">
    <bpmn:incoming>handle__record_result</bpmn:incoming>
    <bpmn:outgoing>costs_much__second_signature</bpmn:outgoing>
    <bpmn:outgoing>costs_much__record_result</bpmn:outgoing>
  </bpmn:exclusiveGateway>
  <bpmn:userTask id="second_signature" name="批费用">
    <bpmn:extensionElements>
      <zeebe:userTask />
      <zeebe:formDefinition formId="second-signature" />
      <zeebe:assignmentDefinition candidateGroups="supervisor" />
      <zeebe:taskSchedule dueDate="=business time after(now, 60, &quot;business&quot;)" />
      <zeebe:properties><zeebe:property name="clause" value="3" /></zeebe:properties>
    </bpmn:extensionElements>
    <bpmn:incoming>costs_much__second_signature</bpmn:incoming>
    <bpmn:outgoing>second_signature__record_result</bpmn:outgoing>
  </bpmn:userTask>
  <bpmn:sequenceFlow id="costs_much__second_signature" name="是" sourceRef="costs_much" targetRef="second_signature">
    <bpmn:conditionExpression>=cost_yuan != null and cost_yuan &gt; 500</bpmn:conditionExpression>
  </bpmn:sequenceFlow>
  <bpmn:sequenceFlow id="costs_much__record_result" name="否" sourceRef="costs_much" targetRef="record_result" />
  <bpmn:sequenceFlow id="second_signature__record_result" sourceRef="second_signature" targetRef="record_result" />
</x>"""
SHAPES = f"""<x {NAMESPACES}>
  <bpmndi:BPMNShape id="costs_much_di" bpmnElement="costs_much" isMarkerVisible="true">
    <dc:Bounds x="2007" y="425" width="50" height="50" /></bpmndi:BPMNShape>
  <bpmndi:BPMNShape id="second_signature_di" bpmnElement="second_signature"><dc:Bounds x="2092" y="380" width="100" height="80" />
  </bpmndi:BPMNShape>
  <bpmndi:BPMNEdge id="costs_much__second_signature_di" bpmnElement="costs_much__second_signature">
    <di:waypoint x="2057" y="450" /><di:waypoint x="2092" y="450" /></bpmndi:BPMNEdge>
  <bpmndi:BPMNEdge id="costs_much__record_result_di" bpmnElement="costs_much__record_result">
    <di:waypoint x="2032" y="475" /><di:waypoint x="2032" y="500" /></bpmndi:BPMNEdge>
  <bpmndi:BPMNEdge id="second_signature__record_result_di" bpmnElement="second_signature__record_result">
    <di:waypoint x="2120" y="460" /><di:waypoint x="2120" y="480" /></bpmndi:BPMNEdge>
</x>"""
FORM = {"type": "default", "id": "second-signature", "schemaVersion": 16, "components": [
    {"type": "radio", "id": "Field_approved", "key": "approved", "label": "同意这笔费用", "validate": {"required": True},
     "values": [{"label": "同意", "value": "yes"}, {"label": "不同意", "value": "no"}]},
    {"type": "textarea", "id": "Field_approval_note", "key": "approval_note", "label": "意见"}]}


def drawn_into(folder: Path) -> Path:
    """A copy of the shipped procedure in `folder`, with the second signature drawn in."""
    target = folder / "customer-request"
    shutil.copytree(SHIPPED, target)
    diagram = target / "customer-request.bpmn"
    tree = etree.parse(diagram)
    handling = tree.find(f".//{BPMN}subProcess[@id='handling']")
    tree.find(f".//{BPMN}sequenceFlow[@id='handle__record_result']").set("targetRef", "costs_much")
    record = tree.find(f".//{BPMN}serviceTask[@id='record_result']")
    incoming = record.find(f"{BPMN}incoming")
    incoming.text = "costs_much__record_result"
    second = etree.Element(f"{BPMN}incoming")
    second.text = "second_signature__record_result"
    incoming.addnext(second)
    handling.extend(list(etree.fromstring(NODES)))
    plane = tree.find(".//{http://www.omg.org/spec/BPMN/20100524/DI}BPMNPlane")
    plane.extend(list(etree.fromstring(SHAPES)))
    tree.write(diagram, xml_declaration=True, encoding="UTF-8")
    (target / "forms/second-signature.form").write_text(json.dumps(FORM, ensure_ascii=False))
    return target
