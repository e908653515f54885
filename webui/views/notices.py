"""Notices as sentences. The text is made when it is read, in the reader's language, from the notice's kind and data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from service.notifications import actions, queries
from webui.diagram_texts import diagram_text
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views import things


@dataclass(frozen=True, slots=True)
class NoticeView:
    id: int
    text: str
    at: datetime
    urgent: bool
    read: bool
    href: str


def rows(person, unread_only: bool = False, limit: int = 50) -> list[NoticeView]:
    return [_view(line) for line in queries.notices(person, unread_only=unread_only, limit=limit)]


def mark_read(person, ids: list[int] | None) -> None:
    actions.mark_read(service_app(), person, ids)


def _view(line) -> NoticeView:
    notice = line.notice
    href = _href(line) if notice.ticket_number and line.title else ""
    about = f"{notice.ticket_number} {diagram_text(line.title)}" if line.title else notice.ticket_number or ""
    return NoticeView(
        notice.id,
        text(notice.kind, notice.data or {}, about),
        notice.at,
        notice.urgent,
        notice.read_at is not None,
        href,
    )


def _href(line) -> str:
    """The page of what the notice is about: a ticket's, or that of another thing."""
    number = line.notice.ticket_number
    return things.href_of(line.subject, number) if line.subject else url_for("tickets.show", number=number)


def text(kind: str, data: dict, ticket: str) -> str:
    """What a notice says. `ticket` is its number and title, empty where there is none."""
    say = TEXTS.get(kind)
    return say(data, ticket) if say else gettext("%(ticket)s 有新情况", ticket=ticket)


def _escalated(data: dict, ticket: str) -> str:
    what = gettext("升级到你：%(ticket)s", ticket=ticket) if ticket else gettext("有事升级到你")
    return listed(what, diagram_text(data.get("reason")))


def _urgency(data: dict, ticket: str) -> str:
    if data.get("urgency") == "urgent":
        return gettext("改成紧急，时限重新算了：%(ticket)s", ticket=ticket)
    return gettext("改成一般，时限重新算了：%(ticket)s", ticket=ticket)


def _parked(data: dict, _ticket: str) -> str:
    if data.get("person"):
        return gettext("通知发不到%(person)s的邮箱，请本人在“通知”里改地址", person=data["person"])
    if data.get("channel"):
        return gettext("通知一直发不成邮件，请系统管理员看邮件服务器")
    return gettext("有一条通知一直发不出去，请系统管理员看")


TEXTS = {
    "reminder": lambda d, t: gettext("%(about)s：%(ticket)s", about=diagram_text(d.get("about")) or gettext("快到时限"), ticket=t),
    "urge": lambda d, t: gettext("客户又催，第 %(count)s 次：%(ticket)s", count=d.get("count", 1), ticket=t),
    "information": lambda d, t: gettext("客户补充了情况：%(ticket)s", ticket=t),
    "slip-sent": lambda d, t: gettext("派来一单 %(slip)s：%(ticket)s", slip=d.get("slip", ""), ticket=t),
    "given-to-you": lambda d, t: gettext("这件归你办：%(ticket)s", ticket=t),
    "asked": lambda d, t: gettext("部门有疑问，等你答复：%(ticket)s", ticket=t),
    "handled": lambda d, t: gettext("办完了，等你核实：%(ticket)s", ticket=t),
    "back": lambda d, t: gettext("没通过核实，要返工：%(ticket)s", ticket=t),
    "withdrawn": lambda d, t: gettext("客户撤单，停手：%(ticket)s", ticket=t),
    "paused": lambda d, t: gettext("先停一停，时限也停：%(ticket)s", ticket=t),
    "resumed": lambda d, t: gettext("接着办，时限又走了：%(ticket)s", ticket=t),
    "urgency-changed": _urgency,
    "deadline-changed": lambda d, t: gettext("客户改了要求的时间：%(ticket)s", ticket=t),
    "escalated": _escalated,
    "answered": lambda d, t: gettext("上级答复了：%(ticket)s", ticket=t),
    "promise-due": lambda d, t: gettext("快到答应客户的时间：%(ticket)s", ticket=t),
    "promise": lambda d, t: gettext("快到答应客户的时间：%(ticket)s", ticket=t),
    "finding-new": lambda d, t: gettext("巡查发现问题，等你们接：%(ticket)s", ticket=t),
    "finding-fixed": lambda d, t: gettext("问题改好了，等你复查：%(ticket)s", ticket=t),
    "finding-back": lambda d, t: gettext("复查没通过，要重改：%(ticket)s", ticket=t),
    "patrol-missed": lambda d, t: gettext("漏巡 %(count)s 层（%(floors)s）：%(ticket)s", count=d.get("count", ""), floors=d.get("floors", ""), ticket=t),
    "handover-begins": lambda d, t: gettext("该交接班了：%(ticket)s", ticket=t),
    "handover-given": lambda d, t: gettext("交班的人签了，等你接班：%(ticket)s", ticket=t),
    "handover-taken": lambda d, t: gettext("接班的人签了，岗位归他负责：%(ticket)s", ticket=t),
    "handover-differs": lambda d, t: gettext("接班有差异：%(ticket)s", ticket=t),
    "handover-settled": lambda d, t: gettext("差异主管定了：%(ticket)s", ticket=t),
    "handover-late": lambda d, t: gettext("交接班还没签字：%(ticket)s", ticket=t),
    "check-due": lambda d, t: gettext("快下班了，自查一下：%(ticket)s", ticket=t),
    "check-late": lambda d, t: gettext("下班了，自查还有 %(count)s 项没答：%(ticket)s", count=d.get("count", ""), ticket=t),
    "leave-cover": lambda d, t: gettext("请你顶岗：%(ticket)s", ticket=t),
    "leave-begins": lambda d, t: gettext("有人顶了，可以离岗：%(ticket)s", ticket=t),
    "leave-refused": lambda d, t: gettext("现在不能离岗（%(why)s）：%(ticket)s", why=d.get("reason", ""), ticket=t),
    "leave-late": lambda d, t: gettext("离岗的人没按时回来：%(ticket)s", ticket=t),
    "leave-over": lambda d, t: gettext("离岗的人回来了，不用顶了：%(ticket)s", ticket=t),
    "parked": _parked,
}
