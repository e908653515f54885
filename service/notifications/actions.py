"""Changes of notices by their reader."""

from __future__ import annotations

import sqlalchemy as sa

from service.notifications.models import Notice
from service.organisation.models import Person


def mark_read(app, person: Person, notice_ids: list[int] | None = None) -> int:
    """Mark the person's own notices as read (all of them without ids); how many were unread."""
    with app.writing() as session:
        query = sa.update(Notice).where(Notice.person_id == person.id, Notice.read_at.is_(None))
        if notice_ids is not None:
            query = query.where(Notice.id.in_(notice_ids))
        return session.execute(query.values(read_at=app.clock.now())).rowcount
