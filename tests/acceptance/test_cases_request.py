"""A customer's request off the straight path, page by page: on the spot, a question, no way, not done well, not reached, late."""

from __future__ import annotations

import pytest

from tests.people import REPAIR

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

WORK = {"result": "换了水阀", "cause": "阀芯老化", "labour_minutes": 30}


@pytest.fixture
def slip(story) -> str:
    """A repair with a slip that engineering has not accepted."""
    number = story.register(unit="2-0805")
    story.dispatch(number)
    return number


@pytest.fixture
def accepted(story, slip) -> str:
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, slip)
    return slip


@pytest.fixture
def worked(story, accepted):
    """Does the work once more, without a browser: on site, done."""

    def work() -> str:
        story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat()}, accepted)
        story.complete("liu", "handle", WORK, accepted)
        return accepted

    work()
    return work


def choices(desk, name: str) -> list[str]:
    return [box.get_attribute("value") for box in desk.page.locator(f"input[name={name}]").all()]


# --- on the spot ------------------------------------------------------------------------------------------------------


def test_an_enquiry_answered_on_the_spot_is_closed_without_a_slip_or_a_visit(desk, live):
    lin = desk("lin")
    on_the_spot(lin, "enquiry", "问地库月租怎么办")
    number = lin.number
    lin.page.fill("[name=result]", "告诉了费用和手续")
    lin.do_task()
    assert live.open_tasks(number) == []
    lin.ticket(number)
    assert "告诉了费用和手续" in lin.text and "已关" in lin.text and f"{number}-1" not in lin.text


def test_a_repair_done_on_the_spot_is_visited_all_the_same(desk, live):
    lin = desk("lin")
    on_the_spot(lin, "repair", "门把手松了")
    lin.page.fill("[name=result]", "拧紧了")
    number = lin.number
    lin.do_task()
    assert live.open_tasks(number) == ["return_visit"]


def on_the_spot(lin, category: str, words: str) -> None:
    lin.open("/register")
    lin.pick("2-0805")
    lin.choose("category", category)
    lin.page.fill("[name=request]", words)
    lin.choose("expectation", "call-back")
    lin.page.check("[name=on_the_spot]")
    lin.submit("#register-form button[data-default]")


# --- what a department may say ----------------------------------------------------------------------------------------


def test_a_department_asks_the_owner_answers_and_the_department_accepts(desk, live, slip):
    gao, lin = desk("gao", phone=True), desk("lin")
    gao.open("/queue")
    gao.task(slip)
    assert choices(gao, "answer") == ["accept", "ask", "cannot-solve"], "there is no refusal"
    gao.choose("answer", "ask")
    gao.page.fill("[name=question]", "阀门在吊顶里还是在管井？")
    gao.do_task()
    lin.open("/")
    lin.task(slip, "答")
    assert "阀门在吊顶里还是在管井" in lin.text
    lin.page.fill("[name=answer_text]", "在管井，钥匙在前台")
    lin.do_task()
    gao.ticket(slip)
    assert "钥匙在前台" in gao.text
    gao.open("/queue")
    gao.task(slip)
    assert "在管井，钥匙在前台" in gao.page.inner_text("section.z-paper"), "the answer stands at the task"
    gao.accept()
    assert live.open_tasks(slip) == ["arrive"]


def test_what_a_department_cannot_solve_goes_to_another_one_that_the_supervisor_calls_in(desk, live, slip):
    gao, chen, lin = desk("gao", phone=True), desk("chen"), desk("lin")
    cannot_solve(gao, slip, "要清淤，没有设备")
    chen.open("/")
    chen.task(slip, "主管答")
    assert "要清淤，没有设备" in chen.text
    chen.choose("answer", "call-in")
    chen.page.fill("[name=guidance]", "请安环部安排清淤")
    chen.page.select_option("[name=department_called]", "safety")
    chen.do_task()
    lin.open("/")
    lin.task(slip, "派单")
    lin.dispatch("safety", "清淤")
    assert live.open_tasks(slip) == ["accept_slip"]
    sun = desk("sun", phone=True)
    sun.open("/queue")
    assert f"{slip}-2" in sun.text


def test_advice_brings_the_slip_back_to_the_department(desk, live, slip):
    gao, chen = desk("gao", phone=True), desk("chen")
    cannot_solve(gao, slip, "没有这个型号的阀门")
    chen.open("/")
    chen.task(slip, "主管答")
    chen.choose("answer", "advise")
    chen.page.fill("[name=guidance]", "先用通用阀门")
    chen.do_task()
    assert live.open_tasks(slip) == ["accept_slip"]
    gao.open("/queue")
    gao.task(slip)
    assert "陈志远指导" in gao.text and "先用通用阀门" in gao.page.inner_text("section.z-paper")


def test_the_manager_closes_what_nobody_can_solve_with_an_explanation(desk, live, story, slip):
    story.complete("gao", "accept_slip", {"answer": "cannot-solve", "reason": "外墙属全体业主"}, slip)
    chen, wang = desk("chen"), desk("wang")
    chen.task(slip, "主管答")
    assert "close" not in choices(chen, "answer")
    chen.choose("answer", "raise")
    chen.page.fill("[name=guidance]", "涉及全体业主")
    chen.do_task()
    wang.open("/")
    wang.task(slip, "经理答")
    wang.choose("answer", "close")
    wang.page.fill("[name=explanation]", "要业主大会定，已向客户说明")
    wang.do_task()
    assert live.open_tasks(slip) == []
    wang.ticket(slip)
    assert "要业主大会定" in wang.text and "已关" in wang.text


def cannot_solve(gao, number: str, reason: str) -> None:
    gao.open("/queue")
    gao.task(number)
    gao.choose("answer", "cannot-solve")
    gao.page.fill("[name=reason]", reason)
    gao.do_task()


# --- verify and return visit ------------------------------------------------------------------------------------------


def test_work_that_fails_the_check_goes_back_and_the_second_time_to_the_supervisor(desk, live, worked, accepted):
    lin = desk("lin")
    lin.task(accepted, "核实")
    lin.verify(passed=False, reason="还在滴")
    assert live.open_tasks(accepted) == ["arrive"]
    liu = desk("liu", phone=True)
    liu.task(accepted)
    assert "还在滴" in liu.text
    worked()
    lin.open("/")
    lin.task(accepted, "核实")
    lin.verify(passed=False, reason="另一处又滴")
    assert live.open_tasks(accepted) == ["answer_supervisor", "arrive"]
    chen = desk("chen")
    chen.task(accepted, "主管答")
    assert "另一处又滴" in chen.text


def test_a_customer_not_reached_on_three_working_days_is_signed_off_by_the_supervisor(desk, live, story, worked, accepted):
    story.complete("lin", "verify", {"passed": "yes"}, accepted)
    lin = desk("lin")
    for morning in ("2026-11-21 08:30", "2026-11-23 08:30", ""):
        lin.open("/")
        lin.task(accepted, "回访")
        lin.choose("reached", "no")
        lin.choose("how", "phone")
        lin.do_task()
        if morning:
            assert live.open_tasks(accepted) == [], "not again on the same day"
            live.until(morning)
            lin.sign_in("lin")
    assert live.open_tasks(accepted) == ["sign_off"]
    chen = desk("chen")
    chen.task(accepted, "主管签")
    chen.page.fill("[name=note]", "三次电话未接，现场已验")
    chen.do_task()
    assert live.open_tasks(accepted) == []


def test_a_score_of_two_reopens_the_ticket_and_tells_the_supervisor(desk, live, story, worked, accepted):
    story.complete("lin", "verify", {"passed": "yes"}, accepted)
    lin = desk("lin")
    lin.task(accepted, "回访")
    lin.visit(score=2, words="当天又漏了")
    assert live.open_tasks(accepted) == ["dispatch"]
    live.until("2026-11-21 08:30")
    chen = desk("chen")
    chen.open("/notices")
    assert accepted in chen.text and "不满意" in chen.text


# --- late -------------------------------------------------------------------------------------------------------------


def test_the_worker_is_reminded_then_the_head_and_the_supervisor_and_it_shows_until_it_is_done(desk, live, story, accepted):
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat()}, accepted)
    live.until("2026-11-21 15:51")  # 15 minutes on Friday, 441 of 456 on the make-up Saturday
    liu = desk("liu", phone=True)
    liu.open("/notices")
    assert accepted in liu.text and "八成" in liu.text
    live.until("2026-11-21 17:45")
    assert live.open_tasks(accepted) == ["answer_supervisor", "handle"]
    gao, lin = desk("gao", phone=True), desk("lin")
    gao.open("/notices")
    assert "到时没办完" in gao.text
    for screen, address in ((lin, "/tickets"), (lin, f"/tickets/{accepted}"), (gao, "/queue")):
        screen.open(address)
        assert screen.page.locator(".over").count(), f"{address} does not show that it is late"


def test_an_urgent_repair_at_night_counts_at_once_and_the_head_learns_that_nobody_arrived(desk, live, story):
    live.set("2026-11-20 22:00")
    number = story.register(unit="2-0805", form=REPAIR | {"urgency": "urgent"})
    lin = desk("lin", at=f"/tickets/{number}")
    assert "22:15" in lin.text and "22:30" in lin.text
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    live.until("2026-11-20 22:30")
    gao = desk("gao", phone=True)
    gao.open("/notices")
    assert number in gao.text and "没到场" in gao.text


def test_a_pause_on_the_telephone_ends_by_itself_and_the_work_goes_on(desk, live, accepted):
    liu = desk("liu", phone=True)
    liu.ticket(accepted)
    liu.page.click("[data-open=pause]")
    liu.page.select_option("#pause-reason", "part-on-order")
    liu.page.fill("#pause-until", "2026-11-23T09:00")
    liu.submit("#pause button.main")
    assert "等配件" in liu.text and "resume" in live.open_tasks(accepted)
    live.until("2026-11-23 09:00")
    assert live.open_tasks(accepted) == ["arrive"]
    liu.sign_in("liu")
    liu.ticket(accepted)
    assert liu.page.locator("[data-open=pause]").count() == 1
