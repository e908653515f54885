"""A centre with the usual timetable: `Posts(story, clock)`; `at("08:15")` moves to Monday's hour and lets start what is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.rounds import actions
from service.rounds.models import Round, RoundFiling, RoundItem, WorkplaceCheck
from service.timetable.actions import plan_ahead, start_due
from tests.conftest import CHINA

MONDAY = datetime(2026, 11, 23, 0, 0, tzinfo=CHINA)


class Posts:
    def __init__(self, story, clock):
        self.story, self.clock, self.app = story, clock, story.app
        self.centre = story.world.centre_id
        clock.set(MONDAY - timedelta(hours=12))
        actions.start_usual(self.app, story.person("chen"), self.centre)

    def at(self, hour: str, days: int = 0) -> None:
        self.clock.set(MONDAY + timedelta(days=days, hours=int(hour[:2]), minutes=int(hour[3:])))
        self.app.engine.fire_due(1000)
        plan_ahead(self.app)
        start_due(self.app)

    def rows(self, kind=Round) -> list:
        with self.app.session() as session:
            return list(session.scalars(sa.select(kind).where(kind.centre_id == self.centre).order_by(kind.id)))

    def waiting(self) -> dict[tuple[str, str], str]:
        """(title, post) -> number of what can be ticked now."""
        return {(r.title, r.post): r.number for r in self.rows() if r.state == "waiting"}

    def tick(self, title: str, post: str = "", by: str = "lin", note: str = ""):
        return actions.tick(self.app, self.story.person(by), self.waiting()[title, post], note)

    def item(self, kind: str = "etiquette") -> RoundItem:
        return next(i for i in self.rows(RoundItem) if i.kind == kind)

    def move(self, start: str, end: str, reason: str = "冬天客户到得早", by: str = "chen") -> actions.Saved:
        item = self.item()
        given = actions.ItemGiven("etiquette", item.name, start, end, posts=tuple(item.posts), reason=reason)
        return actions.save_item(self.app, self.story.person(by), self.centre, given, item.id)

    def filings(self) -> list[RoundFiling]:
        return self.rows(RoundFiling)

    def checks(self) -> list[WorkplaceCheck]:
        return self.rows(WorkplaceCheck)
