"""The demo's time: a clock that is moved forward, stories that wait for their next moment, and everything due in between.

A story is a generator: it acts, then yields the instant of its next act. Before each act all due timers fire, what is planned starts and
all due notices are delivered, at their own instants, as the clock process would have done. Surprise: a story whose next moment lies after the end of the
demo simply stops there, and that is the work that waits.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.clock import FrozenClock
from engine.tables import outbox, timer, user_task
from service.calendars.rules import Calendar
from service.demo.company import Site
from service.demo.customers import Caller
from service.demo.people import Staff
from service.demo.photos import picture
from service.demo.texts import Request
from service.errors import StorageFull
from service.notifications.deliver import deliver_due
from service.tickets import actions
from service.timetable.actions import plan_ahead, start_due
from service.timetable.models import PlannedRun, RunState

Story = Generator[datetime, None, None]
ZONE = ZoneInfo("Asia/Shanghai")


class Gone(Exception):
    """The task that a story waits for is no longer there: the ticket was withdrawn, merged or closed. The story ends."""


class DemoStuck(Exception):
    """A timer of the demo failed: the shipped procedure and the domain do not fit. Run `zhiban scenario` to see where."""


@dataclass(slots=True)
class Case:
    """One ticket as its story knows it."""

    number: str
    instance_id: str
    owner: Staff
    request: Request
    texts: dict[str, str]
    site: Site
    urgent: bool
    hasty: bool  # it has to be accepted within 15 minutes
    worker: Staff | None = None


@dataclass(slots=True)
class Place:
    """A centre with its calendar, its callers and its people."""

    site: Site
    calendar: Calendar
    callers: list[Caller]
    staff: list[Staff]

    def by_unit(self, code: str) -> Caller:
        return next(c for c in self.callers if c.unit == code)

    def with_role(self, role: str, building: str | None = None, shift: str | None = None) -> list[Staff]:
        return [s for s in self.staff if role in s.roles and (not s.buildings or building is None or building in s.buildings)
                and shift in (None, s.shift)]


@dataclass
class World:
    """Everybody and everything, at one moment that only moves on."""

    app: Any
    clock: FrozenClock
    staff: dict[str, Staff]
    chance: random.Random
    end_at: datetime
    progress: Callable[[float], None] = lambda share: None
    kept: set[str] = field(default_factory=set)  # numbers whose escalations wait for the reader of the demo
    passwords: dict[str, str] = field(default_factory=dict)  # of those who sign
    pictures: int = 0
    plans_at: datetime | None = None  # when the timetable is looked at next; None before it is kept
    _queue: list[tuple[datetime, int, Story]] = field(default_factory=list)
    _count: int = 0

    # ---- time --------------------------------------------------------------------------------------------------------------
    def plan(self, at: datetime, story: Story) -> None:
        self._count += 1
        heapq.heappush(self._queue, (max(at, self.clock.now()), self._count, story))

    def live(self) -> None:
        """Run every story until the demo's end."""
        start_at = self.clock.now()
        while self._queue and self._queue[0][0] <= self.end_at:
            at, _, story = heapq.heappop(self._queue)
            self.move(at)
            self.progress((at - start_at) / (self.end_at - start_at))
            try:
                self.plan(next(story), story)
            except (StopIteration, Gone):
                continue
        for _, _, story in self._queue:
            story.close()
        self.move(self.end_at)

    def move(self, at: datetime) -> None:
        """Let time go on to `at`, stopping wherever a timer or a notice is due."""
        while (due := self._next_due()) is not None and due <= at:
            self.clock.set(max(due, self.clock.now()))
            self._do_what_is_due()
        self.clock.set(max(at, self.clock.now()))

    def _do_what_is_due(self) -> None:
        if self.plans_at is not None and self.plans_at <= self.clock.now():
            self.keep_timetable()
        if self.app.engine.fire_due(1000).failed:
            raise DemoStuck(f"A timer failed at {self.clock.now()}")
        start_due(self.app, limit=1000)
        deliver_due(self.app, 1000)

    def keep_timetable(self) -> None:
        """Plan today and tomorrow, from now on at each midnight."""
        plan_ahead(self.app)
        today = self.clock.now().astimezone(ZONE).date()
        self.plans_at = datetime.combine(today + timedelta(days=1), time(), ZONE)

    def _next_due(self) -> datetime | None:
        with self.app.database.connect() as connection:
            found = (*connection.execute(_NEXT_DUE).one(), self.plans_at)
            return min((at for at in found if at is not None), default=None)

    # ---- acts --------------------------------------------------------------------------------------------------------------
    def register(self, owner: Staff, site: Site, request: Request, caller: Caller | None, *, building: str = "", level: int = 1,
                 urgent: bool | None = None, channel: str = "phone", about: str | None = None, on_the_spot: bool = False,
                 expectation: str = "call-back", deadline_at: datetime | None = None) -> Case:
        """Register a request of a caller, or (without one) of a building's public area."""
        urgent = request.urgent if urgent is None else urgent
        code = caller.building if caller else building
        texts = request.at(caller.level if caller else level, site.buildings[code].name)
        values = {"category": request.category, "request": texts["text"], "expectation": expectation,
                  "reply_deadline_kind": "at" if deadline_at else "none", "urgency": "urgent" if urgent else "normal", "on_the_spot": on_the_spot}
        if deadline_at:
            values["reply_deadline"] = deadline_at
        where = {"unit_id": caller.unit_id, "contact_id": caller.contact_id} if caller else {"building_id": site.buildings[code].id}
        done = actions.register(self.app, owner, values, channel=channel, about=about, **where)
        hasty = urgent or request.category == "enquiry" or bool(caller and caller.vip)
        return Case(done.number, done.instance_id, owner, request, texts, site, urgent, hasty)

    def task(self, case: Case, *elements: str):
        """The case's open task of one of these steps, None when there is none."""
        with self.app.database.connect() as connection:
            return connection.execute(sa.select(user_task).where(
                user_task.c.root_id == case.instance_id, user_task.c.element_id.in_(elements), user_task.c.state == "open")
                .order_by(user_task.c.opened_at)).first()

    def do(self, case: Case, element: str, values: dict[str, Any], by: Staff | None = None) -> None:
        """Complete the case's open task: by whom it is assigned to, else `by`. Raises Gone."""
        task = self.task(case, element)
        if task is None:
            raise Gone(f"{case.number} has no open {element}")
        actions.complete_task(self.app, self.staff[task.assignee] if task.assignee else by or case.owner, task.id, values)

    def open_tasks(self, centre_id: int, elements: Iterable[str]) -> list:
        """The centre's open tasks of these steps, oldest first."""
        with self.app.database.connect() as connection:
            return list(connection.execute(sa.select(user_task).where(
                user_task.c.centre_id == centre_id, user_task.c.state == "open", user_task.c.element_id.in_(list(elements)))
                .order_by(user_task.c.opened_at, user_task.c.business_key)))

    def photo(self, case: Case, by: Staff, element: str, after: bool) -> list[int]:
        """Take a picture for a step; gives its id, or nothing where the disk is full or there is nothing to see."""
        task = self.task(case, element)
        if not case.request.picture or task is None:
            return []
        self.pictures += 1
        content = picture(case.request.picture, self.pictures, after)
        name = f"IMG_{self.clock.now():%m%d}_{self.pictures:04d}.jpg"
        try:
            return [actions.add_photo(self.app, by, case.number, content, name, "after" if after else "before", task.id).id]
        except StorageFull:
            return []

    # ---- moments -----------------------------------------------------------------------------------------------------------
    def later(self, case: Case, least: float, most: float, calendar: Calendar) -> datetime:
        """Some moment between `least` and `most` minutes from now: of opening time, or of any time for an urgent case."""
        minutes = self.chance.uniform(least, most)
        now = self.clock.now()
        return now + timedelta(minutes=minutes) if case.urgent else calendar.add(now, minutes)


_NEXT_DUE = sa.select(
    sa.select(sa.func.min(timer.c.due_at)).where(timer.c.state == "armed").scalar_subquery(),
    sa.select(sa.func.min(outbox.c.not_before_at)).where(outbox.c.sent_at.is_(None)).scalar_subquery(),
    sa.select(sa.func.min(sa.func.coalesce(PlannedRun.retry_at, PlannedRun.due_at)))
    .where(PlannedRun.state == RunState.PLANNED).scalar_subquery())
