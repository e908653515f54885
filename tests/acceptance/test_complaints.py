"""A complaint names whom or which floor it is about: nobody owns one about themselves; a floor shows its patrols (clause 23.1)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from service.patrols import actions as patrols
from service.tickets.models import Ticket
from tests.people import Story
from tests.service.patrols.walking import Round

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def take_complaint(lin, live, about: str, words: str) -> str:
    """By keyboard: the list of people and floors is there for a complaint only; gives the ticket's number."""
    lin.open("/register")
    lin.pick("3-1201")
    assert not lin.page.locator("#about").is_visible(), "nobody is asked for where nothing is complained about"
    lin.choose("category", "complaint")
    lin.page.wait_for_selector("#about-whom:visible")
    lin.page.fill("[name=request]", words)
    lin.page.focus("#about-whom")
    lin.expected.append("htmx:(afterRequest|sendAbort)")  # each step down the list asks for the limits anew
    for _ in range(60):
        if lin.page.eval_on_selector("#about-whom", "list => list.selectedOptions[0].textContent").startswith(about):
            break
        lin.press("ArrowDown")
    else:
        raise AssertionError(f"{about} is not in the list")
    lin.press("Control+Enter", leads_on=True)
    with live.app.session() as session:
        return session.scalars(sa.select(Ticket.number).order_by(Ticket.id.desc())).first()


def test_a_complaint_about_whoever_takes_it_is_the_supervisors(desk, live):
    lin, chen = desk("lin"), desk("chen")
    lin.expected.append("404")
    number = take_complaint(lin, live, "林晓雯", "前台态度不好")
    assert lin.path == "/" and "陈志远负责" in lin.text
    assert lin.open(f"/tickets/{number}").status == 404, "whom it is about does not read it"
    assert live.open_tasks(number) == ["dispatch"]
    chen.ticket(number)
    assert "负责：陈志远" in chen.text and "投诉的是林晓雯" in chen.text


def test_a_complaint_about_a_colleague_stays_with_whoever_took_it(desk, live):
    lin, chen = desk("lin"), desk("chen")
    number = take_complaint(lin, live, "周敏", "收费窗口催得急")
    chen.ticket(number)
    assert "负责：林晓雯" in chen.text and "投诉的是周敏" in chen.text
    chen.open("/board")
    assert number in chen.text


def test_a_complaint_about_a_floor_shows_who_answers_for_it_and_its_last_patrols(desk, live):
    """Clause 23.1."""
    walked = Round(Story(live.app), live.app.clock)
    patrols.set_responsible(live.app, walked.story.person("chen"), [walked.floors[10]], "zhou")
    walked.walk(10)
    lin = desk("lin")
    number = take_complaint(lin, live, "3座10层", "走道的灯坏了好几天")
    lin.ticket(number)
    past = lin.page.inner_text("section:has(#past-head)")
    assert "3座10层最近的巡查" in past and "楼层责任人：周敏" in past and "巡过" in past
