"""The desk's own books: missed calls (clause 24.7), visitors (clause 19), visits to customers (clause 22)."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from engine.errors import FormInvalid, StepFailed, VersionClash
from service import access
from service.errors import Refused
from service.organisation.rules import phone_digits
from service.reception import actions, queries, rules
from webui import forms, moments
from webui.errors import fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.told import told
from webui.views import reception as views
from webui.views.shifts import moment

reception = Blueprint("reception", __name__)


def keeper(person):
    """Who may enter something at a desk; None (404) for anybody else."""
    return person if access.may(person, queries.ACTION) else None


def call_for(person, call_number: str):
    """A missed call for whoever reads its register. Raises NotThere for anybody else."""
    return queries.call_for(person, call_number)


def visitor_for(person, visitor_id: int):
    """A visitor for whoever keeps the desk where they came; None for anybody else."""
    return queries.visitor_for(person, visitor_id)


@reception.get("/reception")
@gate(keeper)
def index(_person):
    return render_template("reception/index.html", page=views.page(request.args))


@reception.post("/reception/calls")
@gate(keeper)
def note(_person):
    """Note a call that nobody answered; the page of the call comes next."""
    centre = views.centre_of(request.values)
    given = rules.CallGiven(phone_digits(_text("phone")), moment(centre, _text("rang_at")), _count("rings"))
    try:
        number = actions.note_call(service_app(), g.person, centre.id, given, _request_id())
    except Refused as error:
        return _again("call", error)
    told(gettext("记下了，15 分钟内回电"))
    return redirect(url_for("reception.call", call_number=number), 303)


@reception.get("/reception/calls/<call_number>")
@gate(call_for, "call_number")
def call(found):
    return render_template("reception/call.html", page=views.call_page(found))


@reception.post("/reception/calls/<call_number>")
@gate(call_for, "call_number")
def complete(found):
    """Call back, or say which ticket came of it."""
    task, number = queries.task_of(g.session, found), found.number
    form = views.form_of(task)[0] if task is not None else None
    values = forms.sent(form, request.form) if form is not None else {}
    try:
        actions.complete(service_app(), g.person, number, values, _count("seen"), _request_id())
    except (FormInvalid, Refused, VersionClash, StepFailed) as error:
        look_again()
        remember(fault_of(error, form))
        page = views.call_page(queries.call_named(g.session, number), values, error)
        return render_template("reception/call.html", page=page), fault_of(error).status
    look_again()
    told(gettext("记下了"))
    return redirect(url_for("reception.call", call_number=number), 303)


@reception.post("/reception/calls/<call_number>/help")
@gate(call_for, "call_number")
def help(found):
    number = found.number
    try:
        actions.ask_help(service_app(), g.person, number, _text("question"), _request_id())
    except Refused as error:
        look_again()
        remember(fault_of(error))
        page = views.call_page(queries.call_named(g.session, number))
        return render_template("reception/call.html", page=page), fault_of(error).status
    told(gettext("已求助，主管会看到"))
    return redirect(url_for("reception.call", call_number=number), 303)


@reception.post("/reception/visitors")
@gate(keeper)
def visitor_in(_person):
    """Write a visitor in."""
    centre = views.centre_of(request.values)
    given = rules.VisitorGiven(_text("name"), _text("host"), _text("purpose"), _text("id_kind"), _text("badge"))
    try:
        actions.visitor_in(service_app(), g.person, centre.id, given, _request_id())
    except Refused as error:
        return _again("visitor", error)
    told(gettext("来访登记好了"))
    return redirect(url_for("reception.index", centre=centre.id), 303)


@reception.post("/reception/visitors/<int:visitor_id>/out")
@gate(visitor_for, "visitor_id")
def visitor_out(found):
    """The visitor has left."""
    centre_id = found.centre_id
    actions.visitor_out(service_app(), g.person, found.id)
    told(gettext("记了离开"))
    return redirect(url_for("reception.index", centre=centre_id), 303)


@reception.post("/reception/visits")
@gate(keeper)
def visit(_person):
    """Write down a visit to a customer."""
    centre = views.centre_of(request.values)
    texts = (_text(name) for name in ("contact", "purpose", "interview", "wishes"))
    given = rules.VisitGiven(moments.instant(_text("visited_at")), *texts)
    try:
        actions.record_visit(service_app(), g.person, centre.id, _text("where"), given, _request_id())
    except Refused as error:
        return _again("visit", error)
    told(gettext("拜访记好了"))
    return redirect(url_for("reception.index", centre=centre.id), 303)


def _again(form: str, error: Refused):
    """The page with what was typed, and what is wrong with it."""
    look_again()
    remember(fault_of(error))
    return render_template("reception/index.html", page=views.page(request.values, form, error)), 422


def _text(name: str) -> str:
    return request.form.get(name, "").strip()[:4000]


def _count(name: str) -> int | None:
    raw = _text(name)
    return int(raw) if raw.isdecimal() and len(raw) < 6 else None


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None
