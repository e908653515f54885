"""Excel files on the screens: which lists can be exported and how, and what an import says before and after.

A new list gets its export by one `Listing` here: its columns as the screen shows them, its rows from the screen's own query
(so the same permission function and filters), and who has it. The address is `/<key>.xlsx` with the list's own arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from flask import g, url_for
from flask_babel import gettext

from service.exchange import exporting, importing, wording
from service.exchange.columns import OF
from service.exchange.models import ImportRun, Kind, RunState
from service.organisation.models import Centre
from service.organisation.queries import names_of
from service.tickets import queries
from webui import people, words
from webui.filters import local, when
from webui.gates import service_app
from webui.i18n import colon, language, listed
from webui.views import notices as notice_views
from webui.views import work as work_views
from webui.views.pages import ticket_clock

Args = Mapping[str, str]
MOST = exporting.MAX_ROWS


# --- lists out --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its width in characters, and what it says of a row."""

    name: str
    width: int
    text: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list that can be exported. All parts are functions: their words depend on who reads."""

    title: Callable[[Args], str]
    columns: Callable[[], list[Column]]
    rows: Callable[[Args], Iterable[Any]]
    filter: Callable[[Args], str] = lambda args: ""
    may: Callable[[Args], bool] = lambda args: True


def stamp(at: datetime | None) -> str:
    """2026-11-20 17:45 in the centre's time; sorts as text."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


def yes(value: Any, word: str) -> str:
    return word if value else ""


def _tickets(args: Args) -> Iterator[SimpleNamespace]:
    """Every ticket of the list, not one page of it; open ones in the order of the screen, the nearest limit first."""
    everything, found, before = "all" in args, [], None
    while True:
        page = queries.register_list(g.person, state=None if everything else "open", before_id=before, limit=500)
        people.names().update(page.owners)
        now = service_app().clock.now()
        shown = [
            SimpleNamespace(ticket=t, clock=ticket_clock(t, now, mine=t.owner == g.person.username))
            for t in page.tickets
        ]
        if everything:
            yield from shown
        found += [] if everything else shown
        before = page.next
        if before is None or len(found) > MOST:
            break
    yield from sorted(found, key=lambda r: (r.clock.due_at is None, r.clock.due_at))


def _ticket_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 12, lambda r: r.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.clock.due_at)),
        Column(gettext("事项"), 40, lambda r: r.ticket.title),
        Column("VIP", 6, lambda r: yes(r.ticket.vip, "VIP")),
        Column(gettext("单元"), 12, lambda r: r.ticket.unit.code if r.ticket.unit else ""),
        Column(gettext("客户"), 24, lambda r: r.ticket.customer.name if r.ticket.customer else ""),
        Column(gettext("类别"), 8, lambda r: words.category(r.ticket.category)),
        Column(gettext("单号"), 14, lambda r: r.ticket.number),
        Column(gettext("状态"), 18, lambda r: words.ticket_state(r.ticket.state)),
    ]


def _work(_args: Args) -> Iterator[SimpleNamespace]:
    for item in queries.all_work(g.person, limit=MOST):
        yield SimpleNamespace(item=item, row=work_views.work_row(item))
    for item in queries.my_work(g.person).waiting:
        yield SimpleNamespace(item=item, row=work_views.waiting_row(item))


def _work_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 12, lambda r: r.row.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.item.due_at)),
        Column(gettext("事项"), 44, lambda r: r.row.what),
        *_item_columns(),
        Column(gettext("类别"), 8, lambda r: words.category(r.item.category) if r.item.category else ""),
        Column(gettext("单号"), 14, lambda r: r.item.number),
        Column(gettext("催办"), 6, lambda r: str(r.item.urged_count or "")),
        Column(gettext("在办"), 12, lambda r: r.item.assignee_name),
    ]


def _item_columns() -> list[Column]:
    return [
        Column("VIP", 6, lambda r: yes(r.item.vip, "VIP")),
        Column(gettext("单元"), 12, lambda r: r.item.unit_label),
        Column(gettext("客户"), 24, lambda r: r.item.customer_name),
    ]


def _department(args: Args) -> str:
    """The department asked for; the first one without a known one, as on the screen."""
    mine = work_views.departments_of(g.person)
    return args.get("department", "") if args.get("department", "") in mine else next(iter(mine), "")


def _queue(args: Args) -> Iterator[SimpleNamespace]:
    mine, others = work_views.queue_items(g.person, _department(args), limit=MOST)
    for items, is_mine in ((mine, True), (others, False)):
        for item in items:
            yield SimpleNamespace(item=item, row=work_views.card(item, is_mine))


def _queue_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 16, lambda r: r.row.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.item.due_at)),
        Column(gettext("派单"), 16, lambda r: r.item.slip_number or r.item.number),
        Column(gettext("事项"), 40, lambda r: r.row.what),
        *_item_columns(),
        Column(gettext("紧急"), 6, lambda r: yes(r.item.urgency == "urgent", gettext("紧急"))),
        Column(gettext("催办"), 6, lambda r: str(r.item.urged_count or "")),
        Column(gettext("在办"), 12, lambda r: r.item.assignee_name),
    ]


def _notice_columns() -> list[Column]:
    return [
        Column(gettext("内容"), 60, lambda r: r.text),
        Column(gettext("时间"), 17, lambda r: stamp(r.at)),
        Column(gettext("急"), 6, lambda r: yes(r.urgent, gettext("急"))),
        Column(gettext("看过"), 8, lambda r: yes(r.read, gettext("看过"))),
    ]


LISTS: dict[str, Listing] = {
    "tickets": Listing(
        title=lambda args: gettext("最近的工单") if "all" in args else gettext("没完的工单"),
        columns=_ticket_columns,
        rows=_tickets,
        filter=lambda args: "all" if "all" in args else "open",
    ),
    "work": Listing(title=lambda args: gettext("我的工作"), columns=_work_columns, rows=_work),
    "queue": Listing(
        title=lambda args: gettext("%(department)s的单", department=words.department(_department(args))),
        columns=_queue_columns,
        rows=_queue,
        filter=_department,
        may=lambda args: bool(_department(args)),
    ),
    "notices": Listing(
        title=lambda args: gettext("通知"),
        columns=_notice_columns,
        rows=lambda args: notice_views.rows(g.person, limit=MOST),
    ),
}


def file_of(key: str, args: Args):
    """(open file, its name) of a list as its screen shows it to this person. Raises TooManyExports."""
    listing, columns = LISTS[key], LISTS[key].columns()
    title, now = listing.title(args), service_app().clock.now()
    rows = ([column.text(row) for column in columns] for row in listing.rows(args))
    heads = [(column.name, column.width) for column in columns]

    def about(count: int) -> list[tuple[str, str]]:
        facts = [
            (gettext("列表"), title),
            (gettext("导出人"), g.person.name),
            (gettext("导出时间"), stamp(now)),
            (gettext("行数"), str(count)),
        ]
        return facts + ([(gettext("没导全"), gettext("最多 %(n)d 行", n=MOST))] if count >= MOST else [])

    out, _ = exporting.take_out(
        service_app(), g.person, key, title, heads, rows, about, gettext("说明"), listing.filter(args)
    )
    return out, f"{title} {local(now):%Y%m%d-%H%M}.xlsx"


# --- files in ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KindView:
    """One kind of file that the person may bring in, and where to."""

    key: str
    name: str
    hint: str
    centres: list[Centre]


def kind_name(kind: Kind | str) -> str:
    return {"units": gettext("单元和客户"), "people": gettext("员工")}[str(kind)]


def kinds(person) -> list[KindView]:
    """What the person may bring in; empty for most people."""
    hints = {
        Kind.UNITS: gettext("楼栋要先有。同一个文件导两次，不会多出来；空着的格子不改原来的"),
        Kind.PEOPLE: gettext("角色只加不减。新员工凭一次性码设密码；手上有活的不能停用"),
    }
    found = []
    for kind in Kind:
        if centres := importing.centres_for(person, kind):
            found.append(KindView(str(kind), kind_name(kind), hints[kind], centres))
    return found


@dataclass(frozen=True, slots=True)
class RunView:
    """One import, checked or done."""

    key: str
    kind: str
    what: str
    centre: str
    file: str
    who: str
    at: datetime
    state: str
    state_words: str
    sums: list[tuple[str, int]]
    besides: str
    faults: list[dict]
    more_faults: int
    unread: str
    href: str
    applied_at: datetime | None


def runs(person) -> list[RunView]:
    found = importing.runs(person)
    people.names().update(names_of(g.session, [r.by for r in found]))
    return [run_view(r) for r in found]


def run_view(run: ImportRun) -> RunView:
    details = run.details
    return RunView(
        run.key,
        str(run.kind),
        kind_name(run.kind),
        g.session.get_one(Centre, run.centre_id).name,
        run.file_name,
        people.name_of(run.by),
        run.at,
        str(run.state),
        _state(run),
        [
            (gettext("新的"), run.new),
            (gettext("有改动"), run.changed),
            (gettext("没变"), run.unchanged),
            (gettext("有错"), run.bad),
        ],
        _besides(details.get("besides", {})),
        [_fault(run.kind, fault) for fault in details.get("faults", [])],
        max(0, run.bad - len({fault["row"] for fault in details.get("faults", [])})),
        listed(*details.get("unread", []), items=True),
        url_for("exchange.show", key=run.key),
        run.applied_at,
    )


def _state(run: ImportRun) -> str:
    if run.state is RunState.APPLIED:
        return gettext("%(at)s 导入了", at=when(run.applied_at))
    return gettext("有错，没导入") if run.state is RunState.FAULTY else gettext("检查过，还没导入")


def _besides(counts: dict[str, int]) -> str:
    names = {
        "floors": gettext("新楼层"),
        "customers": gettext("新客户"),
        "contacts": gettext("新联系人"),
        "left": gettext("搬走的客户"),
    }
    return listed(*(f"{names[key]} {count}" for key, count in counts.items()))


def _fault(kind: Kind, fault: dict) -> dict:
    names = {column.key: column.name(language()) for column in OF[kind]}
    return {
        "row": fault["row"],
        "column": names.get(fault["column"], fault["column"]),
        "text": wording.of_row(fault["rule"], fault["facts"], language()),
    }


def refused(error) -> str:
    """What is wrong with a file as a whole, in the reader's language."""
    return wording.of_file(error.rule, error.facts, language())


def told_of(run: ImportRun) -> str:
    """新的 3，有改动 1，没变 20"""
    sums = listed(*(f"{name} {count}" for name, count in run_view(run).sums[:3]))
    return gettext("%(what)s导入了", what=kind_name(run.kind)) + colon() + sums
