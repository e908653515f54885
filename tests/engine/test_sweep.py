"""The clock's sweep: what fails is put off, opens an incident and stands in nobody's way: no message, start timer, family or step."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from engine import starting, timers
from engine.api import Actor, Scope
from engine.catalogue import Catalogue
from engine.errors import NotPossible, StepFailed
from engine.tables import buffered_message, incident, process_definition, process_instance, start_timer, timer
from tests.engine.conftest import form
from tests.engine.drawing import boundary, call, flows, many, message, plain, process, script, service, user
from tests.engine.drawing import timer as timer_xml

S, E, E2 = plain("startEvent", "s"), plain("endEvent", "e"), plain("endEvent", "e2")
ADMIN, LIN = Actor("admin"), Actor("lin")
HALF_PAST_NINE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def mended(operations):
    """An operation that fails until the list holds something."""
    works: list = []

    @operations.operation("shaky")
    def shaky(step):
        """Fails until somebody has put it right."""
        if not works:
            raise RuntimeError("the printer is on fire \x00")

    return works


def nightly(key: str, at: str = "2026-11-20T09:30:00Z", does: str = service("x", "shaky")) -> bytes:
    return process(key, plain("startEvent", "s", timer_xml("Date", at)), does, user("a"), E, flows("s > x", "x > a", "a > e"))


def rows(engine, table=incident) -> list:
    with engine.database.connect() as connection:
        return list(connection.execute(select(table)))


def open_rows(engine) -> list:
    return [row for row in rows(engine) if row.resolved_at is None]


def begun(engine, key: str) -> int:
    with engine.database.connect() as connection:
        return connection.execute(select(func.count()).select_from(process_instance).where(process_instance.c.process_key == key)).scalar()


def tried_three_times(engine, clock) -> None:
    for wait in (10, 60, 0):
        engine.fire_due()
        clock.advance(timedelta(seconds=wait))


# --- start timers -----------------------------------------------------------------------------------------------------

@pytest.fixture
def unstarted(desk, engine, clock, mended):
    """A procedure that could not begin by itself in two centres, tried three times."""
    engine.scopes = lambda connection: [Scope(1), Scope(2)]
    desk.deploy(nightly("night"), forms__any_form=form("word"))
    engine.arm_starts()
    clock.set(HALF_PAST_NINE)
    tried_three_times(engine, clock)


@pytest.mark.parametrize(("does", "told"), [
    (script("x", "y", "1 / 0"), [0, 0, 1, 2]), (service("x", "shaky"), [1, 2, 3, 4])], ids=["diagram", "operation"])
def test_a_start_timer_that_fails_is_tried_as_other_timers_are_and_opens_an_incident(desk, engine, clock, mended, does, told):
    engine.scopes = lambda connection: [Scope(1)]
    desk.deploy(nightly("night", does=does))
    engine.arm_starts()
    clock.set(HALF_PAST_NINE)
    seen = []
    for wait in (10, 60, 600, 600):
        assert (engine.fire_due().failed, engine.fire_due().failed) == (1, 0)
        clock.advance(timedelta(seconds=wait - 1))
        assert engine.fire_due().failed == 0
        clock.advance(timedelta(seconds=1))
        seen.append(sum(row.tries for row in rows(engine)))
    assert seen == told and [row.element_id for row in rows(engine)] == ["x"], "one incident, counted on"


def test_the_incidents_of_start_timers_stand_together_by_cause(engine, unstarted):
    (cause,) = engine.causes()
    assert (cause.process_key, cause.element_id, len(cause.ids)) == ("night", "x", 2) and "on fire" in cause.reason
    assert [len(c.ids) for centre in (1, 2, 3) for c in engine.causes(centre)] == [1, 1]


def test_a_start_timer_is_tried_again_by_a_person(engine, unstarted, mended):
    (cause,) = engine.causes()
    assert {type(error) for error in engine.retry_all(cause.ids, actor=ADMIN).values()} == {RuntimeError}
    assert [row.tries for row in open_rows(engine)] == [4, 4]
    mended.append(True)
    assert set(engine.retry_all(cause.ids, actor=ADMIN).values()) == {None}
    assert begun(engine, "night") == 2 and open_rows(engine) == []
    assert {row.state for row in rows(engine, start_timer)} == {"fired"} and engine.fire_due().fired == 0


def test_a_start_timer_that_begins_by_itself_in_the_end_settles_its_incident(engine, clock, unstarted, mended):
    assert engine.settle_incidents() == 0
    mended.append(True)
    clock.advance(timedelta(minutes=10))
    assert engine.fire_due().fired == 2 and engine.settle_incidents() == 2


def test_the_incident_of_a_start_timer_is_resolved_with_a_note_that_it_keeps(engine, unstarted):
    first, second = open_rows(engine)
    with pytest.raises(NotPossible):
        engine.resolve(first.id, note=" ", actor=ADMIN)
    engine.resolve(first.id, note="今晚人工开单", actor=ADMIN)
    assert [row.id for row in open_rows(engine)] == [second.id]
    assert [(row.resolved_by, row.note) for row in rows(engine) if row.id == first.id] == [("admin", "今晚人工开单")]
    with pytest.raises(NotPossible, match="was resolved"):
        engine.resolve(first.id, note="again", actor=ADMIN)


def test_another_version_in_force_settles_the_incident_of_a_start_timer(desk, engine, unstarted):
    desk.deploy(nightly("night", at="2026-11-21T09:30:00Z"))
    engine.arm_starts()
    assert engine.settle_incidents() == 2


def test_a_bad_start_timer_delays_no_other_and_no_timer(desk, engine, clock, mended):
    engine.scopes = lambda connection: [Scope(1)]
    desk.deploy(nightly("bad", at="2026-11-20T09:00:00Z"))
    desk.deploy(process("good", plain("startEvent", "s", timer_xml("Date", "2026-11-20T09:30:00Z")), user("a"), E, flows("s > a", "a > e")))
    desk.deploy(process("late", S, user("a"), boundary("t", "a", timer_xml("Duration", "PT1H")), user("b"), E, E2,
                        flows("s > a", "a > e", "t > b", "b > e2")))
    engine.arm_starts()
    root = desk.start("late")
    clock.set(HALF_PAST_NINE)
    sweep = engine.fire_due(limit=1)
    assert begun(engine, "good") == 0 and sweep.failed == 1 and desk.open(root) == ["b"]
    engine.fire_due(limit=1)
    assert begun(engine, "good") == 1


def test_one_start_timer_that_cannot_be_armed_hides_no_other_and_is_told(desk, engine, clock):
    """Its instant is computed where the centre's data are; they may be missing in one centre."""
    engine.scopes = lambda connection: [Scope(1), Scope(2)]
    broken, whole = (process(key, plain("startEvent", "s", timer_xml("Date", text_)), user("a"), E, flows("s > a", "a > e"))
                     for key, text_ in (("a", '=today_of_nowhere'), ("b", "2026-11-20T09:30:00Z")))
    for diagram in (broken, whole):
        desk.deploy(diagram)
    assert engine.arm_starts() == 2 and engine.arm_starts() == 0
    tried_three_times(engine, clock)
    (cause,) = engine.causes()
    assert (cause.process_key, len(cause.ids)) == ("a", 2)
    clock.set(HALF_PAST_NINE)
    engine.fire_due()
    assert (begun(engine, "a"), begun(engine, "b")) == (0, 2)


def test_a_start_timer_that_could_not_be_armed_is_armed_once_it_can(desk, engine, monkeypatch):
    desk.deploy(process("a", plain("startEvent", "s", timer_xml("Date", "=opening")), user("a"), E,
                        flows("s > a", "a > e")))
    engine.scopes = lambda connection: [Scope(1)]
    other = process("b", plain("startEvent", "s", timer_xml("Date", "2026-11-20T09:30:00Z")), user("a"), E, flows("s > a", "a > e"))
    desk.deploy(other)
    engine.arm_starts()
    states = {row.process_key: row.state for row in rows(engine, start_timer)}
    assert states == {"a": "unarmed", "b": "armed"}
    monkeypatch.setattr(engine.expressions, "evaluate", lambda *_: HALF_PAST_NINE)  # as if the centre's data were there now
    engine.fire_due()
    assert {row.process_key: row.due_at for row in rows(engine, start_timer)} == {"a": HALF_PAST_NINE, "b": HALF_PAST_NINE}


@pytest.mark.databases("postgresql")
def test_two_clocks_that_arm_at_once_arm_each_start_timer_once(desk, engine):
    engine.scopes = lambda connection: [Scope(1)]
    desk.deploy(nightly("night"))
    with engine.unit() as unit:
        assert starting.arm(engine, unit) == 1
        second: list[int] = []
        other = threading.Thread(target=lambda: second.append(engine.arm_starts()))
        other.start()
        other.join(0.3)
        assert second == [], "it waits for the first"
    other.join(30)
    assert second == [0] and len(rows(engine, start_timer)) == 1


# --- timers -----------------------------------------------------------------------------------------------------------

LATE = process("late", S, user("a"), script("x", "y", "1 / divisor"), E, E2, boundary("t", "a", timer_xml("Duration", "PT1H"), False),
               flows("s > a", "a > e", "t > x", "x > e2"))
TWO = process("two", S, user("a"), script("x", "y", "1 / 0"), user("b"), E, E2, plain("endEvent", "e3"),
              boundary("bad", "a", timer_xml("Duration", "PT1H"), False), boundary("good", "a", timer_xml("Duration", "PT2H"), False),
              flows("s > a", "a > e", "bad > x", "x > e2", "good > b", "b > e3"))


def test_a_family_of_many_timers_that_all_fail_takes_no_others_place(desk, engine, clock):
    desk.deploy(LATE, {"divisor": 1})
    inner = process("inner", S, user("a"), script("x", "y", "1 / 0"), E, E2, boundary("t", "a", timer_xml("Duration", "PT1H"), False),
                    flows("s > a", "a > e", "t > x", "x > e2"))
    desk.deploy(inner)
    desk.deploy(process("outer", S, many(call("c", "inner"), "items"), E, flows("s > c", "c > e")), {"items": []})
    desk.start("outer", {"items": list(range(30))})
    clock.advance(timedelta(seconds=1))
    good = desk.start("late", {"divisor": 1}, number="2026-2")
    clock.advance(timedelta(hours=1))
    sweep = engine.fire_due(limit=10)
    assert (sweep.fired, sweep.failed) == (1, 1) and engine.variables(good)["y"] == 1
    with engine.database.connect() as connection:
        assert len(timers.due_rows(connection, clock.now(), 1000)) == 1


def test_a_timer_that_fails_delays_no_other_of_its_instance(desk, engine, clock):
    desk.deploy(TWO)
    root = desk.start("two")
    clock.advance(timedelta(hours=2))
    assert engine.fire_due().failed == 1
    assert engine.fire_due().fired == 1 and desk.open(root) == ["a", "b"]
    tried_three_times(engine, clock)
    (row,) = open_rows(engine)
    with pytest.raises(StepFailed):
        engine.retry(row.id, actor=ADMIN)  # that very timer, though it is to wait


def test_a_timer_that_fails_stops_nobodys_step_and_is_put_off_by_the_step_that_met_it(desk, engine, clock):
    """A person who is faster than the clock meets it once, and can send again."""
    desk.deploy(TWO)
    root = desk.start("two")
    clock.advance(timedelta(hours=1))
    with pytest.raises(StepFailed):
        desk.complete(root, "a")
    (bad,) = [row for row in rows(engine, timer) if row.element_id == "bad"]
    assert (bad.tries, bad.state, rows(engine)) == (1, "armed", [])
    desk.complete(root, "a")
    assert engine.instance(root).state == "ended"


def test_an_operation_that_breaks_on_its_own_statement_is_no_busy_database(desk, engine, clock, operations):
    @operations.operation("lost")
    def lost(step):
        """Asks a table that is not there."""
        step.connection.execute(text("select * from nowhere"))

    desk.deploy(process("p", S, user("a"), service("x", "lost"), E, E2, boundary("t", "a", timer_xml("Duration", "PT1H"), False),
                        flows("s > a", "a > e", "t > x", "x > e2")))
    desk.start("p")
    clock.advance(timedelta(hours=1))
    assert (engine.fire_due().failed, engine.fire_due().failed) == (1, 0)
    (cause,) = engine.causes()
    assert (cause.process_key, cause.element_id) == ("p", "x") and "nowhere" in cause.reason


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("what", ["timer", "message"])
def test_who_works_on_an_instance_delays_no_other(desk, engine, clock, caplog, what):
    caplog.set_level(logging.WARNING, "zhiban.engine")
    event = message("go") if what == "message" else timer_xml("Duration", "PT1H")
    desk.deploy(process("p", S, plain("intermediateCatchEvent", "m", event), user("a"), E, flows("s > m", "m > a", "a > e"),
                        messages=("go",)))
    held, free = desk.start("p"), desk.start("p", number="2026-2")
    if what == "message":
        for number in ("2026-1", "2026-2"):
            engine.send("go", number, scope=Scope(1), actor=LIN)
    clock.advance(timedelta(hours=1) - timedelta(seconds=what == "message"))
    with engine.database.begin() as connection:
        connection.execute(select(process_instance).where(process_instance.c.id == held).with_for_update())
        sweep = engine.fire_due()
        assert (sweep.fired, sweep.failed) == (1, 0) and caplog.records == []
    assert (desk.open(held), desk.open(free)) == ([], ["a"])
    assert engine.fire_due().fired == 1 and desk.open(held) == ["a"]


# --- messages ---------------------------------------------------------------------------------------------------------

BEGINS = process("begins", plain("startEvent", "s", message("order")), service("x", "shaky"), user("a"), E,
                 flows("s > x", "x > a", "a > e"), messages=("order",))


def test_a_message_whose_procedure_could_not_begin_is_kept_told_and_delivered_again(desk, engine, clock, mended):
    desk.deploy(BEGINS)
    engine.send("order", "K-1", scope=Scope(2), actor=LIN)
    for _ in range(6):
        engine.fire_due()
        clock.advance(timedelta(minutes=11))
    engine.arm_starts()  # the clock's housekeeping, after its hour
    (row,) = open_rows(engine)
    assert (row.centre_id, row.tries, row.element_id) == (2, 6, "x") and len(rows(engine, buffered_message)) == 1
    mended.append(True)
    assert engine.retry(row.id, actor=ADMIN)
    assert begun(engine, "begins") == 1 and rows(engine, buffered_message) == [] and open_rows(engine) == []


def test_a_message_that_somebody_has_put_right_is_not_delivered_any_more(desk, engine, clock, mended):
    desk.deploy(BEGINS)
    engine.send("order", "K-1", scope=Scope(1), actor=LIN)
    engine.fire_due()
    (row,) = open_rows(engine)
    engine.resolve(row.id, note="电话里办了", actor=ADMIN)
    mended.append(True)
    clock.advance(timedelta(minutes=11))
    assert engine.fire_due().fired == 0 and begun(engine, "begins") == 0


def test_each_of_two_messages_that_fail_at_one_place_is_told_and_delivered_again(desk, engine, clock, mended):
    desk.deploy(process("waits", S, user("a"), E, boundary("m", "a", message("urge"), False), service("x", "shaky"), E2,
                        flows("s > a", "a > e", "m > x", "x > e2"), messages=("urge",)))
    root = desk.start("waits")
    for _ in range(2):
        engine.send("urge", "2026-1", scope=Scope(1), actor=LIN)
    engine.fire_due()
    (cause,) = engine.causes()
    assert len(cause.ids) == 2
    mended.append(True)
    assert set(engine.retry_all(cause.ids, actor=ADMIN).values()) == {None}
    assert [e["kind"] for e in engine.trace(root)].count("message-received") == 2


# --- what cannot be read ----------------------------------------------------------------------------------------------

def test_a_procedure_that_cannot_be_read_hides_no_timer(desk, engine, clock):
    """Messages are looked up by what procedures begin with; its file is broken."""
    desk.deploy(LATE, {"divisor": 1})
    root = desk.start("late", {"divisor": 1})
    engine.send("nobody", "K-1", scope=Scope(1), actor=LIN)
    broken(engine, "new", clock.now())
    clock.advance(timedelta(hours=1))
    assert engine.fire_due().fired == 1 and engine.variables(root)["y"] == 1


def test_a_procedure_that_cannot_be_read_keeps_no_message_from_the_others(desk, engine, clock, mended):
    mended.append(True)
    desk.deploy(BEGINS)
    broken(engine, "new", clock.now())
    engine.send("order", "K-1", scope=Scope(1), actor=LIN)
    engine.fire_due()
    assert begun(engine, "begins") == 1


def test_start_timers_of_a_procedure_that_cannot_be_read_any_more_stay_and_fail_and_the_others_begin(desk, engine, clock, mended, caplog):
    engine.scopes = lambda connection: [Scope(1)]
    mended.append(True)
    for key in ("bad", "good"):
        desk.deploy(nightly(key), forms__any_form=form("word"))
    engine.arm_starts()
    with engine.database.begin() as connection:
        connection.execute(update(process_definition).where(process_definition.c.key == "bad").values(files=b"{broken"))
    engine.catalogue = Catalogue(engine.operations, engine.feel)  # as a new process, which has read nothing yet
    engine.arm_starts()
    engine.arm_starts()
    assert caplog.text.count("cannot be read") == 1 and len(rows(engine, start_timer)) == 2
    clock.set(HALF_PAST_NINE)
    swept = engine.fire_due()
    assert (swept.fired, swept.failed) == (1, 1) and begun(engine, "good") == 1


def broken(engine, key: str, now: datetime) -> None:
    """A procedure in force whose files are damaged."""
    with engine.database.begin() as connection:
        connection.execute(insert(process_definition).values(hash="0" * 64, key=key, version=1, name=key, files=b"{broken",
                                                             in_force=True, deployed_at=now, deployed_by="x"))
