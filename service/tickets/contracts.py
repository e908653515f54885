"""What contracts promise: which promise a request falls under, and how a limit is taken from it.

Read by the operation that asks for a new ticket, and by the recount of open ones. A promise counts for a request that was
registered on one of its days; of several the shortest counts, limit by limit. Its minutes count in the time in which the
table counts the limit (business time, or round the clock).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.sql import Prepared
from service.organisation.models import Centre
from service.tickets.models import ContractPromise

KINDS = ("response", "arrival", "resolution")
_promise = ContractPromise.__table__


@dataclass(frozen=True, slots=True)
class Request:
    """What a promise is chosen by."""

    unit_id: int | None
    customer_id: int | None
    category: str
    urgency: str
    on: date  # the centre's date of its registration


@dataclass(frozen=True, slots=True)
class Limit:
    """The minutes of one limit, None for no such limit. `promise_id`: whose they are; then the table gave `table_minutes`."""

    minutes: int | None
    table_minutes: int | None = None
    promise_id: int | None = None


def in_force(connection: Connection, centre_id: int) -> list[dict[str, Any]]:
    """The promises of a centre that nobody has ended, whatever their days."""
    return _IN_FORCE.all(connection, centre_id=centre_id)


def promised(promises: Iterable[dict[str, Any]], request: Request) -> dict[str, dict[str, Any] | None]:
    """For each of `KINDS` the shortest promise that the request falls under, as the decision table takes it."""
    mine = [row for row in promises if falls_under(row, request)]
    return {kind: _shortest(mine, f"{kind}_minutes") for kind in KINDS}


def falls_under(promise: dict[str, Any], request: Request) -> bool:
    named = ((promise[name], getattr(request, name)) for name in ("unit_id", "customer_id", "category", "urgency"))
    in_time = promise["from_on"] <= request.on <= (promise["until_on"] or date.max)
    return in_time and all(wanted is None or wanted == value for wanted, value in named)


def limit_of(level: dict[str, Any], kind: str) -> Limit:
    """One limit of what the decision table gave. It is a promise's where the promise gives less, or the table none."""
    minutes, table = level.get(f"{kind}_minutes"), (level.get("standard") or level).get(f"{kind}_minutes")
    promise = (level.get("promised") or {}).get(kind)
    if minutes is None or minutes == table or promise is None or promise["minutes"] != minutes:
        return Limit(None if minutes is None else int(minutes))
    return Limit(int(minutes), None if table is None else int(table), int(promise["id"]))


def shorter(table_minutes: int | None, promise: dict[str, Any] | None) -> Limit:
    """The same choice as the decision table makes, for a limit that is counted again."""
    if promise is None or (table_minutes is not None and table_minutes <= promise["minutes"]):
        return Limit(table_minutes)
    return Limit(promise["minutes"], table_minutes, promise["id"])


def date_in(connection: Connection, centre_id: int, at: datetime) -> date:
    """The date of an instant in the centre's zone."""
    return at.astimezone(ZoneInfo(_ZONE.first(connection, centre_id=centre_id)["zone"])).date()


def _shortest(promises: list[dict[str, Any]], column: str) -> dict[str, Any] | None:
    found = [row for row in promises if row[column] is not None]
    if not found:
        return None
    row = min(found, key=lambda one: (one[column], one["id"]))
    return as_input(row, row[column])


def as_input(promise: dict[str, Any] | None, minutes: int) -> dict[str, Any] | None:
    """One limit of a promise as the decision table takes it."""
    if promise is None:
        return None
    return {"id": promise["id"], "minutes": minutes, "text": promise["text"], "source": promise["source"]}


_ZONE = Prepared(sa.select(Centre.zone).where(Centre.id == sa.bindparam("centre_id")))
_IN_FORCE = Prepared(
    sa.select(_promise)
    .where(_promise.c.centre_id == sa.bindparam("centre_id"), _promise.c.ended_at.is_(None))
    .order_by(_promise.c.id)
)
