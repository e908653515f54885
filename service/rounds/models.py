"""Tables of rounds and workplace checks. An item is a line of the centre's timetable, a round one of its ticks on one day."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class RoundKind(StrEnum):
    DOOR_OPEN = "door-open"  # lobby doors stay open; back to automatic at the end (clause 20)
    ETIQUETTE = "etiquette"  # people on post while customers arrive (clauses 17, 18)
    HOURLY = "hourly"  # who keeps the lobby changes (clause 18)
    LIFT = "lift"  # guiding people to lifts by zone at peaks (clause 21)


class RoundState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    MISSED = "missed"


class FilingState(StrEnum):
    FILED = "filed"
    ACKNOWLEDGED = "acknowledged"  # in force from then on


class CheckState(StrEnum):
    OPEN = "open"
    DONE = "done"
    MISSED = "missed"


class RoundItem(Base):
    """One line of the timetable: what, from when until when of every day that the centre is open, by the centre's clock."""

    __tablename__ = "round_item"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[RoundKind] = mapped_column(choice(RoundKind))
    name: Mapped[str] = mapped_column(String(60))
    from_time: Mapped[str] = mapped_column(String(5))  # 08:15
    until_time: Mapped[str] = mapped_column(String(5))
    every_minutes: Mapped[int] = mapped_column(default=0)  # 0: once
    posts: Mapped[list[Any]]  # one tick for each, by different people: front desk, lift lobby
    grace_minutes: Mapped[int] = mapped_column(default=10)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class Round(Base):
    """One tick: to be made from `starts_at` until `ends_at`."""

    __tablename__ = "round"
    __table_args__ = (Index("ix_round_day", "centre_id", "starts_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("round_item.id"))
    kind: Mapped[RoundKind] = mapped_column(choice(RoundKind))
    title: Mapped[str] = mapped_column(String(100))  # what is to be done, as of that day
    post: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[RoundState] = mapped_column(choice(RoundState), default=RoundState.WAITING)
    ticked_by: Mapped[str | None] = mapped_column(String(64))
    ticked_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)


class RoundFiling(Base):
    """A notice to the quality department that an etiquette window is to move (clause 18); `before` and `after` as HH:MM."""

    __tablename__ = "round_filing"
    __table_args__ = (Index("ix_round_filing_item", "item_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("round_item.id"))
    before_from: Mapped[str] = mapped_column(String(5))
    before_until: Mapped[str] = mapped_column(String(5))
    after_from: Mapped[str] = mapped_column(String(5))
    after_until: Mapped[str] = mapped_column(String(5))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[FilingState] = mapped_column(choice(FilingState), default=FilingState.FILED)
    filed_by: Mapped[str] = mapped_column(String(64))
    filed_at: Mapped[datetime]
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))
    acknowledged_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)


class WorkplaceCheck(Base):
    """One week's check of the workplaces of one area (clauses 24.1 to 24.5)."""

    __tablename__ = "workplace_check"
    __table_args__ = (
        UniqueConstraint("area_id", "week_on"),
        Index("ix_workplace_check_centre", "centre_id", "week_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    area_name: Mapped[str] = mapped_column(String(100))
    week_on: Mapped[date]  # the week's Monday
    due_at: Mapped[datetime]
    state: Mapped[CheckState] = mapped_column(choice(CheckState), default=CheckState.OPEN)
    answers: Mapped[dict[str, Any]]  # group -> fine, finding, na
    findings: Mapped[list[Any]]  # numbers
    checked_by: Mapped[str | None] = mapped_column(String(64))
    checked_at: Mapped[datetime | None]
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
