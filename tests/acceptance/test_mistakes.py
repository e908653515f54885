"""What people do wrong: the fault stands at its field, nothing typed is lost, a session that ended leads back."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def test_a_fault_stands_at_its_field_and_the_words_stay(desk, live):
    lin = desk("lin")
    lin.expected.append("422")
    lin.open("/register")
    lin.pick("2-0805")
    lin.page.fill("[name=request]", "会议室空调不制冷，下午三点有会")
    before = live.tables()
    lin.submit("#register-form button[data-default]")
    assert lin.page.input_value("[name=request]") == "会议室空调不制冷，下午三点有会"
    bad = lin.page.locator("[data-field=category]")
    assert "z-bad" in bad.get_attribute("class") and "要填" in bad.inner_text()
    group = bad.locator("[role=radiogroup]")
    assert group.get_attribute("aria-invalid") == "true" and "fault" in group.get_attribute("aria-describedby")
    told = lin.page.locator("[role=alert]:visible").first.inner_text()
    assert "还有 1 处要改" in told and "要填：类别" in told, "the field by its name"
    assert live.tables() == before


def test_a_request_without_a_place_says_what_to_pick(desk, live):
    lin = desk("lin")
    lin.expected.append("422")
    lin.open("/register")
    lin.choose("category", "repair")
    lin.page.fill("[name=request]", "会议室空调不制冷")
    lin.submit("#register-form button[data-default]")
    assert lin.page.input_value("[name=request]") == "会议室空调不制冷"
    assert lin.page.locator(".z-pick .z-bad-text").count() == 1
    lin.pick("2-0805")
    lin.submit("#register-form button[data-default]")
    assert lin.path.startswith("/tasks/")


def test_a_number_that_is_none_is_refused_at_its_field(desk, live, story):
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    story.complete("liu", "arrive", {"arrived_at": "2026-11-20T17:45"}, number)
    liu = desk("liu", phone=True)
    liu.expected.append("422")
    liu.task(number)
    liu.page.eval_on_selector(
        "[name=labour_minutes]", "field => { field.removeAttribute('max'); field.removeAttribute('min') }"
    )
    liu.page.eval_on_selector("form[data-task]", "form => form.noValidate = true")
    liu.handle("换了水阀", "老化", minutes=-5)
    assert liu.page.input_value("[name=result]") == "换了水阀"
    assert liu.page.locator("[data-field=labour_minutes].z-bad .z-bad-text").count() == 1
    assert live.open_tasks(number) == ["handle"]


def test_a_session_that_ended_leads_to_login_and_back(desk, live, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    live.set("2026-11-21 09:00")
    lin.ticket(number)
    assert lin.path == "/login"
    lin.log_in("lin")
    assert lin.path == f"/tickets/{number}"


def test_a_wrong_password_keeps_the_name_and_says_no_more(desk):
    screen = desk()
    screen.open("/login")
    screen.expected.append("401")
    screen.log_in("lin", "wrong")
    assert screen.path == "/login" and screen.page.input_value("#username") == "lin"
    known = screen.page.inner_text("[role=alert]:visible")
    screen.log_in("nobody-here", "wrong")
    assert screen.page.inner_text("[role=alert]:visible") == known


def test_a_page_that_is_not_there_says_what_to_do(desk):
    lin = desk("lin")
    lin.expected.append("404")
    for path in ("/tickets/2026-9999", "/tasks/nothing", "/no/such/page"):
        lin.open(path)
        assert "不归你看" in lin.text and lin.page.locator("a[href='/']").count() >= 1
