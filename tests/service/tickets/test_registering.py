"""Registering a request: numbers, what comes with it, what a repeated click does."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from engine.errors import FormInvalid
from service.errors import NotAllowed, NotThere, Refused
from service.tickets import actions, queries
from service.tickets.models import Ticket
from tests.people import COMPLAINT, REPAIR


def test_twenty_people_register_at_once_and_each_gets_a_number_of_their_own(story):
    """T20: the number is counted up in the transaction that uses it."""
    lin, unit, numbers, faults = story.person("lin"), story.world.units["3-1201"], [], []

    def register():
        try:
            numbers.append(actions.register(story.app, lin, REPAIR, unit_id=unit).number)
        except Exception as error:  # noqa: BLE001  (whatever a thread raises is looked at below)
            faults.append(error)

    threads = [threading.Thread(target=register) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(numbers) == [f"2026-{n:04d}" for n in range(1, 21)]
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Ticket)) == 20


def test_a_repeated_click_gives_the_first_ticket_again(story):
    """T19: one effect, the same answer."""
    first = story.register(request_id="click-1")
    assert story.register(request_id="click-1") == first
    assert len(story.tasks("lin")) == 1


def test_the_unit_fills_in_customer_and_vip_mark(story):
    ticket = story.card("lin", story.register(unit="3-1201")).ticket
    assert (ticket.customer.name, ticket.vip, ticket.building_id) == (
        "恒远律师事务所",
        True,
        story.world.buildings["3"],
    )


def test_an_incomplete_register_entry_is_refused_and_takes_no_number(story):
    """Clause 11: none of the entries may be empty."""
    with pytest.raises(FormInvalid) as refused:
        story.register(form=REPAIR | {"category": None, "request": ""})
    assert {"category", "request"} <= set(refused.value.faults)
    assert story.register() == "2026-0001"


def test_whoever_registers_owns_the_ticket(story):
    """Clause 4."""
    assert story.card("lin", story.register()).ticket.owner == "lin"


def test_a_complaint_about_a_specialist_is_owned_by_the_supervisor_and_hidden_from_the_specialist(story):
    number = story.register(form=COMPLAINT, about="lin")
    assert story.card("chen", number).ticket.owner == "chen"
    assert [t.element_id for t in story.tasks("chen")] == ["dispatch"]
    assert story.tasks("lin") == []
    with pytest.raises(NotThere):
        story.card("lin", number)


def test_a_request_without_a_place_is_refused(story):
    with pytest.raises(Refused, match="place"):
        actions.register(story.app, story.person("lin"), REPAIR)


@pytest.mark.parametrize(
    "username, error", [("hu", NotThere), ("liu", NotAllowed), ("qin", NotAllowed), ("admin", NotThere)]
)
def test_only_the_desk_of_the_unit_s_own_centre_registers(story, username, error):
    with pytest.raises(error):
        story.register(username)


def test_a_second_request_of_the_same_unit_and_category_is_offered_as_a_duplicate(story, clock):
    from datetime import timedelta

    number, unit = story.register(), story.world.units["3-1201"]
    with story.as_person("lin") as lin:
        assert [t.number for t in queries.duplicates(lin, unit, "repair")] == [number]
        assert queries.duplicates(lin, unit, "fees") == []
        clock.advance(timedelta(hours=24))
        assert queries.duplicates(lin, unit, "repair") == []


def test_the_deadline_of_the_customer_wins_where_it_is_earlier(story):
    """Customer-request 2; the sum of the standard stays with it."""
    number = story.register(form=REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026-11-20T18:30:00+08:00"})
    target = next(t for t in story.card("lin", number).targets if t.kind == "resolution")
    assert (target.due_at.isoformat(), target.source) == ("2026-11-20T10:30:00+00:00", "customer")
    assert target.standard_at > target.due_at


def test_the_sum_of_a_target_can_be_shown(story):
    """30 minutes from Friday 17:45: 15 today, 15 from the next opening."""
    from service.calendars.rules import Sum

    target = next(t for t in story.card("lin", story.register(unit="2-0805")).targets if t.kind == "response")
    assert [s.minutes for s in Sum.from_json(target.sum)] == [15, 15]
    assert target.due_at.isoformat() == "2026-11-23T00:45:00+00:00"
