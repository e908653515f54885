"""From the outbox to people: once each, at the right hour, to whoever is meant now (T12, T13, T14; F4, F11)."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.tables import outbox
from service.notifications import deliver
from service.notifications.actions import mark_read
from service.notifications.models import Notice
from service.notifications.queries import notices, unread_count
from service.organisation.actions import substitute
from service.organisation.models import Duty, Person

SATURDAY_MIDNIGHT = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # 00:00 on Sunday in Shanghai


@pytest.fixture
def sent(story):
    """A slip is out to engineering; its notice lies in the outbox."""
    number = story.register()
    story.dispatch()
    return number


def told(story) -> list[tuple[str, str]]:
    with story.app.session() as session:
        return sorted(
            tuple(row)
            for row in session.execute(
                sa.select(Person.username, Notice.kind).join(Notice, Notice.person_id == Person.id)
            )
        )


def put(story, **payload) -> None:
    """A row in the outbox as a step would put it."""
    whole = {
        "kind": "reminder",
        "ticket": None,
        "urgent": False,
        "to": {"people": [], "groups": [], "not": None, "centre": story.world.centre_id, "building": None},
    } | payload
    with story.app.engine.unit() as unit:
        now = unit.now
        unit.connection.execute(
            sa.insert(outbox).values(
                key=f"test-{json.dumps(payload, sort_keys=True)[:80]}-{now.isoformat()}",
                kind="tell",
                centre_id=story.world.centre_id,
                payload=json.dumps(whole),
                created_at=now,
                not_before_at=now,
                tries=0,
            )
        )


def to(story, people=(), groups=()) -> dict:
    return {
        "people": list(people),
        "groups": list(groups),
        "not": None,
        "centre": story.world.centre_id,
        "building": None,
    }


def test_a_slip_is_told_to_everybody_of_the_department(story, sent):
    assert deliver.deliver_due(story.app) == 1
    assert told(story) == [("gao", "slip-sent"), ("liu", "slip-sent")]


def test_many_clocks_at_once_tell_each_person_once(story, sent):
    """T14."""
    threads = [threading.Thread(target=deliver.deliver_due, args=(story.app,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told(story) == [("gao", "slip-sent"), ("liu", "slip-sent")]
    assert deliver.deliver_due(story.app) == 0


def test_a_row_delivered_again_after_a_restore_tells_nobody_twice(story, sent):
    """F21: the key makes it once."""
    deliver.deliver_due(story.app)
    with story.app.writing() as session:
        session.execute(sa.update(outbox).values(sent_at=None))
    deliver.deliver_due(story.app)
    assert len(told(story)) == 2


def test_a_notice_at_night_waits_for_opening(story, clock):
    """T12."""
    clock.set(SATURDAY_MIDNIGHT)
    put(story, to=to(story, groups=["supervisor"]))
    assert deliver.deliver_due(story.app) == 0
    clock.set(datetime(2026, 11, 23, 0, 29, 59, tzinfo=UTC))
    assert deliver.deliver_due(story.app) == 0
    clock.set(datetime(2026, 11, 23, 0, 30, tzinfo=UTC))  # Monday 08:30
    assert deliver.deliver_due(story.app) == 1
    assert told(story) == [("chen", "reminder")]


def test_an_urgent_notice_at_night_goes_to_whoever_is_on_duty(story, clock):
    """T12."""
    clock.set(SATURDAY_MIDNIGHT)
    with story.app.writing() as session:
        session.add(
            Duty(
                centre_id=story.world.centre_id,
                role="engineering",
                person_id=story.world.people["liu"],
                starts_at=SATURDAY_MIDNIGHT - timedelta(hours=2),
                ends_at=SATURDAY_MIDNIGHT + timedelta(hours=2),
            )
        )
    put(story, to=to(story, groups=["engineering"]), urgent=True)
    deliver.deliver_due(story.app)
    assert told(story) == [("liu", "reminder")]


def test_a_substitute_is_told_with_the_person(story, clock):
    now = clock.now()
    with story.app.writing() as session:
        lin, zhou = (session.get_one(Person, story.world.people[n]) for n in ("lin", "zhou"))
        substitute(session, lin, zhou, now - timedelta(hours=1), now + timedelta(hours=1))
    put(story, to=to(story, people=["lin"]))
    deliver.deliver_due(story.app)
    assert told(story) == [("lin", "reminder"), ("zhou", "reminder")]


def test_nobody_is_told_of_another_centre(story):
    put(story, to=to(story, groups=["specialist"]))
    deliver.deliver_due(story.app)
    assert told(story) == [("lin", "reminder")]


def test_a_bad_row_holds_nobody_up_and_is_told_to_the_supervisor_once(story, clock):
    """T13, F10, F12."""
    put(story, to={"wrong": "shape"}, urgent=True)
    clock.advance(timedelta(seconds=1))
    put(story, to=to(story, people=["lin"]))
    assert deliver.deliver_due(story.app) == 1
    for _ in range(20):
        clock.advance(timedelta(hours=1))
        clock.set(max(clock.now(), datetime(2026, 11, 23, 1, 0, tzinfo=UTC)))
        deliver.deliver_due(story.app)
    assert told(story) == [("chen", "parked"), ("lin", "reminder")]
    with story.app.session() as session:
        row = session.execute(sa.select(outbox.c.tries, outbox.c.error).where(outbox.c.sent_at.is_(None))).one()
    assert (row.tries, row.error.startswith("KeyError")) == (story.app.settings.outbox_tries, True)


def test_a_notice_is_read_by_its_own_reader_only(story, sent):
    deliver.deliver_due(story.app)
    with story.as_person("gao") as gao:
        (line,) = notices(gao)
        assert (line.notice.data["slip"], line.title) == (f"{sent}-1", "茶水间吊顶滴水")
    assert mark_read(story.app, story.person("liu"), [line.notice.id]) == 0
    assert mark_read(story.app, story.person("gao")) == 1
    with story.as_person("gao") as gao, story.as_person("liu") as liu:
        assert (unread_count(gao), unread_count(liu)) == (0, 1)
