"""Work that stands still, another urgency, another deadline of the customer's: what the limits are then (clause 8, T1, T2)."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import sqlalchemy as sa

from engine.api import SYSTEM
from engine.errors import NotPossible
from service.calendars.models import EnteredAs
from service.calendars.rules import Sum
from service.calendars.wording import sum_rows
from service.errors import NotAllowed, NotThere, Refused
from service.tickets import actions, changes, queries
from service.tickets.models import Target, Ticket, TicketPause, TicketState
from service.tickets.rules import Chip
from tests.conftest import CHINA
from tests.people import REPAIR
from tests.service.tickets.test_recompute import HANDLED, deadlines, enter, ticket

MONDAY, TUESDAY, WEDNESDAY, FRIDAY = (date(2026, 11, day) for day in (23, 24, 25, 27))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@pytest.fixture
def in_hand(story) -> str:
    """A repair registered Monday 10:00, a day to be done (Tuesday 10:00), accepted by Liu, who has not arrived."""
    story.app.clock.set(at(MONDAY, 10))
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    return number


def pause(story, number: str, until: datetime, who: str = "liu", reason: str = "part-on-order", **options):
    return changes.pause(story.app, story.person(who), number, reason, until, **options)


def resume(story, number: str, who: str = "liu", note: str = "到了", **options):
    return changes.resume(story.app, story.person(who), number, note, **options)


def to(story, when: datetime) -> None:
    """Go to an instant as the clock does: everything due on the way fires."""
    engine = story.app.engine
    while (due := engine.fire_due().next_due_at) is not None and due <= when:
        story.app.clock.set(max(due, story.app.now()))
    story.app.clock.set(when)
    engine.fire_due()


def pauses_of(story, number: str) -> list[TicketPause]:
    with story.app.session() as session:
        return list(session.scalars(sa.select(TicketPause).where(TicketPause.ticket_id == ticket(story, number).id)))


def retimed(story, number: str, element: str) -> list[tuple]:
    events = story.app.engine.trace(ticket(story, number).instance_id)
    return [
        (e["kind"], e["reason"], e["after"] and datetime.fromisoformat(e["after"]))
        for e in events
        if e["kind"] in ("timer-retimed", "task-retimed") and e["element"] == element
    ]


# --- pausing ----------------------------------------------------------------------------------------------------------


def test_a_pause_moves_every_limit_to_what_it_is_if_work_goes_on_at_its_latest_moment(story, in_hand):
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(TUESDAY, 11))
    found, row = deadlines(story, in_hand), ticket(story, in_hand)
    assert row.resolution_due_at == at(WEDNESDAY, 10)  # an hour is used, 510 minutes are left from Tuesday 11:00
    assert {found[e] for e in ("arrive", "resolution_passed")} == {row.resolution_due_at}
    assert found["nearly_due"] == at(TUESDAY, 17, 36)
    assert found["resume"] == found["pause_passed"] == at(TUESDAY, 11)
    assert (row.paused_at, row.state) == (at(MONDAY, 11), TicketState.IN_HAND)


def test_going_on_earlier_moves_the_limits_back_to_what_they_really_are(story, in_hand):
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(FRIDAY, 11))
    story.app.clock.set(at(MONDAY, 15))
    resume(story, in_hand, note="配件到了")
    found, row = deadlines(story, in_hand), ticket(story, in_hand)
    assert row.resolution_due_at == found["resolution_passed"] == found["arrive"] == at(TUESDAY, 14)
    assert found["nearly_due"] == at(TUESDAY, 12, 6)  # 80 % of 570 is 456: 240 today, 216 tomorrow
    (stood,) = pauses_of(story, in_hand)
    assert (stood.ended_at, stood.ended_by, stood.note) == (at(MONDAY, 15), "liu", "配件到了")
    assert row.paused_at is None and "resume" not in found


def test_a_pause_over_a_closed_weekend_moves_nothing(story):
    """T1."""
    story.app.clock.set(at(FRIDAY, 15))
    number = story.register(unit="2-0805")
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"})
    before = deadlines(story, number)
    story.app.clock.set(at(FRIDAY, 18))
    pause(story, number, at(date(2026, 11, 30), 8, 30))
    after = deadlines(story, number)
    assert {e: after[e] for e in before} == before
    story.app.clock.set(at(date(2026, 11, 29), 12))
    resume(story, number)
    assert deadlines(story, number) == before


def test_while_paused_no_limit_fires_and_the_pause_ends_by_itself(story, in_hand):
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(FRIDAY, 11))
    story.app.clock.set(at(FRIDAY, 10, 59))
    assert story.app.engine.fire_due().fired == 0
    assert story.task("liu", "arrive").element_id == "arrive"
    story.app.clock.set(at(FRIDAY, 11, 7))  # the clock looks late: the pause has ended when it had to
    assert story.app.engine.fire_due().fired == 1
    (stood,) = pauses_of(story, in_hand)
    assert (stood.ended_at, stood.ended_by) == (at(FRIDAY, 11), "system")
    assert ticket(story, in_hand).resolution_due_at == deadlines(story, in_hand)["resolution_passed"]
    assert "resume" not in deadlines(story, in_hand)
    assert story.app.engine.verify() == []


def test_a_limit_that_was_missed_before_the_pause_stays_missed(story, in_hand):
    to(story, at(TUESDAY, 10, 30))
    due_at = ticket(story, in_hand).resolution_due_at
    pause(story, in_hand, at(FRIDAY, 11))
    assert ticket(story, in_hand).resolution_due_at == due_at == at(TUESDAY, 10)
    assert story.card("lin", in_hand).next_target.chip is Chip.OVER


def test_a_second_pause_is_refused_while_the_first_lasts(story, in_hand):
    pause(story, in_hand, at(TUESDAY, 11))
    before = deadlines(story, in_hand)
    with pytest.raises(Refused, match="paused already"):
        pause(story, in_hand, at(FRIDAY, 11))
    assert deadlines(story, in_hand) == before and len(pauses_of(story, in_hand)) == 1
    resume(story, in_hand)
    pause(story, in_hand, at(FRIDAY, 11), reason="customer-away")
    assert len(pauses_of(story, in_hand)) == 2


def test_nothing_is_paused_while_nobody_works_on_it(story):
    number = story.register(unit="2-0805")
    with pytest.raises(Refused, match="Nobody is working"):
        pause(story, number, at(FRIDAY, 11), who="lin")
    with pytest.raises(Refused, match="not paused"):
        resume(story, number, who="lin")


@pytest.mark.parametrize(
    ("reason", "until", "field"),
    [
        ("lunch", at(FRIDAY, 11), "pause_reason"),
        ("appointment", at(MONDAY, 10), "pause_until"),
        ("appointment", at(date(2027, 11, 1), 10), "pause_until"),
    ],
)
def test_a_pause_needs_a_reason_of_the_list_and_a_moment_ahead(story, in_hand, reason, until, field):
    with pytest.raises(Refused) as refused:
        pause(story, in_hand, until, reason=reason)
    assert refused.value.field == field and pauses_of(story, in_hand) == []


def test_the_owner_may_go_on_and_a_stranger_learns_nothing(story, in_hand):
    with pytest.raises(NotThere):
        pause(story, in_hand, at(FRIDAY, 11), who="hu")
    with pytest.raises(NotAllowed):
        pause(story, in_hand, at(FRIDAY, 11), who="qin")
    pause(story, in_hand, at(FRIDAY, 11), who="lin", request_id="p1")
    assert pause(story, in_hand, at(FRIDAY, 11), who="lin", request_id="p1").replayed
    assert story.task("liu", "resume").assignee == "liu"
    resume(story, in_hand, who="lin", request_id="r1")
    assert resume(story, in_hand, who="lin", request_id="r1").replayed
    assert len(pauses_of(story, in_hand)) == 1


def test_handling_that_is_done_ends_the_pause_and_is_judged_without_it(story, in_hand):
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(FRIDAY, 11))
    story.app.clock.set(at(TUESDAY, 12))
    story.complete("liu", "handle", HANDLED)
    (stood,) = pauses_of(story, in_hand)
    row = ticket(story, in_hand)
    assert (stood.ended_at, row.paused_at, row.resolution_due_at) == (at(TUESDAY, 12), None, at(WEDNESDAY, 11))
    assert story.app.engine.variables(row.instance_id)["resolution_due_at"] == row.resolution_due_at
    assert [t.element_id for t in story.card("lin", in_hand).tasks] == ["verify"]
    story.complete("lin", "verify", {"passed": "no", "fail_reason": "还滴"})
    assert deadlines(story, in_hand)["resolution_passed"] == at(WEDNESDAY, 11)


def test_a_withdrawn_ticket_ends_its_pause(story, in_hand):
    pause(story, in_hand, at(FRIDAY, 11))
    story.app.clock.set(at(MONDAY, 12))
    actions.withdraw(story.app, story.person("lin"), in_hand, "不修了")
    (stood,) = pauses_of(story, in_hand)
    assert (stood.ended_at, ticket(story, in_hand).paused_at) == (at(MONDAY, 12), None)
    assert story.tasks("liu") == []


def test_owner_and_worker_are_told_except_who_did_it(story, in_hand):
    pause(story, in_hand, at(FRIDAY, 11))
    changes.change_deadline(story.app, story.person("lin"), in_hand, at(TUESDAY, 9))
    from service.notifications.deliver import deliver_due

    deliver_due(story.app)
    with story.as_person("lin") as lin:
        assert "paused" in [line.notice.kind for line in queries.notices(lin)]
    with story.as_person("liu") as liu:
        assert "deadline-changed" in [line.notice.kind for line in queries.notices(liu)]


def test_the_sum_of_a_paused_limit_shows_when_it_stood_still(story, in_hand):
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(TUESDAY, 11))
    line = next(t for t in story.card("lin", in_hand).targets if t.kind == "resolution")
    total = Sum.from_json(line.sum)
    assert [(p.start, p.end) for p in total.pauses] == [(at(MONDAY, 11), at(TUESDAY, 11))]
    assert total.total == total.minutes == line.minutes
    assert [row.hours for row in sum_rows(total)] == ["10:00–11:00", "11:00–18:00", "08:30–10:00"]
    assert line.reason == "暂停：等配件"


def test_a_changed_calendar_counts_with_the_pause(story, in_hand):
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(TUESDAY, 11))
    enter(story, TUESDAY, EnteredAs.HOLIDAY)
    found, row = deadlines(story, in_hand), ticket(story, in_hand)
    assert row.resolution_due_at == found["resolution_passed"] == found["arrive"] == at(WEDNESDAY, 17)
    assert found["pause_passed"] == at(TUESDAY, 11)
    story.app.clock.set(at(MONDAY, 13))
    resume(story, in_hand)
    assert ticket(story, in_hand).resolution_due_at == deadlines(story, in_hand)["arrive"] == at(WEDNESDAY, 12)
    enter(story, TUESDAY, None)
    assert ticket(story, in_hand).resolution_due_at == deadlines(story, in_hand)["arrive"] == at(TUESDAY, 12)
    assert story.app.engine.verify() == []


def test_a_deadline_that_somebody_set_by_hand_stays_through_a_pause(story, in_hand):
    engine, root = story.app.engine, ticket(story, in_hand).instance_id
    engine.retime_element(root, "arrive", at(WEDNESDAY, 12), reason="约好了", actor=SYSTEM)
    pause(story, in_hand, at(TUESDAY, 10))
    assert deadlines(story, in_hand)["arrive"] == at(WEDNESDAY, 12)
    assert deadlines(story, in_hand)["resolution_passed"] == at(WEDNESDAY, 10)


# --- urgency ----------------------------------------------------------------------------------------------------------


def urgent(story, number: str, urgency: str = "urgent", who: str = "lin", reason: str = "漏到配电箱"):
    return changes.change_urgency(story.app, story.person(who), number, urgency, reason)


def test_a_changed_urgency_counts_from_the_opening_and_keeps_the_pause(story, in_hand):
    """T2: not overdue at once."""
    story.app.clock.set(at(MONDAY, 10, 20))
    pause(story, in_hand, at(TUESDAY, 11))
    story.app.clock.set(at(MONDAY, 16, 20))
    resume(story, in_hand)
    urgent(story, in_hand)
    row, found = ticket(story, in_hand), deadlines(story, in_hand)
    assert (row.arrival_due_at, row.resolution_due_at) == (at(MONDAY, 16, 30), at(MONDAY, 20))
    assert found["arrive"] == found["arrival_passed"] == at(MONDAY, 16, 30)
    assert found["resolution_passed"] == at(MONDAY, 20)
    assert story.app.engine.fire_due().fired == 0


def test_the_arrival_limit_is_armed_and_dropped_where_the_table_says(story, in_hand):
    assert "arrival_passed" not in deadlines(story, in_hand)
    story.app.clock.set(at(MONDAY, 10, 10))
    for _ in range(2):
        urgent(story, in_hand)
        assert deadlines(story, in_hand)["arrival_passed"] == at(MONDAY, 10, 30)
        urgent(story, in_hand, "normal")
        assert "arrival_passed" not in deadlines(story, in_hand)
    assert ticket(story, in_hand).arrival_due_at is None
    assert "arrival" not in [t.kind for t in story.card("lin", in_hand).targets]
    to(story, at(MONDAY, 11))
    urgent(story, in_hand)  # half an hour too late: it fires with the next look
    assert story.app.engine.fire_due().fired == 1
    told = [after for *_, after in retimed(story, in_hand, "arrival_passed")]
    assert told == [at(MONDAY, 10, 30), None] * 2 + [at(MONDAY, 10, 30)]
    assert story.app.engine.verify() == []


def test_a_slip_that_waits_gets_the_new_response_limit(story):
    story.app.clock.set(at(MONDAY, 10))
    number = story.register(unit="2-0805")
    story.app.clock.set(at(MONDAY, 10, 5))
    story.dispatch(number)
    urgent(story, number)
    found = deadlines(story, number)
    assert (
        found["accept_slip"] == found["response_passed"] == ticket(story, number).response_due_at == at(MONDAY, 10, 15)
    )


def test_an_urgency_is_changed_once_with_a_reason_by_the_desk(story, in_hand):
    with pytest.raises(Refused, match="Say why"):
        urgent(story, in_hand, reason=" ")
    with pytest.raises(NotAllowed):
        urgent(story, in_hand, who="liu")
    urgent(story, in_hand)
    with pytest.raises(Refused, match="already"):
        urgent(story, in_hand)
    events = [e for e in story.app.engine.trace(ticket(story, in_hand).instance_id) if e["kind"] == "task-retimed"]
    assert events[-1]["reason"] == "normal → urgent：漏到配电箱" and events[-1]["actor"] == "lin"
    assert "一般改紧急：漏到配电箱" in [n.text for n in story.card("lin", in_hand).notes]


def test_done_work_has_no_urgency_any_more(story, in_hand):
    story.complete("liu", "arrive", {"arrived_at": story.app.now().isoformat(), "photo_before": []})
    story.complete("liu", "handle", HANDLED)
    with pytest.raises(Refused, match="is done"):
        urgent(story, in_hand)


# --- the customer's deadline ------------------------------------------------------------------------------------------


def deadline(story, number: str, when: datetime | None, text: str = "") -> Ticket:
    changes.change_deadline(story.app, story.person("lin"), number, when, text)
    return ticket(story, number)


def test_the_customers_new_deadline_counts_where_it_is_earlier(story, in_hand):
    row = deadline(story, in_hand, at(MONDAY, 15), "三点有客人")
    assert (row.resolution_due_at, row.deadline_at, row.deadline_named_at) == (
        at(MONDAY, 15),
        at(MONDAY, 15),
        at(MONDAY, 10),
    )
    assert deadlines(story, in_hand)["resolution_passed"] == at(MONDAY, 15)
    assert deadline(story, in_hand, at(FRIDAY, 15)).resolution_due_at == at(TUESDAY, 10)
    assert deadline(story, in_hand, at(MONDAY, 16)).resolution_due_at == at(MONDAY, 16)
    row = deadline(story, in_hand, None, "不急了")
    assert (row.resolution_due_at, row.deadline_kind) == (at(TUESDAY, 10), "none")
    with pytest.raises(Refused, match="already over"):
        deadline(story, in_hand, at(MONDAY, 10))
    assert {n.text for n in story.card("lin", in_hand).notes} == {"三点有客人", "不急了"}


def test_the_customers_deadline_stands_still_with_the_work(story, in_hand):
    deadline(story, in_hand, at(MONDAY, 15))
    pause(story, in_hand, at(MONDAY, 12))
    assert ticket(story, in_hand).resolution_due_at == at(MONDAY, 17)
    to(story, at(MONDAY, 12))
    assert deadline(story, in_hand, at(MONDAY, 13)).resolution_due_at == at(MONDAY, 13)  # named after the pause


# --- merged tickets ---------------------------------------------------------------------------------------------------


def test_a_merge_is_undone_within_a_day_and_keeps_the_registrations_limits(story, in_hand):
    """T16."""
    second = story.register(unit="2-0805", form=REPAIR | {"request": "又滴了"})
    actions.merge(story.app, story.person("lin"), second, in_hand)
    story.app.clock.set(at(TUESDAY, 9))
    changes.unmerge(story.app, story.person("lin"), second)
    row = ticket(story, second)
    assert (row.state, row.merged_into_id, row.resolution_due_at) == (TicketState.REGISTERED, None, at(TUESDAY, 10))
    assert story.task("lin", "dispatch", second)
    with pytest.raises(Refused, match="not merged"):
        changes.unmerge(story.app, story.person("lin"), second)
    assert story.app.engine.verify() == []


def test_a_merge_ends_the_pause_and_its_undo_keeps_what_was_paused(story, in_hand):
    first = story.register(unit="3-1201")
    story.app.clock.set(at(MONDAY, 11))
    pause(story, in_hand, at(FRIDAY, 11))
    story.app.clock.set(at(MONDAY, 13))
    actions.merge(story.app, story.person("lin"), in_hand, first)
    (stood,) = pauses_of(story, in_hand)
    assert (stood.ended_at, ticket(story, in_hand).paused_at) == (at(MONDAY, 13), None)
    changes.unmerge(story.app, story.person("lin"), in_hand)
    assert ticket(story, in_hand).resolution_due_at == at(TUESDAY, 12)


def test_a_merge_of_yesterday_stays(story, in_hand):
    second = story.register(unit="2-0805", form=REPAIR | {"request": "又滴了"})
    actions.merge(story.app, story.person("lin"), second, in_hand)
    story.app.clock.set(at(TUESDAY, 10, 1))
    with pytest.raises(Refused, match="24 hours"):
        changes.unmerge(story.app, story.person("lin"), second)


def test_everybody_who_called_about_one_thing_is_told_together(story, in_hand):
    others = [story.register(unit=unit) for unit in ("3-1201", "2-0805")]
    for number in others:
        actions.merge(story.app, story.person("lin"), number, in_hand)
    assert changes.tell_callers(story.app, story.person("lin"), in_hand, "五点恢复") == 3
    for number in (in_hand, *others):
        assert "五点恢复" in [n.text for n in story.card("lin", number).notes if n.kind == "told"]


def test_nothing_waits_for_a_pause_of_a_ticket_that_has_ended(story, in_hand):
    actions.withdraw(story.app, story.person("lin"), in_hand, "不修了")
    with pytest.raises(Refused):
        pause(story, in_hand, at(FRIDAY, 11))
    with pytest.raises(NotPossible):
        urgent(story, in_hand)


def test_each_count_is_kept_once(story, in_hand):
    before = _count(story)
    pause(story, in_hand, at(TUESDAY, 10))
    assert _count(story) == before + 1
    to(story, at(TUESDAY, 10))
    assert _count(story) == before + 1


def _count(story) -> int:
    with story.app.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Target))
