"""Planning ahead and starting what is due; both may run any number of times, in any number of clock processes.

A run is locked, started by the engine and marked in one transaction, so a clock that is killed leaves it either planned
or started. Surprise: on SQLite the unit itself is the lock; on PostgreSQL a row that another clock holds is skipped.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import SYSTEM, Scope
from engine.errors import EngineError, text_of
from engine.sql import passing
from service.calendars.queries import calendar_of
from service.db import insert_or_leave, upserting
from service.organisation.models import Centre
from service.timetable import rules
from service.timetable.kinds import NotWanted, Slot, all_kinds
from service.timetable.models import PlannedRun, PlannedUntil, RunState

log = logging.getLogger("zhiban.clock")

WINDOW_PASSED = "window-passed"  # no clock process ran while it could have started


# --- planning ---------------------------------------------------------------------------------------------------------


def plan_ahead(app, day: date | None = None, centre_id: int | None = None) -> int:
    """Make the rows of today and tomorrow (or of `day`) agree with what the planners give; how many rows changed.

    Every active centre, or the one given. Days that nobody planned in time are made up for. Nothing that has started or
    was missed is touched, and what has started is not planned at another instant of its day.
    """
    with app.session() as session:
        centres = [c for c in session.scalars(sa.select(Centre.id).where(Centre.active)) if centre_id in (None, c)]
    return sum(_plan_centre(app, centre, day) for centre in centres)


def _plan_centre(app, centre_id: int, day: date | None) -> int:
    now = app.clock.now()
    with app.session() as session:  # most looks find nothing to change, and those take no lock
        if not _differences(session, centre_id, day, now)[0]:
            return 0
    with app.writing() as session:
        session.info["unit"].lock_request(f"timetable-{centre_id}")
        changes, until = _differences(session, centre_id, day, now)
        for change in changes:
            _apply(session, change)
        if until is not None:
            row = upserting(session, PlannedUntil).values(centre_id=centre_id, day=until)
            session.execute(row.on_conflict_do_update(index_elements=["centre_id"], set_={"day": until}))
        return sum(change.rows for change in changes)


@dataclass(frozen=True, slots=True)
class _Change:
    """What makes the rows of a day agree with the planners: rows to add, windows to move (by id), ids to take away."""

    new: list[dict]
    moved: dict[int, dict]
    gone: list[int]

    @property
    def rows(self) -> int:
        return len(self.new) + len(self.moved) + len(self.gone)


def _apply(session: Session, change: _Change) -> None:
    """What another clock has started in between stays as it is."""
    insert_or_leave(session, PlannedRun.__table__, change.new, ["centre_id", "kind", "key", "due_at"])
    options = {"synchronize_session": False}
    for id, window in change.moved.items():
        waiting = sa.update(PlannedRun).where(PlannedRun.id == id, PlannedRun.state == RunState.PLANNED)
        session.execute(waiting.values(**window), execution_options=options)
    waiting = sa.delete(PlannedRun).where(PlannedRun.id.in_(change.gone), PlannedRun.state == RunState.PLANNED)
    session.execute(waiting, execution_options=options)


def _differences(
    session: Session, centre_id: int, day: date | None, now: datetime
) -> tuple[list[_Change], date | None]:
    """What changes per day, days without any left out; and until when it is planned then. Planning a single day moves no end."""
    today = calendar_of(session, centre_id).local(now).date()
    until = session.scalar(sa.select(PlannedUntil.day).where(PlannedUntil.centre_id == centre_id))
    days = [day] if day else rules.days_to_plan(today, until)
    changes = [_day(session, centre_id, on, now, made_up=until is not None and until < on) for on in days]
    newest = until if day else max(days[-1], until or days[-1])
    return [change for change in changes if change.rows or newest != until], newest


def _day(session: Session, centre_id: int, on: date, now: datetime, made_up: bool) -> _Change:
    planned = {key: kind for key, kind in all_kinds().items() if kind.slots is not None}
    wanted: dict[rules.Key, Slot] = {
        (key, slot.key, slot.due): slot for key, kind in planned.items() for slot in kind.slots(session, centre_id, on)
    }
    rows = session.execute(
        sa.select(PlannedRun.id, PlannedRun.kind, PlannedRun.key, PlannedRun.due_at, PlannedRun.state, *_WINDOW).where(
            PlannedRun.centre_id == centre_id, PlannedRun.day == on, PlannedRun.kind.in_(planned)
        )
    ).all()
    there = {(row.kind, row.key, row.due_at): row for row in rows}
    started = {(row.kind, row.key) for row in rows if row.state == RunState.STARTED}
    new = rules.to_add({key: slot.ends_at for key, slot in wanted.items()}, there, started, now, made_up)
    waiting = {key: row for key, row in there.items() if row.state == RunState.PLANNED}
    return _Change(
        [_row(centre_id, on, key[0], wanted[key]) for key in sorted(new)],
        {row.id: _window(wanted[key]) for key, row in waiting.items() if key in wanted and _moved(row, wanted[key])},
        [row.id for key, row in waiting.items() if key not in wanted or key[:2] in started],
    )


_WINDOW = (PlannedRun.starts_at, PlannedRun.ends_at, PlannedRun.building_id)


def _window(slot: Slot) -> dict:
    return {"starts_at": slot.starts_at, "ends_at": slot.ends_at, "building_id": slot.building_id}


def _moved(row, slot: Slot) -> bool:
    return any(getattr(row, name) != value for name, value in _window(slot).items())


def _row(centre_id: int, on: date, kind: str, slot: Slot) -> dict:
    return {
        "centre_id": centre_id,
        **_window(slot),
        "kind": kind,
        "key": slot.key,
        "day": on,
        "due_at": slot.due,
        "state": RunState.PLANNED,
        "reason": "",
        "tries": 0,
    }


# --- starting ---------------------------------------------------------------------------------------------------------


def start_due(app, now: datetime | None = None, limit: int = 50, kind: str | None = None) -> int:
    """Start what is due (of one kind only, if given), each in a transaction of its own, or mark it missed where its window
    has passed, called off where nobody wants it; how many were dealt with. A start that fails is tried again until its window
    passes, and delays no other.
    """
    now = now or app.clock.now()
    only = PlannedRun.kind == kind if kind else sa.true()
    with app.session() as session:
        due = session.scalars(
            sa.select(PlannedRun.id)
            .where(
                PlannedRun.state == RunState.PLANNED,
                only,
                PlannedRun.due_at <= now,
                sa.or_(PlannedRun.retry_at.is_(None), PlannedRun.retry_at <= now),
            )
            .order_by(PlannedRun.due_at, PlannedRun.id)
            .limit(limit)
        ).all()
    return sum(_take(app, run_id, now) for run_id in due)


def _take(app, run_id: int, now: datetime) -> bool:
    try:
        with app.writing() as session:
            run = session.scalars(
                sa.select(PlannedRun)
                .where(PlannedRun.id == run_id, PlannedRun.state == RunState.PLANNED)
                .with_for_update(skip_locked=True)
            ).first()
            if run is None:
                return False  # another clock has it
            kind = all_kinds().get(run.kind)
            if kind is None or run.ends_at <= now:
                _miss(session, run, kind, run.reason or WINDOW_PASSED)
            else:
                _start(app, session, run, kind, now)
        return True
    except Exception as error:
        if passing(error):
            log.warning("planned run %s waits: the database is busy", run_id)
            return False
        log.exception("planned run %s could not start", run_id)
        _failed(app, run_id, now, error)
    return False


def _start(app, session: Session, run: PlannedRun, kind, now: datetime) -> None:
    try:
        start = kind.begin(session, run)
    except NotWanted as reason:
        run.state, run.reason = RunState.CALLED_OFF, str(reason)
        return
    session.flush()
    started = app.engine.start(
        kind.process,
        start.variables,
        business_key=start.business_key,
        scope=Scope(run.centre_id, run.building_id),
        actor=SYSTEM,
        request_id=f"planned-run-{run.id}",
        unit=session.info["unit"],
    )
    run.state, run.instance_id, run.started_at = RunState.STARTED, started.instance_id, now
    run.late_seconds, run.reason, run.retry_at = int((now - run.due_at).total_seconds()), "", None


def _miss(session: Session, run: PlannedRun, kind, reason: str) -> None:
    run.state, run.reason = RunState.MISSED, reason
    if kind is not None and kind.missed is not None:
        kind.missed(session, run)


def _failed(app, run_id: int, now: datetime, error: Exception) -> None:
    """Note why, and when to try again. The text of the engine's own errors names the element and the remedy."""
    why = text_of(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {text_of(error)}"
    with app.writing() as session:
        run = session.get(PlannedRun, run_id)
        if run is not None and run.state == RunState.PLANNED:
            run.tries += 1
            run.reason, run.retry_at = why[:500], rules.retry_at(run.tries, now)
