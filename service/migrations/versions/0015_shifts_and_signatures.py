"""Signatures; posts with their roster, goods and handovers, the check before going home, leaving the post."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift_ends_at", Instant(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("late_told_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_day_check_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_check")),
        sa.UniqueConstraint("number", name=op.f("uq_day_check_number")),
    )
    op.create_index(op.f("ix_day_check_instance_id"), "day_check", ["instance_id"], unique=False)
    op.create_index("ix_day_check_list", "day_check", ["centre_id", "day"], unique=False)
    op.create_table(
        "handover_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("shift", sa.String(length=24), nullable=False),
        sa.Column("outgoing", sa.String(length=100), nullable=False),
        sa.Column("incoming", sa.String(length=100), nullable=False),
        sa.Column("unfinished", sa.Text(), nullable=False),
        sa.Column("to_follow", sa.Text(), nullable=False),
        sa.Column("goods", sa.Text(), nullable=False),
        sa.Column("matters", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("out_hash", sa.String(length=64), nullable=False),
        sa.Column("in_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_handover_record_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_record")),
        sa.UniqueConstraint("number", name=op.f("uq_handover_record_number")),
    )
    op.create_index("ix_handover_record_list", "handover_record", ["centre_id", "day"], unique=False)
    op.create_table(
        "leave_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("back_due_at", Instant(), nullable=False),
        sa.Column("cover", sa.String(length=64), nullable=True),
        sa.Column("named_by", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.Column("back_at", Instant(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("substitute_id", sa.Integer(), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_leave_post_centre_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["substitute.id"], name=op.f("fk_leave_post_substitute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_post")),
        sa.UniqueConstraint("number", name=op.f("uq_leave_post_number")),
    )
    op.create_index(op.f("ix_leave_post_instance_id"), "leave_post", ["instance_id"], unique=False)
    op.create_index("ix_leave_post_list", "leave_post", ["centre_id", "state"], unique=False)
    op.create_index("ix_leave_post_person", "leave_post", ["person", "state"], unique=False)
    op.create_table(
        "post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_post_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("centre_id", "name", name=op.f("uq_post_centre_id_name")),
    )
    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("meaning", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.Column("spent_on", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_signature_centre_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["signature.id"], name=op.f("fk_signature_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("subject", "meaning", "version", name=op.f("uq_signature_subject_meaning_version")),
    )
    op.create_table(
        "day_check_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=24), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_day_check_item_centre_id")),
        sa.ForeignKeyConstraint(["check_id"], ["day_check.id"], name=op.f("fk_day_check_item_check_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_check_item")),
        sa.UniqueConstraint("check_id", "kind", "key", name=op.f("uq_day_check_item_check_id_kind_key")),
    )
    op.create_table(
        "goods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("measure", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_goods_centre_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_goods_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods")),
        sa.UniqueConstraint("post_id", "name", name=op.f("uq_goods_post_id_name")),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("post_name", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift", sa.String(length=24), nullable=False),
        sa.Column("outgoing", sa.String(length=64), nullable=False),
        sa.Column("incoming", sa.String(length=64), nullable=False),
        sa.Column("shift_ends_at", Instant(), nullable=False),
        sa.Column("sign_due_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("matters", sa.Text(), nullable=False),
        sa.Column("back_count", sa.Integer(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("settlement", sa.Text(), nullable=False),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("given_at", Instant(), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("out_signature_id", sa.Integer(), nullable=True),
        sa.Column("in_signature_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_handover_centre_id")),
        sa.ForeignKeyConstraint(["in_signature_id"], ["signature.id"], name=op.f("fk_handover_in_signature_id")),
        sa.ForeignKeyConstraint(["out_signature_id"], ["signature.id"], name=op.f("fk_handover_out_signature_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_handover_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("number", name=op.f("uq_handover_number")),
    )
    op.create_index(op.f("ix_handover_instance_id"), "handover", ["instance_id"], unique=False)
    op.create_index("ix_handover_list", "handover", ["centre_id", "opened_at"], unique=False)
    op.create_index(
        "uq_handover_running",
        "handover",
        ["post_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "responsibility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("from_at", Instant(), nullable=False),
        sa.Column("until_at", Instant(), nullable=True),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_responsibility_centre_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_responsibility_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responsibility")),
    )
    op.create_index("ix_responsibility_post", "responsibility", ["post_id", "from_at"], unique=False)
    op.create_index(
        "uq_responsibility_now",
        "responsibility",
        ["post_id"],
        unique=True,
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.create_table(
        "roster_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift", sa.String(length=24), nullable=False),
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_roster_entry_centre_id")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_roster_entry_duty_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_roster_entry_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_entry")),
        sa.UniqueConstraint("duty_id", name=op.f("uq_roster_entry_duty_id")),
        sa.UniqueConstraint("post_id", "day", "shift", name=op.f("uq_roster_entry_post_id_day_shift")),
    )
    op.create_index("ix_roster_entry_day", "roster_entry", ["centre_id", "day"], unique=False)
    op.create_table(
        "handover_goods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("goods_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("measure", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted_out", sa.Integer(), nullable=True),
        sa.Column("counted_in", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_handover_goods_centre_id")),
        sa.ForeignKeyConstraint(["goods_id"], ["goods.id"], name=op.f("fk_handover_goods_goods_id")),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_handover_goods_handover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_goods")),
        sa.UniqueConstraint("handover_id", "goods_id", name=op.f("uq_handover_goods_handover_id_goods_id")),
    )
    op.create_table(
        "handover_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("handover_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("where", sa.String(length=120), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("ticked", sa.Boolean(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_handover_item_centre_id")),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_handover_item_handover_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_item")),
        sa.UniqueConstraint("handover_id", "kind", "key", name=op.f("uq_handover_item_handover_id_kind_key")),
    )
    op.create_table(
        "shift_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("handover_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_shift_note_centre_id")),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_shift_note_handover_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_shift_note_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_note")),
    )
    op.create_index("ix_shift_note_post", "shift_note", ["post_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_shift_note_post", table_name="shift_note")
    op.drop_table("shift_note")
    op.drop_table("handover_item")
    op.drop_table("handover_goods")
    op.drop_index("ix_roster_entry_day", table_name="roster_entry")
    op.drop_table("roster_entry")
    op.drop_index(
        "uq_responsibility_now",
        table_name="responsibility",
        sqlite_where=sa.text("until_at IS NULL"),
        postgresql_where=sa.text("until_at IS NULL"),
    )
    op.drop_index("ix_responsibility_post", table_name="responsibility")
    op.drop_table("responsibility")
    op.drop_index(
        "uq_handover_running",
        table_name="handover",
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.drop_index("ix_handover_list", table_name="handover")
    op.drop_index(op.f("ix_handover_instance_id"), table_name="handover")
    op.drop_table("handover")
    op.drop_table("goods")
    op.drop_table("day_check_item")
    op.drop_table("signature")
    op.drop_table("post")
    op.drop_index("ix_leave_post_person", table_name="leave_post")
    op.drop_index("ix_leave_post_list", table_name="leave_post")
    op.drop_index(op.f("ix_leave_post_instance_id"), table_name="leave_post")
    op.drop_table("leave_post")
    op.drop_index("ix_handover_record_list", table_name="handover_record")
    op.drop_table("handover_record")
    op.drop_index("ix_day_check_list", table_name="day_check")
    op.drop_index(op.f("ix_day_check_instance_id"), table_name="day_check")
    op.drop_table("day_check")
