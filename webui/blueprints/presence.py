"""A page says every twenty seconds that somebody is at a ticket, and hears who else is."""

from __future__ import annotations

from flask import Blueprint, g, jsonify, request

from service.presence import actions
from webui.gates import gate, look_again, service_app, ticket_for
from webui.views import presence as views

presence = Blueprint("presence", __name__)


@presence.post("/tickets/<number>/presence")
@gate(ticket_for, "number")
def beat(card):
    if request.form.get("gone"):
        actions.leave(service_app(), g.person, card.ticket)
        return jsonify(people=[])
    actions.beat(service_app(), g.person, card.ticket, writes=bool(request.form.get("writes")))
    ticket_id = card.ticket.id
    look_again()
    return jsonify(people=views.people(ticket_id))
