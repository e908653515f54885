"""When handovers and the checks before going home start by themselves: from the roster (service.timetable)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.organisation.models import Duty, Person
from service.organisation.queries import person_named
from service.shifts import queries, roster, rules
from service.shifts.models import Post, RosterEntry
from service.shifts.rules import Stint
from service.tickets.actions import count_up
from service.timetable.kinds import Kind, NotWanted, Slot, Start, register
from service.timetable.models import PlannedRun


def _ending(session: Session, centre_id: int, day: date) -> list[tuple[RosterEntry, Stint]]:
    """The shifts that end on a day of the centre."""
    zone = ZoneInfo(calendar_of(session, centre_id).zone)
    first = datetime.combine(day, time(), zone)
    return queries.ending(session, centre_id, first, first + timedelta(days=1))


def _number(session: Session, run: PlannedRun, letters: str, counter: str) -> str:
    year = run.day.year
    return f"{letters}{year}-{count_up(session, f'{counter}-{year}'):04d}"


# --- handovers --------------------------------------------------------------------------------------------------------


def handovers(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    for entry, stint in _ending(session, centre_id, day):
        following = queries.relief_of(session, entry.post_id, stint)
        if following is not None:
            due = stint.ends_at - rules.HANDOVER_BEFORE
            yield Slot(f"{entry.post_id}-{entry.day}-{entry.shift}", stint.ends_at, following.ends_at, due)


def begin_handover(session: Session, run: PlannedRun) -> Start:
    post_id, day, shift = _key(run)
    post = session.get(Post, post_id)
    stint = _stint(session, post_id, day, shift)
    following = stint and queries.relief_of(session, post_id, stint)
    if post is None or not post.active or not following:
        raise NotWanted("The roster has nobody to take over any more.")
    if (open_one := roster.running(session, post_id)) is not None:
        raise NotWanted(f"{open_one.number} of this post is not signed yet.")
    outgoing = queries.responsible_at(session, post_id, session.info["unit"].now)
    if outgoing in (None, following.person):
        raise NotWanted(f"{following.person} answers for the post already.")
    number = _number(session, run, "JB", "handover")
    return Start(
        {
            "handover_number": number,
            "post_id": post_id,
            "post_name": post.name,
            "day": day.isoformat(),
            "shift": shift,
            "outgoing": outgoing,
            "incoming": following.person,
            "shift_ends_at": stint.ends_at,
            "sign_due_at": following.starts_at + rules.SIGNED_WITHIN,
        },
        number,
    )


def post_name(session: Session, run: PlannedRun) -> str:
    post = session.get(Post, _key(run)[0])
    return post.name if post else ""


def _key(run: PlannedRun) -> tuple[int, date, str]:
    post_id, year, month, day, shift = run.key.split("-")
    return int(post_id), date(int(year), int(month), int(day)), shift


def _stint(session: Session, post_id: int, day: date, shift: str) -> Stint | None:
    row = session.execute(
        sa.select(RosterEntry.id, Person.username, Duty.starts_at, Duty.ends_at)
        .join(Duty, Duty.id == RosterEntry.duty_id)
        .join(Person, Person.id == Duty.person_id)
        .where(RosterEntry.post_id == post_id, RosterEntry.day == day, RosterEntry.shift == shift)
    ).first()
    return Stint(row.id, row.username, row.starts_at, row.ends_at) if row else None


# --- the check before going home --------------------------------------------------------------------------------------


def checks(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    """One for each person, at the end of the last of the shifts that follow each other without a gap."""
    ends: dict[str, tuple[RosterEntry, Stint]] = {}
    for entry, stint in _ending(session, centre_id, day):
        if not _goes_on(session, entry, stint):
            ends[f"{stint.person}-{stint.ends_at:%H%M}"] = (entry, stint)
    for entry, stint in ends.values():
        yield Slot(
            f"{stint.person}-{entry.day}-{entry.shift}"[:80], stint.starts_at, stint.ends_at + LATE, _check_at(stint)
        )


LATE = timedelta(hours=2)  # a clock that was down still starts it so long after the shift


def _check_at(stint: Stint) -> datetime:
    return stint.ends_at - rules.CHECK_BEFORE


def _goes_on(session: Session, entry: RosterEntry, stint: Stint) -> bool:
    following = queries.stints(session, entry.post_id, stint.ends_at, stint.ends_at)
    return any(s.person == stint.person for s in following)


def begin_check(session: Session, run: PlannedRun) -> Start:
    person, year, month, day, shift = run.key.rsplit("-", 4)
    on = date(int(year), int(month), int(day))
    stint = next(
        (
            s
            for e, s in _ending(session, run.centre_id, run.day)
            if (s.person, e.day, str(e.shift)) == (person, on, shift)
        ),
        None,
    )
    if stint is None:
        raise NotWanted(f"{person} is not on the roster for this shift any more.")
    number = _number(session, run, "BH", "day-check")
    return Start(
        {
            "check_number": number,
            "person": person,
            "day": on.isoformat(),
            "since_at": stint.starts_at,
            "shift_ends_at": stint.ends_at,
        },
        number,
    )


def person_name(session: Session, run: PlannedRun) -> str:
    person = person_named(session, run.key.rsplit("-", 4)[0])
    return person.name if person else ""


register(Kind("handover", process="handover", slots=handovers, begin=begin_handover, name=post_name))
register(Kind("end-of-day-check", process="end-of-day-check", slots=checks, begin=begin_check, name=person_name))
