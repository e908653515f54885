"""Who else is at a ticket, in words."""

from __future__ import annotations

from flask import g, url_for

from service.presence import queries
from webui.filters import face
from webui.i18n import gettext


def address(card) -> str:
    """Where the page says that somebody is here; empty for who only reads and is in nobody's way."""
    return url_for("presence.beat", number=card.ticket.number) if "note" in card.may else ""


def people(ticket_id: int) -> list[dict]:
    """[{face, text, writes}], who writes first."""
    return [
        {
            "face": face(other.name),
            "text": gettext("%(who)s在写", who=other.name) if other.writes else gettext("%(who)s在看", who=other.name),
            "writes": other.writes,
        }
        for other in queries.others(g.person, ticket_id)
    ]
