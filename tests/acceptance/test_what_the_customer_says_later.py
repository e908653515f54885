"""Withdraw, urge, add, help: what comes after the call, from the ticket's own page (clauses 4, 8, 11, 12)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def test_a_withdrawn_ticket_ends_with_its_reason_and_everybody_is_told(desk, live, story):
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    lin = desk("lin")
    lin.ticket(number)
    lin.ask("withdraw", "reason", "自己修好了")
    assert live.open_tasks(number) == [] and live.armed_timers(number) == 0
    assert "客户撤单" in lin.text and "自己修好了" in lin.text
    assert lin.page.locator("[data-open=withdraw]").count() == 0
    live.deliver()
    liu = desk("liu", phone=True)
    assert "停手" in liu.text and number in liu.text


def test_a_withdrawal_without_a_reason_is_not_sent(desk, live, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    lin.ticket(number)
    lin.page.click("[data-open=withdraw]")
    lin.page.click("#withdraw button.main")
    assert lin.page.evaluate("document.querySelector('#withdraw textarea:invalid').name") == "reason"
    assert live.open_tasks(number) == ["dispatch"]


def test_an_urge_counts_and_tells_whoever_works_on_it(desk, live, story):
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    lin = desk("lin")
    for words in ("怎么还没来", "又滴了"):
        lin.ticket(number)
        lin.ask("urge", "text", words)
    assert "催过 2 次" in lin.text and "又滴了" in lin.text
    live.deliver()
    liu = desk("liu", phone=True)
    assert "第 2 次" in liu.text


def test_help_asks_the_supervisor_and_the_work_stays(desk, live, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    lin.task(number)
    lin.ask("help", "question", "客户要见经理")
    assert live.open_tasks(number) == ["answer_supervisor", "dispatch"]
    chen = desk("chen")
    chen.task(number, "主管答")
    assert "客户要见经理" in chen.text and "林晓雯" in chen.text
    chen.choose("answer", "advise")
    chen.page.fill("[name=guidance]", "请她到会客室，我过去")
    chen.do_task()
    lin.ticket(number)
    assert "请她到会客室" in lin.text and live.open_tasks(number) == ["dispatch"]
