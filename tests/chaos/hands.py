"""What tests have done in a process of its own, which may be killed, stopped or starved on the way. Real parts, real clock.

Each function gives something that JSON can hold, equal for equal effects: no instants, nothing that says "again".
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

LEAK = {"category": "repair", "request": "茶水间吊顶滴水，地上湿了", "expectation": "come-now", "reply_deadline_kind": "none",
        "urgency": "urgent", "on_the_spot": False}


def answer(path: str, call: str, *values) -> int:
    """Call one of these functions and write what it gives."""
    from tests.chaos.nursery import named

    found = named(call if ":" in call else f"tests.chaos.hands:{call}")(*values)
    part = Path(f"{path}.part")
    part.write_text(json.dumps(found, default=str), encoding="utf-8")
    part.rename(path)
    return 0


@cache
def app():
    from service import app as service
    from service.settings import load

    return service.create(load())


@contextmanager
def counted():
    """What is inside is the step whose moments count."""
    from tests.chaos import moments

    app().engine.expressions.evaluate("1 + 1", {}, None)  # the sandbox runs
    moments.begin()
    yield


def person(username: str):
    from service.organisation.models import Person

    with app().session() as session:
        return session.scalars(sa.select(Person).where(Person.username == username)).one()


def reachable_by_mail() -> int:
    """Everybody gives an address."""
    from service.notifications.channels import channels_of
    from service.notifications.preferences import choose
    from service.organisation.models import Person

    with app().session() as session:
        people = list(session.scalars(sa.select(Person)))
    for one in people:
        for channel in channels_of(app().settings):
            choose(app(), one, channel, f"{one.username}@example.com")
    return len(people)


def unit(code: str = "3-1201") -> int:
    with app().database.connect() as connection:
        return connection.execute(sa.text("select id from unit where code = :code"), {"code": code}).scalar_one()


def tried(call: str, *values) -> str:
    """What came of it in a word: done, or the name of the error."""
    from tests.chaos.nursery import named

    try:
        named(f"tests.chaos.hands:{call}")(*values)
    except Exception as error:  # noqa: BLE001 - the test says which it may be
        return type(error).__name__
    return "done"


# --- what is done to a process before it begins -------------------------------------------------------------------------------

def impatient(name: str, usual: str, here: str) -> None:
    """PostgreSQL waits less long than usual: for a session that stands still in a step, or for a lock."""
    from service import db

    assert f"{name}={usual}" in db.POSTGRESQL_OPTIONS
    db.POSTGRESQL_OPTIONS = db.POSTGRESQL_OPTIONS.replace(f"{name}={usual}", f"{name}={here}")


def shifted(path: str) -> None:
    """The time of this process is off by the seconds that the file says, as they change."""
    from datetime import timedelta

    from engine.clock import SystemClock

    right = SystemClock.now
    SystemClock.now = lambda clock: right(clock) + timedelta(seconds=float(Path(path).read_text()))


def small_disk(most_bytes: int) -> None:
    """No file of this process, or of those it starts, may grow beyond this."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


# --- people -------------------------------------------------------------------------------------------------------------------

def register(request_id: str) -> dict:
    from service.tickets import actions

    lin, here = person("lin"), unit()
    with counted():
        done = actions.register(app(), lin, LEAK, unit_id=here, request_id=request_id)
    return {"number": done.number, "instance": done.instance_id}


def registered(request_id: str) -> dict:
    """A request with its first task, `dispatch`."""
    found = register(request_id)
    with app().database.connect() as connection:
        found["task"] = connection.execute(sa.text("select id from user_task where business_key = :number and state = 'open'"),
                                           {"number": found["number"]}).scalar_one()
    return found


def dispatched(request_id: str) -> dict:
    found = registered(request_id)
    dispatch(found, f"{request_id}-dispatch")
    return found


def dispatch(found: dict, request_id: str) -> dict:
    from service.tickets import actions

    lin = person("lin")
    with counted():
        done = actions.complete_task(app(), lin, found["task"], {"department": "engineering", "instruction": "先关阀再查"},
                                     request_id=request_id)
    return {"instance": done.instance_id, "opened": sorted(done.opened)}


def urge(found: dict, request_id: str) -> dict:
    from service.tickets import actions

    lin = person("lin")
    with counted():
        done = actions.urge(app(), lin, found["number"], "还在滴", request_id=request_id)
    return {"instance": done.instance_id}


def undo(found: dict, request_id: str) -> dict:
    from service.tickets import undoing

    lin = person("lin")
    with counted():
        done = undoing.undo(app(), lin, found["task"], request_id=request_id)
    return {"instance": done.instance_id}


# --- the clock ----------------------------------------------------------------------------------------------------------------

def sweep(*_) -> dict:
    from engine.api import Engine

    with counted():
        done = Engine.fire_due(app().engine, 50)
    return {"failed": done.failed}


def kept_message(request_id: str) -> dict:
    """A dispatched request, and a message to it that waits for the clock."""
    from engine.api import SYSTEM, Scope

    found = dispatched(request_id)
    with app().database.connect() as connection:
        name, key, centre = connection.execute(sa.text(
            "select message, correlation_key, centre_id from subscription where root_id = :root and message = 'ticket.urge'"),
            {"root": found["instance"]}).one()
    app().engine.send(name, key, {"text": "还在滴"}, scope=Scope(centre), actor=SYSTEM, request_id=f"{request_id}-send")
    return found


def deliver(*_) -> dict:
    from service.notifications.deliver import deliver_due

    with counted():
        deliver_due(app(), 100)
    return {}


def due(found: dict) -> dict:
    """What stands in the outbox of this request may leave now."""
    from datetime import UTC, datetime

    from engine.tables import outbox

    with app().writing() as session:
        session.execute(sa.update(outbox).where(outbox.c.sent_at.is_(None)).values(not_before_at=datetime.now(UTC)))
    return found


# --- versions -----------------------------------------------------------------------------------------------------------------

def deploy(folder: str, *_) -> list:
    from service import app as service

    with counted():
        return [[one.key, one.hash, one.version] for one in service.deploy_all(app(), Path(folder))]


def migrate(ids: list[str], target: str, request_id: str) -> list:
    from engine.api import SYSTEM

    with counted():
        found = app().engine.migrate(ids, target, actor=SYSTEM, reason="新版制度", request_id=request_id)
    return [[one.instance_id, one.outcome] for one in found]


# --- everybody ----------------------------------------------------------------------------------------------------------------

def work(name: str, seconds: float, per_second: float) -> dict:
    """Register and dispatch again and again, as one of many processes; what was done, refused and said."""
    import time
    from uuid import uuid4

    from service.app import warm
    from service.errors import ServiceError

    warm(app())
    spent, faults, ends = [], [], time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            dispatched(f"{name}-{uuid4().hex}")
        except ServiceError:
            raise
        except Exception as error:  # noqa: BLE001 - the test tells all of them
            faults.append(repr(error)[:300])
        spent.append(time.monotonic() - began)
        time.sleep(max(0.0, 1 / per_second - spent[-1]))
    return {"spent": spent, "faults": faults}


# --- days that are played -----------------------------------------------------------------------------------------------------

def lived_day(zone: str, url: str) -> dict:
    """The rows of a lived day, without what chance gave them, on a machine of another zone."""
    import os
    import tempfile
    import time
    from datetime import UTC, datetime

    from service import db
    from tests.chaos.lived import Day, live

    os.environ["TZ"] = zone
    time.tzset()
    database = db.connect(url)
    with tempfile.TemporaryDirectory() as folder:
        live(Day(database, datetime(2026, 11, 20, 2, 0, tzinfo=UTC), Path(folder)))
    with database.connect() as connection:
        return {table: sorted([str(v) for v in row] for row in connection.execute(sa.text(f"select {columns} from {table}")))
                for table, columns in PLAYED.items()}


PLAYED = {"timer": "element_id, state, due_at, fired_at", "user_task": "business_key, element_id, state, due_at, opened_at, ended_at",
          "ticket": "number, state, registered_at, response_due_at, resolution_due_at, closed_at", "outbox": "kind, not_before_at, sent_at",
          "notice": "kind, person_id, at", "target": "due_at, standard_at, start_at"}


def _rounds(at: str):
    from datetime import datetime

    from engine.clock import FrozenClock
    from service import app as service
    from service.settings import load
    from service.timetable import kinds
    from tests.service.timetable import rounds

    made = service.create(load(), clock=FrozenClock(datetime.fromisoformat(at)))
    kinds._kinds = {rounds.KEY: rounds.kind(rounds.Rounds([rounds.LOBBY, rounds.DOORS]))}
    return made


def rounds_planned() -> int:
    """Monday 07:00: the rounds of today and tomorrow."""
    from service.timetable.actions import plan_ahead
    from tests.service.timetable import rounds

    made = _rounds("2026-11-23T07:00:00+08:00")
    rounds.deploy(made)
    return plan_ahead(made)


def rounds_started() -> int:
    """Tuesday 09:00: a clock comes up."""
    from service.scheduler import ClockProcess, JumpGuard

    clock = ClockProcess(_rounds("2026-11-24T09:00:00+08:00"))
    clock.guard = JumpGuard(lambda: 0.0, lambda: 0.0)
    for _ in range(2):
        clock.planning()
        clock.timetable()
    return 1
