"""What the field types share: a base class, and texts, numbers and choices made from what was sent.

Kept apart from `fields/`, whose modules are named after the types of form-js.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation

from engine.forms.faults import Unfit

MAX_LINE = 500
MAX_TEXT = 5000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # Unicode's Cc and Cs, but for line break and tab


class BaseField:
    """What most types share. `holds_value` is False for what is only shown; `has_options` for those that choose."""

    type = ""
    holds_value = True
    has_options = False

    def clean(self, spec, raw):
        """The value, or None where nothing was given; raises Unfit."""
        raise NotImplementedError

    def show(self, spec, value) -> str:
        """The value as text for a browser's control; text that was sent and refused stays as it is."""
        return "" if value is None else str(value)

    def empty(self, value) -> bool:
        return value is None or value == "" or value == []


class Shown(BaseField):
    """A component that holds no value."""

    holds_value = False

    def clean(self, spec, raw):
        return None


def text(raw) -> str:
    """`raw` as trimmed, normalised text; raises Unfit for anything else and for control characters."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Unfit("kind")
    cleaned = unicodedata.normalize("NFC", raw.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if _CONTROL.search(cleaned):
        raise Unfit("characters")
    return cleaned


def within(spec, value: str, most: int) -> str:
    """`value` if its length fits the field; `most` where the field names no limit."""
    least = spec.min_length or 0
    most = min(spec.max_length, MAX_TEXT) if spec.max_length is not None else most
    if value and len(value) < least:
        raise Unfit("min-length", least=least, count=len(value))
    if len(value) > most:
        raise Unfit("max-length", most=most, count=len(value))
    return value


def decimal(raw) -> Decimal:
    """A finite number of ordinary size as decimal; full-width digits are read; raises ValueError."""
    typed = isinstance(raw, (int, float, str)) and not isinstance(raw, bool)
    if not typed or isinstance(raw, str) and (len(raw) > 40 or "_" in raw):
        raise ValueError("no number")
    try:
        value = Decimal(unicodedata.normalize("NFKC", raw).strip() if isinstance(raw, str) else str(raw)[:40])
    except InvalidOperation:
        raise ValueError("no number") from None
    if not value.is_finite() or value.adjusted() > 15:
        raise ValueError("no number")
    return value


def number(raw) -> int | float:
    """`raw` as int where it is whole, else float; raises ValueError."""
    value = decimal(raw)
    return int(value) if value == value.to_integral_value() else float(value)


def chosen(spec, raw) -> str | None:
    """The option that was picked, or None; raises Unfit."""
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str) or raw not in {o.value for o in spec.options}:
        raise Unfit("option")
    return raw


def several(spec, raw) -> list[str]:
    """The options that were picked, each once, in the form's order; raises Unfit."""
    if raw is None or raw == "":
        return []
    picked = [raw] if isinstance(raw, str) else raw
    if not isinstance(picked, (list, tuple)):
        raise Unfit("kind")
    values = {o.value for o in spec.options}
    if not all(isinstance(v, str) and v in values for v in picked):
        raise Unfit("option")
    return [o.value for o in spec.options if o.value in picked]
