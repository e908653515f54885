"""On SQLite the trace and the answered requests are rows behind each other, with their key beside them: half the pages a step."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("trace_event", "command")


def _rebuild(before: str, after: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    for table in TABLES:
        sql = connection.exec_driver_sql("select sql from sqlite_master where type = 'table' and name = ?", (table,)).scalar_one()
        if not sql.rstrip().upper().endswith(before):
            continue
        op.rename_table(table, f"{table}_before")
        op.execute(sql.rstrip()[: len(sql.rstrip()) - len(before)] + after)
        op.execute(f"insert into {table} select * from {table}_before")
        op.drop_table(f"{table}_before")


def upgrade() -> None:
    _rebuild("WITHOUT ROWID", "")


def downgrade() -> None:
    _rebuild(")", ") WITHOUT ROWID")
