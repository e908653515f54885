"""A small kind for the tests of the timetable: a round at every opening, missed when the centre closes.

Run as a program it is a clock that is killed just before it commits its first start.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from engine.definitions import Procedure
from service.calendars.queries import calendar_of
from service.timetable import kinds
from service.timetable.kinds import Kind, NotWanted, Slot, Start
from tests.engine.drawing import flows, plain, process, user

KEY = "test-round"
ROUND = process(
    "round", plain("startEvent", "s"), user("go_round"), plain("endEvent", "e"), flows("s > go_round", "go_round > e")
)
SHEET = b"code: R\nname: round\nvariables: {place: string}\n"
FORM = b'{"type": "default", "id": "any", "schemaVersion": 16, "components": []}'
LOBBY, DOORS = "lobby", "doors"


class Rounds:
    """What the planner gives: the posts are changed by a test, as a supervisor changes a plan."""

    def __init__(self, posts: list[str]):
        self.posts, self.begun, self.told, self.unwanted = posts, [], [], False
        self.dies = False

    def slots(self, session, centre_id, day):
        calendar = calendar_of(session, centre_id)
        if calendar.windows_on(day):
            opens, closes = calendar.opening_time(day), calendar.closing_time(day)
            for post in self.posts:
                yield Slot(post, opens, closes, due_at=opens - timedelta(minutes=15))

    def begin(self, session, run):
        if self.unwanted:
            raise NotWanted("The post was closed.")
        if self.dies:
            session.info["unit"].before_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
        self.begun.append(run.key)
        return Start({"place": run.key}, business_key=f"R-{run.id}")

    def missed(self, session, run):
        self.told.append(run.key)


def kind(rounds: Rounds) -> Kind:
    return Kind(KEY, "round", rounds.slots, rounds.begin, rounds.missed)


def deploy(app) -> None:
    procedure = Procedure.from_files({"round.bpmn": ROUND, "control-sheet.yaml": SHEET, "forms/any.form": FORM})
    with app.engine.unit() as unit:
        app.engine.catalogue.put(unit.connection, procedure, unit.now, "test")


def main(url: str, folder: str, at: str) -> None:
    from datetime import datetime

    from engine.clock import FrozenClock
    from service import app as service
    from service.settings import Settings
    from service.timetable.actions import start_due

    rounds = Rounds([LOBBY])
    rounds.dies = True
    kinds.register(kind(rounds))
    settings = Settings(var_dir=Path(folder), database_url=url, secret_key="only for tests")
    start_due(service.create(settings, clock=FrozenClock(datetime.fromisoformat(at))))


if __name__ == "__main__":
    main(*sys.argv[1:])
