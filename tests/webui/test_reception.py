"""The desk's own books on the screen: a missed call from its note to its ticket, a visitor in and out, a visit; their registers."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from service.reception.models import CustomerVisit, MissedCall, Visitor
from tests.webui.conftest import REPAIR
from tests.webui.test_exchange import table

CALL = {"phone": "138 0013 2046", "rang_at": "09:58", "rings": "5"}
VISITOR = {"name": "张伟", "host": "恒远律师事务所", "purpose": "送合同", "id_kind": "id-card", "badge": "A12"}
VISIT = {
    "where": "3-1201", "contact": "沈静", "visited_at": "2026/11/20 9：30", "purpose": "发停水通知",
    "interview": "续租没问题，空调偏冷", "wishes": "想换一盏灯",
}  # fmt: skip


def words(answer) -> str:
    return re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))


def count(app, kind) -> int:
    with app.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(kind))


def test_a_missed_call_goes_from_its_note_over_the_call_back_to_its_ticket(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    noted = lin.post("/reception/calls", CALL | {"request_id": "noted"})
    page = lin.get(noted.location)
    assert "响了几声" in words(page) and "13800132046" in words(page) and "要办的事" in words(page)
    assert "LD2026-0001" in words(lin.get("/")), "it stands in the list of work"

    short = lin.post(noted.location, {"reached": "yes", "has_request": "yes", "request_id": "a"})
    assert short.status_code == 422 and "这一项要填" in words(short)
    told = {"reached": "yes", "reason": "在接另一个电话", "words": "灯不亮", "has_request": "yes", "request_id": "b"}
    page = lin.get(lin.post(noted.location, told).location)
    register = re.search(r'href="(/register\?[^"]+)"', page.get_data(as_text=True))[1].replace("&amp;", "&")
    assert "channel=missed-call" in register and lin.get(register).status_code == 200
    lin.post("/register", REPAIR | {"channel": "missed-call", "request_id": "c"})
    assert 'value="2026-0001"' in lin.get(noted.location).get_data(as_text=True), "the ticket just registered is offered"
    wrong = lin.post(noted.location, {"ticket_number": "2026-9999", "request_id": "d"})
    assert wrong.status_code == 422 and "没有 2026-9999 这张单" in words(wrong)
    assert lin.post(noted.location, {"ticket_number": "2026-0001", "request_id": "e"}).status_code == 303
    assert "看工单 2026-0001" in re.sub(r"\s+", " ", words(lin.get(noted.location)))

    text = words(visitor("chen").get("/registers/call-visit-register"))
    assert "漏接来电" in text and "响了 5 声没接" in text and "说明：在接另一个电话" in text and "转 2026-0001" in text
    assert "13800132046" not in text and "138****2046" in text


def test_help_is_one_button_and_is_answered_on_its_page(app, visitor):
    lin, chen = visitor("lin"), visitor("chen")
    lin.get("/reception")
    page = lin.post("/reception/calls", CALL | {"request_id": "noted"}).location
    assert lin.post(f"{page}/help", {"question": "客户要投诉，怎么答复", "request_id": "h"}).status_code == 303
    work = chen.get("/").get_data(as_text=True)
    task = next(t for t in re.findall(r"/tasks/(\w{32})", work) if "怎么答复" in words(chen.get(f"/tasks/{t}")))
    assert "漏接来电" in words(chen.get(f"/tasks/{task}"))
    assert chen.post(f"/tasks/{task}", {"answer": "advise", "guidance": "先道歉", "request_id": "i"}).status_code == 303


def test_a_visitor_is_written_in_and_out_and_lists_hide_the_name(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    assert lin.post("/reception/visitors", VISITOR | {"request_id": "in"}).status_code == 303
    inside = words(lin.get("/reception"))
    assert "张伟" in inside and "证 A12" in inside
    assert lin.post("/reception/visitors/1/out", {}).status_code == 303
    assert "张伟" not in (out := words(lin.get("/reception"))) and "张**" in out
    assert out.index("登记来访") < out.index("这几天离开的 1 位") < out.index("张**"), "who is in and the form come first"
    for address in ("/registers/visitor-register", "/registers/visitor-register/print"):
        text = words(visitor("chen").get(address))
        assert "张**" in text and "身份证" in text and "送合同" in text and "张伟" not in text
    head, row = table(visitor("chen").get("/registers/visitor-register.xlsx"))
    assert head[2] == "来访人" and "张**" in row and row[-1] == "", "nothing is missing"


def test_a_visit_stands_in_its_register_and_its_wish_is_a_tap_from_a_ticket(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    assert lin.post("/reception/visits", VISIT | {"request_id": "v"}).status_code == 303
    page = lin.get("/reception").get_data(as_text=True)
    assert "续租没问题" in page and "/register?unit=1" in page.replace("&amp;", "&")
    for address in ("/registers/customer-visit", "/registers/customer-visit/print"):
        text = words(visitor("chen").get(address))
        assert "3-1201" in text and "恒远律师事务所" in text and "想换一盏灯" in text and "林晓雯" in text
    _, row = table(visitor("chen").get("/registers/customer-visit.xlsx"))
    assert "2026-11-20 09:30" in row and row[-1] == ""


@pytest.mark.parametrize(
    ("address", "form", "missing", "kind"),
    [
        ("/reception/calls", CALL, {"phone": "1", "rang_at": "25:00", "rings": "0"}, MissedCall),
        ("/reception/visitors", VISITOR, {"name": "", "host": "", "purpose": " ", "id_kind": "x"}, Visitor),
        ("/reception/visits", VISIT, {"where": "9-9", "contact": "", "visited_at": "x", "purpose": "", "interview": ""}, CustomerVisit),
    ],
)
def test_what_is_missing_is_said_at_its_field_and_what_was_typed_stays(app, visitor, address, form, missing, kind):
    lin = visitor("lin")
    lin.get("/reception")
    for field, value in missing.items():
        answer = lin.post(address, form | {field: value, "request_id": field})
        page = answer.get_data(as_text=True)
        prefix = {MissedCall: "call", Visitor: "visitor", CustomerVisit: "visit"}[kind]
        assert answer.status_code == 422 and f'id="bad-{prefix}-{field}"' in page, field
        kept = next(v for k, v in form.items() if k != field and k not in ("id_kind", "visited_at", "rang_at", "interview", "wishes"))
        assert f'value="{kept}"' in page, "what was typed stays"
    assert count(app, kind) == 0


def test_the_desk_keeps_its_books_and_nobody_else(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    page = lin.post("/reception/calls", CALL | {"request_id": "noted"}).location
    lin.post("/reception/visitors", VISITOR | {"request_id": "in"})
    for username in ("gao", "sun", "admin", "qin", "hu"):
        who = visitor(username)
        mine = 200 if username == "hu" else 404  # Hu keeps the desk of another centre
        assert who.get("/reception").status_code == mine, username
        assert "张伟" not in words(who.get("/reception"))
        assert who.get(page).status_code == (200 if username == "qin" else 404), "quality reads"
        assert who.post(page, {"reached": "no"}).status_code in (403, 404)
        assert who.post("/reception/visitors/1/out", {}).status_code == 404
        assert ('href="/reception"' in who.get("/").get_data(as_text=True)) == (username == "hu")
    assert "13800132046" not in words(visitor("qin").get(page)), "who only reads sees no whole number"


def test_it_is_the_same_in_english(app, visitor):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    lin.get("/reception")
    page = lin.get(lin.post("/reception/calls", CALL | {"request_id": "noted"}).location)
    assert "How often it rang" in words(page) and "Is there something to be done" in words(page)
    refused = words(lin.post("/reception/calls", CALL | {"phone": "1", "request_id": "x"}))
    assert "Write the number that called." in refused


def later(app, minutes: int) -> None:
    from datetime import timedelta

    from service.notifications.deliver import deliver_due

    app.clock.advance(timedelta(minutes=minutes))
    app.engine.fire_due()
    deliver_due(app)


def test_twice_not_reached_is_told_to_the_supervisor_and_ends_there(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    page = lin.post("/reception/calls", CALL | {"request_id": "noted"}).location
    assert lin.post(page, {"reached": "no", "request_id": "1"}).status_code == 303
    assert "回过几次" in words(lin.get(page)) and "记下" in words(lin.get(page)), "once more"
    assert lin.post(page, {"reached": "no", "request_id": "2"}).status_code == 303
    assert "两次没打通" in words(lin.get(page)) and "data-main" not in lin.get(page).get_data(as_text=True)
    later(app, 1)
    assert "漏接来电两次没打通" in words(visitor("chen").get("/notices"))


def test_a_call_not_returned_in_time_is_told_and_its_line_is_incomplete(app, visitor):
    lin = visitor("lin")
    lin.get("/reception")
    page = lin.post("/reception/calls", CALL | {"request_id": "noted"}).location
    assert "没填全：" not in words(lin.get("/registers/call-visit-register"))
    later(app, 15)
    assert "漏接来电十五分钟没回" in words(visitor("chen").get("/notices"))
    assert "没填全：处理结果" in words(lin.get("/registers/call-visit-register"))
    told = {"reached": "yes", "reason": "前台排队", "has_request": "yes", "request_id": "late"}
    assert lin.post(page, told).status_code == 303
    later(app, 15)
    assert "还没登记" in words(visitor("chen").get("/notices")) and "去登记" in words(lin.get(page))
