"""The texts that a diagram itself writes into notices, calls for help and titles, in the reader's language.

Such a text is stored as it stands in the diagram (a reminder's 到时没登记, a reason's 到时没人接：with a place behind it); its English
is in `texts` of the procedure's `en.yaml`. What people typed stays as typed.
"""

from __future__ import annotations

import re
from datetime import date

from babel.dates import format_skeleton
from flask import current_app, g

from webui.i18n import gettext, language

_DAY = re.compile(r"(1[0-2]|[1-9])月([12]\d|3[01]|[1-9])日")
_ENDS = ("：", " ")  # a text that ends so goes on with a value
_made: dict[tuple[str, ...], dict[str, str]] = {}  # the last set of definitions' hashes -> their texts


def diagram_text(text: str | None) -> str:
    """The text in the reader's language: itself known, or what it begins with; anything else as it is."""
    if not text or language() != "en":
        return text or ""
    texts = _texts()
    if text in texts:
        return texts[text]
    head = max((t for t in texts if t.endswith(_ENDS) and text.startswith(t)), key=len, default="")
    return texts[head] + _day(text[len(head) :]) if head else text


def _day(value: str) -> str:
    """11月20日 -> 20 Nov; any other value as it stands."""
    found = _DAY.fullmatch(value)
    return format_skeleton("MMMd", date(2000, int(found[1]), int(found[2])), locale="en_GB") if found else value


def _texts() -> dict[str, str]:
    """Text -> English of all procedures in force: read once per request, put together once per set of definitions."""
    if "diagram_texts" not in g:
        g.diagram_texts = _in_force() | {"日审 ": gettext("日审") + " ", "周检 ": gettext("周检") + " "}  # what a step writes itself
    return g.diagram_texts


def _in_force() -> dict[str, str]:
    app = current_app.extensions.get("zhiban")
    if app is None:
        return {}  # words for a terminal: no procedures at hand
    definitions = app.engine.catalogue.all_in_force(g.session.connection())
    key = tuple(d.hash for d in definitions)
    if (texts := _made.get(key)) is None:
        texts = {}
        for definition in definitions:
            texts |= (definition.procedure.translations or {}).get("texts") or {}
        _made.clear()
        _made[key] = texts
    return texts  # not read from _made again: another thread may have cleared it
