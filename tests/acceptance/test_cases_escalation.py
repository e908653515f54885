"""Asking upwards, page by page: nobody answers, the next one does; who takes over has it; nobody says that it is not theirs."""

from __future__ import annotations

import pytest

from service.tickets import actions

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


@pytest.fixture
def asked(live, story) -> str:
    """Monday 09:00: Liu, who works on a repair, asks for help."""
    live.until("2026-11-23 09:00")
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    actions.ask_help(live.app, story.person("liu"), number, "要停整栋水")
    return number


def test_nobody_answers_and_it_goes_up_by_itself_while_the_lower_ones_still_know(desk, live, asked):
    live.until("2026-11-23 09:29")
    assert "answer_supervisor" in live.open_tasks(asked)
    live.until("2026-11-23 09:30")
    wang, chen = desk("wang"), desk("chen")
    wang.task(asked, "经理答")
    assert "要停整栋水" in wang.text
    chen.open("/notices")
    assert "已报经理" in chen.text
    live.until("2026-11-23 10:30")
    qin = desk("qin")
    qin.task(asked, "品质答")
    assert "要停整栋水" in qin.text
    live.until("2026-11-23 14:30")
    wang.sign_in("wang")
    wang.open("/notices")
    assert "已报品质部" in wang.text and "四小时没答复" in wang.text
    assert "answer_quality" in live.open_tasks(asked), "it stays with the quality department"


def test_who_takes_over_has_the_request_from_then_on(desk, live, story, asked):
    chen = desk("chen")
    chen.task(asked, "主管答")
    chen.choose("answer", "take-over")
    chen.page.fill("[name=guidance]", "我来通知全楼停水")
    chen.do_task()
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat()}, asked)
    story.complete("liu", "handle", {"result": "换了水阀", "cause": "老化", "labour_minutes": 30}, asked)
    chen.open("/")
    chen.task(asked, "核实")
    chen.verify()
    assert live.open_tasks(asked) == ["return_visit"]


def test_it_is_given_to_somebody_by_name_and_there_is_no_answer_not_mine(desk, live, asked):
    chen = desk("chen")
    chen.task(asked, "主管答")
    offered = [box.get_attribute("value") for box in chen.page.locator("input[name=answer]").all()]
    assert offered == ["advise", "take-over", "give-to", "call-in", "raise"]
    chen.expected.append("422")
    chen.choose("answer", "give-to")
    chen.page.fill("[name=guidance]", "周敏跟到底")
    chen.do_task()
    assert chen.page.locator("[name=person][aria-invalid=true]").count() == 1
    chen.page.fill("[name=person]", "zhou")
    chen.do_task()
    assert live.open_tasks(asked) == ["arrive"]
    chen.ticket(asked)
    assert "周敏" in chen.text


def test_the_manager_raises_it_to_quality_which_answers(desk, live, story, asked):
    story.complete("chen", "answer_supervisor", {"answer": "raise", "guidance": "超出权限"}, asked)
    wang, qin = desk("wang"), desk("qin")
    wang.task(asked, "经理答")
    wang.choose("answer", "raise")
    wang.page.fill("[name=guidance]", "要公司定")
    wang.do_task()
    qin.open("/")
    qin.task(asked, "品质答")
    qin.choose("answer", "advise")
    qin.page.fill("[name=guidance]", "按应急预案停水")
    qin.do_task()
    assert live.open_tasks(asked) == ["arrive"]
    live.deliver()
    liu = desk("liu", phone=True)
    liu.open("/notices")
    assert asked in liu.text and "上级答复了" in liu.text
