"""Changes of people and places. Whoever calls has been let in by service.access; these functions only do it.

All take a session inside a unit of work and return the new row, flushed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from service.organisation.models import Building, Floor, Person, Role, RoleAssignment, Substitute, Unit
from service.search.actions import index_unit


def add_person(
    session: Session,
    username: str,
    name: str,
    roles: list[tuple[str, int | None, int | None]],
    phone: str | None = None,
) -> Person:
    """A person without a password yet; `roles` are (role, centre id, building id)."""
    person = Person(username=username, name=name, phone=phone)
    person.roles = [
        RoleAssignment(role=Role(role), centre_id=centre, building_id=building) for role, centre, building in roles
    ]
    session.add(person)
    session.flush()
    return person


def add_unit(
    session: Session, building: Building, floor: Floor | None, code: str, square_metres: float | None = None
) -> Unit:
    """A unit, findable by its shorthand at once."""
    unit = Unit(
        centre_id=building.centre_id,
        building_id=building.id,
        floor_id=floor.id if floor else None,
        code=code,
        square_metres=square_metres,
    )
    session.add(unit)
    session.flush()
    index_unit(session, unit.centre_id, unit.id, unit.code)
    return unit


def substitute(
    session: Session, for_person: Person, by_person: Person, starts_at: datetime, ends_at: datetime
) -> Substitute:
    row = Substitute(for_person_id=for_person.id, by_person_id=by_person.id, starts_at=starts_at, ends_at=ends_at)
    session.add(row)
    session.flush()
    return row
