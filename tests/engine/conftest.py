"""An engine of a small test domain on each database, with a frozen clock, and diagrams deployed without the author's checks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.api import Actor, Engine, Scope
from engine.clock import FrozenClock
from engine.operations import Registry

NINE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday 09:00 in Shanghai


@pytest.fixture
def operations():
    registry = Registry()
    registry.calls = []

    @registry.operation("note", inputs={"text": str}, outputs=("noted",))
    def note(step, *, text):
        """Remember a text."""
        registry.calls.append(text)
        step.notify(f"note:{step.instance_id}:{len(registry.calls)}", "note", {"text": text})
        return {"noted": text}

    @registry.operation("fail")
    def fail(step):
        """Fail, as a broken domain would."""
        raise RuntimeError("the domain is broken")

    return registry


@pytest.fixture
def clock():
    return FrozenClock(NINE)


@pytest.fixture
def engine(database, clock, operations):
    return Engine(database, clock=clock, operations=operations, roles={"specialist", "engineering"})


class Desk:
    """One engine with short words for tests."""

    def __init__(self, engine: Engine):
        self.engine = engine

    def deploy(self, xml: bytes, variables: dict | None = None, **files: bytes) -> None:
        """Put a diagram in force as it is; forms take anything the test names in `variables`."""
        from engine.definitions import Procedure
        import re
        import yaml
        key = re.search(rb'<bpmn:process id="([^"]+)"', xml).group(1).decode()
        sheet = yaml.safe_dump({"code": "T", "name": key, "variables": dict.fromkeys(variables or {}, "any")}).encode()
        procedure = Procedure.from_files({f"{key}.bpmn": xml, "control-sheet.yaml": sheet} | {
            name.replace("__", "/").replace("_dmn", ".dmn").replace("_form", ".form"): content for name, content in files.items()})
        with self.engine.unit() as unit:
            self.engine.catalogue.put(unit.connection, procedure, unit.now, "test")

    def start(self, key: str, variables: dict | None = None, number: str = "2026-1", **more):
        return self.engine.start(key, variables or {}, business_key=number, scope=Scope(1), actor=Actor("lin"), **more).instance_id

    def open(self, root: str) -> list[str]:
        return sorted(t.element_id for t in self.engine.open_tasks(root))

    def task(self, root: str, element: str):
        found, = [t for t in self.engine.open_tasks(root) if t.element_id == element]
        return found

    def complete(self, root: str, element: str, values: dict | None = None, by: str = "lin", **more):
        return self.engine.complete(self.task(root, element).id, values or {}, actor=Actor(by), **more)

    def kinds(self, root: str) -> list[str]:
        return [e["kind"] for e in self.engine.trace(root)]


@pytest.fixture
def desk(engine):
    return Desk(engine)


def form(*fields: str, **kinds: str) -> bytes:
    """A form-js form whose fields take any text (or the kind given)."""
    import json
    return json.dumps({"type": "default", "id": "any", "schemaVersion": 16, "components": [
        {"type": kinds.get(key, "textfield"), "id": f"Field_{key}", "key": key, "label": key} for key in fields]}).encode()
