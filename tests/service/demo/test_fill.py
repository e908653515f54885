"""The demo centre: after a fill everybody of the cast finds their day, whatever the hour, and the trace is whole."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from engine.clock import FrozenClock
from engine.tables import incident, outbox, process_instance, timer, trace_event
from service import app as service
from service import db, demo
from service.auth.actions import login
from service.customers.models import Contact, ContactPhone
from service.customers.queries import by_phone, find_units
from service.demo import texts
from service.errors import LoginRefused
from service.findings import queries as finding_queries
from service.findings.models import Finding, FindingPhoto, FindingState
from service.notifications.models import Notice
from service.organisation.models import Person
from service.patrols import queries as patrol_queries
from service.patrols.models import Visit, VisitState
from service.reception.models import CallState, CustomerVisit, MissedCall, Visitor
from service.reviews import queries as review_queries
from service.reviews.models import Review, ReviewAction, ReviewState, ReviewVersion
from service.reviews.rules import MatterKind
from service.rounds import queries as round_queries
from service.rounds.models import Round, RoundFiling, RoundState, WorkplaceCheck
from service.settings import Settings
from service.shifts import queries as shift_queries
from service.shifts.models import Handover, HandoverState, Leave, Post
from service.tickets import queries
from service.tickets.models import ContractPromise, Escalation, Photo, Target, Ticket, TicketState
from service.timetable.models import PlannedRun, RunState

SHANGHAI = ZoneInfo("Asia/Shanghai")
AFTERNOON = datetime(2026, 11, 25, 15, 20, tzinfo=SHANGHAI)  # a Wednesday
SATURDAY_NIGHT = datetime(2026, 11, 28, 21, 40, tzinfo=SHANGHAI)
MONDAY_OPENING = datetime(2026, 11, 23, 8, 34, tzinfo=SHANGHAI)


def installation(folder, at: datetime):
    """An empty installation in `folder` at that moment."""
    app = service.create(Settings(var_dir=folder, password_memory_mib=1, secret_key="only for tests"), clock=FrozenClock(at))
    db.upgrade(app.database)
    return app


def close(app) -> None:
    app.engine.feel.close()
    app.database.dispose()


def moments(full: bool) -> list[datetime]:
    return [AFTERNOON, SATURDAY_NIGHT, MONDAY_OPENING] if full else [AFTERNOON, SATURDAY_NIGHT]


def pytest_generate_tests(metafunc):
    if "filled" in metafunc.fixturenames:
        found = moments(metafunc.config.option.full)
        metafunc.parametrize("filled", found, indirect=True, scope="module", ids=[f"{at:%a-%H%M}" for at in found])


@pytest.fixture(scope="module")
def filled(request, tmp_path_factory):
    app = installation(tmp_path_factory.mktemp("demo"), request.param)
    app.filled = demo.fill(app, size=25)
    yield app
    close(app)


@pytest.fixture
def work(filled):
    """What somebody finds on the first screen: `work("lin")`."""
    with filled.session() as session:
        yield lambda username: queries.my_work(person(session, username), limit=100)


def person(session, username: str) -> Person:
    return session.scalars(sa.select(Person).where(Person.username == username)).one()


def count(session, *where) -> int:
    return session.scalar(sa.select(sa.func.count()).where(*where))


# --- the cast's day ----------------------------------------------------------------------------------------------------------

def test_lin_finds_at_least_eight_tasks_in_different_states_one_of_them_overdue(filled, work):
    lin = work("lin")
    steps = Counter(item.element_id for item in lin.items)

    assert len(lin.items) >= 8
    assert {"dispatch", "verify", "answer_question", "return_visit", "handle_on_the_spot"} <= set(steps)
    assert 1 <= sum(item.minutes_left < 0 for item in lin.items) <= 4
    assert lin.promises and lin.not_accepted and lin.waiting


def test_the_contracts_promises_count_and_a_late_dispatch_was_told_to_lin_and_chen(filled, work):
    with filled.session() as session:
        assert count(session, ContractPromise.ended_at.is_(None)) == 2
        assert count(session, Target.source == "promise", Target.promise_id.is_not(None)) > 0
    assert [i for i in work("lin").items if i.element_id == "dispatch" and i.minutes_left < 0]
    with filled.session() as session:
        reminders = session.execute(sa.select(Person.username, Notice.data).join(Person).where(Notice.kind == "reminder")).all()
    assert {"lin", "chen"} <= {username for username, data in reminders if data.get("about") == "到时没派单"}


def test_the_field_finds_slips_to_accept_to_arrive_at_and_to_handle(filled, work):
    gao, liu = ({item.element_id for item in work(name).items} for name in ("gao", "liu"))

    assert {"accept_slip", "handle"} <= gao
    assert {"accept_slip", "arrive", "handle"} <= liu
    assert {"accept_slip", "handle"} <= {item.element_id for item in work("sun").items}
    assert {"accept_slip", "handle"} <= {item.element_id for item in work("zhou").items}


@pytest.mark.parametrize(("who", "step"), [("chen", "answer_supervisor"), ("wang", "answer_manager"), ("qin", "answer_quality")])
def test_every_level_has_an_escalation_to_answer_that_is_not_late(filled, work, who, step):
    assert [i for i in work(who).items if i.element_id == step and i.minutes_left > 0]


@pytest.mark.parametrize("who", ["lin", "zhou", "chen", "wang", "gao", "liu", "sun", "qin", "hu"])
def test_everybody_has_unread_notices(filled, work, who):
    assert work(who).unread > 0


def test_hu_has_her_own_work_and_sees_nothing_of_the_first_centre(filled, work):
    with filled.session() as session:
        hu, lin = person(session, "hu"), person(session, "lin")
        centre = dict(session.execute(sa.select(Ticket.number, Ticket.centre_id)).all())
        theirs, ours = ({centre[t.number] for t in queries.ticket_list(who, True, limit=500).tickets} for who in (hu, lin))
        assert {"dispatch", "verify"} <= {item.element_id for item in work("hu").items}
        assert len(theirs) == 1 and not theirs & ours
        assert not find_units(hu, "3-1201") and not by_phone(hu, "13800132046")


def test_out_of_hours_liu_is_out_on_tonights_urgent_case(filled, work):
    if filled.clock.now() != SATURDAY_NIGHT:
        pytest.skip("the centre is open")
    assert [i for i in work("liu").items if i.urgency == "urgent" and i.assignee == "liu" and i.minutes_left > 0]


def test_only_the_cast_can_log_in(filled):
    for username in ("lin", "hu", "admin"):
        assert login(filled, username, demo.PASSWORD)
    with pytest.raises(LoginRefused):
        login(filled, "xuting", demo.PASSWORD)
    assert demo.has_demo_logins(filled)


# --- the last week -----------------------------------------------------------------------------------------------------------

def rows(filled, query) -> list:
    with filled.session() as session:
        return list(session.scalars(query))


def test_everything_that_was_planned_started_at_its_instant(filled):
    runs = rows(filled, sa.select(PlannedRun).where(PlannedRun.due_at <= filled.clock.now()))
    assert {(r.state, r.late_seconds, r.tries) for r in runs} == {(RunState.STARTED, 0, 0)}
    kinds = Counter(r.kind for r in runs)
    assert all(kinds[kind] for kind in ("patrol", "handover", "end-of-day-check", "duty-round", "daily-review", "weekly-review", "workplace-check"))
    assert rows(filled, sa.select(PlannedRun.id).where(PlannedRun.due_at > filled.clock.now())), "and the next ones are planned"


def test_floors_were_walked_but_for_some_whose_reason_the_review_gives(filled):
    visits = Counter(rows(filled, sa.select(Visit.state)))
    assert visits[VisitState.DONE] > 100 and visits[VisitState.MISSED] >= 4
    reasons = rows(filled, sa.select(ReviewAction.text).where(ReviewAction.kind == "missed-floor"))
    assert any("请假" in text for text in reasons) and all(reasons)


def test_findings_are_in_every_state_and_one_is_overdue(filled):
    states = set(rows(filled, sa.select(Finding.state)))
    assert states == set(FindingState)
    stuck = rows(filled, sa.select(Finding).where(Finding.state == FindingState.ACCEPTED, Finding.fix_due_at < filled.clock.now()))
    back = rows(filled, sa.select(Finding).where(Finding.state == FindingState.CLOSED, Finding.back_count > 0))
    assert stuck and back
    pictures = set(rows(filled, sa.select(FindingPhoto.kind).where(FindingPhoto.finding_id.is_not(None))))
    assert pictures == {"found", "fixed"}


def test_every_shift_of_the_desk_was_handed_over_and_a_missing_key_went_to_the_supervisor(filled):
    handovers = rows(filled, sa.select(Handover).order_by(Handover.id))
    assert len(handovers) >= 10 and {h.state for h in handovers} == {HandoverState.DONE}
    assert all(before.incoming == after.outgoing for before, after in pairwise(handovers))
    (missing,) = [h for h in handovers if h.back_count]
    assert missing.back_count == 2 and missing.settled_by == "chen" and "11 把" in missing.difference
    with filled.session() as session:
        (holder,) = shift_queries.responsible_now(session, handovers[-1].centre_id).values()
    assert holder.person == handovers[-1].incoming == ("dingxf" if filled.clock.now() == SATURDAY_NIGHT else "lin")


def test_days_and_weeks_are_reviewed_and_two_signatures_are_waited_for(filled):
    with filled.session() as session:
        here = session.scalar(sa.select(sa.func.min(Review.centre_id)))
    reviews = rows(filled, sa.select(Review).where(Review.centre_id == here).order_by(Review.day))
    daily = [r for r in reviews if r.kind == "daily"]
    waiting = [r for r in daily if r.state is not ReviewState.SIGNED]
    assert len(daily) >= 5 and {r.signed_by for r in daily} == {"chen", None}
    assert [r.signed_at is None for r in waiting] == [False, True], "one corrected since, and the last one"
    assert waiting[1] is daily[-1] and "wang" in [r.signed_by for r in reviews if r.kind == "weekly"]
    corrected = rows(filled, sa.select(ReviewVersion).where(ReviewVersion.version == 2))
    assert [(v.review_id, v.signature_id) for v in corrected] == [(waiting[0].id, None)]
    with filled.session() as session:
        assert review_queries.verify(session) == []


def test_posts_were_ticked_a_window_waits_for_quality_and_a_workplace_was_found_wanting(filled):
    ticks = Counter(rows(filled, sa.select(Round.state)))
    assert ticks[RoundState.DONE] > 20 and ticks[RoundState.MISSED] > 0
    filings = rows(filled, sa.select(RoundFiling.state).order_by(RoundFiling.id))
    assert [str(state) for state in filings] == ["acknowledged", "filed"]
    assert any(rows(filled, sa.select(WorkplaceCheck.findings)))
    assert rows(filled, sa.select(Leave).where(Leave.back_at.is_not(None)))


def test_the_desks_own_books_are_kept_and_a_call_waits_to_be_called_back(filled):
    """Clauses 19, 22 and 24.7."""
    visitors = rows(filled, sa.select(Visitor.left_at))
    assert len(visitors) > 15 and any(visitors)
    assert len(rows(filled, sa.select(CustomerVisit.id))) >= 4
    calls = rows(filled, sa.select(MissedCall.state).order_by(MissedCall.rang_at))
    assert CallState.ANSWERED in calls
    if filled.clock.now() != SATURDAY_NIGHT:
        assert calls[-1] is CallState.WAITING


def test_every_kind_of_matter_has_words_for_its_decision():
    assert set(texts.week()["decisions"]) == {str(kind) for kind in MatterKind}


def test_at_any_hour_the_pages_have_something_to_show(filled):
    with filled.session() as session:
        lin = person(session, "lin")
        posts = round_queries.today(lin, round_queries.centre_for(lin))
        assert patrol_queries.coming(lin) and patrol_queries.past(lin)
        assert posts.coming and posts.past and posts.filings
        assert finding_queries.listed(lin).findings and review_queries.listed(person(session, "chen"))
        handover = shift_queries.next_handover(session, session.scalar(sa.select(Post.id)), filled.clock.now())
        assert handover is not None and filled.clock.now() < handover.due_at


# --- what lies behind --------------------------------------------------------------------------------------------------------

def test_the_trace_is_whole_and_every_ticket_has_its_process(filled):
    assert filled.engine.verify() == []
    with filled.session() as session:
        of_requests = process_instance.c.parent_id.is_(None), process_instance.c.process_key == "customer-request"
        roots = set(session.scalars(sa.select(process_instance.c.id).where(*of_requests)))
        tickets = set(session.scalars(sa.select(Ticket.instance_id)))
        assert tickets == roots and len(tickets) == filled.filled.tickets >= 25
        assert count(session, incident.c.id.is_not(None)) == 0


def test_what_was_due_has_happened_and_what_comes_is_armed(filled):
    now = filled.clock.now()
    with filled.session() as session:
        assert count(session, timer.c.state == "armed", timer.c.due_at <= now) == 0
        assert count(session, timer.c.state == "armed", timer.c.due_at > now) > 10
        assert count(session, outbox.c.sent_at.is_(None), outbox.c.not_before_at <= now) == 0
        assert session.scalar(sa.select(sa.func.max(trace_event.c.at))) <= now


def test_the_days_hold_all_that_can_happen_to_a_request(filled):
    with filled.session() as session:
        states = set(session.scalars(sa.select(Ticket.state)))
        assert {TicketState.CLOSED, TicketState.MERGED, TicketState.WITHDRAWN, TicketState.VISITING, TicketState.DISPATCHED} <= states
        for happened in (Ticket.urged_count > 0, Ticket.failed_count > 0, Ticket.reopened_count > 0, Ticket.satisfaction >= 4,
                         Escalation.answer == "advise", Escalation.answer == "call-in", Photo.kind == "before", Photo.kind == "after"):
            assert count(session, happened) > 0, str(happened)


def test_a_number_of_two_people_is_there(filled):
    with filled.session() as session:
        assert len(by_phone(person(session, "lin"), "138 0013 2046")) == 2
        shared = sa.select(ContactPhone.digits).group_by(ContactPhone.digits).having(sa.func.count(sa.distinct(ContactPhone.contact_id)) > 1)
        assert len(session.scalars(shared).all()) > 3 and count(session, Contact.last_call_at.is_not(None)) > 10


# --- once only ---------------------------------------------------------------------------------------------------------------

def test_a_second_fill_refuses_and_changes_nothing(filled):
    with filled.session() as session:
        before = count(session, Ticket.id.is_not(None))

    with pytest.raises(demo.DemoRefused, match="empty database"):
        demo.fill(filled, size=25)
    assert demo.fill_if_empty(filled, size=25) is None

    with filled.session() as session:
        assert count(session, Ticket.id.is_not(None)) == before and demo.state(filled) == "demo"


def test_a_fill_that_was_killed_does_not_look_complete(tmp_path):
    app = installation(tmp_path, AFTERNOON)

    def killed(told):
        if told.share > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.fill(app, size=25, progress=killed)

    assert demo.state(app) == "unfinished"
    for again in (demo.fill, demo.fill_if_empty):
        with pytest.raises(demo.DemoRefused, match="Delete that database"):
            again(app, size=25)
    close(app)


def test_a_used_installation_is_left_alone(tmp_path):
    app = installation(tmp_path, AFTERNOON)
    demo.build(app)

    assert demo.state(app) == "used" and demo.fill_if_empty(app) is None
    close(app)


def test_the_same_seed_gives_the_same_days(tmp_path, full):
    if not full:
        pytest.skip("two more fills; part of the full tests")
    days = []
    for name in ("one", "two"):
        app = installation(tmp_path / name, AFTERNOON)
        demo.fill(app, size=25)
        with app.session() as session:
            days.append(session.execute(sa.select(Ticket.number, Ticket.request, Ticket.state, Ticket.owner, Ticket.registered_at, Ticket.closed_at)
                                        .order_by(Ticket.number)).all())
        close(app)
    assert days[0] == days[1]
