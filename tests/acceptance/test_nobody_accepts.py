"""A slip that nobody accepts in time: the head is reminded, the supervisor is asked and answers, the slip stays (clauses 8, 12)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def test_a_slip_not_accepted_in_time_goes_to_the_head_and_the_supervisor(desk, live, story):
    number = story.register(unit="2-0805")  # Friday 17:45: fifteen minutes today, fifteen on the make-up Saturday
    story.dispatch(number)
    live.until("2026-11-21 08:44")
    chen = desk("chen")
    assert number not in "".join(chen.page.locator(".z-work").all_inner_texts())
    live.until("2026-11-21 08:45")
    gao = desk("gao", phone=True)
    gao.open("/notices")
    assert number in gao.text and "到时没人接" in gao.text
    chen.open("/")
    chen.task(number, "主管答")
    assert "茶水间吊顶滴水" in chen.text
    chen.choose("answer", "advise")
    chen.page.fill("[name=guidance]", "先让值班的刘强过去")
    chen.do_task()
    assert live.open_tasks(number) == ["accept_slip"], "the slip itself goes on"
    chen.ticket(number)
    told = chen.page.locator(".z-time").inner_text()
    assert "没人接" in told and "先让值班的刘强过去" in told and "陈志远" in told
    chen.page.wait_for_selector(".z-dg [data-element-id=accept_slip].z-late")
    assert chen.page.locator(".z-dg .z-done[data-element-id=escalate_response]").count() == 1


def test_the_answer_reaches_the_owner(desk, live, story):
    number = story.register(unit="2-0805")
    story.dispatch(number)
    live.until("2026-11-21 08:45")
    story.complete("chen", "answer_supervisor", {"answer": "advise", "guidance": "让刘强先去"}, number)
    live.deliver()
    lin = desk("lin")
    lin.open("/notices")
    assert number in lin.text and "上级答复了" in lin.text
