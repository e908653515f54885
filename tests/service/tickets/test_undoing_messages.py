"""Undo of what the customer said and of a registration: every row as before, nobody told, nothing undone that others go on from."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TooLateToUndo
from engine.tables import outbox, step_undo
from service.drafts.models import Draft
from service.errors import NotThere
from service.notifications.deliver import deliver_due
from service.notifications.models import Notice
from service.tickets import actions, changes, undoing, unregistering
from service.tickets.models import Ticket
from tests.chaos.checker import check
from tests.people import REPAIR, Story
from tests.service.tickets.test_undoing import differing, rows


@pytest.fixture
def story(centre) -> Story:
    centre.engine.undo_seconds = 30
    return Story(centre)


@pytest.fixture
def in_hand(story, clock) -> str:
    """A repair that Liu works on; its undo is over."""
    number = story.register()
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    clock.advance(timedelta(minutes=1))
    deliver_due(story.app)
    return number


def last_step(story, username: str = "lin") -> str:
    return story.app.engine.undoable(username).task_id


def undo(story, step: str, username: str = "lin", **options):
    return undoing.undo(story.app, story.person(username), step, **options)


SAID = {
    "urge": lambda story, lin, number: actions.urge(story.app, lin, number, "怎么还没来"),
    "information": lambda story, lin, number: actions.add_information(story.app, lin, number, "阀门在管井"),
    "withdraw": lambda story, lin, number: actions.withdraw(story.app, lin, number, "自己修好了"),
    "help": lambda story, lin, number: actions.ask_help(story.app, lin, number, "没有钥匙"),
    "pause": lambda story, lin, number: changes.pause(
        story.app, lin, number, "appointment", story.app.now() + timedelta(days=3)
    ),
    "urgency": lambda story, lin, number: changes.change_urgency(story.app, lin, number, "urgent", "漏水变大"),
    "deadline": lambda story, lin, number: changes.change_deadline(
        story.app, lin, number, story.app.now() + timedelta(hours=1)
    ),
}


@pytest.mark.parametrize("what", SAID)
def test_what_was_pressed_on_a_ticket_is_undone_exactly_and_can_be_done_again(story, in_hand, what):
    before, lin = rows(story.app), story.person("lin")
    SAID[what](story, lin, in_hand)
    assert differing(before, rows(story.app)) != []
    undo(story, last_step(story), request_id=f"undo {what}")
    assert differing(before, rows(story.app)) == []
    assert check(story.app.database) == [] and story.app.engine.verify() == []
    SAID[what](story, lin, in_hand)
    assert check(story.app.database) == []


def test_a_withdrawal_with_an_escalation_and_a_pause_comes_back_whole(story, in_hand, clock):
    actions.ask_help(story.app, story.person("liu"), in_hand, "没有钥匙")
    changes.pause(story.app, story.person("lin"), in_hand, "appointment", story.app.now() + timedelta(days=3))
    clock.advance(timedelta(minutes=1))
    before = rows(story.app)
    actions.withdraw(story.app, story.person("lin"), in_hand, "自己修好了")
    undo(story, last_step(story))
    assert differing(before, rows(story.app)) == []
    assert story.task("chen", "answer_supervisor", in_hand) and story.card("lin", in_hand).ticket.state == "in-hand"


def test_nobody_is_told_of_an_urge_that_was_undone(story, in_hand, clock):
    actions.urge(story.app, story.person("lin"), in_hand, "怎么还没来")
    clock.advance(timedelta(seconds=20))
    deliver_due(story.app)
    undo(story, last_step(story))
    clock.advance(timedelta(days=1))
    deliver_due(story.app)
    with story.app.session() as session:
        kinds = list(session.scalars(sa.select(Notice.kind)))
        assert "urge" not in kinds
        assert session.scalar(sa.select(sa.func.count()).select_from(outbox).where(outbox.c.payload.like('%"kind": "urge"%'))) == 0


def test_it_is_refused_after_thirty_seconds_and_after_somebody_went_on(story, in_hand, clock):
    actions.urge(story.app, story.person("lin"), in_hand)
    late = last_step(story)
    clock.advance(timedelta(seconds=30))
    with pytest.raises(TooLateToUndo):
        undo(story, late)
    actions.urge(story.app, story.person("lin"), in_hand)
    step = last_step(story)
    story.complete("liu", "arrive", {"arrived_at": "2026-11-20T17:45"}, in_hand)
    with pytest.raises(TooLateToUndo):
        undo(story, step)


def test_only_whoever_pressed_it_may_undo_it(story, in_hand):
    actions.urge(story.app, story.person("lin"), in_hand)
    step = last_step(story)
    for username in ("zhou", "chen", "hu"):
        with pytest.raises(NotThere):
            undo(story, step, username)


def test_the_same_request_undoes_an_urge_once_and_answers_the_same(story, in_hand):
    actions.urge(story.app, story.person("lin"), in_hand)
    step = last_step(story)
    first = undo(story, step, request_id="u1")
    again = undo(story, step, request_id="u1")
    assert (again.replayed, again.instance_id, again.opened) == (True, first.instance_id, ())
    assert story.card("lin", in_hand).ticket.urged_count == 0


def test_what_the_clock_did_before_a_message_stays_when_it_is_undone(story, in_hand, clock):
    """The limit has passed and no clock has looked: the message fires it first, as a step of its own."""
    clock.advance(timedelta(days=10))
    actions.urge(story.app, story.person("lin"), in_hand)
    assert story.task("chen", "answer_supervisor", in_hand)
    undo(story, last_step(story))
    assert story.task("chen", "answer_supervisor", in_hand) and story.card("lin", in_hand).ticket.urged_count == 0
    assert check(story.app.database) == []


# --- a registration --------------------------------------------------------------------------------------------------


def unregister(story, number: str, username: str = "lin", **options) -> str:
    return unregistering.undo_registration(story.app, story.person(username), number, **options)


def ticket(story, number: str) -> Ticket:
    with story.app.session() as session:
        return session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()


def offered(story, username: str = "lin"):
    with story.app.session() as session:
        return unregistering.newest(story.app, session, story.person(username))


def test_a_registration_is_taken_back_and_what_was_typed_is_a_draft_again(story):
    number = story.register(form=REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026-11-20T17:55"})
    assert offered(story).number == number
    unregister(story, number)
    row = ticket(story, number)
    assert (row.state, row.end_reason) == ("withdrawn", unregistering.REASON)
    assert story.tasks("lin") == [] and offered(story) is None
    with story.app.session() as session:
        fields = session.scalars(sa.select(Draft)).one().fields
    assert fields["request"] == [REPAIR["request"]] and fields["category"] == ["repair"]
    assert fields["reply_deadline"] == ["2026-11-20T17:55"] and fields["unit_id"] == [str(row.unit_id)]
    assert check(story.app.database) == [] and story.app.engine.verify() == []


def test_it_is_refused_after_its_time_and_once_anything_was_done_on_it(story, clock):
    late, dispatched, noted = (story.register(unit=unit) for unit in ("3-1201", "2-0805", "3-0902"))
    story.dispatch(dispatched)
    actions.note(story.app, story.person("zhou"), noted, "客户又来过")
    for number in (dispatched, noted):
        with pytest.raises(TooLateToUndo):
            unregister(story, number)
    clock.advance(timedelta(seconds=30))
    with pytest.raises(TooLateToUndo):
        unregister(story, late)
    assert offered(story) is None


def test_only_whoever_registered_it_may_take_it_back_and_once(story):
    number = story.register()
    for username in ("zhou", "chen", "hu"):
        with pytest.raises(NotThere):
            unregister(story, number, username)
    unregister(story, number, request_id="u1")
    unregister(story, number, request_id="u1")
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Draft)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(step_undo)) == 0
