"""The last week of a centre as its stories know it: which days were worked, which one is today's or the next, who does what.

Surprise: it reaches back as far as it takes to hold four working days, holidays or not; and reviews begin earlier still, on the Monday of the
last week that has ended, so that the weekly review finds all of its days reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from engine.tables import user_task
from service.calendars.rules import Calendar
from service.demo import texts
from service.demo.living import ZONE, Place, World
from service.demo.people import Staff
from service.demo.photos import picture
from service.demo.scene import Scene
from service.errors import StorageFull
from service.findings import actions as findings
from service.reviews.rules import is_last_of_week

WORKING_DAYS = 4
LATEST_TO_SIGN = 70  # minutes after opening
MORNING = time(7, 0)


def start_of(calendar: Calendar, now: datetime) -> datetime:
    """When the last week begins: seven days ago at 07:00, or earlier."""
    back = calendar.local(calendar.subtract(now, WORKING_DAYS * calendar.day_minutes)).date()
    return _at(min(back, calendar.local(now).date() - timedelta(days=7)), MORNING)


def reviews_start(calendar: Calendar, now: datetime) -> datetime:
    """The Monday at 07:00 of the last week that the manager has had a morning to sign; not later than the last week begins."""
    today = calendar.local(now).date()
    back = (today - timedelta(days=count) for count in range(60))
    ended = next(day for day in back if is_last_of_week(calendar, day) and signed_by(calendar, day) <= now)
    return min(_at(ended - timedelta(days=ended.weekday()), MORNING), start_of(calendar, now))


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, ZONE)


def signed_by(calendar: Calendar, day: date) -> datetime:
    """When the weekly review that began on `day` has been signed: on the next working morning."""
    return calendar.add(calendar.closing_time(day), LATEST_TO_SIGN)


@dataclass
class Week:
    """One centre's last week. `told` is the scene at its end."""

    world: World
    place: Place
    told: Scene
    reviewed_from_at: datetime
    from_at: datetime
    reported: set[int] = field(default_factory=set)  # postings past their date of which somebody has said so

    @property
    def centre_id(self) -> int:
        return self.place.site.centre.id

    @property
    def calendar(self) -> Calendar:
        return self.place.calendar

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @property
    def today(self) -> date:
        return self.calendar.local(self.world.end_at).date()

    @property
    def working(self) -> list[date]:
        """The working days from the first one to the one that `focus` gives."""
        return self.working_from(self.from_at)

    def working_from(self, at: datetime) -> list[date]:
        days = _between(self.calendar.local(at).date(), self.focus)
        return [day for day in days if self.calendar.windows_on(day)]

    @property
    def focus(self) -> date:
        """The working day that goes on at the demo's end, or the next one."""
        end_at = self.world.end_at
        days = (self.today + timedelta(days=count) for count in range(60))
        return next(day for day in days if self.calendar.windows_on(day) and self.calendar.closing_time(day) > end_at)

    @property
    def tonight(self) -> date:
        """The date of the night shift that goes on at the demo's end, or comes next."""
        return self.calendar.local(self.world.end_at - timedelta(hours=8, minutes=30)).date()

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        return _at(day, time(hour, minute))

    def who(self, username: str) -> Staff:
        return self.world.staff[username]

    def minutes(self, least: float, most: float) -> timedelta:
        return timedelta(minutes=self.world.chance.uniform(least, most))

    def later(self, least: float, most: float) -> datetime:
        """Some minutes of opening time from now."""
        return self.calendar.add(self.now, self.world.chance.uniform(least, most))

    def one_of(self, *path):
        """One of the texts of the week."""
        found = texts.week()
        for name in path:
            found = found[name]
        return self.world.chance.choice(found)

    def rows(self, query) -> list:
        with self.world.app.session() as session:
            return list(session.scalars(query))

    def task(self, number: str, *elements: str):
        """The open task of one of these steps of a thing; None when there is none."""
        wanted = sa.select(user_task).where(
            user_task.c.business_key == number, user_task.c.element_id.in_(elements), user_task.c.state == "open"
        )
        with self.world.app.database.connect() as connection:
            return connection.execute(wanted.order_by(user_task.c.opened_at)).first()

    def photo(self, by: Staff, kind: str, after: bool = False) -> list[int]:
        """Take a picture that the next entry names; gives its id, or nothing where the disk is full."""
        self.world.pictures += 1
        name = f"IMG_{self.now:%m%d}_{self.world.pictures:04d}.jpg"
        try:
            content = picture(kind, 5000 + self.world.pictures, after)
            return [findings.add_photo(self.world.app, by, self.centre_id, content, name).id]
        except StorageFull:
            return []


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]
