"""The first screen and a department's queue: rows in the order they go wrong, each with one clock and one button."""

from __future__ import annotations

from types import SimpleNamespace

from flask import url_for

from service import access
from service.tickets import queries
from webui import words
from webui.diagram_texts import diagram_text
from webui.filters import Clock, clock, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views import notices, patrols
from webui.views.pages import Row
from webui.views.story import element_name

WAITING_SHOWN = 10


def first_screen(person, everything: bool) -> dict:
    """Everything the template of the first screen shows."""
    work = queries.my_work(person)
    items = queries.all_work(person) if everything else work.items
    mine = _with_patrols(person, items)
    rows = mine + [waiting_row(i) for i in work.waiting[:WAITING_SHOWN]]
    more = (
        ""
        if everything or not work.more
        else gettext("后面还有 %(n)d 件，最早的是 %(at)s", n=work.more, at=when(work.more_due_at))
    )
    upcoming = (
        gettext("等别人的 %(n)d 件在工单里", n=len(work.waiting))
        if work.waiting
        else gettext("有新的事会自己出现在这里")
    )
    desk = bool(work.promises or work.not_accepted) or access.may(person, "register")
    return {
        "desk": desk,
        "work": SimpleNamespace(
            rows=rows,
            total=len(mine) + (0 if everything else work.more),
            more=more,
            all=everything,
            next_words=upcoming,
        ),
        "promises": [_promise(p) for p in work.promises],
        "slips": [_not_accepted(s) for s in work.not_accepted],
        "notices": notices.rows(person, unread_only=True, limit=8),
    }


def _with_patrols(person, items: list) -> list[Row]:
    """The tasks' rows, with one row per patrol where its end belongs among them."""
    rows = [(item.due_at, work_row(item)) for item in items]
    for ends_at, row in patrols.work_rows(person):
        place = next((n for n, (due_at, _) in enumerate(rows) if due_at is None or due_at > ends_at), len(rows))
        rows.insert(place, (ends_at, row))
    return [row for _, row in rows]


def departments_of(person) -> list[str]:
    """The departments whose slips a person works on; leads look at all of them."""
    mine = access.reach(person)
    found = list(mine.departments)
    if access.may(person, "see board") and mine.roles & access.LEAD:
        found += [d for d in ("engineering", "safety") if d not in found]
    return found


def promises(person) -> list:
    """What was promised to customers for today, the nearest moment first."""
    return [_promise(p) for p in queries.my_work(person).promises]


def queue(person, department: str) -> tuple[list[Row], list[Row]]:
    """A department's cards: what the reader may do, and what others of the department have."""
    mine, others = queue_items(person, department)
    return [card(i, True) for i in mine], [card(i, False) for i in others]


def queue_items(person, department: str, limit: int = queries.PAGE) -> tuple[list, list]:
    """The same as work items, for the screen and for its export."""
    items = queries.department_queue(person, department, limit=limit)
    mine = [i for i in items if i.chip is not queries.Chip.WAIT and (not i.assignee or i.assignee == person.username)]
    ids = {i.task_id for i in mine}
    return mine, [i for i in items if i.task_id not in ids]


def card(item, mine: bool) -> Row:
    row = work_row(item)
    label = {"accept_slip": gettext("接单"), "arrive": gettext("到场"), "handle": gettext("办完")}.get(
        item.element_id, ""
    )
    row.clock = _clock(item, mine=mine, label=label) if item.due_at else row.clock
    row.what, row.where = diagram_text(item.title), _place(item)
    if not mine:
        who = item.assignee_name or words.department(item.groups[0] if item.groups else "")
        row.clock = row.clock if row.clock.kind in ("over", "soon", "paused") else Clock("wait", gettext("等%(whom)s", whom=who))
        row.where = listed(row.where, item.assignee_name)
    row.slip = gettext("派 %(n)s", n=item.slip_number) if item.slip_number else item.number
    row.vip = item.vip
    return row


def work_row(item) -> Row:
    """A task that I may do: 核实：卫生间插座修好没有 / 2-0805 禾木设计，报修 2025-3409."""
    name = task_name(item)
    until = gettext("%(at)s 前", at=when(item.due_at)) if item.due_at else ""
    return Row(
        _clock(item),
        until,
        gettext("%(task)s：%(title)s", task=name, title=diagram_text(item.title)),
        _where(item),
        url_for("tasks.show", task_id=item.task_id),
        words.button(item.element_id, name),
        vip=item.vip,
    )


def waiting_row(item) -> Row:
    """A ticket of mine that somebody else works on: grey until its limit is near."""
    whom = item.assignee_name or words.department(item.groups[0] if item.groups else "")
    chip = _clock(item, mine=False, waits_for=whom)
    until = f"{when(item.due_at)} {task_name(item)}" if item.due_at else ""
    return Row(
        chip,
        until,
        diagram_text(item.title),
        listed(_where(item), item.assignee_name),
        url_for("tickets.show", number=item.number),
        gettext("查看"),
        vip=item.vip,
        waiting=True,
    )


def _clock(item, **options) -> Clock:
    """The item's own clock; one that stands still says so."""
    return clock(item.due_at, item.opened_at, paused=item.chip is queries.Chip.PAUSED, **options)


def task_name(item) -> str:
    definition = service_app().engine.definition(item.definition_hash)
    return element_name(definition, item.element_id) if item.element_id in definition.diagram.elements else item.name


def _where(item) -> str:
    number = f"{words.category(item.category)} {item.number}" if item.category else item.number
    place = " ".join(part for part in (diagram_text(item.unit_label), item.customer_name) if part)
    return listed(place, number, gettext("催过 %(n)d 次", n=item.urged_count) if item.urged_count else "")


def _place(item) -> str:
    parts = [
        " ".join(p for p in (diagram_text(item.unit_label), item.customer_name) if p),
        gettext("紧急") if item.urgency == "urgent" else "",
        gettext("催过 %(n)d 次", n=item.urged_count) if item.urged_count else "",
    ]
    return listed(*parts)


def _promise(item) -> dict:
    p, ticket = item.promise, item.ticket
    return {
        "at": p.due_at,
        "clock": clock(p.due_at, p.made_at),
        "text": p.text,
        "where": " ".join(t for t in (diagram_text(item.unit_label), item.contact_name) if t),
        "number": ticket.number,
        "href": url_for("tickets.show", number=ticket.number),
        "keep_href": url_for("tickets.keep", number=ticket.number, promise_id=p.id),
    }


def _not_accepted(item) -> Row:
    department = words.department(item.slip.department)
    chip = clock(item.due_at, item.slip.sent_at, mine=False, waits_for=department)
    until = gettext("%(at)s 前接", at=when(item.due_at)) if item.due_at else ""
    what = f"{item.unit_label} {item.ticket.title}".strip()
    row = Row(chip, until, what, "", url_for("tickets.show", number=item.ticket.number))
    row.who_until = until if chip.kind == "wait" else listed(department, until)
    row.hint = (
        gettext("部门有疑问：%(text)s", text=item.slip.reason)
        if str(item.slip.state) == "asked"
        else f"{item.slip.number}"
    )
    return row
