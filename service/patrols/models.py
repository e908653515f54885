"""Tables of patrols. A plan says which floors are walked and how often; a patrol is one area in one slot; a visit is one
floor of it.

Surprise: `visit` keeps what the phone said (`scanned_at`, by the phone's clock) beside what we know (`arrived_at`): an entry
is never refused for what its time looks like, its flags are shown to the supervisor.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class Rhythm(StrEnum):
    DAILY = "daily"
    TWICE = "twice"  # offices: once in the morning, once in the afternoon


class PatrolSlot(StrEnum):
    DAY = "day"
    MORNING = "morning"
    AFTERNOON = "afternoon"


class Answer(StrEnum):
    FINE = "fine"
    FINDING = "finding"
    NA = "na"  # the floor has none of it


class VisitState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    MISSED = "missed"  # the slot ended before


class PostingKind(StrEnum):
    PERMIT = "permit"  # 装饰装修备案证
    NOTICE = "notice"  # 温馨提示
    OTHER = "other"


class PatrolPlan(Base):
    """Which floors are walked together and how often; the area's calendar is the centre's."""

    __tablename__ = "patrol_plan"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(String(60))
    rhythm: Mapped[Rhythm] = mapped_column(choice(Rhythm))
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class PatrolPlanFloor(Base):
    __tablename__ = "patrol_plan_floor"
    plan_id: Mapped[int] = mapped_column(ForeignKey("patrol_plan.id"), primary_key=True)
    floor_id: Mapped[int] = mapped_column(ForeignKey("floor.id"), primary_key=True)
    position: Mapped[int]


class PatrolPoint(Base):
    """A tag on a floor: a QR that holds an address with this code. A copied tag is retired and printed anew."""

    __tablename__ = "patrol_point"
    __table_args__ = (Index("ix_patrol_point_floor", "centre_id", "floor_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    floor_id: Mapped[int] = mapped_column(ForeignKey("floor.id"))
    name: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(32), unique=True)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Patrol(Base):
    """One area in one slot of one day."""

    __tablename__ = "patrol"
    __table_args__ = (UniqueConstraint("plan_id", "day", "slot"), Index("ix_patrol_day", "centre_id", "day"))
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("patrol_plan.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(String(60))
    day: Mapped[date]
    slot: Mapped[PatrolSlot] = mapped_column(choice(PatrolSlot))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    closed_at: Mapped[datetime | None]
    missed: Mapped[int] = mapped_column(default=0)  # floors that nobody walked in the slot


class Visit(Base):
    """One floor of one patrol: what was answered, and how weak or strong the proofs are that somebody was there."""

    __tablename__ = "patrol_visit"
    __table_args__ = (
        UniqueConstraint("patrol_id", "floor_id"),
        Index("ix_patrol_visit_floor", "floor_id", "arrived_at"),
        Index("ix_patrol_visit_walker", "walked_by", "arrived_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    patrol_id: Mapped[int] = mapped_column(ForeignKey("patrol.id"))
    floor_id: Mapped[int] = mapped_column(ForeignKey("floor.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"))
    label: Mapped[str] = mapped_column(String(60))  # 3座12层, as it was called that day
    position: Mapped[int]
    responsible: Mapped[str | None] = mapped_column(String(64))  # clause 23.1, as of that day
    photo_item: Mapped[str] = mapped_column(
        String(24), default=""
    )  # what is to be photographed this time; mostly nothing
    state: Mapped[VisitState] = mapped_column(choice(VisitState), default=VisitState.WAITING)
    answers: Mapped[dict[str, Any]]  # group -> Answer
    walked_by: Mapped[str | None] = mapped_column(String(64))
    opened_at: Mapped[datetime | None]  # by the phone: the floor's page came up
    scanned_at: Mapped[datetime | None]  # by the phone: the tag was read; None without a tag
    sent_at: Mapped[datetime | None]  # by the phone: the last answer was given
    arrived_at: Mapped[datetime | None]  # by us
    clock_offset_seconds: Mapped[int | None]  # ours minus the phone's, as the phone last saw it; its times stay as it gave them
    point_id: Mapped[int | None] = mapped_column(ForeignKey("patrol_point.id"))
    flags: Mapped[list[Any]]  # rules.Flag values
    submission_id: Mapped[str | None] = mapped_column(
        String(64), unique=True
    )  # made by the phone: sent twice, kept once


class Submission(Base):
    """What a phone sent for a floor, as it came. The step that records the floor reads it."""

    __tablename__ = "patrol_submission"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    visit_id: Mapped[int] = mapped_column(ForeignKey("patrol_visit.id"))
    sent_by: Mapped[str] = mapped_column(String(64))
    arrived_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    late: Mapped[bool] = mapped_column(default=False)  # it came when the floor was done or missed already
    sha256: Mapped[str] = mapped_column(String(64), default="")  # of what was sent: a phone drops its copy when this comes back


class Posting(Base):
    """Something posted on a floor until a date: a permit, a notice. After it, the next patrol has to look at it."""

    __tablename__ = "posting"
    __table_args__ = (Index("ix_posting_floor", "centre_id", "floor_id", "taken_down_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    floor_id: Mapped[int] = mapped_column(ForeignKey("floor.id"))
    kind: Mapped[PostingKind] = mapped_column(choice(PostingKind))
    title: Mapped[str] = mapped_column(String(100))
    expires_on: Mapped[date]  # the last day
    note: Mapped[str] = mapped_column(Text, default="")
    posted_by: Mapped[str] = mapped_column(String(64))
    posted_at: Mapped[datetime]
    taken_down_at: Mapped[datetime | None]
    taken_down_by: Mapped[str | None] = mapped_column(String(64))
