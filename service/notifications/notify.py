"""Putting something into the outbox: who is told what, in the step's transaction. Delivery is `deliver`.

A notice names people and groups, never texts of a customer: the reader's page looks the ticket up, so nothing
personal lies in the outbox and the text is in the reader's language.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from engine.tables import outbox

KIND = "tell"


def tell(
    step: Any,
    kind: str,
    ticket: Any,
    people: Iterable[str | None] = (),
    groups: Iterable[str] = (),
    *,
    urgent: bool = False,
    not_before: datetime | None = None,
    **data: Any,
) -> None:
    """Queue one notice of `kind` to people (usernames) and groups (roles in the step's centre and building).

    Urgent ones go out at once to whoever is on duty, the others wait for opening hours (T12). Nobody is told of their
    own act.
    """
    own = getattr(step.actor, "person", None)
    people = [p for p in dict.fromkeys(people) if p and p != own]
    groups = [g for g in dict.fromkeys(groups) if g]
    if not people and not groups:
        return
    step.notify(
        f"{step.instance_id}:{step.element_id}:{uuid4().hex[:12]}",
        KIND,
        {
            "to": {
                "people": people,
                "groups": groups,
                "not": own,
                "centre": step.scope.centre,
                "building": step.scope.building,
            },
            "kind": kind,
            "ticket": ticket.number if ticket is not None else None,
            "urgent": urgent,
            **data,
        },
        not_before,
    )


def tell_about_task(session: Any, kind: str, task: Any, people: Iterable[str | None], by: str) -> None:
    """Queue one notice about a task that somebody changed outside its diagram, in the transaction of `session`."""
    now = session.info["unit"].now

    def queue(key: str, of: str, payload: dict, not_before: datetime | None) -> None:
        row = {"key": key, "kind": of, "centre_id": task.centre_id, "payload": json.dumps(payload), "tries": 0}
        session.execute(sa.insert(outbox).values(created_at=now, not_before_at=not_before or now, **row))

    step = SimpleNamespace(
        actor=SimpleNamespace(person=by),
        instance_id=task.instance_id,
        element_id=task.element_id,
        scope=SimpleNamespace(centre=task.centre_id, building=task.building_id),
        notify=queue,
    )
    tell(step, kind, SimpleNamespace(number=task.business_key), people)
