"""Running instances move to another version: what moves, what is refused and why, what stays untouched, and back again."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from engine import differences, tables
from engine.api import Actor, Scope
from engine.commands.migrate import migrate
from engine.errors import NotFound, NotPossible, VersionClash
from engine.migration import RULES
from tests.engine.conftest import Desk, form
from tests.engine.drawing import (
    CANCEL,
    association,
    boundary,
    call,
    compensation,
    condition,
    flows,
    looped,
    many,
    message,
    plain,
    process,
    receive,
    service,
    signal,
    timer,
    user,
)

LIN, WANG = Actor("lin"), Actor("wang")
S, E, E2, E3 = (plain("startEvent", "s"), *(plain("endEvent", id) for id in ("e", "e2", "e3")))
FORM = {"forms__any_form": form("word", "more")}
HOUR = timedelta(hours=1)
TABLES = {t.name: t for t in vars(tables).values() if isinstance(t, Table)}
NOT_COMPARED = {"trace_event", "command", "instance_migration"}


class Versions(Desk):
    """A desk that deploys versions of process "p" one after the other and moves instances between them."""

    def version(self, *parts: str, variables: dict | None = None, files: dict | None = None, **declared) -> str:
        """The hash of a version, in force now."""
        self.deploy(process("p", *parts, **declared), variables=variables, **(FORM if files is None else files))
        return self.engine.definition_in_force("p").hash

    def move(self, ids, target: str, mapping: dict | None = None, **more):
        return self.engine.migrate([ids] if isinstance(ids, str) else ids, target, mapping=mapping, actor=WANG, reason="新版更好", **more)

    def moved(self, root: str, target: str, mapping: dict | None = None):
        """Move it; it must move."""
        outcome, = self.move(root, target, mapping)
        assert outcome.outcome == "moved", outcome.why
        assert self.engine.verify() == []
        return outcome

    def refused(self, root: str, target: str, mapping: dict | None = None) -> str:
        """Why it is refused; nothing may have changed."""
        before = rows(self.engine, everything=True)
        outcome, = self.move(root, target, mapping)
        assert outcome.outcome == "refused" and rows(self.engine, everything=True) == before
        return outcome.why

    def back(self, root: str):
        return self.engine.unmigrate(root, actor=WANG, reason="旧版更好")

    def timers(self, root: str) -> dict[str, tuple]:
        return {t.element_id: (t.due_at, t.armed_at, t.repeat) for t in self.engine.armed_timers(root)}

    def waits(self, root: str) -> list[tuple]:
        with self.engine.database.connect() as connection:
            table = TABLES["subscription"]
            return sorted(map(tuple, connection.execute(select(table.c.element_id, table.c.message, table.c.correlation_key).where(
                table.c.root_id == root))))


def rows(engine, everything: bool = False) -> dict[str, list]:
    """Every row of the engine's tables; of a root instance all but where its chain ends, unless everything is asked for."""
    found = {}
    with engine.database.connect() as connection:
        for table in TABLES.values():
            if everything or table.name not in NOT_COMPARED:
                columns = [c for c in table.columns if everything or c.name not in ("chain_seq", "chain_hash")]
                found[table.name] = sorted(map(repr, connection.execute(select(*columns))))
    return found


@pytest.fixture
def desk(engine):
    return Versions(engine)


def line(*tasks: str, form: str = "any", due: str = "=null") -> tuple[str, ...]:
    """Tasks one after the other."""
    path = ["s", *tasks, "e"]
    return S, *(user(t, due=due, form=form) for t in tasks), E, flows(*(f"{a} > {b}" for a, b in pairwise(path)))


# --- what moves, what stays ---------------------------------------------------------------------------------------------------

def test_an_open_task_is_the_new_element_and_keeps_what_people_have(desk, engine, clock):
    """B14: what people have in hand survives a move: due date, claim, when it was opened."""
    desk.version(*line("a", due="=now + duration(\"PT4H\")"))
    root = desk.start("p")
    clock.advance(HOUR)
    engine.claim(desk.task(root, "a").id, actor=LIN)
    before = desk.task(root, "a")
    target = desk.version(S, user("take", name="受理", due='=now + duration("PT9H")', groups="engineering"), E, flows("s > take", "take > e"))
    clock.advance(HOUR)
    desk.moved(root, target, {"a": "take"})
    after = desk.task(root, "take")
    assert (after.name, after.definition_hash, after.form, after.clause) == ("受理", target, "any", "1")
    kept = ("id", "due_at", "follow_up_at", "assignee", "opened_at", "groups", "priority", "version", "state", "business_key")
    assert [getattr(after, n) for n in kept] == [getattr(before, n) for n in kept] and after.assignee == "lin"
    assert engine.instance(root).definition_hash == target
    assert desk.complete(root, "take").ended


def test_the_move_is_one_event_and_the_history_before_it_is_untouched(desk, engine):
    """B16: each event tells of the version it happened on; the definitions of both are kept."""
    old = desk.version(*line("a", "b"))
    root = desk.start("p")
    desk.complete(root, "a", {"word": "说"})
    before = stored_trace(engine, root)
    target = desk.version(*line("a", "b", "c"))
    desk.moved(root, target, {"x": "c"})
    after = stored_trace(engine, root)
    assert after[:len(before)] == before and len(after) == len(before) + 1
    event = engine.trace(root)[-1]
    assert (event["kind"], event["from"], event["to"], event["from_version"], event["to_version"]) == ("migrated", old, target, 1, 2)
    assert (event["mapping"], event["reason"], event["actor"], event["instance"]) == ({"x": "c"}, "新版更好", "wang", root)
    assert engine.definition(old).diagram.elements.keys() == {"s", "a", "b", "e"}


def stored_trace(engine, root: str) -> list:
    table = TABLES["trace_event"]
    with engine.database.connect() as connection:
        return [tuple(row) for row in connection.execute(select(table).where(table.c.root_id == root).order_by(table.c.seq))]


def test_a_form_that_asks_otherwise_is_a_clash_for_whoever_has_it_open(desk, engine):
    desk.version(*line("a"))
    root, seen = desk.start("p"), 1
    target = desk.version(*line("a"), files={"forms__any_form": form("word", "more", "new")})
    desk.moved(root, target)
    with pytest.raises(VersionClash):
        desk.complete(root, "a", {"word": "x"}, seen=seen)
    assert desk.complete(root, "a", {"new": "y"}).ended


def test_drafts_are_not_looked_at(desk, engine, statements):
    desk.version(*line("a"))
    root = desk.start("p")
    target = desk.version(*line("a", "b"))
    statements.clear()
    desk.moved(root, target)
    assert len(statements) > 5 and [s for s in statements if "draft" in s.lower()] == []


GUARDED = (S, user("a"), boundary("t", "a", timer("Cycle", "R3/PT1H"), False), user("late"), E, E2,
           boundary("m", "a", message("urge"), False), user("urged"), E3,
           flows("s > a", "a > e", "t > late", "late > e2", "m > urged", "urged > e3"))


def guarded(*more: str) -> tuple:
    return (*GUARDED, *more)


def test_timers_keep_instant_turns_and_what_has_fired(desk, engine, clock):
    """B12: no timer is restarted or fired by a move, though the new version has another time."""
    desk.version(*guarded(), messages=("urge",))
    root = desk.start("p")
    clock.advance(HOUR)
    engine.fire_due()
    before = desk.timers(root)
    target = desk.version(*(part.replace("R3/PT1H", "R9/PT2H") for part in guarded()), messages=("urge",))
    clock.advance(timedelta(minutes=20))
    outcome = desk.moved(root, target)
    assert [(d.element, d.what) for d in outcome.differences] == [("t", "time")]
    assert desk.timers(root) == before and desk.open(root) == ["a", "late"]
    clock.advance(timedelta(minutes=40))
    engine.fire_due()
    clock.advance(HOUR)
    engine.fire_due()
    assert desk.open(root) == ["a", "late", "late", "late"] and desk.timers(root) == {}


def test_an_event_that_has_fired_is_not_armed_again(desk, engine, clock):
    """B12"""
    once = [part.replace("<bpmn:timeCycle>R3/PT1H</bpmn:timeCycle>", "<bpmn:timeDuration>PT1H</bpmn:timeDuration>") for part in guarded()]
    desk.version(*once, messages=("urge",))
    root = desk.start("p")
    clock.advance(HOUR)
    engine.fire_due()
    target = desk.version(*once, *line("far")[1:2], messages=("urge",))
    desk.moved(root, target)
    assert desk.timers(root) == {} and desk.open(root) == ["a", "late"]


def test_what_waits_for_a_message_is_found_under_its_new_name(desk, engine):
    desk.version(*guarded(), messages=("urge",))
    root = desk.start("p")
    target = desk.version(*(part.replace('"m"', '"hurry"').replace("m_urged", "hurry_urged") for part in guarded()), messages=("urge",))
    desk.moved(root, target, {"m": "hurry"})
    assert desk.waits(root) == [("hurry", "urge", "2026-1")]
    engine.correlate("urge", "2026-1", actor=LIN)
    assert desk.open(root) == ["a", "urged"] and desk.waits(root) == [("hurry", "urge", "2026-1")]


def test_boundary_events_that_are_new_are_armed_as_if_the_task_began_now(desk, engine, clock):
    desk.version(*line("a"))
    root = desk.start("p")
    clock.advance(HOUR)
    target = desk.version(*guarded(), messages=("urge",))
    desk.moved(root, target)
    now = clock.now()
    assert desk.timers(root)["t"][:2] == (now + HOUR, now) and desk.waits(root) == [("m", "urge", "2026-1")]
    assert engine.trace(root)[-1]["armed"] == ["t", "m"]
    engine.correlate("urge", "2026-1", actor=LIN)
    clock.advance(HOUR)
    engine.fire_due()
    assert desk.open(root) == ["a", "late", "urged"]


def test_boundary_events_that_are_gone_are_cancelled(desk, engine, clock):
    """B11: no timer outlives what it belonged to."""
    desk.version(*guarded(), messages=("urge",))
    root = desk.start("p")
    target = desk.version(*line("a"))
    desk.moved(root, target)
    assert desk.timers(root) == {} and desk.waits(root) == [] and engine.trace(root)[-1]["cancelled"] == ["t", "m"]
    clock.advance(9 * HOUR)
    assert engine.fire_due().fired == 0 and desk.complete(root, "a").ended


def test_a_task_that_takes_anothers_place_has_that_ones_boundary_events(desk, engine):
    """Both tasks are in both versions; only where the token stands changes."""
    parts = (S, user("a"), user("b"), E, E2, boundary("ta", "a", timer("Duration", "PT1H")), boundary("tb", "b", timer("Duration", "PT2H")),
             flows("s > a", "a > b", "b > e", "ta > e2", "tb > e2"))
    desk.version(*parts)
    root = desk.start("p")
    target = desk.version(*parts, user("more"))
    desk.moved(root, target, {"a": "b"})
    assert desk.open(root) == ["b"] and desk.timers(root).keys() == {"tb"}


def sub(id: str, *parts: str, **attributes) -> str:
    return plain("subProcess", id, "".join(parts), **attributes)


def listener(id: str, inside: str, name: str, interrupting: bool = False) -> str:
    start, task, end = f"{id}s", name, f"{id}e"
    return sub(id, plain("startEvent", start, inside, isInterrupting=str(interrupting).lower()), user(task), plain("endEvent", end),
               flows(f"{start} > {task}", f"{task} > {end}"), triggeredByEvent="true")


def nested(*listeners: str, u: str = "u", x: str = "x") -> tuple:
    return (S, sub(u, plain("startEvent", "us"), user(x), plain("endEvent", "ue"), *listeners, flows(f"us > {x}", f"{x} > ue")), E,
            flows(f"s > {u}", f"{u} > e"))


def test_event_sub_processes_come_and_go_with_the_version(desk, engine, clock):
    desk.version(*nested(listener("v", message("urge"), "help")), messages=("urge",))
    root = desk.start("p")
    target = desk.version(*nested(listener("w", timer("Duration", "PT1H"), "look"), x="y"),
                          listener("z", message("urge"), "all"), messages=("urge",))
    desk.moved(root, target, {"x": "y"})
    assert desk.waits(root) == [("zs", "urge", "2026-1")] and desk.timers(root).keys() == {"ws"}
    engine.correlate("urge", "2026-1", actor=LIN)
    clock.advance(HOUR)
    engine.fire_due()
    assert desk.open(root) == ["all", "look", "y"]
    for name in ("y", "look", "all"):
        result = desk.complete(root, name)
    assert result.ended and engine.verify() == []


def test_a_scope_that_an_event_has_taken_over_gets_no_new_events(desk, engine):
    desk.version(*nested(listener("v", message("urge"), "help", interrupting=True)), messages=("urge",))
    root = desk.start("p")
    engine.correlate("urge", "2026-1", actor=LIN)
    target = desk.version(*nested(listener("v", message("urge"), "help", interrupting=True), listener("w", message("more"), "look")),
                          messages=("urge", "more"))
    desk.moved(root, target)
    assert desk.open(root) == ["help"] and desk.waits(root) == []


def test_a_scope_in_which_only_an_event_sub_process_still_runs_gets_no_new_events(desk, engine):
    desk.version(*nested(listener("v", message("urge"), "help")), messages=("urge",))
    root = desk.start("p")
    engine.correlate("urge", "2026-1", actor=LIN)
    desk.complete(root, "x")
    target = desk.version(*nested(listener("v", message("urge"), "help"), listener("w", message("more"), "look")), messages=("urge", "more"))
    desk.moved(root, target)
    assert desk.open(root) == ["help"] and desk.waits(root) == []
    assert desk.complete(root, "help").ended


def test_turns_of_a_multi_instance_go_on_with_their_items(desk, engine):
    def version(id: str, completion: str | None = None):
        return desk.version(S, many(user(id), "floors", item="floor", outputs="seen", output="floor", completion=completion),
                            user("after"), E, flows(f"s > {id}", f"{id} > after", "after > e"), variables={"floors": 1})
    version("look")
    root = desk.start("p", {"floors": ["一层", "二层", "三层"]})
    engine.complete(engine.open_tasks(root)[0].id, {}, actor=LIN)
    desk.moved(root, version("watch", "numberOfCompletedInstances = 2"), {"look": "watch"})
    assert desk.open(root) == ["watch", "watch"]
    engine.complete(engine.open_tasks(root)[0].id, {}, actor=LIN)
    assert desk.open(root) == ["after"] and sum(x is not None for x in engine.variables(root)["seen"]) == 2


def undoable(handler: str = "undo", throw: str = "t", guard: str = "c") -> tuple:
    return (S, sub("u", plain("startEvent", "us"), user("book"), plain("endEvent", "ue"), boundary(guard, "book", compensation()),
                   user(handler).replace("<bpmn:userTask", '<bpmn:userTask isForCompensation="true"', 1), association(guard, handler),
                   flows("us > book", "book > ue")),
            user("wait"), plain("intermediateThrowEvent", throw, compensation()), user("after"), E,
            flows("s > u", "u > wait", f"wait > {throw}", f"{throw} > after", "after > e"))


def test_what_can_be_undone_is_undone_by_the_new_versions_handler(desk, engine):
    desk.version(*undoable())
    root = desk.start("p")
    desk.complete(root, "book")
    desk.moved(root, desk.version(*undoable(handler="cancel", guard="cc")), {"c": "cc", "undo": "cancel"})
    desk.complete(root, "wait")
    assert desk.open(root) == ["cancel"]
    desk.complete(root, "cancel")
    assert desk.open(root) == ["after"]


def joined(*branches: str, join: str = "j", first: str = "a", kind: str = "parallelGateway") -> tuple:
    """Branches that fork, `first` straight to the join."""
    return (S, plain("parallelGateway", "f"), *(user(b) for b in branches), plain(kind, join), user("after"), E,
            flows("s > f", *(f"f > {b}" for b in branches), *(f"{b} > {join}" for b in branches), f"{join} > after", "after > e"))


def test_a_token_at_a_join_keeps_the_flow_it_came_by_though_its_id_is_new(desk, engine):
    desk.version(*joined("a", "b"))
    root = desk.start("p")
    desk.complete(root, "a")
    desk.moved(root, desk.version(*joined("a", "c", join="k")), {"j": "k", "b": "c"})
    assert desk.open(root) == ["c"]
    desk.complete(root, "c")
    assert desk.open(root) == ["after"]


def test_a_called_instance_moves_alone_and_its_events_stay_in_the_roots_history(desk, engine):
    desk.version(*line("x"))
    desk.deploy(process("caller", S, call("k", "p"), user("after"), E, flows("s > k", "k > after", "after > e")))
    root = desk.start("caller")
    child = desk.task(root, "x").instance_id
    caller = engine.instance(root).definition_hash
    desk.moved(child, desk.version(*line("y", "z")), {"x": "y"})
    assert engine.instance(root).definition_hash == caller and engine.trace(root)[-1]["instance"] == child
    for name in ("y", "z", "after"):
        desk.complete(root, name)
    assert engine.instance(root).state == "ended" and engine.verify() == []


def test_overdue_timers_fire_first_under_the_version_that_armed_them(desk, engine, clock):
    desk.version(*guarded(), messages=("urge",))
    root = desk.start("p")
    clock.advance(HOUR)
    desk.moved(root, desk.version(*line("a", "late")))
    assert desk.open(root) == ["a", "late"] and desk.timers(root) == {}
    assert desk.kinds(root)[-1] == "migrated" and "timer-fired" in desk.kinds(root)


def test_nothing_is_played_by_a_move(desk, engine, operations):
    """A condition that holds at once and an operation on the way run with the next step, not with the move."""
    desk.version(*line("a"), variables={"so": 1})
    root = desk.start("p", {"so": True})
    target = desk.version(S, user("a"), boundary("c", "a", condition("so"), False), service("n", "note", {"text": '"ran"'}), E, E2,
                          flows("s > a", "a > e", "c > n", "n > e2"), variables={"so": 1})
    desk.moved(root, target)
    assert operations.calls == []
    engine.set_variables(root, {"so": True, "more": 1}, reason="x", actor=LIN)
    assert operations.calls == ["ran"]


# --- what is refused, by rule -------------------------------------------------------------------------------------------------

LOOK = many(user("a"), "floors", item="floor")
TASK = line("a")


def around(element: str) -> tuple:
    return S, element, E, flows("s > a", "a > e")


BOOKED = undoable()
# rule -> (old parts, new parts, what is completed before, the element that the reason names)
REFUSALS: list[tuple[str, str, tuple, tuple, tuple, str]] = [
    ("element", "a task is gone", TASK, line("b"), (), "a"),
    ("element", "a catch event is gone", around(plain("intermediateCatchEvent", "a", timer("Duration", "PT1H"))), line("b"), (), "a"),
    ("element", "a sub-process is gone", nested(), line("x"), (), "u"),
    ("kind", "a task is a receive task", TASK, around(receive("a", "urge")), (), "a"),
    ("kind", "another procedure is called", around(call("a", "called")), around(call("a", "called2")), (), "a"),
    ("event", "a message is a timer", around(plain("intermediateCatchEvent", "a", message("urge"))),
     around(plain("intermediateCatchEvent", "a", timer("Duration", "PT1H"))), (), "a"),
    ("event", "a duration is an instant", around(plain("intermediateCatchEvent", "a", timer("Duration", "PT1H"))),
     around(plain("intermediateCatchEvent", "a", timer("Date", "=now"))), (), "a"),
    ("event", "a boundary cycle is a duration", guarded(), tuple(p.replace("timeCycle", "timeDuration").replace("R3/PT1H", "PT1H")
                                                              for p in guarded()), (), "t"),
    ("marker", "several are one", around(LOOK), around(user("a")), (), "a"),
    ("marker", "one is several", around(user("a")), around(LOOK), (), "a"),
    ("marker", "at once is one after the other", around(LOOK), around(many(user("a"), "floors", item="floor", parallel=False)), (), "a"),
    ("marker", "the item has another name", around(LOOK), around(many(user("a"), "floors", item="level")), (), "a"),
    ("marker", "results are collected", around(LOOK), around(many(user("a"), "floors", item="floor", outputs="o", output="1")), (), "a"),
    ("marker", "a loop is none", around(looped(user("a"), "true")), around(user("a")), (), "a"),
    ("marker", "a sub-process is a transaction", nested(), tuple(p.replace("<bpmn:subProcess", "<bpmn:transaction").replace(
        "</bpmn:subProcess", "</bpmn:transaction") for p in nested()), (), "u"),
    ("scope", "a task left its sub-process", nested(), (S, sub("u", plain("startEvent", "us"), user("y"), plain("endEvent", "ue"),
                                                             flows("us > y", "y > ue")), user("x"), E, flows("s > u", "u > x", "x > e")), (), "x"),
    ("scope", "a task went into a sub-process", line("x"), nested(), (), "x"),
    ("join", "a flow comes in no more", joined("a", "b"), (*joined("b"), user("a"), E2, flows("f > a", "a > e2")), ("a",), "j"),
    ("join", "the join would be complete", joined("a", "b", "c"), (*joined("a", "b"), user("c"), E2, flows("f > c", "c > e2")),
     ("a", "b"), "j"),
    ("join", "an inclusive join's flow comes in no more", joined("a", "b", kind="inclusiveGateway"),
     (*joined("b", kind="inclusiveGateway"), user("a"), E2, flows("f > a", "a > e2")), ("a",), "j"),
    ("message", "a receive task waits for another", around(receive("a", "urge")), around(receive("a", "stop")), (), "a"),
    ("message", "a boundary event waits for another", guarded(), tuple(p.replace("M_urge", "M_stop") for p in guarded()), (), "m"),
    ("message", "a signal has another name", around(plain("intermediateCatchEvent", "a", signal("fire"))),
     around(plain("intermediateCatchEvent", "a", signal("water"))), (), "a"),
    ("handler", "the compensation event is gone", BOOKED, (*BOOKED[:1], sub(
        "u", plain("startEvent", "us"), user("book"), plain("endEvent", "ue"), flows("us > book", "book > ue")), *BOOKED[2:]),
     ("book",), "c"),
    ("handler", "another activity is undone", BOOKED, (*BOOKED[:1], BOOKED[1].replace('attachedToRef="book"', 'attachedToRef="other"').replace(
        user("book"), user("book") + user("other")), *BOOKED[2:]), ("book",), "c"),
]


def test_every_rule_is_shown():
    assert {rule for rule, *_ in REFUSALS} == RULES.keys()


@pytest.mark.parametrize(("rule", "old", "new", "done", "element"), [(r, *rest) for r, _, *rest in REFUSALS], ids=[why for _, why, *_ in REFUSALS])
def test_a_token_without_a_place_refuses_the_move_by_element_and_rule(desk, engine, rule, old, new, done, element):
    declared = {"messages": ("urge", "stop"), "signals": ("fire", "water"), "variables": {"floors": 1}}
    for key in ("called", "called2"):
        desk.deploy(process(key, *line("inner")))
    desk.version(*old, **declared)
    root = desk.start("p", {"floors": ["一层", "二层"]})
    for name in done:
        desk.complete(root, name)
    opened = desk.open(root)
    why = desk.refused(root, desk.version(*new, **declared))
    assert f"{element} ({rule}): " in why, why
    assert desk.open(root) == opened


def test_a_transactions_cancel_event_may_go_and_come(desk, engine):
    """A boundary event is nobody's wait: where the version lacks it, it is cancelled."""
    def version(*more: str) -> str:
        body = "".join((plain("startEvent", "us"), user("x"), plain("endEvent", "ue"), flows("us > x", "x > ue")))
        return desk.version(S, plain("transaction", "u", body), *more, E, flows("s > u", "u > e"))
    plainly = version()
    with_cancel = version(boundary("c", "u", CANCEL), user("taken"), E2, flows("c > taken", "taken > e2"))
    root = desk.start("p")
    for target in (plainly, with_cancel, plainly):
        desk.moved(root, target)
    assert desk.complete(root, "x").ended


# --- many at once ---------------------------------------------------------------------------------------------------------------

def test_each_of_a_batch_has_its_own_outcome_and_none_stops_the_others(desk, engine):
    """B14: a hundred instances are one request; what has moved is kept when it is sent again."""
    desk.deploy(process("q", *line("a")), **FORM)
    stranger = desk.start("q")
    desk.version(*line("a", "b"))
    good, stuck, over, second = (desk.start("p", number=str(n)) for n in range(4))
    desk.complete(stuck, "a")
    for name in ("a", "b"):
        desk.complete(over, name)
    target = desk.version(*line("a"))
    found = desk.move([good, "no such", stuck, stranger, over, second, good], target)
    assert [(m.instance_id, m.outcome) for m in found] == [
        (good, "moved"), ("no such", "refused"), (stuck, "refused"), (stranger, "refused"), (over, "kept"), (second, "moved")]
    assert "b (element)" in found[2].why and "instance of q" in found[3].why and "has ended" in found[4].why
    again = desk.move([good, stuck, second], target)
    assert [m.outcome for m in again] == ["kept", "refused", "kept"] and "version 2 already" in again[0].why
    assert desk.kinds(good).count("migrated") == 1


def test_a_domain_that_breaks_in_one_instance_stops_no_other(desk, engine, clock):
    def version(*more: str) -> str:
        return desk.version(S, user("a"), boundary("t", "a", timer("Duration", "=wait"), False), service("n", "fail"), E, E2, *more,
                            flows("s > a", "a > e", "t > n", "n > e2"), variables={"wait": 1})
    version()
    broken, good = desk.start("p", {"wait": HOUR}, number="1"), desk.start("p", {"wait": 5 * HOUR}, number="2")
    target = version(user("more"))
    clock.advance(2 * HOUR)
    found = desk.move([broken, good], target)
    assert [m.outcome for m in found] == ["refused", "moved"] and "broken" in found[0].why
    assert len(desk.timers(broken)) == 1 and engine.verify() == []


def test_a_dry_run_answers_the_same_and_leaves_nothing(desk, engine, clock):
    """T32: looking changes nothing, not even what is overdue."""
    desk.version(*guarded(), messages=("urge",))
    ids = [desk.start("p", number=str(n)) for n in range(3)]
    desk.complete(ids[2], "a")
    clock.advance(2 * HOUR)
    target = desk.version(*line("a", "late"))
    before = rows(engine, everything=True)
    rehearsed = desk.move(ids, target, dry_run=True, request_id="try")
    assert rows(engine, everything=True) == before
    assert rehearsed == desk.move(ids, target)
    assert [m.outcome for m in rehearsed] == ["moved", "moved", "kept"]
    assert {d.what for d in rehearsed[0].differences} >= {"element-removed", "flow-added"}


def test_a_repeated_request_gets_its_first_answers_even_after_an_undo(desk, engine):
    desk.version(*line("a"))
    ids = [desk.start("p", number=str(n)) for n in range(2)]
    target = desk.version(*line("a", "b"))
    first = desk.move(ids, target, request_id="once")
    desk.back(ids[0])
    before = rows(engine, everything=True)
    again = desk.move(ids, target, request_id="once")
    assert [m.outcome for m in again] == [m.outcome for m in first] == ["moved", "moved"]
    assert rows(engine, everything=True) == before


def test_what_was_refused_is_tried_again_by_the_same_request(desk, engine):
    desk.version(*line("a", "b", "a2"))
    root = desk.start("p")
    desk.complete(root, "a")
    target = desk.version(*line("a", "a2"))
    assert desk.move([root, "no such"], target, request_id="once")[0].outcome == "refused"
    desk.complete(root, "b")
    assert [m.outcome for m in desk.move([root, "no such"], target, request_id="once")] == ["moved", "refused"]


def test_a_rate_waits_between_instances(desk, engine):
    desk.version(*line("a"))
    ids = [desk.start("p", number=str(n)) for n in range(3)]
    target, waited = desk.version(*line("a", "b")), []
    options = {"mapping": {}, "actor": WANG, "reason": "x", "request_id": None, "pause": waited.append}
    migrate(engine, ids, target, dry_run=True, per_second=4, **options)
    assert waited == []
    migrate(engine, ids, target, dry_run=False, per_second=4, **options)
    assert waited == [0.25, 0.25]


def test_what_cannot_be_asked_is_refused_as_a_whole(desk, engine):
    desk.version(*line("a"))
    root = desk.start("p")
    target = desk.version(*line("b"))
    with pytest.raises(NotPossible, match="reason"):
        engine.migrate([root], target, actor=WANG, reason=" ")
    with pytest.raises(NotPossible, match="has no nowhere"):
        desk.move(root, target, {"a": "nowhere"})
    with pytest.raises(NotFound):
        desk.move(root, "0" * 64)


def test_of_two_people_who_move_an_instance_at_once_one_does(desk, engine):
    desk.version(*line("a"))
    root = desk.start("p")
    target, outcomes = desk.version(*line("a", "b")), []
    threads = [threading.Thread(target=lambda: outcomes.append(desk.move(root, target)[0].outcome)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept", "kept", "kept", "moved"] and engine.verify() == []


# --- back again -----------------------------------------------------------------------------------------------------------------

RICH = (S, plain("parallelGateway", "f"), user("a", due='=now + duration("PT4H")'), many(user("look"), "floors", item="floor"),
        boundary("t", "a", timer("Cycle", "R3/PT1H"), False), user("late"), boundary("m", "a", message("urge"), False), user("urged"),
        call("k", "called"), plain("parallelGateway", "j"), E, E2, E3,
        flows("s > f", "f > a", "f > look", "f > k", "a > j", "look > j", "k > j", "j > e", "t > late", "late > e2", "m > urged", "urged > e3"))
RICHER = (S, plain("parallelGateway", "f"), user("a2", form="any", name="受理"), many(user("look"), "floors", item="floor"),
          boundary("t2", "a2", timer("Duration", "PT9H")), boundary("m2", "look", message("urge"), False), user("urged"),
          call("k", "called"), plain("parallelGateway", "j2"), E, E2, E3,
          flows("s > f", "f > a2", "f > look", "f > k", "a2 > j2", "look > j2", "k > j2", "j2 > e", "t2 > e2", "m2 > urged", "urged > e3"))
MAPPING = {"a": "a2", "j": "j2"}
DECLARED = {"messages": ("urge",), "variables": {"floors": 1}}


@pytest.fixture
def rich(desk, engine, clock):
    """An instance that waits in every way, at an hour after its start, with one timer fired and one task claimed."""
    desk.deploy(process("called", S, user("inner"), E, boundary("ti", "inner", timer("Duration", "PT3H"), False), user("chased"), E2,
                        flows("s > inner", "inner > e", "ti > chased", "chased > e2")), **FORM)
    desk.version(*RICH, **DECLARED)
    root = desk.start("p", {"floors": ["一层", "二层"]})
    clock.advance(HOUR)
    engine.fire_due()
    engine.claim(desk.task(root, "a").id, actor=LIN)
    desk.complete(root, "late")
    return root


def test_an_undo_puts_back_every_row_exactly(desk, engine, clock, rich):
    before = rows(engine)
    desk.moved(rich, desk.version(*RICHER, **DECLARED, files={"forms__any_form": form("word", "new")}), MAPPING)
    deployed = rows(engine)["process_definition"]
    assert rows(engine) != before and desk.timers(rich).keys() == {"t2", "ti"}
    clock.advance(timedelta(minutes=1))
    desk.back(rich)
    assert rows(engine) == before | {"process_definition": deployed} and engine.verify() == []


def test_after_an_undo_the_instance_goes_on_as_if_it_had_never_moved(desk, engine, clock, rich):
    target = desk.version(*RICHER, **DECLARED)
    for _ in range(3):
        desk.moved(rich, target, MAPPING)
        desk.back(rich)
    clock.advance(HOUR)
    assert engine.fire_due().fired == 1
    engine.correlate("urge", "2026-1", actor=LIN)
    assert desk.open(rich) == ["a", "inner", "late", "look", "look", "urged"] and engine.verify() == []


def test_the_trace_tells_the_move_and_that_it_was_undone(desk, engine, rich):
    old = engine.instance(rich).definition_hash
    target = desk.version(*RICHER, **DECLARED)
    desk.moved(rich, target, MAPPING)
    moved = [e for e in engine.trace(rich) if e["kind"] == "migrated"]
    assert not any(e.get("undone") for e in moved)
    desk.back(rich)
    *_, event = trace = engine.trace(rich)
    assert (event["kind"], event["from"], event["to"], event["actor"], event["reason"]) == ("migration-undone", target, old, "wang", "旧版更好")
    assert [e["kind"] for e in trace if e.get("undone")] == ["timer-armed", "migrated"]


@pytest.mark.parametrize("act", [
    lambda desk, root: desk.engine.claim(desk.task(root, "inner").id, actor=LIN),
    lambda desk, root: desk.complete(root, "inner"),
    lambda desk, root: desk.engine.correlate("urge", "2026-1", actor=LIN),
    lambda desk, root: (desk.engine.clock.advance(9 * HOUR), desk.engine.fire_due()),
    lambda desk, root: desk.engine.cancel(root, reason="x", actor=LIN),
    lambda desk, root: desk.engine.retime(desk.engine.armed_timers(root)[0].id, desk.engine.clock.now() + HOUR, reason="x", actor=LIN),
], ids=["claimed", "completed", "message", "timer", "cancelled", "retimed"])
def test_nobody_takes_a_move_back_once_something_happened_to_the_family(desk, engine, rich, act):
    desk.moved(rich, desk.version(*RICHER, **DECLARED), MAPPING)
    act(desk, rich)
    before = rows(engine, everything=True)
    with pytest.raises(NotPossible, match="something happened since"):
        desk.back(rich)
    assert rows(engine, everything=True) == before


def test_moves_are_taken_back_newest_first_and_each_once(desk, engine, rich):
    start, first = rows(engine), desk.version(*RICHER, **DECLARED)
    second = desk.version(*RICHER, user("more"), **DECLARED)
    desk.moved(rich, first, MAPPING)
    between = rows(engine)
    desk.moved(rich, second)
    desk.back(rich)
    assert rows(engine) == between
    desk.back(rich)
    assert rows(engine) == start | {"process_definition": rows(engine)["process_definition"]}
    with pytest.raises(NotFound):
        desk.back(rich)


def test_caller_and_called_are_moved_and_taken_back_each_by_itself(desk, engine, rich):
    start, child = rows(engine), desk.task(rich, "inner").instance_id
    target = desk.version(*RICHER, **DECLARED)
    desk.deploy(process("called", *line("inner")), **FORM)
    called = engine.definition_in_force("called").hash
    desk.moved(rich, target, MAPPING)
    desk.moved(child, called)
    desk.back(rich)
    assert engine.instance(child).definition_hash == called and desk.timers(rich).keys() == {"t"}
    desk.back(child)
    assert rows(engine) == start | {"process_definition": rows(engine)["process_definition"]} and engine.verify() == []


def test_a_move_is_taken_back_with_a_reason_and_only_where_there_was_one(desk, engine, rich):
    with pytest.raises(NotFound):
        desk.back(rich)
    desk.moved(rich, desk.version(*RICHER, **DECLARED), MAPPING)
    with pytest.raises(NotPossible, match="reason"):
        engine.unmigrate(rich, actor=WANG, reason="")


def test_listeners_are_told_of_moves_and_undoing(desk, engine, rich):
    told = []
    engine.listeners.append(lambda events: told.extend(e.kind for e in events))
    desk.moved(rich, desk.version(*RICHER, **DECLARED), MAPPING)
    desk.back(rich)
    assert told == ["timer-armed", "migrated", "migration-undone"]


def test_a_move_costs_no_more_statements_for_a_long_history(desk, engine, statements):
    """B4: the number of statements depends on what is open, not on what has happened."""
    desk.version(S, plain("exclusiveGateway", "x"), user("a"), E, flows("s > x", "x > a", "a > x"))
    target = desk.version(S, plain("exclusiveGateway", "x"), user("a"), E, user("b"), flows("s > x", "x > a", "a > x"))
    counts = []
    for rounds in (1, 40):
        desk.version(S, plain("exclusiveGateway", "x"), user("a"), E, flows("s > x", "x > a", "a > x"))
        root = engine.start("p", {}, business_key=str(rounds), scope=Scope(1), actor=LIN).instance_id
        for _ in range(rounds):
            desk.complete(root, "a")
        desk.move(root, target, dry_run=True)
        statements.clear()
        desk.move(root, target)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 20


def test_the_page_names_every_rule():
    text = (Path(__file__).parents[2] / "docs" / "reference" / "migration.md").read_text(encoding="utf-8")
    for rule, says in RULES.items():
        assert f"| `{rule}` | {says} |" in text
    for rule in differences.RULES:
        assert f"| `{rule.what}` | {rule.weight} | {rule.says} |" in text
