"""What each kind of element does with a token: SpiffWorkflow task specs without its prediction, data and tree searches.

The library's own joins, boundary splits and event sub-processes look at the shape of the task tree, which goes wrong in loops
and after pruning; here every rule looks at the live tokens of one scope. A spec is shared by all instances and keeps no state.
"""

from __future__ import annotations

from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.util.task import TaskState

from engine.dialect import EventKind, Kind


class Node(BpmnTaskSpec):
    """An element that is passed at once: start, none end, none throw. Base of all the others."""

    waits = False  # reaching it is a wait state
    activity = False  # may carry boundary events

    def __init__(self, graph_spec, element, **kwargs):
        super().__init__(graph_spec, element.id, **kwargs)
        self.element = element
        self.bpmn_id, self.bpmn_name = element.id, element.name

    def _predict(self, token, seen=None, looked_ahead=0, mask=None):
        """Nothing: a token exists when it is there, not when it might come."""

    def _update(self, token):
        token._ready()

    def _on_ready(self, token):
        token.workflow.game.ready(token)

    def _run(self, token):
        return True

    def _on_complete(self, token):
        game = token.workflow.game
        game.host.passed(token, self.element.outgoing)
        game.leave(token, self.element.outgoing)

    def _on_cancel(self, token):
        token.workflow.game.cancelled(token)


class Activity(Node):
    """An element that may carry boundary events; they end with it."""

    activity = True

    def _on_ready(self, token):
        token.workflow.game.guard(token)
        super()._on_ready(token)

    def _on_complete(self, token):
        token.workflow.game.release(token)
        super()._on_complete(token)


class Human(Activity):
    """A user task: READY until somebody completes it."""

    waits = True

    def __init__(self, graph_spec, element):
        super().__init__(graph_spec, element, manual=True)


class Automatic(Activity):
    """Service, business rule and script task: the host performs it inside the step."""

    def _run(self, token):
        token.workflow.game.host.perform(token)
        return True


class Call(Activity):
    """A call activity: started until the called instance has ended."""

    waits = True

    def _run(self, token):
        token._set_state(TaskState.STARTED)
        token.workflow.game.host.opened(token)


class SubProcess(Activity):
    """An embedded sub-process: started until its scope holds no token any more."""

    def _run(self, token):
        token._set_state(TaskState.STARTED)
        token.workflow.game.open_scope(self.element.id, token.key)


class Catch(Node):
    """An intermediate catch event: waits until the host fires it."""

    waits = True

    def _update(self, token):
        token._set_state(TaskState.WAITING)
        token.workflow.game.host.opened(token)

    def _on_complete(self, token):
        game = token.workflow.game
        game.end_race(token)
        super()._on_complete(token)


class Boundary(Catch):
    """A boundary event; an interrupting one takes its activity's place."""

    def _on_complete(self, token):
        game = token.workflow.game
        if self.element.interrupting:
            game.interrupt(token.host, by=token)
        Node._on_complete(self, token)


class Listener(Catch):
    """The start of an event sub-process, waiting in the surrounding scope."""

    def _on_complete(self, token):
        token.workflow.game.start_event_subprocess(token)


class Exclusive(Node):
    """One flow goes on: the first whose condition holds, else the default; no match is the host's to refuse."""

    def _on_complete(self, token):
        game = token.workflow.game
        flows = (game.host.choose(token),) if len(self.element.outgoing) > 1 else self.element.outgoing
        game.host.passed(token, flows)
        game.leave(token, flows)


class Parallel(Node):
    """Takes one token from each incoming flow of its scope, gives one to each outgoing; what is over stays."""

    def _update(self, token):
        token._set_state(TaskState.WAITING)
        token.workflow.game.try_join(token)


class EventGateway(Node):
    """Its catch events race; the first one fired ends the others."""

    def _on_complete(self, token):
        game = token.workflow.game
        game.host.passed(token, self.element.outgoing)
        game.leave(token, self.element.outgoing, race=token.key)


class End(Node):
    """Ends its token; a terminate end event ends every token of its scope."""

    def _on_complete(self, token):
        game = token.workflow.game
        game.host.passed(token, ())
        if self.element.event.kind is EventKind.TERMINATE:
            game.terminate(token)
        game.settle_scope(token.home)


SPEC_OF = {
    Kind.START: Node, Kind.END: End, Kind.CATCH: Catch, Kind.THROW: Node, Kind.BOUNDARY: Boundary, Kind.USER: Human,
    Kind.SERVICE: Automatic, Kind.RULE: Automatic, Kind.SCRIPT: Automatic, Kind.CALL: Call, Kind.SUBPROCESS: SubProcess,
    Kind.EXCLUSIVE: Exclusive, Kind.PARALLEL: Parallel, Kind.EVENT_GATEWAY: EventGateway,
}
