"""What each kind of element does with a token: SpiffWorkflow task specs without its prediction, data and tree searches.

The library's own joins, boundary splits and event sub-processes look at the shape of the task tree, which goes wrong in loops
and after pruning; here every rule looks at the live tokens of one scope. A spec is shared by all instances and keeps no state.
"""

from __future__ import annotations

from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.util.task import TaskState

from engine.dialect import EventKind, Kind
from engine.operations import Failure


class Node(BpmnTaskSpec):
    """An element that is passed at once: start, none end, none throw. Base of all the others."""

    waits = False  # reaching it is a wait state
    activity = False  # may carry boundary events
    item_of = None  # of a turn of a multi-instance or loop: the spec of the whole

    def __init__(self, graph_spec, element, name: str | None = None, **kwargs):
        super().__init__(graph_spec, name or element.id, **kwargs)
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

    def perform(self, token) -> bool:
        """Whether the host performed it; a failure that the procedure foresees goes to who catches its error."""
        game = token.workflow.game
        try:
            game.host.perform(token)
        except Failure as failure:
            game.throw(EventKind.ERROR, failure.code, token.home, activity=token if self.activity else None, source=token)
            return False
        return True

    def _on_complete(self, token):
        game = token.workflow.game
        game.host.passed(token, self.element.outgoing)
        game.leave(token, self.element.outgoing)

    def _on_cancel(self, token):
        token.workflow.game.cancelled(token)


# --- activities -------------------------------------------------------------------------------------------------------

class Activity(Node):
    """An element that may carry boundary events; they end with it."""

    activity = True

    def _on_ready(self, token):
        if self.item_of is None:
            token.workflow.game.guard(token)
        super()._on_ready(token)

    def _on_complete(self, token):
        game = token.workflow.game
        game.release(token)
        if self.item_of is not None:
            game.host.passed(token, ())
            game.item_done(token)
            return
        if self.element.for_compensation:
            game.host.passed(token, ())
            game.undone(token)
            return
        super()._on_complete(token)


class Human(Activity):
    """A user task: READY until somebody completes it."""

    waits = True

    def __init__(self, graph_spec, element, name=None):
        super().__init__(graph_spec, element, name, manual=True)


class Automatic(Activity):
    """Service, send, business rule and script task: the host performs it inside the step."""

    def _run(self, token):
        return self.perform(token)


class Receive(Activity):
    """A receive task: waits for its message."""

    waits = True

    def _on_ready(self, token):
        if self.item_of is None:
            token.workflow.game.guard(token)
        token._set_state(TaskState.WAITING)
        token.workflow.game.host.opened(token)

    def _on_complete(self, token):
        token.workflow.game.end_race(token)
        super()._on_complete(token)


class Call(Activity):
    """A call activity: started until the called instance has ended."""

    waits = True

    def _run(self, token):
        token._set_state(TaskState.STARTED)
        token.workflow.game.host.opened(token)


class SubProcess(Activity):
    """An embedded sub-process or transaction: started until its scope holds no token any more."""

    def _run(self, token):
        token._set_state(TaskState.STARTED)
        game = token.workflow.game
        game.host.entered(token)
        game.open_scope(self.element.id, token.key)


class Many(Activity):
    """An activity that is done several times: started until its turns are over. Each turn is a token on the spec `turn`."""

    def __init__(self, graph_spec, element):
        super().__init__(graph_spec, element)
        self.turn = SPEC_OF[element.kind](graph_spec, element, f"{element.id}#")
        self.turn.item_of = self

    def _run(self, token):
        token._set_state(TaskState.STARTED)
        token.workflow.game.begin_turns(token)


# --- events -----------------------------------------------------------------------------------------------------------

class Throw(Node):
    """An intermediate throw event: message and signal leave with the step, the others look for who catches them here."""

    def _run(self, token):
        game, event = token.workflow.game, self.element.event
        if event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
            return self.perform(token)
        if event.kind is EventKind.COMPENSATION:
            return game.compensate(token)
        return True

    def _on_complete(self, token):
        game, event = token.workflow.game, self.element.event
        if event.kind is EventKind.LINK:
            game.host.passed(token, ())
            game.jump(token, event.name)
        elif event.kind is EventKind.ESCALATION:
            game.host.passed(token, self.element.outgoing)
            if not game.throw(EventKind.ESCALATION, event.name, token.home, source=token):
                game.leave(token, self.element.outgoing)
        else:
            super()._on_complete(token)


class Catch(Node):
    """An intermediate catch event: waits until the host fires it. The far end of a link is passed at once."""

    waits = True

    def _update(self, token):
        if self.element.event.kind is EventKind.LINK:
            token._ready()
            return
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


class Compensation(Node):
    """A compensation boundary event: a token on it says that its activity was done and can be undone."""

    def _update(self, token):
        token._set_state(TaskState.WAITING)

    def _on_complete(self, token):
        """Nothing follows: its handler runs for the throwing event."""


class Listener(Catch):
    """The start of an event sub-process, waiting in the surrounding scope."""

    def _on_complete(self, token):
        token.workflow.game.start_event_subprocess(token)


class End(Node):
    """Ends its token, and does what its kind says: throw, take back, or end every token of its scope."""

    def _run(self, token):
        game, event = token.workflow.game, self.element.event
        if event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
            return self.perform(token)
        if event.kind is EventKind.COMPENSATION:
            return game.compensate(token)
        if event.kind is EventKind.CANCEL:
            game.terminate(token, all_but_compensation=True)
            return game.compensate(token)
        return True

    def _on_complete(self, token):
        game, event = token.workflow.game, self.element.event
        game.host.passed(token, ())
        if event.kind is EventKind.TERMINATE:
            game.terminate(token)
        elif event.kind is EventKind.CANCEL:
            game.cancel_transaction(token)
            return
        elif event.kind in (EventKind.ERROR, EventKind.ESCALATION) and game.throw(event.kind, event.name, token.home, source=token):
            return
        game.settle_scope(token.home)


# --- gateways ---------------------------------------------------------------------------------------------------------

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


class Inclusive(Node):
    """Each flow whose condition holds goes on. With several incoming flows it waits while a token might still come by another."""

    def _update(self, token):
        if len(self.element.incoming) > 1:
            token._set_state(TaskState.WAITING)  # decided when the step has come to rest
        else:
            token._ready()

    def _on_complete(self, token):
        game = token.workflow.game
        flows = game.host.choose_all(token) if len(self.element.outgoing) > 1 else self.element.outgoing
        game.host.passed(token, flows)
        game.leave(token, flows)


class EventGateway(Node):
    """Its catch events race; the first one fired ends the others."""

    def _on_complete(self, token):
        game = token.workflow.game
        game.host.passed(token, self.element.outgoing)
        game.leave(token, self.element.outgoing, race=token.key)


SPEC_OF = {
    Kind.START: Node, Kind.END: End, Kind.CATCH: Catch, Kind.THROW: Throw, Kind.BOUNDARY: Boundary, Kind.USER: Human,
    Kind.SERVICE: Automatic, Kind.SEND: Automatic, Kind.RECEIVE: Receive, Kind.RULE: Automatic, Kind.SCRIPT: Automatic,
    Kind.CALL: Call, Kind.SUBPROCESS: SubProcess, Kind.EXCLUSIVE: Exclusive, Kind.INCLUSIVE: Inclusive,
    Kind.PARALLEL: Parallel, Kind.EVENT_GATEWAY: EventGateway,
}


def spec_for(graph_spec, element):
    """The spec of an element."""
    if element.multi or element.loop:
        return Many(graph_spec, element)
    if element.kind is Kind.BOUNDARY and element.event.kind is EventKind.COMPENSATION:
        return Compensation(graph_spec, element)
    return SPEC_OF[element.kind](graph_spec, element)
