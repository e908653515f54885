"""Notices: what one was told, newest first, until it is marked as read."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for

from webui.gates import gate, notice_for, signed_in
from webui.views import notices as notice_views

notices = Blueprint("notices", __name__)


@notices.get("/notices")
@gate(signed_in)
def index():
    rows = notice_views.rows(g.person)
    return render_template("notices/index.html", notices=rows, unread=sum(not n.read for n in rows))


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
