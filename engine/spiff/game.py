"""The token game of one process instance: load, advance to the next wait state, save.

The host is told what opens and closes and is asked to perform and to choose; the game knows no variables, rows or time.
Between steps only live tokens are kept, so a saved state is a few hundred bytes however long the instance has run.
Surprise: all scopes of an instance share one SpiffWorkflow workflow; a token's `home` says in which sub-process it runs.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from typing import Protocol

import orjson
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from engine.dialect import EventKind, Kind
from engine.errors import NotPossible, StepFailed
from engine.spiff.graph import Graph
from engine.spiff.specs import Compensation, Many, SubProcess
from engine.spiff.token import LIVE, Token

STATE_FORMAT = 1
COMES_AGAIN = frozenset({EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ESCALATION, EventKind.CONDITION})
MAX_ITEMS = 1000  # of one multi-instance activity
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

    def choose_all(self, token: Token) -> tuple[str, ...]:
        """The flows by which tokens leave an inclusive gateway. Raise if none holds."""

    def entered(self, token: Token) -> None:
        """A sub-process begins."""

    def holds(self, token: Token) -> bool:
        """Whether the condition of a conditional event holds now."""

    def turns(self, token: Token) -> int | None:
        """How many items a multi-instance activity has; None for a loop, which asks `again` before each turn."""

    def again(self, token: Token, turn: int) -> bool:
        """Whether a loop takes its next turn."""

    def turn_begins(self, token: Token, turn: Token, number: int) -> None:
        """A turn (numbered from 0) of the activity `token` begins as token `turn`."""

    def turn_ended(self, token: Token, turn: Token, number: int, done: int, active: int, total: int) -> bool:
        """A turn is done; whether the completion condition ends the others."""

    def turns_over(self, token: Token) -> None:
        """A multi-instance or loop activity is done."""

    def uncaught(self, kind: EventKind, code: str | None, source: Token) -> bool:
        """Nobody in the instance catches an error or escalation; whether what caught it outside ended the instance."""


class TokenGame:
    """The live tokens of one instance on its graph."""

    def __init__(self, graph: Graph, host: Host):
        self.graph, self.host, self.new_id = graph, host, host.new_id
        self.workflow = Workflow(graph.spec, deserializing=True)
        self.workflow.game = self
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
            Token(game.workflow, specs[element], state=status, id=key, home=home, host=host_key,
                  flow=flow, listens=bool(listens), memo=memo)
        game.ended = ended
        return game

    def save(self) -> bytes:
        return orjson.dumps([STATE_FORMAT, self.ended, [
            [t.key, t.task_spec.name, t._state, t.home, t.host, t.flow, int(t.listens), t.memo or None]
            for t in self.live()]])

    def live(self) -> list[Token]:
        return [t for t in self.workflow.tasks.values() if t._state & LIVE]

    def token(self, key: str) -> Token | None:
        token = self.workflow.tasks.get(key)
        return token if token is not None and token.live else None

    # ---- commands --------------------------------------------------------------------------------------------------
    def begin(self, start: str | None = None) -> None:
        """Send a token from the start event `start`, or from the none start."""
        self.open_scope(self.graph.diagram.key, None, start)

    def complete(self, key: str) -> None:
        """A person has done user task `key`, or the instance called by `key` has ended."""
        token = self._waiting(key, TaskState.READY | TaskState.STARTED)
        self.host.closed(token, "completed")
        token.complete()

    def fire(self, key: str, again: dict | None = None) -> None:
        """What the catching token `key` waited for has happened. `again`: the memo of a repeating timer's next token.

        What does not interrupt can come again (a timer only by its cycle), so its event is armed anew before the token goes on.
        """
        token = self._waiting(key, TaskState.WAITING)
        self._count(token, math.inf)
        element = token.element
        repeats = element.event.kind in COMES_AGAIN and not element.interrupting and (
            token.listens or element.kind is Kind.BOUNDARY)
        if repeats or again is not None:
            memo = {"held": True} if element.event.kind is EventKind.CONDITION else again
            self._place(token.task_spec, home=token.home, host=token.host, listens=token.listens, memo=memo)
        self.host.closed(token, "completed")
        token.complete()

    def arm(self, event: str, *, home: str | None, host: str | None = None) -> None:
        """Let an event wait as if its activity (`host`) or, without one, its scope (`home`) began now."""
        self._place(self.graph.spec.task_specs[event], home=home, host=host, listens=host is None)

    def cancel(self) -> None:
        """End every token; nothing goes on."""
        for token in self.live():
            if token.live:
                token.cancel()
        self.ended = True

    def advance(self) -> None:
        """Run to the next wait state. Raises StepFailed where a step does not come to rest."""
        until = time.process_time() + CPU_SECONDS
        while True:
            while self._queue:
                token = self._queue.popleft()
                if token._state != TaskState.READY:
                    continue
                self._count(token, until)
                token.run()
            if not (self.graph.joins and self._try_inclusive_joins() or self.graph.conditional and self._try_conditions(until)):
                break
        self._drop_finished()

    def _count(self, token: Token, until: float) -> None:
        spot = (token.task_spec.name, token.home)
        self._runs[spot] += 1
        if self._runs[spot] > REPEATS or time.process_time() > until:
            raise StepFailed(None, token.element.id, f"the step does not come to rest: {token.element.name} was passed "
                             f"{self._runs[spot]} times. Put a task or an event into this loop.", "endless")

    def _try_inclusive_joins(self) -> bool:
        """Let an inclusive join go on that no other token can reach by a flow which has not brought one; one at a time."""
        for token in self.live():
            if token._state == TaskState.WAITING and token.task_spec.name in self.graph.joins and self._join_ready(token):
                taken = {token.flow}
                for other in self._in(token.home):
                    if other.task_spec is token.task_spec and other.flow not in taken:
                        taken.add(other.flow)
                        other._set_state(TaskState.COMPLETED)
                token._ready()
                return True
        return False

    def _join_ready(self, token: Token) -> bool:
        leads_to, flows = self.graph.joins[token.task_spec.name], self.graph.diagram.flows
        here = self._in(token.home)
        brought = {t.flow for t in here if t.task_spec is token.task_spec}
        for other in here:
            if other.task_spec is token.task_spec or other.listens or other.element.kind is Kind.BOUNDARY:
                continue  # an event that guards an activity has no token before it happens
            racing = other.host is not None and other.flow is not None  # the token is still at the event gateway
            reached = leads_to.get(flows[other.flow].source if racing else other.element.id, frozenset())
            if reached and not reached & brought:
                return False
        return True

    def _try_conditions(self, until: float) -> bool:
        """Fire the conditional events whose condition has become true; whether any did."""
        fired = False
        for token in self.live():
            if not token.live or token._state != TaskState.WAITING or token.element.event.kind is not EventKind.CONDITION:
                continue
            was, now = token.memo.get("held", False), self.host.holds(token)
            if was != now:
                token.memo["held"] = now
            if now and not was:
                self._count(token, until)
                self.fire(token.key)
                fired = True
        return fired

    # ---- what specs ask --------------------------------------------------------------------------------------------
    def ready(self, token: Token) -> None:
        if token.task_spec.manual:
            self.host.opened(token)
        else:
            self._queue.append(token)

    def leave(self, token: Token, flows: tuple[str, ...], race: str | None = None) -> None:
        """Send the token on by `flows`; without any, it ends here."""
        diagram, specs = self.graph.diagram, self.graph.spec.task_specs
        children = [Token(self.workflow, specs[diagram.flows[flow].target], home=token.home, flow=flow,
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
        """End the boundary events of an activity that is done, and remember that it, or what was done in it, can be undone."""
        self._drop_guards(activity)
        if isinstance(activity.task_spec, Many | SubProcess):
            for token in self._in(activity.key):
                token.home = activity.home
                token.memo.setdefault("of", []).append(activity.element.id)
        event = self.graph.compensations.get(activity.element.id)
        if event is not None and not isinstance(activity.task_spec, Many):  # of turns, each is undone by itself
            self._forget_inside(activity)
            self._place(self.graph.spec.task_specs[event.id], home=activity.home, listens=True)

    def _drop_guards(self, activity: Token) -> None:
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
            self._drop_guards(token)
            if token.element.kind is Kind.SUBPROCESS or token.element.multi or token.element.loop:
                self._cancel_all(self._in(token.key), token.memo.get("by"))
        elif "undo" in token.memo:
            self._cancel_all([t for t in self.live() if t.host == token.key], token.memo.get("by"))

    def open_scope(self, scope: str, home: str | None, start: str | None = None) -> None:
        """Arm the event sub-processes of a scope, then send a token from its start."""
        specs = self.graph.spec.task_specs
        for element in self.graph.listeners.get(scope, ()):
            self._place(specs[element.id], home=home, listens=True)
        token = Token(self.workflow, specs[start or self.graph.starts[scope].id], home=home)
        token._ready()

    def settle_scope(self, home: str | None) -> None:
        """Close a scope that holds no working token any more. Once only event sub-processes still run in it, no new one begins."""
        tokens = self._in(home)
        working = [t for t in tokens if not t.listens]
        if self.ended or any(not t.element.triggered_by_event and not t.element.for_compensation for t in working):
            return
        owner = self.token(home) if home is not None else None
        over = home is None and not working
        self._cancel_all([t for t in tokens if t.listens and (over or not isinstance(t.task_spec, Compensation))], None)
        if working:
            return
        if home is None:
            self.ended = True
        elif owner is not None:
            owner.complete()

    def terminate(self, by: Token, all_but_compensation: bool = False) -> None:
        self._cancel_all([t for t in self._in(by.home) if t is not by
                          and not (all_but_compensation and isinstance(t.task_spec, Compensation))], by.element.id)

    def _cancel_all(self, tokens: list[Token], by: str | None) -> None:
        for token in tokens:
            if token.live:
                if by:
                    token.memo["by"] = by
                token.cancel()

    # ---- errors and escalations ------------------------------------------------------------------------------------
    def throw(self, kind: EventKind, code: str | None, home: str | None, *, source: Token, activity: Token | None = None) -> bool:
        """Fire the nearest event that catches it, from the inside out; whether that ended the scope it was thrown in."""
        passed: set[str] = set()
        while True:
            caught = self._catcher(kind, code, activity, home, passed)
            if caught is not None:
                interrupts = caught.element.interrupting
                caught.memo["by_code"] = code
                self.fire(caught.key)
                return interrupts
            if home is None:
                return self.host.uncaught(kind, code, source)
            activity = self.token(home)
            if activity is None:
                return True
            passed.add(activity.element.id)
            home = activity.home

    def _catcher(self, kind, code, activity: Token | None, home: str | None, passed: set[str]) -> Token | None:
        """The boundary event of `activity`, else the event sub-process of scope `home`; a code named goes before any code."""
        found = [t for t in self.live() if t._state == TaskState.WAITING and t.element.event.kind is kind
                 and t.element.event.name in (None, code)
                 and (activity is not None and t.host == activity.key and t.element.kind is Kind.BOUNDARY
                      or t.listens and t.home == home and t.element.kind is Kind.START and t.element.scope not in passed)]
        return min(found, key=lambda t: (t.listens, t.element.event.name is None), default=None)

    # ---- multi-instance and loops ----------------------------------------------------------------------------------
    def begin_turns(self, token: Token) -> None:
        """Open the turns of an activity: all of them, or the first."""
        total = self.host.turns(token)
        if total is not None and total > MAX_ITEMS:
            raise StepFailed(None, token.element.id, f"{token.element.name} has {total} items; the limit is {MAX_ITEMS}. Work in"
                             " smaller lists.", "too-many-items")
        token.memo |= {"done": 0, "next": 0} | ({} if total is None else {"total": total})
        element = token.element
        if total is None:
            if element.loop.test_before and not self._again(token):
                self._end_turns(token)
            else:
                self._begin_turn(token)
        elif total == 0:
            self._end_turns(token)
        else:
            for _ in range(total if element.multi.parallel else 1):
                if not token.live:
                    return
                self._begin_turn(token)

    def _begin_turn(self, token: Token) -> None:
        number = token.memo["next"]
        token.memo["next"] = number + 1
        turn = Token(self.workflow, token.task_spec.turn, home=token.key, memo={"turn": number})
        self.host.turn_begins(token, turn, number)
        turn.task_spec._update(turn)

    def item_done(self, turn: Token) -> None:
        """A turn is done: the next one, or the end of them all."""
        token = self.token(turn.home)
        if token is None:
            return
        memo = token.memo
        memo["done"] += 1
        total, element = memo.get("total", memo["next"]), token.element
        active = [t for t in self._in(token.key) if not t.listens]
        enough = self.host.turn_ended(token, turn, turn.memo["turn"], memo["done"], len(active), total)
        if enough:
            self._cancel_all(active, element.id)
        if enough or (memo["done"] >= total if element.multi else not self._again(token)):
            self._end_turns(token)
        elif element.loop or not element.multi.parallel:
            self._begin_turn(token)

    def _again(self, token: Token) -> bool:
        loop, turns = token.element.loop, token.memo["next"]
        if loop.maximum is not None and turns >= loop.maximum:
            return False
        return loop.condition is None or self.host.again(token, turns)

    def _end_turns(self, token: Token) -> None:
        self.host.turns_over(token)
        token.complete()

    # ---- compensation ----------------------------------------------------------------------------------------------
    def compensate(self, by: Token) -> bool | None:
        """Undo what was done in the scope, newest first, one after the other; True when there is nothing to undo."""
        homes, owner = [by.home], self.token(by.home) if by.home else None
        if owner is not None and owner.element.triggered_by_event:
            homes.append(owner.home)
        wanted = by.element.event.activity
        taken = {key for t in self.live() for key in t.memo.get("undo", ())}
        done = [t.key for t in self.live() if t.home in homes and isinstance(t.task_spec, Compensation) and t.key not in taken
                and (wanted is None or wanted == t.element.attached_to or wanted in t.memo.get("of", ()))]
        by.memo["undo"] = done
        by._set_state(TaskState.STARTED)
        return self._undo_next(by)

    def _undo_next(self, by: Token) -> bool | None:
        while by.memo["undo"]:
            token = self.token(by.memo["undo"].pop())
            if token is None:
                continue
            token._set_state(TaskState.COMPLETED)
            handler = Token(self.workflow, self.graph.spec.task_specs[token.element.handler], home=token.home,
                            host=by.key)
            handler.task_spec._update(handler)
            return None
        return True

    def undone(self, handler: Token) -> None:
        """A compensation handler is done: the next one, or on from the event that threw."""
        by = self.token(handler.host)
        if by is not None and self._undo_next(by):
            by.complete()

    def cancel_transaction(self, by: Token) -> None:
        """A cancelled transaction has undone what was done in it: on by its cancel boundary event."""
        owner = self.token(by.home)
        hosts = (by.home, owner.home) if owner is not None and owner.task_spec.item_of else (by.home,)  # of a turn: the whole
        guard = next((t for t in self.live() if t.host in hosts and t.element.event.kind is EventKind.CANCEL), None)
        if owner is None or guard is None:
            raise StepFailed(None, by.element.id, f"{by.element.name} cancels no transaction with a cancel event on its border.",
                             "no-transaction")
        self.fire(guard.key)

    def _forget_inside(self, activity: Token) -> None:
        """An activity with a handler of its own is undone by it, not by those of what it holds."""
        for token in self._in(activity.home):
            if isinstance(token.task_spec, Compensation) and activity.element.id in token.memo.get("of", ()):
                token._set_state(TaskState.COMPLETED)

    # ---- links, races and joins ------------------------------------------------------------------------------------
    def jump(self, token: Token, link: str) -> None:
        """Go on at the catching end of a link."""
        target = self.graph.links[token.element.scope, link]
        self._place(self.graph.spec.task_specs[target.id], home=token.home)

    def end_race(self, token: Token) -> None:
        if token.host is None:
            return
        for other in self._in(token.home):
            if other is not token and other.host == token.host and other.element.kind in (Kind.CATCH, Kind.RECEIVE):
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
            self._cancel_all([t for t in self._in(home) if t is not listener and not isinstance(t.task_spec, Compensation)],
                             start.id)
        owner = Token(self.workflow, self.graph.spec.task_specs[start.scope], state=TaskState.STARTED,
                      home=home)
        self.host.entered(owner)
        inside = Token(self.workflow, listener.task_spec, state=TaskState.COMPLETED, home=owner.key)
        for element in self.graph.listeners.get(start.scope, ()):
            self._place(self.graph.spec.task_specs[element.id], home=owner.key, listens=True)
        self.host.passed(inside, start.outgoing)
        self.leave(inside, start.outgoing)

    # ---- inside ----------------------------------------------------------------------------------------------------
    def _in(self, home: str | None) -> list[Token]:
        return [t for t in self.workflow.tasks.values() if t._state & LIVE and t.home == home]

    def _place(self, spec, *, home, host=None, listens=False, memo=None) -> Token:
        token = Token(self.workflow, spec, home=home, host=host, listens=listens, memo=memo)
        token.task_spec._update(token)
        return token

    def _waiting(self, key: str, states: int) -> Token:
        token = self.token(key)
        if token is None or not token._state & states:
            raise NotPossible(f"Token {key} does not wait for this any more. Load the instance again.")
        return token

    def _drop_finished(self) -> None:
        tasks = self.workflow.tasks
        for key in [k for k, t in tasks.items() if not t._state & LIVE]:
            del tasks[key]
