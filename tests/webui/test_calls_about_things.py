"""A call for help about something that is no ticket has its page for whoever is to answer: subject, question, form (clause 12)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from engine.api import Actor
from engine.tables import user_task
from service.subjects.models import Subject
from service.tickets.models import Escalation
from tests.webui.test_access_matrix import app, lived, people, text_of, town

pytestmark = pytest.mark.databases("sqlite")
__all__ = ["app", "lived", "people", "town"]  # fixtures

KINDS = ["filing", "patrol", "review", "round", "workplace"]


def asked_about(app, kind: str) -> tuple[str, str]:
    """Lin asks for help about a thing of that kind; gives (number, id of the task to answer)."""
    with app.session() as session:
        open_ones = sa.select(user_task.c.business_key).where(user_task.c.state == "open")
        numbers = sa.select(Subject.number).where(Subject.kind == kind, Subject.centre_id == 1, Subject.number.in_(open_ones))
        number = session.scalars(numbers.order_by(Subject.number)).first()
    app.engine.correlate("ticket.help", number, {"question": "一个人看不过来", "asked_by": "lin"}, actor=Actor("lin", "specialist"))
    with app.session() as session:
        task = session.scalars(
            sa.select(user_task.c.id).where(user_task.c.business_key == number, user_task.c.process_key == "escalation")
        ).one()
    return number, task


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_about_something_else_than_a_ticket_is_answered_on_its_page(app, people, kind):
    number, task = asked_about(app, kind)
    chen = people("chen")
    page = chen.get(f"/tasks/{task}")
    text = text_of(page)
    assert page.status_code == 200 and number in text and "一个人看不过来" in text and "主管答" in text
    with app.session() as session:
        assert session.get(Subject, number).title in text
    href = re.search(r'<a class="z-strong" href="([^"]+)"', text)[1]
    assert people("chen").get(href).status_code == 200, "what it is about can be looked at"

    refused = chen.post(f"/tasks/{task}", {"answer": "advise", "guidance": "", "request_id": "empty"})
    assert refused.status_code == 422 and "一个人看不过来" in text_of(refused)
    answer = chen.post(f"/tasks/{task}", {"answer": "advise", "guidance": "叫周敏一起看", "request_id": "said"})
    assert answer.status_code == 303 and chen.get(answer.location).status_code == 200
    with app.session() as session:
        call = session.scalars(sa.select(Escalation).where(Escalation.asked_by != "x").order_by(Escalation.id.desc())).first()
        assert (call.answer, call.answered_by, call.guidance) == ("advise", "chen", "叫周敏一起看")


def test_only_whoever_is_to_answer_gets_to_it(app, people):
    _number, task = asked_about(app, "review")
    statuses = {name: people(name).get(f"/tasks/{task}").status_code for name in ("lin", "gao", "hu", "admin", "qin")}
    assert set(statuses.values()) == {404}, statuses
    assert f"/tasks/{task}" in text_of(people("chen").get("/")), "and finds it in the list of work"


def test_a_call_without_a_subject_still_has_its_page(app, people):
    number, task = asked_about(app, "review")
    with app.writing() as session:
        session.execute(sa.delete(Subject).where(Subject.number == number))
    text = text_of(people("chen").get(f"/tasks/{task}"))
    assert number in text and "一个人看不过来" in text
