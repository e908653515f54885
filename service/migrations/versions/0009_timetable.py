"""The timetable: what is to start by itself, and how far each centre is planned."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planned_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("late_seconds", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("retry_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_planned_run_centre_id")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_planned_run_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_run")),
        sa.UniqueConstraint("centre_id", "kind", "key", "due_at", name=op.f("uq_planned_run_centre_id_kind_key_due_at")),
    )
    op.create_index("ix_planned_run_due", "planned_run", ["state", "due_at"], unique=False)
    op.create_index("ix_planned_run_instance_id", "planned_run", ["instance_id"], unique=False)
    op.create_table(
        "planned_until",
        sa.Column("centre_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_planned_until_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", name=op.f("pk_planned_until")),
    )


def downgrade() -> None:
    op.drop_table("planned_until")
    op.drop_table("planned_run")
