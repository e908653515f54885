"""Shifts on the pages: the roster and who may change it, a settled difference, another incoming person, checks and leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.shifts.models import HandoverState, Shift
from service.timetable.actions import plan_ahead, start_due
from tests.people import Story
from tests.service.shifts.desk import DAY, FRIDAY, Desk, at
from tests.webui.reading import text


@pytest.fixture
def app(centre):
    """The demo centre, whose front desk has a roster."""
    return centre


@pytest.fixture
def shift(app, clock) -> Desk:
    return Desk(Story(app), clock, start=False)


def follow(browser, path: str, data: dict) -> str:
    """Send a form; the page it leads to."""
    answer = browser.post(path, data)
    assert answer.status_code == 303, text(answer)
    return text(browser.get(answer.location))


def test_the_page_says_who_takes_over_next_and_which_handovers_had_a_difference(visitor, shift):
    assert "下次交接 17:45，林晓雯 → 周敏" in text(visitor("zhou").get("/shifts"))
    shift.begin()
    assert "下次交接" not in text(visitor("zhou").get("/shifts"))
    shift.give()
    shift.check(keys=11)
    shift.differ("少一把")
    shift.give(keys=11, remark="借给工程")
    shift.take(keys=11)
    assert "有差异" in text(visitor("zhou").get("/shifts"))


# --- the roster -------------------------------------------------------------------------------------------------------


def test_the_supervisor_fills_a_cell_and_others_only_read(visitor, shift):
    chen, key = visitor("chen"), f"{shift.post}.{(FRIDAY + 3 * DAY).isoformat()}.day"
    chen.get("/shifts/roster?week=2026-11-23")
    form = {f"was.{key}": "", f"cell.{key}": "lin", "week": "2026-11-23"}
    assert "存好了" in follow(chen, "/shifts/roster", form)
    answer = chen.post("/shifts/roster", form)
    assert answer.status_code == 422 and "刚改过" in text(answer)
    lin = visitor("lin")
    page = lin.get("/shifts/roster?week=2026-11-23").get_data(as_text=True)
    assert "林晓雯" in page and "<select" not in page.split("z-week")[1]
    assert lin.post("/shifts/roster", form).status_code == 404


def test_posts_and_goods_are_kept_on_the_rosters_page(visitor, shift):
    chen = visitor("chen")
    chen.get("/shifts/roster")
    follow(chen, "/shifts/posts", {"name": "大堂", "role": "specialist", "responsible": "lin"})
    goods = {
        "goods_name": "门禁卡",
        "goods_kind": "count",
        "goods_expected": "5",
        "goods_measure": "张",
        "goods_active": "yes",
    }
    assert "门禁卡 5 张" in follow(chen, f"/shifts/posts/{shift.post}/goods", goods)
    money = goods | {"goods_name": "零钱", "goods_kind": "money", "goods_expected": "12.5"}
    assert "零钱 12.50 元" in follow(chen, f"/shifts/posts/{shift.post}/goods", money)
    wrong = chen.post(f"/shifts/posts/{shift.post}/goods", goods | {"goods_name": "x", "goods_expected": "1.5"})
    assert wrong.status_code == 422 and "整数" in text(wrong)
    why = {"responsible": "zhou", "reason": "林晓雯请假"}
    assert "周敏" in follow(chen, f"/shifts/posts/{shift.post}/responsible", why) and shift.responsible() == "zhou"
    assert "停用" in follow(chen, f"/shifts/posts/{shift.post}/active", {"active": "no"})
    assert visitor("lin").post(f"/shifts/posts/{shift.post}/goods", goods).status_code == 403


def test_who_answers_now_and_a_word_for_the_next_shift_stand_on_the_first_page(visitor, shift):
    lin = visitor("lin")
    page = text(lin.get("/shifts"))
    assert "前台 林晓雯" in page
    assert "三座货梯明早检修" in follow(lin, f"/shifts/posts/{shift.post}/notes", {"note": "三座货梯明早检修"})
    assert lin.post(f"/shifts/posts/{shift.post}/notes", {"note": " "}).status_code == 422


def test_what_changed_since_ones_last_shift_is_on_the_desk(visitor, shift, clock):
    monday = FRIDAY + 3 * DAY
    clock.set(at(9, 30, monday))
    number = shift.story.register("zhou")
    shift.put({(monday, Shift.DAY): "lin"})
    lin = visitor("lin")
    assert 'hx-get="/shifts/news"' in lin.get("/").get_data(as_text=True)
    news = text(lin.get("/shifts/news"))
    assert "上次下班以来 11月20日 18:00 起" in news and f"茶水间吊顶滴水 {number}" in news
    assert "到 18:00 会超时的 1" in news
    assert number not in text(visitor("hu").get("/shifts/news"))


# --- handovers --------------------------------------------------------------------------------------------------------


def test_the_second_difference_is_settled_by_the_supervisor(visitor, shift):
    shift.begin()
    shift.give()
    shift.differ("钥匙少一把")
    shift.give()
    zhou, chen, path = visitor("zhou"), visitor("chen"), f"/shifts/handovers/{shift.number}"
    zhou.get(path)
    assert "等主管定" in follow(zhou, f"{path}/differ", {"difference": "还是少一把"})
    chen.get(path)
    assert chen.post(f"{path}/settle", {"settlement": " "}).status_code == 422
    assert "先按 11 把接" in follow(chen, f"{path}/settle", {"settlement": "先按 11 把接"})
    shift.take(keys=11)
    assert "差异及处理" in text(zhou.get(path)) and shift.responsible() == "zhou"


def test_the_supervisor_answers_for_who_did_not_sign_and_names_another(visitor, shift):
    shift.begin()
    shift.give()
    shift.pass_to(at(18, 30))
    chen, path = visitor("chen"), f"/shifts/handovers/{shift.number}"
    task = shift.story.task("chen", "answer_supervisor", shift.number)
    assert chen.get(f"/tasks/{task.task_id}").location == path
    page = text(chen.get(path))
    assert "换接班人" in page and "接班半小时还没签字" in page
    wrong = chen.post(f"/shifts/calls/{task.task_id}", {"answer": "advise"})
    assert wrong.status_code == 422
    assert visitor("zhou").post(f"/shifts/calls/{task.task_id}", {}).status_code in (403, 404)
    assert "答复了" in follow(chen, f"/shifts/calls/{task.task_id}", {"answer": "advise", "guidance": "马上去签"})
    follow(chen, f"{path}/incoming", {"incoming": "chen"})
    assert shift.handover().incoming == "chen" and shift.handover().state == HandoverState.GIVEN
    zhou = visitor("zhou")
    zhou.get(path)
    assert zhou.post(f"{path}/differ", {"difference": "我来"}).status_code == 403


def test_help_is_asked_for_on_each_page(visitor, shift, clock):
    lin = visitor("lin")
    shift.story.register()
    clock.set(at(17, 45))
    plan_ahead(shift.app)
    start_due(shift.app)
    lin.get("/shifts")
    follow(lin, "/shifts/leaves", {"reason": "取快递", "until": "17:55", "cover": "zhou"})
    for path in (f"/shifts/handovers/{shift.number}", "/shifts/checks/BH2026-0001", "/shifts/leaves/LG2026-0001"):
        lin.get(path)
        assert "已求助" in follow(lin, f"{path}/help", {"question": "怎么记"})
    asked = {t.number for t in shift.story.tasks("chen") if t.element_id == "answer_supervisor"}
    assert {shift.number, "BH2026-0001", "LG2026-0001"} <= asked


# --- the check before going home --------------------------------------------------------------------------------------


def check_of(shift, clock, moment=None) -> str:
    clock.set(moment or at(17, 30))
    plan_ahead(shift.app)
    start_due(shift.app, kind="end-of-day-check")
    return "/shifts/checks/BH2026-0001"


def test_a_check_with_nothing_open_ends_by_itself(visitor, shift, clock):
    path = check_of(shift, clock)
    assert "没有要查的" in text(visitor("lin").get(path))
    assert [t for t in shift.story.tasks("lin") if t.element_id == "answer_item"] == []


def test_it_starts_half_an_hour_before_the_shift_ends(shift, visitor, clock):
    path = check_of(shift, clock, at(17, 29))
    assert visitor("lin").get(path).status_code == 404
    assert visitor("lin").get(check_of(shift, clock)).status_code == 200


def test_what_is_not_answered_is_told_when_the_shift_is_over(visitor, shift, clock):
    first, second = shift.story.register(), shift.story.register(unit="2-0805")
    path = check_of(shift, clock)
    lin = visitor("lin")
    lin.get(path)
    page = follow(lin, path, {f"answer.open:{first}": "done", f"words.open:{first}": "当场办了"})
    assert "当场办了" in page
    shift.pass_to(at(18))
    from service.notifications.deliver import deliver_due

    deliver_due(shift.app)
    assert "自查还有 1 项没答" in text(visitor("chen").get("/notices"))
    follow(lin, path, {f"answer.open:{second}": "handover"})
    assert [t for t in shift.story.tasks("lin") if t.element_id == "answer_item"] == []
    assert visitor("zhou").post(path, {}).status_code in (303, 403)


# --- leaving the post -------------------------------------------------------------------------------------------------


def test_with_a_cover_one_leaves_at_once_and_comes_back(visitor, shift, clock):
    lin = visitor("lin")
    number = shift.story.register()
    lin.get("/shifts")
    follow(lin, "/shifts/leaves", {"reason": "取快递", "until": "09:30", "cover": "zhou"})
    assert number in {t.number for t in shift.story.tasks("zhou")}, "the cover does the work of whoever is away"
    again = lin.post("/shifts/leaves", {"reason": "再去一趟", "until": "09:40", "cover": "zhou"})
    assert again.status_code == 422 and "还没结束" in text(again)
    clock.advance(timedelta(minutes=20))
    lin.get("/shifts/leaves/LG2026-0001")
    assert "已回岗" in follow(lin, "/shifts/leaves/LG2026-0001/back", {"note": ""})
    clock.advance(timedelta(seconds=1))
    assert number not in {t.number for t in shift.story.tasks("zhou")}


def test_the_supervisor_says_not_now_with_the_reason(visitor, shift):
    lin, chen = visitor("lin"), visitor("chen")
    lin.get("/shifts")
    follow(lin, "/shifts/leaves", {"reason": "取快递", "until": "09:30", "cover": ""})
    path = "/shifts/leaves/LG2026-0001"
    assert "等主管定顶岗人" in text(chen.get(path))
    assert lin.post(f"{path}/cover", {"allowed": "yes", "cover": "zhou"}).status_code in (403, 404)
    assert "早高峰" in follow(chen, f"{path}/cover", {"allowed": "no", "refusal": "早高峰，过了九点半再去"})


@pytest.mark.parametrize("until", ["08:00", "", "nine"])
def test_a_leave_needs_a_time_that_is_still_to_come(visitor, shift, until):
    lin = visitor("lin")
    lin.get("/shifts")
    answer = lin.post("/shifts/leaves", {"reason": "取快递", "until": until, "cover": "zhou"})
    assert answer.status_code == 422 and "写几点回来" in text(answer)
