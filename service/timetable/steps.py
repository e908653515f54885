"""Setting off another procedure from within a step: the clock starts it once the step is committed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.calendars.queries import calendar_of
from service.timetable.models import PlannedRun, RunState

WORTH_STARTING = timedelta(days=365)


def start_soon(
    connection: Any, kind: str, key: str, centre_id: int, now: datetime, building_id: int | None = None
) -> None:
    """Have the kind's procedure started for `key` as soon as this transaction is committed. Takes a connection or a session."""
    connection.execute(
        sa.insert(PlannedRun.__table__).values(
            centre_id=centre_id,
            building_id=building_id,
            kind=kind,
            key=key,
            day=calendar_of(connection, centre_id).local(now).date(),
            starts_at=now,
            due_at=now,
            ends_at=now + WORTH_STARTING,
            state=RunState.PLANNED,
            reason="",
            tries=0,
        )
    )
