"""What the steps of a process do to tickets, slips and escalations. Called by service/operations only, inside the step.

Plain statements on the step's connection, no session: a step is the hot path. Surprise: nothing here decides where the
ticket goes next; each function records what has just happened and returns what the diagram wants to know.
"""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.sql import Prepared
from service.errors import NotThere, Refused
from service.organisation.models import Person, RoleAssignment
from service.organisation.rules import HEADS
from service.search.actions import add_ticket_text
from service.tickets import pauses, rows, rules, targets
from service.tickets.models import (
    Escalation,
    NoteKind,
    Photo,
    PhotoKind,
    Slip,
    SlipState,
    Ticket,
    TicketNote,
    TicketState,
    Urgency,
)
from service.tickets.rows import First

_ticket, _slip, _note, _photo, _escalation = (
    Ticket.__table__,
    Slip.__table__,
    TicketNote.__table__,
    Photo.__table__,
    Escalation.__table__,
)
_URGENCY = {Urgency.NORMAL: "一般", Urgency.URGENT: "紧急"}
_person, _role = Person.__table__, RoleAssignment.__table__


# --- tickets ----------------------------------------------------------------------------------------------------------


def ticket_of(connection: Connection, number: str) -> SimpleNamespace:
    """The ticket that a process instance is about. Its business key is the ticket's number."""
    row = _TICKET_BY_NUMBER.record(connection, number=number)
    if row is None:
        raise NotThere("Ticket", number)
    return row


_TICKET_BY_NUMBER = Prepared(sa.select(_ticket).where(_ticket.c.number == sa.bindparam("number")))
_TICKET_BY_ID = Prepared(sa.select(_ticket).where(_ticket.c.id == sa.bindparam("id")))
_SLIPS_OF = Prepared(
    sa.select(sa.func.count().label("slips")).select_from(_slip).where(_slip.c.ticket_id == sa.bindparam("ticket_id"))
)
_NEW_SLIP = Prepared(
    sa.insert(_slip)
    .values(
        {
            c: sa.bindparam(c, type_=_slip.c[c].type)
            for c in ("centre_id", "ticket_id", "count", "number", "department", "state", "instruction", "sent_by", "sent_at")
        }
        | {"result": "", "cause": "", "material": "", "reason": "", "outsider": ""}
    )
    .returning(_slip.c.id)
)
_SLIP = Prepared(sa.select(_slip).where(_slip.c.id == sa.bindparam("id")))
_NEWEST_SLIP = Prepared(
    sa.select(_slip.c.worker, _slip.c.department)
    .where(_slip.c.ticket_id == sa.bindparam("ticket_id"))
    .order_by(_slip.c.id.desc())
    .limit(1)
)
_END_SLIPS = Prepared(
    sa.update(_slip)
    .where(
        _slip.c.ticket_id == sa.bindparam("b_ticket_id"), _slip.c.state.not_in([SlipState.VERIFIED, SlipState.CANCELLED])
    )
    .values(state=SlipState.CANCELLED, cancelled_at=sa.bindparam("cancelled_at", type_=_slip.c.cancelled_at.type))
)
_ABOUT = Prepared(
    sa.select(_person.c.name)
    .join(_ticket, _ticket.c.about_person_id == _person.c.id)
    .where(_ticket.c.id == sa.bindparam("ticket_id"), _person.c.username == sa.bindparam("username"))
)


def note(connection: Connection, ticket: SimpleNamespace, kind: NoteKind, text: str, by: str, now: datetime) -> None:
    if text:
        said = {"centre_id": ticket.centre_id, "ticket_id": ticket.id, "kind": kind, "text": text, "at": now, "by": by}
        rows.add(connection, _note, [said])
        add_ticket_text(connection, ticket.centre_id, ticket.id, text)


def urged(connection: Connection, ticket: SimpleNamespace, text: str, by: str, now: datetime) -> int:
    """Count the customer's urge and keep their words; gives the new count."""
    note(connection, ticket, NoteKind.URGE, text or "催办", by, now)
    _change(connection, ticket.id, urged_count=_ticket.c.urged_count + 1)
    return ticket.urged_count + 1


def handled_on_the_spot(connection: Connection, ticket: SimpleNamespace, result: str, now: datetime) -> datetime:
    """Response, arrival and resolution are met in one moment; gives that moment."""
    _change(
        connection,
        ticket.id,
        state=TicketState.VISITING if ticket.return_visit_wanted else TicketState.HANDLED,
        result=result,
        response_met_at=now,
        arrival_met_at=now if ticket.arrival_due_at else None,
        resolution_met_at=now,
        **_return_visit(connection, ticket, now, now),
    )
    add_ticket_text(connection, ticket.centre_id, ticket.id, result)
    return now


def reopened(
    connection: Connection, ticket: SimpleNamespace, level: dict[str, Any], words: str, by: str, now: datetime
) -> dict[str, Any]:
    """Back to dispatch after a bad score: new targets from now, the old results stay on their slips."""
    note(connection, ticket, NoteKind.SAID, words, by, now)
    _change(
        connection,
        ticket.id,
        state=TicketState.REGISTERED,
        reopened_count=_ticket.c.reopened_count + 1,
        response_met_at=None,
        arrival_met_at=None,
        resolution_met_at=None,
        return_visit_met_at=None,
        return_visit_due_at=None,
    )
    return targets.set_targets(connection, ticket, level, now, now, reason="reopened")


def closed(
    connection: Connection,
    ticket: SimpleNamespace,
    satisfaction: int | None,
    visited: bool,
    explanation: str,
    now: datetime,
) -> None:
    """The ticket ends. Raises Refused while its register entry is incomplete (clause 11)."""
    missing = [name for name in ("category", "request", "expectation", "deadline_kind") if not getattr(ticket, name)]
    if missing:
        raise Refused(
            f"Ticket {ticket.number} cannot close: its register entry lacks {', '.join(missing)}. Complete it first."
        )
    met = {"return_visit_met_at": now} if visited else {}
    _change(
        connection,
        ticket.id,
        state=TicketState.CLOSED,
        closed_at=now,
        satisfaction=satisfaction,
        end_reason=explanation,
        **met,
    )
    if ticket.paused_at:
        pauses.stop(connection, ticket.id, "system", now)
    _end_open_slips(connection, ticket.id, now)


def withdrawn(connection: Connection, ticket: SimpleNamespace, reason: str, by: str, now: datetime) -> None:
    note(connection, ticket, NoteKind.SAID, reason, by, now)
    _change(connection, ticket.id, state=TicketState.WITHDRAWN, closed_at=now, end_reason=reason)
    if ticket.paused_at:
        pauses.stop(connection, ticket.id, by, now)
    _end_open_slips(connection, ticket.id, now)


def urgency_changed(
    connection: Connection,
    ticket: SimpleNamespace,
    urgency: str,
    level: dict[str, Any],
    reason: str,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Another urgency, other figures: new limits from the same opening, with the same pauses (T2). Raises Refused."""
    if ticket.state in (TicketState.HANDLED, TicketState.VISITING):
        raise Refused(f"The work on {ticket.number} is done; its urgency changes no limit any more.")
    if urgency not in list(Urgency) or urgency == ticket.urgency:
        raise Refused(f"{ticket.number} is {ticket.urgency} already. Pick the other urgency.", "urgency")
    _change(connection, ticket.id, urgency=Urgency(urgency), return_visit_wanted=bool(level.get("return_visit")))
    note(connection, ticket, NoteKind.INTERNAL, f"{_URGENCY[ticket.urgency]}改{_URGENCY[urgency]}：{reason}", by, now)
    return targets.count_again(connection, ticket, now, f"改{_URGENCY[urgency]}：{reason}", level)


def deadline_named(
    connection: Connection, ticket: SimpleNamespace, at: datetime | None, text: str, by: str, now: datetime
) -> dict[str, Any]:
    """The customer names another deadline, or none (None) any more; the earlier of it and the table's counts."""
    if at is not None and at <= now:
        raise Refused("The moment that the customer asks for is already over. Name a later one.", "reply_deadline")
    named = {"deadline_kind": "at" if at else "none", "deadline_at": at, "deadline_named_at": now if at else None}
    _change(connection, ticket.id, **named)
    note(connection, ticket, NoteKind.INFORMATION, text, by, now)
    fresh = _TICKET_BY_ID.record(connection, id=ticket.id)
    return targets.count_again(connection, fresh, now, "客户改了时限" if at else "客户不再要求时限")


# --- slips ------------------------------------------------------------------------------------------------------------


def slip_created(
    connection: Connection, ticket: SimpleNamespace, department: str, instruction: str, by: str, now: datetime
) -> dict[str, Any]:
    """Number and send a slip. The count goes on within the ticket: 2025-3415-1, 2025-3415-2."""
    count = 1 + _SLIPS_OF.first(connection, ticket_id=ticket.id)["slips"]
    number = rules.slip_number(ticket.number, count)
    slip_id = _NEW_SLIP.first(
        connection,
        centre_id=ticket.centre_id,
        ticket_id=ticket.id,
        count=count,
        number=number,
        department=department,
        state=SlipState.SENT,
        instruction=instruction,
        sent_by=by,
        sent_at=now,
    )["id"]
    _change(connection, ticket.id, state=TicketState.DISPATCHED)
    return {"slip_id": slip_id, "slip_number": number}


def slip_asked(connection: Connection, slip_id: int, question: str, by: str, now: datetime) -> None:
    slip = _changed_slip(connection, slip_id, state=SlipState.ASKED, asked_at=now, reason=question)
    note(connection, _of_slip(connection, slip), NoteKind.INTERNAL, question, by, now)


def slip_accepted(
    connection: Connection, slip_id: int, worker: str | None, by: str, by_head: bool, now: datetime
) -> str | None:
    """The department takes the slip; gives who will do it.

    `worker` may be a username or a name; any other text names somebody from outside, for whom the department's people
    record what was done. Without one, whoever accepts does it, unless the head accepts for the department.
    """
    slip = _slip_row(connection, slip_id)
    text = (worker or "").strip()
    who = _somebody_meant(connection, text, slip.centre_id) if text else (None if by_head else by)
    if who is not None:
        not_about(connection, slip.ticket_id, who, "worker")
    outsider = text if who is None else ""
    changed = {"accepted_at": now, "accepted_by": by, "worker": who, "outsider": outsider}
    _changed_slip(connection, slip_id, state=SlipState.ACCEPTED, **changed)
    _change(
        connection, slip.ticket_id, state=TicketState.IN_HAND, response_met_at=First(now)
    )
    return who


def slip_arrived(
    connection: Connection, slip_id: int, arrived_at: datetime, photos: list[int], by: str, now: datetime
) -> None:
    """Somebody is on site; a later time than now is taken as now."""
    at = min(arrived_at, now)
    slip = _changed_slip(connection, slip_id, state=SlipState.ARRIVED, arrived_at=at, worker=First(by))
    _change(connection, slip.ticket_id, arrival_met_at=First(at))
    _claim_photos(connection, slip.ticket_id, photos, "before")


def slip_handled(
    connection: Connection,
    ticket: SimpleNamespace,
    slip_id: int,
    *,
    result: str,
    cause: str,
    material: str,
    labour_minutes: int | None,
    cost_fen: int | None,
    photos: list[int],
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """The work is done; a pause that lasted ends here. Gives the instants that this moves."""
    _changed_slip(
        connection,
        slip_id,
        state=SlipState.HANDLED,
        handled_at=now,
        result=result,
        cause=cause,
        material=material,
        labour_minutes=labour_minutes,
        cost_fen=cost_fen,
        worker=First(by),
    )
    instants = pauses.end(connection, ticket, "", by, now) if ticket.paused_at else {}
    _change(connection, ticket.id, state=TicketState.HANDLED, resolution_met_at=now, result=result)
    add_ticket_text(connection, ticket.centre_id, ticket.id, result)
    _claim_photos(connection, ticket.id, photos, "after")
    return instants


def slip_back(connection: Connection, slip_id: int, reason: str, by: str, now: datetime) -> None:
    """The owner's check failed: the work is not done after all."""
    slip = _changed_slip(connection, slip_id, state=SlipState.BACK, back_at=now, reason=reason)
    _change(
        connection,
        slip.ticket_id,
        state=TicketState.IN_HAND,
        resolution_met_at=None,
        failed_count=_ticket.c.failed_count + 1,
    )
    note(connection, _of_slip(connection, slip), NoteKind.INTERNAL, reason, by, now)


def slip_verified(connection: Connection, slip_id: int, now: datetime) -> None:
    slip = _changed_slip(connection, slip_id, state=SlipState.VERIFIED, verified_at=now)
    ticket = _of_slip(connection, slip)
    state = TicketState.VISITING if ticket.return_visit_wanted else TicketState.HANDLED
    _change(connection, ticket.id, state=state, **_return_visit(connection, ticket, slip.handled_at or now, now))


def slip_not_solved(connection: Connection, slip_id: int, reason: str, by: str, now: datetime) -> None:
    slip = _changed_slip(connection, slip_id, state=SlipState.NOT_SOLVED, not_solved_at=now, reason=reason)
    note(connection, _of_slip(connection, slip), NoteKind.INTERNAL, reason, by, now)


# --- escalations ------------------------------------------------------------------------------------------------------


def escalated(
    connection: Connection,
    instance_id: str,
    centre_id: int,
    *,
    level: int,
    subject: str,
    reason: str,
    asked_by: str,
    ticket_id: int | None,
    now: datetime,
) -> int:
    """Open the escalation of this instance, or raise it to the next level; gives its id."""
    found = connection.execute(sa.select(_escalation.c.id).where(_escalation.c.instance_id == instance_id)).scalar()
    if found is not None:
        connection.execute(sa.update(_escalation).where(_escalation.c.id == found).values(level=level, level_at=now))
        return found
    return connection.execute(
        sa.insert(_escalation)
        .values(
            centre_id=centre_id,
            ticket_id=ticket_id,
            instance_id=instance_id,
            subject=subject,
            reason=reason or "",
            asked_by=asked_by,
            asked_at=now,
            level=level,
            level_at=now,
            guidance="",
        )
        .returning(_escalation.c.id)
    ).scalar_one()


def escalation_answered(
    connection: Connection,
    instance_id: str,
    *,
    answer: str,
    guidance: str,
    person: str | None,
    department: str | None,
    explanation: str | None,
    by: str,
    now: datetime,
) -> dict[str, Any]:
    """Keep the answer; gives the process the person who owns the ticket from now on and the department called in.

    Taking over makes the answerer the owner, giving it makes the named person so. Raises Refused for an unknown name.
    """
    row = connection.execute(sa.select(_escalation).where(_escalation.c.instance_id == instance_id)).first()
    if row is None:
        raise NotThere("Escalation", instance_id)
    owner = by if answer == "take-over" else person_meant(connection, person, row.centre_id) if person else None
    if owner and row.ticket_id is not None:
        not_about(connection, row.ticket_id, owner)
    connection.execute(
        sa.update(_escalation)
        .where(_escalation.c.id == row.id)
        .values(
            answer=answer,
            answered_by=by,
            answered_at=now,
            guidance=guidance or explanation or "",
            person=owner,
            department=department,
        )
    )
    if row.ticket_id is not None:
        _keep_answer(connection, row.ticket_id, answer, owner, guidance, explanation, by, now)
    return {"person": owner, "department_called": department}


def _keep_answer(
    connection, ticket_id: int, answer: str, owner: str | None, guidance, explanation, by: str, now: datetime
) -> None:
    ticket = connection.execute(sa.select(_ticket).where(_ticket.c.id == ticket_id)).one()
    if owner and answer in ("take-over", "give-to"):
        _change(connection, ticket_id, owner=owner)
    note(connection, ticket, NoteKind.INTERNAL, guidance or "", by, now)
    note(connection, ticket, NoteKind.TOLD, explanation or "", by, now)


# --- shared -----------------------------------------------------------------------------------------------------------


def person_meant(connection: Connection, text: str, centre_id: int) -> str:
    """The username that somebody means by a username or a name, among the people of the centre. Raises Refused if
    unclear.
    """
    found = _somebody_meant(connection, text, centre_id)
    if found is None:
        raise Refused(f"Nobody here is called {text}. Pick a person from the list.", "person")
    return found


def _somebody_meant(connection: Connection, text: str, centre_id: int) -> str | None:
    """The same, None where nobody of the centre is called that. Raises Refused if it names several."""
    found = _CALLED.all(connection, centre_id=centre_id, text=text.strip())
    exact = [p["username"] for p in found if p["username"] == text.strip()] or [p["username"] for p in found]
    if len(exact) > 1:
        raise Refused(f"More than one person here is called {text}. Pick a person from the list.", "person")
    return exact[0] if exact else None


def not_about(connection: Connection, ticket_id: int, username: str, field: str = "person") -> None:
    """Raises Refused if the ticket is a complaint about this person: they never own or handle it (customer-request)."""
    found = _ABOUT.first(connection, ticket_id=ticket_id, username=username)
    if found is not None:
        raise Refused(f"This complaint is about {found['name']}, who cannot own it. Pick somebody else.", field)


def worker_of(connection: Connection, ticket_id: int) -> tuple[str | None, str | None]:
    """(worker, department) of the ticket's newest slip."""
    row = _NEWEST_SLIP.record(connection, ticket_id=ticket_id)
    return (row.worker, row.department) if row else (None, None)


def _change(connection: Connection, ticket_id: int, **values) -> None:
    if any(isinstance(v, sa.ClauseElement) for v in values.values()):  # computed from the row itself
        connection.execute(
            sa.update(_ticket).where(_ticket.c.id == ticket_id).values(version=_ticket.c.version + 1, **values)
        )
    else:
        rows.change(connection, _ticket, ticket_id, values, bump=True)


def _slip_row(connection: Connection, slip_id: int) -> SimpleNamespace:
    row = _SLIP.record(connection, id=slip_id)
    if row is None:
        raise NotThere("Slip", slip_id)
    return row


def _changed_slip(connection: Connection, slip_id: int, **values) -> SimpleNamespace:
    row = rows.changed(connection, _slip, slip_id, values)
    if row is None:
        raise NotThere("Slip", slip_id)
    return row


def _of_slip(connection: Connection, slip: SimpleNamespace) -> SimpleNamespace:
    return _TICKET_BY_ID.record(connection, id=slip.ticket_id)


def _return_visit(connection: Connection, ticket: SimpleNamespace, handled_at: datetime, now: datetime) -> dict[str, Any]:
    """When the return visit is due, as the ticket's column; nothing where none is wanted."""
    if not ticket.return_visit_wanted:
        return {}
    return {"return_visit_due_at": targets.keep_return_visit(connection, ticket, handled_at, now)}


def _end_open_slips(connection: Connection, ticket_id: int, now: datetime) -> None:
    _END_SLIPS.run(connection, b_ticket_id=ticket_id, cancelled_at=now)


def _claim_photos(connection: Connection, ticket_id: int, photos: list[int], kind: str) -> None:
    """The form names photos that were uploaded before; only those of this ticket count. What a photo was taken as stays."""
    if photos:
        mine = sa.and_(_photo.c.id.in_(photos), _photo.c.ticket_id == ticket_id, _photo.c.kind == PhotoKind.OTHER)
        connection.execute(sa.update(_photo).where(mine).values(kind=kind))


def heads(connection: Connection, username: str) -> bool:
    """Whether the person heads a department (then accepting a slip does not make them its worker)."""
    return _HEADS.first(connection, username=username) is not None


_HEADS = Prepared(
    sa.select(_role.c.id)
    .join(_person, _person.c.id == _role.c.person_id)
    .where(_person.c.username == sa.bindparam("username"), _role.c.role.in_(HEADS))
    .limit(1)
)
_CALLED = Prepared(
    sa.select(_person.c.username, _person.c.name)
    .distinct()
    .join(_role, _role.c.person_id == _person.c.id)
    .where(
        _person.c.active,
        sa.or_(_role.c.centre_id == sa.bindparam("centre_id"), _role.c.centre_id.is_(None)),
        sa.or_(_person.c.username == sa.bindparam("text"), _person.c.name == sa.bindparam("text")),
    )
)
