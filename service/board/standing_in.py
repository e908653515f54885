"""Standing in: who acts for whom, from when until when. What it gives is decided by service.access, not here.

A person enters it for themselves; their supervisor or manager may, too. Surprise: nobody enters it for somebody above
them, or a role could be borrowed that way.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, object_session

from service import access
from service.errors import NotAllowed, NotThere, Refused
from service.organisation.actions import substitute
from service.organisation.models import Person, Role, RoleAssignment, Substitute
from service.organisation.queries import person_named
from service.organisation.rules import COMPANY_WIDE, LEAD

LONGEST = timedelta(days=366)


def may_enter(reach: access.Reach, whom: Person) -> bool:
    """Whether somebody of this reach may say who stands in for `whom`."""
    if whom.id == reach.person_id or Role.ADMIN in _own(reach):
        return True
    roles = {r.role for r in whom.roles}
    if not roles or roles & COMPANY_WIDE:
        return False
    leads = {g.centre_id for g in reach.only(LEAD) if g.on_behalf_of is None}
    manages = {g.centre_id for g in reach.only({Role.MANAGER}) if g.on_behalf_of is None}
    return all(r.centre_id in (manages if r.role in LEAD else leads) for r in whom.roles)


def _own(reach: access.Reach) -> set[Role]:
    return {g.role for g in reach.grants if g.on_behalf_of is None}


def enter(
    app, person: Person, for_username: str, by_username: str, starts_at: datetime, ends_at: datetime
) -> Substitute:
    """`by_username` stands in for `for_username`; the same again gives what is there. Raises NotThere, NotAllowed, Refused."""
    with app.writing() as session:
        me, now = session.get_one(Person, person.id), session.info["unit"].now
        whom, by = person_named(session, for_username), person_named(session, by_username)
        mine = access.reach(me, now)
        if whom is None or not _knows(mine, whom):
            raise NotThere("Person", for_username)
        if not may_enter(mine, whom):
            raise NotAllowed("enter who stands in for", whom.name, "manager, admin")
        if by is None or not by.active or not _together(whom, by):
            raise Refused("Pick somebody who works in the same operation centre.", "by")
        _check(whom, by, starts_at, ends_at, now)
        for row in _rows(session, now, Substitute.for_person_id == whom.id):
            if row.by_person_id == by.id and row.starts_at < ends_at and row.ends_at > starts_at:
                if (row.starts_at, row.ends_at) == (starts_at, ends_at):
                    return row
                raise Refused(f"{by.name} already stands in for {whom.name} in this time. End that first.", "by")
        return substitute(session, whom, by, starts_at, ends_at)


def _check(whom: Person, by: Person, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if whom.id == by.id:
        raise Refused("Nobody stands in for themselves. Pick a colleague.", "by")
    if ends_at <= starts_at or ends_at <= now:
        raise Refused("The end has to lie after the beginning, and ahead.", "until")
    if ends_at - starts_at > LONGEST:
        raise Refused("At most a year at once.", "until")


def end(app, person: Person, substitute_id: int) -> None:
    """It ends now; one that has not begun never begins. Who entered it or stands in may. Raises NotThere."""
    with app.writing() as session:
        me, now = session.get_one(Person, person.id), session.info["unit"].now
        row = session.get(Substitute, substitute_id)
        if row is None or not _may_end(access.reach(me, now), row):
            raise NotThere("Substitute", substitute_id)
        if row.ends_at > now:
            row.ends_at = max(row.starts_at, now)


def _may_end(reach: access.Reach, row: Substitute) -> bool:
    return row.by_person_id == reach.person_id or may_enter(reach, row.for_person)


def of(person: Person, now: datetime | None = None) -> list[tuple[Substitute, bool]]:
    """(what holds or is to come, whether the reader may end it), within the reader's reach, first what begins first."""
    session = object_session(person)
    now = now or session.info["clock"].now()
    mine = access.reach(person, now)
    found = _rows(session, now, sa.true())
    seen = [r for r in found if person.id in (r.for_person_id, r.by_person_id) or may_enter(mine, r.for_person)]
    return [(row, _may_end(mine, row)) for row in seen]


def choices(person: Person) -> tuple[list[Person], list[Person]]:
    """(for whom the reader may enter somebody, who may stand in): active people of the reader's centres."""
    session = object_session(person)
    mine = access.reach(person)
    here = RoleAssignment.centre_id.in_(mine.centre_ids)
    if mine.company_wide:
        here = sa.true()
    people = list(
        session.scalars(
            sa.select(Person)
            .where(Person.active, sa.or_(Person.id == person.id, Person.roles.any(here)))
            .order_by(Person.name)
        )
    )
    return [p for p in people if may_enter(mine, p)], people


def _rows(session: Session, now: datetime, clause) -> list[Substitute]:
    return list(
        session.scalars(
            sa.select(Substitute)
            .options(joinedload(Substitute.for_person), joinedload(Substitute.by_person))
            .where(Substitute.ends_at > now, Substitute.ends_at > Substitute.starts_at, clause)
            .order_by(Substitute.starts_at, Substitute.id)
        )
    )


def _knows(reach: access.Reach, whom: Person) -> bool:
    if whom.id == reach.person_id or reach.company_wide:
        return True
    return any(r.centre_id in reach.centre_ids for r in whom.roles)


def _together(one: Person, other: Person) -> bool:
    mine, theirs = ({r.centre_id for r in p.roles} for p in (one, other))
    return bool(mine & theirs) or (None in mine and bool(theirs)) or (None in theirs and bool(mine))
