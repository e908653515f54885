"""The engine's tables, as SQLAlchemy Core. The domain adds its own to the same `metadata`.

Every table that people list leads with the centre, so that a distributed database can be split by it. The token state of an
instance is one compact blob and holds neither variables nor history. Surprise: there are no foreign keys between engine rows
that one step writes together; the step's transaction and the table checker keep them true, and inserts stay cheap.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(naming_convention={
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"})

# SQLite keeps a table with a text key twice, rows and key apart, unless told to keep one tree: a step then writes half the pages.
ONE_TREE = {"sqlite_with_rowid": False}

BigId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts only INTEGER keys by itself


class Instant(TypeDecorator):
    """An aware instant in UTC. PostgreSQL: timestamptz; SQLite: text that sorts like time, '2026-11-20T09:45:00.000000Z'."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value, dialect):
        return _stored_text(value) if dialect.name == "sqlite" else _stored(value)

    def process_result_value(self, value, dialect):
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)

    def bind_processor(self, dialect):
        """The conversion itself: what wraps it costs more than it does, and a step binds twenty instants."""
        return _stored_text if dialect.name == "sqlite" else _stored

    def result_processor(self, dialect, coltype):
        return _read_text if dialect.name == "sqlite" else lambda value: self.process_result_value(value, dialect)


def _stored(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone; instants are stored in UTC")
    return value.astimezone(UTC)


def _stored_text(value: datetime | None) -> str | None:
    return None if value is None else instant_text(value)


def _read_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


@lru_cache(1024)
def instant_text(value: datetime) -> str:
    """The text form of an instant that sorts like time. A step writes its own instant into every row."""
    return _stored(value).isoformat(timespec="microseconds")[:26] + "Z"


process_definition = Table(
    "process_definition", metadata,
    Column("hash", String(64), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("files", LargeBinary, nullable=False),  # JSON: name -> base64 of the content
    Column("in_force", Boolean, nullable=False),  # the version that new instances start on
    Column("deployed_at", Instant, nullable=False),
    Column("deployed_by", String(64), nullable=False),
    UniqueConstraint("key", "version"),
)

process_instance = Table(
    "process_instance", metadata,
    Column("id", String(32), primary_key=True),
    Column("root_id", String(32), nullable=False, index=True),
    Column("parent_id", String(32)),
    Column("parent_token", String(32)),  # the token of the call activity that waits for this instance
    Column("centre_id", Integer, nullable=False),
    Column("building_id", Integer),
    Column("process_key", String(64), nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("business_key", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # running | ended | cancelled
    Column("version", Integer, nullable=False),
    Column("tokens", LargeBinary, nullable=False),
    Column("variables", LargeBinary, nullable=False),
    Column("scopes", LargeBinary),  # JSON: token -> variables of its own (sub-process with inputs, turn of a multi-instance)
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # the root carries the chain of the whole family
    Column("chain_seq", Integer, nullable=False),
    Column("chain_hash", String(64), nullable=False),
    Index("ix_process_instance_business", "centre_id", "business_key"),
    **ONE_TREE,
)

user_task = Table(
    "user_task", metadata,
    Column("id", String(32), primary_key=True),  # the token's id
    Column("instance_id", String(32), nullable=False),
    Column("root_id", String(32), nullable=False, index=True),
    Column("centre_id", Integer, nullable=False),
    Column("building_id", Integer),
    Column("business_key", String(64), nullable=False),
    Column("process_key", String(64), nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("element_id", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("form", String(64)),
    Column("clause", String(64)),
    Column("groups", String(400), nullable=False),  # '|specialist|supervisor|'
    Column("assignee", String(64)),
    Column("due_at", Instant),
    Column("follow_up_at", Instant),
    Column("priority", Integer, nullable=False),
    Column("state", String(12), nullable=False),  # open | completed | cancelled
    Column("version", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String(64)),
    Column("ended_how", String(64)),  # completed, or the element that cancelled it
    Index("ix_user_task_open", "centre_id", "due_at", sqlite_where=text("state = 'open'"),
          postgresql_where=text("state = 'open'")),
    **ONE_TREE,
)

timer = Table(
    "timer", metadata,
    Column("id", String(32), primary_key=True),  # the waiting token's id
    Column("instance_id", String(32), nullable=False),
    Column("root_id", String(32), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("element_id", String(64), nullable=False),
    Column("target", String(64)),  # the element whose deadline this is
    Column("due_at", Instant, nullable=False),
    Column("repeat", String(200)),  # what is left of a cycle: '2|first turn|R3/PT1H'; see engine.timers
    Column("state", String(12), nullable=False),  # armed | fired | cancelled
    Column("armed_at", Instant, nullable=False),
    Column("fired_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),
    Index("ix_timer_due", "due_at", sqlite_where=text("state = 'armed'"), postgresql_where=text("state = 'armed'")),
    Index("ix_timer_armed", "root_id", sqlite_where=text("state = 'armed'"), postgresql_where=text("state = 'armed'")),
    **ONE_TREE,
)

subscription = Table(
    "subscription", metadata,
    Column("id", String(32), primary_key=True),  # the waiting token's id
    Column("instance_id", String(32), nullable=False),
    Column("root_id", String(32), nullable=False, index=True),
    Column("centre_id", Integer, nullable=False),
    Column("element_id", String(64), nullable=False),
    Column("kind", String(12), nullable=False, server_default="message"),  # message | signal
    Column("message", String(100), nullable=False),  # name of the message or signal
    Column("correlation_key", String(100), nullable=False),
    Index("ix_subscription_message", "message", "correlation_key"),
)

# Messages that nobody has waited for yet, and what was thrown to other families in a step; see engine.messages.
buffered_message = Table(
    "buffered_message", metadata,
    Column("id", String(32), primary_key=True),
    Column("centre_id", Integer, nullable=False),
    Column("building_id", Integer),
    Column("kind", String(12), nullable=False),  # message | signal
    Column("name", String(100), nullable=False),
    Column("correlation_key", String(100), nullable=False),
    Column("variables", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("subscription_id", String(32)),  # a signal to one waiting event
    Column("start_key", String(64)),  # a signal that starts a procedure
    Column("start_element", String(64)),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),
    Index("ix_buffered_message_name", "name", "correlation_key"),
    **ONE_TREE,
)

# Procedures that begin by themselves; see engine.starting.
start_timer = Table(
    "start_timer", metadata,
    Column("id", String(32), primary_key=True),
    Column("process_key", String(64), nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("element_id", String(64), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("building_id", Integer),
    Column("due_at", Instant, nullable=False),
    Column("repeat", String(200)),
    Column("state", String(12), nullable=False),  # armed | unarmed (its instant could not be computed; tried again) | fired
    Column("missed", Integer, nullable=False),  # turns that no clock lived to see
    Column("tries", Integer, nullable=False, server_default="0"),  # that failed since it is due
    Column("retry_at", Instant),
    Index("ix_start_timer_due", "due_at", sqlite_where=text("state = 'armed'"), postgresql_where=text("state = 'armed'")),
    **ONE_TREE,
)

trace_event = Table(
    "trace_event", metadata,
    Column("root_id", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("instance_id", String(32), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("element_id", String(64)),
    Column("actor", String(64)),
    Column("body", Text, nullable=False),  # canonical JSON: what is hashed
    Column("personal", Text),  # JSON of personal values; the body holds their salted digest only
    Column("hash", String(64), nullable=False),
)  # not one tree: events are added behind the others, which costs half the pages of adding them in the middle

incident = Table(
    "incident", metadata,
    Column("id", String(32), primary_key=True),
    Column("root_id", String(32), nullable=False, index=True),
    Column("instance_id", String(32), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("element_id", String(64)),
    Column("timer_id", String(32)),  # what waits for its next try: a timer, a start timer or a message
    Column("kind", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("command", Text, nullable=False),  # JSON: what was asked, so that it can be asked again
    Column("tries", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("resolved_by", String(64)),
    Column("note", Text),  # how it was resolved, where there is no trace to tell it
)

command = Table(
    "command", metadata,
    Column("request_id", String(64), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("result", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# Completed tasks that may still be undone, each with the state before it. The domain drops them when their time is over.
step_undo = Table(
    "step_undo", metadata,
    Column("task_id", String(32), primary_key=True),
    Column("root_id", String(32), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("instance_id", String(32), nullable=False),
    Column("process_key", String(64), nullable=False),
    Column("element_id", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("business_key", String(64), nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until_at", Instant, nullable=False),
    Column("first_seq", Integer, nullable=False),  # the step's events
    Column("seq", Integer, nullable=False),
    Column("request_id", String(64)),
    Column("before", Text, nullable=False),  # JSON: the rows before the step; see engine.undo
    Column("after", Text, nullable=False),  # JSON: the domain's rows after it
    Index("ix_step_undo_actor", "actor", "until_at"),
)

# Instances that were moved to another version, each with the rows before it; kept for good. See engine.commands.migrate.
instance_migration = Table(
    "instance_migration", metadata,
    Column("id", String(32), primary_key=True),
    Column("root_id", String(32), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("instance_id", String(32), nullable=False, index=True),
    Column("process_key", String(64), nullable=False),
    Column("from_hash", String(64), nullable=False),
    Column("to_hash", String(64), nullable=False),
    Column("mapping", Text, nullable=False),  # JSON: old element -> new one
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("first_seq", Integer, nullable=False),  # the move's events
    Column("seq", Integer, nullable=False),
    Column("before", Text, nullable=False),  # JSON: what the move changed, as it was
    Column("undone_at", Instant),
    Column("undone_by", String(64)),
    Index("ix_instance_migration_root", "root_id", "seq"),
)

outbox = Table(
    "outbox", metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("centre_id", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("error", Text),
    Index("ix_outbox_due", "not_before_at", sqlite_where=text("sent_at is null"),
          postgresql_where=text("sent_at is null")),
)
