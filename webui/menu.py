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
    endpoint: str
    icon: str
    text: str
    count: int = 0
    phone: bool = True  # whether it stands in the narrow bar of a telephone

    @property
    def href(self) -> str:
        return url_for(self.endpoint)

    @property
    def current(self) -> bool:
        return request.endpoint == self.endpoint or (request.blueprint or "") == self.endpoint.split(".")[0] != "desk"


def items() -> list[Item]:
    """The same for the rail and for the telephone's bar."""
    if g.get("person") is None:
        return []
    if "menu" not in g:
        g.menu = _items()
    return g.menu


def _items() -> list[Item]:
    found = [Item("desk.first", "layout-list", gettext("我的工作"))]
    if may_register():
        found.append(Item("desk.register", "pencil", gettext("登记")))
    if access.may(g.person, "keep reception"):
        found.append(Item("reception.index", "phone-call", gettext("前台"), phone=False))
    board = access.may(g.person, "see board")
    if board:
        found.append(Item("board.index", "layout-columns", gettext("主管台")))
    if work.departments_of(g.person):
        found.append(Item("queue.index", "tool", gettext("部门的单"), phone=not board))
    found.append(Item("tickets.index", "ticket", gettext("工单")))
    if access.may(g.person, "see patrols"):
        found.append(Item("patrols.index", "list-check", gettext("巡查"), phone=access.may(g.person, "walk patrols")))
    if access.may(g.person, "see rounds"):
        found.append(Item("rounds.index", "user", gettext("值守"), phone=False))
    if access.may(g.person, "see reviews"):
        found.append(Item("reviews.index", "eye", gettext("审核"), phone=False))
    if access.may(g.person, "see register"):
        found.append(Item("registers.index", "book-2", gettext("登记簿"), phone=False))
    if access.may(g.person, "see shifts"):
        found.append(Item("shifts.index", "id-badge-2", gettext("交接班"), phone=False))
    found.append(Item("notices.index", "bell", gettext("通知"), unread_count(g.person)))
    if access.reach(g.person).only(access.IN_CENTRE["see units"] | access.IN_CENTRE["change calendar"]):
        found.append(Item("calendar.index", "calendar-event", gettext("日历")))
    if access.may(g.person, "import units") or access.may(g.person, "import people"):
        found.append(Item("exchange.index", "cloud-upload", gettext("导入"), phone=False))
    if access.may(g.person, "see procedures"):
        found.append(Item("procedures.index", "route", gettext("制度"), phone=False))
    found.append(Item("people.index", "users", gettext("顶岗"), phone=False))
    if access.may(g.person, "resolve incidents"):
        found.append(Item("incidents.index", "alert-triangle", gettext("故障"), phone=False))
    return found


def may_register() -> bool:
    return g.get("person") is not None and access.may(g.person, "register")
