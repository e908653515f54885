"""Operations on slips (派单): one department's part of a ticket."""

from __future__ import annotations

from datetime import datetime

from service.notifications.notify import tell
from service.operations import registry
from service.organisation.rules import HEADS
from service.tickets import steps


@registry.operation(
    "slip.create",
    inputs={"department": str, "instruction": str},
    outputs=("slip_id", "slip_number"),
    optional=("instruction",),
)
def create_slip(step, *, department, instruction=None):
    """Number and send a slip to a department, and tell its people."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    slip = steps.slip_created(step.connection, ticket, department, instruction or "", step.actor.person, step.now)
    tell(step, "slip-sent", ticket, groups=[department], slip=slip["slip_number"], urgent=ticket.urgency == "urgent")
    return slip


@registry.operation("slip.accept", inputs={"slip_id": int, "worker": str}, outputs=("worker",), optional=("worker",))
def accept(step, *, slip_id, worker=None):
    """The department takes the slip; gives who will do it, null for anybody of the department."""
    by_head = step.actor.role in HEADS or steps.heads(step.connection, step.actor.person)
    who = steps.slip_accepted(step.connection, slip_id, worker, step.actor.person, by_head, step.now)
    ticket = steps.ticket_of(step.connection, step.business_key)
    if who and who != step.actor.person:
        tell(step, "given-to-you", ticket, [who], urgent=ticket.urgency == "urgent")
    return {"worker": who}


@registry.operation("slip.ask", inputs={"slip_id": int, "question": str})
def ask(step, *, slip_id, question):
    """The department asks the owner before it accepts."""
    steps.slip_asked(step.connection, slip_id, question or "", step.actor.person, step.now)
    ticket = steps.ticket_of(step.connection, step.business_key)
    tell(step, "asked", ticket, [ticket.owner])


@registry.operation(
    "slip.arrive",
    inputs={"slip_id": int, "arrived_at": datetime, "photo_before": list},
    optional=("arrived_at", "photo_before"),
)
def arrive(step, *, slip_id, arrived_at=None, photo_before=None):
    """Somebody of the department is on site."""
    steps.slip_arrived(
        step.connection, slip_id, arrived_at or step.now, photo_before or [], step.actor.person, step.now
    )


@registry.operation(
    "slip.handled",
    inputs={
        "slip_id": int,
        "result": str,
        "cause": str,
        "material": str,
        "labour_minutes": int,
        "cost_yuan": float,
        "photo_after": list,
    },
    outputs=("handled_at", "arrival_due_at", "resolution_due_at", "reminder_at"),
    optional=("cause", "material", "labour_minutes", "cost_yuan", "photo_after"),
)
def handled(step, *, slip_id, result, cause=None, material=None, labour_minutes=None, cost_yuan=None, photo_after=None):
    """The work is done: result, cause, material, labour, cost; gives the moment, and the limits that the end of a
    pause moves. Cost comes in yuan and is stored in fen.
    """
    from service.operations.functions import fen

    ticket = steps.ticket_of(step.connection, step.business_key)
    instants = steps.slip_handled(
        step.connection,
        ticket,
        slip_id,
        result=result or "",
        cause=cause or "",
        material=material or "",
        labour_minutes=None if labour_minutes is None else int(labour_minutes),
        cost_fen=None if cost_yuan is None else fen(cost_yuan),
        photos=photo_after or [],
        by=step.actor.person,
        now=step.now,
    )
    tell(step, "handled", ticket, [ticket.owner])
    return instants | {"handled_at": step.now}


@registry.operation("slip.back", inputs={"slip_id": int, "fail_reason": str}, optional=("fail_reason",))
def back(step, *, slip_id, fail_reason=None):
    """The owner's check failed; the worker is told why."""
    steps.slip_back(step.connection, slip_id, fail_reason or "", step.actor.person, step.now)
    ticket = steps.ticket_of(step.connection, step.business_key)
    worker, department = steps.worker_of(step.connection, ticket.id)
    tell(step, "back", ticket, [worker], [] if worker else [department], urgent=ticket.urgency == "urgent")


@registry.operation("slip.verified", inputs={"slip_id": int})
def verified(step, *, slip_id):
    """The owner's check passed."""
    steps.slip_verified(step.connection, slip_id, step.now)


@registry.operation("slip.cannot-solve", inputs={"slip_id": int, "reason": str})
def cannot_solve(step, *, slip_id, reason):
    """The department says why it cannot solve it; the escalation comes next in the diagram."""
    steps.slip_not_solved(step.connection, slip_id, reason or "", step.actor.person, step.now)
