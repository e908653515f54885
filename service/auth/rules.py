"""Pure decisions about logins: when a try has to wait, when a session has ended.

Guessing is limited per pair of account and address, per address, and per account. Surprise: the last limit does not
lock anybody out; a browser that its person logged in on before may still try, so that a stranger's guesses never shut
a victim out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong tries within the window, and when the oldest of each kind leaves it."""

    pair: int
    address: int
    account: int


@dataclass(frozen=True, slots=True)
class Limits:
    pair: int
    address: int
    account: int


def has_to_wait(failed: Failures, limits: Limits, known_device: bool) -> bool:
    """Whether this try is refused without looking at the password."""
    if known_device:
        return failed.pair >= limits.pair * 3  # a thief's own try on the person's device still ends somewhere
    return failed.pair >= limits.pair or failed.address >= limits.address or failed.account >= limits.account


def why_over(now: datetime, seen_at: datetime, ends_at: datetime, idle: timedelta) -> str | None:
    """Why a session has ended by time: absolute, idle, or None while it lasts."""
    if now >= ends_at:
        return "absolute"
    return "idle" if now >= seen_at + idle else None
