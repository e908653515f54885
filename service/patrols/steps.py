"""What steps do to patrols: open one with its floors, record a floor, close it. Called inside a step, on its connection.

A floor is recorded from what the phone sent (`Submission`), so that the step and the raw entry can never disagree. Surprise: a
group answered "finding" without a submission still becomes a finding, with the group's name for words: nothing seen is lost.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from service.errors import NotThere
from service.findings import steps as findings
from service.findings.models import FindingPhoto, Severity, Source
from service.organisation.models import Floor
from service.patrols import checklist, rules
from service.patrols.models import (
    Answer,
    Patrol,
    PatrolPoint,
    PatrolSlot,
    Posting,
    Submission,
    Visit,
    VisitState,
)
from service.patrols.rules import Place, Proof
from service.subjects.steps import name as name_subject

_patrol, _visit, _sent, _floor = Patrol.__table__, Visit.__table__, Submission.__table__, Floor.__table__
_point, _posting, _photo = PatrolPoint.__table__, Posting.__table__, FindingPhoto.__table__


# --- opening ----------------------------------------------------------------------------------------------------------


def opened(
    connection: Any, number: str, centre_id: int, instance_id: str | None, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """Write the patrol and its floors; gives the floors as the diagram walks them: visit_id, label."""
    patrol_id = connection.execute(
        sa.insert(_patrol)
        .values(
            number=number,
            centre_id=centre_id,
            plan_id=given["plan_id"],
            area_id=given["area_id"],
            name=given["patrol_name"],
            day=date.fromisoformat(given["day"]),
            slot=PatrolSlot(given["slot"]),
            starts_at=given["slot_starts_at"],
            ends_at=given["slot_ends_at"],
            instance_id=instance_id,
            missed=0,
        )
        .returning(_patrol.c.id)
    ).scalar_one()
    name_subject(connection, number, centre_id, "patrol", given["patrol_name"])
    return [
        _visit_row(connection, patrol_id, centre_id, position, floor) for position, floor in enumerate(given["floors"])
    ]


def _visit_row(connection: Any, patrol_id: int, centre_id: int, position: int, floor: dict[str, Any]) -> dict[str, Any]:
    visit_id = connection.execute(
        sa.insert(_visit)
        .values(
            centre_id=centre_id,
            patrol_id=patrol_id,
            floor_id=int(floor["floor_id"]),
            building_id=int(floor["building_id"]),
            label=floor["label"],
            position=position,
            responsible=floor.get("responsible"),
            photo_item=_asked_photo(),
            state=VisitState.WAITING,
            answers={},
            flags=[],
        )
        .returning(_visit.c.id)
    ).scalar_one()
    return {"visit_id": visit_id, "label": floor["label"]}


def _asked_photo() -> str:
    """Mostly nothing; sometimes an item named at random, so that no picture can be kept ready for it."""
    wanted = secrets.randbelow(1000) < rules.PHOTO_CHANCE * 1000
    return secrets.choice(sorted(checklist.photo_items())) if wanted else ""


# --- one floor --------------------------------------------------------------------------------------------------------


def visit_of(connection: Any, visit_id: int) -> SimpleNamespace:
    row = connection.execute(sa.select(_visit).where(_visit.c.id == visit_id)).mappings().first()
    if row is None:
        raise NotThere("Floor of a patrol", visit_id)
    return SimpleNamespace(**row)


def recorded(
    connection: Any, visit_id: int, answers: dict[str, str], submission_id: str | None, by: str, now: datetime
) -> list[str]:
    """The floor is walked: answers, proofs, findings; gives the numbers of the findings."""
    visit = visit_of(connection, visit_id)
    sent = _submission(connection, submission_id)
    _mark(connection, visit, answers, sent, submission_id, by, now)
    return reported(connection, visit, answers, sent, by, now)


def reported(
    connection: Any, visit: SimpleNamespace, answers: dict[str, str], sent: dict[str, Any], by: str, now: datetime
) -> list[str]:
    """Everything that was seen on a floor becomes a finding; what was posted past its date and taken down is noted."""
    numbers = []
    for given in [*sent.get("findings", ()), *_unsaid(answers, sent)]:
        numbers.append(findings.report(connection, _seen(visit, given), by, now))
    _take_down(connection, visit, [int(id) for id, what in sent.get("postings", {}).items() if what == "down"], by, now)
    return numbers


def _unsaid(answers: dict[str, str], sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Groups answered "finding" of which nobody said what it is."""
    said = {given["group"] for given in sent.get("findings", ())}
    return [
        {"group": g.key, "words": g.name.zh}
        for g in checklist.groups()
        if answers.get(g.key) == Answer.FINDING and g.key not in said
    ]


def _seen(visit: SimpleNamespace, given: dict[str, Any]) -> findings.Seen:
    spot = (given.get("place") or "").strip()
    return findings.Seen(
        visit.centre_id,
        given["group"],
        Severity(given.get("severity") or Severity.MINOR),
        given.get("department") or checklist.group(given["group"]).department,
        (given.get("words") or "").strip() or checklist.group(given["group"]).name.zh,
        f"{visit.label} {spot}".strip(),
        visit.building_id,
        visit.floor_id,
        visit.id,
        given.get("posting"),
        Source.POSTING if given.get("posting") else Source.PATROL,
        tuple(given.get("photos") or ()),
    )


def _take_down(connection: Any, visit: SimpleNamespace, ids: list[int], by: str, now: datetime) -> None:
    if ids:
        connection.execute(
            sa.update(_posting)
            .where(_posting.c.id.in_(ids), _posting.c.floor_id == visit.floor_id, _posting.c.taken_down_at.is_(None))
            .values(taken_down_at=now, taken_down_by=by)
        )


def _submission(connection: Any, submission_id: str | None) -> dict[str, Any]:
    """What the phone sent; nothing where the task was done on its plain page."""
    if not submission_id:
        return {}
    row = connection.execute(sa.select(_sent.c.content).where(_sent.c.id == submission_id)).first()
    return dict(row.content) if row else {}


def _mark(connection: Any, visit, answers, sent, submission_id, by: str, now: datetime) -> None:
    point = _point_of(connection, sent.get("tag"), visit.centre_id)
    found = rules.flags(_proof(connection, visit, sent, point, by, now))
    connection.execute(
        sa.update(_visit)
        .where(_visit.c.id == visit.id)
        .values(
            state=VisitState.DONE,
            answers=answers,
            walked_by=by,
            opened_at=instant(sent.get("opened_at")),
            scanned_at=instant(sent.get("scanned_at")) if point else None,
            sent_at=instant(sent.get("sent_at")),
            arrived_at=now,
            clock_offset_seconds=sent.get("offset_seconds"),
            point_id=point.id if point else None,
            flags=[str(flag) for flag in found],
            submission_id=submission_id if sent else None,
        )
    )
    if sent.get("proof_photo"):
        connection.execute(
            sa.update(_photo)
            .where(_photo.c.id == int(sent["proof_photo"]), _photo.c.taken_by == by, _photo.c.finding_id.is_(None))
            .values(visit_id=visit.id, kind="proof")
        )


def _point_of(connection: Any, code: str | None, centre_id: int):
    if not code:
        return None
    return connection.execute(
        sa.select(_point).where(_point.c.code == code, _point.c.centre_id == centre_id, _point.c.retired_at.is_(None))
    ).first()


def _proof(connection: Any, visit, sent: dict[str, Any], point, by: str, now: datetime) -> Proof:
    here, before = _place(connection, visit.floor_id), _before(connection, visit, by)
    proof_photo = sent.get("proof_photo")
    return Proof(
        here,
        None if not sent.get("tag") else bool(point and point.floor_id == visit.floor_id),
        put_right(instant(sent.get("opened_at")), sent.get("offset_seconds")),
        put_right(instant(sent.get("sent_at")), sent.get("offset_seconds")),
        now,
        clocks_apart=rules.clocks_apart(sent.get("offset_seconds"), sent.get("offset_at_sending_seconds")),
        photo_wanted=bool(visit.photo_item),
        photo_given=proof_photo is not None or bool(sent.get("proof_hash")),
        photo_old=seen_before(connection, proof_photo),
        after_slot=visit.state == VisitState.MISSED,
        before=_place(connection, before.floor_id) if before else None,
        before_sent_at=(put_right(before.sent_at, before.clock_offset_seconds) or before.arrived_at) if before else None,
    )


def _place(connection: Any, floor_id: int) -> Place:
    row = connection.execute(sa.select(_floor.c.building_id, _floor.c.level).where(_floor.c.id == floor_id)).one()
    return Place(row.building_id, row.level)


def _before(connection: Any, visit, by: str):
    """The floor that the same person walked before this one, in the same patrol."""
    return connection.execute(
        sa.select(_visit)
        .where(_visit.c.patrol_id == visit.patrol_id, _visit.c.walked_by == by, _visit.c.id != visit.id)
        .order_by(sa.func.coalesce(_visit.c.sent_at, _visit.c.arrived_at).desc())
        .limit(1)
    ).first()


def seen_before(connection: Any, photo_id: Any) -> bool:
    """Whether a picture with the same content was sent before."""
    if photo_id is None:
        return False
    source = sa.select(_photo.c.source_sha256).where(_photo.c.id == int(photo_id)).scalar_subquery()
    older = sa.select(_photo.c.id).where(_photo.c.source_sha256 == source, _photo.c.id < int(photo_id))
    return connection.execute(older.limit(1)).first() is not None


def instant(text: str | None) -> datetime | None:
    """An instant as a phone writes it; None for none and for what is no instant with a zone."""
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def put_right(at: datetime | None, offset_seconds: int | None) -> datetime | None:
    """An instant of a phone's clock as ours would have shown it, by the offset that the phone had noted."""
    return at + timedelta(seconds=offset_seconds or 0) if at is not None else None


def subject(number: str) -> SimpleNamespace:
    """What a notice is about, by its number."""
    return SimpleNamespace(number=number)


# --- what comes late --------------------------------------------------------------------------------------------------


def recorded_late(
    connection: Any, visit: SimpleNamespace, sent: dict[str, Any], submission_id: str, by: str, now: datetime
) -> list[str]:
    """An entry for a floor whose slot is over, or that somebody else has walked: what was seen counts, and a missed floor
    that was walked in time by the phone's clock counts as walked.
    """
    answers = sent["answers"]
    if visit.state == VisitState.MISSED and _in_time(connection, visit, sent):
        _mark(connection, visit, answers, sent, submission_id, by, now)
        connection.execute(
            sa.update(_patrol).where(_patrol.c.id == visit.patrol_id).values(missed=_patrol.c.missed - 1)
        )
    return reported(connection, visit, answers, sent, by, now)


def _in_time(connection: Any, visit, sent: dict[str, Any]) -> bool:
    sent_at = put_right(instant(sent.get("sent_at")), sent.get("offset_seconds"))
    ends_at = connection.execute(sa.select(_patrol.c.ends_at).where(_patrol.c.id == visit.patrol_id)).scalar_one()
    return sent_at is not None and sent_at <= ends_at


# --- closing ----------------------------------------------------------------------------------------------------------


def closed(connection: Any, number: str, now: datetime) -> list[str]:
    """The patrol is over: floors that nobody walked are missed; gives their labels."""
    patrol_id = connection.execute(sa.select(_patrol.c.id).where(_patrol.c.number == number)).scalar_one()
    labels = list(
        connection.execute(
            sa.select(_visit.c.label)
            .where(_visit.c.patrol_id == patrol_id, _visit.c.state == VisitState.WAITING)
            .order_by(_visit.c.position)
        ).scalars()
    )
    connection.execute(
        sa.update(_visit)
        .where(_visit.c.patrol_id == patrol_id, _visit.c.state == VisitState.WAITING)
        .values(state=VisitState.MISSED)
    )
    connection.execute(sa.update(_patrol).where(_patrol.c.id == patrol_id).values(closed_at=now, missed=len(labels)))
    return labels
