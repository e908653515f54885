"""The state of every release loads: instances saved in mid-play by a release are loaded by this one and played on to the end.

`tests/engine/states/<release>/` holds what that release wrote, never changed afterwards; docs/reference/migration.md says how the
states of the next release are added.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path

import pytest

from engine import dialect
from engine.clock import FrozenClock
from engine.dialect import EventKind, Kind, TimerKind
from engine.operations import Registry
from engine.spiff.game import STATE_FORMAT
from tests.engine.states import playing

FILES = sorted(playing.HERE.glob("v*/*.json"))
RELEASES = sorted({path.parent.name for path in FILES})


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def operations():
    registry = Registry()
    playing.operations(registry)
    return registry


@pytest.fixture(params=FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def state(request) -> dict:
    return read(request.param)


@pytest.fixture
def clock(state):
    return FrozenClock(datetime.fromisoformat(state["at"]))


@pytest.fixture
def loaded(state, engine):
    with engine.database.begin() as connection:
        playing.load(connection, state["tables"])
    return engine


def test_a_saved_state_plays_on_to_the_end_as_its_release_did(state, loaded):
    assert loaded.verify() == [] and playing.roots(loaded, running=True)
    for what, value in state["first"]:
        playing.act(loaded, what, value)
    playing.finish(loaded)
    assert playing.told(loaded) == state["told"]
    assert loaded.verify() == []


def test_a_saved_state_is_written_again_as_it_was(state, loaded):
    """Loading loses nothing: the same tokens are saved again, in the same order."""
    from engine.execution import Family
    with loaded.unit() as unit:
        for row in state["tables"]["process_instance"]:
            if row["state"] == "running":
                family = Family.lock(loaded, unit.connection, unit.now, playing.LIN, row["root_id"])
                assert json.loads(family.member(row["id"]).game.save()) == json.loads(row["tokens"])


def test_an_instance_of_an_earlier_release_moves_to_a_new_version(state, loaded):
    files = {name: base64.b64decode(text) for name, text in json.loads(definition(state, "p")["files"]).items()}
    from engine.definitions import Procedure
    procedure = Procedure.from_files(files | {"en.yaml": b"a: Accept"}, "p")
    with loaded.unit() as unit:
        loaded.catalogue.put(unit.connection, procedure, unit.now, "test")
    root = next(row["id"] for row in state["tables"]["process_instance"] if row["process_key"] == "p" and row["parent_id"] is None)
    outcome, = loaded.migrate([root], procedure.hash, actor=playing.LIN, reason="new texts")
    assert (outcome.outcome, [d.what for d in outcome.differences]) == ("moved", ["english"])
    for what, value in state["first"]:
        playing.act(loaded, what, value)
    playing.finish(loaded)
    assert [t for t in playing.told(loaded) if t[0] != "migrated"] == state["told"] and loaded.verify() == []


def definition(state: dict, key: str) -> dict:
    return next(row for row in state["tables"]["process_definition"] if row["key"] == key)


# --- what the states of a release cover -----------------------------------------------------------------------------------------

def diagrams(release: str):
    for path in FILES:
        if path.parent.name == release:
            for row in read(path)["tables"]["process_definition"]:
                for name, text in json.loads(row["files"]).items():
                    if name.endswith(".bpmn"):
                        yield row["hash"], dialect.read(base64.b64decode(text), name)[0]


@pytest.mark.parametrize("release", RELEASES)
def test_every_kind_of_element_and_event_is_in_the_states_of_a_release(release):
    elements = [e for _, diagram in diagrams(release) for e in diagram.elements.values()]
    assert {e.kind for e in elements} == set(Kind)
    assert {e.event.kind for e in elements} == set(EventKind)
    assert {e.event.timer for e in elements} - {None} == set(TimerKind)
    assert {(e.multi is not None and e.multi.parallel, e.multi is not None and not e.multi.parallel, e.loop is not None) for e in elements} == {
        (False, False, False), (True, False, False), (False, True, False), (False, False, True)}


@pytest.mark.parametrize("release", RELEASES)
def test_every_way_to_wait_is_in_the_states_of_a_release(release):
    found, known = set(), dict(diagrams(release))
    for path in FILES:
        if path.parent.name == release:
            for row in read(path)["tables"]["process_instance"]:
                for _, name, *_ in json.loads(row["tokens"])[2]:
                    element = known[row["definition_hash"]].elements[name.removesuffix("#")]
                    found.add((element.kind, element.event.kind) if not name.endswith("#") else (element.kind, "turn"))
    waits = {(kind, EventKind.NONE) for kind in (Kind.USER, Kind.CALL, Kind.SUBPROCESS, Kind.PARALLEL, Kind.INCLUSIVE)}
    waits |= {(Kind.CATCH, kind) for kind in (EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.CONDITION)}
    waits |= {(Kind.START, kind) for kind in (EventKind.TIMER, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.CONDITION, EventKind.ERROR,
                                              EventKind.ESCALATION)}
    waits |= {(Kind.BOUNDARY, kind) for kind in (EventKind.TIMER, EventKind.MESSAGE, EventKind.ERROR, EventKind.COMPENSATION, EventKind.CANCEL)}
    waits |= {(Kind.RECEIVE, EventKind.MESSAGE), (Kind.THROW, EventKind.COMPENSATION), (Kind.USER, "turn"), (Kind.SUBPROCESS, "turn")}
    assert waits - found == set()


def test_the_format_that_is_written_now_and_each_before_it_are_among_the_states():
    """A new format is not released before instances in it lie here."""
    formats = {json.loads(row["tokens"])[0] for path in FILES for row in read(path)["tables"]["process_instance"]}
    assert formats == set(range(1, STATE_FORMAT + 1))


def test_the_oldest_text_of_a_cycle_is_among_the_states():
    assert any(row["repeat"] == "R3/3600" and row["state"] == "armed" for path in FILES for row in read(path)["tables"].get("timer", ()))


def test_a_release_that_exists_is_not_written_over():
    from tests.engine.states.make import main
    with pytest.raises(FileExistsError):
        main(RELEASES[0])
