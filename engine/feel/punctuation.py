"""What an author who writes Chinese types by mistake: full-width signs where FEEL knows only the half-width ones."""

from __future__ import annotations

import re

_HALF = {"“": '"', "”": '"', "「": '"', "」": '"', "‘": '"', "’": '"', "，": ",", "、": ",", "。": ".", "．": ".", "：": ":",
         "；": ",", "（": "(", "）": ")", "【": "[", "】": "]", "［": "[", "］": "]", "｛": "{", "｝": "}", "＞": ">", "＜": "<",
         "＝": "=", "≥": ">=", "≤": "<=", "≠": "!=", "＋": "+", "－": "-", "＊": "*", "×": "*", "／": "/", "÷": "/", "？": "?"}
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def remedy(text: str) -> str | None:
    """What to write instead of the full-width signs that stand outside the texts in quotes; None where there are none."""
    found = [sign for sign in dict.fromkeys(_TEXT.sub("", text)) if sign in _HALF]
    if not found:
        return None
    return "Write half-width signs outside of texts: " + ", ".join(f"{_HALF[sign]} for {sign}" for sign in found[:4]) + "."
