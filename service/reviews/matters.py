"""What is not as it should be, read afresh: each function gives the matters of one kind for a review (clauses 23.3, 24.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.tables import process_instance
from service.calendars.queries import calendar_of
from service.findings.models import OPEN_STATES as FINDING_OPEN
from service.findings.models import Finding, FindingState
from service.patrols import rules as patrol_rules
from service.patrols.models import Patrol, Visit, VisitState
from service.registers import queries as registers
from service.registers.rules import Record
from service.reviews import rules
from service.reviews.models import Review, ReviewAction, ReviewKind, ReviewState
from service.reviews.rules import Matter, MatterKind, in_order, starts_at
from service.rounds import queries as round_queries
from service.rounds.models import CheckState, RoundState
from service.shifts.models import DayCheck, Handover
from service.tickets.models import OPEN_STATES, Escalation, Ticket, TicketState
from service.timetable import queries as timetable

LIMITS = ("response", "arrival", "resolution")
text = registers.text


def of(session: Session, review: Review, now: datetime) -> list[Matter]:
    """Every matter of a review as it stands at `now`, the weightiest first.

    Signed after its last day, it is about what was late by the end of that day: what became so later is the next one's.
    """
    readers = DAILY if review.kind is ReviewKind.DAILY else WEEKLY
    at = min(now, review.until_at - rules.TICK)
    return in_order(matter for read in readers for matter in read(session, review, at))


def covered(session: Session, review: Review, now: datetime) -> registers.Time:
    """What the review covers: until it is signed, or else until now, at most until its last midnight."""
    until = min(
        review.until_at, now + rules.TICK
    )  # an entry of this very instant is covered, and not again by the next review
    return registers.Time(review.first_on, review.day, review.from_at, max(until, review.from_at))


# --- tickets ----------------------------------------------------------------------------------------------------------


def overdue(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Requests with a limit that has passed and was not met; a paused one's stands still."""
    late = [sa.and_(getattr(Ticket, f"{k}_met_at").is_(None), getattr(Ticket, f"{k}_due_at") <= now) for k in LIMITS]
    query = sa.select(Ticket).where(
        Ticket.centre_id == review.centre_id, Ticket.state.in_(OPEN_STATES), Ticket.paused_at.is_(None), sa.or_(*late)
    )
    for ticket in session.scalars(query):
        if (limit := _passed(ticket, now)) is not None:
            yield _of_ticket(MatterKind.OVERDUE, ticket, limit=limit, due_at=text(getattr(ticket, f"{limit}_due_at")))


def _passed(ticket: Ticket, now: datetime) -> str | None:
    """The first limit that was passed and still matters: nobody has to accept what is handled."""
    handled = ticket.state in (TicketState.HANDLED, TicketState.VISITING)
    dues = {k: getattr(ticket, f"{k}_due_at") for k in LIMITS if getattr(ticket, f"{k}_met_at") is None}
    passed = [k for k, due in dues.items() if due is not None and due <= now and not handled]
    return min(passed, key=dues.get, default=None)


def unvisited(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    query = sa.select(Ticket).where(
        Ticket.centre_id == review.centre_id,
        Ticket.state == TicketState.VISITING,
        Ticket.return_visit_met_at.is_(None),
        Ticket.return_visit_due_at <= now,
    )
    for ticket in session.scalars(query):
        yield _of_ticket(MatterKind.UNVISITED, ticket, due_at=text(ticket.return_visit_due_at))


def _of_ticket(kind: MatterKind, ticket: Ticket, **facts) -> Matter:
    return Matter(f"{kind}:{ticket.number}", kind, ticket.number, {"title": ticket.title, "who": ticket.owner, **facts})


def escalations(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """What was reported upwards in the time, and what waits for an answer still; what ended with its ticket waits no more."""
    time = covered(session, review, now)
    waits = sa.and_(Escalation.answered_at.is_(None), process_instance.c.state == "running")
    query = (
        sa.select(Escalation, Ticket.number, waits)
        .join(process_instance, process_instance.c.id == Escalation.instance_id)
        .outerjoin(Ticket, Ticket.id == Escalation.ticket_id)
        .where(
            Escalation.centre_id == review.centre_id,
            Escalation.asked_at < time.end_at,
            sa.or_(Escalation.asked_at >= time.start_at, waits),
        )
    )
    for row, number, waiting in session.execute(query):
        facts = {
            "title": row.subject,
            "reason": row.reason,
            "who": row.asked_by,
            "level": row.level,
            "answer": row.answer or (None if waiting else "ended"),
        }
        yield Matter(f"{MatterKind.ESCALATION}:{row.id}", MatterKind.ESCALATION, number or "", facts)


# --- patrols and findings ---------------------------------------------------------------------------------------------


def floors(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Floors that nobody walked on the working day before, and visits whose proofs are weak together."""
    query = (
        sa.select(Visit, Patrol)
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Patrol.centre_id == review.centre_id, Patrol.day == review.patrol_on)
    )
    for visit, patrol in session.execute(query):
        facts = {
            "place": visit.label,
            "slot": str(patrol.slot),
            "who": visit.responsible,
            "day": patrol.day.isoformat(),
        }
        key = f"{patrol.number}/{visit.position}"
        if visit.state is VisitState.MISSED:
            yield Matter(f"{MatterKind.MISSED_FLOOR}:{key}", MatterKind.MISSED_FLOOR, patrol.number, facts)
        elif visit.state is VisitState.DONE and patrol_rules.weight(visit.flags) >= patrol_rules.LOOK:
            facts |= {"flags": list(visit.flags), "who": visit.walked_by}
            yield Matter(f"{MatterKind.WEAK_PROOF}:{key}", MatterKind.WEAK_PROOF, patrol.number, facts)


def findings(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Findings that are late, and those of the reviewed patrols that are still open: what is left is assigned here."""
    reviewed = (
        sa.select(Visit.id)
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Patrol.centre_id == review.centre_id, Patrol.day == review.patrol_on)
    )
    query = sa.select(Finding).where(Finding.centre_id == review.centre_id, Finding.state.in_(FINDING_OPEN))
    mine = set(session.scalars(reviewed))
    for finding in session.scalars(query):
        due = finding.accept_due_at if finding.state is FindingState.REPORTED else finding.fix_due_at
        late = finding.state is not FindingState.FIXED and due is not None and due <= now
        if late or finding.visit_id in mine:
            kind = MatterKind.OVERDUE if late else MatterKind.OPEN_FINDING
            facts = {
                "title": finding.words,
                "place": finding.place,
                "who": finding.worker,
                "department": finding.department,
            }
            facts |= {"limit": str(finding.state), "due_at": text(due)}
            yield Matter(f"{kind}:{finding.number}", kind, finding.number, facts)


# --- entries, shifts, what was decided before -------------------------------------------------------------------------


def incomplete(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Entries of the time in which something is missing. A floor that was not walked has a matter of its own."""
    time = covered(session, review, now)
    for record in (Record.CALLS, Record.SHIFTS):
        for row in registers.entries(session, record, review.centre_id, time):
            if row.missing and row.cells.get("state") != VisitState.MISSED:
                facts = {
                    "record": str(record),
                    "missing": list(row.missing),
                    "title": row.cells.get("request") or row.cells.get("post"),
                    "who": row.cells.get("by") or row.cells.get("person"),
                }
                yield Matter(f"{MatterKind.INCOMPLETE}:{row.key}", MatterKind.INCOMPLETE, row.about, facts)


def shifts(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Handovers of the time in which goods differed, and checks before going home that nobody made (clause 24.8)."""
    time = covered(session, review, now)
    here = sa.and_(
        Handover.centre_id == review.centre_id, Handover.opened_at >= time.start_at, Handover.opened_at < time.end_at
    )
    for row in session.scalars(
        sa.select(Handover).where(here, sa.or_(Handover.back_count > 0, Handover.difference != ""))
    ):
        facts = {"title": row.difference, "place": row.post_name, "who": row.incoming, "settled": row.settlement}
        yield Matter(f"{MatterKind.DIFFERENCE}:{row.number}", MatterKind.DIFFERENCE, row.number, facts)
    query = sa.select(DayCheck).where(
        DayCheck.centre_id == review.centre_id,
        DayCheck.shift_ends_at >= time.start_at,
        DayCheck.shift_ends_at < time.end_at,
        DayCheck.done_at.is_(None),
    )
    for check in session.scalars(query):
        facts = {"who": check.person, "due_at": text(check.shift_ends_at)}
        yield Matter(f"{MatterKind.UNCHECKED}:{check.number}", MatterKind.UNCHECKED, check.number, facts)


def rounds(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Posts at which nobody was in time (clauses 18, 20, 21)."""
    time = covered(session, review, now)
    for one in round_queries.between(session, review.centre_id, time.start_at, time.end_at):
        if one.state is RoundState.MISSED:
            facts = {"title": f"{one.title} {one.post}".strip(), "due_at": text(one.starts_at)}
            yield Matter(f"{MatterKind.MISSED_ROUND}:{one.number}", MatterKind.MISSED_ROUND, one.number, facts)


def not_started(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """What was planned to start by itself, did not, and has left nothing else behind: no clock ran, or each try failed."""
    time = covered(session, review, now)
    for run in timetable.unrecorded(session, review.centre_id, time.start_at, time.end_at):
        facts = {"planned": run.kind, "title": timetable.name_of(session, run), "due_at": text(run.due_at), "reason": run.reason}
        yield Matter(f"{MatterKind.NOT_STARTED}:{run.id}", MatterKind.NOT_STARTED, "", facts)


def workplaces(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Areas whose workplaces nobody checked in the week (clauses 24.1 to 24.5)."""
    for check in round_queries.checks_between(session, review.centre_id, review.first_on, review.day):
        late = check.state is CheckState.OPEN and check.due_at <= now
        if check.state is CheckState.MISSED or late:
            facts = {"title": check.area_name, "due_at": text(check.due_at)}
            yield Matter(f"{MatterKind.UNCHECKED}:{check.number}", MatterKind.UNCHECKED, check.number, facts)


def late_actions(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """What an earlier review decided and nobody has done by its day: so it is followed (clause 23.3)."""
    today = calendar_of(session, review.centre_id).local(now).date()
    query = sa.select(ReviewAction, Review.number).join(Review, Review.id == ReviewAction.review_id).where(
        ReviewAction.centre_id == review.centre_id,
        ReviewAction.review_id != review.id,
        ReviewAction.person.is_not(None),
        ReviewAction.done_at.is_(None),
        ReviewAction.due_on < today,
    )  # fmt: skip
    for action, number in session.execute(query):
        facts = {"title": action.text, "who": action.person, "due_on": action.due_on.isoformat(), "review": number}
        yield Matter(f"{MatterKind.ACTION_LATE}:{action.id}", MatterKind.ACTION_LATE, number, facts)


def reviews_of_the_week(session: Session, review: Review, now: datetime) -> Iterator[Matter]:
    """Working days without a daily review, reviews that nobody has signed, and those that the manager had to sign."""
    calendar = calendar_of(session, review.centre_id)
    there = {r.day: r for r in dailies(session, review)}
    for on in _days(review):
        daily = there.get(on)
        if daily is None and calendar.windows_on(on) and starts_at(calendar, on) <= now:
            yield Matter(f"{MatterKind.NO_REVIEW}:{on}", MatterKind.NO_REVIEW, "", {"day": on.isoformat()})
        elif daily is not None and daily.state is not ReviewState.SIGNED and daily.due_at <= now:
            yield _of_review(MatterKind.UNSIGNED, daily)
        elif daily is not None and daily.signed_at is not None and daily.signed_at > daily.due_at:
            yield _of_review(MatterKind.SIGNED_LATE, daily)


def dailies(session: Session, review: Review) -> list[Review]:
    """The daily reviews of a weekly one's days, in order."""
    query = sa.select(Review).where(
        Review.centre_id == review.centre_id,
        Review.kind == ReviewKind.DAILY,
        Review.day.between(review.first_on, review.day),
    )
    return list(session.scalars(query.order_by(Review.day)))


def _of_review(kind: MatterKind, daily: Review) -> Matter:
    facts = {"day": daily.day.isoformat(), "due_at": text(daily.due_at), "who": daily.signed_by}
    return Matter(f"{kind}:{daily.number}", kind, daily.number, facts)


def _days(review: Review) -> Iterator:
    for count in range((review.day - review.first_on).days + 1):
        yield review.first_on + timedelta(days=count)


Reader = Callable[[Session, Review, datetime], Iterator[Matter]]
DAILY: list[Reader] = [
    escalations, overdue, unvisited, floors, findings, incomplete, shifts, rounds, not_started, late_actions
]  # fmt: skip
WEEKLY: list[Reader] = [overdue, unvisited, late_actions, reviews_of_the_week, workplaces]
