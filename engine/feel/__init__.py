"""FEEL, the one expression language of diagrams, tables, forms and mappings, evaluated in a sandbox.

`evaluate(expression, context)` gives a Python value; an unknown name or a wrong type is an ExpressionError, too much
time or memory an ExpressionLimit. The JavaScript side (npm's feelin) is built into `bundle.js` at set-up by
`build.mjs`. Reference: docs/reference/feel.md.
"""

from engine.feel.language import Feel, Function, Problem, evaluate, warm
from engine.feel.values import YearsMonths, from_json, to_json

__all__ = ["Feel", "Function", "Problem", "YearsMonths", "evaluate", "from_json", "to_json", "warm"]
