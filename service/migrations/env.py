"""Alembic's entry: runs the schema steps on the connection that `service.db.upgrade` hands over."""

from alembic import context

from service.db import Base, import_models

import_models()
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
