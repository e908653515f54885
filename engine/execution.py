"""One step on a root instance and the instances it calls: load under one lock, change, come to rest, write.

`Family` owns the lock, the chain and the rows to be written; `Running` is one instance in it and the host of its token game.
Nothing is written before `save()`: whatever raises on the way leaves the database as it was. Surprise: a child's variables and
state live in its own row, but its events go into the chain of the root, so one ticket has one history.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import JSON, Connection, Select, Text, bindparam, cast, delete, func, insert, select, update

from engine import messages, timers
from engine.dialect import EventKind, Kind
from engine.errors import EngineError, ExpressionError, InUse, NotFound, StepFailed
from engine.feel import from_json, to_json
from engine.following import follow
from engine.history import GENESIS, Chain, Event
from engine.operations import Step, WrongParameters
from engine.spiff import Token, TokenGame
from engine.sql import Prepared, pipelined
from engine.tables import outbox, process_instance, subscription, timer, trace_event, user_task

MAX_STATE_BYTES = 2 << 20
MAX_CALL_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `person` is a username, or 'system' for the clock."""

    person: str
    role: str | None = None
    on_behalf_of: str | None = None
    channel: str | None = "web"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an instance belongs."""

    centre: int
    building: int | None = None


SYSTEM = Actor("system", channel="clock")


@dataclass(frozen=True, slots=True)
class CallEnvironment:
    """What a FEEL function of the domain sees of the step it is called in."""

    connection: Connection
    scope: Scope
    now: datetime


def new_ids(at: datetime) -> Iterator[str]:
    """Ids without end, each 32 hexadecimal digits: milliseconds, a number that counts up in this process, chance. Ids of one time
    stand together, so a step touches few pages, and in the order in which they were made: what waits first is met first.
    """
    time = f"{int(at.timestamp() * 1000):012x}"
    while True:
        chance = os.urandom(112).hex()  # asking the system is the dear part: sixteen ids at once
        for place in range(0, 224, 14):
            yield f"{time}{next(_NUMBER) & 0xFFFFFF:06x}{chance[place:place + 14]}"


_NUMBER = itertools.count()


def new_id(at: datetime) -> str:
    """One such id."""
    return next(new_ids(at))


class Running:
    """One instance in a step. Hosts its token game."""

    def __init__(self, family: Family, fields: dict, definition, variables: dict, state: bytes | None,
                 scopes: dict[str, dict] | None = None):
        self.family, self.definition, self.variables = family, definition, variables
        self.scopes = scopes or {}  # token of a sub-process or turn -> the variables that are its own
        self.fields, self.new, self.dirty = fields, state is None, state is None
        self._context = None
        self.new_id = family.new_id
        self.scope = Scope(fields["centre_id"], fields["building_id"])
        self.environment = CallEnvironment(family.connection, self.scope, family.now)
        self.game = TokenGame(definition.graph, self) if state is None else TokenGame.load(definition.graph, state, self)

    @property
    def id(self) -> str:
        return self.fields["id"]

    # ---- expressions -----------------------------------------------------------------------------------------------
    def context(self, token: Token | None = None) -> dict:
        """What expressions see: declared names (null where absent), variables from the outside in, the step's instant."""
        if self._context is None:
            self._context = dict.fromkeys(self.definition.names) | self.variables | {
                "now": self.family.now,
                "instance": {"id": self.id, "business_key": self.fields["business_key"], "process": self.fields["process_key"],
                             "centre": self.scope.centre, "building": self.scope.building}}
        if not self.scopes or token is None:
            return self._context
        context = self._context
        for key in reversed(self._around(token)):
            context = context | self.scopes[key].get("own", {})
        return context

    def _around(self, token: Token) -> list[str]:
        """The tokens around a token, itself first, that have variables of their own."""
        found, key = [], token.key
        while key is not None:
            if key in self.scopes:
                found.append(key)
            holder = token if key == token.key else self.game.workflow.tasks.get(key)
            key = holder.home if holder is not None else None
        return found

    def evaluate(self, expression: str, extra: dict | None = None, token: Token | None = None):
        """The value of a FEEL expression over the variables that a token sees. Raises ExpressionError."""
        context = self.context(token) if not extra else self.context(token) | extra
        return self.family.engine.expressions.evaluate(expression, context, self.environment, self.family.step_values)

    def as_of(self, at: datetime, expression: str, values: dict, token: Token | None = None):
        """What an expression gives as of an instant, with some variables changed. Raises ExpressionError."""
        family = self.family
        return family.engine.expressions.evaluate(expression, self.context(token) | values | {"now": at},
                                                  CallEnvironment(family.connection, self.scope, at))

    def assign(self, values: dict, token: Token | None = None) -> None:
        """Set variables where a token's writing goes: the turn of a multi-instance it is in, else the innermost scope that has
        the name, else the instance.
        """
        self._context, self.dirty = None, True
        if not self.scopes or token is None:
            self.variables.update(values)
            return
        around = [self.scopes[key] for key in self._around(token)]
        for name, value in values.items():
            holder = next((s for s in around if s.get("keeps") or name in s.get("own", {})), None)
            (self.variables if holder is None else holder["own"])[name] = value

    def record(self, kind: str, element_id: str | None = None, personal: dict | None = None, **body) -> None:
        self.family.record(Event(kind, self.id, element_id, body, personal))

    # ---- host of the token game ------------------------------------------------------------------------------------
    def opened(self, token: Token) -> None:
        element = token.element
        self.dirty = True
        if element.kind is Kind.USER:
            self._open_task(token)
        elif element.kind is Kind.CALL:
            self._call(token)
        elif element.event.kind is EventKind.TIMER:
            self._arm(token)
        elif element.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
            self._subscribe(token)

    def closed(self, token: Token, how: str) -> None:
        element, family = token.element, self.family
        self.dirty = True
        if element.kind is Kind.USER:
            if how == "cancelled":
                family.end_task(token.key, "cancelled", token.memo.get("by") or "scope ended")
                self.record("task-cancelled", element.id, task=token.key, by=token.memo.get("by"))
        elif element.kind is Kind.CALL:
            if how == "cancelled" and "child" in token.memo:
                family.cancel_instance(token.memo["child"], token.memo.get("by") or element.id)
        elif element.event.kind is EventKind.TIMER:
            if how == "cancelled":
                family.end_timer(token.key, "cancelled")
        elif element.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
            family.end_subscription(token.key)

    def passed(self, token: Token, flows: tuple[str, ...]) -> None:
        self.dirty = True
        self.record("passed", token.task_spec.name, flows=list(flows), token=token.key)

    def choose(self, token: Token) -> str:
        tried = {}
        for flow in (self.definition.diagram.flows[f] for f in token.element.outgoing):
            if flow.condition is None:
                continue
            tried[flow.condition] = self._at(token, flow.condition)
            if tried[flow.condition] is True:
                return flow.id
        return self._default(token, tried)

    def choose_all(self, token: Token) -> tuple[str, ...]:
        flows = [self.definition.diagram.flows[f] for f in token.element.outgoing]
        tried = {f.condition: self._at(token, f.condition) for f in flows if f.condition is not None}
        found = tuple(f.id for f in flows if not f.default and (f.condition is None or tried[f.condition] is True))
        return found or (self._default(token, tried),)

    def _default(self, token: Token, tried: dict) -> str:
        """The default flow of a gateway none of whose conditions holds; without one the step fails, naming the values."""
        flows = (self.definition.diagram.flows[f] for f in token.element.outgoing)
        default = next((f.id for f in flows if f.default), None)
        if default is None:
            context = self.context(token)
            names = set().union(*(self.family.engine.expressions.names(c) for c in tried)) & set(context)
            values = ", ".join(f"{name} = {context[name]!r}" for name in sorted(names))
            raise StepFailed(self.id, token.element.id, f"no condition of {token.element.name} holds and it has no default flow"
                             f" ({values}). Draw a default flow.", "no-flow")
        return default

    def perform(self, token: Token) -> None:
        element = token.element
        try:
            if element.operation:
                self._operate(element, token)
            elif element.event.kind is EventKind.SIGNAL:
                self.family.signal(self, token)
            elif element.event.kind is EventKind.MESSAGE:
                self.family.send(self, token)
            else:
                {Kind.SERVICE: self._operate, Kind.RULE: self._decide, Kind.SCRIPT: self._script}[element.kind](element, token)
        except StepFailed:
            raise
        except EngineError as error:
            raise StepFailed(self.id, element.id, str(error), type(error).__name__) from error
        except Exception as error:  # an operation's own: it stays what it is, for the domain knows it; an incident says where it was
            error.instance_id, error.element_id = self.id, element.id
            raise

    def holds(self, token: Token) -> bool:
        return self._at(token, token.element.event.expression) is True

    def entered(self, token: Token) -> None:
        """A sub-process with input mappings has variables of its own."""
        if token.element.inputs:
            self.scopes[token.key] = {"own": {m.target: self._at(token, m.source) for m in token.element.inputs}}
            self.dirty = True

    def uncaught(self, kind: EventKind, code: str | None, source: Token) -> bool:
        parent = self.family.member(self.fields["parent_id"]) if self.fields["parent_id"] else None
        call = parent.game.token(self.fields["parent_token"]) if parent else None
        if call is not None:
            self.family.touch(parent)
            return parent.game.throw(kind, code, call.home, source=call, activity=call)
        if kind is EventKind.ERROR:
            raise StepFailed(self.id, source.element.id, f"nobody catches the error {code} of {source.element.name}. Draw an error"
                             " boundary event or an error event sub-process.", "uncaught-error")
        self.record("escalation-uncaught", source.element.id, code=code)
        return False

    # ---- multi-instance and loops ----------------------------------------------------------------------------------
    def turns(self, token: Token) -> int | None:
        multi = token.element.multi
        if multi is None:
            return None
        if multi.collection is None:
            count = self._at(token, multi.cardinality)
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise StepFailed(self.id, token.element.id, f"`{multi.cardinality}` gives {count!r}, not how many times.", "not-a-list")
            items = [None] * count
        else:
            items = self._at(token, multi.collection)
            if not isinstance(items, list):
                raise StepFailed(self.id, token.element.id, f"`{multi.collection}` gives {items!r}, not a list. Give the items as a"
                                 " list, or an empty one.", "not-a-list")
        held = {"items": items if multi.item else []} | ({"results": [None] * len(items)} if multi.output_collection else {})
        self.scopes[token.key] = held
        self.dirty = True
        return len(items)

    def again(self, token: Token, turn: int) -> bool:
        return self.evaluate(token.element.loop.condition, {"loopCounter": turn}, token) is True

    def turn_begins(self, token: Token, turn: Token, number: int) -> None:
        multi, held = token.element.multi, self.scopes.get(token.key, {})
        own = {"loopCounter": number + 1}
        if multi is not None and multi.item:
            own[multi.item] = held["items"][number]
        self.scopes[turn.key] = {"own": own, "keeps": True} if multi is not None else {"own": own}
        self.dirty = True

    def turn_ended(self, token: Token, turn: Token, number: int, done: int, active: int, total: int) -> bool:
        multi, enough = token.element.multi, False
        if multi is not None:
            if multi.output_collection:
                self.scopes[token.key]["results"][number] = self._at(turn, multi.output)
            if multi.completion:
                counts = {"numberOfInstances": total, "numberOfActiveInstances": active, "numberOfCompletedInstances": done,
                          "numberOfTerminatedInstances": 0}
                try:
                    enough = self.evaluate(multi.completion, counts, turn) is True
                except ExpressionError as error:
                    raise StepFailed(self.id, token.element.id, str(error), type(error).__name__) from error
        self.scopes.pop(turn.key, None)
        return enough

    def turns_over(self, token: Token) -> None:
        held, multi = self.scopes.pop(token.key, {}), token.element.multi
        if multi is not None and multi.output_collection:
            self.assign({multi.output_collection: held.get("results", [])}, token)

    def saved_scopes(self) -> bytes | None:
        """The variables of sub-processes and turns that still live; None without any."""
        if self.scopes:
            live = {t.key for t in self.game.live()}
            self.scopes = {key: held for key, held in self.scopes.items() if key in live}
        return orjson.dumps(to_json(self.scopes)) if self.scopes else None

    # ---- wait states -----------------------------------------------------------------------------------------------
    def _open_task(self, token: Token) -> None:
        element = token.element
        groups = self._at(token, element.groups) if element.groups else []
        groups = [groups] if isinstance(groups, str) else list(groups or [])
        row = {
            "id": token.key, "instance_id": self.id, "root_id": self.fields["root_id"], "centre_id": self.scope.centre,
            "building_id": self.scope.building, "business_key": self.fields["business_key"],
            "process_key": self.fields["process_key"], "definition_hash": self.definition.hash, "element_id": element.id,
            "name": element.name, "form": element.form, "clause": element.clause,
            "groups": f"|{'|'.join(groups)}|" if groups else "",
            "assignee": self._at(token, element.assignee) if element.assignee else None,
            "due_at": self._instant(token, element.due), "follow_up_at": self._instant(token, element.follow_up),
            "priority": int(self._at(token, element.priority) or 50) if element.priority else 50,
            "state": "open", "version": 1, "opened_at": self.family.now, "ended_at": None, "ended_by": None,
            "ended_how": None}
        if not groups and not row["assignee"]:
            raise StepFailed(self.id, element.id, f"nobody may do {element.name}: its group and assignee are both empty."
                             " Give the task a candidate group.", "nobody")
        self.family.new_tasks[token.key] = row
        self.record("task-opened", element.id, task=token.key, groups=groups, assignee=row["assignee"], due=row["due_at"])

    def _instant(self, token: Token, expression: str | None) -> datetime | None:
        if expression is None:
            return None
        value = self._at(token, expression)
        if isinstance(value, timedelta):
            value = self.family.now + value
        if value is not None and not isinstance(value, datetime):
            raise StepFailed(self.id, token.element.id, f"`{expression}` gives {value!r}, not an instant. Use a date and time, a"
                             " duration or null.", "not-an-instant")
        return value

    def _arm(self, token: Token) -> None:
        try:
            due = timers.due(token.element.event, lambda e: self._at(token, e), self.family.now, token.memo, self.family.engine.zone)
        except timers.BadTimer as error:
            raise StepFailed(self.id, token.element.id, str(error), "timer") from error
        if due is None:
            return
        self.arm_at(token, *due)
        self.record("timer-armed", token.element.id, timer=token.key, due=due[0])

    def arm_at(self, token: Token, at: datetime, repeat: str | None = None) -> None:
        self.family.new_timers[token.key] = {
            "id": token.key, "instance_id": self.id, "root_id": self.fields["root_id"], "centre_id": self.scope.centre,
            "element_id": token.element.id, "target": token.element.attached_to, "due_at": at, "repeat": repeat,
            "state": "armed", "armed_at": self.family.now, "fired_at": None, "tries": 0, "retry_at": None}

    def _subscribe(self, token: Token) -> None:
        event = token.element.event
        if event.kind is EventKind.SIGNAL:
            key = ""
        else:
            key = self._at(token, event.correlation_key) if event.correlation_key else self.fields["business_key"]
        self.family.new_subscriptions[token.key] = {
            "id": token.key, "instance_id": self.id, "root_id": self.fields["root_id"], "centre_id": self.scope.centre,
            "element_id": token.element.id, "kind": event.kind.value, "message": event.message or event.name,
            "correlation_key": str(key)}

    def _call(self, token: Token) -> None:
        element = token.element
        variables = {m.target: self._at(token, m.source) for m in element.inputs}
        child = self.family.start(element.called, variables, self.fields["business_key"], self.scope, parent=self, token=token,
                                  definition=self.family.engine.catalogue.bound(self.family.connection, self.definition, element))
        token.memo["child"] = child.id

    # ---- automatic elements ----------------------------------------------------------------------------------------
    def _operate(self, element, token: Token) -> None:
        operation = self.family.engine.operations.get(element.operation)
        if operation is None:
            raise WrongParameters(f"Operation {element.operation} is not known here. Deploy the release that has it.")
        arguments = {m.target: self.evaluate(m.source, token=token) for m in element.inputs}
        if faults := operation.faults(arguments):
            raise WrongParameters(" ".join(faults))
        family = self.family
        step = Step(family.connection, family.now, family.actor, self.id, self.fields["root_id"], self.fields["process_key"],
                    element.id, self.fields["business_key"], self.scope, self.seen(token), family.notices, family.retime,
                    lambda values, reason: follow(family, self, values, reason))
        result = operation.call(step, **arguments) or {}
        self._take(token, result)
        self.record("operation", element.id, operation=element.operation, personal={"inputs": to_json(arguments),
                                                                                   "outputs": to_json(result)})

    def _decide(self, element, token: Token) -> None:
        decisions = self.definition.decisions.get(element.decision)
        if decisions is None:
            raise NotFound("Decision", element.decision)
        context = self.context(token) | {m.target: self.evaluate(m.source, token=token) for m in element.inputs}
        decision = decisions.decide(element.decision, context)
        self._take(token, {element.result: decision.value} if element.result else {})
        self.record("decision", element.id, decision=element.decision, table=decision.table, rules=list(decision.rules),
                    personal={"inputs": to_json(decision.inputs), "value": to_json(decision.value)})

    def _script(self, element, token: Token) -> None:
        value = self.evaluate(element.script, token=token)
        self._take(token, {element.result: value} if element.result else {})

    def seen(self, token: Token) -> dict:
        """The variables that a task or operation at this token sees."""
        seen = dict(self.variables)
        if self.scopes and token is not None:
            for key in reversed(self._around(token)):
                seen |= self.scopes[key].get("own", {})
        return seen

    def _take(self, token: Token, result: dict) -> None:
        if token.element.outputs:
            self.assign({m.target: self.evaluate(m.source, result, token) for m in token.element.outputs}, token)
        elif result:
            self.assign(result, token)

    def _at(self, token: Token, expression: str):
        try:
            return self.evaluate(expression, token=token)
        except ExpressionError as error:
            raise StepFailed(self.id, token.element.id, str(error), type(error).__name__) from error


class Family:
    """A root instance under lock, with the called instances that the step touches."""

    def __init__(self, engine, connection: Connection, now: datetime, actor: Actor, root: dict | None = None):
        self.engine, self.connection, self.now, self.actor = engine, connection, now, actor
        self.new_id: Callable[[], str] = new_ids(now).__next__
        self.members: dict[str, Running] = {}
        self.chain: Chain | None = Chain(root["id"], root["centre_id"], root["chain_seq"], root["chain_hash"]) if root else None
        self.new_tasks: dict[str, dict] = {}
        self.ended_tasks: dict[str, dict] = {}
        self.new_timers: dict[str, dict] = {}
        self.ended_timers: dict[str, str] = {}
        self.retimed_timers: dict[str, datetime] = {}
        self.retimed_tasks: dict[str, datetime] = {}
        self.new_subscriptions: dict[str, dict] = {}
        self.ended_subscriptions: set[str] = set()
        self.gone_subscriptions: list[dict] = []  # the rows of those, once they are written
        self.notices: list = []
        self.hold_until: datetime | None = None  # notices wait for as long as the step may be undone
        self.found: dict[str, dict] = {}  # what the step changes of its instances, as it was stored
        self.saved: set[str] = set()
        self.events: list[Event] = []
        self.step_values: dict = {}  # what expressions gave in this step
        self._unrest: list[Running] = []
        self._sent: list[dict] = []  # sent in this step, not delivered yet
        self.outgoing: list[dict] = []  # to be written: nobody of this family waits for them
        if root:
            self._adopt(root)

    # ---- members ---------------------------------------------------------------------------------------------------
    @classmethod
    def lock(cls, engine, connection: Connection, now: datetime, actor: Actor, root_id: str, wait: bool = True) -> Family:
        """The family of `root_id`, its root row locked until the transaction ends. Raises InUse where another has it and we do not
        wait.
        """
        return cls(engine, connection, now, actor, lock_root(connection, root_id, wait))

    @property
    def root(self) -> Running:
        return self.members[self.chain.root_id]

    def member(self, instance_id: str) -> Running:
        if instance_id not in self.members:
            row = _INSTANCE.first(self.connection, id=instance_id)
            if row is None:
                raise NotFound("Process instance", instance_id)
            self._adopt(row)
        return self.members[instance_id]

    def _adopt(self, fields: dict) -> None:
        definition = self.engine.catalogue.get(self.connection, fields["definition_hash"])
        variables = from_json(orjson.loads(fields["variables"]))
        if self.engine.undo_seconds:
            kept = {name: fields[name] for name in ("version", "state", "ended_at")}
            self.found[fields["id"]] = kept | {name: bytes(fields[name]).decode() if fields[name] is not None else None
                                               for name in ("tokens", "variables", "scopes")}
        scopes = from_json(orjson.loads(fields["scopes"])) if fields["scopes"] else None
        self.members[fields["id"]] = Running(self, fields, definition, variables, bytes(fields["tokens"]), scopes)

    def start(self, key: str, variables: dict, business_key: str, scope: Scope, parent: Running | None = None,
              token: Token | None = None, definition=None, at: str | None = None, id: str | None = None) -> Running:
        """A new instance of the version of `key` in force (or of `definition`), as a root or called by `parent`.

        at: the start event, where it is not the one without a kind. id: a new id that the caller has given it already.
        """
        definition = definition or self.engine.catalogue.in_force(self.connection, key)
        id = id or self.new_id()
        if parent is not None and self._depth(parent) >= MAX_CALL_DEPTH:
            raise StepFailed(parent.id, token.element.id, f"{MAX_CALL_DEPTH} procedures already call each other; break the"
                             " circle of calls.", "call-depth")
        fields = {"id": id, "root_id": parent.fields["root_id"] if parent else id, "parent_id": parent.id if parent else None,
                  "parent_token": token.key if token else None, "centre_id": scope.centre, "building_id": scope.building,
                  "process_key": key, "definition_hash": definition.hash, "business_key": business_key, "state": "running",
                  "version": 0, "started_at": self.now, "ended_at": None, "chain_seq": 0, "chain_hash": GENESIS}
        if parent is None:
            self.chain = Chain(id, scope.centre, 0, GENESIS)
        running = self.members[id] = Running(self, fields, definition, dict(variables), None)
        running.record("instance-started", None, process=key, definition=definition.hash, definition_version=definition.version,
                       business_key=business_key, parent=fields["parent_id"], called_by=token.task_spec.name if token else None,
                       personal={"variables": to_json(variables)})
        running.game.begin(at)
        self._unrest.append(running)
        return running

    def _depth(self, running: Running) -> int:
        depth = 1
        while running.fields["parent_id"]:
            running, depth = self.member(running.fields["parent_id"]), depth + 1
        return depth

    def cancel_instance(self, instance_id: str, by: str) -> None:
        running = self.member(instance_id)
        if running.fields["state"] != "running":
            return
        running.game.cancel()
        self._finish(running, "cancelled")
        running.record("instance-cancelled", None, by=by)

    # ---- coming to rest --------------------------------------------------------------------------------------------
    def touch(self, running: Running) -> None:
        running.dirty = True
        self._unrest.append(running)

    def settle(self) -> None:
        """Run every touched instance to its next wait state; ended children give their results to their callers."""
        while self._unrest:
            running = self._unrest.pop()
            if running.fields["state"] != "running":
                continue
            try:
                running.game.advance()
            except StepFailed as error:
                error.instance_id, error.root_id = error.instance_id or running.id, self.chain.root_id
                raise
            if running.game.ended and running.fields["state"] == "running":
                self._end(running)
            if not self._unrest:
                self._deliver_here()

    def _end(self, running: Running) -> None:
        self._finish(running, "ended")
        running.record("instance-ended")
        if running.fields["parent_id"] is None:
            return
        parent = self.member(running.fields["parent_id"])
        token = parent.game.token(running.fields["parent_token"])
        if token is None:
            return
        element = token.element
        if element.propagate_all:
            parent.assign(running.variables, token)
        elif element.outputs:
            names = dict.fromkeys(running.definition.names) | running.variables
            parent.assign({m.target: parent.evaluate(m.source, names, token) for m in element.outputs}, token)
        parent.game.complete(token.key)
        self.touch(parent)

    # ---- messages and signals --------------------------------------------------------------------------------------
    def send(self, running: Running, token: Token) -> None:
        """A message leaves: to who waits for it in this family once the step is at rest, else into the buffer."""
        element = token.element
        event = element.event
        key = running._at(token, event.correlation_key) if event.correlation_key else running.fields["business_key"]
        payload = {m.target: running._at(token, m.source) for m in element.inputs}
        sent = messages.message(self.new_id(), self.now, running.scope, event.message, str(key), payload, messages.time_to_live(element))
        self._sent.append(sent)
        running.record("message-sent", element.id, message=event.message, key=str(key), buffered=sent["id"],
                       personal={"variables": to_json(payload)})

    def signal(self, running: Running, token: Token) -> None:
        """A signal goes to every event of the centre that waits for it now, and starts what starts with it."""
        element = token.element
        payload = {m.target: running._at(token, m.source) for m in element.inputs}
        found = messages.signal(self, running.scope, element.event.name, payload)
        self._sent += found
        running.record("signal-sent", element.id, signal=element.event.name, reached=len(found),
                       personal={"variables": to_json(payload)})

    def _deliver_here(self) -> None:
        """Give the messages of this step to who waits for them in this family; the others go out with the step."""
        while self._sent and not self._unrest:
            sent = self._sent.pop(0)
            waiting = messages.waiting_here(self, sent)
            if not waiting:
                self.outgoing.append(sent)
            for subscription_id, instance_id in waiting:
                if subscription_id not in self.ended_subscriptions:
                    self.receive(subscription_id, instance_id, sent["name"], sent["correlation_key"], messages.variables(sent))

    def receive(self, subscription_id: str, instance_id: str, name: str, key: str, values: dict) -> None:
        """One waiting event gets a message or signal."""
        running = self.member(instance_id)
        token = running.game.token(subscription_id)
        if token is None:
            return
        what = "signal-received" if token.element.event.kind is EventKind.SIGNAL else "message-received"
        running.record(what, token.element.id, message=name, key=key, personal={"variables": to_json(values)})
        running.assign(values, token)
        running.game.fire(subscription_id)
        self.touch(running)

    def _finish(self, running: Running, state: str) -> None:
        running.fields["state"], running.fields["ended_at"], running.dirty = state, self.now, True

    # ---- rows to be written ----------------------------------------------------------------------------------------
    def record(self, event: Event) -> None:
        self.chain.add(event, self.now, self.actor)
        self.events.append(event)

    def end_task(self, task_id: str, state: str, how: str) -> None:
        ended = {"state": state, "ended_at": self.now, "ended_by": self.actor.person, "ended_how": how}
        if task_id in self.new_tasks:
            self.new_tasks[task_id].update(ended)
        else:
            self.ended_tasks[task_id] = ended

    def end_timer(self, timer_id: str, state: str) -> None:
        if state == "cancelled" and self.new_timers.pop(timer_id, None) is not None:
            return
        self.ended_timers[timer_id] = state

    def retime(self, element_id: str, due_at: datetime, reason: str, only: Collection[str] | None = None) -> int:
        """Move every armed timer and open task of `element_id` (or `only` those ids) to `due_at`; how many moved.

        Old, new and reason go into the trace.
        """
        moved = 0
        for new, ended, changed, statement, kind in (
                (self.new_timers, self.ended_timers, self.retimed_timers, _ARMED_OF, "timer-retimed"),
                (self.new_tasks, self.ended_tasks, self.retimed_tasks, _OPEN_OF, "task-retimed")):
            rows = [row for row in new.values() if row["element_id"] == element_id and row["state"] in ("armed", "open")]
            stored = [row for row in statement.all(self.connection, root_id=self.chain.root_id, element_id=element_id)
                      if row["id"] not in ended]
            for row in rows + stored:
                before = changed.get(row["id"], row["due_at"])
                if before == due_at or (only is not None and row["id"] not in only):
                    continue
                if row["id"] in new:
                    row["due_at"] = due_at
                else:
                    changed[row["id"]] = due_at
                self.record(Event(kind, row["instance_id"], element_id, {
                    "timer" if kind == "timer-retimed" else "task": row["id"], "before": before, "after": due_at,
                    "reason": reason}))
                moved += 1
        return moved

    def end_subscription(self, subscription_id: str) -> None:
        if self.new_subscriptions.pop(subscription_id, None) is None:
            self.ended_subscriptions.add(subscription_id)

    def save(self) -> None:
        """Write the step: instances, tasks, timers, subscriptions, trace, notices."""
        with pipelined(self.connection):
            touched = self._save_instances()
            gone = self._save_rows()
        self.gone_subscriptions = gone()
        for id, rows in touched.items():
            if rows() != 1:
                raise StepFailed(id, None, "the instance was changed by somebody else in between", "conflict")

    def _save_rows(self) -> Callable[[], list[dict]]:
        """Write all but the instances; the subscriptions that went, once they are known."""
        gone = _end_subscriptions(self.connection, self.ended_subscriptions) if self.ended_subscriptions else list
        for statement, rows in (
                (_END_TASK, [{"b_id": k, **v} for k, v in self.ended_tasks.items()]),
                (_OPEN_TASK, list(self.new_tasks.values())),
                (_END_TIMER, [{"b_id": k, "state": v, "fired_at": self.now if v == "fired" else None}
                              for k, v in self.ended_timers.items()]),
                (_ARM_TIMER, list(self.new_timers.values())),
                (_RETIME_TIMER, [{"b_id": k, "due_at": v} for k, v in self.retimed_timers.items()]),
                (_RETIME_TASK, [{"b_id": k, "due_at": v} for k, v in self.retimed_tasks.items()]),
                (_SUBSCRIBE, list(self.new_subscriptions.values())),
                (messages.BUFFER, self.outgoing),
                (_TELL, self.chain.rows),
                (_SEND, [self._outbox_row(n) for n in self.notices])):
            if rows:
                statement.run_many(self.connection, rows)
        return gone

    def _save_instances(self) -> dict[str, Callable[[], int]]:
        """Write the instances that changed; for each how many rows that touched, once it is known."""
        root_id, touched = self.chain.root_id, {}
        for running in self.members.values():
            if not running.dirty and not (running.id == root_id and self.chain.rows):
                continue
            tokens, variables = running.game.save(), orjson.dumps(to_json(running.variables))
            scopes = running.saved_scopes()
            if (size := len(tokens) + len(variables) + len(scopes or b"")) > MAX_STATE_BYTES:
                raise StepFailed(running.id, None, f"the state would be {size} bytes; the limit is"
                                 f" {MAX_STATE_BYTES}. Keep long texts out of variables.", "size")
            self.saved.add(running.id)
            if running.id == root_id:
                running.fields.update(chain_seq=self.chain.seq, chain_hash=self.chain.last)
            values = running.fields | {"tokens": tokens, "variables": variables, "scopes": scopes,
                                       "version": running.fields["version"] + 1}
            if running.new:
                _NEW_INSTANCE.run(self.connection, **values)
                continue
            changed = {k: values[k] for k in _CHANGES}
            touched[running.id] = _UPDATE_INSTANCE.sent(self.connection, b_id=running.id, b_version=running.fields["version"],
                                                        **changed)
        return touched

    def _outbox_row(self, notice) -> dict:
        not_before_at = max(notice.not_before_at or self.now, self.hold_until or self.now)
        return {"key": notice.key, "kind": notice.kind, "centre_id": self.chain.centre_id,
                "payload": orjson.dumps(to_json(notice.payload)).decode(), "created_at": self.now,
                "not_before_at": not_before_at, "sent_at": None, "tries": 0, "error": None}


def lock_root(connection: Connection, root_id: str, wait: bool = True) -> dict:
    """The row of a root instance, locked until the transaction ends. Raises NotFound; InUse where another has it and we do not wait
    (on SQLite the transaction itself is the lock).
    """
    row = (_LOCK if wait else _LOCK_FREE).first(connection, id=root_id)
    if row is None:
        if not wait and _INSTANCE.first(connection, id=root_id) is not None:
            raise InUse(root_id)
        raise NotFound("Process instance", root_id)
    return row


def _end_subscriptions(connection: Connection, ids: Collection[str]) -> Callable[[], list[dict]]:
    return _END_SUBSCRIPTIONS.asked(connection, ids=orjson.dumps(sorted(ids)).decode())


def _each(dialect: str, name: str) -> Select:
    """The texts of a JSON list that is given as parameter `name`."""
    listed = bindparam(name, type_=Text())
    if dialect == "sqlite":
        return select(func.json_each(listed).table_valued("value").c.value)
    return select(func.json_array_elements_text(cast(listed, JSON)).table_valued("value").c.value)


def tell(connection: Connection, chain: Chain) -> None:
    """Write the events that were added to a chain."""
    _TELL.run_many(connection, chain.rows)


_CHANGES = ("tokens", "variables", "scopes", "version", "state", "ended_at", "chain_seq", "chain_hash")
_INSTANCE = Prepared(select(process_instance).where(process_instance.c.id == bindparam("id")))
_LOCK = Prepared(select(process_instance).where(process_instance.c.id == bindparam("id")).with_for_update())
_LOCK_FREE = Prepared(select(process_instance).where(process_instance.c.id == bindparam("id")).with_for_update(skip_locked=True))
_NEW_INSTANCE = Prepared(insert(process_instance))
_UPDATE_INSTANCE = Prepared(update(process_instance).where(
    process_instance.c.id == bindparam("b_id"), process_instance.c.version == bindparam("b_version")).values(
    {c: bindparam(c) for c in _CHANGES}))
_END_TASK = Prepared(update(user_task).where(user_task.c.id == bindparam("b_id")).values(
    {c: bindparam(c) for c in ("state", "ended_at", "ended_by", "ended_how")} | {"version": user_task.c.version + 1}))
_OPEN_TASK = Prepared(insert(user_task))
_END_TIMER = Prepared(update(timer).where(timer.c.id == bindparam("b_id"), timer.c.state == "armed").values(
    state=bindparam("state"), fired_at=bindparam("fired_at")))
_ARM_TIMER = Prepared(insert(timer))
_RETIME_TIMER = Prepared(update(timer).where(timer.c.id == bindparam("b_id"), timer.c.state == "armed").values(
    due_at=bindparam("due_at")))
_RETIME_TASK = Prepared(update(user_task).where(user_task.c.id == bindparam("b_id"), user_task.c.state == "open").values(
    due_at=bindparam("due_at"), version=user_task.c.version + 1))
_ARMED_OF = Prepared(select(timer).where(
    timer.c.root_id == bindparam("root_id"), timer.c.element_id == bindparam("element_id"), timer.c.state == "armed"))
_OPEN_OF = Prepared(select(user_task).where(
    user_task.c.root_id == bindparam("root_id"), user_task.c.element_id == bindparam("element_id"), user_task.c.state == "open"))
_END_SUBSCRIPTIONS = Prepared(lambda dialect: delete(subscription).where(subscription.c.id.in_(_each(dialect, "ids"))).returning(
    *subscription.c))
_SUBSCRIBE = Prepared(insert(subscription))
_TELL = Prepared(insert(trace_event))
_SEND = Prepared(insert(outbox))
