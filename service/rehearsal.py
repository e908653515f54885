"""Scenario files of procedures on the real domain: a throwaway database with the demo's people, in virtual time.

The engine plays the story (engine.scenarios); this gives it what a story assumes: the cast, a calendar, the ticket
that its process is about. Surprise: each story runs on its own copy of one prepared database, so that none sees
another's rows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from lxml import etree

from engine import scenarios
from engine.api import SYSTEM, Scope
from engine.clock import FrozenClock
from engine.definitions import Procedure, read_folder
from service import app as service
from service import db, demo
from service.calendars.actions import save_version
from service.calendars.rules import Calendar, Week
from service.findings.models import Finding, Source
from service.organisation.models import Role, Unit
from service.patrols.models import PatrolPlan, Rhythm
from service.reception.models import MissedCall
from service.rounds.models import RoundFiling, RoundItem, RoundKind
from service.settings import Settings
from service.shifts.models import Leave, LeaveState, Post
from service.signing.models import Signature
from service.signing.rules import Sheet
from service.tickets.models import ContractPromise, Ticket, TicketState

_BEFORE = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)  # when the throwaway centre was founded
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Stage:
    """A prepared database that every story gets a copy of. Use as a context manager."""

    def __init__(self, root: Path):
        self.root = root
        self._folder = Path(tempfile.mkdtemp(prefix="zhiban-scenario-"))
        self._template = self._folder / "template.db"

    def __enter__(self) -> Self:
        app = self._app(self._template, FrozenClock(_BEFORE))
        db.upgrade(app.database)
        with app.writing() as session:
            demo.found(session, date(2024, 1, 1))
        service.deploy_all(app, self.root)
        app.database.dispose()
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def play(self, procedure: Procedure, name: str, scenario: dict[str, Any]) -> scenarios.Report:
        """Play one story; the report says what differed."""
        copy = self._folder / "story.db"
        shutil.copyfile(self._template, copy)
        clock = FrozenClock(_BEFORE)
        app = self._app(copy, clock)
        try:
            return scenarios.run(
                app.engine, clock, procedure.key, name, scenario, lambda story, now: prepare(app, story)
            )
        finally:
            app.database.dispose()
            for path in self._folder.glob("story.db*"):
                path.unlink()

    def _app(self, path: Path, clock: FrozenClock):
        return service.create(Settings(var_dir=self._folder, database_url=f"sqlite:///{path}", undo_seconds=0), clock=clock)


def prepare(app, story: dict[str, Any]) -> tuple[dict[str, Any], str, Scope]:
    """What a story assumes: its calendar and contract promises in centre 1, and a ticket row with the number that its
    variables name.
    """
    variables = dict(story["start"].get("variables") or {})
    with app.writing() as session:
        if story.get("calendar"):
            save_version(
                session, 1, calendar_of_story(story["calendar"]), actor=SYSTEM, now=app.clock.now(), reason="scenario"
            )
        session.add_all(_promise(app, given) for given in story.get("promises") or ())
        number = next((name for name in _ROWS if variables.get(name)), None)
        if number is not None:
            session.add(_ROWS[number](app, session, variables))
            session.flush()
        session.add_all(_more_tickets(app, session, story.get("tickets") or ()))
        key = next((name for name in _KEYS if variables.get(name)), None)
        session.add_all(_signatures(app, story.get("signatures") or (), str(variables.get(key))))
    return variables, str(variables[key]) if key else "S-1", Scope(1)


def calendar_of_story(given: dict[str, Any]) -> Calendar:
    """A calendar from `{week: "mon-fri 08:30-18:00", makeup: {date: fri}, holidays: {date: name}}`."""
    days, _, windows = str(given["week"]).partition(" ")
    first, _, last = days.partition("-")
    open_days = range(_WEEKDAYS.index(first), _WEEKDAYS.index(last or first) + 1)
    week = Week.read([windows.split() if n in open_days else () for n in range(7)])
    makeup = {_day(on): _WEEKDAYS.index(weekday) for on, weekday in (given.get("makeup") or {}).items()}
    holidays = {_day(on): str(name) for on, name in (given.get("holidays") or {}).items()}
    return Calendar("Asia/Shanghai", week, holidays=holidays, makeup=makeup, published_years=frozenset({2026}))


def _day(value) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _promise(app, given: dict[str, Any]) -> ContractPromise:
    days = {name: _day(given[name]) for name in ("from_on", "until_on") if given.get(name)}
    return ContractPromise(centre_id=1, made_by="wang", made_at=app.clock.now(), followed=True, **given | days)


def _ticket(app, session, variables: dict[str, Any]) -> Ticket:
    code = str(variables.get("unit_label") or "").split(" ")[0]
    unit = session.query(Unit).filter_by(centre_id=1, code=code).first()
    at = variables.get("registered_at") or app.clock.now()
    return Ticket(
        id=int(variables.get("ticket_id") or 1),
        number=str(variables["ticket_number"]),
        centre_id=1,
        unit_id=unit.id if unit else None,
        building_id=unit.building_id if unit else None,
        channel="phone",
        category=variables.get("category") or "other",
        urgency=variables.get("urgency") or "normal",
        vip=bool(variables.get("vip")),
        title=str(variables.get("title") or "…"),
        request=str(variables.get("title") or "…"),
        expectation="note-only",
        deadline_kind="none",
        owner=str(variables.get("owner") or "lin"),
        state=TicketState.REGISTERED,
        registered_at=at,
        created_by="lin",
    )


def _finding(app, session, variables: dict[str, Any]) -> Finding:
    return Finding(
        id=int(variables["finding_id"]),
        number=str(variables["finding_number"]),
        centre_id=1,
        source=Source.PATROL,
        group="facilities",
        severity=variables["severity"],
        department=variables["department"],
        place=str(variables["place"]),
        words=str(variables["title"]),
        reported_by=str(variables["reported_by"]),
        reported_at=variables["reported_at"],
    )


def _plan_of_patrol(app, session, variables: dict[str, Any]) -> PatrolPlan:
    at = app.clock.now()
    return PatrolPlan(
        id=int(variables["plan_id"]), centre_id=1, area_id=1, name="3座", rhythm=Rhythm.TWICE, changed_by="chen", changed_at=at
    )


def _post(app, session, variables: dict[str, Any]) -> Post:
    return Post(id=int(variables["post_id"]), centre_id=1, name=str(variables["post_name"]), role=Role.SPECIALIST)


def _leave(app, session, variables: dict[str, Any]) -> Leave:
    return Leave(
        number=str(variables["leave_number"]),
        centre_id=1,
        person=str(variables["person"]),
        reason=str(variables["reason"]),
        back_due_at=variables["back_due_at"],
        state=LeaveState.ASKED,
        asked_at=app.clock.now(),
    )


def _missed_call(app, session, variables: dict[str, Any]) -> MissedCall:
    return MissedCall(
        number=str(variables["call_number"]), centre_id=1, phone="13800132046", rang_at=variables["rang_at"], rings=5,
        noted_by=str(variables["noted_by"]), noted_at=app.clock.now(),
    )  # fmt: skip


def _round_item(app, session, variables: dict[str, Any]) -> RoundItem:
    """The line of the timetable that a round or a notice is about."""
    return RoundItem(
        id=1, centre_id=1, kind=RoundKind.ETIQUETTE, name="礼仪引导", from_time="08:15", until_time="09:30",
        posts=["客服前台", "电梯前室"], changed_by="chen", changed_at=app.clock.now(),
    )  # fmt: skip


def _filing(app, session, variables: dict[str, Any]) -> RoundFiling:
    session.add(_round_item(app, session, variables))
    session.flush()
    return RoundFiling(
        number=str(variables["filing_number"]), centre_id=1, item_id=1, before_from="08:15", before_until="09:30",
        after_from="08:00", after_until="09:15", reason=str(variables["reason"]), filed_by=str(variables["filed_by"]),
        filed_at=variables["filed_at"],
    )  # fmt: skip


def _more_tickets(app, session, given: Iterable[dict[str, Any]]) -> list[Ticket]:
    """Tickets that are open while the story happens, each with number, title and owner."""
    return [
        _ticket(app, session, {"ticket_id": id, "ticket_number": one["number"], **one}) for id, one in enumerate(given, 1)
    ]


def _signatures(app, given: Iterable[dict[str, Any]], subject: str) -> list[Signature]:
    """What people sign on the page of the thing, numbered from 1 in the story's order."""
    return [
        Signature(
            id=id,
            centre_id=1,
            subject=subject,
            meaning=one["meaning"],
            version=id,
            person=one["person"],
            role=one.get("role", "specialist"),
            content_hash=Sheet({}).hash,
            content={},
            signed_at=app.clock.now(),
        )
        for id, one in enumerate(given, 1)
    ]


# What a story's process is about, by the variable that holds its business key.
_ROWS = {
    "ticket_number": _ticket,
    "finding_number": _finding,
    "patrol_number": _plan_of_patrol,
    "handover_number": _post,
    "leave_number": _leave,
    "call_number": _missed_call,
    "round_number": _round_item,
    "filing_number": _filing,
}
_KEYS = (*_ROWS, "check_number", "review_number", "workplace_number")


def play_all(root: Path, keys: Iterable[str] = ()) -> Iterator[tuple[Procedure, scenarios.Report]]:
    """Play the stories of every procedure under `root`, or of those named."""
    wanted = set(keys)
    with Stage(root) as stage:
        for folder in service.procedure_folders(root):
            procedure = read_folder(folder)
            if wanted and procedure.key not in wanted:
                continue
            for name, scenario in procedure.scenarios.items():
                yield procedure, stage.play(procedure, name, scenario)


def not_covered(procedure: Procedure, reports: list[scenarios.Report]) -> list[str]:
    """The elements and flows of a procedure that no story passed."""
    passed = {spot for report in reports for key, spot in report.passed if key == procedure.key}
    spots = [*procedure.diagram.elements, *procedure.diagram.flows]
    return [spot for spot in spots if spot not in passed]


def table_rows(procedure: Procedure) -> list[tuple[str, int]]:
    """Every row of the procedure's decision tables, as (decision id, row from 1)."""
    return [
        (decision.get("id"), row)
        for content in procedure.decisions.values()
        for decision in etree.fromstring(content).iter("{*}decision")
        for row in range(1, len(list(decision.iter("{*}rule"))) + 1)
    ]


def rows_not_hit(procedure: Procedure, reports: list[scenarios.Report]) -> list[tuple[str, int]]:
    """The table rows that no story hit."""
    hit = {row for report in reports for row in report.rules}
    return [row for row in table_rows(procedure) if row not in hit]
