"""Reading the desk's own books: what waits, who is in the house, what was noted of late."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, object_session

from engine.tables import user_task
from service import access
from service.errors import NotThere
from service.organisation.models import Centre, Person
from service.reception.models import CallState, CustomerVisit, MissedCall, Visitor
from service.tickets.models import Channel, Ticket

ACTION = "keep reception"
OPEN = (CallState.WAITING, CallState.ASKED)
LISTED = 20
LATELY = timedelta(days=7)


def centres_of(person: Person) -> list[Centre]:
    """The centres at whose desk the person may enter something."""
    mine = access.centre_filter(access.reach(person), ACTION, Centre.id)
    return list(object_session(person).scalars(sa.select(Centre).where(Centre.active, mine).order_by(Centre.id)))


def calls(session: Session, centre_id: int) -> list[MissedCall]:
    """Calls that are not called back yet, the most urgent first, then those of the last days."""
    since = session.info["clock"].now() - LATELY
    query = (
        sa.select(MissedCall)
        .where(MissedCall.centre_id == centre_id, sa.or_(MissedCall.state.in_(OPEN), MissedCall.rang_at >= since))
        .options(joinedload(MissedCall.contact), joinedload(MissedCall.unit))
        .order_by(MissedCall.state.not_in(OPEN), MissedCall.rang_at.desc())
    )
    return list(session.scalars(query.limit(LISTED)))


def call_named(session: Session, number: str) -> MissedCall:
    """Whoever asks; callers check access. Raises NotThere."""
    found = session.scalars(
        sa.select(MissedCall)
        .where(MissedCall.number == number)
        .options(joinedload(MissedCall.contact), joinedload(MissedCall.unit))
    ).first()
    if found is None:
        raise NotThere("Call", number)
    return found


def task_of(session: Session, call: MissedCall):
    """The open task of a call, as its columns; None where it has ended."""
    open_ones = sa.select(user_task).where(user_task.c.root_id == call.instance_id, user_task.c.state == "open")
    return session.execute(open_ones.where(user_task.c.process_key == "missed-call")).first()


def registered_since(session: Session, call: MissedCall, by: str) -> str | None:
    """The one ticket that `by` has registered as a missed call's since it was called back; None for none or several."""
    query = sa.select(Ticket.number).where(
        Ticket.centre_id == call.centre_id,
        Ticket.channel == Channel.MISSED_CALL,
        Ticket.created_by == by,
        Ticket.registered_at >= (call.called_at or call.noted_at),
    )
    found = session.scalars(query.limit(2)).all()
    return found[0] if len(found) == 1 else None


def visitors(session: Session, centre_id: int) -> list[Visitor]:
    """Who is in the house, the longest first, then the last who left."""
    query = sa.select(Visitor).where(Visitor.centre_id == centre_id)
    inside = session.scalars(query.where(Visitor.left_at.is_(None)).order_by(Visitor.came_at, Visitor.id)).all()
    left = query.where(Visitor.left_at.is_not(None)).order_by(Visitor.left_at.desc(), Visitor.id.desc())
    return [*inside, *session.scalars(left.limit(LISTED))]


def visits(session: Session, centre_id: int) -> list[CustomerVisit]:
    """The last visits to customers."""
    query = (
        sa.select(CustomerVisit)
        .where(CustomerVisit.centre_id == centre_id)
        .options(joinedload(CustomerVisit.unit), joinedload(CustomerVisit.customer))
        .order_by(CustomerVisit.visited_at.desc(), CustomerVisit.id.desc())
    )
    return list(session.scalars(query.limit(LISTED)))


def visitor_for(person: Person, visitor_id: int) -> Visitor | None:
    """A visitor of a centre at whose desk the person may enter something; None for anybody else."""
    found = object_session(person).get(Visitor, visitor_id)
    return found if found is not None and access.may(person, ACTION, found) else None


def call_for(person: Person, number: str) -> MissedCall:
    """Raises NotThere for an unknown call or one out of reach."""
    found = call_named(object_session(person), number)
    if not access.may(person, "see register", found):
        raise NotThere("Call", number)
    return found

