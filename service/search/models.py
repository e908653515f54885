"""The tables of search. All of them are derived: what they say stands elsewhere and can be made anew from there.

`search_key` leads from a key to a unit, a customer or a contact; `search_piece` from a piece of a text, or a number, to
a ticket; `search_text` is all text of a ticket in its plain form, which every hit is compared with. Surprise: pieces
lie in the order of their tickets, so the newest are read first and a frequent piece costs no more than a rare one; they
are never taken away, because the comparison does that.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import user_task
from service.db import Base, choice


class KeyKind(StrEnum):
    TEXT = "text"  # a piece of a name, the whole of it, how it is said: service.search.rules.text_keys
    PINYIN = "pinyin"  # initials
    TAIL = "tail"  # a phone's digits from the end
    CODE = "code"  # a unit's bare form, a phone


class ThingKind(StrEnum):
    UNIT = "unit"
    CUSTOMER = "customer"
    CONTACT = "contact"
    TICKET = "ticket"


def _bytewise(length: int) -> String:
    """Text in the order of its bytes, also where PostgreSQL sorts by a language: a beginning is a range."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class SearchKey(Base):
    __tablename__ = "search_key"
    __table_args__ = (Index("ix_search_key_thing", "thing_id", "thing"), {"sqlite_with_rowid": False})
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), primary_key=True)
    kind: Mapped[KeyKind] = mapped_column(choice(KeyKind), primary_key=True)
    key: Mapped[str] = mapped_column(_bytewise(240), primary_key=True)
    thing: Mapped[ThingKind] = mapped_column(choice(ThingKind), primary_key=True)
    thing_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class SearchPiece(Base):
    """No foreign keys: a ticket writes a hundred of these at once, and its text beside them has one."""

    __tablename__ = "search_piece"
    __table_args__ = ({"sqlite_with_rowid": False},)
    centre_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    piece: Mapped[str] = mapped_column(_bytewise(24), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class SearchText(Base):
    __tablename__ = "search_text"
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    centre_id: Mapped[int]
    text: Mapped[str] = mapped_column(Text)


# What the permission clause asks of every ticket (service.access.ticket_filter): whether somebody has or had a task on it.
_there = user_task.c.assignee.is_not(None)
Index("ix_user_task_assignee", user_task.c.assignee, user_task.c.centre_id, user_task.c.business_key,
      sqlite_where=_there, postgresql_where=_there)  # fmt: skip
