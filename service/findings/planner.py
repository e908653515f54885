"""Starts the procedure of each finding as soon as it was reported (service.timetable)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.findings import rules
from service.findings.models import Finding
from service.findings.steps import KIND
from service.timetable.kinds import Kind, NotWanted, Start, register
from service.timetable.models import PlannedRun


def begin(session: Session, run: PlannedRun) -> Start:
    finding = session.scalars(sa.select(Finding).where(Finding.number == run.key)).first()
    if finding is None:
        raise NotWanted(f"Finding {run.key} is not there.")
    return Start(
        {
            "finding_id": finding.id,
            "finding_number": finding.number,
            "title": rules.title_of(finding.words),
            "place": finding.place,
            "department": finding.department,
            "severity": str(finding.severity),
            "urgency": rules.urgency(finding.severity),
            "reported_by": finding.reported_by,
            "reported_at": finding.reported_at,
        },
        finding.number,
    )


register(Kind(KIND, process="finding", slots=None, begin=begin))
