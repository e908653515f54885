"""Changing a centre's calendar: every change is a new version with an author and a reason. Who may: the caller's gate asks.

`session` may be a session or a connection; the caller commits. What a change does to open limits is shown before with
`rules.preview_change`, and done after the commit by whoever keeps the limits, with the CalendarChanged returned here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.calendars import queries, stored
from service.calendars.events import CalendarChanged
from service.calendars.models import CalendarDay, CalendarVersion
from service.calendars.proposals import Proposal, merge, propose_year
from service.calendars.rules import Calendar
from service.errors import Refused


class Author(Protocol):
    """Who acts: the engine's Actor fits."""

    person: str


class CalendarMoved(Refused):
    """Somebody saved another version since the caller looked. Show both, then save again with `newest`."""

    def __init__(self, seen: int, newest: int):
        self.seen, self.newest = seen, newest
        super().__init__(f"The calendar was changed since you opened it (you saw version {seen}, it is now {newest})."
                         " Look at the new version, then make your change again.")


def save_version(session: Session | Connection, centre_id: int, calendar: Calendar, *, actor: Author, now: datetime,
                 reason: str, seen: int | None = None) -> CalendarChanged:
    """Keep `calendar` as the centre's newest version. What is wrong with it was refused when it was built.

    `seen` is the version that the change started from. The same content again makes no new version. Raises Refused
    without a reason, CalendarMoved when somebody was faster.
    """
    old = queries.calendar_of(session, centre_id)
    if not reason.strip():
        raise Refused("A calendar needs the reason of its change: it moves limits that people were promised.", "reason")
    if seen is not None and seen != old.version:
        raise CalendarMoved(seen, old.version)
    new = replace(calendar, version=old.version + 1)
    if old.version and replace(new, version=old.version) == old:
        return CalendarChanged(centre_id, old, old, reason)
    _write(session, centre_id, new, actor.person, now, reason.strip())
    return CalendarChanged(centre_id, old, new, reason.strip())


def _write(session: Session | Connection, centre_id: int, calendar: Calendar, person: str, now: datetime, reason: str) -> None:
    head, days = stored.head_of(calendar), stored.days_of(calendar)
    which = {"centre_id": centre_id, "version": calendar.version}
    try:
        with session.begin_nested():
            session.execute(insert(CalendarVersion.__table__), [
                which | head | {"digest": stored.digest_of(head, days), "created_by": person, "created_at": now, "reason": reason}])
            if days:
                session.execute(insert(CalendarDay.__table__), [which | day for day in days])
    except IntegrityError as error:
        raise CalendarMoved(calendar.version - 1, calendar.version) from error


def start_calendar(session: Session | Connection, centre_id: int, *, actor: Author, now: datetime,
                   zone: str = queries.DEFAULT_ZONE, years: tuple[int, ...] = (2024, 2025, 2026)) -> CalendarChanged:
    """The first version of a new centre: the default hours with those official years. Has one already: nothing changes."""
    old = queries.calendar_of(session, centre_id)
    if old.version:
        return CalendarChanged(centre_id, old, old, "")
    calendar = queries.default_calendar(zone)
    for proposal in filter(lambda proposal: proposal.covered, map(propose_year, years)):
        calendar = merge(replace(calendar, published_years=calendar.published_years | {proposal.year}), proposal)
    return save_version(session, centre_id, calendar, actor=actor, now=now, reason="首个版本：默认开放时间与国务院放假通知")


@dataclass(frozen=True)
class Imported:
    """The proposal that was taken over, and the change; no change when no source covers the year."""

    proposal: Proposal
    change: CalendarChanged


def import_year(session: Session | Connection, centre_id: int, year: int, *, actor: Author, now: datetime,
                seen: int | None = None) -> Imported:
    """Take a year's proposal over as a new version, not yet published. A year no source covers goes on counting by the week."""
    proposal, old = propose_year(year), queries.calendar_of(session, centre_id)
    reason = f"导入 {year} 年放假安排（{proposal.source}）"
    if not proposal.covered:
        return Imported(proposal, CalendarChanged(centre_id, old, old, ""))
    change = save_version(session, centre_id, merge(old, proposal), actor=actor, now=now, reason=reason, seen=seen)
    return Imported(proposal, change)


def publish_year(session: Session | Connection, centre_id: int, year: int, *, actor: Author, now: datetime,
                 seen: int | None = None) -> CalendarChanged:
    """Mark a year's official days as entered: its sums lose their warning. Twice is once."""
    old = queries.calendar_of(session, centre_id)
    new = replace(old, published_years=old.published_years | {year})
    return save_version(session, centre_id, new, actor=actor, now=now, reason=f"发布 {year} 年放假安排", seen=seen)
