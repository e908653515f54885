"""Operations of the missed-call procedure (clause 24.7)."""

from __future__ import annotations

from service.operations import registry
from service.reception import steps
from service.reception.models import CallState


@registry.operation(
    "call.tried",
    inputs={"reached": str, "reason": str, "words": str},
    outputs=("tries",),
    optional=("reason", "words"),
)
def tried(step, *, reached, reason=None, words=None):
    """Write down that somebody called back, and what was said; gives how often it has been tried."""
    by = step.actor.person
    return {"tries": steps.tried(step.connection, step.business_key, reached == "yes", reason or "", words or "", by, step.now)}


@registry.operation("call.end", inputs={"state": str})
def end(step, *, state):
    """How it stands with the call: asked, answered or not-reached."""
    steps.ended(step.connection, step.business_key, CallState(state))


@registry.operation("call.became", inputs={"ticket_number": str}, outputs=("ticket_number",))
def became(step, *, ticket_number):
    """A ticket came of the call. Refused for a number that is no ticket of this centre."""
    number = steps.became(step.connection, step.business_key, step.scope.centre, ticket_number or "")
    return {"ticket_number": number}
