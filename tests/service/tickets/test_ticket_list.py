"""The list of tickets: its order, its pages, and that its costs do not grow with what it leaves out."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa

from engine.sql import observers
from service.tickets import queries
from service.tickets.models import Ticket, TicketState
from tests.service.search import crowd


def numbers(page: queries.TicketList) -> list[str]:
    return [ticket.number for ticket in page.tickets]


@pytest.fixture
def fill(story):
    """`fill(response_due_at=..., ...)` writes one more open ticket of Lin's centre and gives its number."""
    ids = iter(range(1000, 2000))

    def write(**columns) -> str:
        id = next(ids)
        empty = dict.fromkeys(c.name for c in Ticket.__table__.c if c.nullable)
        row = empty | crowd.ticket(id, f"2025-{id}", story.world.centre_id, "走廊灯不亮", state=TicketState.IN_HAND, closed_at=None)
        with story.app.database.begin() as connection:
            connection.execute(sa.insert(Ticket.__table__), row | columns)
        return row["number"]

    return write


def test_the_nearest_limit_that_is_not_met_comes_first(story, fill):
    at = story.app.clock.now()
    late = fill(resolution_due_at=at + timedelta(hours=3))
    met = fill(response_due_at=at - timedelta(hours=1), response_met_at=at, resolution_due_at=at + timedelta(hours=2))
    none = fill()
    over = fill(response_due_at=at - timedelta(minutes=5), resolution_due_at=at + timedelta(days=1))
    twin = fill(return_visit_due_at=at + timedelta(hours=2))
    with story.as_person("lin") as lin:
        assert numbers(queries.ticket_list(lin)) == [over, met, twin, late, none], "of two due at once, the older first"


def test_what_is_closed_stands_only_in_the_list_of_all_and_there_the_newest_is_first(story, fill):
    at = story.app.clock.now()
    closed = fill(state=TicketState.CLOSED, closed_at=at)
    first, second = fill(response_due_at=at), fill(response_due_at=at - timedelta(hours=1))
    merged = fill(state=TicketState.MERGED, closed_at=at)
    with story.as_person("lin") as lin:
        assert numbers(queries.ticket_list(lin)) == [second, first]
        assert numbers(queries.ticket_list(lin, everything=True)) == [second, first, closed], f"{merged} is its parent's"


def test_the_pages_hold_every_ticket_once(story, fill):
    at = story.app.clock.now()
    written = [fill(response_due_at=at + timedelta(minutes=n % 3)) for n in range(7)]
    with story.as_person("lin") as lin:
        pages = [queries.ticket_list(lin, page=n, limit=3) for n in (1, 2, 3)]
        assert [page.more for page in pages] == [True, True, False]
        assert sorted(number for page in pages for number in numbers(page)) == written
        assert not queries.ticket_list(lin, page=4, limit=3).tickets


def test_a_row_says_where_from_whom_and_whose(story):
    number = story.register()
    with story.as_person("lin") as lin:
        (row,) = queries.ticket_list(lin).tickets
        card = queries.ticket_card(lin, number)
        assert (row.unit_code, row.customer_name, row.owner) == (card.unit.code, card.customer.name, "lin")
        assert row.response_due_at == card.ticket.response_due_at and row.state is TicketState.REGISTERED


@pytest.mark.parametrize("everything", [False, True])
def test_the_database_reads_the_rows_in_the_order_of_the_list_and_sorts_nothing(story, database_kind, everything):
    """So a page of fifty costs the same among a hundred and among a hundred thousand."""
    asked = []
    with story.as_person("lin") as lin:
        observers.append(asked.append)
        queries.ticket_list(lin, everything)
        observers.remove(asked.append)
        connection = sa.orm.object_session(lin).connection()
        plan = _plan(connection, asked[-1], database_kind)
    assert "sort" not in plan.lower() and "temp b-tree" not in plan.lower(), plan
    assert everything or "ix_ticket_next_due" in plan


def _plan(connection: sa.Connection, statement: str, database_kind: str) -> str:
    """How the database would do it with many tickets; of few PostgreSQL would rather sort."""
    if database_kind == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple([1] * statement.count("?")))
        return "\n".join(row[3] for row in rows)
    for name in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
        connection.exec_driver_sql(f"SET LOCAL {name} = off")
    places = count(1)
    asked = re.sub(r"%\(\w+\)s", lambda _: f"${next(places)}", statement).replace("%%", "%")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE listed AS {asked}")
    nothing = ", ".join(["NULL"] * (next(places) - 1))
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN EXECUTE listed({nothing})"))
