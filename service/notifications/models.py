"""Tables of notices, and of the messages by which they leave the application.

A message is one notice on its way by one channel, never its text: that is made when it is sent. Surprise: messages that leave
together in a digest are carried by the first of them, whose key the digest bears.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class Notice(Base):
    """Something one person is told, in the application. The text is made when it is read, in the reader's language."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("outbox_key", "person_id"),
        Index("ix_notice_person", "person_id", "read_at", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    outbox_key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
    ticket_number: Mapped[str | None] = mapped_column(String(16))
    urgent: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class MessageState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    SKIPPED = "skipped"  # nobody needs it any more: read in the application, or no longer wanted
    FAILED = "failed"  # its receiver does not take it
    PARKED = "parked"  # the channel did not work for long; it goes when the channel works again


class Message(Base):
    """One notice by one channel. Who holds the lease sends it; `fence` grows with every lease, so a late one changes nothing."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel"),
        Index(
            "ix_message_due",
            "channel",
            "not_before_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_message_carried", "carried_by"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    key: Mapped[str] = mapped_column(String(300), unique=True)  # the same after a restore: a receiver drops what it had
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[str] = mapped_column(String(24))
    urgent: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[bool] = mapped_column(default=False)
    state: Mapped[MessageState] = mapped_column(choice(MessageState), default=MessageState.WAITING)
    created_at: Mapped[datetime]
    not_before_at: Mapped[datetime]
    carried_by: Mapped[int | None] = mapped_column(ForeignKey("message.id"))  # itself, once it was taken for sending
    leased_until_at: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class NoticeAddress(Base):
    """Where a person wants notices by a channel, and which kinds: `kinds` has only what differs from the usual."""

    __tablename__ = "notice_address"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(24), primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    wanted: Mapped[bool] = mapped_column(default=True)
    kinds: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    refused_at: Mapped[datetime | None]  # the receiver said no for good; nothing is sent there until it is changed
    error: Mapped[str | None] = mapped_column(Text)


class ChannelRest(Base):
    """How a channel failed lately. No row, or no failure: it works."""

    __tablename__ = "channel_rest"
    channel: Mapped[str] = mapped_column(String(24), primary_key=True)
    tries: Mapped[int] = mapped_column(default=0)
    since_at: Mapped[datetime | None]
    until_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
