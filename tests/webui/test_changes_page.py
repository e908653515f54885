"""The ticket's page: pause and go on, urgency, the customer's time, merge and undo; a merged number leads on for ever."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.conftest import CHINA
from tests.people import REPAIR, Story
from tests.webui.conftest import Browser
from webui.app import create_app


@pytest.fixture
def people(centre):
    """`people("lin")` is Lin's browser, logged in."""
    web = create_app(centre)
    web.testing = False

    def browser_of(username: str) -> Browser:
        opened = Browser(web)
        assert opened.login(username).status_code == 303
        return opened

    return browser_of


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


@pytest.fixture
def monday(centre):
    """Monday 10:00; a repair that Liu has accepted."""
    centre.clock.set(datetime(2026, 11, 23, 10, 0, tzinfo=CHINA))
    story = Story(centre)
    story.number = story.register(unit="2-0805")
    story.dispatch(story.number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    return story


def test_work_is_paused_with_a_reason_and_the_lists_say_so(monday, people):
    liu, lin = people("liu"), people("lin")
    path = f"/tickets/{monday.number}"
    assert 'data-open="pause"' in text_of(liu.get(path)) and 'data-open="resume"' not in text_of(liu.get(path))
    liu.post(f"{path}/pause", {"pause_reason": "part-on-order", "pause_until": "2026-11-24T11:00"})
    page = text_of(lin.get(path))
    assert "等配件，10:00 起，刘强。最晚 明天 11:00 继续" in page and "z-clock paused" in page
    assert 'data-open="resume"' in page and 'data-open="pause"' not in page
    assert "10:00 到 明天 11:00 暂停" in page
    for who, address in ((liu, "/queue"), (lin, "/"), (lin, "/tickets")):
        assert "z-clock paused" in text_of(who.get(address)), address
    lin.post(f"{path}/resume", {"note": "配件到了"})
    page = text_of(lin.get(path))
    assert "z-clock paused" not in page and "配件到了" in page and "到时自己" not in page


def test_a_pause_without_a_moment_is_refused_and_a_second_one_too(monday, people):
    liu, path = people("liu"), f"/tickets/{monday.number}/pause"
    assert liu.post(path, {"pause_reason": "appointment", "pause_until": ""}).status_code == 422
    assert liu.post(path, {"pause_reason": "lunch", "pause_until": "2026-11-24T11:00"}).status_code == 422
    liu.post(path, {"pause_reason": "appointment", "pause_until": "2026-11-24T11:00"})
    assert liu.post(path, {"pause_reason": "appointment", "pause_until": "2026-11-24T12:00"}).status_code == 422


def test_urgency_and_the_customers_time_are_changed_by_the_desk_only(monday, people):
    liu, lin, path = people("liu"), people("lin"), f"/tickets/{monday.number}"
    assert 'data-open="urgency"' not in text_of(liu.get(path))
    assert liu.post(f"{path}/urgency", {"urgency": "urgent", "reason": "漏电"}).status_code == 403
    lin.post(f"{path}/urgency", {"urgency": "urgent", "reason": "漏到配电箱"})
    page = text_of(lin.get(path))
    assert "一般改紧急：漏到配电箱" in page and "改成一般" in page and "14:00 前" in page
    lin.post(f"{path}/deadline", {"reply_deadline": "2026-11-23T12:00", "text": "中午有客人"})
    assert "12:00 前，客户要求" in text_of(lin.get(path))
    lin.post(f"{path}/deadline", {"none": "1", "text": "不急了"})
    assert "12:00 前，客户要求" not in text_of(lin.get(path))


def test_a_merged_number_leads_to_the_other_until_the_merge_is_undone(monday, people):
    lin = people("lin")
    second = monday.register(unit="3-1201", form=REPAIR | {"request": "同一根管子"})
    answer = lin.post(f"/tickets/{second}/merge", {"into": monday.number})
    assert answer.headers["Location"].endswith(f"/tickets/{monday.number}")
    answer = lin.get(f"/tickets/{second}")
    assert answer.status_code == 302 and f"/tickets/{monday.number}" in answer.headers["Location"]
    page = text_of(lin.get(answer.headers["Location"]))
    assert f"{second} 已并到这一件" in page and "并进来的" in page and "撤回合并" in page
    lin.post(f"/tickets/{monday.number}/told", {"text": "五点恢复"})
    assert "五点恢复" in text_of(lin.get(f"/tickets/{monday.number}"))
    lin.post(f"/tickets/{second}/unmerge", {})
    page = text_of(lin.get(f"/tickets/{second}"))
    assert "五点恢复" in page and "同一根管子" in page
