"""A complaint about a specialist is never owned by that specialist, whichever way it goes (customer-request)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.board import actions as board
from service.board import leaving, standing_in
from service.errors import NotThere, Refused, ServiceError
from service.organisation.models import Floor
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


def test_somebody_of_another_centre_cannot_be_whom_it_is_about(story):
    with pytest.raises(Refused, match="Nobody of this centre") as refused:
        story.register(form=COMPLAINT, about="hu")
    assert refused.value.field == "about"


def test_who_leaves_cannot_leave_it_to_whom_it_is_about(story, complaint):
    with pytest.raises(Refused, match=f"{complaint} is a complaint about"):
        leaving.switch_off(story.app, story.person("admin"), "lin", "zhou", "离职")
    assert owner(story, complaint) == "lin" and story.person("lin").active
    leaving.switch_off(story.app, story.person("admin"), "lin", "chen", "离职")
    assert owner(story, complaint) == "chen"


def test_a_part_of_it_is_not_left_to_them_either(story, complaint):
    story.dispatch(complaint)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, complaint)
    about(story, complaint, "gao")
    with pytest.raises(Refused, match=f"{complaint} is a complaint about"):
        leaving.switch_off(story.app, story.person("admin"), "liu", "gao", "离职")


def test_handing_on_in_bulk_leaves_it_where_it_is_and_moves_the_rest(story, complaint):
    other = story.register(unit="2-0805")
    tasks = {n: story.task("lin", "dispatch", n).task_id for n in (complaint, other)}
    done = board.give(story.app, story.person("chen"), list(tasks.values()), "zhou", "换人")
    assert [type(d.error) for d in done] == [Refused, type(None)]
    assert story.task("lin", "dispatch", complaint) and story.task("zhou", "dispatch", other)


@pytest.mark.parametrize("whom", ["lin", "chen"])
def test_who_stands_in_for_somebody_else_still_does_nothing_about_it(story, complaint, whom):
    now = story.app.clock.now()
    standing_in.enter(story.app, story.person(whom), whom, "zhou", now, now + timedelta(days=1))
    assert complaint not in {t.number for t in story.tasks("zhou")}
    task = story.task("lin", "dispatch", complaint).task_id
    with pytest.raises(ServiceError):
        actions.complete_task(story.app, story.person("zhou"), task, {"department": "engineering", "instruction": "x"})


def test_it_is_not_merged_into_a_ticket_of_whom_it_is_about(story, complaint):
    theirs = story.register("zhou", unit="2-0805")
    with pytest.raises(Refused, match="complaint is about"):
        actions.merge(story.app, story.person("chen"), complaint, theirs)
    actions.merge(story.app, story.person("chen"), complaint, story.register(unit="3-0902"))


def test_whom_it_is_about_does_not_handle_its_slip(story):
    number = story.register(form=COMPLAINT, about="liu")
    story.dispatch(number)
    with pytest.raises(Refused, match="complaint is about") as refused:
        story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    assert refused.value.field == "worker"


def test_it_may_be_about_a_floor_of_its_centre(story):
    with story.app.session() as session:
        floor = session.scalars(sa.select(Floor).order_by(Floor.id.desc()).where(Floor.centre_id == story.world.centre_id)).first()
        elsewhere = session.scalars(sa.select(Floor.id).where(Floor.centre_id != story.world.centre_id)).first()
    number = story.register(form=COMPLAINT, about_floor_id=floor.id)
    assert story.card("lin", number).ticket.about_floor_id == floor.id
    with pytest.raises(NotThere):
        story.register(form=COMPLAINT, about_floor_id=elsewhere or 99999)


def about(story, number: str, username: str) -> None:
    """As if the customer had meant somebody else from the start."""
    with story.app.writing() as session:
        ticket = session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
        ticket.about_person_id = story.world.people[username]
