"""The table of signatures: who signed what content, when, in which role. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Signature(Base):
    """One signature. `content` is what was signed, `content_hash` the SHA-256 of its canonical text."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("subject", "meaning", "version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    subject: Mapped[str] = mapped_column(String(64))  # a business key: JB2026-0001
    meaning: Mapped[str] = mapped_column(String(40))  # handover-out, handover-in, daily-review, ...
    version: Mapped[int]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"))
    person: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(40))
    on_behalf_of: Mapped[str | None] = mapped_column(String(64))
    content_hash: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]]
    signed_at: Mapped[datetime]
    spent_on: Mapped[str | None] = mapped_column(String(64))  # the step that it served: instance and element
