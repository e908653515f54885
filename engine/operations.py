"""The registry of operations: what a service task of a diagram can call, by name.

An operation is a function of the domain with declared parameters; it runs in the step's transaction. A diagram that names an
unknown operation, or maps other parameters than the declared ones, cannot be deployed. Surprise: parameters are passed by
keyword exactly as the diagram's input mappings name them; a parameter with `optional` in its type may be left unmapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.errors import EngineError


class WrongParameters(EngineError):
    """An operation was called with other parameters than it declares. Change the mapping in the diagram."""


class Failure(Exception):
    """An operation says that the diagram's error `code` has happened. The nearest error event that catches it goes on.

    Raise it for what the procedure foresees ("nobody has the key"); anything else that is raised fails the step.
    """

    def __init__(self, code: str, reason: str = ""):
        self.code, self.reason = code, reason
        super().__init__(f"{code}: {reason}" if reason else code)


@dataclass(frozen=True, slots=True)
class Operation:
    """One callable operation. `inputs` maps parameter to a Python type; `optional` names those that may be absent."""

    name: str
    inputs: dict[str, type]
    outputs: tuple[str, ...]
    optional: frozenset[str]
    call: Callable[..., dict | None]
    doc: str

    def faults(self, given: Iterable[str]) -> list[str]:
        """What is wrong with a mapping that gives exactly the parameters `given`; one sentence each."""
        given = set(given)
        missing = sorted(set(self.inputs) - self.optional - given)
        extra = sorted(given - set(self.inputs))
        return ([f"Operation {self.name} needs {', '.join(missing)}, which the element does not map."] if missing else []) + (
            [f"Operation {self.name} does not know {', '.join(extra)}; it takes {', '.join(sorted(self.inputs)) or 'nothing'}."]
            if extra else [])


@dataclass(slots=True)
class Notice:
    """Something to be told after the commit. `key` is unique for ever: the same key is never sent twice."""

    key: str
    kind: str
    payload: dict
    not_before_at: datetime | None = None


@dataclass(slots=True)
class Step:
    """What an operation sees of the step it runs in. `connection` is inside the step's transaction; never commit it.

    `retime(element_id, due_at, reason)` moves the armed timers and open tasks of an element in this instance's family; use it for
    deadlines that the operation changes to something that no variable holds. `follow(values, reason)` changes variables of this
    instance, and every deadline of it that its expression makes of them follows (a pause, another urgency). Both join the step.
    """

    connection: Any
    now: datetime
    actor: Any
    instance_id: str
    root_id: str
    process_key: str
    element_id: str
    business_key: str
    scope: Any
    variables: dict
    notices: list[Notice] = field(default_factory=list)
    retime: Callable[[str, datetime, str], int] | None = None
    follow: Callable[[dict, str], int] | None = None

    def notify(self, key: str, kind: str, payload: dict, not_before: datetime | None = None) -> None:
        """Queue a notice; it leaves after the commit, through the outbox."""
        self.notices.append(Notice(key, kind, payload, not_before))


class Registry:
    """Operations by name."""

    def __init__(self):
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str, inputs: dict[str, type] | None = None, outputs: Iterable[str] = (),
                  optional: Iterable[str] = ()):
        """Register the decorated function as operation `name`. A name can be taken once."""
        def register(function):
            if name in self._operations:
                raise ValueError(f"operation {name} is registered twice")
            self._operations[name] = Operation(name, dict(inputs or {}), tuple(outputs), frozenset(optional), function,
                                               (function.__doc__ or "").strip())
            return function
        return register

    def get(self, name: str) -> Operation | None:
        return self._operations.get(name)

    def names(self) -> list[str]:
        return sorted(self._operations)

    def __iter__(self):
        return iter(self._operations[name] for name in self.names())
