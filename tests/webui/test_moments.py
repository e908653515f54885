"""Dates and times are typed one way in both languages, loosely or not, and no page leaves their look to the browser."""

from __future__ import annotations

import re
from datetime import date, datetime, time

import pytest

from tests.webui.conftest import ROOT
from webui import moments
from webui.filters import CENTRE_ZONE


@pytest.mark.parametrize(
    ("kind", "typed", "written"),
    [
        ("date", "2025-12-01", "2025-12-01"),
        ("date", " 20251201 ", "2025-12-01"),
        ("date", "2025/12/1", "2025-12-01"),
        ("date", "2025年12月1日", "2025-12-01"),
        ("date", "２０２５．１２．１", "2025-12-01"),
        ("time", "8:30", "08:30"),
        ("time", "0830", "08:30"),
        ("time", "8：30", "08:30"),
        ("time", "17:20:00", "17:20"),
        ("datetime", "2025-12-01T08:30", "2025-12-01 08:30"),
        ("datetime", "202512010830", "2025-12-01 08:30"),
        ("datetime", "2025/12/1 8：30", "2025-12-01 08:30"),
        ("datetime", "明天下午", "明天下午"),
        ("date", "12/01/2025", "12/01/2025"),
        ("date", "", ""),
    ],
)
def test_what_is_typed_loosely_is_written_one_way(kind, typed, written):
    assert moments.written(kind, typed) == written


def test_what_is_none_is_none():
    assert moments.day("2025-02-30") is moments.day("") is moments.day(None) is None
    assert moments.hour("25:00") is moments.hour("8") is None
    assert moments.instant("2025-12-01") is moments.instant("2025-12-01 24:01") is None
    assert moments.day("2025/12/1") == date(2025, 12, 1) and moments.hour("0830") == time(8, 30)
    assert moments.instant("202512010830") == datetime(2025, 12, 1, 8, 30, tzinfo=CENTRE_ZONE)


def test_no_page_leaves_a_date_or_a_time_to_the_browsers_own_way_of_writing_it():
    native = re.compile(r"""type=["']?(date|time|datetime-local|month|week)\b""")
    bare = [
        f"{path.name}: {line.strip()[:80]}"
        for path in (ROOT / "webui" / "templates").rglob("*.html")
        for line in path.read_text(encoding="utf-8").splitlines()
        if native.search(line)
    ]
    assert bare == [], "use the macro of fields/_moment.html"


def test_no_page_reads_a_date_from_a_person_in_another_way():
    """A text of the domain (a stored value, an address of ours) is ISO; what a form sends goes through `moments`."""
    sent = re.compile(r"fromisoformat\((?:request\.|_text\(|values\[|form\b)")
    loose = [
        f"{path.name}:{number}"
        for path in (ROOT / "webui").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if sent.search(line)
    ]
    assert loose == []


@pytest.mark.parametrize("typed", ["2026-11-20T19:00", "2026-11-20 19:00", "202611201900", "2026/11/20 19：00"])
def test_a_promise_is_kept_however_its_moment_was_typed(visitor, repair, typed):
    lin = visitor("lin")
    lin.get("/tickets/2026-0001")
    assert lin.post("/tickets/2026-0001/promise", {"text": "给回话", "due_at": typed}).status_code == 303
    assert "19:00" in lin.get("/tickets/2026-0001").get_data(as_text=True)


def test_a_form_of_a_procedure_takes_a_loose_moment_and_shows_it_as_written(visitor):
    from tests.webui.conftest import REPAIR

    lin = visitor("lin")
    typed = REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026/11/23 9：30", "request_id": "x"}
    assert lin.post("/register", typed).status_code == 303
    assert "09:30" in lin.get("/tickets/2026-0001").get_data(as_text=True)
    again = lin.post("/register", typed | {"request": "", "request_id": "y"}).get_data(as_text=True)
    assert 'value="2026-11-23 09:30"' in again
