"""Which floor a complaint is about; who was called in from outside for a slip."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("about_floor_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_ticket_about_floor_id"), "floor", ["about_floor_id"], ["id"])
    op.add_column("slip", sa.Column("outsider", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("slip", "outsider")
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(op.f("fk_ticket_about_floor_id"), type_="foreignkey")
        batch.drop_column("about_floor_id")
