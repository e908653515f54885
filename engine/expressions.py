"""Expressions of diagrams, evaluated without the sandbox where that cannot change the answer.

Most expressions of a step are a text, a variable, or a comparison that was made before with the same values. FEEL is pure, so
the same text over the same values has the same value; only what calls a function of the domain is asked anew each time.
Surprise: only the names an expression uses are sent to the sandbox, so a long form value costs nothing elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from engine.errors import ExpressionError
from engine.feel import Feel
from engine.feel.values import dumps
from engine.timers import BadTimer, duration

REMEMBERED = 5000
_TEXT = re.compile(r'"([^"\\]*)"')
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LATER = re.compile(r'([^\W\d]\w*) \+ duration\("(P[^"]*)"\)')  # an instant and a constant: the usual deadline
_ARGUMENT = re.compile(r'"[^"\\,()]*"|-?\d+|[^\W\d]\w*(?:\.[^\W\d]\w*)*')
_NAME = re.compile(r'"[^"]*"|([^\W\d]\w*)(\s*\()?')
_WORDS = frozenset({"true", "false", "null"})
_MISSING = object()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an expression depends on: the names it uses (None: not known for sure) and whether its value can be kept."""

    names: frozenset[str] | None
    keep: bool
    shared: frozenset[str] = frozenset()  # names that FEEL's own functions have, used here as variables: `floor.name`
    call: tuple[str, tuple[str, ...]] | None = None  # a function of the domain with plain arguments, and nothing else


class Expressions:
    """Evaluates over variables; one per engine, usable from any thread."""

    def __init__(self, feel: Feel):
        self.feel = feel
        self._plans: dict[str, _Plan] = {}
        self._values: dict = {}

    def evaluate(self, expression: str, context: dict, env=None, step: dict | None = None):
        """The value of `expression`; every name it uses has to be in `context`. Raises ExpressionError.

        `step` keeps values that hold only within one step: what depends on its instant or on a function of the domain.
        """
        text = expression.strip()
        if (found := _TEXT.fullmatch(text)) is not None:
            return found.group(1)
        if text not in _WORDS and _PATH.fullmatch(text) and (value := _look_up(text, context)) is not _MISSING:
            return value
        if (instant := _later(text, context)) is not None:
            return instant
        plan = self._plan(text)
        if plan.names is None or not plan.names <= context.keys():
            return self.feel.evaluate(text, context, env=env)
        used = {name: context[name] for name in plan.names}
        if plan.shared:
            used |= {name: context[name] for name in plan.shared if name in context}
        known = self._values if plan.keep else step
        if known is None:
            return self._ask(text, plan, used, env)
        key = (text, dumps(used))
        if key in known:
            return known[key]
        value = self._ask(text, plan, used, env)
        if not isinstance(value, (dict, list)):  # those could be changed by who gets them
            known[key] = value
            if len(known) > REMEMBERED:
                known.pop(next(iter(known)), None)
        return value

    def _ask(self, text: str, plan: _Plan, used: dict, env):
        """Call a function of the domain directly where that is all the text does; else ask the sandbox."""
        if plan.call is None:
            return self.feel.evaluate(text, used, env=env)
        name, arguments = plan.call
        values = [_argument(a, used) for a in arguments]
        if _MISSING in values:
            return self.feel.evaluate(text, used, env=env)
        return self.feel.call(name, values, env=env)

    def names(self, expression: str) -> frozenset[str]:
        """The variables an expression uses; empty where it cannot be read."""
        return self._plan(expression.strip()).names or frozenset()

    def _plan(self, text: str) -> _Plan:
        plan = self._plans.get(text)
        if plan is None:
            plan = self._plans[text] = self._read(text)
        return plan

    def _read(self, text: str) -> _Plan:
        try:
            names = frozenset(self.feel.names(text))
        except ExpressionError:
            return _Plan(None, False)
        if "[" in text or any(" " in name for name in names):  # a filter's own names, names that depend on the scope
            return _Plan(None, False)
        calls = any(name in text for name in self.feel.functions)
        found = [(match[1], bool(match[2])) for match in _NAME.finditer(text) if match[1]]
        shared = frozenset(name for name, _ in found) - {name for name, called in found if called} - names - _WORDS
        return _Plan(names - set(self.feel.functions), not calls and "now" not in names, shared, self._plain_call(text))

    def _plain_call(self, text: str) -> tuple[str, tuple[str, ...]] | None:
        for name in self.feel.functions:
            if text.startswith(f"{name}(") and text.endswith(")"):
                arguments = tuple(a.strip() for a in text[len(name) + 1:-1].split(","))
                if all(_ARGUMENT.fullmatch(a) for a in arguments):
                    return name, arguments
        return None


def _look_up(path: str, context: dict):
    """The value of a variable or of an entry of one; _MISSING where FEEL has to say what is wrong."""
    value, *rest = path.split(".")
    value = context.get(value, _MISSING)
    for name in rest:
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _argument(text: str, context: dict):
    """The value of a plain argument: a text, a whole number, a variable; _MISSING where FEEL has to say what it is."""
    if text.startswith('"'):
        return text[1:-1]
    if text.lstrip("-").isdigit():
        return int(text)
    return _MISSING if text in _WORDS else _look_up(text, context)


def _later(text: str, context: dict) -> datetime | None:
    """An instant of the context plus a constant duration of days, hours, minutes, seconds; None where it is anything else."""
    found = _LATER.fullmatch(text)
    if found is None or not isinstance(context.get(found.group(1)), datetime):
        return None
    try:
        return context[found.group(1)] + duration(found.group(2))
    except BadTimer:
        return None
