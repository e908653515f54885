"""What a procedure must satisfy to be deployed. Each check is one function with an id and a remedy.

`check` runs all of them and gives every fault at once; nothing is executed. What reading alone can see (is this BPMN, is this
text a duration) is found by the readers and listed here with the rest, so that docs/reference/checks.md has one list. A new
check is a function with `@rule(...)`, a test with a small diagram that fails it, and a line in that page.
"""

from engine.checks import elements, events, expressions, flow, papers  # noqa: F401 - importing them registers their checks
from engine.checks.core import REGISTRY, calls, check, check_all, check_file, names_of
from engine.checks.papers import STATUSES

__all__ = ["REGISTRY", "STATUSES", "calls", "check", "check_all", "check_file", "names_of"]
