"""Tables of notices and of the clock's sign of life."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Notice(Base):
    """Something one person is told, in the application. The text is made when it is read, in the reader's language."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("outbox_key", "person_id"), Index("ix_notice_person", "person_id", "read_at", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    outbox_key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
    ticket_number: Mapped[str | None] = mapped_column(String(16))
    urgent: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ClockHeartbeat(Base):
    """One row per clock process: when it last lived and swept. `/ready` is red when none is fresh (F26)."""

    __tablename__ = "clock_heartbeat"
    process: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[datetime]
    at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
    fired: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(500))
