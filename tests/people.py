"""The named cast, and what they do in tests: Lin (specialist), Zhou (cashier), Chen (supervisor), Wang (manager), Gao
and Liu (engineering), Sun (safety), Qin (quality), Hu (specialist of another centre, sees nothing), Admin.

`Story(centre)` lets people act by name on the demo centre: register a request, find the task of a step in their own
list, complete it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

from service import demo
from service.organisation.models import Person
from service.tickets import actions, queries

REPAIR = {
    "category": "repair",
    "request": "茶水间吊顶滴水，地上湿了",
    "expectation": "come-now",
    "reply_deadline_kind": "none",
    "urgency": "normal",
    "on_the_spot": False,
}
COMPLAINT = REPAIR | {"category": "complaint", "request": "前台态度不好"}


class Story:
    """People acting on one installation."""

    def __init__(self, app):
        self.app, self.world = app, demo.world(app)

    @contextmanager
    def as_person(self, username: str):
        """The person, attached to a session for reading."""
        with self.app.session() as session:
            yield session.get_one(Person, self.world.people[username])

    def person(self, username: str) -> Person:
        with self.as_person(username) as person:
            return person

    def register(self, username: str = "lin", unit: str = "3-1201", form: dict[str, Any] = REPAIR, **options) -> str:
        """Register a request; gives the ticket's number."""
        return actions.register(self.app, self.person(username), form, unit_id=self.world.units[unit], **options).number

    def tasks(self, username: str) -> list[queries.WorkItem]:
        with self.as_person(username) as person:
            return queries.all_work(person)

    def task(self, username: str, element: str, number: str | None = None) -> queries.WorkItem:
        """The person's one open task of a step."""
        found = [t for t in self.tasks(username) if t.element_id == element and number in (None, t.number)]
        assert len(found) == 1, f"{username} has {[t.element_id for t in self.tasks(username)]}, wanted one {element}"
        return found[0]

    def complete(self, username: str, element: str, values: dict[str, Any], number: str | None = None, **options):
        """Complete the person's one open task of a step."""
        return actions.complete_task(
            self.app, self.person(username), self.task(username, element, number).task_id, values, **options
        )

    def dispatch(self, number: str | None = None, department: str = "engineering") -> None:
        self.complete("lin", "dispatch", {"department": department, "instruction": "先到现场看"}, number)

    def card(self, username: str, number: str) -> queries.TicketCard:
        with self.as_person(username) as person:
            return queries.ticket_card(person, number)
