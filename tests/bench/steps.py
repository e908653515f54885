"""The engine's own step: complete one human task of a handle-verify loop with deadlines, on a durable database.

As in the shipped procedures, one deadline is a variable and one is computed by an expression; each round also counts by a
script and asks a gateway.
"""

from __future__ import annotations

from datetime import timedelta

import yaml

from engine.api import Actor, Engine, Scope
from engine.clock import Clock
from engine.definitions import Procedure
from engine.operations import Registry
from tests.engine.conftest import form
from tests.engine.drawing import boundary, flows, plain, process, script, timer, user

RESULT = {"passed": "no", "result": "更换了水龙头的密封圈，试水十分钟不再渗漏，客户在场确认。"}
LOOP = process(
    "bench-loop", plain("startEvent", "s"), plain("exclusiveGateway", "m"), user("handle", due="=resolution_due_at"),
    script("count", "rounds", "if rounds = null then 1 else rounds + 1"), user("verify", due='=now + duration("PT1H")'),
    plain("exclusiveGateway", "x"), plain("endEvent", "e"), user("late"), plain("endEvent", "e2"), user("late2"),
    plain("endEvent", "e3"), boundary("t", "handle", timer("Date", "=resolution_due_at"), interrupting=False),
    boundary("t2", "verify", timer("Duration", "PT1H"), interrupting=False),
    flows("s > m", "m > handle", "handle > count", "count > verify", "verify > x", 'x > m : passed = "no"',
          'x > e : passed = "yes"', "t > late", "late > e2", "t2 > late2", "late2 > e3"))


def engine_on(database, xml: bytes, clock: Clock | None = None, **variables: str) -> Engine:
    """An engine with one procedure in force. variables: name -> type; its forms ask for `passed` and `result`."""
    engine = Engine(database, clock=clock, operations=Registry(), roles={"specialist"})
    sheet = yaml.safe_dump({"code": "B", "name": "bench", "variables": variables}).encode()
    procedure = Procedure.from_files({"bench.bpmn": xml, "control-sheet.yaml": sheet, "forms/any.form": form("passed", "result")})
    with engine.unit() as unit:
        engine.catalogue.put(unit.connection, procedure, unit.now, "bench")
    return engine


class Loop:
    """One engine with one looping instance; `step()` completes the task that is open."""

    def __init__(self, database, clock: Clock | None = None):
        self.engine = engine_on(database, LOOP, clock, rounds="number", resolution_due_at="date and time")
        self.fresh()

    def fresh(self) -> None:
        """Begin a new instance at round 0."""
        due = {"resolution_due_at": self.engine.clock.now() + timedelta(hours=4)}
        result = self.engine.start("bench-loop", due, business_key="B-1", scope=Scope(1), actor=Actor("lin"))
        self.root, self.task, self.steps = result.instance_id, result.opened[0], 0

    def step(self, passed: str = "no") -> None:
        """passed: "yes" ends the instance where the task is *verify*."""
        result = self.engine.complete(self.task, RESULT | {"passed": passed}, actor=Actor("lin"), request_id=f"{self.root}-{self.steps}")
        self.task, self.steps = next(iter(result.opened), None), self.steps + 1

    def size(self) -> int:
        """Bytes of the stored token state."""
        return len(self.engine.instance(self.root).tokens)
