"""Errors of the engine: one class per broken expectation, ids as attributes, so that a caller can act on them.

A message names the thing, the rule and the next step. Errors about access live in the domain, not here.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine raises on purpose."""


class NotFound(EngineError):
    """The id names nothing. Look the thing up again; it may belong to another database."""

    def __init__(self, what: str, key: object):
        self.what, self.key = what, key
        super().__init__(f"{what} {key} does not exist. Open the list again and pick it there.")


class TaskNotOpen(EngineError):
    """Somebody was faster, or the task was cancelled. Show `ended_by`, `ended_at` and how it ended."""

    def __init__(self, task_id: str, name: str, how: str, ended_by: str | None, ended_at):
        self.task_id, self.name, self.how, self.ended_by, self.ended_at = task_id, name, how, ended_by, ended_at
        super().__init__(f"Task {name} ({task_id}) is {how}"
                         f"{f' by {ended_by}' if ended_by else ''}{f' at {ended_at:%Y-%m-%d %H:%M}Z' if ended_at else ''}."
                         " It can be done only once; look at the ticket to see what came next.")


class VersionClash(EngineError):
    """The thing changed since the caller looked at it. Show both texts, then send again with `current`."""

    def __init__(self, task_id: str, seen: int, current: int):
        self.task_id, self.seen, self.current = task_id, seen, current
        super().__init__(f"Task {task_id} changed since you opened it (you saw version {seen}, it is now {current})."
                         " Compare both, then send again.")


class FormInvalid(EngineError):
    """Values break the form's rules. `faults` maps field key to (rule, text for people)."""

    def __init__(self, form: str, faults: dict[str, str]):
        self.form, self.faults = form, faults
        super().__init__(f"Form {form}: " + "; ".join(f"{k}: {v}" for k, v in faults.items()))


class DefinitionRefused(EngineError):
    """A procedure cannot be deployed. `faults` lists every reason with file, element and remedy."""

    def __init__(self, faults):
        self.faults = list(faults)
        super().__init__("\n".join(str(f) for f in self.faults))


class ExpressionError(EngineError):
    """A FEEL expression failed: syntax, unknown name, wrong type, or a limit. `position` is (from, to) where known."""

    def __init__(self, expression: str, reason: str, position: tuple[int, int] | None = None):
        self.expression, self.reason, self.position = expression, reason, position
        super().__init__(f"FEEL `{expression}`: {reason}")


class ExpressionLimit(ExpressionError):
    """The expression used more time or memory than it may. It was stopped; the next call works."""


class TooLateToUndo(EngineError):
    """The step stays. `why`: time (its time is over), acted (somebody went on from it: `by`, `at`), told (its notices are out),
    upgraded (it was done before an upgrade, which kept it in another form).
    """

    def __init__(self, task_id: str, name: str, why: str, by: str | None = None, at=None):
        self.task_id, self.name, self.why, self.by, self.at = task_id, name, why, by, at
        reason = {"time": "its time is over", "acted": "somebody went on from it", "told": "it was told to people already",
                  "upgraded": "it was done before the program was upgraded"}[why]
        super().__init__(f"Task {name} ({task_id}) cannot be undone: {reason}"
                         f"{f' ({by} at {at:%Y-%m-%d %H:%M:%S}Z)' if by and at else ''}. Open the ticket and go on from where it is.")


class StepUndone(EngineError):
    """This request was done and then undone. Send the form again with a request id of its own."""

    def __init__(self, request_id: str):
        self.request_id = request_id
        super().__init__(f"Request {request_id} was done and then undone. Load the form again and send it anew.")


class StepFailed(EngineError):
    """The engine could not finish the step. The old state stays; an incident names element and cause."""

    def __init__(self, instance_id: str | None, element_id: str | None, reason: str, kind: str = "error"):
        self.instance_id, self.element_id, self.reason, self.kind = instance_id, element_id, reason, kind
        self.root_id: str | None = None  # of the family, where the instance itself was never stored
        super().__init__(f"Step at {element_id or '-'} failed: {reason}")


class NotPossible(EngineError):
    """The command does not fit the state of the thing (cancelled, ended, not armed). The text says what would fit."""


class InUse(Exception):
    """Somebody is working on the family just now; who does not want to wait looks again later."""


def text_of(error: Exception) -> str:
    """Its text as every database takes it: one that cannot be written must not hide that something failed."""
    return str(error).replace("\x00", "").encode("utf-8", "replace").decode()
