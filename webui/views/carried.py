"""What a phone carries along for a patrol without network, as JSON: today's floors in the reader's words, and receipts."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import g

from service import access
from service.patrols import arrivals, checklist, queries
from service.patrols.models import VisitState
from webui.filters import day as day_words
from webui.filters import local, now
from webui.i18n import comma, gettext, language, theme
from webui.people import name_of
from webui.security import csrf_token
from webui.views import patrols as views


def day(person) -> dict[str, Any]:
    """Today's floors, the six groups, whose they are, until when they hold, our instant, and the token for sending."""
    at = local(now())
    midnight = datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)
    return {
        "now": now().isoformat(),
        "until": midnight.isoformat(),
        "csrf": csrf_token(),
        "person": person.username,
        "language": language(),
        "theme": theme(),
        "may_walk": access.may(person, "walk patrols"),
        "departments": views.departments(),
        "groups": [_group(group) for group in checklist.groups()],
        "patrols": [_patrol(row, floors) for row, floors in queries.to_carry(person)],
    }


def _group(group: checklist.Group) -> dict[str, Any]:
    return {
        "key": group.key,
        "name": group.name.in_(language()),
        "department": group.department,
        "lines": [line.in_(language()) for line in group.lines],
        "office": [line.in_(language()) for line in group.office],
    }


def _patrol(row: queries.PatrolRow, floors: list[queries.Carried]) -> dict[str, Any]:
    patrol = row.patrol
    return {
        "number": patrol.number,
        "name": patrol.name,
        "slot": views.slot(patrol.slot),
        "starts": int(patrol.starts_at.timestamp()),
        "ends": int(patrol.ends_at.timestamp()),
        "over": patrol.closed_at is not None,
        "all": len(row.visits),
        "done": row.done,
        "missed": sum(v.state == VisitState.MISSED for v in row.visits),
        "floors": [_floor(floor) for floor in floors],
    }


def _floor(floor: queries.Carried) -> dict[str, Any]:
    visit = floor.visit
    kinds = views.posting_kinds()
    return {
        "id": visit.id,
        "label": visit.label,
        "mine": visit.responsible == g.person.username,
        "who": name_of(visit.responsible) if visit.responsible else "",
        "office": floor.office,
        "photo_item": checklist.photo_items()[visit.photo_item].in_(language()) if visit.photo_item else "",
        "open": [{"group": f.group, "words": f.words, "number": f.number} for f in floor.findings],
        "postings": [
            {"id": p.id, "kind": kinds[str(p.kind)], "title": p.title, "until": day_words(p.expires_on)}
            for p in floor.postings
        ],
        "tags": floor.tags,
    }


def receipt(found: arrivals.Receipt) -> dict[str, Any]:
    return {
        "id": found.id,
        "sha256": found.sha256,
        "photos": found.photos,
        "outcome": found.outcome,
        "by": found.by,
        "findings": found.findings,
    }


# --- words that the phone's own pages are made of ----------------------------------------------------------------------


def strip_words() -> dict[str, str]:
    """For the strip on top of every page, and for what queue.js has to say."""
    return {
        "waiting": gettext("%(n)s 条没发出", n="{n}"),
        "offline": gettext("没有网络，%(n)s 条没发出", n="{n}"),
        "login": gettext("%(n)s 条没发出，登录后接着发", n="{n}"),
        "look": gettext("%(n)s 条要看一眼", n="{n}"),
        "others": gettext("这台手机上有别人的 %(n)s 条没发出，本人登录后接着发", n="{n}"),
        "none": gettext("没有网络，巡查照常"),
        "see": gettext("看"),
        "toLogin": gettext("登录"),
        "refused": gettext("没有收下"),
        "tooBig": gettext("发来的内容太大"),
        "differs": gettext("收到的和手机上的不一样，手机上的留着"),
        "photoGone": gettext("手机上的照片不见了"),
        "comma": comma(),
    }


def phone_words() -> dict[str, str]:
    """For the pages that offline.js builds: list, floor, queue."""
    return {
        "patrols": gettext("巡查"),
        "count": gettext("%(done)s / %(all)s 层", done="{done}", all="{all}"),
        "mine": gettext("我负责"),
        "queued": gettext("还没发出的 %(n)s 层", n="{n}"),
        "walked": gettext("其余 %(n)s 层巡过了或过了时段", n="{n}"),
        "empty": gettext("这台手机上没有今天的楼层"),
        "emptyHint": gettext("有网的时候打开一次“巡查”，当天的楼层就带上了"),
        "item": gettext("第 %(n)s 项，共 %(all)s 项", n="{n}", all="{all}"),
        "open": gettext("还没改好的一处"),
        "expired": gettext("%(kind)s过期了：%(title)s", kind="{kind}", title="{title}"),
        "until": gettext("到 %(day)s 为止", day="{day}"),
        "down": gettext("撤下了"),
        "still": gettext("还在，派人撤"),
        "proof": gettext("拍一张：%(item)s", item="{item}"),
        "left": gettext("剩 %(t)s", t="{t}"),
        "past": gettext("超 %(t)s", t="{t}"),
        "minutes": gettext("%(n)s 分", n="{n}"),
        "over": gettext("结束了"),
        "noSuchTag": gettext("这个码这台手机不认识，从下面点楼层"),
        "nothingHere": gettext("这一层现在没有要巡的"),
        "back": gettext("楼层"),
        "queueTitle": gettext("这台手机上的"),
        "queueEmpty": gettext("都发出去了"),
        "queueEmptyHint": gettext("没网时巡的楼层会排在这里，收到了才从手机上删"),
        "sendNow": gettext("现在发"),
        "toLogin": gettext("登录"),
        "waiting": gettext("等着发"),
        "photos": gettext("%(n)s 张照片", n="{n}"),
        "findings": gettext("%(n)s 处问题", n="{n}"),
        "tried": gettext("试过 %(n)s 次", n="{n}"),
        "refused": gettext("没收下：%(why)s", why="{why}"),
        "toldWalked": gettext("%(by)s先巡过这一层，你的一份也存下了，看到的问题照样派", by="{by}"),
        "toldOver": gettext("时段完了才到，这一层算漏巡，你的一份也存下了，看到的问题照样派"),
        "seen": gettext("知道了"),
        "again": gettext("再发一次"),
        "drop": gettext("不要了"),
        "dropSure": gettext("真的不要了"),
        "comma": comma(),
    }
