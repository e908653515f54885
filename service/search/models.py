"""The table of search keys. A row says: this key leads to this thing of this centre.

Kinds: `text` single characters and pairs of a text; `pinyin` initials; `tail` a phone's or number's digits from the
end; `code` a unit's, ticket's or slip's bare form. Codes, tails and pinyin are found by their beginning.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base, choice


class KeyKind(StrEnum):
    TEXT = "text"
    PINYIN = "pinyin"
    TAIL = "tail"
    CODE = "code"


class ThingKind(StrEnum):
    UNIT = "unit"
    CUSTOMER = "customer"
    CONTACT = "contact"
    TICKET = "ticket"


class SearchKey(Base):
    __tablename__ = "search_key"
    __table_args__ = (
        Index("ix_search_key_find", "centre_id", "kind", "key"),
        Index("ix_search_key_thing", "thing", "thing_id"),
    )
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), primary_key=True)
    kind: Mapped[KeyKind] = mapped_column(choice(KeyKind), primary_key=True)
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    thing: Mapped[ThingKind] = mapped_column(choice(ThingKind), primary_key=True)
    thing_id: Mapped[int] = mapped_column(primary_key=True)
