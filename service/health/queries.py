"""Figures of health, for `/ready`, the banner, and `zhiban doctor`."""

from __future__ import annotations

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
    newest = session.execute(sa.select(ClockHeartbeat).order_by(ClockHeartbeat.at.desc()).limit(1)).scalar()
    age = max(now - newest.at, timedelta(0)) if newest else None
    due_notice = _oldest(session, now, sa.select(sa.func.min(outbox.c.not_before_at)).where(outbox.c.sent_at.is_(None)))
    due_timer = _oldest(session, now, sa.select(sa.func.min(timer.c.due_at)).where(timer.c.state == "armed"))
    open_incidents = (
        session.scalar(sa.select(sa.func.count()).select_from(incident).where(incident.c.resolved_at.is_(None))) or 0
    )
    faults = []
    if age is None or age > CLOCK_MAY_BE_SILENT:
        faults.append("No clock process is alive: limits do not fire. Start `zhiban clock`.")
    elif newest.error:
        faults.append(f"The clock reports: {newest.error}")
    if due_notice and due_notice > timedelta(minutes=10):
        faults.append(f"A notice has waited for {due_notice}. Look at the clock's log.")
    if due_timer and due_timer > timedelta(minutes=10):
        faults.append(f"A limit is {due_timer} late. Look at the open incidents.")
    return Health(age, newest.error if newest else None, due_notice, due_timer, open_incidents, tuple(faults))


def _oldest(session: Session, now: datetime, query) -> timedelta | None:
    at = session.execute(query).scalar()
    return now - at if at is not None and at <= now else None
