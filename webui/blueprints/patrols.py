"""Patrols (clause 23): today's floors, one floor on the phone, the record with its flags; the plan, its tags, what is posted.

A floor is sent as one JSON entry with an id made by the phone: sent twice it is kept once, so that a queue may send it again.
"""

from __future__ import annotations

import re
from datetime import date

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext

from service import access
from service.errors import Refused
from service.findings import actions as findings
from service.patrols import actions, queries
from webui.errors import Missing, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.security import takes_photos
from webui.told import told
from webui.views import patrols as views

patrols = Blueprint("patrols", __name__)

SUBMISSION = re.compile(r"[0-9A-Za-z-]{8,64}")


def reader(person):
    """Who may see patrols at all; None (404) for anybody else."""
    return person if access.may(person, "see patrols") else None


def keeper(person):
    """Who keeps the plan; None (404) for anybody else."""
    return person if access.may(person, "change patrols") else None


def patrol_for(person, patrol_number: str):
    """The record of a patrol. Raises NotThere outside the person's reach."""
    return queries.record(person, patrol_number)


def visit_for(person, visit_id: int):
    """A floor of a patrol. Raises NotThere outside the person's reach."""
    return queries.visit_card(person, visit_id)


def tag_for(person, tag: str):
    """(tag, the floor that is to be walked now). Raises NotThere for codes of others and retired ones."""
    return queries.of_tag(person, tag)


@patrols.get("/patrols")
@gate(reader)
def index(_person):
    return render_template("patrols/index.html", page=views.today())


@patrols.get("/patrols/<patrol_number>")
@gate(patrol_for, "patrol_number")
def record(found):
    return render_template("patrols/record.html", page=views.record(found))


@patrols.get("/patrols/floors/<int:visit_id>")
@gate(visit_for, "visit_id")
def floor(card):
    return render_template("patrols/floor.html", page=views.floor(card, request.args.get("tag", "")[:32]))


@patrols.post("/patrols/floors/<int:visit_id>")
@gate(visit_for, "visit_id")
def submit(card):
    """One floor as JSON: `id` made by the phone, answers, findings, times. The answer says what became of it."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict) or not SUBMISSION.fullmatch(str(sent.get("id", ""))):
        raise Refused(gettext("发来的内容看不懂。刷新这一页，再点一遍"))
    done = actions.submit(service_app(), g.person, card.visit.id, str(sent["id"]), sent)
    if not done.replayed:
        told(views.done_words(card, done), "", "")
    return {
        "id": sent["id"],
        "late": done.late,
        "findings": list(done.findings),
        "next": views.next_address(g.person, card),
    }


@patrols.post("/patrols/floors/<int:visit_id>/photos")
@takes_photos
@gate(visit_for, "visit_id")
def photo(card):
    """A photo for the entry that follows; its hash lets the phone drop its own copy (T30)."""
    file = request.files.get("photo")
    if file is None or not file.filename:
        abort(400)
    stored = findings.add_photo(service_app(), g.person, card.visit.centre_id, file.read(), file.filename)
    return {"id": stored.id, "sha256": stored.source_sha256}


@patrols.get("/patrols/tags/<tag>")
@gate(tag_for, "tag")
def scan(found):
    """Where a scanned tag leads: its floor's page, or today's list when no patrol of the floor runs."""
    point, visit = found
    if visit is None:
        told(gettext("这一层现在没有要巡的"))
        return redirect(url_for("patrols.index"), 302)
    return redirect(url_for("patrols.floor", visit_id=visit.id, tag=point.code), 302)


# --- the plan ---------------------------------------------------------------------------------------------------------


@patrols.get("/patrols/plan")
@gate(keeper)
def plan(_person):
    return render_template("patrols/plan.html", page=views.plan(_centre()))


@patrols.post("/patrols/plan")
@gate(keeper)
def save_plan(_person):
    given = actions.PlanGiven(
        request.form.get("name", "")[:60],
        _number("area") or 0,
        request.form.get("rhythm", ""),
        tuple(int(f) for f in request.form.getlist("floor") if f.isdigit()),
        "active" in request.form,
    )
    return _kept(
        lambda: actions.save_plan(service_app(), g.person, _centre().id, given, _number("plan"), _number("seen")),
        gettext("计划存好了，还没开始的时段跟着变"),
    )


@patrols.post("/patrols/responsible")
@gate(keeper)
def responsible(_person):
    return _kept(
        lambda: actions.set_responsible(
            service_app(), g.person, _floors(), request.form.get("responsible", "")[:64] or None
        ),
        gettext("责任人改好了"),
    )


@patrols.post("/patrols/tags")
@gate(keeper)
def make_tags(_person):
    return _kept(
        lambda: actions.make_points(service_app(), g.person, _floors(), request.form.get("name", "")[:40]),
        gettext("码做好了，打印出来贴上"),
    )


@patrols.post("/patrols/tags/<int:point_id>/renew")
@gate(keeper)
def renew_tag(_person, point_id: int):
    return _kept(lambda: actions.renew_point(service_app(), g.person, point_id), gettext("旧码作废了，打印新的贴上"))


@patrols.get("/patrols/tags")
@gate(keeper)
def tags(_person):
    """A sheet to print: every tag of the centre with its QR."""
    return render_template("patrols/tags.html", page=views.tag_sheet(_centre()))


@patrols.get("/patrols/tags/<tag>.svg")
@gate(tag_for, "tag")
def tag_picture(found):
    return Response(views.qr(found[0].code), mimetype="image/svg+xml")


@patrols.post("/patrols/postings")
@gate(reader)
def post(_person):
    floor_id, on = _number("floor"), _date("expires_on")
    if floor_id is None or on is None:
        raise Refused(gettext("选楼层，写到哪天为止"))
    return _kept(
        lambda: actions.post(
            service_app(), g.person, floor_id, request.form.get("kind", ""), request.form.get("title", ""), on
        ),
        gettext("记下了，过期后第一次巡查会问"),
    )


@patrols.post("/patrols/postings/<int:posting_id>/down")
@gate(reader)
def take_down(_person, posting_id: int):
    return _kept(lambda: actions.take_down(service_app(), g.person, posting_id), gettext("记下了：已经撤下"))


def _kept(do, words: str):
    """Do it and show the plan again; what the domain refuses stands on the page."""
    try:
        do()
    except Refused as error:
        look_again()
        remember(fault_of(error))
        return render_template("patrols/plan.html", page=views.plan(_centre())), 422
    look_again()
    told(words)
    return redirect(url_for("patrols.plan", centre=request.values.get("centre") or None), 303)


def _centre():
    """The centre that the page is about, among those whose patrols the person sees."""
    centres = queries.centres_of(g.person)
    wanted = _number("centre")
    found = next((c for c in centres if wanted in (None, c.id)), None)
    if found is None:
        raise Missing("centre")
    return found


def _floors() -> list[int]:
    return [int(f) for f in request.form.getlist("floor") if f.isdigit() and len(f) < 10]


def _number(name: str) -> int | None:
    raw = request.values.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 10 else None


def _date(name: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        return None
