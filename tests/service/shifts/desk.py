"""A desk with two people and its goods: `Desk(story, clock)` starts the handover of Friday 17:45 from Lin to Zhou."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from service import demo
from service.shifts import handovers, queries, roster, sheets
from service.shifts.handovers import Count, Signing
from service.shifts.models import Goods, Handover, HandoverRecord, Shift
from service.shifts.sheets import IN, OUT
from service.timetable.actions import plan_ahead, start_due
from tests.conftest import CHINA

FRIDAY = date(2026, 11, 20)
KEYS, RADIOS, CASH = "钥匙", "对讲机", "备用金"


def at(hour: int, minute: int = 0, day: date = FRIDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


class Desk:
    def __init__(self, story, clock, start: bool = True):
        self.story, self.clock, self.app, self.here = story, clock, story.app, story.world.centre_id
        clock.set(at(9))
        chen = story.person("chen")
        self.post = roster.add_post(self.app, chen, self.here, "前台", "specialist", "lin")
        for name, measure, kind, expected in (
            (KEYS, "把", "count", 12),
            (RADIOS, "台", "count", 2),
            (CASH, "元", "money", 50000),
        ):
            roster.save_goods(self.app, chen, self.post, roster.GoodsGiven(name, measure, kind, expected))
        self.put({(FRIDAY, Shift.DAY): "lin", (FRIDAY, Shift.NIGHT): "zhou"})
        if start:
            self.begin()

    def put(self, people: dict) -> None:
        """Fill empty cells of the roster."""
        cells = {(self.post, day, shift): ("", who) for (day, shift), who in people.items()}
        roster.save_cells(self.app, self.story.person("chen"), self.here, cells)

    def begin(self, moment: datetime | None = None) -> str:
        self.clock.set(moment or at(17, 45))
        plan_ahead(self.app)
        start_due(self.app, kind="handover")
        return self.number

    @property
    def number(self) -> str:
        with self.app.session() as session:
            return session.scalars(sa.select(Handover.number).order_by(Handover.id.desc())).first() or ""

    def handover(self) -> Handover:
        with self.app.session() as session:
            return handovers.named(session, self.number)

    def items(self) -> list[sheets.Item]:
        with self.app.session() as session:
            return sheets.items(session, handovers.named(session, self.number))

    def responsible(self, moment: datetime | None = None) -> str | None:
        with self.app.session() as session:
            return queries.responsible_at(session, self.post, moment or self.clock.now())

    def record(self) -> HandoverRecord | None:
        with self.app.session() as session:
            return session.scalars(sa.select(HandoverRecord)).first()

    # --- what the two do ----------------------------------------------------------------------------------------------
    def counts(self, keys: int = 12, remark: str = "") -> dict[int, Count]:
        with self.app.session() as session:
            found = {g.name: g.id for g in session.scalars(sa.select(Goods))}
        return {found[KEYS]: Count(keys, remark), found[RADIOS]: Count(2), found[CASH]: Count(50000)}

    def write(self, keys: int = 12, remark: str = "", matters: str = "", by: str = "lin") -> None:
        comments = {item.key: f"留意 {item.thing}" for item in self.items()}
        handovers.save_out(self.app, self.story.person(by), self.number, comments, self.counts(keys, remark), matters)

    def check(self, keys: int = 12, by: str = "zhou") -> None:
        ticked = [item.key for item in self.items()]
        handovers.save_in(self.app, self.story.person(by), self.number, ticked, self.counts(keys))

    def signing(self, meaning: str, password: str = demo.PASSWORD) -> Signing:
        with self.app.session() as session:
            sheet = sheets.sheet(session, handovers.named(session, self.number), meaning)
        return Signing(password, sheet.hash, sheet.text)

    def give(self, by: str = "lin", **counted):
        self.write(by=by, **counted)
        return handovers.give(self.app, self.story.person(by), self.number, self.signing(OUT))

    def take(self, by: str = "zhou", **counted):
        self.check(by=by, **counted)
        return handovers.take(self.app, self.story.person(by), self.number, self.signing(IN))

    def differ(self, words: str, by: str = "zhou"):
        return handovers.differ(self.app, self.story.person(by), self.number, words)

    def pass_to(self, moment: datetime) -> None:
        """The clock reaches an instant and fires what is due."""
        self.clock.set(moment)
        self.app.engine.fire_due(100)


DAY = timedelta(days=1)
