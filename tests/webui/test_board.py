"""The board's page: who has it, giving work to others with a result for each row, by keys, accessible, on a phone, too."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.tables import user_task
from tests.webui.conftest import REPAIR, ROOT
from tests.webui.test_browser import SMALLEST, address, login, violations  # noqa: F401 - `address` is a fixture

needs_browser = pytest.mark.skipif(
    not (ROOT / "webui/static/vendor/htmx.js").exists(), reason="the browser's parts are not built"
)


@pytest.fixture
def slips(visitor) -> list[str]:
    """Three tickets that engineering has not accepted; gives the ids of their tasks."""
    lin = visitor("lin")
    for n in range(3):
        task = lin.post("/register", REPAIR | {"request": f"灯坏了 {n} 号", "request_id": f"r{n}"}).location.split("?")[
            0
        ]
        page = lin.get(task).get_data(as_text=True)
        seen = re.search(r'name="seen" value="(\d+)"', page)[1]
        done = lin.post(task, {"seen": seen, "department": "engineering", "instruction": "先看", "request_id": f"d{n}"})
        assert done.status_code == 303
    board = visitor("chen").get("/board").get_data(as_text=True)
    return re.findall(r'name="task" value="(\w{32})"', board)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


def assignees(app, ids: list[str]) -> list[str | None]:
    with app.session() as session:
        found = dict(session.execute(sa.select(user_task.c.id, user_task.c.assignee)).all())
    return [found[i] for i in ids]


def give(who, ids: list[str], **values):
    return who.post(
        "/board/give", {"task": ids, "how": "person", "to": "liu", "reason": "离得近", "request_id": "g"} | values
    )


def test_leads_have_the_board_quality_reads_it_and_nobody_else_knows_of_it(visitor, slips):
    for username, rights in (("chen", "give"), ("wang", "give"), ("qin", "read")):
        page = visitor(username).get("/board").get_data(as_text=True)
        assert "灯坏了 0 号" in page and 'href="/board"' in page, username
        assert ('name="task"' in page, 'class="z-give"' in page) == (
            (True, True) if rights == "give" else (False, False)
        )
    for username in ("lin", "gao", "hu", "admin"):
        who = visitor(username)
        assert who.get("/board").status_code == 404 and give(who, slips).status_code == 404, username
        assert 'href="/board"' not in who.get("/").get_data(as_text=True)


def test_selected_tasks_go_to_a_person_to_oneself_or_back_and_the_page_says_so(visitor, app, slips):
    chen = visitor("chen")
    assert "3 件已交给刘强" in text_of(chen.get(give(chen, slips).location))
    assert assignees(app, slips) == ["liu"] * 3
    assert give(chen, slips[:1], how="me", reason="", request_id="me").status_code == 303
    assert give(chen, slips[1:2], how="group", reason="", request_id="back").status_code == 303
    assert assignees(app, slips) == ["chen", None, "liu"]


def test_one_bad_row_does_not_stop_the_rest(visitor, app, slips):
    """T33."""
    answer = give(visitor("chen"), [slips[0], "0" * 32, slips[2]])
    assert answer.status_code == 200
    assert "2 件已交给刘强" in text_of(answer) and "没有这一页" in text_of(answer)
    assert assignees(app, slips) == ["liu", None, "liu"]


@pytest.mark.parametrize(
    "values, said, kept", [({"to": ""}, "先选交给谁", 3), ({"reason": " "}, "写一句", 3), ({"task": []}, "先选几件", 0)]
)
def test_what_is_missing_is_said_and_what_was_selected_stays(visitor, app, slips, values, said, kept):
    answer = give(visitor("chen"), values.pop("task", slips), **values)
    assert answer.status_code == 422 and said in text_of(answer)
    assert assignees(app, slips) == [None] * 3
    assert answer.get_data(as_text=True).count(" checked>") == kept


def test_quality_gives_nothing(visitor, app, slips):
    assert give(visitor("qin"), slips).status_code == 403
    assert assignees(app, slips) == [None] * 3


def test_a_call_for_help_can_be_answered_from_the_board(visitor, slips):
    lin, chen = visitor("lin"), visitor("chen")
    lin.get("/tickets/2026-0001")
    lin.post("/tickets/2026-0001/help", {"question": "没有钥匙"})
    page = chen.get("/board").get_data(as_text=True)
    task = re.search(r'href="(/tasks/\w+)" data-key="r"', page)[1]
    assert "没有钥匙" in page and "没有钥匙" in chen.get(task).get_data(as_text=True)
    wang = visitor("wang").get("/board").get_data(as_text=True)
    assert "没有钥匙" in wang and 'data-key="r"' not in wang, "the manager sees that it waits for the supervisor"


def test_the_page_narrows_to_what_is_late_and_to_one_lane(visitor, app, slips):
    app.clock.advance(timedelta(hours=3))
    chen = visitor("chen")
    assert "灯坏了 1 号" in text_of(chen.get("/board?only=over"))
    assert "灯坏了 1 号" not in text_of(chen.get("/board?only=soon")).split("谁手上")[0].split("按步骤")[1]
    page = text_of(chen.get("/board?by=step"))
    assert "待接单" in page and "待回访" in page
    assert "安全环境部" not in text_of(chen.get("/board?lane=engineering")).split("按步骤")[1].split("谁手上")[0]
    for query in ("by=x", "only=x", "lane=%00", "lane=nothing"):
        assert chen.get(f"/board?{query}").status_code == 200


def test_the_page_speaks_english_too(visitor, slips):
    chen = visitor("chen")
    chen.post("/me", {"language": "en"})
    page = text_of(chen.get("/board"))
    assert (
        "Board" in page
        and "Slips nobody accepted" in page
        and "Engineering" in page
        and "有" not in page.split("Who has how much")[1]
    )


@pytest.mark.browser
@needs_browser
def test_giving_by_keys_alone(page, address, slips, app):  # noqa: F811
    login(page, address, "chen")
    page.goto(f"{address}/board")
    for key in ("ArrowDown", "x", "ArrowDown", "x"):
        page.keyboard.press(key)
    assert page.locator("[data-picked]").inner_text() == "选中 2 件"
    page.keyboard.press("g")
    assert page.evaluate("document.activeElement.id") == "give-to"
    for _ in range(12):
        if page.input_value("#give-to") != "liu":
            page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("离得近")
    page.keyboard.press("Enter")
    assert page.url.endswith("/board"), "Enter in the reason gives nothing away"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=2 件已交给刘强")
    assert sorted(filter(None, assignees(app, slips))) == ["liu", "liu"]


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_board_passes_the_accessibility_rules(new_page, address, slips, look):  # noqa: F811
    page = new_page(width=1440, height=900, color_scheme=look)
    login(page, address, "chen")
    page.goto(f"{address}/board")
    page.check(f"[value='{slips[0]}']")
    assert violations(page) == []


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_the_board_does_not_scroll_sideways_and_no_text_is_too_small(new_page, address, slips, width):  # noqa: F811
    page = new_page(width=width, height=800)
    login(page, address, "chen")
    page.goto(f"{address}/board")
    page.check(f"[value='{slips[0]}']")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SMALLEST) >= (14 if width <= 600 else 13)
