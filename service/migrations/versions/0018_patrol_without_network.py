"""What a phone sent for a floor is known by its hash, and how far its clock was off is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("patrol_submission", sa.Column("sha256", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("patrol_visit", sa.Column("clock_offset_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("patrol_visit", "clock_offset_seconds")
    op.drop_column("patrol_submission", "sha256")
