"""The dialect: what a diagram may say, as plain data (design: BPMN 2.0 with the `zeebe` extension elements).

`read(xml)` turns the text of one BPMN file into a `Diagram`; it never executes anything and knows no SpiffWorkflow.
What is wrong with a diagram is not raised one by one: every fault is collected as a `Fault` with element, reason and remedy,
so that an author sees them all at once. Surprise: expressions are kept without their leading `=`; a literal text in an
attribute that allows both (an assignee, a group) is kept as FEEL giving that text, so everybody downstream sees FEEL only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from lxml import etree


class Kind(StrEnum):
    """The kinds of element that are executed. Anything else is documentation or refused."""

    START = "startEvent"
    END = "endEvent"
    CATCH = "intermediateCatchEvent"
    THROW = "intermediateThrowEvent"
    BOUNDARY = "boundaryEvent"
    USER = "userTask"
    SERVICE = "serviceTask"
    RULE = "businessRuleTask"
    SCRIPT = "scriptTask"
    CALL = "callActivity"
    SUBPROCESS = "subProcess"  # embedded; an event sub-process when `triggered_by_event`
    EXCLUSIVE = "exclusiveGateway"
    PARALLEL = "parallelGateway"
    EVENT_GATEWAY = "eventBasedGateway"


class EventKind(StrEnum):
    NONE = "none"
    TIMER = "timer"
    MESSAGE = "message"
    TERMINATE = "terminate"


class TimerKind(StrEnum):
    DATE = "date"  # FEEL gives an instant; null = not armed
    DURATION = "duration"  # FEEL gives a duration, counted in wall time from arming; null = not armed
    CYCLE = "cycle"  # FEEL gives a duration (repeats without end, non-interrupting only) or text "R3/PT1H"


@dataclass(frozen=True, slots=True)
class Event:
    """What an event waits for or does."""

    kind: EventKind = EventKind.NONE
    timer: TimerKind | None = None
    expression: str | None = None  # FEEL of the timer
    message: str | None = None  # message name
    correlation_key: str | None = None  # FEEL of zeebe:subscription correlationKey


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of zeebe:ioMapping: FEEL `source` into the variable `target`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    source: str
    target: str
    name: str = ""
    condition: str | None = None  # FEEL without "="
    default: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """One executed node. Fields that a kind does not know stay at their default."""

    id: str
    kind: Kind
    name: str  # label in the diagram; the id where it has none
    scope: str  # id of the process or sub-process it stands in
    incoming: tuple[str, ...] = ()  # flow ids
    outgoing: tuple[str, ...] = ()
    lane: str | None = None
    documentation: str = ""
    properties: dict[str, str] = field(default_factory=dict)  # zeebe:properties: clause, record, ...
    event: Event = Event()
    attached_to: str | None = None  # boundary events
    interrupting: bool = True  # boundary events and starts of event sub-processes
    triggered_by_event: bool = False  # event sub-process
    form: str | None = None  # zeebe:formDefinition formId
    groups: str | None = None  # FEEL giving a text or a list of texts
    assignee: str | None = None  # FEEL giving a text or null
    due: str | None = None  # FEEL giving an instant or null
    follow_up: str | None = None
    priority: str | None = None  # FEEL giving a number 0..100
    operation: str | None = None  # zeebe:taskDefinition type
    decision: str | None = None  # zeebe:calledDecision decisionId
    script: str | None = None  # FEEL of zeebe:script
    result: str | None = None  # resultVariable of decision and script
    called: str | None = None  # zeebe:calledElement processId
    propagate_all: bool = False  # child's variables all come back (zeebe propagateAllChildVariables)
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()

    @property
    def clause(self) -> str | None:
        return self.properties.get("clause")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing an author has to change. `check` is the id of the check that found it."""

    file: str
    element: str | None
    reason: str
    remedy: str
    check: str = ""
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.element or '-'}: {self.reason} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Diagram:
    """One executable process of one file."""

    key: str  # process id
    name: str
    elements: dict[str, Element]
    flows: dict[str, Flow]
    documentation_only: tuple[str, ...] = ()  # ids of annotations, groups, lanes, data objects, ...
    shapes: frozenset[str] = frozenset()  # ids that have a drawn shape or edge
    refused: frozenset[str] = frozenset()  # ids of nodes that were refused; flows to them are no second fault
    file: str = ""

    def inside(self, scope: str) -> list[Element]:
        """The elements that stand directly in `scope` (the process' key or a sub-process' id), in document order."""
        return [e for e in self.elements.values() if e.scope == scope]

    def boundary_of(self, element_id: str) -> list[Element]:
        return [e for e in self.elements.values() if e.attached_to == element_id]


# --- reading ---------------------------------------------------------------------------------------------------------

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
OTHER_ENGINES = ("http://camunda.org/schema/1.0/bpmn", "http://activiti.org/bpmn", "http://flowable.org/bpmn",
                 "http://spiffworkflow.org/bpmn/schema/1.0/core")

MAX_BYTES = 2 * 1024 * 1024
MAX_NODES = 250
MAX_FLOWS = 1000
MAX_NESTING = 5
MAX_EXPRESSION = 4000

READ_CHECKS: dict[str, tuple[str, str]] = {
    "readable": ("The file is XML in BPMN 2.0, not empty, at most 2 MB, without DOCTYPE.",
                 "Save the diagram again with the editor; never put a DOCTYPE or entities into it."),
    "one-process": ("Exactly one process of the file is executable; other pools are documentation.",
                    "Set 'Executable' on the one process that is to run and clear it on the others."),
    "too-large": ("At most 250 nodes, 1,000 flows and sub-processes nested 5 deep.",
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

_DOCUMENTATION = frozenset({"textAnnotation", "association", "group", "dataObject", "dataObjectReference", "laneSet",
                            "lane", "participant", "collaboration", "messageFlow", "category", "categoryValue"})
_PLUMBING = frozenset({"documentation", "extensionElements", "incoming", "outgoing"})
_DATA_LINES = frozenset({"ioSpecification", "property", "dataInputAssociation", "dataOutputAssociation",
                         "dataInput", "dataOutput", "inputSet", "outputSet"})
_ROOT_DOCUMENTATION = frozenset({"documentation", "extensionElements", "process", "message", "itemDefinition", "error",
                                 "signal", "escalation", "collaboration", "category", "relationship"})

_REFUSED: dict[str, tuple[str, str]] = {
    "task": ("A task without a type has nobody who does it.", "Make it a user task, service task or script task."),
    "manualTask": ("A manual task leaves no record.", "Make it a user task with a form."),
    "sendTask": ("Send tasks are not executed.", "Use a message throw event, or a service task with an operation."),
    "receiveTask": ("Receive tasks are not executed yet.", "Use a message catch event."),
    "dataStore": ("Data stores are not executed.", "Remove it; operations of service tasks read and write records."),
    "dataStoreReference": ("Data stores are not executed.",
                           "Remove it; operations of service tasks read and write records."),
    "complexGateway": ("Complex gateways are not executed.", "Use exclusive and parallel gateways."),
    "inclusiveGateway": ("Inclusive gateways are not executed yet.", "Use exclusive and parallel gateways."),
    "adHocSubProcess": ("Ad-hoc sub-processes are not executed.", "Draw the order, or use several user tasks."),
    "transaction": ("Transactions are not executed yet.", "Use a sub-process."),
    "multiInstanceLoopCharacteristics": ("Multi-instance is not executed yet.", "Draw a loop with a gateway."),
    "standardLoopCharacteristics": ("Loop markers are not executed yet.", "Draw the loop with a gateway."),
    "signalEventDefinition": ("Signal events are not executed yet.", "Use a message event."),
    "errorEventDefinition": ("Error events are not executed yet.", "Use a gateway after the task."),
    "escalationEventDefinition": ("Escalation events are not executed yet.",
                                  "Call the procedure escalation with a call activity."),
    "conditionalEventDefinition": ("Conditional events are not executed yet.", "Use a message or timer event."),
    "compensateEventDefinition": ("Compensation is not executed yet.", "Draw the way back as tasks."),
    "linkEventDefinition": ("Link events are not executed yet.", "Draw the sequence flow itself."),
    "cancelEventDefinition": ("Cancel events are not executed yet.", "Use a message or timer boundary event."),
    "eventDefinitionRef": ("Shared event definitions are not read.", "Define the event on the element itself."),
    "potentialOwner": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "humanPerformer": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "performer": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "resourceRole": ("Resource roles are not read.", "Use the candidate groups of the user task."),
    "script": ("Scripts in other languages are never run.", "Write the script as FEEL expression with a result variable."),
    "import": ("Imports are not read.", "Keep one process in one file and call others with call activities."),
}

_ACTIVITIES = frozenset({Kind.USER, Kind.SERVICE, Kind.RULE, Kind.SCRIPT, Kind.CALL, Kind.SUBPROCESS})
_EVENTS: dict[Kind, frozenset[EventKind]] = {
    Kind.START: frozenset({EventKind.NONE, EventKind.TIMER, EventKind.MESSAGE}),
    Kind.END: frozenset({EventKind.NONE, EventKind.TERMINATE}),
    Kind.CATCH: frozenset({EventKind.TIMER, EventKind.MESSAGE}),
    Kind.THROW: frozenset({EventKind.NONE}),
    Kind.BOUNDARY: frozenset({EventKind.TIMER, EventKind.MESSAGE}),
}
_EVENT_TAGS = {"timerEventDefinition": EventKind.TIMER, "messageEventDefinition": EventKind.MESSAGE,
               "terminateEventDefinition": EventKind.TERMINATE}
_TIMER_TAGS = {"timeDate": TimerKind.DATE, "timeDuration": TimerKind.DURATION, "timeCycle": TimerKind.CYCLE}

_EXTENSIONS: dict[Kind, frozenset[str]] = {
    Kind.USER: frozenset({"formDefinition", "assignmentDefinition", "taskSchedule", "priorityDefinition", "userTask"}),
    Kind.SERVICE: frozenset({"taskDefinition"}),
    Kind.RULE: frozenset({"calledDecision"}),
    Kind.SCRIPT: frozenset({"script"}),
    Kind.CALL: frozenset({"calledElement"}),
}
_EXTENSION_ATTRIBUTES: dict[str, frozenset[str]] = {
    "formDefinition": frozenset({"formId", "bindingType"}),
    "assignmentDefinition": frozenset({"assignee", "candidateGroups"}),
    "taskSchedule": frozenset({"dueDate", "followUpDate"}),
    "priorityDefinition": frozenset({"priority"}),
    "taskDefinition": frozenset({"type"}),
    "calledDecision": frozenset({"decisionId", "resultVariable", "bindingType"}),
    "script": frozenset({"expression", "resultVariable"}),
    "calledElement": frozenset({"processId", "propagateAllChildVariables", "propagateAllParentVariables",
                                "bindingType"}),
    "input": frozenset({"source", "target"}),
    "output": frozenset({"source", "target"}),
    "property": frozenset({"name", "value"}),
    "subscription": frozenset({"correlationKey"}),
}
_EXTENSION_REMEDIES = {
    "taskHeaders": "Give the operation its parameters as input mappings.",
    "executionListeners": "Draw a service task instead of a listener.",
    "taskListeners": "Draw a service task instead of a listener.",
    "loopCharacteristics": "Draw a loop with a gateway.",
    "userTaskForm": "Put the form into forms/ and name it by its id.",
}
_MARKERS: dict[str, tuple[frozenset[str], str, str]] = {
    "isForCompensation": (frozenset({"false"}), *_REFUSED["compensateEventDefinition"]),
    "parallelMultiple": (frozenset({"false"}), "Parallel multiple events are not executed.", "Use one event each."),
    "instantiate": (frozenset({"false"}), "Instantiating gateways are not executed.", "Use a start event."),
    "eventGatewayType": (frozenset({"Exclusive"}), "Parallel event gateways are not executed.", "Use the exclusive type."),
    "startQuantity": (frozenset({"1"}), "Token quantities are not executed.", "Remove the start quantity."),
    "completionQuantity": (frozenset({"1"}), "Token quantities are not executed.", "Remove the completion quantity."),
    "calledElement": (frozenset(), "The BPMN attribute calledElement is not read.",
                      "Name the called process in the properties panel (zeebe:calledElement processId)."),
}


def read(xml: bytes | str, file: str) -> tuple[Diagram | None, list[Fault]]:
    """The one executable process of a BPMN file, and every fault found on the way.

    The diagram is None where the file as a whole is refused. With faults (other than warnings) it may not be deployed;
    it is given all the same, so that checks can report theirs in the same run. Never raises, whatever the bytes are.
    """
    reader = _Reader(file)
    root = reader.parse(xml.encode("utf-8", "surrogatepass") if isinstance(xml, str) else xml)
    return (None if root is None else reader.diagram(root)), reader.faults


class BadText(ValueError):
    """A text in a diagram does not say what its place asks for. `remedy` says what to write."""

    def __init__(self, reason: str, remedy: str):
        self.remedy = remedy
        super().__init__(reason)


_DAYS_TIME = re.compile(r"P(?=\d|T\d)(?:\d{1,6}D)?(?:T(?=\d)(?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?")
_YEARS_MONTHS = re.compile(r"P(?=\d)(?:\d{1,4}Y)?(?:\d{1,5}M)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")
_CYCLE = re.compile(r"R(\d{0,4})/(.+)")


def check_duration(text: str) -> str:
    """`text` if it is an ISO 8601 duration that FEEL knows, not negative; raises BadText otherwise."""
    if text.startswith("-"):
        raise BadText(f"The duration {text} is negative.", "Write a duration from zero on, such as PT15M.")
    if _DAYS_TIME.fullmatch(text) or _YEARS_MONTHS.fullmatch(text):
        return text
    if re.fullmatch(r"P\d+W", text):
        raise BadText(f"FEEL knows no weeks: {text}.", f"Write P{7 * int(text[1:-1][:6])}D.")
    raise BadText(f"{text!r} is not an ISO 8601 duration.", "Write PT15M for 15 minutes, PT4H for hours, P1D for days.")


def check_instant(text: str) -> str:
    """`text` if it is an ISO 8601 instant with offset; raises BadText otherwise."""
    try:
        if _INSTANT.fullmatch(text) and datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise BadText(f"{text!r} is not an instant with its offset.", "Write it like 2026-12-01T10:00:00+08:00.")


def parse_cycle(text: str) -> tuple[int | None, str]:
    """How often (None: without end) and the ISO duration between two runs of a cycle text such as R3/PT1H."""
    match = _CYCLE.fullmatch(text)
    if not match or match[1] and int(match[1]) < 1:
        raise BadText(f"{text!r} is not a cycle.", "Write R3/PT1H for three times every hour, R/PT1H without end.")
    return (int(match[1]) if match[1] else None), _timer_duration(match[2])


def _timer_duration(text: str) -> str:
    """A duration that a timer can count: days, hours, minutes, whole seconds, above zero."""
    check_duration(text)
    if not _DAYS_TIME.fullmatch(text) or "." in text:
        raise BadText(f"A timer counts days, hours, minutes and seconds, not {text}.", "Write P30D, PT4H or PT15M.")
    if not re.search(r"[1-9]", text):
        raise BadText(f"The timer's duration {text} is zero.", "Write a duration longer than zero.")
    return text


def feel_text(text: str) -> str:
    """A FEEL string literal that gives `text`."""
    return json.dumps(text, ensure_ascii=False)


def timer_expression(kind: TimerKind, text: str) -> str:
    """The FEEL of a timer's text: what stands after '=', or a checked ISO 8601 literal turned into FEEL."""
    text = text.strip()
    if text.startswith("="):
        return _after_equals(text)
    if kind is TimerKind.DATE:
        return f"date and time({feel_text(check_instant(text))})"
    if kind is TimerKind.DURATION or text.startswith(("P", "-")):
        return f"duration({feel_text(_timer_duration(text))})"
    parse_cycle(text)
    return feel_text(text)


def _after_equals(text: str) -> str:
    expression = text.strip()[1:].strip()
    if not expression:
        raise BadText("The expression after '=' is empty.", "Write FEEL after '=', or clear the field.")
    if len(expression) > MAX_EXPRESSION:
        raise BadText(f"The expression is longer than {MAX_EXPRESSION} characters.", "Use a decision table.")
    return expression


def _value(text: str) -> str:
    """FEEL for an attribute that allows both: FEEL after '=', anything else is a literal text."""
    return _after_equals(text) if text.lstrip().startswith("=") else feel_text(text.strip())


def _groups(text: str) -> str:
    if text.lstrip().startswith("="):
        return _after_equals(text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    return feel_text(names[0]) if len(names) == 1 else json.dumps(names, ensure_ascii=False)


def _due_value(text: str) -> str:
    """A due date: FEEL, an instant, or a duration that counts from when the task opens."""
    is_duration = text.strip().startswith(("P", "-"))
    return timer_expression(TimerKind.DURATION if is_duration else TimerKind.DATE, text)


def _number_value(text: str) -> str:
    if text.lstrip().startswith("="):
        return _after_equals(text)
    if not re.fullmatch(r"\d{1,3}", text.strip()) or int(text) > 100:
        raise BadText(f"The priority {text!r} is not a whole number from 0 to 100.", "Write 50, or FEEL after '='.")
    return str(int(text))


def _fixed(text: str) -> str:
    if text.lstrip().startswith("="):
        raise BadText(f"{text!r} is an expression where a fixed name is needed.", "Write the name itself.")
    return text.strip()


def _variable(text: str) -> str:
    name = text.strip()
    if not name.isidentifier() or name.startswith("__") or len(name) > 80:
        raise BadText(f"{name!r} is not a plain variable name.", "Use letters, digits and '_', not starting with a digit.")
    return name


# attribute of an extension element -> (field of Element, how its text becomes the value, id of the check that guards it)
_ATTRIBUTE_FIELDS = {
    ("formDefinition", "formId"): ("form", _fixed, "fixed-name"),
    ("assignmentDefinition", "candidateGroups"): ("groups", _groups, "expression-text"),
    ("assignmentDefinition", "assignee"): ("assignee", _value, "expression-text"),
    ("taskSchedule", "dueDate"): ("due", _due_value, "timer-text"),
    ("taskSchedule", "followUpDate"): ("follow_up", _due_value, "timer-text"),
    ("priorityDefinition", "priority"): ("priority", _number_value, "expression-text"),
    ("taskDefinition", "type"): ("operation", _fixed, "fixed-name"),
    ("calledDecision", "decisionId"): ("decision", _fixed, "fixed-name"),
    ("calledDecision", "resultVariable"): ("result", _variable, "fixed-name"),
    ("script", "expression"): ("script", _value, "expression-text"),
    ("script", "resultVariable"): ("result", _variable, "fixed-name"),
    ("calledElement", "processId"): ("called", _fixed, "fixed-name"),
}


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    group: str | None


@dataclass(frozen=True, slots=True)
class _Message:
    name: str
    correlation_key: str | None


class _Reader:
    """Reads one file. Every method adds to `faults` what it refuses and goes on with the rest."""

    def __init__(self, file: str):
        self.file = file
        self.faults: list[Fault] = []
        self.elements: dict[str, Element] = {}
        self.flows: dict[str, Flow] = {}
        self.documentation: list[str] = []
        self.refused: set[str] = set()
        self.ids: set[str] = set()
        self.messages: dict[str, _Message | None] = {}
        self.lanes: dict[str, _Lane] = {}
        self.defaults: dict[str, str] = {}  # flow id -> gateway that names it as default

    def fault(self, check: str, element: str | None, reason: str, remedy: str | None = None) -> None:
        self.faults.append(Fault(self.file, element, reason, remedy or READ_CHECKS[check][1], check))

    def text(self, check: str, element: str | None, convert, text: str):
        """convert(text), or None with a fault where the text is not fit."""
        try:
            return convert(text)
        except BadText as bad:
            self.fault(check, element, str(bad), bad.remedy)
            return None

    # the file

    def parse(self, xml: bytes):
        if not xml.strip():
            return self.fault("readable", None, "The file is empty.")
        if len(xml) > MAX_BYTES:
            return self.fault("readable", None, f"The file has {len(xml):,} bytes, more than {MAX_BYTES:,}.",
                              READ_CHECKS["too-large"][1])
        if re.search(rb"<!\s*DOCTYPE", xml.replace(b"\0", b""), re.IGNORECASE):
            return self.fault("readable", None, "The file has a DOCTYPE.", "Remove the DOCTYPE line and all entities.")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                                 huge_tree=False, remove_comments=True, remove_pis=True)
        try:
            root = etree.fromstring(xml, parser)
        except (etree.LxmlError, ValueError, LookupError) as error:
            return self.fault("readable", None, f"The file is not XML: {str(error)[:200]}.")
        if root is None or root.getroottree().docinfo.internalDTD is not None:
            return self.fault("readable", None, "The file has a DOCTYPE.", "Remove the DOCTYPE line and all entities.")
        if root.tag != f"{{{BPMN}}}definitions":
            return self.fault("readable", None, f"The file is not BPMN 2.0: its root is {_shown(root.tag)}.")
        return root

    def diagram(self, root) -> Diagram | None:
        process = self.executable_process(root)
        if process is None or not self.fits(process):
            return None
        key = process.get("id") or ""
        if not key:
            return self.fault("unique-id", None, "The process has no id.", "Set the process id to the folder's name.")
        self.ids.add(key)
        self.root_elements(root, process)
        self.process_extensions(process, key)
        self.scope(process, key, 0)
        return Diagram(key, _label(process, key), self.joined_elements(), self.joined_flows(),
                       tuple(dict.fromkeys(self.documentation)), _shapes(root), frozenset(self.refused), self.file)

    def executable_process(self, root):
        executable = [p for p in root.iterfind(_b("process")) if p.get("isExecutable") in ("true", "1")]
        if len(executable) == 1:
            return executable[0]
        if not executable:
            return self.fault("one-process", None, "No process of the file is executable.")
        names = ", ".join(p.get("id") or "?" for p in executable[:5])
        return self.fault("one-process", None, f"Several processes are executable: {names}.")

    def fits(self, process) -> bool:
        nodes = flows = 0
        for node in process.iterdescendants():
            namespace, tag = _split(node.tag)
            if namespace == BPMN:
                flows += tag == "sequenceFlow"
                nodes += tag in _NODE_TAGS
        if nodes > MAX_NODES:
            self.fault("too-large", None, f"The process has {nodes} nodes, more than {MAX_NODES}.")
        if flows > MAX_FLOWS:
            self.fault("too-large", None, f"The process has {flows} flows, more than {MAX_FLOWS}.")
        return nodes <= MAX_NODES and flows <= MAX_FLOWS

    def root_elements(self, root, process) -> None:
        for child in root:
            namespace, tag = _split(child.tag)
            if namespace != BPMN or child is process:
                continue
            if tag == "message":
                self.message(child)
            elif tag == "process" or tag in ("collaboration", "category"):
                self.documentation += [n.get("id") for n in child.iter() if n.get("id")]
            elif tag not in _ROOT_DOCUMENTATION:
                self.refuse(child, tag)

    def message(self, node) -> None:
        identity, name, key = node.get("id") or "", (node.get("name") or "").strip(), None
        if name.startswith("="):
            self.fault("fixed-name", identity, f"The message name {name!r} is an expression.", "Write the name itself.")
        for extension in self.extensions(node, identity, frozenset({"subscription"})):
            text = extension.get("correlationKey") or ""
            key = self.text("expression-text", identity, _value, text) if text.strip() else None
        self.messages[identity] = _Message(name, key) if name else None

    def process_extensions(self, process, key: str) -> None:
        for extension in self.extensions(process, key, frozenset({"properties", "versionTag"})):
            if _split(extension.tag)[1] == "properties":
                self.properties(extension, key)

    # what stands in a process or sub-process

    def scope(self, node, scope: str, depth: int) -> None:
        for lane_set in node.iterfind(_b("laneSet")):
            self.lane_set(lane_set)
        for child in node:
            namespace, tag = _split(child.tag)
            if namespace != BPMN:
                self.fault("unknown-extension", scope, f"The element {_shown(child.tag)} is not BPMN.")
            elif tag == "sequenceFlow":
                self.flow(child)
            elif tag in _KIND_BY_TAG:
                self.element(child, _KIND_BY_TAG[tag], scope, depth)
            elif tag in _DOCUMENTATION:
                self.documentation += [n.get("id") for n in child.iter() if n.get("id")]
            elif tag not in _PLUMBING and tag not in _DATA_LINES:
                self.refuse(child, tag, scope if tag.endswith("LoopCharacteristics") else child.get("id") or scope)

    def refuse(self, node, tag: str, element: str | None = None) -> None:
        reason, remedy = _REFUSED.get(tag, (f"The element {tag} is not part of the dialect.", None))
        if tag in _NODE_TAGS and node.get("id"):
            self.refused.add(node.get("id"))
        self.fault("unknown-element", element or node.get("id") or _label(node, tag), reason, remedy)

    def new_id(self, node, tag: str) -> str | None:
        identity = node.get("id")
        if not identity:
            return self.fault("unique-id", None, f"The {tag} {node.get('name') or ''} has no id.".replace("  ", " "))
        if not re.fullmatch(r"[^\W\d][\w.-]{0,99}", identity):
            return self.fault("unique-id", identity[:100], "The id is no XML name.", "Use letters, digits, '_', '-', '.'.")
        if identity in self.ids:
            return self.fault("unique-id", identity, f"The id {identity} is used twice.")
        self.ids.add(identity)
        return identity

    def lane_set(self, node) -> None:
        for lane in node.iterfind(_b("lane")):
            named = _Lane(_label(lane, lane.get("id") or ""), self.lane_group(lane))
            for reference in lane.iterfind(_b("flowNodeRef")):
                self.lanes[(reference.text or "").strip()] = named
            for child in lane.iterfind(_b("childLaneSet")):
                self.lane_set(child)

    def lane_group(self, lane) -> str | None:
        """The group a lane stands for: its property `group`, or its name."""
        properties: dict[str, str] = {}
        for extension in self.extensions(lane, lane.get("id"), frozenset({"properties"})):
            properties |= self.properties(extension, lane.get("id"))
        return properties.get("group") or (lane.get("name") or "").strip() or None

    def flow(self, node) -> None:
        identity = self.new_id(node, "sequence flow")
        if identity is None:
            return
        condition = None
        for child in node:
            namespace, tag = _split(child.tag)
            if tag == "conditionExpression" and namespace == BPMN:
                condition = self.condition(child, identity)
            elif tag == "extensionElements" and namespace == BPMN:
                list(self.extensions(node, identity, frozenset({"properties"})))
            elif tag not in _PLUMBING or namespace != BPMN:
                self.refuse(child, tag, identity)
        self.foreign_attributes(node, identity)
        self.flows[identity] = Flow(identity, node.get("sourceRef") or "", node.get("targetRef") or "",
                                    _label(node, ""), condition)

    def condition(self, node, flow_id: str) -> str | None:
        text = "".join(node.itertext()).strip()
        if not text:
            return None
        if not text.startswith("="):
            return self.fault("expression-text", flow_id, f"The condition {text[:60]!r} does not start with '='.",
                              "Write the condition as FEEL after '=', such as =urgency = \"urgent\".")
        return self.text("expression-text", flow_id, _after_equals, text)

    def element(self, node, kind: Kind, scope: str, depth: int) -> None:
        identity = self.new_id(node, kind.value)
        if identity is None:
            return
        self.markers(node, identity)
        self.foreign_attributes(node, identity)
        event = self.event(node, kind, identity)
        self.children(node, kind, identity)
        if event is None:
            self.refused.add(identity)
            return
        fields = self.element_extensions(node, kind, identity)
        lane = self.lanes.get(identity) or self.lanes.get(scope)
        if lane:
            self.lanes.setdefault(identity, lane)
            if kind is Kind.USER and lane.group and not fields.get("groups") and not fields.get("assignee"):
                fields["groups"] = feel_text(lane.group)
        if node.get("default"):
            self.defaults[node.get("default")] = identity
        self.elements[identity] = Element(
            identity, kind, _label(node, identity), scope, lane=lane.name if lane else None,
            documentation=" ".join(" ".join(d.itertext()).strip() for d in node.iterfind(_b("documentation"))),
            event=event, attached_to=_local(node.get("attachedToRef")) if kind is Kind.BOUNDARY else None,
            interrupting=_interrupting(node, kind), triggered_by_event=node.get("triggeredByEvent") in ("true", "1"),
            **fields)
        if kind is Kind.SUBPROCESS:
            self.sub_process(node, identity, depth + 1)

    def sub_process(self, node, identity: str, depth: int) -> None:
        if depth > MAX_NESTING:
            self.fault("too-large", identity, f"Sub-processes are nested more than {MAX_NESTING} deep.")
            return
        self.scope(node, identity, depth)

    def markers(self, node, identity: str) -> None:
        for attribute, (allowed, reason, remedy) in _MARKERS.items():
            value = node.get(attribute)
            if value is not None and value not in allowed:
                self.fault("unknown-element", identity, reason, remedy)

    def foreign_attributes(self, node, identity: str) -> None:
        for attribute in node.attrib:
            namespace, name = _split(attribute)
            if namespace in OTHER_ENGINES:
                self.fault("unknown-extension", identity, f"The attribute {name} belongs to another engine.",
                           "Remove it; the properties panel for Camunda 8 (zeebe) has the field that is read here.")

    def children(self, node, kind: Kind, identity: str) -> None:
        """Refuse what the element contains and nobody reads. `event` reads definitions, `scope` reads sub-processes."""
        if kind is Kind.SUBPROCESS:
            return
        allowed = _PLUMBING | (_DATA_LINES if kind in _ACTIVITIES or kind in _EVENTS else frozenset())
        for child in node:
            namespace, tag = _split(child.tag)
            if namespace != BPMN:
                self.fault("unknown-extension", identity, f"The element {_shown(child.tag)} is not BPMN.")
            elif tag not in allowed and not (kind in _EVENTS and _is_definition(tag)):
                self.refuse(child, tag, identity)

    # events

    def event(self, node, kind: Kind, identity: str) -> Event | None:
        """What the event waits for; Event() for what is no event; None with a fault where it cannot be executed."""
        if kind not in _EVENTS:
            return Event()
        definitions = [c for c in node if _is_definition(_split(c.tag)[1])]
        if len(definitions) > 1:
            return self.fault("event-definition", identity, "The event has several definitions.", "Use one event each.")
        tag = _split(definitions[0].tag)[1] if definitions else ""
        if definitions and tag not in _EVENT_TAGS:
            return self.refuse(definitions[0], tag, identity)
        event_kind = _EVENT_TAGS.get(tag, EventKind.NONE)
        if event_kind not in _EVENTS[kind]:
            what = "without a definition" if event_kind is EventKind.NONE else f"with a {event_kind.value} definition"
            return self.fault("event-definition", identity, f"A {kind.value} {what} is not executed.",
                              "Call an operation with a service task." if event_kind is EventKind.MESSAGE else None)
        if event_kind is EventKind.TIMER:
            return self.timer(definitions[0], identity)
        if event_kind is EventKind.MESSAGE:
            return self.message_event(definitions[0], identity)
        return Event(event_kind)

    def timer(self, definition, identity: str) -> Event:
        times = [(_TIMER_TAGS[_split(c.tag)[1]], "".join(c.itertext()).strip()) for c in definition
                 if _split(c.tag)[1] in _TIMER_TAGS]
        times = [(kind, text) for kind, text in times if text]
        if len(times) != 1:
            self.fault("event-definition", identity, "The timer has no time." if not times else "The timer has several times.",
                       "Give it exactly one: date, duration or cycle.")
            return Event(EventKind.TIMER)
        kind, text = times[0]
        return Event(EventKind.TIMER, kind, self.text("timer-text", identity, lambda t: timer_expression(kind, t), text))

    def message_event(self, definition, identity: str) -> Event:
        reference = _local(definition.get("messageRef"))
        message = self.messages.get(reference) if reference else None
        if message is None:
            self.fault("event-definition", identity, "The event names no message." if not reference else
                       f"The message {reference} does not exist or has no name.",
                       "Pick or create the message in the properties panel and name it.")
            return Event(EventKind.MESSAGE)
        return Event(EventKind.MESSAGE, message=message.name, correlation_key=message.correlation_key)

    # extension elements

    def extensions(self, node, identity: str | None, allowed: frozenset[str]):
        """The zeebe extension elements of `node` that are allowed there; the others become faults."""
        for extension in (e for holder in node.iterfind(_b("extensionElements")) for e in holder):
            namespace, tag = _split(extension.tag)
            if namespace != ZEEBE or tag not in allowed:
                self.fault("unknown-extension", identity, f"The extension {_shown(extension.tag)} is not understood here.",
                           _EXTENSION_REMEDIES.get(tag))
                continue
            for attribute in sorted(set(extension.attrib) - _EXTENSION_ATTRIBUTES.get(tag, frozenset())):
                if tag in _EXTENSION_ATTRIBUTES:
                    self.fault("unknown-extension", identity, f"The attribute {_shown(attribute)} of {tag} is not read.")
            yield extension

    def element_extensions(self, node, kind: Kind, identity: str) -> dict:
        allowed = _EXTENSIONS.get(kind, frozenset()) | {"properties"}
        if kind in _ACTIVITIES or kind in _EVENTS:
            allowed = allowed | {"ioMapping"}
        fields: dict = {}
        for extension in self.extensions(node, identity, allowed):
            tag = _split(extension.tag)[1]
            if tag == "properties":
                fields["properties"] = fields.get("properties", {}) | self.properties(extension, identity)
            elif tag == "ioMapping":
                fields["inputs"] = self.mappings(extension, "input", identity)
                fields["outputs"] = self.mappings(extension, "output", identity)
            else:
                fields |= self.attributes(extension, tag, identity)
        return fields

    def attributes(self, extension, tag: str, identity: str) -> dict:
        fields: dict = {}
        for attribute, text in extension.attrib.items():
            target = _ATTRIBUTE_FIELDS.get((tag, attribute))
            if target and text.strip():
                fields[target[0]] = self.text(target[2], identity, target[1], text)
        if extension.get("bindingType", "latest") not in ("latest", "deployment"):
            self.fault("unknown-extension", identity, "Binding to a version tag is not understood.", "Bind to the latest.")
        if tag == "calledElement":
            fields["propagate_all"] = extension.get("propagateAllChildVariables") == "true"
            if extension.get("propagateAllParentVariables") == "true":
                self.fault("unknown-extension", identity, "A called process is never given all variables.",
                           "Draw an input mapping for each variable it needs.")
        return fields

    def mappings(self, extension, side: str, identity: str) -> tuple[Mapping, ...]:
        found: list[Mapping] = []
        for line in extension.iterfind(f"{{{ZEEBE}}}{side}"):
            target = self.text("fixed-name", identity, _variable, line.get("target") or "")
            source_text = line.get("source") or ""
            if not source_text.strip():
                self.fault("expression-text", identity, f"The {side} mapping of {target} has no source.")
                continue
            source = self.text("expression-text", identity, _value, source_text)
            if target in {m.target for m in found}:
                self.fault("fixed-name", identity, f"The {side} {target} is mapped twice.", "Keep one of the two mappings.")
            elif target and source:
                found.append(Mapping(source, target))
        return tuple(found)

    def properties(self, extension, identity: str | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in extension.iterfind(f"{{{ZEEBE}}}property"):
            name = (line.get("name") or "").strip()
            if not name or name in found:
                self.fault("fixed-name", identity, f"The property {name!r} is empty or given twice.", "Name it once.")
            else:
                found[name] = (line.get("value") or "").strip()
        return found

    # joining flows and elements

    def joined_flows(self) -> dict[str, Flow]:
        for flow_id, gateway in self.defaults.items():
            flow = self.flows.get(flow_id)
            if flow is None or flow.source != gateway:
                self.fault("event-definition", gateway, f"The default flow {flow_id} does not leave the element.",
                           "Pick the default flow again.")
            else:
                self.flows[flow_id] = replace(flow, default=True)
        return self.flows

    def joined_elements(self) -> dict[str, Element]:
        incoming: dict[str, list[str]] = {}
        outgoing: dict[str, list[str]] = {}
        for flow in self.flows.values():
            outgoing.setdefault(flow.source, []).append(flow.id)
            incoming.setdefault(flow.target, []).append(flow.id)
        return {identity: replace(element, incoming=tuple(incoming.get(identity, ())),
                                  outgoing=tuple(outgoing.get(identity, ())))
                for identity, element in self.elements.items()}


_KIND_BY_TAG = {kind.value: kind for kind in Kind}
_NODE_TAGS = frozenset(_KIND_BY_TAG) | frozenset({
    "task", "manualTask", "sendTask", "receiveTask", "complexGateway", "inclusiveGateway", "adHocSubProcess",
    "transaction", "dataStoreReference", "textAnnotation", "group", "dataObjectReference", "callChoreography"})


def _b(tag: str) -> str:
    return f"{{{BPMN}}}{tag}"


def _split(tag) -> tuple[str, str]:
    if not isinstance(tag, str):  # entity references have no tag
        return "", "?"
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


def _is_definition(tag: str) -> bool:
    return tag.endswith(("EventDefinition", "DefinitionRef"))


def _shown(tag) -> str:
    """A tag as authors see it in the file."""
    namespace, name = _split(tag)
    return f"zeebe:{name}" if namespace == ZEEBE else name


def _local(reference: str | None) -> str:
    """A QName reference without its prefix."""
    return (reference or "").strip().rpartition(":")[2]


def _label(node, otherwise: str) -> str:
    return " ".join((node.get("name") or "").split()) or otherwise


def _interrupting(node, kind: Kind) -> bool:
    attribute = {Kind.BOUNDARY: "cancelActivity", Kind.START: "isInterrupting"}.get(kind)
    return attribute is None or node.get(attribute) not in ("false", "0")


def _shapes(root) -> frozenset[str]:
    drawn = (n.get("bpmnElement") for tag in ("BPMNShape", "BPMNEdge") for n in root.iter(f"{{{DI}}}{tag}"))
    return frozenset(_local(reference) for reference in drawn if reference)
