"""Figures of health, for `/ready`, `/metrics`, the banner, and `zhiban doctor`."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.sql import Prepared
from engine.tables import incident, outbox, timer
from service.health.models import ClockHeartbeat

CLOCK_MAY_BE_SILENT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ClockState:
    """How long ago a clock process was last heard of, and what keeps all of them from firing."""

    age: timedelta | None  # None: no clock was ever here
    error: str | None

    @property
    def alive(self) -> bool:
        return self.age is not None and self.age <= CLOCK_MAY_BE_SILENT


@dataclass(frozen=True, slots=True)
class Health:
    """`faults` is empty when all is well; each is one sentence for the operator."""

    clock_age: timedelta | None  # None: no clock was ever here
    clock_error: str | None
    oldest_notice: timedelta | None
    oldest_timer: timedelta | None
    incidents: int
    faults: tuple[str, ...]

    @property
    def clock_alive(self) -> bool:
        return self.clock_age is not None and self.clock_age <= CLOCK_MAY_BE_SILENT

    @property
    def well(self) -> bool:
        return not self.faults


def health(session: Session, now: datetime | None = None) -> Health:
    """How the installation is, in four small statements."""
    now = now or session.info["clock"].now()
    clock = clock_state(session, now)
    due_notice = _oldest(session, now, sa.select(sa.func.min(outbox.c.not_before_at)).where(outbox.c.sent_at.is_(None)))
    due_timer = _oldest(session, now, sa.select(sa.func.min(timer.c.due_at)).where(timer.c.state == "armed"))
    open_incidents = (
        session.scalar(sa.select(sa.func.count()).select_from(incident).where(incident.c.resolved_at.is_(None))) or 0
    )
    faults = []
    if not clock.alive:
        faults.append("No clock process is alive: limits do not fire. Start `zhiban clock`.")
    elif clock.error:
        faults.append(f"The clock reports: {clock.error}")
    if due_notice and due_notice > timedelta(minutes=10):
        faults.append(f"A notice has waited for {due_notice}. Look at the clock's log.")
    if due_timer and due_timer > timedelta(minutes=10):
        faults.append(f"A limit is {due_timer} late. Look at the open incidents.")
    return Health(clock.age, clock.error, due_notice, due_timer, open_incidents, tuple(faults))


def clock_state(session: Session, now: datetime | None = None) -> ClockState:
    """How the clocks are, in one statement: every page asks."""
    now = now or session.info["clock"].now()
    clocks = _CLOCKS.all(session.connection())
    if not clocks:
        return ClockState(None, None)
    newest = clocks[0]["at"]
    errors = [one["error"] for one in clocks if newest - one["at"] <= CLOCK_MAY_BE_SILENT]
    return ClockState(max(now - newest, timedelta(0)), errors[0] if all(errors) else None)  # while one fires, nothing is wrong


_CLOCKS = Prepared(sa.select(ClockHeartbeat.at, ClockHeartbeat.error).order_by(ClockHeartbeat.at.desc()).limit(10))


LATE_SECONDS = (10, 60, 600)


def lateness(session: Session, now: datetime | None = None, during: timedelta = timedelta(days=1)) -> tuple[int, ...]:
    """How late the limits of the last day fired: how many within 10 s, within 1 min, within 10 min, and later."""
    since = (now or session.info["clock"].now()) - during
    rows = session.execute(
        sa.select(timer.c.due_at, timer.c.fired_at).where(timer.c.state == "fired", timer.c.fired_at >= since)
    )
    found = [0] * (len(LATE_SECONDS) + 1)
    for due_at, fired_at in rows:
        found[bisect_left(LATE_SECONDS, (fired_at - due_at).total_seconds())] += 1
    return tuple(found)


def _oldest(session: Session, now: datetime, query) -> timedelta | None:
    at = session.execute(query).scalar()
    return now - at if at is not None and at <= now else None
