"""FEEL values in Python and in JSON.

Dates, times, instants and durations travel and rest as objects with one key: {"@d": ...}, {"@t": ...}, {"@dt": ...},
{"@p": ...}. An instant with a named zone keeps its offset in JSON, not its name. A whole number is an int, whatever
was computed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

LARGEST_INTEGER = 2**53 - 1  # FEEL's numbers are doubles here; a longer number belongs into a text


@dataclass(frozen=True, slots=True)
class YearsMonths:
    """A years and months duration. Not a timedelta: a month has no fixed length."""

    months: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' if self.months < 0 else ''}P{text}"


def to_json(value):
    """The JSON form of a FEEL value, as stored with an instance's variables. Raises TypeError or ValueError for
    anything else.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:  # most values; the order spares a step its questions
        return value
    if kind is dict:
        return {_key(key): to_json(item) for key, item in value.items()}
    if kind is int or kind is float:
        return _number(value)
    if kind is datetime:
        return {"@dt": _instant(value)}
    if isinstance(value, Enum):
        return to_json(value.value)
    return _of_kind(value)


def _of_kind(value):
    """The same by what a value is a kind of: a list, or a subclass of what `to_json` knows."""
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {_key(key): to_json(item) for key, item in value.items()}
    return _number(value) if isinstance(value, (int, float)) else _typed(value)


def from_json(value):
    """The FEEL value of its JSON form. Raises ValueError for a typed value that is none."""
    kind = type(value)
    if kind is str or kind is int or value is None:
        return value
    if kind is dict:
        if len(value) == 1:
            ((key, text),) = value.items()
            if key in _READ:
                return _READ[key](text)
        return {key: from_json(item) for key, item in value.items()}
    if kind is list:
        return [from_json(item) for item in value]
    if kind is float and value.is_integer():
        return int(value)
    return value


def dumps(value) -> bytes:
    """The value as one line of JSON for the sandbox. Raises TypeError or ValueError for what FEEL does not know."""
    try:
        return orjson.dumps(value, default=_typed, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if "53-bit" in str(error) or "64-bit" in str(error):
            raise ValueError(f"a number is larger than {LARGEST_INTEGER}; keep it as a text") from error
        raise TypeError(str(error.__cause__ or error)) from error


def loads(line: bytes):
    """The reply of the sandbox. Numbers come back whole where they are whole; typed values stay in their JSON form."""
    return orjson.loads(line)


_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATACLASS


def _key(key) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the key {key!r} is not a text")
    if key[:1] == "@":
        raise ValueError(f"the key {key!r} is reserved: keys that start with @ mark typed values")
    return key


def _number(value: float) -> float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a FEEL number")
        return int(value) if value.is_integer() else value
    if abs(value) > LARGEST_INTEGER:
        raise ValueError(f"{value} is larger than {LARGEST_INTEGER}; keep it as a text")
    return value


def _typed(value):
    """The JSON form of what JSON itself does not know; also orjson's hook."""
    if isinstance(value, datetime):
        return {"@dt": _instant(value)}
    if isinstance(value, date):
        return {"@d": value.isoformat()}
    if isinstance(value, time):
        return {"@t": value.isoformat().removesuffix("+00:00") + ("Z" if value.isoformat().endswith("+00:00") else "")}
    if isinstance(value, timedelta):
        return {"@p": _duration_text(value)}
    if isinstance(value, YearsMonths):
        return {"@p": str(value)}
    if isinstance(value, Decimal):
        return _number(float(value))
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is not a FEEL value")


def _instant(value: datetime) -> str:
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _duration_text(value: timedelta) -> str:
    microseconds = abs(value) // timedelta(microseconds=1)
    seconds, fraction = divmod(microseconds, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    decimals = f".{fraction:06d}".rstrip("0") if fraction else ""
    clock = f"T{seconds}{decimals}S" if seconds or fraction or not days else ""
    return f"{'-' if value < timedelta() else ''}P{f'{days}D' if days else ''}{clock}"


# ---- reading

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


def _read_duration(text: str) -> timedelta | YearsMonths:
    found = _DURATION.fullmatch(text)
    if not found or text.endswith(("P", "T")):
        raise ValueError(f"{text!r} is not a duration")
    parts = found.groupdict()
    sign = -1 if parts.pop("sign") else 1
    years, months = parts.pop("years"), parts.pop("months")
    if years or months:
        if any(parts.values()):
            raise ValueError(f"{text!r} mixes months and days, whose length differs")
        return YearsMonths(sign * (int(years or 0) * 12 + int(months or 0)))
    exact = {unit: Decimal(number) for unit, number in parts.items() if number and unit != "seconds"}
    microseconds = int(Decimal(parts["seconds"] or 0) * 1_000_000)
    return sign * timedelta(microseconds=microseconds, **{unit: int(number) for unit, number in exact.items()})


def _read_instant(text: str) -> datetime:
    clock, _, zone = text.partition("@")
    value = datetime.fromisoformat(clock)  # drops what is finer than microseconds; Temporal counts nanoseconds
    if value.tzinfo is UTC and not zone:
        return value
    if zone:
        return value.replace(tzinfo=_zone(zone))
    return value.replace(tzinfo=UTC) if value.utcoffset() == timedelta() else value


def _read_time(text: str) -> time:
    clock, _, zone = text.partition("@")
    value = time.fromisoformat(clock)
    return value.replace(tzinfo=_zone(zone)) if zone else value


def _zone(name: str):
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


_READ = {"@d": date.fromisoformat, "@t": _read_time, "@dt": _read_instant, "@p": _read_duration}
