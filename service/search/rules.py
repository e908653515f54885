"""Which keys a thing is found by, and what a typed text asks for. Pure; pinyin comes from pypinyin.

Text is compared in its plain form: full width and case mean nothing, and whatever is neither letter nor digit is a gap.
Chinese needs no word list: single characters and pairs of neighbours are keys, and a phrase is all of its pairs (T21).
Surprise: a text that has all pairs of a phrase need not contain it, so every hit is compared with the plain form as well.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from pypinyin import Style, lazy_pinyin, pinyin

from service.organisation.rules import unit_shorthand
from service.search.models import KeyKind

MAX_KEY = 40
MAX_NAME = 200
MAX_TERMS = 8
MAX_TERM = 40
WHOLE, SOUND, NUMBER, TAIL = "=", "~", "#", "%"  # begin keys that are no piece of a text: no piece has these
MIN_TAIL = 3  # digits of a ticket's number
MIN_PHONE = 4  # digits of a phone
_GAP = re.compile(r"[\W_]+")
_HAN = re.compile(r"[㐀-鿿]")
_PLACE = re.compile(r"[座栋幢号楼室层单元房第]")
_DIGITS = re.compile(r"[\d\s\-#/.]+")
_YEAR = re.compile(r"(?:19|20)\d\d")


def plain(text: str) -> str:
    """The form that texts are compared in: "ＬＥＤ 灯,坏了" gives "led 灯 坏了"."""
    return _GAP.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def terms(text: str) -> list[str]:
    """What has to stand in a text, one by one: typed parts between blanks, each in its plain form."""
    found = (plain(part)[:MAX_TERM].strip() for part in unicodedata.normalize("NFKC", text).split())
    return list(dict.fromkeys(t for t in found if t))[:MAX_TERMS]


def pieces(text: str) -> set[str]:
    """Single characters and pairs of neighbours: "茶水间 LED" gives 茶 水 间 茶水 水间 l e d le ed."""
    found: set[str] = set()
    for word in plain(text).split():
        found.update(word)
        found.update(a + b for a, b in pairwise(word))
    return found


def asked_pieces(term: str) -> list[str]:
    """The pieces that a text with this term has: pairs where there are pairs, single characters only for a word of one."""
    return list(dict.fromkeys(p for word in term.split() for p in (map("".join, pairwise(word)) if word[1:] else word)))


def text_keys(name: str) -> set[str]:
    """What a name is found by beside its initials: its pieces, its plain form as a whole, and how it is said."""
    whole = plain(name)
    return pieces(name) | {WHOLE + whole[:MAX_NAME]} | {SOUND + s[:MAX_KEY] for s in sounds(name) if s}


def pinyin_key(text: str) -> str:
    """Initials of a Chinese name: 恒远律师事务所 gives "hylssws"; Latin letters and digits stay."""
    initials = "".join(lazy_pinyin(unicodedata.normalize("NFKC", text), style=Style.FIRST_LETTER, errors=lambda x: x))
    return _bare(initials)[:MAX_KEY]


def sounds(name: str) -> set[str]:
    """Full pinyin of a name with Chinese in it: 沈静 gives "shenjing". A surname with two readings gives both (单: dan, shan)."""
    name = unicodedata.normalize("NFKC", name)
    if not _HAN.search(name):
        return set()
    first, *rest = lazy_pinyin(name[:MAX_KEY], errors=list)
    readings = {first, *pinyin(name[0], style=Style.NORMAL, heteronym=True)[0]} if _HAN.match(name) else {first}
    said = {_bare("".join([reading, *rest]).replace("ü", "v")) for reading in readings}
    return said | {s.replace("lv", "lu").replace("nv", "nu") for s in said}


def tail_key(digits: str) -> str:
    """The digits from the end, so that a tail becomes a beginning."""
    return re.sub(r"\D", "", digits)[::-1][:MAX_KEY]


def number_keys(number: str) -> set[str]:
    """What a ticket's number is found by: 2026-3415 gives its bare form and the same from the end."""
    return {NUMBER + unit_shorthand(number), TAIL + number[::-1]}


@dataclass(frozen=True, slots=True)
class Ask:
    """One condition of a search: a key of this kind, whole or by its beginning."""

    kind: KeyKind
    key: str
    beginning: bool


def unit_asks(text: str) -> str:
    """The bare form of a unit that may be meant, "" for none: 3-1201, 3#1201, 3座1201室 and ３１２０１ all give 31201."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if _HAN.search(text):
        text = _PLACE.sub("", text)
        if _HAN.search(text) or not re.search(r"\d", text):
            return ""
    return unit_shorthand(text)[:MAX_KEY]


def name_asks(text: str) -> list[Ask]:
    """How else than by its characters a name or phone may be meant: initials, full pinyin, a phone's beginning or tail."""
    bare = _bare(unicodedata.normalize("NFKC", text).casefold())[:MAX_KEY]
    if not bare or _HAN.search(text):
        return []
    if bare.isdigit():
        phone = bare[2:] if bare.startswith("86") and len(bare) == 13 else bare
        known = [Ask(KeyKind.TAIL, phone[::-1], True), Ask(KeyKind.CODE, phone, True)]
        return known if len(bare) >= MIN_PHONE else []
    return [Ask(KeyKind.PINYIN, bare, True), Ask(KeyKind.TEXT, SOUND + bare, True)]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which ticket or slip a typed number may mean. `count` narrows beginning and tail to tickets with that slip."""

    tickets: tuple[str, ...] = ()
    slips: tuple[str, ...] = ()
    beginning: str = ""
    tail: str = ""
    count: int | None = None


def numbers(text: str, year: int) -> Numbers:
    """What a number means in `year`: 3415 is 2026-3415 or the tail of another, 3415-1 its first slip. 3-1201 is none."""
    text = unicodedata.normalize("NFKC", text).strip()
    parts = re.findall(r"\d+", text)
    if not parts or not _DIGITS.fullmatch(text) or len(text) > MAX_KEY:
        return Numbers()
    with_year = len(parts) > 1 and _YEAR.fullmatch(parts[0])
    if len(parts) == 3 and with_year or len(parts) == 2 and not with_year and len(parts[-1]) <= 2:
        ticket, count = "".join(parts[:-1]), int(parts[-1])
        slips = tuple(f"{number}-{count}" for number in _ticket_numbers(ticket, year))
        return Numbers(slips=slips, tail=_tail(ticket), count=count)
    bare = "".join(parts)
    if len(parts) == 1:
        slips = tuple(f"{number}-{bare[-1]}" for number in _ticket_numbers(bare[:-1], year)) if len(bare) > 8 else ()
        return Numbers(_ticket_numbers(bare, year), slips, bare if _YEAR.match(bare) else "", _tail(bare))
    return Numbers(_ticket_numbers(bare, year), beginning=bare) if len(parts) == 2 and with_year else Numbers()


def _ticket_numbers(bare: str, year: int) -> tuple[str, ...]:
    """Numbers that the digits spell out: with their year, or without as one of `year`."""
    found = []
    if _YEAR.match(bare) and len(bare) >= 8:
        found.append(f"{bare[:4]}-{bare[4:]}")
    if bare and len(bare) <= 7:
        found.append(f"{year}-{bare:>04}")
    return tuple(found)


def _tail(bare: str) -> str:
    return bare[::-1] if len(bare) >= MIN_TAIL else ""


def _bare(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
