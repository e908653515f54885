"""Tables of tickets. The process decides where a ticket goes; these rows hold what it is about and what came of it.

The due instants stand on the ticket for lists; how each was computed stands in `target`, one row per computation, so
that any sum can be shown and computed again. Surprise: `owner` and `worker` are usernames, the names that the engine
knows.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql.functions import FunctionElement

from service.customers.models import Contact, Customer
from service.db import Base, choice
from service.organisation.models import Unit


class Channel(StrEnum):
    PHONE = "phone"
    VISIT = "visit"
    MISSED_CALL = "missed-call"
    PATROL = "patrol"
    COLLEAGUE = "colleague"
    CUSTOMER_PAGE = "customer-page"


class Category(StrEnum):
    DELIVERY = "delivery"
    RENOVATION = "renovation"
    REPAIR = "repair"
    COMPLAINT = "complaint"
    FEES = "fees"
    ENQUIRY = "enquiry"
    PRAISE = "praise"
    OTHER = "other"


class Urgency(StrEnum):
    NORMAL = "normal"
    URGENT = "urgent"


class TicketState(StrEnum):
    REGISTERED = "registered"
    DISPATCHED = "dispatched"  # a slip is out and not accepted
    IN_HAND = "in-hand"
    HANDLED = "handled"  # waits for the owner's check
    VISITING = "visiting"  # waits for the return visit
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"


OPEN_STATES = (
    TicketState.REGISTERED,
    TicketState.DISPATCHED,
    TicketState.IN_HAND,
    TicketState.HANDLED,
    TicketState.VISITING,
)


IS_OPEN = "closed_at IS NULL"  # the same as SQL, for the index of the open ones


class SlipState(StrEnum):
    SENT = "sent"
    ASKED = "asked"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
    BACK = "back"  # failed the check, to be done again
    VERIFIED = "verified"
    NOT_SOLVED = "not-solved"
    CANCELLED = "cancelled"


class TargetKind(StrEnum):
    RESPONSE = "response"
    ARRIVAL = "arrival"
    RESOLUTION = "resolution"
    RETURN_VISIT = "return-visit"


class NoteKind(StrEnum):
    SAID = "said"  # by the customer
    INTERNAL = "internal"
    URGE = "urge"
    INFORMATION = "information"  # added by the customer later
    TOLD = "told"  # what we told the customer


class PauseReason(StrEnum):
    CUSTOMER_AWAY = "customer-away"
    PART_ON_ORDER = "part-on-order"
    THIRD_PARTY = "third-party"
    APPOINTMENT = "appointment"


class PhotoKind(StrEnum):
    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


class PromiseState(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    DROPPED = "dropped"


class Counter(Base):
    """A number that is counted up inside the transaction that uses it; gaps are allowed, doubles are not (T20)."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]


class next_due(FunctionElement):
    """The earliest limit of a ticket that is not met; after all others where it has none.

    Its text has to be the same in the query and in the index, so it names the columns itself.
    """

    inherit_cache = True


_UNMET = [f"CASE WHEN {kind.replace('-', '_')}_met_at IS NULL THEN {kind.replace('-', '_')}_due_at END" for kind in TargetKind]


@compiles(next_due, "sqlite")
def _next_due_sqlite(*_args, **_options) -> str:
    """SQLite's min() of several knows no limit where one of them is NULL; instants are texts there, and 9 is after them."""
    always = ", ".join(f"coalesce({unmet}, '9')" for unmet in _UNMET)
    return f"min({always})"


@compiles(next_due)
def _next_due(*_args, **_options) -> str:
    return f"least({', '.join(_UNMET)})"


class Ticket(Base):
    """One customer request."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_list", "centre_id", "state", "registered_at"),
        Index("ix_ticket_unit", "unit_id", "category", "registered_at"),
        Index("ix_ticket_owner", "owner", "state"),
        Index("ix_ticket_customer", "customer_id", "registered_at"),
        Index("ix_ticket_created", "created_by", "registered_at"),
        Index("ix_ticket_next_due", next_due(), "id", sqlite_where=text(IS_OPEN), postgresql_where=text(IS_OPEN)),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    category: Mapped[Category] = mapped_column(choice(Category))
    urgency: Mapped[Urgency] = mapped_column(choice(Urgency))
    vip: Mapped[bool]
    title: Mapped[str] = mapped_column(String(120))
    request: Mapped[str] = mapped_column(Text)
    expectation: Mapped[str] = mapped_column(String(24))
    deadline_kind: Mapped[str] = mapped_column(String(8))  # "none" is a value of its own, never an empty field
    deadline_at: Mapped[datetime | None]
    deadline_named_at: Mapped[datetime | None]  # when the customer named it, if later than the registration
    owner: Mapped[str] = mapped_column(String(64))
    about_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # whom a complaint is about
    about_floor_id: Mapped[int | None] = mapped_column(ForeignKey("floor.id"))  # which floor a complaint is about
    state: Mapped[TicketState] = mapped_column(choice(TicketState), default=TicketState.REGISTERED)

    response_due_at: Mapped[datetime | None]
    response_met_at: Mapped[datetime | None]
    arrival_due_at: Mapped[datetime | None]
    arrival_met_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime | None]
    resolution_met_at: Mapped[datetime | None]
    return_visit_due_at: Mapped[datetime | None]
    return_visit_met_at: Mapped[datetime | None]
    return_visit_wanted: Mapped[bool] = mapped_column(default=False)
    paused_at: Mapped[datetime | None]  # since when the handling stands still; which pause it is says ticket_pause

    instance_id: Mapped[str | None] = mapped_column(String(32), index=True)
    urged_count: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    reopened_count: Mapped[int] = mapped_column(default=0)
    satisfaction: Mapped[int | None]
    result: Mapped[str] = mapped_column(Text, default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    end_reason: Mapped[str] = mapped_column(Text, default="")
    request_id: Mapped[str | None] = mapped_column(
        String(64), unique=True
    )  # a repeated click gives the first answer (T19)
    registered_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)

    unit: Mapped[Unit | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    slips: Mapped[list[Slip]] = relationship(back_populates="ticket", order_by="Slip.id")


class Target(Base):
    """One computation of one due instant: from where, how much, in which calendar, with what sum. The newest counts."""

    __tablename__ = "target"
    __table_args__ = (Index("ix_target_ticket", "ticket_id", "kind", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[TargetKind] = mapped_column(choice(TargetKind))
    start_at: Mapped[datetime]
    minutes: Mapped[int]  # what the table gave or, where it is less, the contract's promise; in the calendar's own time
    table_minutes: Mapped[int | None]  # where a promise counts: what the table gave, None for no such limit
    promise_id: Mapped[int | None]  # the contract_promise whose minutes these are
    calendar: Mapped[str] = mapped_column(String(24))  # business, round-the-clock
    calendar_version: Mapped[int]
    standard_at: Mapped[datetime]  # what these minutes give
    due_at: Mapped[datetime]  # what counts: the customer's own deadline where it is earlier
    source: Mapped[str] = mapped_column(String(24))  # table, customer, promise
    reason: Mapped[str] = mapped_column(Text, default="")
    sum: Mapped[dict[str, Any]]  # service.calendars.rules.Sum as JSON
    computed_at: Mapped[datetime]


class ContractPromise(Base):
    """A limit that a contract of the project promised: its words, where they stand, for which requests, how many minutes.

    A promise is not rewritten: a change ends it and adds another, so that a ticket's sum names what held then.
    """

    __tablename__ = "contract_promise"
    __table_args__ = (Index("ix_contract_promise_centre", "centre_id", "ended_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    text: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(200))  # contract and clause
    from_on: Mapped[date]
    until_on: Mapped[date | None]  # its last day
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # None, as below: for all of them
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    category: Mapped[Category | None] = mapped_column(choice(Category))
    urgency: Mapped[Urgency | None] = mapped_column(choice(Urgency))
    response_minutes: Mapped[int | None]
    arrival_minutes: Mapped[int | None]
    resolution_minutes: Mapped[int | None]
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("contract_promise.id"))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None]
    followed: Mapped[bool] = mapped_column(default=False)  # whether open limits have moved to where it puts them
    unit: Mapped[Unit | None] = relationship()
    customer: Mapped[Customer | None] = relationship()


class TicketPause(Base):
    """A time in which the handling of a ticket stood still: no limit runs from `started_at` to `ended_at`, or to
    `until_at` while nobody has gone on earlier.
    """

    __tablename__ = "ticket_pause"
    __table_args__ = (Index("ix_ticket_pause_ticket", "ticket_id", "started_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    reason: Mapped[PauseReason] = mapped_column(choice(PauseReason))
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(64))
    until_at: Mapped[datetime]  # the latest moment to go on
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")  # what was said when work went on


class Slip(Base):
    """One dispatch to a department (派单)."""

    __tablename__ = "slip"
    __table_args__ = (
        Index("ix_slip_department", "centre_id", "department", "state"),
        UniqueConstraint("ticket_id", "count"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    count: Mapped[int]
    number: Mapped[str] = mapped_column(String(20), unique=True)
    department: Mapped[str] = mapped_column(String(40))
    instruction: Mapped[str] = mapped_column(Text, default="")
    worker: Mapped[str | None] = mapped_column(String(64))
    outsider: Mapped[str] = mapped_column(String(64), default="")  # called in from outside; the department's people record it
    state: Mapped[SlipState] = mapped_column(choice(SlipState), default=SlipState.SENT)
    sent_by: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(String(64))
    arrived_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    back_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    not_solved_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str] = mapped_column(Text, default="")
    material: Mapped[str] = mapped_column(Text, default="")
    labour_minutes: Mapped[int | None]
    cost_fen: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, default="")  # last question, failure or obstacle
    ticket: Mapped[Ticket] = relationship(back_populates="slips")


class TicketNote(Base):
    """What was said or written on a ticket, in somebody's own words."""

    __tablename__ = "ticket_note"
    __table_args__ = (Index("ix_ticket_note_ticket", "ticket_id", "at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    kind: Mapped[NoteKind] = mapped_column(choice(NoteKind))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))


class Photo(Base):
    """A picture, stored outside the web root under a random key; re-encoded, so that nothing but its pixels is kept."""

    __tablename__ = "photo"
    __table_args__ = (UniqueConstraint("ticket_id", "source_sha256"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    task_id: Mapped[str | None] = mapped_column(String(32))
    element_id: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[PhotoKind] = mapped_column(choice(PhotoKind))
    name: Mapped[str] = mapped_column(String(200))  # as the phone called it
    media_type: Mapped[str] = mapped_column(String(40))
    sha256: Mapped[str] = mapped_column(String(64))  # of the stored file
    source_sha256: Mapped[str] = mapped_column(
        String(64)
    )  # of what was sent: a phone deletes its copy when this comes back
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]  # bytes stored
    taken_by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class Promise(Base):
    """What we told the customer we would do, and by when ("I call you by ...")."""

    __tablename__ = "promise"
    __table_args__ = (Index("ix_promise_due", "owner", "state", "due_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    owner: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime]
    state: Mapped[PromiseState] = mapped_column(choice(PromiseState), default=PromiseState.OPEN)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    reminded_at: Mapped[datetime | None]
    ticket: Mapped[Ticket] = relationship()


class Escalation(Base):
    """One call for help or missed limit, raised level by level until it is answered (clause 12)."""

    __tablename__ = "escalation"
    __table_args__ = (Index("ix_escalation_open", "centre_id", "answered_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    instance_id: Mapped[str] = mapped_column(String(32), index=True)  # of the escalation's own process
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    level: Mapped[int] = mapped_column(default=1)
    level_at: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(24))
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None]
    guidance: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[str | None] = mapped_column(String(64))
    department: Mapped[str | None] = mapped_column(String(40))


class AnsweredRequest(Base):
    """A request that was answered: the same request id gives the same answer again (T19)."""

    __tablename__ = "answered_request"
    request_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    action: Mapped[str] = mapped_column(String(24))
    by: Mapped[str] = mapped_column(String(64))
    thing_id: Mapped[int]
    at: Mapped[datetime]
