"""The checker finds nothing in a centre that lived a day, and names each fault that is planted in its tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa

from service import db
from service.timetable.actions import plan_ahead
from tests.chaos.checker import Asked, check, lateness
from tests.chaos.lived import Day


def found(faults: list[str], *parts: str) -> bool:
    """Whether one fault has all these words."""
    return any(all(part in fault for part in parts) for fault in faults)


def value(day, sql: str, **values):
    with day.app.database.connect() as connection:
        return connection.execute(sa.text(sql), values).scalar()


def test_a_lived_centre_is_clean(lived):
    day, _ = lived
    faults = check(day.app.database, asked=day.asked, clocks_until=day.clock.now())
    assert faults == [], "\n".join(map(str, faults))
    assert len(lateness(day.app.database)) >= 3  # so timers have fired, and
    for table, least in (("notice", 10), ("subscription", 8), ("slip", 4), ("command", 15), ("answered_request", 2), ("escalation", 2)):
        assert value(day, f"select count(*) from {table}") >= least, table


def test_it_reads_a_database_by_its_address(lived):
    day, _ = lived
    assert check(day.app.database.url.render_as_string(hide_password=False)) == []


def test_a_lost_task_row_is_found(lived, spoil):
    task = value(lived[0], "select id from user_task where element_id = 'handle' and state = 'open'")
    assert found(spoil("delete from user_task where id = :id", id=task), "I2", task, "has no open task")


def test_a_family_that_nothing_will_move_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["asks"])
    faults = spoil("update user_task set state = 'cancelled' where root_id = :id", id=root)
    assert found(faults, "I1", root, "will ever move it")


def test_a_task_that_no_token_stands_for_is_found(lived, spoil):
    task = value(lived[0], "select id from user_task where state = 'completed' and element_id = 'verify'")
    faults = spoil("update user_task set state = 'open' where id = :id", id=task)
    assert found(faults, "I2", task, "has no user task token") and found(faults, "I3", task, "is open and has 1 events task-completed")


def test_a_doubled_completion_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["done"])
    faults = spoil("insert into trace_event (root_id, seq, instance_id, centre_id, at, kind, element_id, actor, body, personal, hash)"
                   " select root_id, 9999, instance_id, centre_id, at, kind, element_id, actor, body, personal, hash from trace_event"
                   " where root_id = :id and kind = 'task-completed' and element_id = 'handle' and seq = (select max(seq) from trace_event"
                   " where root_id = :id and kind = 'task-completed' and element_id = 'handle')", id=root)
    assert found(faults, "I3", "has 2 events task-completed") and found(faults, "I6", root, "9999") and found(faults, "I4", root)


def test_an_altered_event_is_found_and_blamed_once(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["done"])
    faults = spoil("update trace_event set body = replace(body, '\"actor\":\"gao\"', '\"actor\":\"liu\"') where root_id = :id and actor = 'gao'"
                   " and kind = 'task-completed'", id=root)
    assert found(faults, "I4", root, "was altered") and found(faults, "I4", root, "columns") and len([f for f in faults if "was altered" in f]) == 1


def test_a_cut_tail_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["spot"])
    faults = spoil("delete from trace_event where root_id = :id and seq = (select chain_seq from process_instance where id = :id)", id=root)
    assert found(faults, "I4", root, "the tail is cut")


def test_a_missing_event_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["seen"])
    assert found(spoil("delete from trace_event where root_id = :id and seq = 5", id=root), "I6", root, "after event 4 comes 6")


def test_altered_personal_values_are_found_and_erased_ones_are_not(lived, spoil):
    root = value(lived[0], "select instance_id from ticket where number = :number", number=lived[1]["done"])
    assert found(spoil("update trace_event set personal = replace(personal, '换了阀门', '换了水管') where root_id = :id and personal like '%换了阀门%'",
                      id=root), "I4", root, "differ from their digest")


def test_erased_personal_values_leave_the_chain_whole(lived, spoil):
    assert spoil("update trace_event set personal = null where personal is not null") == []


def test_a_timer_fired_twice_is_found(lived, spoil):
    timer = value(lived[0], "select id from timer where state = 'fired'")
    faults = spoil("insert into trace_event (root_id, seq, instance_id, centre_id, at, kind, element_id, actor, body, personal, hash)"
                   " select root_id, seq + 5000, instance_id, centre_id, at, kind, element_id, actor, body, personal, hash from trace_event"
                   " where kind = 'timer-fired' and body like :like", like=f"%{timer}%")
    assert found(faults, "I3", timer, "has 2 events timer-fired")


def test_a_timer_fired_early_is_found(lived, spoil):
    timer, due = value(lived[0], "select id from timer where state = 'fired'"), value(lived[0], "select max(due_at) from timer")
    assert found(spoil("update timer set due_at = :due where id = :id", id=timer, due=due), "I3", timer, "before it was due")


def test_a_timer_fired_without_a_word_is_found(lived, spoil):
    timer = value(lived[0], "select id from timer where state = 'armed'")
    faults = spoil("update timer set state = 'fired', fired_at = due_at where id = :id", id=timer)
    assert found(faults, "I3", timer, "has 0 events") and found(faults, "I2", timer, "waits for a timer that is fired")


def test_a_lost_timer_row_is_found(lived, spoil):
    timer = value(lived[0], "select id from timer where state = 'armed'")
    assert found(spoil("delete from timer where id = :id", id=timer), "I2", timer, "whose row is gone")


def test_a_timer_that_nobody_fired_in_time_is_found(lived):
    day, _ = lived
    late = [str(fault) for fault in check(day.app.database, clocks_until=day.clock.now().replace(year=2027))]
    assert late and all("I3 timer" in fault and "lost" in fault for fault in late)


def test_a_lost_subscription_is_found(lived, spoil):
    one = value(lived[0], "select id from subscription where message = 'ticket.urge'")
    assert found(spoil("delete from subscription where id = :id", id=one), "I2", one, "has no subscription")


def test_a_notice_sent_to_one_person_twice_is_found(lived):
    """Even where the table would allow it: here it has no unique key."""
    day, _ = lived
    key = value(day, "select outbox_key from notice where id = (select max(id) from notice)")
    with day.app.database.connect() as connection:
        connection.execute(sa.text("alter table notice rename to notice_before"))
        connection.execute(sa.text("create table notice as select * from notice_before union all select * from notice_before"
                                   " where id = (select max(id) from notice_before)"))
        faults = [str(fault) for fault in check(connection)]
        connection.rollback()
    assert found(faults, "I5", key, "was told 2 times")


def test_a_notice_that_was_sent_to_nobody_is_found(lived, spoil):
    key = value(lived[0], "select outbox_key from notice where id = (select min(id) from notice)")
    assert found(spoil("delete from notice where outbox_key = :key", key=key), "I5", key, "was not told")


def test_a_notice_to_somebody_else_is_found(lived, spoil):
    key = value(lived[0], "select outbox_key from notice where kind = 'slip-sent' and id = (select min(id) from notice where kind = 'slip-sent')")
    hu = value(lived[0], "select id from person where username = 'hu'")
    assert found(spoil("update notice set person_id = :hu where outbox_key = :key and person_id = (select min(person_id) from notice where"
                      " outbox_key = :key)", key=key, hu=hu), "I5", key, f"person {hu} was told, but is not meant")


def test_a_notice_sent_again_or_before_its_time_is_found(lived, spoil):
    key = value(lived[0], "select key from outbox where sent_at is not null")
    assert found(spoil("update outbox set not_before_at = (select max(due_at) from timer) where key = :key", key=key), "I5", key, "before")
    assert found(spoil("update outbox set sent_at = null where key = (select min(outbox_key) from notice)"), "I5", "is not sent, but")


def test_an_orphan_child_is_found(lived, spoil):
    child = value(lived[0], "select id from process_instance where parent_id is not null and state = 'running'")
    assert found(spoil("update process_instance set parent_token = 'nobody' where id = :id", id=child), "I2", child, "orphan")


def test_a_child_without_parent_is_found(lived, spoil):
    child = value(lived[0], "select id from process_instance where parent_id is not null and state = 'running'")
    assert found(spoil("update process_instance set parent_id = 'gone' where id = :id", id=child), "I2", child, "is an orphan")


def test_a_swapped_token_is_found(lived, spoil):
    """The saved state says another element than the task row."""
    day, _ = lived
    root = value(day, "select instance_id from user_task where element_id = 'answer_question' and state = 'open'")
    tokens = json.loads(bytes(value(day, "select tokens from process_instance where id = :id", id=root)))
    for token in tokens[2]:
        if token[1] == "answer_question":
            token[1] = "dispatch"
    faults = spoil("update process_instance set tokens = :tokens where id = :id", id=root, tokens=json.dumps(tokens).encode())
    assert found(faults, "I2", "stands at answer_question, its token at dispatch")


def test_a_token_that_is_there_twice_is_found(lived, spoil):
    day, _ = lived
    root = value(day, "select instance_id from user_task where element_id = 'handle' and state = 'open'")
    tokens = json.loads(bytes(value(day, "select tokens from process_instance where id = :id", id=root)))
    tokens[2].append(next(t for t in tokens[2] if t[1] == "handle"))
    assert found(spoil("update process_instance set tokens = :tokens where id = :id", id=root, tokens=json.dumps(tokens).encode()), "I7", "2 times")


def test_an_ended_instance_with_tokens_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from user_task where element_id = 'handle' and state = 'open'")
    assert found(spoil("update process_instance set state = 'ended' where id = :id", id=root), "I2", root, "still has")


def test_an_unreadable_state_is_found(lived, spoil):
    root = value(lived[0], "select instance_id from user_task where element_id = 'handle' and state = 'open'")
    assert found(spoil("update process_instance set tokens = :tokens where id = :id", id=root, tokens=b"[1,"), "I2", root, "cannot be read")


def test_a_missing_slip_number_is_found(lived, spoil):
    number = lived[1]["waits"]
    faults = spoil("update slip set count = 2 where number = :number", number=f"{number}-1")
    assert found(faults, "tickets", number, "numbered [2]")


def test_a_lost_slip_is_found(lived, spoil):
    assert found(spoil("delete from slip where number = :number", number=f"{lived[1]['waits']}-1"), "tickets", "its process opened 1")


def test_a_ticket_without_instance_is_found(lived, spoil):
    assert found(spoil("update ticket set instance_id = 'gone' where number = :number", number=lived[1]["seen"]), "tickets", lived[1]["seen"], "it names gone")


def test_an_instance_without_ticket_is_found(lived, spoil):
    """A number is taken for another: the process has no ticket, the ticket no process."""
    faults = spoil("update ticket set number = '2026-9999' where number = :number", number=lived[1]["gone"])
    assert found(faults, "tickets", lived[1]["gone"], "has no ticket") and found(faults, "tickets", "2026-9999", "has instances []")


def test_a_ticket_that_is_closed_while_its_process_runs_is_found(lived, spoil):
    assert found(spoil("update ticket set state = 'closed' where number = :number", number=lived[1]["seen"]), "tickets", lived[1]["seen"], "is closed")


def test_a_limit_that_nobody_computed_is_found(lived, spoil):
    assert found(spoil("update ticket set resolution_due_at = response_due_at where number = :number", number=lived[1]["seen"]),
                "tickets", lived[1]["seen"], "resolution is due", "nobody computed last")


def test_a_limit_met_in_the_future_is_found(lived, spoil):
    assert found(spoil("update ticket set response_met_at = (select max(due_at) from timer) where number = :number", number=lived[1]["done"]),
                "tickets", lived[1]["done"], "response was met")


def test_an_urge_counted_twice_is_found(lived, spoil):
    assert found(spoil("update ticket set urged_count = 2 where number = :number", number=lived[1]["seen"]), "tickets", "counts 2 urges, its process 1")


def test_a_deleted_command_is_found(lived, spoil):
    day, _ = lived
    lost = next(one for one in day.asked if one.action == "complete")
    assert found(spoil("delete from command where request_id = :id", id=lost.request_id), "commands", lost.request_id, "it is not there")


def test_a_command_without_its_effect_is_found(lived, spoil):
    done = next(one for one in lived[0].asked if one.action == "complete")
    assert found(spoil("update user_task set ended_by = 'zhou' where id = :id", id=done.subject), "commands", done.request_id, "does not say so")


def test_a_lost_promise_and_a_refused_request_that_was_done_are_found(lived, spoil):
    day, _ = lived
    asked = [Asked(o.request_id, o.action, o.subject, o.person, "refused" if o.action == "promise" else o.outcome) for o in day.asked]
    faults = spoil("delete from promise where text = '五点前回电'", asked=asked)
    assert found(faults, "commands", "made promise", "not there") and found(faults, "commands", "saw promise", "refused, and it was done")


def test_a_request_that_nobody_sent_is_found(lived):
    day, _ = lived
    faults = [str(fault) for fault in check(day.app.database, asked=day.asked[1:])]
    assert found(faults, "commands", day.asked[0].request_id, "nobody asked for it") and len(faults) == 1


def test_what_the_timetable_began_was_asked_for_and_begins_once(copies, centre_template, tmp_path):
    """The day's review comes at 17:15, also while a fault run lasts."""
    database = db.connect(copies.copy(centre_template))
    day = Day(database, datetime(2026, 11, 20, 9, 10, tzinfo=UTC), tmp_path)
    plan_ahead(day.app)
    day.pass_time(minutes=10)
    assert check(database, asked=[]) == []
    run = value(day, "select min(id) from planned_run where state = 'started'")
    for spoiled, told in (("update planned_run set state = 'planned' where id = :id", "nobody asked for it"),
                          ("delete from command where request_id = 'planned-run-' || :id", "nothing has begun")):
        with database.connect() as connection:
            connection.execute(sa.text(spoiled), {"id": str(run) if "||" in spoiled else run})
            assert found([str(fault) for fault in check(connection, asked=[])], "commands", f"planned-run-{run}:", told)
    database.dispose()


def test_an_unanswered_request_may_be_there_or_not(lived):
    day, _ = lived
    asked = [Asked(o.request_id, o.action, o.subject, o.person, "unanswered") for o in day.asked]
    assert check(day.app.database, asked=[*asked, Asked("never-arrived", "complete", "any", "lin", "unanswered")]) == []
