"""Telling people from a diagram."""

from __future__ import annotations

from types import SimpleNamespace

from service.notifications.notify import tell
from service.operations import registry
from service.organisation.rules import head_group
from service.tickets import steps

WHOM = ("department-head", "owner", "worker", "supervisor", "manager", "quality")


@registry.operation(
    "ticket.remind",
    inputs={"whom": str, "about": str, "also": str, "department": str},
    optional=("also", "department"),
)
def remind(step, *, whom, about, also=None, department=None):
    """Tell `whom` (department-head, owner, worker, supervisor, manager, quality) `about` this ticket, in the owner's
    words; `also`: one more of these.
    """
    if step.variables.get("ticket_id") is None:
        return _remind_about(step, whom, about, department)
    ticket = steps.ticket_of(step.connection, step.business_key)
    people, groups = _addressed(step.connection, ticket, whom, department)
    if also:
        more_people, more_groups = _addressed(step.connection, ticket, also, department)
        people, groups = people + more_people, groups + more_groups
    tell(step, "reminder", ticket, people, groups, about=about, whom=whom, urgent=ticket.urgency == "urgent")


def _remind_about(step, whom: str, about: str, department: str | None) -> None:
    """The same for a process that is about no ticket (service.subjects): it has neither owner nor worker."""
    group = head_group(department or "") if whom == "department-head" else whom
    subject = SimpleNamespace(number=step.business_key)
    tell(step, "reminder", subject, groups=[group], about=about, whom=whom, urgent=step.variables.get("urgency") == "urgent")


def _addressed(connection, ticket, whom: str, department: str | None) -> tuple[list[str | None], list[str]]:
    if whom == "owner":
        return [ticket.owner], []
    worker, newest = steps.worker_of(connection, ticket.id)
    if whom == "worker":
        return ([worker], []) if worker else ([], [department or newest or "supervisor"])
    if whom == "department-head":
        return [], [head_group(department or newest or "")]
    if whom not in WHOM:
        raise ValueError(f"ticket.remind knows whom = {', '.join(WHOM)}; {whom} is none of them")
    return [], [whom]
