"""A centre's calendar: which days are worked and when, and changing one with a look at the limits that would move.

Everybody who works in the centre reads it; leads and the process owner change it. A change is sent twice: the first time it
is shown with what it would move, the second time, with the same values, it is saved.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.calendars.actions import CalendarMoved
from service.errors import Refused
from webui.errors import fault_of, remember
from webui.gates import gate, look_again
from webui.i18n import gettext
from webui.refusals import said
from webui.told import told
from webui.views import calendar as views

calendar = Blueprint("calendar", __name__)


def calendar_for(person):
    """The centre whose calendar is asked for, the person's first without one; None outside their reach."""
    return views.centre_named(person, request.values.get("centre", ""))


def changer(person):
    """The same centre for who may change its calendar. Raises NotAllowed for who only reads it."""
    centre = calendar_for(person)
    if centre is not None:
        access.require(person, "change calendar", centre)
    return centre


@calendar.get("/calendar")
@gate(calendar_for)
def index(centre):
    return render_template("calendar/index.html", page=views.page(centre, request.args.get("month", "")))


@calendar.post("/calendar/preview")
@gate(changer)
def preview(centre):
    """What the change would make of its days and of the open limits. Saves nothing."""
    try:
        draft = views.read(request.form)
        return render_template("calendar/preview.html", page=views.preview(centre, draft, _seen()))
    except Refused as error:
        return _again(centre, error), 422


@calendar.post("/calendar/save")
@gate(changer)
def save(centre):
    try:
        draft = views.read(request.form)
        done = views.save(g.person, centre, draft, _seen(), request.form.get("request_id", "")[:64] or None)
    except CalendarMoved as error:
        look_again()
        return render_template("calendar/preview.html", page=views.preview(centre, draft, error.seen)), 409
    except Refused as error:
        return _again(centre, error), 422
    told(views.saved_words(done), url_for("tickets.index"), gettext("看工单"))
    return redirect(url_for("calendar.index", centre=centre.id, month=draft.month), 303)


def _again(centre, error: Refused):
    """The page with what was typed, and what is wrong with it beside the field."""
    look_again()
    page = views.page(centre, request.form.get("on", "")[:7], request.form)
    page.errors = {getattr(error, "field", None) or "": said(error)}
    if "" in page.errors:
        remember(fault_of(error))
    return render_template("calendar/index.html", page=page)


def _seen() -> int | None:
    raw = request.form.get("seen", "")
    return int(raw) if raw.isdigit() and len(raw) < 9 else None
