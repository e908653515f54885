"""Tables of the desk's own books. Surprise: a missed call keeps its number of the telephone here alone; its process knows none."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.customers.models import Contact, Customer
from service.db import Base, choice
from service.organisation.models import Unit


class CallState(StrEnum):
    WAITING = "waiting"  # to be called back
    ASKED = "asked"  # there is a request, which is not registered yet
    ANSWERED = "answered"  # called back, nothing to be done
    TICKET = "ticket"  # called back, a ticket came of it
    UNREACHED = "not-reached"


class IdKind(StrEnum):
    ID_CARD = "id-card"
    WORK_CARD = "work-card"
    BUSINESS_CARD = "business-card"
    OTHER = "other"
    NONE = "none"  # known by face, or carried none


class MissedCall(Base):
    """A call that nobody answered, and what became of it (clause 24.7)."""

    __tablename__ = "missed_call"
    __table_args__ = (Index("ix_missed_call_list", "centre_id", "rang_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    phone: Mapped[str] = mapped_column(String(20))  # digits
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))  # where only one person has this number
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    rang_at: Mapped[datetime]
    rings: Mapped[int]
    noted_by: Mapped[str] = mapped_column(String(64))
    noted_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # by when it is to be called back the first time
    state: Mapped[CallState] = mapped_column(choice(CallState), default=CallState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    called_by: Mapped[str | None] = mapped_column(String(64))  # who called back last
    called_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")  # what the customer was told about why nobody answered
    words: Mapped[str] = mapped_column(Text, default="")  # what the customer said
    ticket_number: Mapped[str | None] = mapped_column(String(20))
    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    contact: Mapped[Contact | None] = relationship(lazy="raise")
    unit: Mapped[Unit | None] = relationship(lazy="raise")


class Visitor(Base):
    """One line of the visitor register (clause 19): who came, to whom, why, in and out."""

    __tablename__ = "visitor"
    __table_args__ = (Index("ix_visitor_list", "centre_id", "came_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    came_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(40))
    host: Mapped[str] = mapped_column(String(60))
    purpose: Mapped[str] = mapped_column(String(200))
    id_kind: Mapped[IdKind] = mapped_column(choice(IdKind))
    badge: Mapped[str] = mapped_column(String(20), default="")  # of the pass that was given out
    entered_by: Mapped[str] = mapped_column(String(64))
    left_at: Mapped[datetime | None]
    left_by: Mapped[str | None] = mapped_column(String(64))


class CustomerVisit(Base):
    """One line of the customer-visit record (clause 22): what was handed out, and the interview."""

    __tablename__ = "customer_visit"
    __table_args__ = (Index("ix_customer_visit_list", "centre_id", "visited_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    visited_at: Mapped[datetime]
    contact: Mapped[str] = mapped_column(String(40))  # whom one spoke with
    purpose: Mapped[str] = mapped_column(String(200))
    interview: Mapped[str] = mapped_column(Text)
    wishes: Mapped[str] = mapped_column(Text, default="")
    visited_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime]
    unit: Mapped[Unit] = relationship(lazy="raise")
    customer: Mapped[Customer] = relationship(lazy="raise")
