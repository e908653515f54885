"""Drafts: what stands in a form is kept on the server while somebody types, and dropped on request.

The page's script sends the form as it is; without scripts nothing is kept and everything else works. Every address names a
task that the person may see or their own new registration, and only their own draft is ever touched.
"""

from __future__ import annotations

from flask import Blueprint, g, jsonify, redirect, request, url_for

from service import access
from service.drafts import actions, queries, rules
from service.errors import NotAllowed
from webui.errors import Missing
from webui.filters import clock_time
from webui.gates import gate, service_app, task_for
from webui.i18n import gettext
from webui.told import told

drafts = Blueprint("drafts", __name__)


def own_registration(person) -> str:
    """The place of the registration that the form names; 404 for what is none, or for who may not register."""
    place = rules.of_registration(request.form.get("draft", "")) if access.may(person, "register") else None
    if place is None:
        raise Missing("draft")
    return place


@drafts.post("/tasks/<task_id>/draft")
@gate(task_for, "task_id")
def save_task(card):
    """For whoever may do the task, or began while they might."""
    place = rules.of_task(card.task.id)
    if not card.may_do and queries.one(g.person, place) is None:
        raise NotAllowed("do", card.task.name)
    return _save(place)


@drafts.post("/tasks/<task_id>/draft/drop")
@gate(task_for, "task_id")
def drop_task(card):
    actions.drop(service_app(), g.person, rules.of_task(card.task.id))
    told(gettext("草稿扔掉了"))
    return redirect(url_for("tasks.show", task_id=card.task.id), 303)


@drafts.post("/register/draft")
@gate(own_registration)
def save_registration(place):
    return _save(place)


@drafts.post("/register/draft/drop")
@gate(own_registration)
def drop_registration(place):
    actions.drop(service_app(), g.person, place)
    told(gettext("草稿扔掉了"))
    return redirect(url_for("desk.first"), 303)


def _save(place: str):
    """What was kept, or why not, in words for the page."""
    try:
        saved = actions.save(
            service_app(),
            g.person,
            place,
            rules.typed(request.form.items(multi=True)),
            version=_number("draft_version") or 0,
            seen=_number("seen"),
            request_id=request.form.get("request_id", "")[:64],
            force=bool(request.form.get("force")),
        )
    except actions.DraftOlder as error:
        text = gettext("另一个窗口在 %(at)s 存过更新的，两份都留着", at=clock_time(error.saved_at))
        return jsonify(version=error.version, text=text), 409
    except actions.DraftSpent:
        return jsonify(text=gettext("这份已经交了或扔掉了，这里写的不再存")), 410
    except actions.DraftTooBig:
        return jsonify(text=gettext("太长，存不下草稿（最多 64 kB）")), 413
    except actions.TooManyDrafts:
        return jsonify(text=gettext("草稿存得太勤或太多，过一会再存")), 429
    return jsonify(version=saved.version, text=gettext("%(at)s 已存", at=clock_time(saved.at)))


def _number(name: str) -> int | None:
    raw = request.form.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 10 else None
