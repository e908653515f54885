"""Operations on tickets (customer-request)."""

from __future__ import annotations

from datetime import datetime

from service.notifications.notify import tell
from service.operations import registry
from service.tickets import steps, targets
from service.tickets.models import NoteKind


@registry.operation(
    "ticket.set-targets",
    inputs={"service_level": dict, "registered_at": datetime, "reply_deadline": datetime},
    outputs=("response_due_at", "arrival_due_at", "resolution_due_at", "reminder_at"),
    optional=("reply_deadline",),
)
def set_targets(step, *, service_level, registered_at, reply_deadline=None):
    """Compute the ticket's response, arrival and resolution instants from the decision table's row."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    return targets.set_targets(step.connection, ticket.id, service_level, registered_at, step.now, reply_deadline)


@registry.operation("ticket.on-the-spot", inputs={"result": str}, outputs=("handled_at",))
def on_the_spot(step, *, result):
    """Record what was done on the spot; gives the moment it was done."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    return {"handled_at": steps.handled_on_the_spot(step.connection, ticket, result or "", step.now)}


@registry.operation("ticket.note-urge", inputs={"text": str}, outputs=("urged",), optional=("text",))
def note_urge(step, *, text=None):
    """Count the customer's urge, keep the words, tell the owner and whoever works on it; gives the count."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    count = steps.urged(step.connection, ticket, text or "", step.actor.person, step.now)
    worker, department = steps.worker_of(step.connection, ticket.id)
    tell(
        step,
        "urge",
        ticket,
        [ticket.owner, worker],
        [] if worker or not department else [department],
        count=count,
        urgent=True,
    )
    return {"urged": count}


@registry.operation("ticket.note-information", inputs={"text": str})
def note_information(step, *, text):
    """Keep what the customer added; tell the owner and whoever works on it."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    steps.note(step.connection, ticket, NoteKind.INFORMATION, text or "", step.actor.person, step.now)
    worker, _ = steps.worker_of(step.connection, ticket.id)
    tell(step, "information", ticket, [ticket.owner, worker])


@registry.operation(
    "ticket.reopen",
    inputs={"service_level": dict, "words": str},
    outputs=("response_due_at", "arrival_due_at", "resolution_due_at", "reminder_at"),
    optional=("words",),
)
def reopen(step, *, service_level, words=None):
    """Back to dispatch after a bad score, with new targets from now."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    return steps.reopened(step.connection, ticket, service_level, words or "", step.actor.person, step.now)


@registry.operation("ticket.close", inputs={"explanation": str}, optional=("explanation",))
def close(step, *, explanation=None):
    """Close the ticket with its satisfaction, if a return visit gave one."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    satisfaction = step.variables.get("satisfaction")
    visited = step.variables.get("reached") == "yes" and ticket.return_visit_wanted
    steps.closed(step.connection, ticket, satisfaction if visited else None, visited, explanation or "", step.now)


@registry.operation("ticket.withdraw", inputs={"reason": str})
def withdraw(step, *, reason):
    """The customer withdraws: the ticket ends with the reason; who worked on it is told."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    worker, department = steps.worker_of(step.connection, ticket.id)
    steps.withdrawn(step.connection, ticket, reason or "", step.actor.person, step.now)
    tell(step, "withdrawn", ticket, [ticket.owner, worker], [] if worker or not department else [department])
