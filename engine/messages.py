"""Messages and signals between instances: kept in `buffered_message` until the clock gives each to who waits for it, once.

A message goes by name and correlation key to the events that wait under it, now or before it expires; without any it starts the
procedure that begins with it. A signal goes to every event of its centre that waits for its name when it is thrown, and starts
every procedure that begins with it. Surprise: what waits in the thrower's own family gets both in the same step, without a row.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, insert, not_, or_, select

from engine import cycles
from engine.dialect import Element, EventKind
from engine.errors import StepFailed
from engine.feel import from_json, to_json
from engine.sql import Prepared
from engine.tables import buffered_message, incident, subscription

TIME_TO_LIVE = timedelta(hours=1)
PROPERTY = "timeToLive"  # of the throwing element: an ISO 8601 duration


def time_to_live(element: Element) -> timedelta:
    """How long a message of this element waits for somebody. Raises StepFailed for a text that is no duration."""
    text = element.properties.get(PROPERTY)
    if not text:
        return TIME_TO_LIVE
    try:
        return timedelta(seconds=cycles.period(text).about())
    except cycles.BadCycle as error:
        raise StepFailed(None, element.id, f"the {PROPERTY} of {element.name} is no period: {error}", "timer") from error


def message(id: str, now: datetime, scope, name: str, key: str, values: dict, live_for: timedelta = TIME_TO_LIVE) -> dict:
    """The row of a message."""
    return {"id": id, "centre_id": scope.centre, "building_id": scope.building, "kind": EventKind.MESSAGE.value, "name": name,
            "correlation_key": key, "variables": orjson.dumps(to_json(values)).decode(), "created_at": now,
            "expires_at": now + live_for, "subscription_id": None, "start_key": None, "start_element": None, "tries": 0,
            "retry_at": None}


def signal(family, scope, name: str, values: dict) -> list[dict]:
    """One row for each event that waits for the signal now, and for each procedure that begins with it."""
    ended = family.ended_subscriptions
    waiting = [row["id"] for row in family.new_subscriptions.values() if row["kind"] == "signal" and row["message"] == name]
    waiting += [row["id"] for row in _SIGNALLED.all(family.connection, centre_id=scope.centre, message=name) if row["id"] not in ended]
    starts = family.engine.catalogue.starts_with(family.connection, EventKind.SIGNAL, name)
    targets = [{"subscription_id": id} for id in waiting]
    targets += [{"start_key": key, "start_element": element} for key, element in starts]
    return [message(family.new_id(), family.now, scope, name, "", values) | {"kind": EventKind.SIGNAL.value} | target
            for target in targets]


def variables(row: dict) -> dict:
    return from_json(orjson.loads(row["variables"]))


def waiting_here(family, row: dict) -> list[tuple[str, str]]:
    """(subscription, instance) of a family's events that wait for what this row brings."""
    if row["start_key"]:
        return []
    found = [s for s in family.new_subscriptions.values() if _fits(s, row)]
    found += [s for s in _OF_FAMILY.all(family.connection, root_id=family.chain.root_id, message=row["name"])
              if s["id"] not in family.ended_subscriptions and _fits(s, row)]
    return [(s["id"], s["instance_id"]) for s in found]


def _fits(waiting: dict, row: dict) -> bool:
    if row["subscription_id"]:
        return waiting["id"] == row["subscription_id"]
    return (waiting["kind"], waiting["message"], waiting["correlation_key"]) == (row["kind"], row["name"], row["correlation_key"])


def any_kept(connection: Connection) -> bool:
    """Whether the buffer holds anything at all."""
    return connection.execute(select(buffered_message.c.id).limit(1)).first() is not None


# --- delivery ---------------------------------------------------------------------------------------------------------

def deliverable(connection: Connection, now: datetime, starting: set[str], limit: int) -> list[str]:
    """Ids of rows that somebody waits for or that start something, oldest first."""
    ready = or_(buffered_message.c.retry_at.is_(None), buffered_message.c.retry_at <= now)
    waited = select(subscription.c.id).where(
        subscription.c.kind == "message", subscription.c.message == buffered_message.c.name,
        subscription.c.correlation_key == buffered_message.c.correlation_key).exists()
    wanted = or_(buffered_message.c.subscription_id.is_not(None), buffered_message.c.start_key.is_not(None), waited,
                 buffered_message.c.name.in_(sorted(starting)))
    return list(connection.execute(select(buffered_message.c.id).where(ready, wanted, not_(_expired(now)))
                                   .order_by(buffered_message.c.id).limit(limit)).scalars())


def take(connection: Connection, id: str) -> dict | None:
    """The row, taken out of the buffer by this transaction; None when another clock was faster."""
    row = connection.execute(select(buffered_message).where(buffered_message.c.id == id)).first()
    if row is None or connection.execute(delete(buffered_message).where(buffered_message.c.id == id)).rowcount != 1:
        return None
    return dict(row._mapping)


def waiting(connection: Connection, row: dict) -> list:
    """The subscriptions that this row is for."""
    statement = select(subscription)
    if row["subscription_id"]:
        return list(connection.execute(statement.where(subscription.c.id == row["subscription_id"])))
    return list(connection.execute(statement.where(
        subscription.c.kind == "message", subscription.c.message == row["name"],
        subscription.c.correlation_key == row["correlation_key"]).order_by(subscription.c.id)))


def forget(connection: Connection, now: datetime) -> int:
    """Drop what has expired, unless it could not be delivered and nobody has resolved that; how many."""
    return connection.execute(delete(buffered_message).where(_expired(now))).rowcount


def drop(connection: Connection, id: str) -> None:
    """Somebody has put it right without it."""
    connection.execute(delete(buffered_message).where(buffered_message.c.id == id))


def _expired(now: datetime):
    told = select(incident.c.id).where(incident.c.timer_id == buffered_message.c.id, incident.c.resolved_at.is_(None)).exists()
    return and_(buffered_message.c.expires_at <= now, not_(told))


BUFFER = Prepared(insert(buffered_message))
_SIGNALLED = Prepared(select(subscription).where(
    subscription.c.kind == "signal", subscription.c.message == bindparam("message"),
    subscription.c.centre_id == bindparam("centre_id")).order_by(subscription.c.id))
_OF_FAMILY = Prepared(select(subscription).where(
    subscription.c.root_id == bindparam("root_id"), subscription.c.message == bindparam("message")).order_by(subscription.c.id))
