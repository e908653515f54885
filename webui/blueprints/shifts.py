"""Shifts (clauses 24.6, 24.8, 25): who answers now, the roster, handovers with their signatures, the check, leaving the post."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, g, redirect, render_template, request, url_for

from engine.errors import FormInvalid, VersionClash
from service import access
from service.errors import Refused
from service.shifts import handovers, leaving, roster
from service.signing.actions import ContentChanged
from service.tickets import actions as tickets
from webui import forms
from webui.errors import Missing, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.told import told
from webui.views import shifts as views
from webui.views import things

shifts = Blueprint("shifts", __name__)


def reader(person):
    """Who may see shifts at all; None (404) for anybody else."""
    return person if access.may(person, "see shifts") else None


def keeper(person):
    """Who keeps the roster; None (404) for anybody else."""
    return person if access.may(person, "change roster") else None


def post_for(person, post_id: int):
    """A post of a centre that the person sees; None otherwise."""
    return views.post_named(person, post_id)


def handover_for(person, handover_number: str):
    """A handover of a centre that the person sees; None otherwise."""
    return views.handover_named(person, handover_number)


def check_for(person, check_number: str):
    """A check of a centre that the person sees; None otherwise."""
    return views.check_named(person, check_number)


def leave_for(person, leave_number: str):
    """A leave of a centre that the person sees; None otherwise."""
    return views.leave_named(person, leave_number)


def call_for(person, call_id: str):
    """A call for help about a handover, a check or a leave that the person may answer; None otherwise."""
    return views.call_named(person, call_id)


# --- now --------------------------------------------------------------------------------------------------------------


@shifts.get("/shifts")
@gate(reader)
def index(_person):
    return render_template("shifts/index.html", page=views.now_page(_centre()))


@shifts.get("/shifts/news")
@gate(reader)
def news(_person):
    """The part of the desk that tells what changed since one's last shift."""
    return render_template("shifts/news.html", news=views.news())


@shifts.post("/shifts/posts/<int:post_id>/notes")
@gate(post_for, "post_id")
def note(post):
    return _kept(
        lambda: handovers.add_note(service_app(), g.person, post.id, request.form.get("note", "")),
        gettext("记下了，交接班清单上会有"),
        url_for("shifts.index"),
    )


# --- the roster -------------------------------------------------------------------------------------------------------


@shifts.get("/shifts/roster")
@gate(reader)
def week(_person):
    return render_template("shifts/roster.html", page=views.roster_page(_centre(), request.args.get("week", "")))


@shifts.post("/shifts/roster")
@gate(keeper)
def save_week(_person):
    centre = _centre()
    return _rostered(lambda: roster.save_cells(service_app(), g.person, centre.id, views.cells(request.form)))


@shifts.post("/shifts/roster/copy")
@gate(keeper)
def copy_week(_person):
    centre = _centre()
    monday = views.monday(request.form.get("week", ""))
    return _rostered(lambda: roster.copy_week(service_app(), g.person, centre.id, monday))


@shifts.post("/shifts/posts")
@gate(keeper)
def add_post(_person):
    given = (request.form.get(name, "") for name in ("name", "role", "responsible"))
    return _rostered(lambda: roster.add_post(service_app(), g.person, _centre().id, *given))


@shifts.post("/shifts/posts/<int:post_id>/responsible")
@gate(post_for, "post_id")
def responsible(post):
    who, why = request.form.get("responsible", "")[:64], request.form.get("reason", "")
    return _rostered(lambda: roster.make_responsible(service_app(), g.person, post.id, who, why))


@shifts.post("/shifts/posts/<int:post_id>/goods")
@gate(post_for, "post_id")
def goods(post):
    return _rostered(lambda: roster.save_goods(
        service_app(), g.person, post.id, views.goods_given(request.form), views.number(request.form.get("goods"))
    ))  # fmt: skip


@shifts.post("/shifts/posts/<int:post_id>/active")
@gate(post_for, "post_id")
def active(post):
    return _rostered(lambda: roster.retire_post(service_app(), g.person, post.id, request.form.get("active") == "yes"))


def _rostered(do):
    page = url_for("shifts.week", week=request.form.get("week") or None, centre=request.form.get("centre") or None)
    return _kept(do, gettext("存好了，交接班跟着变"), page)


# --- a handover -------------------------------------------------------------------------------------------------------


@shifts.get("/shifts/handovers/<handover_number>")
@gate(handover_for, "handover_number")
def handover(found):
    return render_template("shifts/handover.html", page=views.handover_page(found))


@shifts.post("/shifts/handovers/<handover_number>")
@gate(handover_for, "handover_number")
def write(found):
    """Keep what was written and counted; then the page shows what is left, or asks for the signature."""
    number = found.number

    def keep() -> None:
        if views.stage(found) == "take":
            handovers.save_in(
                service_app(), g.person, number, request.form.getlist("ticked"), views.counts(request.form)
            )
        else:
            handovers.save_out(
                service_app(), g.person, number, views.comments(request.form), views.counts(request.form),
                request.form.get("matters", ""),
            )  # fmt: skip

    return _kept(keep, gettext("存下了"), url_for("shifts.handover", handover_number=number) + "#sign")


@shifts.post("/shifts/handovers/<handover_number>/sign")
@gate(handover_for, "handover_number")
def sign(found):
    """The first or the second signature: the password again, over the hash that stood on the page."""
    number, taking = found.number, views.stage(found) == "take"
    given = handovers.Signing(
        request.form.get("password", ""), request.form.get("seen_hash", "")[:64], request.form.get("shown", ""),
        request.remote_addr or "",
    )  # fmt: skip
    act = handovers.take if taking else handovers.give
    words = gettext("接班了，岗位和没办完的事都归你") if taking else gettext("交出去了，等接班的人签字")
    return _handed(lambda: act(service_app(), g.person, number, given, _request_id()), number, words)


@shifts.post("/shifts/handovers/<handover_number>/differ")
@gate(handover_for, "handover_number")
def differ(found):
    words = request.form.get("difference", "")
    return _handed(
        lambda: handovers.differ(service_app(), g.person, found.number, words, _request_id()), found.number,
        gettext("差异报出去了"),
    )  # fmt: skip


@shifts.post("/shifts/handovers/<handover_number>/settle")
@gate(handover_for, "handover_number")
def settle(found):
    words = request.form.get("settlement", "")
    return _handed(
        lambda: handovers.settle(service_app(), g.person, found.number, words, _request_id()), found.number,
        gettext("定好了，等接班的人签字"),
    )  # fmt: skip


@shifts.post("/shifts/handovers/<handover_number>/incoming")
@gate(handover_for, "handover_number")
def incoming(found):
    who = request.form.get("incoming", "")[:64]
    return _handed(
        lambda: handovers.name_incoming(service_app(), g.person, found.number, who, _request_id()), found.number,
        gettext("换好了，等他接班"),
    )  # fmt: skip


@shifts.post("/shifts/handovers/<handover_number>/help")
@gate(handover_for, "handover_number")
def help_handover(found):
    return _help(found.number, url_for("shifts.handover", handover_number=found.number))


def _handed(do, number: str, words: str):
    """Do it and show the handover again; where the content changed, the page lists what changed."""
    try:
        do()
    except ContentChanged as error:
        look_again()
        remember(fault_of(error))
        page = views.handover_page(handover_for(g.person, number), error.differences)
        return render_template("shifts/handover.html", page=page), 409
    except Refused as error:
        look_again()
        remember(fault_of(error))
        return render_template("shifts/handover.html", page=views.handover_page(handover_for(g.person, number))), 422
    look_again()
    told(words)
    return redirect(url_for("shifts.handover", handover_number=number), 303)


# --- the check before going home --------------------------------------------------------------------------------------


@shifts.get("/shifts/checks/<check_number>")
@gate(check_for, "check_number")
def check(found):
    return render_template("shifts/check.html", page=views.check_page(found))


@shifts.post("/shifts/checks/<check_number>")
@gate(check_for, "check_number")
def answer(found):
    page = url_for("shifts.check", check_number=found.number)
    return _kept(
        lambda: leaving.answer_check(service_app(), g.person, found.number, views.answers(request.form)),
        gettext("记下了"),
        page,
    )


@shifts.post("/shifts/checks/<check_number>/help")
@gate(check_for, "check_number")
def help_check(found):
    return _help(found.number, url_for("shifts.check", check_number=found.number))


# --- leaving the post -------------------------------------------------------------------------------------------------


@shifts.post("/shifts/leaves")
@gate(reader)
def leave(_person):
    centre = _centre()

    def do() -> None:
        until = views.moment(centre, request.form.get("until", ""))
        if until is None:
            raise Refused("Say until when, later than now and today.", "until")
        leaving.leave(
            service_app(), g.person, centre.id, request.form.get("reason", ""), until, request.form.get("cover", "")[:64],
            _request_id(),
        )  # fmt: skip

    return _kept(do, gettext("登记好了，写了谁顶就可以走，没写等主管定"), url_for("shifts.index"))


@shifts.get("/shifts/leaves/<leave_number>")
@gate(leave_for, "leave_number")
def show_leave(found):
    return render_template("shifts/leave.html", page=views.leave_page(found))


@shifts.post("/shifts/leaves/<leave_number>/cover")
@gate(leave_for, "leave_number")
def cover(found):
    names = ("allowed", "cover", "refusal")
    values = {name: request.form.get(name, "") for name in names if request.form.get(name)}
    return _left(found, "name_cover", values, gettext("定好了"))


@shifts.post("/shifts/leaves/<leave_number>/back")
@gate(leave_for, "leave_number")
def back(found):
    return _left(found, "come_back", {"note": request.form.get("note", "")}, gettext("回岗了，顶岗结束"))


@shifts.post("/shifts/leaves/<leave_number>/help")
@gate(leave_for, "leave_number")
def help_leave(found):
    return _help(found.number, url_for("shifts.show_leave", leave_number=found.number))


def _left(found, element: str, values: dict, words: str):
    page = url_for("shifts.show_leave", leave_number=found.number)
    return _kept(
        lambda: leaving.complete(service_app(), g.person, found.number, element, values, _request_id()), words, page
    )


# --- calls for help ---------------------------------------------------------------------------------------------------


@shifts.post("/shifts/calls/<call_id>")
@gate(call_for, "call_id")
def answer_call(task):
    """Answer what somebody asked about a handover, a check or a leave (clause 12)."""
    values = forms.sent(views.call_form(task), request.form)
    page = things.href_of(views.kind_of(task.business_key), task.business_key)
    return _kept(
        lambda: tickets.complete_task(
            service_app(),
            g.person,
            task.id,
            values,
            seen=views.number(request.form.get("seen")),
            request_id=_request_id(),
        ),
        gettext("答复了"),
        page,
    )


# --- shared -----------------------------------------------------------------------------------------------------------


def _help(number: str, page: str):
    return _kept(
        lambda: handovers.ask_help(service_app(), g.person, number, request.form.get("question", ""), _request_id()),
        gettext("已求助，主管会看到"),
        page,
    )


def _kept(do, words: str, page: str):
    """Do it and go to the page; what the domain refuses stands on the page of errors, with the way back."""
    try:
        do()
    except (Refused, FormInvalid, VersionClash) as error:
        look_again()
        fault = replace(fault_of(error), link=page, link_text=gettext("回去改"))
        return render_template("errors/page.html", fault=fault), fault.status
    look_again()
    told(words)
    return redirect(page, 303)


def _centre():
    """The centre that the page is about, among those whose shifts the person sees."""
    found = views.centre_named(g.person, request.values.get("centre", ""))
    if found is None:
        raise Missing("centre")
    return found


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None
