"""Staff from a file, on both databases: who may give what, who may be switched off, and no password anywhere."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from service import access
from service.auth.models import WebSession
from service.errors import NotAllowed, NotThere
from service.exchange import importing
from service.exchange.models import Kind, RunState
from service.organisation.models import Person
from tests.service.exchange import files
from tests.service.exchange.test_import_units import content, counts, faults

NEW = ["maying", "马莹", "13800004444", "客服专员@3座、客服助理", "", "是"]


def check(story, *rows, by="admin", centre=None):
    return importing.check(
        story.app, story.person(by), Kind.PEOPLE, centre or story.world.centre_id, files.people(*rows), "员工.xlsx"
    )


def applied(story, *rows, by="admin"):
    run = check(story, *rows, by=by)
    assert run.state is RunState.CHECKED, run.details["faults"]
    return importing.apply(story.app, story.person(by), run.key)


def grants(story, username):
    with story.app.session() as session:
        person = session.scalars(sa.select(Person).where(Person.username == username)).one()
        return sorted((str(r.role), r.centre_id, r.building_id) for r in person.roles), person


def test_a_new_person_comes_with_roles_and_without_a_password(story):
    assert counts(applied(story, NEW)) == (1, 0, 0, 0)
    roles, person = grants(story, "maying")
    here = story.world.centre_id
    assert roles == [("assistant", here, None), ("specialist", here, story.world.buildings["3"])]
    assert (person.name, person.phone, person.password_hash, person.active) == ("马莹", "13800004444", None, True)


def test_the_same_file_again_changes_nothing(story):
    applied(story, NEW, ["lin", "", "", "客服专员"])
    before = content(story.app)
    assert counts(applied(story, NEW, ["lin", "", "", "客服专员"])) == (0, 0, 2, 0)
    assert content(story.app) == before


def test_roles_are_added_and_never_taken_away(story):
    assert counts(applied(story, ["LIN", "", "13900019999", "收费员", "", ""])) == (0, 1, 0, 0)
    roles, person = grants(story, "lin")
    assert (
        [r[0] for r in roles] == ["cashier", "specialist"] and person.phone == "13900019999" and person.name == "林晓雯"
    )


def test_a_department_alone_gives_its_role_and_has_to_fit_the_roles(story):
    applied(story, ["niu", "牛一", "", "", "工程管理部"])
    assert grants(story, "niu")[0] == [("engineering", story.world.centre_id, None)]
    assert faults(check(story, ["ma", "马二", "", "客服专员", "工程管理部"])) == [
        (2, "department", "department-differs")
    ]
    assert faults(check(story, ["ma", "马二", "", "", "财务部"]))[0] == (2, "department", "department-unknown")


def test_every_bad_row_is_named(story):
    run = check(
        story,
        NEW,
        ["1x", "甲"],
        ["maying", "乙", "", "主管"],
        ["bing", "", "", "主管"],
        ["ding", "丁", "1380", "园丁、客服专员@9座"],
        ["wu", "戊"],
        ["ji", "己", "", "主管@3座"],
        ["geng", "庚", "", "主管", "", "大概"],
    )
    assert faults(run) == [
        (3, "username", "username-malformed"),
        (4, "username", "username-twice"),
        (5, "name", "missing"),
        (6, "phone", "phone-malformed"),
        (6, "roles", "role-unknown"),
        (6, "roles", "building-unknown"),
        (7, "roles", "roles-missing"),
        (8, "roles", "role-has-no-building"),
        (9, "active", "yes-or-no"),
    ]
    assert counts(run) == (1, 0, 0, 7)


@pytest.mark.parametrize("role", ["经理", "系统管理员", "品质部", "制度责任人", "manager", "ADMIN"])
def test_a_manager_cannot_give_what_reaches_further_than_a_manager_answers_for(story, role):
    assert faults(check(story, ["ma", "马二", "", role], by="wang")) == [(2, "roles", "role-not-yours")]
    assert faults(check(story, ["wang", "", "", role], by="wang"))[0][2] == "role-not-yours"


@pytest.mark.parametrize("username", ["hu", "qin", "admin", "wang"])
def test_a_manager_cannot_touch_people_beyond_the_centre_or_above(story, username):
    assert (2, "username", "person-not-yours") in faults(check(story, [username, "新名字", "", "客服专员"], by="wang"))


def test_a_manager_brings_in_own_staff(story):
    assert counts(applied(story, NEW, ["lin", "林晓文"], by="wang")) == (1, 1, 0, 0)
    assert grants(story, "lin")[1].name == "林晓文"


def test_company_wide_roles_of_the_administrator_name_no_centre(story):
    applied(story, ["pin", "品一", "", "品质部"])
    assert grants(story, "pin")[0] == [("quality", None, None)]


def test_somebody_with_open_work_is_not_switched_off(story):
    story.register("lin")
    assert faults(check(story, ["lin", "", "", "", "", "否"])) == [(2, "active", "open-work")]
    assert faults(check(story, ["admin", "", "", "", "", "否"])) == [(2, "active", "yourself")]


def test_who_is_switched_off_is_logged_out_at_once(story):
    now = story.app.clock.now()
    with story.app.writing() as session:
        zhou = story.world.people["zhou"]
        session.add(WebSession(id_hash="h", person_id=zhou, started_at=now, seen_at=now, ends_at=now, csrf="c"))
    assert counts(applied(story, ["zhou", "", "", "", "", "离职"])) == (0, 1, 0, 0)
    with story.app.session() as session:
        assert session.get(WebSession, "h").ended_why == "disabled"
        assert access.reach(session.get_one(Person, zhou)).grants == ()


@pytest.mark.parametrize("username", ["lin", "chen", "gao", "hu", "qin"])
def test_nobody_else_brings_people_in(story, username):
    with pytest.raises((NotAllowed, NotThere)):
        check(story, NEW, by=username)
