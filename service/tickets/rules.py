"""Pure decisions about tickets: numbers, titles, which deadline counts, how urgent a row looks to its reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TITLE_LENGTH = 24
SOON_SHARE = 0.8
SOON_AT_MOST = timedelta(minutes=10)
_SENTENCE_END = re.compile(r"[。．.!！?？;；\n]|，|,")


class Chip(StrEnum):
    """What a clock says to its reader (look: the clock chip)."""

    OVER = "over"
    SOON = "soon"
    MINE = "mine"
    WAIT = "wait"
    PAUSED = "paused"
    DONE = "done"


def ticket_number(year: int, count: int) -> str:
    return f"{year}-{count:04d}"


def slip_number(ticket_number: str, count: int) -> str:
    return f"{ticket_number}-{count}"


def title_of(request: str) -> str:
    """The first clause of what the customer said, at most 24 characters: 茶水间吊顶滴水，地上湿了 gives 茶水间吊顶滴水."""
    text = " ".join(request.split())
    first = next((part.strip() for part in _SENTENCE_END.split(text) if len(part.strip()) >= 2), text)
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"


@dataclass(frozen=True, slots=True)
class Due:
    """Which instant counts: the standard's, or the customer's own where that is earlier (customer-request 2)."""

    at: datetime
    source: str  # table, customer


def earlier_of(standard_at: datetime, customer_at: datetime | None) -> Due:
    if customer_at is not None and customer_at < standard_at:
        return Due(customer_at, "customer")
    return Due(standard_at, "table")


def chip(now: datetime, opened_at: datetime, due_at: datetime | None, mine: bool = True) -> Chip:
    """How a row's clock looks: over past its instant; soon in its last fifth (or last ten minutes); else mine, or
    wait.
    """
    if due_at is not None and now >= due_at:
        return Chip.OVER
    if not mine:
        return Chip.WAIT
    if due_at is not None and due_at - now <= max(
        (due_at - opened_at) * (1 - SOON_SHARE), min(SOON_AT_MOST, (due_at - opened_at) / 2)
    ):
        return Chip.SOON
    return Chip.MINE


def minutes_left(now: datetime, due_at: datetime | None) -> int | None:
    """Whole minutes until the instant, negative when past; None without one."""
    if due_at is None:
        return None
    seconds = (due_at - now).total_seconds()
    return int(seconds // 60) if seconds >= 0 else -int(-seconds // 60)


def is_unhappy(satisfaction: int | None) -> bool:
    """Scores 1 and 2 reopen the ticket (customer-request 7)."""
    return satisfaction is not None and satisfaction <= 2
