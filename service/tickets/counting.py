"""How one limit is counted: the table's minutes, the pauses in which it stood still, the customer's own deadline.

Pure. A pause is measured in the same business time as the limit, so a pause over a closed weekend moves nothing (T1). The
customer's deadline stands still too: it keeps the business time that was left when the pause began, and one at night that
loses none waits for the end of its pause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.calendars.rules import Calendar, Deadline, Pause, Sum, explain
from service.tickets.rules import Due, earlier_of

REMIND_AT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Named:
    """A deadline that the customer asked for. It counts for limits that had begun when it was named."""

    at: datetime
    named_at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """A limit's sum by the table, and the instant that counts."""

    total: Sum
    due: Due


def counted(
    start_at: datetime, minutes: int, calendar: Calendar, pauses: Iterable[Pause] = (), named: Named | None = None
) -> Counted:
    """The limit of `minutes` that began at `start_at`. `pauses` do not overlap and have their end each."""
    pauses = tuple(pauses)
    total = explain(start_at, minutes, calendar, pauses)
    return Counted(total, earlier_of(total.due_at, _customer_at(start_at, calendar, pauses, named)))


def reminder_at(
    calendar: Calendar, start_at: datetime, due_at: datetime | None, pauses: Iterable[Pause] = ()
) -> datetime | None:
    """The moment when 80 % of the time until `due_at` is used; None where there is no such time."""
    pauses = tuple(pauses)
    if due_at is None or due_at <= start_at:
        return None
    share = (calendar.elapsed_time(start_at, due_at) - _lost(calendar, start_at, due_at, pauses)) * REMIND_AT_SHARE
    return Deadline(None, start_at, share, pauses).due_at(calendar) if share > timedelta(0) else None


def named_of(ticket: Any) -> Named | None:
    """The deadline that the customer of a ticket (row or object) has named, if any."""
    if ticket.deadline_kind != "at" or ticket.deadline_at is None:
        return None
    return Named(ticket.deadline_at, ticket.deadline_named_at or ticket.registered_at)


def _customer_at(
    start_at: datetime, calendar: Calendar, pauses: tuple[Pause, ...], named: Named | None
) -> datetime | None:
    if named is None or named.named_at < start_at:
        return None
    if not _lost(calendar, named.named_at, named.at, pauses):
        return _when_it_goes_on(named.at, pauses)
    left = calendar.elapsed_time(named.named_at, named.at)
    return Deadline(None, named.named_at, left, pauses).due_at(calendar)


def _when_it_goes_on(at: datetime, pauses: tuple[Pause, ...]) -> datetime:
    """`at`, or the end of the pauses in which it lies: nothing runs out while the work stands still."""
    for pause in sorted(pauses, key=lambda pause: pause.start):
        if pause.start <= at < pause.end:
            at = pause.end
    return at


def _lost(calendar: Calendar, start: datetime, end: datetime, pauses: tuple[Pause, ...]) -> timedelta:
    """The business time of a span in which it stood still."""
    both = ((max(start, pause.start), min(end, pause.end)) for pause in pauses)
    return sum((calendar.elapsed_time(a, b) for a, b in both if a < b), timedelta(0))
