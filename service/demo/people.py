"""The staff of the demo: the cast that can log in, and some fifty colleagues who only work; with their duty roster.

Only the cast has a password that is told, and it is well known: never fill a database that is reachable from outside. Who signs what the
cast cannot has one that nobody is told. Surprise: where the demo is filled at night, Liu has this night's duty, so that he is the one who
is out.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from service.calendars.rules import Calendar
from service.demo.company import Site
from service.organisation.actions import add_person
from service.organisation.models import Duty, Floor, Role

PASSWORD = "zhiban-demo-2026"
CAST = ("lin", "zhou", "chen", "wang", "gao", "liu", "sun", "qin", "hu", "dingxf", "admin")
SIGN_TOO = ("fangqi", "panli", "xiamy", "duanhong", "leijunan")  # handovers and reviews of those who cannot log in
OPENS, CLOSES = time(8, 30), time(18, 0)
DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Staff:
    """A person as the stories need them."""

    id: int
    username: str
    name: str
    roles: tuple[str, ...]
    buildings: tuple[str, ...]  # codes; empty means the whole centre
    shift: str  # day, night, weekend
    centre: str  # river, east, company


def _rows(which: str) -> list[list[str]]:
    """The rows of people.yaml: username, name, roles, buildings, shift."""
    return [row.split() for row in yaml.safe_load(Path(__file__).with_name("people.yaml").read_text(encoding="utf-8"))[which].splitlines()]


def hire(session: Session, river: Site, east: Site, hashed: dict[str, str], now: datetime) -> dict[str, Staff]:
    """Everybody, with roles in their centre and buildings, by username; `hashed` are the passwords of those who have one."""
    staff: dict[str, Staff] = {}
    for which, site in (("river", river), ("east", east), ("company", None)):
        for username, name, roles, buildings, shift in _rows(which):
            codes = [] if buildings == "*" else buildings.split(",")
            person = add_person(session, username, name, list(_roles(roles.split("+"), codes, site)), phone=f"1390013{7001 + len(staff)}")
            if username in hashed:
                person.password_hash, person.password_changed_at = hashed[username], now
            staff[username] = Staff(person.id, username, name, tuple(roles.split("+")), tuple(codes), shift, which)
    for which, site in (("river", river), ("east", east)):
        _answer_for_floors(session, site, [s for s in staff.values() if s.centre == which])
    return staff


def _roles(roles: list[str], buildings: list[str], site: Site | None) -> Iterator[tuple[str, int | None, int | None]]:
    if site is None:
        yield from ((role, None, None) for role in roles)
        return
    for role in roles:
        for code in buildings or [None]:
            yield role, site.centre.id, site.buildings[code].id if code else None


def _answer_for_floors(session: Session, site: Site, staff: list[Staff]) -> None:
    """Every floor has a responsible person (clause 23.1): a specialist of its building."""
    for code, building in site.buildings.items():
        mine = [
            s
            for s in staff
            if "specialist" in s.roles and s.shift != "night" and code in (s.buildings or site.buildings)
        ]
        for index, floor in enumerate(
            session.scalars(sa.select(Floor).where(Floor.building_id == building.id).order_by(Floor.level))
        ):
            floor.responsible_id = mine[index // 4 % len(mine)].id


def passwords() -> dict[str, str]:
    """Username -> password: the well-known one for the cast, one by chance for who signs besides."""
    return dict.fromkeys(CAST, PASSWORD) | {username: secrets.token_urlsafe(24) for username in SIGN_TOO}


def roster(session: Session, sites: Iterable[tuple[Site, Calendar, str]], staff: dict[str, Staff], start_at: datetime, now: datetime,
           at_desk: Collection[tuple[str, date]]) -> None:
    """Duty from the day before `start_at` until a week ahead: the day shift on open days, a few at weekends, the nights. Who is
    `at_desk` on a day has that duty from the desk's own roster.
    """
    rows: list[dict] = []
    for site, calendar, which in sites:
        mine = [s for s in staff.values() if s.centre == which]
        on, last = calendar.local(start_at).date() - timedelta(days=1), calendar.local(now).date() + timedelta(days=DAYS_AHEAD)
        while on <= last:
            rows += _day(site.centre.id, calendar, [s for s in mine if (s.username, on) not in at_desk], on, now)
            on += timedelta(days=1)
    session.execute(sa.insert(Duty), rows)


def _day(centre_id: int, calendar: Calendar, staff: list[Staff], on: date, now: datetime) -> Iterator[dict]:
    zone = ZoneInfo(calendar.zone)
    opens, closes, opens_again = (datetime.combine(on + timedelta(days=days), at, zone) for days, at in ((0, OPENS), (0, CLOSES), (1, OPENS)))
    for one in staff:
        if one.shift == "night" or one.username == "liu" and closes <= now < opens_again:
            yield from _duty(centre_id, one, closes, opens_again)
        if one.shift == ("day" if calendar.windows_on(on) else "weekend"):
            yield from _duty(centre_id, one, opens, closes)


def _duty(centre_id: int, one: Staff, starts_at: datetime, ends_at: datetime) -> Iterator[dict]:
    yield from ({"centre_id": centre_id, "role": Role(role), "person_id": one.id, "starts_at": starts_at, "ends_at": ends_at}
                for role in one.roles)
