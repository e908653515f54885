"""The main job, on the screens: a call becomes a ticket by keyboard, a department handles it on telephones, the desk closes it."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import photo_of

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

MONDAY = "2026-11-23"


def take_call(lin, unit: str = "3-1201", digit: str = "3", words: str = "茶水间吊顶滴水，地上湿了") -> str:
    """Ring to dispatched ticket without a mouse; gives the number."""
    lin.presses.clear()
    lin.press("n", leads_on=True)
    lin.type(unit)
    lin.page.wait_for_selector("#picked a")
    lin.press("Enter")
    lin.page.wait_for_selector("#who input[name=unit_id]", state="attached")
    lin.press(digit)
    lin.type(words)
    lin.press("Control+Enter", leads_on=True)
    number = lin.number
    lin.press("Enter", leads_on=True)
    return number


def test_a_call_is_registered_and_dispatched_by_four_keys_a_sentence_and_enter(desk, live):
    """Design section 7: ring to ticket in four keys and one sentence; Enter dispatches."""
    lin = desk("lin")
    number = take_call(lin)
    print(f"\nfrom the first screen to the dispatched slip: {len(lin.presses)} interactions: {', '.join(lin.presses)}")
    keys = [p for p in lin.presses if p in ("n", "Enter", "3", "Control+Enter")]
    assert keys == ["n", "Enter", "3", "Control+Enter", "Enter"] and len(lin.presses) == 7
    assert live.open_tasks(number) == ["accept_slip"]


def test_a_repair_goes_from_the_call_to_the_closed_ticket(desk, live):
    """Clauses 4, 8, 11: who took the call sees it through; each step leaves its record."""
    live.set(f"{MONDAY} 10:00")
    lin = desk("lin")
    number = take_call(lin)
    live.set(f"{MONDAY} 10:05")
    the_head_accepts_on_the_phone(desk("gao", phone=True), number)
    live.set(f"{MONDAY} 10:20")
    liu = desk("liu", phone=True)
    liu.task(number)
    liu.arrive(photo=photo_of())
    assert liu.path.startswith("/tasks/"), "who has arrived goes on to handling"
    live.set(f"{MONDAY} 10:50")
    liu.handle("换了水阀，吊顶擦干", "阀芯老化", photo=photo_of((90, 90, 160)))
    live.set(f"{MONDAY} 11:00")
    lin.open("/")
    lin.task(number, "核实")
    assert "换了水阀" in lin.text
    lin.verify()
    live.set(f"{MONDAY} 11:05")
    lin.open("/")
    lin.task(number, "回访")
    lin.visit(5, "来得快")
    assert live.open_tasks(number) == [] and live.armed_timers(number) == 0
    lin.ticket(number)
    the_ticket_tells_its_story(lin.page)


def the_head_accepts_on_the_phone(gao, number: str) -> None:
    gao.open("/queue")
    assert gao.page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing stands outside a phone's screen"
    gao.submit("a.z-card")
    assert number in gao.text
    button = gao.page.locator("form[data-task] button[data-default]").bounding_box()
    assert button["height"] >= 48 and button["y"] + button["height"] <= 844, (
        "within the thumb's reach, without scrolling"
    )
    gao.accept("liu")


def the_ticket_tells_its_story(page) -> None:
    page.wait_for_selector(".z-dg [data-element-id=close].z-done")
    told = page.locator(".z-time > li:not(.day)")
    heads = [head.split("，")[0] for head in told.locator("p:first-child").all_inner_texts()]
    assert heads == ["已关", "回访", "核实", "办理", "到场", "接单", "派单", "定时限", "登记"]
    assert told.locator("time").all_inner_texts() == [
        "11:05",
        "11:05",
        "11:00",
        "10:50",
        "10:20",
        "10:05",
        "10:00",
        "10:00",
        "10:00",
    ]
    assert "客户打 5 分" in told.nth(0).inner_text() and "换了水阀" in told.nth(3).inner_text()
    assert page.locator(".z-steps li").all_inner_texts()[0].startswith("派 10:00")
    assert [t.split("\n")[0] for t in page.locator(".z-steps li").all_inner_texts()] == [
        "派 10:00",
        "接 10:05",
        "到场 10:20",
        "办完 10:50",
        "核实 11:00",
    ] or page.locator(".z-steps li.done").count() == 5
    photos = page.locator(".z-photos img")
    assert photos.count() == 2
    photos.last.scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.z-photos img')].every(i => i.complete && i.naturalWidth === 640)"
    )
    assert all(
        word in " ".join(page.locator(".z-photos figcaption").all_inner_texts()) for word in ("修前", "修后", "刘强")
    )
    page.locator("#live-limits details summary").first.click()
    assert (
        "周一算 15 分" in page.locator("#live-limits .z-sum-in").first.inner_text().replace(" 月", "")
        or "15 分" in page.locator("#live-limits .z-sum-in").first.inner_text()
    )
    walked = set(
        page.eval_on_selector_all(".z-dg .z-done[data-element-id]", "all => all.map(e => e.dataset.elementId)")
    )
    assert {
        "register",
        "set_level",
        "dispatch",
        "accept_slip",
        "arrive",
        "handle",
        "verify",
        "return_visit",
        "close",
        "closed",
    } <= walked
    assert not walked & {"handle_on_the_spot", "answer_question", "sign_off", "reopen"}


def test_what_was_done_is_said_beside_the_next_button_and_not_over_it(desk, story):
    number = story.register()
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    liu = desk("liu", phone=True)
    liu.task(number)
    liu.arrive()
    liu.page.evaluate("document.getAnimations().forEach(a => a.finish())")
    toast, button = (
        liu.page.locator("[data-toast]").bounding_box(),
        liu.page.locator("form[data-task] button[data-default]").bounding_box(),
    )
    assert toast["y"] + toast["height"] <= button["y"], (toast, button)


def test_the_diagram_is_named_in_the_readers_language(desk, story):
    number = story.register(unit="2-0805")
    lin = desk("lin", at=f"/tickets/{number}")
    lin.page.wait_for_selector(".z-dg [data-element-id=dispatch].z-now")
    assert "派单" in lin.page.locator(".z-dg [data-element-id=dispatch] text").text_content()
    lin.speak("en")
    lin.page.wait_for_selector(".z-dg [data-element-id=dispatch].z-now")
    assert lin.page.locator(".z-dg [data-element-id=dispatch] text").text_content() == "Dispatch"
    assert lin.page.locator(".z-dg [data-element-id=department_says__ask_owner_label] text").text_content() == "Ask"
