"""A procedure's scenario files, run on the real engine in virtual time.

A scenario tells one story: given a start, steps of people and time, then what must hold. The runner knows no domain: whoever
runs it gives an engine whose clock it may move, and may prepare the start (a ticket row, a calendar). Surprise: tasks of called
procedures count as open tasks of the story, because people do not see the border.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import select

from engine import timers
from engine.api import Actor, Engine, Scope
from engine.errors import EngineError, FormInvalid
from engine.tables import outbox, process_instance

MAX_FIRINGS = 500


@dataclass(slots=True)
class Report:
    """What a scenario showed. `faults` is empty when all held; `passed` holds (process key, flow or element id)."""

    key: str
    name: str
    title: str
    faults: list[str] = field(default_factory=list)
    passed: set[tuple[str, str]] = field(default_factory=set)
    rules: set[tuple[str, int]] = field(default_factory=set)  # (decision id, rule number)

    @property
    def ok(self) -> bool:
        return not self.faults


class Story:
    """One scenario on one engine."""

    def __init__(self, engine: Engine, clock, key: str, name: str, scenario: dict,
                 prepare: Callable[[dict, datetime], tuple[dict, str, Scope]] | None = None):
        self.engine, self.clock, self.key, self.scenario, self.prepare = engine, clock, key, scenario, prepare
        self.report = Report(key, name, scenario.get("title", name))
        self.root: str | None = None
        self.business_key = ""

    def run(self) -> Report:
        """Play the story; never raises for a story that fails, its faults say what differed."""
        try:
            self._start()
            for number, step in enumerate(self.scenario.get("steps") or [], 1):
                (verb, what), = step.items()
                self._step(number, verb, what)
            self._expect("then", self.scenario.get("then") or {})
        except EngineError as error:
            self._fault("stopped", str(error))
        self._collect()
        return self.report

    def _start(self) -> None:
        start = self.scenario["start"]
        self.clock.set(_instant(start["at"]))
        variables = {k: _value(v) for k, v in (start.get("variables") or {}).items()}
        self.business_key, scope = variables.get("ticket_number") or f"S-{uuid4().hex[:8]}", Scope(1)
        if self.prepare:
            variables, self.business_key, scope = self.prepare(self.scenario | {"start": start | {"variables": variables}},
                                                               self.clock.now())
        result = self.engine.start(self.key, variables, business_key=self.business_key, scope=scope,
                                   actor=Actor(start.get("by", "lin"), channel="scenario"))
        self.root = result.instance_id

    def _step(self, number: int, verb: str, what) -> None:
        where = f"step {number} ({verb})"
        if verb == "complete":
            self._complete(where, what)
        elif verb == "refuse":
            self._refuse(where, what)
        elif verb == "message":
            variables = {k: _value(v) for k, v in _values(what).items()}
            self.engine.correlate(what["name"], what.get("key") or self.business_key, variables, actor=_actor(what),
                                  request_id=uuid4().hex)
        elif verb == "advance":
            self._until(self.clock.now() + timers.duration(what))
        elif verb == "until":
            self._until(_instant(what))
        elif verb == "expect":
            self._expect(where, what)
        else:
            self._fault(where, f"unknown step {verb}; use complete, refuse, message, advance, until or expect")

    def _complete(self, where: str, what: dict) -> None:
        task = self._open(where, what["task"])
        if task is not None:
            try:
                self.engine.complete(task.id, _values(what), actor=_actor(what), request_id=uuid4().hex)
            except FormInvalid as error:
                self._fault(where, str(error))

    def _refuse(self, where: str, what: dict) -> None:
        task = self._open(where, what["task"])
        if task is None:
            return
        try:
            self.engine.complete(task.id, _values(what), actor=_actor(what))
        except FormInvalid as error:
            if what.get("fault") not in error.faults:
                self._fault(where, f"refused for {', '.join(error.faults)}, not for {what.get('fault')}")
        else:
            self._fault(where, f"{what['task']} took what it must refuse")

    def _open(self, where: str, element: str):
        open_tasks = self.engine.open_tasks(self.root)
        found = [t for t in open_tasks if t.element_id == element]
        if not found:
            self._fault(where, f"{element} is not open; open are {', '.join(t.element_id for t in open_tasks) or 'none'}")
            return None
        return found[0]

    def _until(self, at: datetime) -> None:
        """Move the clock to `at`, stopping at each due instant on the way."""
        for _ in range(MAX_FIRINGS):
            due = min((t.due_at for t in self.engine.armed_timers(self.root)), default=None)
            if due is None or due > at:
                self.clock.set(max(at, self.clock.now()))
                return
            self.clock.set(max(due, self.clock.now()))
            self.engine.fire_due(1000)
        self._fault("time", f"more than {MAX_FIRINGS} firings before {at}")

    # ---- what must hold --------------------------------------------------------------------------------------------
    def _expect(self, where: str, expected: dict) -> None:
        state = self.engine.instance(self.root).state
        if "ended" in expected and expected["ended"] != (state != "running"):
            self._fault(where, f"the instance is {state}")
        open_tasks = self.engine.open_tasks(self.root)
        if "open" in expected:
            found, wanted = sorted(t.element_id for t in open_tasks), sorted(expected["open"] or [])
            if found != wanted:
                self._fault(where, f"open are {found}, not {wanted}")
        for element, due in (expected.get("due") or {}).items():
            found = [t.due_at for t in open_tasks if t.element_id == element]
            if _instant(due) not in found:
                self._fault(where, f"{element} is due {', '.join(map(str, found)) or 'never'}, not {due}")
        variables = self.engine.variables(self.root)
        for name, wanted in (expected.get("variables") or {}).items():
            if variables.get(name) != _value(wanted):
                self._fault(where, f"{name} is {variables.get(name)!r}, not {_value(wanted)!r}")
        self._expect_path(where, expected)
        self._expect_told(where, expected.get("told") or [])

    def _expect_path(self, where: str, expected: dict) -> None:
        passed = {spot for _, spot in self._passed()}
        for spot in expected.get("passed") or []:
            if spot not in passed:
                self._fault(where, f"{spot} was not passed")
        for spot in expected.get("not_passed") or []:
            if spot in passed:
                self._fault(where, f"{spot} was passed")

    def _expect_told(self, where: str, wanted: list[dict]) -> None:
        with self.engine.database.connect() as connection:
            sent = [json.loads(p) for p in connection.execute(select(outbox.c.payload)).scalars()]
        for notice in wanted:
            if not any(all(str(v) in str(payload.get(k, "")) for k, v in notice.items()) for payload in sent):
                self._fault(where, f"nobody was told {notice}; told were {sent}")

    def _passed(self) -> set[tuple[str, str]]:
        with self.engine.database.connect() as connection:
            keys = dict(connection.execute(select(process_instance.c.id, process_instance.c.process_key).where(
                process_instance.c.root_id == self.root)).all())
        found = set()
        for event in self.engine.trace(self.root):
            if event["kind"] == "passed":
                key = keys[event["instance"]]
                found.add((key, event["element"]))
                found.update((key, flow) for flow in event["flows"])
        return found

    def _collect(self) -> None:
        if self.root is None:
            return
        self.report.passed = self._passed()
        for event in self.engine.trace(self.root):
            if event["kind"] == "decision":
                self.report.rules.update((event["table"], rule) for rule in event["rules"])

    def _fault(self, where: str, text: str) -> None:
        self.report.faults.append(f"{where}: {text}")


def run(engine: Engine, clock, key: str, name: str, scenario: dict, prepare=None) -> Report:
    """The report of one scenario on `engine`, whose clock is `clock`."""
    return Story(engine, clock, key, name, scenario, prepare).run()


def _instant(value) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError(f"{value} needs its offset, such as +08:00")
    return at


def _value(value):
    """A YAML value as a variable: texts that are full instants become instants."""
    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def _values(what: dict) -> dict:
    return dict(what.get("values") or what.get("variables") or {})


def _actor(what: dict) -> Actor:
    return Actor(what.get("by", "lin"), channel="scenario")
