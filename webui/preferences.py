"""A person's own choices of how screens look: language, theme, single keys. Nothing else hangs on them."""

from __future__ import annotations

import sqlalchemy as sa

from service.organisation.models import Person


def keep(app, person: Person, **chosen) -> None:
    """Store the choices with the person; `chosen` has some of locale, theme, single_keys."""
    with app.writing() as session:
        session.execute(sa.update(Person).where(Person.id == person.id).values(**chosen))
