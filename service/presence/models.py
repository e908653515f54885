"""The table of presence: one row per person and ticket, over when it is not renewed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Presence(Base):
    """No reference to the ticket: the row is no part of it, and lives for less than a minute."""

    __tablename__ = "presence"
    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    writes: Mapped[bool]
    expires_at: Mapped[datetime]
