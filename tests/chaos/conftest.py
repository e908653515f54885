"""The lived centre, made once per database kind; a test spoils it inside a transaction that is rolled back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest


@pytest.fixture(scope="module")
def lived(copies, centre_template, tmp_path_factory):
    """(the day, ticket numbers by what became of them)"""
    from service import db
    from tests.chaos.lived import Day, live

    url = copies.copy(centre_template)
    database = db.connect(url)
    day = Day(database, datetime(2026, 11, 20, 2, 0, tzinfo=UTC), tmp_path_factory.mktemp("lived"))  # Friday 10:00 in Shanghai
    yield day, live(day)
    database.dispose()
    copies.drop(url)


@pytest.fixture
def spoil(lived):
    """`spoil(sql, ...)` changes rows; the faults that the checker then finds, as text. Nothing stays changed."""
    import sqlalchemy as sa

    from tests.chaos.checker import check

    day, _ = lived
    with day.app.database.connect() as connection:
        def change(*statements: str, asked=None, **values) -> list[str]:
            for statement in statements:
                touched = connection.execute(sa.text(statement), values).rowcount
                assert touched, f"this changed nothing: {statement}"
            return [str(fault) for fault in check(connection, asked=day.asked if asked is None else asked)]

        yield change
        connection.rollback()
