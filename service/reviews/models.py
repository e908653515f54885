"""Tables of reviews: one row per review, what was decided about each matter, and its versions.

Surprise: the matters themselves are not kept; they are read afresh until the signature, whose content keeps them. A matter about
which something was decided stays on the list even when its cause has gone.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class ReviewKind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"


class ReviewState(StrEnum):
    OPEN = "open"
    LATE = "late"  # not signed in time: the next level has it
    SIGNED = "signed"


class Review(Base):
    """One review of one centre. It covers what was entered from `from_at` until it is signed, at most `until_at`."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("centre_id", "kind", "day"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[ReviewKind] = mapped_column(choice(ReviewKind))
    day: Mapped[date]  # the day reviewed; of a weekly one the last working day of its week
    first_on: Mapped[date]  # the same day; of a weekly one the Monday
    patrol_on: Mapped[date | None]  # the working day before, whose patrol record is reviewed too (clause 23.3)
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[ReviewState] = mapped_column(choice(ReviewState), default=ReviewState.OPEN)
    opinion: Mapped[str] = mapped_column(Text, default="")
    signed_by: Mapped[str | None] = mapped_column(String(64))  # of the first signature, which ends what it covers
    signed_at: Mapped[datetime | None]
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)  # the newest; a correction has its own
    opened_at: Mapped[datetime]


class ReviewAction(Base):
    """What was decided about one matter of a review; `facts` are the matter's, as they were then."""

    __tablename__ = "review_action"
    __table_args__ = (
        UniqueConstraint("review_id", "key"),
        Index("ix_review_action_open", "centre_id", "done_at", "due_on"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    key: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(24))
    about: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]]
    text: Mapped[str] = mapped_column(Text)
    person: Mapped[str | None] = mapped_column(String(64))  # who is to do it; None: nothing is left to do
    due_on: Mapped[date | None]
    decided_by: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(64))


class ReviewVersion(Base):
    """One version of a review's content. Signed ones have a signature, which holds the content; rows are only ever added.

    `changes` is what differs from the version that this one replaces: [{record, key, column, before, after}].
    """

    __tablename__ = "review_version"
    __table_args__ = (UniqueConstraint("review_id", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    version: Mapped[int]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("review_version.id"))
    replaces_hash: Mapped[str | None] = mapped_column(String(64))
    changes: Mapped[list[Any]]
    made_at: Mapped[datetime]
    signature_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"))
    content_hash: Mapped[str | None] = mapped_column(String(64))  # of what was signed
    instance_id: Mapped[str | None] = mapped_column(String(32))  # in whose trace the signature stands
