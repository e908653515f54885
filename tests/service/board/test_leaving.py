"""Leaving and standing in: open work first gets somebody else (T35); nobody borrows a role of somebody above (B24)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service import access
from service.board import leaving, standing_in
from service.errors import NotAllowed, NotThere, Refused
from service.organisation.models import Building, Person, RoleAssignment
from service.tickets import actions
from service.tickets.models import Ticket


def role_of(story, username: str, role: str) -> int:
    with story.app.session() as session:
        return session.scalars(
            sa.select(RoleAssignment.id).where(
                RoleAssignment.person_id == story.world.people[username], RoleAssignment.role == role
            )
        ).first()


def work_of(story, username: str) -> leaving.OpenWork:
    with story.as_person(username) as person:
        return leaving.open_work(sa.orm.object_session(person), person)


@pytest.fixture
def ticket(story) -> str:
    """Lin owns it, Liu has accepted it, the customer was promised a call."""
    number = story.register()
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    actions.promise(story.app, story.person("lin"), number, "给回话", story.app.clock.now() + timedelta(minutes=30))
    return number


def test_somebody_with_open_work_leaves_only_when_a_receiver_is_named(story, ticket):
    """T35."""
    story.register(unit="2-0805")
    assert work_of(story, "lin").count == 4  # two tickets, one dispatch, one promise
    with pytest.raises(Refused, match="4 open"):
        leaving.switch_off(story.app, story.person("admin"), "lin", None)
    assert story.person("lin").active
    leaving.switch_off(story.app, story.person("admin"), "lin", "zhou", "离职")
    assert not story.person("lin").active and work_of(story, "lin").count == 0
    assert work_of(story, "zhou").count == 4 and story.task("zhou", "dispatch")
    changed = [
        e for e in story.app.engine.trace(story.card("chen", ticket).ticket.instance_id) if e["kind"] == "variables-set"
    ]
    assert [(e["names"], e["reason"]) for e in changed] == [(["owner"], "离职")]


def test_tasks_still_to_come_are_the_receiver_s(story, ticket):
    leaving.switch_off(story.app, story.person("admin"), "lin", "zhou")
    leaving.switch_off(story.app, story.person("admin"), "liu", "gao")
    story.complete("gao", "arrive", {"arrived_at": story.app.clock.now()}, ticket)
    handled = {"result": "换了", "cause": "老化", "material": "", "labour_minutes": 20, "cost_yuan": 0}
    story.complete("gao", "handle", handled, ticket)
    assert story.task("zhou", "verify", ticket)


def test_a_role_that_others_of_the_person_cover_ends_at_once(story, ticket):
    """Gao is engineering and its head; without the head's role the work of the department stays."""
    admin, head = story.person("admin"), role_of(story, "gao", "engineering-head")
    leaving.end_role(story.app, admin, head, None)
    with story.as_person("gao") as gao:
        assert {str(r) for r in access.reach(gao).roles} == {"engineering"}


def test_losing_the_role_of_the_work_needs_a_receiver(story, ticket):
    admin, role = story.person("admin"), role_of(story, "liu", "engineering")
    with pytest.raises(Refused):
        leaving.end_role(story.app, admin, role, None)
    for nobody in ("hu", "liu", "nobody"):
        with pytest.raises(Refused):
            leaving.end_role(story.app, admin, role, nobody)
    leaving.end_role(story.app, admin, role, "gao")
    assert story.task("gao", "arrive", ticket) and leaving.end_role(story.app, admin, role, None).count == 0


def test_a_building_that_nobody_of_the_other_roles_covers_counts(story, ticket):
    """T35: Lin keeps another building; what is open in the one she loses needs somebody."""
    with story.app.writing() as session:
        lin = session.get_one(Person, story.world.people["lin"])
        building = session.scalars(sa.select(Ticket.building_id).where(Ticket.number == ticket)).one()
        other = session.scalars(sa.select(Building.id).where(Building.id != building, Building.centre_id == 1)).first()
        for role in lin.roles[1:]:
            session.delete(role)
        lin.roles[0].building_id = building
        session.add(RoleAssignment(person_id=lin.id, role="specialist", centre_id=1, building_id=other))
    with pytest.raises(Refused, match="2 open"):
        leaving.end_role(story.app, story.person("admin"), role_of(story, "lin", "specialist"), None)


def test_what_waits_for_a_group_counts_when_its_last_member_goes(story, ticket):
    """B24: Chen is the only supervisor; the call for help would be nobody's."""
    actions.ask_help(story.app, story.person("lin"), ticket, "没有钥匙")
    work = work_of(story, "chen")
    assert [t.element_id for t in work.tasks] == ["answer_supervisor"]
    leaving.end_role(story.app, story.person("admin"), role_of(story, "chen", "supervisor"), "wang")
    assert story.task("wang", "answer_supervisor", ticket)


@pytest.mark.parametrize("username", ["lin", "chen", "wang", "qin", "hu"])
def test_only_an_administrator_ends_roles_and_accounts(story, ticket, username):
    me, role = story.person(username), role_of(story, "liu", "engineering")
    for act in (
        lambda: leaving.end_role(story.app, me, role, "gao"),
        lambda: leaving.switch_off(story.app, me, "liu", "gao"),
    ):
        with pytest.raises((NotAllowed, NotThere)):
            act()


def test_nobody_switches_off_their_own_account(story):
    with pytest.raises(Refused):
        leaving.switch_off(story.app, story.person("admin"), "admin", None)


# --- standing in ------------------------------------------------------------------------------------------------------


def enter(story, who: str, for_: str, by: str, starts: float = 0, ends: float = 24):
    now = story.app.clock.now()
    return standing_in.enter(
        story.app, story.person(who), for_, by, now + timedelta(hours=starts), now + timedelta(hours=ends)
    )


def test_who_stands_in_has_the_work_from_the_first_moment_until_it_is_ended(story, ticket):
    row = enter(story, "lin", "lin", "zhou", starts=1)
    assert not [t for t in story.tasks("zhou") if t.number == ticket]
    task = story.register("lin")
    story.app.clock.advance(timedelta(hours=1))
    assert [t.number for t in story.tasks("zhou")] == [task]
    standing_in.end(story.app, story.person("zhou"), row.id)
    assert story.tasks("zhou") == []


@pytest.mark.parametrize(
    "who, for_, by",
    [("lin", "lin", "zhou"), ("chen", "lin", "zhou"), ("wang", "chen", "lin"), ("admin", "wang", "chen")],
)
def test_a_person_enters_it_for_themselves_and_leads_for_theirs(story, who, for_, by):
    row = enter(story, who, for_, by)
    assert enter(story, who, for_, by).id == row.id, "twice is once"
    with story.as_person(by) as person:
        assert [(r.for_person.username, may) for r, may in standing_in.of(person)] == [(for_, True)]


@pytest.mark.parametrize(
    "who, for_",
    [
        ("lin", "zhou"),
        ("lin", "chen"),
        ("chen", "wang"),
        ("wang", "qin"),
        ("chen", "hu"),
        ("hu", "lin"),
        ("gao", "liu"),
    ],
)
def test_nobody_borrows_a_role_by_entering_themselves(story, who, for_):
    with pytest.raises((NotAllowed, NotThere)):
        enter(story, who, for_, who)


@pytest.mark.parametrize(
    "by, starts, ends",
    [("lin", 0, 1), ("hu", 0, 1), ("nobody", 0, 1), ("zhou", 2, 1), ("zhou", -2, -1), ("zhou", 0, 24 * 400)],
)
def test_what_cannot_be_is_refused(story, by, starts, ends):
    with pytest.raises(Refused):
        enter(story, "lin", "lin", by, starts, ends)


def test_an_overlap_of_the_same_two_is_refused_and_strangers_end_nothing(story):
    row = enter(story, "lin", "lin", "zhou")
    with pytest.raises(Refused):
        enter(story, "lin", "lin", "zhou", starts=1, ends=30)
    for stranger in ("gao", "hu", "qin"):
        with pytest.raises(NotThere):
            standing_in.end(story.app, story.person(stranger), row.id)
    with story.as_person("hu") as hu:
        assert standing_in.of(hu) == []
        assert [p.username for p in standing_in.choices(hu)[0]] == ["hu"]
