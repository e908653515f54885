"""Bootstrap: settings become a database, an engine with the domain's operations, and the sessions that everything uses.

`app.session()` reads; `app.writing()` changes: a session inside one unit of work, which commits when the block ends.
Surprise: a session carries the app, the clock and the zone in `session.info`, so that queries need only the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import SYSTEM, Deployed, Engine, Scope
from engine.clock import Clock, SystemClock
from engine.definitions import read_folder
from engine.feel import Feel
from engine.unit_of_work import Unit
from service import db, operations
from service.organisation.models import Centre, Role
from service.settings import Settings
from service.tickets import undoing


class App:
    """One installation in one process."""

    def __init__(self, settings: Settings, database: sa.Engine, engine: Engine, clock: Clock):
        self.settings, self.database, self.engine, self.clock = settings, database, engine, clock

    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for reading. Nothing is committed; changes belong into `writing`."""
        with Session(self.database, info=self._info(), expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, joined: Unit | None = None) -> Iterator[Session]:
        """A session inside a unit of work (`session.info["unit"]`, to be passed on to the engine); commits at the
        end.
        """
        with (
            self.engine.unit(joined) as unit,
            Session(unit.connection, info=self._info() | {"unit": unit}, expire_on_commit=False) as session,
        ):
            yield session
            session.flush()

    def _info(self) -> dict:
        return {"app": self, "clock": self.clock, "zone": self.settings.zone}


def create(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    database: sa.Engine | None = None,
    listeners: Iterable[Callable] = (),
    feel: Feel | None = None,
) -> App:
    """The app of these settings. Tests pass their own clock and database. The schema is not touched."""
    settings = settings or Settings()
    db.import_models()
    database = database if database is not None else db.connect(settings.database)
    clock = clock or SystemClock()
    engine = Engine(
        database,
        clock=clock,
        operations=operations.registry,
        functions=operations.functions,
        roles=[str(r) for r in Role],
        listeners=list(listeners),
        feel=feel or _feel(),
        undo_seconds=settings.undo_seconds,
        undo_tables=undoing.tables(),
        zone=ZoneInfo(settings.zone),
        scopes=_scopes,
    )
    return App(settings, database, engine, clock)


def warm(app: App) -> None:
    """Read the procedures in force, so that no first step does it while it holds the write lock (F19)."""
    catalogue = app.engine.catalogue
    with app.database.connect() as connection:
        if sa.inspect(connection).has_table("process_definition"):
            for key in catalogue.keys(connection):
                _ = catalogue.in_force(connection, key).graph


def _scopes(connection: sa.Connection) -> list[Scope]:
    """Where procedures that begin by themselves begin: in every centre."""
    return [Scope(id) for id in connection.execute(sa.select(Centre.id).order_by(Centre.id)).scalars()]


@cache
def _feel() -> Feel:
    """One sandbox for all apps of a process: it keeps nothing between evaluations, and starting its child takes a
    while.
    """
    return Feel({f.name: f for f in operations.functions})


def procedure_folders(root: Path) -> list[Path]:
    """The folders of `root` that hold a procedure (or `root` itself), called ones before those that call them."""
    if any(root.glob("*.bpmn")):
        return [root]
    return sorted(p for p in root.iterdir() if p.is_dir() and any(p.glob("*.bpmn")))


def deploy_all(app: App, root: Path, actor=SYSTEM, if_new: bool = False) -> list[Deployed]:
    """Deploy every procedure under `root` in one transaction: all or none. Unchanged ones stay as they are.

    `if_new`: what was deployed before stays as it is, though its owner has put another version in force.
    """
    procedures = [read_folder(folder) for folder in procedure_folders(root)]
    with app.engine.unit() as unit:
        return [app.engine.deploy(p, actor, unit, known=procedures, if_new=if_new) for p in procedures]
