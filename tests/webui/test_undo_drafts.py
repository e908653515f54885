"""Drafts, both texts on a clash, undo and presence on the pages: nothing that somebody typed is lost (T17, T19, B23)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.webui.conftest import PASSWORD, REPAIR, ROOT
from tests.webui.test_story import do, form_of

DISPATCH = {"department": "engineering", "instruction": "先去看吊顶"}


@pytest.fixture
def task(repair) -> str:
    """The address of Lin's dispatch task."""
    return repair.split("?")[0]


def page(person, address: str, status: int = 200) -> str:
    answer = person.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def keep(app, person, address: str, values: dict, version: int = 0):
    """Save as the page's script does, a second after the save before."""
    app.clock.advance(timedelta(seconds=1))
    return person.post(address, values | {"draft_version": str(version)})


def new_registration(person) -> str:
    return re.search(r'name="draft" value="(\w{32})"', page(person, "/register"))[1]


def test_what_is_typed_in_a_task_is_there_after_a_reload_a_logout_and_on_another_computer(app, visitor, task):
    lin = visitor("lin")
    saved = keep(app, lin, f"{task}/draft", DISPATCH).get_json()
    assert saved == {"version": 1, "text": "10:00 已存"}
    lin.post("/logout")
    elsewhere = page(visitor("lin"), task)
    assert "先去看吊顶" in elsewhere and "接着 10:00 存的草稿写" in elsewhere


def test_drafts_are_tabs_on_top_of_the_desk(app, visitor, task):
    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH)
    keep(app, lin, "/register/draft", REPAIR | {"draft": new_registration(lin)})
    desk = page(lin, "/")
    assert "草稿：3-1201 茶水间吊顶漏水" in desk and "草稿：3-1201 报修" in desk
    assert "草稿：" not in page(visitor("zhou"), "/")


def test_a_registration_is_left_and_taken_up_again_with_its_unit(app, visitor):
    lin = visitor("lin")
    id = new_registration(lin)
    keep(app, lin, "/register/draft", {"draft": id, "unit_id": "1", "request": "电梯口灯不亮", "category": "repair"})
    left = page(lin, f"/register?draft={id}")
    assert "电梯口灯不亮" in left and "恒远律师事务所" in left and re.search(r'value="repair"[^>]* checked', left)


def test_a_submit_takes_the_draft_with_it_and_carries_the_last_typed_value(app, visitor, task):
    """B23: what was typed after the last save is sent, not what was saved."""
    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH | {"instruction": "先去"})
    do(lin, task, DISPATCH)
    assert "草稿：" not in page(lin, "/") and "先去看吊顶" in page(lin, "/tickets/2026-0001")


def test_a_registration_takes_its_draft_with_it(app, visitor):
    lin = visitor("lin")
    id = new_registration(lin)
    keep(app, lin, "/register/draft", REPAIR | {"draft": id})
    assert lin.post("/register", REPAIR | {"draft": id, "draft_version": "1"}).status_code == 303
    assert "草稿：" not in page(lin, "/") and page(lin, f"/register?draft={id}", 404)


def test_a_form_that_comes_back_with_a_fault_still_belongs_to_its_draft(app, visitor):
    lin = visitor("lin")
    id = new_registration(lin)
    keep(app, lin, "/register/draft", REPAIR | {"draft": id})
    answer = lin.post("/register", REPAIR | {"draft": id, "draft_version": "1", "request": ""})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'value="{id}"' in text and "data-draft-unsaved" in text


def test_two_windows_keep_both_texts(app, visitor, task):
    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH)
    keep(app, lin, f"{task}/draft", DISPATCH | {"instruction": "先去看吊顶，带梯子"}, 1)
    older = keep(app, lin, f"{task}/draft", DISPATCH | {"instruction": "老窗口里写的"}, 1)
    assert older.status_code == 409 and "两份都留着" in older.get_json()["text"]
    shown = page(lin, task)
    assert "先去看吊顶，带梯子" in shown and "老窗口里写的" in shown


def test_only_ones_own_drafts_are_reached(app, visitor, task):
    lin, chen, hu = visitor("lin"), visitor("chen"), visitor("hu")
    id = new_registration(lin)
    keep(app, lin, "/register/draft", REPAIR | {"draft": id, "request": "只给自己看的话"})
    assert "只给自己看的话" not in page(chen, f"/register?draft={id}", 404)
    for person in (chen, hu):
        page(person, "/")
        assert person.post("/register/draft/drop", {"draft": id}).status_code == 404
    assert hu.post(f"{task}/draft", DISPATCH).status_code == 404
    assert visitor("gao").post("/register/draft", {"draft": id, "request": "x"}).status_code == 404
    assert lin.post("/register/draft", {"draft": "../../etc", "request": "x"}).status_code == 404


def test_a_draft_is_bounded_in_size_and_rate(app, visitor, task):
    lin = visitor("lin")
    assert keep(app, lin, f"{task}/draft", {"instruction": "长" * 22_000}).status_code == 413
    keep(app, lin, f"{task}/draft", DISPATCH)
    app.clock.advance(timedelta(milliseconds=100))
    assert lin.post(f"{task}/draft", DISPATCH | {"draft_version": "1", "instruction": "太快"}).status_code == 429


def test_a_draft_is_dropped_on_request(app, visitor, task):
    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH)
    assert lin.post(f"{task}/draft/drop").status_code == 303
    assert "草稿：" not in page(lin, "/")


def test_whoever_is_too_late_sees_both_texts_and_keeps_their_own(app, visitor, task):
    """T17, clash on a task that somebody else has done."""
    lin, late = visitor("lin"), visitor("lin")
    before = page(late, task)
    do(lin, task, DISPATCH)
    answer = late.post(task, form_of(before) | {"department": "safety", "instruction": "我看是消防管"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert all(t in text for t in ("你写的", "我看是消防管", "先去看吊顶", "林晓雯", "10:00"))
    assert "我看是消防管" in page(late, task) and "草稿：3-1201" in page(late, "/")


def test_a_draft_of_a_task_that_somebody_else_did_is_kept_beside_what_was_stored(app, visitor, task):
    from engine.api import Actor

    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH | {"instruction": "写了一半"})
    app.clock.advance(timedelta(minutes=1))
    app.engine.complete(task.rpartition("/")[2], DISPATCH | {"instruction": "他派的"}, actor=Actor("chen"))
    keep(app, lin, f"{task}/draft", DISPATCH | {"instruction": "写了一半，还在写"}, 1)
    shown = page(lin, task)
    assert all(t in shown for t in ("写了一半，还在写", "他派的", "陈志远", "10:01"))
    assert lin.post(f"{task}/draft/drop").status_code == 303 and lin.get(task).status_code == 302


def test_a_changed_task_shows_both_texts_and_takes_the_form_again(app, visitor, task):
    """VersionClash: the deadline or the assignee moved; the same form is sent again with the current version."""
    from engine.api import Actor

    lin = visitor("lin")
    before = page(lin, task)
    app.clock.advance(timedelta(minutes=1))
    app.engine.assign(task.rpartition("/")[2], "lin", actor=Actor("chen"), reason="你来派")
    answer = lin.post(task, form_of(before) | DISPATCH)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and all(t in text for t in ("你写的", "已存的", "先去看吊顶", "陈志远", "10:01"))
    again = lin.post(task, form_of(text) | DISPATCH)
    assert again.status_code == 303


def test_a_draft_on_an_older_version_shows_the_clash_at_once(app, visitor, task):
    from engine.api import Actor

    lin = visitor("lin")
    keep(app, lin, f"{task}/draft", DISPATCH | {"seen": "1"})
    app.engine.assign(task.rpartition("/")[2], "lin", actor=Actor("chen"), reason="你来派")
    shown = page(lin, task)
    assert "两份都在这里" in shown and "先去看吊顶" in shown and "陈志远" in shown
    do(lin, task, DISPATCH)


# --- undo --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def undoing(app):
    """As shipped: a step may be undone for thirty seconds."""
    app.engine.undo_seconds = 30


def test_a_step_is_offered_to_be_undone_on_every_page_for_thirty_seconds(app, undoing, visitor, task):
    lin = visitor("lin")
    do(lin, task, DISPATCH)
    for address in ("/", "/tickets", "/tickets/2026-0001"):
        shown = page(lin, address)
        assert f'action="{task}/undo"' in shown and "30 秒" in shown and 'data-key="z"' in shown
    assert "data-undo" not in page(visitor("chen"), "/tickets/2026-0001")
    app.clock.advance(timedelta(seconds=29, milliseconds=500))
    assert "1 秒" in page(lin, "/")
    app.clock.advance(timedelta(seconds=1))
    assert f"{task}/undo" not in page(lin, "/")


def test_an_undone_step_opens_its_form_as_it_was_sent(undoing, visitor, task):
    lin = visitor("lin")
    do(lin, task, DISPATCH)
    page(lin, "/")
    assert lin.post(f"{task}/undo").location == task
    again = page(lin, task)
    assert "先去看吊顶" in again and "撤销了，写的都还在" in again and "接着 10:00 存的草稿写" in again
    assert do(lin, task, DISPATCH) == "/"
    assert "草稿：" not in page(lin, "/")


def test_the_story_tells_the_step_and_that_it_was_undone(undoing, visitor, task):
    lin = visitor("lin")
    do(lin, task, DISPATCH)
    lin.post(f"{task}/undo")
    story = page(lin, "/tickets/2026-0001")
    assert "后来撤销了" in story and "<b>撤销</b>" in story and "还没派单" in story


def test_nobody_undoes_what_somebody_went_on_from_and_reads_who_and_when(app, undoing, visitor, task):
    lin, gao = visitor("lin"), visitor("gao")
    do(lin, task, DISPATCH)
    app.clock.advance(timedelta(seconds=5))
    do(gao, re.search(r'href="(/tasks/\w+)"', page(gao, "/queue"))[1], {"answer": "accept", "worker": "liu"})
    assert f"{task}/undo" not in page(lin, "/")
    answer = lin.post(f"{task}/undo")
    assert answer.status_code == 409 and "高卫东 在 10:00 已经接着办" in answer.get_data(as_text=True)


def test_nobody_undoes_the_step_of_another(undoing, visitor, task):
    do(visitor("lin"), task, DISPATCH)
    for username in ("chen", "hu"):
        person = visitor(username)
        assert person.post(f"{task}/undo").status_code == 404


def test_a_form_that_is_sent_again_after_its_undo_is_shown_and_not_lost(undoing, visitor, task):
    """The browser's back button brings the old form with its old request id."""
    lin = visitor("lin")
    form = form_of(page(lin, task))
    assert lin.post(task, form | DISPATCH).status_code == 303
    lin.post(f"{task}/undo")
    answer = lin.post(task, form | DISPATCH | {"instruction": "改过的话"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "这一步刚才撤销了" in text and "改过的话" in text
    assert lin.post(task, form_of(text) | DISPATCH).status_code == 303


# --- presence ----------------------------------------------------------------------------------------------------------------


def beat(person, **values):
    return person.post("/tickets/2026-0001/presence", values)


def state(person) -> list:
    return person.get("/tickets/2026-0001/state").get_json()["people"]


def test_who_looks_and_who_writes_is_seen_by_the_others_at_their_next_look(visitor, repair):
    lin, chen = visitor("lin"), visitor("chen")
    assert beat(lin).get_json() == {"people": []}
    assert beat(chen, writes="1").get_json()["people"] == [{"face": "林", "text": "林晓雯在看", "writes": False}]
    assert state(lin) == [{"face": "陈", "text": "陈志远在写", "writes": True}]
    for address in ("/tickets/2026-0001", repair):
        assert "陈志远在写" in page(lin, address) and "林晓雯在看" not in page(lin, address)


def test_presence_is_over_when_it_is_not_renewed_or_the_page_is_closed(app, visitor, repair):
    lin, chen = visitor("lin"), visitor("chen")
    beat(chen)
    app.clock.advance(timedelta(seconds=44))
    assert len(state(lin)) == 1
    app.clock.advance(timedelta(seconds=1))
    assert state(lin) == []
    beat(chen)
    beat(chen, gone="1")
    assert state(lin) == []


def test_presence_never_keeps_anybody_from_acting(visitor, task):
    """T17."""
    lin, chen = visitor("lin"), visitor("chen")
    beat(chen, writes="1")
    do(lin, task, DISPATCH)
    assert chen.post("/tickets/2026-0001/urge", {"text": "还在滴"}).status_code == 303


def test_nobody_of_another_centre_is_or_sees_anybody_at_a_ticket(app, visitor, repair):
    hu = visitor("hu")
    beat(visitor("lin"))
    assert (beat(hu).status_code, hu.get("/tickets/2026-0001/state").status_code) == (404, 404)


def test_who_only_reads_is_not_shown(visitor, repair):
    qin = visitor("qin")
    page(qin, "/tickets/2026-0001")
    assert beat(qin).status_code == 403 and state(visitor("lin")) == []


def test_old_presence_is_tidied_away(app, visitor, repair):
    from sqlalchemy import func, select

    from service.presence import actions
    from service.presence.models import Presence

    beat(visitor("lin"))
    app.clock.advance(actions.LASTS)
    actions.forget_old(app)
    with app.session() as session:
        assert session.scalar(select(func.count()).select_from(Presence)) == 0


# --- what only a browser shows -----------------------------------------------------------------------------------------------

browser = [
    pytest.mark.browser,
    pytest.mark.skipif(not (ROOT / "webui/static/vendor/htmx.js").exists(), reason="the browser's parts are not built"),
]


def in_browser(test):
    for mark in browser:
        test = mark(test)
    return test


def open_as(new_page, address: str, username: str):
    shown = new_page()
    shown.goto(f"{address}/login")
    shown.fill("#username", username)
    shown.fill("#password", PASSWORD)
    shown.click("button.main")
    shown.wait_for_url(f"{address}/")
    return shown


@in_browser
def test_typing_is_kept_by_itself_and_survives_a_reload(web, serve, new_page):
    address = serve(web)
    lin = open_as(new_page, address, "lin")
    lin.goto(f"{address}/register?unit=1")
    lin.fill("#f-request", "电梯口灯不亮")
    lin.wait_for_selector("[data-draft-saved]:has-text('已存')")
    lin.reload()
    assert lin.input_value("#f-request") == "电梯口灯不亮" and "draft=" in lin.url
    assert lin.locator(".z-tab[aria-current]").inner_text().strip() == "草稿：3-1201 登记"
    lin.locator("#f-request").press_sequentially("最后一个字，")
    lin.goto(f"{address}/")  # left within the moment before the next save
    lin.click(".z-tab:has-text('草稿')")
    assert lin.input_value("#f-request") == "最后一个字，电梯口灯不亮"


@in_browser
def test_the_last_typed_value_is_sent_and_no_draft_is_left(web, serve, new_page):
    """B23"""
    address = serve(web)
    lin = open_as(new_page, address, "lin")
    lin.goto(f"{address}/register?unit=1")
    lin.check("[name=category][value=repair]", force=True)
    lin.check("[name=expectation][value=come-now]", force=True)
    lin.fill("#f-request", "先写")
    lin.wait_for_selector("[data-draft-saved]:has-text('已存')")
    lin.locator("#f-request").press_sequentially("后写")
    lin.keyboard.press("Control+Enter")
    lin.wait_for_url("**/tasks/*")
    assert lin.locator("text=先写后写").count() and not lin.locator(".z-tab:has-text('草稿')").count()


@in_browser
def test_of_two_windows_the_older_is_told_and_may_choose(web, serve, new_page, repair):
    address = serve(web)
    first = open_as(new_page, address, "lin")
    first.goto(address + repair)
    second = first.context.new_page()
    second.goto(address + repair)
    first.fill("#f-instruction", "第一个窗口")
    first.wait_for_selector("[data-draft-saved]:has-text('已存')")
    second.fill("#f-instruction", "第二个窗口")
    second.wait_for_selector("[data-draft-older]:not([hidden])")
    second.click("[data-draft-keep]")
    second.wait_for_selector("[data-draft-saved]:has-text('已存')")
    second.reload()
    assert second.input_value("#f-instruction") == "第二个窗口" and second.locator("dd:has-text('第一个窗口')").count()


@in_browser
def test_z_takes_the_last_step_back(web, serve, new_page, undoing, repair):
    address = serve(web)
    lin = open_as(new_page, address, "lin")
    lin.goto(address + repair)
    lin.check("[name=department][value=engineering]", force=True)
    lin.keyboard.press("Control+Enter")
    lin.wait_for_url(f"{address}/")
    lin.wait_for_selector("[data-undo]:has-text('29 秒')")
    lin.keyboard.press("z")
    lin.wait_for_url("**/tasks/*")
    assert lin.is_checked("[name=department][value=engineering]") and not lin.locator("[data-undo]").count()


@in_browser
def test_the_other_is_seen_writing(web, serve, new_page, repair):
    address = serve(web)
    lin, chen = open_as(new_page, address, "lin"), open_as(new_page, address, "chen")
    lin.goto(address + repair)
    lin.fill("#f-instruction", "在写")
    chen.goto(f"{address}/tickets/2026-0001")
    chen.wait_for_selector("[data-presence]:has-text('林晓雯在写')")
