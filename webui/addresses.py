"""Addresses of pages: a route and its values always give the same text, so each is built once and not on every page again.

A page has forty of them that never change (rail, bar, menus), and building one costs as much as a row of a list.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, has_request_context, request

REMEMBERED = 4096


class Web(Flask):
    """Flask, with `url_for` remembering what it built."""

    def __init__(self, *values: Any, **named: Any):
        super().__init__(*values, **named)
        self._known = lru_cache(REMEMBERED)(self._build)

    def url_for(self, endpoint: str, *, _scheme: str | None = None, _external: bool | None = None, **values: Any) -> str:
        if _scheme is not None or _external is not None:  # the address names the host, which anybody may send
            return super().url_for(endpoint, _scheme=_scheme, _external=_external, **values)
        if not has_request_context() or endpoint.startswith(".") or any(isinstance(value, list) for value in values.values()):
            return super().url_for(endpoint, **values)
        return self._known(
            request.root_path, endpoint, tuple([(n, type(v), v) for n, v in values.items() if v is not None])
        )

    def _build(self, _root: str, endpoint: str, values: tuple[tuple[str, type, Any], ...]) -> str:
        return super().url_for(endpoint, **{name: value for name, _, value in values})
