"""Reading the timetable: what is planned, what has started, what was missed."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.timetable.models import PlannedRun, RunState


def runs(session: Session, centre_id: int, day: date, kind: str | None = None) -> list[PlannedRun]:
    """The runs of one day in one centre, in due order. The caller has checked that the person may see the centre."""
    query = sa.select(PlannedRun).where(PlannedRun.centre_id == centre_id, PlannedRun.day == day)
    if kind:
        query = query.where(PlannedRun.kind == kind)
    return list(session.scalars(query.order_by(PlannedRun.due_at, PlannedRun.id)))


def missed(session: Session, centre_id: int, first: date, last: date, kind: str | None = None) -> list[PlannedRun]:
    """What did not start from `first` to `last`, both days included: exceptions of the reviews."""
    query = sa.select(PlannedRun).where(
        PlannedRun.centre_id == centre_id, PlannedRun.day.between(first, last), PlannedRun.state == RunState.MISSED
    )
    if kind:
        query = query.where(PlannedRun.kind == kind)
    return list(session.scalars(query.order_by(PlannedRun.due_at, PlannedRun.id)))
