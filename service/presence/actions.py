"""Saying that one is here, and going."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from service import access
from service.db import upserting
from service.organisation.models import Person
from service.presence.models import Presence
from service.tickets.models import Ticket

BEAT_SECONDS = 20  # how often a page says that it is looked at
LASTS = timedelta(seconds=2 * BEAT_SECONDS + 5)  # one beat may be lost


def beat(app, person: Person, ticket: Ticket, writes: bool) -> None:
    """The person looks at the ticket, or writes, until 45 seconds from now; of those who may write on it only, for nobody else
    can get in another's way. Raises NotAllowed, NotThere.
    """
    with app.writing() as session:
        access.require(session.get_one(Person, person.id), "note", session.get_one(Ticket, ticket.id))
        values = {"writes": writes, "expires_at": session.info["unit"].now + LASTS}
        row = upserting(session, Presence).values(ticket_id=ticket.id, person_id=person.id, **values)
        session.execute(row.on_conflict_do_update(index_elements=["ticket_id", "person_id"], set_=values))


def leave(app, person: Person, ticket: Ticket) -> None:
    """The page was closed."""
    with app.writing() as session:
        session.execute(
            sa.delete(Presence).where(Presence.ticket_id == ticket.id, Presence.person_id == person.id),
            execution_options={"synchronize_session": False},
        )


def forget_old(app) -> None:
    with app.writing() as session:
        session.execute(
            sa.delete(Presence).where(Presence.expires_at <= app.clock.now()),
            execution_options={"synchronize_session": False},
        )
