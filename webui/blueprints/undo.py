"""Undo of one's own last step, for as long as it may be: no question before a step, a way back after it."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request, url_for
from flask_babel import gettext

from service.tickets import undoing
from webui.gates import gate, service_app, task_for
from webui.told import told

undo = Blueprint("undo", __name__)


@undo.post("/tasks/<task_id>/undo")
@gate(task_for, "task_id")
def step(card):
    """The task is open again, its form as it was sent."""
    undoing.undo(service_app(), g.person, card.task.id, request.form.get("request_id", "")[:64] or None)
    told(gettext("撤销了，写的都还在"))
    return redirect(url_for("tasks.show", task_id=card.task.id), 303)
