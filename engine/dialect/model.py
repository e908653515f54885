"""A diagram as plain data: what the reader makes of a BPMN file and everybody downstream looks at."""

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
    SEND = "sendTask"
    RECEIVE = "receiveTask"
    RULE = "businessRuleTask"
    SCRIPT = "scriptTask"
    CALL = "callActivity"
    SUBPROCESS = "subProcess"  # embedded; an event sub-process when `triggered_by_event`, a transaction when `transaction`
    EXCLUSIVE = "exclusiveGateway"
    INCLUSIVE = "inclusiveGateway"
    PARALLEL = "parallelGateway"
    EVENT_GATEWAY = "eventBasedGateway"


ACTIVITIES = frozenset({Kind.USER, Kind.SERVICE, Kind.SEND, Kind.RECEIVE, Kind.RULE, Kind.SCRIPT, Kind.CALL, Kind.SUBPROCESS})


class EventKind(StrEnum):
    NONE = "none"
    TIMER = "timer"
    MESSAGE = "message"
    SIGNAL = "signal"
    ERROR = "error"
    ESCALATION = "escalation"
    CONDITION = "conditional"
    COMPENSATION = "compensate"
    CANCEL = "cancel"
    LINK = "link"
    TERMINATE = "terminate"


class TimerKind(StrEnum):
    DATE = "date"  # FEEL gives an instant; null = not armed
    DURATION = "duration"  # FEEL gives a duration, counted in wall time from arming; null = not armed
    CYCLE = "cycle"  # FEEL gives a duration (repeats without end) or a text: R3/PT1H, R/start/P1M, or cron `0 30 8 * * MON-FRI`


@dataclass(frozen=True, slots=True)
class Event:
    """What an event waits for or does."""

    kind: EventKind = EventKind.NONE
    timer: TimerKind | None = None
    expression: str | None = None  # FEEL of the timer, or of the condition
    message: str | None = None  # message name
    correlation_key: str | None = None  # FEEL of zeebe:subscription correlationKey
    name: str | None = None  # of a signal or link; code of an error or escalation (None on a catching event: any)
    activity: str | None = None  # the one activity that a compensation undoes; None: all of its scope


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of zeebe:ioMapping: FEEL `source` into the variable `target`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Multi:
    """Multi-instance: the activity once for each item. What an item writes stays with it; `output` carries it out."""

    parallel: bool = True
    collection: str | None = None  # FEEL giving a list
    cardinality: str | None = None  # FEEL giving how many, where there is no list
    item: str | None = None  # variable that holds the item
    output_collection: str | None = None  # variable that holds the outputs, in the order of the items
    output: str | None = None  # FEEL, evaluated with the item's variables when it is done
    completion: str | None = None  # FEEL; true ends the items that are left


@dataclass(frozen=True, slots=True)
class Loop:
    """Standard loop: again while `condition` holds, at most `maximum` times. What a turn writes is the scope's."""

    condition: str | None = None  # FEEL
    test_before: bool = False
    maximum: int | None = None


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
    event: Event = Event()  # of an event, a receive task, or a send task that sends a message
    attached_to: str | None = None  # boundary events
    interrupting: bool = True  # boundary events and starts of event sub-processes
    triggered_by_event: bool = False  # event sub-process
    transaction: bool = False  # sub-process that a cancel end event takes back
    for_compensation: bool = False  # done only to undo another activity
    handler: str | None = None  # compensation boundary event: the activity that undoes
    multi: Multi | None = None
    loop: Loop | None = None
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
    binding: str = "latest"  # which version is called: latest, deployment, versionTag
    version_tag: str | None = None
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
    version_tag: str | None = None  # zeebe:versionTag, by which a call activity may bind

    def inside(self, scope: str) -> list[Element]:
        """The elements that stand directly in `scope` (the process' key or a sub-process' id), in document order."""
        return [e for e in self.elements.values() if e.scope == scope]

    def boundary_of(self, element_id: str) -> list[Element]:
        return [e for e in self.elements.values() if e.attached_to == element_id]

    def starts(self) -> list[Element]:
        """The start events of the process itself."""
        return [e for e in self.inside(self.key) if e.kind is Kind.START]
