"""Passwords: argon2id hashes, and the rules a new one has to keep (ASVS 6.2).

At least 8 characters, at most 128, nothing common, nothing made of the account's or the company's own words; no rules
on kinds of characters, no forced change. Surprise: at most two hashes are computed at once in a process, each takes
46 MiB.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.errors import PasswordRefused

SHORTEST, LONGEST = 8, 128
_COMMON = Path(__file__).with_name("common_passwords.txt")


class Passwords:
    """Hashing with one installation's settings."""

    def __init__(self, memory_mib: int = 46, at_once: int = 2):
        self._hasher = PasswordHasher(time_cost=1, memory_cost=memory_mib * 1024, parallelism=1)
        self._slots = threading.BoundedSemaphore(at_once)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        with self._slots:
            return self._hasher.hash(_normal(password))

    def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the one stored. An account without one takes as long to refuse as any other."""
        if self._nobody is None:
            self._nobody = self.hash("nobody's password")
        try:
            with self._slots:
                return self._hasher.verify(stored or self._nobody, _normal(password)) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker settings than today's."""
        return self._hasher.check_needs_rehash(stored)


def check(password: str, own_words: Iterable[str] = ()) -> None:
    """Raises PasswordRefused with the rule that a new password breaks. `own_words`: username, name, company, project,
    ...
    """
    password = _normal(password)
    if len(password) < SHORTEST:
        raise PasswordRefused(
            "too-short", f"A password has at least {SHORTEST} characters; 15 are better. Add some words."
        )
    if len(password) > LONGEST:
        raise PasswordRefused("too-long", f"A password has at most {LONGEST} characters. Shorten it.")
    if _plain(password) in common() or _is_pattern(password):
        raise PasswordRefused("common", "This password is on the list of common ones. Take a sentence of your own.")
    if not _remains_without(password, own_words):
        raise PasswordRefused(
            "own-words", "This password is made of your name or the company's words. Take a sentence of your own."
        )


def common() -> frozenset[str]:
    """The offline list of common passwords, in lower case without separators."""
    if not _cache:
        lines = _COMMON.read_text(encoding="utf-8").splitlines()
        _cache.append(frozenset(_plain(line) for line in lines if line and not line.startswith("#")))
    return _cache[0]


_cache: list[frozenset[str]] = []


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _plain(password: str) -> str:
    return re.sub(r"[\s_\-.!@#$*]+", "", password.lower())


def _is_pattern(password: str) -> bool:
    """One character again and again, a run of neighbours, or a short piece repeated."""
    text = password.lower()
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    repeated = any(text == (text[:n] * len(text))[: len(text)] for n in range(1, min(4, len(text) // 2) + 1))
    return repeated or steps in ({1}, {-1})


def _remains_without(password: str, own_words: Iterable[str]) -> bool:
    """Whether at least 4 characters beside digits and separators are left once the own words are taken out."""
    text = password.lower()
    words = [w.lower() for w in own_words if w and len(w) >= 2]
    if not any(w in text for w in words):
        return True
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return len(re.sub(r"[\W\d_]+", "", text)) >= 4
