"""Any element of the BPMN 2.0 schema at any place: the diagram can be deployed, or faults say what to change. Nothing raises."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from engine.checks import check
from engine.definitions import Procedure, read_folder
from engine.dialect import BPMN, read
from engine.feel import Feel
from engine.operations import Registry

FILES = read_folder(Path(__file__).parent / "diagrams" / "dialect-good").files
GOOD = FILES["dialect-good.bpmn"]

ELEMENTS = re.findall(r"\w+", """
activity adHocSubProcess artifact assignment association auditing baseElement boundaryEvent businessRuleTask callActivity
callChoreography callConversation cancelEventDefinition catchEvent category categoryValue choreography choreographyActivity
choreographyTask collaboration compensateEventDefinition complexBehaviorDefinition complexGateway conditionalEventDefinition
conversation conversationAssociation conversationLink conversationNode correlationKey correlationProperty correlationPropertyBinding
correlationPropertyRetrievalExpression correlationSubscription dataAssociation dataInput dataInputAssociation dataObject
dataObjectReference dataOutput dataOutputAssociation dataState dataStore dataStoreReference documentation endEvent endPoint error
errorEventDefinition escalation escalationEventDefinition event eventBasedGateway eventDefinition exclusiveGateway expression
extension extensionElements flowElement flowNode formalExpression gateway globalBusinessRuleTask globalChoreographyTask
globalConversation globalManualTask globalScriptTask globalTask globalUserTask group humanPerformer implicitThrowEvent import
inclusiveGateway inputSet interface intermediateCatchEvent intermediateThrowEvent ioBinding ioSpecification itemDefinition lane
laneSet linkEventDefinition loopCharacteristics manualTask message messageEventDefinition messageFlow messageFlowAssociation
monitoring multiInstanceLoopCharacteristics operation outputSet parallelGateway participant participantAssociation
participantMultiplicity partnerEntity partnerRole performer potentialOwner process property receiveTask relationship rendering
resource resourceAssignmentExpression resourceParameter resourceParameterBinding resourceRole rootElement scriptTask script sendTask
sequenceFlow serviceTask signal signalEventDefinition standardLoopCharacteristics startEvent subChoreography subConversation
subProcess task terminateEventDefinition text textAnnotation throwEvent timerEventDefinition transaction userTask
conditionExpression timeDate timeDuration timeCycle condition loopCardinality loopDataInputRef completionCondition loopCondition
incoming outgoing flowNodeRef childLaneSet eventDefinitionRef supportedInterfaceRef ioBinding from to dataPath messagePath
""")
PLACES = ["definitions", "process", "startEvent", "userTask", "businessRuleTask", "serviceTask", "scriptTask", "callActivity",
          "subProcess", "sequenceFlow", "exclusiveGateway", "parallelGateway", "eventBasedGateway", "intermediateCatchEvent",
          "boundaryEvent", "endEvent", "timerEventDefinition", "messageEventDefinition", "conditionExpression", "extensionElements",
          "message"]
# what may stand there without a fault: documentation, drawing, data lines that nobody executes
SILENT = {"documentation", "extensionElements", "incoming", "outgoing", "association", "textAnnotation", "group", "dataObject",
          "dataObjectReference", "laneSet", "lane", "participant", "messageFlow", "category", "categoryValue", "ioSpecification",
          "property", "dataInputAssociation", "dataOutputAssociation", "dataInput", "dataOutput", "inputSet", "outputSet",
          "collaboration", "conditionExpression"}  # a condition that says nothing is none


def inserted(tag: str, place: str, identity: str | None, rng: random.Random) -> bytes:
    """The good diagram with an empty element `tag` in one element `place`, at a random position among its children."""
    root = etree.fromstring(GOOD)
    hosts = [root] if place == "definitions" else list(root.iter(f"{{{BPMN}}}{place}"))
    host = rng.choice(hosts)
    element = host.makeelement(f"{{{BPMN}}}{tag}", {"id": identity} if identity else {})
    host.insert(rng.randint(0, len(host)), element)
    return etree.tostring(root)


@pytest.mark.parametrize("place", PLACES)
def test_any_element_at_any_place_is_read_or_told(place):
    rng = random.Random(place)
    for tag in dict.fromkeys(ELEMENTS):
        for identity in ("inserted", None, "register"):
            diagram, faults = read(inserted(tag, place, identity, rng), "fuzz.bpmn")
            assert diagram is not None or faults, tag
            for fault in faults:
                assert fault.check and fault.reason and fault.remedy and fault.file == "fuzz.bpmn", (tag, fault)


@pytest.mark.parametrize("place", ["process", "userTask", "serviceTask", "subProcess", "sequenceFlow", "exclusiveGateway", "boundaryEvent",
                                   "endEvent"])
def test_nothing_that_could_be_executed_is_left_out_in_silence(place):
    """An element that is neither documentation nor in the diagram that was read is told."""
    rng = random.Random(place)
    for tag in dict.fromkeys(ELEMENTS):
        diagram, faults = read(inserted(tag, place, "inserted", rng), "fuzz.bpmn")
        is_read = diagram is not None and ("inserted" in diagram.elements or "inserted" in diagram.flows)
        assert faults or is_read or tag in SILENT or _changed(diagram), tag


def _changed(diagram) -> bool:
    """Whether the diagram differs from the good one: what was inserted changed an element."""
    good = read(GOOD, "fuzz.bpmn")[0]
    return (diagram.elements, diagram.flows) != (good.elements, good.flows)


@cache
def feel():
    return Feel()


def judged(content: bytes) -> set:
    procedure = Procedure.from_files(FILES | {"dialect-good.bpmn": content})
    faults = check(procedure, operations=Registry(), roles=["specialist", "engineering", "supervisor"], known_processes=["escalation"],
                   feel=feel())
    for fault in faults:
        assert fault.check and fault.reason and fault.remedy, fault
    return {(f.check, f.element, f.reason) for f in faults if not f.warning}


def test_the_checks_of_such_a_diagram_never_raise():
    rng = random.Random(20261)
    for _ in range(80):
        judged(inserted(rng.choice(ELEMENTS), rng.choice(PLACES), rng.choice(["inserted", None]), rng))


def test_a_node_that_is_only_put_there_cannot_be_deployed():
    """Not connected, not drawn: one of the checks says so, whatever the node is."""
    rng, usual = random.Random(20262), judged(GOOD)
    for tag in ("userTask", "serviceTask", "sendTask", "receiveTask", "scriptTask", "businessRuleTask", "callActivity", "subProcess",
                "transaction", "adHocSubProcess", "task", "manualTask", "exclusiveGateway", "inclusiveGateway", "parallelGateway",
                "complexGateway", "eventBasedGateway", "startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent",
                "boundaryEvent", "dataStoreReference", "callChoreography"):
        told = judged(inserted(tag, "process", "inserted", rng)) - usual
        assert "inserted" in {element for _, element, _ in told} or told, tag
