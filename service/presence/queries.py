"""Who else is at a ticket now."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from service.organisation.models import Person
from service.presence.models import Presence


@dataclass(frozen=True, slots=True)
class Other:
    name: str
    writes: bool


def others(person: Person, ticket_id: int) -> list[Other]:
    """Everybody but the person, who writes first. The caller has checked that the person may see the ticket."""
    session = object_session(person)
    found = session.execute(
        sa.select(Person.name, Presence.writes)
        .join(Presence, Presence.person_id == Person.id)
        .where(
            Presence.ticket_id == ticket_id,
            Presence.person_id != person.id,
            Presence.expires_at > session.info["clock"].now(),
        )
        .order_by(Presence.writes.desc(), Person.name)
    )
    return [Other(name, writes) for name, writes in found]
