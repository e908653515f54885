"""An engineer's Monday on a telephone of 390 px: asks, accepts, arrives, pauses, goes on, handles with photos; all within the thumb's reach."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import photo_of

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

SMALL = """() => [...document.querySelectorAll('main :is(a.z-btn, button, summary, .z-seg > label, .z-file, select, textarea, input.z-field), .z-nav a')]
    .filter(el => el.checkVisibility() && el.getBoundingClientRect().height && !el.closest('dialog:not([open])'))
    .filter(el => el.getBoundingClientRect().height < 48).map(el => el.outerHTML.slice(0, 100))"""


@pytest.fixture
def liu(live, desk, story):
    """Liu's telephone on Monday at ten, with a fresh slip for the department; its number is `liu.given`."""
    live.set("2026-11-23 10:00")
    number = story.register(unit="2-0805")
    story.dispatch(number)
    opened = desk("liu", phone=True)
    opened.given = number
    return opened


def fits(phone) -> None:
    """No scrolling aside, targets for a thumb, and the main button within its reach without scrolling."""
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.page.evaluate(SMALL) == []
    button = phone.page.locator("form[data-task] button[data-default]")
    if button.count():
        box = button.bounding_box()
        assert box["height"] >= 48 and 844 / 2 <= box["y"] <= 844 - box["height"]


def take(phone) -> None:
    phone.open("/queue")
    fits(phone)
    phone.submit(f"a.z-card:has-text('{phone.given}')")
    fits(phone)


def test_a_question_goes_to_the_desk_and_comes_back_answered(liu, desk, live):
    take(liu)
    liu.choose("answer", "ask")
    liu.page.wait_for_selector("[name=question]:visible")
    liu.page.fill("[name=question]", "哪一间茶水间，要不要带梯子")
    fits(liu)
    liu.do_task()
    assert live.open_tasks(liu.given) == ["answer_question"]
    lin = desk("lin")
    lin.task(liu.given, "答")
    assert "要不要带梯子" in lin.text
    lin.page.fill("[name=answer_text]", "八楼东侧那间，要带")
    lin.do_task()
    take(liu)
    assert "八楼东侧那间，要带" in liu.text
    liu.accept("liu")
    assert live.open_tasks(liu.given) == ["arrive"]


def test_the_way_from_accepting_to_handled_with_photos(liu, desk, live):
    take(liu)
    liu.accept("liu")
    live.set("2026-11-23 10:20")
    liu.open("/")
    fits(liu)
    liu.task(liu.given)
    fits(liu)
    liu.arrive(photo=photo_of())
    assert "办" in liu.page.locator("form[data-task] button[data-default]").inner_text(), "who has arrived goes on to handling"
    fits(liu)
    live.set("2026-11-23 10:50")
    liu.handle("换了水阀，吊顶擦干", "阀芯老化", minutes=30, cost="120.5", photo=photo_of((90, 90, 160)))
    assert live.open_tasks(liu.given) == ["verify"]
    liu.ticket(liu.given)
    fits(liu)
    assert liu.page.locator(".z-photos img").count() == 2
    lin = desk("lin")
    lin.ticket(liu.given)
    story = lin.page.locator(".z-time").inner_text()
    assert "换了水阀" in story and "刘强" in story and lin.page.locator(".z-photos img").count() == 2


def test_a_pause_has_a_reason_and_a_latest_moment_and_ends_by_hand(liu, desk, live):
    take(liu)
    liu.accept("liu")
    liu.open("/")
    liu.task(liu.given)
    liu.arrive()
    liu.ticket(liu.given)
    fits(liu)
    liu.page.click("[data-open=pause]")
    dialog = liu.page.locator("#pause")
    box = dialog.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 844
    dialog.locator("select").select_option("part-on-order")
    liu.page.fill("#pause-until", "2026-11-24T10:00")
    liu.submit("#pause button.main")
    assert "等配件" in liu.text and liu.page.locator(".z-clock.paused").count() >= 1
    live.set("2026-11-23 14:00")
    liu.open(f"/tickets/{liu.given}")
    liu.page.click("[data-open=resume]")
    liu.page.fill("#resume-note", "配件到了")
    liu.submit("#resume button.main")
    assert "配件到了" in liu.page.locator(".z-time").inner_text()
    assert live.open_tasks(liu.given) == ["handle"] and liu.page.locator(".z-clock.paused").count() == 0


def test_who_cannot_go_on_asks_for_help_with_the_slip_still_in_hand(liu, live):
    take(liu)
    liu.accept("liu")
    liu.open("/")
    liu.task(liu.given)
    liu.page.click("[data-open=help]")
    liu.page.fill("#help [name=question]", "没有钥匙，进不去")
    liu.submit("#help button.main")
    assert sorted(live.open_tasks(liu.given)) == ["answer_supervisor", "arrive"]
    fits(liu)
