"""A centre with a patrol plan, and people who walk it: `Round(story, clock)` starts the patrols of a Monday morning."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from service.organisation.models import Area, Building, Floor
from service.patrols import actions, checklist, queries
from service.patrols.models import Patrol, PatrolPoint, Visit
from service.timetable.actions import plan_ahead, start_due
from tests.conftest import CHINA

MONDAY = datetime(2026, 11, 23, 8, 30, tzinfo=CHINA)
FINE = {group.key: "fine" for group in checklist.groups()}


class Round:
    """Floors 10 to 13 of building 3, twice a day, Lin answers for the twelfth; every floor has a tag."""

    def __init__(
        self, story, clock, start: bool = True, levels: tuple[int, ...] = (10, 11, 12, 13), rhythm: str = "twice"
    ):
        self.story, self.clock, self.app = story, clock, story.app
        self.centre = story.world.centre_id
        clock.set(MONDAY - timedelta(hours=1))
        with self.app.session() as session:
            building = session.scalars(
                sa.select(Building).where(Building.centre_id == self.centre, Building.code == "3")
            ).one()
            self.floors = {
                f.level: f.id for f in session.scalars(sa.select(Floor).where(Floor.building_id == building.id))
            }
            area = session.scalars(sa.select(Area.id).where(Area.centre_id == self.centre)).first()
        ids = tuple(self.floors[level] for level in levels)
        chen = story.person("chen")
        actions.set_responsible(self.app, chen, [self.floors[12]], "lin")
        actions.make_points(self.app, chen, list(ids), "电梯厅")
        self.given = actions.PlanGiven("3座", area, rhythm, ids)
        self.plan = actions.save_plan(self.app, chen, self.centre, self.given)
        if start:
            self.begin()

    def begin(self, at: datetime = MONDAY) -> None:
        """Patrols start by themselves."""
        self.clock.set(at)
        plan_ahead(self.app)
        start_due(self.app)
        with self.app.writing() as session:  # no photo is asked for by chance
            session.execute(sa.update(Visit).values(photo_item=""))

    def visits(self) -> dict[int, Visit]:
        """level -> the visit of the first patrol."""
        with self.app.session() as session:
            first = session.scalar(sa.select(sa.func.min(Patrol.id)))
            levels = {floor: level for level, floor in self.floors.items()}
            return {levels[v.floor_id]: v for v in session.scalars(sa.select(Visit).where(Visit.patrol_id == first))}

    def tag(self, level: int) -> str:
        with self.app.session() as session:
            return session.scalars(
                sa.select(PatrolPoint.code).where(
                    PatrolPoint.floor_id == self.floors[level], PatrolPoint.retired_at.is_(None)
                )
            ).one()

    def entry(self, level: int, seconds: int = 60, **more) -> dict:
        """What a phone sends for a floor that was opened by its tag `seconds` ago."""
        now = self.clock.now()
        opened = (now - timedelta(seconds=seconds)).isoformat()
        tagged = {"tag": self.tag(level), "scanned_at": opened}
        return {"answers": dict(FINE), "opened_at": opened, "sent_at": now.isoformat(), **tagged, **more}

    def walk(self, level: int, by: str = "lin", submission: str = "", **more) -> actions.Submitted:
        visit = self.visits()[level]
        return actions.submit(
            self.app, self.story.person(by), visit.id, submission or uuid4().hex, self.entry(level, **more)
        )

    def record(self, by: str = "chen") -> queries.Record:
        with self.app.session() as session, self.story.as_person(by) as person:
            number = session.scalars(sa.select(Patrol.number).order_by(Patrol.id.desc())).first()
            return queries.record(person, number)
