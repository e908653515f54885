"""Reads about rounds for the screens: the ticks of a day, the VIPs to greet by name, the timetable, notices, a workplace's check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session, selectinload

from engine.tables import user_task
from service import access
from service.calendars.queries import calendar_of
from service.customers.models import Customer
from service.errors import NotThere
from service.findings.models import FindingPhoto
from service.organisation.models import Centre, Person
from service.registers import rules as register_rules
from service.rounds import planner, rules
from service.rounds.models import CheckState, FilingState, Round, RoundFiling, RoundItem, RoundState, WorkplaceCheck
from service.rounds.rules import Tick

ACTION = "see rounds"
MOST_VIPS = 40
LOOKED_AHEAD = 14  # days; no holiday is longer


@dataclass(frozen=True, slots=True)
class Today:
    """The phone's page of one centre: what is due now, what has been, whom to greet by name, what waits besides."""

    centre: Centre
    due: list[Round]
    coming: list[Tick]
    past: list[Round]
    past_on: date | None  # their day: today, or the last one that had any
    vips: list[Customer]
    checks: list[WorkplaceCheck]
    filings: list[RoundFiling]
    may_tick: bool
    may_change: bool


def centres_of(person: Person) -> list[Centre]:
    session = object_session(person)
    mine = access.centre_filter(access.reach(person), ACTION, Centre.id)
    return list(session.scalars(sa.select(Centre).where(Centre.active, mine).order_by(Centre.id)))


def centre_for(person: Person, centre_id: int | None = None) -> Centre:
    """The centre asked for, or the first one; raises NotThere out of reach."""
    found = next((c for c in centres_of(person) if centre_id in (None, c.id)), None)
    if found is None:
        raise NotThere("Centre", centre_id or "")
    return found


def today(person: Person, centre: Centre) -> Today:
    session = object_session(person)
    now = session.info["clock"].now()
    on = calendar_of(session, centre.id).local(now).date()
    rounds = of_day(session, centre.id, on)
    past = [r for r in rounds if r.state is not RoundState.WAITING]
    if not past:
        on, past = _last_day(session, centre.id, on)
    return Today(
        centre,
        [r for r in rounds if r.state is RoundState.WAITING],
        coming(session, centre.id, now),
        past[::-1],
        on,
        vips(session, centre.id),
        _waiting(session, WorkplaceCheck, centre.id, WorkplaceCheck.state == CheckState.OPEN),
        _waiting(session, RoundFiling, centre.id, RoundFiling.state == FilingState.FILED),
        access.may(person, "tick rounds", centre),
        access.may(person, "change rounds", centre),
    )


def coming(session: Session, centre_id: int, now: datetime) -> list[Tick]:
    """The ticks that are still to come today; those of the next day that has any, where none is left."""
    zone, today = calendar_of(session, centre_id).zone, calendar_of(session, centre_id).local(now).date()
    lines = [planner.line_of(item) for item in planner.items(session, centre_id)]
    for day in (today + timedelta(days=count) for count in range(LOOKED_AHEAD if lines else 0)):
        if calendar_of(session, centre_id).windows_on(day):
            found = [tick for line in lines for tick in rules.ticks(line, day, zone) if tick.starts_at > now]
            if found:
                return sorted(found, key=lambda tick: (tick.starts_at, tick.title, tick.post))
    return []


def _last_day(session: Session, centre_id: int, before: date) -> tuple[date | None, list[Round]]:
    """The last day before that had ticks, and its ticks."""
    start, _ = register_rules.borders(before, before, calendar_of(session, centre_id).zone)
    last = session.scalar(sa.select(sa.func.max(Round.starts_at)).where(Round.centre_id == centre_id, Round.starts_at < start))
    on = calendar_of(session, centre_id).local(last).date() if last else None
    return on, of_day(session, centre_id, on) if on else []


def of_day(session: Session, centre_id: int, on: date) -> list[Round]:
    """The ticks of a day by the centre's clock, in order."""
    start, end = register_rules.borders(on, on, calendar_of(session, centre_id).zone)
    query = sa.select(Round).where(Round.centre_id == centre_id, Round.starts_at >= start, Round.starts_at < end)
    return list(session.scalars(query.order_by(Round.starts_at, Round.id)))


def vips(session: Session, centre_id: int) -> list[Customer]:
    """Customers marked VIP, with how they are addressed; [] where nobody is marked."""
    query = (
        sa.select(Customer)
        .where(Customer.centre_id == centre_id, Customer.vip, Customer.active)
        .options(selectinload(Customer.contacts))
    )
    return list(session.scalars(query.order_by(Customer.name).limit(MOST_VIPS)))


def _waiting(session: Session, kind: type, centre_id: int, which) -> list:
    return list(session.scalars(sa.select(kind).where(kind.centre_id == centre_id, which).order_by(kind.id)))


def plan(person: Person, centre: Centre) -> tuple[list[RoundItem], dict[int, RoundFiling]]:
    """The timetable and, by line, the notice that is not acknowledged yet."""
    session = object_session(person)
    items = session.scalars(
        sa.select(RoundItem).where(RoundItem.centre_id == centre.id).order_by(RoundItem.from_time, RoundItem.id)
    )
    waiting = _waiting(session, RoundFiling, centre.id, RoundFiling.state == FilingState.FILED)
    return list(items), {filing.item_id: filing for filing in waiting}


def round_for(person: Person, number: str) -> Round:
    return _seen(person, Round, number)


def filing_for(person: Person, number: str) -> RoundFiling:
    return _seen(person, RoundFiling, number)


def check_for(person: Person, number: str) -> WorkplaceCheck:
    return _seen(person, WorkplaceCheck, number)


def _seen(person: Person, kind: type, number: str):
    """Raises NotThere for a number that is unknown or out of reach."""
    found = object_session(person).scalars(sa.select(kind).where(kind.number == number)).first()
    if found is None or not access.may(person, ACTION, found):
        raise NotThere(kind.__name__, number)
    return found


def open_task(person: Person, instance_id: str | None, element: str):
    """The open task of a thing that this person may do; None for nobody's and for others'."""
    query = sa.select(user_task).where(
        user_task.c.root_id == (instance_id or ""),
        user_task.c.element_id == element,
        access.task_filter(access.reach(person)),
    )
    return object_session(person).execute(query).first()


def photos_of(session: Session, ids: list[int]) -> list[FindingPhoto]:
    return list(session.scalars(sa.select(FindingPhoto).where(FindingPhoto.id.in_(ids))))


def between(session: Session, centre_id: int, start: datetime, end: datetime) -> list[Round]:
    """Ticks that began in [start, end)."""
    query = sa.select(Round).where(Round.centre_id == centre_id, Round.starts_at >= start, Round.starts_at < end)
    return list(session.scalars(query.order_by(Round.starts_at, Round.id)))


def checks_between(session: Session, centre_id: int, first: date, last: date) -> list[WorkplaceCheck]:
    """Checks of the weeks that begin from `first` to `last`."""
    monday = first - timedelta(days=first.weekday())
    query = sa.select(WorkplaceCheck).where(
        WorkplaceCheck.centre_id == centre_id, WorkplaceCheck.week_on.between(monday, last)
    )
    return list(session.scalars(query.order_by(WorkplaceCheck.id)))
