"""Buffered messages, signals, start timers, and variables of sub-processes and multi-instance turns."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("process_instance", sa.Column("scopes", sa.LargeBinary(), nullable=True))
    op.add_column("subscription", sa.Column("kind", sa.String(12), nullable=False, server_default="message"))
    with op.batch_alter_table("timer") as batch:
        batch.alter_column("repeat", existing_type=sa.String(40), type_=sa.String(200))
    op.create_table(
        "buffered_message",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer()),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("correlation_key", sa.String(100), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("subscription_id", sa.String(32)),
        sa.Column("start_key", sa.String(64)),
        sa.Column("start_element", sa.String(64)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("retry_at", Instant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buffered_message")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_buffered_message_expires_at"), "buffered_message", ["expires_at"])
    op.create_index("ix_buffered_message_name", "buffered_message", ["name", "correlation_key"])
    op.create_table(
        "start_timer",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("process_key", sa.String(64), nullable=False),
        sa.Column("definition_hash", sa.String(64), nullable=False),
        sa.Column("element_id", sa.String(64), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer()),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("repeat", sa.String(200)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", Instant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_timer")),
        sqlite_with_rowid=False,
    )
    armed = sa.text("state = 'armed'")
    op.create_index("ix_start_timer_due", "start_timer", ["due_at"], sqlite_where=armed, postgresql_where=armed)


def downgrade() -> None:
    op.drop_table("start_timer")
    op.drop_table("buffered_message")
    op.drop_column("subscription", "kind")
    op.drop_column("process_instance", "scopes")
