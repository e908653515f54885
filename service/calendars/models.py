"""Tables of the calendars. A version is never changed: a change of hours or days is a new version of the centre's calendar.

So an old sum can always be shown again by the version it was made with. Which version counts: the newest of the centre.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class EnteredAs(StrEnum):
    """What a date is entered as in a calendar."""

    HOLIDAY = "holiday"
    MAKEUP = "makeup"
    SPECIAL = "special"
    CLOSED = "closed"


class CalendarVersion(Base):
    """One version of a centre's calendar: who made it, when, why, and the weeks in it."""

    __tablename__ = "calendar_version"
    __table_args__ = (UniqueConstraint("centre_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int]
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))  # of the content; with it a cached calendar is never a wrong one
    zone: Mapped[str] = mapped_column(String(40))
    weeks: Mapped[list[Any]]  # [{"from": null or date, "days": seven lists of "08:30-18:00"}], the first from ever
    round_the_clock: Mapped[bool] = mapped_column(default=False)
    published_years: Mapped[list[Any]]
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(400))


class CalendarDay(Base):
    """One date that differs from the week, in one version. Several closures may stand on one date."""

    __tablename__ = "calendar_day"
    __table_args__ = (Index("ix_calendar_day_version", "centre_id", "version", "day_on"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int]
    version: Mapped[int]
    day_on: Mapped[date]
    kind: Mapped[EnteredAs] = mapped_column(choice(EnteredAs))
    name: Mapped[str] = mapped_column(String(200), default="")  # the holiday's name, the reason of a closure
    takes_weekday: Mapped[int | None]  # of a make-up day; Monday is 0
    windows: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))  # hours of a special day, the closed ones of a closure
