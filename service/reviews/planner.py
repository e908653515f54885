"""When reviews start by themselves: the daily one 45 minutes before closing, the weekly one on the week's last working day.

A review that no clock could start in time is started late, within a week, rather than lost. What was corrected after a signature
starts its review once more (`KIND_AGAIN`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.calendars.queries import calendar_of
from service.reviews import rules
from service.reviews.models import Review, ReviewKind
from service.tickets.actions import count_up
from service.timetable.kinds import Kind, NotWanted, Slot, Start, register
from service.timetable.models import PlannedRun

PROCESS = {ReviewKind.DAILY: "daily-review", ReviewKind.WEEKLY: "weekly-review"}
AGAIN = {ReviewKind.DAILY: "daily-review-again", ReviewKind.WEEKLY: "weekly-review-again"}


def daily_slots(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    calendar = calendar_of(session, centre_id)
    if calendar.windows_on(day):
        start = rules.starts_at(calendar, day)
        yield Slot("day", start, start + rules.LATEST_START)


def weekly_slots(session: Session, centre_id: int, day: date) -> Iterator[Slot]:
    calendar = calendar_of(session, centre_id)
    if rules.is_last_of_week(calendar, day):
        start = rules.starts_at(calendar, day)
        yield Slot("week", start, start + rules.LATEST_START)


def _begin(kind: ReviewKind) -> Callable[[Session, PlannedRun], Start]:
    def begin(session: Session, run: PlannedRun) -> Start:
        there = sa.select(Review.number).where(
            Review.centre_id == run.centre_id, Review.kind == kind, Review.day == run.day
        )
        if (number := session.scalar(there)) is not None:
            raise NotWanted(f"{number} is the review of {run.day} already.")
        calendar = calendar_of(session, run.centre_id)
        due = calendar.closing_time(run.day) if kind is ReviewKind.DAILY else rules.weekly_due(calendar, run.day)
        number = rules.number(kind, run.day.year, count_up(session, f"{kind}-review-{run.day.year}"))
        return Start(
            {"review_number": number, "kind": str(kind), "day": run.day.isoformat(), "sign_due_at": due}, number
        )

    return begin


def _begin_again(session: Session, run: PlannedRun) -> Start:
    """One business day to sign what was corrected."""
    review = session.scalars(sa.select(Review).where(Review.number == run.key)).one()
    calendar = calendar_of(session, run.centre_id)
    due = calendar.add(run.starts_at, calendar.day_minutes)
    given = {
        "review_number": review.number,
        "kind": str(review.kind),
        "day": review.day.isoformat(),
        "sign_due_at": due,
    }
    return Start(given, review.number)


register(Kind("daily-review", PROCESS[ReviewKind.DAILY], daily_slots, _begin(ReviewKind.DAILY)))
register(Kind("weekly-review", PROCESS[ReviewKind.WEEKLY], weekly_slots, _begin(ReviewKind.WEEKLY)))
for _kind in ReviewKind:
    register(Kind(AGAIN[_kind], PROCESS[_kind], None, _begin_again))
