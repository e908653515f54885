"""A step that is late at the desk: the owner and the supervisor are reminded once, and the step stays where it is."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from service.notifications.deliver import deliver_due
from tests.webui.conftest import CHINA, REPAIR


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


def minutes_pass(app, minutes: int) -> None:
    app.clock.advance(timedelta(minutes=minutes))
    app.engine.fire_due()
    deliver_due(app)


def test_a_dispatch_that_is_late_is_told_to_the_owner_and_the_supervisor_once(app, visitor):
    app.clock.set(datetime(2026, 11, 20, 10, 0, tzinfo=CHINA))
    lin, chen = visitor("lin"), visitor("chen")
    task = lin.post("/register", REPAIR | {"urgency": "normal", "unit_id": "2", "request_id": "r"}).location
    minutes_pass(app, 14)
    assert "到时没派单" not in text_of(lin.get("/notices"))
    minutes_pass(app, 1)
    minutes_pass(app, 60)
    for reader in (lin, chen):
        assert text_of(reader.get("/notices")).count("到时没派单") == 1
    assert lin.get(task).status_code == 200 and "派单" in text_of(lin.get("/"))


def test_a_return_visit_that_is_late_is_told_the_next_day(app, visitor):
    app.clock.set(datetime(2026, 11, 20, 10, 0, tzinfo=CHINA))
    lin = visitor("lin")
    spot = REPAIR | {"urgency": "normal", "unit_id": "2", "request_id": "r", "on_the_spot": "true"}
    task = lin.post("/register", spot).location
    lin.get(task)
    assert lin.post(task.split("?")[0], {"result": "拧紧了接头", "request_id": "done"}).status_code == 303
    minutes_pass(app, 24 * 60)  # Saturday is closed
    assert "到时没回访" not in text_of(visitor("lin").get("/notices"))
    minutes_pass(app, 2 * 24 * 60)
    assert text_of(visitor("lin").get("/notices")).count("到时没回访") == 1
