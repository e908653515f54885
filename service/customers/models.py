"""Tables of customers. A customer is a company or a household of one centre, in any number of units.

A phone number is not a key: several people may share one, so a number leads to a list of contacts, never to a guess.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base, choice
from service.organisation.models import Unit


class CustomerKind(StrEnum):
    COMPANY = "company"
    HOUSEHOLD = "household"


class Customer(Base):
    __tablename__ = "customer"
    __table_args__ = (Index("ix_customer_centre", "centre_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    kind: Mapped[CustomerKind] = mapped_column(choice(CustomerKind))
    name: Mapped[str] = mapped_column(String(200))
    vip: Mapped[bool] = mapped_column(default=False)
    address_as: Mapped[str] = mapped_column(Text, default="")  # 称呼
    habits: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    contacts: Mapped[list[Contact]] = relationship(back_populates="customer", order_by="Contact.id")
    occupancies: Mapped[list[UnitOccupancy]] = relationship(back_populates="customer")


class UnitOccupancy(Base):
    """A customer has a unit from a day on, until a last day where it moved out."""

    __tablename__ = "unit_occupancy"
    __table_args__ = (UniqueConstraint("unit_id", "customer_id", "from_on"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    unit: Mapped[Unit] = relationship()
    customer: Mapped[Customer] = relationship(back_populates="occupancies")


class Contact(Base):
    """A person on the customer's side."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # where they usually are
    name: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(100), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    last_call_at: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    customer: Mapped[Customer] = relationship(back_populates="contacts")
    unit: Mapped[Unit | None] = relationship()
    phones: Mapped[list[ContactPhone]] = relationship(
        back_populates="contact", order_by="ContactPhone.id", lazy="selectin"
    )


class ContactPhone(Base):
    __tablename__ = "contact_phone"
    __table_args__ = (UniqueConstraint("contact_id", "digits"), Index("ix_contact_phone_digits", "centre_id", "digits"))
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    digits: Mapped[str] = mapped_column(String(20))  # without country code and separators
    kind: Mapped[str] = mapped_column(String(12), default="mobile")  # mobile, desk, home
    contact: Mapped[Contact] = relationship(back_populates="phones")
