"""The logs of imports and exports: who brought which file in with what result, who took which list out.

A checked file waits in `rows` until it is applied; then, or after a day, the rows go and the line of the log stays.
Surprise: a run is addressed by its random `key`, never by its id, so that nobody walks through other people's files.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, deferred, mapped_column

from service.db import Base, choice


class Kind(StrEnum):
    UNITS = "units"
    PEOPLE = "people"


class RunState(StrEnum):
    FAULTY = "faulty"  # has rows that cannot be taken; nothing of it was taken
    CHECKED = "checked"  # waits to be applied
    APPLIED = "applied"


class ImportRun(Base):
    """One file that was brought in. The counts are those of the check until it is applied, then what was done."""

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_centre", "centre_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    request_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    kind: Mapped[Kind] = mapped_column(choice(Kind))
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    by: Mapped[str] = mapped_column(String(64))  # username, or "system" for the command line
    at: Mapped[datetime]
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]  # bytes
    state: Mapped[RunState] = mapped_column(choice(RunState))
    new: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    bad: Mapped[int]
    details: Mapped[dict[str, Any]]  # faults (the first ones), columns that were not read, what is made besides
    applied_at: Mapped[datetime | None]
    rows: Mapped[list[Any] | None] = deferred(mapped_column(JSON(none_as_null=True), nullable=True))


class ExportRun(Base):
    """One list that was taken out. `rows` is empty for one that was not finished."""

    __tablename__ = "export_run"
    __table_args__ = (Index("ix_export_run_by", "by", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    by: Mapped[str] = mapped_column(String(64))
    list: Mapped[str] = mapped_column(String(40))
    filter: Mapped[str] = mapped_column(String(400))
    rows: Mapped[int | None]
    at: Mapped[datetime]
