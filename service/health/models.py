"""The table of the clocks' signs of life."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class ClockHeartbeat(Base):
    """One row per clock process: when it last lived and swept. `/ready` is red when none is fresh (F26)."""

    __tablename__ = "clock_heartbeat"
    process: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_at: Mapped[datetime]
    at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
    fired: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(500))
