"""A complaint about a specialist is never owned by that specialist, whichever way it goes (customer-request)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from service.errors import Refused
from service.tickets import actions
from service.tickets.models import Ticket
from tests.people import COMPLAINT


@pytest.fixture
def complaint(story) -> str:
    """About Zhou, registered by Lin."""
    return story.register(form=COMPLAINT, about="zhou")


def owner(story, number: str) -> str:
    with story.app.session() as session:
        return session.scalar(sa.select(Ticket.owner).where(Ticket.number == number))


def test_whoever_it_is_about_does_not_own_it_from_the_start(story, complaint):
    assert owner(story, complaint) == "lin"
    assert owner(story, story.register(form=COMPLAINT, about="lin", unit="2-0805")) == "chen"


def test_a_superior_cannot_give_it_to_whom_it_is_about(story, complaint):
    actions.ask_help(story.app, story.person("lin"), complaint, "怎么回话")
    with pytest.raises(Refused, match="complaint is about"):
        story.complete("chen", "answer_supervisor", {"answer": "give-to", "person": "zhou", "guidance": "你去"}, complaint)
    assert owner(story, complaint) == "lin"
    story.complete("chen", "answer_supervisor", {"answer": "take-over", "guidance": "我来"}, complaint)
    assert owner(story, complaint) == "chen"


def test_its_task_cannot_be_given_to_whom_it_is_about(story, complaint):
    task = story.task("lin", "dispatch", complaint).task_id
    with pytest.raises(Refused, match="complaint is about"):
        actions.assign(story.app, story.person("chen"), task, "zhou", "换人")
    actions.assign(story.app, story.person("chen"), task, "chen", "换人")
