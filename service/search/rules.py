"""Which keys a thing is found by, and what a typed text asks for. Pure; pinyin comes from pypinyin.

Chinese needs no word list: single characters and pairs of neighbours are keys, and a phrase is all of its pairs (T21).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from pypinyin import Style, lazy_pinyin

from service.organisation.rules import unit_shorthand
from service.search.models import KeyKind

_WORD = re.compile(r"[0-9a-z]+|[㐀-鿿]+", re.IGNORECASE)
_HAN = re.compile(r"[㐀-鿿]")
MAX_KEY = 40


def text_keys(text: str) -> set[str]:
    """Single characters and pairs of the Chinese runs, whole words of the rest: "茶水间 LED" gives 茶 水 间 茶水 水间 led."""
    keys: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _HAN.match(word):
            keys.update(word)
            keys.update(a + b for a, b in pairwise(word))
        else:
            keys.add(word[:MAX_KEY])
    return keys


def pinyin_key(text: str) -> str:
    """Initials of a Chinese name: 恒远律师事务所 gives "hylssws"; Latin letters and digits stay."""
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors=lambda x: x))
    return re.sub(r"[^0-9a-z]", "", initials.lower())[:MAX_KEY]


def tail_key(digits: str) -> str:
    """The digits from the end, so that a tail becomes a beginning."""
    return re.sub(r"\D", "", digits)[::-1][:MAX_KEY]


@dataclass(frozen=True, slots=True)
class Ask:
    """One condition of a search: a key of this kind, whole or by its beginning."""

    kind: KeyKind
    key: str
    beginning: bool


def asks(text: str) -> list[list[Ask]]:
    """What a typed text may mean: alternatives, each a list of conditions that all hold. Empty for an empty text."""
    text = text.strip().lower()
    if not text:
        return []
    if _HAN.search(text):
        return [[Ask(KeyKind.TEXT, k, False) for k in sorted(_phrase_keys(text))]]
    bare = unit_shorthand(text)
    if not bare:
        return []
    ways = [[Ask(KeyKind.CODE, bare, True)]]
    if bare.isdigit() and len(bare) >= 3:
        ways.append([Ask(KeyKind.TAIL, bare[::-1], True)])
    if not bare.isdigit():
        ways += [[Ask(KeyKind.PINYIN, bare, True)], [Ask(KeyKind.TEXT, k, False) for k in sorted(text_keys(text))]]
    return ways


def _phrase_keys(text: str) -> set[str]:
    """Pairs where there are pairs, single characters only where a run is one long."""
    keys: set[str] = set()
    for word in _WORD.findall(text):
        if _HAN.match(word):
            keys.update((a + b for a, b in pairwise(word)) if len(word) > 1 else word)
        else:
            keys.add(word)
    return keys
