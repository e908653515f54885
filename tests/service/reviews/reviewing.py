"""People who review: `Review(story, clock)` starts Friday's daily review; it is decided and signed by name."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from service import demo
from service.reviews import actions, contents, queries
from service.reviews.actions import Decision
from service.reviews.models import Review
from service.signing import actions as signing
from service.timetable.actions import plan_ahead, start_due
from tests.conftest import CHINA

QUARTER_PAST_FIVE = datetime(2026, 11, 20, 17, 15, tzinfo=CHINA)
MONDAY_REVIEW = datetime(2026, 11, 23, 17, 15, tzinfo=CHINA)


class Reviewing:
    """A centre whose reviews start by themselves. `at` is when the first one does."""

    def __init__(self, story, clock, at: datetime | None = QUARTER_PAST_FIVE):
        self.story, self.clock, self.app = story, clock, story.app
        if at is not None:
            self.begin(at)

    def begin(self, at: datetime) -> None:
        self.clock.set(at)
        plan_ahead(self.app)
        self.app.engine.fire_due(1000)
        start_due(self.app)

    def numbers(self, kind: str = "daily") -> list[str]:
        with self.app.session() as session:
            here = sa.and_(Review.kind == kind, Review.centre_id == self.story.world.centre_id)
            return list(session.scalars(sa.select(Review.number).where(here).order_by(Review.day)))

    @property
    def number(self) -> str:
        return self.numbers()[-1]

    def card(self, by: str = "chen", number: str = "") -> queries.ReviewCard:
        with self.story.as_person(by) as person:
            return queries.card(person, number or self.number)

    def matters(self, number: str = "", by: str = "chen") -> dict[str, contents.Line]:
        return {line.matter.key: line for line in self.card(by, number).lines}

    def kinds(self, number: str = "", by: str = "chen") -> list[str]:
        return [str(line.matter.kind) for line in self.card(by, number).lines]

    def decide(self, key: str, text: str = "知道了", by: str = "chen", number: str = "", person: str | None = None,
               due_on: date | None = None) -> None:  # fmt: skip
        actions.decide(self.app, self.story.person(by), number or self.number, key, Decision(text, person, due_on))

    def decide_all(self, by: str = "chen", number: str = "") -> None:
        for key, line in self.matters(number, by).items():
            if line.action is None:
                self.decide(key, by=by, number=number)

    def sign(self, by: str = "chen", number: str = "", card=None, password: str = demo.PASSWORD, **more):
        """Sign what the page shows now, or what `card` showed."""
        number = number or self.number
        sheet = (card or self.card(by, number)).sheet
        person = self.story.person(by)
        proof = signing.prove(self.app, person, password)
        return actions.sign(self.app, person, number, proof, sheet.hash, shown=sheet.text, **more)

    def done(self, by: str = "chen", number: str = "") -> None:
        self.decide_all(by, number)
        self.sign(by, number)

    def versions(self, number: str = ""):
        return self.card(number=number).versions

    def faults(self) -> list[str]:
        with self.app.session() as session:
            return queries.verify(session)
