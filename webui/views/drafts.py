"""Drafts on pages: tabs on top, what a form shows of one, and two texts side by side where somebody else was faster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import g, request, url_for
from werkzeug.datastructures import MultiDict

from service.drafts import actions, queries, rules
from webui import forms, words
from webui.filters import when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.views.story import element_name

_OF_TASK = frozenset({"task-claimed", "task-assigned", "task-retimed", "task-completed", "task-cancelled"})


@dataclass(slots=True)
class DraftView:
    """What a form carries of its draft: where to save it, which version stands in it, what another window wrote."""

    place: str
    save_href: str
    drop_href: str
    id: str = ""
    version: int = 0
    saved: str = ""
    values: MultiDict | None = None
    seen: int | None = None
    other: list = field(default_factory=list)
    other_at: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One field in two texts."""

    label: str
    mine: str
    stored: str

    @property
    def same(self) -> bool:
        return self.mine == self.stored


@dataclass(slots=True)
class Both:
    """Mine and what is stored, field by field, with who did what and when."""

    what: str
    pairs: list[Pair]
    stored_head: str = ""


def tabs() -> list[dict]:
    """The person's drafts for the strip on top of every page."""
    if g.get("person") is None:
        return []
    here = request.args.get("draft") or request.form.get("draft") or (request.view_args or {}).get("task_id") or "-"
    return [
        {
            "href": _href(tab),
            "text": gettext("草稿：%(what)s", what=_named(tab)),
            "here": tab.place.endswith(f":{here}"),
        }
        for tab in queries.mine(g.person)
    ]


def _href(tab) -> str:
    if tab.task_id:
        return url_for("tasks.show", task_id=tab.task_id)
    return url_for("desk.register", draft=tab.place.partition(":")[2])


def _named(tab) -> str:
    """3-1107 装修咨询, or what is known of it."""
    if tab.task_id:
        return f"{tab.unit} {tab.title}".strip() or gettext("任务")
    kind = words.category(tab.category) if tab.category else gettext("登记")
    return f"{tab.unit} {kind}".strip()


def of_task(card) -> DraftView:
    """The draft of a task's form, empty where nothing was kept."""
    task_id = card.task.id
    view = DraftView(
        rules.of_task(task_id),
        url_for("drafts.save_task", task_id=task_id),
        url_for("drafts.drop_task", task_id=task_id),
    )
    return _filled(view, queries.one(g.person, view.place))


def of_registration(id: str) -> DraftView:
    """The draft of a new registration; `values` is None where nothing was kept under this id."""
    place = rules.of_registration(id) or ""
    view = DraftView(place, url_for("drafts.save_registration"), url_for("drafts.drop_registration"), id)
    return _filled(view, queries.one(g.person, place) if place else None)


def _filled(view: DraftView, draft) -> DraftView:
    if draft is None:
        return view
    view.version, view.seen, view.saved = draft.version, draft.seen, when(draft.saved_at)
    view.values = multi(draft.fields)
    if draft.other:
        view.other_at = when(datetime.fromisoformat(draft.other["at"]))
    return view


def multi(fields: dict[str, list[str]]) -> MultiDict:
    return MultiDict([(name, text) for name, texts in fields.items() for text in texts])


def keep(card) -> None:
    """Keep what this request sent as the person's draft of the task."""
    actions.keep(service_app(), g.person, rules.of_task(card.task.id), rules.typed(request.form.items(multi=True)))


def other_window(form, view: DraftView) -> list[Pair]:
    """The fields in which another window's text differs from the one shown."""
    draft = queries.one(g.person, view.place)
    if form is None or draft is None or not draft.other:
        return []
    mine, other = forms.sent(form, view.values), forms.sent(form, multi(draft.other["fields"]))
    return [p for p in _pairs(form, mine, other) if not p.same]


def clash(card, form, values: dict[str, Any]) -> Both:
    """What was typed beside what stands there now, and who changed the task last."""
    event = _last_event(card)
    stored = _completed_values(event) if event and event["kind"] == "task-completed" else card.values
    return Both(_told(card, event), _pairs(form, values, stored) if form else [], gettext("已存的"))


def _last_event(card) -> dict | None:
    """The newest event of the ticket's trace about this task."""
    trace = service_app().engine.trace(card.task.root_id)
    return next((e for e in reversed(trace) if _about(e, card.task.id)), None)


def _about(event: dict, task_id: str) -> bool:
    return event["kind"] in _OF_TASK and event.get("task") == task_id and not event.get("undone")


def _completed_values(event: dict) -> dict[str, Any]:
    return (event.get("values") or {}).get("after") or {}


def _told(card, event: dict | None) -> str:
    if event is None:
        return ""
    definition = service_app().engine.definition(card.task.definition_hash)
    who, at, what = name_of(event["actor"]), when(event["at"]), element_name(definition, card.task.element_id)
    if event["kind"] == "task-completed":
        return gettext("%(who)s 在 %(at)s 办了“%(what)s”", who=who, at=at, what=what)
    if event["kind"] == "task-cancelled":
        return gettext("“%(what)s”在 %(at)s 收回了", what=what, at=at)
    if event["kind"] == "task-retimed":
        return gettext("%(who)s 在 %(at)s 改了时限", who=who, at=at)
    whom = name_of(event.get("after")) or gettext("本部门")
    return gettext("%(who)s 在 %(at)s 把这件事给了%(whom)s", who=who, at=at, whom=whom)


def _pairs(form, mine: dict[str, Any], stored: dict[str, Any]) -> list[Pair]:
    found = [
        Pair(spec.label, shown(spec, mine.get(spec.key)), shown(spec, stored.get(spec.key))) for spec in form.fields
    ]
    return [pair for pair in found if pair.mine or pair.stored]


def shown(spec, value: Any) -> str:
    """A value of a form's field in words, whether it was typed or is stored."""
    if value is None or value == "" or value == []:
        return ""
    if spec.type == "checkbox":
        return gettext("是") if value in (True, "true", "on", "1") else ""
    if spec.type == "filepicker":
        return gettext("%(n)d 张照片", n=len(value))
    if isinstance(value, list):
        return listed(*(spec.option_label(v) for v in value), items=True)
    if spec.options:
        return spec.option_label(value)
    if isinstance(value, dict) and "@dt" in value:
        value = datetime.fromisoformat(value["@dt"])
    if isinstance(value, datetime):
        return when(value)
    if spec.type == "datetime" and isinstance(value, str):
        return _typed_instant(value)
    return str(value)


def _typed_instant(text: str) -> str:
    from webui.filters import CENTRE_ZONE

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return when(at if at.tzinfo else at.replace(tzinfo=CENTRE_ZONE))
