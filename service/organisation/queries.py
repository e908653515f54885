"""Reads about people and places that several areas need: who is in a group, who is on duty, names for usernames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.organisation.models import Building, Centre, Department, Duty, Person, Role, RoleAssignment, Substitute


def person_named(session: Session, username: str) -> Person | None:
    return session.scalars(sa.select(Person).where(Person.username == username)).first()


def names_of(session: Session, usernames: Iterable[str | None]) -> dict[str, str]:
    """username -> name, for those that exist, in one query."""
    wanted = {u for u in usernames if u}
    if not wanted:
        return {}
    return dict(session.execute(sa.select(Person.username, Person.name).where(Person.username.in_(wanted))).all())


def members(session: Session, role: str, centre_id: int, building_id: int | None = None) -> list[Person]:
    """The active people who have a role in a centre; those narrowed to another building are left out.

    Company-wide roles count. Without a building everybody of the centre is meant.
    """
    here = [RoleAssignment.role == role]
    here.append(sa.or_(RoleAssignment.centre_id == centre_id, RoleAssignment.centre_id.is_(None)))
    if building_id is not None:
        here.append(sa.or_(RoleAssignment.building_id.is_(None), RoleAssignment.building_id == building_id))
    return list(session.scalars(
        sa.select(Person).join(RoleAssignment).where(Person.active, *here).distinct().order_by(Person.id)
    ))


def headcount(session: Session, on: date) -> Callable[[str], int]:
    """role -> how many active people have it on a day, in the operation centre that has the fewest; company-wide roles count."""
    assigned = RoleAssignment
    rows = session.execute(sa.select(assigned.role, assigned.centre_id, assigned.person_id).join(Person).where(
        Person.active, sa.or_(assigned.from_on.is_(None), assigned.from_on <= on),
        sa.or_(assigned.until_on.is_(None), assigned.until_on >= on))).all()
    centres = set(session.scalars(sa.select(Centre.id).where(Centre.active)))

    def people_in(role: str) -> int:
        everywhere = {(r.centre_id, r.person_id) for r in rows if r.role == role}
        return min((len({p for c, p in everywhere if c in (None, centre)}) for centre in centres), default=0)

    return people_in


def on_duty(session: Session, role: str, centre_id: int, at: datetime) -> list[Person]:
    """Who the roster has on duty in a role at an instant."""
    return list(
        session.scalars(
            sa.select(Person)
            .join(Duty, Duty.person_id == Person.id)
            .where(
                Person.active, Duty.centre_id == centre_id, Duty.role == role, Duty.starts_at <= at, Duty.ends_at > at
            )
            .order_by(Duty.starts_at)
        )
    )


def substitutes_of(session: Session, person_id: int, at: datetime) -> list[Person]:
    return list(
        session.scalars(
            sa.select(Person)
            .join(Substitute, Substitute.by_person_id == Person.id)
            .where(
                Person.active,
                Substitute.for_person_id == person_id,
                Substitute.starts_at <= at,
                Substitute.ends_at > at,
            )
        )
    )


def departments(session: Session) -> list[Department]:
    return list(session.scalars(sa.select(Department).order_by(Department.key)))


def workers_of(session: Session, department: str, centre_id: int, at: datetime) -> list[tuple[Person, bool]]:
    """Whom a department's head can give a slip to, each with whether the roster has them on duty; those come first."""
    if department not in set(Role):
        return []
    here = {person.id for person in on_duty(session, department, centre_id, at)}
    people = [(person, person.id in here) for person in members(session, department, centre_id)]
    return sorted(people, key=lambda found: not found[1])


def centre_of(session: Session, centre_id: int) -> Centre:
    return session.get_one(Centre, centre_id)


def buildings_of(session: Session, centre_id: int) -> list[Building]:
    return list(session.scalars(sa.select(Building).where(Building.centre_id == centre_id).order_by(Building.code)))
