"""Tables of shifts. A post is a place with one responsible person at every instant; the roster says who works it when.

Surprise: who is *responsible* is not who is rostered: `responsibility` moves with the incoming person's signature alone, so a shift
that nobody has taken over stays with whoever had it. The roster's times stand in `duty`, which roles, notices and FEEL read.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base, choice
from service.organisation.models import Duty, Role


class Shift(StrEnum):
    DAY = "day"  # the opening hours; on a closed day 08:30 to 18:00
    NIGHT = "night"  # 18:00 to 08:30 of the next day


class GoodsKind(StrEnum):
    COUNT = "count"  # keys, radios, parcels
    MONEY = "money"  # the cash box; in fen


class HandoverState(StrEnum):
    OPEN = "open"  # the outgoing person works on the list
    GIVEN = "given"  # signed by the outgoing, waits for the incoming
    BACK = "back"  # a difference, back to the outgoing
    SETTLING = "settling"  # a second difference, with the supervisor
    DONE = "done"


RUNNING = (HandoverState.OPEN, HandoverState.GIVEN, HandoverState.BACK, HandoverState.SETTLING)


class ItemKind(StrEnum):
    TICKET = "ticket"
    SLIP = "slip"
    FINDING = "finding"
    PROMISE = "promise"
    NOTE = "note"


class LeaveState(StrEnum):
    ASKED = "asked"  # without cover, so it has not begun
    AWAY = "away"
    BACK = "back"
    REFUSED = "refused"


class CheckAnswer(StrEnum):
    DONE = "done"
    TOLD = "told"  # the department in charge was told
    HANDOVER = "handover"  # handed over to the next shift


class Post(Base):
    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("centre_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    name: Mapped[str] = mapped_column(String(40))
    role: Mapped[Role] = mapped_column(choice(Role))  # as whom its people are on duty
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


class RosterEntry(Base):
    """Who works one shift of one day at a post. Person and times are those of its duty."""

    __tablename__ = "roster_entry"
    __table_args__ = (UniqueConstraint("post_id", "day", "shift"), Index("ix_roster_entry_day", "centre_id", "day"))
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    day: Mapped[date]  # on which the shift begins
    shift: Mapped[Shift] = mapped_column(choice(Shift))
    duty_id: Mapped[int] = mapped_column(ForeignKey("duty.id"), unique=True)
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]
    duty: Mapped[Duty] = relationship()
    post: Mapped[Post] = relationship()


class Responsibility(Base):
    """Who answers for a post from when until when; the present one has no end. One of them has no end, at every instant."""

    __tablename__ = "responsibility"
    __table_args__ = (
        Index(
            "uq_responsibility_now",
            "post_id",
            unique=True,
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        ),
        Index("ix_responsibility_post", "post_id", "from_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    person: Mapped[str] = mapped_column(String(64))
    from_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(120))  # the handover's number, or what a supervisor wrote


class Goods(Base):
    """What is handed over at a post, and how much of it there has to be."""

    __tablename__ = "goods"
    __table_args__ = (UniqueConstraint("post_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    name: Mapped[str] = mapped_column(String(40))
    measure: Mapped[str] = mapped_column(String(8))  # 把, 台, 件
    kind: Mapped[GoodsKind] = mapped_column(choice(GoodsKind), default=GoodsKind.COUNT)
    expected: Mapped[int]  # pieces, or fen
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class ShiftNote(Base):
    """Something that the next shift has to know; stays on the list until a handover has carried it over."""

    __tablename__ = "shift_note"
    __table_args__ = (Index("ix_shift_note_post", "post_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    text: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    handover_id: Mapped[int | None] = mapped_column(ForeignKey("handover.id"))  # that carried it over


class Handover(Base):
    """One shift of one post, from one person to the next."""

    __tablename__ = "handover"
    __table_args__ = (
        Index(
            "uq_handover_running",
            "post_id",
            unique=True,
            sqlite_where=sa.text("state <> 'done'"),
            postgresql_where=sa.text("state <> 'done'"),
        ),
        Index("ix_handover_list", "centre_id", "opened_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))
    post_name: Mapped[str] = mapped_column(String(40))
    day: Mapped[date]
    shift: Mapped[Shift] = mapped_column(choice(Shift))
    outgoing: Mapped[str] = mapped_column(String(64))
    incoming: Mapped[str] = mapped_column(String(64))
    shift_ends_at: Mapped[datetime]
    sign_due_at: Mapped[datetime]  # half an hour into the incoming shift
    state: Mapped[HandoverState] = mapped_column(choice(HandoverState), default=HandoverState.OPEN)
    matters: Mapped[str] = mapped_column(Text, default="")  # other important matters
    back_count: Mapped[int] = mapped_column(default=0)
    difference: Mapped[str] = mapped_column(Text, default="")  # what the incoming person found
    settlement: Mapped[str] = mapped_column(Text, default="")  # what the supervisor decided about it
    settled_by: Mapped[str | None] = mapped_column(String(64))
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    opened_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    out_signature_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"))
    in_signature_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"))


class HandoverItem(Base):
    """One thing to hand over: what it is, what the outgoing person says about it, whether the incoming person went through it."""

    __tablename__ = "handover_item"
    __table_args__ = (UniqueConstraint("handover_id", "kind", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    handover_id: Mapped[int] = mapped_column(ForeignKey("handover.id"))
    kind: Mapped[ItemKind] = mapped_column(choice(ItemKind))
    key: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    where: Mapped[str] = mapped_column(String(120), default="")
    due_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(Text, default="")
    ticked: Mapped[bool] = mapped_column(default=False)
    added: Mapped[bool] = mapped_column(default=False)  # it came after the outgoing person had signed
    position: Mapped[int] = mapped_column(default=0)


class HandoverGoods(Base):
    """One kind of goods at one handover: expected, and as each of the two counted it."""

    __tablename__ = "handover_goods"
    __table_args__ = (UniqueConstraint("handover_id", "goods_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    handover_id: Mapped[int] = mapped_column(ForeignKey("handover.id"))
    goods_id: Mapped[int] = mapped_column(ForeignKey("goods.id"))
    name: Mapped[str] = mapped_column(String(40))
    measure: Mapped[str] = mapped_column(String(8))
    kind: Mapped[GoodsKind] = mapped_column(choice(GoodsKind))
    expected: Mapped[int]
    counted_out: Mapped[int | None]
    counted_in: Mapped[int | None]
    remark: Mapped[str] = mapped_column(Text, default="")  # why it is not what was expected


class HandoverRecord(Base):
    """值班/交接班记录表: the columns of the paper, written once when a handover ends; what there was none of says so."""

    __tablename__ = "handover_record"
    __table_args__ = (Index("ix_handover_record_list", "centre_id", "day"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    day: Mapped[date]
    post: Mapped[str] = mapped_column(String(40))
    shift: Mapped[Shift] = mapped_column(choice(Shift))
    outgoing: Mapped[str] = mapped_column(String(100))  # names, as on paper
    incoming: Mapped[str] = mapped_column(String(100))
    unfinished: Mapped[str] = mapped_column(Text)  # 未完成事项
    to_follow: Mapped[str] = mapped_column(Text)  # 需持续跟进事项
    goods: Mapped[str] = mapped_column(Text)  # 交接物资
    matters: Mapped[str] = mapped_column(Text)  # 其他重要事项
    difference: Mapped[str] = mapped_column(Text)  # 差异及处理
    given_at: Mapped[datetime]
    taken_at: Mapped[datetime]
    out_hash: Mapped[str] = mapped_column(String(64))  # of what each signed
    in_hash: Mapped[str] = mapped_column(String(64))


class DayCheck(Base):
    """One person's check before going home (clause 24.8)."""

    __tablename__ = "day_check"
    __table_args__ = (Index("ix_day_check_list", "centre_id", "day"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    person: Mapped[str] = mapped_column(String(64))
    day: Mapped[date]
    shift_ends_at: Mapped[datetime]
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    late_told_at: Mapped[datetime | None]


class DayCheckItem(Base):
    __tablename__ = "day_check_item"
    __table_args__ = (UniqueConstraint("check_id", "kind", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    check_id: Mapped[int] = mapped_column(ForeignKey("day_check.id"))
    kind: Mapped[str] = mapped_column(String(16))  # incomplete, open, slip
    key: Mapped[str] = mapped_column(String(64))  # a ticket's or slip's number
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    answer: Mapped[CheckAnswer | None] = mapped_column(choice(CheckAnswer))
    words: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]


class Leave(Base):
    """Somebody away from the post for a time (clause 24.6): who, why, until when, who covers."""

    __tablename__ = "leave_post"
    __table_args__ = (
        Index("ix_leave_post_list", "centre_id", "state"),
        Index("ix_leave_post_person", "person", "state"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    person: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    back_due_at: Mapped[datetime]
    cover: Mapped[str | None] = mapped_column(String(64))
    named_by: Mapped[str | None] = mapped_column(String(64))  # who named the cover
    state: Mapped[LeaveState] = mapped_column(choice(LeaveState))
    asked_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    back_at: Mapped[datetime | None]
    refusal: Mapped[str] = mapped_column(Text, default="")
    substitute_id: Mapped[int | None] = mapped_column(ForeignKey("substitute.id"))
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
