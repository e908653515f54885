"""Incidents: by cause, tried again together, closed by themselves when what failed is done; a bad instance delays no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.api import Actor, Scope
from engine.errors import NotFound, NotPossible, StepFailed
from engine.tables import incident, timer
from tests.engine.conftest import form
from tests.engine.drawing import boundary, call, flows, plain, process, script, service, user
from tests.engine.drawing import timer as timer_xml

S, E, E2 = plain("startEvent", "s"), plain("endEvent", "e"), plain("endEvent", "e2")
ADMIN = Actor("admin")
LATE = process("late", S, user("a"), script("x", "y", "1 / divisor"), E, E2,
               boundary("t", "a", timer_xml("Duration", "PT1H"), interrupting=False), flows("s > a", "a > e", "t > x", "x > e2"))
STEP = process("step", S, user("a"), script("x", "y", "1 / divisor"), E, flows("s > a", "a > x", "x > e"))
WAITING = process("waiting", S, plain("intermediateCatchEvent", "m", '<bpmn:messageEventDefinition messageRef="M_paid" />'),
                  script("x", "y", "1 / divisor"), E, flows("s > m", "m > x", "x > e"), messages=("paid",))


def rows(engine) -> list:
    with engine.database.connect() as connection:
        return list(connection.execute(select(incident).order_by(incident.c.opened_at, incident.c.id)))


def let_time_pass(engine, clock, times: int = 4) -> None:
    for _ in range(times):
        clock.advance(timedelta(hours=1))
        engine.fire_due()


@pytest.fixture
def three_late(desk, engine, clock) -> list[str]:
    """Three instances whose timer fails on the same element."""
    desk.deploy(LATE, {"divisor": 0})
    roots = [desk.start("late", {"divisor": 0}, number=f"2026-{n}") for n in range(3)]
    let_time_pass(engine, clock)
    return roots


def put_right(engine, root: str) -> None:
    engine.set_variables(root, {"divisor": 1}, reason="corrected", actor=ADMIN)


def test_incidents_of_one_cause_stand_together(engine, three_late):
    (cause,) = engine.causes()
    assert (cause.process_key, cause.element_id, len(cause.ids)) == ("late", "x", 3) and "division by zero" in cause.reason
    assert engine.causes(centre_id=99) == []


def test_all_of_a_cause_are_tried_again_and_one_that_fails_again_stops_no_other(engine, three_late):
    (cause,) = engine.causes()
    put_right(engine, three_late[0])
    put_right(engine, three_late[2])
    before = {row.id: row.tries for row in rows(engine)}
    done = engine.retry_all(cause.ids, actor=ADMIN)
    failed = [id for id, error in done.items() if error is not None]
    assert len(failed) == 1 and isinstance(done[failed[0]], StepFailed)
    (left,) = engine.causes()
    assert left.ids == tuple(failed)
    again = next(row for row in rows(engine) if row.id == failed[0])
    assert again.tries == before[failed[0]] + 1 and len(rows(engine)) == 3
    with engine.database.connect() as connection:
        assert sorted(connection.execute(select(timer.c.state)).scalars()) == ["armed", "fired", "fired"]


def test_what_is_gone_or_resolved_is_told(engine, three_late):
    put_right(engine, three_late[0])
    first = next(row.id for row in rows(engine) if row.root_id == three_late[0])
    engine.retry(first, actor=ADMIN)
    done = engine.retry_all([first, "0" * 32], actor=ADMIN)
    assert [type(error) for error in done.values()] == [NotPossible, NotFound]


def test_an_incident_whose_timer_fires_by_itself_in_the_end_is_settled(engine, clock, three_late):
    assert engine.settle_incidents() == 0
    put_right(engine, three_late[1])
    let_time_pass(engine, clock, 1)
    assert engine.settle_incidents() == 1 and engine.settle_incidents() == 0
    assert {row.root_id: row.resolved_by for row in rows(engine)} == {
        three_late[0]: None, three_late[1]: "system", three_late[2]: None}


def test_a_persons_step_is_repeated_by_that_person_and_its_incident_settled_then(desk, engine, clock):
    desk.deploy(STEP, {"divisor": 0}, forms__any_form=form("divisor", divisor="number"))
    root = desk.start("step")
    with pytest.raises(StepFailed):
        desk.complete(root, "a", {"divisor": 0})
    (row,) = rows(engine)
    assert (row.element_id, row.tries) == ("x", 1)
    with pytest.raises(NotPossible, match="repeated by that person"):
        engine.retry(row.id, actor=ADMIN)
    with pytest.raises(StepFailed):
        desk.complete(root, "a", {"divisor": 0})
    assert [row.tries for row in rows(engine)] == [2], "one incident, tried twice"
    clock.advance(timedelta(seconds=1))
    desk.complete(root, "a", {"divisor": 2})
    assert engine.settle_incidents() == 1


def test_a_message_that_could_not_be_delivered_is_delivered_again(desk, engine, clock):
    desk.deploy(WAITING, {"divisor": 0})
    root = desk.start("waiting", {"divisor": 0})
    engine.send("paid", "2026-1", scope=Scope(1), actor=ADMIN)
    assert engine.fire_due().failed == 1
    (row,) = rows(engine)
    assert (row.root_id, row.element_id) == (root, "x")
    with pytest.raises(StepFailed):
        engine.retry(row.id, actor=ADMIN)
    put_right(engine, root)
    assert engine.retry(row.id, actor=ADMIN)
    assert engine.instance(root).state == "ended" and rows(engine)[0].resolved_by == "admin"


def test_a_bad_message_delays_no_other(desk, engine):
    desk.deploy(WAITING, {"divisor": 0})
    bad, good = desk.start("waiting", {"divisor": 0}), desk.start("waiting", {"divisor": 1}, number="2026-2")
    for number in ("2026-1", "2026-2"):
        engine.send("paid", number, scope=Scope(1), actor=ADMIN)
    sweep = engine.fire_due()
    assert (sweep.fired, sweep.failed) == (1, 1)
    assert engine.instance(good).state == "ended" and engine.instance(bad).state == "running"


def test_one_bad_among_twenty_delays_none_of_them(desk, engine, clock, three_late):
    """F12: the bad ones wait before their next try."""
    good = [desk.start("late", {"divisor": 2}, number=f"2026-2{n}") for n in range(20)]
    clock.advance(timedelta(hours=1))
    sweep = engine.fire_due()
    assert sweep.fired == 20
    assert all(engine.variables(root)["y"] == 0.5 for root in good)


def test_what_fails_in_a_called_procedure_that_was_never_stored_is_an_incident_of_its_caller(desk, engine):
    desk.deploy(process("inner", S, service("f", "fail"), E, flows("s > f", "f > e")))
    desk.deploy(process("inner2", S, script("x", "y", "1 / 0"), E, flows("s > x", "x > e")))
    desk.deploy(process("outer", S, user("a"), call("c", "inner2"), E, flows("s > a", "a > c", "c > e")))
    root = desk.start("outer")
    with pytest.raises(StepFailed):
        desk.complete(root, "a")
    (row,) = rows(engine)
    assert (row.root_id, row.instance_id, row.element_id) == (root, root, "x")
    assert desk.open(root) == ["a"]
