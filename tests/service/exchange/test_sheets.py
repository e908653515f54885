"""What is read out of a file, what is refused before it can do harm, and what a written file says when it is read again."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook, load_workbook

from service.exchange import sheets
from service.exchange.columns import PEOPLE, UNITS
from service.exchange.sheets import FileRefused
from tests.service.exchange import files


def read(content: bytes, columns=UNITS):
    return sheets.read(content, columns)


def refused(content: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        read(content)
    return caught.value.rule


# --- as people fill it in ---------------------------------------------------------------------------------------------


def test_rows_come_with_their_number_and_their_cells_as_text():
    found = read(files.units(["3座", 12, "1201", "公司", 180.5, "恒远", "沈静", 13800132046, True]))
    assert [(line.row, line.cells) for line in found.lines] == [
        (
            2,
            {
                "building": "3座",
                "floor": "12",
                "unit": "1201",
                "kind": "公司",
                "area": "180.5",
                "customer": "恒远",
                "contact": "沈静",
                "phones": "13800132046",
                "vip": "是",
            },
        )
    ]


def test_the_header_may_stand_below_a_title_and_in_another_order_and_language():
    found = read(files.filled(["Unit", "备注栏", "Building*"], ["1201", "x", "3"], title="单元清册"))
    assert [line.cells for line in found.lines] == [{"building": "3", "unit": "1201"}]
    assert found.unread == ["备注栏"]


def test_the_template_itself_holds_no_row():
    for columns, language in ((UNITS, "zh"), (UNITS, "en"), (PEOPLE, "zh"), (PEOPLE, "en")):
        with pytest.raises(FileRefused) as caught:
            read(sheets.template(columns, "模板", language), columns)
        assert caught.value.rule == "no-rows"


def test_the_template_explains_each_column_and_offers_choices():
    sheet = load_workbook(io.BytesIO(sheets.template(UNITS, "单元"))).active
    assert [cell.value for cell in sheet[1]][:3] == ["楼栋*", "楼层", "单元号*"]
    assert sheet["A2"].value.startswith("※") and sheet["C1"].comment and sheet["A3"].value == "例：3座"
    assert sheet.freeze_panes == "A2" and {v.formula1 for v in sheet.data_validations.dataValidation} == {
        '"公司,住户"',
        '"是,否"',
    }
    assert sheet["C4"].number_format == "@", "a code like 3-12 must not become a date"


def test_blank_rows_spaces_and_cells_with_spaces_only_are_no_rows():
    found = read(files.units(["3座", "", " 1201\u3000"], [], ["  ", "\u3000", None], ["3座", None, "1202"]))
    assert [(line.row, line["unit"]) for line in found.lines] == [(2, "1201"), (5, "1202")]


def test_a_building_merged_over_several_rows_counts_for_each():
    found = read(
        files.units(["3座", "", "1201"], [None, "", "1202"], [None, "", "1203"], ["2座", "", "0801"], merge=["A2:A4"])
    )
    assert [(line["building"], line["unit"]) for line in found.lines] == [
        ("3座", "1201"),
        ("3座", "1202"),
        ("3座", "1203"),
        ("2座", "0801"),
    ]


def test_a_merged_cell_lends_its_value_to_no_blank_row():
    found = read(files.units(["3座", "", "1201"], [], ["", "", "1203"], merge=["A2:A4"]))
    assert [line.row for line in found.lines] == [2, 4]


@pytest.mark.parametrize("value, rule", [("=1+1", "formula"), (date(2026, 3, 12), "date"), ("字" * 201, "too-long")])
def test_a_cell_that_is_no_plain_text_is_named(value, rule):
    found = read(files.units(["3座", "", "1201", "", "", value]))
    assert [(f.row, f.column, f.rule) for f in found.faults] == [(2, "customer", rule)]


def test_a_text_that_only_looks_like_a_formula_is_taken_as_text():
    book = Workbook()
    book.active.append(files.UNITS)
    book.active.append(["3座", "", "1201", "", "", "x"])
    book.active["F2"].value, book.active["F2"].data_type = "=cmd|' /C calc'!A0", "s"
    found = read(files.saved(book))
    assert found.faults == [] and found.lines[0]["customer"] == "=cmd|' /C calc'!A0"


def test_a_broken_formula_is_named():
    book = Workbook()
    book.active.append(files.UNITS)
    book.active.append(["3座", "", "1201"])
    book.active["E2"].value, book.active["E2"].data_type = "#N/A", "e"
    assert read(files.saved(book)).faults[0].rule == "error-value"


def test_the_sheet_with_the_header_is_taken_wherever_it_stands():
    book = Workbook()
    book.active.append(["说明"])
    book.create_sheet("数据").append(["楼栋", "单元号"])
    book["数据"].append(["3", "1201"])
    assert len(read(files.saved(book)).lines) == 1


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, rule",
    [
        (b"", "empty"),
        (b"x" * 10_000_001, "too-big"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old-format"),
        ("楼栋,单元号\n3,1201".encode(), "not-xlsx"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "not-xlsx"),
        (b"PK\x03\x04 broken", "not-xlsx"),
    ],
)
def test_what_only_calls_itself_xlsx_is_refused(content, rule):
    assert refused(content) == rule


def test_another_kind_of_archive_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert refused(out.getvalue()) == "not-xlsx"


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    bomb = files.with_rows(
        files.units(["3", "", "1"]), b"<row><c t='inlineStr'><is><t>" + b"0" * 90_000_000 + b"</t></is></c></row>"
    )
    assert len(bomb) < 200_000
    started = time.process_time()
    assert refused(bomb) == "unpacks-too-big"
    assert time.process_time() - started < 0.5


def test_a_million_empty_rows_are_no_harm():
    rows = b"".join(b'<row r="%d" spans="1:10"><c r="A%d" s="1"/></row>' % (n, n) for n in range(3, 1_000_001))
    found, started = files.with_rows(files.units(["3座", "", "1201"]), rows), time.process_time()
    assert [line.row for line in read(found).lines] == [2]
    assert time.process_time() - started < 15


def test_a_row_number_beyond_any_sheet_ends_the_reading():
    far = files.with_rows(
        files.units(["3座", "", "1201"]), b'<row r="99999999999"><c r="A99999999999" t="str"><v>3</v></c></row>'
    )
    started = time.process_time()
    assert [line.row for line in read(far).lines] == [2]
    assert time.process_time() - started < 15


def test_more_rows_than_are_taken_are_refused():
    rows = b"".join(
        b'<row r="%d"><c r="A%d" t="str"><v>3</v></c><c r="C%d" t="str"><v>%d</v></c></row>' % (n, n, n, n)
        for n in range(3, 30_000)
    )
    assert refused(files.with_rows(files.units(["3座", "", "1201"]), rows)) == "too-many-rows"


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    ],
)
def test_entities_are_refused(prolog):
    content = files.changed(
        files.units(["3", "", "1"]), files.SHEET, lambda text: text.replace(b"<worksheet", prolog + b"<worksheet", 1)
    )
    assert refused(content) == "unsafe"


def test_another_encoding_cannot_hide_entities():
    content = files.changed(files.units(["3", "", "1"]), files.SHEET, lambda text: text.decode().encode("utf-16"))
    assert refused(content) == "unsafe"


ROWS_WITHOUT_NUMBERS = (
    b'<row/><row><c/><c/><c t="str"><v>x</v></c></row><row><c t="str"><v>3</v></c><c/><c t="str"><v>1209</v></c></row>'
)


def test_rows_and_cells_without_numbers_are_counted_by_their_place():
    found = read(files.with_rows(files.units(["3", "", "1"]), ROWS_WITHOUT_NUMBERS))
    assert [(line.row, line["building"], line["unit"]) for line in found.lines] == [
        (2, "3", "1"),
        (4, "", "x"),
        (5, "3", "1209"),
    ]


HOSTILE_TEXTS = {
    "cells without an end": (files.SHEET, b"<c " * 3_000_000),
    "rows without an end": (files.SHEET, b"<row r=" * 3_000_000),
    "merges without an end": (files.SHEET, b"<mergeCell " * 2_000_000),
    "spaces": (files.SHEET, b"<c" + b" " * 20_000_000),
    "runs of one text": (
        files.SHEET,
        b'<row r="9"><c r="A9" t="inlineStr"><is>' + b"<r><t>a</t></r>" * 2_000_000 + b"</is></c></row>",
    ),
    "styles": ("xl/styles.xml", b"<xf/>" * 500_000),
}


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_a_part_that_would_take_minutes_to_read_is_left_in_seconds(name):
    part, text = HOSTILE_TEXTS[name]
    content = files.changed(
        files.units(["3", "", "1"]),
        part,
        lambda old: old.replace(b"</sheetData>", text + b"</sheetData>").replace(b"</cellXfs>", text + b"</cellXfs>"),
    )
    started = time.process_time()
    with pytest.raises(FileRefused):
        read(content)
    assert time.process_time() - started < 5


def test_what_stands_behind_the_rows_is_not_even_parsed():
    behind = b'<conditionalFormatting sqref="A1"><cfRule type="x"/></conditionalFormatting>' * 50_000
    content = files.changed(
        files.units(["3", "", "1"]), files.SHEET, lambda old: old.replace(b"</sheetData>", b"</sheetData>" + behind)
    )
    started = time.process_time()
    assert len(read(content).lines) == 1 and time.process_time() - started < 5


def test_a_part_that_is_there_twice_is_refused():
    out = io.BytesIO(files.units(["3", "", "1"]))
    with pytest.warns(UserWarning), zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    assert refused(out.getvalue()) == "unsafe"


def test_huge_styles_are_refused():
    content = files.changed(
        files.units(["3", "", "1"]), "xl/styles.xml", lambda text: text + b"<!--" + b"x" * 6_000_000 + b"-->"
    )
    assert refused(content) == "unsafe"


def test_a_file_without_the_needed_columns_names_them():
    with pytest.raises(FileRefused, match="楼栋、单元号"):
        read(files.filled(["单元号", "客户"], ["1201", "x"]))


def test_a_column_named_twice_is_refused():
    assert refused(files.filled(["楼栋", "单元号", "电话", "手机"], ["3", "1", "2", "4"])) == "column-twice"


# --- what is written --------------------------------------------------------------------------------------------------

HOSTILE = [
    "=1+1",
    "+86 138 0013 2046",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＋86",
    "－1",
    "＠x",
    '=HYPERLINK("http://x","y")',
    "#N/A",
    "3-12",
    "00123",
    "2026-11-20",
    "1e5",
]


def written(rows, heads=(("标题", 20),)):
    out = io.BytesIO()
    count = sheets.write(out, "工单/1", heads, rows, lambda _: [("导出时间", "2026-11-20 17:45")], "说明")
    return count, load_workbook(out)


def test_every_cell_comes_back_as_the_text_that_it_was():
    count, book = written([[text] for text in HOSTILE])
    cells = [row[0] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert count == len(HOSTILE)
    assert [cell.value.replace("\r", "\n") for cell in cells] == [text.replace("\r", "\n") for text in HOSTILE]
    assert {cell.data_type for cell in cells} == {"s"} and {cell.number_format for cell in cells} == {"@"}


def test_what_looks_like_a_formula_has_the_quote_mark_that_keeps_it_a_text():
    _, book = written([[text] for text in HOSTILE])
    quoted = [bool(row[0].quotePrefix) for row in book.worksheets[0].iter_rows(min_row=2)]
    assert quoted == [text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")) for text in HOSTILE]


def test_no_part_of_the_file_holds_a_formula():
    out = io.BytesIO()
    sheets.write(out, "x", [("=A", 9)], [[text] for text in HOSTILE])
    with zipfile.ZipFile(out) as archive:
        assert not any(b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist())


def test_the_header_stays_in_sight_and_columns_have_their_width():
    _, book = written([["a"]])
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "A2" and sheet.column_dimensions["A"].width == 20 and sheet["A1"].font.bold
    assert sheet.title == "工单 1" and book.worksheets[1]["B1"].value == "2026-11-20 17:45"


def test_what_no_file_can_hold_is_left_out():
    _, book = written([["a\x00b\x1bc\ud800d"], ["长" * 40_000]])
    first, second = (row[0].value for row in book.worksheets[0].iter_rows(min_row=2))
    assert first == "abcd" and len(second) == 32_000 and second.endswith("…")


# --- words ------------------------------------------------------------------------------------------------------------


def test_every_rule_that_the_code_names_has_a_sentence_and_the_other_way_round():
    import re
    from pathlib import Path

    from service.exchange import wording

    folder = Path(sheets.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "wording.py")
    refused = set(re.findall(r'FileRefused\(\s*"([\w-]+)"', code))
    faults = set(re.findall(r'Unreadable\(\s*"([\w-]+)"', code)) | set(
        re.findall(r'\.fault\(\s*"\w+",\s*"([\w-]+)"', code)
    )
    faults |= {"differs", "missing"}  # their column is a variable
    assert (refused, faults) == (set(wording.FILES), set(wording.ROWS))
    for zh, en in (*wording.FILES.values(), *wording.ROWS.values()):
        assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", en)), en
