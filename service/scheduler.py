"""The clock process: what runs when. Each job is one call, may run twice without harm, and ends in its own try.

Jobs live in memory only (APScheduler's stores are not safe to share): `sweep` fires due timers, `timetable` starts what
is planned and `planning` plans it, `outbox` delivers notices, `heartbeat` writes that we live, `housekeeping` tidies. Any
number of clock processes may run; rows are taken once. Surprise: when the wall clock jumps against the machine's own,
firing pauses until both agree again, or until the process is started anew; so it does while it differs from PostgreSQL's.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from apscheduler.schedulers.background import BackgroundScheduler

from engine.tables import step_undo
from service.app import warm
from service.auth import actions as logins
from service.drafts import actions as drafts
from service.health.models import ClockHeartbeat
from service.notifications.channels import channels_of
from service.notifications.deliver import deliver_due
from service.notifications.delivery import send_due
from service.organisation import centres
from service.presence import actions as presence
from service.reviews import actions as reviews
from service.shifts import following as rosters
from service.tickets import recompute
from service.timetable import actions as timetable

log = logging.getLogger("zhiban.clock")

HOUSEKEEPING_MINUTES = 10
PLANNING_SECONDS = 60
FORGET_CLOCKS_AFTER = timedelta(days=1)
JUMP_SECONDS = 60
DATABASE_SECONDS = 30  # that PostgreSQL's clock may differ from ours
STUCK = 3  # exit code: the supervisor ended the process


def _since_boot() -> float:
    """Seconds since the machine started, its sleep included: a laptop that slept has not jumped."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _time_of(database: sa.Engine) -> Callable[[], float] | None:
    """PostgreSQL's clock in seconds; SQLite has none of its own."""
    if database.dialect.name != "postgresql":
        return None

    def ask() -> float:
        with database.connect() as connection:
            return float(connection.scalar(sa.text("select extract(epoch from clock_timestamp())")))

    return ask


def _forget_clocks(app) -> None:
    with app.writing() as session:
        session.execute(sa.delete(ClockHeartbeat).where(ClockHeartbeat.at < app.clock.now() - FORGET_CLOCKS_AFTER))


class JumpGuard:
    """Notices when the wall clock moves against the machine's own, or differs from the database's."""

    def __init__(
        self,
        wall: Callable[[], float],
        machine: Callable[[], float] = _since_boot,
        database: Callable[[], float] | None = None,
    ):
        self._wall, self._machine, self._database = wall, machine, database
        self._offset = wall() - machine()

    def jumped_by(self) -> float:
        """Seconds that the wall clock is ahead (or behind) of where it should be; 0.0 below the limit. Slow drift is
        followed.
        """
        moved = self._wall() - self._machine() - self._offset
        if abs(moved) > JUMP_SECONDS:
            return moved
        self._offset += moved
        return 0.0

    def off_by(self) -> float:
        """As `jumped_by`, and against the database's clock, too: a process that was started with the wrong time."""
        off = self._wall() - self._database() if self._database else 0.0
        return self.jumped_by() or (off if abs(off) > DATABASE_SECONDS else 0.0)


class ClockProcess:
    """The jobs of one process and the watch over them."""

    def __init__(self, app):
        self.app = app
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.guard = JumpGuard(lambda: app.clock.now().timestamp(), database=_time_of(app.database))
        self.scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self.stopping = threading.Event()
        self._alive_at: dict[str, float] = {}
        self._fired = 0
        self._error: str | None = None

    # --- jobs ---------------------------------------------------------------------------------------------------------
    def sweep(self) -> None:
        """Fire what is due, in batches, until nothing is. What failed waits for its next try, so a batch of it is no end."""
        if self._paused():
            return
        while not self.stopping.is_set():
            done = self.app.engine.fire_due(limit=50)
            self._fired += done.fired
            self._alive_at["sweep"] = time.monotonic()
            if done.fired == done.failed == 0:
                break

    def timetable(self) -> None:
        """Start what is planned to start by itself (service.timetable)."""
        while not self._paused() and not self.stopping.is_set() and timetable.start_due(self.app):
            self._alive_at["timetable"] = time.monotonic()

    def planning(self) -> None:
        """Let rosters follow their calendars, then plan today and tomorrow: rosters, plans and calendars may have changed."""
        if self._paused():
            return
        self._each(partial(rosters.catch_up, self.app), partial(centres.in_each, self.app, self._plan))

    def _plan(self, centre_id: int) -> int:
        return timetable.plan_ahead(self.app, centre_id=centre_id)

    def outbox(self) -> None:
        while not self.stopping.is_set() and deliver_due(self.app):
            self._alive_at["outbox"] = time.monotonic()

    def messages(self, kind: str) -> None:
        """Send by one channel what is due; a server that hangs is left after its time limit, then the channel rests."""
        while send_due(self.app, kind, go_on=lambda: not self.stopping.is_set()):
            pass

    def heartbeat(self) -> None:
        """Write that this clock lives, what it fired, and what is wrong."""
        jump = self.guard.off_by()
        self._error = (
            f"the machine's time jumped by {jump:.0f} s; firing pauses until it is right or we are restarted"
            if jump
            else None
        )
        with self.app.writing() as session:
            now = self.app.clock.now()
            row = session.get(ClockHeartbeat, self.name) or ClockHeartbeat(process=self.name, started_at=now, fired=0)
            session.execute(sa.delete(step_undo).where(step_undo.c.until_at <= now))
            right = now - timedelta(seconds=jump)
            row.at, row.error, row.fired = right, self._error, self._fired
            row.swept_at = row.swept_at if jump else now
            session.add(row)

    def housekeeping(self) -> None:
        """Arm what begins by itself, close what is done, forget what is old."""
        engine = self.app.engine
        chores = (
            logins.forget_old,
            recompute.catch_up,
            reviews.notice_corrections,
            drafts.forget_old,
            presence.forget_old,
            _forget_clocks,
        )
        self._each(engine.arm_starts, engine.settle_incidents, *(partial(chore, self.app) for chore in chores))

    def _each(self, *chores: Callable[[], object]) -> None:
        """Do each; one that fails keeps no other from its turn."""
        for chore in chores:
            try:
                chore()
            except Exception:
                log.exception("%s failed; it runs again at its next turn", chore)

    def _paused(self) -> bool:
        if self._error:
            self._alive_at["sweep"] = time.monotonic()  # paused on purpose is not stuck
            return True
        if jump := self.guard.jumped_by():
            log.error("the machine's time jumped by %.0f s; firing pauses", jump)
            self._error = "the machine's time jumped; firing pauses"
            return True
        return False

    # --- running ------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        settings = self.app.settings
        for name, seconds in (
            ("heartbeat", settings.clock_heartbeat_seconds),
            ("sweep", settings.clock_sweep_seconds),
            ("outbox", settings.clock_sweep_seconds),
            ("timetable", settings.clock_sweep_seconds),
            ("planning", PLANNING_SECONDS),
            ("housekeeping", HOUSEKEEPING_MINUTES * 60),
        ):
            self._alive_at[name] = time.monotonic()
            self.scheduler.add_job(self._safely, "interval", seconds=seconds, args=[name], id=name)
        for kind in channels_of(settings):  # each by itself: one that hangs holds up no other
            self.scheduler.add_job(
                self._safely,
                "interval",
                seconds=settings.clock_sweep_seconds,
                args=["messages", kind],
                id=f"messages-{kind}",
            )
        self._safely("heartbeat")
        self._safely("planning")
        self.scheduler.start()

    def _safely(self, name: str, *args: str) -> None:
        """Run a job; whatever it raises is logged and the next run comes. Only a run that ends counts as life."""
        try:
            getattr(self, name)(*args)
            self._alive_at[name] = time.monotonic()
        except Exception:
            log.exception("%s failed; it runs again at its next turn", name)
            self._alive_at[name] = time.monotonic()

    def stuck(self) -> str | None:
        """Which part of the clock no longer moves, None while all do."""
        limit = self.app.settings.clock_stuck_seconds
        thread = getattr(self.scheduler, "_thread", None)
        if thread is None or not thread.is_alive():
            return "scheduler"
        now = time.monotonic()
        return next((name for name in ("heartbeat", "sweep", "outbox", "timetable") if now - self._alive_at[name] > limit), None)

    def stop(self) -> None:
        self.stopping.set()
        if self.scheduler.running:
            self.scheduler.shutdown(wait=True)


def run(app, pulse: int | None = None) -> int:
    """Run the clock until a signal comes; gives the exit code. Ends the process itself when a part of it is stuck.

    `pulse`: an open file whose time says, on the machine's own clock, when this process last moved: whoever gave it
    ends us when it stands still.
    """
    warm(app)
    clock = ClockProcess(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: clock.stopping.set())
    clock.start()
    log.info("clock %s is running", clock.name)
    while not clock.stopping.wait(1.0):
        if pulse is not None:
            os.utime(pulse, (time.monotonic(), time.monotonic()))
        if (part := clock.stuck()) is not None:
            log.critical(
                "%s has not moved for %s s; the clock process ends so that it is started anew",
                part,
                app.settings.clock_stuck_seconds,
            )
            os._exit(STUCK)
    clock.stop()
    return 0
