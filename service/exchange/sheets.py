"""Excel files: reading one that somebody sends, writing one that somebody takes. The only module that knows openpyxl.

What is sent is distrusted: its sizes are added up before anything is unpacked, it may hold no document types, and empty
rows (a million of them, where somebody coloured a column) are cut out before openpyxl sees them. Surprise: what is written
is text in every cell, so that nothing in a list can be a formula, a date or a rounded number on anybody's machine.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import IO, Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from service.errors import Refused
from service.exchange import rules, wording
from service.exchange.columns import Column

MAX_BYTES = 10_000_000
MAX_UNPACKED = 80_000_000
MAX_PART = 5_000_000  # of what holds neither rows nor texts: styles, relations, properties
MAX_PARTS = 500
MAX_TAGS = 100_000  # of the same
WINDOW = 150_000  # bytes of a part without a single tag; Excel's longest cell is shorter
MAX_ROWS = 20_000
MAX_CELLS = 400_000
MAX_COLUMNS = 60
LAST_ROW = 1_048_576  # of any Excel sheet
LONGEST_CELL = 32_000  # Excel takes 32,767
SKIPPED = ("※", "例：", "例:", "e.g.")  # the template's own rows

_HEADER_WITHIN = 20  # rows
_OLD_FORMAT = b"\xd0\xcf\x11\xe0"  # .xls, and .xlsx with a password
# Tags never run over the next "<", so that no file makes these patterns slow. Cells and rows without r="..." are counted by
# their place, so those stay.
_EMPTY_PARTS = re.compile(rb"<(?:\w+:)?(?:c|row)\s(?:[^<>]{0,300}\s)?r=\"[^\"<>]*\"[^<>]{0,300}/>")
_EMPTY_ROWS = re.compile(rb"<(?:\w+:)?row\s(?:[^<>]{0,300}\s)?r=\"[^\"<>]*\"[^<>]{0,300}>\s{0,100}</(?:\w+:)?row>")
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_TEXT = re.compile(rb"<(?:\w+:)?si[\s/>]")
_DATA = re.compile(rb"<((?:\w+:)?)sheetData(?:\s[^<>]{0,300})?(/?)>")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s(?:[^<>]{0,300}\s)?ref=\"([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})\"")
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_TEXTS = re.compile(r"xl/sharedStrings\.xml")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


About = Callable[[int], Sequence[tuple[str, str]]]  # number of rows -> (name, text) for a file's second sheet


def no_facts(_count: int) -> Sequence[tuple[str, str]]:
    return ()


class FileRefused(Refused):
    """The file is none that is taken. `rule` and `facts` are for the screen's own words (service.exchange.wording)."""

    def __init__(self, rule: str, **facts: Any):
        self.rule, self.facts = rule, facts
        super().__init__(wording.of_file(rule, facts, "en") + ".", "file")


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell that cannot be taken: its row in the sheet, the column's key, the rule that it breaks."""

    row: int
    column: str
    rule: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One row of data: column key -> text as it was meant. Empty cells are left out."""

    row: int
    cells: dict[str, str]
    bad: bool = False  # has a cell that could not be read

    def __getitem__(self, key: str) -> str:
        return self.cells.get(key, "")


@dataclass(slots=True)
class Sheet:
    """What a file holds for us. `unread` are the header's names that belong to no column."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


# --- reading ----------------------------------------------------------------------------------------------------------


def read(content: bytes, columns: Sequence[Column]) -> Sheet:
    """The rows of the first sheet whose header names the needed columns. Raises FileRefused."""
    clean, merged = _cleaned(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles that openpyxl does not know
            book = load_workbook(clean, read_only=True, keep_links=False)
            for sheet in book.worksheets[:20]:
                # the path inside the archive is the only way from a read-only sheet to its merged cells
                found = _read_sheet(sheet, columns, merged.get(sheet._worksheet_path, {}))
                if found is not None:
                    return _whole(found)
    except FileRefused:
        raise
    except Exception as error:  # whatever openpyxl stumbles over, the file is no good
        raise FileRefused("not-xlsx") from error
    raise FileRefused("no-header", columns="、".join(c.zh for c in columns if c.needed))


def _whole(sheet: Sheet) -> Sheet:
    if not sheet.lines and not sheet.faults:
        raise FileRefused("no-rows")
    return sheet


def _cleaned(content: bytes) -> tuple[IO[bytes], dict[str, dict[int, list[tuple[str, int]]]]]:
    """The file without empty rows and cells, and each sheet's merged cells: first row -> [(column, last row)]."""
    archive = _opened(content)
    clean, merged, cells = io.BytesIO(), {}, 0
    with archive, zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as out:
        for part in archive.infolist():
            if not part.filename.endswith((".xml", ".rels")):
                continue  # pictures, macros: not read
            text = _safe_part(archive, part)
            if _SHEET.fullmatch(part.filename):
                merged[part.filename] = _merges(text)
                text = _only_data(text)
                cells += _count(_CELL, text, MAX_CELLS)
                if cells > MAX_CELLS or _count(_ROW, text, MAX_ROWS + 100) > MAX_ROWS + 100:
                    raise FileRefused("too-many-rows", most=MAX_ROWS)
                _bound_tags(text, MAX_CELLS * 8)
            elif _TEXTS.fullmatch(part.filename):
                if _count(_TEXT, text, MAX_CELLS) > MAX_CELLS:
                    raise FileRefused("too-many-rows", most=MAX_ROWS)
                _bound_tags(text, MAX_CELLS * 5)
            else:
                _bound_tags(text, MAX_TAGS)
            out.writestr(part.filename, text)
    clean.seek(0)
    return clean, merged


def _only_data(text: bytes) -> bytes:
    """A sheet's rows with something in them, without what stands behind the rows: links, rules of looks, pictures."""
    start = _DATA.search(text, 0, 200_000)
    if start is None:
        raise FileRefused("unsafe")
    prefix, empty = start[1], start[2]
    end = start.end() if empty else text.find(b"</" + prefix + b"sheetData>", start.end())
    rows = _EMPTY_ROWS.sub(b"", _EMPTY_PARTS.sub(b"", text[start.end() : end])) if end > start.end() else b""
    return (
        text[: start.end()] + rows + (b"" if empty else b"</" + prefix + b"sheetData>") + b"</" + prefix + b"worksheet>"
    )


def _count(pattern: re.Pattern[bytes], text: bytes, most: int) -> int:
    """How often it stands there; counting stops behind `most`."""
    return sum(1 for _ in islice(pattern.finditer(text), most + 1))


def _bound_tags(text: bytes, most: int) -> None:
    """openpyxl makes an object of nearly every tag, so a small part may cost minutes."""
    if text.count(b"<") > most:
        raise FileRefused("unsafe")


def _opened(content: bytes) -> zipfile.ZipFile:
    if not content:
        raise FileRefused("empty")
    if len(content) > MAX_BYTES:
        raise FileRefused("too-big", megabytes=f"{len(content) / 1e6:.1f}")
    if content.startswith(_OLD_FORMAT):
        raise FileRefused("old-format")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise FileRefused("not-xlsx") from error
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED:
        raise FileRefused("unpacks-too-big", megabytes=unpacked // 1_000_000, most=MAX_UNPACKED // 1_000_000)
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        raise FileRefused("not-xlsx")
    if len(names) > MAX_PARTS or len(set(names)) < len(names) or any(part.flag_bits & 1 for part in parts):
        raise FileRefused("unsafe")
    return archive


def _safe_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """One XML part: in UTF-8, without a document type (no entities), no larger than what it says."""
    if part.file_size > MAX_PART and not (_SHEET.fullmatch(part.filename) or _TEXTS.fullmatch(part.filename)):
        raise FileRefused("unsafe")
    try:
        text = archive.read(part)  # never more than file_size, which was added up before
    except Exception as error:  # broken or lying archives fail in many ways
        raise FileRefused("not-xlsx") from error
    head = text.removeprefix(b"\xef\xbb\xbf")[:2]
    if not head.startswith(b"<") or b"\x00" in head or text.count(b"<!") > text.count(b"<![CDATA["):
        raise FileRefused("unsafe")  # in another encoding, or with document types or comments
    if any(text.find(b"<", at, at + WINDOW) < 0 for at in range(0, len(text) - WINDOW, WINDOW)):
        raise FileRefused("unsafe")  # one tag or text of hundreds of kilobytes takes the parser ages
    return text


def _merges(text: bytes) -> dict[int, list[tuple[str, int]]]:
    """Cells merged downwards: the value of the first one is meant for all rows."""
    found: dict[int, list[tuple[str, int]]] = {}
    for letters, first, last in (match.groups() for match in islice(_MERGED.finditer(text), MAX_ROWS)):
        if int(last) > int(first):
            found.setdefault(int(first), []).append((letters.decode(), int(last)))
    return found


def _read_sheet(sheet: Any, columns: Sequence[Column], merged: dict[int, list[tuple[str, int]]]) -> Sheet | None:
    sheet.reset_dimensions()  # what the file says about its size may be wrong
    places: dict[int, Column] | None = None
    found, seen, carried = Sheet(), 0, {}
    for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, max_row=LAST_ROW), 1):
        cells = [cell for cell in row if cell.value is not None]
        if not cells:
            continue
        if places is None:
            places = _header(cells, columns, found)
            seen += 1
            if places is None and seen >= _HEADER_WITHIN:
                return None
            continue
        _add_line(found, number, cells, places, _carry(carried, merged, number, cells))
        if len(found.lines) > MAX_ROWS:
            raise FileRefused("too-many-rows", most=MAX_ROWS)
    return None if places is None else found


def _header(cells: list[Any], columns: Sequence[Column], found: Sheet) -> dict[int, Column] | None:
    """column number -> Column, if this row names all needed ones."""
    names = {rules.bare(name): c for c in columns for name in (c.zh, c.en, c.key, *c.also)}
    places, unread = {}, []
    for cell in cells:
        column = names.get(rules.bare(str(cell.value)).rstrip("*"))
        if column is None:
            unread.append(rules.plain(str(cell.value))[:40])
        elif column in places.values():
            places[0] = column  # named twice; told only if this is the header row
        else:
            places[cell.column] = column
    if not {c for c in columns if c.needed} <= set(places.values()):
        return None
    if 0 in places:
        raise FileRefused("column-twice", column=places[0].zh)
    found.unread = unread
    return places


def _carry(carried: dict[int, tuple[int, Any]], merged: dict, number: int, cells: list[Any]) -> dict[int, Any]:
    """column number -> the cell that a merge from above stands for in this row."""
    by_column = {cell.column: cell for cell in cells}
    for letters, last in merged.get(number, ()):
        column = _column_number(letters)
        if column in by_column:
            carried[column] = (last, by_column[column])
    return {column: cell for column, (last, cell) in carried.items() if number <= last and column not in by_column}


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _add_line(found: Sheet, number: int, cells: list[Any], places: dict[int, Column], above: dict[int, Any]) -> None:
    own = {cell.column: cell for cell in cells if cell.column in places}
    if rules.plain(str(cells[0].value)).startswith(SKIPPED):
        return
    texts, faults = {}, []
    for position, column in sorted(places.items()):
        cell = own.get(position) or above.get(position)
        if cell is None:
            continue
        try:
            if text := _text(cell, column):
                texts[column.key] = text
        except rules.Unreadable as fault:
            faults.append(Fault(number, column.key, fault.rule, fault.facts))
    if not any(texts.get(places[p].key) for p in own) and not faults:
        return  # nothing but spaces, or only what a merge lends
    found.lines.append(Line(number, texts, bool(faults)))
    found.faults += faults


def _text(cell: Any, column: Column) -> str:
    """What a cell says, as text. Raises Unreadable for formulas, dates, errors and texts that are too long."""
    value = cell.value
    if cell.data_type == "f":
        raise rules.Unreadable("formula")
    if cell.data_type == "e":
        raise rules.Unreadable("error-value", text=str(value)[:20])
    if isinstance(value, (datetime, date, time, timedelta)):
        raise rules.Unreadable("date")
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)):
        text = str(int(value)) if value == int(value) else f"{value:.10g}"
    else:
        text = rules.plain(str(value))
    if len(text) > column.longest:
        raise rules.Unreadable("too-long", longest=column.longest)
    return text


# --- writing ----------------------------------------------------------------------------------------------------------


def write(
    out: IO[bytes],
    title: str,
    heads: Sequence[tuple[str, int]],
    rows: Iterable[Sequence[str]],
    about: About = no_facts,
    about_title: str = "About",
) -> int:
    """Write a list: header (name, width in characters), rows of text, and a second sheet with facts. How many rows.

    Rows are streamed; an iterator may be as long as it likes.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(title))
    sheet.freeze_panes = "A2"
    for position, (_, width) in enumerate(heads, 1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    sheet.append([_head(sheet, name) for name, _ in heads])
    cell, count = _TextCells(sheet), 0
    for row in rows:
        sheet.append([cell(text) for text in row])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{count + 1}"
    if facts := about(count):
        _write_about(book, about_title, facts)
    book.save(out)
    return count


def template(columns: Sequence[Column], title: str, language: str = "zh") -> bytes:
    """An empty file to fill in: header, a row that explains it, an example; both are skipped when it comes back."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(title))
    sheet.freeze_panes = "A2"
    for position, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(position)].width = column.width
    sheet.append(
        [_commented(_head(sheet, c.name(language) + ("*" if c.needed else "")), c.about(language)) for c in columns]
    )
    cell = _TextCells(sheet, Font(color="666666", italic=True), Alignment(wrap_text=True, vertical="top"))
    sheet.append([cell(("※ " if not at else "") + c.about(language)) for at, c in enumerate(columns)])
    sheet.append(
        [cell((SKIPPED[-1 if language == "en" else 1] if not at else "") + c.example) for at, c in enumerate(columns)]
    )
    empty = _TextCells(sheet)
    for _ in range(200):  # formatted as text, so that Excel does not make a date of 3-12
        sheet.append([empty("") for _ in columns])
    for position, column in enumerate(columns, 1):
        if column.choices:
            offered = DataValidation(type="list", formula1='"' + ",".join(column.choices) + '"', allow_blank=True)
            offered.add(f"{get_column_letter(position)}4:{get_column_letter(position)}{MAX_ROWS}")
            sheet.data_validations.append(offered)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class _TextCells:
    """Makes text cells of one look; style objects are worked out once, not per cell."""

    def __init__(self, sheet: Any, font: Font | None = None, alignment: Alignment | None = None):
        self.sheet = sheet
        self.usual = self._style(font, alignment, quoted=False)
        self.quoted = self._style(font, alignment, quoted=True)

    def _style(self, font: Font | None, alignment: Alignment | None, quoted: bool) -> Any:
        cell = WriteOnlyCell(self.sheet)
        cell.number_format = "@"
        cell.quotePrefix = quoted
        if font:
            cell.font = font
        if alignment:
            cell.alignment = alignment
        return cell._style

    def __call__(self, text: str) -> WriteOnlyCell:
        """A cell that says exactly this. What a spreadsheet could take for a formula also gets Excel's own quote mark,
        which is not part of the text: it stays one when somebody edits the cell."""
        text = _NOT_IN_XML.sub("", text)
        if len(text) > LONGEST_CELL:
            text = text[: LONGEST_CELL - 1] + "…"
        cell = WriteOnlyCell(self.sheet, value=text or None)
        if text:
            cell.data_type = "s"
        cell._style = self.quoted if text.startswith(_DANGEROUS) else self.usual
        return cell


def _head(sheet: Any, name: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=_NOT_IN_XML.sub("", name))
    cell.data_type = "s"
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="E6ECEA")
    cell.number_format = "@"
    return cell


def _commented(cell: WriteOnlyCell, text: str) -> WriteOnlyCell:
    cell.comment = Comment(text, "Zhiban", height=90, width=260)
    return cell


def _write_about(book: Workbook, title: str, about: Sequence[tuple[str, str]]) -> None:
    sheet = book.create_sheet(_sheet_title(title))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 18, 60
    cell = _TextCells(sheet)
    for name, text in about:
        sheet.append([_head(sheet, name), cell(text)])


def _sheet_title(text: str) -> str:
    return re.sub(r"[\\/*?:\[\]]", " ", text)[:31] or "Sheet"
