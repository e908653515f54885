"""Tables of findings and their photos. The process decides where a finding goes; these rows hold what it is about."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    DANGER = "danger"


class FindingState(StrEnum):
    REPORTED = "reported"  # nobody of the department has accepted it
    ACCEPTED = "accepted"
    FIXED = "fixed"  # waits to be looked at again
    CLOSED = "closed"
    TICKET = "ticket"  # goes on as a ticket


OPEN_STATES = (FindingState.REPORTED, FindingState.ACCEPTED, FindingState.FIXED)


class Source(StrEnum):
    PATROL = "patrol"
    POSTING = "posting"  # posted after its date
    OTHER = "other"


class Finding(Base):
    __tablename__ = "finding"
    __table_args__ = (
        Index("ix_finding_list", "centre_id", "state", "reported_at"),
        Index("ix_finding_floor", "floor_id", "reported_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"))
    floor_id: Mapped[int | None] = mapped_column(ForeignKey("floor.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("patrol_visit.id"), index=True)
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    source: Mapped[Source] = mapped_column(choice(Source))
    group: Mapped[str] = mapped_column(String(24))  # of the checklist, clause 23.2
    severity: Mapped[Severity] = mapped_column(choice(Severity))
    department: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(120))
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[FindingState] = mapped_column(choice(FindingState), default=FindingState.REPORTED)
    reported_by: Mapped[str] = mapped_column(String(64))
    reported_at: Mapped[datetime]
    accept_due_at: Mapped[datetime | None]
    fix_due_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(64))
    fixed_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(Text, default="")
    checked_at: Mapped[datetime | None]
    checked_by: Mapped[str | None] = mapped_column(String(64))
    back_count: Mapped[int] = mapped_column(default=0)
    back_reason: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[datetime | None]
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)


class FindingPhoto(Base):
    """A picture of a finding, or of the item that a visit had to photograph; stored like a ticket's photo."""

    __tablename__ = "finding_photo"
    __table_args__ = (
        Index("ix_finding_photo_source", "source_sha256", "taken_by"),
        Index("ix_finding_photo_finding", "finding_id"),
        Index("ix_finding_photo_visit", "visit_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    finding_id: Mapped[int | None] = mapped_column(ForeignKey("finding.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("patrol_visit.id"))
    kind: Mapped[str] = mapped_column(String(12))  # found, fixed, proof
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))
    source_sha256: Mapped[str] = mapped_column(
        String(64)
    )  # of what was sent: a phone deletes its copy when this comes back
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    taken_by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
