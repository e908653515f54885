"""Checks of flows, gateways, boundaries, loops and the drawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.checks.core import CHOOSING, Finding, Subject, rule
from engine.dialect import ACTIVITIES, Element, EventKind, Kind

AT_ONCE = frozenset({Kind.SERVICE, Kind.SEND, Kind.RULE, Kind.SCRIPT})  # done within the step that reaches them
FORKING = CHOOSING | {Kind.PARALLEL, Kind.EVENT_GATEWAY}


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
        graph = {e.id: subject.targets(e) for e in elements if not waits(subject, e)}
        for ring in rings(graph):
            yield Finding(ring[0], f"The loop through {', '.join(ring[:6])} never waits for anybody.")
    for element in subject.diagram.elements.values():
        if element.loop and element.loop.maximum is None and not waits(subject, element):
            yield Finding(element.id, f"{element.name} loops without waiting for anybody and without a maximum.", "Set its loop maximum.")


def waits(subject: Subject, element: Element) -> bool:
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
    passing = {e.id: e for e in elements if not waits(subject, e)}
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


def rings(graph: dict[str, list[str]]) -> list[list[str]]:
    """One ring of nodes for each part of the graph that goes round (nodes outside `graph` break every ring)."""
    rings, done = [], set()
    for start in graph:
        if start in done:
            continue
        after = reach_from(graph, start)
        if start in after:
            ring = [start, *(n for n in graph if n != start and n in after and start in reach_from(graph, n))]
            rings.append(ring)
            done.update(ring)
    return rings


def reach_from(graph: dict[str, list[str]], start: str) -> set[str]:
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
