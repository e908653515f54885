"""What the two people do with a handover: write, count, sign, tell a difference; and the supervisor who names another person.

Saving writes what somebody typed and moves nothing. Signing is one transaction: the sheet is read again under the lock of the
handover, signed, the task completed, and with the second signature the open work moves. Surprise: both signatures lock the handover's
row before they read the sheet, so a list can never be signed that is not the one that is handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Actor, Result
from engine.errors import NotPossible, TaskNotOpen
from engine.tables import user_task
from service import access
from service.errors import NotAllowed, NotThere, Refused
from service.findings.models import Finding
from service.organisation.models import Centre, Person, Role
from service.organisation.queries import members
from service.shifts import rules, sheets
from service.shifts.models import Handover, HandoverItem, HandoverState, ItemKind, Post, ShiftNote
from service.shifts.sheets import IN, OUT, Item
from service.signing import actions as signing
from service.tickets.models import OPEN_STATES, Promise, PromiseState, Ticket

GIVE, TAKE, SETTLE = "give_over", "take_over", "settle"
PERSONAL = ("handover", "end-of-day-check", "leave-post")  # procedures whose tasks stay with their person


@dataclass(frozen=True, slots=True)
class Signing:
    """What comes from the page with a signature: the password, the hash that stood there and the text behind it."""

    password: str
    seen_hash: str
    shown: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """One kind of goods as somebody counted it, in pieces or fen; None where nothing was entered."""

    number: int | None
    remark: str = ""


# --- notes ------------------------------------------------------------------------------------------------------------


def add_note(app, person: Person, post_id: int, text: str) -> int:
    """Leave word for the next shift; gives the note's id."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        post = session.get(Post, post_id)
        if post is None:
            raise NotThere("Post", post_id)
        access.require(me, "hand over", session.get_one(Centre, post.centre_id))
        if not text.strip():
            raise Refused("Write what the next shift has to know.", "note")
        row = ShiftNote(
            centre_id=post.centre_id,
            post_id=post.id,
            text=text.strip()[:1000],
            by=me.username,
            at=session.info["unit"].now,
        )
        session.add(row)
        session.flush()
        return row.id


# --- writing ----------------------------------------------------------------------------------------------------------


def save_out(
    app, person: Person, number: str, comments: Mapping[str, str], counts: Mapping[int, Count], matters: str
) -> None:
    """Keep what the outgoing person wrote and counted. `comments` by the items' keys, `counts` by the goods' ids."""
    with app.writing() as session:
        handover, _, _ = _mine(app, session, person, number, GIVE)
        kept = {f"{row.kind}:{row.key}": row for row in sheets.kept_items(session, handover)}
        listed = sheets.items(session, handover)
        for item in listed:
            if item.key in comments:
                row = kept.get(item.key) or _row(session, handover, item)
                row.comment = comments[item.key].strip()[:1000]
        for row in sheets.goods(session, handover):
            if row.goods_id in counts:
                row.counted_out, row.remark = counts[row.goods_id].number, counts[row.goods_id].remark.strip()[:200]
        handover.matters = matters.strip()[:2000]


def save_in(app, person: Person, number: str, ticked: Iterable[str], counts: Mapping[int, Count]) -> None:
    """Keep what the incoming person went through and counted. `ticked`: the keys of the items."""
    with app.writing() as session:
        handover, _, _ = _mine(app, session, person, number, TAKE)
        kept, ticked = {f"{row.kind}:{row.key}": row for row in sheets.kept_items(session, handover)}, set(ticked)
        for item in sheets.items(session, handover):
            row = kept.get(item.key) or _row(session, handover, item)
            row.ticked = item.key in ticked
        for row in sheets.goods(session, handover):
            if row.goods_id in counts:
                row.counted_in = counts[row.goods_id].number


def _row(session: Session, handover: Handover, item: Item) -> HandoverItem:
    row = HandoverItem(
        centre_id=handover.centre_id, handover_id=handover.id, kind=item.kind, key=item.thing, title=item.title[:200],
        where=item.where[:120], due_at=item.due_at, added=item.added,
    )  # fmt: skip
    session.add(row)
    return row


# --- signing ----------------------------------------------------------------------------------------------------------


def give(app, person: Person, number: str, signing_: Signing, request_id: str | None = None) -> Result:
    """The outgoing person signs. Raises Refused naming what is still missing, signing.ContentChanged, TaskNotOpen."""
    proof = signing.prove(app, person, signing_.password, signing_.address)
    with app.writing() as session:
        handover, task, actor = _mine(app, session, person, number, GIVE)
        row = _sign(session, handover, OUT, signing_, proof, actor)
        listed = sheets.items(session, handover)
        if lacking := rules.missing_out(listed, sheets.goods(session, handover)):
            raise Refused(f"{len(lacking)} things lack a word or a count. Fill them in, then sign.", "list")
        _freeze(session, handover, listed)
        return _complete(app, session, task, {"signature": row.id}, actor, request_id)


def take(app, person: Person, number: str, signing_: Signing, request_id: str | None = None) -> Result:
    """The incoming person signs: from this instant the post and the open work are theirs. Raises like `give`."""
    proof = signing.prove(app, person, signing_.password, signing_.address)
    with app.writing() as session:
        handover, task, actor = _mine(app, session, person, number, TAKE)
        row = _sign(session, handover, IN, signing_, proof, actor)
        listed, goods = sheets.items(session, handover), sheets.goods(session, handover)
        if lacking := rules.missing_in(listed, goods):
            raise Refused(f"{len(lacking)} things are not gone through. Tick and count them, then sign.", "list")
        if rules.differing(goods) and not handover.settlement:
            raise Refused("You counted something else. Tell the difference instead of signing.", "list")
        _keep_added(session, handover, listed)
        result = _complete(app, session, task, {"take_answer": "sign", "in_signature": row.id}, actor, request_id)
        move_work(app, session, handover, actor)
        return result


def differ(app, person: Person, number: str, words: str, request_id: str | None = None) -> Result:
    """The incoming person tells what differs: once it goes back, then to the supervisor. Raises Refused without words."""
    if not words.strip():
        raise Refused("Say what differs, so that it can be put right.", "difference")
    with app.writing() as session:
        _, task, actor = _mine(app, session, person, number, TAKE)
        values = {"take_answer": "differs", "difference": words.strip()[:1000]}
        return _complete(app, session, task, values, actor, request_id)


def settle(app, person: Person, number: str, words: str, request_id: str | None = None) -> Result:
    """The supervisor decides about a difference. Raises Refused without words."""
    if not words.strip():
        raise Refused("Say who answers for it and until when it is made good.", "settlement")
    with app.writing() as session:
        _, task, actor = _mine(app, session, person, number, SETTLE)
        return _complete(app, session, task, {"settlement": words.strip()[:1000]}, actor, request_id)


def name_incoming(app, person: Person, number: str, username: str, request_id: str | None = None) -> Result:
    """A supervisor names another person to take over what was given. Raises Refused, NotAllowed, NotThere."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        handover = named(session, number, lock=True)
        grant = access.require(me, "change roster", session.get_one(Centre, handover.centre_id))
        if handover.state != HandoverState.GIVEN:
            raise Refused("Another person is named once the outgoing person has signed.", "person")
        return _for_good(session, app.engine.correlate(
            "handover.rename", number, {"person": username}, actor=access.actor(me, grant), request_id=request_id,
            unit=session.info["unit"],
        ))  # fmt: skip


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help with a handover, a check or a leave (clause 12); everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        centre_id = session.scalar(sa.select(user_task.c.centre_id).where(user_task.c.business_key == number).limit(1))
        if centre_id is None:
            raise NotThere("Matter", number)
        grant = access.require(me, "hand over", session.get_one(Centre, centre_id))
        return _for_good(session, app.engine.correlate(
            "ticket.help", number, {"question": question.strip(), "asked_by": me.username},
            actor=access.actor(me, grant), request_id=request_id, unit=session.info["unit"],
        ))  # fmt: skip


def named(session: Session, number: str, lock: bool = False) -> Handover:
    """The handover, whoever asks; callers check access. Raises NotThere."""
    wanted = sa.select(Handover).where(Handover.number == number)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    handover = session.scalars(wanted).first()
    if handover is None:
        raise NotThere("Handover", number)
    return handover


def open_task(session: Session, handover: Handover, element: str):
    """The open task of a step of this handover; None without one."""
    return session.execute(
        sa.select(user_task).where(
            user_task.c.root_id == handover.instance_id,
            user_task.c.element_id == element,
            user_task.c.state == "open",
        )
    ).first()


def _mine(app, session: Session, person: Person, number: str, element: str) -> tuple[Handover, object, Actor]:
    """Handover under lock, the open task of the step, and as whom the person does it."""
    me = session.get_one(Person, person.id)
    handover = named(session, number, lock=True)
    access.require(me, "see shifts", session.get_one(Centre, handover.centre_id))
    task = open_task(session, handover, element)
    if task is None:
        raise TaskNotOpen(number, number, "completed", handover.incoming, handover.done_at or handover.given_at)
    if not access.may(me, "do", task, session=session):
        raise NotAllowed("do", number, task.assignee or "")
    return handover, task, access.actor(me, access.require(me, "do", task, session=session))


def _sign(session: Session, handover: Handover, meaning: str, given: Signing, proof, actor: Actor):
    return signing.sign(
        session, proof, handover.number, meaning, sheets.sheet(session, handover, meaning), given.seen_hash,
        actor=actor, centre_id=handover.centre_id, shown=given.shown,
    )  # fmt: skip


def _complete(app, session: Session, task, values: dict, actor: Actor, request_id: str | None) -> Result:
    session.flush()
    unit = session.info["unit"]
    return _for_good(session, app.engine.complete(task.id, values, actor=actor, request_id=request_id, unit=unit))


def _for_good(session: Session, result: Result) -> Result:
    """A signature is not taken back within its 30 seconds."""
    if session.info["unit"].kept is not None:
        session.info["unit"].kept.exact = False
    return result


def _freeze(session: Session, handover: Handover, listed: list[Item]) -> None:
    """The rows are what the outgoing person signed: all of the list, nothing else, in its order."""
    kept = {f"{row.kind}:{row.key}": row for row in sheets.kept_items(session, handover)}
    for row in kept.values():
        if f"{row.kind}:{row.key}" not in {item.key for item in listed}:
            session.delete(row)
    for position, item in enumerate(listed):
        row = kept.get(item.key) or _row(session, handover, item)
        row.title, row.where, row.due_at = item.title[:200], item.where[:120], item.due_at
        row.added, row.ticked, row.position = False, False, position


def _keep_added(session: Session, handover: Handover, listed: list[Item]) -> None:
    kept = {f"{row.kind}:{row.key}": row for row in sheets.kept_items(session, handover)}
    for position, item in enumerate(listed):
        row = kept.get(item.key) or _row(session, handover, item)
        row.position = position


# --- the open work moves ----------------------------------------------------------------------------------------------


def move_work(app, session: Session, handover: Handover, actor: Actor) -> int:
    """Tickets, promises and tasks of the outgoing person are the incoming one's; how many tickets and tasks moved.

    Each ticket's process is locked before it is moved, so a step that ends at the same moment either came before, and what it
    opened moves too, or comes after, and opens its next task for the new owner.
    """
    session.flush()
    moved = _move_tickets(app, session, handover, actor) + _move_findings(app, session, handover, actor)
    session.execute(
        sa.update(Promise)
        .where(
            Promise.centre_id == handover.centre_id,
            Promise.owner == handover.outgoing,
            Promise.state == PromiseState.OPEN,
        )
        .values(owner=handover.incoming)
    )
    return moved + _move_tasks(app, session, handover, actor)


def _reason(handover: Handover) -> str:
    return f"交接班 {handover.number}"


def _move_tickets(app, session: Session, handover: Handover, actor: Actor) -> int:
    rows = session.execute(
        sa.select(Ticket.id, Ticket.instance_id, Person.username.label("about"))
        .outerjoin(Person, Person.id == Ticket.about_person_id)
        .where(
            Ticket.centre_id == handover.centre_id,
            Ticket.owner == handover.outgoing,
            Ticket.state.in_(OPEN_STATES),
        )
        .order_by(Ticket.instance_id)
    ).all()
    return sum(_move_ticket(app, session, handover, row, actor) for row in rows)


def _move_ticket(app, session: Session, handover: Handover, row, actor: Actor) -> bool:
    """One ticket with the open tasks of its owner. A complaint about the incoming person goes to the supervisor."""
    to = handover.incoming if row.about != handover.incoming else _supervisor(session, handover)
    if to is None or not _set(app, session, row.instance_id, {"owner": to}, handover, actor):
        return False
    session.execute(
        sa.update(Ticket)
        .where(Ticket.id == row.id, Ticket.owner == handover.outgoing)
        .values(owner=to, version=Ticket.version + 1)
        .execution_options(synchronize_session=False)
    )
    mine = (user_task.c.root_id == row.instance_id, user_task.c.assignee == handover.outgoing)
    _assign(app, session, _open_ids(session, *mine), to, handover, actor)
    return True


def _set(app, session: Session, instance_id: str | None, values: dict, handover: Handover, actor: Actor) -> bool:
    if instance_id is None:
        return True
    try:
        app.engine.set_variables(instance_id, values, reason=_reason(handover), actor=actor, unit=session.info["unit"])
    except NotPossible:  # it ended a moment ago
        return False
    return True


def _supervisor(session: Session, handover: Handover) -> str | None:
    found = [p.username for p in members(session, Role.SUPERVISOR, handover.centre_id)]
    return next((name for name in found if name not in (handover.incoming, handover.outgoing)), None)


def _move_findings(app, session: Session, handover: Handover, actor: Actor) -> int:
    """Who looks again at what is put right later; who reported it stays written down."""
    numbers = [i.thing for i in sheets.items(session, handover) if i.kind == ItemKind.FINDING]
    rows = session.execute(
        sa.select(Finding.instance_id)
        .where(Finding.number.in_(numbers), Finding.instance_id.is_not(None), Finding.closed_at.is_(None))
        .order_by(Finding.instance_id)
    ).scalars()
    return sum(_set(app, session, id, {"reported_by": handover.incoming}, handover, actor) for id in list(rows))


def _move_tasks(app, session: Session, handover: Handover, actor: Actor) -> int:
    """Whatever else waits for the outgoing person here."""
    ids = _open_ids(
        session,
        user_task.c.centre_id == handover.centre_id,
        user_task.c.assignee == handover.outgoing,
        user_task.c.process_key.not_in(PERSONAL),
    )
    return _assign(app, session, ids, handover.incoming, handover, actor)


def _open_ids(session: Session, *clauses) -> list[str]:
    wanted = sa.select(user_task.c.id).where(user_task.c.state == "open", *clauses)
    return list(session.execute(wanted.order_by(user_task.c.root_id, user_task.c.id)).scalars())


def _assign(app, session: Session, ids: list[str], to: str, handover: Handover, actor: Actor) -> int:
    moved = 0
    for id in ids:
        try:
            app.engine.assign(id, to, reason=_reason(handover), actor=actor, unit=session.info["unit"])
            moved += 1
        except TaskNotOpen:  # it was done a moment ago
            continue
    return moved
