"""Whom or which floor a complaint is about: what the desk may choose, and that nobody owns a complaint about themselves.

Reads only. Surprise: a merged complaint keeps whom it is about, and its other ticket is not theirs either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import NotThere, Refused
from service.organisation.models import Building, Floor, Person, RoleAssignment, Unit
from service.organisation.rules import DESK
from service.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class FloorChoice:
    """A floor with its building's name and the person who answers for it (clause 23.1)."""

    floor: Floor
    building: str
    responsible: str


def people_of(session: Session, centre_id: int) -> list[Person]:
    """Who works in the centre, the desk's people first: a complaint may be about each of them."""
    here = Person.roles.any(RoleAssignment.centre_id == centre_id)
    people = session.scalars(sa.select(Person).where(Person.active, here).order_by(Person.id))
    return sorted(people, key=lambda p: not any(r.role in DESK for r in p.roles))


def floors_of(session: Session, unit_id: int) -> list[FloorChoice]:
    """The floors of the unit's building from below, the unit's own floor first."""
    unit = session.get_one(Unit, unit_id)
    rows = session.execute(
        sa.select(Floor, Building.name, Person.name.label("responsible"))
        .join(Building, Building.id == Floor.building_id)
        .outerjoin(Person, Person.id == Floor.responsible_id)
        .where(Floor.building_id == unit.building_id)
        .order_by(Floor.level)
    ).all()
    found = [FloorChoice(floor, building, responsible or "") for floor, building, responsible in rows]
    return sorted(found, key=lambda choice: choice.floor.id != unit.floor_id)


def person_of(session: Session, username: str, centre_id: int) -> Person:
    """The person whom a complaint is about. Refused unless they work in the centre."""
    found = next((p for p in people_of(session, centre_id) if p.username == username), None)
    if found is None:
        raise Refused("Nobody of this centre is called that. Pick whom the complaint is about from the list.", "about")
    return found


def floor_of(session: Session, floor_id: int, centre_id: int) -> Floor:
    """Raises NotThere for a floor of another centre."""
    floor = session.get(Floor, floor_id)
    if floor is None or floor.centre_id != centre_id:
        raise NotThere("Floor", floor_id)
    return floor


def not_theirs(session: Session, person: Person, ticket_ids: Iterable[int], instances: Iterable[str]) -> None:
    """Raises Refused if one of these tickets (by id, or by its process instance) is a complaint about the person."""
    among = sa.or_(Ticket.id.in_(list(ticket_ids)), Ticket.instance_id.in_(list(instances)))
    number = session.scalar(
        sa.select(Ticket.number).where(Ticket.about_person_id == person.id, among).order_by(Ticket.id).limit(1)
    )
    if number is not None:
        raise Refused(
            f"{number} is a complaint about {person.name}, who cannot own it. Pick somebody else.", "receiver"
        )
