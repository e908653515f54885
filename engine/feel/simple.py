"""Simple FEEL texts worked out without the sandbox: names, constants, comparisons, `and`, `or`, `if`, whole numbers, deadlines.

Only what gives the same answer for certain is answered here: texts, whole numbers, true and false, null, instants in UTC. Every
other kind of value, every error and every text outside this grammar raises `Unsure`, and the caller asks the sandbox. Surprise:
nothing here knows FEEL's errors, since each of them is the sandbox's to tell.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from engine.feel.values import LARGEST_INTEGER

Evaluate = Callable[[dict, Callable], object]  # (variables, call of a function by name and arguments) -> value

_TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"\\\n\r]*")|(?P<number>(?:0|[1-9]\d{0,14})(?![\w.]))|(?P<word>[^\W\d]\w*)|(?P<sign><=|>=|!=|[=<>+\-().,]))'
)
_DURATION = re.compile(r'"P(?!T?")(?:(\d{1,4})D)?(?:T(?!")(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?"')
_RESERVED = frozenset({"if", "then", "else", "and", "or", "not", "for", "in", "return", "some", "every", "satisfies", "between",
                       "instance", "of", "function", "external"})
_FIXED = {"true": True, "false": False, "null": None}
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_SEEN_APART = timedelta(milliseconds=1)  # FEEL compares instants by the millisecond
_MISSING = object()


class Unsure(Exception):
    """The sandbox has to say."""


class Simple:
    """A text of the grammar, read. Raises Unsure for any other text.

    `names`: the variables it takes; `calls`: whether it calls one of our functions; `bare`: it is one constant or variable.
    `evaluate(variables, call)` gives the value or raises Unsure; `call(name, arguments)` calls one of our functions.
    """

    __slots__ = ("bare", "calls", "evaluate", "names")

    def __init__(self, text: str, functions: Iterable[str] = ()):
        reader = _Reader(text, functions)
        self.evaluate: Evaluate = reader.whole()
        self.names, self.calls, self.bare = frozenset(reader.names), reader.calls, reader.bare


class _Reader:
    """One pass from left to right; each method reads its part and gives the function that works it out."""

    def __init__(self, text: str, functions: Iterable[str]):
        self.names: set[str] = set()
        self.calls, self.bare = False, True
        self._functions = {tuple(name.split()): name for name in functions}
        self._tokens, self._at = _tokens(text), 0

    def whole(self) -> Evaluate:
        found = self._expression()
        if self._at != len(self._tokens):
            raise Unsure
        return found

    # ---- the next token
    @property
    def _token(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _took(self, *wanted: str) -> str | None:
        """The next token, taken, if it is one of these."""
        token = self._token
        if token not in wanted:
            return None
        self._at, self.bare = self._at + 1, False
        return token

    def _take(self, wanted: str) -> None:
        if self._took(wanted) is None:
            raise Unsure

    # ---- from what binds least to what binds most
    def _expression(self) -> Evaluate:
        if self._took("if") is None:
            return self._logic("or", lambda: self._logic("and", self._comparison, False), True)
        condition = self._expression()
        self._take("then")
        then = self._expression()
        self._take("else")
        other = self._expression()
        return lambda names, call: _plain((then if _truth(condition(names, call)) else other)(names, call))

    def _logic(self, word: str, part: Callable[[], Evaluate], decisive: bool) -> Evaluate:
        left = part()
        while self._took(word):
            left = _joined(left, part(), decisive)
        return left

    def _comparison(self) -> Evaluate:
        left = self._sum()
        sign = self._took("=", "!=", *_ORDER)
        if sign is None:
            return left
        right = self._sum()
        if sign in _ORDER:
            return lambda names, call: _ordered(_ORDER[sign], left(names, call), right(names, call))
        return lambda names, call: _equal(left(names, call), right(names, call)) is (sign == "=")

    def _sum(self) -> Evaluate:
        left = self._part()
        while sign := self._took("+", "-"):
            left = _total(left, self._part(), operator.add if sign == "+" else operator.sub)
        return left

    def _part(self) -> Evaluate:
        if self._took("("):
            found = self._expression()
            self._take(")")
            return found
        called = self._function()
        return called if called is not None else self._constant_or_path()

    def _constant_or_path(self) -> Evaluate:
        token = self._token
        self._at += 1
        if token[:1] == '"':
            return _constant(token[1:-1])
        if token.isdecimal():
            return _constant(int(token))
        if token in _FIXED:
            return _constant(_FIXED[token])
        if token in _RESERVED or not token.isidentifier():
            raise Unsure
        return self._duration() if token == "duration" and self._took("(") else self._path(token)

    def _function(self) -> Evaluate | None:
        """A call of one of our functions, whose names may be several words."""
        for words, name in self._functions.items():
            end = self._at + len(words)
            if tuple(self._tokens[self._at:end]) == words and self._tokens[end:end + 1] == ["("]:
                self._at, self.calls, self.bare = end + 1, True, False
                arguments = [self._expression()]
                while self._took(","):
                    arguments.append(self._expression())
                self._take(")")
                return lambda names, call, name=name: call(name, [argument(names, call) for argument in arguments])
        return None

    def _duration(self) -> Evaluate:
        found = _DURATION.fullmatch(self._token)
        if found is None:
            raise Unsure
        self._at += 1
        self._take(")")
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return _constant(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def _path(self, name: str) -> Evaluate:
        self.names.add(name)
        entries, bare = [], self.bare
        while self._took("."):
            entries.append(self._token)
            self._at += 1
        if not all(entry.isidentifier() for entry in entries):
            raise Unsure
        self.bare = bare  # the dots of a path are part of it
        return lambda names, call: _entry(names, name, entries)


def _tokens(text: str) -> list[str]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unsure
        found.append(match[match.lastgroup])
        at = match.end()
    return found


# ---- what the parts give


def _constant(value) -> Evaluate:
    return lambda names, call: value


def _entry(names: dict, name: str, entries: list[str]):
    value = names.get(name, _MISSING)
    for entry in entries:
        value = value.get(entry, _MISSING) if type(value) is dict else _MISSING
    if value is _MISSING:
        raise Unsure
    return value


def _plain(value):
    """The value, if it comes out of FEEL as it went in."""
    if value is None or type(value) in (str, bool, timedelta) or _whole(value) or _instant(value):
        return value
    raise Unsure


def _whole(value) -> bool:
    return type(value) is int and abs(value) <= LARGEST_INTEGER


def _instant(value) -> bool:
    return type(value) is datetime and value.tzinfo is UTC


def _truth(value) -> bool | None:
    if value is None or type(value) is bool:
        return value
    raise Unsure


def _joined(left: Evaluate, right: Evaluate, decisive: bool) -> Evaluate:
    """Three-valued `and` / `or`; the right side is not asked where the left one decides."""
    def both(names, call):
        first = _truth(left(names, call))
        if first is decisive:
            return decisive
        second = _truth(right(names, call))
        return decisive if second is decisive else None if first is None or second is None else not decisive
    return both


def _equal(a, b) -> bool:
    if a is None or b is None:
        return a is b
    if type(a) is type(b) and type(a) in (str, bool) or _in_order(a, b):
        return a == b
    raise Unsure


def _ordered(holds: Callable, a, b) -> bool:
    if _in_order(a, b):
        return holds(a, b)
    raise Unsure


def _in_order(a, b) -> bool:
    """Whether it is certain which of the two comes first."""
    return _whole(a) and _whole(b) or _instant(a) and _instant(b) and (a == b or abs(a - b) >= _SEEN_APART)


def _total(left: Evaluate, right: Evaluate, added: Callable) -> Evaluate:
    def total(names, call):
        a, b = left(names, call), right(names, call)
        if not (_whole(a) and _whole(b) or _instant(a) and type(b) is timedelta):
            raise Unsure
        try:
            return _plain(added(a, b))
        except OverflowError:
            raise Unsure from None
    return total
