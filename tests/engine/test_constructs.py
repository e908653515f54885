"""Every construct of the dialect, each by a small diagram on a real database. docs/reference/dialect.md names these tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from engine.api import Actor, Scope
from engine.errors import StepFailed
from engine.operations import Failure
from engine.tables import buffered_message, incident, process_instance, start_timer, user_task
from tests.engine.conftest import form
from tests.engine.drawing import (
    CANCEL,
    TERMINATE,
    association,
    boundary,
    call,
    compensation,
    condition,
    error,
    escalation,
    flows,
    link,
    looped,
    many,
    message,
    plain,
    process,
    receive,
    script,
    service,
    signal,
    timer,
    user,
)

S, E, E2 = plain("startEvent", "s"), plain("endEvent", "e"), plain("endEvent", "e2")
FORM = {"forms__any_form": form("word", "more")}
TWO = [{"name": "一层"}, {"name": "二层"}]


@pytest.fixture
def fails(operations):
    @operations.operation("lookup", inputs={"what": str}, outputs=("found",))
    def lookup(step, *, what):
        """Fails as the procedure foresees."""
        if what == "lost":
            raise Failure("no-key", "nobody has the key")
        return {"found": what}


def started(desk, *parts, variables=None, **declared):
    desk.deploy(process("p", *parts, **declared), variables=variables, **FORM)
    return desk.start("p", variables)


def sub(id: str, *parts: str, kind: str = "subProcess", **attributes) -> str:
    return plain(kind, id, "".join(parts), **attributes)


def listener(start: str, inside: str, *more: str, interrupting: bool = True) -> str:
    """An event sub-process "v" whose start has the definition `inside`, with one task "help"."""
    return sub("v", plain("startEvent", start, inside, isInterrupting=str(interrupting).lower()), user("help"), plain("endEvent", "ve"),
               flows(f"{start} > help", "help > ve"), *more, triggeredByEvent="true")


# --- messages ---------------------------------------------------------------------------------------------------------

def waiter(key="w", name="done"):
    return process(key, S, receive("r", name), user("after"), E, flows("s > r", "r > after", "after > e"), messages=(name,))


@pytest.mark.parametrize("thrower", ["throw", "end", "send"])
def test_a_message_goes_to_the_instance_that_waits_for_it(desk, engine, thrower):
    element = {"throw": plain("intermediateThrowEvent", "t", message("done")), "end": plain("endEvent", "t", message("done")),
               "send": plain("sendTask", "t", messageRef="M_done")}[thrower]
    arrows = ["s > t"] + (["t > e"] if thrower != "end" else [])
    desk.deploy(waiter(), **FORM)
    desk.deploy(process("p", S, element, E if thrower != "end" else "", flows(*arrows), messages=("done",)), **FORM)
    waiting = desk.start("w", number="2026-7")
    other = desk.start("w", number="2026-8")
    desk.start("p", number="2026-7")
    assert desk.open(waiting) == []
    engine.fire_due()
    assert desk.open(waiting) == ["after"] and desk.open(other) == []
    engine.fire_due()
    assert engine.verify() == [] and kept(engine) == 0


def kept(engine) -> int:
    with engine.database.connect() as connection:
        return connection.execute(select(func.count()).select_from(buffered_message)).scalar()


def test_a_message_waits_for_who_comes_later_until_it_expires(desk, engine, clock):
    desk.deploy(waiter(), **FORM)
    engine.send("done", "2026-1", {"word": "好"}, scope=Scope(1), actor=Actor("lin"), live_for=timedelta(minutes=10))
    engine.fire_due()
    assert kept(engine) == 1
    root = desk.start("w")
    engine.fire_due()
    assert desk.open(root) == ["after"] and engine.variables(root)["word"] == "好"
    engine.send("done", "2026-2", scope=Scope(1), actor=Actor("lin"), live_for=timedelta(minutes=10))
    clock.advance(timedelta(minutes=11))
    late = desk.start("w", number="2026-2")
    engine.fire_due()
    assert desk.open(late) == []
    engine.arm_starts()
    assert kept(engine) == 0


def test_a_message_within_one_family_arrives_in_the_same_step(desk):
    root = started(desk, S, plain("parallelGateway", "f"), receive("r", "m"), user("a"), plain("intermediateThrowEvent", "t", message("m")),
                   user("b"), E, E2, flows("s > f", "f > r", "f > a", "r > b", "b > e", "a > t", "t > e2"), messages=("m",))
    desk.complete(root, "a")
    assert desk.open(root) == ["b"]


def test_a_message_starts_a_procedure_that_begins_with_it(desk, engine):
    desk.deploy(process("p", plain("startEvent", "s", message("call")), user("a"), E, flows("s > a", "a > e"), messages=("call",)),
                variables={"word": 1}, **FORM)
    engine.send("call", "2026-9", {"word": "漏水"}, scope=Scope(3), actor=Actor("lin"), request_id="once")
    engine.send("call", "2026-9", {"word": "漏水"}, scope=Scope(3), actor=Actor("lin"), request_id="once")
    engine.fire_due()
    with engine.database.connect() as connection:
        row, = connection.execute(select(user_task))
    assert (row.business_key, row.centre_id, row.element_id) == ("2026-9", 3, "a")
    assert engine.variables(row.instance_id)["word"] == "漏水"


def test_a_message_boundary_event_on_a_receive_task_takes_its_place(desk, engine):
    root = started(desk, S, receive("r", "m"), boundary("b", "r", message("stop")), user("late"), E, E2,
                   flows("s > r", "r > e", "b > late", "late > e2"), messages=("m", "stop"))
    engine.correlate("stop", "2026-1", actor=Actor("lin"))
    assert desk.open(root) == ["late"]
    with pytest.raises(Exception, match="Nothing waits"):
        engine.correlate("m", "2026-1", actor=Actor("lin"))


# --- signals ----------------------------------------------------------------------------------------------------------

def test_a_signal_reaches_everybody_of_the_centre_who_waits_now(desk, engine):
    desk.deploy(process("w", S, plain("intermediateCatchEvent", "c", signal("alarm")), user("run"), E, flows("s > c", "c > run", "run > e"),
                        signals=("alarm",)), **FORM)
    desk.deploy(process("p", S, plain("intermediateThrowEvent", "t", signal("alarm")), E, flows("s > t", "t > e"), signals=("alarm",)))
    first, second = desk.start("w", number="1"), desk.start("w", number="2")
    elsewhere = engine.start("w", {}, business_key="3", scope=Scope(2), actor=Actor("hu")).instance_id
    desk.start("p", number="9")
    late = desk.start("w", number="4")
    engine.fire_due()
    assert [desk.open(r) for r in (first, second, elsewhere, late)] == [["run"], ["run"], [], []]
    assert kept(engine) == 0


def test_a_signal_start_begins_an_instance_and_an_end_event_throws(desk, engine):
    desk.deploy(process("q", plain("startEvent", "s", signal("alarm")), user("run"), E, flows("s > run", "run > e"), signals=("alarm",)), **FORM)
    desk.deploy(process("p", S, plain("endEvent", "t", signal("alarm")), flows("s > t"), signals=("alarm",)))
    desk.start("p")
    engine.fire_due()
    with engine.database.connect() as connection:
        assert connection.execute(select(user_task.c.element_id)).scalars().all() == ["run"]


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_signal_boundary_event(desk, interrupting):
    root = started(desk, S, plain("parallelGateway", "f"), user("a"), user("x"), boundary("b", "a", signal("alarm"), interrupting),
                   user("run"), plain("intermediateThrowEvent", "t", signal("alarm")), E, E2, plain("endEvent", "e3"),
                   flows("s > f", "f > a", "f > x", "a > e", "b > run", "run > e2", "x > t", "t > e3"), signals=("alarm",))
    desk.complete(root, "x")
    assert desk.open(root) == (["run"] if interrupting else ["a", "run"])


# --- errors and escalations -------------------------------------------------------------------------------------------

def test_an_error_boundary_event_catches_what_an_operation_says(desk, fails, engine):
    lookup = service("find", "lookup", {"what": "word"})
    root = started(desk, S, user("a"), lookup, boundary("b", "find", error("no-key")), user("late"), user("after"), E, E2,
                   flows("s > a", "a > find", "find > after", "after > e", "b > late", "late > e2"), errors=("no-key",))
    desk.complete(root, "a", {"word": "lost"})
    assert desk.open(root) == ["late"] and engine.verify() == []
    fine = desk.start("p", number="2")
    desk.complete(fine, "a", {"word": "found"})
    assert desk.open(fine) == ["after"]


@pytest.mark.parametrize(("caught", "opens"), [("E1", "exact"), ("E2", "any")])
def test_an_error_end_event_leaves_its_sub_process_by_the_event_with_its_code(desk, caught, opens):
    inner = sub("u", plain("startEvent", "us"), user("x"), user("y"), plain("parallelGateway", "uf"), plain("endEvent", "ue", error(caught)),
                plain("endEvent", "ue2"), flows("us > uf", "uf > x", "uf > y", "x > ue", "y > ue2"))
    root = started(desk, S, inner, boundary("b1", "u", error("E1")), boundary("b2", "u", error()), user("exact"), user("any"), E, E2,
                   plain("endEvent", "e3"), flows("s > u", "u > e", "b1 > exact", "b2 > any", "exact > e2", "any > e3"),
                   errors=("E1", "E2"))
    desk.complete(root, "x")
    assert desk.open(root) == [opens]


def test_an_error_crosses_a_call_activity_and_ends_the_called_instance(desk, engine):
    desk.deploy(process("child", S, user("x"), plain("endEvent", "bad", error("E1")), flows("s > x", "x > bad"), errors=("E1",)), **FORM)
    root = started(desk, S, call("c", "child"), boundary("b", "c", error("E1")), user("late"), E, E2,
                   flows("s > c", "c > e", "b > late", "late > e2"), errors=("E1",))
    desk.complete(root, "x")
    assert desk.open(root) == ["late"]
    with engine.database.connect() as connection:
        states = dict(connection.execute(select(process_instance.c.process_key, process_instance.c.state)).all())
    assert states == {"p": "running", "child": "cancelled"} and engine.verify() == []


def test_an_error_nobody_catches_is_an_incident_and_the_step_is_not_done(desk, engine):
    root = started(desk, S, user("a"), plain("endEvent", "bad", error("E1")), flows("s > a", "a > bad"), errors=("E1",))
    with pytest.raises(StepFailed, match="nobody catches the error E1"):
        desk.complete(root, "a")
    assert desk.open(root) == ["a"]
    with engine.database.connect() as connection:
        assert connection.execute(select(incident.c.kind)).scalars().all() == ["uncaught-error"]


def test_an_error_event_sub_process_takes_over_its_scope(desk):
    root = started(desk, S, plain("parallelGateway", "f"), user("a"), user("x"), plain("endEvent", "bad", error("E1")), E,
                   listener("vs", error("E1")), flows("s > f", "f > a", "f > x", "a > e", "x > bad"), errors=("E1",))
    desk.complete(root, "x")
    assert desk.open(root) == ["help"]
    assert desk.complete(root, "help").ended


@pytest.mark.parametrize("interrupting", [True, False])
@pytest.mark.parametrize("kind", ["intermediateThrowEvent", "endEvent"])
def test_an_escalation_boundary_event(desk, interrupting, kind):
    thrown = plain(kind, "t", escalation("late"))
    inner = sub("u", plain("startEvent", "us"), user("x"), thrown, *([user("y"), plain("endEvent", "ue")] if kind != "endEvent" else []),
                flows("us > x", "x > t", *(["t > y", "y > ue"] if kind != "endEvent" else [])))
    root = started(desk, S, inner, boundary("b", "u", escalation("late"), interrupting), user("tell"), user("after"), E, E2,
                   flows("s > u", "u > after", "after > e", "b > tell", "tell > e2"), escalations=("late",))
    desk.complete(root, "x")
    rest = ["after"] if kind == "endEvent" else ["y"]
    assert desk.open(root) == (["tell"] if interrupting else sorted([*rest, "tell"]))


def test_an_escalation_nobody_catches_goes_on_and_is_told(desk):
    root = started(desk, S, user("a"), plain("intermediateThrowEvent", "t", escalation("late")), user("b"), E,
                   flows("s > a", "a > t", "t > b", "b > e"), escalations=("late",))
    desk.complete(root, "a")
    assert desk.open(root) == ["b"] and "escalation-uncaught" in desk.kinds(root)


# --- conditions -------------------------------------------------------------------------------------------------------

def test_a_conditional_catch_event_waits_until_its_condition_holds(desk, engine):
    root = started(desk, S, plain("intermediateCatchEvent", "c", condition("count > 2")), user("b"), E, flows("s > c", "c > b", "b > e"),
                   variables={"count": 0})
    assert desk.open(root) == []
    engine.set_variables(root, {"count": 2}, reason="test", actor=Actor("lin"))
    assert desk.open(root) == []
    engine.set_variables(root, {"count": 3}, reason="test", actor=Actor("lin"))
    assert desk.open(root) == ["b"]


def test_a_conditional_boundary_event_that_does_not_interrupt_happens_at_each_change_to_true(desk, engine):
    root = started(desk, S, user("a"), boundary("b", "a", condition("count > 2"), False), user("tell"), E, E2,
                   flows("s > a", "a > e", "b > tell", "tell > e2"), variables={"count": 0})
    for count in (3, 4, 1, 5):
        engine.set_variables(root, {"count": count}, reason="test", actor=Actor("lin"))
    assert desk.open(root) == ["a", "tell", "tell"]


def test_a_conditional_event_sub_process_starts_when_a_form_makes_it_true(desk):
    root = started(desk, S, user("a"), user("b"), E, listener("vs", condition('word = "停"')), flows("s > a", "a > b", "b > e"))
    desk.complete(root, "a", {"word": "停"})
    assert desk.open(root) == ["help"]


# --- event sub-processes by the other events --------------------------------------------------------------------------

@pytest.mark.parametrize("interrupting", [True, False])
def test_a_timer_event_sub_process(desk, engine, clock, interrupting):
    root = started(desk, S, user("a"), E, listener("vs", timer("Duration", "PT1H"), interrupting=interrupting), flows("s > a", "a > e"))
    clock.advance(timedelta(hours=2))
    engine.fire_due()
    assert desk.open(root) == (["help"] if interrupting else ["a", "help"])


@pytest.mark.parametrize("interrupting", [True, False])
def test_a_signal_event_sub_process(desk, interrupting):
    root = started(desk, S, user("a"), plain("intermediateThrowEvent", "t", signal("alarm")), user("b"), E,
                   listener("vs", signal("alarm"), interrupting=interrupting), flows("s > a", "a > t", "t > b", "b > e"), signals=("alarm",))
    desk.complete(root, "a")
    assert desk.open(root) == (["help"] if interrupting else ["b", "help"])


def test_an_escalation_event_sub_process_does_not_catch_its_own(desk):
    inside = sub("v", plain("startEvent", "vs", escalation("late"), isInterrupting="false"), user("help"),
                 plain("intermediateThrowEvent", "again", escalation("late")), plain("endEvent", "ve"),
                 flows("vs > help", "help > again", "again > ve"), triggeredByEvent="true")
    root = started(desk, S, user("a"), plain("intermediateThrowEvent", "t", escalation("late")), user("b"), E, inside,
                   flows("s > a", "a > t", "t > b", "b > e"), escalations=("late",))
    desk.complete(root, "a")
    assert desk.open(root) == ["b", "help"]
    desk.complete(root, "help")
    assert desk.open(root) == ["b"]


# --- compensation and transactions ------------------------------------------------------------------------------------

def booked(*names: str) -> str:
    """Tasks one after the other, each with a task that undoes it."""
    parts = [user(n) + boundary(f"{n}_c", n, compensation()) + user(f"un_{n}").replace("<bpmn:userTask ", '<bpmn:userTask isForCompensation="true" ')
             + association(f"{n}_c", f"un_{n}") for n in names]
    return "".join(parts)


def test_compensation_undoes_what_was_done_newest_first(desk):
    root = started(desk, S, booked("a", "b", "c"), user("x"), plain("intermediateThrowEvent", "t", compensation()), user("after"), E,
                   flows("s > a", "a > b", "b > x", "x > t", "t > after", "after > c", "c > e"))
    for name in ("a", "b", "x"):
        desk.complete(root, name)
    assert desk.open(root) == ["un_b"]
    desk.complete(root, "un_b")
    assert desk.open(root) == ["un_a"]
    desk.complete(root, "un_a")
    assert desk.open(root) == ["after"]


def test_compensation_of_one_activity_leaves_the_others(desk):
    root = started(desk, S, booked("a", "b"), plain("intermediateThrowEvent", "t", compensation("a")), user("after"), E,
                   flows("s > a", "a > b", "b > t", "t > after", "after > e"))
    desk.complete(root, "a")
    desk.complete(root, "b")
    assert desk.open(root) == ["un_a"]
    desk.complete(root, "un_a")
    assert desk.open(root) == ["after"]


def test_compensation_reaches_into_a_finished_sub_process(desk):
    inner = sub("u", plain("startEvent", "us"), booked("a"), plain("endEvent", "ue"), flows("us > a", "a > ue"))
    root = started(desk, S, inner, user("x"), plain("endEvent", "t", compensation("u")), flows("s > u", "u > x", "x > t"))
    desk.complete(root, "a")
    desk.complete(root, "x")
    assert desk.open(root) == ["un_a"]
    assert desk.complete(root, "un_a").ended


def test_nothing_done_is_nothing_undone(desk):
    root = started(desk, S, user("x"), plain("intermediateThrowEvent", "t", compensation()), booked("a"), E,
                   flows("s > x", "x > t", "t > a", "a > e"))
    desk.complete(root, "x")
    assert desk.open(root) == ["a"]


def test_a_cancelled_transaction_is_taken_back_and_left_by_its_cancel_event(desk):
    inner = sub("u", plain("startEvent", "us"), plain("parallelGateway", "f"), booked("a"), user("x"), user("y"), plain("endEvent", "no", CANCEL),
                plain("endEvent", "ue"), plain("endEvent", "ue2"),
                flows("us > f", "f > a", "f > x", "f > y", "a > ue", "x > no", "y > ue2"), kind="transaction")
    root = started(desk, S, inner, boundary("b", "u", CANCEL), user("late"), E, E2, flows("s > u", "u > e", "b > late", "late > e2"))
    desk.complete(root, "a")
    desk.complete(root, "x")
    assert desk.open(root) == ["un_a"]
    desk.complete(root, "un_a")
    assert desk.open(root) == ["late"]


# --- links, terminate, gateways ---------------------------------------------------------------------------------------

def test_a_link_goes_on_at_its_other_end(desk):
    root = started(desk, S, user("a"), plain("intermediateThrowEvent", "t", link("A")), plain("intermediateCatchEvent", "c", link("A")),
                   user("b"), E, flows("s > a", "a > t", "c > b", "b > e"))
    desk.complete(root, "a")
    assert desk.open(root) == ["b"]
    assert desk.complete(root, "b").ended


def test_a_terminate_end_event_ends_its_scope_and_only_it(desk):
    inner = sub("u", plain("startEvent", "us"), plain("parallelGateway", "f"), user("x"), user("y"), plain("endEvent", "stop", TERMINATE),
                plain("endEvent", "ue"), flows("us > f", "f > x", "f > y", "x > stop", "y > ue"))
    root = started(desk, S, inner, user("after"), E, flows("s > u", "u > after", "after > e"))
    desk.complete(root, "x")
    assert desk.open(root) == ["after"]


def inclusive(desk, variables):
    return started(desk, S, plain("inclusiveGateway", "f", default="f_c"), user("a"), user("b"), user("c"), plain("inclusiveGateway", "j"),
                   user("after"), E, flows("s > f", "f > a : one", "f > b : two", "f > c", "a > j", "b > j", "c > j", "j > after", "after > e"),
                   variables=variables)


@pytest.mark.parametrize(("one", "two", "opens"), [(True, False, ["a"]), (True, True, ["a", "b"]), (False, False, ["c"])])
def test_an_inclusive_gateway_takes_each_flow_that_holds_and_waits_for_those(desk, one, two, opens):
    root = inclusive(desk, {"one": one, "two": two})
    assert desk.open(root) == opens
    for name in opens:
        assert "after" not in desk.open(root)
        desk.complete(root, name)
    assert desk.open(root) == ["after"]


def test_an_inclusive_gateway_without_a_way_out_is_an_incident(desk):
    desk.deploy(process("p", S, plain("inclusiveGateway", "f"), user("a"), user("b"), E, E2,
                        flows("s > f", "f > a : one", "f > b : two", "a > e", "b > e2")), variables={"one": 1, "two": 1}, **FORM)
    with pytest.raises(StepFailed, match="no condition of f holds"):
        desk.start("p", {"one": False, "two": False})


def test_an_event_gateway_takes_a_receive_task_signal_or_condition_too(desk, engine):
    root = started(desk, S, plain("eventBasedGateway", "g"), receive("r", "m"), plain("intermediateCatchEvent", "c", condition("count > 1")),
                   plain("intermediateCatchEvent", "sg", signal("alarm")), user("a"), user("b"), user("c2"), E, E2, plain("endEvent", "e3"),
                   flows("s > g", "g > r", "g > c", "g > sg", "r > a", "c > b", "sg > c2", "a > e", "b > e2", "c2 > e3"),
                   messages=("m",), signals=("alarm",), variables={"count": 0})
    engine.correlate("m", "2026-1", actor=Actor("lin"))
    assert desk.open(root) == ["a"]
    assert desk.complete(root, "a").ended


# --- multi-instance and loops -----------------------------------------------------------------------------------------

def test_parallel_multi_instance_opens_a_task_for_each_item(desk, engine):
    root = started(desk, S, many(user("look", due="=now + duration(floor.limit)"), "floors", item="floor", outputs="seen",
                                 output='floor.name + ":" + word'), user("after"), E, flows("s > look", "look > after", "after > e"),
                   variables={"floors": [{"name": "一层", "limit": "PT1H"}, {"name": "二层", "limit": "PT2H"}]})
    first, second = sorted(engine.open_tasks(root), key=lambda t: t.due_at)
    assert [t.element_id for t in (first, second)] == ["look", "look"] and second.due_at - first.due_at == timedelta(hours=1)
    engine.complete(second.id, {"word": "漏"}, actor=Actor("lin"))
    assert desk.open(root) == ["look"]
    engine.complete(first.id, {"word": "好"}, actor=Actor("lin"))
    assert desk.open(root) == ["after"]
    assert engine.variables(root)["seen"] == ["一层:好", "二层:漏"]
    assert "word" not in engine.variables(root) and engine.instance(root).scopes is None


def test_what_an_item_writes_stays_with_it(desk, engine):
    """B1: nothing of one item is seen by another."""
    body = sub("u", plain("startEvent", "us"), user("a"), script("n", "note", "word"), user("b"), plain("endEvent", "ue"),
               flows("us > a", "a > n", "n > b", "b > ue"))
    root = started(desk, S, many(body, "floors", outputs="notes", output="note"), E, flows("s > u", "u > e"), variables={"floors": TWO})
    one, two = engine.open_tasks(root)
    engine.complete(one.id, {"word": "甲"}, actor=Actor("lin"))
    engine.complete(two.id, {"word": "乙"}, actor=Actor("lin"))
    for task in engine.open_tasks(root):
        assert engine.variables(root, task.id)["note"] in ("甲", "乙")
    assert "note" not in engine.variables(root)
    while engine.open_tasks(root):
        engine.complete(engine.open_tasks(root)[0].id, {}, actor=Actor("lin"))
    assert sorted(engine.variables(root)["notes"]) == ["乙", "甲"]


def test_sequential_multi_instance_opens_one_after_the_other(desk, engine):
    root = started(desk, S, many(user("look"), "floors", item="floor", parallel=False, outputs="seen", output="floor.name"), user("after"), E,
                   flows("s > look", "look > after", "after > e"), variables={"floors": TWO})
    for _ in TWO:
        assert desk.open(root) == ["look"]
        desk.complete(root, "look")
    assert desk.open(root) == ["after"] and engine.variables(root)["seen"] == ["一层", "二层"]


@pytest.mark.parametrize("parallel", [True, False])
def test_a_completion_condition_ends_the_items_that_are_left(desk, engine, parallel):
    root = started(desk, S, many(user("look"), "[1, 2, 3]", parallel=parallel, completion='word = "够" or numberOfCompletedInstances >= 2'),
                   user("after"), E, flows("s > look", "look > after", "after > e"))
    engine.complete(engine.open_tasks(root)[0].id, {"word": "再"}, actor=Actor("lin"))
    engine.complete(engine.open_tasks(root)[0].id, {"word": "再"}, actor=Actor("lin"))
    assert desk.open(root) == ["after"]


def test_multi_instance_over_nothing_goes_on_at_once(desk, engine):
    root = started(desk, S, many(user("look"), "floors", outputs="seen", output="1"), user("after"), E,
                   flows("s > look", "look > after", "after > e"), variables={"floors": []})
    assert desk.open(root) == ["after"] and engine.variables(root)["seen"] == []


def test_multi_instance_over_what_is_no_list_fails_with_its_value(desk):
    desk.deploy(process("p", S, many(user("look"), "floors"), E, flows("s > look", "look > e")), variables={"floors": 1}, **FORM)
    with pytest.raises(StepFailed, match="`floors` gives '三层', not a list"):
        desk.start("p", {"floors": "三层"})


def test_multi_instance_so_many_times(desk):
    root = started(desk, S, many(user("look"), times="3"), user("after"), E, flows("s > look", "look > after", "after > e"))
    assert desk.open(root) == ["look"] * 3


def test_multi_instance_of_calls_scripts_and_services(desk, engine, operations):
    desk.deploy(process("child", S, user("x"), E, flows("s > x", "x > e")), variables={"floor": 1}, **FORM)
    root = started(desk, S, many(script("double", "twice", "item * 2"), "[1, 2, 3]", outputs="doubled", output="twice"),
                   many(service("say", "note", {"text": "string(item)"}), "doubled", parallel=False),
                   many(call("c", "child", {"floor": "item"}), "[7, 8]"), user("after"), E,
                   flows("s > double", "double > say", "say > c", "c > after", "after > e"))
    assert engine.variables(root)["doubled"] == [2, 4, 6] and operations.calls == ["2", "4", "6"]
    assert desk.open(root) == ["x", "x"]
    assert sorted(engine.variables(t.instance_id)["floor"] for t in engine.open_tasks(root)) == [7, 8]
    while "x" in desk.open(root):
        engine.complete(engine.open_tasks(root)[0].id, {}, actor=Actor("lin"))
    assert desk.open(root) == ["after"]


def test_a_boundary_event_guards_all_items_together(desk, engine, clock):
    root = started(desk, S, many(user("look"), "floors"), boundary("b", "look", timer("Duration", "PT1H")), user("late"), E, E2,
                   flows("s > look", "look > e", "b > late", "late > e2"), variables={"floors": TWO})
    desk.engine.complete(engine.open_tasks(root)[0].id, {}, actor=Actor("lin"))
    clock.advance(timedelta(hours=1))
    engine.fire_due()
    assert desk.open(root) == ["late"] and engine.verify() == []


def test_an_error_in_an_item_ends_them_all(desk, fails, engine):
    body = sub("u", plain("startEvent", "us"), user("a"), service("find", "lookup", {"what": "word"}), plain("endEvent", "ue"),
               flows("us > a", "a > find", "find > ue"))
    root = started(desk, S, many(body, "floors"), boundary("b", "u", error("no-key")), user("late"), E, E2,
                   flows("s > u", "u > e", "b > late", "late > e2"), variables={"floors": TWO}, errors=("no-key",))
    engine.complete(engine.open_tasks(root)[0].id, {"word": "lost"}, actor=Actor("lin"))
    assert desk.open(root) == ["late"]


@pytest.mark.parametrize(("before", "turns"), [(False, 3), (True, 3)])
def test_a_standard_loop_goes_on_while_its_condition_holds(desk, engine, before, turns):
    root = started(desk, S, looped(user("a"), 'word = null or word != "好"', before=before), user("after"), E,
                   flows("s > a", "a > after", "after > e"))
    for n in range(turns):
        assert desk.open(root) == ["a"]
        desk.complete(root, "a", {"word": "好" if n == turns - 1 else "再"})
    assert desk.open(root) == ["after"] and engine.variables(root)["word"] == "好"


def test_a_standard_loop_tested_before_may_not_begin_and_has_a_maximum(desk):
    root = started(desk, S, looped(user("a"), "false", before=True), looped(user("b"), maximum=2), user("after"), E,
                   flows("s > a", "a > b", "b > after", "after > e"))
    for _ in range(2):
        desk.complete(root, "b")
    assert desk.open(root) == ["after"]


def test_a_sub_process_with_inputs_has_variables_of_its_own(desk, engine):
    inner = sub("u", '<bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=word" target="inner"/></zeebe:ioMapping></bpmn:extensionElements>',
                plain("startEvent", "us"), script("n", "inner", 'inner + "!"'), user("a"), plain("endEvent", "ue"),
                flows("us > n", "n > a", "a > ue"))
    root = started(desk, S, user("first"), inner, user("after"), E, flows("s > first", "first > u", "u > after", "after > e"))
    desk.complete(root, "first", {"word": "嗨"})
    task = desk.task(root, "a")
    assert engine.variables(root, task.id)["inner"] == "嗨!" and "inner" not in engine.variables(root)
    desk.complete(root, "a")
    assert desk.open(root) == ["after"] and engine.instance(root).scopes is None


# --- calls and their versions -----------------------------------------------------------------------------------------

def test_a_call_binds_to_a_version_tag(desk):
    desk.deploy(process("child", S, user("old"), E, flows("s > old", "old > e"), tag="v1"), **FORM)
    desk.deploy(process("child", S, user("new"), E, flows("s > new", "new > e"), tag="v2"), **FORM)
    bound = call("c", "child").replace('processId="child"', 'processId="child" bindingType="versionTag" versionTag="v1"')
    assert desk.open(started(desk, S, bound, E, flows("s > c", "c > e"))) == ["old"]


def test_a_call_binds_to_what_was_in_force_at_its_deployment(desk, clock):
    desk.deploy(process("child", S, user("old"), E, flows("s > old", "old > e")), **FORM)
    bound = call("c", "child").replace('processId="child"', 'processId="child" bindingType="deployment"')
    desk.deploy(process("p", S, bound, E, flows("s > c", "c > e")), **FORM)
    clock.advance(timedelta(days=1))
    desk.deploy(process("child", S, user("new"), E, flows("s > new", "new > e")), **FORM)
    assert desk.open(desk.start("p")) == ["old"]


# --- timers -----------------------------------------------------------------------------------------------------------

def test_a_start_timer_begins_an_instance_in_every_scope_at_each_turn(desk, engine, clock):
    engine.scopes = lambda connection: [Scope(1), Scope(2)]
    desk.deploy(process("p", plain("startEvent", "s", timer("Cycle", "0 0 10 * * *")), user("a"), E, flows("s > a", "a > e")), **FORM)
    assert engine.arm_starts() == 2 and engine.arm_starts() == 0
    clock.set(datetime(2026, 11, 20, 9, 59, tzinfo=UTC))
    assert engine.fire_due().fired == 0
    clock.set(datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    assert engine.fire_due().fired == 2 and engine.fire_due().fired == 0
    clock.set(datetime(2026, 11, 23, 10, 30, tzinfo=UTC))
    assert engine.fire_due().fired == 2
    with engine.database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(user_task)).scalar() == 4
        assert connection.execute(select(start_timer.c.missed)).scalars().all() == [2, 2]


def test_a_start_timer_follows_the_version_in_force(desk, engine, clock):
    engine.scopes = lambda connection: [Scope(1)]
    for at in ("09:30", "09:45"):
        desk.deploy(process("p", plain("startEvent", "s", timer("Date", f"2026-11-20T{at}:00Z")), user("a"), E, flows("s > a", "a > e")), **FORM)
        engine.arm_starts()
    clock.set(datetime(2026, 11, 20, 9, 50, tzinfo=UTC))
    assert engine.fire_due().fired == 1 and engine.arm_starts() == 0


def test_a_start_timer_that_fails_waits_longer_each_time(desk, engine, clock):
    engine.scopes = lambda connection: [Scope(1)]
    desk.deploy(process("p", plain("startEvent", "s", timer("Date", "2026-11-20T09:30:00Z")), service("x", "fail"), E,
                        flows("s > x", "x > e")))
    engine.arm_starts()
    clock.set(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    assert engine.fire_due().failed == 1 and engine.fire_due().failed == 0
    clock.advance(timedelta(seconds=10))
    assert engine.fire_due().failed == 1
    clock.advance(timedelta(seconds=59))
    assert engine.fire_due().failed == 0
    with engine.database.connect() as connection:
        assert connection.execute(select(start_timer.c.tries, start_timer.c.state)).one() == (2, "armed")


@pytest.mark.parametrize(("cycle", "turns"), [
    ("R3/PT20M", 3), ("0 */20 * * * *", 6), ("R2/2026-11-20T01:30:00Z/PT30M", 2)])
def test_a_boundary_cycle_repeats_as_often_as_it_says(desk, engine, clock, cycle, turns):
    root = started(desk, S, user("a"), boundary("b", "a", timer("Cycle", cycle), False), user("tell"), E, E2,
                   flows("s > a", "a > e", "b > tell", "tell > e2"))
    for _ in range(12):
        clock.advance(timedelta(minutes=10))
        engine.fire_due()
    assert desk.open(root).count("tell") == turns


# --- the plain ones, once more beside the rest ------------------------------------------------------------------------

def test_a_mark_on_the_way_is_passed(desk):
    root = started(desk, S, user("a"), plain("intermediateThrowEvent", "mark"), user("b"), E, flows("s > a", "a > mark", "mark > b", "b > e"))
    desk.complete(root, "a")
    assert desk.open(root) == ["b"]


def test_timer_and_message_catch_events_wait(desk, engine, clock):
    root = started(desk, S, plain("intermediateCatchEvent", "t", timer("Duration", "PT1H")), plain("intermediateCatchEvent", "m", message("go")),
                   user("b"), E, flows("s > t", "t > m", "m > b", "b > e"), messages=("go",))
    clock.advance(timedelta(minutes=59))
    assert engine.fire_due().fired == 0
    clock.advance(timedelta(minutes=1))
    assert engine.fire_due().fired == 1 and desk.open(root) == []
    engine.correlate("go", "2026-1", {"word": "走"}, actor=Actor("lin"))
    assert desk.open(root) == ["b"] and engine.variables(root)["word"] == "走"


@pytest.mark.parametrize(("count", "opens"), [(1, "a"), (5, "b"), (50, "c")])
def test_an_exclusive_gateway_takes_the_first_flow_that_holds(desk, count, opens):
    root = started(desk, S, plain("exclusiveGateway", "x", default="x_c"), user("a"), user("b"), user("c"), E, E2, plain("endEvent", "e3"),
                   flows("s > x", "x > a : amount < 3", "x > b : amount < 10", "x > c", "a > e", "b > e2", "c > e3"), variables={"amount": count})
    assert desk.open(root) == [opens]


TABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n"><decision id="level" name="level">
<decisionTable id="t" hitPolicy="FIRST"><input id="i"><inputExpression id="ie" typeRef="number"><text>amount</text></inputExpression></input>
<output id="o" name="level" typeRef="string"/>
<rule id="r1"><inputEntry id="e1"><text>&lt; 10</text></inputEntry><outputEntry id="o1"><text>"low"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="e2"><text>-</text></inputEntry><outputEntry id="o2"><text>"high"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def test_a_business_rule_task_asks_its_table_and_the_trace_tells_the_rule(desk, engine):
    rule = ('<bpmn:businessRuleTask id="r" name="r"><bpmn:extensionElements><zeebe:calledDecision decisionId="level" resultVariable="level"/>'
            '</bpmn:extensionElements></bpmn:businessRuleTask>')
    desk.deploy(process("p", S, rule, user("a"), E, flows("s > r", "r > a", "a > e")), variables={"amount": 1}, level_dmn=TABLE, **FORM)
    root = desk.start("p", {"amount": 20})
    decided = next(e for e in engine.trace(root) if e["kind"] == "decision")
    assert engine.variables(root)["level"] == "high" and (decided["table"], decided["rules"]) == ("level", [2])
