"""Operations of the escalation procedure (clause 12)."""

from __future__ import annotations

from types import SimpleNamespace

from service.notifications.notify import tell
from service.operations import registry
from service.tickets import steps

LEVELS = {1: "supervisor", 2: "manager", 3: "quality"}


@registry.operation(
    "escalation.ask",
    inputs={
        "level": int,
        "subject": str,
        "reason": str,
        "asked_by": str,
        "ticket_id": int,
        "department": str,
        "owner": str,
        "urgency": str,
    },
    outputs=("escalation_id", "level"),
    optional=("reason", "asked_by", "ticket_id", "department", "owner", "urgency"),
)
def ask(step, *, level, subject, reason=None, asked_by=None, ticket_id=None, department=None, owner=None, urgency=None):
    """Open the escalation or raise it a level, and tell that level; whoever was asked before is told by the diagram."""
    id = steps.escalated(
        step.connection,
        step.instance_id,
        step.scope.centre,
        level=int(level),
        subject=subject or "",
        reason=reason or "",
        asked_by=asked_by or step.actor.person,
        ticket_id=ticket_id,
        now=step.now,
    )
    tell(
        step,
        "escalated",
        _ticket(step),
        groups=[LEVELS[int(level)]],
        level=int(level),
        reason=reason or "",
        urgent=urgency == "urgent",
    )
    return {"escalation_id": id, "level": int(level)}


@registry.operation(
    "escalation.answer",
    inputs={"level": int, "answer": str, "guidance": str, "person": str, "department_called": str, "explanation": str},
    outputs=("person", "department_called"),
    optional=("level", "guidance", "person", "department_called", "explanation"),
)
def answer(step, *, answer, level=None, guidance=None, person=None, department_called=None, explanation=None):
    """Keep the answer and tell the asker; gives the owner from now on and the department called in."""
    result = steps.escalation_answered(
        step.connection,
        step.instance_id,
        answer=answer,
        guidance=guidance or "",
        person=person,
        department=department_called,
        explanation=explanation,
        by=step.actor.person,
        now=step.now,
    )
    tell(step, "answered", _ticket(step), [step.variables.get("asked_by"), result["person"]], answer=answer)
    return result


def _ticket(step):
    """The ticket, or what else the instance is about, by its number (service.subjects)."""
    if step.variables.get("ticket_id"):
        return steps.ticket_of(step.connection, step.business_key)
    return SimpleNamespace(number=step.business_key)
