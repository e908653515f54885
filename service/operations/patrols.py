"""Operations on patrols (clause 23)."""

from __future__ import annotations

from datetime import datetime

from service.notifications.notify import tell
from service.operations import registry
from service.patrols import steps

GROUPS = ("floors", "greenery", "toilets", "facilities", "renovation", "notices")
NAMED = 6  # floors that a notice names; of more it gives the number


@registry.operation(
    "patrol.open",
    inputs={
        "plan_id": int,
        "area_id": int,
        "patrol_name": str,
        "day": str,
        "slot": str,
        "slot_starts_at": datetime,
        "slot_ends_at": datetime,
        "floors": list,
    },
    outputs=("visits",),
)
def open_patrol(step, *, plan_id, area_id, **given):
    """Write down the patrol with its floors; gives them as `visits` (visit_id, label)."""
    given |= {"plan_id": int(plan_id), "area_id": int(area_id)}
    return {"visits": steps.opened(step.connection, step.business_key, step.scope.centre, step.root_id, given)}


@registry.operation(
    "patrol.record-floor",
    inputs={"visit_id": int, "submission": str} | dict.fromkeys(GROUPS, str),
    outputs=("findings",),
    optional=("submission",),
)
def record_floor(step, *, visit_id, submission=None, **answers):
    """A floor is walked: its answers, its proofs; what was seen goes to the departments at once. Gives the findings' numbers."""
    by, now = step.actor.person, step.now
    return {"findings": steps.recorded(step.connection, int(visit_id), answers, submission or None, by, now)}


@registry.operation("patrol.close", outputs=("missed",))
def close(step):
    """The patrol is over; floors that nobody walked count as missed and the supervisor is told. Gives how many."""
    labels = steps.closed(step.connection, step.business_key, step.now)
    if labels:
        named = "、".join(labels[:NAMED])
        subject = steps.subject(step.business_key)
        tell(step, "patrol-missed", subject, groups=["supervisor"], count=len(labels), floors=named)
    return {"missed": len(labels)}
