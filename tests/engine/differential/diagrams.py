"""Random diagrams: block-structured, from every construct the engine executes, always with an end that can be reached."""

from __future__ import annotations

import random
from collections import Counter

from tests.engine.drawing import boundary, flows, message, plain, process, timer, user

BLOCKS = ("task", "task", "sequence", "choice", "parallel", "loop", "timer", "timer-interrupting", "message", "sub", "race", "call",
          "event-sub", "event-sub-interrupting", "terminate", "catch")


class Drawing:
    """One random diagram under construction."""

    def __init__(self, dice: random.Random, used: Counter):
        self.dice, self.used, self.number = dice, used, 0
        self.parts: list[list[str]] = [[]]  # a list per scope that is being drawn
        self.arrows: list[list[str]] = [[]]

    def id(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    def add(self, part: str) -> None:
        self.parts[-1].append(part)

    def flow(self, a: str, b: str, condition: str = "") -> None:
        self.arrows[-1].append(f"{a} > {b}" + (f" : {condition}" if condition else ""))

    def node(self, kind: str, inside: str = "", **attributes) -> str:
        id = self.id({"exclusiveGateway": "x", "parallelGateway": "p"}.get(kind, "n"))
        self.add(plain(kind, id, inside, **attributes))
        return id

    def task(self) -> str:
        id = self.id("t")
        self.add(user(id))
        return id

    def block(self, depth: int) -> tuple[str, str]:
        """Draw a block; its first and its last element."""
        kind = self.dice.choice(BLOCKS) if depth else "task"
        self.used[kind] += 1
        return getattr(self, kind.replace("-", "_") + "_block", self.task_block)(depth)

    def task_block(self, depth):
        id = self.task()
        return id, id

    def call_block(self, depth):
        id = self.id("c")
        self.add(f'<bpmn:callActivity id="{id}" name="{id}"><bpmn:extensionElements><zeebe:calledElement processId="other"'
                 ' propagateAllChildVariables="false"/></bpmn:extensionElements></bpmn:callActivity>')
        return id, id

    def catch_block(self, depth):
        id = self.node("intermediateCatchEvent", timer("Duration", "PT1H"))
        return id, id

    def sequence_block(self, depth):
        first, middle = self.block(depth - 1)
        after, last = self.block(depth - 1)
        self.flow(middle, after)
        return first, last

    def choice_block(self, depth):
        split, merge = self.node("exclusiveGateway"), self.node("exclusiveGateway")
        for n in range(self.dice.choice((2, 3))):
            first, last = self.block(depth - 1)
            self.flow(split, first, f"c{n}")
            self.flow(last, merge)
        return split, merge

    def parallel_block(self, depth):
        split, join = self.node("parallelGateway"), self.node("parallelGateway")
        for _ in range(self.dice.choice((2, 2, 3))):
            first, last = self.block(depth - 1)
            self.flow(split, first)
            self.flow(last, join)
        return split, join

    def loop_block(self, depth):
        merge, split, after = (self.node("exclusiveGateway") for _ in range(3))
        first, last = self.block(depth - 1)
        self.flow(merge, first)
        self.flow(last, split)
        self.flow(split, merge, "again")
        self.flow(split, after, "stop")
        return merge, after

    def guarded(self, inside: str, interrupting: bool, depth: int) -> tuple[str, str]:
        host, guard, end = self.task(), self.id("b"), self.id("e")
        self.add(boundary(guard, host, inside, interrupting))
        first, last = self.block(depth - 1)
        self.add(plain("endEvent", end))
        self.flow(guard, first)
        self.flow(last, end)
        return host, host

    def timer_block(self, depth):
        return self.guarded(timer("Duration", "PT1H"), False, depth)

    def timer_interrupting_block(self, depth):
        return self.guarded(timer("Duration", "PT1H"), True, depth)

    def message_block(self, depth):
        return self.guarded(message("m"), self.dice.random() < 0.3, depth)

    def race_block(self, depth):
        gateway, merge = self.node("eventBasedGateway"), self.node("exclusiveGateway")
        for inside in (timer("Duration", "PT1H"), message("m")):
            event = self.node("intermediateCatchEvent", inside)
            first, last = self.block(depth - 1)
            self.flow(gateway, event)
            self.flow(event, first)
            self.flow(last, merge)
        return gateway, merge

    def terminate_block(self, depth):
        split, join = self.node("exclusiveGateway"), self.node("exclusiveGateway")
        first, last = self.block(depth - 1)
        stop = self.node("endEvent", "<bpmn:terminateEventDefinition/>")
        self.flow(split, first, "c0")
        self.flow(split, stop, "c1")
        self.flow(last, join)
        return split, join

    def scope(self, depth: int, id: str, start: str, extra=lambda: None, **attributes) -> str:
        """A sub-process with a body of its own."""
        self.parts.append([])
        self.arrows.append([])
        begin, end = self.id("s"), self.id("e")
        self.add(plain("startEvent", begin, start, **({"isInterrupting": attributes.pop("isInterrupting")}
                                                      if "isInterrupting" in attributes else {})))
        self.add(plain("endEvent", end))
        first, last = self.block(depth - 1)
        self.flow(begin, first)
        self.flow(last, end)
        extra()
        inside = "".join(self.parts.pop()) + flows(*self.arrows.pop())
        return plain("subProcess", id, inside, **attributes)

    def sub_block(self, depth):
        id = self.id("u")
        self.add(self.scope(depth, id, ""))
        if self.dice.random() < 0.6:
            guard, end = self.id("b"), self.id("e")
            self.add(boundary(guard, id, timer("Duration", "PT1H"), self.dice.random() < 0.5))
            task = self.task()
            self.add(plain("endEvent", end))
            self.flow(guard, task)
            self.flow(task, end)
        return id, id

    def event_sub(self, depth: int, interrupting: bool) -> tuple[str, str]:
        """A sub-process that has an event sub-process in it; where there is no room for two levels, a task."""
        if depth < 2:
            return self.task_block(depth)
        id, inner = self.id("u"), self.id("v")

        def listen():
            self.add(self.scope(depth - 1, inner, message("m"), isInterrupting=str(interrupting).lower(), triggeredByEvent="true"))
        self.add(self.scope(depth, id, "", listen))
        return id, id

    def event_sub_block(self, depth):
        return self.event_sub(depth, False)

    def event_sub_interrupting_block(self, depth):
        return self.event_sub(depth, True)

    def xml(self, depth: int) -> bytes:
        self.add(plain("startEvent", "S"))
        self.add(plain("endEvent", "E"))
        first, last = self.block(depth)
        self.flow("S", first)
        self.flow(last, "E")
        return process("p", *self.parts[0], flows(*self.arrows[0]), messages=("m",))
