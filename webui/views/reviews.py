"""The pages of reviews: the list, one review with its matters, records and signature, and a signed version as it was signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from service.registers.rules import Record
from service.reviews import contents, queries
from service.reviews.models import Review, ReviewState
from service.reviews.rules import Matter
from service.signing.actions import ContentChanged
from service.signing.rules import Difference
from webui import people, words
from webui.diagram_texts import diagram_text
from webui.filters import clock, clock_time, date_words, day, local, month_day, now, when
from webui.i18n import gettext, listed
from webui.views import registers as register_views
from webui.views import timetable

CLAUSES = {"daily": ("23.3", "24.9"), "weekly": ("24.9", "25.3")}
LONGEST_SHOWN = 400_000  # characters of a content that the page carries to say what changed; a page may send 1 MB


def kind(review: Review) -> str:
    return {"daily": gettext("日审"), "weekly": gettext("周检")}[str(review.kind)]


def title(review: Review) -> str:
    """10月10日 日审; 10月6日到10月10日 周检"""
    return f"{register_views.time_words(review.first_on, review.day)} {kind(review)}"


def state(review: Review) -> str:
    later = {"daily": gettext("没签，到经理"), "weekly": gettext("没签，到品质部")}[str(review.kind)]
    return {"open": gettext("等签字"), "late": later, "signed": gettext("签了")}[str(review.state)]


def short(hash: str | None) -> str:
    """3f9a…c2e1"""
    return f"{hash[:4]}…{hash[-4:]}" if hash else ""


# --- the list ---------------------------------------------------------------------------------------------------------


def listing() -> SimpleNamespace:
    found = queries.listed(g.person)
    people.know([r.signed_by for r in found])
    return SimpleNamespace(
        rows=[_row(review) for review in found],
        mine=[_mine(action, review) for action, review in queries.actions_for(g.person)],
        waiting=queries.waiting(g.person),
    )


def _row(review: Review) -> SimpleNamespace:
    open_one = review.state is not ReviewState.SIGNED
    return SimpleNamespace(
        title=title(review),
        number=review.number,
        href=url_for("reviews.show", review_number=review.number),
        clock=clock(review.due_at, review.opened_at, mine=True) if open_one else None,
        state=state(review),
        who=listed(people.name_of(review.signed_by), when(review.signed_at)) if review.signed_at else "",
        open=open_one,
    )


def _mine(action, review: Review) -> SimpleNamespace:
    late = action.due_on is not None and action.due_on < local(now()).date()
    return SimpleNamespace(
        id=action.id,
        text=action.text,
        what=matter_words(Matter(action.key, action.kind, action.about, action.facts))[0],
        until=gettext("%(day)s前", day=month_day(action.due_on)) if action.due_on else "",
        late=late,
        number=review.number,
    )


# --- one review -------------------------------------------------------------------------------------------------------


def page(card: queries.ReviewCard, typed: Mapping[str, Any] | None = None) -> SimpleNamespace:
    review, sheet = card.review, card.sheet
    people.names().update(card.names)
    content = sheet.content if sheet is not None else _newest(card)
    lines = [_line(card, m, n) for n, m in enumerate(content["matters"], 1)]
    open_ones = [line for line in lines if not line.action]
    for line in open_ones:
        line.same = sum(other.kind == line.kind for other in open_ones) if line.kind != "overdue" else 0
        line.same = line.same if line.same > 1 else 0
    return SimpleNamespace(
        number=review.number,
        title=title(review),
        kind=str(review.kind),
        centre=card.centre.name,
        clauses=gettext("条款 %(numbers)s", numbers=listed(*CLAUSES[str(review.kind)], items=True)),
        clock=clock(review.due_at, review.opened_at, mine=card.may_sign) if review.state is not ReviewState.SIGNED else None,
        late=_late(review),
        state=state(review),
        signed=review.state is ReviewState.SIGNED,
        lines=lines,
        decided=len(lines) - len(open_ones),
        open=open_ones,
        records=[_record(review, record) for record in content["records"]],
        dailies=[_daily(one) for one in content["reviews"]],
        figures=_figures(content["figures"]),
        versions=[_version(card, v, s) for v, s in card.versions],
        changes=[_change(c) for c in content.get("changes", [])] if sheet is not None else [],
        replaces=content.get("replaces"),
        hash=sheet.hash if sheet else "",
        hash_short=short(sheet.hash if sheet else ""),
        shown=sheet.text if sheet is not None and len(sheet.text) <= LONGEST_SHOWN else "",
        count=sum(len(record["rows"]) for record in content["records"]),
        may_sign=card.may_sign,
        may_decide=card.may_decide,
        people=[(p.username, p.name) for p in card.people],
        tomorrow=(review.day + timedelta(days=1)).isoformat(),
        opinion=(typed or {}).get("opinion", ""),
        before=[_before(r, v) for r, v in queries.before(g.session, review)],
    )  # fmt: skip


def _newest(card: queries.ReviewCard) -> dict[str, Any]:
    """What was signed last."""
    return [s for _, s in card.versions if s is not None][-1].content


def _late(review: Review) -> str:
    if review.state is ReviewState.SIGNED:
        return ""
    to = {"daily": gettext("%(at)s 没签就到经理"), "weekly": gettext("%(at)s 没签就到品质部")}[str(review.kind)]
    return to % {"at": when(review.due_at)}


def _line(card: queries.ReviewCard, matter: Mapping[str, Any], number: int) -> SimpleNamespace:
    what, where = matter_words(Matter(matter["key"], matter["kind"], matter["about"], matter["facts"]))
    action = matter["action"]
    return SimpleNamespace(
        number=number,
        key=matter["key"],
        what=what,
        where=where,
        href=href_of(matter),
        action=action and action["text"],
        who=listed(
            people.name_of(action["person"]) if action and action["person"] else "",
            gettext("%(day)s前", day=month_day(date.fromisoformat(action["due_on"]))) if action and action["due_on"] else "",
        ),
        person=action and action["person"],
        due_on=action and action["due_on"],
        answers=answers(matter["kind"]),
        kind=str(matter["kind"]),
        same=0,
    )  # fmt: skip


def answers(of: str) -> list[str]:
    """What is often done about such a matter, offered as buttons."""
    return {
        "incomplete": [gettext("请登记人补齐")],
        "overdue": [gettext("请部门主管说明原因，今天办完")],
        "escalation": [gettext("已答复，跟到办完")],
        "missed-floor": [gettext("补巡这一层")],
        "missed-round": [gettext("已谈话，记进值班表")],
        "unvisited": [gettext("今天补回访")],
        "open-finding": [gettext("照时限整改，复查后销项")],
        "weak-proof": [gettext("问过本人，到现场看过")],
    }.get(str(of), [])


def _record(review: Review, record: Mapping[str, Any]) -> SimpleNamespace:
    on = (
        {"on": str(review.patrol_on)}
        if record["key"] == Record.PATROLS and review.patrol_on
        else {"on": str(review.day)}
    )
    short_ones = sum(bool(row["missing"]) for row in record["rows"])
    day_words = month_day(review.patrol_on) if record["key"] == Record.PATROLS and review.patrol_on else ""
    return SimpleNamespace(
        name=register_views.name(record["key"]) + (f"（{day_words}）" if day_words else ""),
        rows=len(record["rows"]),
        short=short_ones,
        href=url_for("registers.show", record=record["key"], centre=review.centre_id, **on),
    )


def _daily(one: Mapping[str, Any]) -> SimpleNamespace:
    signed_at = datetime.fromisoformat(one["signed_at"]) if one["signed_at"] else None
    return SimpleNamespace(
        day=_day(one["day"]),
        who=listed(people.name_of(one["signed_by"]), clock_time(signed_at)) if signed_at else gettext("没签"),
        hash=short(one["hash"]),
        href=url_for("reviews.show", review_number=one["key"]),
    )


def _day(text: str) -> str:
    on = date.fromisoformat(text)
    return date_words(on)


def _figures(figures: Mapping[str, Mapping[str, int]]) -> list[SimpleNamespace]:
    names = {
        "on_time": gettext("按时办完"),
        "closed": gettext("已关"),
        "revisited": gettext("已回访"),
        "satisfied": gettext("满意（4 分以上）"),
        "missed_floors": gettext("漏巡的楼层"),
        "escalations": gettext("上报"),
        "complete": gettext("登记填全"),
    }
    return [
        SimpleNamespace(
            name=names[key],
            text=f"{one['part']} / {one['whole']}" if key != "escalations" else str(one["part"]),
            percent=f"{one['part'] * 100 // one['whole']}%" if one["whole"] and key != "escalations" else "",
        )
        for key, one in figures.items()
    ]


def _version(card: queries.ReviewCard, version, signature) -> SimpleNamespace:
    return SimpleNamespace(
        number=version.version,
        signed=listed(people.name_of(signature.person), when(signature.signed_at)) if signature else "",
        behalf=people.name_of(signature.on_behalf_of) if signature and signature.on_behalf_of else "",
        hash=short(version.content_hash),
        replaces=short(version.replaces_hash),
        replaced=version.version - 1,
        changes=[_change(c) for c in version.changes],
        href=url_for("reviews.version", review_number=card.review.number, version_number=version.version)
        if signature
        else "",
    )


def _change(change: Mapping[str, Any]) -> str:
    """客户来电来访信息登记表 2026-0003，要求答复时限：客户没提 → 11-20 18:00"""
    record, column = change["record"], change["column"]
    where = listed(f"{register_views.name(record)} {change['key']}", register_views.heading(column) if column else "")
    if not column:
        return f"{where}：{gettext('后来补的') if change['before'] is None else gettext('后来没有了')}"
    said = [register_views.cell(record, column, change[name]) or gettext("空") for name in ("before", "after")]
    return f"{where}：{said[0]} → {said[1]}"


def _before(review: Review, version) -> SimpleNamespace:
    return SimpleNamespace(
        day=month_day(review.day),
        who=listed(people.name_of(review.signed_by), gettext("%(at)s 签", at=clock_time(review.signed_at)))
        if review.signed_at
        else state(review),
        hash=short(version.content_hash) if version else "",
        href=url_for("reviews.show", review_number=review.number),
    )


# --- what changed while somebody read ---------------------------------------------------------------------------------


def differences(error: ContentChanged) -> list[str]:
    """What is no longer as it was shown, at most twenty lines."""
    return [_difference(found) for found in error.differences[:20]]


def _difference(found: Difference) -> str:
    where, column = found.where, found.where[-1]
    if len(where) >= 4 and where[0] == "records":
        name = f"{register_views.name(where[1])} {where[3]}"
        if len(where) == 4:
            return f"{name}：{gettext('新来的') if found.before is None else gettext('没有了')}"
        before, after = (register_views.cell(where[1], column, v) or gettext("空") for v in (found.before, found.after))
        return f"{name}，{register_views.heading(column)}：{before} → {after}"
    if where[0] == "matters":
        return gettext("要定办法的事有变化：%(what)s", what=_matter_of(found))
    return gettext("别的内容有变化：%(where)s", where=" ".join(where))


def _matter_of(found: Difference) -> str:
    value = found.after if isinstance(found.after, dict) else found.before
    if isinstance(value, dict) and "facts" in value:
        return matter_words(Matter(value["key"], value["kind"], value["about"], value["facts"]))[0]
    return found.where[1].split(":")[-1]


# --- a signed version -------------------------------------------------------------------------------------------------


def version(card: queries.ReviewCard, number: int) -> SimpleNamespace | None:
    """A version as it was signed, every entry of it; None for one that is not signed."""
    found = next(((v, s) for v, s in card.versions if v.version == number and s is not None), None)
    if found is None:
        return None
    row, signature = found
    content = signature.content
    return SimpleNamespace(
        number=card.review.number,
        title=title(card.review),
        version=row.version,
        centre=card.centre.name,
        who=people.name_of(signature.person),
        role=words.role(signature.role),
        at=f"{local(signature.signed_at):%Y-%m-%d %H:%M}",
        hash=row.content_hash,
        hash_short=short(row.content_hash),
        replaces=short(row.replaces_hash),
        opinion=content.get("opinion", ""),
        lines=[_line(card, m, n) for n, m in enumerate(content["matters"], 1)],
        records=[_frozen(record) for record in content["records"]],
        figures=_figures(content["figures"]),
        dailies=[_daily(one) for one in content["reviews"]],
        changes=[_change(c) for c in content.get("changes", [])],
        back=url_for("reviews.show", review_number=card.review.number),
    )


def _frozen(record: Mapping[str, Any]) -> SimpleNamespace:
    rows = [contents.entry(record["key"], row) for row in record["rows"]]
    return SimpleNamespace(
        key=record["key"],
        name=register_views.name(record["key"]),
        columns=[register_views.heading(c.key) for c in register_views.rules.COLUMNS[Record(record["key"])]],
        rows=register_views.row_views(record["key"], rows),
    )


# --- matters in words -------------------------------------------------------------------------------------------------


def href_of(matter: Mapping[str, Any]) -> str:
    """The page of what a matter is about; empty where it has none."""
    about = matter["about"]
    if about[:2] == "XC":
        return url_for("patrols.record", patrol_number=about)
    if about[:2] == "WT":
        return url_for("findings.show", finding_number=about)
    if about[:2] in ("RS", "ZS"):
        return url_for("reviews.show", review_number=about)
    if about[:2] == "LD":
        return url_for("reception.call", call_number=about)
    return url_for("tickets.show", number=about) if about[:2] == "20" else ""


def matter_words(matter: Matter) -> tuple[str, str]:
    """(what it is, where and who) of a matter."""
    facts = matter.facts
    who = people.name_of(facts.get("who")) if facts.get("who") else ""
    return _WHAT[str(matter.kind)](facts), listed(matter.about, _place(facts), who)


def _place(facts: Mapping[str, Any]) -> str:
    return listed(facts.get("place") or "", words.department(facts["department"]) if facts.get("department") else "")


def _at(facts: Mapping[str, Any], key: str = "due_at") -> str:
    return when(datetime.fromisoformat(facts[key])) if facts.get(key) else ""


def _overdue(facts: Mapping[str, Any]) -> str:
    limit = {
        "response": gettext("没人接"),
        "arrival": gettext("没到场"),
        "resolution": gettext("没办完"),
        "reported": gettext("没人接"),
        "accepted": gettext("没改好"),
    }.get(facts.get("limit", ""), "")
    return gettext("%(title)s，过了 %(at)s %(limit)s", title=facts["title"], at=_at(facts), limit=limit)


def _escalation(facts: Mapping[str, Any]) -> str:
    what = diagram_text(facts.get("reason") or facts["title"])
    return (
        gettext("上报过：%(what)s", what=what)
        if facts.get("answer")
        else gettext("上报了还没答复：%(what)s", what=what)
    )


def _missing(facts: Mapping[str, Any]) -> str:
    names = listed(*(register_views.heading(key) for key in facts["missing"]), items=True)
    title = register_views.cell(facts.get("record", Record.CALLS), "request", facts.get("title") or "")
    return gettext("没填%(what)s：%(title)s", what=names, title=title)


def _planned(facts: Mapping[str, Any]) -> str:
    return listed(f"{words.planned(facts['planned'])} {facts['title']}".strip(), _at(facts))


def _slot(facts: Mapping[str, Any]) -> str:
    return register_views.cell(Record.PATROLS, "slot", facts.get("slot") or "")


_WHAT = {
    "escalation": _escalation,
    "overdue": _overdue,
    "missed-floor": lambda f: gettext("%(place)s%(slot)s漏巡（%(day)s）", place=f["place"], slot=_slot(f), day=_day_short(f)),
    "missed-round": lambda f: gettext("%(name)s，%(at)s 没人", name=f["title"], at=_at(f)),
    "difference": lambda f: gettext("交接有差异：%(what)s", what=f["title"]),
    "unvisited": lambda f: gettext("没回访：%(title)s", title=f["title"]),
    "incomplete": _missing,
    "open-finding": lambda f: gettext("巡查的问题还没关：%(title)s", title=f["title"]),
    "weak-proof": lambda f: gettext("%(place)s的巡查要看一眼", place=f["place"]),
    "unchecked": lambda f: gettext("没做检查：%(what)s", what=f.get("title") or gettext("班后自查")),
    "not-started": lambda f: listed(gettext("到点没开始：%(what)s", what=_planned(f)), timetable.reason(f.get("reason") or "")),
    "action-late": lambda f: gettext("定了没办：%(what)s", what=f["title"]),
    "no-review": lambda f: gettext("%(day)s没有日审", day=_day(f["day"])),
    "unsigned": lambda f: gettext("%(day)s的日审没签", day=_day(f["day"])),
    "signed-late": lambda f: gettext("%(day)s的日审过了时才签", day=_day(f["day"])),
}  # fmt: skip


def _day_short(facts: Mapping[str, Any]) -> str:
    return day(date.fromisoformat(facts["day"])) if facts.get("day") else ""
