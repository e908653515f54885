"""The registers on the screens: which columns, what stands in a cell, the figures of completeness, the file and the paper form.

Surprise: an entry's values are raw (keys, instants in UTC) and become words here, so a signed review and a register of today are
shown by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from service.exchange import exporting
from service.organisation.models import Centre
from service.registers import queries, rules
from service.registers.rules import Column, Record, Row, Span
from service.reviews import queries as reviews
from webui import moments, people, words
from webui.filters import clock_time, date_words, local, month_day, now
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views import entries, things
from webui.views import findings as finding_views

PAGE = 100


def name(record: Record | str) -> str:
    return {
        "call-visit-register": gettext("客户来电来访信息登记表"),
        "shift-handover": gettext("值班/交接班记录表"),
        "visitor-register": gettext("客户来访人员情况登记表"),
        "customer-visit": gettext("客户拜访记录表"),
        "patrol-record": gettext("巡查记录表"),
    }[str(record)]


def heading(key: str) -> str:
    """The name of a column, as on the paper form."""
    return {
        "at": gettext("时间"),
        "channel": gettext("方式"),
        "place": gettext("房号/单位"),
        "customer": gettext("客户"),
        "contact": gettext("联系人"),
        "phone": gettext("电话"),
        "category": gettext("类别"),
        "request": gettext("客户诉求"),
        "expectation": gettext("客户期望"),
        "deadline": gettext("要求答复时限"),
        "slips": gettext("联系单号"),
        "result": gettext("处理结果"),
        "satisfaction": gettext("回访"),
        "by": gettext("经办"),
        "state": gettext("状态"),
        "kind": gettext("事项"),
        "post": gettext("岗位"),
        "person": gettext("值班/交班人"),
        "to": gettext("接班人"),
        "unfinished": gettext("未完成事项"),
        "to_follow": gettext("需跟进事项"),
        "goods": gettext("交接物资"),
        "matters": gettext("其他事项"),
        "difference": gettext("差异及处理"),
        "done_at": gettext("签字时间"),
        "visitor": gettext("来访人"),
        "host": gettext("访问谁"),
        "purpose": gettext("事由"),
        "id_kind": gettext("证件"),
        "badge": gettext("证号"),
        "left_at": gettext("离开时间"),
        "interview": gettext("访谈内容"),
        "wishes": gettext("意见和需求"),
        "day": gettext("日期"),
        "patrol": gettext("巡查"),
        "slot": gettext("时段"),
        "floor": gettext("楼层"),
        "findings": gettext("发现的问题"),
        "progress": gettext("处理情况"),
        "responsible": gettext("责任人"),
    }.get(key) or finding_views.group(key)


# --- cells ------------------------------------------------------------------------------------------------------------


def cell(record: Record | str, key: str, value: Any) -> str:
    """What stands in a cell of the form; empty for nothing."""
    if rules.empty(value):
        return ""
    say = _WORDS.get((str(record), key)) or _WORDS.get(("", key))
    return say(value) if say else str(value)


def _instant(value: str) -> str:
    """11-20 17:45, in the centre's time."""
    return f"{local(datetime.fromisoformat(value)):%m-%d %H:%M}"


def _deadline(value: str) -> str:
    return _instant(value) if value[:2] == "20" else gettext("客户没提")


def _sign(value: str) -> str:
    return {"fine": "√", "finding": "×", "na": "／"}.get(value, value)


def _visit(value: str) -> str:
    return {"waiting": gettext("没巡"), "done": gettext("巡过"), "missed": gettext("漏巡")}.get(value, value)


def _slot(value: str) -> str:
    return {"day": gettext("全天"), "morning": gettext("上午"), "afternoon": gettext("下午")}.get(value, value)


def _day(value: str) -> str:
    return month_day(date.fromisoformat(value))


_WORDS: dict[tuple[str, str], Callable[[Any], str]] = {
    ("", "at"): _instant,
    ("", "done_at"): _instant,
    ("", "left_at"): _instant,
    ("", "channel"): entries.channel,
    ("", "category"): entries.category,
    ("", "request"): entries.request,
    ("", "result"): entries.result,
    ("", "matters"): entries.matters,
    ("", "id_kind"): entries.id_kind,
    ("", "expectation"): words.expectation,
    ("", "deadline"): _deadline,
    ("", "slips"): lambda value: listed(*value, items=True),
    ("", "by"): people.name_of,
    ("", "person"): people.name_of,
    ("", "to"): people.name_of,
    ("", "responsible"): people.name_of,
    ("", "satisfaction"): lambda value: gettext("%(n)d 分（满意度）", n=int(value)),
    ("call-visit-register", "state"): entries.call_state,
    ("patrol-record", "state"): _visit,
    ("shift-handover", "state"): entries.duty_state,
    ("", "slot"): _slot,
    ("", "day"): _day,
    ("", "kind"): entries.kind,
    **{("", group): _sign for group in rules.GROUPS},
    ("", "findings"): lambda value: listed(
        *(f"{what}（{words.department(who)}）" for _, what, who in value), items=True
    ),
    ("", "progress"): lambda value: listed(*(f"{n} {finding_views.state(state)}" for n, state in value), items=True),
}


def know_names(record: Record | str, rows: list[Row]) -> None:
    """Load the names of everybody in the rows in one query."""
    named = [row.cells.get(key) for row in rows for key in ("by", "person", "to", "responsible")]
    people.know([*named, *(found["by"] for row in rows if isinstance(found := row.cells.get("result"), dict) and "by" in found)])


# --- one register -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellView:
    key: str
    text: str
    missing: bool


@dataclass(frozen=True, slots=True)
class RowView:
    number: int
    cells: list[CellView]
    missing: str
    href: str
    review: str


def wanted(args: Mapping[str, str]) -> queries.Wanted:
    """What the address asks for; whatever cannot be read counts as not asked."""
    return queries.Wanted(
        Span(args.get("span")) if args.get("span") in list(Span) else Span.DAY,
        date_of(args.get("on")),
        int(args["building"]) if str(args.get("building", "")).isdigit() and len(args["building"]) < 10 else None,
        args.get("category", "")[:24],
        "incomplete" if args.get("only") == "incomplete" else "",
        args.get("q", "").strip()[:40],
    )


def date_of(text: str | None) -> date | None:
    found = moments.day(text)
    return found if found and 2000 <= found.year <= 2100 else None


def centre_of(args: Mapping[str, str]) -> Centre:
    """The centre asked for among those that the person reads; the first one otherwise. Raises NotThere for none."""
    raw = args.get("centre", "")
    return queries.centre_for(g.person, int(raw) if raw.isdigit() and len(raw) < 10 else None)


def found_for(record: Record, args: Mapping[str, str]) -> queries.Register:
    return queries.register(g.person, record, centre_of(args), wanted(args))


def index(args: Mapping[str, str]) -> SimpleNamespace:
    """The five records with how complete they are on the day asked for; without one on the last day that has any entry."""
    centre = centre_of(args)
    on = date_of(args.get("on")) or queries.last_day(g.session, centre.id, local(now()))
    found = [queries.register(g.person, record, centre, queries.Wanted(on=on)) for record in Record]
    return SimpleNamespace(
        centre=centre,
        centres=_centres(centre, "registers.index"),
        day=_day_words(on),
        earlier=url_for("registers.index", centre=centre.id, on=on - timedelta(days=1)),
        later=url_for("registers.index", centre=centre.id, on=on + timedelta(days=1)) if on < local(now()).date() else "",
        records=[
            SimpleNamespace(
                name=name(r.record),
                href=url_for("registers.show", record=str(r.record), centre=centre.id, on=r.on),
                rows=r.completeness.rows,
                short=r.completeness.rows - r.completeness.complete,
                percent=r.completeness.percent,
            )
            for r in found
        ],
    )


def page(record: Record, args: Mapping[str, str]) -> SimpleNamespace:
    found = found_for(record, args)
    number = int(args["page"]) if args.get("page", "").isdigit() and len(args["page"]) < 5 else 1
    shown = found.rows[(number - 1) * PAGE : number * PAGE]
    query = _query(found, args)
    return SimpleNamespace(
        record=str(record),
        name=name(record),
        centre=found.centre,
        centres=_centres(found.centre, "registers.show", record=str(record)),
        columns=[heading(c.key) for c in rules.COLUMNS[record]],
        rows=row_views(record, shown, (number - 1) * PAGE + 1),
        total=len(found.rows),
        completeness=found.completeness,
        short=found.completeness.rows - found.completeness.complete,
        time=time_words(found.first_on, found.last_on),
        spans=[(text, url_for("registers.show", record=record, **query | {"span": key, "page": None}), key == str(found.span))
               for key, text in _span_names().items()],
        earlier=url_for("registers.show", record=record, **query | {"on": found.first_on - timedelta(days=1)}),
        later=url_for("registers.show", record=record, **query | {"on": found.last_on + timedelta(days=1)})
        if found.last_on < local(now()).date() else "",
        on=found.on.isoformat(),
        span=str(found.span),
        asked=wanted(args),
        buildings=found.buildings,
        categories={key: words.category(key) for key in _categories()} if record is Record.CALLS else {},
        file=url_for("registers.file", record=record, **query),
        paper=url_for("registers.paper", record=record, **query),
        more=url_for("registers.show", record=record, **query | {"page": number + 1}) if len(found.rows) > number * PAGE else "",
        nothing=_nothing(found),
    )  # fmt: skip


def row_views(
    record: Record | str, rows: list[Row], first: int = 1, reviewed: Mapping[str, str] | None = None
) -> list[RowView]:
    know_names(record, rows)
    columns = rules.COLUMNS[Record(str(record))]
    return [_row(record, columns, row, number, reviewed or {}) for number, row in enumerate(rows, first)]


def _row(
    record: Record | str, columns: tuple[Column, ...], row: Row, number: int, reviewed: Mapping[str, str]
) -> RowView:
    return RowView(
        number,
        [CellView(c.key, cell(record, c.key, row.cells.get(c.key)), c.key in row.missing) for c in columns],
        listed(*(heading(key) for key in row.missing), items=True),
        _href(record, row),
        reviewed.get(row.key, ""),
    )


def _href(record: Record | str, row: Row) -> str:
    if str(record) == Record.CALLS:
        return _entry_href(row)
    if str(record) == Record.PATROLS:
        return url_for("patrols.record", patrol_number=row.about)
    return things.href_of(row.cells.get("kind"), row.about) if row.about else ""


def _entry_href(row: Row) -> str:
    """The ticket of a request; the page of a missed call or a check."""
    of = {"missed-call": "call", "end-of-day-check": "end-of-day-check"}.get(row.cells.get("category") or "")
    return things.href_of(of, row.about) if of else url_for("tickets.show", number=row.about)


def _nothing(found: queries.Register) -> str:
    return gettext("这段时间没有记录") if not found.completeness.rows else gettext("没有符合条件的，换个条件看看")


def _centres(current: Centre, endpoint: str, **values) -> list[tuple[str, str, bool]]:
    centres = queries.centres_of(g.person)
    if len(centres) < 2:
        return []
    return [(c.name, url_for(endpoint, centre=c.id, **values), c.id == current.id) for c in centres]


def _query(found: queries.Register, args: Mapping[str, str]) -> dict[str, Any]:
    asked = {key: args.get(key) or None for key in ("building", "category", "only", "q")}
    return {"centre": found.centre.id, "span": str(found.span), "on": found.on.isoformat(), **asked}


def _span_names() -> dict[str, str]:
    return {"day": gettext("日"), "week": gettext("周"), "month": gettext("月")}


def _categories() -> tuple[str, ...]:
    return ("delivery", "renovation", "repair", "complaint", "fees", "enquiry", "praise", "other")


def _day_words(on: date) -> str:
    return date_words(on)


def time_words(first: date, last: date) -> str:
    """11月20日 周五; 11月16日到11月22日"""
    if first == last:
        return _day_words(first)
    return gettext("%(first)s到%(last)s", first=month_day(first), last=month_day(last))


def _with_year(first: date, last: date) -> str:
    """What lies in a file for years says which year: 2026年11月20日 周五."""
    return gettext("%(year)d年%(days)s", year=first.year, days=time_words(first, last))


# --- paper and file ---------------------------------------------------------------------------------------------------


def paper(record: Record, args: Mapping[str, str]) -> SimpleNamespace:
    """The register as the paper form: every entry of the time, no more than a file may hold."""
    found = found_for(record, args)
    rows = found.rows[: exporting.MAX_ROWS]
    return SimpleNamespace(
        record=str(record),
        name=name(record),
        company=queries.company_of(g.session, found.centre),
        centre=found.centre.name,
        time=_with_year(found.first_on, found.last_on),
        columns=[(c.key, heading(c.key)) for c in rules.COLUMNS[record]],
        rows=row_views(record, rows, reviewed=_reviews(found)),
        completeness=found.completeness,
        short=found.completeness.rows - found.completeness.complete,
        printed=f"{local(now()):%Y-%m-%d %H:%M}",
        by=g.person.name,
        back=url_for("registers.show", record=record, **_query(found, args)),
        nothing="" if rows else _nothing(found),
    )


def _reviews(found: queries.Register) -> dict[str, str]:
    """Entry -> who reviewed it and when, for the form's last column."""
    signed = reviews.reviewed(g.session, found.centre.id, found.first_on, found.last_on)
    people.know([who for who, _ in signed.values()])
    return {key: f"{people.name_of(who)} {local(at):%m-%d %H:%M}" for key, (who, at) in signed.items()}


def file_of(record: Record, args: Mapping[str, str]):
    """(open file, its name) of a register with the filters of its page. Raises TooManyExports."""
    found = found_for(record, args)
    columns, title = rules.COLUMNS[record], name(record)
    know_names(record, found.rows)
    rows = ([str(number), *(_file_cell(record, c, row) for c in columns), listed(*(heading(k) for k in row.missing), items=True)]
            for number, row in enumerate(found.rows, 1))  # fmt: skip
    heads = [(gettext("序号"), 6), *((heading(c.key), c.width) for c in columns), (gettext("没填全"), 20)]
    time = _with_year(found.first_on, found.last_on)

    def about(count: int) -> list[tuple[str, str]]:
        return [
            (gettext("列表"), f"{title}，{found.centre.name}，{time}"),
            (gettext("导出人"), g.person.name),
            (gettext("导出时间"), f"{local(now()):%Y-%m-%d %H:%M}"),
            (gettext("行数"), str(count)),
            (gettext("填全"), f"{found.completeness.complete}/{found.completeness.rows}"),
        ]

    key = f"{record} {found.first_on}..{found.last_on}"
    out, _ = exporting.take_out(
        service_app(), g.person, str(record), title.replace("/", "、"), heads, rows, about, gettext("说明"), key
    )
    return out, f"{title.replace('/', '、')} {time} {clock_time(now()).replace(':', '')}.xlsx"


def _file_cell(record: Record, column: Column, row: Row) -> str:
    value = row.cells.get(column.key)
    if column.key in ("at", "done_at", "left_at") and value:
        return f"{local(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    return cell(record, column.key, value) if column.key != "day" else str(value or "")
