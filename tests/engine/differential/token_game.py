"""An independent token game: BPMN's rules written once more, from the standard, with nothing of the engine or of SpiffWorkflow.

State is a plain list of tokens (element, scope, by which flow, whom it guards). It serves as judge in the differential test,
so it is written to be read against the standard, not to be fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

WAITS = {"userTask", "boundaryEvent", "intermediateCatchEvent", "callActivity", "subProcess", "listener"}


@dataclass(eq=False)
class Mark:
    """One token."""

    element: str
    kind: str
    scope: "Mark | None"
    flow: str | None = None
    guards: "Mark | None" = None
    race: object | None = None


@dataclass
class Game:
    """A running instance of a diagram (engine.dialect data only)."""

    diagram: object
    choose: object  # element id -> flow id, called when a token leaves an exclusive gateway
    marks: list[Mark] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self):
        self.numbers = count()
        self.enter_scope(self.diagram.key, None)

    # what a person or the clock does
    def waiting(self) -> list[str]:
        return sorted(m.element for m in self.marks)

    def finish(self, element: str) -> None:
        """Complete the oldest waiting token of `element`: a task, a call, or a catching event."""
        mark = next(m for m in self.marks if m.element == element and m.kind not in ("subProcess", "join"))
        self.marks.remove(mark)
        if mark.kind == "listener":
            self.start_event_subprocess(mark)
            return
        node = self.diagram.elements[element]
        if mark.kind == "boundaryEvent":
            if node.interrupting:
                self.remove(mark.guards)
            elif node.event.kind == "message":
                self.marks.append(Mark(element, "boundaryEvent", mark.scope, guards=mark.guards))
        if mark.race is not None:
            self.marks = [m for m in self.marks if m.race is not mark.race]
        self.drop_guards(mark)
        self.leave(node, mark.scope)

    # how tokens move
    def enter_scope(self, scope_id: str, scope: Mark | None) -> None:
        for node in self.diagram.inside(scope_id):
            if node.triggered_by_event:
                start = next(n for n in self.diagram.inside(node.id) if n.kind == "startEvent")
                self.marks.append(Mark(start.id, "listener", scope))
        self.leave(next(n for n in self.diagram.inside(scope_id) if n.kind == "startEvent"), scope)

    def leave(self, node, scope: Mark | None, race: object | None = None) -> None:
        flows = node.outgoing
        if node.kind == "exclusiveGateway" and len(flows) > 1:
            flows = (self.choose(node.id),)
        for flow in flows:
            self.arrive(self.diagram.flows[flow], scope, race)
        if not flows:
            self.close_if_empty(scope)

    def arrive(self, flow, scope: Mark | None, race: object | None) -> None:
        if self.ended or (scope is not None and scope not in self.marks):
            return  # its scope was ended by a token of the same split
        node = self.diagram.elements[flow.target]
        kind = str(node.kind)
        if kind in ("userTask", "callActivity", "subProcess"):
            mark = Mark(node.id, kind, scope)
            self.marks.append(mark)
            for guard in self.diagram.boundary_of(node.id):
                self.marks.append(Mark(guard.id, "boundaryEvent", scope, guards=mark))
            if kind == "subProcess":
                self.enter_scope(node.id, mark)
        elif kind == "intermediateCatchEvent":
            self.marks.append(Mark(node.id, kind, scope, race=race))
        elif kind == "parallelGateway":
            self.marks.append(Mark(node.id, "join", scope, flow=flow.id))
            self.try_join(node, scope)
        elif kind == "eventBasedGateway":
            self.leave(node, scope, race=object())
        elif kind == "endEvent":
            if node.event.kind == "terminate":
                for mark in [m for m in self.marks if m.scope is scope]:
                    self.remove(mark)
            self.close_if_empty(scope)
        else:
            self.leave(node, scope)

    def try_join(self, node, scope: Mark | None) -> None:
        taken = []
        for flow in node.incoming:
            mark = next((m for m in self.marks if m.element == node.id and m.scope is scope and m.flow == flow), None)
            if mark is None:
                return
            taken.append(mark)
        self.marks = [m for m in self.marks if m not in taken]
        self.leave(node, scope)

    def close_if_empty(self, scope: Mark | None) -> None:
        if scope is not None and scope not in self.marks:
            return
        inside = [m for m in self.marks if m.scope is scope]
        if any(m.kind != "listener" for m in inside):
            return
        self.marks = [m for m in self.marks if m.scope is not scope]
        if scope is None:
            self.ended = True
            return
        self.marks.remove(scope)
        self.drop_guards(scope)
        self.leave(self.diagram.elements[scope.element], scope.scope)

    def start_event_subprocess(self, listener: Mark) -> None:
        start = self.diagram.elements[listener.element]
        if start.interrupting:
            for mark in [m for m in self.marks if m.scope is listener.scope]:
                self.remove(mark)
        else:
            self.marks.append(Mark(start.id, "listener", listener.scope))
        owner = Mark(start.scope, "subProcess", listener.scope)
        self.marks.append(owner)
        self.leave(start, owner)

    def remove(self, mark: Mark) -> None:
        if mark not in self.marks:
            return
        self.marks.remove(mark)
        self.drop_guards(mark)
        for inner in [m for m in self.marks if m.scope is mark]:
            self.remove(inner)

    def drop_guards(self, mark: Mark) -> None:
        self.marks = [m for m in self.marks if m.guards is not mark]
