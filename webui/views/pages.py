"""Small helpers that several pages share: a ticket in a few words, chips of slips, the customer card's facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flask import url_for

from webui import words
from webui.filters import Clock, clock, clock_time, face, left, masked, when
from webui.i18n import gettext, listed
from webui.people import name_of

SLIP_STEPS = ("sent", "accepted", "arrived", "handled", "verified")
ENDED = ("verified", "cancelled")
LIMITS = [(f"{kind}_due_at", f"{kind}_met_at") for kind in ("response", "arrival", "resolution", "return_visit")]


@dataclass(slots=True)
class TicketView:
    """What every screen shows of a ticket, in words."""

    number: str
    title: str
    unit: str
    customer: str
    contact: str
    phone: str
    vip: bool
    category: str
    urgent: bool
    state: str
    owner: str
    request: str
    urged: int
    closed: bool


@dataclass(slots=True)
class Step:
    """One of the five steps of a slip."""

    name: str
    at: str = ""
    state: str = ""  # done, now, or nothing yet

    @property
    def text(self) -> str:
        return f"{self.name} {self.at}".strip()


@dataclass(slots=True)
class SlipView:
    number: str
    who: str
    kind: str
    steps: list[Step]
    clock: Clock | None = None
    instruction: str = ""
    reason: str = ""
    result: str = ""
    state: str = ""


@dataclass(slots=True)
class Row:
    """One row or card of a work list."""

    clock: Clock
    until: str
    what: str
    where: str
    href: str
    action: str = ""
    slip: str = ""
    vip: bool = False
    waiting: bool = False
    hint: str = ""
    who_until: str = ""
    extra: dict = field(default_factory=dict)


def ticket_view(ticket) -> TicketView:
    unit = ticket.unit.code if ticket.unit else ""
    contact = ticket.contact
    phone = next((p.digits for p in contact.phones), "") if contact else ""
    return TicketView(
        ticket.number,
        ticket.title,
        unit,
        ticket.customer.name if ticket.customer else "",
        contact.name if contact else "",
        masked(phone),
        ticket.vip,
        words.category(ticket.category),
        str(ticket.urgency) == "urgent",
        words.ticket_state(ticket.state),
        name_of(ticket.owner),
        ticket.request,
        ticket.urged_count,
        ticket.closed_at is not None,
    )


def where_of(ticket) -> str:
    """3-1201 恒远律师事务所，报修 2025-3415"""
    unit = ticket.unit.code if ticket.unit else ""
    return place_of(ticket, unit, ticket.customer.name if ticket.customer else "")


def place_of(ticket, unit: str, customer: str) -> str:
    """The same where only the names of unit and customer were read."""
    place = " ".join(part for part in (unit, customer) if part)
    what = f"{words.category(ticket.category)} {ticket.number}"
    return listed(place, what)


def ticket_clock(ticket, now: datetime, mine: bool = False) -> Clock:
    """The nearest unmet limit of a ticket as one chip."""
    if ticket.closed_at:
        return Clock("done", words.ticket_state(ticket.state))
    dues = [getattr(ticket, due) for due, met in LIMITS if getattr(ticket, due) and not getattr(ticket, met)]
    if not dues:
        return Clock("wait", words.ticket_state(ticket.state))
    return clock(min(dues), ticket.registered_at, mine=mine, paused=_stands_still(ticket, min(dues), now), at=now)


def _stands_still(ticket, due_at: datetime, now: datetime) -> bool:
    """The work is paused; what had been missed before stays missed."""
    return ticket.paused_at is not None and due_at > now


def slip_view(slip, ticket, now: datetime) -> SlipView:
    """A slip with its five steps; the edge has the colour of the limit that runs now."""
    stamps = {
        "sent": slip.sent_at,
        "accepted": slip.accepted_at,
        "arrived": slip.arrived_at,
        "handled": slip.handled_at,
        "verified": slip.verified_at,
    }
    if str(slip.state) == "back":
        stamps["handled"] = stamps["verified"] = None
    ended = str(slip.state) in ENDED
    current = None if ended else next((s for s in SLIP_STEPS if not stamps[s]), None)
    names = {
        "sent": gettext("派"),
        "accepted": gettext("接"),
        "arrived": gettext("到场"),
        "handled": gettext("办完"),
        "verified": gettext("核实"),
    }
    steps = [
        Step(
            names[s], clock_time(stamps[s]) if stamps[s] else "", "done" if stamps[s] else "now" if s == current else ""
        )
        for s in SLIP_STEPS
    ]
    outsider = gettext("外请 %(who)s", who=slip.outsider) if slip.outsider else ""
    who = listed(words.department(slip.department), name_of(slip.worker), outsider)
    chip = None if ended else _slip_clock(slip, ticket, current, now)
    kind = chip.kind if chip and chip.kind in ("soon", "over") else "" if ended or current is None else "mine"
    return SlipView(
        slip.number, who, kind, steps, chip, slip.instruction, slip.reason, slip.result, words.slip_state(slip.state)
    )


def _slip_clock(slip, ticket, current: str | None, now: datetime) -> Clock | None:
    due_at = {
        "accepted": ticket.response_due_at,
        "arrived": ticket.arrival_due_at,
        "handled": ticket.resolution_due_at,
    }.get(current)
    if due_at is None:
        return None
    names = {"accepted": gettext("接单"), "arrived": gettext("到场"), "handled": gettext("办完")}
    paused = current != "accepted" and _stands_still(ticket, due_at, now)
    chip = clock(due_at, slip.sent_at, mine=False, paused=paused, label=names[current], at=now)
    return (
        Clock("wait", chip.label + left(due_at, now), due_at, slip.sent_at, chip.label)
        if chip.kind == "wait"
        else chip
    )


def photo_view(photo) -> dict:
    caption = listed(words.photo(photo.kind), f"{name_of(photo.taken_by)} {when(photo.at)}")
    return {
        "href": url_for("files.photo", key=photo.key),
        "caption": caption,
        "id": photo.id,
        "key": photo.key,
        "face": face(photo.taken_by),
    }
