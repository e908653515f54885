"""Tables of the timetable: what is to start by itself, and how far each centre is planned."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class RunState(StrEnum):
    PLANNED = "planned"
    STARTED = "started"
    MISSED = "missed"  # its window passed, and nothing had started it
    CALLED_OFF = "called-off"  # at its instant nobody wanted it any more; the reason says why


class PlannedRun(Base):
    """One start of one procedure: due at `due_at`, worth starting until `ends_at`."""

    __tablename__ = "planned_run"
    __table_args__ = (
        UniqueConstraint("centre_id", "kind", "key", "due_at"),
        Index("ix_planned_run_due", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"))
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(80))  # of the thing, within its kind: an area and slot, a person, a post
    day: Mapped[date]  # of the plan, in the centre's zone
    starts_at: Mapped[datetime]  # of the slot
    due_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[RunState] = mapped_column(choice(RunState), default=RunState.PLANNED)
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    started_at: Mapped[datetime | None]
    late_seconds: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")  # why it was missed or called off, or has not started yet
    tries: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]  # after a start that failed


class PlannedUntil(Base):
    """The last day that was planned for a centre: a day that nobody planned in time is made up for, not forgotten."""

    __tablename__ = "planned_until"
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), primary_key=True, autoincrement=False)
    day: Mapped[date]
