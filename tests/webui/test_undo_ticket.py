"""What was pressed on a ticket and a registration are offered to be undone, and one press takes them back."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from tests.webui.conftest import REPAIR


@pytest.fixture
def lin(app, visitor, repair):
    """Lin, whose registration can no longer be undone."""
    app.engine.undo_seconds = 30
    app.clock.advance(timedelta(minutes=1))
    return visitor("lin")


def offered(who, address: str = "/") -> dict[str, str]:
    """The offer's form: where it goes, and what it sends; empty without an offer."""
    shown = html.unescape(who.get(address).get_data(as_text=True))
    found = re.search(r'data-undo.*?<form method="post" action="([^"]+)">(.*?)</form>', shown, re.DOTALL)
    if found is None:
        return {}
    return {"": found[1]} | dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[2]))


def press(who, form: dict[str, str]):
    return who.post(form[""], {name: value for name, value in form.items() if name not in ("", "csrf_token")})


@pytest.mark.parametrize(
    ("address", "sent", "called", "trace"),
    [
        ("urge", {"text": "怎么还没来"}, "催办", "怎么还没来"),
        ("withdraw", {"reason": "自己修好了"}, "撤单", "自己修好了"),
        ("information", {"text": "阀门在管井"}, "客户补充", "阀门在管井"),
    ],
)
def test_what_was_pressed_is_offered_by_its_name_and_one_press_takes_it_back(lin, address, sent, called, trace):
    before = lin.get("/tickets/2026-0001").get_data(as_text=True)
    assert lin.post(f"/tickets/2026-0001/{address}", sent | {"request_id": "once"}).status_code == 303
    assert f"{called}：2026-0001" in lin.get("/").get_data(as_text=True)
    answer = press(lin, offered(lin))
    assert answer.status_code == 303 and answer.location == "/tickets/2026-0001"
    after = lin.get("/tickets/2026-0001").get_data(as_text=True)
    assert "就当没点过" in after and offered(lin) == {}
    assert ("派单" in before) and ("派单" in after)


def test_a_registration_is_taken_back_to_its_form(lin):
    lin.post("/register", REPAIR | {"request_id": "again", "request": "会议室灯闪"})
    form = offered(lin)
    assert form[""] == "/tickets/2026-0002/undo" and "step" not in form
    answer = press(lin, form)
    assert answer.status_code == 303 and answer.location.startswith("/register?draft=")
    shown = lin.get(answer.location).get_data(as_text=True)
    assert "会议室灯闪" in shown and "3-1201" in shown and "2026-0002 的登记撤销了" in shown
    assert lin.post("/register", REPAIR | {"request_id": "anew", "request": "会议室灯闪"}).status_code == 303


def test_it_is_over_after_thirty_seconds_and_nobody_elses(app, lin, visitor):
    lin.post("/tickets/2026-0001/urge", {"text": "快点", "request_id": "once"})
    form = offered(lin)
    assert offered(visitor("chen")) == {} and press(visitor("chen"), form).status_code == 404
    app.clock.advance(timedelta(seconds=30))
    assert offered(lin) == {} and press(lin, form).status_code == 409
