"""The dialect: what a diagram may say, as plain data (design: BPMN 2.0 with the `zeebe` extension elements).

`read(xml)` turns the text of one BPMN file into a `Diagram`; it never executes anything and knows no SpiffWorkflow.
What is wrong with a diagram is not raised one by one: every fault is collected as a `Fault` with element, reason and remedy,
so that an author sees them all at once. Surprise: expressions are kept without their leading `=`; a literal text in an
attribute that allows both (a due date, a group) is kept as a FEEL string literal, so everybody downstream sees FEEL only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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

    def inside(self, scope: str) -> list[Element]:
        """The elements that stand directly in `scope` (the process' key or a sub-process' id), in document order."""
        return [e for e in self.elements.values() if e.scope == scope]

    def boundary_of(self, element_id: str) -> list[Element]:
        return [e for e in self.elements.values() if e.attached_to == element_id]
