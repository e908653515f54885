"""What people do with patrols: keep the plan, the tags and what is posted; send in a floor.

Every action is one transaction; the person's right is checked in it, by service.access. Surprise: `submit` never refuses an
entry for its time or its proofs, and what a phone sends twice is kept once. Its photos: service.patrols.arrivals.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import Result
from service import access
from service.errors import NotThere, Refused
from service.findings.models import Finding, Severity
from service.findings.steps import KIND as FINDING
from service.organisation.models import Area, Centre, Floor, Person
from service.organisation.queries import members, person_named
from service.organisation.rules import DESK
from service.patrols import arrivals, checklist, rules, steps
from service.patrols.models import (
    Patrol,
    PatrolPlan,
    PatrolPlanFloor,
    PatrolPoint,
    Posting,
    PostingKind,
    Rhythm,
    Submission,
    Visit,
    VisitState,
)
from service.timetable import actions as timetable

CODE_BYTES = 15
MOST_FINDINGS = 20
MOST_PHOTOS = 10
HASH = re.compile(r"[0-9a-f]{64}")
MOST_OFFSET_SECONDS = 10 * 365 * 24 * 3600
LONGEST = 1000


# --- the plan ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanGiven:
    """A plan as a supervisor fills it in; `floor_ids` in the order in which they are walked."""

    name: str
    area_id: int
    rhythm: str
    floor_ids: tuple[int, ...]
    active: bool = True


def save_plan(
    app, person: Person, centre_id: int, given: PlanGiven, plan_id: int | None = None, seen: int | None = None
) -> int:
    """Keep a new plan, or change one; gives its id. What has started stays; what has not follows at once. Raises Refused."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        plan = _plan(session, me, centre_id, plan_id)
        _check_plan(session, plan, centre_id, given, seen)
        plan.name, plan.area_id, plan.rhythm, plan.active = (
            given.name.strip(),
            given.area_id,
            Rhythm(given.rhythm),
            given.active,
        )
        plan.changed_by, plan.changed_at, plan.version = me.username, session.info["unit"].now, (plan.version or 0) + 1
        session.add(plan)
        session.flush()
        session.execute(sa.delete(PatrolPlanFloor).where(PatrolPlanFloor.plan_id == plan.id))
        session.add_all(
            PatrolPlanFloor(plan_id=plan.id, floor_id=floor, position=n)
            for n, floor in enumerate(dict.fromkeys(given.floor_ids))
        )
        saved = plan.id
    timetable.plan_ahead(app, centre_id=centre_id)
    return saved


def _plan(session: Session, me: Person, centre_id: int, plan_id: int | None) -> PatrolPlan:
    if plan_id is None:
        access.require(me, "change patrols", session.get_one(Centre, centre_id))
        return PatrolPlan(centre_id=centre_id)
    plan = session.get(PatrolPlan, plan_id)
    if plan is None or plan.centre_id != centre_id:
        raise NotThere("Patrol plan", plan_id)
    access.require(me, "change patrols", plan)
    return plan


def _check_plan(session: Session, plan: PatrolPlan, centre_id: int, given: PlanGiven, seen: int | None) -> None:
    if not given.name.strip():
        raise Refused("A patrol plan needs a name, such as that of its building.", "name")
    if seen is not None and plan.version is not None and seen != plan.version:
        raise Refused(
            f"{plan.changed_by} has changed this plan in between. Load the page again, then change it.", "name"
        )
    same = sa.select(PatrolPlan.id).where(
        PatrolPlan.centre_id == centre_id, PatrolPlan.name == given.name.strip(), PatrolPlan.id != (plan.id or 0)
    )
    if session.execute(same).first():
        raise Refused(
            f"There is a patrol plan {given.name.strip()} already. Change that one, or take another name.", "name"
        )
    area = session.get(Area, given.area_id)
    if area is None or area.centre_id != centre_id:
        raise Refused("Pick the area that the floors belong to.", "area")
    if given.rhythm not in list(Rhythm):
        raise Refused("Say whether the floors are walked once a day or twice.", "rhythm")
    here = session.scalar(
        sa.select(sa.func.count()).select_from(Floor).where(Floor.id.in_(given.floor_ids), Floor.centre_id == centre_id)
    )
    if not given.floor_ids or here != len(set(given.floor_ids)):
        raise Refused("Pick at least one floor of this centre.", "floors")


def set_responsible(app, person: Person, floor_ids: list[int], username: str | None) -> None:
    """Say who answers for floors (clause 23.1), nobody for None. Patrols that run keep whom they began with."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        floors = [_floor(session, me, floor_id) for floor_id in floor_ids]
        for floor in floors:
            floor.responsible_id = _somebody_here(session, username, floor.centre_id).id if username else None


def _floor(session: Session, me: Person, floor_id: int, action: str = "change patrols") -> Floor:
    floor = session.get(Floor, floor_id)
    if floor is None:
        raise NotThere("Floor", floor_id)
    access.require(me, action, floor)
    return floor


def _somebody_here(session: Session, username: str, centre_id: int) -> Person:
    found = person_named(session, username)
    at_desk = {p.id for role in DESK for p in members(session, role, centre_id)}
    if found is None or found.id not in at_desk:
        raise Refused(
            f"{username} is no specialist or assistant of this centre. Pick somebody from the list.", "responsible"
        )
    return found


# --- tags -------------------------------------------------------------------------------------------------------------


def make_points(app, person: Person, floor_ids: list[int], name: str) -> int:
    """A tag for each of the floors that has none of this name; how many were made."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        floors = [_floor(session, me, floor_id) for floor_id in dict.fromkeys(floor_ids)]
        if not name.strip():
            raise Refused("Say where on the floor the tag hangs, such as the lift lobby.", "name")
        there = set(
            session.scalars(
                sa.select(PatrolPoint.floor_id).where(
                    PatrolPoint.floor_id.in_([f.id for f in floors]),
                    PatrolPoint.name == name.strip(),
                    PatrolPoint.retired_at.is_(None),
                )
            )
        )
        made = [_new_point(session, me, floor, name.strip()) for floor in floors if floor.id not in there]
        session.add_all(made)
        return len(made)


def renew_point(app, person: Person, point_id: int) -> int:
    """Retire a tag and make another in its place: its code was copied, or it is lost. Gives the new one's id."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        old = session.get(PatrolPoint, point_id)
        if old is None:
            raise NotThere("Tag", point_id)
        floor = _floor(session, me, old.floor_id)
        if old.retired_at is not None:
            raise Refused("This tag was retired before. Print the one that took its place.")
        old.retired_at = session.info["unit"].now
        new = _new_point(session, me, floor, old.name)
        session.add(new)
        session.flush()
        return new.id


def _new_point(session: Session, me: Person, floor: Floor, name: str) -> PatrolPoint:
    code = secrets.token_urlsafe(CODE_BYTES)
    now = session.info["unit"].now
    return PatrolPoint(
        centre_id=floor.centre_id, floor_id=floor.id, name=name, code=code, made_by=me.username, made_at=now
    )


# --- what is posted ---------------------------------------------------------------------------------------------------


def post(app, person: Person, floor_id: int, kind: str, title: str, expires_on: date, note: str = "") -> int:
    """Note what is posted on a floor and until when; gives its id. The first patrol after that day has to look at it."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        floor = _floor(session, me, floor_id, "post notices")
        if not title.strip():
            raise Refused("Say what is posted.", "title")
        if kind not in list(PostingKind):
            raise Refused("Say what kind of posting it is.", "kind")
        row = Posting(
            centre_id=floor.centre_id,
            floor_id=floor.id,
            kind=PostingKind(kind),
            title=title.strip()[:100],
            expires_on=expires_on,
            note=note.strip(),
            posted_by=me.username,
            posted_at=session.info["unit"].now,
        )
        session.add(row)
        session.flush()
        return row.id


def take_down(app, person: Person, posting_id: int) -> None:
    """What was posted is gone."""
    with app.writing() as session:
        me = session.get_one(Person, person.id)
        row = session.get(Posting, posting_id)
        if row is None:
            raise NotThere("Posting", posting_id)
        access.require(me, "post notices", row)
        if row.taken_down_at is None:
            row.taken_down_at, row.taken_down_by = session.info["unit"].now, me.username


# --- a floor ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of an entry. `late`: the floor was done or missed before it came."""

    visit_id: int
    late: bool
    findings: tuple[str, ...]
    replayed: bool = False


def submit(
    app,
    person: Person,
    visit_id: int,
    submission_id: str,
    content: dict[str, Any],
    sha256: str = "",
    phone_now: datetime | None = None,
) -> Submitted:
    """Take what a phone sends for a floor: answers per group, findings, times by the phone's clock, the tag's code.

    `content`: answers {group: fine | finding | na}, findings [{group, severity, department, place, words, photos, posting}],
    postings {id: down | finding}, tag, opened_at, scanned_at, sent_at, proof_photo, offset_seconds (our clock minus the
    phone's, as the phone knew it). A photo is named by its id or by the sha-256 of its bytes, there or still to come.
    `sha256`: of the entry as sent; `phone_now`: the phone's clock while sending. The same `submission_id` gives the first
    answer again. Raises Refused where a group has no answer, NotThere, NotAllowed.
    """
    with app.writing() as session:
        session.info["unit"].lock_request(submission_id)
        me = session.get_one(Person, person.id)
        visit = session.get(Visit, visit_id)
        if visit is None:
            raise NotThere("Floor of a patrol", visit_id)
        grant = access.require(me, "walk patrols", visit)
        if (before := session.get(Submission, submission_id)) is not None:
            done = _again(session, before, visit_id, me)
        else:
            given = checked(content) | _at_sending(session, phone_now)
            done = _take(app, session, me, grant, visit, submission_id, given, sha256)
    timetable.start_due(app, kind=FINDING)  # what was seen goes to the departments now
    return done


def ask_help(app, person: Person, number: str, question: str, request_id: str | None = None) -> Result:
    """Ask the superior for help about a patrol that is under way (clause 12); the walk goes on. Raises NotThere, Refused."""
    if not question.strip():
        raise Refused("Say in one sentence what you need help with.", "question")
    with app.writing() as session:
        me, unit = session.get_one(Person, person.id), session.info["unit"]
        patrol = session.scalars(sa.select(Patrol).where(Patrol.number == number)).first()
        if patrol is None:
            raise NotThere("Patrol", number)
        actor = access.actor(me, access.require(me, "walk patrols", patrol))
        values = {"question": question.strip(), "asked_by": me.username}
        result = app.engine.correlate("ticket.help", number, values, actor=actor, request_id=request_id, unit=unit)
        if unit.kept is not None:
            unit.kept.exact = False  # others act on it at once
        return result


def _at_sending(session: Session, phone_now: datetime | None) -> dict[str, int]:
    if phone_now is None:
        return {}
    seconds = round((session.info["unit"].now - phone_now).total_seconds())
    return {"offset_at_sending_seconds": seconds} if abs(seconds) < MOST_OFFSET_SECONDS else {}


def _take(
    app, session: Session, me: Person, grant, visit: Visit, submission_id: str, content: dict[str, Any], sha256: str
) -> Submitted:
    content = arrivals.with_photos(session, me, content)
    unit, late = session.info["unit"], visit.state != VisitState.WAITING
    task_id = None if late else _task_of(app, session, visit)
    late = late or task_id is None
    session.add(
        Submission(
            id=submission_id,
            centre_id=visit.centre_id,
            visit_id=visit.id,
            sent_by=me.username,
            arrived_at=unit.now,
            content=content,
            late=late,
            sha256=sha256,
        )
    )
    session.flush()
    if late:
        row = steps.visit_of(session.connection(), visit.id)
        steps.recorded_late(session.connection(), row, content, submission_id, me.username, unit.now)
    else:
        values = content["answers"] | {"submission": submission_id}
        app.engine.complete(task_id, values, actor=access.actor(me, grant), unit=unit)
        if unit.kept is not None:
            unit.kept.exact = False  # departments hear of what was seen at once: such a step is not taken back
    return Submitted(visit.id, late, _numbers(session, submission_id, visit.id, me, unit.now))


def _again(session: Session, before: Submission, visit_id: int, me: Person) -> Submitted:
    if (before.visit_id, before.sent_by) != (visit_id, me.username):
        raise Refused("This entry's id was used for another floor. Open the floor again.")
    numbers = _numbers(session, before.id, visit_id, me, before.arrived_at)
    return Submitted(visit_id, before.late, numbers, replayed=True)


def _numbers(session: Session, submission_id: str, visit_id: int, me: Person, at) -> tuple[str, ...]:
    query = sa.select(Finding.number).where(
        Finding.visit_id == visit_id, Finding.reported_by == me.username, Finding.reported_at == at
    )
    return tuple(session.scalars(query.order_by(Finding.id)))


def _task_of(app, session: Session, visit: Visit) -> str | None:
    """The open task of a floor: the one whose turn of the patrol is about this visit."""
    root_id = session.get_one(Patrol, visit.patrol_id).instance_id
    tasks = app.engine.seen_by(root_id, "walk_floor", session.info["unit"]) if root_id else {}
    return next((id for id, seen in tasks.items() if (seen.get("visit") or {}).get("visit_id") == visit.id), None)


# --- what a submission may hold ---------------------------------------------------------------------------------------


def checked(content: dict[str, Any]) -> dict[str, Any]:
    """The entry with what is known of it, everything else dropped. Raises Refused where a group has no answer."""
    answers = {k: str(v) for k, v in dict(content.get("answers") or {}).items()}
    keys = [g.key for g in checklist.groups()]
    if missing := rules.complete(answers, keys):
        raise Refused(f"These groups have no answer yet: {', '.join(missing)}.", missing[0])
    times = {k: str(content[k]) for k in ("opened_at", "scanned_at", "sent_at", "tag") if content.get(k)}
    return {
        "answers": {k: answers[k] for k in keys},
        "findings": [_finding(f, keys) for f in list(content.get("findings") or ())[:MOST_FINDINGS]],
        "postings": {str(k): str(v) for k, v in dict(content.get("postings") or {}).items() if str(k).isdigit()},
        "proof_photo": _number(content.get("proof_photo")),
        "proof_hash": next(iter(_hashes([content.get("proof_photo")])), ""),
        "offset_seconds": _offset(content.get("offset_seconds")),
        **times,
    }


def _offset(value: Any) -> int | None:
    """Seconds; None for what no clock can be off by."""
    return int(value) if isinstance(value, (int, float)) and abs(value) < MOST_OFFSET_SECONDS else None


def _finding(given: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    if given.get("group") not in keys:
        raise Refused("A finding belongs to one of the six groups.", "group")
    severity = given.get("severity") or "minor"
    if severity not in list(Severity):
        raise Refused("Say how bad the finding is: minor, major or danger.", "severity")
    return {
        "group": given["group"],
        "severity": severity,
        "department": str(given.get("department") or "")[:40],
        "place": str(given.get("place") or "")[:80],
        "words": str(given.get("words") or "")[:LONGEST],
        "photos": [n for n in map(_number, _photos(given)) if n is not None],
        "photo_hashes": _hashes(_photos(given)),
        "posting": _number(given.get("posting")),
    }


def _photos(given: dict[str, Any]) -> list:
    return list(given.get("photos") or ())[:MOST_PHOTOS]


def _hashes(values: list) -> list[str]:
    return [str(value) for value in values if HASH.fullmatch(str(value or ""))]


def _number(value: Any) -> int | None:
    return int(value) if str(value or "").isdigit() and len(str(value)) < 18 else None
