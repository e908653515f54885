"""A handover with a missing key, page by page, at the desk and on a phone: back once, explained, signed by both (clause 25)."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import PASSWORD
from tests.service.shifts.desk import KEYS, Desk

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


@pytest.fixture
def shift(live, story) -> Desk:
    """Lin's shift ends at 18:00, Zhou comes; a ticket waits at the desk and one with the engineers."""
    made = Desk(story, live.app.clock, start=False)
    made.waiting = story.register(unit="3-1201")
    made.sent = story.register(unit="2-0805")
    story.dispatch(made.sent)
    made.begin()
    live.beat()
    return made


def count(page, name: str, number: str) -> None:
    page.fill(f".z-hand:has(b:text-is('{name}')) [name^='count.']", number)


def write(screen, keys: str, why: str = "") -> None:
    page = screen.page
    for field in page.locator("[name^='comment.']").all():
        field.fill("等工程部回话，客户下午在")
    for name, number in ((KEYS, keys), ("对讲机", "2"), ("备用金", "500.00")):
        count(page, name, number)
    if why:
        page.fill(f".z-hand:has(b:text-is('{KEYS}')) [name^='remark.']", why)
    page.fill("[name=matters]", "三座货梯明早检修")
    screen.submit("form:has([name=matters]) > p button")


def go_through(screen, keys: str) -> None:
    page = screen.page
    for box in page.locator("[name=ticked]").all():
        box.check()
    for name, number in ((KEYS, keys), ("对讲机", "2"), ("备用金", "500")):
        count(page, name, number)
    screen.submit("form:has([name^='count.']) > p button")


def sign(screen, password: str = PASSWORD) -> None:
    screen.page.fill("#sign [name=password]", password)
    screen.submit("#sign button")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_missing_key_goes_back_once_and_both_sign(desk, live, shift, phone, tmp_path):
    number = shift.number
    lin = desk("lin", phone=phone)
    lin.task(number, "交班")
    assert lin.path == f"/shifts/handovers/{number}"
    assert "茶水间吊顶滴水" in lin.text and "还有" in lin.text and lin.page.locator("#sign").count() == 0
    lin.shot(tmp_path / "1-give.png", full_page=True)
    write(lin, "12")
    assert lin.page.locator(".z-hash").inner_text() == lin.page.input_value("[name=seen_hash]")
    lin.shot(tmp_path / "2-sign.png", full_page=True)
    lin.expected += ["422"]
    sign(lin, "not my password")
    assert "密码不对" in lin.text
    sign(lin)
    assert "等接班的人签" in lin.text

    live.set("2026-11-20 17:58")
    zhou = desk("zhou", phone=phone)
    zhou.task(number, "接班")
    go_through(zhou, "11")
    assert "数目不一样" in zhou.text and zhou.page.locator("#sign").count() == 0
    zhou.shot(tmp_path / "3-differs.png", full_page=True)
    zhou.page.fill("[name=difference]", "钥匙少一把，3-1201 的")
    zhou.submit("form[action$='/differ'] button")

    lin.open(f"/shifts/handovers/{number}")
    assert "钥匙少一把，3-1201 的" in lin.text and "退回交班的人" in lin.text
    write(lin, "11", "3-1201 那把借给工程部了，明早还")
    sign(lin)

    live.set("2026-11-20 18:03")
    zhou.open(f"/shifts/handovers/{number}")
    assert "借给工程部" in zhou.text and "现在林晓雯负责" in zhou.text
    go_through(zhou, "11")
    sign(zhou)
    assert "接班了" in zhou.page.locator(".z-toast").first.inner_text() and "现在周敏负责" in zhou.text
    zhou.shot(tmp_path / "4-done.png", full_page=True)
    record = zhou.page.locator("dl.z-facts").inner_text()
    for words in (
        "应有 12 把，交 11 把，接 11 把",
        "第 1 次：钥匙少一把",
        "三座货梯明早检修",
        shift.waiting,
        f"{shift.sent}-1",
    ):
        assert words in record
    zhou.open("/")
    assert "茶水间吊顶滴水" in zhou.text, "the open work is hers"


def test_what_changed_while_signing_is_listed_and_nothing_is_signed(desk, live, shift, story):
    lin = desk("lin")
    lin.open(f"/shifts/handovers/{shift.number}")
    write(lin, "12")
    story.register(unit="3-0902")
    lin.expected += ["409"]
    sign(lin)
    changed = lin.page.locator(".z-changed").inner_text()
    assert "你看过之后变了" in changed and "茶水间吊顶滴水" in changed
    assert shift.handover().given_at is None


def test_the_week_is_rostered_on_a_phone_and_copied_to_the_next(desk, shift):
    chen = desk("chen", phone=True)
    chen.open("/shifts/roster?week=2026-11-23")
    assert chen.page.evaluate("document.documentElement.scrollWidth") <= 390
    chen.page.select_option(f"[name='cell.{shift.post}.2026-11-23.day']", "lin")
    chen.page.select_option(f"[name='cell.{shift.post}.2026-11-23.night']", "zhou")
    chen.submit("button[data-default]")
    chen.open("/shifts/roster?week=2026-11-30")
    chen.submit("form[action$='/copy'] button")
    assert chen.page.input_value(f"[name='cell.{shift.post}.2026-11-30.night']") == "zhou"


def test_one_leaves_the_post_when_the_supervisor_has_named_a_cover(desk, live, shift):
    live.set("2026-11-20 17:46")
    lin = desk("lin", phone=True)
    lin.open("/shifts")
    lin.page.fill("[name=reason]", "去三座取快递单")
    lin.page.fill("[name=until]", "17:56")
    lin.submit("form:has([name=until]) button:not([type=button])")
    assert "等主管定顶岗人" in lin.text
    chen = desk("chen")
    chen.open("/shifts")
    chen.page.click("text=去三座取快递单")
    chen.page.select_option("[name=cover]", "zhou")
    chen.submit("button[data-default]")
    assert "离岗中" in chen.text
    live.until("2026-11-20 17:57")
    chen.open("/notices")
    assert "没按时回来" in chen.text
    lin.open("/shifts")
    lin.page.click("text=去三座取快递单")
    lin.submit("button[data-default]")
    assert "已回岗" in lin.text


def test_the_check_before_going_home_is_answered_on_one_page(desk, live, shift):
    from service.timetable.actions import start_due

    start_due(live.app, kind="end-of-day-check")
    lin = desk("lin")
    lin.open("/shifts")
    lin.page.click("text=去答")
    names = sorted({box.get_attribute("name") for box in lin.page.locator("[type=radio]").all()})
    assert len(names) == 2
    for name, answer in zip(names, ("handover", "told"), strict=True):
        lin.page.check(f"[name='{name}'][value={answer}]")
        lin.page.fill(f"[name='{name.replace('answer.', 'words.', 1)}']", "高卫东说明早换")
    lin.submit("button[data-default]")
    assert "没有要查的" not in lin.text and "交给下一班" in lin.text
    lin.open(f"/shifts/handovers/{shift.number}")
    assert "高卫东说明早换" in [field.input_value() for field in lin.page.locator("[name^='comment.']").all()]
