"""Units and customers from a file, on both databases: all or nothing, and the same file again changes nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service import access
from service.customers import queries as customers
from service.customers.actions import add_contact, add_customer
from service.customers.models import Contact, Customer, CustomerKind, UnitOccupancy
from service.errors import NotAllowed, NotThere
from service.exchange import importing
from service.exchange.models import ImportRun, Kind, RunState
from service.organisation.actions import add_unit
from service.organisation.models import Building, Floor, Person, RoleAssignment, Unit
from service.search.models import SearchKey
from tests.service.exchange import files

LAW = ["3座", "12", "1204", "公司", "180", "华章文化", "林可", "13800001111、021-5566 3320", "是", "周一上午例会"]


def check(story, *rows, by="wang", **options):
    return importing.check(
        story.app, story.person(by), Kind.UNITS, story.world.centre_id, files.units(*rows), "单元.xlsx", **options
    )


def applied(story, *rows, by="wang") -> ImportRun:
    run = check(story, *rows, by=by)
    assert run.state is RunState.CHECKED, run.details["faults"]
    return importing.apply(story.app, story.person(by), run.key)


def counts(run) -> tuple[int, int, int, int]:
    return run.new, run.changed, run.unchanged, run.bad


def faults(run) -> list[tuple[int, str, str]]:
    return [(f["row"], f["column"], f["rule"]) for f in run.details["faults"]]


def content(app) -> dict:
    """Every row that an import could write, without its own log."""
    tables = (Unit, Floor, Customer, Contact, UnitOccupancy, SearchKey, Person, RoleAssignment)
    with app.database.connect() as connection:
        return {t.__tablename__: sorted(map(str, connection.execute(sa.select(t.__table__)))) for t in tables}


def card(story, code: str):
    with story.as_person("lin") as person:
        unit = sa.orm.object_session(person).scalars(sa.select(Unit).where(Unit.code == code)).one()
        found = customers.unit_card(person, unit.id)
        return (
            found,
            [(c.name, sorted(p.digits for p in c.phones)) for c in found.contacts],
            found.unit.floor and found.unit.floor.level,
        )


# --- what comes in ----------------------------------------------------------------------------------------------------


def test_a_new_unit_comes_with_its_customer_contact_and_phones(story):
    run = applied(story, LAW)
    assert counts(run) == (1, 0, 0, 0) and run.details["besides"] == {"customers": 1, "contacts": 1}
    found, contacts, level = card(story, "3-1204")
    assert (found.customer.name, found.customer.vip, found.customer.habits) == ("华章文化", True, "周一上午例会")
    assert contacts == [("林可", ["02155663320", "13800001111"])]
    assert (level, found.unit.square_metres) == (12, 180.0)


def test_checking_alone_changes_nothing(story):
    before = content(story.app)
    assert counts(check(story, LAW)) == (1, 0, 0, 0)
    assert content(story.app) == before


def test_the_same_file_again_changes_nothing(story):
    rows = [
        LAW,
        ["3", "B2", "B201", "", "", "华章文化", "林可", "13800001111"],
        ["1座", "5", "0501", "住户", "", "张伟", "", "13900002222"],
    ]
    assert counts(applied(story, *rows)) == (3, 0, 0, 0)
    before = content(story.app)
    assert counts(applied(story, *rows)) == (0, 0, 3, 0)
    assert content(story.app) == before


def test_applying_a_run_twice_gives_the_first_answer(story):
    run = check(story, LAW)
    first = importing.apply(story.app, story.person("wang"), run.key)
    before = content(story.app)
    again = importing.apply(story.app, story.person("wang"), run.key)
    assert (counts(again), again.applied_at) == (counts(first), first.applied_at) and content(story.app) == before


def test_the_same_request_is_one_run(story):
    first, second = (check(story, LAW, request_id="once") for _ in range(2))
    assert first.key == second.key


def test_ten_people_who_apply_one_run_at_once_take_it_in_once(story):
    run, answers = check(story, LAW), []
    person = story.person("wang")
    threads = [
        threading.Thread(target=lambda: answers.append(counts(importing.apply(story.app, person, run.key))))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(1, 0, 0, 0)] * 10
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Customer.name == "华章文化").select_from(Customer)) == 1


def test_what_came_in_is_found_like_what_was_entered(story):
    applied(story, LAW)
    with story.app.writing() as session:
        building = session.scalars(
            sa.select(Building).where(Building.centre_id == story.world.centre_id, Building.code == "3")
        ).one()
        unit = add_unit(session, building, None, "3-1299")
        today = story.app.clock.now().date()
        customer = add_customer(
            session, story.world.centre_id, CustomerKind.COMPANY, "华章文化", units=[unit], from_on=today
        )
        add_contact(session, customer, "林可", ["13800001111", "021-5566 3320"], unit=unit)
    with story.app.session() as session:
        for table in (Customer, Contact):
            name = "华章文化" if table is Customer else "林可"
            keys = [
                sorted(
                    session.execute(
                        sa.select(SearchKey.kind, SearchKey.key).where(
                            SearchKey.thing == table.__tablename__, SearchKey.thing_id == id
                        )
                    ).all()
                )
                for id in session.scalars(sa.select(table.id).where(table.name == name))
            ]
            assert len(keys) == 2 and keys[0] == keys[1]
    with story.as_person("lin") as person:
        assert [hit.label for hit in customers.find_units(person, "hzwh")] == ["3-1204", "3-1299"]
        assert [hit.label for hit in customers.find_units(person, "31204")] == ["3-1204"]


def test_full_width_figures_spaces_and_dashes_mean_the_same(story):
    applied(
        story,
        ["３座", "１２层", "３－１２０４", "公司", "１８０㎡", "华章文化", "林可", "１３８ ００００ １１１１", "是"],
    )
    _, contacts, level = card(story, "3-1204")
    assert contacts == [("林可", ["13800001111"])] and level == 12
    assert counts(check(story, ["3座", "12", "1204", "公司", 180, "华章文化", "林可", "+86 138-0000-1111"])) == (
        0,
        0,
        1,
        0,
    )


def test_an_empty_cell_leaves_what_is_there(story):
    applied(story, LAW)
    before = content(story.app)
    assert counts(applied(story, ["3座", "", "3-1204"])) == (0, 0, 1, 0)
    assert content(story.app) == before


def test_a_changed_cell_changes_only_that(story):
    applied(story, LAW)
    run = applied(story, ["3座", "13", "1204", "", "200", "华章文化", "林可", "13800009999", "否"])
    assert counts(run) == (0, 1, 0, 0)
    found, contacts, level = card(story, "3-1204")
    assert (found.customer.vip, found.customer.habits, level, found.unit.square_metres) == (
        False,
        "周一上午例会",
        13,
        200.0,
    )
    assert contacts == [("林可", ["02155663320", "13800001111", "13800009999"])], "phones are only added"


def test_a_company_in_several_units_is_one_customer(story):
    applied(story, LAW, ["3座", "12", "1205", "", "", "华章文化", "赵一"], ["2座", "8", "0806", "", "", " 华章文化 "])
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Customer.name == "华章文化").select_from(Customer)) == 1
    found, contacts, _ = card(story, "3-1205")
    assert [u.code for u in found.units_of_customer] == ["3-1204", "3-1205", "2-0806"] and [c[0] for c in contacts] == [
        "林可",
        "赵一",
    ]


def test_two_families_of_one_name_stay_two_and_one_with_the_same_phone_is_one(story):
    applied(
        story,
        ["1座", "5", "0501", "住户", "", "张伟", "", "13900002222"],
        ["1座", "6", "0601", "住户", "", "张伟", "", "13900003333"],
        ["1座", "7", "0701", "住户", "", "张伟", "", "13900002222"],
    )
    first, second, third = (card(story, code)[0].customer.id for code in ("1-0501", "1-0601", "1-0701"))
    assert first == third != second


def test_a_unit_that_changes_hands_keeps_who_was_there_until_yesterday(story):
    run = applied(story, ["3座", "", "1107", "", "", "新来的公司"])
    assert counts(run) == (0, 1, 0, 0) and run.details["besides"] == {"customers": 1, "left": 1}
    assert card(story, "3-1107")[0].customer.name == "新来的公司"
    today = story.app.clock.now().date()
    with story.app.session() as session:
        rows = session.execute(
            sa.select(Customer.name, UnitOccupancy.until_on)
            .join(UnitOccupancy)
            .join(Unit, Unit.id == UnitOccupancy.unit_id)
            .where(Unit.code == "3-1107")
            .order_by(UnitOccupancy.id)
        ).all()
    assert [tuple(r) for r in rows] == [("博文教育", today - timedelta(days=1)), ("新来的公司", None)]


def test_who_came_by_mistake_today_was_never_there(story):
    applied(story, ["3座", "", "1107", "", "", "写错的公司"])
    applied(story, ["3座", "", "1107", "", "", "新来的公司"])
    with story.app.session() as session:
        names = session.scalars(
            sa.select(Customer.name)
            .join(UnitOccupancy)
            .join(Unit, Unit.id == UnitOccupancy.unit_id)
            .where(Unit.code == "3-1107")
            .order_by(UnitOccupancy.id)
        ).all()
    assert names == ["博文教育", "新来的公司"]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_every_bad_row_is_named_and_nothing_is_taken(story):
    before = content(story.app)
    run = check(
        story,
        LAW,
        ["9座", "1", "0101"],
        ["3座", "12", "1204"],
        ["3座", "0", "1206"],
        ["3座", "12", "2-1207"],
        ["3座", "12", ""],
        ["3座", "12", "1208", "机构", "很大", "某某", "张三", "1380000111", "也许"],
        ["3座", "12", "1209", "", "", "", "张三", "13800001111"],
        ["3座", "12", "1210", "", "", "某某", "", "13800001111"],
        ["3座", "12", "1211", "", "", "华章文化", "", "", "否"],
        ["3座", "12", "1212", "", "", "某某", "张三", "138****1111"],
    )
    assert run.state is RunState.FAULTY and counts(run) == (1, 0, 0, 10)
    assert faults(run) == [
        (3, "building", "building-unknown"),
        (4, "unit", "code-twice"),
        (5, "floor", "floor-malformed"),
        (6, "unit", "code-of-other-building"),
        (7, "unit", "missing"),
        (8, "kind", "kind-unknown"),
        (8, "area", "area-malformed"),
        (8, "phones", "phone-malformed"),
        (8, "vip", "yes-or-no"),
        (9, "customer", "customer-missing"),
        (10, "contact", "contact-missing"),
        (11, "vip", "differs"),
        (12, "phones", "phone-masked"),
    ]
    with pytest.raises(importing.NotApplied):
        importing.apply(story.app, story.person("wang"), run.key)
    assert content(story.app) == before


@pytest.mark.parametrize(
    "text", ["12345", "138001321", "2380013204699", "abc", "13800132046x", "00000000000", "+1", "138001320461"]
)
def test_a_malformed_phone_is_a_bad_row(story, text):
    assert faults(check(story, [*LAW[:7], text])) == [(2, "phones", "phone-malformed")]


@pytest.mark.parametrize(
    "text, digits",
    [
        ("+86 138 0013 2046", "13800132046"),
        ("０２１－５５６６３３２０", "02155663320"),
        ("(0512) 6655-4433", "051266554433"),
        ("400-820-8820", "4008208820"),
        ("55663320", "55663320"),
        ("+852 2345 6789", "85223456789"),
    ],
)
def test_a_phone_may_be_written_as_people_write_it(story, text, digits):
    applied(story, [*LAW[:7], text])
    assert card(story, "3-1204")[1] == [("林可", [digits])]


def test_a_failure_in_the_middle_leaves_nothing(story, monkeypatch):
    from service.exchange import units

    run, before = check(story, LAW), content(story.app)
    monkeypatch.setattr(units, "_index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        importing.apply(story.app, story.person("wang"), run.key)
    monkeypatch.undo()
    assert content(story.app) == before
    assert counts(importing.apply(story.app, story.person("wang"), run.key)) == (1, 0, 0, 0)


def test_a_run_whose_data_changed_meanwhile_is_not_applied(story):
    run = check(story, ["3座", "", "1204", "", "", "双生公司"])
    with story.app.writing() as session:
        for _ in range(2):
            add_customer(
                session, story.world.centre_id, CustomerKind.COMPANY, "双生公司", from_on=story.app.clock.now().date()
            )
    with pytest.raises(importing.NotApplied, match="changed"):
        importing.apply(story.app, story.person("wang"), run.key)


def test_a_file_waits_a_day_and_then_only_its_line_of_the_log_stays(story):
    old = check(story, LAW)
    story.app.clock.advance(timedelta(hours=25))
    check(story, LAW)
    with pytest.raises(importing.NotApplied):
        importing.apply(story.app, story.person("wang"), old.key)


# --- who and where ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["lin", "zhou", "chen", "gao", "sun"])
def test_only_manager_and_administrator_bring_units_in(story, username):
    with pytest.raises(NotAllowed):
        check(story, LAW, by=username)


def test_nobody_brings_units_into_a_centre_out_of_reach(story):
    for username in ("wang", "hu"):
        with pytest.raises((NotThere, NotAllowed)):
            importing.check(
                story.app,
                story.person(username),
                Kind.UNITS,
                story.world.other_centre_id if username == "wang" else story.world.centre_id,
                files.units(LAW),
                "x.xlsx",
            )


def test_a_run_is_there_only_for_who_could_have_made_it(story):
    run = check(story, LAW)
    for username in ("lin", "hu", "qin"):
        with story.as_person(username) as person, pytest.raises(NotThere):
            importing.run_of(person, run.key)
        with pytest.raises(NotThere):
            importing.apply(story.app, story.person(username), run.key)
    with story.as_person("admin") as person:
        assert importing.run_of(person, run.key).id == run.id and [r.id for r in importing.runs(person)] == [run.id]


def test_the_same_code_in_another_centre_is_another_unit(story):
    first = applied(story, ["1座", "3", "0301"])
    run = importing.check(
        story.app,
        story.person("admin"),
        Kind.UNITS,
        story.world.other_centre_id,
        files.units(["1", "3", "0301"]),
        "x.xlsx",
    )
    second = importing.apply(story.app, story.person("admin"), run.key)
    assert counts(first) == counts(second) == (1, 0, 0, 0)


def test_the_log_keeps_who_when_which_file_and_what_came_of_it(story):
    run = applied(story, LAW)
    assert (run.by, run.file_name, len(run.sha256), run.state, run.rows) == (
        "wang",
        "单元.xlsx",
        64,
        RunState.APPLIED,
        None,
    )
    assert run.at == run.applied_at == story.app.clock.now()


# --- size -------------------------------------------------------------------------------------------------------------


def test_five_thousand_units_come_in_with_a_fixed_number_of_statements(story):
    rows = [
        [
            f"{1 + n % 3}座",
            str(1 + n // 250),
            f"{1 + n // 250}{n % 250:04d}",
            "",
            "100",
            f"第{n}公司",
            "张三",
            f"139{n:08d}",
        ]
        for n in range(5000)
    ]
    run, seen = check(story, *rows), []
    sa.event.listen(story.app.database, "before_cursor_execute", lambda *a: seen.append(a[2]))
    assert counts(importing.apply(story.app, story.person("wang"), run.key)) == (5000, 0, 0, 0)
    assert len(seen) < 400
    assert access.IN_CENTRE["import units"]
