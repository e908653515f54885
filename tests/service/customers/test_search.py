"""One box finds everything: shorthand, names, pinyin, phone tails, any characters of a text (T21)."""

from __future__ import annotations

import pytest

from service.customers.queries import by_phone, find_units, unit_card
from service.customers.rules import masked_name, masked_phone
from service.search.queries import find
from service.search.rules import pinyin_key
from service.tickets import actions
from tests.people import REPAIR


@pytest.mark.parametrize(
    "text, units",
    [
        ("3-1201", ["3-1201"]),
        ("31201", ["3-1201"]),
        ("1201", ["3-1201"]),
        ("3-12", ["3-1201", "3-1202", "3-1203"]),
        ("恒", ["3-1201", "3-1202", "3-1203"]),
        ("恒远律师事务所", ["3-1201", "3-1202", "3-1203"]),
        ("hylssws", ["3-1201", "3-1202", "3-1203"]),
        ("HM", ["2-0805"]),
        ("沈静", ["3-1201"]),
        ("sj", ["3-1201"]),
        ("2210", ["2-0805"]),
        ("13900562210", ["2-0805"]),
        ("没有这家", []),
        ("", []),
        ("%", []),
        ("'", []),
    ],
)
def test_a_unit_is_found_by_what_staff_say(story, text, units):
    with story.as_person("lin") as lin:
        assert [hit.label for hit in find_units(lin, text)] == units


@pytest.mark.parametrize(
    "text", ["茶", "茶水", "茶水间", "吊顶滴水", "茶水间吊顶", "间吊顶滴水地", "LED灯", "led", "2026-0001", "0001"]
)
def test_a_ticket_is_found_by_any_characters_of_its_text_and_by_its_number(story, text):
    number = story.register(form=REPAIR | {"request": "茶水间吊顶滴水，地上湿了，LED灯也不亮"})
    with story.as_person("lin") as lin:
        assert [t.number for t in find(lin, text.replace("滴水地", "滴水")).tickets] == [number]


def test_a_ticket_is_found_by_its_slip_and_by_what_was_noted_later(story):
    number = story.register()
    story.dispatch()
    actions.add_information(story.app, story.person("lin"), number, "会议室投影仪也湿了")
    with story.as_person("lin") as lin:
        assert find(lin, f"{number}-1").tickets and find(lin, "投影仪").tickets


def test_a_number_that_two_people_share_gives_both_and_guesses_nothing(story):
    with story.as_person("lin") as lin:
        assert [(c.contact.name, c.unit.code) for c in by_phone(lin, "+86 138 0013 2046")] == [
            ("沈静", "3-1201"),
            ("唐亦", "3-1203"),
        ]
        assert by_phone(lin, "13999999999") == by_phone(lin, "") == []


def test_the_last_caller_stands_first(story):
    with story.as_person("lin") as lin:
        tang = by_phone(lin, "13800132046")[1].contact.id
    story.register(unit="3-1203", contact_id=tang)
    with story.as_person("lin") as lin:
        assert [c.contact.name for c in by_phone(lin, "13800132046")] == ["唐亦", "沈静"]


def test_the_card_of_a_unit_has_its_customer_people_and_open_tickets(story):
    """Clause 16."""
    number = story.register()
    with story.as_person("lin") as lin:
        card = unit_card(lin, story.world.units["3-1201"])
    assert (card.customer.name, card.vip, [c.name for c in card.contacts]) == ("恒远律师事务所", True, ["沈静", "唐亦"])
    assert ([u.code for u in card.units_of_customer], [t.number for t in card.open_tickets]) == (
        ["3-1201", "3-1202", "3-1203"],
        [number],
    )


@pytest.mark.parametrize(
    "digits, masked",
    [
        ("13800132046", "138****2046"),
        ("02155663320", "021-****3320"),
        ("057112345678", "0571-****5678"),
        ("8001", "**01"),
        ("", ""),
    ],
)
def test_a_phone_on_a_list_is_masked(digits, masked):
    assert masked_phone(digits) == masked


def test_a_name_is_masked_and_initials_are_made():
    assert (masked_name("沈静"), masked_name("欧阳静"), pinyin_key("恒远A座3号")) == ("沈*", "欧**", "hyaz3h")
