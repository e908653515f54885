"""The queue of messages against a real SMTP server: once by us, at the right hour, whatever the server does.

F4, F5, F10, F11, F21, T12, T13, T14.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.tables import outbox
from service.errors import NotThere, Refused
from service.notifications import delivery
from service.notifications.actions import mark_read
from service.notifications.channels import channels_of
from service.notifications.deliver import deliver_due
from service.notifications.models import ChannelRest, Message, Notice, NoticeAddress
from service.notifications.preferences import choices, choose
from service.organisation.models import Person
from service.scheduler import ClockProcess
from tests.service.notifications.post import DeadServer, free_port

SATURDAY_MIDNIGHT = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # 00:00 on Sunday in Shanghai
MONDAY_OPENING = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
FRIDAY_NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def tell(mailing, *people: str, kind: str = "reminder", urgent: bool = False, ticket=None, **data) -> None:
    """A row in the outbox as a step would put it."""
    story = mailing.story
    to = {"people": list(people), "groups": [], "not": None, "centre": story.world.centre_id, "building": None}
    payload = {"kind": kind, "ticket": ticket, "urgent": urgent, "to": to} | data
    with story.app.engine.unit() as unit:
        count = unit.connection.scalar(sa.select(sa.func.count()).select_from(outbox))
        row = {
            "key": f"test-{count}",
            "kind": "tell",
            "centre_id": story.world.centre_id,
            "payload": json.dumps(payload),
        }
        unit.connection.execute(sa.insert(outbox).values(**row, created_at=unit.now, not_before_at=unit.now, tries=0))


def states(mailing) -> list[str]:
    """The states of all messages, by person and age."""
    query = sa.select(Message.state).join(Person, Person.id == Message.person_id).order_by(Person.username, Message.id)
    with mailing.app.session() as session:
        return [str(s) for s in session.scalars(query)]


def told(mailing, kind: str = "parked") -> list[str]:
    with mailing.app.session() as session:
        query = sa.select(Person.username).join(Notice, Notice.person_id == Person.id).where(Notice.kind == kind)
        return sorted(session.scalars(query))


def rest(mailing) -> ChannelRest:
    with mailing.app.session() as session:
        return session.get(ChannelRest, "mail")


# --- who gets what ----------------------------------------------------------------------------------------------------


def test_a_slip_reaches_the_department_by_mail_once(mailing, clock):
    """Clause 8, T14."""
    mailing.address("gao", "liu")
    number = mailing.story.register()
    mailing.story.dispatch()
    assert mailing.run() == 2
    assert mailing.received() == [
        ("gao", f"派来一单 {number}-1：{number} 茶水间吊顶滴水"),
        ("liu", f"派来一单 {number}-1：{number} 茶水间吊顶滴水"),
    ]
    assert f"https://zhiban.example.com/tickets/{number}\r\n" in mailing.post.got[0].get_content()
    clock.advance(timedelta(hours=2))
    assert mailing.run() == 0
    assert states(mailing) == ["sent", "sent"]


def test_who_gave_no_address_is_told_in_the_application_only(mailing):
    tell(mailing, "lin", "gao")
    assert mailing.run() == 0
    assert (states(mailing), told(mailing, "reminder")) == ([], ["gao", "lin"])


def test_the_reader_chose_the_language(mailing):
    mailing.address("lin")
    with mailing.app.writing() as session:
        session.execute(sa.update(Person).where(Person.username == "lin").values(locale="en"))
    tell(mailing, "lin", about="Return visit")
    mailing.run()
    assert mailing.received() == [("lin", "There is news")]


def test_a_kind_that_is_not_wanted_stays_inside(mailing):
    mailing.address("lin", ways={"reminder": "never"})
    tell(mailing, "lin", urgent=True)
    tell(mailing, "lin", kind="escalated")
    mailing.run()
    assert mailing.received() == [("lin", "有事升级到你")]


def test_a_restored_outbox_makes_no_second_message(mailing):
    """F21."""
    mailing.address("lin")
    tell(mailing, "lin")
    mailing.run()
    with mailing.app.writing() as session:
        session.execute(sa.update(outbox).values(sent_at=None))
    assert mailing.run() == 0
    assert len(mailing.post.got) == 1


def test_a_restored_database_sends_again_under_the_same_key(mailing):
    """F21."""
    mailing.address("lin")
    tell(mailing, "lin")
    mailing.run()
    with mailing.app.writing() as session:
        session.execute(sa.delete(Message))
        session.execute(sa.delete(Notice))
        session.execute(sa.update(outbox).values(sent_at=None))
    assert mailing.run() == 1
    assert (len(mailing.post.got), len(mailing.post.delivered())) == (2, 1)


# --- when -------------------------------------------------------------------------------------------------------------


def test_what_could_not_go_before_closing_waits_for_opening(mailing, clock):
    """T12."""
    mailing.address("lin")
    tell(mailing, "lin")
    mailing.post.answers["RCPT"] = "450 later"
    assert mailing.run() == 0
    mailing.post.answers.clear()
    clock.set(SATURDAY_MIDNIGHT)
    assert mailing.run() == 0
    clock.set(MONDAY_OPENING - timedelta(microseconds=1))
    assert mailing.run() == 0
    clock.set(MONDAY_OPENING)
    assert mailing.run() == 1


def test_an_urgent_notice_goes_at_midnight(mailing, clock):
    """T12."""
    mailing.address("lin", ways={"reminder": "digest"})
    clock.set(SATURDAY_MIDNIGHT)
    tell(mailing, "lin", urgent=True)
    assert mailing.run() == 1


def test_own_quiet_hours_take_the_place_of_the_opening_hours(mailing, clock):
    mailing.lead_to(mailing.server.port, quiet_hours="12:30-13:30")
    mailing.address("lin")
    clock.set(FRIDAY_NOON + timedelta(minutes=30))
    tell(mailing, "lin")
    assert mailing.run() == 0
    clock.set(FRIDAY_NOON + timedelta(minutes=90))
    assert mailing.run() == 1


def test_less_important_notices_of_a_person_leave_together(mailing, clock):
    mailing.address("lin", "zhou")
    clock.set(FRIDAY_NOON)
    for _ in range(3):
        tell(mailing, "lin", kind="handled")
    tell(mailing, "lin", "zhou", kind="answered")
    assert mailing.run() == 0
    clock.set(FRIDAY_NOON + timedelta(hours=5, minutes=30))  # 17:30
    assert mailing.run() == 2
    assert mailing.received() == [("lin", "值班：4 条通知"), ("zhou", "值班：1 条通知")]
    assert states(mailing) == ["sent"] * 5


def test_what_was_read_meanwhile_is_not_sent(mailing, clock):
    mailing.address("lin")
    clock.set(FRIDAY_NOON)
    tell(mailing, "lin", kind="handled")
    mailing.run()
    mark_read(mailing.app, mailing.story.person("lin"))
    clock.advance(timedelta(hours=5, minutes=30))
    assert mailing.run() == 0
    assert states(mailing) == ["skipped"]


def test_a_digest_sent_again_is_the_same_one(mailing, clock):
    """F11: what came later is in the next digest, not in a mail that its reader drops."""
    mailing.address("lin")
    clock.set(FRIDAY_NOON)
    tell(mailing, "lin", kind="handled")
    mailing.run()
    clock.advance(timedelta(hours=5, minutes=30))
    mailing.post.answers["DATA"] = "drop"
    assert mailing.run() == 0
    with mailing.app.writing() as session:
        key = {"kind": "handled", "data": {}, "at": clock.now(), "urgent": False, "outbox_key": "late"}
        notice = Notice(person_id=mailing.story.world.people["lin"], **key)
        session.add(notice)
        session.flush()
        row = {"centre_id": 1, "key": "late", "notice_id": notice.id, "person_id": notice.person_id, "channel": "mail"}
        session.add(Message(**row, digest=True, created_at=clock.now(), not_before_at=clock.now()))
    mailing.post.answers.clear()
    clock.advance(timedelta(seconds=10))
    assert mailing.run() == 2
    first, again, other = mailing.post.got
    late_one = sorted((again, other), key=lambda mail: mail["Message-ID"] != first["Message-ID"])[1]
    assert first["Message-ID"] in (again["Message-ID"], other["Message-ID"])
    assert [mail["Subject"] for mail in (first, late_one)] == ["值班：1 条通知"] * 2


# --- killed, slow, twice ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def test_a_clock_killed_between_sending_and_marking_leaves_one_duplicate_with_the_same_id(mailing, clock, monkeypatch):
    """F11."""
    mailing.address("lin")
    tell(mailing, "lin")
    with monkeypatch.context() as hook:
        hook.setattr(delivery, "_sent", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            mailing.run()
    assert mailing.run() == 0  # the lease still holds
    clock.advance(delivery.LEASE)
    assert mailing.run() == 1
    clock.advance(timedelta(hours=1))
    assert mailing.run() == 0
    assert (len(mailing.post.got), len(mailing.post.delivered())) == (2, 1)


def test_a_clock_killed_before_sending_loses_nothing(mailing, clock, monkeypatch):
    """F11."""
    mailing.address("lin")
    tell(mailing, "lin")
    with monkeypatch.context() as hook:
        hook.setattr(delivery, "_parcel", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            mailing.run()
    clock.advance(delivery.LEASE)
    assert mailing.run() == 1
    assert len(mailing.post.got) == 1


def test_many_clocks_at_once_send_each_message_once(mailing, clock):
    """T14."""
    mailing.address("lin", "zhou", "chen", "gao")
    clock.set(FRIDAY_NOON)
    for _ in range(5):
        tell(mailing, "lin", "zhou", "chen", "gao")
        tell(mailing, "lin", "zhou", "chen", kind="handled")
    deliver_due(mailing.app)
    clock.set(FRIDAY_NOON + timedelta(hours=5, minutes=30))
    threads = [threading.Thread(target=delivery.send_due, args=(mailing.app, "mail")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while mailing.run():
        pass
    assert len(mailing.post.got) == len(mailing.post.delivered()) == 23
    assert set(states(mailing)) == {"sent"}


def test_a_clock_that_outlived_its_lease_marks_nothing(mailing, clock, monkeypatch):
    """F5: the fence."""
    mailing.address("lin")
    tell(mailing, "lin")
    channel = channels_of(mailing.app.settings)["mail"]
    real = type(channel).send

    def slow(self, parcel):
        monkeypatch.setattr(type(channel), "send", real)
        clock.advance(delivery.LEASE)
        assert delivery.send_due(mailing.app, "mail") == 1  # another clock took it over
        raise delivery.TryLater("the slow one failed")

    monkeypatch.setattr(type(channel), "send", slow)
    mailing.run()
    assert (states(mailing), len(mailing.post.got)) == (["sent"], 1)


# --- a server in trouble ----------------------------------------------------------------------------------------------


def test_a_message_that_is_put_off_waits_longer_each_time_and_is_told_once_in_the_end(mailing, clock):
    """F10: 10 s, doubled up to 1 h, 12 tries."""
    mailing.lead_to(mailing.server.port, quiet_hours="04:00-04:00")
    mailing.address("gao", "lin")
    mailing.post.refused["gao@example.com"] = "450 come again"
    tell(mailing, "gao", "lin")
    waits = []
    while "waiting" in states(mailing) or not waits:
        mailing.run()
        with mailing.app.session() as session:
            again_at = session.scalar(sa.select(sa.func.max(Message.not_before_at)))
        waits.append(round((again_at - clock.now()).total_seconds()))
        clock.set(again_at - timedelta(microseconds=1))
        assert mailing.run() == 0
        clock.set(again_at)
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
    assert (states(mailing), mailing.received()[0][0]) == (["failed", "sent"], "lin")
    assert told(mailing) == ["chen"]


def test_an_address_that_does_not_exist_is_not_tried_again_and_told_once(mailing, clock):
    """T13."""
    mailing.address("gao", "lin", "chen")
    mailing.post.refused["gao@example.com"] = "550 no such mailbox"
    for _ in range(3):
        tell(mailing, "gao", "lin")
    mailing.run()
    assert states(mailing) == ["failed", "skipped", "skipped", "sent", "sent", "sent"]
    tell(mailing, "gao")
    mailing.run()
    assert (len(states(mailing)), told(mailing)) == (6, ["chen"])
    assert [whom for whom, _ in mailing.received()] == ["lin"] * 3  # nobody is told by mail about mail
    with mailing.story.as_person("gao") as gao:
        (choice,) = choices(gao)
        assert "550" in choice.error and choice.refused_at is not None
    mailing.post.refused.clear()
    clock.advance(timedelta(minutes=1))
    mailing.address("gao")
    tell(mailing, "gao")
    assert mailing.run() == 1


def test_the_supervisors_own_broken_mailbox_makes_no_loop(mailing, clock):
    """T13."""
    mailing.address("chen")
    mailing.post.refused["chen@example.com"] = "550 no such mailbox"
    tell(mailing, "chen", urgent=True)
    for _ in range(20):
        mailing.run()
        clock.advance(timedelta(hours=1))
    assert (states(mailing), told(mailing)) == (["failed"], ["chen"])


def test_a_dead_server_is_asked_ever_less_told_once_and_everything_goes_when_it_works_again(mailing, clock):
    """F10."""
    mailing.lead_to(free_port(), quiet_hours="04:00-04:00")
    mailing.address("gao", "lin")
    for _ in range(3):
        tell(mailing, "gao", "lin")
    mailing.run()
    assert mailing.run() == 0 and rest(mailing).tries == 1  # it rests: the second turn did not ask
    for _ in range(30):
        clock.advance(timedelta(hours=1))
        mailing.run()
    assert rest(mailing).tries == 31 and told(mailing) == ["chen"]
    tell(mailing, "lin", kind="urge", urgent=True)
    mailing.lead_to(mailing.server.port, quiet_hours="04:00-04:00")
    clock.advance(timedelta(hours=1))
    while mailing.run():
        pass
    assert set(states(mailing)) == {"sent"} and len(mailing.post.got) == 7
    assert (rest(mailing).tries, rest(mailing).until_at, told(mailing)) == (0, None, ["chen"])


def test_the_only_message_of_a_dead_server_is_parked_after_twelve_tries_and_not_lost(mailing, clock):
    """F10."""
    mailing.lead_to(free_port(), quiet_hours="04:00-04:00")
    mailing.address("lin")
    tell(mailing, "lin")
    for _ in range(12):
        mailing.run()
        clock.advance(timedelta(hours=1))
    assert (states(mailing), rest(mailing).tries, told(mailing)) == (["parked"], 12, ["chen"])
    mailing.lead_to(mailing.server.port, quiet_hours="04:00-04:00")
    tell(mailing, "lin", urgent=True)
    while mailing.run():
        pass
    assert states(mailing) == ["sent", "sent"]


def test_a_server_that_hangs_holds_up_neither_notices_nor_another_channel(mailing, monkeypatch):
    """F10: the sink hangs 60 s."""
    dead = DeadServer()
    mailing.lead_to(dead.port)
    mailing.address("lin")
    for _ in range(20):
        tell(mailing, "lin")

    class Other:
        kind, got = "other", []

        def send(self, parcel):
            self.got.append(parcel.key)

    both = {"mail": channels_of(mailing.app.settings)["mail"], "other": Other()}
    monkeypatch.setattr(delivery, "channels_of", lambda _: both)
    with mailing.app.writing() as session:
        person = mailing.story.world.people["lin"]
        now = mailing.app.clock.now()
        session.add(NoticeAddress(person_id=person, channel="other", address="x", kinds={}, changed_at=now))
    begun = time.monotonic()
    mailing.run()
    assert delivery.send_due(mailing.app, "other") == 20
    assert mailing.run() == 0  # the channel rests
    assert time.monotonic() - begun < 2.0 + 4  # one attempt with its limit of 2 s, and the work of 40 messages
    assert dead.connections == 1
    dead.close()


def test_one_message_that_the_server_hangs_up_on_holds_up_no_other(mailing):
    mailing.address("gao", "lin")
    mailing.post.refused["gao@example.com"] = "451 not you"
    tell(mailing, "gao", "lin")
    assert mailing.run() == 1


def test_a_fault_of_our_own_in_one_message_holds_up_no_other(mailing):
    mailing.address("gao", "lin")
    with mailing.app.writing() as session:
        wrong = sa.update(NoticeAddress).where(NoticeAddress.address == "gao@example.com").values(address="gao@@")
        session.execute(wrong)
    tell(mailing, "gao", "lin")
    assert mailing.run() == 1
    assert states(mailing) == ["waiting", "sent"]


def test_a_wrong_setting_keeps_no_notice_from_its_reader(mailing):
    mailing.address("lin")
    mailing.lead_to(mailing.server.port, digest_times=("half past six",))
    tell(mailing, "lin", kind="handled")
    mailing.run()
    assert (told(mailing, "handled"), states(mailing)) == (["lin"], [])


# --- the clock --------------------------------------------------------------------------------------------------------


def test_two_clock_processes_send_by_themselves_what_is_due(mailing):
    """T14: each channel has a job of its own."""
    mailing.address("lin", "gao")
    tell(mailing, "lin", "gao", urgent=True)
    clocks = [ClockProcess(mailing.app) for _ in range(2)]
    for one in clocks:
        one.guard.jumped_by = lambda: 0.0
        one.start()
    assert "messages-mail" in {job.id for job in clocks[0].scheduler.get_jobs()}
    until = time.monotonic() + 15
    while len(mailing.post.got) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    for one in clocks:
        one.stop()
    assert sorted(whom for whom, _ in mailing.received()) == ["gao", "lin"]


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_a_person_chooses_where_and_what(mailing):
    mailing.address("lin", ways={"urge": "never", "handled": "at-once", "reminder": "at-once"})
    with mailing.story.as_person("lin") as lin:
        (choice,) = choices(lin)
    assert (choice.channel, choice.address, choice.wanted) == ("mail", "lin@example.com", True)
    assert (choice.ways["urge"], choice.ways["handled"], choice.ways["answered"]) == ("never", "at-once", "digest")
    choose(mailing.app, mailing.story.person("lin"), "mail", "")
    with mailing.story.as_person("lin") as lin:
        assert choices(lin)[0].address == ""


def test_what_cannot_be_chosen_is_refused(mailing):
    lin = mailing.story.person("lin")
    with pytest.raises(Refused) as caught:
        choose(mailing.app, lin, "mail", "zhiban@example.com")
    assert caught.value.field == "address"
    with pytest.raises(Refused):
        choose(mailing.app, lin, "mail", "lin@example.com", ways={"parked": "at-once"})
    with pytest.raises(NotThere):
        choose(mailing.app, lin, "pigeon", "lin@example.com")


def test_an_address_that_is_switched_off_gets_nothing_more(mailing, clock):
    mailing.address("lin")
    mailing.post.answers["RCPT"] = "450 later"
    tell(mailing, "lin")
    mailing.run()
    mailing.address("lin", wanted=False)
    mailing.post.answers.clear()
    clock.set(MONDAY_OPENING)
    assert mailing.run() == 0
    assert states(mailing) == ["skipped"]
