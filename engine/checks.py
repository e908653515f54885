"""What a procedure must satisfy to be deployed. Each check is one function with an id and a remedy.

`check` runs all of them and gives every fault at once; nothing is executed. What reading alone can see (is this BPMN, is this
text a duration) is found by the readers and listed here with the rest, so that docs/reference/checks.md has one list. A new
check is a function with `@rule(...)`, a test with a small diagram that fails it, and a line in that page.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from engine import definitions, dialect
from engine.definitions import Procedure
from engine.dialect import ACTIVITIES, BadText, Diagram, Element, EventKind, Fault, Kind, TimerKind
from engine.errors import DefinitionRefused, EngineError
from engine.feel import punctuation
from engine.forms import definition as form_definition
from engine.names import declared_names

MAX_CALL_DEPTH = 5
MAX_FAULTS = 500  # of one procedure or file: nobody reads more, and a hostile file has 100,000
MAX_REASON = 600  # characters: names in a diagram may be as long as the file
MAX_NAME = {"id": 64, "label": 200, "form": 64, "clause": 64, "message": 100, "groups": 400}  # as the tables hold them
ESCALATION = "escalation"
RESERVED = frozenset({"now", "instance"})
INPUTS_ON = frozenset({Kind.SERVICE, Kind.RULE, Kind.CALL, Kind.SUBPROCESS, Kind.SEND})
OUTPUTS_ON = frozenset({Kind.USER, Kind.SERVICE, Kind.RULE, Kind.SCRIPT, Kind.CALL, Kind.SEND})
SENDERS = frozenset({Kind.SEND, Kind.THROW, Kind.END})
CHOOSING = frozenset({Kind.EXCLUSIVE, Kind.INCLUSIVE})
FORKING = CHOOSING | {Kind.PARALLEL, Kind.EVENT_GATEWAY}
AT_ONCE = frozenset({Kind.SERVICE, Kind.SEND, Kind.RULE, Kind.SCRIPT})  # done within the step that reaches them
COUNTS = frozenset({"numberOfInstances", "numberOfActiveInstances", "numberOfCompletedInstances", "numberOfTerminatedInstances"})
STATUSES = ("draft", "in-force", "superseded", "abolished")
SHEET_TEXTS = ("code", "name", "status", "tier", "department", "owner")
REVISION_TEXTS = ("time", "code_before", "code_after", "changes")


class Finding(NamedTuple):
    """What a check found. `file` is the diagram where it is not named, `remedy` the check's own where it is empty."""

    element: str | None
    reason: str
    remedy: str = ""
    file: str = ""


@dataclass(frozen=True)
class Subject:
    """The procedure under check, and what it may refer to."""

    procedure: Procedure
    operations: Any  # has get(name) -> operation or None, names()
    functions: tuple
    roles: frozenset[str]
    known: Mapping[str, Procedure | None]  # procedures that may be called; None where only the key is known
    feel: Any
    people_in: Callable[[str], int] | None = None  # how many people of today are in a group; None where nobody can say
    waiting: dict[str, bool] = field(default_factory=dict)  # called procedure -> whether nobody passes it without waiting

    @property
    def diagram(self) -> Diagram:
        return self.procedure.diagram

    @cached_property
    def names(self) -> set[str]:
        """The names that every expression of the procedure may use."""
        return names_of(self.procedure, self.operations) | {f.name for f in self.functions}

    @cached_property
    def tables(self) -> list[tuple[Any, list[Fault]]]:
        """The decisions of each table file (None where it cannot be read), with its faults."""
        return [_load_table(file, content, self.feel) for file, content in self.procedure.decisions.items()]

    @cached_property
    def scopes(self) -> dict[str, list[Element]]:
        """The process and each sub-process, with what stands directly in it."""
        subs = [e.id for e in self.diagram.elements.values() if e.kind is Kind.SUBPROCESS]
        return {scope: self.diagram.inside(scope) for scope in (self.diagram.key, *subs)}

    def of(self, *kinds: Kind) -> list[Element]:
        return [e for e in self.diagram.elements.values() if e.kind in kinds]

    def targets(self, element: Element) -> list[str]:
        """The elements that a token reaches next; from a throwing link event its catching end."""
        return [self.diagram.flows[f].target for f in element.outgoing] + [e.id for e in self.other_ends(element)]

    def other_ends(self, link: Element) -> list[Element]:
        """The catching ends of a throwing link event."""
        if link.event.kind is not EventKind.LINK or link.kind is not Kind.THROW:
            return []
        return [e for e in self.diagram.inside(link.scope) if e.kind is Kind.CATCH and e.event.kind is EventKind.LINK
                and e.event.name == link.event.name]

    def around(self, element: Element) -> Element | None:
        """The sub-process that the element stands in, or None in the process itself."""
        return self.diagram.elements.get(element.scope)


@dataclass(frozen=True)
class Check:
    """One rule. `run` is None where a reader finds it."""

    id: str
    what: str
    remedy: str
    warning: bool = False
    run: Callable[[Subject], Iterator[Finding]] | None = None
    needs_diagram: bool = True


REGISTRY: dict[str, Check] = {}


def rule(id: str, what: str, remedy: str, *, warning: bool = False, needs_diagram: bool = True):
    """Register the decorated function as check `id`."""
    def register(function):
        REGISTRY[id] = Check(id, what, remedy, warning, function, needs_diagram)
        return function
    return register


for _id, (_what, _remedy) in (dialect.READ_CHECKS | definitions.READ_CHECKS | form_definition.READ_CHECKS).items():
    REGISTRY[_id] = Check(_id, _what, _remedy, _id == "stray-file")


def check(procedure: Procedure, *, operations, functions: Iterable = (), roles: Iterable[str] = (),
          known_processes: Iterable[str] | Mapping[str, Procedure | None] = (), feel=None,
          people_in: Callable[[str], int] | None = None) -> list[Fault]:
    """Every fault of a procedure, warnings included, in the order of the diagram.

    operations: the registry of service-task operations. functions: the FEEL functions of the domain. roles: the groups that
    exist. known_processes: what may be called, as keys, or as procedures by key, which also checks circles of calls. people_in:
    how many people of today are in a group; without it nobody is asked for.
    """
    subject = _subject(procedure, operations, functions, roles, known_processes, feel, people_in)
    faults = list(procedure.faults)
    for each in REGISTRY.values():
        if each.run is not None and (procedure.diagram is not None or not each.needs_diagram):
            faults += [_fault(subject, each, finding) for finding in islice(each.run(subject), MAX_FAULTS)]
    return sorted(_fewer(faults), key=_place(procedure))


def check_all(procedures: Iterable[Procedure], *, operations, functions: Iterable = (), roles: Iterable[str] = (),
              known_processes: Iterable[str] = (), feel=None, people_in: Callable[[str], int] | None = None) -> list[Fault]:
    """The faults of several procedures that may call each other."""
    procedures = list(procedures)
    known = dict.fromkeys(known_processes) | {p.key: p for p in procedures}
    return [fault for p in procedures for fault in check(p, operations=operations, functions=functions, roles=roles,
                                                         known_processes=known, feel=feel, people_in=people_in)]


def check_file(name: str, content: bytes) -> list[Fault]:
    """The faults of a lone diagram, table, form or YAML file: what can be said without its folder."""
    return _fewer(_file_faults(name, content))


def _file_faults(name: str, content: bytes) -> list[Fault]:
    if name.endswith(".bpmn"):
        return dialect.read(content, name)[1]
    if name.endswith(".form"):
        return form_definition.read(content, name)[1]
    if name.endswith(".dmn"):
        return [replace(f, check="table", remedy=f.remedy or REGISTRY["table"].remedy) for f in _load_table(name, content, None)[1]]
    if name.endswith((".yaml", ".yml")):
        return definitions.read_yaml(content, name)[1]
    return [Fault(name, None, "The file is no diagram, table, form or YAML file.", "Name it .bpmn, .dmn, .form or .yaml.",
                  "readable")]


def _fewer(faults: list[Fault]) -> list[Fault]:
    """Each fault once, faults before warnings, and not more than somebody can read."""
    listed = sorted(dict.fromkeys(faults), key=lambda fault: fault.warning)
    if len(listed) <= MAX_FAULTS:
        return listed
    return [*listed[:MAX_FAULTS], Fault(listed[0].file, None, f"There are {len(listed) - MAX_FAULTS} more faults.",
                                        "Correct these first.", listed[MAX_FAULTS].check, listed[MAX_FAULTS].warning)]


def calls(procedure: Procedure) -> set[str]:
    """The keys of the procedures that a procedure calls."""
    return {e.called for e in procedure.diagram.elements.values() if e.called} if procedure.diagram else set()


def names_of(procedure: Procedure, operations) -> set[str]:
    """The names an expression of the procedure may use: what is declared, and what its messages bring."""
    names = set(declared_names(procedure, operations)) if procedure.diagram else set(RESERVED)
    for variables in (procedure.control_sheet.get("messages") or {}).values():
        names |= set(variables or {})
    return names


def _subject(procedure, operations, functions, roles, known_processes, feel, people_in) -> Subject:
    functions = tuple(functions.values() if isinstance(functions, Mapping) else functions)
    if feel is None:
        from engine.feel import Feel
        feel = Feel(functions)
    known = dict(known_processes) if isinstance(known_processes, Mapping) else dict.fromkeys(known_processes)
    return Subject(procedure, operations, functions, frozenset(roles), known, feel, people_in)


def _fault(subject: Subject, each: Check, finding: Finding) -> Fault:
    diagram = subject.procedure.diagram
    file = finding.file or (diagram.file if diagram else subject.procedure.key)
    reason = finding.reason if len(finding.reason) <= MAX_REASON else finding.reason[:MAX_REASON - 3] + "..."
    return Fault(file, finding.element, reason, finding.remedy or each.remedy, each.id, each.warning)


def _place(procedure: Procedure):
    """Sorts faults: faults before warnings, then by file and by place in the diagram."""
    diagram = procedure.diagram
    order = {id: n for n, id in enumerate([*diagram.elements, *diagram.flows])} if diagram else {}
    return lambda fault: (fault.warning, fault.file, order.get(fault.element, len(order)), fault.check)


def _like(name: str, names: Iterable[str]) -> str:
    """A hint at names that look like `name`, or at all of them where there are few."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, 2) or (names if len(names) <= 12 else [])
    return f" Known: {', '.join(close)}." if close else ""


# --- flows and shape of the graph -------------------------------------------------------------------------------------

@rule("flow-ends", "Every flow joins two elements of the same process or sub-process; nothing flows into a start or out of an"
      " end.", "Connect the flow again; a flow never crosses the border of a sub-process.")
def _flow_ends(subject: Subject) -> Iterator[Finding]:
    elements, refused = subject.diagram.elements, subject.diagram.refused
    for flow in subject.diagram.flows.values():
        ends = [(side, end) for side, end in (("source", flow.source), ("target", flow.target)) if end not in elements]
        for side, end in ends:
            if end not in refused:
                yield Finding(flow.id, f"The {side} {end or '(none)'} of the flow is no element of the process.")
        if ends:
            continue
        source, target = elements[flow.source], elements[flow.target]
        if source.scope != target.scope:
            yield Finding(flow.id, f"The flow leads from {source.id} to {target.id} across the border of a sub-process.")
        if target.kind in (Kind.START, Kind.BOUNDARY) or _is_link(target, Kind.CATCH) or target.for_compensation \
                or source.kind is Kind.END or _is_link(source, Kind.THROW) or source.for_compensation:
            yield Finding(flow.id, f"Nothing may flow from {source.id} to {target.id}.")


def _is_link(element: Element, kind: Kind) -> bool:
    return element.kind is kind and element.event.kind is EventKind.LINK


@rule("unreachable", "Every element can be reached from the start of its scope.", "Connect it, or delete it.")
def _unreachable(subject: Subject) -> Iterator[Finding]:
    for elements in subject.scopes.values():
        reached = _reached(subject, elements)
        yield from (Finding(e.id, f"{e.name} can never be reached.") for e in elements if e.id not in reached)


def _reached(subject: Subject, elements: list[Element]) -> set[str]:
    here = {e.id: e for e in elements}
    waiting = [e.id for e in elements if e.kind is Kind.START or e.triggered_by_event]
    reached: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current in here and current not in reached:
            reached.add(current)
            waiting += subject.targets(here[current]) + [b.id for b in subject.diagram.boundary_of(current)]
            waiting += [here[current].handler] if here[current].handler else []
    return reached


@rule("dead-end", "Every path ends in an end event, and every scope has one.", "Draw a flow on, or to an end event.")
def _dead_end(subject: Subject) -> Iterator[Finding]:
    for scope, elements in subject.scopes.items():
        for element in elements:
            if not element.outgoing and not _ends_by_itself(element):
                yield Finding(element.id, f"Nothing follows after {element.name}.")
        if not any(e.kind is Kind.END for e in elements):
            yield Finding(scope, f"{scope} has no end event.")


def _ends_by_itself(element: Element) -> bool:
    return element.kind is Kind.END or element.triggered_by_event or element.for_compensation or _is_link(element, Kind.THROW) \
        or element.kind is Kind.BOUNDARY and element.event.kind is EventKind.COMPENSATION


BEGINS = {  # what may begin a process, an embedded sub-process, an event sub-process
    None: frozenset({EventKind.NONE, EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL}),
    False: frozenset({EventKind.NONE}),
    True: frozenset({EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
                     EventKind.CONDITION}),
}


@rule("start-event", "A process has one start event of no kind, or starts by timers, messages or signals, or both; an embedded"
      " sub-process has exactly one, of no kind; an event sub-process exactly one, of a kind.",
      "Draw exactly one start event of the right kind.")
def _start_event(subject: Subject) -> Iterator[Finding]:
    for scope, elements in subject.scopes.items():
        starts = [e for e in elements if e.kind is Kind.START]
        owner = subject.diagram.elements.get(scope)
        plain = [e for e in starts if e.event.kind is EventKind.NONE]
        if not starts or len(plain) > 1 or owner is not None and len(starts) > 1:
            yield Finding(scope, f"{scope} has {len(starts)} start events.")
        for start in starts:
            if start.event.kind not in BEGINS[owner.triggered_by_event if owner else None]:
                yield Finding(start.id, f"The start event of {scope} is of the kind {start.event.kind.value}.")


@rule("event-sub-process", "An event sub-process stands alone: no flow leads to it or from it.",
      "Remove the flows, or make it an embedded sub-process.")
def _event_sub_process(subject: Subject) -> Iterator[Finding]:
    for element in subject.of(Kind.SUBPROCESS):
        if element.triggered_by_event and (element.incoming or element.outgoing):
            yield Finding(element.id, f"{element.name} is an event sub-process with flows.")


@rule("gateway-condition", "Each flow out of an exclusive or inclusive gateway with several has a condition, except its default.",
      "Write the condition as FEEL after '=', or make the flow the default flow.")
def _gateway_condition(subject: Subject) -> Iterator[Finding]:
    for gateway in subject.of(*CHOOSING):
        flows = [subject.diagram.flows[f] for f in gateway.outgoing]
        for flow in flows:
            if len(flows) > 1 and not flow.default and flow.condition is None:
                yield Finding(flow.id, f"The flow out of {gateway.name} has no condition and is not the default.")
            if flow.condition is not None and (flow.default or len(flows) == 1):
                yield Finding(flow.id, f"The condition on the {'default' if flow.default else 'only'} flow out of {gateway.name}"
                              " is never asked.", "Remove the condition.")


@rule("stray-condition", "Only flows out of exclusive and inclusive gateways have conditions or a default.",
      "Draw an exclusive gateway before the flow and put the condition there.")
def _stray_condition(subject: Subject) -> Iterator[Finding]:
    for flow in subject.diagram.flows.values():
        source = subject.diagram.elements.get(flow.source)
        if source is not None and source.kind not in CHOOSING and (flow.condition is not None or flow.default):
            yield Finding(flow.id, f"The flow leaves {source.name}, which does not ask conditions.")


@rule("implicit-fork", "Only gateways have several flows out.",
      "Draw a parallel gateway (all of them) or an exclusive gateway (one of them) after the element.")
def _implicit_fork(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        if len(element.outgoing) > 1 and element.kind not in FORKING:
            yield Finding(element.id, f"{len(element.outgoing)} flows leave {element.name}.")


@rule("default-flow", "An exclusive or inclusive gateway with several flows has a default flow.",
      "Pick a default flow; without one, a case that nobody thought of stops as an incident.", warning=True)
def _default_flow(subject: Subject) -> Iterator[Finding]:
    for gateway in subject.of(*CHOOSING):
        if len(gateway.outgoing) > 1 and not any(subject.diagram.flows[f].default for f in gateway.outgoing):
            yield Finding(gateway.id, f"{gateway.name} has no default flow.")


@rule("event-gateway", "An event gateway leads to two or more catch events or receive tasks that nothing else leads to.",
      "Draw catch events or receive tasks right after the gateway.")
def _event_gateway(subject: Subject) -> Iterator[Finding]:
    for gateway in subject.of(Kind.EVENT_GATEWAY):
        targets = [subject.diagram.elements[t] for t in subject.targets(gateway) if t in subject.diagram.elements]
        if len(gateway.outgoing) < 2:
            yield Finding(gateway.id, f"{gateway.name} has fewer than two events to choose from.")
        for target in targets:
            if target.kind not in (Kind.CATCH, Kind.RECEIVE) or _is_link(target, Kind.CATCH):
                yield Finding(gateway.id, f"{gateway.name} leads to {target.name}, which waits for no event.")
            elif len(target.incoming) > 1:
                yield Finding(target.id, f"Several flows lead to {target.name}, which belongs to an event gateway.")


@rule("boundary", "A boundary event sits on an activity of its own scope.", "Move it onto a task, call activity or sub-process.")
def _boundary(subject: Subject) -> Iterator[Finding]:
    for event in subject.of(Kind.BOUNDARY):
        host = subject.diagram.elements.get(event.attached_to or "")
        if event.attached_to in subject.diagram.refused:
            continue
        if host is None or host.kind not in ACTIVITIES or host.triggered_by_event or host.scope != event.scope:
            yield Finding(event.id, f"{event.name} is attached to {event.attached_to or 'nothing'}.")


@rule("boundary-waits", "A boundary event sits where something waits.",
      "Move it onto a user task, call activity or sub-process; the others are done within the same step.", warning=True)
def _boundary_waits(subject: Subject) -> Iterator[Finding]:
    for event in subject.of(Kind.BOUNDARY):
        host = subject.diagram.elements.get(event.attached_to or "")
        if host is not None and host.kind in AT_ONCE and event.event.kind in (EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL):
            yield Finding(event.id, f"{event.name} can never happen: {host.name} does not wait.")


@rule("endless-loop", "Every loop of flows passes a user task or a catch event.",
      "Put a user task, or a timer or message catch event, into the loop.")
def _endless_loop(subject: Subject) -> Iterator[Finding]:
    for elements in subject.scopes.values():
        graph = {e.id: subject.targets(e) for e in elements if not _waits(subject, e)}
        for ring in _rings(graph):
            yield Finding(ring[0], f"The loop through {', '.join(ring[:6])} never waits for anybody.")
    for element in subject.diagram.elements.values():
        if element.loop and element.loop.maximum is None and not _waits(subject, element):
            yield Finding(element.id, f"{element.name} loops without waiting for anybody and without a maximum.", "Set its loop maximum.")


def _waits(subject: Subject, element: Element) -> bool:
    """Whether no token passes the element without waiting for a person, a message or a timer."""
    if element.kind in (Kind.CATCH, Kind.BOUNDARY):
        return element.event.kind in (EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL)
    if element.kind in (Kind.USER, Kind.RECEIVE):
        return True
    if element.kind is Kind.SUBPROCESS:
        return _scope_waits(subject, subject.diagram.inside(element.id))
    if element.kind is Kind.CALL:
        return _called_waits(subject, element.called or "")
    return False


def _called_waits(subject: Subject, key: str) -> bool:
    """Looked at once per procedure, or procedures that all call each other would take for ever."""
    called = subject.known.get(key)
    if called is None or called.diagram is None:
        return False
    if key not in subject.waiting:
        subject.waiting[key] = False  # a circle of calls does not wait by itself
        other = replace(subject, procedure=called)
        subject.waiting[key] = _scope_waits(other, called.diagram.inside(called.key))
    return subject.waiting[key]


def _scope_waits(subject: Subject, elements: list[Element]) -> bool:
    passing = {e.id: e for e in elements if not _waits(subject, e)}
    waiting = [e.id for e in passing.values() if e.kind is Kind.START]
    seen: set[str] = set()
    while waiting:
        current = waiting.pop()
        if current in passing and current not in seen:
            if passing[current].kind is Kind.END:
                return False
            seen.add(current)
            waiting += subject.targets(passing[current])
    return True


def _rings(graph: dict[str, list[str]]) -> list[list[str]]:
    """One ring of nodes for each part of the graph that goes round (nodes outside `graph` break every ring)."""
    rings, done = [], set()
    for start in graph:
        if start in done:
            continue
        after = _reach_from(graph, start)
        if start in after:
            ring = [start, *(n for n in graph if n != start and n in after and start in _reach_from(graph, n))]
            rings.append(ring)
            done.update(ring)
    return rings


def _reach_from(graph: dict[str, list[str]], start: str) -> set[str]:
    reached, waiting = set(), list(graph.get(start, ()))
    while waiting:
        current = waiting.pop()
        if current in graph and current not in reached:
            reached.add(current)
            waiting += graph[current]
    return reached


@rule("shape", "Everything that is executed is drawn.", "Open the diagram in the editor, place the element and save.")
def _shape(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        if element.id not in subject.diagram.shapes:
            yield Finding(element.id, f"{element.name} has no shape in the drawing.")


@rule("flow-shape", "Every flow is drawn.", "Open the diagram in the editor, connect the elements again and save.", warning=True)
def _flow_shape(subject: Subject) -> Iterator[Finding]:
    for flow in subject.diagram.flows.values():
        if flow.id not in subject.diagram.shapes:
            yield Finding(flow.id, f"The flow from {flow.source} to {flow.target} has no line in the drawing.")


# --- events -----------------------------------------------------------------------------------------------------------

@rule("timer-cycle", "Only starts of the process and events that do not interrupt repeat.",
      "Use a duration, or make the event non-interrupting (dashed border).")
def _timer_cycle(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        begins = element.kind is Kind.START and element.scope == subject.diagram.key
        if element.event.timer is TimerKind.CYCLE and (element.kind is Kind.CATCH or element.interrupting) and not begins:
            yield Finding(element.id, f"{element.name} repeats, but it happens only once.")


@rule("correlation", "Every message event that waits has a correlation key.",
      "Give the message a subscription correlation key, such as =ticket_number.")
def _correlation(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        waits = element.kind not in SENDERS and not (element.kind is Kind.START and element.scope == subject.diagram.key)
        if waits and element.event.message and element.event.correlation_key is None:
            yield Finding(element.id, f"The message {element.event.message} has no correlation key.")


@rule("link", "Each throwing link event has exactly one catching end of its name in the same scope, and each catching one a throwing one.",
      "Draw both ends in the same sub-process and give them the same link name.")
def _link(subject: Subject) -> Iterator[Finding]:
    links = [e for e in subject.diagram.elements.values() if e.event.kind is EventKind.LINK]
    for link in links:
        ends = subject.other_ends(link)
        if link.kind is Kind.THROW and len(ends) != 1:
            yield Finding(link.id, f"The link {link.event.name} has {len(ends)} catching ends.")
        if link.kind is Kind.CATCH and not any(link in subject.other_ends(other) for other in links):
            yield Finding(link.id, f"Nothing leads to the link {link.event.name}.")


@rule("compensation", "A compensation boundary event is joined to an activity of its scope that is marked for compensation and stands"
      " for nothing else; a compensation that is thrown names an activity that has one.",
      "Draw an association from the compensation boundary event to an activity marked for compensation.")
def _compensation(subject: Subject) -> Iterator[Finding]:
    elements = subject.diagram.elements
    undone = {e.attached_to: e for e in elements.values() if e.kind is Kind.BOUNDARY and e.event.kind is EventKind.COMPENSATION}
    handlers = {e.handler for e in undone.values()}
    for event in undone.values():
        handler = elements.get(event.handler or "")
        if handler is None or handler.scope != event.scope:
            yield Finding(event.id, f"{event.name} is joined to no activity marked for compensation.")
    for element in elements.values():
        if element.for_compensation and element.id not in handlers:
            yield Finding(element.id, f"{element.name} is marked for compensation, but undoes nothing.")
        thrown = element.kind in (Kind.THROW, Kind.END) and element.event.kind is EventKind.COMPENSATION
        if thrown and element.event.activity and element.event.activity not in undone:
            yield Finding(element.id, f"{element.name} takes back {element.event.activity}, which has no compensation.")


@rule("cancel", "Cancel end events stand in transactions, cancel boundary events on them, and one needs the other.",
      "Use a transaction with a cancel boundary event.")
def _cancel(subject: Subject) -> Iterator[Finding]:
    cancelled = {e.attached_to for e in subject.of(Kind.BOUNDARY) if e.event.kind is EventKind.CANCEL}
    for element in subject.diagram.elements.values():
        if element.event.kind is not EventKind.CANCEL:
            continue
        holder = subject.around(element) if element.kind is Kind.END else subject.diagram.elements.get(element.attached_to or "")
        if holder is None or not holder.transaction:
            yield Finding(element.id, f"{element.name} cancels what is no transaction.")
        elif element.kind is Kind.END and holder.id not in cancelled:
            yield Finding(element.id, f"{holder.name} has no cancel boundary event to go on from.")


@rule("caught", "An error or escalation that is thrown is caught around it.",
      "Draw a boundary event or an event sub-process that catches its code; a calling procedure may catch it, too.", warning=True)
def _caught(subject: Subject) -> Iterator[Finding]:
    for element in subject.of(Kind.END, Kind.THROW):
        if element.event.kind in (EventKind.ERROR, EventKind.ESCALATION) and not _is_caught(subject, element):
            yield Finding(element.id, f"Nobody here catches {element.event.name or 'what'} {element.name} throws.")


def _is_caught(subject: Subject, thrower: Element) -> bool:
    def catches(event: Element) -> bool:
        return event.event.kind is thrower.event.kind and event.event.name in (None, thrower.event.name)

    scope: str | None = thrower.scope
    while scope is not None:
        starts = [e for sub in subject.diagram.inside(scope) if sub.triggered_by_event for e in subject.diagram.inside(sub.id)
                  if e.kind is Kind.START]
        if any(map(catches, starts)) or any(map(catches, subject.diagram.boundary_of(scope))):
            return True
        owner = subject.diagram.elements.get(scope)
        scope = owner.scope if owner else None
    return False


@rule("loop-without-person", "Every loop of flows passes somebody: a user task, or a procedure or message that waits for one.",
      "Put a user task or a message catch event into the loop, or let it end after some turns.", warning=True)
def _loop_without_person(subject: Subject) -> Iterator[Finding]:
    for elements in subject.scopes.values():
        waiting = {e.id for e in elements if _waits(subject, e)}
        graph = {e.id: subject.targets(e) for e in elements if e.id not in waiting or e.event.kind is EventKind.TIMER}
        for ring in _rings(graph):
            if waiting & set(ring):  # the others are faults of endless-loop
                yield Finding(ring[0], f"The loop through {', '.join(ring[:6])} goes round by the clock alone, without end.")


@rule("timer-tells", "What a timer sets off does something: a task, an operation, a call, a message.",
      "Draw what is to happen in the end of the timer's path: a notice, an escalation, a task.", warning=True)
def _timer_tells(subject: Subject) -> Iterator[Finding]:
    for event in subject.of(Kind.BOUNDARY):
        if event.event.kind is EventKind.TIMER and not event.interrupting and not _does_something(subject, event):
            yield Finding(event.id, f"Nothing happens when {event.name} is over.")


def _does_something(subject: Subject, event: Element) -> bool:
    seen: set[str] = set()
    ahead = subject.targets(event)
    while ahead:
        current = subject.diagram.elements.get(ahead.pop())
        if current is None or current.id in seen:
            continue
        if current.kind in ACTIVITIES or current.event.kind not in (EventKind.NONE, EventKind.TIMER, EventKind.LINK):
            return True
        seen.add(current.id)
        ahead += subject.targets(current)
    return False


@rule("same-name", "Branches that run at the same time do not write the same name.",
      "Give each branch a name of its own and join them after the gateway; the one that is done last would win.", warning=True)
def _same_name(subject: Subject) -> Iterator[Finding]:
    for fork in subject.of(Kind.PARALLEL, Kind.INCLUSIVE):
        if len(fork.outgoing) < 2:
            continue
        branches = [_reach_from(_graph(subject, fork.scope), subject.diagram.flows[f].target) | {subject.diagram.flows[f].target}
                    for f in fork.outgoing]
        common = set.intersection(*branches)
        writers: dict[str, set[int]] = {}
        for number, branch in enumerate(branches):
            for name in set().union(*(_written(subject, e) for e in branch - common)):
                writers.setdefault(name, set()).add(number)
        twice = sorted(name for name, numbers in writers.items() if len(numbers) > 1)
        if twice:
            yield Finding(fork.id, f"Several branches after {fork.name} write {', '.join(twice[:8])}.")


def _graph(subject: Subject, scope: str) -> dict[str, list[str]]:
    return {e.id: subject.targets(e) for e in subject.diagram.inside(scope)}


def _written(subject: Subject, id: str) -> set[str]:
    """The variables that an element sets in its scope."""
    element = subject.diagram.elements.get(id)
    if element is None or element.multi:
        return {element.multi.output_collection} - {None} if element else set()
    if element.outputs or element.result:
        return {m.target for m in element.outputs} | ({element.result} if element.result else set())
    if element.kind is Kind.USER and element.form in subject.procedure.forms:
        return {f.key for f in subject.procedure.forms[element.form].fields if not f.fixed}
    operation = subject.operations.get(element.operation) if element.operation else None
    return set(operation.outputs) if operation else set()


@rule("lane", "Where a process has lanes, each of its user tasks stands in one.", "Move the task into the lane of who does it.",
      warning=True)
def _lane(subject: Subject) -> Iterator[Finding]:
    if any(e.lane for e in subject.diagram.elements.values()):
        for task in subject.of(Kind.USER):
            if task.lane is None:
                yield Finding(task.id, f"{task.name} stands in no lane.")


@rule("nobody", "Somebody who works here today could take each task.",
      "Give a person the role, or name another group; an absent person's stand-in counts.", warning=True)
def _nobody(subject: Subject) -> Iterator[Finding]:
    if subject.people_in is None:
        return
    for task in subject.of(Kind.USER):
        groups = _literal_texts(task.groups)
        known = [group for group in groups if group in subject.roles]
        if groups and known and not task.assignee and not any(subject.people_in(group) for group in known):
            yield Finding(task.id, f"Nobody is in {', '.join(known)}, so nobody could take {task.name}.")


@rule("help", "Asking for help is possible at any time: exactly one non-interrupting message event sub-process of the process"
      " catches ticket.help (or a message ending in .help) and calls the procedure escalation.",
      "Draw one event sub-process, non-interrupting, with a message start ticket.help and a call activity escalation.")
def _help(subject: Subject) -> Iterator[Finding]:
    if subject.diagram.key == ESCALATION:
        return
    found = [e for e in subject.diagram.inside(subject.diagram.key) if e.triggered_by_event and _catches_help(subject, e)]
    if len(found) != 1:
        yield Finding(subject.diagram.key, f"{len(found)} event sub-processes catch a call for help and escalate it.")


def _catches_help(subject: Subject, sub_process: Element) -> bool:
    inside = subject.diagram.inside(sub_process.id)
    starts = [e for e in inside if e.kind is Kind.START and (e.event.message or "").endswith(".help") and not e.interrupting]
    return bool(starts) and any(e.kind is Kind.CALL and e.called == ESCALATION for e in inside)


# --- what the elements name -------------------------------------------------------------------------------------------

@rule("user-task", "Every user task has a form of its folder, a group or assignee, a due date and the clause it fulfils.",
      "Fill in form, candidate groups, due date and the property clause in the properties panel.")
def _user_task(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        if task.form is None:
            yield Finding(task.id, f"{task.name} has no form.")
        elif task.form not in subject.procedure.forms:
            yield Finding(task.id, f"The form {task.form} of {task.name} is not in forms/.", "Create the form, or correct its id."
                          + _like(task.form, subject.procedure.forms))
        if not task.groups and not task.assignee:
            yield Finding(task.id, f"Nobody is to do {task.name}: it has neither group nor assignee.")
        if not task.due:
            yield Finding(task.id, f"{task.name} has no due date.")
        if not task.clause:
            yield Finding(task.id, f"{task.name} does not say which clause it fulfils.")


@rule("role", "A group that is named in plain text is a role that exists.", "Name an existing role.")
def _role(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        for group in _literal_texts(task.groups):
            if group not in subject.roles:
                yield Finding(task.id, f"The group {group} of {task.name} is no role.",
                              "Name an existing role." + _like(group, subject.roles))


def _literal_texts(expression: str | None) -> list[str]:
    """The texts of an expression that is nothing but a text or a list of texts."""
    try:
        value = json.loads(expression or "null")
    except ValueError:
        return []
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


@rule("task-escalation", "A user task has a timer that tells somebody when it is not done, on itself or around it.",
      "Put a non-interrupting timer boundary event on it that reminds or escalates.", warning=True)
def _task_escalation(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        holder: Element | None = task
        while holder is not None and not _has_timer(subject, holder):
            holder = subject.around(holder)
        if holder is None:
            yield Finding(task.id, f"Nothing happens when {task.name} is not done in time.")


def _has_timer(subject: Subject, element: Element) -> bool:
    return any(b.event.kind is EventKind.TIMER for b in subject.diagram.boundary_of(element.id))


@rule("operation", "A service task names an operation that exists and maps exactly its inputs.",
      "Pick an operation of docs/reference/operations.md and map each of its inputs.")
def _operation(subject: Subject) -> Iterator[Finding]:
    tasks = [e for e in subject.diagram.elements.values() if e.kind is Kind.SERVICE or e.operation]
    for task in tasks:
        operation = subject.operations.get(task.operation) if task.operation else None
        if operation is None:
            yield Finding(task.id, f"{task.name} names the operation {task.operation or '(none)'}, which does not exist.",
                          "Pick an existing operation." + _like(task.operation or "", subject.operations.names()))
        else:
            yield from (Finding(task.id, reason) for reason in operation.faults(m.target for m in task.inputs))


@rule("table", "Every decision table of the folder can be read.", "Open the table in the editor, correct it and save.",
      needs_diagram=False)
def _table(subject: Subject) -> Iterator[Finding]:
    for _, faults in subject.tables:
        yield from (Finding(f.element, f.reason, f.remedy, f.file) for f in faults)


def _load_table(file: str, content: bytes, feel) -> tuple[Any, list[Fault]]:
    """The decisions of a file, or None with its faults."""
    from engine.decisions import load
    try:
        return load(content, file=file, feel=feel), []
    except DefinitionRefused as refused:
        return None, refused.faults
    except (EngineError, ValueError) as error:
        return None, [Fault(file, None, f"The table cannot be read: {str(error)[:300]}", "")]


@rule("decision", "A business rule task calls a decision of the folder's tables, keeps its result in a variable, and the table"
      " looks only at declared names.", "Pick a decision of the folder and name the result variable.")
def _decision(subject: Subject) -> Iterator[Finding]:
    known = {id: table for table, _ in subject.tables if table is not None for id in table.ids()}
    for task in subject.of(Kind.RULE):
        if task.decision is None or task.decision not in known:
            yield Finding(task.id, f"The decision {task.decision or '(none)'} of {task.name} is in no table of the folder.",
                          "Pick a decision of the folder." + _like(task.decision or "", known))
        else:
            given = subject.names | {m.target for m in task.inputs}
            for name in sorted(set(known[task.decision].inputs(task.decision)) - given):
                yield Finding(task.id, f"The table {task.decision} looks at {name}, which is no name of the procedure.",
                              "Map it as an input of the task, or correct the table.")
        if not task.result:
            yield Finding(task.id, f"The result of {task.name} goes nowhere.", "Name the result variable.")


@rule("script", "A script task has an expression and a variable for its result.", "Fill in expression and result variable.")
def _script(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.SCRIPT):
        if task.script is None:
            yield Finding(task.id, f"{task.name} has no expression.")
        if not task.result:
            yield Finding(task.id, f"The result of {task.name} goes nowhere.")


@rule("call", "A call activity names a procedure that exists; calls never go in a circle and are at most 5 deep.",
      "Name an existing procedure, and break circles of calls.")
def _call(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.CALL):
        own = task.called == subject.diagram.key
        if not task.called or task.called not in subject.known and not own:
            yield Finding(task.id, f"The called procedure {task.called or '(none)'} of {task.name} does not exist.",
                          "Name an existing procedure." + _like(task.called or "", subject.known))
        elif own or _calls_back(subject, task.called, subject.diagram.key):
            yield Finding(task.id, f"{subject.diagram.key} calls itself through {task.called}.")
        elif _call_depth(subject, task.called, 1) > MAX_CALL_DEPTH:
            yield Finding(task.id, f"The calls that begin with {task.called} are more than {MAX_CALL_DEPTH} deep.")


def _called_by(subject: Subject, key: str) -> set[str]:
    procedure = subject.known.get(key)
    return calls(procedure) if procedure is not None else set()


def _calls_back(subject: Subject, key: str, own: str) -> bool:
    seen, waiting = set(), [key]
    while waiting:
        current = waiting.pop()
        if current == own:
            return True
        if current not in seen:
            seen.add(current)
            waiting += _called_by(subject, current)
    return False


def _call_depth(subject: Subject, key: str, depth: int) -> int:
    """How deep calls go that begin with `key` at `depth`; one more than allowed where they go deeper."""
    reached = {key}
    while reached and depth <= MAX_CALL_DEPTH:  # a level at a time: procedures that all call each other make many ways
        reached = {other for each in reached for other in _called_by(subject, each)}
        depth += bool(reached)
    return depth


@rule("call-inputs", "A call activity gives exactly the start variables that the called procedure declares.",
      "Map each variable that the called procedure's control sheet lists under `variables:`.", warning=True)
def _call_inputs(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.CALL):
        called = subject.known.get(task.called or "")
        declared = set((called.control_sheet.get("variables") or {}) if called is not None else {})
        given = {m.target for m in task.inputs}
        if declared and declared != given:
            absent, strange = sorted(declared - given), sorted(given - declared)
            yield Finding(task.id, f"{task.name} gives {task.called} " + " and ".join(
                [f"no {', '.join(absent)}"] * bool(absent) + [f"the undeclared {', '.join(strange)}"] * bool(strange)) + ".")


@rule("mapping", "Input mappings stand on service, send, rule and call activities, sub-processes and throwing events, output mappings"
      " on tasks and calls.", "Remove the mapping; a message's variables arrive under their own names.")
def _mapping(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        throws = element.kind in (Kind.THROW, Kind.END) and (element.operation or element.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL))
        for side, lines, kinds in (("input", element.inputs, INPUTS_ON), ("output", element.outputs, OUTPUTS_ON)):
            if lines and element.kind not in kinds and not (throws and (side == "input" or element.operation)):
                yield Finding(element.id, f"The {side} mapping of {element.name} is not read on a {element.kind.value}.")


@rule("long-name", "Ids have at most 64 characters, labels 200, form ids and clauses 64, message names 100, candidate groups 400.",
      "Give it a shorter name; long explanations belong into the documentation of the element.")
def _long_name(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        texts = {"id": element.id, "label": element.name, "form": element.form, "clause": element.clause,
                 "message": element.event.message, "groups": element.groups}
        for what, text in texts.items():
            if text is not None and len(text) > MAX_NAME[what]:
                yield Finding(element.id[:100], f"The {what} {text[:40]}... has {len(text):,} characters, more than {MAX_NAME[what]}.")


@rule("reserved-name", "No variable is called now or instance.", "Give the variable another name.")
def _reserved_name(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        many = {element.multi.item, element.multi.output_collection} if element.multi else set()
        for name in sorted({element.result, *(m.target for m in element.outputs), *many} & RESERVED):
            yield Finding(element.id, f"{name} is given by the engine and cannot be set.")
    for name in RESERVED & set(subject.procedure.control_sheet.get("variables") or {}):
        yield Finding(None, f"{name} is given by the engine and cannot be a start variable.", file=definitions.CONTROL_SHEET)


# --- expressions ------------------------------------------------------------------------------------------------------

class Expression(NamedTuple):
    """One FEEL text of the procedure: where it stands, and which names it may use beside the usual (None: any)."""

    element: str | None
    place: str
    text: str
    extra: frozenset[str] | None = frozenset()
    file: str = ""


@rule("expression", "Every expression is FEEL and uses only names that are declared.",
      "Correct the expression; declare what is known at the start under `variables:` of control-sheet.yaml.")
def _expression(subject: Subject) -> Iterator[Finding]:
    for expression in [*_element_expressions(subject), *_form_expressions(subject)]:
        remedy = _python_remedy(expression.text) or punctuation.remedy(expression.text)
        if remedy:
            yield Finding(expression.element, f"{expression.place} `{_short(expression.text)}` is no FEEL.", remedy, expression.file)
            continue
        names = subject.names | (expression.extra or frozenset())
        told: set[str | None] = set()
        for problem in subject.feel.check(expression.text, names):
            if (problem.name is None or expression.extra is not None) and problem.name not in told:
                told.add(problem.name)
                yield Finding(expression.element, f"{expression.place} `{_short(expression.text)}`: {problem.message}"
                              f" (character {problem.start + 1}).", file=expression.file)


@rule("duration-text", "Every duration written out in an expression is ISO 8601.",
      "Write duration(\"PT15M\") for 15 minutes, \"PT4H\" for hours, \"P1D\" for days.")
def _duration_text(subject: Subject) -> Iterator[Finding]:
    for expression in _element_expressions(subject):
        for text in re.findall(r"\bduration\(\s*\"([^\"]*)\"\s*\)", expression.text):
            try:
                dialect.check_duration(text)
            except BadText as bad:
                yield Finding(expression.element, f"{expression.place}: {bad}", bad.remedy)


def _element_expressions(subject: Subject) -> Iterator[Expression]:
    for element in subject.diagram.elements.values():
        event = element.event
        for place, text in (("candidate groups", element.groups), ("assignee", element.assignee), ("due date", element.due),
                            ("follow-up date", element.follow_up), ("priority", element.priority), ("script", element.script),
                            ("condition" if event.kind is EventKind.CONDITION else "timer", event.expression),
                            ("correlation key", event.correlation_key)):
            if text is not None:
                yield Expression(element.id, place, text)
        yield from _repeated_expressions(element)
        yield from (Expression(element.id, f"input {m.target}", m.source) for m in element.inputs)
        extra = _output_names(subject, element) if element.outputs else frozenset()
        yield from (Expression(element.id, f"output {m.target}", m.source, extra) for m in element.outputs)
    for flow in subject.diagram.flows.values():
        if flow.condition is not None:
            yield Expression(flow.id, "condition", flow.condition)


def _repeated_expressions(element: Element) -> Iterator[Expression]:
    many, loop = element.multi, element.loop
    for place, text, extra in (("input collection", many and many.collection, ()), ("cardinality", many and many.cardinality, ()),
                               ("output element", many and many.output, ()), ("completion condition", many and many.completion, COUNTS),
                               ("loop condition", loop and loop.condition, ())):
        if text is not None:
            yield Expression(element.id, place, text, frozenset(extra))


def _output_names(subject: Subject, element: Element) -> frozenset[str] | None:
    """The names an output mapping sees beside the process's own; None where they cannot be known."""
    if element.kind is Kind.SERVICE or element.operation:
        operation = subject.operations.get(element.operation) if element.operation else None
        return frozenset(operation.outputs) if operation else None
    if element.kind is Kind.CALL:
        called = subject.known.get(element.called or "")
        return frozenset(names_of(called, subject.operations)) if called is not None else None
    return frozenset()


def _form_expressions(subject: Subject) -> Iterator[Expression]:
    for form in subject.procedure.forms.values():
        conditions = {hide for field in form.fields for hide in field.hides}
        yield from (Expression(form.id, "hide condition", hide, frozenset(form.keys), f"forms/{form.id}.form")
                    for hide in sorted(conditions))


_PYTHON = (
    (r"==", "FEEL compares with a single =."),
    (r"&&|\|\|", "FEEL says `and`, `or`."),
    (r"\blambda\b", "FEEL has no lambda; use `for x in list return ...` or a decision table."),
    (r"__|\bimport\b|\bexec\b|\beval\b|\bos\.\w", "No Python is ever run; write FEEL."),
    (r"\b(True|False|None)\b", "FEEL says true, false, null."),
    (r"\bnot\s+(?!\()\w", "FEEL says not(...)."),
    (r"\b(elif|def|len\(|str\(|int\(|float\()", "This is Python; FEEL says count(list), string(x), number(text)."),
    (r"[\w)\]]\.(get|append|lower|upper|strip|split)\(", "FEEL has no methods; write upper case(text), list[1], append(list, x)."),
)


def _python_remedy(expression: str) -> str | None:
    """What to write instead where an expression looks like Python, outside its texts in quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    if re.search(r"\belse\b", bare) and not re.search(r"\bthen\b", bare):
        return "FEEL says `if a then b else c`."
    if "'" in bare:
        return 'FEEL puts texts in double quotes: "urgent".'
    return next((remedy for pattern, remedy in _PYTHON if re.search(pattern, bare)), None)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


# --- papers of the procedure ------------------------------------------------------------------------------------------

@rule("control-sheet", "The control sheet (clause 0) names code, name, status, tier, department, owner, and each revision's time,"
      " code before, code after and changes, in time order.", "Fill in control-sheet.yaml.", needs_diagram=False)
def _control_sheet(subject: Subject) -> Iterator[Finding]:
    sheet = subject.procedure.control_sheet
    if not sheet:
        yield Finding(None, "There is no control sheet.", file=definitions.CONTROL_SHEET)
        return
    for key in SHEET_TEXTS:
        if not str(sheet.get(key) or "").strip():
            yield Finding(None, f"The control sheet has no {key}.", file=definitions.CONTROL_SHEET)
    if sheet.get("status") and sheet["status"] not in STATUSES:
        yield Finding(None, f"The status {sheet['status']} is not known.", f"Write one of {', '.join(STATUSES)}.",
                      definitions.CONTROL_SHEET)
    yield from (Finding(None, reason, file=definitions.CONTROL_SHEET) for reason in _revision_faults(sheet.get("revisions")))


def _revision_faults(revisions) -> Iterator[str]:
    if not isinstance(revisions, list) or not revisions:
        yield "The control sheet has no revisions."
        return
    for number, revision in enumerate(revisions, 1):
        missing = [k for k in REVISION_TEXTS if not str((revision if isinstance(revision, dict) else {}).get(k) or "").strip()]
        if missing:
            yield f"Revision {number} has no {', '.join(missing)}."
    times = [str(r.get("time")) for r in revisions if isinstance(r, dict)]
    if times != sorted(times):
        yield "The revisions are not in time order."


@rule("english", "en.yaml has an English text for every label of the diagram and the forms, and for nothing else.",
      "Add the texts to en.yaml, remove those that name nothing.", warning=True)
def _english(subject: Subject) -> Iterator[Finding]:
    english = subject.procedure.translations
    named = {e.id: e.name for e in subject.diagram.elements.values() if e.name != e.id}
    named |= {f.id: f.name for f in subject.diagram.flows.values() if f.name}
    diagram = subject.diagram
    everything = {diagram.key, *diagram.elements, *diagram.flows, *diagram.documentation_only}
    yield from _text_gaps("the diagram", named, _mapping_of(english, "elements"), everything)
    forms = _mapping_of(english, "forms")
    for form in subject.procedure.forms.values():
        shown = {c.id for c in form.walk()} | {c.key for c in form.walk()}
        labels = _form_labels(form)
        yield from _text_gaps(f"the form {form.id}", labels, _flat_texts(_mapping_of(forms, form.id)), shown | set(labels))
    yield from _text_gaps("the folder's forms", {}, forms, set(subject.procedure.forms))


def _text_gaps(what: str, wanted: Mapping[str, str], given: Mapping[str, Any], known: set[str]) -> Iterator[Finding]:
    missing = sorted(k for k in wanted if not given.get(k))
    if missing:
        yield Finding(None, f"{len(missing)} texts of {what} have no English: {', '.join(missing[:8])}.",
                      file=definitions.ENGLISH)
    strange = sorted(str(k) for k in given if k not in known)
    if strange:
        yield Finding(None, f"en.yaml names what is not in {what}: {', '.join(strange[:8])}.", file=definitions.ENGLISH)


def _form_labels(form) -> dict[str, str]:
    """Everything to be said in English about a form: `key`, and `key=value` for options."""
    labels: dict[str, str] = {}
    for each in form.fields:
        labels[each.key] = each.label
        labels |= {f"{each.key}={option.value}": option.label for option in each.options}
    return labels


def _flat_texts(texts: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, entry in texts.items():
        entry = entry if isinstance(entry, dict) else {"label": entry}
        flat[str(key)] = entry.get("label")
        flat |= {f"{key}={value}": label for value, label in _mapping_of(entry, "values").items()}
    return flat


def _mapping_of(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


@rule("scenarios", "A procedure has at least two scenarios.", "Write one story per file in scenarios/: given, steps, then.",
      warning=True, needs_diagram=False)
def _scenarios(subject: Subject) -> Iterator[Finding]:
    count = len(subject.procedure.scenarios)
    if count < 2:
        yield Finding(None, f"The procedure has {count} scenarios.", file="scenarios/")
