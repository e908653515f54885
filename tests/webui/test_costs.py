"""What a page asks of the database: so many statements, however many rows it shows; the figures of time are those of `make load`."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from engine.sql import observers
from tests.webui.conftest import REPAIR


@pytest.fixture
def asked(app):
    """Every statement that the pages send from now on; clear it to count one request."""
    found: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            found.append(statement)

    event.listen(app.database, "before_cursor_execute", lambda connection, cursor, statement, *rest: note(statement))
    observers.append(note)
    yield found
    observers.remove(note)


def register(lin, request_id: str) -> str:
    answer = lin.post("/register", REPAIR | {"request_id": request_id})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def test_the_list_of_tickets_asks_the_same_for_one_row_and_for_fifty(visitor, asked):
    lin, counts = visitor("lin"), []
    for more in (1, 52):
        [register(lin, f"{more} {n}") for n in range(more)]
        for path in ("/tickets", "/tickets?all=1"):
            lin.get(path)
            asked.clear()
            page = lin.get(path).get_data(as_text=True)
            counts.append(len(asked))
            assert len(re.findall("data-row-action", page)) == min(more, 50)
    assert max(counts) <= 9 and len(set(counts)) == 1, (counts, asked)


def test_completing_a_task_asks_little_and_borrows_few_connections(app, visitor, asked):
    """A connection of its own for each small question costs PostgreSQL a word each time."""
    lin = visitor("lin")
    tasks, borrowed = [register(lin, f"{n}") for n in range(2)], []
    event.listen(app.database, "checkout", lambda *_: borrowed.append(1))
    for task in tasks:  # the first time statements are built
        asked.clear()
        borrowed.clear()
        answer = lin.post(task, {"department": "engineering", "instruction": "先关阀再查", "request_id": task})
        assert answer.status_code == 303, answer.get_data(as_text=True)
    assert len(asked) <= 33 and len(borrowed) <= 4, asked


def test_the_first_screen_asks_the_same_for_one_ticket_and_for_ten(visitor, asked):
    lin, counts = visitor("lin"), []
    for more in (1, 9):
        for task in [register(lin, f"{more} {n}") for n in range(more)]:
            lin.post(task, {"department": "engineering", "instruction": "先关阀再查", "request_id": task})
        lin.get("/")
        asked.clear()
        lin.get("/")
        counts.append(len(asked))
    assert len(set(counts)) == 1, (counts, asked)


def test_the_list_of_tickets_has_pages_of_fifty(visitor):
    lin = visitor("lin")
    [register(lin, f"{n}") for n in range(53)]
    first = lin.get("/tickets?all=1").get_data(as_text=True)
    assert 'class="z-count">1–50<' in first and 'href="/tickets?all=1&amp;page=2" rel="next"' in first and "prev" not in first
    second = lin.get("/tickets?all=1&page=2").get_data(as_text=True)
    assert 'class="z-count">51–53<' in second and 'href="/tickets?all=1" rel="prev"' in second and "next" not in second
    assert [re.findall(r'what z-cut"><a href="/tickets/(\d+-\d+)"', page)[-1] for page in (first, second)] == ["2026-0004", "2026-0001"]
    assert lin.get("/tickets?all=1&page=9").location == "/tickets?all=1"
    assert lin.get("/tickets?page=x").status_code == 200
