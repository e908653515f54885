"""Keeping, dropping and spending drafts. A draft belongs to one person; nobody else can reach it by any id.

`save` never loses a text: what comes from a window that has seen an older version is put beside the newer one. `spend` runs
in the transaction of the step that the draft became, so a step is done or its draft is still there, never neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.sql import Prepared
from engine.tables import command
from service.drafts import rules
from service.drafts.models import Draft
from service.errors import NotThere, ServiceError
from service.organisation.models import Person
from service.tickets.models import Ticket


class DraftTooBig(ServiceError):
    """More than a draft may hold. Shorten the text, or send the form. Show 413."""

    def __init__(self):
        super().__init__(f"A draft holds at most {rules.MAX_BYTES // 1024} kB. Send the form, or shorten its texts.")


class TooManyDrafts(ServiceError):
    """The person keeps as many drafts as one may, or saves too often. Send or drop one, or wait a moment. Show 429."""


class DraftSpent(ServiceError):
    """This was sent or dropped already, so nothing is left to keep. Show 410."""


class DraftOlder(ServiceError):
    """Another window has saved a newer text; what was sent now is kept beside it. Show both and let the person choose."""

    def __init__(self, version: int, saved_at: datetime):
        self.version, self.saved_at = version, saved_at
        super().__init__("Another window has saved a newer text of this draft. Both are kept; choose one.")


@dataclass(frozen=True, slots=True)
class Saved:
    version: int
    at: datetime


def save(
    app,
    person: Person,
    place: str,
    fields: dict[str, list[str]],
    *,
    version: int = 0,
    seen: int | None = None,
    request_id: str | None = None,
    force: bool = False,
) -> Saved:
    """Keep what was typed. `version`: the one that this window holds, 0 for a form that was never saved; `force`: this text
    is to win over a newer one, which stays beside it; `request_id`: of the form, so that a late save of a form that was sent
    keeps nothing. Raises DraftOlder, DraftSpent, DraftTooBig, TooManyDrafts.
    """
    if rules.size(fields) > rules.MAX_BYTES:
        raise DraftTooBig()
    with app.writing() as session:
        now = session.info["unit"].now
        draft = _mine(session, person.id, place)
        if (draft is None and version) or _sent(session, request_id):
            raise DraftSpent("This form was sent or its draft was dropped. Open the list to see where it is now.")
        if draft is not None and draft.fields == fields:
            return Saved(draft.version, draft.saved_at)
        _within_limits(session, person.id, now, new=draft is None)
        if draft is None:
            draft = _new(session, person.id, place, now)
        older = bool(draft.fields) and version < draft.version
        if older and not force:
            draft.other = {"fields": fields, "at": now.isoformat()}
        else:
            if older:
                draft.other = {"fields": draft.fields, "at": draft.saved_at.isoformat()}
            _write(draft, fields, seen, now)
        session.flush()
        kept = Saved(draft.version, draft.saved_at)
    if older and not force:
        raise DraftOlder(kept.version, kept.at)
    return kept


def keep(app, person: Person, place: str, fields: dict[str, list[str]]) -> None:
    """Keep what a form sent in vain, as the person's newest text of this place."""
    if rules.size(fields) <= rules.MAX_BYTES:
        with app.writing() as session:
            put(session, person.id, place, fields)


def drop(app, person: Person, place: str) -> None:
    """The person does not want it any more. Raises NotThere."""
    with app.writing() as session:
        draft = _mine(session, person.id, place)
        if draft is None:
            raise NotThere("Draft", place)
        session.delete(draft)


def spend(session: Session, person_id: int, place: str, version: int) -> None:
    """The draft became a step in this transaction. A newer text from another window than the one that was sent stays."""
    _SPEND.run(session.connection(), person_id=person_id, place=place, version=max(version, 1))


_SPEND = Prepared(
    sa.delete(Draft.__table__).where(
        Draft.person_id == sa.bindparam("person_id"),
        Draft.place == sa.bindparam("place"),
        Draft.version <= sa.bindparam("version"),
    )
)


def put(session: Session, person_id: int, place: str, fields: dict[str, list[str]], seen: int | None = None) -> None:
    """Keep these fields as the person's newest text of this place, whatever stands there; what stood there stays beside."""
    now = session.info["unit"].now
    draft = _mine(session, person_id, place)
    if draft is None:
        draft = _new(session, person_id, place, now)
    elif draft.fields != fields:
        draft.other = {"fields": draft.fields, "at": draft.saved_at.isoformat()}
    _write(draft, fields, seen, now)


def forget_old(app) -> int:
    """Drop what nobody has touched for 30 days; how many."""
    with app.writing() as session:
        return session.execute(
            sa.delete(Draft).where(Draft.saved_at < app.clock.now() - rules.KEPT_FOR),
            execution_options={"synchronize_session": False},
        ).rowcount


def _mine(session: Session, person_id: int, place: str) -> Draft | None:
    return session.scalars(
        sa.select(Draft).where(Draft.person_id == person_id, Draft.place == place).with_for_update()
    ).first()


def _sent(session: Session, request_id: str | None) -> bool:
    """Whether the form with this request id has been sent: a save that was on its way then keeps nothing."""
    if not request_id:
        return False
    done = sa.select(command.c.request_id).where(command.c.request_id == request_id)
    registered = sa.select(Ticket.request_id).where(Ticket.request_id == request_id)
    return session.execute(done.union_all(registered)).first() is not None


def _within_limits(session: Session, person_id: int, now: datetime, new: bool) -> None:
    last, count = session.execute(
        sa.select(sa.func.max(Draft.saved_at), sa.func.count()).where(Draft.person_id == person_id)
    ).one()
    if rules.wait_until(last, now) is not None:
        raise TooManyDrafts("Drafts are saved a few times a second at most. Wait a moment, then save again.")
    if new and count >= rules.MOST:
        raise TooManyDrafts(f"You keep {count} drafts; {rules.MOST} is the limit. Send or drop one.")


def _new(session: Session, person_id: int, place: str, now: datetime) -> Draft:
    draft = Draft(person_id=person_id, place=place, version=0, fields={}, began_at=now, saved_at=now)
    draft.task_id = place.removeprefix("task:") if place.startswith("task:") else None
    session.add(draft)
    return draft


def _write(draft: Draft, fields: dict[str, list[str]], seen: int | None, now: datetime) -> None:
    unit_id = rules.first(fields, "unit_id")
    draft.fields, draft.seen, draft.saved_at, draft.version = fields, seen, now, draft.version + 1
    draft.unit_id = int(unit_id) if unit_id.isdigit() and len(unit_id) < 10 else None
    draft.category = rules.first(fields, "category")[:24]
