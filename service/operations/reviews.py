"""Operations of reviews (clauses 23.3, 24.9, 25.3)."""

from __future__ import annotations

from datetime import datetime

from service.notifications.notify import tell
from service.operations import registry
from service.reviews import steps


@registry.operation("review.open", inputs={"kind": str, "day": str, "due_at": datetime})
def open_review(step, **given):
    """A review begins: kind is daily or weekly. One of the same number begins again, for what was corrected after it was signed."""
    steps.opened(step.connection, step.business_key, step.scope.centre, step.root_id, given, step.now)


@registry.operation("review.pass-on", inputs={"whom": str, "about": str})
def pass_on(step, *, whom, about):
    """Nobody has signed in time: `whom` (a role) has it from now on, and is told with whoever had it."""
    review = steps.review_of(step.connection, step.business_key)
    steps.passed_on(step.connection, review)
    had = "supervisor" if str(review.kind) == "daily" else "manager"
    tell(step, "reminder", review, groups=[whom, had], about=about, whom=whom)


@registry.operation("review.signed", inputs={"signature": int}, outputs=("content_hash",))
def signed(step, *, signature):
    """The review is signed by this signature of this person; gives the hash of what was signed, so that the trace holds it."""
    review = steps.review_of(step.connection, step.business_key)
    by, place = step.actor.person, f"{step.instance_id}:{step.element_id}"
    return {"content_hash": steps.signed(step.connection, review, signature, by, place, step.root_id)}
