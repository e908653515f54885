"""What contracts promised: reading it, and changing it with a look at the limits that would move.

Everybody who works in the centre reads it; leads change it. A change is sent twice, like the calendar's: shown, then saved.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.errors import Refused
from webui.errors import fault_of, remember
from webui.gates import gate, look_again
from webui.i18n import gettext
from webui.refusals import said
from webui.told import told
from webui.views import promises as views

promises = Blueprint("promises", __name__)


def promises_for(person):
    """The centre whose promises are asked for, the person's first without one; None outside their reach."""
    return views.centre_named(person, request.values.get("centre", ""))


def promiser(person):
    """The same centre for who may change its promises. Raises NotAllowed for who only reads them."""
    centre = promises_for(person)
    if centre is not None:
        access.require(person, "change promises", centre)
    return centre


@promises.get("/promises")
@gate(promises_for)
def index(centre):
    change = request.args.get("change", "")
    return render_template("promises/index.html", page=views.page(centre, replaces=_number(change)))


@promises.post("/promises/preview")
@gate(promiser)
def preview(centre):
    """What the promise would make of the open limits. Saves nothing."""
    try:
        return render_template("promises/preview.html", page=views.preview(centre, views.read(centre, request.form)))
    except Refused as error:
        return _again(centre, error), 422


@promises.post("/promises/save")
@gate(promiser)
def save(centre):
    try:
        draft = views.read(centre, request.form)
        done = views.save(g.person, centre, draft, request.form.get("request_id", "")[:64] or None)
    except Refused as error:
        return _again(centre, error), 422
    told(views.saved_words(done), url_for("tickets.index"), gettext("看工单"))
    return redirect(url_for("promises.index", centre=centre.id), 303)


def _again(centre, error: Refused):
    """The page with what was typed, and what is wrong with it beside the field."""
    look_again()
    page = views.page(centre, request.form, _number(request.form.get("replaces", "")))
    page.errors = {getattr(error, "field", None) or "": said(error)}
    if "" in page.errors:
        remember(fault_of(error))
    return render_template("promises/index.html", page=page)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 10 else None
