"""What a person's press costs: statements of the database, and words with FEEL's sandbox."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engine.feel import sandbox
from service.tickets import actions
from tests.people import REPAIR

LIFE = [  # element, who, values, statements at most
    ("dispatch", "lin", {"department": "engineering", "instruction": "带阀门"}, 19),
    ("accept_slip", "gao", {"answer": "accept", "worker": "liu"}, 23),
    ("arrive", "liu", {"arrived_at": None}, 15),
    ("handle", "liu", {"result": "换了阀门", "cause": "老化", "material": "阀门", "labour_minutes": 30}, 22),
    ("verify", "lin", {"passed": "yes"}, 20),
    ("return_visit", "lin", {"reached": "yes", "how": "phone", "satisfaction": 5, "words": "好"}, 16),
]


@pytest.fixture
def asked(monkeypatch):
    """The requests that go to a child of the sandbox."""
    found, request = [], sandbox._Child.request

    def note(child, line, *rest):
        found.append(line)
        return request(child, line, *rest)

    monkeypatch.setattr(sandbox._Child, "request", note)
    return found


def lived(story, statements, asked) -> list[tuple[str, int, list]]:
    """One request from call to close: element, statements, requests to the sandbox."""
    costs = []

    def cost(name: str, act) -> None:
        statements.clear()
        asked.clear()
        act()
        costs.append((name, len(statements), list(asked)))

    lin = story.person("lin")
    registered = []
    call = uuid4().hex
    cost("register", lambda: registered.append(
        actions.register(story.app, lin, REPAIR, unit_id=story.world.units["3-1201"], request_id=call)))
    for element, who, values, _ in LIFE:
        person, task = story.person(who), story.task(who, element, registered[0].number)
        given = values | ({"arrived_at": story.app.now().isoformat()} if "arrived_at" in values else {})
        cost(element, lambda p=person, t=task, v=given: actions.complete_task(
            story.app, p, t.task_id, v, t.version, f"{t.task_id}!"))
    return costs


def test_an_action_costs_few_statements_and_asks_the_sandbox_only_for_a_decision(story, statements, asked):
    """The first request reads definitions and expressions; of the second each figure is what every later one costs, too."""
    lived(story, statements, asked)
    (_, registering, questions), *costs = lived(story, statements, asked)
    assert registering <= 37
    assert len(questions) == 1 and b'"decide"' in questions[0]
    most = {element: number for element, _, _, number in LIFE}
    if story.app.database.dialect.name == "postgresql":
        most = {element: number + 1 for element, number in most.items()}  # a repeated request waits for the first
    assert [c for c in costs if c[1] > most[c[0]]] == []
    assert [c for c in costs if c[2]] == []
