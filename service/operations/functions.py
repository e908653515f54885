"""FEEL functions of the domain: business time, who is on duty, who heads a department, money. Pure towards the diagram.

Each is called with the step's environment (connection, scope, now) first; its other values come from the expression.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa

from engine.feel import Function
from service.calendars.queries import BUSINESS, calendar_of
from service.calendars.rules import Calendar, ClosedAllDay
from service.organisation import rules
from service.organisation.models import Duty, Person


def business_time_after(env, start: datetime, minutes: float | timedelta, calendar: str = BUSINESS) -> datetime | None:
    """The instant when `minutes` (a number or a duration) of the named calendar have passed since `from`."""
    if start is None or minutes is None:
        return None
    return _calendar(env, calendar or BUSINESS).add(start, minutes)


def next_business_day(env, at: datetime) -> datetime | None:
    """Opening time of the first working day after the day of `at`."""
    return None if at is None else _calendar(env).next_business_day(at)


def closing_time(env, on: date | datetime) -> datetime | None:
    """When the centre closes on a date; null when it is closed all day."""
    if on is None:
        return None
    calendar = _calendar(env)
    try:
        return calendar.closing_time(calendar.local(on).date() if isinstance(on, datetime) else on)
    except ClosedAllDay:
        return None


def _calendar(env, name: str = BUSINESS) -> Calendar:
    """The calendar of the step's centre as it is now; an environment that tries another one out brings it as
    `calendars`.
    """
    brought = getattr(env, "calendars", None)
    return brought(name) if brought else calendar_of(env.connection, env.scope.centre, name)


def duty_of(env, role: str) -> str | None:
    """Username of who the roster has on duty in a role now; null when nobody is."""
    duty, person = Duty.__table__, Person.__table__
    return env.connection.execute(
        sa.select(person.c.username)
        .join(duty, duty.c.person_id == person.c.id)
        .where(
            person.c.active,
            duty.c.centre_id == env.scope.centre,
            duty.c.role == role,
            duty.c.starts_at <= env.now,
            duty.c.ends_at > env.now,
        )
        .order_by(duty.c.starts_at)
        .limit(1)
    ).scalar()


def head_of(env, department: str) -> str:
    """The group that heads a department: engineering gives engineering-head."""
    return rules.head_group(department or "")


def fen(yuan: float | str | Decimal) -> int:
    """Yuan with two places as whole fen, half a fen up."""
    return int((Decimal(str(yuan)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


FUNCTIONS = [
    Function(
        "business time after",
        ("from", "minutes", "calendar"),
        business_time_after,
        business_time_after.__doc__,
        wants_env=True,
    ),
    Function("next business day", ("at",), next_business_day, next_business_day.__doc__, wants_env=True),
    Function("closing time", ("date",), closing_time, closing_time.__doc__, wants_env=True),
    Function("duty of", ("role",), duty_of, duty_of.__doc__, wants_env=True),
    Function("head of", ("department",), head_of, head_of.__doc__, wants_env=True),
    Function("fen", ("yuan",), fen, fen.__doc__),
]
