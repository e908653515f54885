"""Duty rounds with their timetable and notices, checks of workplaces."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "round_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("from_time", sa.String(length=5), nullable=False),
        sa.Column("until_time", sa.String(length=5), nullable=False),
        sa.Column("every_minutes", sa.Integer(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("grace_minutes", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_round_item_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_item")),
        sa.UniqueConstraint("centre_id", "name", name=op.f("uq_round_item_centre_id_name")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("ticked_by", sa.String(length=64), nullable=True),
        sa.Column("ticked_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_round_centre_id")),
        sa.ForeignKeyConstraint(["item_id"], ["round_item.id"], name=op.f("fk_round_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("number", name=op.f("uq_round_number")),
    )
    op.create_index("ix_round_day", "round", ["centre_id", "starts_at"], unique=False)
    op.create_index(op.f("ix_round_instance_id"), "round", ["instance_id"], unique=False)
    op.create_table(
        "round_filing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("before_from", sa.String(length=5), nullable=False),
        sa.Column("before_until", sa.String(length=5), nullable=False),
        sa.Column("after_from", sa.String(length=5), nullable=False),
        sa.Column("after_until", sa.String(length=5), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("filed_by", sa.String(length=64), nullable=False),
        sa.Column("filed_at", Instant(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_round_filing_centre_id")),
        sa.ForeignKeyConstraint(["item_id"], ["round_item.id"], name=op.f("fk_round_filing_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_filing")),
        sa.UniqueConstraint("number", name=op.f("uq_round_filing_number")),
    )
    op.create_index(op.f("ix_round_filing_instance_id"), "round_filing", ["instance_id"], unique=False)
    op.create_index("ix_round_filing_item", "round_filing", ["item_id", "state"], unique=False)
    op.create_table(
        "workplace_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("area_name", sa.String(length=100), nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("checked_by", sa.String(length=64), nullable=True),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_workplace_check_area_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_workplace_check_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workplace_check")),
        sa.UniqueConstraint("area_id", "week_on", name=op.f("uq_workplace_check_area_id_week_on")),
        sa.UniqueConstraint("number", name=op.f("uq_workplace_check_number")),
    )
    op.create_index("ix_workplace_check_centre", "workplace_check", ["centre_id", "week_on"], unique=False)
    op.create_index(op.f("ix_workplace_check_instance_id"), "workplace_check", ["instance_id"], unique=False)


def downgrade() -> None:
    for name in ("workplace_check", "round_filing", "round", "round_item"):
        op.drop_table(name)
