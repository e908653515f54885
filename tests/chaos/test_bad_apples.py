"""One bad among many, a new version amid the work, a channel that is dead, a loop without end: the others do not notice.

Elsewhere: hostile diagrams and what runs away (F13) in tests/engine/test_hostile_diagrams.py; a killed or hanging mail server in
tests/service/notifications/test_delivery.py; recomputed limits of an unknown year (F23) in tests/service/tickets/test_recompute.py;
a full photo disk (F9) in tests/service/tickets/test_photos.py.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa

from engine.api import Actor, Engine, Scope
from engine.clock import FrozenClock
from engine.definitions import Procedure
from engine.errors import EngineError
from tests.chaos.checker import check, lateness
from tests.chaos.test_database_faults import centre, faults_of, wait_until
from tests.chaos.test_two_clocks import FORM, SHEET, WAIT
from tests.engine.drawing import flows, plain, process, user

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LIN = Actor("lin")


def engine_on(database: sa.Engine, clock: FrozenClock) -> Engine:
    return Engine(database, clock=clock)


def put(engine: Engine, key: str, diagram: bytes, mark: str = "") -> None:
    sheet = SHEET.replace(b"name: wait", f"name: {key}{mark}".encode()).replace(b"due: datetime", b"due: datetime, go: boolean")
    procedure = Procedure.from_files({f"{key}.bpmn": diagram, "control-sheet.yaml": sheet, "forms/any.form": FORM})
    with engine.unit() as unit:
        engine.catalogue.put(unit.connection, procedure, unit.now, "test")


def count(database: sa.Engine, sql: str, **values):
    with database.connect() as connection:
        return connection.execute(sa.text(sql), values).scalar()


# --- F12 ----------------------------------------------------------------------------------------------------------------------

def test_a_poisoned_instance_is_tried_three_times_told_and_delays_none_of_many(database, full):
    """F12: its saved state cannot be read; the others fire in the same sweep, on time."""
    many, clock = 500 if full else 100, FrozenClock(START)
    engine = engine_on(database, clock)
    put(engine, "wait", WAIT)
    due = START + timedelta(minutes=1)
    ids = [engine.start("wait", {"due": due}, business_key=f"W-{n}", scope=Scope(1), actor=LIN).instance_id for n in range(many)]
    with database.begin() as connection:
        good = connection.execute(sa.text("select tokens from process_instance where id = :id"), {"id": ids[0]}).scalar()
        connection.execute(sa.text("update process_instance set tokens = :bad where id = :id"), {"id": ids[0], "bad": b"[broken"})
    clock.advance(timedelta(minutes=1))
    while engine.fire_due(50).fired:
        pass
    assert count(database, "select count(*) from timer where state = 'fired'") == many - 1
    assert lateness(database)[-1] == 0
    tries = []
    for wait in (10, 60, 600):
        tries.append(count(database, "select tries from timer where instance_id = :id", id=ids[0]))
        clock.advance(timedelta(seconds=wait - 1))
        engine.fire_due(50)  # not yet
        clock.advance(timedelta(seconds=1))
        engine.fire_due(50)
    assert tries == [1, 2, 3]
    assert count(database, "select count(*) from incident where root_id = :id and resolved_at is null", id=ids[0]) == 1
    with database.begin() as connection:
        connection.execute(sa.text("update process_instance set tokens = :good where id = :id"), {"id": ids[0], "good": good})
    clock.advance(timedelta(minutes=11))
    assert engine.fire_due(50).fired == 1
    assert check(database) == []
    engine.feel.close()


# --- F14 ----------------------------------------------------------------------------------------------------------------------

LOOP = process("loop", plain("startEvent", "s"), plain("exclusiveGateway", "again"), user("work"),
               plain("exclusiveGateway", "more", default="more_done"), plain("endEvent", "done"),
               flows("s > again", "again > work", "work > more", "more > again : go", "more > done"))


def test_a_loop_of_many_turns_goes_on_at_the_same_cost_and_is_never_done_by_itself(database, full):
    """F14: 5,000 turns with --full; no limit of depth ends it silently."""
    turns, clock = 5000 if full else 250, FrozenClock(START)
    engine = engine_on(database, clock)
    put(engine, "loop", LOOP)
    started = engine.start("loop", {"go": True}, business_key="L-1", scope=Scope(1), actor=LIN)
    task, sizes = started.opened[0], []
    for _ in range(turns):
        clock.advance(timedelta(seconds=1))
        (task,) = engine.complete(task, {}, actor=LIN).opened
        sizes.append(len(bytes(engine.instance(started.instance_id).tokens)))
    assert max(sizes) <= sizes[0] + 50  # what is stored does not grow with the turns
    assert engine.instance(started.instance_id).state == "running"
    assert count(database, "select count(*) from incident") == 0
    engine.set_variables(started.instance_id, {"go": False}, reason="enough", actor=LIN)
    engine.complete(task, {}, actor=LIN)
    assert engine.instance(started.instance_id).state == "ended"
    assert check(database) == []
    engine.feel.close()


# --- F15 ----------------------------------------------------------------------------------------------------------------------

TWO = process("two", plain("startEvent", "s"), user("first"), user("second"), plain("endEvent", "e"),
              flows("s > first", "first > second", "second > e"))


def test_a_version_deployed_while_people_work_changes_no_running_instance(database, full):
    """F15: each instance stays on the version it began on, and none mixes two."""
    rounds, clock = 100 if full else 15, FrozenClock(START)
    engine = engine_on(database, clock)
    put(engine, "two", TWO)
    over, began, faults = threading.Event(), {}, []

    def work(name: str) -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                started = engine.start("two", {}, business_key=f"{name}-{number}", scope=Scope(1), actor=Actor(name))
                began[started.instance_id] = engine.instance(started.instance_id).definition_hash
                engine.complete(started.opened[0], {}, actor=Actor(name))
            except (EngineError, sa.exc.DBAPIError) as error:
                faults.append(repr(error))

    people = [threading.Thread(target=work, args=(name,)) for name in ("lin", "mei", "gao")]
    [person.start() for person in people]
    for number in range(rounds):
        put(engine, "two", TWO, f" {number}")
    over.set()
    [person.join(60) for person in people]
    assert faults == []
    with database.connect() as connection:
        mixed = connection.execute(sa.text("select count(*) from user_task t join process_instance i on i.id = t.instance_id"
                                           " where t.definition_hash <> i.definition_hash")).scalar()
        now = dict(connection.execute(sa.text("select id, definition_hash from process_instance")).all())
        force = Counter(connection.execute(sa.text("select key from process_definition where in_force")).scalars())
    assert mixed == 0 and {id: now[id] for id in began} == began
    assert force == {"two": 1} and len(set(began.values())) > 1
    assert check(database) == []
    engine.feel.close()


# --- F10 ----------------------------------------------------------------------------------------------------------------------

def test_a_mail_server_that_never_answers_keeps_no_notice_from_its_reader(copies, centre_template, tmp_path):
    """F10: a real clock whose mail server takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mail = {"smtp_host": "127.0.0.1", "smtp_port": silent.getsockname()[1], "smtp_tls": "none", "mail_from": "zhiban@example.com",
                "mail_timeout_seconds": 5, "clock_sweep_seconds": 0.2, "undo_seconds": 0}
        with centre(copies, centre_template, tmp_path, **mail) as (stage, database):
            stage.do("reachable_by_mail")
            stage.start("clock-1")

            def sent() -> int:
                return count(database, "select count(*) from outbox where sent_at is not null")

            stage.do("dispatched", uuid4().hex)
            assert wait_until(sent, 30), stage.log.read_text()[-1000:]
            assert count(database, "select count(*) from notice") > 0
            before = sent()
            stage.do("dispatched", uuid4().hex)  # while the channel hangs
            assert wait_until(lambda: sent() > before, 30)
            assert count(database, "select count(*) from message where state = 'sent'") == 0
            assert count(database, "select count(*) from message") > 0
            assert stage.do("tried", "sweep") == "done"
            assert faults_of(database) == ""
