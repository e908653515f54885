"""Which lists go out as Excel files, and how: their columns as the screen shows them, their rows from the screen's own query.

A new list gets its export by one `Listing` here, so by the same permission function and filters as its page; its address is
`/<key>.xlsx` with the list's own arguments. Surprise: a cell is always a text, and an instant is written in the centre's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

from flask import g

from service import access
from service.exchange import exporting, importing, listing
from service.exchange.models import Kind
from service.tickets import queries
from webui import people, words
from webui.diagram_texts import diagram_text
from webui.filters import local, masked
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views import board as board_views
from webui.views import found as found_views
from webui.views import incidents as incident_views
from webui.views import notices as notice_views
from webui.views import people as people_views
from webui.views import promises as promise_views
from webui.views import work as work_views
from webui.views.pages import ticket_clock

Args = Mapping[str, str]
MOST = exporting.MAX_ROWS
AT_ONCE = 1000  # rows of a list that are read in one statement


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
    """Every ticket of the list in its order, not one page of it."""
    now = service_app().clock.now()
    for number in count(1):
        page = queries.ticket_list(g.person, "all" in args, number, limit=AT_ONCE)
        for ticket in page.tickets:
            yield SimpleNamespace(ticket=ticket, clock=ticket_clock(ticket, now, mine=ticket.owner == g.person.username))
        if not page.more:
            return


def _ticket_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 12, lambda r: r.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.clock.due_at)),
        Column(gettext("事项"), 40, lambda r: r.ticket.title),
        Column("VIP", 6, lambda r: yes(r.ticket.vip, "VIP")),
        Column(gettext("单元"), 12, lambda r: r.ticket.unit_code),
        Column(gettext("客户"), 24, lambda r: r.ticket.customer_name),
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


def _board(args: Args) -> list[SimpleNamespace]:
    return board_views.rows(args.get("by", ""), args.get("only", ""), args.get("lane", ""), MOST)


def _board_columns() -> list[Column]:
    return [
        Column(gettext("列"), 12, lambda r: r.lane),
        Column(gettext("剩余"), 12, lambda r: r.row.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.card.due_at)),
        Column(gettext("在办"), 12, lambda r: r.row.who),
        Column(gettext("事项"), 40, lambda r: r.row.what),
        Column("VIP", 6, lambda r: yes(r.card.vip, "VIP")),
        Column(gettext("单元"), 12, lambda r: diagram_text(r.card.unit_label)),
        Column(gettext("客户"), 24, lambda r: r.card.customer_name),
        Column(gettext("步骤"), 14, lambda r: r.row.step),
        Column(gettext("单号"), 14, lambda r: r.card.number),
        Column(gettext("催办"), 6, lambda r: str(r.card.urged_count or "")),
    ]


def _call_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 12, lambda r: r.row.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.call.card.due_at)),
        Column(gettext("要什么帮助"), 44, lambda r: r.row.what),
        Column(gettext("事项"), 40, lambda r: diagram_text(r.call.card.title)),
        Column(gettext("单元"), 12, lambda r: diagram_text(r.call.card.unit_label)),
        Column(gettext("客户"), 24, lambda r: r.call.card.customer_name),
        Column(gettext("单号"), 14, lambda r: r.call.card.number),
        Column(gettext("谁求助"), 12, lambda r: people.name_of(r.call.asked_by) if r.call.asked_by else ""),
        Column(gettext("等谁答"), 12, lambda r: board_views.level(r.call.level)),
    ]


def _slip_columns() -> list[Column]:
    return [
        Column(gettext("剩余"), 12, lambda r: r.row.clock.text),
        Column(gettext("到期"), 17, lambda r: stamp(r.slip.due_at)),
        Column(gettext("派出时间"), 17, lambda r: stamp(r.slip.sent_at)),
        Column(gettext("派单"), 16, lambda r: r.slip.number),
        Column(gettext("事项"), 40, lambda r: r.slip.title),
        Column(gettext("单元"), 12, lambda r: r.slip.unit_label),
        Column(gettext("部门"), 12, lambda r: words.department(r.slip.department)),
        Column(gettext("状态"), 12, lambda r: words.slip_state(r.slip.state)),
    ]


def _load_columns() -> list[Column]:
    return [
        Column(gettext("姓名"), 12, lambda r: r.row.name),
        Column(gettext("角色"), 24, lambda r: r.row.roles),
        Column(gettext("在岗"), 8, lambda r: yes(r.row.on_duty, gettext("在岗"))),
        Column(gettext("手上没完的"), 12, lambda r: str(r.row.open)),
        Column(gettext("已超时"), 8, lambda r: str(r.row.over)),
        Column(gettext("最早到期"), 17, lambda r: stamp(r.load.next_due_at)),
    ]


def _incident_columns() -> list[Column]:
    return [
        Column(gettext("哪一步"), 28, lambda r: r.group.what),
        Column(gettext("原因"), 60, lambda r: r.row.reason),
        Column(gettext("单号"), 14, lambda r: r.row.number),
        Column(gettext("事项"), 40, lambda r: r.row.title),
        Column(gettext("中心"), 20, lambda r: r.row.where),
        Column(gettext("时间"), 17, lambda r: stamp(r.opened_at)),
        Column(gettext("试过"), 12, lambda r: r.row.tries),
    ]


def _staff_columns() -> list[Column]:
    return [
        Column(gettext("姓名"), 12, lambda r: r.name),
        Column(gettext("用户名"), 16, lambda r: r.username),
        Column(gettext("角色"), 44, lambda r: r.roles),
        Column(gettext("状态"), 8, lambda r: yes(not r.active, gettext("停用"))),
    ]


def _substitute_columns() -> list[Column]:
    return [
        Column(gettext("替谁"), 12, lambda r: r.row.who),
        Column(gettext("谁来顶"), 12, lambda r: r.row.by),
        Column(gettext("从几时"), 17, lambda r: stamp(r.starts_at)),
        Column(gettext("到几时"), 17, lambda r: stamp(r.ends_at)),
        Column(gettext("状态"), 12, lambda r: yes(not r.row.running, gettext("还没开始"))),
    ]


def _unit_columns() -> list[Column]:
    return [
        Column(gettext("中心"), 20, lambda r: r.centre),
        Column(gettext("楼栋"), 12, lambda r: r.building),
        Column(gettext("楼层"), 8, lambda r: r.floor),
        Column(gettext("单元"), 12, lambda r: r.unit),
        Column(gettext("面积"), 10, lambda r: r.square_metres),
        Column(gettext("客户类型"), 10, lambda r: _kinds().get(r.kind, "")),
        Column(gettext("客户"), 28, lambda r: r.customer),
        Column("VIP", 6, lambda r: yes(r.vip, "VIP")),
        Column(gettext("联系人"), 40, lambda r: _contacts(r.contacts)),
        Column(gettext("习惯和禁忌"), 32, lambda r: r.habits),
    ]


def _kinds() -> dict[str, str]:
    return {"company": gettext("公司"), "household": gettext("住户")}


def _contacts(contacts: list[tuple[str, list[str]]]) -> str:
    """沈静 138****2046，顾北 139****2210"""
    return listed(*(" ".join((name, *map(masked, phones))) for name, phones in contacts))


def _promise_columns() -> list[Column]:
    return [
        Column(gettext("几点前"), 17, lambda r: stamp(r["at"])),
        Column(gettext("答应什么"), 44, lambda r: r["text"]),
        Column(gettext("哪里"), 32, lambda r: r["where"]),
        Column(gettext("单号"), 14, lambda r: r["number"]),
    ]


def _contract_columns() -> list[Column]:
    return [
        Column(gettext("承诺了什么"), 40, lambda r: r.text),
        Column(gettext("出处"), 32, lambda r: r.source),
        Column(gettext("用于"), 24, lambda r: r.what),
        Column(gettext("时限"), 32, lambda r: r.limits),
        Column(gettext("哪些天登记的"), 32, lambda r: r.days),
        Column(gettext("状态"), 24, lambda r: r.ended),
    ]


def _centre(args: Args):
    """The centre whose promises the screen shows; None out of reach."""
    return promise_views.centre_named(g.person, args.get("centre", ""))


def _found_columns() -> list[Column]:
    return [
        Column(gettext("找到的"), 44, lambda r: r["title"]),
        Column("VIP", 6, lambda r: yes(r["vip"], "VIP")),
        Column(gettext("说明"), 44, lambda r: r["hint"]),
    ]


def _found(args: Args) -> list[dict]:
    query = args.get("q", "").strip()[:80]
    return found_views.found(g.person, query) if query else []


def _may(action: str) -> Callable[[Args], bool]:
    return lambda args: access.may(g.person, action)


def _board_filter(args: Args) -> str:
    return " ".join(f"{name}={args[name][:40]}" for name in ("by", "only", "lane") if args.get(name))


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
    "found": Listing(
        title=lambda args: gettext("找到的"),
        columns=_found_columns,
        rows=_found,
        filter=lambda args: args.get("q", "").strip()[:80],
    ),
    "promised": Listing(
        title=lambda args: gettext("今天答应客户的"),
        columns=_promise_columns,
        rows=lambda args: work_views.promises(g.person),
        may=_may("register"),
    ),
    "promises": Listing(
        title=lambda args: gettext("合同承诺"),
        columns=_contract_columns,
        rows=lambda args: promise_views.page(_centre(args)).promises,
        filter=lambda args: args.get("centre", ""),
        may=lambda args: _centre(args) is not None,
    ),
    "board": Listing(
        title=lambda args: gettext("主管台"),
        columns=_board_columns,
        rows=_board,
        filter=_board_filter,
        may=_may("see board"),
    ),
    "calls": Listing(
        title=lambda args: gettext("等人答复的上报"),
        columns=_call_columns,
        rows=lambda args: board_views.calls(),
        may=_may("see board"),
    ),
    "slips": Listing(
        title=lambda args: gettext("派单没人接"),
        columns=_slip_columns,
        rows=lambda args: board_views.slips(MOST),
        may=_may("see board"),
    ),
    "load": Listing(
        title=lambda args: gettext("谁手上有多少"),
        columns=_load_columns,
        rows=lambda args: board_views.loads(),
        may=_may("see board"),
    ),
    "incidents": Listing(
        title=lambda args: gettext("流程故障"),
        columns=_incident_columns,
        rows=lambda args: incident_views.rows(),
        may=_may("resolve incidents"),
    ),
    "staff": Listing(
        title=lambda args: gettext("员工"),
        columns=_staff_columns,
        rows=lambda args: people_views.staff(),
        may=_may("manage people"),
    ),
    "substitutes": Listing(
        title=lambda args: gettext("谁替谁"),
        columns=_substitute_columns,
        rows=lambda args: people_views.substitutes(),
    ),
    "units": Listing(
        title=lambda args: gettext("单元和客户"),
        columns=_unit_columns,
        rows=lambda args: listing.units(g.person, MOST),
        may=lambda args: bool(importing.centres_for(g.person, Kind.UNITS)),
    ),
}
