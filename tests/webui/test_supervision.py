"""What nobody does in time goes on by itself, page by page: reviews not signed, notices not read, workplaces not checked, posts of a day."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest

from service import demo
from service.rounds import rules
from service.timetable.actions import plan_ahead
from tests.conftest import CHINA
from tests.people import Story
from tests.service.patrols.walking import Round
from tests.service.reviews.reviewing import MONDAY_REVIEW, Reviewing
from tests.service.shifts.desk import Desk
from tests.webui.reading import hidden, text

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def app(centre):
    return centre


def sign_page(browser, address: str):
    """Decide what is to be decided, then sign, with the forms of the page."""
    while keys := re.findall(r'class="todo".*?name="key" value="([^"]+)"', browser.get(address).get_data(as_text=True), re.DOTALL):
        given = {"key": html.unescape(keys[0]), "text": "看过了", "same": "on"}
        assert browser.post(f"{address}/decide", given).status_code == 303
    page = browser.get(address)
    sent = {"seen_hash": hidden(page, "seen_hash"), "shown": hidden(page, "shown"), "password": demo.PASSWORD, "request_id": "s"}
    return browser.post(f"{address}/sign", sent)


def until(reviewing, day: int, hour: int, minute: int = 0) -> None:
    reviewing.clock.set(datetime(2026, 11, day, hour, minute, tzinfo=CHINA))
    reviewing.app.engine.fire_due(1000)


def told(app, visitor, username: str) -> str:
    from service.notifications.deliver import deliver_due

    deliver_due(app)
    return text(visitor(username).get("/notices"))


def test_a_daily_review_nobody_signs_goes_to_the_manager_then_is_told_to_quality(app, visitor, reviewing):
    page = f"/reviews/{reviewing.number}"
    assert 'action="/reviews' not in visitor("wang").get(page).get_data(as_text=True).split('id="matters"')[0]
    until(reviewing, 20, 18)
    assert "签字并封存" in text(visitor("wang").get(page)) and "签字并封存" not in text(visitor("chen").get(page))
    until(reviewing, 23, 9, 30)  # an hour of opening hours later
    assert reviewing.number in told(app, visitor, "qin")
    assert sign_page(visitor("wang"), page).status_code == 303
    assert "王建国" in text(visitor("chen").get(page))


def test_a_weekly_review_is_the_managers_and_goes_to_quality_on_monday_at_noon(app, visitor, reviewing):
    until(reviewing, 20, 17, 50)
    reviewing.begin(datetime(2026, 11, 20, 17, 50, tzinfo=CHINA))
    page = f"/reviews/{reviewing.numbers('weekly')[-1]}"
    assert "签字并封存" in text(visitor("wang").get(page)) and "签字并封存" not in text(visitor("qin").get(page))
    wang = visitor("wang")
    wang.get(page)
    assert wang.post(f"{page}/help", {"question": "数对不上", "request_id": "h"}).status_code == 303
    task = reviewing.story.task("wang", "sign_review", page.rsplit("/", 1)[1])
    assert wang.post(f"/tasks/{task.task_id}", {"signature": "1"}).status_code >= 400, "only by a signature"
    until(reviewing, 23, 12)
    assert "签字并封存" in text(visitor("qin").get(page)) and "签字并封存" not in text(visitor("wang").get(page))
    until(reviewing, 23, 14)
    assert "ZS2026-0001" in told(app, visitor, "wang"), "the manager is reminded again"
    assert sign_page(visitor("qin"), page).status_code == 303
    assert "秦岚" in text(visitor("wang").get(page))


def test_the_manager_signs_the_week_with_its_figures(visitor, reviewing):
    reviewing.begin(datetime(2026, 11, 20, 17, 50, tzinfo=CHINA))
    page, wang = f"/reviews/{reviewing.numbers('weekly')[-1]}", visitor("wang")
    seen = text(wang.get(page))
    assert "这一周的数" in seen and "每天的日审" in seen
    assert sign_page(wang, page).status_code == 303
    assert "签好封存了" in text(wang.get(page))


def test_a_notice_nobody_reads_is_reminded_of_after_a_working_day_and_help_interrupts_nothing(app, visitor, posts):
    posts.move("08:00", "09:15")
    posts.at("08:16")
    number, chen = posts.filings()[0].number, visitor("chen")
    chen.get("/rounds/timetable")
    assert chen.post(f"/rounds/filings/{number}/help", {"question": "能不能先改", "request_id": "h"}).status_code == 303
    posts.at("09:00", days=1)  # a working day after it was filed
    qin = visitor("qin")
    assert "还没有，时间照旧" in text(qin.get(f"/rounds/filings/{number}"))
    assert number in told(app, visitor, "qin")
    assert qin.post(f"/rounds/filings/{number}", {"note": ""}).status_code == 303, "words may be left out"
    assert posts.item().from_time == "08:00"


def test_a_workplace_nobody_checked_is_told_to_the_manager_and_help_is_asked_on_its_page(app, visitor, posts):
    posts.at("08:30")
    number, chen = posts.checks()[0].number, visitor("chen")
    page = f"/rounds/workplaces/{number}"
    chen.get(page)
    assert chen.post(f"{page}/help", {"question": "照片传不上", "request_id": "h"}).status_code == 303
    short = dict.fromkeys([group for group, _ in rules.GROUPS.values()][1:], "fine")
    assert chen.post(page, short | {"request_id": "a"}).status_code == 422, "every group has its answer"
    posts.at("18:00", days=4)
    assert "没查" in text(visitor("chen").get(page)) and posts.checks()[0].state == "missed"
    posts.at("08:30", days=7)  # what is not urgent waits for opening hours
    assert number in told(app, visitor, "wang")


def test_doors_and_hourly_changes_are_ticked_by_whoever_is_there(visitor, posts):
    lin = visitor("lin")
    lin.get("/rounds")
    doors = next(n for (title, _), n in posts.waiting().items() if title.startswith("大堂门"))
    assert lin.post(f"/rounds/{doors}/tick", {}).status_code == 303
    posts.at("09:30")
    waiting = {title for title, _ in posts.waiting()}
    assert any("大堂值守" in title for title in waiting) and any("自动感应" in title for title in waiting)
    hourly = next(n for (title, _), n in posts.waiting().items() if "大堂值守" in title)
    assert lin.post(f"/rounds/{hourly}/tick", {"note": "接周敏"}).status_code == 303
    posts.at("18:30")
    after = next(n for (title, _), n in posts.waiting().items() if "自动感应" in title)
    assert lin.post(f"/rounds/{after}/tick", {}).status_code == 303, "after closing, too"


def test_help_on_a_patrol_is_asked_on_its_page_and_goes_up_by_itself(app, clock, visitor):
    walk = Round(Story(app), clock, levels=(11, 12))
    number, lin = walk.record().row.patrol.number, visitor("lin")
    assert "求助" in text(lin.get(f"/patrols/{number}")) and "求助" not in text(visitor("qin").get(f"/patrols/{number}"))
    assert lin.post(f"/patrols/{number}/help", {"question": "十二层门锁着", "request_id": "h"}).status_code == 303
    asked = next(t for t in walk.story.tasks("chen") if t.element_id == "answer_supervisor")
    assert "十二层门锁着" in text(visitor("chen").get(f"/tasks/{asked.task_id}"))
    walk.walk(11)
    clock.advance(timedelta(minutes=30))
    app.engine.fire_due()
    raised = next(t for t in walk.story.tasks("wang") if t.element_id == "answer_manager")
    page = f"/tasks/{raised.task_id}"
    wang = visitor("wang")
    assert "十二层门锁着" in text(wang.get(page))
    assert wang.post(page, {"answer": "advise", "guidance": "找保安开", "request_id": "a"}).status_code == 303
    assert walk.record().row.patrol.closed_at is None, "the walk goes on"


def test_what_no_clock_started_stands_in_the_review_with_its_reason(app, clock, visitor):
    Desk(Story(app), clock, start=False)
    plan_ahead(app)
    reviewing = Reviewing(Story(app), clock, at=MONDAY_REVIEW)
    page = text(visitor("chen").get(f"/reviews/{reviewing.number}"))
    assert re.search(r"到点没开始：交接班 前台，[^，]*，那段时间时钟没有走", page), page[:1500]
