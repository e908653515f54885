"""Pure part of signing: the canonical text of a content, its hash, and how two contents differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """What is signed: a mapping of plain values (text, numbers, booleans, None, dates, lists, mappings)."""

    content: dict[str, Any]

    @cached_property
    def text(self) -> str:
        """The canonical JSON: sorted names, no spaces, characters as they are, instants in UTC."""
        return json.dumps(self.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text, 64 hex digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @classmethod
    def read(cls, text: str | None) -> Sheet | None:
        """The sheet of a canonical text; None for anything else."""
        try:
            found = json.loads(text or "")
        except ValueError:
            return None
        return cls(found) if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two contents differ. `where`: the names on the way to it; a value that is not there is None."""

    where: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Sheet, after: Sheet) -> list[Difference]:
    """Every place that differs, in the order of the names. Items of a list are known by their `key`, or else by their place."""
    return list(_differ((), json.loads(before.text), json.loads(after.text)))


def _differ(where: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, list) and isinstance(after, list):
        before, after = _by_key(before), _by_key(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            yield from _differ((*where, name), before.get(name), after.get(name))
    elif before != after:
        yield Difference(where, before, after)


def _by_key(items: list[Any]) -> dict[str, Any]:
    return {str(i.get("key", n)) if isinstance(i, dict) else str(n): i for n, i in enumerate(items)}


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be signed; make it text or a number first")
