"""Operations on tickets (customer-request)."""

from __future__ import annotations

from datetime import date, datetime

from service.notifications.notify import tell
from service.operations import registry
from service.tickets import contracts, pauses, steps, targets
from service.tickets.models import NoteKind

INSTANTS = ("response_due_at", "arrival_due_at", "resolution_due_at", "reminder_at")


@registry.operation(
    "ticket.set-targets",
    inputs={"service_level": dict, "registered_at": datetime, "reply_deadline": datetime},
    outputs=INSTANTS,
    optional=("reply_deadline",),
)
def set_targets(step, *, service_level, registered_at, reply_deadline=None):
    """Compute the ticket's response, arrival and resolution instants from the decision table's row."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    return targets.set_targets(step.connection, ticket, service_level, registered_at, step.now, reply_deadline)


@registry.operation("ticket.promised", inputs={"category": str, "urgency": str}, outputs=("promised",))
def promised(step, *, category, urgency):
    """What contracts promised for such a request of this unit and customer: per limit the shortest promise, or null."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    there = contracts.in_force(step.connection, ticket.centre_id)
    on = contracts.date_in(step.connection, ticket.centre_id, ticket.registered_at) if there else date.min
    request = contracts.Request(ticket.unit_id, ticket.customer_id, category, urgency, on)
    return {"promised": contracts.promised(there, request)}


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


@registry.operation("ticket.pause", inputs={"pause_reason": str, "pause_until": datetime}, outputs=INSTANTS)
def pause(step, *, pause_reason, pause_until):
    """The handling stands still, at the latest until `pause_until`: no limit runs; gives the instants as they are then."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    instants = pauses.begin(step.connection, ticket, pause_reason, pause_until, step.actor.person, step.now)
    step.follow(instants, f"暂停：{pauses.NAMES[pause_reason]}")
    _tell_all(step, "paused", ticket)
    return instants


@registry.operation("ticket.resume", inputs={"note": str}, outputs=INSTANTS, optional=("note",))
def resume(step, *, note=None):
    """Work goes on, and the limits with it: each keeps the business time it had used; gives the instants."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    instants = pauses.end(step.connection, ticket, note or "", step.actor.person, step.now)
    step.follow(instants, "继续办")
    _tell_all(step, "resumed", ticket)
    return instants


@registry.operation(
    "ticket.change-urgency",
    inputs={"urgency": str, "service_level": dict, "reason": str},
    outputs=(*INSTANTS, "service_level"),
)
def change_urgency(step, *, urgency, service_level, reason):
    """Another urgency with the figures that the table has for it; each limit keeps its opening, its pauses and the
    customer's deadline. Gives the instants; a limit that the table does not have is null.
    """
    ticket = steps.ticket_of(step.connection, step.business_key)
    changed = steps.urgency_changed(
        step.connection, ticket, urgency, service_level, reason or "", step.actor.person, step.now
    ) | {"service_level": service_level}
    step.follow(changed, f"{ticket.urgency} → {urgency}：{reason}")
    _tell_all(step, "urgency-changed", ticket, urgency=urgency)
    return changed


@registry.operation(
    "ticket.change-deadline",
    inputs={"reply_deadline": datetime, "text": str},
    outputs=INSTANTS,
    optional=("reply_deadline", "text"),
)
def change_deadline(step, *, reply_deadline=None, text=None):
    """The customer asks for another moment, or (null) for none; where it is earlier than the table's it counts."""
    ticket = steps.ticket_of(step.connection, step.business_key)
    by = step.actor.person
    instants = steps.deadline_named(step.connection, ticket, reply_deadline, text or "", by, step.now)
    step.follow(instants, "客户改了时限")
    _tell_all(step, "deadline-changed", ticket)
    return instants


def _tell_all(step, kind, ticket, **data) -> None:
    """Tell the owner and whoever works on it, except who did it."""
    worker, department = steps.worker_of(step.connection, ticket.id)
    urgent = data.get("urgency", ticket.urgency) == "urgent"
    groups = [department] if department and not worker else []
    tell(step, kind, ticket, [ticket.owner, worker], groups, urgent=urgent, **data)


@registry.operation(
    "ticket.reopen",
    inputs={"service_level": dict, "words": str},
    outputs=INSTANTS,
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
