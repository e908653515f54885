"""Whatever happens to a ticket's limits, they are where a count minute by minute puts them (T1, T2, T31).

The count below knows nothing of the project's arithmetic: it walks the minutes, asks of each whether the centre is open by a
plain table of its own and whether the work stands still, and adds up.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from service.calendars.changes import DayEntry, with_day
from service.calendars.models import CalendarDay, CalendarVersion, EnteredAs
from service.calendars.queries import newest_version
from service.errors import Refused
from service.tickets import actions, changes, recompute, undoing
from service.tickets.models import Ticket
from tests.conftest import CHINA
from tests.people import REPAIR

MINUTE = timedelta(minutes=1)
MONDAY = date(2026, 11, 23)
FIGURES = {  # of a repair: response, arrival, resolution in minutes, and whether nights count
    "normal": (30, None, 570, False),
    "urgent": (15, 30, 240, True),
}
LIMITS = ("arrival_passed", "nearly_due", "resolution_passed")


@dataclass
class Count:
    """The same ticket, told in minutes."""

    opened: datetime
    urgency: str = "normal"
    holidays: set[date] = field(default_factory=set)
    makeups: set[date] = field(default_factory=set)
    stood: list[list[datetime]] = field(default_factory=list)  # [from, to]
    asked: tuple[datetime, datetime] | None = None  # (by when, said when)

    def open(self, minute: datetime) -> bool:
        if FIGURES[self.urgency][3]:
            return True
        local = minute.astimezone(CHINA)
        works = local.date() in self.makeups or (local.weekday() < 5 and local.date() not in self.holidays)
        return works and 510 <= local.hour * 60 + local.minute < 1080

    def runs(self, minute: datetime) -> bool:
        return self.open(minute) and not any(begin <= minute < end for begin, end in self.stood)

    def after(self, start: datetime, minutes: float) -> datetime:
        """The instant when so many minutes have run; a limit of none is over at once, at opening."""
        at = start
        while True:
            if self.runs(at):
                if minutes <= 1:
                    return at + minutes * MINUTE
                minutes -= 1
            at += MINUTE

    def between(self, start: datetime, end: datetime, *, paused: bool = True) -> int:
        counts, at, total = self.runs if paused else self.open, start, 0
        while at < end:
            total += counts(at)
            at += MINUTE
        return total

    def customer(self) -> datetime | None:
        if self.asked is None:
            return None
        by, said = self.asked
        wanted = self.between(said, by, paused=False)
        return self.going_on(by) if self.between(said, by) == wanted else self.after(said, wanted)

    def going_on(self, minute: datetime) -> datetime:
        """The first minute from there on in which the work does not stand still."""
        while any(begin <= minute < end for begin, end in self.stood):
            minute += MINUTE
        return minute

    def due(self, minutes: int | None) -> datetime | None:
        if minutes is None:
            return None
        standard, customer = self.after(self.opened, minutes), self.customer()
        return min(standard, customer) if customer else standard

    @property
    def arrival(self) -> datetime | None:
        return self.due(FIGURES[self.urgency][1])

    @property
    def resolution(self) -> datetime:
        return self.due(FIGURES[self.urgency][2])

    @property
    def reminder(self) -> datetime | None:
        share = 0.8 * self.between(self.opened, self.resolution)
        return self.after(self.opened, share) if share > 0 else None


# What may happen, each with how many minutes pass before it.
_WAIT = st.integers(0, 500)
_STEPS = st.one_of(
    st.tuples(st.just("pause"), _WAIT, st.integers(1, 3000)),
    st.tuples(st.just("resume"), _WAIT, st.just(0)),
    st.tuples(st.just("urgency"), _WAIT, st.just(0)),
    st.tuples(st.just("holiday"), _WAIT, st.integers(0, 6)),
    st.tuples(st.just("makeup"), _WAIT, st.sampled_from([5, 6])),
    st.tuples(st.just("deadline"), _WAIT, st.integers(1, 3000)),
    st.tuples(st.just("no deadline"), _WAIT, st.just(0)),
    st.tuples(st.just("undone"), _WAIT, st.sampled_from(["pause", "resume", "urgency", "deadline", "no deadline"])),
    st.tuples(st.just("merged and undone"), _WAIT, st.integers(0, 1000)),
)


@given(steps=st.lists(_STEPS, min_size=1, max_size=7), opened=st.integers(0, 3 * 1440))
@example(steps=[("pause", 10, 2000), ("urgency", 30, 0), ("resume", 200, 0), ("urgency", 5, 0)], opened=600)
@example(steps=[("deadline", 0, 900), ("pause", 60, 2500), ("holiday", 0, 1), ("resume", 400, 0)], opened=600)
@example(steps=[("pause", 0, 100), ("pause", 90, 700), ("pause", 200, 50), ("deadline", 0, 300)], opened=1000)
@example(steps=[("no deadline", 314, 0), ("deadline", 0, 793), ("holiday", 300, 0), ("makeup", 10, 5)], opened=225)
@example(steps=[("deadline", 600, 793), ("holiday", 10, 0), ("no deadline", 10, 0)], opened=225)
@example(steps=[("pause", 10, 900), ("undone", 60, "resume"), ("undone", 5, "urgency"), ("resume", 30, 0)], opened=600)
@example(steps=[("pause", 0, 2), ("deadline", 0, 1), ("resume", 1, 0)], opened=0)
@example(steps=[("deadline", 433, 111), ("pause", 56, 152), ("pause", 55, 1)], opened=591)
@example(steps=[("deadline", 600, 200), ("pause", 30, 900), ("resume", 500, 0)], opened=600)
@example(steps=[("merged and undone", 0, 966), ("holiday", 0, 0)], opened=0)
@example(steps=[("pause", 60, 700), ("resume", 200, 0), ("merged and undone", 10, 300), ("urgency", 9, 0)], opened=600)
def test_every_limit_is_where_a_count_by_the_minute_puts_it(story, steps, opened):
    _clean(story)
    played = _Played(story, datetime(2026, 11, 23, 0, 0, tzinfo=CHINA) + timedelta(minutes=opened))
    for step in steps:
        played.step(*step)
        played.compare(step)
    assert story.app.engine.verify(played.root) == []


def _clean(story) -> None:
    """Examples share the centre: earlier tickets are withdrawn, and its calendar is the one it had at first."""
    with story.app.session() as session:
        open_ones = list(session.scalars(sa.select(Ticket.number).where(Ticket.closed_at.is_(None))))
        first = story.__dict__.setdefault("first_version", newest_version(session, story.world.centre_id))
    for number in open_ones:
        actions.withdraw(story.app, story.person("lin"), number, "下一例")
    with story.app.writing() as session:
        for table in (CalendarDay, CalendarVersion):
            later = sa.and_(table.centre_id == story.world.centre_id, table.version > first)
            session.execute(sa.delete(table).where(later))


def _day(story, on: date, kind: EnteredAs | None) -> None:
    entry = DayEntry(on, kind, "试", 4 if kind is EnteredAs.MAKEUP else None)
    chen = story.person("chen")
    recompute.change_calendar(
        story.app, chen, story.world.centre_id, lambda calendar: with_day(calendar, entry), reason="试"
    )


class _Played:
    """The steps, played on the project and told to the count."""

    def __init__(self, story, opened: datetime):
        self.story, self.lin = story, story.person("lin")
        story.app.clock.set(opened)
        self.number = story.register(unit="2-0805", form=REPAIR)
        story.dispatch(self.number)
        story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, self.number)
        self.count, self.met = Count(opened), set()
        with story.app.session() as session:
            self.root = session.scalars(sa.select(Ticket.instance_id).where(Ticket.number == self.number)).one()

    @property
    def now(self) -> datetime:
        return self.story.app.now()

    @property
    def paused(self) -> bool:
        return bool(self.count.stood) and self.count.stood[-1][1] > self.now

    def step(self, what: str, wait: int, value: int) -> None:
        self._pass(self.now + wait * MINUTE)
        getattr(self, "_" + what.replace(" ", "_"))(value)

    def _pass(self, until: datetime) -> None:
        """The clock fires everything on the way, in time; nothing fires while the work stands still but its own end."""
        engine = self.story.app.engine
        while True:
            due = min((t.due_at for t in engine.armed_timers(self.root)), default=None)
            if due is None or due > until:
                break
            self.story.app.clock.set(max(due, self.now))
            if self.paused:  # what fires now had been missed before, by the figures of an urgency that came later
                since = self.count.stood[-1][0]
                assert all(
                    t.due_at <= since
                    for t in engine.armed_timers(self.root)
                    if t.due_at <= self.now and t.element_id in LIMITS
                )
            engine.fire_due()
        self.story.app.clock.set(max(until, self.now))

    def _pause(self, minutes: int) -> None:
        until = self.now + minutes * MINUTE
        if self.paused:
            with pytest.raises(Refused):
                changes.pause(self.story.app, self.lin, self.number, "appointment", until)
            return
        changes.pause(self.story.app, self.lin, self.number, "appointment", until)
        self.count.stood.append([self.now, until])

    def _resume(self, _value: int) -> None:
        if not self.paused:
            with pytest.raises(Refused):
                changes.resume(self.story.app, self.lin, self.number)
            return
        changes.resume(self.story.app, self.lin, self.number)
        self.count.stood[-1][1] = self.now

    def _urgency(self, _value: int) -> None:
        other = "urgent" if self.count.urgency == "normal" else "normal"
        changes.change_urgency(self.story.app, self.lin, self.number, other, "试")
        self.count.urgency = other

    def _undone(self, what: str) -> None:
        """A change that is taken back at once leaves every limit where it was; one that was refused has nothing to undo."""
        before, engine = copy.deepcopy(self.count), self.story.app.engine
        engine.undo_seconds = 30
        try:
            getattr(self, "_" + what.replace(" ", "_"))(77)
            last = engine.undoable(self.lin.username)
            if last is not None:
                undoing.undo(self.story.app, self.lin, last.task_id)
                self.count = before
        finally:
            engine.undo_seconds = 0

    def _merged_and_undone(self, minutes: int) -> None:
        """The ticket goes its own way again: sent anew, its limits counted from its registration, with its pauses."""
        parent = self.story.register(unit="2-0805", form=REPAIR)
        if self.paused:
            self.count.stood[-1][1] = self.now
        actions.merge(self.story.app, self.lin, self.number, parent, "同一件事")
        self.story.app.clock.advance(minutes * MINUTE)
        changes.unmerge(self.story.app, self.lin, self.number)
        actions.withdraw(self.story.app, self.lin, parent, "只为合并")
        with self.story.app.session() as session:
            self.root = session.scalars(sa.select(Ticket.instance_id).where(Ticket.number == self.number)).one()
        if self.count.asked is not None:  # named with the registration from now on, as far as the new process knows
            self.count.asked = (self.count.asked[0], self.count.opened)
        self.story.dispatch(self.number)
        self.story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, self.number)

    def _holiday(self, offset: int) -> None:
        on = MONDAY + timedelta(days=offset)
        _day(self.story, on, EnteredAs.HOLIDAY)
        self.count.holidays.add(on)
        self.count.makeups.discard(on)

    def _makeup(self, offset: int) -> None:
        on = MONDAY + timedelta(days=offset)
        _day(self.story, on, EnteredAs.MAKEUP)
        self.count.makeups.add(on)
        self.count.holidays.discard(on)

    def _deadline(self, minutes: int) -> None:
        by = self.now + minutes * MINUTE
        changes.change_deadline(self.story.app, self.lin, self.number, by)
        self.count.asked = (by, self.now)

    def _no_deadline(self, _value: int) -> None:
        changes.change_deadline(self.story.app, self.lin, self.number, None)
        self.count.asked = None

    def compare(self, step) -> None:
        """Ticket, process variables, open tasks and armed timers against the count."""
        count, engine = self.count, self.story.app.engine
        with self.story.app.session() as session:
            row = session.scalars(sa.select(Ticket).where(Ticket.number == self.number)).one()
        assert (row.arrival_due_at, row.resolution_due_at) == (count.arrival, count.resolution), step
        variables = engine.variables(self.root)
        assert variables["arrival_due_at"] == count.arrival and variables["resolution_due_at"] == count.resolution
        _same(variables["reminder_at"], count.reminder)
        rows = [*engine.open_tasks(self.root), *engine.armed_timers(self.root)]
        found = {r.element_id: r.due_at for r in rows if r.instance_id == self.root}
        assert found["arrive"] == (count.arrival or count.resolution), step
        for element, due_at in (("resolution_passed", count.resolution), ("arrival_passed", count.arrival)):
            assert found.get(element, due_at) == due_at, (element, step)
        if "nearly_due" in found:
            _same(found["nearly_due"], count.reminder)
        self._nothing_is_missing(found, count)

    def _nothing_is_missing(self, found: dict, count: Count) -> None:
        """A limit that lies ahead and has not fired is armed."""
        fired = {e["element"] for e in self.story.app.engine.trace(self.root) if e["kind"] == "timer-fired"}
        ahead = {
            "resolution_passed": count.resolution,
            "arrival_passed": count.arrival,
            "nearly_due": count.reminder,
        }
        for element, due_at in ahead.items():
            assert element in found or element in fired or due_at is None or due_at <= self.now, element
        assert ("resume" in found) == ("pause_passed" in found) == self.paused


def _same(one: datetime | None, other: datetime | None) -> None:
    """80 % of whole minutes may lie within a minute; float steps of the count are not the point."""
    assert (one is None) == (other is None)
    assert one is None or math.isclose((one - other).total_seconds(), 0, abs_tol=0.01), (one, other)
