"""Patrols (clause 23): today's floors, one floor on the phone, the record with its flags; the plan, its tags, what is posted.

A floor is sent as one JSON entry with an id made by the phone: sent twice it is kept once, so that a queue may send it again.
What a phone carries along, and what it asks before it drops its own copy, is JSON too; what is refused then says why in JSON.
"""

from __future__ import annotations

import hashlib
import re
from functools import wraps

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for

from service import access
from service.errors import Refused, ServiceError
from service.patrols import actions, arrivals, queries, steps
from webui import moments
from webui.errors import Missing, SignedOut, WebError, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.security import takes_photos
from webui.told import told
from webui.views import carried
from webui.views import patrols as views

patrols = Blueprint("patrols", __name__)

SUBMISSION = re.compile(r"[0-9A-Za-z-]{8,64}")
ENTRY_LIMIT = 64 * 1024  # bytes; six answers and twenty findings fit in well


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


def entry_for(person, entry_id: str):
    """The receipt of one's own entry. Raises NotThere for anybody else's."""
    return arrivals.receipt(service_app(), person, entry_id[:64])


def answers_phones(view):
    """What is refused says so in JSON: what, and what to do next. Who is logged out is sent to the log-in page as ever."""

    @wraps(view)
    def answered(**values):
        try:
            return view(**values)
        except SignedOut:
            raise
        except (ServiceError, WebError) as error:
            fault = fault_of(error)
            return {"what": fault.what, "next": fault.next_step}, fault.status

    return answered


@patrols.get("/patrols")
@gate(reader)
def index(_person):
    return render_template("patrols/index.html", page=views.today())


@patrols.get("/patrols/<patrol_number>")
@gate(patrol_for, "patrol_number")
def record(found):
    return render_template("patrols/record.html", page=views.record(found))


@patrols.post("/patrols/<patrol_number>/help")
@gate(patrol_for, "patrol_number")
def help(found):
    """Ask the superior for help about a patrol that is under way (clause 12)."""
    number, form = found.row.patrol.number, request.form
    actions.ask_help(service_app(), g.person, number, form.get("question", ""), form.get("request_id", "")[:64] or None)
    told(gettext("已求助，主管会看到"))
    return redirect(url_for("patrols.record", patrol_number=number), 303)


@patrols.get("/patrols/floors/<int:visit_id>")
@gate(visit_for, "visit_id")
def floor(card):
    return render_template("patrols/floor.html", page=views.floor(card, request.args.get("tag", "")[:32]))


@patrols.get("/patrols/day.json")
@gate(reader)
def day(person):
    """What a phone carries along: today's floors with their checklists, our instant, and the token for sending."""
    return carried.day(person)


@patrols.get("/patrols/queue")
@gate(reader)
def queue(_person):
    """What this phone has not got rid of yet; the page's script fills it."""
    return render_template("patrols/queue.html")


@patrols.get("/patrols/entries/<entry_id>")
@answers_phones
@gate(entry_for, "entry_id")
def entry(receipt):
    """What is here of an entry: its hash, the hashes of its photos, what became of it."""
    return carried.receipt(receipt)


@patrols.post("/patrols/floors/<int:visit_id>")
@answers_phones
@gate(visit_for, "visit_id")
def submit(card):
    """One floor as JSON: `id` made by the phone, answers, findings, times. The answer says what is here of it now.

    `quiet` in the address: sent later by the phone's queue, so that no page has to tell of it. X-Phone-Now: the phone's clock.
    """
    raw = request.get_data()
    sent = request.get_json(silent=True) if len(raw) <= ENTRY_LIMIT else None
    if not isinstance(sent, dict) or not SUBMISSION.fullmatch(str(sent.get("id", ""))):
        raise Refused(gettext("发来的内容看不懂。刷新这一页，再点一遍"))
    done = actions.submit(
        service_app(),
        g.person,
        card.visit.id,
        str(sent["id"]),
        sent,
        sha256=hashlib.sha256(raw).hexdigest(),
        phone_now=steps.instant(request.headers.get("X-Phone-Now")),
    )
    if not done.replayed and "quiet" not in request.args:
        told(views.done_words(card, done), "", "")
    look_again()
    receipt = carried.receipt(arrivals.receipt(service_app(), g.person, str(sent["id"])))
    return receipt | {"late": done.late, "next": views.next_address(g.person, card)}


@patrols.post("/patrols/floors/<int:visit_id>/photos")
@takes_photos
@answers_phones
@gate(visit_for, "visit_id")
def photo(card):
    """A photo of an entry that follows, or that `entry` names; its hash lets the phone drop its own copy (T30)."""
    file, of = request.files.get("photo"), request.form.get("entry", "")
    if file is None or not file.filename or (of and not SUBMISSION.fullmatch(of)):
        abort(400)
    stored = arrivals.add_photo(service_app(), g.person, card.visit.id, of, file.read(), file.filename)
    return {"id": stored.id, "sha256": stored.source_sha256}


@patrols.get("/p/<tag>", endpoint="short")
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
    floor_id, on = _number("floor"), moments.day(request.form.get("expires_on"))
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
