"""Tables of places and people (clauses 2 and 5). A role holds for a centre, or the whole company where it names none.

A person is named towards the engine by `username`, which therefore never changes. Surprise: a building of a role
assignment narrows what a specialist is responsible for; heads, supervisors and managers have no building.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base, choice


class Role(StrEnum):
    SPECIALIST = "specialist"
    ASSISTANT = "assistant"
    CASHIER = "cashier"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ENGINEERING = "engineering"
    ENGINEERING_HEAD = "engineering-head"
    SAFETY = "safety"
    SAFETY_HEAD = "safety-head"
    QUALITY = "quality"
    PROCESS_OWNER = "process-owner"
    ADMIN = "admin"


class AreaKind(StrEnum):
    OFFICE = "office"
    MALL = "mall"
    CLUBHOUSE = "clubhouse"
    HOMES = "homes"


class Company(Base):
    __tablename__ = "company"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class Branch(Base):
    __tablename__ = "branch"
    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    name: Mapped[str] = mapped_column(String(100))


class Project(Base):
    __tablename__ = "project"
    id: Mapped[int] = mapped_column(primary_key=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branch.id"))
    name: Mapped[str] = mapped_column(String(100))


class Centre(Base):
    """An operation centre: what everything else is scoped by."""

    __tablename__ = "centre"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(String(100))
    zone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai")
    active: Mapped[bool] = mapped_column(default=True)
    project: Mapped[Project] = relationship()


class Area(Base):
    __tablename__ = "area"
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[AreaKind] = mapped_column(choice(AreaKind), default=AreaKind.OFFICE)


class Building(Base):
    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("centre_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    code: Mapped[str] = mapped_column(String(12))  # what comes before the dash of a unit: "3"
    name: Mapped[str] = mapped_column(String(100))


class Floor(Base):
    __tablename__ = "floor"
    __table_args__ = (UniqueConstraint("building_id", "level"), Index("ix_floor_centre", "centre_id", "building_id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"))
    level: Mapped[int]  # -1 is the first basement, there is no 0
    name: Mapped[str] = mapped_column(String(40))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # clause 23.1


class Unit(Base):
    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("centre_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"), index=True)
    floor_id: Mapped[int | None] = mapped_column(ForeignKey("floor.id"))
    code: Mapped[str] = mapped_column(String(24))  # shorthand that staff say: "3-1201"
    square_metres: Mapped[float | None]
    building: Mapped[Building] = relationship()
    floor: Mapped[Floor | None] = relationship()


class Person(Base):
    """A member of staff with a login."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(20))
    password_hash: Mapped[str | None] = mapped_column(String(200))  # None: no login until a one-time code is used
    password_changed_at: Mapped[datetime | None]
    locale: Mapped[str] = mapped_column(String(8), default="")  # empty: the installation's
    theme: Mapped[str] = mapped_column(String(8), default="auto")  # auto, light, dark
    single_keys: Mapped[bool] = mapped_column(default=True)  # WCAG 2.1.4: the switch for single-key commands
    active: Mapped[bool] = mapped_column(default=True)
    roles: Mapped[list[RoleAssignment]] = relationship(back_populates="person", lazy="selectin")


class RoleAssignment(Base):
    """A role that a person has in a centre (and, narrower, a building), or company-wide."""

    __tablename__ = "role_assignment"
    __table_args__ = (Index("ix_role_assignment_who", "centre_id", "role"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"))
    from_on: Mapped[date | None]
    until_on: Mapped[date | None]  # the last day
    person: Mapped[Person] = relationship(back_populates="roles")


class Department(Base):
    """A department that takes slips: its members have role `key`, its heads role `head_group`."""

    __tablename__ = "department"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str] = mapped_column(String(100))
    head_group: Mapped[str] = mapped_column(String(40))


class Substitute(Base):
    """`by_person` acts for `for_person` from `starts_at` until `ends_at`; what is done so names both."""

    __tablename__ = "substitute"
    id: Mapped[int] = mapped_column(primary_key=True)
    for_person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    by_person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    for_person: Mapped[Person] = relationship(foreign_keys=[for_person_id])
    by_person: Mapped[Person] = relationship(foreign_keys=[by_person_id])


class Duty(Base):
    """One stretch of duty of one person in one role, from the roster."""

    __tablename__ = "duty"
    __table_args__ = (Index("ix_duty_when", "centre_id", "role", "starts_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    role: Mapped[Role] = mapped_column(choice(Role))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    person: Mapped[Person] = relationship()
