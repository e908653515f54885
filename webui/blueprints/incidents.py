"""Steps that the engine could not finish: by cause, with what and where; tried again or resolved with a note."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.board import incidents as service
from service.errors import Refused
from webui.errors import fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.told import told
from webui.views import incidents as views

incidents = Blueprint("incidents", __name__)


def resolver(person):
    """Who may resolve incidents; None (404) for anybody else."""
    return person if access.may(person, "resolve incidents") else None


@incidents.get("/incidents")
@gate(resolver)
def index(_person):
    return render_template("incidents/index.html", page=views.page())


@incidents.post("/incidents")
@gate(resolver)
def act(_person):
    """Retry (`do=retry`) or resolve with a note (`do=resolve`) the selected incidents; says of each what came of it.

    `do=settle` closes all whose step was done since.
    """
    ids, resolving = [i[:32] for i in request.form.getlist("incident")], request.form.get("do") == "resolve"
    note = request.form.get("note", "").strip()[:1000]
    if request.form.get("do") == "settle":
        told(gettext("后来办好的 %(n)d 件销掉了", n=service.settle(service_app(), g.person)))
        return redirect(url_for("incidents.index"), 303)
    try:
        if not ids:
            raise Refused(gettext("先选几件"), "incident")
        if resolving and not note:
            raise Refused(gettext("写一句怎么处理的"), "note")
        done = (
            service.resolve(service_app(), g.person, ids, note)
            if resolving
            else service.retry(service_app(), g.person, ids)
        )
    except Refused as error:
        look_again()
        remember(fault_of(error))
        return render_template("incidents/index.html", page=views.page(selected=ids)), 422
    look_again()
    report = views.report(done, resolving)
    if not report.bad:
        told(report.text)
        return redirect(url_for("incidents.index"), 303)
    return render_template("incidents/index.html", page=views.page(report, [d.id for d in done if d.error]))
