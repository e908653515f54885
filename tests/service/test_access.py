"""Who sees and does what, asked of every role through the same function that lists, pages, search and files use
(T23).
"""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
import sqlalchemy.orm

from service import access
from service.customers import queries as customers
from service.errors import NotAllowed, NotThere
from service.organisation.actions import substitute
from service.organisation.models import Person, RoleAssignment
from service.search.queries import find
from service.tickets import actions, queries
from service.tickets.models import Ticket
from tests.people import Story

FIELD = {"see", "note", "photo", "ask help", "reveal", "pause"}
DESK = FIELD | {"urge", "inform", "withdraw", "change urgency", "promise", "merge"}
LEAD = DESK | {"assign", "retime", "cancel"}
ON_DISPATCHED = {  # person -> what they may do with a ticket that has a slip of engineering
    "lin": DESK,
    "zhou": DESK,
    "chen": LEAD,
    "wang": LEAD,
    "gao": FIELD,
    "liu": FIELD,
    "sun": set(),
    "qin": {"see"},
    "hu": set(),
    "admin": set(),
}
CENTRE = {  # action -> who may, in the centre
    "register": {"lin", "zhou", "chen", "wang"},
    "see customers": {"lin", "zhou", "chen", "wang", "qin"},
    "see board": {"chen", "wang", "qin"},
    "see audit": {"qin"},
    "change procedures": {"qin"},  # also the process owner of the demo
    "manage people": {"admin"},
}


@pytest.fixture
def dispatched(story) -> str:
    number = story.register()
    story.dispatch()
    return number


@pytest.mark.parametrize("username", ON_DISPATCHED)
def test_each_role_may_do_with_a_ticket_what_the_table_says_and_nothing_else(story, dispatched, username):
    with story.as_person(username) as person:
        ticket = person_s_ticket(person, dispatched)
        assert {a for a in access.ON_TICKET if access.may(person, a, ticket)} == ON_DISPATCHED[username]


@pytest.mark.parametrize("username", ON_DISPATCHED)
def test_list_page_search_and_direct_link_agree(story, dispatched, username):
    """T23."""
    sees = "see" in ON_DISPATCHED[username]
    with story.as_person(username) as person:
        assert bool(queries.ticket_list(person, everything=True).tickets) is sees
        assert bool(find(person, dispatched).tickets) is sees
        assert bool(find(person, "吊顶").tickets) is sees
        if sees:
            assert queries.ticket_card(person, dispatched).may == ON_DISPATCHED[username]
        else:
            with pytest.raises(NotThere):
                queries.ticket_card(person, dispatched)


@pytest.mark.parametrize("action", CENTRE)
def test_each_role_may_do_in_its_centre_what_the_table_says(story, action):
    from service.organisation.models import Centre

    may = set()
    for username in ON_DISPATCHED:
        with story.as_person(username) as person:
            here = sa.orm.object_session(person).get(Centre, story.world.centre_id)
            may |= {username} if access.may(person, action, here) else set()
    assert may == CENTRE[action]


def test_an_unknown_action_is_never_allowed(story, dispatched):
    with story.as_person("wang") as wang:
        assert not access.may(wang, "sell", person_s_ticket(wang, dispatched))
        assert not access.may(wang, "sell")


def test_a_department_sees_a_ticket_only_once_it_has_a_slip(story):
    number = story.register()
    with story.as_person("gao") as gao, pytest.raises(NotThere):
        queries.ticket_card(gao, number)
    story.dispatch()
    assert story.card("gao", number)
    with story.as_person("sun") as sun, pytest.raises(NotThere):
        queries.ticket_card(sun, number)


def test_another_centre_sees_neither_units_nor_customers_nor_callers(story):
    with story.as_person("hu") as hu:
        assert (customers.find_units(hu, "3-1201"), customers.by_phone(hu, "13800132046"), find(hu, "恒远")) == (
            [],
            [],
            find(hu, ""),
        )
        with pytest.raises(NotThere):
            customers.unit_card(hu, story.world.units["3-1201"])


@pytest.mark.parametrize(
    "username, error",
    [("hu", NotThere), ("zhou", NotAllowed), ("liu", NotThere), ("qin", NotAllowed), ("chen", NotAllowed)],
)
def test_a_task_of_somebody_else_is_neither_claimed_nor_completed(story, username, error):
    story.register()
    task = story.task("lin", "dispatch").task_id
    values = {"department": "engineering", "instruction": "去看"}
    for act in (
        lambda: actions.complete_task(story.app, story.person(username), task, values),
        lambda: actions.claim(story.app, story.person(username), task),
    ):
        with pytest.raises(error):
            act()


def test_a_specialist_of_some_buildings_sees_those_only(story):
    """Clause 5."""
    here, elsewhere = story.register(unit="3-1201"), story.register(unit="2-0805")
    with story.app.writing() as session:
        session.execute(
            sa.update(RoleAssignment)
            .where(RoleAssignment.person_id == story.world.people["zhou"])
            .values(role="specialist", building_id=story.world.buildings["3"])
        )
    with story.as_person("zhou") as zhou:
        assert access.reach(zhou).building_ids == {story.world.buildings["3"]}
        assert [t.number for t in queries.ticket_list(zhou).tickets] == [here]
        with pytest.raises(NotThere):
            queries.ticket_card(zhou, elsewhere)


def test_a_substitute_does_the_work_in_both_names_while_it_lasts(story, clock):
    story.register()
    now = clock.now()
    with story.app.writing() as session:
        lin, zhou = (session.get_one(Person, story.world.people[n]) for n in ("lin", "zhou"))
        substitute(session, lin, zhou, now + timedelta(minutes=1), now + timedelta(hours=2))
    assert story.tasks("zhou") == []
    clock.set(now + timedelta(minutes=1))
    story.complete("zhou", "dispatch", {"department": "engineering", "instruction": "去看"})
    done = next(
        e
        for e in story.app.engine.trace(root_of(story))
        if e["kind"] == "task-completed" and e["element"] == "dispatch"
    )
    assert (done["actor"], done["on_behalf_of"], done["role"]) == ("zhou", "lin", "specialist")
    clock.set(now + timedelta(hours=2))
    with story.as_person("zhou") as zhou:
        assert access.reach(zhou).usernames == ("zhou",)


def test_who_is_switched_off_reaches_nothing(story, dispatched):
    with story.app.writing() as session:
        session.execute(sa.update(Person).where(Person.username == "lin").values(active=False))
    with story.as_person("lin") as lin:
        assert not access.may(lin, "see", person_s_ticket(lin, dispatched))


def test_a_role_counts_from_its_first_to_its_last_day(story, clock):
    today = clock.now().date()
    with story.app.writing() as session:
        session.execute(
            sa.update(RoleAssignment)
            .where(RoleAssignment.person_id == story.world.people["zhou"])
            .values(from_on=today, until_on=today)
        )
    with story.as_person("zhou") as zhou:
        assert access.reach(zhou).roles
        clock.advance(timedelta(days=1))
        assert not access.reach(zhou).roles


def person_s_ticket(person: Person, number: str) -> Ticket:
    return sa.orm.object_session(person).scalars(sa.select(Ticket).where(Ticket.number == number)).one()


def root_of(story: Story) -> str:
    with story.app.session() as session:
        return session.scalars(sa.select(Ticket.instance_id)).one()
