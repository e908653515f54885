"""Deployed definitions: immutable by content hash, read once per process.

A definition is what an instance runs on for life: graph, decisions, forms and the names its expressions may use. Which
version new instances start on is the one fact that changes, so it is read each time.
"""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from engine.decisions import load
from engine.definitions import Procedure
from engine.dialect import Element, EventKind
from engine.errors import EngineError, NotFound
from engine.feel import Feel
from engine.names import declared_names
from engine.spiff import build
from engine.sql import Prepared
from engine.tables import process_definition

log = logging.getLogger("zhiban.engine")


@dataclass(frozen=True)
class Definition:
    """One deployed version of a procedure, ready to run."""

    procedure: Procedure
    hash: str
    version: int
    names: frozenset[str]
    feel: Feel

    @property
    def key(self) -> str:
        return self.procedure.key

    @property
    def diagram(self):
        return self.procedure.diagram

    @cached_property
    def graph(self):
        return build(self.procedure.diagram)

    @cached_property
    def decisions(self) -> dict:
        """decision id -> the loaded table file that holds it."""
        found = {}
        for content in self.procedure.decisions.values():
            decisions = load(content, feel=self.feel)
            found.update(dict.fromkeys(decisions.ids(), decisions))
        return found


class Catalogue:
    """Definitions by hash, kept for the life of the process (they never change)."""

    def __init__(self, operations, feel: Feel):
        self.operations, self.feel = operations, feel
        self._known: dict[str, Definition] = {}
        self._unreadable: set[str] = set()

    def known(self, hash: str) -> Definition | None:
        """The definition, if this process has read it before: nobody needs a connection for it."""
        return self._known.get(hash)

    def get(self, connection: Connection, hash: str) -> Definition:
        if hash not in self._known:
            row = connection.execute(select(process_definition.c.files, process_definition.c.version).where(
                process_definition.c.hash == hash)).first()
            if row is None:
                raise NotFound("Process definition", hash)
            files = {name: base64.b64decode(text) for name, text in json.loads(row.files).items()}
            # Stories are played from folders only; reading them takes longer than all the rest, and a step may be waiting.
            played = {name: content for name, content in files.items() if not name.startswith("scenarios/")}
            procedure = replace(Procedure.from_files(played), files=files)
            self._known[hash] = Definition(procedure, hash, row.version, declared_names(procedure, self.operations), self.feel)
        return self._known[hash]

    def in_force(self, connection: Connection, key: str) -> Definition:
        """The version new instances of `key` start on. Raises NotFound if none was deployed."""
        found = _IN_FORCE.first(connection, key=key)
        if found is None:
            raise NotFound("Process definition", key)
        return self.get(connection, found["hash"])

    def all_in_force(self, connection: Connection) -> list[Definition]:
        """The versions that new instances start on, by key; one that cannot be read is told in the log and hides no other."""
        found = (self._readable(connection, hash) for hash in self.hashes_in_force(connection))
        return sorted((d for d in found if d is not None), key=lambda d: d.key)

    def hashes_in_force(self, connection: Connection) -> set[str]:
        return set(connection.execute(select(process_definition.c.hash).where(process_definition.c.in_force)).scalars())

    def _readable(self, connection: Connection, hash: str) -> Definition | None:
        if hash in self._unreadable:
            return None
        try:
            return self.get(connection, hash)
        except (ValueError, LookupError, TypeError, AttributeError, EngineError):  # whatever a file can be: not the database's faults
            log.exception("the procedure %s, in force, cannot be read", hash)
            self._unreadable.add(hash)
            return None

    def starts_with(self, connection: Connection, kind: EventKind, name: str | None = None) -> list[tuple[str, str]]:
        """(procedure, start event) of what begins with a message or signal of this name (or of any)."""
        return [(d.procedure.key, e.id) for d in self.all_in_force(connection) for e in d.procedure.diagram.starts()
                if e.event.kind is kind and (name is None or name == (e.event.message or e.event.name))]

    def start_messages(self, connection: Connection) -> set[str]:
        """The names of messages that procedures in force begin with."""
        return {e.event.message for d in self.all_in_force(connection) for e in d.procedure.diagram.starts() if e.event.message}

    def bound(self, connection: Connection, caller: Definition, element: Element) -> Definition:
        """The version of a called procedure that a call activity binds to. Raises NotFound."""
        if element.binding == "latest":
            return self.in_force(connection, element.called)
        rows = list(connection.execute(select(process_definition.c.hash, process_definition.c.deployed_at).where(
            process_definition.c.key == element.called).order_by(process_definition.c.version.desc())))
        if element.binding == "versionTag":
            found = next((row for row in rows if self.get(connection, row.hash).diagram.version_tag == element.version_tag), None)
        else:
            own_at = connection.execute(select(process_definition.c.deployed_at).where(
                process_definition.c.hash == caller.hash)).scalar()
            found = next((row for row in rows if row.deployed_at <= own_at), rows[-1] if rows else None)
        if found is None:
            raise NotFound("Process definition", f"{element.called} {element.version_tag or ''}".strip())
        return self.get(connection, found.hash)

    def keys(self, connection: Connection) -> set[str]:
        return set(connection.execute(select(process_definition.c.key).distinct()).scalars())

    def put(self, connection: Connection, procedure: Procedure, at, by: str, if_new: bool = False) -> tuple[int, bool]:
        """Store a procedure and put it in force; returns its version and whether anything changed.

        With `if_new`, content that was deployed before changes nothing, though another version is in force now.
        """
        row = connection.execute(select(process_definition.c.version, process_definition.c.in_force).where(
            process_definition.c.hash == procedure.hash)).first()
        if row is not None and (row.in_force or if_new):
            return row.version, False
        last = connection.execute(select(func.max(process_definition.c.version)).where(
            process_definition.c.key == procedure.key)).scalar() or 0
        version = row.version if row else last + 1
        connection.execute(update(process_definition).where(process_definition.c.key == procedure.key).values(in_force=False))
        insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
        files = json.dumps({name: base64.b64encode(content).decode() for name, content in procedure.files.items()})
        statement = insert(process_definition).values(
            hash=procedure.hash, key=procedure.key, version=version, name=procedure.name, files=files.encode(),
            in_force=True, deployed_at=at, deployed_by=by)
        connection.execute(statement.on_conflict_do_update(index_elements=["hash"], set_={"in_force": True}))
        return version, True


_IN_FORCE = Prepared(select(process_definition.c.hash).where(
    process_definition.c.key == bindparam("key"), process_definition.c.in_force))
