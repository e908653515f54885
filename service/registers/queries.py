"""Reading the registers: the entries of one record of one centre from a day to a day, as the paper form has them.

Who may read is service.access's ("see register"); a reader sees no complaint that is about themselves. Reviews read whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, object_session, selectinload

from service import access
from service.calendars.queries import calendar_of
from service.errors import NotThere
from service.findings.models import Finding
from service.organisation.models import Branch, Building, Centre, Company, Person, Project
from service.patrols.models import Patrol, Visit, VisitState
from service.registers import rules
from service.registers.rules import Record, Row, Span
from service.rounds.models import Round, RoundState
from service.shifts.models import HandoverRecord
from service.tickets.models import Ticket

ACTION = "see register"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks for. `on` None: today of the centre; `building_id` None: all; `only` "incomplete" or ""."""

    span: Span = Span.DAY
    on: date | None = None
    building_id: int | None = None
    category: str = ""
    only: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """One record of one centre. `completeness` is that of all entries of the time, `rows` are those that the filters leave."""

    record: Record
    centre: Centre
    span: Span
    on: date
    first_on: date
    last_on: date
    rows: list[Row]
    completeness: rules.Completeness
    kept: bool
    buildings: list[Building]


def centres_of(person: Person) -> list[Centre]:
    """The centres whose registers the person may read."""
    session = object_session(person)
    mine = access.centre_filter(access.reach(person), ACTION, Centre.id)
    return list(session.scalars(sa.select(Centre).where(Centre.active, mine).order_by(Centre.id)))


def centre_for(person: Person, centre_id: int | None = None) -> Centre:
    """The centre asked for, or the first one; raises NotThere out of reach."""
    found = next((c for c in centres_of(person) if centre_id in (None, c.id)), None)
    if found is None:
        raise NotThere("Centre", centre_id or "")
    return found


def company_of(session: Session, centre: Centre) -> str:
    """The company whose name stands on the paper form."""
    query = (
        sa.select(Company.name)
        .join(Branch, Branch.company_id == Company.id)
        .join(Project, Project.branch_id == Branch.id)
    )
    return session.scalar(query.where(Project.id == centre.project_id)) or ""


def register(person: Person, record: Record, centre: Centre, wanted: Wanted) -> Register:
    """A register as the person may read it. Raises NotThere for another centre's."""
    session = object_session(person)
    access.require(person, ACTION, centre)
    calendar = calendar_of(session, centre.id)
    on = wanted.on or calendar.local(session.info["clock"].now()).date()
    first, last = rules.span(wanted.span, on)
    rows = entries(session, record, centre.id, days(session, centre.id, first, last), person)
    buildings = list(
        session.scalars(sa.select(Building).where(Building.centre_id == centre.id).order_by(Building.code))
    )
    return Register(
        record,
        centre,
        wanted.span,
        on,
        first,
        last,
        [row for row in rows if _wanted(row, wanted)],
        rules.completeness(rows),
        record not in rules.NOT_KEPT,
        buildings,
    )


def _wanted(row: Row, wanted: Wanted) -> bool:
    return (
        wanted.building_id in (None, row.building_id)
        and wanted.category in ("", row.cells.get("category"))
        and (wanted.only != "incomplete" or bool(row.missing))
        and (not wanted.text or any(wanted.text in str(value) for value in row.cells.values()))
    )


@dataclass(frozen=True, slots=True)
class Time:
    """From when to when entries are read: days for what belongs to a day, instants [start_at, end_at) for the rest."""

    first_on: date
    last_on: date
    start_at: datetime
    end_at: datetime


def days(session: Session, centre_id: int, first: date, last: date) -> Time:
    """From `first` to `last`, both days included, by the centre's own clock."""
    return Time(first, last, *rules.borders(first, last, calendar_of(session, centre_id).zone))


def entries(session: Session, record: Record, centre_id: int, time: Time, reader: Person | None = None) -> list[Row]:
    """The entries of a time, oldest first. `reader`: leave out what they may not see."""
    read = _READ.get(record)
    return read(session, centre_id, time, reader) if read else []


def last_day(session: Session, centre_id: int, before: datetime) -> date:
    """The last day on which something was entered in any of the records, up to `before`; its own day where nothing was."""
    calendar = calendar_of(session, centre_id)
    instants = [
        session.scalar(sa.select(sa.func.max(column)).where(table.centre_id == centre_id, column <= before))
        for table, column in ((Ticket, Ticket.registered_at), (HandoverRecord, HandoverRecord.taken_at), (Visit, Visit.arrived_at),
                              (Round, Round.ticked_at))
    ]  # fmt: skip
    return max((calendar.local(at).date() for at in instants if at is not None), default=calendar.local(before).date())


def text(at: datetime | None) -> str | None:
    """An instant as a JSON value: always UTC, so that it is the same text on both databases."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None


def row(record: Record, key: str, at: datetime, cells: dict, building_id: int | None = None, about: str = "") -> Row:
    return Row(key, at, cells, rules.missing(record, cells), building_id, about)


# --- calls and visits (clause 11) -------------------------------------------------------------------------------------


def _calls(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    seen = access.ticket_filter(access.reach(reader, session=session)) if reader is not None else sa.true()
    tickets = session.scalars(
        sa.select(Ticket)
        .where(
            Ticket.centre_id == centre_id,
            Ticket.registered_at >= time.start_at,
            Ticket.registered_at < time.end_at,
            seen,
        )
        .options(
            joinedload(Ticket.unit), joinedload(Ticket.customer), joinedload(Ticket.contact), selectinload(Ticket.slips)
        )
        .order_by(Ticket.registered_at, Ticket.id)
    ).all()
    names = _building_names(session, centre_id)
    return [_call(ticket, names) for ticket in tickets]


def _call(ticket: Ticket, buildings: dict[int, str]) -> Row:
    contact, customer = ticket.contact, ticket.customer
    cells = {
        "at": text(ticket.registered_at),
        "channel": str(ticket.channel),
        "place": ticket.unit.code if ticket.unit else buildings.get(ticket.building_id),
        "customer": customer.name if customer else contact.name if contact else None,
        "contact": contact.name if contact else None,
        "phone": _masked(contact),
        "category": str(ticket.category),
        "request": ticket.request,
        "expectation": ticket.expectation,
        "deadline": text(ticket.deadline_at) or ticket.deadline_kind,
        "slips": [slip.number for slip in ticket.slips],
        "result": ticket.result
        or next((s.result for s in reversed(ticket.slips) if s.result), "")
        or ticket.end_reason,
        "satisfaction": ticket.satisfaction,
        "by": ticket.created_by,
        "state": str(ticket.state),
    }
    return row(Record.CALLS, ticket.number, ticket.registered_at, cells, ticket.building_id, ticket.number)


def _masked(contact) -> str | None:
    """A register is looked at by many: the whole number is one key away, on the ticket (clause on lists: PIPL 51)."""
    digits = next((p.digits for p in contact.phones), "") if contact else ""
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "****" if digits else None


def _building_names(session: Session, centre_id: int) -> dict[int, str]:
    return dict(session.execute(sa.select(Building.id, Building.name).where(Building.centre_id == centre_id)).all())


# --- patrols (clause 23) ----------------------------------------------------------------------------------------------


def _patrols(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    found = session.execute(
        sa.select(Visit, Patrol)
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Patrol.centre_id == centre_id, Patrol.day.between(time.first_on, time.last_on))
        .order_by(Patrol.day, Patrol.starts_at, Patrol.id, Visit.position)
    ).all()
    seen = _findings(session, [visit.id for visit, _ in found])
    return [_floor(visit, patrol, seen[visit.id]) for visit, patrol in found]


def _findings(session: Session, visit_ids: list[int]) -> dict[int, list[Finding]]:
    by_visit: dict[int, list[Finding]] = defaultdict(list)
    if visit_ids:
        query = sa.select(Finding).where(Finding.visit_id.between(min(visit_ids), max(visit_ids))).order_by(Finding.id)
        for finding in session.scalars(query):
            by_visit[finding.visit_id].append(finding)
    return by_visit


def _floor(visit: Visit, patrol: Patrol, findings: Iterable[Finding]) -> Row:
    findings = list(findings)
    cells = {
        "day": patrol.day.isoformat(),
        "patrol": patrol.number,
        "slot": str(patrol.slot),
        "floor": visit.label,
        "by": visit.walked_by,
        "at": text(visit.sent_at or visit.arrived_at),
        **{group: visit.answers.get(group) for group in rules.GROUPS},
        "findings": [[f.number, f.words, f.department] for f in findings],
        "progress": [[f.number, str(f.state)] for f in findings],
        "responsible": visit.responsible,
        "state": str(visit.state),
    }
    made = row(
        Record.PATROLS, f"{patrol.number}/{visit.position}", patrol.starts_at, cells, visit.building_id, patrol.number
    )
    running = visit.state is VisitState.WAITING  # the slot still runs: not walked yet is not missing
    return Row(made.key, made.at, made.cells, () if running else made.missing, made.building_id, made.about)


# --- shifts (clause 25) -----------------------------------------------------------------------------------------------


def _shifts(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    """Handovers by when they were taken over, and who was on post by when it was to begin."""
    found = session.scalars(
        sa.select(HandoverRecord)
        .where(
            HandoverRecord.centre_id == centre_id,
            HandoverRecord.taken_at >= time.start_at,
            HandoverRecord.taken_at < time.end_at,
        )
        .order_by(HandoverRecord.taken_at, HandoverRecord.id)
    )
    rounds = session.scalars(
        sa.select(Round).where(
            Round.centre_id == centre_id, Round.starts_at >= time.start_at, Round.starts_at < time.end_at
        )
    )
    rows = [*(_handover(record) for record in found), *(_round(one) for one in rounds)]
    return sorted(rows, key=lambda entry: (entry.at, entry.key))


def _handover(record: HandoverRecord) -> Row:
    cells = {
        "at": text(record.given_at),
        "kind": "handover",
        "post": record.post,
        "person": record.outgoing,
        "to": record.incoming,
        "unfinished": record.unfinished,
        "to_follow": record.to_follow,
        "goods": record.goods,
        "matters": record.matters,
        "difference": record.difference,
        "done_at": text(record.taken_at),
        "state": "signed",
    }
    return row(Record.SHIFTS, record.number, record.taken_at, cells, None, record.number)


def _round(one: Round) -> Row:
    cells = {
        "at": text(one.starts_at),
        "kind": "round",
        "post": f"{one.title} {one.post}".strip(),
        "person": one.ticked_by,
        "matters": one.note,
        "done_at": text(one.ticked_at),
        "state": str(one.state),
    }
    made = row(Record.SHIFTS, one.number, one.starts_at, cells, None, one.number)
    waiting = one.state is RoundState.WAITING  # its time still runs: not ticked yet is not missing
    return Row(made.key, made.at, made.cells, () if waiting else made.missing, None, made.about)


# --- which record is read how -----------------------------------------------------------------------------------------

Read = Callable[[Session, int, Time, Person | None], list[Row]]
_READ: dict[Record, Read] = {Record.CALLS: _calls, Record.SHIFTS: _shifts, Record.PATROLS: _patrols}
