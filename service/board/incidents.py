"""Incidents: steps that the engine could not finish, grouped by cause; retried or resolved by hand, each with its result.

Only who may resolve them sees them. Resolving says that somebody has put it right elsewhere; the note goes into the trace, or stays
with the incident where no instance had begun (a start timer, a message that begins a procedure).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from engine.tables import incident, process_instance
from service import access
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Person
from service.tickets.models import Ticket

RESOLVE = "resolve incidents"
MOST = 500
AGAIN = ("fire", "start", "deliver")  # commands of the clock


@dataclass(frozen=True, slots=True)
class Incident:
    """One open incident: what failed where, how often it was tried."""

    id: str
    kind: str
    reason: str
    element_id: str | None
    process_key: str
    definition_hash: str
    number: str
    title: str
    centre_name: str
    tries: int
    opened_at: datetime
    can_retry: bool  # what the clock does is done again; a person's failed step is repeated by that person


@dataclass(frozen=True, slots=True)
class Group:
    """Incidents of one cause at one place of one procedure."""

    key: str
    kind: str
    reason: str
    incidents: list[Incident]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one incident."""

    id: str
    number: str
    error: Exception | None = None


def groups(person: Person) -> list[Group]:
    """The open incidents within the person's reach by cause, the most frequent cause first. Two statements."""
    session = object_session(person)
    mine = access.reach(person)
    rows = session.execute(
        sa.select(
            incident,
            process_instance.c.business_key,
            process_instance.c.process_key,
            process_instance.c.definition_hash,
            Ticket.title,
            Centre.name.label("centre"),
        )
        .outerjoin(process_instance, process_instance.c.id == incident.c.instance_id)
        .outerjoin(Ticket, Ticket.number == process_instance.c.business_key)
        .outerjoin(Centre, Centre.id == incident.c.centre_id)
        .where(_open(mine))
        .order_by(incident.c.opened_at.desc(), incident.c.id)
        .limit(MOST)
    ).all()
    found: dict[tuple, list[Incident]] = {}
    for r in rows:
        one = _incident(r)
        found.setdefault((one.process_key, one.element_id, one.kind), []).append(one)
    ordered = sorted(found.values(), key=lambda g: (-len(g), -g[0].opened_at.timestamp()))
    return [Group(members[-1].id, members[0].kind, members[0].reason, members) for members in ordered]


def _incident(r: Any) -> Incident:
    asked = json.loads(r.command)  # of what had no instance yet it names the procedure
    return Incident(
        r.id,
        r.kind,
        r.reason,
        r.element_id,
        r.process_key or asked.get("process_key") or "",
        r.definition_hash or asked.get("definition_hash") or "",
        r.business_key or "",
        r.title or "",
        r.centre or "",
        r.tries,
        r.opened_at,
        asked.get("command") in AGAIN,
    )


def _open(mine: access.Reach) -> sa.ColumnElement[bool]:
    return sa.and_(incident.c.resolved_at.is_(None), access.centre_filter(mine, RESOLVE, incident.c.centre_id))


def retry(app, person: Person, ids: list[str]) -> list[Done]:
    """Try each again; one that fails again stops no other. An incident of a step that a person did cannot be retried here."""
    return [_each(app, person, id, lambda row, actor: _retry(app, row, actor)) for id in _wanted(ids)]


def resolve(app, person: Person, ids: list[str], note: str) -> list[Done]:
    """Mark each as put right, with the note."""
    if not note.strip():
        raise Refused("Say what was done about it; the note stays with the incident.", "note")
    return [_each(app, person, id, lambda row, actor: _resolve(app, row, actor, note.strip())) for id in _wanted(ids)]


def settle(app, person: Person) -> int:
    """Close those whose step was done since, however it came to that; how many. Raises NotAllowed."""
    with app.session() as session:
        access.require(session.get_one(Person, person.id), RESOLVE, None)
    return app.engine.settle_incidents()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of a person's step that the engine could not finish. `resolved_at` None: the cause is not mended yet."""

    opened_at: datetime
    reason: str
    resolved_at: datetime | None
    note: str


def stopped_at(app, session: Session, task: Any) -> Stopped | None:
    """The newest step of a person that failed in the task's family since the task is open. The caller checked access."""
    mine = sa.and_(incident.c.root_id == task.root_id, incident.c.timer_id.is_(None), incident.c.opened_at >= task.opened_at)
    rows = session.execute(sa.select(incident).where(mine).order_by(incident.c.opened_at.desc(), incident.c.id)).all()
    row = next((r for r in rows if json.loads(r.command).get("command") == "step"), None)
    if row is None:
        return None
    trace = app.engine.trace(task.root_id) if row.resolved_at else []
    notes = [e["reason"] for e in trace if e["kind"] == "incident-resolved" and e.get("incident") == row.id]
    return Stopped(row.opened_at, row.reason, row.resolved_at, notes[-1] if notes else "")


def _wanted(ids: list[str]) -> list[str]:
    wanted = list(dict.fromkeys(ids))[:MOST]
    if not wanted:
        raise Refused("Nothing is selected. Select the incidents first.", "incident")
    return wanted


def _each(app, person: Person, id: str, do) -> Done:
    number = ""
    try:
        row, actor = _allowed(app, person, id)
        number = row.business_key or ""
        do(row, actor)
    except Exception as error:  # noqa: BLE001 - also an operation's own failure; the step is rolled back, the incident stays
        return Done(id, number, error)
    return Done(id, number)


def _allowed(app, person: Person, id: str):
    with app.session() as session:
        me = session.get_one(Person, person.id)
        mine = access.reach(me)
        row = session.execute(
            sa.select(incident, process_instance.c.business_key)
            .outerjoin(process_instance, process_instance.c.id == incident.c.instance_id)
            .where(incident.c.id == id, access.centre_filter(mine, RESOLVE, incident.c.centre_id))
        ).first()
        if row is None:
            raise NotThere("Incident", id)
        return row, access.actor(me, access.require(me, RESOLVE, None))


def _retry(app, row, actor) -> None:
    app.engine.retry(row.id, actor=actor)


def _resolve(app, row, actor, note: str) -> None:
    app.engine.resolve(row.id, note=note, actor=actor)
