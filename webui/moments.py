"""Dates and times as people type them: 2025-12-01, 08:30 or both; also 20251201, 2025/12/1, 0830 and full-width digits.

One way to write them in both languages, whatever the browser's own is. A field is drawn by the macro `moment`
(`templates/fields/_moment.html`), a picker beside it is the browser's. Instants are the wall time of the centre's zone.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time

from webui.filters import CENTRE_ZONE

_DAY = r"(?P<year>\d{4})(?:[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?|(?P<mm>\d\d)(?P<dd>\d\d))"
_HOUR = r"(?:(?P<hour>\d{1,2})[:.点](?P<minute>\d\d)分?|(?P<hh>\d{1,2})(?P<ii>\d\d))(?::\d\d)?"
FORMS = {
    "date": re.compile(_DAY),
    "time": re.compile(_HOUR),
    "datetime": re.compile(rf"{_DAY}[T\s]*{_HOUR}"),
}


def written(kind: str, text: str) -> str:
    """What was typed as `date`, `time` or `datetime`, the one way it is written; anything else as it is."""
    found = FORMS[kind].fullmatch(unicodedata.normalize("NFKC", text).strip())
    if not found:
        return text
    said = {name: value for name, value in found.groupdict().items() if value}
    day = _joined("-", said.get("year"), said.get("month") or said.get("mm"), said.get("day") or said.get("dd"))
    hour = _joined(":", said.get("hour") or said.get("hh"), said.get("minute") or said.get("ii"))
    return " ".join(part for part in (day, hour) if part)


def _joined(mark: str, *parts: str | None) -> str:
    return mark.join(part.zfill(2) for part in parts if part)


def day(text: str | None) -> date | None:
    """The date that was typed; None for anything else."""
    found = _read("date", text, "%Y-%m-%d")
    return found.date() if found else None


def hour(text: str | None) -> time | None:
    """The time of day that was typed; None for anything else."""
    found = _read("time", text, "%H:%M")
    return found.time() if found else None


def instant(text: str | None) -> datetime | None:
    """The instant that was typed, aware, in the centre's zone; None for anything else."""
    found = _read("datetime", text, "%Y-%m-%d %H:%M")
    return found.replace(tzinfo=CENTRE_ZONE) if found else None


def _read(kind: str, text: str | None, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(written(kind, text or ""), pattern)
    except ValueError:
        return None
