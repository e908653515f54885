"""Bringing a file in: read, check against what is there, show, apply. Nothing is taken before everything can be.

`check` leaves a run in the log; `apply` makes the same plan again inside one transaction and writes it whole. Applied once, a
run gives its first answer again, and the same file once more finds nothing to change.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import access
from service.errors import NotThere, Refused
from service.exchange import people, sheets, units, wording
from service.exchange.columns import OF
from service.exchange.models import ImportRun, Kind, RunState
from service.exchange.people import Importer
from service.exchange.plans import Plan
from service.exchange.sheets import Fault, Line, Sheet
from service.organisation.models import Centre, Person

ACTION = {Kind.UNITS: "import units", Kind.PEOPLE: "import people"}
KEEPS_ROWS = timedelta(hours=24)
FAULTS_KEPT = 200  # the page shows no more; the count is of all


@dataclass(frozen=True, slots=True)
class Tried:
    """What a file would do, or did (`run` is its line of the log)."""

    plan: Plan
    unread: list[str]
    run: ImportRun | None = None


class NotApplied(Refused):
    """The run cannot be applied: it has bad rows, it waited too long, or the data changed meanwhile. Upload the file again."""


# --- on the page ------------------------------------------------------------------------------------------------------


def centres_for(person: Person, kind: Kind) -> list[Centre]:
    """The centres that the person may bring such a file into."""
    session = sa.orm.object_session(person)
    reached = access.centre_filter(access.reach(person), ACTION[kind], Centre.id)
    return list(session.scalars(sa.select(Centre).where(Centre.active, reached).order_by(Centre.id)))


def check(
    app, person: Person, kind: Kind, centre_id: int, content: bytes, file_name: str, request_id: str | None = None
) -> ImportRun:
    """Read and check a file; the run waits to be applied, or names its faults. The same request gives the same run.

    Raises FileRefused for what is no such file, NotThere and NotAllowed.
    """
    with app.session() as session:
        if before := _of_request(session, request_id, person.username):
            return before
        importer = _importer(session, person, kind, centre_id)
    sheet = sheets.read(content, OF[kind])
    with app.session() as session:
        plan = _plan(session, kind, centre_id, sheet.lines, importer, app.clock.now())
    with app.writing() as session:
        if request_id:
            session.info["unit"].lock_request(f"import:{request_id}")
        if before := _of_request(session, request_id, person.username):
            return before
        _forget_rows(session, session.info["unit"].now)
        return _logged(session, kind, centre_id, content, file_name, sheet, plan, person.username, request_id)


def run_of(person: Person, key: str) -> ImportRun:
    """A run that the person made, or may see because they could have made it. Raises NotThere."""
    session = sa.orm.object_session(person)
    run = session.scalars(sa.select(ImportRun).where(ImportRun.key == key)).first()
    if run is None or not access.may(person, ACTION[run.kind], session.get(Centre, run.centre_id)):
        raise NotThere("Import", key)
    return run


def runs(person: Person, limit: int = 20) -> list[ImportRun]:
    """The log of imports within reach, newest first."""
    session, mine = sa.orm.object_session(person), access.reach(person)
    seen = [
        sa.and_(ImportRun.kind == kind, access.centre_filter(mine, action, ImportRun.centre_id))
        for kind, action in ACTION.items()
    ]
    return list(session.scalars(sa.select(ImportRun).where(sa.or_(*seen)).order_by(ImportRun.id.desc()).limit(limit)))


def apply(app, person: Person, key: str) -> ImportRun:
    """Take a checked file in, whole, in one transaction. Applied before: the first answer. Raises NotApplied, NotThere."""
    with app.session() as session:
        _warm(run_of(session.get_one(Person, person.id), key))
    with app.writing() as session:
        session.info["unit"].lock_request(f"import run:{key}")
        person = session.get_one(Person, person.id)
        run = run_of(person, key)
        if run.state is RunState.APPLIED:
            return run
        if run.state is RunState.FAULTY or run.rows is None:
            raise NotApplied("This file has bad rows or waited for more than a day. Upload it again.")
        importer = _importer(session, person, run.kind, run.centre_id)
        _take(session, run, [Line(**row) for row in run.rows], importer)
        return run


def _warm(run: ImportRun) -> None:
    if run.kind is Kind.UNITS and run.state is RunState.CHECKED:
        units.warm([Line(**row) for row in run.rows or ()])


def _take(session: Session, run: ImportRun, lines: list[Line], importer: Importer) -> None:
    """One import at a time per centre: the plan is made and written under one lock."""
    unit = session.info["unit"]
    unit.lock_request(f"import into centre:{run.centre_id}")
    plan = _plan(session, run.kind, run.centre_id, lines, importer, unit.now)
    if plan.faults:
        raise NotApplied(
            "What is in the system has changed since the file was checked. Upload it again to see what is wrong now."
        )
    if run.kind is Kind.UNITS:
        units.apply(session, run.centre_id, plan, today(session, unit.now))
    else:
        people.apply(session, plan, unit.now)
    _count(run, plan)
    run.state, run.applied_at, run.rows = RunState.APPLIED, unit.now, None


# --- on the command line ----------------------------------------------------------------------------------------------


def bring_in(app, kind: Kind, centre_id: int, content: bytes, file_name: str, dry_run: bool = False) -> Tried:
    """Check a file and, without bad rows, take it in at once. A dry run leaves nothing, not even in the log."""
    sheet = sheets.read(content, OF[kind])
    if dry_run:
        with app.session() as session:
            plan = _plan(session, kind, centre_id, sheet.lines, Importer(), app.clock.now())
        plan.faults = _all_faults(sheet, plan)
        return Tried(plan, sheet.unread)
    if kind is Kind.UNITS:
        units.warm(sheet.lines)
    with app.writing() as session:
        unit = session.info["unit"]
        unit.lock_request(f"import into centre:{centre_id}")
        plan = _plan(session, kind, centre_id, sheet.lines, Importer(), unit.now)
        run = _logged(session, kind, centre_id, content, file_name, sheet, plan, "system", None)
        if run.state is RunState.CHECKED:
            _take(session, run, sheet.lines, Importer())
        plan.faults = _all_faults(sheet, plan)
        return Tried(plan, sheet.unread, run)


def sentences(kind: Kind, tried: Tried, language: str = "en") -> list[str]:
    """What a try says, a line each: its counts, what is made besides, columns that were not read, every bad cell."""
    names, counts = {c.key: c.name(language) for c in OF[kind]}, tried.plan.counts
    lines = [f"{counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged, {counts.bad} bad"]
    lines += [f"besides: {what} {count}" for what, count in tried.plan.besides.items()]
    lines += [f"column not read: {name}" for name in tried.unread]
    return lines + [
        f"row {f.row}, {names[f.column]}: {wording.of_row(f.rule, f.facts, language)}" for f in tried.plan.faults
    ]


def centre_named(app, text: str | None) -> Centre:
    """A centre by its id or (part of its) name; without one the only centre there is. Raises Refused naming the centres."""
    with app.session() as session:
        centres = list(session.scalars(sa.select(Centre).where(Centre.active).order_by(Centre.id)))
    exact = [c for c in centres if text in (None, str(c.id), c.name)]
    found = exact or [c for c in centres if text and text in c.name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{c.id} {c.name}" for c in centres) or "none yet"
    raise Refused(f"Say with --centre which operation centre is meant: {known}.", "centre")


# --- shared -----------------------------------------------------------------------------------------------------------


def _importer(session: Session, person: Person, kind: Kind, centre_id: int) -> Importer:
    """On whose authority. Raises NotThere for a centre out of reach, NotAllowed."""
    person, centre = session.get_one(Person, person.id), session.get(Centre, centre_id)
    if centre is None:
        raise NotThere("Centre", centre_id)
    grant = access.require(person, ACTION[kind], centre)
    whole = any(g.centre_id is None for g in access.reach(person).only(access.IN_CENTRE[ACTION[kind]]))
    return Importer(grant.on_behalf_of or person.username, whole)


def _plan(session: Session, kind: Kind, centre_id: int, lines: list[Line], importer: Importer, now: datetime):
    day = today(session, now)
    if kind is Kind.UNITS:
        return units.plan(session, centre_id, lines, day)
    return people.plan(session, centre_id, lines, day, importer)


def today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(session.info.get("zone", "Asia/Shanghai"))).date()


def _all_faults(sheet: Sheet, plan: Plan) -> list[Fault]:
    """What could not be read and what does not fit, in the order of the file."""
    return sorted([*sheet.faults, *plan.faults], key=lambda f: f.row)


def _logged(
    session: Session,
    kind: Kind,
    centre_id: int,
    content: bytes,
    file_name: str,
    sheet: Sheet,
    plan: Plan,
    by: str,
    request_id: str | None,
) -> ImportRun:
    faults = _all_faults(sheet, plan)
    run = ImportRun(
        key=secrets.token_hex(16),
        request_id=request_id,
        kind=kind,
        centre_id=centre_id,
        by=by,
        at=session.info["unit"].now,
        file_name=file_name[-200:],
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        state=RunState.FAULTY if faults else RunState.CHECKED,
        details={"unread": sheet.unread[:20], "faults": [asdict(f) for f in faults[:FAULTS_KEPT]]},
        rows=None if faults else [asdict(line) for line in sheet.lines],
    )
    _count(run, plan)
    session.add(run)
    session.flush()
    return run


def _count(run: ImportRun, plan: Plan) -> None:
    run.new, run.changed, run.unchanged, run.bad = (
        plan.counts.new,
        plan.counts.changed,
        plan.counts.unchanged,
        plan.counts.bad,
    )
    run.details = (run.details or {}) | {"besides": plan.besides}


def _of_request(session: Session, request_id: str | None, by: str) -> ImportRun | None:
    if not request_id:
        return None
    return session.scalars(sa.select(ImportRun).where(ImportRun.request_id == request_id, ImportRun.by == by)).first()


def _forget_rows(session: Session, now: datetime) -> None:
    """Files that nobody applied within a day: their rows go, the log's line stays."""
    session.execute(
        sa.update(ImportRun).where(ImportRun.at < now - KEEPS_ROWS, ImportRun.rows.is_not(None)).values(rows=None)
    )
