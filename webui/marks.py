"""What screens draw by the dozen: addresses of static files, icons, clock chips, rows of tickets. As functions: a macro costs ten
times as much, and a template that is asked for each text apart twice as much.
"""

from __future__ import annotations

import os
import secrets
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import request, url_for
from markupsafe import Markup, escape

from webui.filters import Clock

if TYPE_CHECKING:
    from webui.views.pages import Row

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


def draw_row(row: Row, first: bool, enter: Markup, colon: str) -> Markup:
    """One ticket in the list: its chip, what it is and where, and the button that leads there. `first`: the one that keys begin at."""
    what, href, action = escape(row.what), escape(row.href), escape(row.action)
    kind = (' aria-current="true"' if first else "") + (' class="wait"' if row.waiting else "")
    until = f"<span>{escape(row.until)}</span>" if row.until else ""
    vip = ' <span class="z-tag vip">VIP</span>' if row.vip else ""
    return Markup(
        f'<li{kind}><div class="when">{draw_chip(row.clock)}{until}</div>'
        f'<div class="z-grow"><div class="what z-cut"><a href="{href}">{what}</a>{vip}</div>'
        f'<div class="where z-cut">{escape(row.where)}</div></div>'
        f'<div class="z-act z-desk-only"><a class="z-btn sm" href="{href}" data-row-action'
        f' aria-label="{action}{colon}{what}">{action} {enter}</a></div></li>'
    )
