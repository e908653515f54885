"""Patrols, findings, and what numbers that are no tickets are about."""

import sqlalchemy as sa
from alembic import op

from engine.tables import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "subject",
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_subject_centre_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_subject")),
    )
    op.create_table(
        "patrol_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("rhythm", sa.String(length=24), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_patrol_plan_area_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_patrol_plan_centre_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_plan")),
        sa.UniqueConstraint("centre_id", "name", name=op.f("uq_patrol_plan_centre_id_name")),
    )
    op.create_table(
        "patrol",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.String(length=24), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_patrol_area_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_patrol_centre_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["patrol_plan.id"], name=op.f("fk_patrol_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol")),
        sa.UniqueConstraint("number", name=op.f("uq_patrol_number")),
        sa.UniqueConstraint("plan_id", "day", "slot", name=op.f("uq_patrol_plan_id_day_slot")),
    )
    op.create_index("ix_patrol_day", "patrol", ["centre_id", "day"], unique=False)
    op.create_index(op.f("ix_patrol_instance_id"), "patrol", ["instance_id"], unique=False)
    op.create_table(
        "patrol_plan_floor",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("floor_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["floor_id"], ["floor.id"], name=op.f("fk_patrol_plan_floor_floor_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["patrol_plan.id"], name=op.f("fk_patrol_plan_floor_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "floor_id", name=op.f("pk_patrol_plan_floor")),
    )
    op.create_table(
        "patrol_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("floor_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("retired_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_patrol_point_centre_id")),
        sa.ForeignKeyConstraint(["floor_id"], ["floor.id"], name=op.f("fk_patrol_point_floor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_point")),
        sa.UniqueConstraint("code", name=op.f("uq_patrol_point_code")),
    )
    op.create_index("ix_patrol_point_floor", "patrol_point", ["centre_id", "floor_id"], unique=False)
    op.create_table(
        "posting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("floor_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("posted_by", sa.String(length=64), nullable=False),
        sa.Column("posted_at", Instant(), nullable=False),
        sa.Column("taken_down_at", Instant(), nullable=True),
        sa.Column("taken_down_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_posting_centre_id")),
        sa.ForeignKeyConstraint(["floor_id"], ["floor.id"], name=op.f("fk_posting_floor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_floor", "posting", ["centre_id", "floor_id", "taken_down_at"], unique=False)
    op.create_table(
        "patrol_visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("patrol_id", sa.Integer(), nullable=False),
        sa.Column("floor_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("responsible", sa.String(length=64), nullable=True),
        sa.Column("photo_item", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("walked_by", sa.String(length=64), nullable=True),
        sa.Column("opened_at", Instant(), nullable=True),
        sa.Column("scanned_at", Instant(), nullable=True),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("arrived_at", Instant(), nullable=True),
        sa.Column("point_id", sa.Integer(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("submission_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_patrol_visit_building_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_patrol_visit_centre_id")),
        sa.ForeignKeyConstraint(["floor_id"], ["floor.id"], name=op.f("fk_patrol_visit_floor_id")),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrol.id"], name=op.f("fk_patrol_visit_patrol_id")),
        sa.ForeignKeyConstraint(["point_id"], ["patrol_point.id"], name=op.f("fk_patrol_visit_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_visit")),
        sa.UniqueConstraint("patrol_id", "floor_id", name=op.f("uq_patrol_visit_patrol_id_floor_id")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_patrol_visit_submission_id")),
    )
    op.create_index("ix_patrol_visit_floor", "patrol_visit", ["floor_id", "arrived_at"], unique=False)
    op.create_index("ix_patrol_visit_walker", "patrol_visit", ["walked_by", "arrived_at"], unique=False)
    op.create_table(
        "patrol_submission",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("sent_by", sa.String(length=64), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_patrol_submission_centre_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["patrol_visit.id"], name=op.f("fk_patrol_submission_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_submission")),
    )
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer(), nullable=True),
        sa.Column("floor_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("posting_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("group", sa.String(length=24), nullable=False),
        sa.Column("severity", sa.String(length=24), nullable=False),
        sa.Column("department", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reported_by", sa.String(length=64), nullable=False),
        sa.Column("reported_at", Instant(), nullable=False),
        sa.Column("accept_due_at", Instant(), nullable=True),
        sa.Column("fix_due_at", Instant(), nullable=True),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("fixed_at", Instant(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("checked_at", Instant(), nullable=True),
        sa.Column("checked_by", sa.String(length=64), nullable=True),
        sa.Column("back_count", sa.Integer(), nullable=False),
        sa.Column("back_reason", sa.Text(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_finding_building_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_finding_centre_id")),
        sa.ForeignKeyConstraint(["floor_id"], ["floor.id"], name=op.f("fk_finding_floor_id")),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"], name=op.f("fk_finding_posting_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_finding_ticket_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["patrol_visit.id"], name=op.f("fk_finding_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("number", name=op.f("uq_finding_number")),
    )
    op.create_index("ix_finding_floor", "finding", ["floor_id", "reported_at"], unique=False)
    op.create_index(op.f("ix_finding_instance_id"), "finding", ["instance_id"], unique=False)
    op.create_index("ix_finding_list", "finding", ["centre_id", "state", "reported_at"], unique=False)
    op.create_index(op.f("ix_finding_ticket_id"), "finding", ["ticket_id"], unique=False)
    op.create_index(op.f("ix_finding_visit_id"), "finding", ["visit_id"], unique=False)
    op.create_table(
        "finding_photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("centre_id", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_finding_photo_centre_id")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_photo_finding_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["patrol_visit.id"], name=op.f("fk_finding_photo_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_photo")),
        sa.UniqueConstraint("key", name=op.f("uq_finding_photo_key")),
    )
    op.create_index("ix_finding_photo_finding", "finding_photo", ["finding_id"], unique=False)
    op.create_index("ix_finding_photo_source", "finding_photo", ["source_sha256", "taken_by"], unique=False)
    op.create_index("ix_finding_photo_visit", "finding_photo", ["visit_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_finding_photo_visit", table_name="finding_photo")
    op.drop_index("ix_finding_photo_source", table_name="finding_photo")
    op.drop_index("ix_finding_photo_finding", table_name="finding_photo")
    op.drop_table("finding_photo")
    op.drop_index(op.f("ix_finding_visit_id"), table_name="finding")
    op.drop_index(op.f("ix_finding_ticket_id"), table_name="finding")
    op.drop_index("ix_finding_list", table_name="finding")
    op.drop_index(op.f("ix_finding_instance_id"), table_name="finding")
    op.drop_index("ix_finding_floor", table_name="finding")
    op.drop_table("finding")
    op.drop_table("patrol_submission")
    op.drop_index("ix_patrol_visit_walker", table_name="patrol_visit")
    op.drop_index("ix_patrol_visit_floor", table_name="patrol_visit")
    op.drop_table("patrol_visit")
    op.drop_index("ix_posting_floor", table_name="posting")
    op.drop_table("posting")
    op.drop_index("ix_patrol_point_floor", table_name="patrol_point")
    op.drop_table("patrol_point")
    op.drop_table("patrol_plan_floor")
    op.drop_index(op.f("ix_patrol_instance_id"), table_name="patrol")
    op.drop_index("ix_patrol_day", table_name="patrol")
    op.drop_table("patrol")
    op.drop_table("patrol_plan")
    op.drop_table("subject")
