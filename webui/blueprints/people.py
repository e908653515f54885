"""People: who stands in for whom; and, for the administrator, ending a role or an account with its work handed on first."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.board import leaving, standing_in
from service.errors import Refused, ServiceError
from service.organisation.queries import person_named
from webui import moments
from webui.errors import fault_of, remember
from webui.gates import gate, look_again, service_app, signed_in
from webui.i18n import gettext
from webui.people import name_of
from webui.told import told
from webui.views import people as views

people = Blueprint("people", __name__)


def managed(person, username: str):
    """Somebody whose roles and account the reader manages; None (404) for everybody else."""
    return person_named(g.session, username) if access.may(person, "manage people") else None


@people.get("/people")
@gate(signed_in)
def index():
    return render_template("people/index.html", page=views.page())


@people.post("/people/substitutes")
@gate(signed_in)
def enter():
    """Somebody stands in for somebody from one moment until another."""
    form = request.form
    try:
        if not form.get("by"):
            raise Refused(gettext("先选谁来顶"), "by")
        starts_at, ends_at = _instant("from"), _instant("until")
        whom, by = (form.get("for") or g.person.username)[:64], form["by"][:64]
        standing_in.enter(service_app(), g.person, whom, by, starts_at, ends_at)
    except ServiceError as error:
        look_again()
        remember(fault_of(error))
        return render_template("people/index.html", page=views.page(form)), fault_of(error).status
    told(gettext("%(by)s替%(who)s顶岗，记下了", by=name_of(by), who=name_of(whom)))
    return redirect(url_for("people.index"), 303)


@people.post("/people/substitutes/<int:substitute_id>/end")
@gate(signed_in)
def end(substitute_id: int):
    """Ends now. The action answers 404 for anything that is not the reader's to end."""
    standing_in.end(service_app(), g.person, substitute_id)
    told(gettext("顶岗结束了"))
    return redirect(url_for("people.index"), 303)


@people.get("/people/<username>")
@gate(managed, "username")
def show(somebody):
    return render_template("people/show.html", page=views.person_page(somebody))


@people.post("/people/<username>/leave")
@gate(managed, "username")
def leave(somebody):
    """End one role (`role`) or the whole account; open work goes to `receiver`."""
    form, receiver = request.form, request.form.get("receiver", "")[:64] or None
    reason = form.get("reason", "").strip()[:300]
    try:
        if form.get("role", "").isdigit():
            role = next((r for r in somebody.roles if r.id == int(form["role"])), None)
            if role is None:
                raise Refused(gettext("这个角色不是他的"), "role")
            moved = leaving.end_role(service_app(), g.person, role.id, receiver, reason)
        else:
            moved = leaving.switch_off(service_app(), g.person, somebody.username, receiver, reason)
    except Refused as error:
        look_again()
        remember(fault_of(error))
        page = views.person_page(person_named(g.session, somebody.username), form)
        return render_template("people/show.html", page=page), 422
    told(gettext("办好了，%(n)d 件交给了接手的人", n=moved.count) if moved.count else gettext("办好了，没有要交接的事"))
    return redirect(url_for("people.show", username=somebody.username), 303)


def _instant(name: str) -> datetime:
    at = moments.instant(request.form.get(name))
    if at is None:
        raise Refused(gettext("从几时到几时，都要写日期和时间"), name)
    return at
