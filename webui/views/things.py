"""Where things that have a process and are no ticket have their page, by the kind of their subject (service.subjects)."""

from __future__ import annotations

from flask import g, url_for

from service.subjects.queries import kind_of

SHIFTS = ("handover", "end-of-day-check", "leave")
ANSWERED_THERE = (*SHIFTS, "finding")  # a call for help about these is answered on their page


def href_of(kind: str | None, number: str) -> str:
    """The address of a thing's page; empty where its kind has none."""
    if kind == "finding":
        return url_for("findings.show", finding_number=number)
    if kind == "patrol":
        return url_for("patrols.record", patrol_number=number)
    if kind == "handover":
        return url_for("shifts.handover", handover_number=number)
    if kind == "end-of-day-check":
        return url_for("shifts.check", check_number=number)
    if kind == "leave":
        return url_for("shifts.show_leave", leave_number=number)
    if kind == "round":
        return url_for("rounds.index")
    if kind == "filing":
        return url_for("rounds.filing", filing_number=number)
    if kind == "workplace":
        return url_for("rounds.workplace", workplace_number=number)
    if kind == "call":
        return url_for("reception.call", call_number=number)
    if kind == "review":
        return url_for("reviews.show", review_number=number)
    return ""


def href_of_task(task) -> str:
    """Where a task of such a thing is done; empty for a task that has its own page, as a call for help mostly has."""
    kind = kind_of(g.session, task.business_key)
    if kind is None or task.process_key == "escalation" and kind not in ANSWERED_THERE:
        return ""
    if kind == "patrol" and task.element_id == "walk_floor":
        return url_for("patrols.index")
    return href_of(kind, task.business_key)


def page_of(number: str) -> str:
    """The page of a business key: the thing's, where it names one; else the ticket's."""
    return href_of(kind_of(g.session, number), number) or url_for("tickets.show", number=number)
