"""A supervisor's Monday at a desk of 1440 px: what is late stands first, work changes hands, help is answered, faults are mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.operations import registry

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

CHIPS = "els => els.map(lane => [...lane.querySelectorAll('.z-clock')].map(c => c.classList[1]))"


@pytest.fixture
def monday(live, story) -> dict[str, str]:
    """On Friday evening nobody accepted one slip, one was accepted, one request stayed at the desk; it is Monday, nine o'clock."""
    late, in_hand, at_desk = (story.register(unit=unit) for unit in ("2-0805", "3-1201", "3-0902"))
    story.dispatch(late)
    story.dispatch(in_hand)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, in_hand)
    live.until("2026-11-23 09:00")
    fresh = story.register(unit="3-1201")
    return {"late": late, "in hand": in_hand, "at desk": at_desk, "fresh": fresh}


def stands_straight(screen) -> None:
    """Nothing of the page lies outside its 1440 px, and no card is wider than its lane."""
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 1440
    wide = "els => els.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className)"
    assert screen.page.eval_on_selector_all(".z-panel, .z-lane > li, .z-tile", wide) == []


def card(chen, number: str):
    return chen.page.locator(f".z-lane > li:has-text('{number}')").first


def select(chen, number: str) -> None:
    """By keyboard: walk to the card with the arrows, X."""
    chen.open("/board")
    row = chen.page.locator("[data-rows] > li[aria-current]")
    if not row.count():  # the first lane may be empty
        chen.press("ArrowDown")
    for _ in range(chen.page.locator("[data-rows] > li").count()):
        if number in row.inner_text():
            break
        if row.evaluate("row => !!row.nextElementSibling"):
            chen.press("ArrowDown")
            continue
        chen.press("ArrowRight")
        while row.evaluate("row => !!row.previousElementSibling"):
            chen.press("ArrowUp")
    chen.press("x")
    assert card(chen, number).locator("input[name=task]").is_checked(), number
    assert chen.page.locator("[data-picked]").inner_text() == "选中 1 件"


def test_what_is_late_stands_first_and_the_board_can_be_narrowed_to_it(desk, monday):
    chen = desk("chen", at="/board")
    stands_straight(chen)
    for chips in chen.page.eval_on_selector_all(".z-lane", CHIPS):
        assert chips == sorted(chips, key=lambda kind: kind != "over"), chips
    assert card(chen, monday["late"]).locator(".z-clock.over").is_visible()
    chen.submit(".z-tile:has-text('已经超时')")
    assert {kind for chips in chen.page.eval_on_selector_all(".z-lane", CHIPS) for kind in chips} == {"over"}
    chen.press("a", leads_on=True)
    load = chen.page.locator(".z-load")
    assert "刘强" in load.inner_text() and "林晓雯" in load.inner_text() and "超" in load.inner_text()
    chen.press("d", leads_on=True)
    assert chen.page.locator(".z-lane-head").all_inner_texts()[0].startswith("待派")
    stands_straight(chen)


def test_a_call_for_help_is_answered_from_the_board(desk, live, monday):
    chen = desk("chen", at="/board")
    calls = chen.page.locator("#calls li")
    assert monday["late"] in calls.all_inner_texts()[0], "what the reader has to answer first"
    before = calls.count()
    chen.press("r", leads_on=True)
    assert chen.path.startswith("/tasks/") and monday["late"] in chen.text
    chen.choose("answer", "advise")
    chen.page.fill("[name=guidance]", "先让值班的刘强过去")
    chen.do_task()
    chen.open("/board")
    assert calls.count() == before - 1
    assert "accept_slip" in live.open_tasks(monday["late"]), "the slip itself goes on"


def test_work_is_given_to_somebody_taken_over_and_given_back_by_keyboard(desk, monday):
    chen, zhou = desk("chen"), desk("zhou")
    select(chen, monday["at desk"])
    stands_straight(chen)
    chen.press("g")
    chen.page.select_option("#give-to", "zhou")
    chen.page.fill("#give-why", "林晓雯在外面")
    chen.press("Control+Enter", leads_on=True)
    assert "1 件已交给周" in chen.text
    zhou.open("/")
    assert monday["at desk"] in zhou.text
    select(chen, monday["in hand"])
    chen.page.evaluate("document.activeElement.blur()")
    chen.press("m", leads_on=True)
    assert "1 件归我了" in chen.text and "陈志远" in card(chen, monday["in hand"]).inner_text()
    select(chen, monday["in hand"])
    chen.press("b", leads_on=True)
    assert "1 件已还给部门" in chen.text and "没人认领" in card(chen, monday["in hand"]).inner_text()


def test_a_change_of_hands_without_somebody_or_a_reason_is_asked_for_in_words(desk, monday):
    chen = desk("chen")
    chen.expected.append("422")
    select(chen, monday["fresh"])
    chen.press("Control+Enter", leads_on=True)
    assert "先选交给谁" in chen.page.locator(".z-fault").inner_text()
    assert card(chen, monday["fresh"]).locator("input[name=task]").is_checked(), "the choice is still there"


def test_somebody_stands_in_and_sees_the_work(desk, live, monday):
    chen, zhou = desk("chen", at="/people"), desk("zhou")
    chen.page.select_option("#sub-for", "lin")
    chen.page.select_option("#sub-by", "zhou")
    stands_straight(chen)
    chen.submit("form[action='/people/substitutes'] [data-default]")
    assert "替林晓雯" in chen.page.locator("#now-head ~ *, section").first.inner_text()
    live.set("2026-11-23 09:01")
    zhou.open("/")
    assert monday["fresh"] in zhou.text


def test_who_leaves_hands_on_open_work_first(desk, monday):
    admin, gao = desk("admin", at="/people/liu"), desk("gao")
    admin.expected.append("422")
    stands_straight(admin)
    assert monday["in hand"] in admin.page.locator("section:has(#work-head)").inner_text()
    admin.page.check("input[name=role][value=all]")
    admin.page.fill("[name=reason]", "离职")
    admin.submit("form[action*='/leave'] button.main")
    assert "没完" in admin.page.locator(".z-fault").inner_text()
    admin.page.check("input[name=role][value=all]")
    admin.page.select_option("#receiver", "gao")
    admin.submit("form[action*='/leave'] button.main")
    assert "交给了接手的人" in admin.text and "停用" in admin.text
    gao.open("/")
    assert monday["in hand"] in gao.text
    chen = desk("chen", at="/board")
    assert "刘强" not in chen.page.locator(".z-load").inner_text()


def test_a_fault_is_tried_again_when_its_cause_is_gone(desk, live, story, monkeypatch):
    def broken(*_args, **_values):
        raise RuntimeError("the printer is on fire")

    for name in ("ticket.remind", "escalation.ask"):
        monkeypatch.setitem(registry._operations, name, replace(registry._operations[name], call=broken))
    number = story.register(unit="2-0805")
    story.dispatch(number)
    for day in ("21 09:00", "21 12:00", "21 15:00", "23 09:00", "24 09:00"):
        live.until(f"2026-11-{day}")
    monkeypatch.undo()
    chen, admin = desk("chen", at="/board"), desk("admin", at="/incidents")
    assert "0" != chen.page.locator(".z-tile:has-text('流程故障') b").inner_text()
    stands_straight(admin)
    assert "the printer is on fire" in admin.text and number in admin.text
    admin.press("t", leads_on=True)
    assert "重试成功" in admin.text and "the printer is on fire" not in admin.text
