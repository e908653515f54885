"""A week of a whole centre that runs from the clock alone, and what it must come to, counted by hand.

`Week(story, clock, stage)` sets up plans, a roster, a timetable of posts, and lives from Monday 00:00 to the next by the jobs of the
real clock process, in virtual time. Nobody acts but the two people of the desk, who sign each handover. Surprise: `by_hand` knows
the plan and the year's holidays only; it asks nothing of the service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from engine.clock import FrozenClock
from engine.tables import outbox, process_instance, timer
from service.auth.actions import hasher
from service.organisation.models import Area, Centre, Floor, Person
from service.patrols import actions as patrols
from service.rounds import actions as rounds
from service.scheduler import ClockProcess, JumpGuard
from service.shifts import handovers, roster, sheets
from service.shifts.handovers import Count, Signing
from service.shifts.models import Goods, Handover, HandoverState, Shift
from service.shifts.sheets import IN, OUT
from service.timetable.models import PlannedRun, RunState
from tests.chaos.moments import begin, kill
from tests.chaos.stage import KILLED
from tests.conftest import CHINA

MONDAY = date(2026, 5, 4)  # Labour Day: Monday and Tuesday are off, Saturday is worked for it
DAYS = [MONDAY + timedelta(days=count) for count in range(7)]
OPEN = DAYS[2:6]
THURSDAY, FRIDAY, SATURDAY = DAYS[3:6]
ENDS = timedelta(days=7)
REVIEWED_WITHIN = timedelta(days=7)
PASSWORD = "zhiban-demo-2026"
Due = tuple[str, datetime, datetime]  # kind, due, the window's end


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


SLEEPS, WAKES = at(THURSDAY, 10), at(FRIDAY, 12)  # 26 hours
POSTS = (  # of the small timetable: kind, name, from, until, every minutes, posts
    ("door-open", "大堂门", "08:15", "09:30", 0, ()),
    ("etiquette", "礼仪引导", "08:15", "09:30", 0, ("客服前台", "电梯前室")),
    ("hourly", "大堂值守", "09:30", "12:30", 60, ("客服前台",)),
)
TICKS = ((8, 15), (9, 30), (8, 15), (8, 15), (9, 30), (10, 30), (11, 30))
USUAL_TICKS = (
    *((8, 15), (9, 30), (17, 0), (18, 30)),  # two doors
    *((8, 15), (8, 15)),  # etiquette
    *((9, 30), (10, 30), (11, 30), (12, 30), (13, 30), (14, 30), (15, 30), (16, 30)),  # the lobby, hourly
    *((8, 15), (17, 0)),  # lifts
)


# --- counted by hand --------------------------------------------------------------------------------------------------


def by_hand(ticks=TICKS, centres: int = 2) -> Iterator[Due]:
    """Everything that is to start by itself in the week: one centre has plans, roster and posts, all have reviews and areas."""
    for day in OPEN:
        yield from (("patrol", at(day, 8, 30), at(day, 12)), ("patrol", at(day, 12), at(day, 18)))  # offices, twice
        yield "patrol", at(day, 8, 30), at(day, 18)  # homes, once
        yield from (("duty-round", at(day, *tick), at(day, *tick) + timedelta(minutes=10)) for tick in ticks)
        yield from [("daily-review", at(day, 17, 15), at(day, 17, 15) + REVIEWED_WITHIN)] * centres
    yield from [("workplace-check", at(OPEN[0], 8, 30), at(OPEN[-1], 18))] * centres
    yield from [("weekly-review", at(OPEN[-1], 17, 15), at(OPEN[-1], 17, 15) + REVIEWED_WITHIN)] * centres
    for day in DAYS:  # Lin by day, holidays too
        yield "end-of-day-check", at(day, 17, 30), at(day, 20)
        yield "handover", at(day, 17, 45), at(day, 8, 30) + timedelta(days=1)
    for day in DAYS[1:]:  # Zhou by night, the first one ends on Tuesday
        yield "end-of-day-check", at(day, 8), at(day, 10, 30)
        yield "handover", at(day, 8, 15), at(day, 18)


# Thursday evening Lin gave nothing over, for no clock ran; so on Friday there was nobody to take over from but herself.
NOT_NEEDED = ("handover", at(FRIDAY, 8, 15))


class Lived:
    """What must have become of it all, given when no clock ran and what a killed clock had done before it died."""

    def __init__(self, wanted: Iterable[Due], outages: list[tuple[datetime, datetime]], survived: Counter):
        self.outages, survived = outages, survived.copy()
        self.rows = Counter()  # (kind, due, state, started)
        for kind, due, ends in wanted:
            up = next((up for down, up in outages if down <= due < up), None)
            if (kind, due) == NOT_NEEDED:
                self.rows[kind, due, "called-off", None] += 1
            elif up is None or survived[kind, due] > 0:
                survived[kind, due] -= up is not None
                self.rows[kind, due, "started", due] += 1
            elif ends <= up:
                self.rows[kind, due, "missed", None] += 1
            else:
                self.rows[kind, due, "started", up] += 1

    def table(self) -> dict[str, tuple[int, int, int, int, int]]:
        """kind -> planned, started, late, missed, called off."""
        found: dict[str, Counter] = {}
        for (kind, due, state, started), count in self.rows.items():
            what = found.setdefault(kind, Counter())
            what["planned"] += count
            what[state] += count
            what["late"] += count if started not in (None, due) else 0
        columns = ("planned", "started", "late", "missed", "called-off")
        return {kind: tuple(what[column] for column in columns) for kind, what in found.items()}


# --- the centre -------------------------------------------------------------------------------------------------------


class Week:
    """One centre in that week. `outages`: from when until when no clock ran; `survived`: what a killed clock had committed."""

    def __init__(self, story, clock, stage, folder: Path, usual: bool = False, floors: int = 2):
        self.story, self.app, self.clock, self.stage, self.folder = story, story.app, clock, stage, folder
        self.here, self.outages, self.survived, self.killed = story.world.centre_id, [], Counter(), 0
        clock.set(at(MONDAY, 0))
        self._cheap_passwords()
        self._plans(floors)
        self._rounds(usual)
        self._desk()
        self.process = clock_process(self.app)

    def _cheap_passwords(self) -> None:
        """Signing asks for the password again, some thirty times."""
        self.app.settings = replace(self.app.settings, password_memory_mib=1)
        with self.app.writing() as session:
            session.execute(sa.update(Person).values(password_hash=hasher(self.app).hash(PASSWORD)))

    def _plans(self, floors: int) -> None:
        chen = self.story.person("chen")
        with self.app.session() as session:
            area = session.scalar(sa.select(Area.id).where(Area.centre_id == self.here))
            ids = {
                code: tuple(session.scalars(sa.select(Floor.id).where(Floor.building_id == id).order_by(Floor.level).limit(floors)))
                for code, id in self.story.world.buildings.items()
            }
        patrols.save_plan(self.app, chen, self.here, patrols.PlanGiven("1座", area, "twice", ids["1"]))
        patrols.save_plan(self.app, chen, self.here, patrols.PlanGiven("2座", area, "daily", ids["2"]))

    def _rounds(self, usual: bool) -> None:
        chen = self.story.person("chen")
        if usual:
            rounds.start_usual(self.app, chen, self.here)
        else:
            for line in POSTS:
                rounds.save_item(self.app, chen, self.here, rounds.ItemGiven(*line))

    def _desk(self) -> None:
        chen = self.story.person("chen")
        self.post = roster.add_post(self.app, chen, self.here, "前台", "specialist", "lin")
        self.keys = roster.save_goods(self.app, chen, self.post, roster.GoodsGiven("钥匙", "把", "count", 12))
        shifts = [(day, shift, who) for day in DAYS for shift, who in ((Shift.DAY, "lin"), (Shift.NIGHT, "zhou"))]
        roster.save_cells(self.app, chen, self.here, {(self.post, day, shift): ("", who) for day, shift, who in shifts})

    # --- living -------------------------------------------------------------------------------------------------------
    def live(self, every: timedelta, kills: dict[datetime, int | str]) -> None:
        """The week, looked at whenever something is due and besides at `every`, when it is planned too. `kills`: at which
        instant a clock dies at which moment of its work (tests.chaos.moments); the next one comes up seven minutes later.
        """
        now, end, plans_at = self.clock.now(), at(MONDAY, 0) + ENDS, self.clock.now()
        while now < end:
            if now in kills and self._dies(now, kills[now]):
                self.outages.append((now, now := now + timedelta(minutes=7)))
            elif now >= SLEEPS and (SLEEPS, WAKES) not in self.outages:
                self.outages.append((SLEEPS, now := WAKES))
            self.clock.set(now)
            if now >= plans_at:
                self._jobs("planning", "heartbeat", "housekeeping")
                plans_at = now + every
            self._jobs("sweep", "timetable", "outbox")
            self._sign()
            now = min(filter(None, (self._next_due(now), plans_at, end)))

    def _jobs(self, *names: str) -> None:
        """What the clock process does in turn."""
        for name in names:
            getattr(self.process, name)()

    def _next_due(self, now: datetime) -> datetime | None:
        with self.app.database.connect() as connection:
            found = connection.execute(
                sa.select(
                    *(
                        sa.select(sa.func.min(column)).where(which, column > now).scalar_subquery()
                        for column, which in (
                            (PlannedRun.due_at, PlannedRun.state == RunState.PLANNED),
                            (timer.c.due_at, timer.c.state == "armed"),
                            (outbox.c.not_before_at, outbox.c.sent_at.is_(None)),
                        )
                    )
                )
            ).one()
        return min((at for at in found if at is not None), default=None)

    def _dies(self, now: datetime, moment: int | str) -> bool:
        """A clock process at `now` that is killed at that moment; what it had committed is remembered."""
        values = (self.app.settings.database_url, str(self.folder), now.isoformat())
        notes = self.folder / f"moments-{now:%d-%H%M}"
        died = self.stage.do("tests.service.timetable.week:one_look", *values, before=[kill(moment, notes)])
        self.survived += self._started_at(now)
        self.killed += died == KILLED
        return died == KILLED

    def _started_at(self, now: datetime) -> Counter:
        """What has begun at this instant, by the engine's own table."""
        with self.app.session() as session:
            keys = session.scalars(sa.select(process_instance.c.process_key).where(
                process_instance.c.started_at == now, process_instance.c.parent_id.is_(None)))  # fmt: skip
            return Counter((key, now) for key in keys)

    # --- the two at the desk ------------------------------------------------------------------------------------------
    def _sign(self) -> None:
        with self.app.session() as session:
            open_one = session.scalars(sa.select(Handover).where(Handover.state == HandoverState.OPEN)).first()
        if open_one is None:
            return
        number, counts = open_one.number, {self._goods(): Count(12)}
        giver, taker = (self.story.person(name) for name in (open_one.outgoing, open_one.incoming))
        handovers.save_out(self.app, giver, number, {}, counts, "")
        handovers.give(self.app, giver, number, self._signing(number, OUT))
        handovers.save_in(self.app, taker, number, [], counts)
        handovers.take(self.app, taker, number, self._signing(number, IN))

    def _goods(self) -> int:
        with self.app.session() as session:
            return session.scalar(sa.select(Goods.id).where(Goods.post_id == self.post))

    def _signing(self, number: str, meaning: str) -> Signing:
        with self.app.session() as session:
            sheet = sheets.sheet(session, handovers.named(session, number), meaning)
        return Signing(PASSWORD, sheet.hash, sheet.text)

    # --- what there is now --------------------------------------------------------------------------------------------
    def rows(self) -> Counter:
        """(kind, due, state, started) of every row of the week, as `Lived` has them."""
        with self.app.session() as session:
            found = session.scalars(sa.select(PlannedRun).where(PlannedRun.day.between(DAYS[0], DAYS[-1])))
            return Counter((r.kind, r.due_at.astimezone(CHINA), str(r.state), r.started_at and r.started_at.astimezone(CHINA)) for r in found)

    def instances(self) -> Counter:
        """How many instances of each procedure were started by the plan."""
        with self.app.session() as session:
            of_plan = sa.select(PlannedRun.instance_id).where(PlannedRun.instance_id.is_not(None))
            here = process_instance.c.parent_id.is_(None), process_instance.c.id.in_(of_plan)
            return Counter(session.scalars(sa.select(process_instance.c.process_key).where(*here)))

    def all_instances(self) -> Counter:
        with self.app.session() as session:
            roots = sa.select(process_instance.c.process_key).where(process_instance.c.parent_id.is_(None))
            return Counter(session.scalars(roots))

    def centres(self) -> int:
        with self.app.session() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Centre).where(Centre.active))


def clock_process(app) -> ClockProcess:
    """A clock process whose jobs a test calls; on its machine the time never jumps."""
    process = ClockProcess(app)
    process.guard = JumpGuard(lambda: app.clock.now().timestamp(), lambda: app.clock.now().timestamp())
    return process


def one_look(url: str, folder: str, now: str) -> None:
    """One turn of a clock process of its own; called in a process that may die on the way."""
    from service import app as service
    from service.settings import Settings

    settings = Settings(var_dir=Path(folder), database_url=url, secret_key="only for tests", undo_seconds=0)
    process = clock_process(service.create(settings, clock=FrozenClock(datetime.fromisoformat(now))))
    begin()
    process.sweep()
    process.timetable()
