"""The desk: first screen, search, register. What stands first is what goes wrong first."""

from __future__ import annotations

import uuid
from datetime import datetime

from flask import Blueprint, g, redirect, render_template, request, url_for

from engine.errors import FormInvalid, StepFailed
from service import access
from service.drafts import actions as drafts
from service.drafts import rules
from service.errors import Refused
from service.tickets.models import Category
from webui import forms, moments
from webui.errors import Missing, fault_of
from webui.gates import gate, service_app, signed_in
from webui.i18n import gettext
from webui.refusals import said
from webui.told import told
from webui.views import drafts as draft_views
from webui.views import found as found_views
from webui.views import register as register_views
from webui.views import work as work_views

desk = Blueprint("desk", __name__)


def registrar(person):
    """Only who may take requests of a centre sees the register page."""
    return person if access.may(person, "register") else None


@desk.get("/")
@gate(signed_in)
def first():
    """My work in the order it goes wrong. People who only work slips start with their department's queue."""
    page = work_views.first_screen(g.person, everything="all" in request.args)
    return render_template("desk/first.html", **page)


@desk.get("/search")
@gate(signed_in)
def search():
    query = request.args.get("q", "").strip()[:80]
    items = found_views.found(g.person, query) if query else []
    if request.headers.get("HX-Request"):
        return render_template("desk/found.html", found=items, query=query) if query else ""
    return render_template("desk/search.html", found=items, query=query)


@desk.get("/register")
@gate(registrar)
def register(_person):
    form = _form()
    if "draft" in request.args:
        return _drafted(form, request.args["draft"])
    page = register_views.page(
        _number("unit"), _number("contact"), request.args.get("channel", "phone"), request.args.get("phone", "")[:40]
    )
    page.fields = _fields(form, form.initial({}))
    page.draft = draft_views.of_registration(uuid.uuid4().hex)
    return render_template("desk/register.html", page=page)


@desk.get("/register/find")
@gate(registrar)
def find(_person):
    query = request.args.get("q", "").strip()[:80]
    return render_template("desk/pick.html", found=register_views.hits(query, True), query=query) if query else ""


@desk.get("/register/who")
@gate(registrar)
def who(_person):
    """The head of the form and the side panel for a unit that was picked, or the search again."""
    page = register_views.page(
        _number("unit"),
        _number("contact"),
        request.args.get("channel", "phone"),
        category=request.args.get("category", ""),
    )
    return render_template("desk/who_chosen.html", page=page)


@desk.post("/register/preview")
@gate(registrar)
def preview(_person):
    """The limits for what stands in the form now, each with its sum, and tickets that may be the same. Saves nothing."""
    page = register_views.page(_number("unit_id"), _number("contact_id"))
    form = _form()
    values = forms.sent(form, request.form)
    register_views.add_targets(page, values, bool(page.who and page.who.vip), _centre_id(page), _deadline(values))
    if page.who and values.get("category"):
        page.duplicates = register_views.duplicates(page.who.unit_id, values["category"])
    return render_template("desk/targets.html", page=page)


@desk.post("/register/shape")
@gate(registrar)
def shape(_person):
    """Which fields are hidden for what stands in the form now."""
    form = _form()
    values = forms.sent(form, request.form)
    about = set() if values.get("category") == Category.COMPLAINT else {"about"}
    return {"hidden": sorted(_hidden(form, values) | about)}


@desk.post("/register")
@gate(registrar)
def save(person):
    form = _form()
    values = forms.sent(form, request.form)
    try:
        number, task = register_views.save(person, request.form, values, also=_spend(person.id))
    except (FormInvalid, Refused, StepFailed) as error:
        return _again(form, values, error), fault_of(error).status
    if (owner := register_views.somebody_elses(number)) is not None:
        told(gettext("%(number)s 已登记，投诉的是你，由%(who)s负责", number=number, who=owner))
        return redirect(url_for("desk.first"), 303)
    told(gettext("%(number)s 已登记", number=number), url_for("tickets.show", number=number), gettext("看工单"))
    if task is not None:
        return redirect(url_for("tasks.show", task_id=task, fresh=1), 303)
    return redirect(url_for("tickets.show", number=number), 303)


def _drafted(form, id: str):
    """The page as it was left, on any computer. 404 for a draft that is not one's own, or was sent."""
    draft = draft_views.of_registration(id)
    if draft.values is None:
        raise Missing("draft")
    values = forms.sent(form, draft.values)
    page = register_views.page_as_left(draft.values)
    page.fields, page.draft = _fields(form, values), draft
    draft.other = draft_views.other_window(form, draft)
    return render_template("desk/register.html", page=page)


def _spend(person_id: int):
    place = rules.of_registration(request.form.get("draft", ""))
    version = _number("draft_version") or 0
    return (lambda session: drafts.spend(session, person_id, place, version)) if place else None


def _again(form, values, error):
    """The page with everything that was typed, and what is wrong with it."""
    page = register_views.page(
        _number("unit_id"),
        _number("contact_id"),
        request.form.get("channel", "phone"),
        request.form.get("q", ""),
        request.form.get("category", ""),
        request.form.get("about", ""),
    )
    page.fault = fault_of(error, form)
    faults = error.faults if isinstance(error, FormInvalid) else {}
    named = getattr(error, "field", None)
    page.errors = {named: said(error)} if named in ("unit_id", "about") else {}
    page.fields = _fields(form, values, faults)
    page.draft, page.unsaved = draft_views.of_registration(request.form.get("draft") or uuid.uuid4().hex), True
    page.draft.values = None
    return render_template("desk/register.html", page=page)


def _form():
    definition = register_views.definition()
    return forms.localized(definition.procedure.forms["register"], definition)


def _fields(form, values, faults=None):
    return forms.views(form, values, faults, _hidden(form, values))


def _hidden(form, values) -> set[str]:
    return forms.hidden_keys(form, values, service_app().engine.feel, register_views.definition().names)


def _deadline(values) -> datetime | None:
    if values.get("reply_deadline_kind") != "at" or not values.get("reply_deadline"):
        return None
    return moments.instant(values["reply_deadline"])


def _centre_id(page) -> int:
    return page.centre_id or min(access.reach(g.person).centre_ids, default=0)


def _number(name: str) -> int | None:
    raw = request.values.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 12 else None
