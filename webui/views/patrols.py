"""The pages of patrols: today's floors, one floor in six questions, the record with its flags, the plan and its tags."""

from __future__ import annotations

import io
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import segno
from flask import g, url_for

from service import access
from service.patrols import checklist, queries, rules
from service.patrols.models import PatrolSlot, VisitState
from service.patrols.planner import SLOT_NAMES
from service.reviews import queries as reviews
from webui import words
from webui.filters import Clock, clock, clock_time, day, local, now, when
from webui.gates import service_app
from webui.i18n import colon, gettext, language, listed
from webui.people import know, name_of, names
from webui.views.pages import Row


def slot(value) -> str:
    return {"day": gettext("全天"), "morning": gettext("上午"), "afternoon": gettext("下午")}.get(
        str(value), str(value)
    )


def name_in_words(patrol) -> str:
    """3座 上午, its half of the day in the reader's language."""
    plan = patrol.name.removesuffix(SLOT_NAMES[PatrolSlot(patrol.slot)])
    return plan if patrol.slot == PatrolSlot.DAY else f"{plan} {slot(patrol.slot)}"


def visit_state(value) -> str:
    return {"waiting": gettext("还没巡"), "done": gettext("巡过"), "missed": gettext("漏巡")}.get(
        str(value), str(value)
    )


def rhythms() -> dict[str, str]:
    return {"twice": gettext("上午、下午各一遍"), "daily": gettext("每天一遍")}


def posting_kinds() -> dict[str, str]:
    return {"notice": gettext("温馨提示"), "permit": gettext("装修备案证"), "other": gettext("其他")}


def flag(value) -> str:
    return {
        "no-tag": gettext("没扫码"),
        "wrong-tag": gettext("扫的是别处的码"),
        "too-fast": gettext("答得太快"),
        "too-near": gettext("离上一层时间太短"),
        "out-of-order": gettext("离上一层太远"),
        "clock-off": gettext("手机的钟不对"),
        "sent-late": gettext("过了很久才发来"),
        "after-slot": gettext("时段完了才到"),
        "no-photo": gettext("指定的照片没拍"),
        "old-photo": gettext("照片以前发过"),
    }.get(str(value), str(value))


# --- today ------------------------------------------------------------------------------------------------------------


FEW = 6  # of one's own floors there are none: those of others are shown at once up to this number


@dataclass(slots=True)
class FloorView:
    label: str
    state: str
    state_words: str
    who: str
    href: str
    mine: bool


@dataclass(slots=True)
class PatrolView:
    name: str
    number: str
    clock: Clock
    count: str
    until: str
    record_href: str
    mine: list[FloorView]  # still to walk, by the reader
    others: list[FloorView]  # still to walk, by others
    walked: list[FloorView]
    open: bool  # the floors of others are shown at once


def today() -> SimpleNamespace:
    """The patrols that go on, one's own floors first; what comes next; what was walked lately."""
    rows = [row for row in queries.of_day(g.person) if row.patrol.closed_at is None]
    leads = access.may(g.person, "change patrols")
    return SimpleNamespace(
        patrols=[_patrol(row) for row in rows],
        coming=_coming(queries.coming(g.person)),
        past=_past_days(queries.past(g.person)),
        leads=leads,
        may_walk=access.may(g.person, "walk patrols"),
        centres=queries.centres_of(g.person),
    )


def _patrol(row: queries.PatrolRow) -> PatrolView:
    patrol = row.patrol
    waiting = [_floor(v) for v in row.visits if v.state == VisitState.WAITING]
    return PatrolView(
        name_in_words(patrol),
        patrol.number,
        clock(patrol.ends_at, patrol.starts_at, mine=bool(waiting)),
        gettext("%(done)d / %(all)d 层", done=row.done, all=len(row.visits)),
        gettext("%(at)s 前", at=when(patrol.ends_at)),
        url_for("patrols.record", patrol_number=patrol.number),
        [f for f in waiting if f.mine],
        [f for f in waiting if not f.mine],
        [_floor(v) for v in row.visits if v.state != VisitState.WAITING],
        len(waiting) <= FEW,
    )


def _coming(found: list[queries.Coming]) -> list[SimpleNamespace]:
    """One line per slot of the day: 明天 08:30 到 12:00 and what is walked then."""
    slots = dict.fromkeys((c.starts_at, c.ends_at) for c in found)
    return [
        SimpleNamespace(
            time=gettext("%(start)s 到 %(end)s", start=when(start), end=clock_time(end)),
            names=[(c.name, gettext("%(n)d 层", n=c.floors)) for c in found if (c.starts_at, c.ends_at) == (start, end)],
        )
        for start, end in slots
    ]


def _past_days(rows: list[queries.Past]) -> list[SimpleNamespace]:
    """The records day by day, each day with its sums; the latest one is open."""
    days = {d: [row for row in rows if row.patrol.day == d] for d in dict.fromkeys(row.patrol.day for row in rows)}
    return [_past_day(of, n == 0) for n, of in enumerate(days.values())]


def _past_day(rows: list[queries.Past], latest: bool) -> SimpleNamespace:
    done, floors = sum(r.done for r in rows), sum(r.floors for r in rows)
    findings, missed = sum(r.findings for r in rows), sum(r.patrol.missed for r in rows)
    return SimpleNamespace(
        name=day(rows[0].patrol.day),
        open=latest,
        sums=listed(
            gettext("%(done)d / %(all)d 层", done=done, all=floors),
            gettext("%(n)d 处问题", n=findings) if findings else "",
        ),
        missed=gettext("漏巡 %(n)d 层", n=missed) if missed else "",
        rows=[_past(row) for row in rows],
    )


def _past(row: queries.Past) -> SimpleNamespace:
    patrol = row.patrol
    return SimpleNamespace(
        name=name_in_words(patrol),
        number=patrol.number,
        href=url_for("patrols.record", patrol_number=patrol.number),
        count=gettext("%(done)d / %(all)d 层", done=row.done, all=row.floors),
        missed=gettext("漏巡 %(n)d 层", n=patrol.missed) if patrol.missed else "",
        findings=gettext("%(n)d 处问题", n=row.findings) if row.findings else "",
    )


def work_rows(person) -> list[tuple[Any, Row]]:
    """For the first screen: one row per patrol with floors to walk, with the instant by which it ends."""
    if not access.may(person, "walk patrols"):
        return []
    return [
        (row.patrol.ends_at, _work_row(row, len(row.waiting)))
        for row in queries.of_day(person)
        if row.waiting and row.patrol.closed_at is None
    ]


def _work_row(row: queries.PatrolRow, left: int) -> Row:
    patrol = row.patrol
    return Row(
        clock(patrol.ends_at, patrol.starts_at),
        gettext("%(at)s 前", at=when(patrol.ends_at)),
        gettext("巡查：%(name)s，还有 %(n)d 层", name=name_in_words(patrol), n=left),
        patrol.number,
        url_for("patrols.index"),
        gettext("去巡"),
    )


def _floor(visit) -> FloorView:
    who = visit.walked_by or visit.responsible
    return FloorView(
        visit.label,
        str(visit.state),
        visit_state(visit.state),
        listed(name_of(who) if who else "", clock_time(visit.arrived_at) if visit.arrived_at else ""),
        url_for("patrols.floor", visit_id=visit.id),
        visit.responsible == g.person.username,
    )


# --- one floor --------------------------------------------------------------------------------------------------------


def floor(card: queries.VisitCard, tag: str) -> SimpleNamespace:
    """Everything that the phone needs for a floor, so that it can be answered without a network."""
    visit, patrol = card.visit, card.patrol
    shown = language()
    return SimpleNamespace(
        id=visit.id,
        label=visit.label,
        slot=slot(patrol.slot),
        clock=clock(patrol.ends_at, patrol.starts_at),
        waiting=visit.state == VisitState.WAITING,
        state=visit_state(visit.state),
        may_walk=card.may_walk,
        groups=[
            SimpleNamespace(
                key=group.key,
                name=group.name.in_(shown),
                lines=[line.in_(shown) for line in group.lines + (group.office if card.office else ())],
                department=group.department,
                open=[f for f in card.findings if f.group == group.key],
            )
            for group in checklist.groups()
        ],
        postings=[(p, posting_kinds()[str(p.kind)], day(p.expires_on)) for p in card.postings],
        photo_item=checklist.photo_items()[visit.photo_item].in_(shown) if visit.photo_item else "",
        departments=departments(),
        severities=severities(),
        tag=tag,
        post_href=url_for("patrols.submit", visit_id=visit.id),
        photo_href=url_for("patrols.photo", visit_id=visit.id),
        back=url_for("patrols.index"),
    )


def departments() -> dict[str, str]:
    """Who may have to put a finding right."""
    return {key: words.department(key) for key in ("engineering", "safety", "specialist")}


def severities() -> dict[str, str]:
    return {"minor": gettext("一般"), "major": gettext("较大"), "danger": gettext("安全隐患")}


def done_words(card: queries.VisitCard, done) -> str:
    if done.late:
        return gettext("%(floor)s：收到了，时段已经完了，注明晚到", floor=card.visit.label)
    if done.findings:
        return gettext("%(floor)s：巡完，%(n)d 处问题已经派出去", floor=card.visit.label, n=len(done.findings))
    return gettext("%(floor)s：巡完，都正常", floor=card.visit.label)


def next_address(person, card: queries.VisitCard) -> str:
    """Where to go after a floor: always the list, which shows what is left; the next floor begins with its tag."""
    return url_for("patrols.index")


# --- the record -------------------------------------------------------------------------------------------------------


def record(found: queries.Record) -> SimpleNamespace:
    """The paper form's columns: floor, who, when, six answers, findings; and what speaks against a visit."""
    names().update(found.names)
    patrol = found.row.patrol
    by_visit: dict[int, list] = {}
    for one in found.findings:
        by_visit.setdefault(one.visit_id, []).append(one)
    groups = checklist.groups()
    rows = [_line(v, groups, by_visit.get(v.id, []), found.photos.get(v.id)) for v in found.row.visits]
    return SimpleNamespace(
        name=name_in_words(patrol),
        number=patrol.number,
        day=day(patrol.day),
        slot=slot(patrol.slot),
        closed=patrol.closed_at,
        may_ask=patrol.closed_at is None and access.may(g.person, "walk patrols", patrol),
        groups=[g.name.in_(language()) for g in groups],
        rows=rows,
        done=found.row.done,
        all=len(rows),
        missed=[r.label for r in rows if r.state == "missed"],
        decided=_decided(patrol.number),
        look=[r for r in rows if r.look],
        uncounted=_uncounted(found, groups),
    )


def _uncounted(found: queries.Record, groups) -> list[SimpleNamespace]:
    """Entries that came too late to be the floor's own: what each says otherwise, and why it was not taken."""
    visits = {v.id: v for v in found.row.visits}
    return [_late_entry(entry, visits[entry.visit_id], found.findings, groups) for entry in found.uncounted]


def _late_entry(entry, visit, findings: list, groups) -> SimpleNamespace:
    walked = visit.state == VisitState.DONE
    said = entry.content.get("answers", {})
    other = [f"{g.name.in_(language())}{colon()}{answer(said.get(g.key))}" for g in groups if said.get(g.key) != visit.answers.get(g.key)]
    mine = [f for f in findings if (f.visit_id, f.reported_by, f.reported_at) == (visit.id, entry.sent_by, entry.arrived_at)]
    return SimpleNamespace(
        label=visit.label,
        who=name_of(entry.sent_by),
        arrived=when(entry.arrived_at),
        why=gettext("%(who)s先巡过这一层", who=name_of(visit.walked_by)) if walked else gettext("时段完了才到，算漏巡"),
        other=listed(*other, items=True),
        findings=[(f.number, f.words, url_for("findings.show", finding_number=f.number)) for f in mine],
    )


def _decided(number: str) -> list[str]:
    """Why floors were missed and what is done about it, as the daily review has it (clause 23.3)."""
    found = reviews.decided_about(g.session, number, "missed-floor")
    know([action.decided_by for action in found])
    return list(dict.fromkeys(listed(action.text, name_of(action.decided_by)) for action in found))


def _line(visit, groups, findings: list, proof) -> SimpleNamespace:
    signs = {"fine": "✓", "finding": "!", "na": "–"}
    answers = [
        SimpleNamespace(sign=signs.get(visit.answers.get(g.key), ""), words=answer(visit.answers.get(g.key)))
        for g in groups
    ]
    return SimpleNamespace(
        label=visit.label,
        state=str(visit.state),
        state_words=visit_state(visit.state),
        who=name_of(visit.walked_by) if visit.walked_by else "",
        responsible=name_of(visit.responsible) if visit.responsible else "",
        scanned=clock_time(visit.scanned_at) if visit.scanned_at else "",
        sent=clock_time(visit.sent_at) if visit.sent_at else "",
        arrived=clock_time(visit.arrived_at) if visit.arrived_at else "",
        answers=answers,
        findings=[(f.number, f.words, url_for("findings.show", finding_number=f.number)) for f in findings],
        flags=[_flag(f, visit) for f in visit.flags],
        look=rules.weight(visit.flags) >= rules.LOOK,
        proof=url_for("findings.photo", key=proof.key) if proof else "",
        item=checklist.photo_items()[visit.photo_item].in_(language()) if visit.photo_item else "",
    )


def _flag(value, visit) -> str:
    """The flag's words; of a wrong clock also by how much, where the phone has noted it."""
    minutes = round((visit.clock_offset_seconds or 0) / 60)
    if value != "clock-off" or not minutes:
        return flag(value)
    if minutes > 0:
        return gettext("手机的钟慢 %(n)d 分", n=minutes)
    return gettext("手机的钟快 %(n)d 分", n=-minutes)


def answer(value) -> str:
    return {"fine": gettext("正常"), "finding": gettext("有问题"), "na": gettext("这层没有")}.get(str(value), "")


# --- a floor's past, for a complaint ----------------------------------------------------------------------------------


def past(session, ticket) -> SimpleNamespace | None:
    """For a complaint from a floor: who answers for it and how it was walked lately (clause 23.1); None for anything else."""
    floor_id = ticket.about_floor_id or (ticket.unit.floor_id if ticket.unit else None)
    if str(ticket.category) != "complaint" or floor_id is None:
        return None
    found = queries.past_of(session, floor_id, ticket.registered_at)
    if found is None or not access.may(g.person, "see patrols", found.floor):
        return None
    return SimpleNamespace(
        label=found.label,
        responsible=found.responsible.name if found.responsible else "",
        rows=[_past_row(visit, patrol, found.findings.get(visit.id, 0)) for visit, patrol in found.visits],
    )


def _past_row(visit, patrol, findings: int) -> SimpleNamespace:
    return SimpleNamespace(
        day=f"{day(patrol.day)} {slot(patrol.slot)}",
        state=str(visit.state),
        text=listed(
            visit_state(visit.state),
            name_of(visit.walked_by) if visit.walked_by else "",
            clock_time(visit.arrived_at) if visit.arrived_at else "",
            gettext("%(n)d 处问题", n=findings) if findings else "",
        ),
        look=rules.weight(visit.flags) >= rules.LOOK,
        href=url_for("patrols.record", patrol_number=patrol.number),
    )


# --- the plan ---------------------------------------------------------------------------------------------------------


def plan(centre) -> SimpleNamespace:
    found = queries.plan_page(g.person, centre)
    in_plan = {floor: plan.name for plan, floors in found.plans for floor in floors if plan.active}
    buildings: dict[int, list] = {}
    for line in found.floors:
        buildings.setdefault(line.building.id, []).append(line)
    return SimpleNamespace(
        centre=centre,
        centres=queries.centres_of(g.person, "change patrols"),
        areas=found.areas,
        plans=[
            SimpleNamespace(
                id=plan.id,
                name=plan.name,
                area_id=plan.area_id,
                rhythm=str(plan.rhythm),
                active=plan.active,
                version=plan.version,
                floors=set(floors),
                count=len(floors),
            )
            for plan, floors in found.plans
        ],
        buildings=[_plan_building(lines, in_plan) for lines in buildings.values()],
        people=found.people,
        rhythms=rhythms(),
        kinds=posting_kinds(),
        without_tag=sum(not line.points for line in found.floors if line.floor.id in in_plan),
    )


def _plan_building(lines: list[queries.FloorLine], in_plan: dict[int, str]) -> SimpleNamespace:
    """A building folded to its counts; `lacks` says what somebody has to see to and opens it."""
    floors = [_plan_floor(line, in_plan) for line in lines]
    walked = [f for f in floors if f.plan]
    unled, untagged = sum(not f.responsible for f in walked), sum(not f.points for f in walked)
    return SimpleNamespace(
        name=lines[0].building.name,
        floors=floors,
        sums=listed(
            gettext("%(n)d 层", n=len(floors)),
            gettext("在计划里 %(n)d 层", n=len(walked)) if len(walked) < len(floors) else "",
            listed(*dict.fromkeys(f.responsible for f in floors if f.responsible), items=True),
        ),
        lacks=listed(
            gettext("%(n)d 层没人负责", n=unled) if unled else "",
            gettext("%(n)d 层没有码", n=untagged) if untagged else "",
        ),
        points=[(f.name, p) for f in floors for p in f.points],
    )


def _plan_floor(line: queries.FloorLine, in_plan: dict[int, str]) -> SimpleNamespace:
    return SimpleNamespace(
        id=line.floor.id,
        name=line.floor.name,
        responsible=line.responsible.name if line.responsible else "",
        plan=in_plan.get(line.floor.id, ""),
        points=line.points,
        postings=[_posted(p) for p in line.postings],
    )


def _posted(posting) -> SimpleNamespace:
    return SimpleNamespace(
        id=posting.id,
        title=posting.title,
        kind=posting_kinds()[str(posting.kind)],
        until=day(posting.expires_on),
        past=posting.expires_on < local(now()).date(),
    )


def tag_sheet(centre) -> SimpleNamespace:
    found = queries.plan_page(g.person, centre)
    return SimpleNamespace(
        centre=centre.name,
        tags=[
            SimpleNamespace(
                label=f"{line.building.name}{line.floor.name}".replace(" ", ""),
                name=point.name,
                src=url_for("patrols.tag_picture", tag=point.code),
            )
            for line in found.floors
            for point in line.points
        ],
    )


def qr(code: str) -> bytes:
    """The QR of a tag: the address that the phone's own camera opens."""
    address = f"{service_app().settings.address}{url_for('patrols.short', tag=code)}"
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=4, border=2, xmldecl=False, nl=False)
    return out.getvalue()
