"""Search for many tickets: pieces in the order of their tickets, the plain text beside them; all keys are made anew."""

import orjson
import sqlalchemy as sa
from alembic import op

from service.organisation.rules import unit_shorthand
from service.search import rules

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
CHUNK = 500


def bytewise(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.drop_table("search_key")
    op.create_table(
        "search_key",
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", bytewise(240), nullable=False),
        sa.Column("thing", sa.String(length=24), nullable=False),
        sa.Column("thing_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_search_key_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "kind", "key", "thing", "thing_id", name=op.f("pk_search_key")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_key_thing", "search_key", ["thing_id", "thing"], unique=False)
    op.create_table(
        "search_piece",
        sa.Column("centre_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("piece", bytewise(24), nullable=False),
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("centre_id", "piece", "ticket_id", name=op.f("pk_search_piece")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_text",
        sa.Column("ticket_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_search_text_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_search_text")),
    )
    there = sa.text("assignee IS NOT NULL")
    op.create_index(
        "ix_user_task_assignee",
        "user_task",
        ["assignee", "centre_id", "business_key"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )
    connection = op.get_bind()
    index_units(connection)
    index_names(connection)
    index_tickets(connection)


def index_units(connection) -> None:
    units = connection.execute(sa.text("select id, centre_id, code from unit")).all()
    put_keys(
        connection,
        "unit",
        [(c, id, "code", unit_shorthand(part)) for id, c, code in units for part in (code, code.split("-", 1)[-1])],
    )


def index_names(connection) -> None:
    for thing in ("customer", "contact"):
        rows = connection.execute(sa.text(f"select id, centre_id, name from {thing}")).all()
        keys = [(c, id, "text", key) for id, c, name in rows for key in rules.text_keys(name)]
        put_keys(connection, thing, keys + [(c, id, "pinyin", rules.pinyin_key(name)) for id, c, name in rows])
    phones = connection.execute(sa.text("select contact_id, centre_id, digits from contact_phone")).all()
    tails = [(c, id, "tail", rules.tail_key(digits)) for id, c, digits in phones]
    put_keys(connection, "contact", tails + [(c, id, "code", digits) for id, c, digits in phones])


def put_keys(connection, thing: str, keys: list[tuple]) -> None:
    insert = sa.text(
        "insert into search_key (centre_id, kind, key, thing, thing_id) values (:centre, :kind, :key, :thing, :id)"
    )
    rows = [
        {"centre": centre, "kind": kind, "key": key, "thing": thing, "id": id}
        for centre, id, kind, key in sorted(set(keys))
        if key
    ]
    for start in range(0, len(rows), CHUNK):
        connection.execute(insert, rows[start : start + CHUNK])


def index_tickets(connection) -> None:
    """The words of a ticket: what was wanted, what came of it, and every note."""
    last = 0
    while chunk := connection.execute(
        sa.text(
            "select id, centre_id, number, title, request, result from ticket where id > :last order by id limit :chunk"
        ),
        {"last": last, "chunk": CHUNK},
    ).all():
        first, last = chunk[0].id, chunk[-1].id
        texts = {t.id: [f"{t.title} {t.request}", t.result] for t in chunk}
        for table in ("slip", "ticket_note"):
            words = {"slip": "result", "ticket_note": "text"}[table]
            rows = connection.execute(
                sa.text(f"select ticket_id, {words} from {table} where ticket_id between :first and :last order by id"),
                {"first": first, "last": last},
            )
            for ticket_id, text in rows:
                texts[ticket_id].append(text)
        put_texts(connection, chunk, {id: list(dict.fromkeys(filter(None, found))) for id, found in texts.items()})


def put_texts(connection, tickets, texts: dict[int, list[str]]) -> None:
    plain = [{"id": t.id, "centre": t.centre_id, "text": "\n".join(map(rules.plain, texts[t.id]))} for t in tickets]
    connection.execute(
        sa.text("insert into search_text (ticket_id, centre_id, text) values (:id, :centre, :text)"), plain
    )
    pieces = [
        {"centre": t.centre_id, "piece": piece, "id": t.id}
        for t in tickets
        for piece in sorted(rules.number_keys(t.number).union(*map(rules.pieces, texts[t.id])))
    ]
    each = "json_each(:rows)" if connection.dialect.name == "sqlite" else "json_array_elements(cast(:rows as json))"
    value = "json_extract(value, '$.{0}')" if connection.dialect.name == "sqlite" else "value ->> '{0}'"
    connection.execute(
        sa.text(
            "insert into search_piece (centre_id, piece, ticket_id) select "
            f"cast({value.format('centre')} as integer), {value.format('piece')},"
            f" cast({value.format('id')} as integer) from {each}"
        ),
        {"rows": orjson.dumps(pieces).decode()},
    )


def downgrade() -> None:
    op.drop_index("ix_user_task_assignee", table_name="user_task")
    op.drop_table("search_text")
    op.drop_table("search_piece")
    op.drop_table("search_key")
    op.create_table(
        "search_key",
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("thing", sa.String(length=24), nullable=False),
        sa.Column("thing_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_search_key_centre_id")),
        sa.PrimaryKeyConstraint("centre_id", "kind", "key", "thing", "thing_id", name=op.f("pk_search_key")),
    )
    op.create_index("ix_search_key_find", "search_key", ["centre_id", "kind", "key"], unique=False)
    op.create_index("ix_search_key_thing", "search_key", ["thing", "thing_id"], unique=False)
