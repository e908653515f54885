"""Reading calendars: the one that counts, an older one, the list of versions, a year for the screen.

`session` may be a session or a connection. A calendar is built once per process; each call costs one small statement,
which finds the newest version. A centre without any calendar counts Monday to Friday, 08:30 to 18:00, version 0, and every
year of it is marked as unpublished.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from engine.sql import Prepared
from service.calendars import stored
from service.calendars.models import CalendarDay, CalendarVersion
from service.calendars.rules import Calendar, DayKind, Week, round_the_clock
from service.errors import NotThere

BUSINESS, ROUND_THE_CLOCK = "business", "round-the-clock"
DEFAULT_ZONE = "Asia/Shanghai"

_versions, _days = CalendarVersion.__table__, CalendarDay.__table__
_THAT = Prepared(
    select(_versions.c.version, _versions.c.digest).where(
        _versions.c.centre_id == bindparam("centre_id"), _versions.c.version == bindparam("version")
    )
)
_NEWEST = Prepared(
    select(_versions.c.version, _versions.c.digest)
    .where(_versions.c.centre_id == bindparam("centre_id"))
    .order_by(_versions.c.version.desc())
    .limit(1)
)
_built: dict[tuple[int, int, str], Calendar] = {}
_KEPT = 500


def default_calendar(zone: str = DEFAULT_ZONE) -> Calendar:
    """Monday to Friday 08:30 to 18:00, nothing published: what a centre has before anybody enters its hours."""
    return Calendar(zone, Week.working_days())


def calendar_of(session: Session | Connection, centre_id: int, name: str = BUSINESS) -> Calendar:
    """The calendar that limits of this centre count in now; `name` is `business` or `round-the-clock`. Raises NotThere."""
    if name not in (BUSINESS, ROUND_THE_CLOCK):
        raise NotThere("Calendar", name)
    business = _load(session, centre_id)
    return round_the_clock(business.zone) if name == ROUND_THE_CLOCK else business


def calendar_version(session: Session | Connection, centre_id: int, version: int) -> Calendar:
    """The business calendar as it was in that version. Raises NotThere."""
    return _load(session, centre_id, version)


def newest_version(session: Session | Connection, centre_id: int) -> int:
    """The number of the newest version, 0 before there is one."""
    return _load(session, centre_id).version


def _load(session: Session | Connection, centre_id: int, version: int | None = None) -> Calendar:
    if isinstance(session, Session):
        session.flush()
    connection = session.connection() if isinstance(session, Session) else session
    if version is None:
        found = _NEWEST.record(connection, centre_id=centre_id)
    else:
        found = _THAT.record(connection, centre_id=centre_id, version=version)
    if found is None and version:
        raise NotThere("Calendar version", version)
    if found is None:
        return default_calendar()
    key = (centre_id, found.version, found.digest)
    if key not in _built:
        if len(_built) >= _KEPT:
            _built.clear()
        _built[key] = _build(session, centre_id, found.version)
    return _built[key]


def _build(session: Session | Connection, centre_id: int, version: int) -> Calendar:
    def of(table) -> Any:
        return select(table).where(table.c.centre_id == centre_id, table.c.version == version)

    head = session.execute(of(_versions)).mappings().one()
    return stored.calendar_from(version, head, session.execute(of(_days)).mappings())


@dataclass(frozen=True)
class VersionRow:
    """One line of the list of versions."""

    version: int
    created_by: str
    created_at: datetime
    reason: str


def versions(session: Session | Connection, centre_id: int) -> list[VersionRow]:
    """Who changed the calendar when and why, newest first."""
    columns = [_versions.c[name] for name in ("version", "created_by", "created_at", "reason")]
    query = select(*columns).where(_versions.c.centre_id == centre_id).order_by(_versions.c.version.desc())
    return [VersionRow(*row) for row in session.execute(query)]


@dataclass(frozen=True)
class DayRow:
    """One date for the year's page."""

    on: date
    kind: DayKind
    windows: tuple[str, ...]
    name: str


def year_of(calendar: Calendar, year: int) -> list[DayRow]:
    """Every date of a year with its kind, hours and name. Pure: takes a calendar that is loaded or only drafted."""
    first = date(year, 1, 1)
    dates = [first + timedelta(days=count) for count in range((date(year + 1, 1, 1) - first).days)]
    return [DayRow(on, calendar.kind_on(on), tuple(map(str, calendar.windows_on(on))), calendar.name_on(on)) for on in dates]
