"""Patrols and what they find, on the screens: put right and looked at again, sent back, not accepted, asked for help (clause 23)."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from service.patrols import actions as patrols
from service.patrols.models import Visit
from tests.acceptance.conftest import photo_of, picture
from tests.people import Story
from tests.service.patrols.walking import FINE, Round

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

HOLE = {"group": "facilities", "severity": "major", "department": "engineering", "words": "应急灯不亮"}


@pytest.fixture
def walked(live) -> Round:
    return Round(Story(live.app), live.app.clock)


@pytest.fixture
def found(walked) -> str:
    """A finding of Lin's on the twelfth floor; gives its number."""
    return walked.walk(12, answers=FINE | {"facilities": "finding"}, findings=[HOLE]).findings[0]


def open_finding(desk, number: str) -> None:
    """From the list of one's own work, as a person does."""
    desk.open("/")
    desk.submit(f"[data-rows] > li:has-text('{number}') [data-row-action]")
    assert desk.path == f"/findings/{number}"


def done(desk) -> None:
    desk.submit("form[action*='/tasks/'] button.main")


def put_right(gao, number: str, words: str) -> None:
    open_finding(gao, number)
    gao.page.fill("[name=result]", words)
    gao.page.set_input_files("input[type=file][name=photo_after]", picture("after.jpg", photo_of()))
    done(gao)


def test_a_finding_is_put_right_sent_back_put_right_again_and_closed(desk, found):
    gao, lin = desk("gao", phone=True), desk("lin", phone=True)
    open_finding(gao, found)
    assert "应急灯不亮" in gao.text
    done(gao)
    put_right(gao, found, "换了灯管")
    open_finding(lin, found)
    assert "换了灯管" in lin.text
    lin.choose("passed", "no")
    lin.page.fill("[name=back_reason]", "还是不亮")
    done(lin)
    open_finding(gao, found)
    assert "还是不亮" in gao.text
    put_right(gao, found, "换了电池")
    open_finding(lin, found)
    lin.choose("passed", "yes")
    done(lin)
    lin.open(f"/findings/{found}")
    assert "销项了" in lin.text


def test_a_finding_that_nobody_accepts_is_told_to_the_head_and_asked_of_the_supervisor(desk, live, found):
    live.until("2026-11-23 09:10")
    gao, chen = desk("gao", phone=True), desk("chen")
    chen.open("/")
    assert found in chen.text
    live.deliver()
    gao.open("/notices")
    assert found in gao.text
    open_finding(gao, found)
    done(gao)
    assert found in gao.text and "在改" in gao.text, "it is still theirs to accept and put right"


def test_a_finding_that_is_not_put_right_in_time_is_asked_of_the_supervisor_and_stays_in_hand(desk, live, found):
    before = desk("gao", phone=True)
    open_finding(before, found)
    done(before)
    live.until("2026-11-24 19:00")
    live.set("2026-11-25 08:40")
    gao, chen = desk("gao", phone=True), desk("chen")
    assert found in chen.text
    put_right(gao, found, "换了灯管")
    live.until("2026-11-27 09:00")
    live.deliver()
    chen = desk("chen", at="/notices")
    assert f"/findings/{found}" in chen.page.content(), "nobody has looked at it again"


def test_a_danger_counts_on_after_closing(desk, live, walked):
    """Seen at 17:20: put right by 19:20, not on the next morning."""
    walked.begin(walked.clock.now().replace(hour=13, minute=40))
    with live.app.session() as session:
        on_twelfth = sa.select(Visit.id).where(Visit.floor_id == walked.floors[12]).order_by(Visit.id.desc())
        visit = session.scalars(on_twelfth).first()
    live.set("2026-11-23 17:20")
    danger = HOLE | {"severity": "danger"}
    entry = walked.entry(12, answers=FINE | {"facilities": "finding"}, findings=[danger])
    (number,) = patrols.submit(live.app, walked.story.person("lin"), visit, "entry-1", entry).findings
    gao = desk("gao", phone=True)
    open_finding(gao, number)
    done(gao)
    gao.open(f"/findings/{number}")
    assert "19:20" in gao.text


def test_whoever_cannot_go_on_with_a_finding_asks_and_it_stays_in_hand(desk, found):
    gao, chen = desk("gao", phone=True), desk("chen")
    gao.open(f"/findings/{found}")
    gao.ask("help", "question", "这种灯管停产了")
    chen.open("/")
    assert "这种灯管停产了" in chen.text or found in chen.text
    open_finding(gao, found)


def test_a_floor_that_nobody_walked_in_its_slot_is_missed_and_the_supervisor_told(desk, live, walked):
    walked.walk(12)
    live.until("2026-11-23 12:05")
    live.deliver()
    chen = desk("chen")
    chen.open("/notices")
    assert "漏巡 3 层" in chen.text
    chen.open("/patrols/XC2026-0001")
    assert "漏巡" in chen.text and "3座12层" in chen.text


def test_what_hangs_past_its_date_is_asked_about_on_the_next_walk(desk, walked):
    patrols.post(walked.app, walked.story.person("chen"), walked.floors[11], "notice", "停水通知", date(2026, 11, 20))
    lin = desk("lin", phone=True)
    lin.open(f"/patrols/floors/{walked.visits()[11].id}")
    while not lin.page.locator("[data-posting]").is_visible():
        lin.page.click("[data-answer=fine]")
    assert "停水通知" in lin.page.locator("[data-posting]").inner_text()
    lin.open(f"/patrols/floors/{walked.visits()[12].id}")
    assert lin.page.locator("[data-posting]").count() == 0, "it hangs on another floor"
