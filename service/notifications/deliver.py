"""From the outbox to people: due rows become notices of persons, each exactly once per outbox key and person.

The clock calls `deliver_due` every second; any number of clocks may. Each row is its own transaction: it is taken by
a conditional update, its notices and its mark are written together. Groups are resolved now, not when the step ran:
whoever is in the group and on duty is told, with substitutes. Surprise: a notice never causes another one, except the
one that tells of a parked row (T13).
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.errors import text_of
from engine.sql import passing
from engine.tables import outbox
from service.calendars.queries import calendar_of
from service.db import insert_or_leave
from service.notifications import delivery
from service.notifications.models import Notice
from service.notifications.notify import KIND
from service.notifications.rules import wait_after
from service.organisation import queries as people
from service.organisation.models import Person

log = logging.getLogger("zhiban.notices")

_ENVELOPE = frozenset({"to", "kind", "ticket", "urgent"})


def deliver_due(app, limit: int = 100) -> int:
    """Deliver what is due; the number of outbox rows that were sent. One bad row holds nobody up."""
    now = app.clock.now()
    with app.database.connect() as connection:
        ids = (
            connection.execute(
                sa.select(outbox.c.id)
                .where(
                    outbox.c.sent_at.is_(None),
                    outbox.c.not_before_at <= now,
                    outbox.c.tries < app.settings.outbox_tries,
                )
                .order_by(outbox.c.not_before_at, outbox.c.id)
                .limit(limit)
            )
            .scalars()
            .all()
        )
    return sum(_deliver_one(app, id) for id in ids)


def _deliver_one(app, id: int) -> bool:
    try:
        with app.writing() as session:
            return _deliver(session, id, app.clock.now())
    except Exception as error:  # whatever the row holds, the next rows are served; the row waits or is parked
        if passing(error):
            log.warning("outbox row %s waits: the database is busy: %s", id, error)  # no fault of the row's: not counted
            return False
        log.exception("outbox row %s could not be delivered", id)
        with app.writing() as session:
            _failed(session, id, error, app.clock.now(), app.settings.outbox_tries)
        return False


def _deliver(session: Session, id: int, now: datetime) -> bool:
    row = session.execute(
        sa.select(outbox).where(outbox.c.id == id, outbox.c.sent_at.is_(None)).with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return False  # another clock was faster
    payload = json.loads(row.payload)
    if row.kind != KIND:
        raise ValueError(f"outbox row {row.key} is of kind {row.kind}, which nobody delivers")
    opening = _waits_until(session, payload, row.centre_id, now)
    if opening is not None:
        session.execute(sa.update(outbox).where(outbox.c.id == id).values(not_before_at=opening))
        return False
    data = {k: v for k, v in payload.items() if k not in _ENVELOPE}
    rows = [
        {
            "person_id": p.id,
            "outbox_key": row.key,
            "kind": payload["kind"],
            "data": data,
            "at": now,
            "ticket_number": payload["ticket"],
            "urgent": payload["urgent"],
        }
        for p in _addressed(session, payload["to"], now)
    ]
    insert_or_leave(session, Notice, rows, ["outbox_key", "person_id"])
    delivery.queue(session, row.key, row.centre_id, now)
    session.execute(sa.update(outbox).where(outbox.c.id == id).values(sent_at=now, error=None))
    return True


def _waits_until(session: Session, payload: dict[str, Any], centre_id: int, now: datetime) -> datetime | None:
    """The next opening for a notice that is not urgent while the centre is closed; None when it may go now (T12)."""
    if payload["urgent"]:
        return None
    calendar = calendar_of(session, centre_id)
    return None if calendar.is_open(now) else calendar.next_opening(now)


def _addressed(session: Session, to: dict[str, Any], now: datetime) -> list[Person]:
    """The people meant: those named with their substitutes, and of each group whoever is on duty, else everybody in
    it.
    """
    found: dict[int, Person] = {}
    for username in to["people"]:
        person = people.person_named(session, username)
        for one in [person, *people.substitutes_of(session, person.id, now)] if person else []:
            found[one.id] = one
    for group in to["groups"]:
        on_duty = people.on_duty(session, group, to["centre"], now)
        for one in on_duty or people.members(session, group, to["centre"], to["building"]):
            found[one.id] = one
    return [p for p in found.values() if p.active and p.username != to.get("not")]


def _failed(session: Session, id: int, error: Exception, now: datetime, most: int) -> None:
    row = session.execute(sa.select(outbox).where(outbox.c.id == id, outbox.c.sent_at.is_(None))).first()
    if row is None:
        return
    tries = row.tries + 1
    wait = wait_after(tries)
    session.execute(
        sa.update(outbox)
        .where(outbox.c.id == id)
        .values(tries=tries, error=f"{type(error).__name__}: {text_of(error)}"[:500], not_before_at=now + wait)
    )
    if tries >= most:
        _tell_parked(session, row, now)


def _tell_parked(session: Session, row: sa.Row, now: datetime) -> None:
    """A parked row is told to the supervisors of its centre once; the key makes it once."""
    rows = [
        {
            "person_id": p.id,
            "outbox_key": f"parked:{row.key}"[:200],
            "kind": "parked",
            "data": {"key": row.key},
            "at": now,
            "ticket_number": None,
            "urgent": False,
        }
        for p in people.members(session, "supervisor", row.centre_id)
    ]
    insert_or_leave(session, Notice, rows, ["outbox_key", "person_id"])
