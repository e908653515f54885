"""Contract promises on the pages: entered with a look at what moves, named where a limit is shown, changed and ended."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.webui.conftest import CHINA, REPAIR

TERMS = {
    "what": "save",
    "text": "报修二十分钟内接单",
    "source": "物业服务合同第 8 条",
    "from_on": "2026-01-01",
    "category": "repair",
    "response_minutes": "20",
}


@pytest.fixture
def evening(app) -> None:
    app.clock.set(datetime(2026, 11, 20, 17, 45, tzinfo=CHINA))


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


def sent_again(answer) -> dict[str, str]:
    """The hidden values of the preview's form, as a browser sends them."""
    form = answer.get_data(as_text=True).split('action="/promises/save"')[1].split("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def saved(who, values: dict):
    return who.post("/promises/save", sent_again(who.post("/promises/preview", values)))


def register(visitor, request_id: str = "r1") -> str:
    """A repair of a customer without VIP mark; gives the ticket's number."""
    values = REPAIR | {"urgency": "normal", "unit_id": "2", "request_id": request_id}
    assert visitor("lin").post("/register", values).status_code == 303
    page = text_of(visitor("lin").get("/tickets"))
    return re.findall(r"2026-\d{4}", page)[0]


def test_leads_enter_a_promise_and_the_ticket_shows_its_words_and_where_they_stand(visitor, evening):
    chen = visitor("chen")
    assert "还没有录过承诺" in text_of(chen.get("/promises"))
    assert saved(chen, TERMS).status_code == 303
    assert "报修二十分钟内接单" in text_of(chen.get("/promises"))
    ticket = text_of(visitor("lin").get(f"/tickets/{register(visitor)}"))
    assert "合同承诺：报修二十分钟内接单（物业服务合同第 8 条） 20 分" in ticket
    assert "时限表 30 分，取早的" in ticket
    assert "11月23日" in ticket and "08:35" in ticket


def test_the_register_form_shows_the_promise_before_anything_is_saved(visitor, evening):
    saved(visitor("chen"), TERMS)
    lin = visitor("lin")
    lin.get("/register")
    shown = text_of(lin.post("/register/preview", REPAIR | {"urgency": "normal", "unit_id": "2"}))
    assert "合同承诺：报修二十分钟内接单" in shown and "08:35" in shown


def test_the_preview_lists_what_moves_saving_moves_it_and_ending_moves_it_back(visitor, evening):
    number, chen = register(visitor), visitor("chen")
    shown = text_of(chen.post("/promises/preview", TERMS))
    assert number in shown and "08:45" in shown and "08:35" in shown and "提前" in shown
    assert "08:45" in text_of(chen.get(f"/tickets/{number}"))
    assert saved(chen, TERMS).status_code == 303
    assert "1 个时限跟着改了" in text_of(chen.get("/promises"))
    assert "08:35" in text_of(chen.get(f"/tickets/{number}"))
    assert saved(chen, {"what": "end", "replaces": "1"}).status_code == 303
    page = text_of(chen.get("/promises"))
    assert "停用" in page and "08:45" in text_of(chen.get(f"/tickets/{number}"))


def test_a_change_starts_from_what_holds_and_the_old_one_stays_to_be_read(visitor, evening):
    chen = visitor("chen")
    saved(chen, TERMS)
    form = chen.get("/promises?change=1").get_data(as_text=True)
    assert 'name="replaces" value="1"' in form and 'value="报修二十分钟内接单"' in form and 'value="20"' in form
    saved(chen, TERMS | {"replaces": "1", "response_minutes": "15", "source": "补充协议第 2 条"})
    page = text_of(chen.get("/promises"))
    assert "补充协议第 2 条" in page and "接单 15 分" in page and "接单 20 分" in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": " "}, "写上承诺了什么"),
        ({"source": ""}, "写明哪份合同"),
        ({"response_minutes": ""}, "至少写一个时限"),
        ({"response_minutes": "半小时"}, "写整数分钟"),
        ({"response_minutes": "0"}, "写整数分钟"),
        ({"response_minutes": "²"}, "写整数分钟"),
        ({"from_on": "昨天"}, "要写日期"),
        ({"until_on": "2025-12-31"}, "最后一天早于第一天"),
        ({"unit": "99-9999"}, "没有这个单元"),
        ({"unit": "9-0101"}, "没有这个单元"),  # of the other centre
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(visitor, change, says):
    answer = visitor("wang").post("/promises/preview", TERMS | change)
    assert answer.status_code == 422 and says in text_of(answer)
    assert "物业服务合同第 8 条" in answer.get_data(as_text=True) or "source" in change


def test_others_read_only_and_another_centre_reads_its_own(visitor):
    lin, hu = visitor("lin"), visitor("hu")
    saved(visitor("chen"), TERMS)
    assert "看看影响" not in text_of(lin.get("/promises")) and "报修二十分钟" in text_of(lin.get("/promises"))
    assert lin.post("/promises/save", TERMS).status_code in (403, 404)
    assert "报修二十分钟" not in text_of(hu.get("/promises")) and hu.get("/promises?centre=1").status_code == 404
