"""Signing in two halves: `prove` asks for the password, outside any transaction; `sign` writes the row, inside one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Actor
from service.auth.actions import hasher, refuse_guessing
from service.auth.models import LoginTry
from service.errors import Refused
from service.organisation.models import Person
from service.signing.models import Signature
from service.signing.rules import Difference, Sheet, differences

PROOF_LASTS = timedelta(minutes=2)


class ContentChanged(Refused):
    """What is signed has changed since it was shown. Show `differences` and `sheet`, and ask again."""

    def __init__(self, subject: str, sheet: Sheet, found: list[Difference]):
        self.sheet, self.differences = sheet, found
        super().__init__(
            f"{subject} has changed since you saw it, so nothing was signed. Read what changed, then sign.", "signature"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A person gave their password a moment ago. Only `prove` makes one."""

    username: str
    at: datetime


def prove(app, person: Person, password: str, address: str = "") -> Proof:
    """Check the password again. Wrong ones count as tries to log in. Raises Refused (field `password`), TooManyTries."""
    now = app.clock.now()
    with app.session() as session:
        me = session.get_one(Person, person.id)
        refuse_guessing(app, session, me.username, address, True, now)
        username, stored = me.username, me.password_hash if me.active else None
    fits = hasher(app).fits(stored, password)
    with app.writing() as session:
        session.add(LoginTry(account=username, address=address[:64], known_device=True, ok=fits, at=now))
    if not fits:
        raise Refused("That is not your password, so nothing was signed. Type it again.", "password")
    return Proof(username, now)


def sign(
    session: Session,
    proof: Proof,
    subject: str,
    meaning: str,
    sheet: Sheet,
    seen_hash: str,
    *,
    actor: Actor,
    centre_id: int,
    shown: str | None = None,
) -> Signature:
    """Sign `sheet` as `subject`'s `meaning`, in the transaction of `session`; gives the row, flushed.

    `sheet` is the content as it is now, read under the lock of what is signed; `seen_hash` is the hash that stood on the page, and
    `shown` the canonical text behind it, for telling what changed. Raises ContentChanged, Refused for a proof that is too old or
    somebody else's.
    """
    now = session.info["unit"].now
    if proof.username != actor.person or not timedelta(0) <= now - proof.at <= PROOF_LASTS:
        raise Refused("Type your password again: each signature needs it.", "password")
    if sheet.hash != seen_hash:
        raise ContentChanged(subject, sheet, _changed(shown, seen_hash, sheet))
    before = newest(session, subject, meaning)
    row = Signature(
        centre_id=centre_id,
        subject=subject,
        meaning=meaning,
        version=before.version + 1 if before else 1,
        replaces_id=before.id if before else None,
        person=actor.person,
        role=actor.role or "",
        on_behalf_of=actor.on_behalf_of,
        content_hash=sheet.hash,
        content=Sheet.read(sheet.text).content,
        signed_at=now,
    )
    session.add(row)
    session.flush()
    return row


def newest(session: Session, subject: str, meaning: str) -> Signature | None:
    """The signature that counts: the last version."""
    wanted = sa.select(Signature).where(Signature.subject == subject, Signature.meaning == meaning)
    return session.scalars(wanted.order_by(Signature.version.desc()).limit(1)).first()


def _changed(shown: str | None, seen_hash: str, sheet: Sheet) -> list[Difference]:
    """What differs from what was shown; nothing where the shown text is not the one of its hash."""
    before = Sheet.read(shown)
    return differences(before, sheet) if before is not None and before.hash == seen_hash else []
