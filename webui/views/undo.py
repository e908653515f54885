"""The offer to undo: what was done last, and how long it may still be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from flask import g, request, url_for

from service.tickets import undoing, unregistering
from webui.filters import now
from webui.gates import service_app
from webui.i18n import gettext
from webui.views import things
from webui.views.story import element_name


@dataclass(frozen=True, slots=True)
class Offer:
    text: str
    href: str
    undo_href: str
    seconds: int
    step: str = ""  # what was pressed on a ticket; a task stands in the address


def offer() -> Offer | None:
    """The person's newest step that nobody has gone on from; None without one, or where undo is off."""
    engine = service_app().engine
    if not engine.undo_seconds or g.get("person") is None or request.method != "GET":
        return None
    row = undoing.newest(g.session, g.person)
    registered = unregistering.newest(service_app(), g.session, g.person)
    if registered is not None and (row is None or registered.at >= row.at):
        address = url_for("undo.ticket", number=registered.number)
        return _offer(gettext("登记"), registered.number, address, registered.until_at)
    if row is None:
        return None
    pressed = _pressed().get(row.name)
    if pressed:
        address = url_for("undo.ticket", number=row.business_key)
        return _offer(pressed, row.business_key, address, row.until_at, row.task_id)
    name = element_name(engine.definition(row.definition_hash), row.element_id)
    return _offer(name, row.business_key, url_for("undo.step", task_id=row.task_id), row.until_at)


def _offer(name: str, number: str, address: str, until_at: datetime, step: str = "") -> Offer:
    text = gettext("%(task)s：%(number)s", task=name, number=number)
    seconds = max(1, ceil((until_at - now()).total_seconds()))
    return Offer(text, things.page_of(number), address, seconds, step)


def _pressed() -> dict[str, str]:
    """The messages of a ticket, as the person who sent one knows them."""
    return {
        "ticket.urge": gettext("催办"),
        "ticket.withdraw": gettext("撤单"),
        "ticket.add-information": gettext("客户补充"),
        "ticket.help": gettext("求助"),
        "ticket.pause": gettext("暂停"),
        "ticket.change-urgency": gettext("改缓急"),
        "ticket.change-deadline": gettext("客户改期"),
    }


def offered(task_id: str) -> bool:
    """Whether the next page offers to undo this task, so that nothing else has to say that it was done."""
    engine = service_app().engine
    row = undoing.newest(g.session, g.person) if engine.undo_seconds else None
    return row is not None and row.task_id == task_id
