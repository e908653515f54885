"""A page shows only what its reader may do: for each person of the cast and each page, whatever form stands there is accepted by the
permission check when it is sent.

Generated from the routes, like the access matrix, in whose town it goes on to Monday evening: a review and a check nobody signed, a
handover nobody took, a leave nobody covered. Each form is sent as it stands, with something plausible in its empty fields; what it did
is taken back before the next. Surprise: it may be refused for what it says (422, 409), but never for who sends it, and only after the
check has been asked, so that a bad value cannot hide a missing right.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from urllib.parse import urljoin

import pytest
from flask import before_render_template, g
from lxml import html

from service import access
from service.demo import PASSWORD
from service.timetable.actions import plan_ahead, start_due
from tests.conftest import CHINA
from tests.webui.test_access_matrix import CAST, Town, app, fill_ids, lived, people, routes, text_of, town

pytestmark = pytest.mark.databases("sqlite")
__all__ = ["app", "lived", "people", "town"]  # fixtures

EVERYWHERE = {"/logout", "/me"}  # in the frame of every page
OWN = {"/password", "/people/substitutes"}  # open to everybody for themselves, without a right that could be missing
FILES = ("exchange.export", "registers.paper", "registers.file", "files.", "findings.photo", "phone.", "health.", "procedures.diagram")
MOMENTS = {"date": "2026-11-24", "time": "18:20", "datetime": "2026-11-24 10:00"}
MONDAY = [datetime(2026, 11, 23, hour, 50, tzinfo=CHINA) for hour in (8, 10, 17)]


@dataclass(frozen=True)
class Sent:
    """A form of a page, by one of its buttons, with what is sent."""

    page: str
    action: str
    button: str
    values: tuple[tuple[str, str], ...]

    def data(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.values:
            found.setdefault(name, []).append(value)
        return found


def forms_of(page: str, text: str, number: str) -> list[Sent]:
    """Every form of a page that changes something; `number` is a ticket for the fields that name one."""
    found = []
    for form in html.fromstring(text).iter("form"):
        action = urljoin(page, form.get("action") or page)
        if (form.get("method") or "get").lower() != "post" or action in EVERYWHERE:
            continue
        values = tuple(pair for field in form.inputs for pair in filled(field, number))
        buttons = {(b.get("name") or "", b.get("value") or "") for b in form.iter("button") if b.get("type") != "button"}
        for name, value in buttons or {("", "")}:
            own = ((name, value),) if name else ()
            found.append(Sent(page, action, f"{name}={value}" if name else "", values + own))
    return found


def filled(field, number: str) -> list[tuple[str, str]]:
    """What a control sends; something plausible where it stands empty."""
    kind, name = field.get("type") or field.tag, field.get("name")
    if not name or kind in ("file", "submit", "button"):
        return []
    if kind in ("checkbox", "radio"):
        ticked = kind == "checkbox" or field.get("checked") is not None
        return [(name, field.get("value") or "on")] if ticked else []
    if kind == "select":
        return [(name, field.value or next((o.get("value") for o in field.iter("option") if o.get("value")), ""))]
    if kind == "password":
        return [(name, PASSWORD)]
    if name == "into":
        return [(name, number)]
    value = field.value if kind == "textarea" else field.get("value")
    return [(name, value or MOMENTS.get(field.get("data-moment") or "", "1" if kind == "number" else "写一句"))]


@pytest.fixture
def evening(app, town):
    """The town on Monday evening, after the clock process did its work; its ids."""
    for at in MONDAY:
        app.clock.set(at)
        while app.engine.fire_due().fired:
            pass
        plan_ahead(app)
        start_due(app)
    later = copy.copy(town)
    fill_ids(app, later)
    return later


@contextmanager
def put_back(app, usernames: list[str], people) -> Callable[[], None]:
    """Gives a function that puts the database back to how it stood, with everybody logged in."""
    for username in usernames:
        people(username)
    path, kept = app.database.url.database, sqlite3.connect(":memory:")
    with sqlite3.connect(path) as source:
        source.backup(kept)

    def again() -> None:
        with sqlite3.connect(path) as goal:
            kept.backup(goal)

    yield again
    kept.close()


@contextmanager
def spied(monkeypatch) -> list[str]:
    """The rights to change something that a request asks for and has, until it begins to draw a page."""
    found, real = [], access._grant_for

    def asked(reach, action, thing, session):
        grant = real(reach, action, thing, session)
        if grant is not None and not action.startswith("see") and not g.get("drawing"):
            found.append(action)
        return grant

    monkeypatch.setattr(access, "_grant_for", asked)
    with before_render_template.connected_to(lambda *_, **__: setattr(g, "drawing", True)):
        yield found


def pages(web, ids: Town) -> list[str]:
    """Every page that can be asked for with the ids of the town."""
    rules = [rule for rule in routes(web, "GET") if not rule.endpoint.startswith(FILES)]
    return [address for rule in rules for address in ids.addresses(rule)]


def test_every_form_that_a_person_is_shown_is_one_that_they_may_send(app, web, people, evening, monkeypatch):
    wrong, sent = [], set()
    with spied(monkeypatch) as granted, put_back(app, CAST, people) as again:
        for username, address in product(CAST, pages(web, evening)):
            page = people(username).get(address)
            if page.status_code != 200 or page.mimetype != "text/html" or not page.get_data():
                continue
            for form in forms_of(address, text_of(page), evening.tickets[1]):
                if (username, form.action, form.button) in sent:
                    continue
                sent.add((username, form.action, form.button))
                granted.clear()
                status = people(username).client.post(form.action, data=form.data()).status_code
                hidden = status in (409, 422) and not granted and form.action not in OWN
                if status in (403, 404) or status >= 500 or hidden:
                    wrong.append((username, address, form.action, form.button, status))
                again()
    assert wrong == [], "a page shows what its reader may not do"
    assert {username for username, *_ in sent} == set(CAST) and len(sent) > 250
