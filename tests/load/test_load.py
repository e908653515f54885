"""Eight people at once through HTTP and two web processes: log in, register, list, complete; afterwards the tables are one true story.

`make load` prints rates and times, beside a view that does nothing on the same server with the same session, and lists among
100,000 tickets. What is compared takes turns, so that a quiet moment of the machine is nobody's advantage. Surprise: the clients
share the machine with the server, so the figures are for comparing, not for promising.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.bench.search import Search
from tests.chaos.checker import Asked, check
from tests.chaos.people import Diary, Person
from tests.chaos.stage import Stage, furnish

CLIENTS = 8
FAR = {"response_passed": 36000, "others": 36000}
REQUEST = {"channel": "phone", "category": "repair", "request": "茶水间吊顶滴水，地上湿了", "expectation": "come-now",
           "reply_deadline_kind": "none", "urgency": "normal"}
DISPATCH = {"department": "engineering", "instruction": "先关阀再查", "seen": "1"}


@dataclass(frozen=True)
class Phase:
    """What all clients did at once: seconds of each answer, and of all together."""

    name: str
    spent: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.spent) / self.seconds

    def __add__(self, later: Phase) -> Phase:
        return Phase(self.name, self.spent + later.spent, self.seconds + later.seconds)

    def __str__(self) -> str:
        spent = sorted(self.spent)
        return (f"{self.name:10s} {len(spent):5d} answers, {self.rate:7.1f}/s, p50 {spent[len(spent) // 2] * 1000:6.0f} ms,"
                f" p95 {spent[int(len(spent) * 0.95)] * 1000:6.0f} ms")


class Crowd:
    """Eight browsers of one person's log-ins; each asks `times` times in every phase."""

    def __init__(self, stage: Stage, database: sa.Engine, times: int):
        self.database, self.times, self.asked, self.wrong = database, times, [], []
        self.people = [Person("lin", {"specialist"}, stage.port, database, Diary(), threading.Event(), f"{n}") for n in range(CLIENTS)]

    def at_once(self, name: str, ask: Callable, times: int = 0) -> Phase:
        spent: list[float] = []

        def go(number: int, person: Person) -> None:
            for turn in range(times or self.times):
                began = time.perf_counter()
                try:
                    ask(person, number, turn)
                except Exception as error:  # noqa: BLE001 - told by the test
                    self.wrong.append(f"{name}: {error!r}")
                spent.append(time.perf_counter() - began)

        threads = [threading.Thread(target=go, args=pair) for pair in enumerate(self.people)]
        began = time.perf_counter()
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return Phase(name, spent, time.perf_counter() - began)

    def in_turn(self, rounds: int, asks: dict[str, Callable]) -> dict[str, Phase]:
        """Each of `asks` in every round, one after the other; by name what all its turns made together."""
        found: dict[str, Phase] = {}
        for number in range(rounds):
            for name, ask in asks.items():
                phase = self.at_once(name, partial(ask, number))
                found[name] = found[name] + phase if name in found else phase
        return found

    def expect(self, person: Person, status: int, method: str, path: str, fields: dict | None = None) -> None:
        answer = person.browser.ask(method, path, fields)
        if answer.status != status or "/login" in answer.where:
            self.wrong.append(f"{answer.status} at {method} {path}")

    def read(self, path: str) -> Callable:
        return lambda number, person, *_: self.expect(person, 200, "GET", path)

    def send(self, person: Person, action: str, subject: str, path: str, fields: dict) -> None:
        id = uuid4().hex
        self.asked.append(Asked(id, action, subject, "lin", "acknowledged"))
        self.expect(person, 303, "POST", path, person.token | fields | {"request_id": id})


@pytest.mark.slow
def test_eight_people_at_once_get_right_answers(copies, centre_template, tmp_path, full, capsys, database_kind):
    url = copies.copy(centre_template)
    furnish(url, tmp_path, FAR)
    database = sa.create_engine(url, pool_size=CLIENTS)
    with Stage(url, tmp_path) as stage:
        stage.start("web", before=[("tests.load.empty:install",)])
        assert stage.wait_for_web()
        rounds, crowd = (8 if full else 1), Crowd(stage, database, 8 if full else 2)
        with database.connect() as connection:
            units = connection.execute(sa.text("select id from unit where centre_id = 1 order by id")).scalars().all()
        phases = [crowd.at_once("log in", lambda person, *_: person.log_in(), 1)]
        [person.proof("/register") for person in crowd.people]
        phases.append(crowd.at_once("register", lambda person, number, turn: crowd.send(
            person, "register", "ticket", "/register", REQUEST | {"unit_id": str(units[(number + turn * CLIENTS) % len(units)])}),
            rounds * crowd.times))
        with database.connect() as connection:
            tasks = connection.execute(sa.text("select id from user_task where state = 'open' and element_id = 'dispatch'")).scalars().all()
        assert len(tasks) == CLIENTS * crowd.times * rounds, (crowd.wrong[:5], stage.log.read_text()[-1000:])
        left = iter(tasks)

        def complete(_, person, *__) -> None:
            task = next(left)
            crowd.send(person, "complete", task, f"/tasks/{task}", DISPATCH)

        turns = crowd.in_turn(rounds, {"list": crowd.read("/tickets"), "complete": complete, "empty": crowd.read("/empty")})
    if full:
        with capsys.disabled():
            print(f"\n{CLIENTS} clients, 2 web processes, {database_kind}:", *phases, *turns.values(), sep="\n  ")
            print(f"  completing a task goes {turns['complete'].rate / turns['empty'].rate:.0%} as fast as a view that does nothing")
    assert crowd.wrong == []
    faults = check(url, asked=crowd.asked)
    assert faults == [], "\n".join(map(str, faults))
    with database.connect() as connection:
        assert connection.execute(sa.text("select count(*) from ticket")).scalar() == len(tasks)
        assert connection.execute(sa.text("select count(*) from user_task where element_id = 'dispatch' and state = 'completed'"
                                          )).scalar() == len(tasks)
    assert stage.left_over() == []
    database.dispose()
    copies.drop(url)


def _open(database: sa.Engine, after: int) -> None:
    """The newest tickets are open, each with a limit."""
    with database.begin() as connection:
        connection.execute(sa.text("update ticket set state = 'in-hand', closed_at = null, resolution_due_at = registered_at"
                                   " where id > :after"), {"after": after})  # fmt: skip


@pytest.mark.slow
def test_the_list_is_right_among_many_tickets(copies, empty_template, tmp_path, full, capsys, database_kind):
    url, count = copies.copy(empty_template), 100_000 if full else 500
    search = Search(url, tmp_path, count)
    search.close()
    furnish(url, tmp_path, FAR)
    database = sa.create_engine(url)
    _open(database, after=count - count // 20)
    with Stage(url, tmp_path) as stage:
        stage.start("web", before=[("tests.load.empty:install",)])
        assert stage.wait_for_web()
        crowd = Crowd(stage, database, 6 if full else 1)
        crowd.at_once("log in", lambda person, *_: person.log_in(), 1)
        phases = crowd.in_turn(5 if full else 1, {"list": crowd.read("/tickets"), "list, all": crowd.read("/tickets?all=1"),
                                                 "first page": crowd.read("/"), "empty": crowd.read("/empty")})
        shown = crowd.people[0].page("/tickets?all=1").page.count("2025-")
    if full:
        with capsys.disabled():
            print(f"\n{CLIENTS} clients, {count:,} tickets, {database_kind}:", *phases.values(), sep="\n  ")
            print(f"  a list of fifty goes {phases['list'].rate / phases['empty'].rate:.0%} as fast as a view that does nothing")
    assert crowd.wrong == [] and shown >= 50
    database.dispose()
    copies.drop(url)
