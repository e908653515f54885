"""What people and the clock do with reviews: decide about a matter, sign, note that something was done, notice a correction.

Each is one transaction; rights are checked in it by service.access. Surprise: `sign` compares what was shown with what there is
now, under the review's lock, and signs nothing that nobody has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result
from engine.errors import NotPossible
from engine.tables import user_task
from service import access
from service.errors import NotAllowed, NotThere, Refused
from service.notifications.notify import tell_about_task
from service.organisation.models import Person
from service.organisation.queries import person_named
from service.reviews import contents, planner, rules, steps
from service.reviews.models import Review, ReviewAction, ReviewState, ReviewVersion
from service.signing import actions as signing
from service.signing.rules import Sheet, differences
from service.timetable.steps import start_soon

WATCHED = timedelta(days=14)  # so long after its signature a correction still makes a version of its own
LONGEST = 500
DECIDE = "decide in reviews"


class NotDecided(Refused):
    """Matters of the review have no action yet. Show them; decide about each, then sign."""

    def __init__(self, keys: list[str]):
        self.keys = keys
        super().__init__(f"{len(keys)} matters have no action yet. Decide about each, then sign.", "matters")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a matter; `person` None: nothing is left to do."""

    text: str
    person: str | None = None
    due_on: date | None = None


def review_named(session: Session, number: str, lock: bool = False) -> Review:
    """The review, whoever asks; callers check access. Raises NotThere."""
    query = sa.select(Review).where(Review.number == number)
    found = session.scalars(query.with_for_update() if lock else query).first()
    if found is None:
        raise NotThere("Review", number)
    return found


def decide(app, person: Person, number: str, key: str, decision: Decision, same: bool = False) -> None:
    """Say what is to be done about a matter; again changes it, until the review is signed. `same`: about every undecided one of
    its kind, too. Raises Refused, NotThere.
    """
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        review = review_named(session, number, lock=True)
        decider(session, me, review)
        if contents.newest_signed(session, review.id) is not None:
            raise Refused(f"{number} is signed; what was decided stands as it was signed.")
        now = session.info["unit"].now
        lines = contents.lines(session, review, now)
        line = next((x for x in lines if x.matter.key == key), None)
        if line is None:
            raise NotThere("Matter", key)
        _check(session, review, decision)
        alike = [x for x in lines if same and x.action is None and x.matter.kind == line.matter.kind and x is not line]
        told = {_keep(session, review, x, decision, me.username, now) for x in (line, *alike)}
        if True in told and decision.person:
            _tell(session, review, decision.person, me.username)


def decider(session: Session, person: Person, review: Review) -> access.Grant:
    """The grant by which the person decides in a review: a lead's, or that of whoever is to sign it, such as quality where the
    manager did not. Raises NotAllowed, NotThere.
    """
    task = signing_task(session, review)
    if task is not None and access.may(person, "do", task, session=session):
        return access.require(person, "do", task, session=session)
    if access.may(person, "see reviews", review, session=session) and not access.may(person, DECIDE, review, session=session):
        raise NotAllowed("decide in", review.number, "supervisor, manager")
    return access.require(person, DECIDE, review, session=session)


def signing_task(session: Session, review: Review):
    """The open task in which the review is signed, as its columns; None where nobody is to sign it now."""
    return session.execute(
        sa.select(user_task).where(user_task.c.root_id == review.instance_id, user_task.c.state == "open",
                                   user_task.c.element_id.in_(SIGNING))
    ).first()  # fmt: skip


def _keep(session: Session, review: Review, line: contents.Line, decision: Decision, by: str, now: datetime) -> bool:
    """Write the decision down; whether somebody else is to do it now."""
    action = line.action or _new(review, line.matter)
    changed = action.person != decision.person
    action.text, action.person, action.due_on = decision.text.strip()[:LONGEST], decision.person, decision.due_on
    action.decided_by, action.decided_at = by, now
    session.add(action)
    session.flush()
    return changed


def _new(review: Review, matter: rules.Matter) -> ReviewAction:
    return ReviewAction(
        centre_id=review.centre_id,
        review_id=review.id,
        key=matter.key,
        kind=str(matter.kind),
        about=matter.about,
        facts=dict(matter.facts),
    )


def _check(session: Session, review: Review, decision: Decision) -> None:
    if not decision.text.strip():
        raise Refused("Say what is to be done about it, or why nothing is.", "text")
    if decision.person and person_named(session, decision.person) is None:
        raise Refused(f"Nobody is called {decision.person}. Pick somebody from the list.", "person")
    if decision.person and decision.due_on is None:
        raise Refused("Say by which day it is to be done.", "due_on")
    if decision.due_on is not None and decision.due_on < review.day:
        raise Refused("That day is over. Pick a later one.", "due_on")


def _tell(session: Session, review: Review, username: str, by: str) -> None:
    about = SimpleNamespace(
        centre_id=review.centre_id,
        building_id=None,
        instance_id=review.instance_id or review.number,
        element_id="decide",
        business_key=review.number,
    )
    tell_about_task(session, "given-to-you", about, [username], by)


def done(app, person: Person, action_id: int) -> None:
    """What was decided is done; by whoever was to do it, or a lead. Once done it stays done."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        action = session.get(ReviewAction, action_id)
        if action is None:
            raise NotThere("Action", action_id)
        if action.person != me.username:
            access.require(me, DECIDE, action)
        if action.done_at is None:
            action.done_at, action.done_by = session.info["unit"].now, me.username


# --- signing ----------------------------------------------------------------------------------------------------------


def sign(
    app,
    person: Person,
    number: str,
    proof: signing.Proof,
    seen_hash: str,
    opinion: str = "",
    shown: str | None = None,
    request_id: str | None = None,
) -> Result:
    """Sign a review as it was shown, and go on with its procedure. Raises ContentChanged with what differs, NotDecided,
    NotThere, NotAllowed, Refused.
    """
    with app.writing() as session:
        unit = session.info["unit"]
        if (before := app.engine.replayed(unit, request_id, "complete")) is not None:
            return before
        me = session.get_one(Person, person.id)
        review = review_named(session, number, lock=True)
        task = _task(session, review)
        grant = access.require(me, "do", task)
        actor = access.actor(me, grant)
        content = contents.sheet(session, review, unit.now)
        if content.hash != seen_hash:
            raise signing.ContentChanged(number, content, _changed(shown, seen_hash, content))
        _all_decided(content)
        final = Sheet(content.content | {"opinion": opinion.strip()[:LONGEST]})
        row = signing.sign(
            session,
            proof,
            number,
            steps.meaning(review.kind),
            final,
            final.hash,
            actor=actor,
            centre_id=review.centre_id,
        )
        values = {"opinion": opinion.strip()[:LONGEST], "signature": row.id}
        result = app.engine.complete(task.id, values, actor=actor, request_id=request_id, unit=unit)
        if unit.kept is not None:
            unit.kept.exact = False  # a signature is not taken back
        return result


def _task(session: Session, review: Review):
    """The open task in which the review is signed. Raises NotPossible where there is none."""
    if (task := signing_task(session, review)) is None:
        raise NotPossible(f"{review.number} is not waiting for a signature.")
    return task


SIGNING = ("sign_review", "sign_instead")


def _changed(shown: str | None, seen_hash: str, now: Sheet):
    """What differs from what was shown; nothing where the shown text is not the one of its hash."""
    before = Sheet.read(shown)
    return differences(before, now) if before is not None and before.hash == seen_hash else []


def _all_decided(content: Sheet) -> None:
    open_ones = [m["key"] for m in content.content["matters"] if m["action"] is None]
    if open_ones:
        raise NotDecided(open_ones)


# --- what changes afterwards ------------------------------------------------------------------------------------------


def notice_corrections(app) -> int:
    """Give every signed review whose entries were corrected a further version, to be signed anew; how many. Runs twice
    without harm: what was noticed is not noticed again.
    """
    with app.session() as session:
        numbers = session.scalars(
            sa.select(Review.number).where(
                Review.state == ReviewState.SIGNED, Review.signed_at >= app.clock.now() - WATCHED
            )
        ).all()
    return sum(_notice(app, number) for number in numbers)


def _notice(app, number: str) -> bool:
    with app.session() as session:  # most looks find nothing, and those take no lock
        if not _corrections(session, review_named(session, number)):
            return False
    with app.writing() as session:
        review = review_named(session, number, lock=True)
        found = _corrections(session, review)
        if not found:
            return False
        unit, before = session.info["unit"], contents.newest_signed(session, review.id)
        steps.noticed(session.connection(), review, before, [c.to_json() for c in found], unit.now)
        review.state = ReviewState.OPEN
        start_soon(session, planner.AGAIN[review.kind], number, review.centre_id, unit.now)
        return True


def _corrections(session: Session, review: Review) -> list[rules.Change]:
    """What differs from the newest signed version; nothing while a further version waits for its signature."""
    waiting = sa.select(ReviewVersion.id).where(
        ReviewVersion.review_id == review.id, ReviewVersion.signature_id.is_(None)
    )
    version = contents.newest_signed(session, review.id)
    if version is None or review.state is not ReviewState.SIGNED or session.execute(waiting).first():
        return []
    signed = contents.signed_content(session, version)
    return rules.changes(signed["records"], contents.records(session, review, _until(review)))


def _until(review: Review) -> datetime:
    return review.signed_at or review.until_at


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help about a review (clause 12); everything else goes on."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        grant = decider(session, me, review_named(session, number))
        unit = session.info["unit"]
        result = app.engine.correlate(
            "ticket.help",
            number,
            {"question": question.strip(), "asked_by": me.username},
            actor=access.actor(me, grant),
            request_id=request_id,
            unit=unit,
        )
        if unit.kept is not None:
            unit.kept.exact = False
        return result
