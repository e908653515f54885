"""How an incident was resolved, where nothing had begun yet that could tell it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incident", sa.Column("note", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("incident", "note")
