"""Specs of one diagram, built once per definition and shared, read-only, by all its instances."""

from __future__ import annotations

from dataclasses import dataclass

from SpiffWorkflow.specs.StartTask import StartTask
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from engine.dialect import Diagram, Element, EventKind, Kind
from engine.spiff.specs import Listener, spec_for


@dataclass(frozen=True, slots=True)
class Graph:
    """A diagram with its specs, and what the token game looks up on every step."""

    diagram: Diagram
    spec: WorkflowSpec
    boundaries: dict[str, tuple[Element, ...]]  # activity id -> its boundary events, compensation apart
    compensations: dict[str, Element]  # activity id -> its compensation boundary event
    starts: dict[str, Element]  # scope id -> its first start event
    listeners: dict[str, tuple[Element, ...]]  # scope id -> starts of its event sub-processes
    links: dict[tuple[str, str], Element]  # (scope id, link name) -> catching end
    joins: dict[str, dict[str, frozenset[str]]]  # inclusive join -> element -> the join's incoming flows it leads to
    conditional: bool  # whether any event waits for a condition


def build(diagram: Diagram) -> Graph:
    """The graph of a checked diagram. The result does not depend on any instance."""
    spec = WorkflowSpec(name=diagram.key)
    spec.start = StartTask(spec)
    event_scopes = {e.id: e.scope for e in diagram.elements.values() if e.triggered_by_event}
    starts, listeners, boundaries, compensations, links = {}, {}, {}, {}, {}
    for element in diagram.elements.values():
        if element.kind is Kind.START and element.scope in event_scopes:
            Listener(spec, element)
            listeners.setdefault(event_scopes[element.scope], []).append(element)
            continue
        spec_for(spec, element)
        if element.kind is Kind.START and (element.scope not in starts or element.event.kind is EventKind.NONE):
            starts[element.scope] = element
        elif element.kind is Kind.BOUNDARY and element.event.kind is EventKind.COMPENSATION:
            compensations[element.attached_to] = element
        elif element.kind is Kind.BOUNDARY:
            boundaries.setdefault(element.attached_to, []).append(element)
        elif element.kind is Kind.CATCH and element.event.kind is EventKind.LINK:
            links[element.scope, element.event.name] = element
    joins = {e.id: _leads_to(diagram, e) for e in diagram.elements.values() if e.kind is Kind.INCLUSIVE and len(e.incoming) > 1}
    return Graph(diagram, spec, {k: tuple(v) for k, v in boundaries.items()}, compensations, starts,
                 {k: tuple(v) for k, v in listeners.items()}, links, joins,
                 any(e.event.kind is EventKind.CONDITION for e in diagram.elements.values()))


def _leads_to(diagram: Diagram, join: Element) -> dict[str, frozenset[str]]:
    """For each element of the join's scope: the incoming flows of the join that a token there may come by, not through the join."""
    before: dict[str, list[str]] = {}
    for flow in diagram.flows.values():
        before.setdefault(flow.target, []).append(flow.source)
    for element in diagram.elements.values():
        if element.kind is Kind.THROW and element.event.kind is EventKind.LINK:
            for other in diagram.inside(element.scope):
                if other.kind is Kind.CATCH and other.event.kind is EventKind.LINK and other.event.name == element.event.name:
                    before.setdefault(other.id, []).append(element.id)
    found: dict[str, set[str]] = {}
    for flow in join.incoming:
        waiting = [diagram.flows[flow].source]
        while waiting:
            current = waiting.pop()
            if current == join.id or flow in found.setdefault(current, set()):
                continue
            found[current].add(flow)
            waiting += before.get(current, ())
    return {k: frozenset(v) for k, v in found.items()}
