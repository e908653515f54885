"""What is kept of an instance that was moved to another version of its procedure."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instance_migration",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("root_id", sa.String(length=32), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("process_key", sa.String(length=64), nullable=False),
        sa.Column("from_hash", sa.String(length=64), nullable=False),
        sa.Column("to_hash", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance_migration")),
    )
    op.create_index(op.f("ix_instance_migration_instance_id"), "instance_migration", ["instance_id"], unique=False)
    op.create_index("ix_instance_migration_root", "instance_migration", ["root_id", "seq"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_instance_migration_root", table_name="instance_migration")
    op.drop_index(op.f("ix_instance_migration_instance_id"), table_name="instance_migration")
    op.drop_table("instance_migration")
