"""Figures of health, for `/ready`, `/metrics`, the banner, and `zhiban doctor`."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.tables import incident, outbox, timer
from service.health.models import ClockHeartbeat

CLOCK_MAY_BE_SILENT = timedelta(seconds=60)


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
    clocks = session.scalars(sa.select(ClockHeartbeat).order_by(ClockHeartbeat.at.desc()).limit(10)).all()
    newest = clocks[0] if clocks else None
    age = max(now - newest.at, timedelta(0)) if newest else None
    error = _error_of([one for one in clocks if newest.at - one.at <= CLOCK_MAY_BE_SILENT])
    due_notice = _oldest(session, now, sa.select(sa.func.min(outbox.c.not_before_at)).where(outbox.c.sent_at.is_(None)))
    due_timer = _oldest(session, now, sa.select(sa.func.min(timer.c.due_at)).where(timer.c.state == "armed"))
    open_incidents = (
        session.scalar(sa.select(sa.func.count()).select_from(incident).where(incident.c.resolved_at.is_(None))) or 0
    )
    faults = []
    if age is None or age > CLOCK_MAY_BE_SILENT:
        faults.append("No clock process is alive: limits do not fire. Start `zhiban clock`.")
    elif error:
        faults.append(f"The clock reports: {error}")
    if due_notice and due_notice > timedelta(minutes=10):
        faults.append(f"A notice has waited for {due_notice}. Look at the clock's log.")
    if due_timer and due_timer > timedelta(minutes=10):
        faults.append(f"A limit is {due_timer} late. Look at the open incidents.")
    return Health(age, error, due_notice, due_timer, open_incidents, tuple(faults))


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


def _error_of(clocks: list[ClockHeartbeat]) -> str | None:
    """What keeps all of them from firing; while one fires, nothing does."""
    return clocks[0].error if clocks and all(clock.error for clock in clocks) else None


def _oldest(session: Session, now: datetime, query) -> timedelta | None:
    at = session.execute(query).scalar()
    return now - at if at is not None and at <= now else None
