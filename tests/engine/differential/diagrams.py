"""Random diagrams: block-structured, from every construct the engine executes, always with an end that can be reached.

Names tell what an element does: `f..` are service tasks that may fail, `t..` user tasks, `h..` compensation handlers.
"""

from __future__ import annotations

import random
from itertools import pairwise

from tests.engine.drawing import (
    CANCEL,
    TERMINATE,
    association,
    boundary,
    call,
    compensation,
    condition,
    error,
    escalation,
    flows,
    link,
    looped,
    many,
    message,
    plain,
    process,
    receive,
    script,
    service,
    signal,
    timer,
    user,
)

EVENTS = {"timer": timer("Duration", "PT1H"), "message": message("m"), "signal": signal("g"), "escalation": escalation("l1"),
          "condition": condition("so"), "error": error("e1"), "cycle": timer("Cycle", "R3/PT1H")}
GUARDS = tuple(f"{kind}-boundary{how}" for kind in ("timer", "message", "signal", "condition") for how in ("", "-interrupting"))
LISTENERS = tuple(f"{kind}-event-sub{how}" for kind in ("timer", "message", "signal", "condition", "escalation")
                  for how in ("", "-interrupting")) + ("error-event-sub-interrupting",)
CATCHES = tuple(f"{kind}-catch" for kind in ("timer", "message", "signal", "condition"))
THROWS = ("none-throw", "message-throw", "signal-throw", "escalation-throw")
ENDS = ("message-end", "signal-end", "escalation-end")
REPEATED = ("many-parallel", "many-sequential", "many-enough", "many-sub", "many-service", "many-call", "loop-after", "loop-before",
            "loop-maximum", "loop-sub")
SIMPLE = ("call", "receive", "send", "service", "script", "rule")
OTHERS = ("task", "sequence", "choice", "parallel", "inclusive", "inclusive-loop", "inclusive-skip", "loop", "cycle-boundary", "race", "sub",
          "terminate", "link", "error-boundary", "error-end", "error-outward", "escalation-boundary", "escalation-boundary-interrupting",
          "escalation-outward", "error-call", "compensation-throw", "compensation-end", "compensation-one", "compensation-sub",
          "compensation-handler-of-sub", "compensation-many", "compensation-in-event-sub", "transaction")
BLOCKS = OTHERS + SIMPLE + GUARDS + LISTENERS + CATCHES + THROWS + ENDS + REPEATED
LEVELS = {"sub": 1, "error-end": 1, "error-outward": 2, "escalation-boundary": 1, "escalation-boundary-interrupting": 1, "transaction": 1,
          "escalation-outward": 2, "compensation-sub": 1, "compensation-handler-of-sub": 1, "compensation-in-event-sub": 2, "many-sub": 1,
          "loop-sub": 1, "compensation-end": 1} | dict.fromkeys(LISTENERS, 2)  # how deep a block nests sub-processes
DEEPEST, LARGEST = 5, 150


class Drawing:
    """One random diagram under construction. `used` says of which constructs it is made."""

    def __init__(self, dice: random.Random):
        self.dice, self.used, self.number = dice, set(), 0
        self.parts: list[list[str]] = [[]]  # a list per scope that is being drawn
        self.arrows: list[list[str]] = [[]]

    # ---- pieces
    def id(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    def add(self, part: str) -> None:
        self.parts[-1].append(part)

    def flow(self, *path: str, condition: str = "") -> None:
        self.arrows[-1] += [f"{a} > {b}" + (f" : {condition}" if condition else "") for a, b in pairwise(path)]

    def node(self, kind: str, inside: str = "", **attributes) -> str:
        id = self.id({"exclusiveGateway": "x", "parallelGateway": "p", "inclusiveGateway": "i"}.get(kind, "n"))
        self.add(plain(kind, id, inside, **attributes))
        return id

    def task(self) -> str:
        id = self.id("t")
        self.add(user(id))
        return id

    def throw(self, inside: str = "") -> str:
        return self.node("intermediateThrowEvent", inside)

    def end(self, inside: str = "") -> str:
        return self.node("endEvent", inside)

    def activity(self) -> str:
        """An activity that waits."""
        kind = self.dice.choice(("user", "user", "user", "call", "receive", "many", "loop"))
        id = self.id("t" if kind in ("user", "many", "loop") else "n")
        xml = {"user": lambda: user(id), "call": lambda: call(id, "other"), "receive": lambda: receive(id, "m"),
               "many": lambda: many(user(id), "items", parallel=self.dice.random() < 0.5), "loop": lambda: looped(user(id), "again")}[kind]()
        self.add(xml)
        return id

    def marked(self, activity: str, kind: str | None = None) -> str:
        """The activity with a multi-instance or loop marker."""
        kind = kind or self.dice.choice(("parallel", "sequential", "enough", "after", "before", "maximum"))
        if kind in ("after", "before"):
            return looped(activity, "again", before=kind == "before", maximum=self.dice.choice((None, 2)))
        if kind == "maximum":
            return looped(activity, maximum=self.dice.choice((1, 2, 3)))
        sequential = kind == "sequential" or kind == "enough" and self.dice.random() < 0.5
        return many(activity, "items", parallel=not sequential, completion="enough" if kind == "enough" else None)

    def undoable(self, activity: str, id: str) -> str:
        """Add the activity with a compensation handler."""
        event, handler = self.id("b"), self.id("h")
        self.add(activity)
        self.add(boundary(event, id, compensation()))
        kind = self.dice.choice(("user", "user", "service", "sub"))
        if kind == "sub" and len(self.parts) <= DEEPEST - 1:
            a, b, c = self.id("s"), self.id("t"), self.id("e")
            xml = plain("subProcess", handler, plain("startEvent", a) + user(b) + plain("endEvent", c) + flows(f"{a} > {b}", f"{b} > {c}"))
        else:
            xml = service(handler, "work") if kind == "service" else user(handler)
        tag = xml.split(" ", 1)[0]
        self.add(xml.replace(f"{tag} ", f'{tag} isForCompensation="true" ', 1))
        self.add(association(event, handler))
        return id

    def booking(self) -> str:
        id = self.id("t")
        return self.undoable(user(id), id)

    def scope(self, depth: int, id: str, start: str = "", body=None, kind: str = "subProcess", interrupting: bool | None = None,
              **attributes) -> str:
        """A sub-process with a body of its own: `body` draws it and gives its first and last element (None: ended by itself)."""
        self.parts.append([])
        self.arrows.append([])
        how = {} if interrupting is None else {"isInterrupting": str(interrupting).lower()}
        begin, end = self.id("s"), self.id("e")
        self.add(plain("startEvent", begin, start, **how))
        first, last = body() if body else self.block(depth - 1)
        self.flow(begin, first)
        if last is not None:
            self.add(plain("endEvent", end))
            self.flow(last, end)
        inside = "".join(self.parts.pop()) + flows(*self.arrows.pop())
        return plain(kind, id, inside, **attributes)

    def guard(self, host: str, inside: str, interrupting: bool, depth: int, into: str | None = None) -> None:
        """A boundary event with a branch that ends by itself or leads `into` a merge."""
        guard = self.id("b")
        self.add(boundary(guard, host, inside, interrupting))
        first, last = self.block(depth - 1)
        self.flow(guard, first)
        self.flow(last, into or self.end())

    def merged(self, host: str, inside: str, interrupting: bool, depth: int) -> tuple[str, str]:
        """An activity with a boundary event; an interrupting one may come back to the way of the activity."""
        if not interrupting or self.dice.random() < 0.5:
            self.guard(host, inside, interrupting, depth)
            return host, host
        merge = self.node("exclusiveGateway")
        self.guard(host, inside, True, depth, merge)
        self.flow(host, merge)
        return host, merge

    def either(self, first_way, second_way) -> tuple[str, str | None]:
        """A choice of two ways, each a function that draws it and gives its first and last element (None: ended by itself)."""
        split, merge = self.node("exclusiveGateway"), self.node("exclusiveGateway")
        for n, way in enumerate((first_way, second_way)):
            first, last = way()
            self.flow(split, first, condition=f"c{n}")
            if last is not None:
                self.flow(last, merge)
        return split, merge

    # ---- blocks
    def block(self, depth: int, kind: str | None = None) -> tuple[str, str]:
        """Draw a block; its first and its last element."""
        kind = kind or (self.dice.choice(BLOCKS) if depth > 0 and self.number < LARGEST else "task")
        if len(self.parts) - 1 + LEVELS.get(kind, 0) > DEEPEST:
            kind = "task"
        self.used.add(kind)
        name = kind.replace("-", "_") + "_block"
        if hasattr(self, name):
            return getattr(self, name)(depth)
        return self.family_block(kind, depth)

    def family_block(self, kind: str, depth: int) -> tuple[str, str]:
        what, _, how = kind.partition("-")
        if kind in GUARDS:
            return self.merged(self.activity(), EVENTS[what], how.endswith("interrupting"), depth)
        if kind in LISTENERS:
            return self.event_sub(depth, what, how.endswith("interrupting"))
        if kind in CATCHES:
            id = self.node("intermediateCatchEvent", EVENTS[what])
            return id, id
        if kind in THROWS:
            id = self.throw(EVENTS.get(what, ""))
            return id, id
        if kind in ENDS:
            return self.ended(self.end(EVENTS[what]))
        return self.repeated(kind, depth) if kind in REPEATED else self.simple(kind)

    def task_block(self, depth):
        id = self.task()
        return id, id

    def simple(self, kind: str) -> tuple[str, str]:
        id = self.id("n")
        self.add({"call": lambda: call(id, "other"), "receive": lambda: receive(id, "m"), "service": lambda: service(id, "work"),
                  "send": lambda: plain("sendTask", id, messageRef="M_m"), "script": lambda: script(id, "result", "1"),
                  "rule": lambda: plain("businessRuleTask", id, '<bpmn:extensionElements><zeebe:calledDecision decisionId="d"'
                                        ' resultVariable="result"/></bpmn:extensionElements>')}[kind]())
        return id, id

    def sequence_block(self, depth):
        first, middle = self.block(depth - 1)
        after, last = self.block(depth - 1)
        self.flow(middle, after)
        return first, last

    def ways(self, gateway: str, depth: int) -> tuple[str, str]:
        split, join = self.node(gateway), self.node(gateway)
        for n in range(self.dice.choice((2, 2, 3))):
            first, last = self.block(depth - 1)
            self.flow(split, first, condition="" if gateway == "parallelGateway" else f"c{n}")
            self.flow(last, join)
        return split, join

    def choice_block(self, depth):
        return self.ways("exclusiveGateway", depth)

    def parallel_block(self, depth):
        return self.ways("parallelGateway", depth)

    def inclusive_block(self, depth):
        return self.ways("inclusiveGateway", depth)

    def inclusive_loop_block(self, depth):
        """An inclusive gateway that merges the way in and the way back."""
        merge, split, after = self.node("inclusiveGateway"), self.node("exclusiveGateway"), self.task()
        first, last = self.block(depth - 1)
        self.flow(merge, first)
        self.flow(last, split)
        self.flow(split, merge, condition="again")
        self.flow(split, after, condition="stop")
        return merge, after

    def inclusive_skip_block(self, depth):
        """Branches of which one may come to the join by either of two flows, or not at all, as a choice or an event decides."""
        split, join = self.node("parallelGateway"), self.node("inclusiveGateway")
        waits = self.dice.random() < 0.4
        choose = self.node("eventBasedGateway" if waits else "exclusiveGateway")
        first, last = self.block(depth - 1)
        self.flow(split, first)
        self.flow(last, join)
        first, last = self.block(depth - 1)
        self.flow(split, first)
        self.flow(last, choose)
        ways = [lambda: self.block(depth - 1), lambda: self.task_block(depth), lambda: (self.end(), None)]
        for n, (way, kind) in enumerate(zip(ways, ("timer", "message", "signal"), strict=True)):
            source = self.node("intermediateCatchEvent", EVENTS[kind]) if waits else choose
            first, last = way()
            if waits:
                self.flow(choose, source, first)
            else:
                self.flow(choose, first, condition=f"c{n}")
            if last is not None:
                self.flow(last, join)
        if self.dice.random() < 0.5:  # a second token, which may come while the first may still take either way
            task = self.task()
            self.flow(split, task, join)
        return split, join

    def loop_block(self, depth):
        merge, split, after = (self.node("exclusiveGateway") for _ in range(3))
        first, last = self.block(depth - 1)
        self.flow(merge, first)
        self.flow(last, split)
        self.flow(split, merge, condition="again")
        self.flow(split, after, condition="stop")
        return merge, after

    def race_block(self, depth):
        gateway, merge = self.node("eventBasedGateway"), self.node("exclusiveGateway")
        for kind in self.dice.sample(("timer", "message", "signal", "condition", "receive"), self.dice.choice((2, 2, 3))):
            event = self.simple(kind)[0] if kind == "receive" else self.node("intermediateCatchEvent", EVENTS[kind])
            first, last = self.block(depth - 1)
            self.flow(gateway, event)
            self.flow(event, first)
            self.flow(last, merge)
        return gateway, merge

    def terminate_block(self, depth):
        return self.either(lambda: self.block(depth - 1), lambda: (self.end(TERMINATE), None))

    def link_block(self, depth):
        name = self.id("l")
        first, last = self.block(depth - 1)
        after, end = self.block(depth - 1)
        self.flow(last, self.throw(link(name)))
        self.flow(self.node("intermediateCatchEvent", link(name)), after)
        return first, end

    def ended(self, end: str) -> tuple[str, str]:
        """A branch that goes to `end` while another goes on."""
        split, task = self.node("parallelGateway"), self.task()
        self.flow(split, end)
        self.flow(split, task)
        return split, task

    def cycle_boundary_block(self, depth):
        return self.merged(self.activity(), EVENTS["cycle"], False, depth)

    def sub_block(self, depth):
        id = self.id("u")
        self.add(self.scope(depth, id))
        if self.dice.random() < 0.6:
            kind = self.dice.choice(("timer", "message", "signal", "condition"))
            return self.merged(id, EVENTS[kind], self.dice.random() < 0.5, depth)
        return id, id

    def event_sub(self, depth: int, kind: str, interrupting: bool) -> tuple[str, str]:
        """A sub-process that has an event sub-process in it, and throws what that waits for where it can."""
        id, inner = self.id("u"), self.id("v")

        def body():
            self.add(self.scope(depth - 1, inner, EVENTS[kind], interrupting=interrupting, triggeredByEvent="true"))
            if kind == "error":
                return self.either(lambda: self.block(depth - 1), lambda: (self.end(EVENTS[kind]), None))
            first, last = self.block(depth - 1)
            if kind in ("escalation", "signal") and self.dice.random() < 0.8:
                thrower = self.throw(EVENTS[kind])
                self.flow(thrower, first)
                first = self.task()
                self.flow(first, thrower)
            return first, last
        self.add(self.scope(depth, id, body=body))
        return id, id

    # ---- errors and escalations
    def error_boundary_block(self, depth):
        """A service task that may fail with e1 or e2; now and then one of them is caught further out, or nowhere."""
        id = self.id("f")
        xml = service(id, "work")
        self.add(self.marked(xml) if self.dice.random() < 0.3 else xml)
        codes = self.dice.choice((("e1", None), ("e1", "e2"), (None,), (None,), ("e1",)))
        for code in codes:
            self.guard(id, error(code), True, depth - 1)
        return id, id

    def failing(self, depth: int, code: str):
        """What may end with an error: a way to an error end event, or a service task that fails."""
        if self.dice.random() < 0.3:
            id = self.id("f")
            self.add(self.dice.choice((service(id, "work"), plain("sendTask", id, messageRef="M_m"),
                                       plain("intermediateThrowEvent", id, message("m")))))
            task = self.task()
            self.flow(id, task)
            return id, task
        return self.either(lambda: self.block(depth - 1), lambda: (self.end(error(code)), None))

    def error_end_block(self, depth):
        id = self.id("u")
        xml = self.scope(depth, id, body=lambda: self.failing(depth, "e1"))
        self.add(self.marked(xml) if self.dice.random() < 0.2 else xml)
        self.guard(id, error("e1"), True, depth)
        return self.merged(id, error(), True, depth - 1)

    def error_outward_block(self, depth):
        """The inner sub-process catches another code; the outer one, or an event sub-process in it, catches this one."""
        outer, inner, handler = self.id("u"), self.id("u"), self.id("v")
        inline = self.dice.random() < 0.5

        def body():
            xml = self.scope(depth - 1, inner, body=lambda: self.failing(depth - 1, "e1"))
            self.add(xml)
            self.guard(inner, error("e2"), True, depth - 1)
            if inline:
                self.add(self.scope(depth - 1, handler, EVENTS["error"], interrupting=True, triggeredByEvent="true"))
            return inner, inner
        self.add(self.scope(depth, outer, body=body))
        return self.merged(outer, error(), True, depth - 1)

    def error_call_block(self, depth):
        id = self.id("n")
        xml = call(id, "other")
        self.add(self.marked(xml) if self.dice.random() < 0.3 else xml)
        self.guard(id, escalation(), self.dice.random() < 0.5, depth - 1)
        return self.merged(id, error("e1"), True, depth)

    def raising(self, depth: int):
        """A body that escalates on its way or at its end."""
        first, last = self.block(depth - 1)
        if self.dice.random() < 0.5:
            end = self.end(escalation("l1"))
            self.flow(last, end)
            return first, None
        thrower, task = self.throw(escalation("l1")), self.task()
        self.flow(last, thrower, task)
        return first, task

    def escalating(self, depth: int, interrupting: bool) -> tuple[str, str]:
        id = self.id("u")
        xml = self.scope(depth, id, body=lambda: self.raising(depth))
        self.add(self.marked(xml) if self.dice.random() < 0.2 else xml)
        return self.merged(id, escalation(self.dice.choice(("l1", None))), interrupting, depth)

    def escalation_boundary_block(self, depth):
        return self.escalating(depth, False)

    def escalation_boundary_interrupting_block(self, depth):
        return self.escalating(depth, True)

    def escalation_outward_block(self, depth):
        outer, inner = self.id("u"), self.id("u")

        def body():
            self.add(self.scope(depth - 1, inner, body=lambda: self.raising(depth - 1)))
            self.guard(inner, escalation("l2"), True, depth - 1)
            return inner, inner
        self.add(self.scope(depth, outer, body=body))
        return self.merged(outer, escalation("l1"), self.dice.random() < 0.5, depth)

    # ---- compensation
    def booked(self, depth: int, last: str, more=()) -> tuple[str, str]:
        """Things that can be undone, one after the other or side by side, and then the element `last`."""
        first = self.booking()
        if self.dice.random() < 0.5:
            middle, other = self.block(depth - 1)
            self.flow(first, middle)
            self.flow(other, *more, last)
        else:
            split, join = self.node("parallelGateway"), self.node("parallelGateway")
            for id in (self.booking(), self.booking()):
                self.flow(split, id, join)
            self.flow(first, split)
            self.flow(join, *more, last)
        return first, last

    def compensation_throw_block(self, depth):
        return self.booked(depth, self.throw(compensation()))

    def compensation_end_block(self, depth):
        id = self.id("u")
        self.add(self.scope(depth, id, body=lambda: (self.booked(depth, self.end(compensation()))[0], None)))
        return id, id

    def compensation_one_block(self, depth):
        one, other = self.booking(), self.booking()
        thrower = self.throw(compensation(self.dice.choice((one, other))))
        self.flow(one, other, thrower)
        return one, thrower

    def compensation_sub_block(self, depth):
        id = self.id("u")
        xml = self.scope(depth, id, body=lambda: self.booked(depth, self.task()))
        self.add(self.marked(xml) if self.dice.random() < 0.4 else xml)
        thrower = self.throw(compensation(self.dice.choice((id, None))))
        first = self.booking()
        self.flow(first, id, thrower)
        return first, thrower

    def compensation_handler_of_sub_block(self, depth):
        id = self.id("u")
        xml = self.scope(depth, id, body=lambda: self.booked(depth, self.task()))
        self.undoable(self.marked(xml) if self.dice.random() < 0.3 else xml, id)
        thrower = self.throw(compensation())
        self.flow(id, thrower)
        return id, thrower

    def compensation_many_block(self, depth):
        id = self.id("t")
        self.undoable(self.marked(user(id)), id)
        thrower = self.throw(compensation(self.dice.choice((id, None))))
        self.flow(id, thrower)
        return id, thrower

    def compensation_in_event_sub_block(self, depth):
        """An event sub-process undoes what was done in the scope around it."""
        id, inner = self.id("u"), self.id("v")

        def undo():
            first, thrower = self.booking() if self.dice.random() < 0.5 else self.task(), self.throw(compensation())
            self.flow(first, thrower)
            return first, thrower

        def body():
            interrupting = self.dice.random() < 0.5
            self.add(self.scope(depth - 1, inner, EVENTS["message"], undo, interrupting=interrupting, triggeredByEvent="true"))
            return self.booked(depth, self.task())
        self.add(self.scope(depth, id, body=body))
        return id, id

    def transaction_block(self, depth):
        id = self.id("u")

        def body():
            split, merge = self.node("parallelGateway"), self.node("exclusiveGateway")
            first, last = self.block(depth - 1)
            self.flow(split, first)
            self.flow(last, self.end())
            first, decided = self.booked(depth, self.task())
            self.flow(split, first)
            choose, after = self.either(self.task_block_here, lambda: (self.end(CANCEL), None))
            self.flow(decided, choose)
            self.flow(after, merge)
            return split, merge
        xml = self.scope(depth, id, body=body, kind="transaction")
        self.add(self.marked(xml) if self.dice.random() < 0.2 else xml)
        return self.merged(id, CANCEL, True, depth)

    def task_block_here(self):
        return self.task_block(0)

    # ---- what is done several times
    def repeated(self, kind: str, depth: int) -> tuple[str, str]:
        what = kind.partition("-")[2]
        if what == "sub":
            id = self.id("u")
            marker = self.dice.choice(("parallel", "sequential", "enough") if kind == "many-sub" else ("after", "before", "maximum"))
            self.add(self.marked(self.scope(depth, id), marker))
        elif what in ("service", "call"):
            id = self.id("n")
            self.add(self.marked({"service": service(id, "work"), "call": call(id, "other")}[what], self.dice.choice(
                ("parallel", "sequential", "enough"))))
        else:
            id = self.id("t")
            self.add(self.marked(user(id), what))
        if self.dice.random() < 0.3:
            event = self.dice.choice(("timer", "message", "signal", "condition"))
            return self.merged(id, EVENTS[event], self.dice.random() < 0.5, depth - 1)
        return id, id

    def xml(self, depth: int, kind: str) -> bytes:
        """A diagram of two blocks, the first of which is of this kind."""
        self.add(plain("startEvent", "S"))
        self.add(plain("endEvent", "E"))
        first, middle = self.block(depth, kind)
        after, last = self.block(depth)
        self.flow("S", first)
        self.flow(middle, after)
        self.flow(last, "E")
        return process("p", *self.parts[0], flows(*self.arrows[0]), messages=("m",), signals=("g",), errors=("e1", "e2"),
                       escalations=("l1", "l2"))
