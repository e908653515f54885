"""Tables of logins. Only hashes of session ids, device marks and one-time codes are stored, never the values."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base
from service.organisation.models import Person


class WebSession(Base):
    """One login on one browser. `ended_why`: logout, idle, absolute, password, disabled, admin."""

    __tablename__ = "web_session"
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # absolute limit
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None] = mapped_column(String(16))
    stepped_up_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    csrf: Mapped[str] = mapped_column(String(64))
    person: Mapped[Person] = relationship()


class LoginTry(Base):
    """One try to log in. Wrong ones are counted per account, per address and per pair."""

    __tablename__ = "login_try"
    __table_args__ = (Index("ix_login_try_account", "account", "at"), Index("ix_login_try_address", "address", "at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    known_device: Mapped[bool] = mapped_column(default=False)
    ok: Mapped[bool]
    at: Mapped[datetime]


class KnownDevice(Base):
    """A browser that a person logged in on: guesses from elsewhere never lock its person out."""

    __tablename__ = "known_device"
    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    seen_at: Mapped[datetime]


class OneTimeCode(Base):
    """A code that sets a password once, within a day."""

    __tablename__ = "one_time_code"
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
