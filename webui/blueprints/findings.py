"""Findings (clause 23.1): the list, one finding with its photos and the task that is one's own; help, and making it a ticket."""

from __future__ import annotations

from flask import Blueprint, Response, g, redirect, render_template, request, send_file, url_for

from engine.errors import FormInvalid, StepUndone, VersionClash
from service import access
from service.errors import Refused
from service.findings import actions, queries
from webui import forms
from webui.errors import Missing, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.security import PHOTO_CSP, takes_photos
from webui.told import told
from webui.views import findings as views

findings = Blueprint("findings", __name__)


def reader(person):
    """Who may see findings at all; None (404) for anybody else."""
    return person if access.may(person, "see findings") else None


def finding_for(person, finding_number: str):
    """Everything for a finding's page. Raises NotThere outside the person's reach."""
    return queries.card(person, finding_number)


def finding_photo_for(person, key: str):
    """(path, row) of a finding's photo. Raises NotThere for anybody else."""
    return queries.photo_file(person, key)


@findings.get("/findings")
@gate(reader)
def index(_person):
    page = views.listed(
        request.args.get("state", "open")[:12],
        request.args.get("severity", "")[:12],
        request.args.get("department", "")[:40],
    )
    return render_template("findings/index.html", page=page)


@findings.get("/findings/<finding_number>")
@gate(finding_for, "finding_number")
def show(card):
    return render_template("findings/show.html", page=views.page(card))


@findings.post("/findings/<finding_number>/tasks/<task_id>")
@takes_photos
@gate(finding_for, "finding_number")
def complete(card, task_id: str):
    """Do a task of the finding. Photos are stored first; what was typed stays when something is wrong with it."""
    form = views.form_of(card, task_id)
    if form is None:
        raise Missing("task")
    values = forms.sent(form, request.form)
    number = card.finding.number
    try:
        _store(card, form, values)
        seen = request.form.get("seen", "")
        actions.complete(
            service_app(), g.person, number, task_id, values, int(seen) if seen.isdigit() else None, _request_id()
        )
    except (FormInvalid, VersionClash, StepUndone, Refused) as error:
        look_again()
        page = views.again(finding_for(g.person, number), task_id, values, error)
        return render_template("findings/show.html", page=page), fault_of(error).status
    look_again()
    told(
        gettext("办好了：%(number)s", number=number), url_for("findings.show", finding_number=number), gettext("看问题")
    )
    return redirect(views.back(), 303)


@findings.post("/findings/<finding_number>/help")
@gate(finding_for, "finding_number")
def help(card):
    number = card.finding.number
    actions.ask_help(service_app(), g.person, number, request.form.get("question", "").strip(), _request_id())
    told(gettext("已求助，主管会看到"))
    return redirect(url_for("findings.show", finding_number=number), 303)


@findings.post("/findings/<finding_number>/ticket")
@gate(finding_for, "finding_number")
def to_ticket(card):
    """It goes on as a ticket, with its photos, at the same department."""
    try:
        number = actions.to_ticket(
            service_app(), g.person, card.finding.number, request.form.get("category", "repair"), _request_id() or ""
        )
    except Refused as error:
        look_again()
        remember(fault_of(error))
        return render_template("findings/show.html", page=views.page(finding_for(g.person, card.finding.number))), 422
    look_again()
    told(gettext("转成工单 %(number)s，已经派给原来的部门", number=number))
    return redirect(url_for("tickets.show", number=number), 303)


@findings.get("/findings/photos/<key>")
@gate(finding_photo_for, "key")
def photo(found) -> Response:
    path, row = found
    if not path.is_file():
        raise Missing("photo")
    answer = send_file(path.resolve(), mimetype=row.media_type, conditional=True, etag=row.sha256)
    answer.headers["Content-Security-Policy"] = PHOTO_CSP
    answer.headers["Content-Disposition"] = "inline"
    return answer


def _store(card, form, values: dict) -> None:
    """The files sent for each photo field become photos; their ids go into `values`."""
    for spec in form.fields:
        if spec.type == "filepicker":
            ids = [v for v in values.get(spec.key) or [] if str(v).isdigit()]
            for file in request.files.getlist(spec.key):
                if file and file.filename:
                    stored = actions.add_photo(
                        service_app(), g.person, card.finding.centre_id, file.read(), file.filename
                    )
                    ids.append(str(stored.id))
            values[spec.key] = ids


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None
