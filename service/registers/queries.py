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
from service.customers.models import Contact
from service.errors import NotThere
from service.findings.models import Finding
from service.organisation.models import Branch, Building, Centre, Company, Person, Project
from service.patrols.models import Patrol, Visit, VisitState
from service.reception.models import CallState, CustomerVisit, MissedCall, Visitor
from service.registers import rules
from service.registers.rules import Record, Row, Span
from service.rounds.models import Round, RoundState, WorkplaceCheck
from service.shifts.models import DayCheck, DayCheckItem, HandoverRecord, Leave
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
    return _READ[record](session, centre_id, time, reader)


def last_day(session: Session, centre_id: int, before: datetime) -> date:
    """The last day on which something was entered in any of the records, up to `before`; its own day where nothing was."""
    calendar = calendar_of(session, centre_id)
    instants = [
        session.scalar(sa.select(sa.func.max(column)).where(table.centre_id == centre_id, column <= before))
        for table, column in ((Ticket, Ticket.registered_at), (HandoverRecord, HandoverRecord.taken_at), (Visit, Visit.arrived_at),
                              (Round, Round.ticked_at), (Visitor, Visitor.came_at), (CustomerVisit, CustomerVisit.visited_at))
    ]  # fmt: skip
    return max((calendar.local(at).date() for at in instants if at is not None), default=calendar.local(before).date())


def text(at: datetime | None) -> str | None:
    """An instant as a JSON value: always UTC, so that it is the same text on both databases."""
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None


def row(
    record: Record,
    key: str,
    at: datetime,
    cells: dict,
    building_id: int | None = None,
    about: str = "",
    running: bool = False,
) -> Row:
    """An entry. `running`: its time is not over, so nothing is missing yet."""
    return Row(key, at, cells, () if running else rules.missing(record, cells), building_id, about)


# --- calls and visits (clause 11) -------------------------------------------------------------------------------------


def _calls(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    """Requests, calls that nobody answered, and each one's check of the day, in the order of their time."""
    rows = [
        *_requests(session, centre_id, time, reader),
        *_missed(session, centre_id, time),
        *_checks(session, centre_id, time),
    ]
    return sorted(rows, key=lambda entry: entry.at)


def _requests(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
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
    return _hidden(next((p.digits for p in contact.phones), "") if contact else "")


def _hidden(digits: str) -> str | None:
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 7 else "****" if digits else None


def _missed(session: Session, centre_id: int, time: Time) -> list[Row]:
    """Missed calls (clause 24.7)."""
    found = session.scalars(
        sa.select(MissedCall)
        .where(MissedCall.centre_id == centre_id, MissedCall.rang_at >= time.start_at, MissedCall.rang_at < time.end_at)
        .options(joinedload(MissedCall.unit), joinedload(MissedCall.contact).joinedload(Contact.customer))
    )
    now = session.info["clock"].now()
    return [_missed_call(call, call.due_at is not None and call.due_at > now) for call in found]


def _missed_call(call: MissedCall, running: bool) -> Row:
    contact, over = call.contact, call.state not in (CallState.WAITING, CallState.ASKED)
    cells = {
        "at": text(call.rang_at),
        "channel": "missed-call",
        "place": call.unit.code if call.unit else None,
        "customer": (contact.customer.name if contact.customer else contact.name) if contact else None,
        "contact": contact.name if contact else None,
        "phone": _hidden(call.phone),
        "category": "missed-call",
        "request": {"rings": call.rings},
        "expectation": "call-back",
        "deadline": text(call.due_at or call.noted_at),
        "slips": [],
        "result": _outcome(call) if over else "",
        "by": call.noted_by,
        "state": str(call.state),
    }
    building = call.unit.building_id if call.unit else None
    return row(Record.CALLS, call.number, call.rang_at, cells, building, call.number, running=running and not over)


def _outcome(call: MissedCall) -> dict:
    return {
        "outcome": str(call.state),
        "by": call.called_by,
        "reason": call.reason,
        "words": call.words,
        "ticket": call.ticket_number,
    }


def _checks(session: Session, centre_id: int, time: Time) -> list[Row]:
    """Each person's check before going home, once it is done (clause 24.8)."""
    done = sa.and_(DayCheck.done_at >= time.start_at, DayCheck.done_at < time.end_at)
    checks = session.scalars(sa.select(DayCheck).where(DayCheck.centre_id == centre_id, done)).all()
    items: dict[int, list[DayCheckItem]] = defaultdict(list)
    if checks:
        query = sa.select(DayCheckItem).where(DayCheckItem.check_id.in_([c.id for c in checks]))
        for item in session.scalars(query.order_by(DayCheckItem.check_id, DayCheckItem.position)):
            items[item.check_id].append(item)
    return [_check(check, items[check.id]) for check in checks]


def _check(check: DayCheck, items: list[DayCheckItem]) -> Row:
    cells = {
        "at": text(check.done_at),
        "channel": "end-of-day-check",
        "category": "end-of-day-check",
        "request": {"items": [[i.key, i.title] for i in items]},
        "result": {"answers": [[i.key, str(i.answer), i.words] for i in items]},
        "by": check.person,
        "state": "done",
    }
    return row(Record.CALLS, check.number, check.done_at, cells, None, check.number)


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
    key, running = f"{patrol.number}/{visit.position}", visit.state is VisitState.WAITING
    return row(Record.PATROLS, key, patrol.starts_at, cells, visit.building_id, patrol.number, running)


# --- shifts (clause 25) -----------------------------------------------------------------------------------------------


def _shifts(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    """Handovers by when they were taken over, who was on post by when it was to begin, leaves and checks by their end."""
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
    leaves = session.scalars(
        sa.select(Leave).where(Leave.centre_id == centre_id, Leave.back_at >= time.start_at, Leave.back_at < time.end_at)
    )
    checks = session.scalars(
        sa.select(WorkplaceCheck).where(
            WorkplaceCheck.centre_id == centre_id,
            WorkplaceCheck.checked_at >= time.start_at,
            WorkplaceCheck.checked_at < time.end_at,
        )
    )
    kinds = ((_handover, found), (_round, rounds), (_leave, leaves), (_workplace, checks))
    rows = [make(one) for make, ones in kinds for one in ones]
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
    return row(
        Record.SHIFTS, one.number, one.starts_at, cells, None, one.number, running=one.state is RoundState.WAITING
    )


def _leave(leave: Leave) -> Row:
    """Who was away from the post, why, and who covered (clause 24.6); or that they could not go."""
    cells = {
        "at": text(leave.left_at or leave.asked_at),
        "kind": "leave",
        "person": leave.person,
        "to": leave.cover,
        "matters": leave.reason,
        "difference": leave.refusal,
        "done_at": text(leave.back_at),
        "state": str(leave.state),
    }
    return row(Record.SHIFTS, leave.number, leave.back_at, cells, None, leave.number)


def _workplace(check: WorkplaceCheck) -> Row:
    """The week's check of an area's workplaces (clauses 24.1 to 24.5)."""
    cells = {
        "at": text(check.checked_at),
        "kind": "workplace",
        "post": check.area_name,
        "person": check.checked_by,
        "matters": {"answers": dict(check.answers), "findings": list(check.findings)},
        "done_at": text(check.checked_at),
        "state": str(check.state),
    }
    return row(Record.SHIFTS, check.number, check.checked_at, cells, None, check.number)


# --- visitors and visits (clauses 19 and 22) --------------------------------------------------------------------------


def _visitors(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    found = session.scalars(
        sa.select(Visitor)
        .where(Visitor.centre_id == centre_id, Visitor.came_at >= time.start_at, Visitor.came_at < time.end_at)
        .order_by(Visitor.came_at, Visitor.id)
    )
    calendar, now = calendar_of(session, centre_id), session.info["clock"].now()
    today = calendar.local(now).date()
    return [_visitor(one, calendar.local(one.came_at).date() >= today) for one in found]


def _visitor(one: Visitor, today: bool) -> Row:
    cells = {
        "at": text(one.came_at),
        "visitor": f"{one.name[:1]}**",  # lists do not name who comes: the whole name stands at the desk while they are in
        "host": one.host,
        "purpose": one.purpose,
        "id_kind": str(one.id_kind),
        "badge": one.badge,
        "left_at": text(one.left_at),
        "by": one.entered_by,
    }
    return row(Record.VISITORS, f"visitor-{one.id}", one.came_at, cells, running=today and one.left_at is None)


def _visits(session: Session, centre_id: int, time: Time, reader: Person | None) -> list[Row]:
    found = session.scalars(
        sa.select(CustomerVisit)
        .where(
            CustomerVisit.centre_id == centre_id,
            CustomerVisit.visited_at >= time.start_at,
            CustomerVisit.visited_at < time.end_at,
        )
        .options(joinedload(CustomerVisit.unit), joinedload(CustomerVisit.customer))
        .order_by(CustomerVisit.visited_at, CustomerVisit.id)
    )
    return [_visit(one) for one in found]


def _visit(one: CustomerVisit) -> Row:
    cells = {
        "at": text(one.visited_at),
        "place": one.unit.code,
        "customer": one.customer.name,
        "contact": one.contact,
        "purpose": one.purpose,
        "interview": one.interview,
        "wishes": one.wishes,
        "by": one.visited_by,
    }
    return row(Record.VISITS, f"visit-{one.id}", one.visited_at, cells, one.unit.building_id)


# --- which record is read how -----------------------------------------------------------------------------------------

Read = Callable[[Session, int, Time, Person | None], list[Row]]
_READ: dict[Record, Read] = {
    Record.CALLS: _calls,
    Record.SHIFTS: _shifts,
    Record.VISITORS: _visitors,
    Record.VISITS: _visits,
    Record.PATROLS: _patrols,
}
