"""The kinds of things that start by themselves, registered by their areas (see the package's docstring)."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from service.errors import Refused
from service.timetable.models import PlannedRun


class NotWanted(Refused):
    """What was planned is not to start after all. The message says why and is kept with the run; raise it before
    anything is written.
    """


@dataclass(frozen=True, slots=True)
class Slot:
    """One planned start: what for, from when until when it makes sense, and when to start (default: at `starts_at`).

    Instants are aware. `ends_at` is after `due_at`: a start that has not happened by then is missed.
    """

    key: str
    starts_at: datetime
    ends_at: datetime
    due_at: datetime | None = None
    building_id: int | None = None

    @property
    def due(self) -> datetime:
        return self.due_at or self.starts_at


@dataclass(frozen=True, slots=True)
class Start:
    """What the procedure starts with."""

    variables: dict[str, Any]
    business_key: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its procedure, its slots of a centre and day, what it begins with, what to do when it was missed, and the
    name of what a run is about (a plan, a post, a person).

    `slots` None: nothing is planned ahead; its runs come from `steps.start_soon`. `missed` None: nothing of its own is
    written down, so that the daily review names what did not start.
    """

    key: str
    process: str
    slots: Callable[[Session, int, date], Iterable[Slot]] | None
    begin: Callable[[Session, PlannedRun], Start]
    missed: Callable[[Session, PlannedRun], None] | None = None
    name: Callable[[Session, PlannedRun], str] = field(default=lambda session, run: "")


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known. Raises ValueError for a second one of the same key."""
    if _kinds.setdefault(kind.key, kind) is not kind:
        raise ValueError(f"The timetable has a kind {kind.key} already; give this one another key.")
    return kind


def all_kinds() -> dict[str, Kind]:
    """Every kind by its key; the areas' planners are imported at the first call."""
    _import_planners()
    return dict(_kinds)


@cache
def _import_planners() -> None:
    import service

    for module in pkgutil.iter_modules(service.__path__, "service."):
        if module.ispkg and importlib.util.find_spec(f"{module.name}.planner") is not None:
            importlib.import_module(f"{module.name}.planner")
