"""Reads about reviews for the screens: the list, one review with its matters and versions, who has signed a register's entries;
and whether what is kept is still what was signed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from engine.tables import process_instance, trace_event, user_task
from service import access
from service.errors import NotThere
from service.organisation.models import Centre, Person, Role
from service.organisation.queries import members, names_of
from service.organisation.rules import DEPARTMENT_OF, DESK, LEAD
from service.reviews import contents
from service.reviews.actions import SIGNING, review_named
from service.reviews.models import Review, ReviewAction, ReviewState, ReviewVersion
from service.signing.models import Signature
from service.signing.queries import holds
from service.signing.rules import Sheet

ACTION = "see reviews"
LISTED = 60


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """Everything for a review's page. `sheet` is what a signature would cover now; None where nothing is to be signed."""

    review: Review
    centre: Centre
    versions: list[tuple[ReviewVersion, Signature | None]]
    sheet: Sheet | None
    lines: list[contents.Line]
    may_sign: bool
    may_decide: bool
    people: list[Person]
    names: dict[str, str]


def listed(person: Person) -> list[Review]:
    """The reviews within reach, the newest first."""
    session, mine = object_session(person), access.reach(person)
    query = sa.select(Review).where(access.centre_filter(mine, ACTION, Review.centre_id))
    return list(session.scalars(query.order_by(Review.day.desc(), Review.kind, Review.id.desc()).limit(LISTED)))


def waiting(person: Person) -> int:
    """How many reviews wait for this person's signature."""
    session = object_session(person)
    query = sa.select(sa.func.count()).select_from(user_task).where(
        user_task.c.element_id.in_(SIGNING), access.task_filter(access.reach(person))
    )  # fmt: skip
    return session.scalar(query)


def card(person: Person, number: str) -> ReviewCard:
    """Raises NotThere for a number that is unknown or out of reach."""
    session = object_session(person)
    review = review_named(session, number)
    if not access.may(person, ACTION, review):
        raise NotThere("Review", number)
    versions = versions_of(session, review.id)
    to_sign = review.state is not ReviewState.SIGNED
    now = session.info["clock"].now()
    may_sign = to_sign and _may_sign(session, person, review)
    fresh = to_sign and not any(version.signature_id for version, _ in versions)
    return ReviewCard(
        review,
        session.get_one(Centre, review.centre_id),
        versions,
        contents.sheet(session, review, now) if to_sign else None,
        contents.lines(session, review, now) if fresh else [],
        may_sign,
        fresh and (may_sign or access.may(person, "decide in reviews", review)),
        people_of(session, review.centre_id),
        names_of(session, [s.person for _, s in versions if s is not None]),
    )


def _may_sign(session: Session, person: Person, review: Review) -> bool:
    query = sa.select(user_task.c.id).where(
        user_task.c.root_id == review.instance_id,
        user_task.c.element_id.in_(SIGNING),
        access.task_filter(access.reach(person)),
    )
    return session.execute(query).first() is not None


def versions_of(session: Session, review_id: int) -> list[tuple[ReviewVersion, Signature | None]]:
    """Every version with its signature, the oldest first."""
    query = (
        sa.select(ReviewVersion, Signature)
        .outerjoin(Signature, Signature.id == ReviewVersion.signature_id)
        .where(ReviewVersion.review_id == review_id)
        .order_by(ReviewVersion.version)
    )
    return [(version, signature) for version, signature in session.execute(query)]


def people_of(session: Session, centre_id: int) -> list[Person]:
    """To whom a matter can be given: everybody who works in the centre."""
    found = {p.id: p for role in sorted(DESK | LEAD | set(DEPARTMENT_OF)) for p in members(session, role, centre_id)}
    return sorted(found.values(), key=lambda p: p.id)


def before(session: Session, review: Review, count: int = 3) -> list[tuple[Review, ReviewVersion | None]]:
    """The reviews of the same kind before this one, each with its newest signed version."""
    query = sa.select(Review).where(
        Review.centre_id == review.centre_id, Review.kind == review.kind, Review.day < review.day
    )
    rows = session.scalars(query.order_by(Review.day.desc()).limit(count))
    return [(row, contents.newest_signed(session, row.id)) for row in rows]


def actions_for(person: Person) -> list[tuple[ReviewAction, Review]]:
    """What was decided that this person has to do, the earliest day first."""
    session = object_session(person)
    query = sa.select(ReviewAction, Review).join(Review, Review.id == ReviewAction.review_id).where(
        ReviewAction.person == person.username, ReviewAction.done_at.is_(None)
    )  # fmt: skip
    return [
        (action, review) for action, review in session.execute(query.order_by(ReviewAction.due_on, ReviewAction.id))
    ]


def decided_about(session: Session, number: str, kind: str) -> list[ReviewAction]:
    """What the reviews decided about matters of this kind of one thing, say the missed floors of a patrol, the latest last."""
    query = sa.select(ReviewAction).where(ReviewAction.about == number, ReviewAction.kind == kind)
    return list(session.scalars(query.order_by(ReviewAction.id)))


def action_for(person: Person, action_id: int) -> int | None:
    """The action's id for whoever is to do it and for leads of its centre; None for anybody else."""
    action = object_session(person).get(ReviewAction, action_id)
    if action is None or not (action.person == person.username or access.may(person, "decide in reviews", action)):
        return None
    return action.id


def reviewed(session: Session, centre_id: int, first: date, last: date) -> dict[str, tuple[str, Any]]:
    """Entry -> (who signed, when) for the entries of signed reviews of these days, and of the day after (patrols)."""
    query = (
        sa.select(Signature)
        .join(ReviewVersion, ReviewVersion.signature_id == Signature.id)
        .join(Review, Review.id == ReviewVersion.review_id)
        .where(Review.centre_id == centre_id, Review.kind == "daily", Review.day >= first)
        .order_by(Review.day, ReviewVersion.version)
    )
    found: dict[str, tuple[str, Any]] = {}
    for row in session.scalars(query.limit(2 * ((last - first).days + 8))):
        for record in row.content["records"]:
            found |= {entry["key"]: (row.person, row.signed_at) for entry in record["rows"]}
    return found


# --- is it still what was signed? -------------------------------------------------------------------------------------


def verify(session: Session) -> list[str]:
    """What of the signed reviews is no longer as it was signed; [] when all is. Content, hash and trace have to agree."""
    query = (
        sa.select(ReviewVersion, Review, Signature)
        .join(Review, Review.id == ReviewVersion.review_id)
        .outerjoin(Signature, Signature.id == ReviewVersion.signature_id)
        .where(ReviewVersion.content_hash.is_not(None))
        .order_by(Review.id, ReviewVersion.version)
    )
    faults = [_fault(session, *found) for found in session.execute(query)]
    faults += [f"{number}: signed by its state, but no version of it is signed" for number in _without_version(session)]
    return [fault for fault in faults if fault]


def _fault(session: Session, version: ReviewVersion, review: Review, signature: Signature | None) -> str:
    where = f"{review.number}, version {version.version}"
    if signature is None:
        return f"{where}: its signature is not there any more"
    if not holds(signature):
        return f"{where}: its content is not the one that {signature.person} signed"
    if signature.content_hash != version.content_hash:
        return f"{where}: its signature belongs to another content"
    if version.content_hash not in _signed_in_trace(session, version.instance_id):
        return f"{where}: the trace knows no signature of this content"
    return _wrong_link(session, version, where)


def _wrong_link(session: Session, version: ReviewVersion, where: str) -> str:
    replaced = session.get(ReviewVersion, version.replaces_id) if version.replaces_id else None
    if (replaced.content_hash if replaced else None) != version.replaces_hash:
        return f"{where}: the version that it replaces is not the one that it names"
    return ""


def _signed_in_trace(session: Session, instance_id: str | None) -> set[str]:
    """The hashes of everything that was signed in an instance, by its trace, which is chained by itself."""
    rows = session.execute(
        sa.select(trace_event.c.personal)
        .join(process_instance, process_instance.c.id == trace_event.c.root_id)
        .where(
            trace_event.c.root_id == (instance_id or ""),
            trace_event.c.kind == "operation",
            trace_event.c.personal.is_not(None),
        )
    ).scalars()
    outputs = [json.loads(row)["values"].get("outputs") or {} for row in rows]
    return {str(o["content_hash"]) for o in outputs if isinstance(o, dict) and o.get("content_hash")}


def _without_version(session: Session) -> list[str]:
    signed = sa.exists().where(ReviewVersion.review_id == Review.id, ReviewVersion.signature_id.is_not(None))
    return list(session.scalars(sa.select(Review.number).where(Review.state == ReviewState.SIGNED, ~signed)))


def roles_of(kind: str) -> Role:
    """Who signs in time."""
    return Role.SUPERVISOR if kind == "daily" else Role.MANAGER
