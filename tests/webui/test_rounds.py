"""Rounds on the phone, the timetable and its notices, the weekly check of a workplace with its photos."""

from __future__ import annotations

import io
import re
from datetime import date

import pytest

from service.customers.actions import add_contact, add_customer
from service.customers.models import CustomerKind
from service.rounds import rules
from tests.webui.test_access_matrix import photo
from tests.webui.reading import text


@pytest.fixture
def app(centre):
    return centre


def test_the_phone_shows_what_is_due_and_the_vips_by_name(visitor, posts):
    page = text(visitor("lin").get("/rounds"))
    assert "礼仪引导 客服前台" in page and "大堂门 早：设为常开" in page and "我到岗了" in page
    assert "恒远律师事务所" in page and "VIP 怎么称呼" in page


def test_a_vip_who_is_a_person_is_named_once(visitor, posts):
    with posts.story.app.writing() as session:
        customer = add_customer(session, posts.story.world.centre_id, CustomerKind.HOUSEHOLD, "任洲", vip=True, units=[], from_on=date(2026, 1, 1))
        add_contact(session, customer, "任洲", ["13800139999"])
    assert text(visitor("lin").get("/rounds")).count("任洲") == 1


def test_out_of_hours_the_page_shows_what_comes_next_and_what_was_last(visitor, posts):
    posts.tick("礼仪引导", "客服前台")
    posts.at("08:30")
    posts.at("06:00", days=1)
    page = text(visitor("lin").get("/rounds"))
    assert "现在没有要到岗的" in page
    assert "接下来 08:15 大堂门 早：设为常开、电梯分层引导 早 电梯前室、礼仪引导 客服前台、礼仪引导 电梯前室 09:30" in page
    assert re.search(r"已经过去的 \d+ 昨天 ?， ?没人 \d+ 次", page) and "林晓雯，08:15" in page


def test_a_tick_is_one_press_and_a_second_post_is_refused(visitor, posts):
    lin = visitor("lin")
    lin.get("/rounds")
    desk, lobby = posts.waiting()["礼仪引导", "客服前台"], posts.waiting()["礼仪引导", "电梯前室"]
    assert lin.post(f"/rounds/{desk}/tick", {"note": "秦总来得早"}).status_code == 303
    answer = lin.post(f"/rounds/{lobby}/tick")
    assert answer.status_code == 422 and "你已经在另一个岗位了" in text(answer)
    assert "林晓雯，08:15，秦总来得早" in text(lin.get("/rounds"))


def test_a_post_on_the_work_list_leads_to_the_phone_page(visitor, posts):
    task = posts.story.tasks("lin")[0]
    assert visitor("lin").get(f"/tasks/{task.task_id}").location == "/rounds"


def test_the_timetable_is_the_supervisors_and_a_moved_etiquette_window_waits_for_quality(visitor, posts):
    chen, qin = visitor("chen"), visitor("qin")
    assert visitor("lin").get("/rounds/timetable").status_code == 404
    assert "大堂值守换班" in text(chen.get("/rounds/timetable"))
    item = posts.item()
    form = {"item": item.id, "kind": "etiquette", "name": item.name, "from_time": "08:00", "until_time": "09:15",
            "posts": "客服前台、电梯前室", "every_minutes": "0", "grace_minutes": "10", "active": "on"}  # fmt: skip
    assert chen.post("/rounds/timetable", form).status_code == 422
    assert chen.post("/rounds/timetable", form | {"reason": "冬天客户到得早"}).status_code == 303
    assert "等品质部知悉" in text(chen.get("/rounds/timetable")) and posts.item().from_time == "08:15"
    posts.at("08:16")
    page = text(qin.get("/rounds/filings/BB2026-00001"))
    assert "08:15-09:30 → 08:00-09:15" in page and "还没有，时间照旧" in page
    assert qin.post("/rounds/filings/BB2026-00001", {"note": "知悉"}).status_code == 303
    assert posts.item().from_time == "08:00" and "秦岚" in text(chen.get("/rounds/filings/BB2026-00001"))


def test_a_workplace_is_checked_with_photos_of_what_is_not_in_order(visitor, posts):
    posts.at("08:30")
    chen, number = visitor("chen"), posts.checks()[0].number
    page = chen.get(f"/rounds/workplaces/{number}")
    assert "公共区域整洁" in text(page) and "检查好了" in text(page)
    fine = {group: "fine" for group, _ in rules.GROUPS.values()}
    answer = chen.post(f"/rounds/workplaces/{number}", fine | {"tidy": "finding"})
    assert answer.status_code == 422, "say what was seen"
    given = fine | {"tidy": "finding", "tidy_words": "前台堆着纸箱", "tidy_photos": (io.BytesIO(photo()), "a.png")}
    assert chen.post(f"/rounds/workplaces/{number}", given, content_type="multipart/form-data").status_code == 303
    (finding,) = posts.checks()[0].findings
    shown = visitor("lin").get(f"/findings/{finding}").get_data(as_text=True)
    assert "前台堆着纸箱" in shown and "/findings/photos/" in shown and "公共区域整洁" in shown


def test_a_missed_post_is_shown_as_missed(visitor, posts):
    posts.at("08:25")
    assert "没人" in text(visitor("chen").get("/rounds"))


def test_help_on_post_is_one_press(visitor, posts):
    lin = visitor("lin")
    lin.get("/rounds")
    assert (
        lin.post(f"/rounds/{posts.waiting()['礼仪引导', '客服前台']}/help", {"question": "电梯停了"}).status_code == 303
    )


def test_another_centre_and_departments_find_nothing(visitor, posts):
    number = next(iter(posts.waiting().values()))
    for username in ("hu", "gao"):
        someone = visitor(username)
        someone.get("/")
        assert someone.post(f"/rounds/{number}/tick").status_code == 404
    assert visitor("gao").get("/rounds").status_code == 404
    assert "礼仪引导" not in text(visitor("hu").get("/rounds"))


def test_it_reads_in_english(visitor, posts):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    page = text(lin.get("/rounds"))
    assert "To be on post now" in page and "I am on post" in page
