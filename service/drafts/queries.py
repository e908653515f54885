"""A person's own drafts: one for its form, all as tabs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased, object_session

from engine.sql import Prepared
from engine.tables import user_task
from service import access
from service.drafts import rules
from service.drafts.models import Draft
from service.organisation.models import Person, Unit
from service.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Tab:
    """A draft in a few words. `unit` and `title` are empty where they are unknown or out of reach by now."""

    place: str
    task_id: str | None
    saved_at: datetime
    unit: str
    title: str
    category: str
    element_id: str
    process_key: str
    done: bool  # its task was done or withdrawn meanwhile


_NEWEST = Prepared(
    sa.select(Draft.id)
    .where(Draft.person_id == sa.bindparam("person_id"))
    .order_by(Draft.saved_at.desc())
    .limit(rules.SHOWN)
)


def one(person: Person, place: str | None) -> Draft | None:
    """The person's own draft of a place."""
    if place is None:
        return None
    return (
        object_session(person)
        .scalars(sa.select(Draft).where(Draft.person_id == person.id, Draft.place == place))
        .first()
    )


def was_theirs(person: Person, task) -> bool:
    """Whether the task was this person's to do, though it may be over by now: only then can they have written in its form."""
    mine = access.reach(person)
    here = [g for g in mine.grants if g.centre_id in (None, task.centre_id)]
    return task.assignee in mine.usernames or any(f"|{grant.role}|" in task.groups for grant in here)


def mine(person: Person) -> list[Tab]:
    """The person's drafts, the newest first. One small statement where there are none."""
    session = object_session(person)
    ids = [row["id"] for row in _NEWEST.all(session.connection(), person_id=person.id)]
    if not ids:
        return []
    mine, typed, task = access.reach(person), aliased(Unit), user_task.alias()
    found = session.execute(
        sa.select(Draft, task.c.state, task.c.element_id, task.c.process_key, Ticket.title, Unit.code, typed.code)
        .outerjoin(task, task.c.id == Draft.task_id)
        .outerjoin(Ticket, sa.and_(Ticket.number == task.c.business_key, access.ticket_filter(mine)))
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(typed, sa.and_(typed.id == Draft.unit_id, access.centre_filter(mine, "see units", typed.centre_id)))
        .where(Draft.id.in_(ids))
        .order_by(Draft.saved_at.desc(), Draft.id)
    ).all()
    return [
        Tab(
            draft.place,
            draft.task_id,
            draft.saved_at,
            code or other_code or "",
            title or "",
            draft.category,
            element or "",
            process or "",
            bool(draft.task_id) and state != "open",
        )
        for draft, state, element, process, title, code, other_code in found
    ]
