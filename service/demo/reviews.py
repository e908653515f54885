"""Reviews of the demo's last week: each matter decided and the day signed before closing, the week by the manager next morning.

Surprise: the last daily review stays unsigned, so that it waits for Chen, or after closing for Wang; as does a week that ended just now.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from service.demo import texts
from service.demo.living import Story
from service.demo.week import LATEST_TO_SIGN, Week
from service.patrols.models import Patrol
from service.reviews import actions, contents
from service.reviews.models import Review, ReviewAction, ReviewKind, ReviewState
from service.reviews.rules import MatterKind
from service.signing import actions as signing


def stories(week: Week, lead: str, manager: str, last_waits: bool = True) -> None:
    """Every day 20 minutes after its review came up, every week on the next morning; what was decided is done, mostly."""
    begun = [day for day in week.working_from(week.reviewed_from_at) if _starts_at(week, day) <= week.world.end_at]
    for day in begun:
        if day == begun[-1] and last_waits:
            continue
        week.world.plan(_starts_at(week, day) + timedelta(minutes=20), _signed(week, ReviewKind.DAILY, lead))
        week.world.plan(_next_morning(week, day), _signed(week, ReviewKind.WEEKLY, manager))
    week.world.plan(week.reviewed_from_at, _done(week))


def _starts_at(week: Week, day: date) -> datetime:
    return week.calendar.closing_time(day) - timedelta(minutes=45)


def _next_morning(week: Week, day: date) -> datetime:
    return week.calendar.add(week.calendar.closing_time(day), week.world.chance.uniform(25, LATEST_TO_SIGN))


def _signed(week: Week, kind: ReviewKind, by: str) -> Story:
    """Decide about every matter of the open review, if there is one, and sign what is shown then."""
    query = sa.select(Review).where(Review.centre_id == week.centre_id, Review.kind == kind, Review.state != ReviewState.SIGNED)
    for review in week.rows(query.order_by(Review.day)):
        _decide(week, review, by)
        proof = signing.prove(week.world.app, week.who(by), week.world.passwords[by])
        opinion = texts.week()["week_opinion"] if kind is ReviewKind.WEEKLY else week.one_of("opinions")
        actions.sign(week.world.app, week.who(by), review.number, proof, _shown(week, review), opinion)
    yield from ()


def _shown(week: Week, review: Review) -> str:
    with week.world.app.session() as session:
        return contents.sheet(session, actions.review_named(session, review.number), week.now).hash


def _decide(week: Week, review: Review, by: str) -> None:
    """One decision for everything that is alike, as the page offers it; missed floors each with their reason."""
    with week.world.app.session() as session:
        lines = contents.lines(session, actions.review_named(session, review.number), week.now)
    decided: set[MatterKind] = set()
    for line in lines:
        kind = line.matter.kind
        if line.action is None and (kind not in decided or kind is MatterKind.MISSED_FLOOR):
            decision = _decision(week, review, line.matter)
            actions.decide(week.world.app, week.who(by), review.number, line.matter.key, decision, kind is not MatterKind.MISSED_FLOOR)
            decided.add(kind)


def _decision(week: Week, review: Review, matter) -> actions.Decision:
    text, person = texts.week()["decisions"][str(matter.kind)]
    if matter.kind is MatterKind.MISSED_FLOOR:
        text = _reason(week, matter.about)
    if not person or week.who(person).centre != week.place.staff[0].centre:
        return actions.Decision(text)
    return actions.Decision(text, person, week.calendar.local(_next_morning(week, review.day)).date())


def _reason(week: Week, number: str) -> str:
    """Why a patrol's floors were not walked."""
    (patrol,) = week.rows(sa.select(Patrol).where(Patrol.number == number))
    reasons = texts.week()["missed"]
    return reasons["whole" if patrol.name.startswith("江湾里") else "basement" if patrol.name.startswith("3") else "rest"]


def _done(week: Week) -> Story:
    """Half a day after it was decided, people report what the reviews gave them to do."""
    while True:
        yield week.calendar.add(week.now, 300)
        query = sa.select(ReviewAction).where(
            ReviewAction.centre_id == week.centre_id, ReviewAction.person.is_not(None), ReviewAction.done_at.is_(None)
        )
        for action in week.rows(query.where(ReviewAction.decided_at < week.calendar.subtract(week.now, 240))):
            actions.done(week.world.app, week.who(action.person), action.id)
