"""The quality records of chapter 6: the five registers with their filters, each as an Excel file and as the paper form."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, send_file

from service import access
from service.exchange.exporting import TooManyExports
from service.registers import queries
from service.registers.rules import Record
from webui.blueprints.exchange import XLSX
from webui.gates import gate
from webui.views import registers as views

registers = Blueprint("registers", __name__)


def reader(person):
    """Who may read registers at all; None (404) for anybody else."""
    return person if access.may(person, queries.ACTION) else None


def record_for(person, record: str) -> Record | None:
    """The record of that name, for somebody who may read registers."""
    return Record(record) if record in list(Record) and reader(person) else None


@registers.get("/registers")
@gate(reader)
def index(_person):
    return render_template("registers/index.html", page=views.index(request.args))


@registers.get("/registers/<record>")
@gate(record_for, "record")
def show(record: Record):
    return render_template("registers/show.html", page=views.page(record, request.args))


@registers.get("/registers/<record>/print")
@gate(record_for, "record")
def paper(record: Record):
    return render_template("registers/paper.html", page=views.paper(record, request.args))


@registers.get("/registers/<record>.xlsx")
@gate(record_for, "record")
def file(record: Record):
    """The register as its page shows it: the same entries, columns and order."""
    if request.method == "HEAD":
        return "", 200, {"Content-Type": XLSX}
    try:
        content, name = views.file_of(record, request.args)
    except TooManyExports:
        abort(429)
    return send_file(content, mimetype=XLSX, as_attachment=True, download_name=name)
