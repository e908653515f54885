"""Random diagrams in mid-play: an instance that was moved behaves from then on as its twin that was not.

Twins play the same diagram step by step, each in a centre of its own. One is moved, to the same diagram in another edition or to a
copy in which every element has another id; tokens, rows and history are compared after every step until both have ended.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import orjson
import pytest
from lxml import etree
from sqlalchemy import Table, select

from engine import tables
from engine.api import Actor, Scope
from engine.definitions import Procedure
from engine.differences import JOINS
from engine.errors import EngineError
from engine.operations import Failure
from tests.engine.conftest import form
from tests.engine.differential.diagrams import BLOCKS, Drawing
from tests.engine.drawing import flows, plain, process, user

LIN = Actor("lin")
SAMPLE, FULL = 30, 600
STEPS, PREFIX = 14, "r_"
OTHER = process("other", plain("startEvent", "s"), user("inner"), plain("endEvent", "e"), flows("s > inner", "inner > e"))
CHOICES = {"c0": True, "c1": False, "c2": False, "again": False, "stop": True, "so": False, "enough": False, "none": False, "result": 0,
           "items": ["一层", "二层"], "fails": False}
ENGINE_TABLES = {t.name: t for t in vars(tables).values() if isinstance(t, Table)}


@pytest.fixture
def operations(operations):
    @operations.operation("work")
    def work(step):
        """Done, unless the story wants it to fail."""
        if step.variables.get("fails"):
            raise Failure("e1", "it does not work")

    return operations


def renamed(xml: bytes) -> tuple[bytes, dict[str, str]]:
    """The diagram with another id for every element and flow, and what stands for what."""
    root = etree.fromstring(xml)
    inside, = (node for node in root if node.tag.endswith("}process"))
    mapping = {node.get("id"): PREFIX + node.get("id") for node in inside.iterdescendants() if node.get("id")}
    for node in inside.iterdescendants():
        for name, value in node.attrib.items():
            if name != "name" and value in mapping:
                node.set(name, mapping[value])
        if node.text in mapping:
            node.text = mapping[node.text]
    return etree.tostring(root), mapping


@dataclass
class Twin:
    """One of two instances that play the same."""

    engine: object
    number: str
    root: str
    names: dict[str, str]  # new element -> old one; empty until it has moved

    def instances(self) -> list[str]:
        """The running instances of the family, callers before called, in the order of their tokens."""
        found, waiting = [], [self.root]
        while waiting:
            id = waiting.pop(0)
            found.append(id)
            waiting += [row[7]["child"] for row in self.rows(id) if row[7] and "child" in row[7]]
        return found

    def rows(self, id: str) -> list:
        return orjson.loads(self.engine.instance(id).tokens)[2]

    def element(self, name: str | None) -> str | None:
        base = (name or "").removesuffix("#")
        return name and self.names.get(base, base) + name[len(base):]

    def picture(self) -> list:
        """All that matters of the family, without ids: tokens with where they belong, variables, tasks, timers, what waits."""
        found, order = [], {}
        for id in self.instances():
            instance = self.engine.instance(id)
            rows, elements = self.rows(id), self.engine.definition(instance.definition_hash).diagram.elements
            order |= {row[0]: (len(found), n) for n, row in enumerate(rows)}
            place = {None: None} | order
            tokens = [(self.element(name), state, place.get(home, "gone"), place.get(host, "gone"), listens, self.memo(memo, place),
                       self.flow(flow) if elements[name.removesuffix("#")].kind in JOINS else None)
                      for _, name, state, home, host, flow, listens, memo in rows]
            scopes = orjson.loads(instance.scopes) if instance.scopes else {}
            found.append((instance.state, tokens, self.engine.variables(id), sorted((place[k], v) for k, v in scopes.items())))
        return [found, self.of("user_task", order, "state", "element_id", "due_at", "opened_at", "assignee", "priority"),
                self.of("timer", order, "state", "element_id", "due_at", "repeat", "armed_at", "target"),
                self.of("subscription", order, "element_id", "kind", "message")]

    def memo(self, memo: dict | None, place: dict):
        """What a token remembers: ids of tokens as their places, names of elements as they were."""
        def value(name: str, held):
            if name == "undo":
                return [place.get(key) for key in held]
            return [self.element(e) for e in held] if name == "of" else self.element(held) if name == "by" else held
        return {name: value(name, held) for name, held in (memo or {}).items() if name != "child"}

    def of(self, name: str, order: dict, *columns: str) -> list:
        """The open rows of a table, by the place of their token."""
        table = ENGINE_TABLES[name]
        with self.engine.database.connect() as connection:
            rows = connection.execute(select(table).where(table.c.root_id == self.root)).mappings().all()
        named = {"element_id", "target"}
        return sorted(((order.get(row["id"], "?"), [self.element(row[c]) if c in named else row[c] for c in columns]) for row in rows
                       if row.get("state", "open") in ("open", "armed")), key=repr)

    def told(self) -> list:
        """The history, without ids, moves left out. Each event names its element as it was called then."""
        return [(e["kind"], (e["element"] or "").removeprefix(PREFIX), [f.removeprefix(PREFIX) for f in e.get("flows", ())], e["at"])
                for e in self.engine.trace(self.root) if not e["kind"].startswith("migrat")]

    def flow(self, id: str | None) -> str | None:
        return self.names.get(id, id)

    def waiting(self) -> list[str]:
        """What can be done now, the same words for both twins."""
        kinds = {row["kind"] for row in self.stored("subscription")}
        return ([f"task {n}" for n in range(len(self.tasks()))] + ["message"] * ("message" in kinds)
                + ["time"] * bool(self.engine.armed_timers(self.root)))

    def tasks(self) -> list[str]:
        open_ids = {t.id for t in self.engine.open_tasks(self.root)}
        return [row[0] for id in self.instances() for row in self.rows(id) if row[0] in open_ids]

    def stored(self, name: str) -> list:
        table = ENGINE_TABLES[name]
        with self.engine.database.connect() as connection:
            return connection.execute(select(table).where(table.c.root_id == self.root)).mappings().all()

    def act(self, what: str, values: dict) -> str | None:
        """Do it; the kind of error and its element where the engine refuses."""
        try:
            if what.startswith("task"):
                self.engine.complete(self.tasks()[int(what.split()[1])], {}, actor=LIN)
            elif what == "message":
                self.engine.correlate("m", self.number, actor=LIN)
            elif what == "set":
                self.engine.set_variables(self.root, values, reason="x", actor=LIN)
        except EngineError as error:
            return f"{type(error).__name__} {self.element(getattr(error, 'element_id', None))} {getattr(error, 'kind', '')}"
        return None


def everything(engine, root: str, without: tuple[str, ...] = ()) -> dict[str, list]:
    """Every row of a family as it is stored."""
    found = {}
    with engine.database.connect() as connection:
        for name in ("process_instance", "user_task", "timer", "subscription", "trace_event"):
            table = ENGINE_TABLES[name]
            columns = [c for c in table.columns if c.name not in without]
            rows = connection.execute(select(*columns).where(table.c.root_id == root).order_by(*table.primary_key.columns))
            found[name] = [tuple(row) for row in rows]
    return found


class Story:
    """Twins on one random diagram; `used` says of which constructs it is made."""

    def __init__(self, engine, seed: int):
        self.engine, self.dice, self.seed = engine, random.Random(seed), seed
        self.editions, drawing = 0, Drawing(self.dice)
        self.xml, self.used = drawing.xml(2, BLOCKS[seed % len(BLOCKS)]), drawing.used
        self.put(self.xml, "first")
        self.stays, self.moves = (self.start(f"{seed}-{n}", 2 * seed + n) for n in (1, 2))

    def put(self, xml: bytes, edition: str) -> str:
        """The hash of this edition, in force now."""
        sheet = orjson.dumps({"code": f"{self.seed} {edition}", "name": "p", "variables": dict.fromkeys(CHOICES, "any")})
        procedure = Procedure.from_files({"p.bpmn": xml, "control-sheet.yaml": sheet, "forms/any.form": form("word")})
        assert not [f for f in procedure.faults if not f.warning], procedure.faults[:3]
        with self.engine.unit() as unit:
            self.engine.catalogue.put(unit.connection, procedure, unit.now, "test")
        return procedure.hash

    def start(self, number: str, centre: int) -> Twin:
        found = self.engine.start("p", dict(CHOICES), business_key=number, scope=Scope(centre), actor=LIN)
        return Twin(self.engine, number, found.instance_id, {})

    def play(self) -> None:
        for step in range(STEPS):
            if self.dice.random() < 0.3:
                self.move()
            self.same(step)
            if not self.go_on():
                break
        self.same(STEPS)
        assert self.engine.verify(self.moves.root) == []

    def same(self, step: int) -> None:
        assert self.moves.picture() == self.stays.picture(), f"seed {self.seed} step {step}"
        assert self.moves.told() == self.stays.told(), f"seed {self.seed} step {step}"

    def go_on(self) -> bool:
        """One step of both; whether there was one."""
        possible = self.stays.waiting()
        assert self.moves.waiting() == possible
        if self.engine.instance(self.stays.root).state != "running" or not possible:
            return False
        what = "set" if self.dice.random() < 0.25 else self.dice.choice(possible)
        chosen, again = self.dice.randrange(3), self.dice.random() < 0.3
        values = {f"c{n}": n == chosen or n < 2 and chosen == 2 for n in range(3)} | {"again": again, "stop": not again} | {
            name: self.dice.random() < 0.3 for name in ("so", "enough", "fails")}
        if what == "time":
            due = min(t.due_at for t in self.engine.armed_timers(self.stays.root))
            self.engine.clock.set(max(due, self.engine.clock.now()))
        else:
            assert self.moves.act(what, values) == self.stays.act(what, values)
        self.engine.fire_due(1000)
        return True

    def move(self) -> None:
        """Move one twin; what is stored changes by the names alone, and an undo puts back every row."""
        if self.engine.instance(self.moves.root).state != "running":
            return
        (xml, mapping), there = (self.xml, {}), {old: new for new, old in self.moves.names.items()}
        if there:
            mapping = self.moves.names  # back to the ids it had
        elif self.dice.random() < 0.7:
            xml, mapping = renamed(self.xml)
        self.editions += 1
        target, before = self.put(xml, f"edition {self.editions}"), everything(self.engine, self.moves.root)
        elements = {old: new for old, new in mapping.items() if new in self.engine.definition(target).diagram.elements}
        self.moved(target, elements)
        self.only_names(before, bool(mapping))
        if self.dice.random() < 0.5:
            self.engine.unmigrate(self.moves.root, actor=LIN, reason="back")
            ends = ("chain_seq", "chain_hash")
            after = everything(self.engine, self.moves.root, ends)
            told = len(before["trace_event"])
            assert after["trace_event"][:told] == before["trace_event"] and len(after["trace_event"]) == told + 2
            without_ends = [tuple(v for c, v in zip(ENGINE_TABLES["process_instance"].columns, row, strict=True) if c.name not in ends)
                            for row in before["process_instance"]]
            assert after | {"trace_event": []} == before | {"trace_event": [], "process_instance": without_ends}
            self.moved(target, elements)
        self.moves.names = {} if there else {new: old for old, new in mapping.items()}

    def moved(self, target: str, mapping: dict) -> None:
        outcome, = self.engine.migrate([self.moves.root], target, mapping=mapping, actor=LIN, reason="random")
        assert (outcome.outcome, outcome.why) == ("moved", ""), f"seed {self.seed}"
        assert {d.what for d in outcome.differences} <= {"control-sheet", "drawing"}, outcome.differences

    def only_names(self, before: dict, other_names: bool) -> None:
        """Timers, tasks, subscriptions and history are byte-equal, but for the names of elements and the version."""
        after, named = everything(self.engine, self.moves.root), {"element_id", "target", "definition_hash"}
        assert after["trace_event"][:len(before["trace_event"])] == before["trace_event"]
        assert [row[5] for row in after["trace_event"][len(before["trace_event"]):]] == ["migrated"]
        for name in ("user_task", "timer", "subscription"):
            kept = [n for n, c in enumerate(ENGINE_TABLES[name].columns) if c.name not in named or not other_names
                    and c.name != "definition_hash"]
            assert [[row[n] for n in kept] for row in after[name]] == [[row[n] for n in kept] for row in before[name]]

    def end(self) -> None:
        for twin in (self.stays, self.moves):
            if self.engine.instance(twin.root).state == "running":
                self.engine.cancel(twin.root, reason="over", actor=LIN)


def test_a_moved_instance_behaves_as_its_twin_that_stayed(engine, seed, full):
    with engine.unit() as unit:
        other = Procedure.from_files({"other.bpmn": OTHER, "forms/any.form": form("word")})
        engine.catalogue.put(unit.connection, other, unit.now, "test")
    number, used, first, played = (FULL if full else SAMPLE), set(), 0 if full else seed * 13, 0
    for n in range(first, first + number):
        try:
            story = Story(engine, n)
        except EngineError:
            continue  # a diagram that cannot even start here: nobody catches its first error
        story.play()
        story.end()
        used |= story.used
        played += 1
    assert played > number * 2 / 3 and len(used) > (60 if full else 25)


# --- the twins would notice -----------------------------------------------------------------------------------------------------

def forgets(column: int, value):
    """A move that loses one thing of each token."""
    from engine.spiff import moving
    right = moving._row

    def wrong(row, element, flow):
        return [value if n == column else held for n, held in enumerate(right(row, element, flow))]
    return moving, "_row", wrong


def arms_everything():
    from engine import migration
    right = migration._added

    def wrong(names, before, after):
        found = right(names, before, after)
        graph = after.game.graph
        return found + [(e, token.home, token.key) for token in after.game.live() if token.task_spec.activity
                        for e in graph.boundaries.get(token.element.id, ()) if not token.task_spec.item_of]
    return migration, "_added", wrong


def cancels_guards():
    from engine import migration
    return migration, "_stays", lambda names, element: False


BROKEN = {"the flow is lost": lambda: forgets(5, None), "the memo is lost": lambda: forgets(7, None), "the host is lost": lambda: forgets(4, None),
          "events are armed again": arms_everything, "guarding events are cancelled": cancels_guards}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("how", BROKEN)
def test_the_twins_notice_a_broken_move(engine, how, monkeypatch):
    with engine.unit() as unit:
        other = Procedure.from_files({"other.bpmn": OTHER, "forms/any.form": form("word")})
        engine.catalogue.put(unit.connection, other, unit.now, "test")
    module, name, wrong = BROKEN[how]()
    monkeypatch.setattr(module, name, wrong)

    def noticed(n: int) -> bool:
        try:
            story = Story(engine, n)
        except EngineError:
            return False
        try:
            story.play()
        except Exception:  # noqa: BLE001 - a broken move may also make the engine fall over, which is noticed too
            return True
        story.end()
        return False
    assert any(noticed(n) for n in range(60))
