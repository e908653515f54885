"""Makes Excel files for tests: as somebody would fill them in, and as somebody would to do harm."""

from __future__ import annotations

import io
import zipfile

from openpyxl import Workbook

UNITS = ["楼栋", "楼层", "单元号", "客户类型", "面积", "客户名称", "联系人", "电话", "VIP", "习惯和禁忌"]
PEOPLE = ["用户名", "姓名", "手机", "角色", "部门", "在职"]


def filled(header, *rows, title=None, merge=(), formats=None) -> bytes:
    """A file with a header and rows; `title` is a line above it, `merge` ranges of cells, `formats` cell -> number format."""
    book = Workbook()
    sheet = book.active
    if title:
        sheet.append([title])
        sheet.merge_cells("A1:F1")
    for row in (header, *rows):
        sheet.append(list(row))
    for area in merge:
        sheet.merge_cells(area)
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def units(*rows, **options) -> bytes:
    return filled(UNITS, *rows, **options)


def people(*rows, **options) -> bytes:
    return filled(PEOPLE, *rows, **options)


def changed(content: bytes, part: str, change) -> bytes:
    """The file with one of its parts replaced by `change(text)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            text = before.read(name)
            after.writestr(name, change(text) if name == part else text)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def with_rows(content: bytes, rows: bytes) -> bytes:
    """The file with raw rows put behind its own."""
    return changed(content, SHEET, lambda text: text.replace(b"</sheetData>", rows + b"</sheetData>"))
