"""Reads about patrols for the screens: today's floors, one floor to walk, the record with its flags, the plan, a floor's past."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from service import access
from service.calendars.queries import calendar_of
from service.errors import NotThere
from service.findings.models import OPEN_STATES, Finding, FindingPhoto
from service.organisation.models import Area, AreaKind, Building, Centre, Floor, Person
from service.organisation.queries import members, names_of
from service.organisation.rules import DESK
from service.patrols import planner
from service.patrols.models import (
    Patrol,
    PatrolPlan,
    PatrolPlanFloor,
    PatrolPoint,
    Posting,
    Submission,
    Visit,
    VisitState,
)

LAST_VISITS = 6
LAST_DAYS = 5  # with a patrol; whole days, so that the sums of a day are right
LOOKED_AHEAD = 14  # days; no holiday is longer


@dataclass(frozen=True, slots=True)
class PatrolRow:
    """One patrol of the day with its floors in the order of the plan."""

    patrol: Patrol
    visits: list[Visit]

    @property
    def done(self) -> int:
        return sum(v.state == VisitState.DONE for v in self.visits)

    @property
    def waiting(self) -> list[Visit]:
        return [v for v in self.visits if v.state == VisitState.WAITING]


def of_day(person: Person, on: date | None = None) -> list[PatrolRow]:
    """The patrols of one day (today of each centre by default) within reach, what ends first comes first."""
    session, mine = object_session(person), access.reach(person)
    query = sa.select(Patrol).where(access.centre_filter(mine, "see patrols", Patrol.centre_id))
    if on is None:
        now = session.info["clock"].now()
        centres = session.scalars(
            sa.select(Centre.id).where(access.centre_filter(mine, "see patrols", Centre.id))
        ).all()
        today = [
            sa.and_(Patrol.centre_id == c, Patrol.day == calendar_of(session, c).local(now).date()) for c in centres
        ]
        query = query.where(sa.or_(sa.false(), *today))
    else:
        query = query.where(Patrol.day == on)
    patrols = list(session.scalars(query.order_by(Patrol.closed_at.is_not(None), Patrol.ends_at, Patrol.id)))
    visits = session.scalars(
        sa.select(Visit).where(Visit.patrol_id.in_([p.id for p in patrols])).order_by(Visit.patrol_id, Visit.position)
    )
    by_patrol: dict[int, list[Visit]] = {}
    for visit in visits:
        by_patrol.setdefault(visit.patrol_id, []).append(visit)
    return [PatrolRow(patrol, by_patrol.get(patrol.id, [])) for patrol in patrols]


@dataclass(frozen=True, slots=True)
class Coming:
    """A slot of a plan that has not begun, by the plan's name."""

    name: str
    starts_at: datetime
    ends_at: datetime
    floors: int


def coming(person: Person) -> list[Coming]:
    """What is walked next: the slots of the next day on which a centre within reach has one, at most a fortnight ahead."""
    session = object_session(person)
    return sorted(
        (slot for centre in centres_of(person) for slot in _next_of(session, centre.id)), key=lambda c: (c.starts_at, c.name)
    )


def _next_of(session: Session, centre_id: int) -> list[Coming]:
    now = session.info["clock"].now()
    today = calendar_of(session, centre_id).local(now).date()
    floors = dict(session.execute(
        sa.select(PatrolPlanFloor.plan_id, sa.func.count()).join(PatrolPlan, PatrolPlan.id == PatrolPlanFloor.plan_id)
        .where(PatrolPlan.centre_id == centre_id).group_by(PatrolPlanFloor.plan_id)
    ).all())  # fmt: skip
    for day in (today + timedelta(days=count) for count in range(LOOKED_AHEAD if floors else 0)):
        found = [slot for slot in planner.slots(session, centre_id, day) if slot.starts_at > now]
        if found:
            return [_coming(session, slot, floors) for slot in found]
    return []


def _coming(session: Session, slot, floors: dict[int, int]) -> Coming:
    plan = session.get_one(PatrolPlan, int(slot.key.split("-")[0]))
    return Coming(plan.name, slot.starts_at, slot.ends_at, floors.get(plan.id, 0))


@dataclass(frozen=True, slots=True)
class Past:
    """A patrol that is over, with how many floors were walked and how many findings were seen."""

    patrol: Patrol
    done: int
    floors: int
    findings: int


def past(person: Person, most: int = LAST_DAYS) -> list[Past]:
    """The patrols within reach of the last `most` days on which one ended, the newest first."""
    session, mine = object_session(person), access.reach(person)
    over = access.centre_filter(mine, "see patrols", Patrol.centre_id), Patrol.closed_at.is_not(None)
    days = sa.select(Patrol.day).where(*over).distinct().order_by(Patrol.day.desc()).limit(most).subquery()
    latest = sa.select(Patrol).where(*over, Patrol.day.in_(sa.select(days.c.day)))
    patrols = list(session.scalars(latest.order_by(Patrol.day.desc(), Patrol.ends_at.desc(), Patrol.name, Patrol.id)))
    visits = sa.select(Visit.patrol_id, sa.func.count(), sa.func.sum(sa.case((Visit.state == VisitState.DONE, 1), else_=0)))
    counts = {id: (all_, done) for id, all_, done in session.execute(
        visits.where(Visit.patrol_id.in_([p.id for p in patrols])).group_by(Visit.patrol_id))}  # fmt: skip
    seen = dict(session.execute(
        sa.select(Visit.patrol_id, sa.func.count()).join(Finding, Finding.visit_id == Visit.id)
        .where(Visit.patrol_id.in_(counts)).group_by(Visit.patrol_id)
    ).all())  # fmt: skip
    return [Past(p, counts.get(p.id, (0, 0))[1], counts.get(p.id, (0, 0))[0], seen.get(p.id, 0)) for p in patrols]


@dataclass(frozen=True, slots=True)
class Carried:
    """A floor to walk, with all that a phone needs for it without a network."""

    visit: Visit
    office: bool
    postings: list[Posting]  # past their date and still there
    findings: list[Finding]  # open ones of this floor
    tags: list[str]  # sha-256 of the codes: a phone knows a tag when it reads it, but carries no code (T39)


def to_carry(person: Person) -> list[tuple[PatrolRow, list[Carried]]]:
    """Today's patrols within reach, with the floors that are still to walk; a fixed number of statements."""
    session, rows = object_session(person), of_day(person)
    floor_ids = {v.floor_id for row in rows for v in row.waiting}
    open_ones = sa.select(Finding).where(Finding.floor_id.in_(floor_ids), Finding.state.in_(OPEN_STATES))
    findings = _by_floor(session, open_ones.order_by(Finding.id))
    hanging = sa.select(Posting).where(Posting.floor_id.in_(floor_ids), Posting.taken_down_at.is_(None))
    postings = _by_floor(session, hanging.order_by(Posting.expires_on, Posting.id))
    points = _by_floor(
        session, sa.select(PatrolPoint).where(PatrolPoint.floor_id.in_(floor_ids), PatrolPoint.retired_at.is_(None))
    )
    offices = set(session.scalars(sa.select(Area.id).where(Area.kind == AreaKind.OFFICE)))

    def carried(patrol: Patrol, visit: Visit) -> Carried:
        past = [p for p in postings.get(visit.floor_id, []) if p.expires_on < patrol.day]
        tags = [hashlib.sha256(p.code.encode()).hexdigest() for p in points.get(visit.floor_id, [])]
        return Carried(visit, patrol.area_id in offices, past, findings.get(visit.floor_id, []), tags)

    return [(row, [carried(row.patrol, v) for v in row.waiting]) for row in rows]


@dataclass(frozen=True, slots=True)
class VisitCard:
    """Everything for a floor's page on the phone."""

    visit: Visit
    patrol: Patrol
    office: bool
    postings: list[Posting]  # past their date and still there
    findings: list[Finding]  # open ones of this floor
    may_walk: bool


def visit_card(person: Person, visit_id: int) -> VisitCard:
    """Raises NotThere for a floor that is unknown or out of reach."""
    session = object_session(person)
    visit = session.get(Visit, visit_id)
    if visit is None or not access.may(person, "see patrols", visit):
        raise NotThere("Floor of a patrol", visit_id)
    patrol = session.get_one(Patrol, visit.patrol_id)
    kind = session.get_one(Area, patrol.area_id).kind
    found = sa.select(Finding).where(Finding.floor_id == visit.floor_id, Finding.state.in_(OPEN_STATES))
    return VisitCard(
        visit,
        patrol,
        kind is AreaKind.OFFICE,
        expired(session, visit.floor_id, patrol.day),
        list(session.scalars(found.order_by(Finding.id))),
        access.may(person, "walk patrols", visit),
    )


def expired(session: Session, floor_id: int, on: date) -> list[Posting]:
    """What hangs on a floor though its last day is over."""
    query = sa.select(Posting).where(
        Posting.floor_id == floor_id, Posting.taken_down_at.is_(None), Posting.expires_on < on
    )
    return list(session.scalars(query.order_by(Posting.expires_on, Posting.id)))


def of_tag(person: Person, code: str) -> tuple[PatrolPoint, Visit | None]:
    """The tag and the floor's visit that is to be walked now (None: no patrol of this floor runs). Raises NotThere."""
    session = object_session(person)
    point = session.scalars(sa.select(PatrolPoint).where(PatrolPoint.code == code)).first()
    if point is None or point.retired_at is not None or not access.may(person, "see patrols", point):
        raise NotThere("Tag", code[:6])
    visit = session.scalars(
        sa.select(Visit)
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Visit.floor_id == point.floor_id, Visit.state == VisitState.WAITING, Patrol.closed_at.is_(None))
        .order_by(Patrol.ends_at)
        .limit(1)
    ).first()
    return point, visit


# --- the record -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A patrol as the supervisor reviews it (clause 23.3)."""

    row: PatrolRow
    findings: list[Finding]
    photos: dict[int, FindingPhoto]  # visit id -> the picture that was asked for
    names: dict[str, str]
    uncounted: list[Submission]  # entries that came when the floor was walked or missed already


def record(person: Person, number: str) -> Record:
    """Raises NotThere for a number that is unknown or out of reach."""
    session = object_session(person)
    patrol = session.scalars(sa.select(Patrol).where(Patrol.number == number)).first()
    if patrol is None or not access.may(person, "see patrols", patrol):
        raise NotThere("Patrol", number)
    visits = list(session.scalars(sa.select(Visit).where(Visit.patrol_id == patrol.id).order_by(Visit.position)))
    ids = [v.id for v in visits]
    findings = list(session.scalars(sa.select(Finding).where(Finding.visit_id.in_(ids)).order_by(Finding.id)))
    proofs = session.scalars(sa.select(FindingPhoto).where(FindingPhoto.visit_id.in_(ids)))
    counted = {v.submission_id for v in visits if v.submission_id}
    entries = session.scalars(sa.select(Submission).where(Submission.visit_id.in_(ids)).order_by(Submission.arrived_at, Submission.id))
    uncounted = [entry for entry in entries if entry.id not in counted]
    people = [u for v in visits for u in (v.walked_by, v.responsible)] + [f.reported_by for f in findings]
    names = names_of(session, people + [entry.sent_by for entry in uncounted])
    return Record(PatrolRow(patrol, visits), findings, {p.visit_id: p for p in proofs}, names, uncounted)


# --- a floor's past ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FloorPast:
    """Who answers for a floor and how it was walked lately (clause 23.1)."""

    floor: Floor
    label: str
    responsible: Person | None
    visits: list[tuple[Visit, Patrol]]
    findings: dict[int, int]  # visit id -> how many were seen


def past_of(session: Session, floor_id: int, before: datetime | None = None) -> FloorPast | None:
    """The last patrols of a floor up to `before`; None for no floor. The caller has checked that the reader may see it."""
    floor = session.get(Floor, floor_id)
    if floor is None:
        return None
    query = (
        sa.select(Visit, Patrol)
        .join(Patrol, Patrol.id == Visit.patrol_id)
        .where(Visit.floor_id == floor_id, Visit.state != VisitState.WAITING)
    )
    if before is not None:
        query = query.where(Patrol.starts_at <= before)
    visits = [(v, p) for v, p in session.execute(query.order_by(Patrol.ends_at.desc()).limit(LAST_VISITS))]
    counts = session.execute(
        sa.select(Finding.visit_id, sa.func.count())
        .where(Finding.visit_id.in_([v.id for v, _ in visits]))
        .group_by(Finding.visit_id)
    )
    building = session.get_one(Building, floor.building_id)
    responsible = session.get(Person, floor.responsible_id) if floor.responsible_id else None
    return FloorPast(floor, f"{building.name}{floor.name}".replace(" ", ""), responsible, visits, dict(counts.all()))


# --- the plan ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FloorLine:
    floor: Floor
    building: Building
    responsible: Person | None
    points: list[PatrolPoint]
    postings: list[Posting]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Everything for the page on which a supervisor keeps plans, tags and postings of a centre."""

    centre: Centre
    areas: list[Area]
    plans: list[tuple[PatrolPlan, list[int]]]  # with the floors in their order
    floors: list[FloorLine]
    people: list[Person]


def centres_of(person: Person, action: str = "see patrols") -> list[Centre]:
    session = object_session(person)
    mine = access.centre_filter(access.reach(person), action, Centre.id)
    return list(session.scalars(sa.select(Centre).where(mine, Centre.active).order_by(Centre.id)))


def plan_page(person: Person, centre: Centre) -> PlanPage:
    """The caller has checked that the person may see patrols of the centre."""
    session = object_session(person)
    floors = session.execute(
        sa.select(Floor, Building, Person)
        .join(Building, Building.id == Floor.building_id)
        .outerjoin(Person, Person.id == Floor.responsible_id)
        .where(Floor.centre_id == centre.id)
        .order_by(Building.code, Floor.level)
    ).all()
    points = _by_floor(
        session, sa.select(PatrolPoint).where(PatrolPoint.centre_id == centre.id, PatrolPoint.retired_at.is_(None))
    )
    postings = _by_floor(
        session, sa.select(Posting).where(Posting.centre_id == centre.id, Posting.taken_down_at.is_(None))
    )
    order = session.execute(
        sa.select(PatrolPlanFloor.plan_id, PatrolPlanFloor.floor_id)
        .join(PatrolPlan, PatrolPlan.id == PatrolPlanFloor.plan_id)
        .where(PatrolPlan.centre_id == centre.id)
        .order_by(PatrolPlanFloor.position)
    ).all()
    plans = session.scalars(
        sa.select(PatrolPlan).where(PatrolPlan.centre_id == centre.id).order_by(PatrolPlan.id)
    ).all()
    people = {p.id: p for role in sorted(DESK) for p in members(session, role, centre.id)}
    return PlanPage(
        centre,
        list(session.scalars(sa.select(Area).where(Area.centre_id == centre.id).order_by(Area.id))),
        [(plan, [floor for plan_id, floor in order if plan_id == plan.id]) for plan in plans],
        [FloorLine(f, b, p, points.get(f.id, []), postings.get(f.id, [])) for f, b, p in floors],
        sorted(people.values(), key=lambda p: p.id),
    )


def _by_floor(session: Session, query) -> dict[int, list]:
    found: dict[int, list] = {}
    for row in session.scalars(query):
        found.setdefault(row.floor_id, []).append(row)
    return found
