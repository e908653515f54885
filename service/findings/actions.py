"""What people do with findings: photos, their tasks, asking for help, making one a ticket. Each is one transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result
from engine.errors import NotFound
from engine.tables import user_task
from service import access
from service.errors import NotThere, Refused
from service.findings import rules
from service.findings.models import OPEN_STATES, Finding, FindingPhoto
from service.organisation.models import Centre, Person
from service.tickets import actions as tickets
from service.tickets import photos
from service.tickets.models import Photo, PhotoKind, Ticket

KIND = {"found": PhotoKind.BEFORE, "fixed": PhotoKind.AFTER}


def finding_named(session: Session, number: str) -> Finding:
    """The finding, whoever asks; callers check access. Raises NotThere."""
    finding = session.scalars(sa.select(Finding).where(Finding.number == number)).first()
    if finding is None:
        raise NotThere("Finding", number)
    return finding


def add_photo(app, person: Person, centre_id: int, sent: bytes, name: str) -> FindingPhoto:
    """Take a photo that a later entry will name by its id; sent again while it waits, it is the one that is there.

    Raises PhotoRefused, StorageFull, NotAllowed.
    """
    picture = photos.encode_anew(sent, app.settings.photo_max_megabytes, app.settings.photo_max_megapixels)
    with app.session() as session:  # refuse strangers before anything is written
        access.require(session.get_one(Person, person.id), "report findings", session.get(Centre, centre_id))
    key = photos.store(app.settings.photos, picture, app.settings.disk_reserve_megabytes)
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        access.require(me, "report findings", session.get_one(Centre, centre_id))
        if (there := _waiting(session, me, picture.source_sha256)) is not None:
            photos.path_of(app.settings.photos, key).unlink(missing_ok=True)
            return there
        photo = FindingPhoto(
            key=key,
            centre_id=centre_id,
            kind="found",
            name=name[-200:],
            media_type=picture.media_type,
            sha256=picture.sha256,
            source_sha256=picture.source_sha256,
            width=picture.width,
            height=picture.height,
            size=len(picture.content),
            taken_by=me.username,
            at=session.info["unit"].now,
        )
        session.add(photo)
        session.flush()
        return photo


def _waiting(session: Session, me: Person, source_sha256: str) -> FindingPhoto | None:
    return session.scalars(
        sa.select(FindingPhoto).where(
            FindingPhoto.taken_by == me.username,
            FindingPhoto.source_sha256 == source_sha256,
            FindingPhoto.finding_id.is_(None),
            FindingPhoto.visit_id.is_(None),
        )
    ).first()


def complete(
    app,
    person: Person,
    number: str,
    task_id: str,
    values: dict[str, Any],
    seen: int | None = None,
    request_id: str | None = None,
) -> Result:
    """Complete a task of a finding, or of an escalation about it. Raises what `tickets.actions.complete_task` raises."""
    with app.session() as session:
        finding = finding_named(session, number)
        access.require(session.get_one(Person, person.id), "see findings", finding)
        try:
            task = app.engine.task(task_id)
        except NotFound as error:
            raise NotThere("Task", task_id) from error
        if (task.business_key, task.centre_id) != (finding.number, finding.centre_id):
            raise NotThere("Task", task_id)
    return tickets.complete_task(app, person, task_id, values, seen=seen, request_id=request_id, also=_for_good)


def _for_good(session: Session) -> None:
    """A step on a finding is not offered to be taken back: what undo shows and where it leads is a ticket's."""
    if session.info["unit"].kept is not None:
        session.info["unit"].kept.exact = False


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help (clause 12); everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = access.require(me, "report findings", finding_named(session, number))
        result = app.engine.correlate(
            "ticket.help",
            number,
            {"question": question.strip(), "asked_by": me.username},
            actor=access.actor(me, grant),
            request_id=request_id,
            unit=session.info["unit"],
        )
        _for_good(session)
        return result


def to_ticket(app, person: Person, number: str, category: str, request_id: str) -> str:
    """Make a finding a ticket: its words, photos and department go along, both name each other; gives the ticket's number.

    The finding's procedure ends; the ticket is dispatched to the department at once. Raises Refused for one that is closed.
    """
    with app.session() as session:
        finding = finding_named(session, number)
        access.require(session.get_one(Person, person.id), "turn findings", finding)
        given = {
            "category": category,
            "request": f"{finding.place}：{finding.words}",
            "expectation": "note-only",
            "reply_deadline_kind": "none",
            "urgency": rules.urgency(finding.severity),
            "on_the_spot": False,
        }
        building_id = finding.building_id
    registered = tickets.register(
        app,
        person,
        given,
        building_id=building_id,
        channel="patrol",
        request_id=request_id,
        also=lambda session: _hand_over(app, session, person, number, request_id),
    )
    return registered.number


def _hand_over(app, session: Session, person: Person, number: str, request_id: str) -> None:
    """In the transaction that registers the ticket: the finding ends, its photos and its department go along."""
    unit, me = session.info["unit"], session.get_one(Person, person.id)
    finding = finding_named(session, number)
    if finding.state not in OPEN_STATES or finding.instance_id is None:
        raise Refused(f"{number} is not open any more. Open it and see what became of it.")
    ticket = session.scalars(sa.select(Ticket).where(Ticket.request_id == request_id)).one()
    actor = access.actor(me, access.require(me, "turn findings", finding))
    app.engine.correlate("finding.to-ticket", number, {"ticket_id": ticket.id}, actor=actor, unit=unit)
    session.add_all(_copies(session, finding, ticket))
    _dispatch(app, session, ticket, finding, actor)


def _copies(session: Session, finding: Finding, ticket: Ticket) -> list[Photo]:
    """The same stored files as photos of the ticket."""
    columns = (
        "key",
        "centre_id",
        "name",
        "media_type",
        "sha256",
        "source_sha256",
        "width",
        "height",
        "size",
        "taken_by",
        "at",
    )
    found = {
        photo.source_sha256: Photo(
            ticket_id=ticket.id, kind=KIND.get(photo.kind, PhotoKind.OTHER), **{c: getattr(photo, c) for c in columns}
        )
        for photo in session.scalars(sa.select(FindingPhoto).where(FindingPhoto.finding_id == finding.id))
    }
    return list(found.values())


def _dispatch(app, session: Session, ticket: Ticket, finding: Finding, actor) -> None:
    """The duty stays with the department that had it."""
    task = session.execute(
        sa.select(user_task.c.id).where(
            user_task.c.root_id == ticket.instance_id, user_task.c.element_id == "dispatch", user_task.c.state == "open"
        )
    ).scalar()
    if task is not None:
        values = {"department": finding.department, "instruction": f"{finding.number} {finding.place}"}
        app.engine.complete(task, values, actor=actor, unit=session.info["unit"])
