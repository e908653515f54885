"""What steps do to findings: report, accept, fix, look again. Called inside a step or an action, on its connection.

Nothing here decides where a finding goes next; each function records what has just happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from service.calendars.queries import calendar_of
from service.errors import NotThere
from service.findings import rules
from service.findings.models import Finding, FindingPhoto, FindingState, Severity, Source
from service.patrols.models import Posting
from service.subjects.steps import name as name_subject
from service.tickets.actions import count_up
from service.timetable.steps import start_soon

KIND = "finding"

_finding, _photo, _posting = Finding.__table__, FindingPhoto.__table__, Posting.__table__


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody saw, and where."""

    centre_id: int
    group: str
    severity: Severity
    department: str
    words: str
    place: str
    building_id: int | None = None
    floor_id: int | None = None
    visit_id: int | None = None
    posting_id: int | None = None
    source: Source = Source.PATROL
    photos: tuple[int, ...] = ()


def report(connection: Any, seen: Seen, by: str, now: datetime) -> str:
    """Write a finding down and have its procedure started; gives its number. Photos that are somebody else's stay behind."""
    year = calendar_of(connection, seen.centre_id).local(now).year
    number = rules.number(year, count_up(connection, f"finding-{year}"))
    finding_id = connection.execute(
        sa.insert(_finding)
        .values(
            number=number,
            centre_id=seen.centre_id,
            building_id=seen.building_id,
            floor_id=seen.floor_id,
            visit_id=seen.visit_id,
            posting_id=seen.posting_id,
            source=seen.source,
            group=seen.group,
            severity=seen.severity,
            department=seen.department,
            place=seen.place[:120],
            words=seen.words,
            state=FindingState.REPORTED,
            reported_by=by,
            reported_at=now,
            result="",
            back_count=0,
            back_reason="",
        )
        .returning(_finding.c.id)
    ).scalar_one()
    attach(connection, finding_id, seen.photos, "found", by)
    name_subject(connection, number, seen.centre_id, KIND, rules.title_of(seen.words), seen.place)
    start_soon(connection, KIND, number, seen.centre_id, now, seen.building_id)
    return number


def attach(connection: Any, finding_id: int, photos: Iterable[int], kind: str, by: str) -> None:
    """Photos that `by` has sent before become the finding's."""
    ids = [int(photo) for photo in photos]
    if ids:
        connection.execute(
            sa.update(_photo)
            .where(
                _photo.c.id.in_(ids),
                _photo.c.finding_id.is_(None),
                _photo.c.visit_id.is_(None),
                _photo.c.taken_by == by,
            )
            .values(finding_id=finding_id, kind=kind)
        )


def finding_of(connection: Any, number: str) -> SimpleNamespace:
    """The finding that a process instance is about. Its business key is the finding's number."""
    row = connection.execute(sa.select(_finding).where(_finding.c.number == number)).mappings().first()
    if row is None:
        raise NotThere("Finding", number)
    return SimpleNamespace(**row)


def opened(
    connection: Any, finding: SimpleNamespace, instance_id: str, limits: dict[str, Any], now: datetime
) -> dict[str, datetime]:
    """The procedure has begun: until when the department has to accept it and to put it right, counted from the report."""
    calendar = calendar_of(connection, finding.centre_id, limits["calendar"])
    due = {
        "accept_due_at": calendar.add(finding.reported_at, limits["accept_minutes"]),
        "fix_due_at": calendar.add(finding.reported_at, limits["fix_minutes"]),
    }
    change(connection, finding.id, instance_id=instance_id, **due)
    return due


def accepted(connection: Any, finding: SimpleNamespace, worker: str | None, now: datetime) -> None:
    change(connection, finding.id, state=FindingState.ACCEPTED, accepted_at=now, worker=worker)


def fixed(
    connection: Any, finding: SimpleNamespace, result: str, photos: Iterable[int], by: str, now: datetime
) -> None:
    change(connection, finding.id, state=FindingState.FIXED, fixed_at=now, result=result, worker=finding.worker or by)
    attach(connection, finding.id, photos, "fixed", by)


def sent_back(connection: Any, finding: SimpleNamespace, reason: str, by: str, now: datetime) -> None:
    """Looked at again, and it is not right."""
    change(
        connection,
        finding.id,
        state=FindingState.ACCEPTED,
        fixed_at=None,
        checked_at=now,
        checked_by=by,
        back_count=finding.back_count + 1,
        back_reason=reason,
    )


def closed(connection: Any, finding: SimpleNamespace, by: str, now: datetime) -> None:
    """Looked at again, and it is right; what was posted past its date counts as taken down."""
    change(connection, finding.id, state=FindingState.CLOSED, checked_at=now, checked_by=by, closed_at=now)
    if finding.posting_id:
        connection.execute(
            sa.update(_posting)
            .where(_posting.c.id == finding.posting_id, _posting.c.taken_down_at.is_(None))
            .values(taken_down_at=now, taken_down_by=finding.worker or by)
        )


def became_ticket(connection: Any, finding: SimpleNamespace, ticket_id: int | None, now: datetime) -> None:
    change(connection, finding.id, state=FindingState.TICKET, ticket_id=ticket_id, closed_at=now)


def change(connection: Any, finding_id: int, **values: Any) -> None:
    connection.execute(sa.update(_finding).where(_finding.c.id == finding_id).values(**values))
