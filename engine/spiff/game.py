"""The token game of one process instance: load, advance to the next wait state, save.

The host is told what opens and closes and is asked to perform and to choose; the game knows no variables, rows or time.
Between steps only live tokens are kept, so a saved state is a few hundred bytes however long the instance has run.
Surprise: all scopes of an instance share one SpiffWorkflow workflow; a token's `home` says in which sub-process it runs.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Protocol

import orjson
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from engine.dialect import EventKind, Kind
from engine.errors import NotPossible, StepFailed
from engine.spiff.graph import Graph
from engine.spiff.token import Token

STATE_FORMAT = 1
REPEATS = 1000  # one element in one scope in one step
CPU_SECONDS = 5.0


class Host(Protocol):
    """What the engine gives the game."""

    def new_id(self) -> str:
        """An id for a new token, unique for ever."""

    def opened(self, token: Token) -> None:
        """A wait state began: user task, call, catch, boundary or listener."""

    def closed(self, token: Token, how: str) -> None:
        """A wait state ended: 'completed' or 'cancelled'."""

    def passed(self, token: Token, flows: tuple[str, ...]) -> None:
        """An element is done and its token goes on by `flows`."""

    def perform(self, token: Token) -> None:
        """Do a service, business rule or script task now. Raise to fail the step."""

    def choose(self, token: Token) -> str:
        """The flow by which a token leaves an exclusive gateway. Raise if none holds."""


class TokenGame:
    """The live tokens of one instance on its graph."""

    def __init__(self, graph: Graph, host: Host):
        self.graph, self.host, self.new_id = graph, host, host.new_id
        self.workflow = Workflow(graph.spec, deserializing=True)
        self.workflow.game = self
        self.workflow.task_tree = self.root = Token(self.workflow, graph.spec.start, state=TaskState.COMPLETED, id="root")
        self.ended = False
        self._queue: deque[Token] = deque()
        self._runs: Counter = Counter()

    # ---- state -----------------------------------------------------------------------------------------------------
    @classmethod
    def load(cls, graph: Graph, state: bytes, host: Host) -> TokenGame:
        """The game as saved. Raises StepFailed if the state is of an unknown format or names an unknown element."""
        game = cls(graph, host)
        version, ended, rows = orjson.loads(state)
        if version != STATE_FORMAT:
            raise StepFailed(None, None, f"saved state has format {version}; this release reads {STATE_FORMAT}", "format")
        specs = graph.spec.task_specs
        for key, element, status, home, host_key, flow, listens, memo in rows:
            if element not in specs:
                raise StepFailed(None, element, "the saved state stands on an element that the definition does not have")
            Token(game.workflow, specs[element], parent=game.root, state=status, id=key, home=home, host=host_key,
                  flow=flow, listens=bool(listens), memo=memo)
        game.ended = ended
        return game

    def save(self) -> bytes:
        return orjson.dumps([STATE_FORMAT, self.ended, [
            [t.key, t.task_spec.name, t._state, t.home, t.host, t.flow, int(t.listens), t.memo or None]
            for t in self.live()]])

    def live(self) -> list[Token]:
        return [t for t in self.workflow.tasks.values() if t.live]

    def token(self, key: str) -> Token | None:
        token = self.workflow.tasks.get(key)
        return token if token is not None and token.live else None

    # ---- commands --------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        self.open_scope(self.graph.diagram.key, None)

    def complete(self, key: str) -> None:
        """A person has done user task `key`, or the instance called by `key` has ended."""
        token = self._waiting(key, TaskState.READY | TaskState.STARTED)
        self.host.closed(token, "completed")
        token.complete()

    def fire(self, key: str, again: dict | None = None) -> None:
        """What the catching token `key` waited for has happened. `again`: the memo of a repeating timer's next token.

        A message that does not interrupt can come again, so its event is armed anew before the token goes on.
        """
        token = self._waiting(key, TaskState.WAITING)
        element = token.element
        repeats = element.event.kind is EventKind.MESSAGE and not element.interrupting and (
            token.listens or element.kind is Kind.BOUNDARY)
        if repeats or again is not None:
            self._place(token.task_spec, home=token.home, host=token.host, listens=token.listens, memo=again)
        self.host.closed(token, "completed")
        token.complete()

    def cancel(self) -> None:
        """End every token; nothing goes on."""
        for token in self.live():
            if token.live:
                token.cancel()
        self.ended = True

    def advance(self) -> None:
        """Run to the next wait state. Raises StepFailed where a step does not come to rest."""
        until = time.process_time() + CPU_SECONDS
        while self._queue:
            token = self._queue.popleft()
            if token._state != TaskState.READY:
                continue
            spot = (token.task_spec.name, token.home)
            self._runs[spot] += 1
            if self._runs[spot] > REPEATS or time.process_time() > until:
                raise StepFailed(None, token.task_spec.name, f"the step does not come to rest: {token.element.name} was passed "
                                 f"{self._runs[spot]} times. Put a task or an event into this loop.", "endless")
            token.run()
        self._drop_finished()

    # ---- what specs ask --------------------------------------------------------------------------------------------
    def ready(self, token: Token) -> None:
        if token.task_spec.manual:
            self.host.opened(token)
        else:
            self._queue.append(token)

    def leave(self, token: Token, flows: tuple[str, ...], race: str | None = None) -> None:
        """Send the token on by `flows`; without any, it ends here."""
        diagram, specs = self.graph.diagram, self.graph.spec.task_specs
        children = [Token(self.workflow, specs[diagram.flows[flow].target], parent=self.root, home=token.home, flow=flow,
                          host=race) for flow in flows]
        for child in children:
            if child.live:
                child.task_spec._update(child)
        if not flows:
            self.settle_scope(token.home)

    def guard(self, activity: Token) -> None:
        """Arm the boundary events of an activity that starts."""
        for element in self.graph.boundaries.get(activity.task_spec.name, ()):
            self._place(self.graph.spec.task_specs[element.id], home=activity.home, host=activity.key)

    def release(self, activity: Token) -> None:
        """End the boundary events of an activity that is done."""
        for token in self.live():
            if token.host == activity.key and token.element.kind is Kind.BOUNDARY and token._state == TaskState.WAITING:
                token.cancel()

    def interrupt(self, key: str, by: Token) -> None:
        activity = self.token(key)
        if activity is not None:
            activity.memo["by"] = by.task_spec.name
            activity.cancel()

    def cancelled(self, token: Token) -> None:
        """A token was taken away: so are its inner tokens and its boundary events."""
        if token.task_spec.waits:
            self.host.closed(token, "cancelled")
        if token.task_spec.activity:
            self.release(token)
        if token.element.kind is Kind.SUBPROCESS:
            for inner in self._in(token.key):
                if inner.live:
                    inner.cancel()

    def open_scope(self, scope: str, home: str | None) -> None:
        """Arm the event sub-processes of a scope, then send a token from its start."""
        specs = self.graph.spec.task_specs
        for element in self.graph.listeners.get(scope, ()):
            self._place(specs[element.id], home=home, listens=True)
        start = Token(self.workflow, specs[self.graph.starts[scope].id], parent=self.root, home=home)
        start.task_spec._update(start)

    def settle_scope(self, home: str | None) -> None:
        """Close a scope that holds no working token any more."""
        tokens = self._in(home)
        if any(t for t in tokens if not t.listens) or self.ended:
            return
        for listener in tokens:
            listener.cancel()
        if home is None:
            self.ended = True
            return
        owner = self.token(home)
        if owner is not None:
            owner.complete()

    def terminate(self, by: Token) -> None:
        for token in self._in(by.home):
            if token is not by and token.live:
                token.memo["by"] = by.task_spec.name
                token.cancel()

    def end_race(self, token: Token) -> None:
        if token.host is None:
            return
        for other in self._in(token.home):
            if other is not token and other.host == token.host and other.element.kind is Kind.CATCH:
                other.cancel()

    def try_join(self, token: Token) -> None:
        """Fire a parallel gateway when one token of its scope waits on each incoming flow."""
        first: dict[str, Token] = {}
        for other in self._in(token.home):
            if other.task_spec is token.task_spec and other._state == TaskState.WAITING:
                first.setdefault(other.flow, other)
        if not all(flow in first for flow in token.element.incoming):
            return
        for other in first.values():
            if other is not token:
                other._set_state(TaskState.COMPLETED)
        token._ready()

    def start_event_subprocess(self, listener: Token) -> None:
        """A listener was fired: open its event sub-process, ending the rest of the scope where it interrupts."""
        start, home = listener.element, listener.home
        if start.interrupting:
            for token in self._in(home):
                if token is not listener and token.live:
                    token.memo["by"] = start.id
                    token.cancel()
        owner = Token(self.workflow, self.graph.spec.task_specs[start.scope], parent=self.root, state=TaskState.STARTED,
                      home=home)
        inside = Token(self.workflow, listener.task_spec, parent=self.root, state=TaskState.COMPLETED, home=owner.key)
        for element in self.graph.listeners.get(start.scope, ()):
            self._place(self.graph.spec.task_specs[element.id], home=owner.key, listens=True)
        self.host.passed(inside, start.outgoing)
        self.leave(inside, start.outgoing)

    # ---- inside ----------------------------------------------------------------------------------------------------
    def _in(self, home: str | None) -> list[Token]:
        return [t for t in self.workflow.tasks.values() if t.live and t.home == home and t is not self.root]

    def _place(self, spec, *, home, host=None, listens=False, memo=None) -> Token:
        token = Token(self.workflow, spec, parent=self.root, home=home, host=host, listens=listens, memo=memo)
        token.task_spec._update(token)
        return token

    def _waiting(self, key: str, states: int) -> Token:
        token = self.token(key)
        if token is None or not token._state & states:
            raise NotPossible(f"Token {key} does not wait for this any more. Load the instance again.")
        return token

    def _drop_finished(self) -> None:
        tasks = self.workflow.tasks
        for key in [k for k, t in tasks.items() if not t.live and t is not self.root]:
            del tasks[key]
        self.root._children = [k for k in self.root._children if k in tasks]
