"""The whole action: what a person's press costs below HTTP, on the shipped procedure with permission, form, domain and engine.

One work unit is a request's life: register, dispatch, accept, arrive, handle, verify, return visit (then it closes by itself).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from engine.tables import user_task
from service import app as service
from service import demo
from service.organisation.models import Person
from service.settings import Settings
from service.tickets import actions
from tests.bench.clock import cpu_seconds

BPMN = Path(__file__).parents[2] / "bpmn"
REQUEST = {"category": "repair", "request": "茶水间水龙头滴水，台面湿了。", "expectation": "come-now", "reply_deadline_kind": "none",
           "urgency": "normal", "on_the_spot": False}
LIFE = [  # element, who, values
    ("dispatch", "lin", {"department": "engineering", "instruction": "带密封圈"}),
    ("accept_slip", "gao", {"answer": "accept", "worker": "liu"}),
    ("arrive", "liu", {"arrived_at": "2026-11-25T10:00"}),
    ("handle", "liu", {"result": "更换密封圈，试水不漏。", "cause": "密封圈老化", "material": "密封圈1个", "labour_minutes": 20}),
    ("verify", "lin", {"passed": "yes"}),
    ("return_visit", "lin", {"reached": "yes", "satisfaction": 5, "words": "好", "how": "phone"}),
]


class Actions:
    """The domain on one database, with the cast; `medians(n, ...)` lives n requests."""

    def __init__(self, url: str, folder: Path):
        self.app = service.create(Settings(var_dir=folder, database_url=url))
        with self.app.writing() as session:
            made = demo.found(session, date(2024, 1, 1))
            self.unit_id = made.units["3-1201"]
        with self.app.session() as session:
            self.people = {p.username: p for p in session.scalars(sa.select(Person))}
        service.deploy_all(self.app, BPMN)

    def medians(self, lives: int, beside: dict[str, Callable]) -> dict[str, float]:
        """ms over `lives` requests from call to close: `action` the median of one, `life` the mean of one (medians of the same
        action in each life), `registering` the first of them, `action_cpu` CPU time of the median one; of each call `beside`
        made after each action the median as <name>_beside_action.
        """
        self.spent: dict[str, list[float]] = {}
        self.cpu: list[float] = []
        others: dict[str, list[float]] = {name: [] for name in beside}
        for _ in range(lives):
            self._live(lambda: [_timed(others[name], call) for name, call in beside.items()])
        every = [seconds for spent in self.spent.values() for seconds in spent]
        found = {"action": every, "registering": self.spent["register"], "action_cpu": self.cpu} | {
            f"{name}_beside_action": spent for name, spent in others.items()}
        kinds = [statistics.median(spent) for spent in self.spent.values()]
        return {name: statistics.median(spent) * 1000 for name, spent in found.items()} | {"life": statistics.mean(kinds) * 1000}

    def _live(self, beside: Callable) -> None:
        who = self.people
        registered = self._act("register", lambda: actions.register(self.app, who["lin"], REQUEST, unit_id=self.unit_id,
                                                                    request_id=uuid4().hex))
        for element, person, values in LIFE:
            with self.app.session() as session:
                task = session.execute(sa.select(user_task.c.id, user_task.c.version).where(
                    user_task.c.root_id == registered.instance_id, user_task.c.element_id == element,
                    user_task.c.state == "open")).one()
            self._act(element, lambda t=task, p=person, v=values: actions.complete_task(
                self.app, who[p], t.id, v, t.version, uuid4().hex))
            beside()
        if self.app.engine.instance(registered.instance_id).state != "ended":
            raise AssertionError(f"request {registered.number} did not close; is LIFE what the diagram asks for?")

    def _act(self, name: str, call: Callable):
        before = cpu_seconds()
        result = _timed(self.spent.setdefault(name, []), call)
        self.cpu.append(cpu_seconds() - before)
        return result

    def close(self) -> None:
        self.app.database.dispose()


def _timed(spent: list[float], call: Callable):
    start = time.perf_counter()
    result = call()
    spent.append(time.perf_counter() - start)
    return result
