"""What contracts promise, and which limits are a promise's."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contract_promise",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=24), nullable=True),
        sa.Column("urgency", sa.String(length=24), nullable=True),
        sa.Column("response_minutes", sa.Integer(), nullable=True),
        sa.Column("arrival_minutes", sa.Integer(), nullable=True),
        sa.Column("resolution_minutes", sa.Integer(), nullable=True),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_contract_promise_centre_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_contract_promise_unit_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contract_promise_customer_id")),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["contract_promise.id"], name=op.f("fk_contract_promise_replaces_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_promise")),
    )
    op.create_index("ix_contract_promise_centre", "contract_promise", ["centre_id", "ended_at"], unique=False)
    op.add_column("target", sa.Column("table_minutes", sa.Integer(), nullable=True))
    op.add_column("target", sa.Column("promise_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("target", "promise_id")
    op.drop_column("target", "table_minutes")
    op.drop_index("ix_contract_promise_centre", table_name="contract_promise")
    op.drop_table("contract_promise")
