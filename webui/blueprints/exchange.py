"""Excel files: every list as `/<list>.xlsx`, and the page where a manager or an administrator brings units and people in.

A file is checked first and shown with what it would do; only then, and only whole, it is taken in. Bringing people in asks
for the password again, as every change of accounts does.
"""

from __future__ import annotations

import io

from flask import Blueprint, abort, g, redirect, render_template, request, send_file, url_for

from service.auth import actions as auth
from service.auth.models import WebSession
from service.exchange import importing, sheets
from service.exchange.columns import OF
from service.exchange.exporting import TooManyExports
from service.exchange.models import Kind
from service.exchange.sheets import FileRefused
from webui import sessions
from webui.errors import Fault, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext, language
from webui.security import takes_photos
from webui.told import told
from webui.views import exchange as views

exchange = Blueprint("exchange", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def listing_for(_person, key: str) -> str | None:
    """The key of a list that can be exported and that this person has."""
    return key if key in views.LISTS and views.LISTS[key].may(request.args) else None


def kinds_for(person) -> list[views.KindView] | None:
    """What the person may bring in; 404 for nothing."""
    return views.kinds(person) or None


def kind_for(person, key: str) -> views.KindView | None:
    return next((kind for kind in views.kinds(person) if kind.key == key), None)


def run_for(person, key: str):
    """An import that the person made or could have made. Raises NotThere otherwise."""
    return importing.run_of(person, key)


# --- out --------------------------------------------------------------------------------------------------------------


@exchange.get("/<key>.xlsx")
@gate(listing_for, "key")
def export(key: str):
    """A list as its screen shows it: the same rows, columns and order."""
    if request.method == "HEAD":
        return "", 200, {"Content-Type": XLSX}
    try:
        file, name = views.file_of(key, request.args)
    except TooManyExports:
        abort(429)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)


@exchange.get("/exchange/template/<key>.xlsx")
@gate(kind_for, "key")
def template(kind):
    content = sheets.template(OF[Kind(kind.key)], kind.name, language())
    return send_file(io.BytesIO(content), mimetype=XLSX, as_attachment=True, download_name=f"{kind.name}.xlsx")


# --- in ---------------------------------------------------------------------------------------------------------------


@exchange.get("/exchange")
@gate(kinds_for)
def index(kinds):
    return render_template("exchange/index.html", kinds=kinds, runs=views.runs(g.person))


@exchange.post("/exchange/upload/<key>")
@takes_photos
@gate(kind_for, "key")
def upload(kind):
    """Check a file; the page that follows says what it would do, or what is wrong with it."""
    file, centre = request.files.get("file"), _centre(kind)
    request_id = request.form.get("request_id", "")[:64] or None
    content = file.read() if file else b""
    name = file.filename if file and file.filename else "?"
    try:
        run = importing.check(service_app(), g.person, Kind(kind.key), centre, content, name, request_id)
    except FileRefused as error:
        remember(Fault(422, gettext("%(file)s 收不了", file=name), views.refused(error)))
        return render_template("exchange/index.html", kinds=views.kinds(g.person), runs=views.runs(g.person)), 422
    return redirect(url_for("exchange.show", key=run.key), 303)


@exchange.get("/exchange/<key>")
@gate(run_for, "key")
def show(run):
    return _page(run)


@exchange.post("/exchange/<key>/apply")
@gate(run_for, "key")
def apply(run):
    if _asks_password(run) and not _password_fits():
        remember(Fault(403, gettext("密码不对，什么都没有导入"), gettext("再输一次自己的密码")))
        return _page(run), 403
    try:
        done = importing.apply(service_app(), g.person, run.key)
    except importing.NotApplied as error:
        remember(fault_of(error))
        return _page(run), 409
    look_again()
    told(views.told_of(done))
    return redirect(url_for("exchange.show", key=done.key), 303)


def _page(run):
    return render_template("exchange/show.html", run=views.run_view(run), asks_password=_asks_password(run))


def _centre(kind: views.KindView) -> int:
    """The centre that was picked among those within reach; 404 for any other."""
    asked = request.form.get("centre", "")
    found = [c.id for c in kind.centres if str(c.id) == asked] or [c.id for c in kind.centres if len(kind.centres) == 1]
    return found[0] if found else abort(404)


def _asks_password(run) -> bool:
    row = g.session.get(WebSession, auth.hashed(sessions.token() or ""))
    return run.kind is Kind.PEOPLE and not auth.stepped_up(service_app(), row)


def _password_fits() -> bool:
    return auth.step_up(service_app(), sessions.token(), request.form.get("password", ""), request.remote_addr or "")
