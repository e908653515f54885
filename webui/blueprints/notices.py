"""Notices: what one was told, newest first, until it is marked as read."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service.errors import Refused
from webui.gates import gate, notice_for, signed_in
from webui.i18n import gettext
from webui.told import told
from webui.views import notices as notice_views
from webui.views import ways

notices = Blueprint("notices", __name__)


@notices.get("/notices")
@gate(signed_in)
def index():
    rows = notice_views.rows(g.person)
    return render_template(
        "notices/index.html", notices=rows, unread=sum(not n.read for n in rows), mail_offered=ways.offered()
    )


@notices.post("/notices/<int:notice_id>/read")
@gate(notice_for, "notice_id")
def read(notice):
    notice_views.mark_read(g.person, [notice.id])
    return redirect(url_for("notices.index"), 303)


@notices.post("/notices/read")
@gate(signed_in)
def read_all():
    notice_views.mark_read(g.person, None)
    return redirect(url_for("notices.index"), 303)


@notices.get("/notices/mail")
@gate(signed_in)
def mail():
    return render_template("notices/mail.html", page=ways.page(g.person))


@notices.post("/notices/mail")
@gate(signed_in)
def keep_mail():
    """Where this person wants notices by mail, and which."""
    try:
        ways.keep(g.person, request.form)
    except Refused:
        return render_template("notices/mail.html", page=ways.again(ways.page(g.person), request.form)), 422
    told(gettext("通知的去处已改"))
    return redirect(url_for("notices.index"), 303)
