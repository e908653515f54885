"""The pages of findings: the list by limit, and one finding with its photos, its story and the form of the reader's own task."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from engine.errors import FormInvalid
from service.findings import queries
from service.findings.models import OPEN_STATES
from service.patrols import checklist
from webui import clauses, forms, words
from webui.errors import fault_of
from webui.filters import clock, when
from webui.gates import service_app
from webui.i18n import gettext, language
from webui.i18n import listed as joined
from webui.people import name_of, names
from webui.views.story import element_name


def state(value) -> str:
    return {
        "reported": gettext("还没人接"),
        "accepted": gettext("在改"),
        "fixed": gettext("改好，等复查"),
        "closed": gettext("销项了"),
        "ticket": gettext("转成工单了"),
    }.get(str(value), str(value))


def severity(value) -> str:
    return {"minor": gettext("一般"), "major": gettext("较大"), "danger": gettext("安全隐患")}.get(
        str(value), str(value)
    )


def group(key: str) -> str:
    found = next((g.name for g in checklist.groups() if g.key == key), None)
    return found.in_(language()) if found else workplace_groups().get(key, key)


def workplace_groups() -> dict[str, str]:
    """What a check of a workplace looks at (clauses 24.1 to 24.5)."""
    return {
        "tidy": gettext("公共区域整洁"),
        "papers": gettext("资料有序"),
        "drawers": gettext("抽屉整洁"),
        "chairs": gettext("座椅归位"),
        "equipment": gettext("设备整洁"),
    }


@dataclass(slots=True)
class Row:
    number: str
    clock: Any
    until: str
    what: str
    where: str
    severity: str
    danger: bool
    state: str
    photos: int
    href: str
    waiting: bool = False


def listed(state_key: str, severity_key: str, department: str) -> SimpleNamespace:
    found = queries.listed(g.person, state_key, severity_key, department)
    names().update(found.names)
    ways = {
        "open": gettext("没销项的"),
        "closed": gettext("销项了"),
        "ticket": gettext("转成工单了"),
        "all": gettext("全部"),
    }
    return SimpleNamespace(
        rows=[_row(f, found.photos.get(f.id, 0)) for f in found.findings],
        ways=[
            SimpleNamespace(text=text, current=key == state_key, href=url_for("findings.index", state=key))
            for key, text in ways.items()
        ],
        open=sum(found.counts.get(str(s), 0) for s in OPEN_STATES),
    )


def _row(finding, photos: int) -> Row:
    due = finding.accept_due_at if str(finding.state) == "reported" else finding.fix_due_at
    is_open = finding.state in OPEN_STATES
    return Row(
        finding.number,
        clock(due, finding.reported_at)
        if is_open and str(finding.state) != "fixed"
        else clock(None, finding.reported_at),
        gettext("%(at)s 前", at=when(due)) if is_open and due else when(finding.reported_at),
        finding.words,
        joined(
            finding.place,
            group(finding.group),
            words.department(finding.department),
            name_of(finding.worker) if finding.worker else "",
        ),
        severity(finding.severity),
        str(finding.severity) == "danger",
        state(finding.state),
        photos,
        url_for("findings.show", finding_number=finding.number),
        not is_open,
    )


# --- one finding ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TaskView:
    """An open task as the page shows it; `fields` only where the reader may do it."""

    id: str
    name: str
    version: int
    clock: Any
    until: str
    who: str
    mine: bool
    button: str
    clause: str
    clause_text: str
    fields: list = field(default_factory=list)
    fault: Any = None
    conditional: bool = False  # some fields are asked for only after certain answers


def page(card: queries.FindingCard) -> SimpleNamespace:
    names().update(card.names)
    finding = card.finding
    return SimpleNamespace(
        number=finding.number,
        words=finding.words,
        place=finding.place,
        group=group(finding.group),
        severity=severity(finding.severity),
        danger=str(finding.severity) == "danger",
        state=state(finding.state),
        department=words.department(finding.department),
        facts=_facts(finding),
        photos=[_photo(p) for p in card.photos],
        tasks=[_task(card, row, mine) for row, mine in card.tasks],
        ticket=(card.ticket.number, url_for("tickets.show", number=card.ticket.number)) if card.ticket else None,
        story=_story(card),
        may_turn=card.may_turn,
        may_ask=card.may_ask,
        categories={key: words.category(key) for key in ("repair", "renovation", "complaint", "other")},
        back=back(),
    )


def back() -> str:
    """The list that the reader came from: the department's queue, or one's own work."""
    return url_for("findings.index")


def _facts(finding) -> list[tuple[str, str]]:
    found = [
        (gettext("谁报的"), joined(name_of(finding.reported_by), when(finding.reported_at))),
        (
            gettext("归谁整改"),
            joined(words.department(finding.department), name_of(finding.worker) if finding.worker else ""),
        ),
        (gettext("接的时限"), when(finding.accept_due_at) if finding.accept_due_at else ""),
        (gettext("改好的时限"), when(finding.fix_due_at) if finding.fix_due_at else ""),
        (gettext("怎么改的"), joined(finding.result, when(finding.fixed_at) if finding.fixed_at else "")),
        (
            gettext("退回过"),
            gettext("%(n)d 次：%(why)s", n=finding.back_count, why=finding.back_reason) if finding.back_count else "",
        ),
        (
            gettext("谁复查的"),
            joined(name_of(finding.checked_by), when(finding.checked_at)) if finding.checked_by else "",
        ),
    ]
    return [(name, text) for name, text in found if text]


def _photo(photo) -> SimpleNamespace:
    kind = {"found": gettext("看到时"), "fixed": gettext("改好后")}.get(photo.kind, gettext("照片"))
    return SimpleNamespace(
        href=url_for("findings.photo", key=photo.key), caption=joined(kind, name_of(photo.taken_by), when(photo.at))
    )


def _task(card, row, mine: bool) -> TaskView:
    definition = service_app().engine.definition(row.definition_hash)
    name = element_name(definition, row.element_id)
    form = _form(row) if mine else None
    groups = [words.department(group) for group in row.groups.split("|") if group]
    return TaskView(
        row.id,
        name,
        row.version,
        clock(row.due_at, row.opened_at, mine=mine),
        gettext("%(at)s 前", at=when(row.due_at)) if row.due_at else "",
        name_of(row.assignee) if row.assignee else joined(*groups),
        mine,
        words.button(row.element_id, name),
        row.clause or "",
        clauses.title(row.clause),
        _fields(row, form, form.initial({})) if form else [],
        conditional=bool(form) and any(f.hides for f in form.fields),
    )


def _fields(row, form, values: dict[str, Any], faults: dict[str, Any] | None = None) -> list[forms.FieldView]:
    """The form's fields, those hidden that the values so far hide."""
    names = service_app().engine.definition(row.definition_hash).names
    return forms.views(form, values, faults, forms.hidden_keys(form, values, service_app().engine.feel, names))


def _form(row):
    """The task's form in the reader's language."""
    definition = service_app().engine.definition(row.definition_hash)
    return forms.localized(definition.procedure.forms.get(row.form), definition) if row.form else None


def form_of(card, task_id: str):
    return next((_form(row) for row, _ in card.tasks if row.id == task_id), None)


def again(card, task_id: str, values: dict[str, Any], error) -> SimpleNamespace:
    """The page with what was typed, and what is wrong with it."""
    found = page(card)
    faults = error.faults if isinstance(error, FormInvalid) else {}
    for task in found.tasks:
        if task.id == task_id and (form := form_of(card, task_id)):
            task.fault = fault_of(error, form)
            row = next(row for row, _ in card.tasks if row.id == task_id)
            task.fields = _fields(row, form, values, faults)
    return found


def _story(card) -> list[SimpleNamespace]:
    """Who did what, newest first."""
    engine, found = service_app().engine, []
    processes = {e["instance"]: e["definition"] for e in card.events if e["kind"] == "instance-started"}
    for event in card.events:
        if event["kind"] == "task-completed" and not event.get("undone"):
            name = element_name(engine.definition(processes[event["instance"]]), event["element"])
            found.append(SimpleNamespace(at=when(event["at"]), who=name_of(event["actor"]), what=name))
    return found[::-1]


def of_ticket(session, ticket_id: int) -> SimpleNamespace | None:
    """For a ticket that was made of a finding: its number and address."""
    found = queries.of_ticket(session, ticket_id)
    return (
        SimpleNamespace(number=found.number, href=url_for("findings.show", finding_number=found.number))
        if found
        else None
    )
