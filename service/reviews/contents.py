"""What a review shows and its signature covers: the records, the matters with what was decided, the figures. Plain values only.

Surprise: nothing in a content depends on when it is read, or by whom, as long as nothing has changed; so the hash on the page is
the hash that is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.patrols.models import Patrol, Visit, VisitState
from service.registers import queries as registers
from service.registers import rules as register_rules
from service.registers.rules import Record
from service.reviews import matters, rules
from service.reviews.models import Review, ReviewAction, ReviewKind, ReviewVersion
from service.reviews.rules import Matter, MatterKind
from service.signing.models import Signature
from service.signing.rules import Sheet
from service.tickets.models import Escalation, Ticket, TicketState

text = registers.text


@dataclass(frozen=True, slots=True)
class Line:
    """One matter with what was decided about it. `gone`: its cause is no longer there."""

    matter: Matter
    action: ReviewAction | None
    gone: bool = False


def lines(session: Session, review: Review, now: datetime) -> list[Line]:
    """The matters as they stand, each with its action; one that was decided stays though its cause has gone."""
    actions = {a.key: a for a in session.scalars(sa.select(ReviewAction).where(ReviewAction.review_id == review.id))}
    there = matters.of(session, review, now)
    found = [Line(matter, actions.pop(matter.key, None)) for matter in there]
    found += [Line(_kept(action), action, gone=True) for action in sorted(actions.values(), key=lambda a: a.id)]
    return found


def _kept(action: ReviewAction) -> Matter:
    return Matter(action.key, MatterKind(action.kind), action.about, action.facts)


def sheet(session: Session, review: Review, now: datetime) -> Sheet:
    """The content that a signature would cover at `now`; the opinion is added when it is signed.

    After the first signature it is that of a correction: the entries as they are now, what was decided as it was signed, what
    differs, and the version that it replaces by number and hash.
    """
    before = newest_signed(session, review.id)
    return Sheet(_first(session, review, now) if before is None else _corrected(session, review, before))


def _first(session: Session, review: Review, now: datetime) -> dict[str, Any]:
    return {
        "number": review.number,
        "kind": str(review.kind),
        "day": review.day.isoformat(),
        "from": text(review.from_at),
        "patrol_on": review.patrol_on.isoformat() if review.patrol_on else None,
        "records": records(session, review, now),
        "matters": [_line(line) for line in lines(session, review, now)],
        "reviews": _dailies(session, review) if review.kind is ReviewKind.WEEKLY else [],
        "figures": figures(session, review, now) if review.kind is ReviewKind.WEEKLY else {},
    }


def _corrected(session: Session, review: Review, before: ReviewVersion) -> dict[str, Any]:
    signed = signed_content(session, before)
    fresh = records(session, review, review.signed_at)
    return signed | {
        "records": fresh,
        "replaces": {"version": before.version, "hash": before.content_hash},
        "changes": [c.to_json() for c in rules.changes(signed["records"], fresh)],
        "opinion": "",
    }


def signed_content(session: Session, version: ReviewVersion) -> dict[str, Any]:
    """What was signed, as the signature keeps it."""
    return session.get_one(Signature, version.signature_id).content


def _line(line: Line) -> dict[str, Any]:
    matter, action = line.matter, line.action
    decided = {"text": action.text, "person": action.person, "due_on": action.due_on.isoformat() if action.due_on else None,
               "by": action.decided_by} if action else None  # fmt: skip
    return {
        "key": matter.key,
        "kind": str(matter.kind),
        "about": matter.about,
        "facts": dict(matter.facts),
        "action": decided,
    }


# --- records ----------------------------------------------------------------------------------------------------------


def records(session: Session, review: Review, until: datetime) -> list[dict[str, Any]]:
    """Every record that the review covers, entry by entry. `until`: what was entered later belongs to the next review."""
    return [
        {
            "key": str(record),
            "rows": _rows(session, review, record, until),
        }
        for record in _records(review)
    ]


def _records(review: Review) -> tuple[Record, ...]:
    return (Record.CALLS,) if review.kind is ReviewKind.WEEKLY else tuple(Record)


def _rows(session: Session, review: Review, record: Record, until: datetime) -> list[dict[str, Any]]:
    time = matters.covered(session, review, until)
    if record is Record.PATROLS:  # of the working day before (clause 23.3)
        if review.patrol_on is None:
            return []
        time = registers.days(session, review.centre_id, review.patrol_on, review.patrol_on)
    found = registers.entries(session, record, review.centre_id, time)
    return [{"key": row.key, "about": row.about, "missing": list(row.missing), **row.cells} for row in found]


def entry(record: Record | str, content: dict[str, Any]) -> register_rules.Row:
    """An entry of a content as a register's row, for the screen."""
    cells = {c.key: content.get(c.key) for c in register_rules.COLUMNS[Record(str(record))]}
    at = cells.get("at") or cells.get("day")
    return register_rules.Row(
        content["key"],
        datetime.fromisoformat(at) if at else datetime.min,
        cells,
        tuple(content["missing"]),
        None,
        content["about"],
    )


# --- the week's figures (clause 25.3) ---------------------------------------------------------------------------------


def _dailies(session: Session, review: Review) -> list[dict[str, Any]]:
    found = []
    for daily in matters.dailies(session, review):
        version = newest_signed(session, daily.id)
        found.append(
            {
                "key": daily.number,
                "day": daily.day.isoformat(),
                "state": str(daily.state),
                "signed_by": daily.signed_by,
                "signed_at": text(daily.signed_at),
                "version": version.version if version else None,
                "hash": version.content_hash if version else None,
            }
        )
    return found


def newest_signed(session: Session, review_id: int) -> ReviewVersion | None:
    query = sa.select(ReviewVersion).where(
        ReviewVersion.review_id == review_id, ReviewVersion.signature_id.is_not(None)
    )
    return session.scalars(query.order_by(ReviewVersion.version.desc()).limit(1)).first()


def figures(session: Session, review: Review, now: datetime) -> dict[str, dict[str, int]]:
    """Of the week: on time, closed, revisited, satisfied, floors missed, escalations, entries complete; part and whole."""
    time = matters.covered(session, review, now)
    mine = [
        Ticket.centre_id == review.centre_id,
        Ticket.registered_at >= time.start_at,
        Ticket.registered_at < time.end_at,
    ]
    tickets = list(session.scalars(sa.select(Ticket).where(*mine, Ticket.state != TicketState.MERGED)))
    return {
        "on_time": _on_time(tickets, now),
        "closed": rules.share(sum(t.closed_at is not None for t in tickets), len(tickets)),
        "revisited": _share(t.return_visit_met_at is not None for t in tickets if t.return_visit_wanted),
        "satisfied": _share(t.satisfaction >= rules.SATISFIED for t in tickets if t.satisfaction is not None),
        "missed_floors": _missed(session, review),
        "escalations": rules.share(_escalations(session, review, time), len(tickets)),
        "complete": _complete(session, review, time),
    }


def _share(good) -> dict[str, int]:
    good = list(good)
    return rules.share(sum(good), len(good))


def _on_time(tickets: list[Ticket], now: datetime) -> dict[str, int]:
    """Of the requests whose limit has come or that are handled: how many were handled by then."""
    judged = [t for t in tickets if t.resolution_due_at and (t.resolution_met_at or t.resolution_due_at <= now)]
    return _share(t.resolution_met_at is not None and t.resolution_met_at <= t.resolution_due_at for t in judged)


def _missed(session: Session, review: Review) -> dict[str, int]:
    query = (
        sa.select(Visit.state, sa.func.count())
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Patrol.centre_id == review.centre_id, Patrol.day.between(review.first_on, review.day))
        .group_by(Visit.state)
    )
    counts = dict(session.execute(query).all())
    return rules.share(
        counts.get(VisitState.MISSED, 0), counts.get(VisitState.MISSED, 0) + counts.get(VisitState.DONE, 0)
    )


def _escalations(session: Session, review: Review, time: registers.Time) -> int:
    mine = [
        Escalation.centre_id == review.centre_id,
        Escalation.asked_at >= time.start_at,
        Escalation.asked_at < time.end_at,
    ]
    return session.scalar(sa.select(sa.func.count()).select_from(Escalation).where(*mine))


def _complete(session: Session, review: Review, time: registers.Time) -> dict[str, int]:
    done = register_rules.completeness(registers.entries(session, Record.CALLS, review.centre_id, time))
    return rules.share(done.complete, done.rows)
