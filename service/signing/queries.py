"""Reading signatures. The caller has checked that the person may see what was signed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.signing.models import Signature
from service.signing.rules import Sheet


def signatures_of(session: Session, subject: str) -> list[Signature]:
    """Every signature of a subject, oldest first."""
    return list(session.scalars(sa.select(Signature).where(Signature.subject == subject).order_by(Signature.id)))


def holds(row: Signature) -> bool:
    """Whether the content that is kept is the one that was signed."""
    return Sheet(row.content).hash == row.content_hash
