"""A step that the engine could not finish: whoever sent it keeps what they typed and sends again; the admin closes what is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.definitions import Procedure
from engine.tables import incident
from service.operations import registry
from tests.engine.drawing import flows, plain, process, service
from tests.engine.drawing import timer as timer_xml
from tests.webui.conftest import REPAIR
from tests.webui.test_story import do

WORDS = {"department": "engineering", "instruction": "茶水间先关水"}


@pytest.fixture
def broken(monkeypatch):
    """The release in use lacks an operation of the diagram, until this is called."""
    operation = registry._operations["slip.create"]
    monkeypatch.delitem(registry._operations, "slip.create")
    return lambda: monkeypatch.setitem(registry._operations, "slip.create", operation)


def incidents(app) -> list:
    with app.database.connect() as connection:
        return connection.execute(sa.select(incident).order_by(incident.c.opened_at)).all()


def test_a_step_that_failed_keeps_what_was_typed_and_is_sent_again_after_the_cause_is_mended(app, visitor, repair, broken):
    lin, admin, address = visitor("lin"), visitor("admin"), repair.split("?")[0]
    lin.get(repair)
    answer = lin.post(address, WORDS | {"request_id": "first"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "茶水间先关水" in page and "改好原因后再提交一次" in page
    assert "这个版本没有操作 slip.create" in page and "is not known" not in page
    (row,) = incidents(app)
    assert (row.element_id, row.resolved_at) == ("create_slip", None)

    page = lin.get(address).get_data(as_text=True)
    assert "提交时流程停住了" in page and "茶水间先关水" in page, "also on another computer, after a reload"
    listed = admin.get("/incidents").get_data(as_text=True)
    assert "步骤 create_slip：这个版本没有操作 slip.create" in listed and "由他再提交" in listed
    admin.post("/me", {"language": "en"})
    assert "Step at create_slip failed: Operation slip.create is not known here." in admin.get("/incidents").get_data(as_text=True)
    admin.post("/me", {"language": "zh"})

    broken()
    admin.post("/incidents", {"do": "resolve", "incident": row.id, "note": "升到有这个操作的版本"})
    page = lin.get(address).get_data(as_text=True)
    assert "故障处理好了" in page and "升到有这个操作的版本" in page and "茶水间先关水" in page
    do(lin, address, WORDS)
    assert "茶水间先关水" in lin.get("/tickets/2026-0001").get_data(as_text=True)


def test_the_admin_closes_what_was_done_since(app, visitor, repair, broken):
    lin, admin, address = visitor("lin"), visitor("admin"), repair.split("?")[0]
    lin.post(address, WORDS | {"request_id": "first"})
    admin.post("/incidents", {"do": "settle"})
    assert [row.resolved_at for row in incidents(app)] == [None], "it is not done yet"
    broken()
    app.clock.advance(timedelta(seconds=1))
    do(lin, address, WORDS)
    admin.post("/incidents", {"do": "settle"})
    assert [row.resolved_by for row in incidents(app)] == ["system"]
    assert visitor("chen").post("/incidents", {"do": "settle"}).status_code == 404


def test_a_registration_that_failed_keeps_what_was_typed(visitor, monkeypatch):
    operation = registry._operations["ticket.set-targets"]
    monkeypatch.delitem(registry._operations, "ticket.set-targets")
    lin = visitor("lin")
    answer = lin.post("/register", REPAIR | {"request": "照客户的原话", "request_id": "x"})
    assert answer.status_code == 409 and "照客户的原话" in answer.get_data(as_text=True)
    monkeypatch.setitem(registry._operations, "ticket.set-targets", operation)
    assert lin.post("/register", REPAIR | {"request": "照客户的原话", "request_id": "x"}).status_code == 303


def test_a_procedure_that_did_not_begin_by_itself_is_named_and_can_be_tried_again(app, visitor):
    starts = plain("startEvent", "s", timer_xml("Cycle", "0 0 2 * * *"))
    night = process("night", starts, service("lock", "night.lock"), plain("endEvent", "e"), flows("s > lock", "lock > e"))
    sheet = "code: N\nname: 夜间锁门\nvariables: {}\n".encode()
    with app.engine.unit() as unit:
        app.engine.catalogue.put(unit.connection, Procedure.from_files({"night.bpmn": night, "control-sheet.yaml": sheet}), unit.now, "x")
    app.engine.arm_starts()
    for _ in range(6):
        app.clock.advance(timedelta(hours=8))
        app.engine.fire_due()
    page = visitor("admin").get("/incidents").get_data(as_text=True)
    assert "night，lock" in page and "这个版本没有操作 night.lock" in page
    assert 'value="retry"' in page and "由他再提交" not in page
