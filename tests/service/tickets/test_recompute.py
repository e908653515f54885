"""Open limits follow a changed calendar: tickets, sums, tasks and timers together; nothing that is met or closed (F23, T31)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine import sql
from engine.api import SYSTEM
from engine.errors import NotFound, NotPossible
from engine.tables import timer, user_task
from service.calendars.actions import CalendarMoved
from service.calendars.changes import DayEntry, with_day
from service.calendars.models import EnteredAs
from service.calendars.queries import calendar_of
from service.calendars.rules import Calendar, Sum, Week
from service.calendars.wording import sum_line
from service.errors import NotAllowed, NotThere, Refused
from service.organisation.models import Person
from service.tickets import recompute
from service.tickets.models import Target, TargetKind, Ticket
from tests.conftest import CHINA
from tests.people import REPAIR

HANDLED = {
    "result": "换了阀门",
    "cause": "阀门老化",
    "material": "阀门一个",
    "labour_minutes": 30,
    "cost_yuan": 12.5,
    "photo_after": [],
}
FRIDAY, SATURDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (20, 21, 23, 24))
LIKE_FRIDAY = 4


def at(day: date, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


def enter(story, on: date, kind: EnteredAs | None, by: str = "wang", text: str = "临时安排", **options):
    """Enter one day of the demo centre's calendar; the open limits follow."""
    entry = DayEntry(on, kind, text, LIKE_FRIDAY if kind is EnteredAs.MAKEUP else None)
    return recompute.change_calendar(
        story.app,
        story.person(by),
        story.world.centre_id,
        lambda calendar: with_day(calendar, entry),
        reason=f"{on} {text}",
        **options,
    )


def register(story, form: dict = REPAIR) -> str:
    """A request of a customer without VIP mark: half an hour to be taken."""
    return story.register(unit="2-0805", form=form)


def ticket(story, number: str) -> Ticket:
    with story.app.session() as session:
        return session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()


def deadlines(story, number: str) -> dict[str, datetime]:
    """Element -> due instant of every open task and armed timer of a ticket."""
    root = ticket(story, number).instance_id
    engine = story.app.engine
    return {row.element_id: row.due_at for row in [*engine.open_tasks(root), *engine.armed_timers(root)] if row.due_at}


def sum_of(story, number: str, kind: str = "response", lang: str = "zh") -> str:
    line = next(t for t in story.card("lin", number).targets if t.kind == kind)
    return sum_line(Sum.from_json(line.sum), lang)


def events(story, number: str, kind: str) -> list[dict]:
    return [e for e in story.app.engine.trace(ticket(story, number).instance_id) if e["kind"] == kind]


@pytest.fixture
def dispatched(story) -> str:
    """A repair registered Friday 17:45 and sent: nobody has taken it yet, half an hour runs."""
    number = register(story)
    story.dispatch(number)
    return number


# --- one ticket ----------------------------------------------------------------------------------------------------


def test_a_make_up_saturday_moves_friday_evenings_half_hour_to_saturday_morning_and_back(story, dispatched):
    before = (ticket(story, dispatched).response_due_at, deadlines(story, dispatched), sum_of(story, dispatched))
    assert before[0] == at(MONDAY, 8, 45)
    enter(story, SATURDAY, EnteredAs.MAKEUP)
    moved = deadlines(story, dispatched)
    assert ticket(story, dispatched).response_due_at == at(SATURDAY, 8, 45)
    assert moved["accept_slip"] == moved["response_passed"] == at(SATURDAY, 8, 45)
    assert "周六补班" in sum_of(story, dispatched)
    assert "Sat is a make-up day" in sum_of(story, dispatched, lang="en")
    enter(story, SATURDAY, None, text="不补了")
    after = (ticket(story, dispatched).response_due_at, deadlines(story, dispatched), sum_of(story, dispatched))
    assert after == before
    assert story.app.engine.verify() == []


def test_the_moved_timer_fires_at_its_new_instant_and_not_at_the_old_one(story, dispatched):
    enter(story, MONDAY, EnteredAs.HOLIDAY)
    story.app.clock.set(at(MONDAY, 9, 0))
    assert story.app.engine.fire_due().fired == 0
    story.app.clock.set(at(TUESDAY, 8, 45))
    assert story.app.engine.fire_due().fired >= 1
    assert any(task.element_id == "answer_supervisor" for task in story.tasks("chen"))


def test_a_preview_lists_what_would_move_and_moves_nothing(story, dispatched):
    """T32."""
    before = (ticket(story, dispatched).response_due_at, deadlines(story, dispatched))
    with story.app.session() as session:
        newest = calendar_of(session, story.world.centre_id)
        draft = with_day(newest, DayEntry(SATURDAY, EnteredAs.MAKEUP, "补班", LIKE_FRIDAY))
        found = recompute.preview(session, story.world.centre_id, draft)
    response = next(shift for shift in found.shifts if shift.kind is TargetKind.RESPONSE)
    assert (response.number, response.old_at, response.new_at) == (dispatched, at(MONDAY, 8, 45), at(SATURDAY, 8, 45))
    assert (ticket(story, dispatched).response_due_at, deadlines(story, dispatched)) == before
    enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert ticket(story, dispatched).response_due_at == response.new_at


def test_variables_and_reminder_move_with_the_limit(story, dispatched):
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    engine, root = story.app.engine, ticket(story, dispatched).instance_id
    enter(story, SATURDAY, EnteredAs.MAKEUP)
    row, variables = ticket(story, dispatched), engine.variables(root)
    assert variables["resolution_due_at"] == row.resolution_due_at
    found = deadlines(story, dispatched)
    assert found["arrive"] == found["resolution_passed"] == row.resolution_due_at
    assert found["nearly_due"] == variables["reminder_at"] < row.resolution_due_at
    assert found["nearly_due"].astimezone(CHINA).date() == SATURDAY


def test_a_step_with_a_limit_of_its_own_follows_too(story):
    number = register(story)  # waits for dispatch: 15 minutes from 17:45, Friday 18:00
    story.app.clock.set(at(FRIDAY, 17, 50))
    other = register(story)
    assert deadlines(story, other)["dispatch"] == at(MONDAY, 8, 35)
    done = enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert deadlines(story, other)["dispatch"] == at(SATURDAY, 8, 35)
    assert deadlines(story, number)["dispatch"] == at(FRIDAY, 18, 0)
    assert [(s.number, s.kind) for s in done.followed.shifts if s.element_id == "dispatch"] == [(other, None)]


def test_escalations_that_a_ticket_called_follow_each_by_its_own_start(story, dispatched):
    story.app.clock.set(at(MONDAY, 8, 45))
    story.app.engine.fire_due()
    story.app.clock.set(at(MONDAY, 17, 45))
    with story.as_person("gao") as gao:
        from service.tickets.actions import ask_help

        ask_help(story.app, gao, dispatched, "备件没到")
    engine, root = story.app.engine, ticket(story, dispatched).instance_id
    due = {t.due_at for t in engine.open_tasks(root) if t.element_id == "answer_supervisor"}
    assert at(TUESDAY, 8, 45) in due
    enter(story, TUESDAY, EnteredAs.HOLIDAY)
    moved = {t.due_at for t in engine.open_tasks(root) if t.element_id == "answer_supervisor"}
    assert moved == {d + timedelta(days=1) if d.astimezone(CHINA).date() == TUESDAY else d for d in due}


def test_the_return_visit_follows_with_its_task(story):
    number = register(story)
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.complete("liu", "handle", HANDLED)
    story.complete("lin", "verify", {"passed": "yes"})
    assert ticket(story, number).return_visit_due_at == deadlines(story, number)["return_visit"] == at(MONDAY, 17, 45)
    done = enter(story, MONDAY, EnteredAs.HOLIDAY)
    assert ticket(story, number).return_visit_due_at == deadlines(story, number)["return_visit"] == at(TUESDAY, 17, 45)
    assert [shift.kind for shift in done.followed.shifts] == [TargetKind.RETURN_VISIT]


def test_a_reopened_ticket_counts_from_its_reopening_and_keeps_why(story):
    form = REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026-11-23T09:00:00+08:00"}
    number = register(story, form=form)
    story.complete("lin", "dispatch", {"department": "engineering", "instruction": "看"}, number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.complete("liu", "handle", HANDLED)
    story.complete("lin", "verify", {"passed": "yes"})
    story.app.clock.advance(timedelta(minutes=5))
    visit = {"reached": "yes", "how": "phone", "satisfaction": 1, "words": "又漏了"}
    story.complete("lin", "return_visit", visit)
    assert ticket(story, number).response_due_at == at(MONDAY, 8, 50)
    for on, text in ((SATURDAY, "补班"), (date(2026, 11, 22), "再补")):
        enter(story, on, EnteredAs.MAKEUP, text=text)
    assert ticket(story, number).response_due_at == at(SATURDAY, 8, 50)
    enter(story, SATURDAY, None, text="不补了")
    assert ticket(story, number).response_due_at == at(date(2026, 11, 22), 8, 50)
    reason = next(t.reason for t in story.card("lin", number).targets if t.kind == "response")
    assert reason.startswith("reopened；日历第") and reason.count("日历第") == 1 and "不补了" in reason


def test_a_deadline_that_somebody_set_by_hand_stays(story, dispatched):
    engine, root = story.app.engine, ticket(story, dispatched).instance_id
    engine.retime_element(root, "accept_slip", at(MONDAY, 12, 0), reason="约好了", actor=SYSTEM)
    enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert deadlines(story, dispatched)["accept_slip"] == at(MONDAY, 12, 0)
    assert deadlines(story, dispatched)["response_passed"] == at(SATURDAY, 8, 45)


def test_the_customers_own_deadline_still_counts_where_it_is_earlier(story):
    form = REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026-11-23T10:00:00+08:00"}
    number = register(story, form=form)
    assert ticket(story, number).resolution_due_at == at(MONDAY, 10, 0)
    enter(story, SATURDAY, EnteredAs.HOLIDAY)
    enter(story, MONDAY, EnteredAs.HOLIDAY)
    assert ticket(story, number).resolution_due_at == at(MONDAY, 10, 0)
    assert ticket(story, number).response_due_at == at(MONDAY, 10, 0)  # the table's half hour ends on Tuesday now


# --- what stays ----------------------------------------------------------------------------------------------------


def test_what_is_met_and_what_is_closed_stays(story, dispatched):
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    closed = register(story)
    with story.as_person("lin") as lin:
        from service.tickets.actions import withdraw

        withdraw(story.app, lin, closed, "不用来了")
    before = (ticket(story, dispatched).response_due_at, rows_of(story, closed))
    done = enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert (ticket(story, dispatched).response_due_at, rows_of(story, closed)) == before
    assert {s.number for s in done.followed.shifts} == {dispatched}
    assert TargetKind.RESPONSE not in {s.kind for s in done.followed.shifts}


def rows_of(story, number: str) -> list:
    """Everything of a ticket that a change could touch."""
    row = ticket(story, number)
    with story.app.database.connect() as connection:
        targets = connection.execute(sa.select(Target.__table__).where(Target.ticket_id == row.id)).all()
        tasks = connection.execute(sa.select(user_task).where(user_task.c.root_id == row.instance_id)).all()
        timers = connection.execute(sa.select(timer).where(timer.c.root_id == row.instance_id)).all()
    return [
        row.version,
        row.response_due_at,
        row.resolution_due_at,
        *map(sorted, map(_texts, (targets, tasks, timers))),
    ]


def _texts(rows) -> list[str]:
    return [str(tuple(row)) for row in rows]


def test_another_centres_tickets_stay(story, dispatched):
    before = rows_of(story, dispatched)
    with story.app.writing() as session:
        from service.calendars.actions import publish_year

        publish_year(session, story.world.other_centre_id, 2027, actor=SYSTEM, now=story.app.now())
    assert recompute.follow(story.app, story.world.other_centre_id).shifts == []
    assert rows_of(story, dispatched) == before


def test_urgent_limits_that_run_round_the_clock_stay(story):
    number = register(story, form=REPAIR | {"urgency": "urgent"})
    before = ticket(story, number)
    enter(story, SATURDAY, EnteredAs.MAKEUP)
    after = ticket(story, number)
    assert (after.response_due_at, after.resolution_due_at) == (before.response_due_at, before.resolution_due_at)


# --- who, twice, halfway -------------------------------------------------------------------------------------------


def test_only_leads_and_the_process_owner_change_a_calendar(story, dispatched):
    before = rows_of(story, dispatched)
    with pytest.raises(NotAllowed):
        enter(story, SATURDAY, EnteredAs.MAKEUP, by="lin")
    with pytest.raises(NotThere):
        enter(story, SATURDAY, EnteredAs.MAKEUP, by="hu")
    assert rows_of(story, dispatched) == before
    for who, on in (("chen", SATURDAY), ("wang", MONDAY)):
        assert enter(story, on, EnteredAs.HOLIDAY, by=who).version


def test_a_repeated_request_saves_and_moves_once(story, dispatched):
    first = enter(story, SATURDAY, EnteredAs.MAKEUP, request_id="twice")
    trace = len(story.app.engine.trace(ticket(story, dispatched).instance_id))
    again = enter(story, SATURDAY, EnteredAs.MAKEUP, request_id="twice")
    assert (again.version, again.replayed) == (first.version, True)
    assert recompute.follow(story.app, story.world.centre_id).shifts == []
    assert len(story.app.engine.trace(ticket(story, dispatched).instance_id)) == trace


def test_whoever_saw_an_older_version_is_told_and_nothing_moves(story, dispatched):
    with story.app.session() as session:
        seen = calendar_of(session, story.world.centre_id).version
    enter(story, MONDAY, EnteredAs.HOLIDAY, seen=seen)
    before = rows_of(story, dispatched)
    with pytest.raises(CalendarMoved):
        enter(story, SATURDAY, EnteredAs.MAKEUP, by="chen", seen=seen)
    assert rows_of(story, dispatched) == before


def test_each_changed_deadline_leaves_one_event_with_old_new_and_reason(story, dispatched):
    enter(story, SATURDAY, EnteredAs.MAKEUP, text="消防演练补班")
    for kind, element in (("task-retimed", "accept_slip"), ("timer-retimed", "response_passed")):
        (event,) = events(story, dispatched, kind)
        assert event["element"] == element and event["actor"] == "wang" and "消防演练补班" in event["reason"]
        assert datetime.fromisoformat(event["before"]) == at(MONDAY, 8, 45)
        assert datetime.fromisoformat(event["after"]) == at(SATURDAY, 8, 45)
    (event,) = events(story, dispatched, "variables-set")
    assert "response_due_at" in event["names"] and event["values"]["before"].keys() == event["values"]["after"].keys()


def test_a_process_killed_halfway_leaves_whole_tickets_and_the_clock_finishes(story, monkeypatch):
    numbers = [register(story) for _ in range(4)]
    whole, calls = recompute._write_process, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit("kill")
        whole(*arguments)

    monkeypatch.setattr(recompute, "_write_process", killed)
    with pytest.raises(SystemExit):
        enter(story, SATURDAY, EnteredAs.MAKEUP)
    moved = [ticket(story, number).response_due_at == at(SATURDAY, 8, 45) for number in numbers]
    assert moved == [True, True, False, False]
    done = {number: rows_of(story, number) for number in numbers[:2]}
    with story.app.session() as session:
        assert recompute.unfinished(session, story.world.centre_id) > 0
    monkeypatch.setattr(recompute, "_write_process", whole)
    assert recompute.catch_up(story.app) > 0
    assert {ticket(story, number).response_due_at for number in numbers} == {at(SATURDAY, 8, 45)}
    assert {number: rows_of(story, number) for number in numbers[:2]} == done
    with story.app.session() as session:
        assert recompute.unfinished(session, story.world.centre_id) == 0
    assert recompute.catch_up(story.app) == 0


def test_one_ticket_that_fails_keeps_nobody_else_waiting(story, monkeypatch):
    first, second = register(story), register(story)
    whole = recompute._write_process

    def broken(engine, unit, plan, *rest):
        if plan.ticket.number == first:
            raise RuntimeError("disk")
        whole(engine, unit, plan, *rest)

    monkeypatch.setattr(recompute, "_write_process", broken)
    done = enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert done.followed.failed == [first]
    assert ticket(story, first).response_due_at == at(MONDAY, 8, 45)
    assert ticket(story, second).response_due_at == at(SATURDAY, 8, 45)


# --- unknown years, no way out -------------------------------------------------------------------------------------


def test_an_unknown_year_is_a_warning_and_no_error(story):
    story.app.clock.set(datetime(2026, 12, 31, 17, 45, tzinfo=CHINA))
    number = register(story)
    assert "2027 年放假安排未发布" in sum_of(story, number)
    with story.app.session() as session:
        newest = calendar_of(session, story.world.centre_id)
        found = recompute.preview(session, story.world.centre_id, newest)
    assert (found.unpublished_years, found.shifts, found.unreachable) == ((2027,), [], {})
    enter(story, date(2027, 1, 4), EnteredAs.HOLIDAY)
    before = ticket(story, number).resolution_due_at
    recompute.change_calendar(
        story.app,
        story.person("wang"),
        story.world.centre_id,
        lambda calendar: replace(calendar, published_years=calendar.published_years | {2027}),
        reason="发布 2027 年",
    )
    assert ticket(story, number).resolution_due_at == before
    assert "未发布" not in sum_of(story, number)


def test_a_calendar_without_any_opening_leaves_the_limits_and_says_so(story, dispatched):
    with story.app.session() as session:
        newest = calendar_of(session, story.world.centre_id)
        closed = replace(
            newest, holidays={MONDAY + timedelta(days=n): "" for n in range(6 * 366)}, makeup={}, special={}, names={}
        )
        found = recompute.preview(session, story.world.centre_id, closed)
    assert found.shifts == [] and list(found.unreachable) == [dispatched]


# --- properties and size -------------------------------------------------------------------------------------------


@given(
    holidays=st.lists(st.integers(-3, 20), max_size=6, unique=True),
    start=st.integers(-3 * 1440, 3 * 1440),
    minutes=st.integers(0, 3000),
)
def test_adding_holidays_never_makes_a_sum_earlier(holidays, start, minutes):
    plain = Calendar("Asia/Shanghai", Week.working_days())
    begins = at(FRIDAY, 17, 45) + timedelta(minutes=start)
    due_at = plain.add(begins, minutes)
    for days in sorted(holidays):
        plain = with_day(plain, DayEntry(FRIDAY + timedelta(days=days), EnteredAs.HOLIDAY, "假"))
        later = plain.add(begins, minutes)
        assert later >= due_at
        due_at = later


def test_adding_a_holiday_never_makes_any_deadline_earlier(story, chance):
    """T31, with the tasks and timers of tickets in several steps, holidays in the past included."""
    numbers = []
    for minute in (0, 40, 70, 900, 3 * 1440, 3 * 1440 + 65):
        story.app.clock.set(at(FRIDAY, 16, 50) + timedelta(minutes=minute))
        numbers.append(register(story))
        if chance.random() < 0.7:
            story.dispatch(numbers[-1])
        story.app.engine.fire_due()
    before = {number: deadlines(story, number) for number in numbers}
    for on in chance.sample([FRIDAY, MONDAY, TUESDAY, date(2026, 11, 25), date(2026, 12, 1)], 3):
        enter(story, on, EnteredAs.HOLIDAY)
        after = {number: deadlines(story, number) for number in numbers}
        for number in numbers:
            assert after[number].keys() == before[number].keys()
            for element, due_at in before[number].items():
                assert after[number][element] >= due_at, (number, element, on)
        before = after
    assert story.app.engine.verify() == []


def test_many_open_tickets_cost_a_bounded_number_of_statements_each(story, full):
    count = 200 if full else 60
    numbers = [register(story) for _ in range(count)]
    statements = _counting(story.app)
    with story.app.session() as session:
        newest = calendar_of(session, story.world.centre_id)
        draft = with_day(newest, DayEntry(SATURDAY, EnteredAs.MAKEUP, "", LIKE_FRIDAY))
        statements.clear()
        found = recompute.preview(session, story.world.centre_id, draft)
        assert len(statements) <= 12, statements  # the same for one ticket and for thousands
    statements.clear()
    done = enter(story, SATURDAY, EnteredAs.MAKEUP)
    assert len(statements) / count <= 40
    assert {s.number for s in done.followed.shifts} == {s.number for s in found.shifts} == set(numbers)
    statements.clear()
    enter(story, date(2027, 11, 20), EnteredAs.HOLIDAY)  # nothing moves: no transaction for any ticket
    assert len(statements) <= 40


def _counting(app) -> list[str]:
    seen: list[str] = []
    sa.event.listen(app.database, "before_cursor_execute", lambda *a: seen.append(a[2]))
    sql.observers.append(seen.append)
    return seen


# --- the engine's part ---------------------------------------------------------------------------------------------


def test_variables_are_set_with_a_reason_and_leave_a_trace(story, dispatched):
    engine, root = story.app.engine, ticket(story, dispatched).instance_id
    actor = engine_actor(story, "wang")
    engine.set_variables(root, {"department": "safety", "owner": "lin"}, reason="改部门", actor=actor)
    assert engine.variables(root)["department"] == "safety"
    (event,) = events(story, dispatched, "variables-set")
    assert (event["names"], event["reason"], event["actor"]) == (["department"], "改部门", "wang")
    assert event["values"] == {"before": {"department": "engineering"}, "after": {"department": "safety"}}
    with pytest.raises(NotPossible):
        engine.set_variables(root, {"department": "x"}, reason=" ", actor=actor)
    with pytest.raises(NotFound):
        engine.set_variables("0" * 32, {"department": "x"}, reason="y", actor=actor)
    engine.cancel(root, reason="完", actor=actor)
    with pytest.raises(NotPossible):
        engine.set_variables(root, {"department": "x"}, reason="y", actor=actor)
    assert engine.verify() == []


def engine_actor(story, username: str):
    from engine.api import Actor

    with story.as_person(username) as person:
        assert isinstance(person, Person)
        return Actor(person.username)


def test_a_closure_needs_its_reason_and_a_make_up_day_its_weekday(story):
    for kind in (EnteredAs.CLOSED, EnteredAs.SPECIAL):
        with pytest.raises(Refused):
            enter(story, SATURDAY, kind, text="")
