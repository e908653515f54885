"""Expressions of diagrams, evaluated without the sandbox where that cannot change the answer.

Most expressions of a step are simple enough to be worked out here (engine.feel.simple); of the others FEEL is pure, so the same
text over the same values has the same value, and only what calls a function of the domain is asked anew in each step.
Surprise: only the names an expression uses are sent to the sandbox, so a long form value costs nothing elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.errors import ExpressionError
from engine.feel import Feel
from engine.feel.simple import Simple, Unsure
from engine.feel.values import dumps

REMEMBERED = 5000
_UNKNOWN = object()
_NAME = re.compile(r'"[^"]*"|([^\W\d]\w*)(\s*\()?')
_WORDS = frozenset({"true", "false", "null"})


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an expression depends on: the names it uses (None: not known for sure) and whether its value can be kept."""

    names: frozenset[str] | None
    keep: bool
    shared: frozenset[str] = frozenset()  # names that FEEL's own functions have, used here as variables: `floor.name`


class Expressions:
    """Evaluates over variables; one per engine, usable from any thread."""

    def __init__(self, feel: Feel):
        self.feel = feel
        self._plans: dict[str, _Plan] = {}
        self._simple: dict[str, Simple | None] = {}
        self._values: dict = {}

    def evaluate(self, expression: str, context: dict, env=None, step: dict | None = None):
        """The value of `expression`; every name it uses has to be in `context`. Raises ExpressionError.

        `step` keeps values that hold only within one step: what depends on its instant or on a function of the domain.
        """
        text = expression.strip()
        simple = self._simple[text] if text in self._simple else self._read_simple(text)
        if simple is not None and not simple.calls and simple.names <= context.keys():
            try:
                return simple.evaluate(context, None)
            except Unsure:
                pass
        return self._asked(text, simple, context, env, step)

    def _asked(self, text: str, simple: Simple | None, context: dict, env, step: dict | None):
        plan = self._plan(text)
        if plan.names is None or not plan.names <= context.keys():
            return self.feel.evaluate(text, context, env=env)
        used = {name: context[name] for name in plan.names}
        if plan.shared:
            used |= {name: context[name] for name in plan.shared if name in context}
        known = self._values if plan.keep else step
        if known is None:
            return self._ask(text, simple, used, env)
        key = (text, dumps(used))
        value = known.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._ask(text, simple, used, env)
            if not isinstance(value, (dict, list)):  # those could be changed by who gets them
                if len(known) >= REMEMBERED:
                    known.clear()  # in one go: another thread may be reading
                known[key] = value
        return value

    def _ask(self, text: str, simple: Simple | None, used: dict, env):
        """Call the functions of the domain directly where all around them is simple; else ask the sandbox."""
        if simple is not None and simple.calls:
            try:
                return simple.evaluate(used, lambda name, arguments: self.feel.call(name, arguments, env=env))
            except (Unsure, ExpressionError):
                pass  # the sandbox says what is wrong, and where
        return self.feel.evaluate(text, used, env=env)

    def names(self, expression: str) -> frozenset[str]:
        """The variables an expression uses; empty where it cannot be read."""
        return self._plan(expression.strip()).names or frozenset()

    def _plan(self, text: str) -> _Plan:
        plan = self._plans.get(text)
        if plan is None:
            plan = self._plans[text] = self._read(text)
        return plan

    def _read_simple(self, text: str) -> Simple | None:
        """None for a text that is not simple, or that FEEL reads otherwise: the names that it takes have to be the same."""
        try:
            simple = Simple(text, self.feel.functions)
        except Unsure:
            simple = None
        if simple is not None and not simple.bare and simple.names != self._plan(text).names:
            simple = None
        self._simple[text] = simple
        return simple

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
        return _Plan(names - set(self.feel.functions), not calls and "now" not in names, shared)
