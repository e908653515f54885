"""Patterns of text fields: only those that cannot run away.

Python's regular expressions backtrack; a pattern with nested or alternating repeats can need longer than the universe
for thirty characters. Such patterns are refused when the form is read, as are look-around and back references (which
RE2 refuses, too). What is left is matched against short texts only. As in form-js, a pattern may match anywhere.
"""

from __future__ import annotations

import re
from re import _constants as op
from re import _parser

MAX_PATTERN = 200
MAX_OPEN_REPEATS = 3
MAX_REPEAT = 1000
MAX_TEXT = 200


class UnsafePattern(ValueError):
    """The pattern is not allowed; the text says why."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern ready for `search`; raises UnsafePattern."""
    if len(pattern) > MAX_PATTERN:
        raise UnsafePattern(f"it has more than {MAX_PATTERN} characters")
    try:
        tree = _parser.parse(pattern)
        open_repeats = _open_repeats(tree, inside=False)
        expression = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsafePattern(f"it cannot be read ({error})") from None
    if open_repeats > MAX_OPEN_REPEATS:
        raise UnsafePattern(f"it has more than {MAX_OPEN_REPEATS} open repeats")
    return expression


def _open_repeats(tree, inside: bool) -> int:
    """How many repeats have no fixed count. `inside`: below a repeat, where none of them and no choice may stand."""
    count = 0
    for code, argument in tree:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            least, most, body = argument
            if inside and least != most:
                raise UnsafePattern("it nests repeats")
            if most is not op.MAXREPEAT and most > MAX_REPEAT:
                raise UnsafePattern(f"it repeats more than {MAX_REPEAT} times")
            count += (most is op.MAXREPEAT or most > 20 and least != most) + _open_repeats(body, inside or most > 1)
        elif code is op.SUBPATTERN:
            count += _open_repeats(argument[-1], inside)
        elif code is op.BRANCH:
            if inside:
                raise UnsafePattern("it repeats a choice")
            count += sum(_open_repeats(branch, inside) for branch in argument[1])
        elif code not in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN, op.AT, op.CATEGORY):
            raise UnsafePattern(f"it uses {str(code).lower().replace('_', ' ')}")
    return count
