"""The database: how it is opened, and that the schema steps make exactly what the code expects."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service import db


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_schema_steps_make_what_the_models_say(database):
    """But for the index of an expression, which each database writes in its own way: see test_ticket_list.py."""
    db.import_models()
    options = {"compare_type": True, "include_name": lambda name, *_: name != "ix_ticket_next_due",
               "include_object": lambda _thing, name, *_: name != "ix_ticket_next_due"}  # fmt: skip
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.Base.metadata) == []


def test_upgrading_again_changes_nothing(database):
    before = db.revision_of(database)
    db.upgrade(database)
    assert db.revision_of(database) == before == db.newest_revision()


@pytest.mark.databases("sqlite")
def test_sqlite_writes_ahead_waits_and_keeps_references(tmp_path):
    opened = db.connect(f"sqlite:///{tmp_path / 'new' / 'zhiban.db'}")
    with opened.connect() as connection:
        values = {
            p: connection.exec_driver_sql(f"PRAGMA {p}").scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


@pytest.mark.databases("postgresql")
def test_postgresql_ends_what_hangs_and_compiles_no_query(database):
    with database.connect() as connection:
        values = {
            name: connection.execute(sa.text(f"show {name}")).scalar()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "timezone", "jit")
        }
    assert values == {
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
        "statement_timeout": "10s",
        "timezone": "UTC",
        "jit": "off",
    }


@pytest.mark.databases("postgresql")
def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(database):
    """While it lives nobody asks it for that: its socket says whether something came."""
    with database.connect() as connection:
        first = connection.scalar(BACKEND)
    with database.connect() as connection:
        assert connection.scalar(BACKEND) == first  # it lies in the pool
    other = sa.create_engine(database.url)
    with other.connect() as connection:
        assert connection.scalar(sa.text("select pg_terminate_backend(:pid, 5000)"), {"pid": first})
    other.dispose()
    with database.connect() as connection:
        assert connection.scalar(BACKEND) != first


BACKEND = sa.text("select pg_backend_pid()")


def test_another_database_is_refused_by_name():
    with pytest.raises(ValueError, match="mysql"):
        db.connect("mysql://localhost/x")


def test_rows_that_are_there_are_left_alone(database):
    from service.tickets.models import Counter

    with database.begin() as connection:
        db.insert_or_leave(connection, Counter, [{"name": "a", "value": 1}], ["name"])
        db.insert_or_leave(connection, Counter, [{"name": "a", "value": 2}, {"name": "b", "value": 3}], ["name"])
        assert dict(connection.execute(sa.select(Counter.name, Counter.value)).all()) == {"a": 1, "b": 3}


@pytest.mark.databases("postgresql")
def test_what_the_server_has_prepared_outlives_the_end_of_a_reading(database):
    """Every reading ends with a rollback; a server that then forgets its plans spends half of its time on making them again."""
    for _ in range(10):
        with database.connect() as connection:
            connection.execute(sa.text("select count(*) from person where id = :id"), {"id": 1})
    with database.connect() as connection:
        prepared = connection.execute(sa.text("select statement, generic_plans + custom_plans from pg_prepared_statements")).all()
    assert [runs for statement, runs in prepared if "from person" in statement] == [5], prepared


@pytest.mark.databases("postgresql")
def test_a_rollback_takes_everything_back_also_after_an_error_and_in_a_pipeline(database):
    def insert(connection) -> None:
        connection.execute(sa.text("insert into command (request_id, name, actor, subject, result, at) values ('x', '', '', '', '{}', now())"))

    with database.connect() as connection:
        insert(connection)
        connection.rollback()
        insert(connection)
        with pytest.raises(sa.exc.IntegrityError):
            insert(connection)
        connection.rollback()
        insert(connection)
        with connection.connection.driver_connection.pipeline():
            connection.rollback()
        assert connection.scalar(sa.text("select count(*) from command")) == 0
