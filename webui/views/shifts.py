"""The pages of shifts: who answers now, the week's roster, a handover as its sheet, the check before going home, a leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import g, url_for

from engine.tables import user_task
from service import access
from service.organisation.models import Centre, Person, Role
from service.shifts import handovers, leaving, queries, roster, rules, sheets, steps
from service.shifts import news as read_news
from service.shifts.models import (
    CheckAnswer,
    DayCheck,
    DayCheckItem,
    GoodsKind,
    Handover,
    HandoverRecord,
    HandoverState,
    Leave,
    LeaveState,
    Post,
    Shift,
    ShiftNote,
)
from service.shifts.sheets import IN, OUT
from service.signing.queries import signatures_of
from service.subjects.models import Subject
from service.tickets.queries import escalation_of
from webui import forms, moments, words
from webui.diagram_texts import diagram_text
from webui.filters import Clock, clock, day, local, month_day, now, weekday, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.people import know, name_of
from webui.views import entries, things
from webui.views.story import element_name

LAST = 10  # handovers that are shown


def shift(value: Any) -> str:
    return gettext("白班") if str(value) == "day" else gettext("夜班")


def kind(value: Any) -> str:
    return {
        "ticket": gettext("工单"), "slip": gettext("派单"), "finding": gettext("巡查问题"), "promise": gettext("答应客户的"),
        "note": gettext("留的话"),
    }.get(str(value), str(value))  # fmt: skip


def state(value: Any) -> str:
    return {
        "open": gettext("等交班的人签"), "given": gettext("等接班的人签"), "back": gettext("有差异，退回交班的人"),
        "settling": gettext("有差异，等主管定"), "done": gettext("交接完了"),
    }.get(str(value), str(value))  # fmt: skip


# --- gates ------------------------------------------------------------------------------------------------------------


def centre_named(person, text: str) -> Centre | None:
    """One of the centres whose shifts the person sees: the one with that id, without an id the first."""
    found = queries.centres_of(person)
    if not text:
        return found[0] if found else None
    return next((centre for centre in found if str(centre.id) == text), None)


def post_named(person, post_id: int) -> Post | None:
    return _seen(person, g.session.get(Post, post_id))


def handover_named(person, number: str) -> Handover | None:
    return _seen(person, g.session.scalars(sa.select(Handover).where(Handover.number == number)).first())


def check_named(person, number: str) -> DayCheck | None:
    return _seen(person, g.session.scalars(sa.select(DayCheck).where(DayCheck.number == number)).first())


def leave_named(person, number: str) -> Leave | None:
    return _seen(person, g.session.scalars(sa.select(Leave).where(Leave.number == number)).first())


def _seen(person, thing):
    return thing if thing is not None and access.may(person, "see shifts", thing) else None


# --- now --------------------------------------------------------------------------------------------------------------


def now_page(centre: Centre) -> SimpleNamespace:
    """Posts with who answers, what runs, one's own leave, and what changed since one's last shift."""
    posts = queries.posts_of(g.session, centre.id)
    holders = queries.responsible_now(g.session, centre.id)
    running = {h.post_id: h for h in g.session.scalars(
        sa.select(Handover).where(Handover.centre_id == centre.id, Handover.state != HandoverState.DONE)
    )}  # fmt: skip
    know([h.person for h in holders.values()])
    return SimpleNamespace(
        centre=centre,
        centres=queries.centres_of(g.person),
        posts=[_post_now(p, holders.get(p.id), running.get(p.id)) for p in posts],
        leaves=[_leave_row(row) for row in _leaves(centre)],
        checks=[_check_row(row) for row in _my_checks(centre)],
        done=[_done_row(row) for row in _last_handovers(centre)],
        may_leave=access.may(g.person, "leave post", centre),
        may_note=access.may(g.person, "hand over", centre),
        covers=[p for p, _ in _people(centre, Role.SPECIALIST) if p.id != g.person.id],
        news=news(),
    )


def _people(centre: Centre, role: Role) -> list[tuple[Person, Role]]:
    return list(roster.people_for(g.session, role, centre.id).values())


def _post_now(post: Post, holder, running: Handover | None) -> SimpleNamespace:
    return SimpleNamespace(
        id=post.id,
        name=post.name,
        who=name_of(holder.person) if holder else "",
        mine=bool(holder) and holder.person == g.person.username,
        since=gettext("%(at)s 起", at=when(holder.from_at)) if holder else "",
        handover=_running_row(running) if running else None,
        next="" if running else _next_words(queries.next_handover(g.session, post.id, now())),
        notes=[(n.text, listed(name_of(n.by), when(n.at))) for n in _open_notes(post)],
    )


def _next_words(found: queries.Next | None) -> str:
    if found is None:
        return ""
    who = f"{name_of(found.outgoing)} → {name_of(found.incoming)}"
    return gettext("下次交接 %(at)s，%(who)s", at=when(found.due_at), who=who)


def _open_notes(post: Post) -> list[ShiftNote]:
    wanted = sa.select(ShiftNote).where(ShiftNote.post_id == post.id, ShiftNote.handover_id.is_(None))
    return list(g.session.scalars(wanted.order_by(ShiftNote.id)))


def _running_row(handover: Handover) -> SimpleNamespace:
    due = handover.shift_ends_at if handover.given_at is None else handover.sign_due_at
    mine = g.person.username in (handover.outgoing, handover.incoming)
    return SimpleNamespace(
        number=handover.number,
        state=state(handover.state),
        who=f"{name_of(handover.outgoing)} → {name_of(handover.incoming)}",
        clock=clock(due, handover.opened_at, mine=mine),
        href=url_for("shifts.handover", handover_number=handover.number),
    )


def _last_handovers(centre: Centre) -> list[HandoverRecord]:
    wanted = sa.select(HandoverRecord).where(HandoverRecord.centre_id == centre.id)
    return list(g.session.scalars(wanted.order_by(HandoverRecord.id.desc()).limit(LAST)))


def _done_row(row: HandoverRecord) -> SimpleNamespace:
    return SimpleNamespace(
        text=listed(row.post, f"{row.outgoing} → {row.incoming}"),
        hint=listed(day(row.day), shift(row.shift), when(row.taken_at)),
        difference=row.difference != steps.NONE,
        href=url_for("shifts.handover", handover_number=row.number),
    )


def news() -> SimpleNamespace:
    """What changed since the reader's last shift, and what will be late before the next one ends."""
    found = read_news.news(g.person, now())
    texts = {
        "new": gettext("新登记"), "closed": gettext("办完了"), "note": gettext("客户又说了"), "escalated": gettext("升级了"),
    }  # fmt: skip
    return SimpleNamespace(
        since=when(found.since),
        until=when(found.until),
        changes=[
            SimpleNamespace(
                what=texts[c.what], number=c.number, title=c.title, at=when(c.at), href=url_for("tickets.show", number=c.number)
            )
            for c in found.changes
        ],
        more=found.more,
        late=[
            SimpleNamespace(
                clock=clock(found.due[t.id], t.registered_at, mine=t.owner == g.person.username), number=t.number,
                title=t.title, href=url_for("tickets.show", number=t.number),
            )
            for t in found.late
        ],
    )  # fmt: skip


# --- calls for help about one of these ---------------------------------------------------------------------------------


def call_named(person, task_id: str):
    """The open task of an escalation about a handover, a check or a leave, if the person may do it."""
    task = g.session.execute(sa.select(user_task).where(user_task.c.id == task_id)).first()
    subject = task and g.session.get(Subject, task.business_key)
    if not subject or task.process_key != "escalation" or subject.kind not in things.SHIFTS:
        return None
    return task if access.may(person, "do", task) else None


def calls(number: str) -> list[SimpleNamespace]:
    """What the reader is asked about `number`, each with its form."""
    rows = g.session.execute(
        sa.select(user_task).where(
            user_task.c.business_key == number, user_task.c.process_key == "escalation", user_task.c.state == "open"
        )
    )
    return [_call(row) for row in rows if access.may(g.person, "do", row)]


def _call(row) -> SimpleNamespace:
    definition = service_app().engine.definition(row.definition_hash)
    form = forms.localized(definition.procedure.forms.get(row.form), definition)
    asked = escalation_of(g.session, row.instance_id)
    name = element_name(definition, row.element_id)
    return SimpleNamespace(
        id=row.id, name=name, version=row.version, clock=clock(row.due_at, row.opened_at), button=words.button(row.element_id, name),
        why=listed(name_of(asked.asked_by), diagram_text(asked.reason)) if asked else "",
        fields=forms.views(form, form.initial({})),
    )  # fmt: skip


def kind_of(number: str) -> str:
    return g.session.get_one(Subject, number).kind


def call_form(task):
    definition = service_app().engine.definition(task.definition_hash)
    return forms.localized(definition.procedure.forms.get(task.form), definition)


# --- the roster -------------------------------------------------------------------------------------------------------


def monday(text: str) -> date:
    """The Monday of the week that a text names; of this week for anything else."""
    try:
        on = date.fromisoformat(text)
    except ValueError:
        on = local(now()).date()
    return rules.monday_of(on)


def roster_page(centre: Centre, week: str) -> SimpleNamespace:
    first = monday(week)
    cells = roster.cells_of(g.session, centre.id, first)
    holders = queries.responsible_now(g.session, centre.id)
    may = access.may(g.person, "change roster", centre)
    posts = queries.posts_of(g.session, centre.id, all_of_them=may)
    return SimpleNamespace(
        centre=centre,
        week=first.isoformat(),
        title=gettext("%(first)s 到 %(last)s", first=month_day(first), last=month_day(first + timedelta(days=6))),
        before=_week_href(centre, first - roster.WEEK),
        after=_week_href(centre, first + roster.WEEK),
        this=_week_href(centre, rules.monday_of(local(now()).date())),
        may=may,
        posts=[_post_week(post, cells, first, holders.get(post.id), may) for post in posts],
        roles={str(role): words.role(role) for role in Role if role in access.WORKING},
        people=[p for p, _ in _people(centre, Role.SPECIALIST)] if may else [],
    )


def _week_href(centre: Centre, first: date) -> str:
    return url_for("shifts.week", week=first.isoformat(), centre=centre.id)


def _post_week(post: Post, cells: Mapping, first: date, holder, may: bool) -> SimpleNamespace:
    people = roster.people_for(g.session, post.role, post.centre_id)
    today = local(now()).date()
    return SimpleNamespace(
        id=post.id,
        name=post.name,
        active=post.active,
        who=name_of(holder.person) if holder else "",
        people=[p for p, _ in people.values()],
        days=[_day(post, cells, first + timedelta(days=n), today, people) for n in range(7)],
        goods=[_goods_row(row) for row in queries.goods_of(g.session, post.id, all_of_them=may)],
    )


def _day(post: Post, cells: Mapping, on: date, today: date, people: Mapping) -> SimpleNamespace:
    return SimpleNamespace(
        name=weekday(on),
        date=f"{on.month}/{on.day}",
        today=on == today,
        cells=[_cell(post, on, s, cells.get((post.id, on, s), ""), people) for s in Shift],
    )


def _cell(post: Post, on: date, which: Shift, who: str, people: Mapping) -> SimpleNamespace:
    ends_at = rules.shift_times(_calendar(post.centre_id), on, which)[1]
    return SimpleNamespace(
        key=f"{post.id}.{on.isoformat()}.{which}", shift=shift(which), who=who, over=ends_at <= now(),
        name=name_of(who) if who else "", gone=bool(who) and who not in people,
    )  # fmt: skip


def _calendar(centre_id: int):
    from service.calendars.queries import calendar_of

    known = g.setdefault("shift_calendars", {})
    if centre_id not in known:
        known[centre_id] = calendar_of(g.session, centre_id)
    return known[centre_id]


def _goods_row(row) -> SimpleNamespace:
    return SimpleNamespace(
        id=row.id, name=row.name, measure=row.measure, kind=str(row.kind), active=row.active,
        expected=_entered(row.kind, row.expected), shown=rules.amount(row.kind, row.expected, row.measure),
    )  # fmt: skip


def cells(form: Mapping[str, str]) -> dict:
    """The cells of a sent week: cell -> (who stood there, who is to stand there)."""
    found = {}
    for name, becomes in form.items():
        if name.startswith("cell."):
            post, on, which = name.removeprefix("cell.").split(".")
            found[(int(post), date.fromisoformat(on), Shift(which))] = (
                form.get(f"was.{post}.{on}.{which}", ""),
                becomes[:64],
            )
    return found


def goods_given(form: Mapping[str, str]) -> roster.GoodsGiven:
    kind_ = form.get("goods_kind", "")
    expected = _quantity(kind_, form.get("goods_expected", ""))
    return roster.GoodsGiven(
        form.get("goods_name", ""), form.get("goods_measure", ""), kind_, -1 if expected is None else expected,
        form.get("goods_active") == "yes",
    )  # fmt: skip


def _quantity(kind_: str, text: str) -> int | None:
    """Pieces as a whole number, money in yuan as fen; None for anything else."""
    text = text.strip()
    if kind_ == GoodsKind.MONEY:
        yuan, _, rest = text.partition(".")
        good = yuan.isascii() and yuan.isdigit() and len(yuan) < 9 and (not rest or (rest.isdigit() and len(rest) <= 2))
        return int(yuan) * 100 + int((rest or "0").ljust(2, "0")) if good else None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _entered(kind_: GoodsKind, value: int | None) -> str:
    if value is None:
        return ""
    return f"{value / 100:.2f}" if kind_ == GoodsKind.MONEY else str(value)


def number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 10 else None


# --- a handover -------------------------------------------------------------------------------------------------------


def stage(handover: Handover) -> str:
    """give, take, settle or done: whose move it is."""
    return {"open": "give", "back": "give", "given": "take", "settling": "settle"}.get(str(handover.state), "done")


def handover_page(handover: Handover, differences: list | None = None) -> SimpleNamespace:
    """The sheet as the reader may use it: to write, to go through, or to read."""
    at = stage(handover)
    element = {"give": handovers.GIVE, "take": handovers.TAKE, "settle": handovers.SETTLE}.get(at)
    task = element and handovers.open_task(g.session, handover, element)
    mine = bool(task) and access.may(g.person, "do", task)
    listed_items, goods = sheets.items(g.session, handover), sheets.goods(g.session, handover)
    sheet = sheets.sheet(g.session, handover, IN if at in ("take", "done") else OUT)
    lacking = {"give": rules.missing_out, "take": rules.missing_in}.get(at, lambda *_: [])(listed_items, goods)
    differs = rules.differing(goods)
    know([handover.outgoing, handover.incoming, handover.settled_by])
    lead = access.may(g.person, "change roster", g.session.get(Centre, handover.centre_id))
    return SimpleNamespace(
        number=handover.number,
        stage=at,
        mine=mine,
        state=state(handover.state),
        title=listed(handover.post_name, day(handover.day), shift(handover.shift)),
        outgoing=name_of(handover.outgoing),
        incoming=name_of(handover.incoming),
        responsible=name_of(sheets.responsible(g.session, handover)),
        clock=_clock(handover, at, mine),
        groups=_groups(listed_items, handover, at),
        goods=[_counted(row, at) for row in goods],
        matters=handover.matters,
        difference=handover.difference,
        settlement=handover.settlement,
        settled_by=name_of(handover.settled_by) if handover.settled_by else "",
        lacking=len(lacking),
        differs=[row.name for row in differs],
        may_sign=mine and at in ("give", "take") and not lacking and (not differs or bool(handover.settlement)),
        hash=sheet.hash,
        shown=sheet.text,
        changed=[_difference(d) for d in differences or ()],
        signatures=[_signature(s) for s in signatures_of(g.session, handover.number)],
        may_rename=lead and at == "take",
        people=[p for p, _ in _people(g.session.get(Centre, handover.centre_id), Role.SPECIALIST)] if lead else [],
        may_ask=at != "done" and access.may(g.person, "hand over", g.session.get(Centre, handover.centre_id)),
        news=news() if mine else None,
        record=_record(handover) if at == "done" else None,
        calls=calls(handover.number),
    )


def _clock(handover: Handover, at: str, mine: bool) -> Clock:
    if at == "done":
        return Clock("done", when(handover.done_at))
    return clock(handover.shift_ends_at if at == "give" else handover.sign_due_at, handover.opened_at, mine=mine)


def _groups(items: list, handover: Handover, at: str) -> list[SimpleNamespace]:
    said = _said(handover) if at == "give" else {}
    groups: dict[str, list] = {}
    for item in items:
        groups.setdefault(kind(item.kind), []).append(_item(item, said))
    return [SimpleNamespace(name=name, items=rows) for name, rows in groups.items()]


def _said(handover: Handover) -> dict[str, str]:
    """What the outgoing person answered in their check before going home, by number: a comment to begin with."""
    rows = g.session.execute(
        sa.select(DayCheckItem.key, DayCheckItem.answer, DayCheckItem.words)
        .join(DayCheck, DayCheck.id == DayCheckItem.check_id)
        .where(DayCheck.person == handover.outgoing, DayCheck.shift_ends_at == handover.shift_ends_at)
    )
    return {r.key: r.words or answer_words(r.answer) for r in rows if r.answer}


def _item(item: sheets.Item, said: Mapping[str, str]) -> SimpleNamespace:
    thing = item.thing if str(item.kind) in ("ticket", "slip", "finding") else ""
    return SimpleNamespace(
        key=item.key, title=item.title, hint=listed(thing, _where(item)), href=_href(item),
        due=when(item.due_at) if item.due_at else "", comment=item.comment or said.get(item.thing, ""),
        written=bool(item.comment), ticked=item.ticked, added=item.added, gone=item.gone,
    )  # fmt: skip


def _where(item: sheets.Item) -> str:
    return words.department(item.where) if str(item.kind) == "slip" else item.where


def _href(item: sheets.Item) -> str:
    kind_ = str(item.kind)
    if kind_ == "finding":
        return url_for("findings.show", finding_number=item.thing)
    if kind_ in ("ticket", "slip", "promise"):
        number_ = {"ticket": item.thing, "slip": item.thing.rpartition("-")[0], "promise": item.where}[kind_]
        return url_for("tickets.show", number=number_)
    return ""


def _counted(row, at: str) -> SimpleNamespace:
    counted = row.counted_in if at == "take" else row.counted_out
    return SimpleNamespace(
        id=row.goods_id,
        name=row.name,
        kind=str(row.kind),
        expected=rules.amount(row.kind, row.expected, row.measure),
        out=rules.amount(row.kind, row.counted_out, row.measure),
        taken=rules.amount(row.kind, row.counted_in, row.measure),
        value=_entered(row.kind, counted),
        remark=row.remark,
        off=row.counted_out is not None and row.counted_out != row.expected,
        differs=row.counted_in is not None and row.counted_in != row.counted_out,
    )


def _difference(found) -> SimpleNamespace:
    """One line of what changed between the page that was shown and now."""
    where = found.where[-1] if len(found.where) == 1 or found.where[0] not in ("items", "goods") else found.where[1]
    titled = next((v for v in (found.after, found.before) if isinstance(v, dict)), {})
    what = titled.get("title") or str(where).partition(":")[2] or str(where)
    return SimpleNamespace(what=what, before=_plain(found.before), after=_plain(found.after))


def _plain(value: Any) -> str:
    if value is None:
        return gettext("没有")
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    return value.get("title") or value.get("key") or "" if isinstance(value, dict) else str(value)


def _signature(row) -> SimpleNamespace:
    meaning = gettext("交班人签字") if row.meaning == OUT else gettext("接班人签字")
    return SimpleNamespace(what=meaning, who=name_of(row.person), at=when(row.signed_at), hash=row.content_hash)


def _record(handover: Handover) -> list[tuple[str, str]]:
    row = g.session.scalars(sa.select(HandoverRecord).where(HandoverRecord.number == handover.number)).one()
    return [
        (gettext("未完成事项"), row.unfinished), (gettext("需跟进事项"), row.to_follow), (gettext("交接物资"), row.goods),
        (gettext("其他重要事项"), row.matters), (gettext("差异及处理"), row.difference),
    ]  # fmt: skip


def comments(form: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("comment."): text for name, text in form.items() if name.startswith("comment.")}


def counts(form: Mapping[str, str]) -> dict[int, handovers.Count]:
    """The goods that were counted, by id; a field that is no number counts as not counted."""
    found = {}
    for name, text in form.items():
        id = number(name.removeprefix("count.")) if name.startswith("count.") else None
        if id is not None:
            found[id] = handovers.Count(_quantity(form.get(f"kind.{id}", ""), text), form.get(f"remark.{id}", ""))
    return found


# --- the check before going home --------------------------------------------------------------------------------------


def answer_words(value: Any) -> str:
    return entries.answer(str(value))


def check_page(check: DayCheck) -> SimpleNamespace:
    rows = g.session.scalars(
        sa.select(DayCheckItem).where(DayCheckItem.check_id == check.id).order_by(DayCheckItem.position)
    )
    items = [_check_item(row) for row in rows]
    return SimpleNamespace(
        number=check.number, who=name_of(check.person), mine=check.person == g.person.username, items=items,
        waiting=[i for i in items if not i.answer], answered=[i for i in items if i.answer],
        clock=Clock("done", when(check.done_at)) if check.done_at else clock(check.shift_ends_at, check.opened_at),
        answers={str(a): answer_words(a) for a in CheckAnswer},
        calls=calls(check.number),
        may_ask=check.done_at is None and access.may(g.person, "hand over", g.session.get(Centre, check.centre_id)),
    )  # fmt: skip


def _check_item(row: DayCheckItem) -> SimpleNamespace:
    why = {
        "incomplete": gettext("登记不完整"), "open": gettext("没办完"), "slip": gettext("派单没办完"),
    }[row.kind]  # fmt: skip
    ticket = row.key.rpartition("-")[0] if row.kind == "slip" else row.key
    return SimpleNamespace(
        key=f"{row.kind}:{row.key}", number=row.key, title=row.title, why=why, href=url_for("tickets.show", number=ticket),
        answer=answer_words(row.answer) if row.answer else "", words=row.words, at=when(row.answered_at),
    )  # fmt: skip


def answers(form: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        name.removeprefix("answer."): (value, form.get(f"words.{name.removeprefix('answer.')}", ""))
        for name, value in form.items()
        if name.startswith("answer.")
    }


def _my_checks(centre: Centre) -> list[DayCheck]:
    mine = (DayCheck.centre_id == centre.id, DayCheck.person == g.person.username, DayCheck.done_at.is_(None))
    return list(g.session.scalars(sa.select(DayCheck).where(*mine).order_by(DayCheck.id)))


def _check_row(check: DayCheck) -> SimpleNamespace:
    return SimpleNamespace(
        clock=clock(check.shift_ends_at, check.opened_at), href=url_for("shifts.check", check_number=check.number)
    )


# --- leaving the post -------------------------------------------------------------------------------------------------


def leave_state(value: Any) -> str:
    return {
        "asked": gettext("等主管定顶岗人"), "away": gettext("离岗中"), "back": gettext("已回岗"), "refused": gettext("没有走"),
    }.get(str(value), str(value))  # fmt: skip


def _leaves(centre: Centre) -> list[Leave]:
    open_ones = Leave.state.in_((LeaveState.ASKED, LeaveState.AWAY))
    return list(g.session.scalars(sa.select(Leave).where(Leave.centre_id == centre.id, open_ones).order_by(Leave.id)))


def _leave_row(row: Leave) -> SimpleNamespace:
    return SimpleNamespace(
        who=name_of(row.person), reason=row.reason, state=leave_state(row.state),
        cover=gettext("%(who)s 顶", who=name_of(row.cover)) if row.cover else "",
        clock=clock(row.back_due_at, row.asked_at, mine=row.person == g.person.username),
        href=url_for("shifts.show_leave", leave_number=row.number),
    )  # fmt: skip


def leave_page(row: Leave) -> SimpleNamespace:
    centre = g.session.get(Centre, row.centre_id)
    asked, away = row.state == LeaveState.ASKED, row.state == LeaveState.AWAY
    facts = [
        (gettext("谁"), name_of(row.person)), (gettext("为什么"), row.reason), (gettext("到几点"), when(row.back_due_at)),
        (gettext("谁顶"), name_of(row.cover) if row.cover else ""),
        (gettext("谁定的"), name_of(row.named_by) if row.named_by and row.named_by != row.person else ""),
        (gettext("几点走的"), when(row.left_at)), (gettext("几点回的"), when(row.back_at) if not row.refusal else ""),
        (gettext("为什么没走"), row.refusal),
    ]  # fmt: skip
    over = row.state in (LeaveState.BACK, LeaveState.REFUSED)
    return SimpleNamespace(
        number=row.number, state=leave_state(row.state), facts=[(n, t) for n, t in facts if t],
        clock=Clock("done", when(row.back_at)) if over else clock(row.back_due_at, row.asked_at),
        may_name=asked and leaving.may_do(g.session, g.person, row, "name_cover"),
        may_return=away and row.person == g.person.username,
        calls=calls(row.number),
        may_ask=not over and access.may(g.person, "hand over", centre),
        covers=[p for p, _ in _people(centre, Role.SPECIALIST) if p.username != row.person],
    )  # fmt: skip


def moment(centre: Centre, text: str) -> datetime | None:
    """A time of today in the centre's zone (HH:MM); None for anything else."""
    hour = moments.hour(text)
    if hour is None:
        return None
    return datetime.combine(now().astimezone(ZoneInfo(centre.zone)).date(), hour, ZoneInfo(centre.zone))
