"""Why the service refused something, in the reader's language.

The service says it in English, as its log and the command line do, and knows no screen. Here that sentence is found by its pattern in
the Chinese catalogue (`translations/zh/LC_MESSAGES/refusals.po`) and said with the same values. Surprise: a sentence without a Chinese
text is shown as it is; a test finds every one in the code first.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from flask_babel import gettext

from webui import words
from webui.i18n import language
from webui.people import name_of

CATALOGUE = Path(__file__).parent / "translations" / "zh" / "LC_MESSAGES" / "refusals.po"


def said(error: Exception | str) -> str:
    """The refusal in the reader's language; what is in it already stays as it is."""
    text = str(error)
    if language() == "en":
        return text
    for pattern, chinese in patterns():
        if found := pattern.fullmatch(text):
            return chinese.format(*map(Value, found.groups()))
    return text


@cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    """(what an English sentence looks like, the Chinese one), the most particular first."""
    texts = sorted(chinese(), key=lambda pair: -len(pair[0].replace("{}", "")))
    return [(re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.DOTALL), text) for english, text in texts]


def chinese() -> list[tuple[str, str]]:
    """(English, Chinese) of the catalogue."""
    with CATALOGUE.open("rb") as file:
        return [(str(m.id), str(m.string)) for m in read_po(file, locale="zh") if m.id and m.string]


class Value(str):
    """A value that a sentence names: as it is, or as `person` or `urgency` in words."""

    def __format__(self, kind: str) -> str:
        if kind == "person":
            return name_of(str(self)) or str(self)
        if kind == "urgency":
            return words.urgency(str(self))
        counts = {"Nobody": gettext("没有人"), "More than one person": gettext("不止一个人")}
        return counts.get(str(self), str(self))
