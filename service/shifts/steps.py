"""What steps do to shifts. Called inside a step or an action, on its connection; nothing here decides where a process goes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.shifts.models import Post, Responsibility

_post, _responsibility = Post.__table__, Responsibility.__table__


def answer_for(connection: Any, post_id: int, centre_id: int, username: str, reason: str, now: datetime) -> None:
    """From `now` on `username` answers for the post, and nobody else does: the stretch before ends at the same instant.

    The post's row is locked, so that two changes at once follow each other.
    """
    connection.execute(sa.select(_post.c.id).where(_post.c.id == post_id).with_for_update())
    mine = sa.and_(_responsibility.c.post_id == post_id, _responsibility.c.until_at.is_(None))
    open_one = connection.execute(sa.select(_responsibility.c.id, _responsibility.c.person).where(mine)).first()
    if open_one is not None and open_one.person == username:
        return
    if open_one is not None:
        connection.execute(sa.update(_responsibility).where(mine).values(until_at=now))
    connection.execute(
        sa.insert(_responsibility).values(
            centre_id=centre_id, post_id=post_id, person=username, from_at=now, reason=reason[:120]
        )
    )
