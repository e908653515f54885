"""What a draft may be: its places, its size, how often it is saved, how long it stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

KEPT_FOR = timedelta(days=30)
MAX_BYTES = 64 * 1024
MOST = 40  # drafts of one person
SHOWN = 8  # as tabs
LEAST = timedelta(milliseconds=250)  # between two saves of one person
_NOT_TYPED = frozenset({"csrf_token", "request_id", "seen", "draft", "draft_version", "force"})
_ID = re.compile("[0-9a-f]{32}")


def of_task(task_id: str) -> str:
    return f"task:{task_id}"


def of_registration(id: str) -> str | None:
    """The place of a new registration; None for what is no id of ours."""
    return f"register:{id}" if _ID.fullmatch(id or "") else None


def typed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Name -> texts of what a person can have typed or picked, in the form's order."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in _NOT_TYPED:
            found.setdefault(name, []).append(text)
    return found


def size(fields: dict[str, list[str]]) -> int:
    return len(json.dumps(fields, ensure_ascii=False).encode())


def first(fields: dict[str, list[str]], name: str) -> str:
    return (fields.get(name) or [""])[0]


def wait_until(last_at: datetime | None, now: datetime) -> datetime | None:
    """When this person may save again; None means now. Only a clock that stands still gives the same instant twice."""
    return last_at + LEAST if last_at is not None and timedelta(0) < now - last_at < LEAST else None
