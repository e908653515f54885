"""A date, a time of day, or both. What a browser sends is the centre's local time; an instant comes out in UTC."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from engine.forms.faults import Unfit
from engine.forms.values import BaseField


class Field(BaseField):
    type = "datetime"

    def clean(self, spec, raw):
        if raw is None or isinstance(raw, str) and not raw.strip():
            return None
        if spec.subtype == "date":
            return _date(raw)
        return _time(raw) if spec.subtype == "time" else _instant(raw, spec.zone)

    def show(self, spec, value) -> str:
        if isinstance(value, dt.datetime):
            return f"{value.astimezone(ZoneInfo(spec.zone)):%Y-%m-%dT%H:%M}"
        return f"{value:%H:%M}" if isinstance(value, dt.time) else super().show(spec, value)


def _date(raw) -> dt.date:
    if isinstance(raw, dt.date) and not isinstance(raw, dt.datetime):
        return raw
    try:
        return _in_range(dt.date.fromisoformat(_short(raw)))
    except ValueError:
        raise Unfit("date") from None


def _time(raw) -> dt.time:
    if isinstance(raw, dt.time):
        return raw
    try:
        return dt.time.fromisoformat(_short(raw)).replace(tzinfo=None)
    except ValueError:
        raise Unfit("time") from None


def _instant(raw, zone: str) -> dt.datetime:
    try:
        value = raw if isinstance(raw, dt.datetime) else dt.datetime.fromisoformat(_short(raw).replace("/", "-"))
        _in_range(value.date())
        return (value if value.tzinfo else value.replace(tzinfo=ZoneInfo(zone))).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Unfit("instant") from None


def _short(raw) -> str:
    if not isinstance(raw, str) or len(raw) > 40:
        raise ValueError("no date")
    return raw.strip()


def _in_range(day: dt.date) -> dt.date:
    if not 1990 <= day.year <= 2199:
        raise ValueError("out of range")
    return day
