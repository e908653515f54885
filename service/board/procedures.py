"""The procedures as they are in force, and older versions for as long as instances run on them. Read only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from engine.tables import process_definition, process_instance, user_task
from service import access
from service.organisation.models import Person


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a procedure. `running`: how many instances of the reader's centres run on it."""

    key: str
    hash: str
    version: int
    name: str
    in_force: bool
    deployed_at: datetime
    deployed_by: str
    running: int
    older: list[Edition] = field(default_factory=list)


def editions(person: Person) -> list[Edition]:
    """Every procedure in force, each with its older versions that instances still run on. Two statements and the reach."""
    session = object_session(person)
    d = process_definition.c
    rows = session.execute(
        sa.select(d.key, d.hash, d.version, d.name, d.in_force, d.deployed_at, d.deployed_by).order_by(
            d.key, d.version.desc()
        )
    ).all()
    running = dict(session.execute(_running(access.reach(person))).all())
    found = [Edition(*r, running.get(r.hash, 0)) for r in rows]
    older = defaultdict(list)
    for one in found:
        if not one.in_force and one.running:
            older[one.key].append(one)
    for one in found:
        one.older.extend(older[one.key] if one.in_force else ())
    return [one for one in found if one.in_force]


def edition(person: Person, key: str, hash: str | None = None) -> Edition | None:
    """The version in force, or the one with this hash while it can be reached; None for any other."""
    for one in editions(person):
        if one.key == key:
            return next((e for e in (one, *one.older) if hash in (None, e.hash)), None)
    return None


def standing(person: Person, hash: str) -> dict[str, int]:
    """element id -> how many tasks of the reader's centres wait there, on this version."""
    session = object_session(person)
    u, mine = user_task.c, access.reach(person)
    query = sa.select(u.element_id, sa.func.count()).where(u.state == "open", u.definition_hash == hash, _here(mine, u))
    return dict(session.execute(query.group_by(u.element_id)).all())


def _running(mine: access.Reach) -> Any:
    i = process_instance.c
    return (
        sa.select(i.definition_hash, sa.func.count())
        .where(i.state == "running", _here(mine, i))
        .group_by(i.definition_hash)
    )


def _here(mine: access.Reach, columns: Any) -> sa.ColumnElement[bool]:
    return access.centre_filter(mine, "see procedures", columns.centre_id)
