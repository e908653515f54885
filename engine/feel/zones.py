"""Time zones as plain data for the sandbox, which has no zone tables of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_STRIDE_SECONDS = 20 * 86_400  # shorter than any period between two changes of a zone


@lru_cache(maxsize=64)
def table(name: str) -> dict | None:
    """{"id", "t": [UTC milliseconds of each change], "o": [offset seconds, one more than t]}, or None for an unknown
    name.
    """
    known = _names().get(name.casefold())  # the sandbox asks in capitals
    if known is None:
        return None
    zone = ZoneInfo(known)
    at, last = _second(_FIRST_YEAR), _second(_LAST_YEAR)
    changes, offsets = [], [_offset(zone, at)]
    while at < last:
        if _offset(zone, at + _STRIDE_SECONDS) != offsets[-1]:
            change = _first_change(zone, at, at + _STRIDE_SECONDS)
            changes.append(change * 1000)
            offsets.append(_offset(zone, change))
            at = change
        else:
            at += _STRIDE_SECONDS
    return {"id": known, "t": changes, "o": offsets}


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _second(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


def _offset(zone: ZoneInfo, second: int) -> int:
    return int(datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset().total_seconds())


def _first_change(zone: ZoneInfo, before: int, after: int) -> int:
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after
