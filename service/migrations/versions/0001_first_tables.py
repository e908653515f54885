"""All tables of the first release, the engine's included."""

from alembic import op

from service.db import Base, import_models

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    import_models()
    Base.metadata.create_all(op.get_bind())


def downgrade() -> None:
    import_models()
    Base.metadata.drop_all(op.get_bind())
