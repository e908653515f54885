"""Reading notices: what a person was told, newest first, with the ticket it is about."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from engine.sql import Prepared
from service.notifications.models import Notice
from service.organisation.models import Person
from service.subjects.models import Subject
from service.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice and the title of its ticket, or of what else it is about (`subject`: its kind), as it is now. `kind` and
    `data` are worded by the page.
    """

    notice: Notice
    title: str | None
    subject: str | None = None


def notices(person: Person, unread_only: bool = False, limit: int = 50) -> list[NoticeLine]:
    session = object_session(person)
    query = (
        sa.select(Notice, sa.func.coalesce(Ticket.title, Subject.title), Subject.kind)
        .outerjoin(Ticket, Ticket.number == Notice.ticket_number)
        .outerjoin(Subject, Subject.number == Notice.ticket_number)
        .where(Notice.person_id == person.id)
    )
    if unread_only:
        query = query.where(Notice.read_at.is_(None))
    return [
        NoticeLine(*row) for row in session.execute(query.order_by(Notice.at.desc(), Notice.id.desc()).limit(limit))
    ]


def unread_count(person: Person) -> int:
    return _UNREAD.first(object_session(person).connection(), person_id=person.id)["unread"]


_UNREAD = Prepared(
    sa.select(sa.func.count().label("unread"))
    .select_from(Notice)
    .where(Notice.person_id == sa.bindparam("person_id"), Notice.read_at.is_(None))
)
