"""The registers on the screen, as an Excel file and as the paper form: the same entries everywhere, for those who may read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.registers import rules
from service.registers.rules import Record
from tests.webui.conftest import REPAIR, ROOT
from tests.webui.test_exchange import table

CALLS = "/registers/call-visit-register"


def words(answer) -> str:
    assert answer.status_code == 200
    return re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))


def test_the_five_records_of_chapter_6_are_there_by_their_names(visitor, repair):
    text = words(visitor("lin").get("/registers"))
    for name in (
        "客户来电来访信息登记表",
        "值班/交接班记录表",
        "客户来访人员情况登记表",
        "客户拜访记录表",
        "巡查记录表",
    ):
        assert name in text
    assert text.count("没有记录") == 4 and "1 条" in text and "没填全 1 条" in text and "0%" in text


def test_an_entry_stands_in_the_register_with_what_is_missing(visitor, repair):
    text = words(visitor("lin").get(CALLS))
    assert "茶水间吊顶漏水" in text and "恒远律师事务所" in text and "客户没提" in text
    assert "没填全：联系单号" in text, "a repair carries its slip number (clause 24.8)"
    assert "填全 0 / 1，0%" in text


def test_days_weeks_and_months_are_a_tap_away_and_another_day_is_empty(visitor, repair):
    lin = visitor("lin")
    for span in ("day", "week", "month"):
        assert "茶水间" in words(lin.get(f"{CALLS}?span={span}")), span
    assert "这段时间没有记录" in words(lin.get(f"{CALLS}?on=2026-11-19"))
    assert "11月16日到11月22日" in words(lin.get(f"{CALLS}?span=week"))


def test_the_file_has_the_rows_and_columns_of_the_page(visitor, repair):
    head, row = table(visitor("lin").get(f"{CALLS}.xlsx"))
    assert head[0] == "序号" and head[-1] == "没填全" and len(head) == len(rules.COLUMNS[Record.CALLS]) + 2
    assert row[0] == "1" and row[-1] == "联系单号" and "3-1201" in row and "2026-11-20 10:00" in row


def test_the_file_takes_the_filters_of_the_page(visitor, repair):
    lin = visitor("lin")
    assert len(table(lin.get(f"{CALLS}.xlsx?category=repair"))) == 2
    assert len(table(lin.get(f"{CALLS}.xlsx?category=praise"))) == 1
    assert len(table(lin.get(f"{CALLS}.xlsx?on=2026-11-19"))) == 1


@pytest.mark.parametrize("record", list(Record))
def test_every_record_has_its_paper_form_with_the_columns_and_a_line_for_signatures(visitor, repair, record):
    text = words(visitor("chen").get(f"/registers/{record}/print"))
    assert "主管审核" in text and "经理审核" in text and "江湾中心" in text and "安和物业" in text
    assert "2026年11月20日 周五" in text, "what lies in a file says its year"


def test_the_paper_form_is_set_in_song_type_on_a4_without_colour():
    css = (Path(ROOT) / "webui/static/css/paper.css").read_text(encoding="utf-8")
    assert "A4 landscape" in css and "Noto Serif CJK SC" in css and "display: table-header-group" in css


def test_nothing_leads_to_a_day_that_has_not_come(visitor, repair):
    chen = visitor("chen")
    assert "往后" not in words(chen.get(CALLS)) and "往后" in words(chen.get(f"{CALLS}?on=2026-11-19"))


def test_who_reads_no_register_finds_none(visitor, repair):
    for username in ("liu", "sun", "admin"):
        someone = visitor(username)
        for path in ("/registers", CALLS, f"{CALLS}.xlsx", f"{CALLS}/print"):
            assert someone.get(path).status_code == 404, (username, path)
    assert visitor("qin").get(CALLS).status_code == 200, "quality reads every centre's"


def test_another_centres_register_is_not_there(visitor, repair):
    hu = visitor("hu")
    assert "茶水间" not in words(hu.get(CALLS))
    for path in (f"{CALLS}?centre=1", f"{CALLS}.xlsx?centre=1", f"{CALLS}/print?centre=1", "/registers?centre=1"):
        assert hu.get(path).status_code == 404, path
    assert hu.get("/registers/secrets").status_code == 404


def test_the_register_is_in_english_for_who_reads_english(visitor, repair):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    text = words(lin.get(CALLS))
    assert "Call and visit register" in text and "Repair" in text and "Urgency" not in text
    assert (
        re.search(
            r"[\u4e00-\u9fff]", re.sub(r"茶水间吊顶漏水，滴到会议室|恒远律师事务所|林晓雯|林|中文|江湾中心", "", text)
        )
        is None
    )


def test_what_was_said_is_text_and_nothing_else(visitor):
    lin = visitor("lin")
    lin.post("/register", REPAIR | {"request": "<b>滴水</b>=1+1", "request_id": "x"})
    assert "<b>滴水" not in lin.get(CALLS).get_data(as_text=True)
    assert any("<b>滴水</b>=1+1" in cell for cell in table(lin.get(f"{CALLS}.xlsx"))[1])
