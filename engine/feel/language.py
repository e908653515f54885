"""FEEL for callers: evaluate, test, check. The work is done in the sandbox; our functions run here, in the parent.

A `Feel` is a set of functions; all of them share the same child processes, so making one costs nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.errors import ExpressionError, ExpressionLimit
from engine.feel import sandbox, values, zones

LONGEST_EXPRESSION = 3_000  # characters; reading takes about 0.1 ms for each
DEEPEST_EXPRESSION = 60  # brackets within each other

LIMITS = {
    "time": f"used more than {sandbox.CPU_MILLISECONDS} ms of computing time and was stopped",
    "memory": "used too much memory and was stopped",
    "depth": "nests too deep and was stopped",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function that FEEL texts may call. `call` gets FEEL values as positional arguments, in the order of `params`.

    It must be pure: the same arguments give the same value, and nothing is changed. With `wants_env` its first
    argument is the `env` of the evaluation. Arguments an author leaves out at the end are not passed, so Python's
    defaults apply.
    """

    name: str
    params: tuple[str, ...]
    call: Callable
    doc: str
    wants_env: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a text. `start` and `end` count characters from 0; `name` is set for an unknown name."""

    message: str
    start: int
    end: int
    name: str | None = None


class Feel:
    """FEEL with a set of functions of ours. Usable from any thread, and after a fork."""

    def __init__(self, functions: Mapping[str, Function] | Iterable[Function] | None = None):
        listed = functions.values() if isinstance(functions, Mapping) else functions or ()
        self.functions: dict[str, Function] = {function.name: function for function in listed}
        self._sandbox = sandbox.shared

    def evaluate(self, expression: str, context: Mapping | None = None, *, env=None):
        """The value of an expression. Every name it uses has to be in `context`, with None where nothing is known.

        Raises ExpressionError (syntax, unknown name, wrong type, a failed function) or ExpressionLimit.
        """
        return self._value(expression, ["evaluate", self.key, expression, context or {}], env)

    def unary(self, test: str, value, context: Mapping | None = None, *, env=None) -> bool:
        """Whether `value` passes a unary test, the text of a table's input cell: `"a", "b"`, `< 5`, `not(...)`, `? >
        x`.
        """
        if test.strip() in ("", "-"):
            return True
        return self._value(test, ["unary", self.key, test, value, context or {}], env)

    def check(self, expression: str, names: Iterable[str], *, unary: bool = False) -> list[Problem]:
        """What can be said against a text without running it: faulty syntax, and names that are neither in `names`
        nor known.
        """
        known = sorted(names)
        if unary and expression.strip() in ("", "-"):
            return []
        found = self._lint(expression, ["check", self.key, expression, known, "u" if unary else "e"])
        if isinstance(found, Problem):
            return [found]
        place = _places(expression)
        faults = [Problem(fault["message"], place(fault["from"]), place(fault["to"])) for fault in found["faults"]]
        return faults or [
            Problem(
                _unknown(each["name"], [*known, *self.functions]), place(each["from"]), place(each["to"]), each["name"]
            )
            for each in found["unknown"]
        ]

    def names(self, expression: str, *, unary: bool = False) -> set[str]:
        """The variables a text takes from outside. Names inside a filter are left out: they may be entries of its
        items.
        """
        found = self._lint(expression, ["names", self.key, expression, "u" if unary else "e"])
        if isinstance(found, Problem):
            raise ExpressionError(expression, found.message)
        if found["faults"]:
            fault = found["faults"][0]
            raise ExpressionError(expression, fault["message"], (fault["from"], fault["to"]))
        return set(found["names"])

    def call(self, name: str, args: list, *, env=None):
        """The value of one of our functions for values as FEEL gives them. Raises ExpressionError that names the function."""
        try:
            value = _called(self.functions[name], [values.from_json(values.to_json(arg)) for arg in args], env)
            return values.from_json(values.to_json(value))
        except Exception as error:
            raise ExpressionError(name, f"function '{name}': {error}") from error

    def close(self) -> None:
        """Ends the idle child processes. The next evaluation starts one again."""
        self._sandbox.close()

    @cached_property
    def key(self) -> str:
        """Names the set of functions inside the sandbox; "" is the empty set."""
        if not self.functions:
            return ""
        return hashlib.sha256(repr(self._signatures).encode()).hexdigest()

    @property
    def _signatures(self) -> list:
        return [[function.name, list(function.params)] for _, function in sorted(self.functions.items())]

    @cached_property
    def needs(self) -> dict:
        """What a child has to be told before it can serve this Feel."""
        return {("functions", self.key): ["functions", self.key, self._signatures]} if self.functions else {}

    def request(
        self, expression: str, request: list, *, env=None, needs: dict | None = None, milliseconds: int | None = None
    ) -> dict:
        """One request to the sandbox; `expression` is for the messages. For this package and engine.decisions."""
        call = _Call(self.functions, env)
        try:
            reply = self._sandbox.call(
                request,
                needs=self.needs | (needs or {}),
                answer=call.answer,
                milliseconds=milliseconds or sandbox.CPU_MILLISECONDS,
            )
        except sandbox.Stopped as stopped:
            raise ExpressionLimit(shortened(expression), LIMITS[stopped.why]) from None
        except (TypeError, ValueError) as error:
            raise ExpressionError(expression, f"a value cannot be given to FEEL: {error}") from error
        if "e" in reply:
            raise ExpressionError(reply.get("text") or expression, _reason(reply), _position(reply)) from call.failure
        return reply

    def _value(self, expression: str, request: list, env):
        self._refuse_size(expression)
        try:
            return values.from_json(self.request(expression, request, env=env)["v"])
        except ValueError as error:
            raise ExpressionError(expression, f"the result has no Python value: {error}") from error

    def _lint(self, expression: str, request: list) -> dict | Problem:
        try:
            self._refuse_size(expression)
            return self.request(expression, request, milliseconds=sandbox.READ_CPU_MILLISECONDS)["v"]
        except ExpressionError as error:
            return Problem(error.reason, 0, len(expression))

    @staticmethod
    def _refuse_size(expression: str) -> None:
        if len(expression) > LONGEST_EXPRESSION:
            raise ExpressionLimit(shortened(expression), f"is longer than {LONGEST_EXPRESSION} characters; split it")
        if sum(map(expression.count, "([{")) > DEEPEST_EXPRESSION and _depth(expression) > DEEPEST_EXPRESSION:
            raise ExpressionLimit(shortened(expression), LIMITS["depth"])
        if not expression.strip():
            raise ExpressionError(expression, "the expression is empty")


class _Call:
    """Answers the sandbox's questions during one request and keeps the exception of a function that failed."""

    def __init__(self, functions: dict[str, Function], env):
        self.functions, self.env = functions, env
        self.failure: Exception | None = None

    def answer(self, question: dict) -> bytes:
        if "zone" in question:
            return values.dumps({"v": zones.table(question["zone"])})
        name = question["call"]
        try:
            return values.dumps({"v": self._call(self.functions[name], question["args"])})
        except Exception as error:  # noqa: BLE001  becomes an ExpressionError that names it
            self.failure = error
            return values.dumps({"e": f"function '{name}': {error}"})

    def _call(self, function: Function, args: list):
        return _called(function, [values.from_json(arg) for arg in args], self.env)


def _called(function: Function, given: list, env):
    if function.wants_env:
        given.insert(0, env)
    try:
        return function.call(*given)
    except TypeError:
        _refuse_misfit(function, given)
        raise


def _depth(expression: str) -> int:
    """How deep brackets nest; those inside texts may count, too."""
    depth = deepest = 0
    for character in expression:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _refuse_misfit(function: Function, given: list) -> None:
    """Says in the author's words when the arguments, not the function, are to blame."""
    try:
        inspect.signature(function.call).bind(*given)
    except TypeError as error:
        raise TypeError(f"takes ({', '.join(function.params)}): {error}") from None


def _reason(reply: dict) -> str:
    place = f"{reply['at']}: " if reply.get("at") else ""
    return place + reply["e"]


def _position(reply: dict) -> tuple[int, int] | None:
    return (reply["p"]["from"], reply["p"]["to"]) if reply.get("p") else None


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown name '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")


def shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."


def _places(text: str) -> Callable[[int], int]:
    """From JavaScript's count of characters to Python's; they differ where a character lies outside the basic plane."""
    if all(ord(character) <= 0xFFFF for character in text):
        return lambda place: place
    return lambda place: len(text.encode("utf-16-le")[: place * 2].decode("utf-16-le", "ignore"))


_plain = Feel()


def evaluate(expression: str, context: Mapping | None = None, functions=None, *, env=None):
    """The value of an expression, with FEEL's own functions and those given. See Feel.evaluate."""
    feel = Feel(functions) if functions else _plain
    return feel.evaluate(expression, context, env=env)


def warm() -> None:
    """Starts a child process, about 0.2 s, so that the first evaluation need not wait for it."""
    _plain.evaluate("1")
