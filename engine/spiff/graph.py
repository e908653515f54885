"""Specs of one diagram, built once per definition and shared, read-only, by all its instances."""

from __future__ import annotations

from dataclasses import dataclass

from SpiffWorkflow.specs.StartTask import StartTask
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from engine.dialect import Diagram, Element, Kind
from engine.spiff.specs import SPEC_OF, Listener


@dataclass(frozen=True, slots=True)
class Graph:
    """A diagram with its specs, and what the token game looks up on every step."""

    diagram: Diagram
    spec: WorkflowSpec
    boundaries: dict[str, tuple[Element, ...]]  # activity id -> its boundary events
    starts: dict[str, Element]  # scope id -> its none start event
    listeners: dict[str, tuple[Element, ...]]  # scope id -> starts of its event sub-processes


def build(diagram: Diagram) -> Graph:
    """The graph of a checked diagram. The result does not depend on any instance."""
    spec = WorkflowSpec(name=diagram.key)
    spec.start = StartTask(spec)
    event_scopes = {e.id: e.scope for e in diagram.elements.values() if e.triggered_by_event}
    starts, listeners = {}, {}
    for element in diagram.elements.values():
        if element.kind is Kind.START and element.scope in event_scopes:
            Listener(spec, element)
            listeners.setdefault(event_scopes[element.scope], []).append(element)
            continue
        SPEC_OF[element.kind](spec, element)
        if element.kind is Kind.START:
            starts[element.scope] = element
    boundaries = {}
    for element in diagram.elements.values():
        if element.kind is Kind.BOUNDARY:
            boundaries.setdefault(element.attached_to, []).append(element)
    return Graph(diagram, spec, {k: tuple(v) for k, v in boundaries.items()}, starts,
                 {k: tuple(v) for k, v in listeners.items()})
