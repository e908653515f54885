"""Half a sentence on the next page about what was done: 2025-4131 已派给安环部. Never an error, never "success"."""

from __future__ import annotations

from flask import flash, get_flashed_messages


def told(text: str, href: str = "", link: str = "") -> None:
    flash({"text": text, "href": href, "link": link})


def waiting() -> list[dict]:
    """What has not been shown yet."""
    return get_flashed_messages()
