"""Findings on the real domain (clause 23.1): the department puts them right, who saw it looks again; or they become a ticket."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.errors import NotThere, Refused
from service.findings import actions, queries
from service.findings.models import Finding, FindingState
from service.notifications.deliver import deliver_due
from service.notifications.queries import notices
from service.tickets.models import Photo, Slip, Ticket
from tests.conftest import CHINA
from tests.service.patrols.walking import FINE, Round
from tests.webui.test_access_matrix import photo


@pytest.fixture
def seen(story, clock) -> str:
    """The number of a finding: an emergency light on 3座12层, with a photo."""
    made = Round(story, clock)
    taken = actions.add_photo(story.app, story.person("lin"), made.centre, photo(), "a.png")
    hole = {
        "group": "facilities",
        "severity": "major",
        "department": "engineering",
        "words": "应急灯不亮",
        "place": "东侧走道",
    }
    done = made.walk(12, answers=FINE | {"facilities": "finding"}, findings=[hole | {"photos": [taken.id]}])
    return done.findings[0]


def row(app, number: str) -> Finding:
    with app.session() as session:
        return session.scalars(sa.select(Finding).where(Finding.number == number)).one()


def told(story, username: str) -> list[str]:
    deliver_due(story.app)
    with story.as_person(username) as person:
        return [n.notice.kind for n in notices(person)]


def test_a_finding_is_accepted_put_right_looked_at_and_closed(story, clock, seen):
    assert "finding-new" in told(story, "gao")
    story.complete("gao", "accept_finding", {"worker": "liu"}, seen)
    clock.advance(timedelta(minutes=50))
    story.complete("liu", "put_right", {"result": "换了电池", "photo_after": []}, seen)
    assert row(story.app, seen).state == FindingState.FIXED
    story.complete("lin", "look_again", {"passed": "yes"}, seen)
    found = row(story.app, seen)
    assert (found.state, found.worker, found.result, found.checked_by) == (
        FindingState.CLOSED,
        "liu",
        "换了电池",
        "lin",
    )


def test_what_is_not_right_goes_back_with_the_reason(story, seen):
    story.complete("liu", "accept_finding", {}, seen)
    story.complete("liu", "put_right", {"result": "换了电池", "photo_after": []}, seen)
    story.complete("lin", "look_again", {"passed": "no", "back_reason": "还是不亮"}, seen)
    found = row(story.app, seen)
    assert (found.state, found.back_count, found.back_reason) == (FindingState.ACCEPTED, 1, "还是不亮")
    assert story.task("liu", "put_right", seen)
    assert "finding-back" in told(story, "liu")


def test_the_limits_count_from_the_report(story, clock, seen):
    found = row(story.app, seen)
    assert found.accept_due_at == found.reported_at + timedelta(minutes=30)
    assert found.fix_due_at == found.reported_at.astimezone(CHINA).replace(
        hour=18, minute=0
    )  # 570 minutes of a working day


def test_an_escalation_about_a_finding_goes_all_the_way_up(story, clock, seen):
    """Clause 12: it is about no ticket."""
    clock.advance(timedelta(minutes=30))
    story.app.engine.fire_due()
    assert story.task("chen", "answer_supervisor", seen).title == "应急灯不亮"
    clock.advance(timedelta(minutes=30))
    story.app.engine.fire_due()
    assert story.task("wang", "answer_manager", seen)
    assert {"escalated", "reminder"} <= set(told(story, "chen"))


def test_a_photo_goes_with_the_finding_and_is_seen_within_reach_only(story, seen):
    with story.as_person("lin") as lin:
        (picture,) = queries.card(lin, seen).photos
        path, _ = queries.photo_file(lin, picture.key)
        assert path.is_file()
    with story.as_person("hu") as hu:
        with pytest.raises(NotThere):
            queries.photo_file(hu, picture.key)
        with pytest.raises(NotThere):
            queries.card(hu, seen)
        assert queries.listed(hu).findings == []


def test_a_finding_becomes_a_ticket_with_its_photo_and_its_department(story, seen):
    story.complete("liu", "accept_finding", {}, seen)
    number = actions.to_ticket(story.app, story.person("lin"), seen, "repair", "press-1")
    found = row(story.app, seen)
    with story.app.session() as session:
        ticket = session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
        (slip,) = session.scalars(sa.select(Slip).where(Slip.ticket_id == ticket.id))
        assert (found.state, found.ticket_id, str(ticket.channel)) == (FindingState.TICKET, ticket.id, "patrol")
        assert (slip.department, seen in slip.instruction) == ("engineering", True)
        assert session.scalar(sa.select(sa.func.count()).where(Photo.ticket_id == ticket.id)) == 1
        assert queries.of_ticket(session, ticket.id).number == seen
    assert story.app.engine.open_tasks(found.instance_id) == []
    assert actions.to_ticket(story.app, story.person("lin"), seen, "repair", "press-1") == number
    with pytest.raises(Refused):
        actions.to_ticket(story.app, story.person("lin"), seen, "repair", "press-2")


def test_help_goes_to_the_supervisor_and_the_work_goes_on(story, seen):
    story.complete("liu", "accept_finding", {}, seen)
    actions.ask_help(story.app, story.person("liu"), seen, "要停整层的电")
    assert story.task("chen", "answer_supervisor", seen)
    assert story.task("liu", "put_right", seen)


def test_a_task_of_another_thing_is_not_done_through_a_finding(story, seen):
    story.register(unit="2-0805")
    other = story.task("lin", "dispatch")
    with pytest.raises(NotThere):
        actions.complete(story.app, story.person("lin"), seen, other.task_id, {})
