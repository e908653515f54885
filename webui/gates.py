"""Load a thing and check access to it in one call: the thing, or 404 as if it did not exist.

Every route names its gate with `@gate(...)`; a contract test walks the routes and refuses one without. The gate's answer is
handed to the view as its first argument in place of the ids in the address, so a view cannot reach anything unchecked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from flask import current_app, g
from sqlalchemy import select

from service.notifications.models import Notice
from service.tickets import queries
from webui.errors import Missing, SignedOut
from webui.sessions import look_again  # noqa: F401 - views have it from here, beside what they load


def gate(loader: Callable, *names: str):
    """Decorator of a view: `@gate(ticket_for, "number")` gives it the loaded ticket instead of the number."""

    def decorate(view):
        @wraps(view)
        def checked(**values):
            if loader is public:
                return view(**values)
            person = signed_in_person()
            if loader is signed_in:
                return view(**values)
            thing = loader(person, *(values.pop(name) for name in names))
            if thing is None:
                raise Missing(loader.__name__)
            return view(thing, **values)

        checked.gate = loader.__name__
        return checked

    return decorate


def public() -> None:
    """Anybody, without log-in. The contract test lists each such route by name."""


def signed_in(person) -> object:
    """Any person who is logged in; the view asks only for things of that person."""
    return person


def signed_in_person():
    person = g.get("person")
    if person is None:
        raise SignedOut()
    return person


def service_app():
    return current_app.extensions["zhiban"]


def ticket_for(person, number: str):
    """The card of a ticket. Raises NotThere outside the person's reach."""
    return queries.ticket_card(person, number)


def task_for(person, task_id: str):
    """The card of a task that the person may see. Raises NotThere otherwise."""
    return queries.task_card(person, task_id)


def photo_for(person, key: str):
    """(path, row) of a photo whose ticket the person may see. Raises NotThere for anybody else."""
    return queries.photo_file(person, key)


def notice_for(person, notice_id: int):
    """One's own notice; None for anybody else's."""
    return g.session.scalars(select(Notice).where(Notice.id == notice_id, Notice.person_id == person.id)).first()
