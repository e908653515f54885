"""The texts in a diagram: durations, instants, cycles, names, and FEEL after `=`."""

from __future__ import annotations

import json
import re
from datetime import datetime

from engine import cycles
from engine.dialect.model import TimerKind

MAX_EXPRESSION = 4000


class BadText(ValueError):
    """A text in a diagram does not say what its place asks for. `remedy` says what to write."""

    def __init__(self, reason: str, remedy: str):
        self.remedy = remedy
        super().__init__(reason)


_DAYS_TIME = re.compile(r"P(?=\d|T\d)(?:\d{1,6}D)?(?:T(?=\d)(?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,9}(?:\.\d{1,9})?S)?)?")
_YEARS_MONTHS = re.compile(r"P(?=\d)(?:\d{1,4}Y)?(?:\d{1,5}M)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)")


def check_duration(text: str) -> str:
    """`text` if it is an ISO 8601 duration that FEEL knows, not negative; raises BadText otherwise."""
    if text.startswith("-"):
        raise BadText(f"The duration {text} is negative.", "Write a duration from zero on, such as PT15M.")
    if _DAYS_TIME.fullmatch(text) or _YEARS_MONTHS.fullmatch(text):
        return text
    if re.fullmatch(r"P\d+W", text):
        raise BadText(f"FEEL knows no weeks: {text}.", f"Write P{7 * int(text[1:-1][:6])}D.")
    raise BadText(f"{text!r} is not an ISO 8601 duration.", "Write PT15M for 15 minutes, PT4H for hours, P1D for days.")


def check_instant(text: str) -> str:
    """`text` if it is an ISO 8601 instant with offset; raises BadText otherwise."""
    try:
        if _INSTANT.fullmatch(text) and datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise BadText(f"{text!r} is not an instant with its offset.", "Write it like 2026-12-01T10:00:00+08:00.")


def check_cycle(text: str) -> str:
    """`text` if it is a cycle: R3/PT1H, R/2026-01-31T09:00:00+08:00/P1M, or cron as in `0 30 8 * * MON-FRI`; raises BadText."""
    try:
        cycles.parse(text)
    except cycles.BadCycle as bad:
        raise BadText(str(bad), "Write R3/PT1H for three times every hour, R/PT1H without end, R/2026-01-31T09:00:00+08:00/P1M for each"
                      " month, or cron: second minute hour day month weekday, such as 0 30 8 * * MON-FRI.") from bad
    return text


def _timer_duration(text: str) -> str:
    """A duration that a timer can count: days, hours, minutes, whole seconds, above zero."""
    check_duration(text)
    if not _DAYS_TIME.fullmatch(text) or "." in text:
        raise BadText(f"A timer counts days, hours, minutes and seconds, not {text}.", "Write P30D, PT4H or PT15M.")
    if not re.search(r"[1-9]", text):
        raise BadText(f"The timer's duration {text} is zero.", "Write a duration longer than zero.")
    return text


def feel_text(text: str) -> str:
    """A FEEL string literal that gives `text`."""
    return json.dumps(text, ensure_ascii=False)


def timer_expression(kind: TimerKind, text: str) -> str:
    """The FEEL of a timer's text: what stands after '=', or a checked ISO 8601 literal turned into FEEL."""
    text = text.strip()
    if text.startswith("="):
        return after_equals(text)
    if kind is TimerKind.DATE:
        return f"date and time({feel_text(check_instant(text))})"
    if kind is TimerKind.DURATION or text.startswith(("P", "-")):
        return f"duration({feel_text(_timer_duration(text))})"
    return feel_text(check_cycle(text))


def after_equals(text: str) -> str:
    expression = text.strip()[1:].strip()
    if not expression:
        raise BadText("The expression after '=' is empty.", "Write FEEL after '=', or clear the field.")
    if len(expression) > MAX_EXPRESSION:
        raise BadText(f"The expression is longer than {MAX_EXPRESSION} characters.", "Use a decision table.")
    return expression


def feel_or_text(text: str) -> str:
    """FEEL for an attribute that allows both: FEEL after '=', anything else is a literal text."""
    return after_equals(text) if text.lstrip().startswith("=") else feel_text(text.strip())


def group_names(text: str) -> str:
    if text.lstrip().startswith("="):
        return after_equals(text)
    names = [name.strip() for name in text.split(",") if name.strip()]
    return feel_text(names[0]) if len(names) == 1 else json.dumps(names, ensure_ascii=False)


def due_value(text: str) -> str:
    """A due date: FEEL, an instant, or a duration that counts from when the task opens."""
    is_duration = text.strip().startswith(("P", "-"))
    return timer_expression(TimerKind.DURATION if is_duration else TimerKind.DATE, text)


def number_value(text: str) -> str:
    if text.lstrip().startswith("="):
        return after_equals(text)
    if not re.fullmatch(r"\d{1,3}", text.strip()) or int(text) > 100:
        raise BadText(f"The priority {text!r} is not a whole number from 0 to 100.", "Write 50, or FEEL after '='.")
    return str(int(text))


def fixed_name(text: str) -> str:
    if text.lstrip().startswith("="):
        raise BadText(f"{text!r} is an expression where a fixed name is needed.", "Write the name itself.")
    return text.strip()


def variable_name(text: str) -> str:
    name = text.strip()
    if not name.isidentifier() or name.startswith("__") or len(name) > 80:
        raise BadText(f"{name!r} is not a plain variable name.", "Use letters, digits and '_', not starting with a digit.")
    return name
