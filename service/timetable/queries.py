"""Reading the timetable: what is planned, what has started, what was missed; the same counted by kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.timetable import rules
from service.timetable.kinds import all_kinds
from service.timetable.models import PlannedRun, RunState


def runs(session: Session, centre_id: int, day: date, kind: str | None = None) -> list[PlannedRun]:
    """The runs of one day in one centre, in due order. The caller has checked that the person may see the centre."""
    return _between(session, centre_id, day, day, *([PlannedRun.kind == kind] if kind else []))


def missed(session: Session, centre_id: int, first: date, last: date, kind: str | None = None) -> list[PlannedRun]:
    """What did not start from `first` to `last`, both days included: exceptions of the reviews."""
    only = [PlannedRun.kind == kind] if kind else []
    return _between(session, centre_id, first, last, PlannedRun.state == RunState.MISSED, *only)


def unrecorded(session: Session, centre_id: int, start_at: datetime, end_at: datetime) -> list[PlannedRun]:
    """What was missed in [start, end), by the end of its window, and left no record of its own."""
    silent = [key for key, kind in all_kinds().items() if kind.missed is None]
    query = sa.select(PlannedRun).where(
        PlannedRun.centre_id == centre_id,
        PlannedRun.state == RunState.MISSED,
        PlannedRun.kind.in_(silent),
        PlannedRun.ends_at >= start_at,
        PlannedRun.ends_at < end_at,
    )
    return list(session.scalars(query.order_by(PlannedRun.due_at, PlannedRun.id)))


def _between(session: Session, centre_id: int, first: date, last: date, *clauses) -> list[PlannedRun]:
    query = sa.select(PlannedRun).where(
        PlannedRun.centre_id == centre_id, PlannedRun.day.between(first, last), *clauses
    )
    return list(session.scalars(query.order_by(PlannedRun.due_at, PlannedRun.id)))


def name_of(session: Session, run: PlannedRun) -> str:
    """What a run is about: the patrol's plan, the post, the person; empty where its kind says it all."""
    kind = all_kinds().get(run.kind)
    return kind.name(session, run) if kind else ""


# --- counted ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """How many runs of one kind were planned and what became of them; planned is the sum of started, missed, called off and
    to come. `late` are those of the started ones that began more than a minute after their instant.
    """

    kind: str
    planned: int
    started: int
    late: int
    missed: int
    called_off: int

    @property
    def to_come(self) -> int:
        return self.planned - self.started - self.missed - self.called_off


@dataclass(frozen=True, slots=True)
class Table:
    """The timetable of a centre from `first` to `last`, both days included: a tally by kind, in the order of the kinds, and
    every run that was late, missed, called off, or is due and has not started.
    """

    first: date
    last: date
    tallies: list[Tally]
    troubles: list[PlannedRun]


def table(session: Session, centre_id: int, first: date, last: date, now: datetime) -> Table:
    """What of the plan has started. Only what is planned ahead: what one step sets off for another is no plan."""
    planned = [key for key, kind in all_kinds().items() if kind.slots is not None]
    found = _between(session, centre_id, first, last, PlannedRun.kind.in_(planned))
    by_kind = {key: [run for run in found if run.kind == key] for key in planned}
    tallies = [_tally(key, of_kind) for key, of_kind in by_kind.items() if of_kind]
    return Table(first, last, tallies, [run for run in found if _in_trouble(run, now)])


def _tally(kind: str, found: list[PlannedRun]) -> Tally:
    states = [run.state for run in found]
    return Tally(
        kind,
        len(found),
        states.count(RunState.STARTED),
        sum(_late(run) for run in found),
        states.count(RunState.MISSED),
        states.count(RunState.CALLED_OFF),
    )


def _late(run: PlannedRun) -> bool:
    return (run.late_seconds or 0) > rules.LATE.total_seconds()


def _in_trouble(run: PlannedRun, now: datetime) -> bool:
    waits = run.state == RunState.PLANNED and now - run.due_at > rules.LATE
    return waits or _late(run) or run.state in (RunState.MISSED, RunState.CALLED_OFF)
