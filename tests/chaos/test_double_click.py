"""The same request twice at once gets the same answer, also where the first is done while the second looks whether it may (F3)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from service import access
from service.errors import ServiceError
from service.organisation.models import Person
from service.tickets import actions
from tests.chaos.lived import LEAK

DISPATCH = {"department": "engineering", "instruction": "先关阀再查"}


@pytest.mark.databases("postgresql")  # SQLite's one write lock lets nothing happen in between
def test_a_double_click_is_answered_alike_whichever_half_is_done_first(centre, monkeypatch):
    with centre.session() as session:
        lin = session.query(Person).filter_by(username="lin").one()
    with centre.database.connect() as connection:
        unit = connection.execute(text("select id from unit where code = '3-1201'")).scalar_one()
    task = actions.register(centre, lin, LEAK, unit_id=unit).opened[0]
    first, look, others = [], access.require, []

    def click() -> None:
        first.append(actions.complete_task(centre, lin, task, dict(DISPATCH), request_id="twice"))

    def look_later(person, action, thing, *more, **where):
        if action == "do" and not first:
            first.append(None)  # the first click's own look goes straight through
            other = threading.Thread(target=click)
            others.append(other)
            other.start()
            other.join(1)  # it may have to wait for us: then it is answered after us
        return look(person, action, thing, *more, **where)

    monkeypatch.setattr(access, "require", look_later)
    try:
        second = actions.complete_task(centre, lin, task, dict(DISPATCH), request_id="twice")
    except ServiceError as error:
        pytest.fail(f"the first click was done, the second was refused: {error!r}")
    others[0].join(20)
    assert sorted([second.replayed, first[-1].replayed]) == [False, True] and second.opened == first[-1].opened
