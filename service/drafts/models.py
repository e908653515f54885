"""The table of drafts: one row per person and place (a task, or one new registration)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Draft(Base):
    """`fields` is what the form would have sent: name -> texts. `other` is what a second window wrote over an older version:
    {"fields": ..., "at": instant}, so that neither of two texts is lost.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("person_id", "place"), Index("ix_draft_saved", "person_id", "saved_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    place: Mapped[str] = mapped_column(String(48))  # task:<id> or register:<id>
    task_id: Mapped[str | None] = mapped_column(String(32))
    unit_id: Mapped[int | None]  # as typed, for the tab's name; never believed
    category: Mapped[str] = mapped_column(String(24), default="")
    version: Mapped[int] = mapped_column(default=1)
    seen: Mapped[int | None]  # the task's version that the person was looking at
    fields: Mapped[dict[str, Any]]
    other: Mapped[dict[str, Any] | None]
    began_at: Mapped[datetime]
    saved_at: Mapped[datetime]
