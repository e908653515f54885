"""A department's queue: slips to accept, to arrive at, to handle; cards that fit a phone held in one hand."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request

from webui import words
from webui.gates import gate
from webui.i18n import gettext
from webui.views import work as work_views

queue = Blueprint("queue", __name__)


def departments_for(person):
    """The departments whose slips this person works on or leads; 404 for none."""
    return work_views.departments_of(person) or None


@queue.get("/queue")
@gate(departments_for)
def index(departments):
    asked = request.args.get("department", "")
    department = asked if asked in departments else departments[0]
    rows, others = work_views.queue(g.person, department)
    return render_template(
        "queue/index.html",
        title=gettext("%(department)s的单", department=words.department(department)),
        department=department,
        departments=[{"key": d, "name": words.department(d)} for d in departments],
        rows=rows,
        others=others,
    )
