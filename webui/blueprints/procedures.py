"""The procedures for everybody to read: the diagram in force, its decision tables, forms, control sheet and README."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, render_template

from service import access
from service.board import procedures as service
from webui.gates import gate
from webui.views import procedures as views

procedures = Blueprint("procedures", __name__)


def reader(person):
    """Who may read the procedures; None (404) for anybody else."""
    return person if access.may(person, "see procedures") else None


def edition_for(person, key: str, version: str):
    """The version of a procedure by its hash while it is in force or instances run on it; None otherwise."""
    return service.edition(person, key, version) if reader(person) else None


def newest_for(person, key: str):
    """The version of a procedure that is in force."""
    return service.edition(person, key) if reader(person) else None


@procedures.get("/procedures")
@gate(reader)
def index(_person):
    return render_template("procedures/index.html", rows=views.rows(service.editions(g.person)))


@procedures.get("/procedures/<procedure>")
@gate(newest_for, "procedure")
def show(edition):
    return render_template("procedures/show.html", page=views.page(edition))


@procedures.get("/procedures/<procedure>/<version>")
@gate(edition_for, "procedure", "version")
def version(edition):
    return render_template("procedures/show.html", page=views.page(edition))


@procedures.get("/procedures/<procedure>/<version>/diagram")
@gate(edition_for, "procedure", "version")
def diagram(edition):
    return Response(views.diagram_xml(edition), mimetype="application/xml")


@procedures.get("/procedures/<procedure>/<version>/state")
@gate(edition_for, "procedure", "version")
def state(edition):
    """How many tasks wait at each step now."""
    return jsonify(views.state(edition, service.standing(g.person, edition.hash)))
