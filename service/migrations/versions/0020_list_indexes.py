"""Indexes of the list of tickets: the open ones by their nearest limit, and who registered what last."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UNMET = [f"CASE WHEN {kind}_met_at IS NULL THEN {kind}_due_at END" for kind in ("response", "arrival", "resolution", "return_visit")]
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        nearest = "min({})".format(", ".join(f"coalesce({unmet}, '9')" for unmet in UNMET))
    else:
        nearest = "least({})".format(", ".join(UNMET))
    op.create_index("ix_ticket_next_due", "ticket", [sa.text(nearest), "id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_ticket_created", "ticket", ["created_by", "registered_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_ticket_created", "ticket")
    op.drop_index("ix_ticket_next_due", "ticket")
