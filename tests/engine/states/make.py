"""Save the states of a release: `python -m tests.engine.states.make v2` writes tests/engine/states/v2/*.json.

Run it once, when a release is made, and never again for that release: what lies there is what its users have in their databases.
A folder that exists is not written over. A construct that is new gets a story of its own here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml
from sqlalchemy import update

from engine.api import Engine, Scope
from engine.definitions import Procedure
from engine.operations import Registry
from engine.tables import timer as timer_table
from engine.testing import memory_engine
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
from tests.engine.states import playing

S, E, E2, E3, E4 = (plain("startEvent", "s"), *(plain("endEvent", id) for id in ("e", "e2", "e3", "e4")))
ALARM = process("alarm", S, plain("endEvent", "t", signal("alarm")), flows("s > t"), signals=("alarm",))
CHILD = process("child", S, user("inner"), boundary("ti", "inner", timer("Duration", "PT3H"), False), user("chased"), call("g", "grandchild"), E, E2,
                flows("s > inner", "inner > g", "g > e", "ti > chased", "chased > e2"))
GRANDCHILD = process("grandchild", S, user("deep"), E, flows("s > deep", "deep > e"))
TABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n"><decision id="level" name="level">
<decisionTable id="t" hitPolicy="FIRST"><input id="i"><inputExpression id="ie" typeRef="number"><text>amount</text></inputExpression></input>
<output id="o" name="level" typeRef="string"/>
<rule id="r1"><inputEntry id="e1"><text>&lt; 10</text></inputEntry><outputEntry id="o1"><text>"low"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="e2"><text>-</text></inputEntry><outputEntry id="o2"><text>"high"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""
RULE = ('<bpmn:businessRuleTask id="r" name="r"><bpmn:extensionElements><zeebe:calledDecision decisionId="level" resultVariable="level"/>'
        '</bpmn:extensionElements></bpmn:businessRuleTask>')
OWN = '<bpmn:extensionElements><zeebe:ioMapping><zeebe:input source="=word" target="inside"/></zeebe:ioMapping></bpmn:extensionElements>'


@dataclass
class Story:
    """A diagram, what happens before it is saved, and what happens first after it was loaded."""

    about: str
    diagram: bytes
    before: list = field(default_factory=list)
    first: list = field(default_factory=list)
    variables: dict = field(default_factory=dict)
    others: tuple[bytes, ...] = ()
    table: bytes | None = None
    touch: Callable | None = None


def sub(id: str, *parts: str, kind: str = "subProcess", **attributes) -> str:
    return plain(kind, id, "".join(parts), **attributes)


def listener(id: str, inside: str, interrupting: bool = False) -> str:
    a, b, c = f"{id}s", f"{id}t", f"{id}e"
    return sub(id, plain("startEvent", a, inside, isInterrupting=str(interrupting).lower()), user(b), plain("endEvent", c),
               flows(f"{a} > {b}", f"{b} > {c}"), triggeredByEvent="true")


def undone(handler: str) -> str:
    return user(handler).replace("<bpmn:userTask", '<bpmn:userTask isForCompensation="true"', 1)


def booking(id: str) -> str:
    return user(id) + boundary(f"c{id}", id, compensation()) + undone(f"un{id}") + association(f"c{id}", f"un{id}")


def as_first_stored(engine: Engine) -> None:
    """What is left of a cycle as the first database files hold it: turns and seconds."""
    with engine.database.begin() as connection:
        connection.execute(update(timer_table).where(timer_table.c.repeat.is_not(None), timer_table.c.state == "armed").values(repeat="R3/3600"))


STORIES = {
    "task-with-boundary-events": Story(
        "A task, claimed by nobody, guarded by a cycle in the oldest text (R3/3600), a duration and a message.",
        process("p", S, user("a", due='=now + duration("PT4H")'), boundary("t", "a", timer("Cycle", "R3/PT1H"), False), user("late"),
                boundary("d", "a", timer("Duration", "PT9H")), boundary("m", "a", message("urge"), False), user("urged"), E, E2, E3, E4,
                flows("s > a", "a > e", "t > late", "late > e2", "m > urged", "urged > e3", "d > e4"), messages=("urge",)),
        before=[("message", "urge")], first=[("time", "PT1H"), ("time", "PT1H"), ("message", "urge"), ("time", "PT3H")], touch=as_first_stored),
    "joins": Story(
        "One token waits at a parallel join, one at an inclusive join.",
        process("p", S, plain("parallelGateway", "f"), user("a"), user("b"), plain("parallelGateway", "j"), plain("inclusiveGateway", "i"),
                user("x"), user("y"), user("z"), plain("inclusiveGateway", "k"), plain("parallelGateway", "over"), E,
                flows("s > f", "f > a", "f > b", "a > j", "b > j", "j > over", "f > i", "i > x : one", "i > y : two", "i > z : not(one)",
                      "x > k", "y > k", "z > k", "k > over", "over > e")),
        before=[("complete", "a"), ("complete", "x")], variables={"one": True, "two": True}),
    "sub-process": Story(
        "A sub-process with variables of its own and a boundary timer that has fired once; another that a terminate end event ends.",
        process("p", S, sub("u", OWN, plain("startEvent", "us"), plain("parallelGateway", "uf"), script("n", "inside", 'inside + "!"'),
                            user("a"), user("b"), plain("endEvent", "ue"), plain("endEvent", "stop", TERMINATE),
                            flows("us > uf", "uf > n", "n > a", "uf > b", "a > ue", "b > stop")),
                boundary("t", "u", timer("Duration", "PT1H"), False), user("late"), E, E2, flows("s > u", "u > e", "t > late", "late > e2")),
        before=[("time", "PT1H")], variables={"word": "水"}),
    "event-sub-processes": Story(
        "Six event sub-processes listen, in the process and in a sub-process; one of them runs.",
        process("p", S, sub("u", plain("startEvent", "us"), user("a"), plain("intermediateThrowEvent", "up", escalation("l1")), user("b"),
                            plain("endEvent", "ue", error("e1")), flows("us > a", "a > up", "up > b", "b > ue"),
                            listener("l", escalation("l1")), listener("x", error("e1"), True)),
                E, listener("t", timer("Cycle", "R2/PT1H")), listener("m", message("urge")), listener("g", signal("alarm")),
                listener("c", condition("so")), flows("s > u", "u > e"), messages=("urge",), signals=("alarm",), errors=("e1",), escalations=("l1",)),
        before=[("message", "urge")], first=[("start", "alarm"), ("set", {"so": True}), ("time", "PT1H"), ("message", "urge")],
        variables={"so": False}, others=(ALARM,)),
    "several-times": Story(
        "Multi-instance at once and one after the other, with outputs and a completion condition, and a loop: each in the middle.",
        process("p", S, plain("parallelGateway", "f"), many(user("a"), "floors", item="floor", outputs="seen", output="floor"),
                many(sub("u", plain("startEvent", "us"), user("b"), user("c"), plain("endEvent", "ue"), flows("us > b", "b > c", "c > ue")),
                     "floors", item="floor", parallel=False, completion="numberOfCompletedInstances = 2"),
                looped(user("d"), maximum=3), plain("parallelGateway", "j"), E,
                flows("s > f", "f > a", "f > u", "f > d", "a > j", "u > j", "d > j", "j > e")),
        before=[("complete", "a"), ("complete", "b"), ("complete", "d")], variables={"floors": ["一层", "二层", "三层"]}),
    "calls": Story(
        "A called procedure has called another; a boundary error event and a timer guard the call.",
        process("p", S, call("k", "child"), boundary("x", "k", error()), boundary("t", "k", timer("Duration", "PT5H"), False), user("late"),
                user("after"), E, E2, E3, flows("s > k", "k > after", "after > e", "x > e2", "t > late", "late > e3")),
        before=[("time", "PT3H"), ("complete", "inner")], first=[("time", "PT2H")], others=(GRANDCHILD, CHILD)),
    "compensation": Story(
        "Three bookings are done, the newest is being undone by its handler.",
        process("p", S, sub("u", plain("startEvent", "us"), booking("a"), booking("b"), plain("endEvent", "ue"), flows("us > a", "a > b", "b > ue")),
                booking("c"), user("wait"), plain("intermediateThrowEvent", "back", compensation()), user("after"), E,
                flows("s > u", "u > c", "c > wait", "wait > back", "back > after", "after > e")),
        before=[("complete", "a"), ("complete", "b"), ("complete", "c"), ("complete", "wait")]),
    "transaction": Story(
        "A transaction with something to take back, before its cancel end event.",
        process("p", S, sub("u", plain("startEvent", "us"), booking("a"), user("b"), plain("endEvent", "ue", CANCEL),
                            flows("us > a", "a > b", "b > ue"), kind="transaction"),
                boundary("c", "u", CANCEL), user("taken"), E, E2, flows("s > u", "u > e", "c > taken", "taken > e2")),
        before=[("complete", "a")]),
    "race": Story(
        "Five events race behind an event gateway.",
        process("p", S, plain("eventBasedGateway", "g"), plain("intermediateCatchEvent", "t", timer("Duration", "PT1H")),
                plain("intermediateCatchEvent", "m", message("go")), plain("intermediateCatchEvent", "sg", signal("alarm")),
                plain("intermediateCatchEvent", "c", condition("so")), receive("r", "urge"), user("after"), E,
                flows("s > g", "g > t", "g > m", "g > sg", "g > c", "g > r", "t > after", "m > after", "sg > after", "c > after", "r > after",
                      "after > e"), messages=("go", "urge"), signals=("alarm",)),
        first=[("time", "PT1H")], variables={"so": False}),
    "catches": Story(
        "Catch events for an instant, a duration, a message, a signal and a condition, and a receive task, all waiting.",
        process("p", S, plain("parallelGateway", "f"), plain("intermediateCatchEvent", "t", timer("Duration", "PT1H")),
                plain("intermediateCatchEvent", "td", timer("Date", "2026-11-20T05:00:00Z")),
                plain("intermediateCatchEvent", "m", message("go")), plain("intermediateCatchEvent", "sg", signal("alarm")),
                plain("intermediateCatchEvent", "c", condition("so")), receive("r", "urge"), plain("parallelGateway", "j"), E,
                flows("s > f", *(f"f > {x}" for x in ("t", "td", "m", "sg", "c", "r")), *(f"{x} > j" for x in ("t", "td", "m", "sg", "c", "r")),
                      "j > e"), messages=("go", "urge"), signals=("alarm",)),
        variables={"so": False}, others=(ALARM,)),
    "throws": Story(
        "A message nobody waits for lies in the buffer; behind the task are a link, a send task, an escalation that leads on, an end message.",
        process("p", S, plain("intermediateThrowEvent", "early", message("go")), user("a"), plain("intermediateThrowEvent", "away", link("there")),
                plain("intermediateCatchEvent", "here", link("there")), plain("sendTask", "send", messageRef="M_urge"),
                sub("u", plain("startEvent", "us"), user("b"), plain("endEvent", "ue", escalation("l1")), flows("us > b", "b > ue")),
                boundary("up", "u", escalation("l1"), False), user("raised"), plain("intermediateCatchEvent", "late", message("go")), E2,
                plain("endEvent", "e", message("over")), flows("s > early", "early > a", "a > away", "here > send", "send > u", "u > late",
                                                               "late > e", "up > raised", "raised > e2"),
                messages=("go", "urge", "over"), escalations=("l1",))),
    "decisions": Story(
        "A table, a script, an operation and a gateway's default are passed; the same are still to come.",
        process("p", S, RULE, service("n", "note", {"text": "level"}), script("c", "amount", "amount - 15"), user("a"),
                plain("exclusiveGateway", "x", default="x_b"), user("b"), E,
                flows("s > r", "r > n", "n > c", "c > a", "a > x", 'x > r : level = "high"', "x > b : default", "b > e")),
        variables={"amount": 40}, table=TABLE),
}


def put(engine: Engine, xml: bytes, key: str, variables: dict, table: bytes | None = None) -> None:
    sheet = yaml.safe_dump({"code": "T", "name": key, "variables": dict.fromkeys(variables, "any")}).encode()
    files = {f"{key}.bpmn": xml, "control-sheet.yaml": sheet, "forms/any.form": form("word")} | ({"level.dmn": table} if table else {})
    procedure = Procedure.from_files(files, key)
    if faults := [f for f in procedure.faults if not f.warning]:
        raise SystemExit("\n".join(map(str, faults)))
    with engine.unit() as unit:
        engine.catalogue.put(unit.connection, procedure, unit.now, "test")


def played(story: Story) -> Engine:
    """An engine in memory with the story in the middle."""
    registry = Registry()
    playing.operations(registry)
    engine = memory_engine(operations=registry)
    for xml in story.others:
        put(engine, xml, xml.split(b'<bpmn:process id="')[1].split(b'"')[0].decode(), {})
    put(engine, story.diagram, "p", story.variables, story.table)
    engine.start("p", story.variables, business_key="2026-1", scope=Scope(1), actor=playing.LIN)
    for what, value in story.before:
        playing.act(engine, what, value)
    if story.touch:
        story.touch(engine)
    return engine


def main(release: str) -> None:
    folder = playing.HERE / release
    folder.mkdir()
    for name, story in STORIES.items():
        engine = played(story)
        with engine.database.connect() as connection:
            saved = playing.dump(connection)
        at = engine.clock.now()
        for what, value in story.first:
            playing.act(engine, what, value)
        playing.finish(engine)
        playing.write(folder / f"{name}.json", story.about, at, story.first, saved, playing.told(engine))


if __name__ == "__main__":
    main(sys.argv[1])
