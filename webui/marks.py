"""What every screen draws by the dozen: addresses of static files, icons, clock chips. As functions: a macro costs ten times as much."""

from __future__ import annotations

import os
import secrets
import time
from functools import lru_cache
from pathlib import Path

from flask import request, url_for
from markupsafe import Markup, escape

from webui.filters import Clock

STATIC = Path(__file__).parent / "static"
STANDS_STILL = ("paused", "done")  # these chips do not count on


def static(name: str) -> str:
    """The address of a static file with its time, so that browsers may keep it for a year; looked at once a second."""
    return _address(request.root_path, name, int(time.monotonic()))


@lru_cache(1024)
def _address(_root: str, name: str, _second: int) -> str:
    return url_for("static", filename=name, v=_version(name))


def _version(name: str) -> str:
    try:
        return format(int(os.stat(f"{STATIC}/{name}").st_mtime), "x")
    except FileNotFoundError:
        return secrets.token_hex(3)  # not built yet: no browser is to keep the miss


def draw_icon(name: str, size: str = "") -> Markup:
    return _icon(static("vendor/icons.svg"), name, size)


@lru_cache(1024)
def _icon(icons: str, name: str, size: str) -> Markup:
    return Markup('<svg class="z-i {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        size, icons, name
    )


def draw_chip(clock: Clock, size: str = "") -> Markup:
    """The chip of a limit. The page counts on from `data-due` (clock.js)."""
    counts = ""
    if clock.due_at and clock.kind not in STANDS_STILL:
        opened = f' data-opened="{int(clock.opened_at.timestamp())}"' if clock.opened_at else ""
        counts = f' data-due="{int(clock.due_at.timestamp())}"{opened} data-label="{escape(clock.label)}"'
    icon = draw_icon(clock.icon, "" if size == "big" else "s")
    return Markup(f'<span class="z-clock {clock.kind} {size}"{counts}>{icon}<span>{escape(clock.text)}</span></span>')
