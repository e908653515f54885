"""Entering what a contract promises, changing and ending it: first what it would move, then moving it.

Each saves in one transaction; the open limits follow ticket by ticket afterwards, and the clock finishes what a killed
process left behind (`recompute.catch_up`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import access
from service.customers.models import Customer
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Person, Unit
from service.tickets import contracts, recompute
from service.tickets.models import AnsweredRequest, Category, ContractPromise, Urgency

LONGEST_MINUTES = 60_000  # a good hundred working days: more is a slip of the pen


@dataclass(frozen=True, slots=True)
class Terms:
    """A promise as somebody enters it. None: for all units, customers, categories, urgencies; no such limit."""

    text: str
    source: str
    from_on: date
    until_on: date | None = None
    unit_id: int | None = None
    customer_id: int | None = None
    category: str | None = None
    urgency: str | None = None
    response_minutes: int | None = None
    arrival_minutes: int | None = None
    resolution_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The promise that holds now (the ended one where none does), and what moved."""

    promise_id: int
    followed: recompute.Followed
    replayed: bool = False


def preview(session: Session, centre_id: int, terms: Terms | None, replaces: int | None = None) -> recompute.Preview:
    """What would move if `terms` held in place of the promise `replaces` (each may be None). Raises Refused."""
    promises = [row for row in contracts.in_force(session.connection(), centre_id) if row["id"] != replaces]
    if terms is not None:
        _check(session, centre_id, terms)
        promises.append(asdict(terms) | {"id": 0, "followed": False})
    return recompute.preview_promises(session, centre_id, promises)


def save(
    app, person: Person, centre_id: int, terms: Terms, replaces: int | None = None, request_id: str | None = None
) -> Changed:
    """Enter a promise, or change one by ending it; the open limits follow. Raises NotThere, NotAllowed, Refused."""
    return _change(app, person, centre_id, terms, replaces, request_id)


def end(app, person: Person, centre_id: int, promise_id: int, request_id: str | None = None) -> Changed:
    """The promise holds no longer; the open limits go by the table again. Raises NotThere, NotAllowed, Refused."""
    return _change(app, person, centre_id, None, promise_id, request_id)


def _change(app, person: Person, centre_id: int, terms: Terms | None, replaces: int | None, request_id) -> Changed:
    with app.writing() as session:
        me, centre = session.get_one(Person, person.id), session.get(Centre, centre_id)
        if centre is None:
            raise NotThere("Centre", centre_id)
        actor = access.actor(me, access.require(me, "change promises", centre))
        if (before := _answered(session, me, request_id)) is not None:
            return Changed(before, recompute.Followed(), replayed=True)
        ended = _ended(session, centre_id, replaces, me) if replaces is not None else None
        promise = ended if terms is None else _entered(session, centre_id, terms, replaces, me)
        session.flush()
        id, reason = promise.id, f"合同承诺{'不再有效' if terms is None else ''}：{promise.text}"
        if request_id:
            now = session.info["unit"].now
            session.add(AnsweredRequest(request_id=request_id, action="promised", by=me.username, thing_id=id, at=now))
    return Changed(id, recompute.follow(app, centre_id, actor=actor, reason=reason))


def _answered(session: Session, me: Person, request_id: str | None) -> int | None:
    if request_id is None:
        return None
    session.info["unit"].lock_request(request_id)
    row = session.get(AnsweredRequest, request_id)
    if row is not None and (row.action, row.by) != ("promised", me.username):
        raise Refused("This request id was used for something else. Load the page again.")
    return row.thing_id if row else None


def _ended(session: Session, centre_id: int, promise_id: int, me: Person) -> ContractPromise:
    row = session.get(ContractPromise, promise_id)
    if row is None or row.centre_id != centre_id:
        raise NotThere("ContractPromise", promise_id)
    if row.ended_at is not None:
        raise Refused(f"This promise was already changed or ended by {row.ended_by}. Load the page again.")
    row.ended_by, row.ended_at, row.followed = me.username, session.info["unit"].now, False
    return row


def _entered(session: Session, centre_id: int, terms: Terms, replaces: int | None, me: Person) -> ContractPromise:
    _check(session, centre_id, terms)
    made = {"replaces_id": replaces, "made_by": me.username, "made_at": session.info["unit"].now}
    row = ContractPromise(centre_id=centre_id, **asdict(terms), **made)
    session.add(row)
    return row


def _check(session: Session, centre_id: int, terms: Terms) -> None:
    minutes = {f"{kind}_minutes": getattr(terms, f"{kind}_minutes") for kind in contracts.KINDS}
    if not terms.text.strip():
        raise Refused("Write what was promised, in the contract's words.", "text")
    if not terms.source.strip():
        raise Refused("Name the contract and the clause where it stands.", "source")
    if terms.until_on is not None and terms.until_on < terms.from_on:
        raise Refused("The last day is before the first.", "until_on")
    if not any(value is not None for value in minutes.values()):
        raise Refused("A promise limits something: write minutes for at least one limit.", "response_minutes")
    for name, value in minutes.items():
        if value is not None and not 0 < value <= LONGEST_MINUTES:
            raise Refused(f"Minutes lie between 1 and {LONGEST_MINUTES}.", name)
    _known(session, centre_id, terms)


def _known(session: Session, centre_id: int, terms: Terms) -> None:
    if terms.category not in (None, *Category) or terms.urgency not in (None, *Urgency):
        raise Refused("Pick category and urgency from the lists.", "category")
    for name, table, id in (("unit", Unit, terms.unit_id), ("customer", Customer, terms.customer_id)):
        row: Any = session.get(table, id) if id is not None else None
        if id is not None and (row is None or row.centre_id != centre_id):
            raise Refused(f"This {name} is not one of the centre's. Pick it from the list.", f"{name}_id")


def listed(session: Session, centre_id: int) -> list[ContractPromise]:
    """The centre's promises: those that hold first, then the ended ones, newest first."""
    wanted = sa.select(ContractPromise).where(ContractPromise.centre_id == centre_id)
    order = (ContractPromise.ended_at.is_not(None), ContractPromise.id.desc())
    return list(session.scalars(wanted.order_by(*order).limit(200)))
