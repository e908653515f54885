"""An independent token game: BPMN's rules written once more, from the standard, with nothing of the engine or of SpiffWorkflow.

State is a plain list of tokens (element, scope, by which flow, whom it guards) and, in each scope, what was done and can be
undone. It serves as judge in the differential test, so it is written to be read against the standard, not to be fast.
Surprise: the standard does not say which of two moving tokens goes first. `Order` decides; `Judge` looks for an order that
leads to what the engine shows, so the engine is wrong only where no order leads there.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

ORDERS = 150  # how many orders are tried before the engine is called wrong
MOVES = 3000  # of one step; more is an endless one
TASKS = {"serviceTask", "sendTask", "businessRuleTask", "scriptTask"}
ACTIVITIES = TASKS | {"userTask", "receiveTask", "callActivity", "subProcess"}
COMES_AGAIN = {"message", "signal", "escalation", "conditional"}


class Uncaught(Exception):
    """An error that nothing in the instance catches: the step cannot be done."""


class Order:
    """Which of several possible moves comes next: as recorded, else by chance, else always the first (or last)."""

    def __init__(self, recorded=(), chance: random.Random | None = None, last: bool = False):
        self.recorded, self.chance, self.last, self.picks = recorded, chance, last, []

    def pick(self, moves: int) -> int:
        if moves == 1:
            return 0
        if len(self.picks) < len(self.recorded):
            found = self.recorded[len(self.picks)]
        elif self.chance is not None:
            found = self.chance.randrange(moves)
        else:
            found = moves - 1 if self.last else 0
        self.picks.append(found)
        return found


@dataclass(eq=False)
class Done:
    """A completed activity: undone by its handler, or else by the handlers of what it held."""

    element: str
    at: int
    handler: str | None
    inner: list[Done]
    by: Mark | None = None  # who undoes it already


@dataclass(eq=False)
class Mark:
    """One token. role: moving, task, receive, call, catch, scope, many, guard, listener, join, merge, undoing."""

    element: str
    role: str
    scope: Mark | None
    flow: str | None = None
    guards: Mark | None = None
    race: tuple[str, object] | None = None  # the event gateway where the token waits
    turn: int | None = None  # of a multi-instance or loop
    serves: Mark | None = None  # a compensation handler: who threw
    held: bool = False  # a condition, as it was seen last
    begun: int = 0  # turns
    over: int = 0
    total: int = 0
    done: list[Done] = field(default_factory=list)


class Game:
    """A running instance of a diagram (engine.dialect data only). `choices` answers what expressions and operations would."""

    def __init__(self, diagram, choices, order: Order):
        self.diagram, self.choices, self.order = diagram, choices, order
        self.marks: list[Mark] = []
        self.ended, self.failed, self.clock = False, None, 0
        self.signals: list[list[Mark]] = []
        self.performed: Counter = Counter()
        self.happened: Counter = Counter()
        self.root = Mark(diagram.key, "scope", None)
        self.step(lambda: self.open_scope(self.root))

    # ---- what is seen from outside
    def path(self, scope: Mark) -> str:
        node = self.diagram.elements.get(scope.element)
        if scope is self.root:
            return ""
        if scope.role == "many":
            return self.path(scope.scope)
        around = "" if node.for_compensation else self.path(scope.scope)
        return f"{around}{scope.element}{'' if scope.turn is None else f'#{scope.turn}'}/"

    def address(self, mark: Mark) -> str:
        if self.diagram.elements[mark.element].for_compensation:
            return mark.element
        turn = "*" if mark.role == "many" else "" if mark.turn is None else f"#{mark.turn}"
        return f"{self.path(mark.scope)}{mark.element}{turn}"

    def undoable(self) -> list[str]:
        scopes = [self.root, *self.marks]
        return sorted(d.element for s in scopes for record in s.done for d in self.leaves(record))

    def view(self):
        if self.failed:
            return self.failed
        return sorted(map(self.address, self.marks)), self.undoable(), self.ended, self.performed

    def actions(self) -> list[tuple[str, str]]:
        """What people, the clock and the world around can do now."""
        found = set()
        for mark in self.marks:
            node, kind, address = self.diagram.elements[mark.element], self.event(mark), self.address(mark)
            if mark.role == "task":
                found.add(("complete", address))
            elif mark.role == "call":
                found.add(("complete", address))
                found |= {(what, address) for what in ("error e1", "escalation l1") if self.catcher(*what.split(), mark, mark.scope)}
            elif mark.role == "receive" or mark.role in ("catch", "guard", "listener") and kind in ("timer", "message"):
                found.add(("fire", address))
                if mark.role == "guard" and node.event.timer == "cycle" and not node.interrupting:
                    found.add(("fire again", address))
            elif kind == "signal" and mark.role in ("catch", "guard", "listener"):
                found.add(("signal", node.event.name))
            elif kind == "conditional":
                found.add(("wait", ""))
        return sorted(found)

    def act(self, action: tuple[str, str]) -> None:
        verb, what = action
        self.performed.clear()
        self.choices.world += 1
        if verb == "wait":
            return self.step(lambda: None)
        if verb == "signal":
            self.signals.append(self.signalled(what))
            return self.step(lambda: None)
        mark = next(m for m in self.marks if self.address(m) == what and m.role not in ("many", "scope", "undoing", "moving"))
        if verb == "complete":
            return self.step(lambda: self.complete(mark))
        if verb.startswith("fire"):
            return self.step(lambda: self.fire(mark, again=verb == "fire again"))
        return self.step(lambda: self.throw(*verb.split(), mark, mark.scope, mark.element))

    def step(self, first) -> None:
        """One step, until nothing moves any more."""
        try:
            first()
            for _ in range(MOVES):
                if self.ended or not (moves := self.moves()):
                    return
                moves[self.order.pick(len(moves))]()
            self.failed = "endless"
        except Uncaught:
            self.failed = "uncaught-error"

    def moves(self) -> list:
        moves = [lambda m=m: self.enter(m) for m in self.marks if m.role == "moving"]
        moves += [lambda j=j, s=s: self.merge(j, s) for j, s in self.merges()]
        moves += [lambda m=m: self.condition_fires(m) for m in self.marks if self.becomes_true(m)]
        if not moves and self.signals:
            moves = [self.deliver_signal]
        return moves

    # ---- tokens and flows
    def node(self, mark: Mark):
        return self.diagram.elements[mark.element]

    def event(self, mark: Mark) -> str:
        return str(self.node(mark).event.kind)

    def go(self, node, scope: Mark, flows=None, race=None) -> None:
        flows = node.outgoing if flows is None else flows
        for flow in flows:
            self.marks.append(Mark(self.diagram.flows[flow].target, "moving", scope, flow=flow, race=race))
        if not flows:
            self.close(scope)

    def wait(self, mark: Mark, role: str) -> None:
        self.marks.remove(mark)
        mark.role = role
        self.marks.append(mark)

    def enter(self, mark: Mark) -> None:
        """A token arrives at an element."""
        node, scope, kind = self.node(mark), mark.scope, str(self.node(mark).kind)
        if kind in ACTIVITIES:
            self.begin_activity(mark, node, kind)
        elif kind == "intermediateCatchEvent" and self.event(mark) != "link":
            self.wait(mark, "catch")
        elif kind == "intermediateThrowEvent":
            self.throw_event(mark, node)
        elif kind == "endEvent":
            self.end_event(mark, node)
        elif kind == "parallelGateway":
            self.wait(mark, "join")
            self.try_join(node, scope)
        elif kind == "inclusiveGateway" and len(node.incoming) > 1:
            self.wait(mark, "merge")
        else:
            self.marks.remove(mark)
            self.go(node, scope, self.chosen(node, scope), (node.id, object()) if kind == "eventBasedGateway" else None)

    def chosen(self, node, scope: Mark):
        if len(node.outgoing) > 1 and node.kind == "exclusiveGateway":
            return (self.choices.flow(node.id, self.path(scope)),)
        if len(node.outgoing) > 1 and node.kind == "inclusiveGateway":
            return self.choices.flows(node.id, self.path(scope))
        return node.outgoing

    def try_join(self, node, scope: Mark) -> None:
        """13.4.1 parallel gateway: consumes exactly one token from each incoming flow."""
        taken = [next((m for m in self.marks if m.element == node.id and m.scope is scope and m.flow == flow and m.role == "join"), None)
                 for flow in node.incoming]
        if None not in taken:
            for mark in taken:
                self.marks.remove(mark)
            self.go(node, scope)

    # ---- inclusive merging (table 13.3)
    def merges(self):
        found = {(m.element, id(m.scope)): m for m in self.marks if m.role == "merge"}
        return [(m.element, m.scope) for m in found.values() if self.activated(m.element, m.scope)]

    def activated(self, join: str, scope: Mark) -> bool:
        here = [m for m in self.marks if m.scope is scope]
        with_token = {m.flow for m in here if m.element == join}
        for mark in here:
            if mark.element == join or mark.role in ("guard", "listener") or mark.serves is not None:
                continue
            reached = self.paths(mark.race[0] if mark.race else mark.element, join)
            if reached - with_token and not reached & with_token:
                return False
        return True

    def paths(self, start: str, join: str) -> set[str]:
        """The incoming flows of `join` at which a directed path from `start` ends that does not visit the join."""
        ends, seen, todo = set(), set(), [start]
        while todo:
            node = self.diagram.elements[todo.pop()]
            if node.id in seen:
                continue
            seen.add(node.id)
            for flow in (self.diagram.flows[f] for f in node.outgoing):
                if flow.target == join:
                    ends.add(flow.id)
                else:
                    todo.append(flow.target)
            if node.kind == "intermediateThrowEvent" and node.event.kind == "link":
                todo.append(self.link_end(node).id)
        return ends

    def merge(self, join: str, scope: Mark) -> None:
        """Consumes exactly one token from each incoming flow that has one."""
        flows = set()
        for mark in [m for m in self.marks if m.role == "merge" and m.element == join and m.scope is scope]:
            if mark.flow not in flows:
                flows.add(mark.flow)
                self.marks.remove(mark)
        self.happened["merged" if len(flows) > 1 else "merged one"] += 1
        node = self.diagram.elements[join]
        self.go(node, scope, self.chosen(node, scope))

    # ---- activities
    def begin_activity(self, mark: Mark, node, kind: str) -> None:
        if mark.turn is None:
            for guard in self.diagram.boundary_of(node.id):
                if guard.event.kind != "compensate":
                    self.marks.append(Mark(guard.id, "guard", mark.scope, guards=mark))
            if node.multi or node.loop:
                self.wait(mark, "many")
                return self.begin_turns(mark, node)
        if kind in TASKS:
            self.perform(mark, node)
        elif kind == "subProcess":
            self.wait(mark, "scope")
            self.open_scope(mark)
        else:
            self.wait(mark, {"userTask": "task", "receiveTask": "receive", "callActivity": "call"}[kind])

    def perform(self, mark: Mark, node) -> None:
        self.performed[self.address(mark)] += 1
        self.broadcast(node)
        code = self.choices.fails(node.id, self.path(mark.scope))
        if code is None:
            self.complete(mark)
        else:
            self.throw("error", code, mark, mark.scope, node.id)

    def complete(self, mark: Mark) -> None:
        """An activity has been done."""
        node = self.node(mark)
        self.marks.remove(mark)
        self.drop_guards(mark)
        if mark.race is not None:
            self.end_race(mark)
        if node.triggered_by_event:
            self.remember(mark, None)
            self.close(mark.scope)
        elif mark.serves is not None:
            self.undo_next(mark.serves)
        elif mark.turn is not None:
            self.remember(mark, self.handler(node))
            self.turn_over(mark)
        else:
            self.remember(mark, None if node.multi or node.loop else self.handler(node))
            self.go(node, mark.scope)

    def handler(self, node) -> str | None:
        return next((b.handler for b in self.diagram.boundary_of(node.id) if b.event.kind == "compensate"), None)

    def open_scope(self, mark: Mark) -> None:
        for node in self.diagram.inside(mark.element):
            if node.triggered_by_event:
                self.marks.append(Mark(self.start_of(node.id).id, "listener", mark))
        if not self.diagram.elements.get(mark.element) or not self.node(mark).triggered_by_event:
            self.go(self.start_of(mark.element), mark)

    def start_of(self, scope: str):
        return next(n for n in self.diagram.inside(scope) if n.kind == "startEvent")

    def close(self, scope: Mark) -> None:
        """A scope is over when it holds no token. Once its own flow is over, no new event sub-process begins (13.5.4)."""
        if scope is not self.root and scope not in self.marks:
            return
        inside = [m for m in self.marks if m.scope is scope]
        working = [m for m in inside if m.role != "listener"]
        if any(not (m.role == "scope" and self.node(m).triggered_by_event) for m in working):
            return
        for mark in inside:
            if mark.role == "listener":
                self.marks.remove(mark)
        if working:
            return
        if scope is self.root:
            self.ended = True
            scope.done.clear()
        else:
            self.complete(scope)

    # ---- multi-instance and loops
    def begin_turns(self, many: Mark, node) -> None:
        if node.loop:
            if node.loop.test_before and not self.again(many, node):
                return self.complete(many)
            return self.begin_turn(many)
        many.total = self.choices.turns(node.id, self.path(many.scope))
        self.happened[f"{'parallel' if node.multi.parallel else 'sequential'} {many.total}"] += 1
        if many.total == 0:
            return self.complete(many)
        for _ in range(many.total if node.multi.parallel else 1):
            self.begin_turn(many)

    def begin_turn(self, many: Mark) -> None:
        self.marks.append(Mark(many.element, "moving", many, turn=many.begun))
        many.begun += 1

    def again(self, many: Mark, node) -> bool:
        if node.loop.maximum is not None and many.begun >= node.loop.maximum:
            return False
        return node.loop.condition is None or self.choices.again(node.id, many.begun)

    def turn_over(self, turn: Mark) -> None:
        many, node = turn.scope, self.node(turn)
        many.over += 1
        if node.loop:
            self.happened["loop turn"] += 1
            return self.begin_turn(many) if self.again(many, node) else self.complete(many)
        active = [m for m in self.marks if m.scope is many]
        if node.multi.completion and self.choices.enough(node.id, many.over, len(active), many.total):
            self.happened["enough"] += many.over < many.total
            for mark in active:
                self.remove(mark)
            return self.complete(many)
        if many.over == many.total:
            return self.complete(many)
        return None if node.multi.parallel else self.begin_turn(many)

    # ---- catching
    def fire(self, mark: Mark, again: bool = False) -> None:
        """What a catching event waits for has happened."""
        node = self.node(mark)
        self.happened[f"{mark.role} {self.event(mark)}{'' if mark.role in ('catch', 'receive') or node.interrupting else ' beside'}"] += 1
        if mark.role == "receive":
            return self.complete(mark)
        self.marks.remove(mark)
        if again or mark.role in ("guard", "listener") and not node.interrupting and self.event(mark) in COMES_AGAIN:
            self.marks.append(Mark(mark.element, mark.role, mark.scope, guards=mark.guards, held=True))
        if mark.role == "listener":
            return self.start_event_subprocess(node, mark.scope)
        if mark.role == "guard" and node.interrupting:
            self.remove(mark.guards)
        if mark.race is not None:
            self.end_race(mark)
        return self.go(node, mark.scope)

    def end_race(self, mark: Mark) -> None:
        for other in [m for m in self.marks if m.race is mark.race]:
            self.remove(other)

    def becomes_true(self, mark: Mark) -> bool:
        """A condition has to become false before it can trigger again (table 10.84)."""
        if mark.role not in ("catch", "guard", "listener") or self.event(mark) != "conditional":
            return False
        now = self.choices.holds(mark.element)
        mark.held = mark.held and now
        return now and not mark.held

    def condition_fires(self, mark: Mark) -> None:
        mark.held = True
        self.fire(mark)

    def start_event_subprocess(self, start, scope: Mark) -> None:
        if start.interrupting:
            for mark in [m for m in self.marks if m.scope is scope]:
                self.remove(mark)
        owner = Mark(start.scope, "scope", scope)
        self.marks.append(owner)
        self.open_scope(owner)
        self.go(start, owner)

    def remove(self, mark: Mark) -> None:
        """A token is taken away with all that belongs to it."""
        if mark not in self.marks:
            return
        self.marks.remove(mark)
        self.drop_guards(mark)
        for inner in [m for m in self.marks if m.scope is mark or m.serves is mark]:
            self.remove(inner)

    def drop_guards(self, mark: Mark) -> None:
        self.marks = [m for m in self.marks if m.guards is not mark]

    # ---- throwing
    def throw_event(self, mark: Mark, node) -> None:
        kind, scope = self.event(mark), mark.scope
        if kind == "compensate":
            return self.compensate(mark, node.event.activity)
        if kind == "escalation":
            self.throw(kind, node.event.name, None, scope, node.id)
            if mark not in self.marks:
                return None
        elif kind in ("message", "signal") and not self.sent(mark, node):
            return None
        self.marks.remove(mark)
        return self.go(self.link_end(node) if kind == "link" else node, scope)

    def link_end(self, node):
        return next(n for n in self.diagram.inside(node.scope) if n.kind == "intermediateCatchEvent" and n.event.kind == "link"
                    and n.event.name == node.event.name)

    def end_event(self, mark: Mark, node) -> None:
        kind, scope = self.event(mark), mark.scope
        if kind == "compensate":
            return self.compensate(mark, node.event.activity)
        if kind == "cancel":
            self.happened["cancelled"] += 1
            for other in [m for m in self.marks if m.scope is scope and m is not mark]:
                self.remove(other)
            return self.compensate(mark, None)
        if kind in ("message", "signal") and not self.sent(mark, node):
            return None
        self.marks.remove(mark)
        if kind == "terminate":
            for other in [m for m in self.marks if m.scope is scope]:
                self.remove(other)
            scope.done.clear()
        elif kind in ("error", "escalation"):
            self.throw(kind, node.event.name, None, scope, node.id)
        return self.close(scope)

    def sent(self, mark: Mark, node) -> bool:
        """Whether the message or signal left; the operation that sends it may fail."""
        self.performed[self.address(mark)] += 1
        self.broadcast(node)
        code = self.choices.fails(node.id, self.path(mark.scope))
        if code is not None:
            self.throw("error", code, None, mark.scope, node.id)
        return code is None

    def broadcast(self, node) -> None:
        if node.event.kind == "signal":
            self.signals.append(self.signalled(node.event.name))

    def signalled(self, name: str) -> list[Mark]:
        """Who waits for a signal now. It reaches them when the step is at rest, as between instances."""
        return [m for m in self.marks if m.role in ("catch", "guard", "listener") and self.event(m) == "signal" and self.node(m).event.name == name]

    def deliver_signal(self) -> None:
        waiting = self.signals[0]
        mark = waiting.pop(0) if waiting else None
        if not waiting:
            self.signals.pop(0)
        if mark is not None and mark in self.marks:
            self.fire(mark)

    def throw(self, kind: str, code: str, activity: Mark | None, scope: Mark, source: str) -> None:
        """To the innermost enclosing scope with an event that catches it. An error that none catches fails the step."""
        caught = self.catcher(kind, code, activity, scope)
        if caught is not None:
            self.fire(caught)
        elif kind == "error":
            raise Uncaught(source)
        else:
            self.performed[f"uncaught {source}"] += 1

    def catcher(self, kind: str, code: str, activity: Mark | None, scope: Mark) -> Mark | None:
        """Boundary events of what failed; then, scope by scope, its event sub-processes and its boundary events."""
        handlers: set[str] = set()  # an event sub-process does not catch what is thrown in it
        if activity is not None and (found := self.matching(kind, code, [m for m in self.marks if m.guards is activity])):
            return found
        while scope is not None:
            inline = [m for m in self.marks if m.role == "listener" and m.scope is scope and self.node(m).scope not in handlers]
            for marks in (inline, [m for m in self.marks if m.guards is scope]):
                if found := self.matching(kind, code, marks):
                    return found
            handlers.add(scope.element)
            scope = scope.scope
        return None

    def matching(self, kind: str, code: str, marks: list[Mark]) -> Mark | None:
        """The one that names the code, or else the one that takes any."""
        found = [m for m in marks if self.event(m) == kind and self.node(m).event.name in (None, code)]
        return min(found, key=lambda m: self.node(m).event.name is None, default=None)

    # ---- compensation (13.5.5)
    def remember(self, mark: Mark, handler: str | None) -> None:
        """What completed can be undone: by its own handler, or else by those of what completed in it."""
        if handler is not None or mark.done:
            self.clock += 1
            mark.scope.done.append(Done(mark.element, self.clock, handler, [] if handler else mark.done))

    def leaves(self, record: Done) -> list[Done]:
        return [record] if record.handler else [leaf for inner in record.inner for leaf in self.leaves(inner)]

    def compensate(self, by: Mark, activity: str | None) -> None:
        """Everything completed in the scope (of an event sub-process: in the one around it too) that nobody undoes already."""
        scopes = [by.scope]
        if by.scope is not self.root and self.node(by.scope).triggered_by_event:
            scopes.append(by.scope.scope)
        for scope in scopes:
            for record in scope.done:
                for leaf in self.leaves(record) if activity in (None, record.element) else []:
                    if leaf.by is None or leaf.by not in self.marks:
                        leaf.by = by
        self.wait(by, "undoing")
        self.undo_next(by)

    def undo_next(self, by: Mark) -> None:
        """The handlers one after the other, in the reverse order of completion; then on from the event that threw."""
        if by not in self.marks:
            return
        records = [d for s in (self.root, *self.marks) for record in s.done for d in self.leaves(record) if d.by is by]
        if records:
            newest = max(records, key=lambda d: d.at)
            self.happened["undone"] += 1
            self.forget(newest)
            self.marks.append(Mark(newest.handler, "moving", by.scope, serves=by))
            return
        node, scope = self.node(by), by.scope
        if node.event.kind == "cancel":
            activity = scope if scope.turn is None else scope.scope
            self.fire(next(m for m in self.marks if m.guards is activity and self.event(m) == "cancel"))
            return
        self.marks.remove(by)
        self.go(node, scope)

    def forget(self, record: Done) -> None:
        todo = [s.done for s in (self.root, *self.marks)]
        while todo:
            records = todo.pop()
            if record in records:
                records.remove(record)
            todo += [r.inner for r in records]


class Judge:
    """Follows the engine: is there an order of moves that leads from what was to what the engine shows?"""

    def __init__(self, diagram, choices):
        self.diagram, self.choices = diagram, choices  # `choices` makes a fresh set of answers
        self.history: list[tuple[tuple[str, str] | None, list[int]]] = []
        self.game: Game | None = None

    def follow(self, action: tuple[str, str] | None, seen) -> bool:
        """Whether the standard allows `seen` after `action` (None: the start)."""
        expected = None
        for number in range(ORDERS):
            order = Order() if number == 0 else Order(last=True) if number == 1 else Order(chance=random.Random(number))
            game = self.played(action, order, fresh=number > 0)
            if game.view() == seen:
                self.game = game
                self.history.append((action, order.picks))
                return True
            expected = expected or game.view()
            if not order.picks:
                break
        self.expected = expected
        return False

    def played(self, action, order: Order, fresh: bool) -> Game:
        game = self.game
        if fresh or game is None:
            steps = [*self.history, (action, None)]
            game = None
        else:
            steps = [(action, None)]
        for what, picks in steps:
            now = order if picks is None else Order(picks)
            if game is None:
                game = Game(self.diagram, self.choices(), now)
            else:
                game.order = now
                game.act(what)
        return game
