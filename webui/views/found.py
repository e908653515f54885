"""What one search box found, as lines with an address: tickets first, then units, customers and people."""

from __future__ import annotations

from flask import url_for

from service import access
from service.search.queries import find
from webui import words
from webui.i18n import listed
from webui.views.pages import where_of


def found(person, text: str) -> list[dict]:
    result = find(person, text)
    desk = access.may(person, "register")
    items = [
        {
            "title": f"{t.number} {t.title}",
            "hint": listed(where_of(t), words.ticket_state(t.state)),
            "vip": t.vip,
            "href": url_for("tickets.show", number=t.number),
        }
        for t in result.tickets
    ]
    if desk:
        items += [
            {
                "title": u.code,
                "hint": u.building.name if u.building else "",
                "vip": False,
                "href": url_for("desk.register", unit=u.id),
            }
            for u in result.units
        ]
        items += [
            {
                "title": c.name,
                "hint": c.customer.name,
                "vip": c.customer.vip,
                "href": url_for("desk.register", unit=c.unit_id, contact=c.id),
            }
            for c in result.contacts
            if c.unit_id
        ]
        items += [
            {
                "title": c.name,
                "hint": listed(*(o.unit.code for o in c.occupancies), items=True),
                "vip": c.vip,
                "href": url_for("desk.register", unit=c.occupancies[0].unit_id),
            }
            for c in result.customers
            if c.occupancies
        ]
    return items
