"""The supervisor's board: what is late and where, calls for help, who has how much; giving work to others, many at once."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.board import actions, queries
from service.errors import NotAllowed, Refused
from webui.errors import fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.told import told
from webui.views import board as views

board = Blueprint("board", __name__)


def reader(person):
    """Who may see a board at all; None (404) for anybody else."""
    return person if access.may(person, "see board") else None


def giver(person):
    """Who may give work to somebody: whoever leads a centre. Raises NotAllowed for who only reads the board."""
    if reader(person) and not queries.may_give(person):
        raise NotAllowed("give", "work", "supervisor, manager")
    return reader(person)


@board.get("/board")
@gate(reader)
def index(_person):
    return render_template("board/index.html", page=_page())


@board.post("/board/give")
@gate(giver)
def give(_person):
    """Give the selected tasks to somebody, to oneself or back to their departments; says of each row what came of it."""
    to = {"me": g.person.username, "group": None}.get(request.form.get("how", ""), request.form.get("to", "")[:64])
    ids = [t[:32] for t in request.form.getlist("task")]
    reason = request.form.get("reason", "").strip()[:500] or _usual_reason(to)
    try:
        _complete(ids, to, reason)
        given = actions.give(service_app(), g.person, ids, to, reason, request.form.get("request_id", "")[:64] or None)
    except Refused as error:
        return _again(ids, error)
    look_again()
    report = views.report(given, to)
    if not report.bad:
        told(report.text)
        return redirect(url_for("board.index", **_query()), 303)
    page = _page()
    page.report = report
    page.typed = {"task": [x.task_id for x in given if x.error is not None], "reason": reason, "to": to or ""}
    return render_template("board/index.html", page=page), 200 if report.done else report.bad[0].fault.status


def _complete(ids: list[str], to: str | None, reason: str) -> None:
    """Refuses, in the reader's language, what the action would refuse as a whole."""
    if not ids:
        raise Refused(gettext("先选几件"), "task")
    if len(ids) > actions.MOST:
        raise Refused(gettext("一次最多 %(n)d 件", n=actions.MOST), "task")
    if to == "":
        raise Refused(gettext("先选交给谁"), "to")
    if not reason:
        raise Refused(gettext("写一句为什么换人"), "reason")


def _again(ids: list[str], error: Refused):
    """The board with what was selected and typed, and what is missing."""
    look_again()
    page = _page()
    page.typed = {"task": ids, "reason": request.form.get("reason", ""), "to": request.form.get("to", "")}
    remember(fault_of(error))
    return render_template("board/index.html", page=page), 422


def _usual_reason(to: str | None) -> str:
    """Taking over and giving back say themselves why; giving work to somebody else needs a reason of its own."""
    if to is None:
        return gettext("还给部门，谁先办算谁的")
    return gettext("主管接过来办") if to == g.person.username else ""


def _query() -> dict:
    return {name: request.values.get(name) or None for name in ("by", "only", "lane")}


def _page():
    return views.page(**{name: value or "" for name, value in _query().items()})
