"""What a number is about."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.sql import Prepared
from service.subjects.models import Subject

_KIND = Prepared(sa.select(Subject.kind).where(Subject.number == sa.bindparam("number")))


def kind_of(session: Session, number: str) -> str | None:
    """Its kind (patrol, finding, ...); None for a ticket's and for an unknown one."""
    row = _KIND.first(session.connection(), number=number)
    return row["kind"] if row else None
