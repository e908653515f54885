"""Photos that a phone sends before or after the entry that names them, and the receipt by which it may drop its own copies.

A phone without network sends late, in any order, and again where an answer was lost. An entry names a photo by the sha-256 of its
bytes; whichever of the two comes second joins them. Surprise: the finding of an entry is known by its place in the entry, because
`steps.reported` writes them in that order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from service import access
from service.errors import NotThere
from service.findings import actions as findings
from service.findings import steps as finding_steps
from service.findings.models import Finding, FindingPhoto
from service.organisation.models import Person
from service.organisation.queries import names_of
from service.patrols import rules, steps
from service.patrols.models import Submission, Visit, VisitState
from service.tickets import photos


def with_photos(session: Session, me: Person, content: dict[str, Any]) -> dict[str, Any]:
    """The entry with the ids of those of its photos that are here already."""
    here = _waiting(session, me, _named(content))
    found = [f | {"photos": f["photos"] + [here[h] for h in f["photo_hashes"] if h in here]} for f in content["findings"]]
    return content | {"findings": found, "proof_photo": content["proof_photo"] or here.get(content["proof_hash"])}


def _named(content: dict[str, Any]) -> list[str]:
    hashes = [h for f in content.get("findings", ()) for h in f.get("photo_hashes", ())]
    return hashes + [content["proof_hash"]] if content.get("proof_hash") else hashes


def _waiting(session: Session, me: Person, hashes: list[str]) -> dict[str, int]:
    query = sa.select(FindingPhoto.source_sha256, FindingPhoto.id).where(
        FindingPhoto.source_sha256.in_(hashes),
        FindingPhoto.taken_by == me.username,
        FindingPhoto.finding_id.is_(None),
        FindingPhoto.visit_id.is_(None),
    )
    return dict(session.execute(query).all()) if hashes else {}


def add_photo(app, person: Person, visit_id: int, submission_id: str, sent: bytes, name: str) -> FindingPhoto:
    """Take a photo of an entry that is here or still to come; sent again it is the one that is there.

    Raises PhotoRefused, StorageFull, NotThere, NotAllowed.
    """
    sha256 = hashlib.sha256(sent).hexdigest()
    with app.session() as session:
        visit = session.get(Visit, visit_id)
        if visit is None:
            raise NotThere("Floor of a patrol", visit_id)
        me = session.get_one(Person, person.id)
        access.require(me, "walk patrols", visit)
        centre_id, entry = visit.centre_id, session.get(Submission, submission_id) if submission_id else None
        if entry is not None and (there := _joined(session, entry, me, [sha256])):
            return there[0]
    photo = findings.add_photo(app, person, centre_id, sent, name)
    if submission_id:
        with app.writing() as session:
            session.info["unit"].lock_request(submission_id)  # an entry on its way sees the photo, or is seen here
            _join(session, session.get(Submission, submission_id), session.get_one(Person, person.id), sha256, photo.id)
    return photo


def _join(session: Session, entry: Submission | None, me: Person, sha256: str, photo_id: int) -> None:
    """Give a photo that came second to the finding, or to the floor, that its entry names it for."""
    if entry is None or entry.sent_by != me.username or sha256 not in _named(entry.content):
        return
    connection = session.connection()
    if entry.content.get("proof_hash") == sha256:
        return _prove(session, entry, me, photo_id)
    place = next(n for n, f in enumerate(entry.content["findings"]) if sha256 in f["photo_hashes"])
    finding = _findings(session, entry)[place]
    finding_steps.attach(connection, finding.id, [photo_id], "found", me.username)


def _prove(session: Session, entry: Submission, me: Person, photo_id: int) -> None:
    visit = session.get_one(Visit, entry.visit_id)
    if visit.submission_id != entry.id:
        return
    free = sa.and_(FindingPhoto.id == photo_id, FindingPhoto.taken_by == me.username, FindingPhoto.finding_id.is_(None))
    session.execute(sa.update(FindingPhoto).where(free).values(visit_id=visit.id, kind="proof"))
    if steps.seen_before(session.connection(), photo_id) and rules.Flag.OLD_PHOTO not in visit.flags:
        visit.flags = [*visit.flags, str(rules.Flag.OLD_PHOTO)]


def _findings(session: Session, entry: Submission) -> list[Finding]:
    """The findings of an entry, in the order in which it tells them."""
    query = sa.select(Finding).where(
        Finding.visit_id == entry.visit_id, Finding.reported_by == entry.sent_by, Finding.reported_at == entry.arrived_at
    )
    return list(session.scalars(query.order_by(Finding.id)))


def _joined(session: Session, entry: Submission, me: Person, hashes: list[str]) -> list[FindingPhoto]:
    ids = [f.id for f in _findings(session, entry)]
    query = sa.select(FindingPhoto).where(
        FindingPhoto.source_sha256.in_(hashes),
        FindingPhoto.taken_by == me.username,
        sa.or_(FindingPhoto.finding_id.in_(ids), FindingPhoto.visit_id == entry.visit_id),
    )
    return list(session.scalars(query.order_by(FindingPhoto.id)))


# --- the receipt ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is here of an entry. `outcome`: counted, walked (somebody had walked the floor before), over (the slot had ended)."""

    id: str
    sha256: str
    photos: list[str]  # sha-256 of those that are here, joined, and whose file is there
    outcome: str
    by: str  # who had walked the floor, for `walked`
    findings: list[str]


def receipt(app, person: Person, submission_id: str) -> Receipt:
    """The receipt of one's own entry, read from what is stored. Raises NotThere for an unknown one and for anybody else's."""
    session = object_session(person)
    entry = session.get(Submission, submission_id)
    if entry is None or entry.sent_by != person.username or not access.may(person, "see patrols", entry):
        raise NotThere("Entry", submission_id[:8])
    visit = session.get_one(Visit, entry.visit_id)
    rows = _joined(session, entry, person, _named(entry.content))
    here = {p.source_sha256 for p in rows if photos.path_of(app.settings.photos, p.key).is_file()}
    here |= set(_waiting(session, person, [entry.content["proof_hash"]] if entry.content.get("proof_hash") else []))
    by = names_of(session, [visit.walked_by]).get(visit.walked_by, "") if visit.walked_by else ""
    numbers = [f.number for f in _findings(session, entry)]
    return Receipt(entry.id, entry.sha256, sorted(here), outcome(entry, visit), by, numbers)


def outcome(entry: Submission, visit: Visit) -> str:
    if visit.submission_id == entry.id:
        return "counted"
    return "walked" if visit.state == VisitState.DONE else "over"
