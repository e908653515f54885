"""Reviews on their pages: deciding, signing with the password over what was shown, versions side by side."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from service import demo
from service.reviews import actions
from service.tickets.models import Ticket
from service.timetable.actions import start_due
from tests.webui.reading import hidden, text

NUMBER = "RS2026-0001"
PAGE = f"/reviews/{NUMBER}"


@pytest.fixture
def app(centre):
    return centre


def decide_all(browser) -> None:
    keys = re.findall(r'name="key" value="([^"]+)"', browser.get(PAGE).get_data(as_text=True))
    for key in keys:
        answer = browser.post(
            f"{PAGE}/decide",
            {"key": html.unescape(key), "text": "请登记人补齐", "person": "lin", "due_on": "2026-11-23"},
        )
        assert answer.status_code == 303


def sign(browser, page=None, password=demo.PASSWORD, **more):
    page = page or browser.get(PAGE)
    form = {
        "seen_hash": hidden(page, "seen_hash"),
        "shown": hidden(page, "shown"),
        "password": password,
        "request_id": "once",
    }
    return browser.post(f"{PAGE}/sign", form | more)


def test_the_page_lists_what_is_to_be_decided_and_every_record(visitor, reviewing):
    page = text(visitor("chen").get(PAGE))
    assert "11月20日 周五 日审" in page and "条款 23.3、24.9" in page
    assert "没填联系单号" in page and "茶水间吊顶滴水" in page
    for name in ("客户来电来访信息登记表", "巡查记录表（11月19日）", "值班/交接班记录表"):
        assert name in page
    assert "还差" in page and "没签就到经理" in page


def test_a_supervisor_decides_each_matter_and_signs(visitor, reviewing):
    chen = visitor("chen")
    decide_all(chen)
    assert "还差 0" in text(chen.get(PAGE))
    assert sign(chen, opinion="都看过了").status_code == 303
    page = text(chen.get(PAGE))
    assert "第 1 版" in page and "签好封存了" in page
    version = text(chen.get(f"{PAGE}/versions/1"))
    assert "陈志远" in version and "都看过了" in version and "茶水间吊顶滴水" in version


def test_signing_is_not_possible_with_something_undecided_or_a_wrong_password(visitor, reviewing):
    chen = visitor("chen")
    answer = sign(chen)
    assert answer.status_code == 422 and "没定办法" in text(answer)
    decide_all(chen)
    answer = sign(chen, password="not this", opinion="写了半天的意见")
    assert answer.status_code == 422 and "密码不对" in text(answer) and "写了半天的意见" in text(answer), (
        "what was typed stays"
    )
    assert reviewing.versions() == []


def test_what_changed_while_it_was_read_is_shown_and_nothing_is_signed(visitor, reviewing):
    """F18: 409 with the difference."""
    chen = visitor("chen")
    decide_all(chen)
    seen = chen.get(PAGE)
    number = reviewing.story.register(unit="2-0805")
    answer = sign(chen, seen)
    assert answer.status_code == 409
    assert f"客户来电来访信息登记表 {number}：新来的" in text(answer)
    assert reviewing.versions() == []


def test_a_correction_stands_beside_the_signed_version_on_the_page(visitor, reviewing, clock, app):
    chen = visitor("chen")
    decide_all(chen)
    sign(chen)
    clock.advance(timedelta(minutes=5))
    with app.writing() as session:
        ticket = session.query(Ticket).one()
        ticket.deadline_kind, ticket.deadline_at = "at", clock.now() + timedelta(hours=2)
    assert actions.notice_corrections(app) == 1
    start_due(app)
    page = text(chen.get(PAGE))
    assert "改自第 1 版" in page and "要求答复时限：客户没提 → 11-20 19:20" in page
    assert sign(chen, request_id="again").status_code == 303
    both = text(chen.get(PAGE))
    assert "第 1 版" in both and "第 2 版" in both
    assert "客户没提" in text(chen.get(f"{PAGE}/versions/1")) and "11-20 19:20" in text(chen.get(f"{PAGE}/versions/2"))


def test_the_task_leads_to_the_page_and_the_plain_task_signs_nothing(visitor, reviewing):
    chen = visitor("chen")
    task = reviewing.story.task("chen", "sign_review", NUMBER)
    assert chen.get(f"/tasks/{task.task_id}").location == PAGE
    chen.get("/")
    assert chen.post(f"/tasks/{task.task_id}", {"signature": "1"}).status_code >= 400
    assert reviewing.versions() == []


def test_who_is_to_do_something_finds_it_and_says_when_it_is_done(visitor, reviewing):
    chen, lin = visitor("chen"), visitor("lin")
    assert lin.get("/reviews").status_code == 404, "nothing to do, and reviews are the leads'"
    decide_all(chen)
    page = lin.get("/reviews")
    assert "请登记人补齐" in text(page)
    (first, *_) = re.findall(r"/reviews/actions/(\d+)/done", page.get_data(as_text=True))
    assert lin.post(f"/reviews/actions/{first}/done").status_code == 303
    assert visitor("hu").post(f"/reviews/actions/{first}/done").status_code == 404


def test_a_register_names_who_reviewed_an_entry(visitor, reviewing):
    chen = visitor("chen")
    decide_all(chen)
    sign(chen)
    assert "陈志远 11-20" in text(chen.get("/registers/call-visit-register/print?on=2026-11-20"))


def test_help_is_one_button(visitor, reviewing):
    chen = visitor("chen")
    chen.get(PAGE)
    assert chen.post(f"{PAGE}/help", {"question": "工程部没人答"}).status_code == 303


def test_a_review_reads_in_english(visitor, reviewing):
    chen = visitor("chen")
    chen.post("/me", {"language": "en"})
    page = text(chen.get(PAGE))
    assert "Daily review" in page and "To be decided" in page and "Slip numbers missing" in page
