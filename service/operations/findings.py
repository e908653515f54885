"""Operations on findings (clause 23.1)."""

from __future__ import annotations

from service.findings import steps
from service.notifications.notify import tell
from service.operations import registry
from service.organisation.rules import HEADS, head_group
from service.tickets.steps import heads, person_meant


@registry.operation("finding.open", inputs={"limits": dict}, outputs=("accept_due_at", "fix_due_at"))
def open_finding(step, *, limits):
    """The finding's procedure has begun: its limits as instants; the department is told."""
    finding = _finding(step)
    due = steps.opened(step.connection, finding, step.root_id, limits, step.now)
    _tell(step, finding, "finding-new", groups=[finding.department])
    return due


@registry.operation("finding.accept", inputs={"worker": str}, outputs=("worker",), optional=("worker",))
def accept(step, *, worker=None):
    """The department takes it; gives who puts it right, null for anybody of the department."""
    finding = _finding(step)
    by_head = step.actor.role in HEADS or heads(step.connection, step.actor.person)
    who = person_meant(step.connection, worker, finding.centre_id) if worker else None if by_head else step.actor.person
    steps.accepted(step.connection, finding, who, step.now)
    if who and who != step.actor.person:
        _tell(step, finding, "given-to-you", [who])
    return {"worker": who}


@registry.operation("finding.fixed", inputs={"result": str, "photo_after": list}, optional=("photo_after",))
def fixed(step, *, result, photo_after=None):
    """It is put right; whoever reported it is told to look again."""
    finding = _finding(step)
    steps.fixed(step.connection, finding, result or "", photo_after or [], step.actor.person, step.now)
    _tell(step, finding, "finding-fixed", [finding.reported_by])


@registry.operation("finding.back", inputs={"back_reason": str})
def back(step, *, back_reason):
    """Looked at again, and it is not right: the department is told why."""
    finding = _finding(step)
    steps.sent_back(step.connection, finding, back_reason or "", step.actor.person, step.now)
    _tell(step, finding, "finding-back", [finding.worker], [] if finding.worker else [finding.department])


@registry.operation("finding.close")
def close(step):
    """Looked at again, and it is right."""
    steps.closed(step.connection, _finding(step), step.actor.person, step.now)


@registry.operation("finding.to-ticket", inputs={"ticket_id": int}, optional=("ticket_id",))
def to_ticket(step, *, ticket_id=None):
    """It goes on as a ticket; the department stops here and hears from its slip."""
    steps.became_ticket(step.connection, _finding(step), ticket_id and int(ticket_id), step.now)


@registry.operation("finding.remind", inputs={"whom": str, "about": str})
def remind(step, *, whom, about):
    """Tell `whom` (department-head, department, reporter, supervisor) `about` this finding, in the owner's words."""
    finding = _finding(step)
    groups = {
        "department-head": head_group(finding.department),
        "department": finding.department,
        "supervisor": "supervisor",
    }
    if whom != "reporter" and whom not in groups:
        raise ValueError(f"finding.remind knows whom = reporter, {', '.join(groups)}; {whom} is none of them")
    _tell(
        step,
        finding,
        "reminder",
        [finding.reported_by] if whom == "reporter" else [],
        [groups[whom]] if whom in groups else [],
        about=about,
        whom=whom,
    )


def _finding(step):
    return steps.finding_of(step.connection, step.business_key)


def _tell(step, finding, kind, people=(), groups=(), **data):
    """Notices name the finding; its words are looked up when they are read."""
    tell(step, kind, finding, people, groups, urgent=str(finding.severity) == "danger", **data)
