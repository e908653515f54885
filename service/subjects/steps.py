"""Naming what a process is about, in the step's or the action's transaction."""

from __future__ import annotations

from typing import Any

from service.db import upserting
from service.subjects.models import Subject


def name(connection: Any, number: str, centre_id: int, kind: str, title: str, place: str = "") -> None:
    """Say what `number` is about; again with other words changes them. Takes a connection or a session."""
    words = {"kind": kind, "title": title[:120], "place": place[:120]}
    row = upserting(connection, Subject.__table__).values(number=number, centre_id=centre_id, **words)
    connection.execute(row.on_conflict_do_update(index_elements=["number"], set_=words))
