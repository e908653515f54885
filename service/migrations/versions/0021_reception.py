"""The desk's own books: missed calls, visitors, visits to customers."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "missed_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("rang_at", Instant(), nullable=False),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.Column("noted_by", sa.String(length=64), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("called_by", sa.String(length=64), nullable=True),
        sa.Column("called_at", Instant(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("ticket_number", sa.String(length=20), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_missed_call_centre_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_missed_call_contact_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_missed_call_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missed_call")),
        sa.UniqueConstraint("number", name=op.f("uq_missed_call_number")),
    )
    op.create_index("ix_missed_call_list", "missed_call", ["centre_id", "rang_at"], unique=False)
    op.create_index(op.f("ix_missed_call_instance_id"), "missed_call", ["instance_id"], unique=False)
    op.create_table(
        "visitor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("came_at", Instant(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("host", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("id_kind", sa.String(length=24), nullable=False),
        sa.Column("badge", sa.String(length=20), nullable=False),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.Column("left_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_visitor_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitor")),
    )
    op.create_index("ix_visitor_list", "visitor", ["centre_id", "came_at"], unique=False)
    op.create_table(
        "customer_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("visited_at", Instant(), nullable=False),
        sa.Column("contact", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("interview", sa.Text(), nullable=False),
        sa.Column("wishes", sa.Text(), nullable=False),
        sa.Column("visited_by", sa.String(length=64), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_customer_visit_centre_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_customer_visit_unit_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_visit_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_visit")),
    )
    op.create_index("ix_customer_visit_list", "customer_visit", ["centre_id", "visited_at"], unique=False)


def downgrade() -> None:
    for table in ("customer_visit", "visitor", "missed_call"):
        op.drop_table(table)
