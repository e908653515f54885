"""Alembic's entry: runs the schema steps on the connection that `service.db.upgrade` hands over."""

import sqlalchemy as sa
from alembic import context

from engine.tables import BigId, Instant
from service.db import Base, import_models


def render_item(kind, item, autogen_context):
    """How our own column types are written into a new step: by what the database sees, so that old steps never
    change.
    """
    if kind == "type" and isinstance(item, Instant):
        autogen_context.imports.add("from engine.tables import Instant")
        return "Instant()"
    if kind == "type" and item is BigId:
        autogen_context.imports.add("from engine.tables import BigId")
        return "BigId"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    return False


import_models()
connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
