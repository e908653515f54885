"""When a message may leave, when it is tried again, and what of a text may leave at all. Pure: no session, no clock."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from service.calendars.rules import Calendar

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)

AT_ONCE, DIGEST, NEVER = "at-once", "digest", "never"
WAYS = (AT_ONCE, DIGEST, NEVER)
# The kinds of notices, and which way each goes where a person has chosen nothing.
USUAL = {
    "slip-sent": AT_ONCE,
    "given-to-you": AT_ONCE,
    "reminder": AT_ONCE,
    "promise": AT_ONCE,
    "promise-due": AT_ONCE,
    "escalated": AT_ONCE,
    "urge": AT_ONCE,
    "asked": AT_ONCE,
    "back": AT_ONCE,
    "withdrawn": AT_ONCE,
    "urgency-changed": AT_ONCE,
    "deadline-changed": AT_ONCE,
    "finding-new": AT_ONCE,
    "finding-fixed": AT_ONCE,
    "finding-back": AT_ONCE,
    "patrol-missed": AT_ONCE,
    "handover-begins": AT_ONCE,
    "handover-given": AT_ONCE,
    "handover-taken": AT_ONCE,
    "handover-differs": AT_ONCE,
    "handover-settled": AT_ONCE,
    "handover-late": AT_ONCE,
    "check-due": AT_ONCE,
    "check-late": AT_ONCE,
    "leave-cover": AT_ONCE,
    "leave-begins": AT_ONCE,
    "leave-refused": AT_ONCE,
    "leave-late": AT_ONCE,
    "leave-over": AT_ONCE,
    "paused": DIGEST,
    "resumed": DIGEST,
    "information": DIGEST,
    "handled": DIGEST,
    "answered": DIGEST,
}
STAYS_INSIDE = frozenset({"parked"})  # a notice about failed sending never leaves the application: no loop (T13)

_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[ -]?\d{3,4}[ -]?(\d{4})(?!\d)")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{3,}(\d{4})(?!\d)")


def wait_after(tries: int) -> timedelta:
    """How long to wait after that many failures: 10 s, doubled each time, at most an hour (F10)."""
    return min(FIRST_WAIT * 2 ** min(max(tries, 1) - 1, 20), LONGEST_WAIT)


def way_of(kind: str, urgent: bool, chosen: dict[str, str]) -> str:
    """How a notice of this kind goes to a person with these choices. Urgent ones never wait for a digest."""
    if kind in STAYS_INSIDE:
        return NEVER
    way = chosen.get(kind) or USUAL.get(kind, AT_ONCE)
    return AT_ONCE if urgent and way == DIGEST else way


def quiet_until(now: datetime, calendar: Calendar, quiet: tuple[time, time] | None = None) -> datetime | None:
    """The instant until which nothing that is not urgent leaves; None when it may leave now (T12).

    Without own quiet hours: while the centre is closed. `quiet` is from and until in the centre's time, every day, also past midnight.
    """
    if quiet is None:
        return None if calendar.is_open(now) else calendar.next_opening(now)
    begins, ends = quiet
    local = calendar.local(now)
    clock = local.time().replace(tzinfo=None)
    inside = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if begins > ends and clock >= begins else 0)
    return datetime.combine(day, ends, tzinfo=local.tzinfo).astimezone(now.tzinfo)


def next_digest(now: datetime, times: tuple[time, ...], calendar: Calendar) -> datetime:
    """The next of the day's digest times, in the centre's zone, after `now`."""
    local = calendar.local(now)
    for days in (0, 1):
        for at in sorted(times):
            instant = datetime.combine(local.date() + timedelta(days=days), at, tzinfo=local.tzinfo)
            if instant > local:
                return instant.astimezone(now.tzinfo)
    return now


def masked(text: str) -> str:
    """The text with telephone and other long numbers shortened: 138****2046, 021-****3320, ****1234."""
    text = _MOBILE.sub(r"\1****\2", text)
    text = _LANDLINE.sub(r"\1-****\2", text)
    return _LONG_NUMBER.sub(r"****\1", text)


def read_times(texts: tuple[str, ...]) -> tuple[time, ...]:
    """Times of a day written 17:30. Raises ValueError."""
    return tuple(time.fromisoformat(text) for text in texts)


def read_quiet(text: str) -> tuple[time, time] | None:
    """Quiet hours as they stand in the settings: 21:00-07:30; empty (None) means while the centre is closed."""
    if not text:
        return None
    begins, _, ends = text.partition("-")
    return time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip())
