"""A ticket's instance is moved to another version of the shipped procedure before every step: the ticket goes on as if nothing had been."""

from __future__ import annotations

import sqlalchemy as sa

from engine.api import Actor
from engine.definitions import Procedure
from service.drafts import actions as drafts
from service.drafts.models import Draft
from tests.chaos.checker import check
from tests.people import Story
from tests.service.tickets.test_undoing import LIFE

WANG = Actor("wang")


def edition(app, key: str, number: int) -> str:
    """Another edition of a procedure in force: the same diagram, tables and forms, other English texts."""
    with app.engine.unit() as unit:
        procedure = app.engine.catalogue.in_force(unit.connection, key).procedure
        changed = Procedure.from_files(procedure.files | {"control-sheet.yaml": procedure.files["control-sheet.yaml"] + b"\n# %d\n" % number}, key)
        app.engine.catalogue.put(unit.connection, changed, unit.now, "wang")
    return changed.hash


def stored(app, table, root: str) -> list:
    with app.database.connect() as connection:
        return sorted(map(repr, connection.execute(sa.select(*(c for c in table.columns if c.name != "definition_hash")).where(
            table.c.root_id == root))))


def test_a_ticket_goes_its_whole_way_though_its_instance_is_moved_before_every_step(centre, clock):
    """B12, B14: limits, drafts, claims and the ticket's own rows stay; the tables tell one true story throughout."""
    from engine.tables import timer, user_task
    story = Story(centre)
    number = story.register()
    root = story.card("lin", number).ticket.instance_id
    for n, (username, element, values) in enumerate(LIFE):
        target, before = edition(centre, "customer-request", n), [stored(centre, table, root) for table in (timer, user_task)]
        drafts.save(centre, story.person(username), f"task {n}", {"note": ["写了一半"]})
        kept = draft(centre)
        for step in ("dry", "move", "back", "move"):
            if step == "back":
                centre.engine.unmigrate(root, actor=WANG, reason="等等")
            else:
                moved, = centre.engine.migrate([root], target, actor=WANG, reason="新版", dry_run=step == "dry")
                assert moved.outcome == "moved", moved.why
        assert check(centre.database) == [], element
        assert [stored(centre, table, root) for table in (timer, user_task)] == before and draft(centre) == kept
        story.complete(username, element, values, number)
    assert story.card("lin", number).ticket.state == "closed"
    assert centre.engine.verify() == [] and check(centre.database) == []


def draft(app) -> list:
    with app.database.connect() as connection:
        return sorted(map(repr, connection.execute(sa.select(Draft.__table__))))
