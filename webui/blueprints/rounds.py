"""Duty rounds (clauses 17, 18, 20, 21) on the phone, the timetable and its notices; the weekly check of workplaces (24.1 to 24.5)."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from engine.errors import FormInvalid, NotPossible, TaskNotOpen
from service import access
from service.errors import Refused
from service.findings import actions as findings
from service.rounds import actions, queries
from webui import forms, moments
from webui.errors import Missing, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.security import takes_photos
from webui.told import told
from webui.views import rounds as views

rounds = Blueprint("rounds", __name__)


def reader(person):
    """Who may see rounds at all; None (404) for anybody else."""
    return person if access.may(person, queries.ACTION) else None


def keeper(person):
    """Who keeps the timetable; None (404) for anybody else."""
    return person if access.may(person, "change rounds") else None


def round_for(person, round_number: str):
    return queries.round_for(person, round_number)


def filing_for(person, filing_number: str):
    return queries.filing_for(person, filing_number)


def workplace_for(person, workplace_number: str):
    return queries.check_for(person, workplace_number)


@rounds.get("/rounds")
@gate(reader)
def index(_person):
    return render_template("rounds/index.html", page=views.today(request.args))


@rounds.post("/rounds/<round_number>/tick")
@gate(round_for, "round_number")
def tick(one):
    try:
        actions.tick(service_app(), g.person, one.number, request.form.get("note", "")[:200], _request_id())
    except (Refused, NotPossible, TaskNotOpen) as error:
        look_again()
        remember(
            fault_of(Refused(gettext("你已经在另一个岗位了，这个岗位要另一个人"), "note"))
            if isinstance(error, Refused)
            else fault_of(error)
        )
        return render_template("rounds/index.html", page=views.today({"centre": str(one.centre_id)})), fault_of(
            error
        ).status
    look_again()
    told(gettext("%(what)s：到岗了", what=one.title))
    return redirect(url_for("rounds.index", centre=one.centre_id), 303)


@rounds.post("/rounds/<round_number>/help")
@gate(round_for, "round_number")
def help(one):
    return _help(one.number, url_for("rounds.index", centre=one.centre_id))


@rounds.post("/rounds/filings/<filing_number>/help")
@gate(filing_for, "filing_number")
def help_filing(found):
    return _help(found.number, url_for("rounds.filing", filing_number=found.number))


@rounds.post("/rounds/workplaces/<workplace_number>/help")
@gate(workplace_for, "workplace_number")
def help_workplace(found):
    return _help(found.number, url_for("rounds.workplace", workplace_number=found.number))


def _help(number: str, page: str):
    actions.ask_help(service_app(), g.person, number, request.form.get("question", ""), _request_id())
    told(gettext("已求助，主管会看到"))
    return redirect(page, 303)


# --- the timetable ----------------------------------------------------------------------------------------------------


@rounds.get("/rounds/timetable")
@gate(keeper)
def timetable(_person):
    return render_template("rounds/timetable.html", page=views.timetable(request.args))


@rounds.post("/rounds/timetable")
@gate(keeper)
def save(_person):
    form = request.form
    given = actions.ItemGiven(
        form.get("kind", ""),
        form.get("name", "")[:60],
        moments.written("time", form.get("from_time", ""))[:5],
        moments.written("time", form.get("until_time", ""))[:5],
        _number("every_minutes") or 0,
        tuple(
            p.strip()[:40]
            for p in form.get("posts", "").replace(",", "、").replace("，", "、").split("、")
            if p.strip()
        ),
        _number("grace_minutes") or 0,
        "active" in form,
        form.get("reason", ""),
    )
    centre = views.centre_of(request.values)
    try:
        saved = actions.save_item(service_app(), g.person, centre.id, given, _number("item"), _number("seen"))
    except Refused as error:
        return _again(error)
    look_again()
    told(
        gettext("报备 %(number)s 交给品质部了，知悉后才按新的时间走", number=saved.filing)
        if saved.filing
        else gettext("时间表存好了，还没开始的跟着变")
    )
    return redirect(url_for("rounds.timetable", centre=centre.id), 303)


@rounds.post("/rounds/timetable/usual")
@gate(keeper)
def usual(_person):
    centre = views.centre_of(request.values)
    try:
        actions.start_usual(service_app(), g.person, centre.id)
    except Refused as error:
        return _again(error)
    look_again()
    told(gettext("照规程的时间建好了"))
    return redirect(url_for("rounds.timetable", centre=centre.id), 303)


def _again(error: Refused):
    look_again()
    remember(fault_of(error))
    return render_template("rounds/timetable.html", page=views.timetable(request.values)), 422


# --- notices and checks -----------------------------------------------------------------------------------------------


@rounds.get("/rounds/filings/<filing_number>")
@gate(filing_for, "filing_number")
def filing(found):
    return render_template("rounds/filing.html", page=views.filing(found))


@rounds.post("/rounds/filings/<filing_number>")
@gate(filing_for, "filing_number")
def acknowledge(found):
    actions.acknowledge(service_app(), g.person, found.number, request.form.get("note", "")[:500], _request_id())
    look_again()
    told(gettext("知悉了，新的时间从现在起算"))
    return redirect(url_for("rounds.filing", filing_number=found.number), 303)


@rounds.get("/rounds/workplaces/<workplace_number>")
@gate(workplace_for, "workplace_number")
def workplace(found):
    return render_template("rounds/workplace.html", page=views.workplace(found))


@rounds.post("/rounds/workplaces/<workplace_number>")
@takes_photos
@gate(workplace_for, "workplace_number")
def check(found):
    form = views.form_of(found)
    if form is None:
        raise Missing("task")
    values = forms.sent(form, request.form)
    try:
        _store(found, form, values)
        actions.check(service_app(), g.person, found.number, values, _request_id())
    except (FormInvalid, Refused) as error:
        look_again()
        fault = fault_of(error, form)
        remember(fault)
        again = queries.check_for(g.person, found.number)
        return render_template("rounds/workplace.html", page=views.workplace(again, values, error)), fault.status
    look_again()
    told(gettext("%(area)s检查好了", area=found.area_name))
    return redirect(url_for("rounds.workplace", workplace_number=found.number), 303)


@rounds.post("/rounds/workplaces/<workplace_number>/shape")
@gate(workplace_for, "workplace_number")
def shape(found):
    """Which fields are hidden for what stands in the form now."""
    form = views.form_of(found)
    return (
        {"hidden": sorted(forms.hidden_keys(form, forms.sent(form, request.form), service_app().engine.feel))}
        if form
        else {"hidden": []}
    )


def _store(found, form, values: dict) -> None:
    """The files sent for each photo field become photos; their ids go into `values`."""
    for spec in form.fields:
        if spec.type == "filepicker":
            ids = [v for v in values.get(spec.key) or [] if str(v).isdigit()]
            for file in request.files.getlist(spec.key):
                if file and file.filename:
                    ids.append(
                        str(findings.add_photo(service_app(), g.person, found.centre_id, file.read(), file.filename).id)
                    )
            values[spec.key] = ids


def _number(name: str) -> int | None:
    raw = request.form.get(name, "")
    return int(raw) if raw.isdigit() and len(raw) < 10 else None


def _request_id() -> str | None:
    return request.form.get("request_id", "")[:64] or None
