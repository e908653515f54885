"""What the ticket's page shows of pauses, urgency, the customer's deadline and merged tickets."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

from flask import url_for

from service.tickets.changes import UNDO_MERGE_FOR
from service.tickets.models import OPEN_STATES, TicketState
from webui import words
from webui.filters import Clock, centre_calendar, local, when
from webui.i18n import gettext
from webui.people import name_of

_FIELD = "%Y-%m-%dT%H:%M"


def of_card(card, now: datetime) -> SimpleNamespace:
    """Everything of it, with what the reader may do."""
    ticket, number = card.ticket, card.ticket.number
    open_, working = ticket.state in OPEN_STATES, ticket.state == TicketState.IN_HAND
    urgent = str(ticket.urgency) == "urgent"
    return SimpleNamespace(
        pause=_pause(card, now),
        may_pause="pause" in card.may and working and card.pause is None,
        may_resume="pause" in card.may and card.pause is not None,
        reasons=words.pause_reasons(),
        until=_tomorrow(now),
        latest=f"{local(now + timedelta(days=90)):{_FIELD}}",
        may_change_urgency="change urgency" in card.may
        and ticket.state not in (TicketState.HANDLED, TicketState.VISITING),
        other_urgency="normal" if urgent else "urgent",
        urgency_words=gettext("改成一般") if urgent else gettext("改成紧急"),
        may_change_deadline="inform" in card.may and open_ and not ticket.resolution_met_at,
        deadline=f"{local(ticket.deadline_at):{_FIELD}}" if ticket.deadline_at else _tomorrow(now),
        deadline_words=gettext("客户要求 %(at)s 前", at=when(ticket.deadline_at))
        if ticket.deadline_kind == "at"
        else "",
        callers=[_caller(one, card, now) for one in card.merged],
        may_tell="promise" in card.may and bool(card.merged),
        may_merge="merge" in card.may and open_,
        merge_href=url_for("tickets.merge", number=number),
    )


def _pause(card, now: datetime) -> SimpleNamespace | None:
    pause = card.pause
    if pause is None:
        return None
    return SimpleNamespace(
        clock=Clock("paused", gettext("暂停"), pause.until_at),
        text=gettext(
            "%(reason)s，%(since)s 起，%(who)s。最晚 %(until)s 继续",
            reason=words.pause_reason(pause.reason),
            since=when(pause.started_at),
            who=name_of(pause.started_by),
            until=when(pause.until_at),
        ),
    )


def _caller(ticket, card, now: datetime) -> SimpleNamespace:
    undo = "merge" in card.may and ticket.closed_at and now <= ticket.closed_at + UNDO_MERGE_FOR
    place = " ".join(
        t for t in (ticket.unit.code if ticket.unit else "", ticket.customer.name if ticket.customer else "") if t
    )
    return SimpleNamespace(
        number=ticket.number,
        who=ticket.contact.name if ticket.contact else "",
        place=place,
        title=ticket.title,
        undo_href=url_for("tickets.unmerge", number=ticket.number) if undo else "",
        undo_until=when(ticket.closed_at + UNDO_MERGE_FOR) if undo else "",
    )


def _tomorrow(now: datetime) -> str:
    """The next opening, as a date-and-time field takes it."""
    calendar = centre_calendar()
    at = calendar.next_business_day(now) if calendar is not None else now + timedelta(days=1)
    return f"{local(at):{_FIELD}}"
