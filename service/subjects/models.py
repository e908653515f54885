"""One row per number of a thing that has a process and is no ticket."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Subject(Base):
    __tablename__ = "subject"
    number: Mapped[str] = mapped_column(String(64), primary_key=True)  # the business key of its instances
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[str] = mapped_column(String(24))  # patrol, finding, ...
    title: Mapped[str] = mapped_column(String(120))
    place: Mapped[str] = mapped_column(String(120), default="")
