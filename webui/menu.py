"""What stands in the rail: only pages that this person can use, each once, and how many notices are unread."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request, url_for

from service import access
from service.notifications.queries import unread_count
from webui.i18n import gettext
from webui.views import work


@dataclass(frozen=True, slots=True)
class Item:
    href: str
    current: bool
    icon: str
    text: str
    count: int = 0
    phone: bool = True  # whether it stands in the narrow bar of a telephone


def _item(endpoint: str, icon: str, text: str, count: int = 0, phone: bool = True) -> Item:
    current = request.endpoint == endpoint or (request.blueprint or "") == endpoint.split(".")[0] != "desk"
    return Item(url_for(endpoint), current, icon, text, count, phone)


def items() -> list[Item]:
    """The same for the rail and for the telephone's bar."""
    if g.get("person") is None:
        return []
    if "menu" not in g:
        g.menu = _items()
    return g.menu


def _items() -> list[Item]:
    found = [_item("desk.first", "layout-list", gettext("我的工作"))]
    if may_register():
        found.append(_item("desk.register", "pencil", gettext("登记")))
    if access.may(g.person, "keep reception"):
        found.append(_item("reception.index", "phone-call", gettext("前台"), phone=False))
    board = access.may(g.person, "see board")
    if board:
        found.append(_item("board.index", "layout-columns", gettext("主管台")))
    if work.departments_of(g.person):
        found.append(_item("queue.index", "tool", gettext("部门的单"), phone=not board))
    found.append(_item("tickets.index", "ticket", gettext("工单")))
    if access.may(g.person, "see patrols"):
        found.append(_item("patrols.index", "list-check", gettext("巡查"), phone=access.may(g.person, "walk patrols")))
    if access.may(g.person, "see rounds"):
        found.append(_item("rounds.index", "user", gettext("值守"), phone=False))
    if access.may(g.person, "see reviews"):
        found.append(_item("reviews.index", "eye", gettext("审核"), phone=False))
    if access.may(g.person, "see register"):
        found.append(_item("registers.index", "book-2", gettext("登记簿"), phone=False))
    if access.may(g.person, "see shifts"):
        found.append(_item("shifts.index", "id-badge-2", gettext("交接班"), phone=False))
    found.append(_item("notices.index", "bell", gettext("通知"), unread_count(g.person)))
    if access.reach(g.person).only(access.IN_CENTRE["see units"] | access.IN_CENTRE["change calendar"]):
        found.append(_item("calendar.index", "calendar-event", gettext("日历")))
    if access.may(g.person, "import units") or access.may(g.person, "import people"):
        found.append(_item("exchange.index", "cloud-upload", gettext("导入"), phone=False))
    if access.may(g.person, "see procedures"):
        found.append(_item("procedures.index", "route", gettext("制度"), phone=False))
    found.append(_item("people.index", "users", gettext("顶岗"), phone=False))
    if access.may(g.person, "resolve incidents"):
        found.append(_item("incidents.index", "alert-triangle", gettext("故障"), phone=False))
    return found


def may_register() -> bool:
    return g.get("person") is not None and access.may(g.person, "register")
