"""Each list goes out as an Excel file as its screen shows it: rows, order and filter, to those who have the screen, and logged."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from engine.tables import incident
from service.exchange.models import ExportRun
from tests.conftest import ROOT
from tests.webui.test_exchange import book, log, register, table
from tests.webui.test_story import do
from webui.views.listings import LISTS

EVERYBODY = {"lin", "chen", "wang", "gao", "qin", "admin", "hu"}
LEADS = {"chen", "wang"}
WHO = {
    "tickets": EVERYBODY,
    "work": EVERYBODY,
    "notices": EVERYBODY,
    "found": EVERYBODY,
    "substitutes": EVERYBODY,
    "queue": LEADS | {"gao"},
    "promises": EVERYBODY - {"admin"},
    "promised": LEADS | {"lin", "hu"},
    "board": LEADS | {"qin"},
    "calls": LEADS | {"qin"},
    "slips": LEADS | {"qin"},
    "load": LEADS | {"qin"},
    "incidents": {"admin"},
    "staff": {"admin"},
    "units": {"wang", "admin"},
}


@pytest.fixture
def failed(app, repair) -> None:
    """A step that stopped, with a cause that a spreadsheet would take for a formula."""
    with app.engine.unit() as unit:
        root = unit.connection.execute(sa.text("select id from process_instance limit 1")).scalar_one()
        row = {"root_id": root, "instance_id": root, "centre_id": 1, "kind": "error", "command": "{}", "tries": 2}
        unit.connection.execute(
            sa.insert(incident).values(
                id="f" * 32, reason="=1+1 no condition holds", element_id="dispatch", opened_at=unit.now, **row
            )
        )


@pytest.mark.parametrize("username", sorted(EVERYBODY))
def test_a_list_goes_to_those_who_have_its_screen_and_to_nobody_else(visitor, username):
    person = visitor(username)
    given = {key for key in LISTS if person.get(f"/{key}.xlsx").status_code == 200}
    assert given == {key for key, people in WHO.items() if username in people} and set(WHO) == set(LISTS)


def test_every_list_has_its_export_on_a_page():
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "webui/templates").rglob("*.html"))
    assert set(re.findall(r"exchange\.export', key='(\w+)'", pages)) == set(LISTS)


def test_the_board_goes_out_lane_by_lane_with_its_filter(visitor, repair):
    lin, chen = visitor("lin"), visitor("chen")
    register(lin, request="灯不亮", urgency="normal")
    assert do(lin, repair, {"department": "engineering", "instruction": "看一下"}) == "/"
    head, *rows = table(chen.get("/board.xlsx"))
    assert head[:5] == ["列", "剩余", "到期", "在办", "事项"] and [row[0] for row in rows] == ["客服组", "工程管理部"]
    shown = re.findall(r"data-row-action>([^<]+)</a>", chen.get("/board").get_data(as_text=True))
    assert [row[4] for row in rows] == shown
    assert [row[9] for row in table(chen.get("/board.xlsx?lane=engineering"))[1:]] == ["2026-0001"]
    assert table(chen.get("/board.xlsx?only=over"))[1:] == []
    assert [row[0] for row in table(chen.get("/board.xlsx?by=step"))[1:]] == ["待派", "待接单"]


def test_calls_slips_and_load_go_out_as_the_board_shows_them(visitor, repair):
    lin, chen = visitor("lin"), visitor("chen")
    assert do(lin, repair, {"department": "engineering", "instruction": "看一下"}) == "/"
    lin.get("/tickets/2026-0001")
    assert lin.post("/tickets/2026-0001/help", {"question": "没有钥匙"}).status_code == 303
    ((_, due, *call),) = table(chen.get("/calls.xlsx"))[1:]
    assert call[0] == "没有钥匙" and call[-2:] == ["林晓雯", "主管"] and re.fullmatch(r"2026-11-\d\d \d\d:\d\d", due)
    ((*_, slip, what, unit, department, state),) = table(chen.get("/slips.xlsx"))[1:]
    assert (slip, unit, department, state) == ("2026-0001-1", "3-1201", "工程管理部", "派出") and "漏水" in what
    people = {row[0]: row[3] for row in table(chen.get("/load.xlsx"))[1:]}
    assert people["林晓雯"] == "0" and "高卫东" in people


def test_incidents_go_out_as_text_in_the_centres_time(visitor, failed):
    answer = visitor("admin").get("/incidents.xlsx")
    (row,) = table(answer)[1:]
    assert row[1] == "=1+1 no condition holds" and row[2] == "2026-0001" and row[5] == "2026-11-20 10:00"
    cells = [cell for row in book(answer).worksheets[0].iter_rows(min_row=2) for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}


def test_units_go_out_with_their_customers_and_masked_phones_of_the_own_centres_only(visitor):
    _, *rows = table(visitor("wang").get("/units.xlsx"))
    by_unit = {row[3]: row for row in rows}
    assert by_unit["3-1201"][5:8] == ["公司", "恒远律师事务所", "VIP"]
    assert "****" in by_unit["3-1201"][8] and not re.search(r"\d{11}", str(rows))
    assert len({row[0] for row in rows}) == 1 and [row[3] for row in rows] == sorted(
        by_unit, key=lambda u: (u.split("-")[0], u)
    )


def test_staff_and_substitutes_and_what_was_found_go_out_as_shown(visitor, repair):
    lin, admin = visitor("lin"), visitor("admin")
    staff = {row[1]: row for row in table(admin.get("/staff.xlsx"))[1:]}
    assert staff["lin"][0] == "林晓雯" and "客服专员" in staff["lin"][2]
    entered = {"by": "zhou", "from": "2026-11-20T12:00", "until": "2026-11-21T12:00"}
    lin.get("/people")
    assert lin.post("/people/substitutes", entered).status_code == 303
    (row,) = table(lin.get("/substitutes.xlsx"))[1:]
    assert row[2:] == ["2026-11-20 12:00", "2026-11-21 12:00", "还没开始"]
    assert "2026-0001" in str(table(lin.get("/found.xlsx?q=漏水"))) and len(table(lin.get("/found.xlsx"))) == 1


def test_every_export_is_logged_with_its_filter_and_rows(app, visitor, repair):
    chen = visitor("chen")
    for path in ("/board.xlsx?by=step&only=soon", "/load.xlsx", "/found.xlsx?q=漏水"):
        assert chen.get(path).status_code == 200
    runs = {run.list: run for run in log(app, ExportRun)}
    assert runs["board"].filter == "by=step only=soon" and runs["found"].filter == "漏水"
    assert {run.by for run in runs.values()} == {"chen"} and all(run.rows is not None for run in runs.values())
