"""The offer to undo: what was done last, and how long it may still be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from flask import g, request, url_for
from flask_babel import gettext

from webui.filters import now
from webui.gates import service_app
from webui.views.story import element_name


@dataclass(frozen=True, slots=True)
class Offer:
    task_id: str
    text: str
    href: str
    undo_href: str
    seconds: int


def offer() -> Offer | None:
    """The person's newest step that nobody has gone on from; None without one, or where undo is off."""
    engine = service_app().engine
    if not engine.undo_seconds or g.get("person") is None or request.method != "GET":
        return None
    row = engine.undoable(g.person.username)
    if row is None:
        return None
    name = element_name(engine.definition(row.definition_hash), row.element_id)
    return Offer(
        row.task_id,
        gettext("%(task)s：%(number)s", task=name, number=row.business_key),
        url_for("tickets.show", number=row.business_key),
        url_for("undo.step", task_id=row.task_id),
        max(1, ceil((row.until_at - now()).total_seconds())),
    )


def offered(task_id: str) -> bool:
    """Whether the next page offers to undo this task, so that nothing else has to say that it was done."""
    engine = service_app().engine
    row = engine.undoable(g.person.username) if engine.undo_seconds else None
    return row is not None and row.task_id == task_id
