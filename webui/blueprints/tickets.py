"""One ticket: where it stands, its limits with sums, what happened; urge, add, promise, withdraw, help, reveal a number;
pause and go on, another urgency or deadline, merge and undo it.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, url_for

from service.errors import Refused
from service.tickets import actions, changes
from webui import moments
from webui.gates import gate, service_app, signed_in, ticket_for
from webui.i18n import gettext
from webui.told import told
from webui.views import findings as finding_views
from webui.views import patrols as patrol_views
from webui.views import presence
from webui.views import ticket as ticket_views

tickets = Blueprint("tickets", __name__)


@tickets.get("/tickets")
@gate(signed_in)
def index():
    """The open tickets that the person sees, the nearest limit first, fifty on a page."""
    everything, number = "all" in request.args, _page()
    page = ticket_views.listing(g.person, everything, number)
    if not page.rows and number > 1:  # the list has become shorter meanwhile
        return redirect(ticket_views.list_address(everything))
    return render_template("tickets/index.html", page=page)


@tickets.get("/tickets/<number>")
@gate(ticket_for, "number")
def show(card):
    """The page; a merged number leads for ever to the ticket that it was merged into."""
    if card.merged_into:
        return redirect(url_for("tickets.show", number=card.merged_into, merged=card.ticket.number), 302)
    return render_template(
        "tickets/show.html",
        page=ticket_views.page(card),
        people=presence.people(card.ticket.id),
        presence_address=presence.address(card),
        floor_past=patrol_views.past(g.session, card.ticket),
        finding=finding_views.of_ticket(g.session, card.ticket.id),
    )


@tickets.get("/tickets/<number>/state")
@gate(ticket_for, "number")
def state(card):
    """What the diagram marks and who else is here, asked every five seconds while the page is seen."""
    return jsonify(ticket_views.state(card) | {"people": presence.people(card.ticket.id)})


@tickets.get("/tickets/<number>/diagram")
@gate(ticket_for, "number")
def diagram(card):
    """The diagram that this ticket runs on, in its own version."""
    return Response(ticket_views.diagram_xml(card), mimetype="application/xml")


@tickets.post("/tickets/<number>/urge")
@gate(ticket_for, "number")
def urge(card):
    actions.urge(service_app(), g.person, card.ticket.number, _text("text"), request_id=_request_id())
    told(gettext("记了一次催办，负责人和在办的人都知道了"))
    return _back(card)


@tickets.post("/tickets/<number>/information")
@gate(ticket_for, "number")
def add_information(card):
    actions.add_information(service_app(), g.person, card.ticket.number, _wanted("text"), request_id=_request_id())
    told(gettext("补充已记下"))
    return _back(card)


@tickets.post("/tickets/<number>/withdraw")
@gate(ticket_for, "number")
def withdraw(card):
    actions.withdraw(service_app(), g.person, card.ticket.number, _wanted("reason"), request_id=_request_id())
    told(gettext("%(number)s 已撤单", number=card.ticket.number))
    return _back(card)


@tickets.post("/tickets/<number>/help")
@gate(ticket_for, "number")
def help(card):
    actions.ask_help(service_app(), g.person, card.ticket.number, _wanted("question"), request_id=_request_id())
    told(gettext("已求助，主管会看到"))
    return _back(card)


@tickets.post("/tickets/<number>/pause")
@gate(ticket_for, "number")
def pause(card):
    until = _instant("pause_until")
    changes.pause(service_app(), g.person, card.ticket.number, _wanted("pause_reason"), until, request_id=_request_id())
    told(gettext("停下了，时限也停；到最晚的时刻自己继续"))
    return _back(card)


@tickets.post("/tickets/<number>/resume")
@gate(ticket_for, "number")
def resume(card):
    changes.resume(service_app(), g.person, card.ticket.number, _text("note"), request_id=_request_id())
    told(gettext("接着办，时限又走了"))
    return _back(card)


@tickets.post("/tickets/<number>/urgency")
@gate(ticket_for, "number")
def urgency(card):
    reason = _wanted("reason")
    changes.change_urgency(
        service_app(), g.person, card.ticket.number, _wanted("urgency"), reason, request_id=_request_id()
    )
    told(gettext("缓急改了，时限从登记时重新算"))
    return _back(card)


@tickets.post("/tickets/<number>/deadline")
@gate(ticket_for, "number")
def deadline(card):
    at = None if request.form.get("none") else _instant("reply_deadline")
    changes.change_deadline(service_app(), g.person, card.ticket.number, at, _text("text"), request_id=_request_id())
    told(gettext("客户要求的时间记下了，哪个早按哪个"))
    return _back(card)


@tickets.post("/tickets/<number>/told")
@gate(ticket_for, "number")
def tell_callers(card):
    count = changes.tell_callers(service_app(), g.person, card.ticket.number, _wanted("text"), _request_id())
    told(gettext("%(n)d 件都记上了", n=count))
    return _back(card)


@tickets.post("/tickets/<number>/merge")
@gate(ticket_for, "number")
def merge(card):
    into = _wanted("into")
    actions.merge(service_app(), g.person, card.ticket.number, into, _text("reason"), request_id=_request_id())
    told(gettext("%(number)s 并过来了，24 小时内可以撤回", number=card.ticket.number))
    return redirect(url_for("tickets.show", number=into), 303)


@tickets.post("/tickets/<number>/unmerge")
@gate(ticket_for, "number")
def unmerge(card):
    changes.unmerge(service_app(), g.person, card.ticket.number, _request_id())
    told(gettext("%(number)s 又是单独一件，从派单接着办", number=card.ticket.number))
    return _back(card)


@tickets.post("/tickets/<number>/promise")
@gate(ticket_for, "number")
def promise(card):
    actions.promise(
        service_app(), g.person, card.ticket.number, _wanted("text"), _instant("due_at"), request_id=_request_id()
    )
    told(gettext("答应客户的事已记下，到点提醒你"))
    return _back(card)


@tickets.post("/tickets/<number>/promises/<int:promise_id>/keep")
@gate(ticket_for, "number")
def keep(card, promise_id: int):
    actions.end_promise(service_app(), g.person, promise_id)
    told(gettext("答应客户的事办到了"))
    return _back(card)


@tickets.post("/tickets/<number>/phones/<int:phone_id>")
@gate(ticket_for, "number")
def phone(card, phone_id: int):
    """The whole number, once, with a line in the log of who looked."""
    digits = ticket_views.reveal(g.person, card, phone_id)
    if request.headers.get("HX-Request"):
        return render_template("tickets/phone.html", phone={"id": phone_id, "digits": digits})
    told(digits)
    return _back(card)


def _page() -> int:
    number = request.args.get("page", "")
    return max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1


def _back(card):
    return redirect(url_for("tickets.show", number=card.ticket.number), 303)


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None


def _text(name: str) -> str:
    return request.form.get(name, "").strip()[:2000]


def _wanted(name: str) -> str:
    text = _text(name)
    if not text:
        raise Refused(gettext("这一项要填"), name)
    return text


def _instant(name: str) -> datetime:
    at = moments.instant(_text(name))
    if at is None:
        raise Refused(gettext("几点前要写日期和时间"), name)
    return at
