"""Saved tokens on another graph: the same tokens, in the same states, on the elements that stand for theirs.

Only the names change. What a token waits for, how often it has been done and what can be undone stay as they were saved.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

TURN = "#"  # ends the name of the spec on which a turn of a multi-instance or loop stands


def moved(state: bytes, element: Callable[[str], str], flow: Callable[[str], str | None]) -> bytes:
    """The saved state with each element and flow named anew."""
    version, ended, rows = orjson.loads(state)
    return orjson.dumps([version, ended, [_row(row, element, flow) for row in rows]])


def _row(row: list, element: Callable, flow: Callable) -> list:
    key, name, status, home, host, by, listens, memo = row
    base = name.removesuffix(TURN)
    if memo and "of" in memo:
        memo = memo | {"of": [element(id) for id in memo["of"]]}
    return [key, element(base) + name[len(base):], status, home, host, flow(by) if by else by, listens, memo]
