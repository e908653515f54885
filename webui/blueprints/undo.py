"""Undo of one's own last step, for as long as it may be: no question before a step, a way back after it."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request, url_for

from service.tickets import undoing, unregistering
from webui.gates import gate, service_app, task_for, ticket_for
from webui.i18n import gettext
from webui.told import told

undo = Blueprint("undo", __name__)


@undo.post("/tasks/<task_id>/undo")
@gate(task_for, "task_id")
def step(card):
    """The task is open again, its form as it was sent."""
    undoing.undo(service_app(), g.person, card.task.id, _request_id())
    told(gettext("撤销了，写的都还在"))
    return redirect(url_for("tasks.show", task_id=card.task.id), 303)


@undo.post("/tickets/<number>/undo")
@gate(ticket_for, "number")
def ticket(card):
    """What was pressed on the ticket (`step`) is as if it had not been; without a step its registration is."""
    number, pressed = card.ticket.number, request.form.get("step", "")[:32]
    if pressed:
        undoing.undo(service_app(), g.person, pressed, _request_id())
        told(gettext("撤销了，就当没点过"))
        return redirect(url_for("tickets.show", number=number), 303)
    draft = unregistering.undo_registration(service_app(), g.person, number, _request_id())
    told(gettext("%(number)s 的登记撤销了，写的都还在", number=number))
    return redirect(url_for("desk.register", draft=draft), 303)


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None
