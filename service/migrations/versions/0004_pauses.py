"""Pauses of a ticket's handling, and when the customer named a deadline."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("until_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_ticket_pause_centre_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_pause_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_pause")),
    )
    op.create_index("ix_ticket_pause_ticket", "ticket_pause", ["ticket_id", "started_at"], unique=False)
    op.add_column("ticket", sa.Column("paused_at", Instant(), nullable=True))
    op.add_column("ticket", sa.Column("deadline_named_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("ticket", "deadline_named_at")
    op.drop_column("ticket", "paused_at")
    op.drop_index("ix_ticket_pause_ticket", table_name="ticket_pause")
    op.drop_table("ticket_pause")
