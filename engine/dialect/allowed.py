"""What the dialect allows, element by element, and what it says of the rest."""

from __future__ import annotations

from engine.dialect.model import EventKind, Kind, TimerKind
from engine.dialect.texts import (
    after_equals,
    due_value,
    feel_or_text,
    fixed_name,
    group_names,
    number_value,
    variable_name,
)

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
OTHER_ENGINES = ("http://camunda.org/schema/1.0/bpmn", "http://activiti.org/bpmn", "http://flowable.org/bpmn",
                 "http://spiffworkflow.org/bpmn/schema/1.0/core", "http://operaton.org/schema/1.0/bpmn", "http://www.jboss.org/drools")

MAX_BYTES = 2 * 1024 * 1024
MAX_MARKS = 30_000  # of tags; 250 nodes with their drawing take a third of it
MAX_ATTRIBUTES = 80_000
MAX_NODES = 250
MAX_FLOWS = 1000
MAX_NESTING = 5

READ_CHECKS: dict[str, tuple[str, str]] = {
    "readable": ("The file is XML in BPMN 2.0, not empty, at most 2 MB, without DOCTYPE.",
                 "Save the diagram again with the editor; never put a DOCTYPE or entities into it."),
    "one-process": ("Exactly one process of the file is executable; other pools are documentation.",
                    "Set 'Executable' on the one process that is to run and clear it on the others."),
    "too-large": ("At most 250 nodes, 1,000 flows, sub-processes nested 5 deep, 30,000 tags and 80,000 attributes.",
                  "Move a part into a procedure of its own and call it with a call activity."),
    "unique-id": ("Every element has an id of its own.", "Give the element an id that no other element has."),
    "unknown-element": ("Every element, event and marker is one that this dialect executes or knows as documentation.",
                        "Draw it with an element that the dialect knows; see docs/reference/dialect.md."),
    "unknown-extension": ("Every extension element and attribute is one that this dialect understands on that element.",
                          "Remove it in the properties panel."),
    "event-definition": ("An event says completely what it waits for: a timer has one time, a message a named message.",
                         "Fill in the event's details in the properties panel."),
    "timer-text": ("A timer's text is FEEL after '=', or an ISO 8601 duration, instant with offset, or cycle.",
                   "Write PT15M, P1D, R3/PT1H or 2026-12-01T10:00:00+08:00, or FEEL such as =resolution_due_at."),
    "expression-text": ("An expression starts with '=', is not empty and has at most 4,000 characters.",
                        "Write '=' and then FEEL."),
    "fixed-name": ("A form, decision, operation, process, message or variable is named by a fixed plain name.",
                   "Write the name itself, not an expression; variables are letters, digits and '_'."),
}

DOCUMENTATION = frozenset({"textAnnotation", "association", "group", "dataObject", "dataObjectReference", "laneSet",
                            "lane", "participant", "collaboration", "messageFlow", "category", "categoryValue"})
PLUMBING = frozenset({"documentation", "extensionElements", "incoming", "outgoing"})
DATA_LINES = frozenset({"ioSpecification", "property", "dataInputAssociation", "dataOutputAssociation",
                         "dataInput", "dataOutput", "inputSet", "outputSet"})
ROOT_DOCUMENTATION = frozenset({"documentation", "extensionElements", "process", "message", "itemDefinition", "error",
                                 "signal", "escalation", "collaboration", "category", "relationship"})

REFUSED: dict[str, tuple[str, str]] = {
    "task": ("A task without a type has nobody who does it.", "Make it a user task, service task or script task."),
    "manualTask": ("A manual task leaves no record.", "Make it a user task with a form."),
    "dataStore": ("Data stores are not executed.", "Remove it; operations of service tasks read and write records."),
    "dataStoreReference": ("Data stores are not executed.",
                           "Remove it; operations of service tasks read and write records."),
    "complexGateway": ("Complex gateways are not executed.", "Use exclusive and parallel gateways."),
    "adHocSubProcess": ("Ad-hoc sub-processes are not executed.", "Draw the order, or use several user tasks."),
    "eventDefinitionRef": ("Shared event definitions are not read.", "Define the event on the element itself."),
    "potentialOwner": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "humanPerformer": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "performer": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "resourceRole": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "script": ("Scripts in other languages are never run.", "Write the script as FEEL expression with a result variable."),
    "compensation start": ("Compensation starts of event sub-processes are not executed.",
                           "Attach a compensation boundary event with its handler to the activity."),
    "import": ("Imports are not read.", "Keep one process in one file and call others with call activities."),
}

EVENTS: dict[Kind, frozenset[EventKind]] = {
    Kind.START: frozenset({EventKind.NONE, EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ERROR,
                           EventKind.ESCALATION, EventKind.CONDITION}),
    Kind.END: frozenset({EventKind.NONE, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
                         EventKind.COMPENSATION, EventKind.CANCEL, EventKind.TERMINATE}),
    Kind.CATCH: frozenset({EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.CONDITION, EventKind.LINK}),
    Kind.THROW: frozenset({EventKind.NONE, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ESCALATION, EventKind.COMPENSATION,
                           EventKind.LINK}),
    Kind.BOUNDARY: frozenset({EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
                              EventKind.CONDITION, EventKind.COMPENSATION, EventKind.CANCEL}),
}
EVENT_TAGS = {f"{kind.value}EventDefinition": kind for kind in EventKind if kind is not EventKind.NONE}
ALWAYS_INTERRUPT = frozenset({EventKind.ERROR, EventKind.CANCEL})
TIMER_TAGS = {"timeDate": TimerKind.DATE, "timeDuration": TimerKind.DURATION, "timeCycle": TimerKind.CYCLE}
MARKERS = frozenset({"multiInstanceLoopCharacteristics", "standardLoopCharacteristics"})
BINDINGS = ("latest", "deployment", "versionTag")

EXTENSIONS: dict[Kind, frozenset[str]] = {
    Kind.USER: frozenset({"formDefinition", "assignmentDefinition", "taskSchedule", "priorityDefinition", "userTask"}),
    Kind.SERVICE: frozenset({"taskDefinition"}),
    Kind.RULE: frozenset({"calledDecision"}),
    Kind.SCRIPT: frozenset({"script"}),
    Kind.CALL: frozenset({"calledElement"}),
    Kind.SEND: frozenset({"taskDefinition"}),
    Kind.THROW: frozenset({"taskDefinition"}),
    Kind.END: frozenset({"taskDefinition"}),
}
EXTENSION_ATTRIBUTES: dict[str, frozenset[str]] = {
    "formDefinition": frozenset({"formId", "bindingType"}),
    "assignmentDefinition": frozenset({"assignee", "candidateGroups"}),
    "taskSchedule": frozenset({"dueDate", "followUpDate"}),
    "priorityDefinition": frozenset({"priority"}),
    "taskDefinition": frozenset({"type"}),
    "calledDecision": frozenset({"decisionId", "resultVariable", "bindingType"}),
    "script": frozenset({"expression", "resultVariable"}),
    "calledElement": frozenset({"processId", "propagateAllChildVariables", "propagateAllParentVariables",
                                "bindingType", "versionTag"}),
    "loopCharacteristics": frozenset({"inputCollection", "inputElement", "outputCollection", "outputElement"}),
    "input": frozenset({"source", "target"}),
    "output": frozenset({"source", "target"}),
    "property": frozenset({"name", "value"}),
    "subscription": frozenset({"correlationKey"}),
}
EXTENSION_REMEDIES = {
    "taskHeaders": "Give the operation its parameters as input mappings.",
    "executionListeners": "Draw a service task instead of a listener.",
    "taskListeners": "Draw a service task instead of a listener.",
    "loopCharacteristics": "It belongs into the multi-instance marker of an activity.",
    "userTaskForm": "Put the form into forms/ and name it by its id.",
}
FIXED_ATTRIBUTES: dict[str, tuple[frozenset[str], str, str]] = {
    "parallelMultiple": (frozenset({"false"}), "Parallel multiple events are not executed.", "Use one event each."),
    "instantiate": (frozenset({"false"}), "Instantiating gateways are not executed.", "Use a start event."),
    "eventGatewayType": (frozenset({"Exclusive"}), "Parallel event gateways are not executed.", "Use the exclusive type."),
    "startQuantity": (frozenset({"1"}), "Token quantities are not executed.", "Remove the start quantity."),
    "completionQuantity": (frozenset({"1"}), "Token quantities are not executed.", "Remove the completion quantity."),
    "calledElement": (frozenset(), "The BPMN attribute calledElement is not read.",
                      "Name the called process in the properties panel (zeebe:calledElement processId)."),
}

# attribute of an extension element -> (field of Element, how its text becomes the value, id of the check that guards it)
ATTRIBUTE_FIELDS = {
    ("formDefinition", "formId"): ("form", fixed_name, "fixed-name"),
    ("assignmentDefinition", "candidateGroups"): ("groups", group_names, "expression-text"),
    ("assignmentDefinition", "assignee"): ("assignee", feel_or_text, "expression-text"),
    ("taskSchedule", "dueDate"): ("due", due_value, "timer-text"),
    ("taskSchedule", "followUpDate"): ("follow_up", due_value, "timer-text"),
    ("priorityDefinition", "priority"): ("priority", number_value, "expression-text"),
    ("taskDefinition", "type"): ("operation", fixed_name, "fixed-name"),
    ("calledDecision", "decisionId"): ("decision", fixed_name, "fixed-name"),
    ("calledDecision", "resultVariable"): ("result", variable_name, "fixed-name"),
    ("script", "expression"): ("script", feel_or_text, "expression-text"),
    ("script", "resultVariable"): ("result", variable_name, "fixed-name"),
    ("calledElement", "processId"): ("called", fixed_name, "fixed-name"),
    ("calledElement", "versionTag"): ("version_tag", fixed_name, "fixed-name"),
}

# attribute of zeebe:loopCharacteristics -> (field of Multi, how its text becomes the value, id of the check that guards it)
LOOP_FIELDS = {
    "inputCollection": ("collection", after_equals, "expression-text"),
    "inputElement": ("item", variable_name, "fixed-name"),
    "outputCollection": ("output_collection", variable_name, "fixed-name"),
    "outputElement": ("output", after_equals, "expression-text"),
}
