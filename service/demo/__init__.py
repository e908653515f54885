"""The demo: a centre that has lived through the last days, so that everybody who logs in finds work in the order it will go wrong.

`fill` builds 江湾中心 and 城东 into an empty database and lets their people work in virtual time on the real engine, up to now. What is
smaller and has no past (`found`, `build`, `world`) is what the tests stand on. Surprise: a fill that was killed leaves a mark, and
neither goes on nor starts again by itself; delete that database first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from engine.api import SYSTEM
from engine.clock import FrozenClock
from engine.errors import NotFound
from service.calendars.actions import start_calendar
from service.calendars.queries import calendar_of
from service.demo import books, company, customers, desk, floors, life, people, reviews, rounds, scene, week
from service.demo.living import Place, Story
from service.demo.living import World as Living
from service.demo.small import CAST, World, build, found, is_there, requests, world
from service.errors import Refused
from service.organisation.models import Company, Person
from service.tickets.actions import PROCESS
from service.tickets.models import Counter, Ticket

__all__ = ["CAST", "LOGINS", "PASSWORD", "DemoRefused", "Filled", "World", "build", "fill", "fill_if_empty", "found", "has_demo_logins", "is_there",
           "requests", "state", "world"]

PASSWORD, LOGINS = people.PASSWORD, people.CAST
MONTH_FROM, MONTH = 1000, 30  # a demo of that size has lived that many days
WHOLE_FROM = 100  # smaller demos have only some floors
BEGUN, DONE = "demo-begun", "demo-done"  # counters: the tickets wanted, the tickets there when all was done


class DemoRefused(Refused):
    """The database is not empty, or an earlier fill was killed. The message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fill is: the share of the days that is lived, 0 to 1, and their instant (None while the places are built)."""

    share: float
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Filled:
    """What a fill has made."""

    people: int
    units: int
    tickets: int
    seconds: float


def state(app) -> str:
    """`empty`; `demo` when a fill was finished; `unfinished` when one was killed; `used` when there is anything else."""
    with app.session() as session:
        marks = set(session.scalars(sa.select(Counter.name).where(Counter.name.in_([BEGUN, DONE]))))
        if DONE in marks:
            return "demo"
        if BEGUN in marks:
            return "unfinished"
        return "used" if session.scalar(sa.select(sa.func.count()).select_from(Person)) or is_there(app) else "empty"


def has_demo_logins(app) -> bool:
    """Whether the cast can log in with the demo's password here (by name only; the password may have been changed)."""
    with app.session() as session:
        logins = session.scalar(sa.select(sa.func.count()).where(Person.username.in_(["lin", "chen", "gao"]), Person.password_hash.is_not(None)))
        return logins == 3 and session.scalar(sa.select(Company.name).order_by(Company.id)) in (company.COMPANY, "恒远物业")


def fill_if_empty(app, size: int = 200, progress: Callable[[Progress], Any] | None = None, now: datetime | None = None) -> Filled | None:
    """`fill` an empty database; None where there is anything already. Raises DemoRefused for one that was killed."""
    return fill(app, size, progress, now) if state(app) in ("empty", "unfinished") else None


def fill(app, size: int = 200, progress: Callable[[Progress], Any] | None = None, now: datetime | None = None, seed: int = 1) -> Filled:
    """Build the demo centre with about `size` tickets of the last week (a thousand or more: of thirty days), lived up to `now` (the
    app's). The schema is there; procedures are deployed.

    `app` may be a function that makes it. `progress` is called with what has been lived so far, now and then. Raises DemoRefused.
    """
    app = app() if not hasattr(app, "engine") else app
    _refuse_unless_empty(app)
    started, now = time.monotonic(), now or app.clock.now()
    clock = FrozenClock(now)
    with _virtual(app, clock) as living:
        telling = progress or (lambda told: None)
        telling(Progress(0, None))
        passwords = people.passwords()
        river, east, staff, start_at = _founded(living, app, size, now, seed, passwords)
        told = Living(living, clock, staff, random.Random(seed), now, lambda share: telling(Progress(share, clock.now())), passwords=passwords)
        clock.set(start_at)
        _lived(told, river, east, size, start_at)
        told.keep_timetable()
        with living.writing() as session:
            tickets = session.scalar(sa.select(sa.func.count()).select_from(Ticket))
            session.add(Counter(name=DONE, value=tickets))
        telling(Progress(1, now))
    return Filled(len(staff), len(river.site.units) + len(east.site.units), tickets, time.monotonic() - started)


def _refuse_unless_empty(app) -> None:
    found_state = state(app)
    if found_state == "unfinished":
        where = app.database.url.render_as_string()
        raise DemoRefused(f"An earlier fill of the demo was stopped halfway, so {where} holds half a demo. Delete that database (with SQLite the "
                          "file and those beside it that begin with its name), then start again.")
    if found_state != "empty":
        raise DemoRefused("The demo is only for an empty database, and this one has people in it. Nothing was changed.")


@contextmanager
def _virtual(app, clock: FrozenClock) -> Iterator[Any]:
    """The same installation on a clock of its own. SQLite commits without waiting for the disk: nobody else is on an empty database."""
    from service import app as service
    from service import db

    database = app.database
    if database.dialect.name == "sqlite" and database.url.database not in (None, "", ":memory:"):
        database = db.connect(str(database.url))
        event.listen(database, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
    living = service.create(app.settings, clock=clock, database=database, feel=None)
    try:
        yield living
    finally:
        living.engine.feel.close()
        if database is not app.database:
            database.dispose()


def _founded(
    living, app, size: int, now: datetime, seed: int, passwords: dict[str, str]
) -> tuple[Place, Place, dict, datetime]:
    """Procedures, places, people, calendars and customers, in one transaction with the mark that a fill has begun."""
    from service.auth.actions import hasher

    _deploy_missing(living)
    chance = random.Random(seed)
    with living.writing() as session:
        session.add(Counter(name=BEGUN, value=size))
        sites = company.found(session, whole=size >= WHOLE_FROM)
        for site in sites:
            start_calendar(session, site.centre.id, actor=SYSTEM, now=now)
        hashed = {password: hasher(app).hash(password) for password in set(passwords.values())}
        staff = people.hire(session, *sites, {who: hashed[password] for who, password in passwords.items()}, now)
        places = []
        for site, which in zip(sites, ("river", "east")):
            calendar = calendar_of(session, site.centre.id)
            callers = customers.move_in(session, site, chance, calendar.local(now).date())
            places.append(Place(site, calendar, callers, [s for s in staff.values() if s.centre == which]))
        start_at = week.reviews_start(places[0].calendar, now)
        if size >= MONTH_FROM:
            start_at = min(start_at, places[0].calendar.local(now - timedelta(days=MONTH)).replace(hour=7, minute=0, second=0, microsecond=0))
        local = places[0].calendar.local(start_at)
        session.add(Counter(name=f"ticket-{local.year}", value=local.timetuple().tm_yday * 10))
    return *places, staff, start_at


def _deploy_missing(living) -> None:
    """The shipped procedures, where nobody deployed any."""
    from service import app as service

    try:
        living.engine.definition_in_force(PROCESS)
    except NotFound:
        service.deploy_all(living, living.settings.bpmn_dir)


def _lived(living: Living, river: Place, east: Place, size: int, start_at: datetime) -> None:
    """The last days: ordinary tickets, the rounds of those who answer, the readers, the last week's routine, the scene at the end."""
    told, there_told = scene.Scene(living, river), scene.Scene(living, east)
    weeks = [week.Week(living, place, its, week.reviews_start(place.calendar, living.end_at), week.start_of(place.calendar, living.end_at))
             for place, its in ((river, told), (east, there_told))]
    _on_duty(living, river, east, start_at, weeks[0])
    scene.river(told)
    scene.east(there_told)
    here, there = max(size - scene.SCENES, 12), 2 + size // 25
    life.ordinary(living, river, max(10, here - there), start_at, told.b(15))
    life.ordinary(living, east, there, start_at, told.b(60))
    who = living.staff
    above = {"answer_manager": who["wang"], "answer_quality": who["qin"]}
    living.plan(start_at, life.rounds(living, river, above | {"answer_supervisor": who["chen"], "sign_off": who["chen"]}))
    living.plan(start_at, life.rounds(living, east, {
        "answer_supervisor": who["duanhong"], "sign_off": who["duanhong"], "answer_manager": who["leijunan"], "answer_quality": who["qin"]}))
    living.plan(start_at, life.reading(living, river.calendar, told.b(115)))
    living.plan(weeks[0].reviewed_from_at, _reviewed(*weeks))
    living.plan(weeks[0].from_at, _routine(*weeks))
    living.live()


def _on_duty(living: Living, river: Place, east: Place, start_at: datetime, here: week.Week) -> None:
    """Who has duty when; the desk's people from the desk's own roster, which its supervisor enters later."""
    at_desk = {(who, day) for (day, _), who in desk.roster_of(here).items()}
    sites = [(river.site, river.calendar, "river"), (east.site, east.calendar, "east")]
    with living.app.writing() as session:
        people.roster(session, sites, living.staff, start_at, living.end_at, at_desk)


def _reviewed(here: week.Week, there: week.Week) -> Story:
    """From here on what is planned starts by itself; so far that is reviews and the checks of workplaces."""
    rounds.checked(here, "chen")
    rounds.checked(there, "duanhong")
    reviews.stories(here, "chen", "wang")
    reviews.stories(there, "duanhong", "leijunan", last_waits=False)
    here.world.keep_timetable()
    yield from ()


def _routine(here: week.Week, there: week.Week) -> Story:
    """The first morning of the last week: plans of patrols, the desk with its roster, the timetable of posts."""
    floors.begin(here, "chen")
    floors.begin(there, "duanhong")
    desk.begin(here)
    rounds.begin(here)
    floors.stories(here, "river")
    floors.stories(there, "east")
    desk.stories(here)
    rounds.stories(here)
    books.stories(here, desk.roster_of(here))
    yield from ()
