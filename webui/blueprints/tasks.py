"""One task: its form from the procedure, why it is here, what follows; completing it, asking for help."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from engine.errors import FormInvalid, StepFailed, StepUndone, TaskNotOpen, VersionClash
from service.drafts import actions as drafts
from service.drafts import rules as draft_rules
from service.errors import Refused
from service.tickets import actions
from webui import forms, uploads
from webui.errors import fault_of
from webui.gates import gate, look_again, service_app, task_for
from webui.i18n import gettext
from webui.security import takes_photos
from webui.told import told
from webui.views import task as task_views
from webui.views import things
from webui.views import undo as undo_views

tasks = Blueprint("tasks", __name__)


@tasks.get("/tasks/<task_id>")
@gate(task_for, "task_id")
def show(card):
    if card.ticket is None and (href := things.href_of_task(card.task)):
        return redirect(href)
    if card.task.state != "open":
        if (kept := task_views.kept(card)) is not None:
            return render_template("drafts/kept.html", page=kept)
        return redirect(things.page_of(card.task.business_key))
    return render_template(_template(card), page=task_views.page(card, fresh="fresh" in request.args))


@tasks.post("/tasks/<task_id>")
@takes_photos
@gate(task_for, "task_id")
def complete(card):
    """Do the task. Photos are stored first; what was typed is never lost when something is wrong with it."""
    form = task_views.form_of(card)
    values = forms.sent(form, request.form) if form else {}
    try:
        if form:
            uploads.store_for(card, form, values)
        result = actions.complete_task(
            service_app(),
            g.person,
            card.task.id,
            values,
            seen=_seen(),
            request_id=request.form.get("request_id"),
            also=_spend(card),
        )
    except TaskNotOpen as error:
        look_again()
        return render_template("drafts/kept.html", page=task_views.too_late(card, values, error)), fault_of(error).status
    except (FormInvalid, VersionClash, StepUndone, StepFailed, Refused) as error:
        look_again()
        return render_template(_template(card), page=task_views.again(card, values, error)), fault_of(error).status
    look_again()
    if not undo_views.offered(card.task.id):
        told(
            gettext("%(task)s：%(number)s", task=task_views.name_of_task(card), number=card.task.business_key),
            things.page_of(card.task.business_key),
            gettext("看工单") if card.ticket else gettext("打开看"),
        )
    return redirect(task_views.next_address(g.person, card, result), 303)


@tasks.post("/tasks/<task_id>/shape")
@gate(task_for, "task_id")
def shape(card):
    """Which fields are hidden for what stands in the form now."""
    form = task_views.form_of(card)
    return {"hidden": sorted(task_views.hidden(card, form, forms.sent(form, request.form))) if form else []}


@tasks.post("/tasks/<task_id>/claim")
@gate(task_for, "task_id")
def claim(card):
    actions.claim(service_app(), g.person, card.task.id)
    return redirect(url_for("tasks.show", task_id=card.task.id), 303)


@tasks.post("/tasks/<task_id>/help")
@gate(task_for, "task_id")
def help(card):
    actions.ask_help(
        service_app(),
        g.person,
        card.task.business_key,
        request.form.get("question", "").strip(),
        request_id=request.form.get("request_id"),
    )
    told(gettext("已求助，主管会看到"))
    return redirect(url_for("tasks.show", task_id=card.task.id), 303)


def _template(card) -> str:
    return "tasks/show.html" if card.ticket else "tasks/about.html"


def _spend(card):
    """The draft goes with the step: a newer text from another window stays."""
    person_id, place, version = g.person.id, draft_rules.of_task(card.task.id), _number("draft_version") or 0
    return lambda session: drafts.spend(session, person_id, place, version)


def _seen() -> int | None:
    return _number("seen")


def _number(name: str) -> int | None:
    raw = request.form.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 10 else None
