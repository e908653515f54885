"""Incidents: by cause, tried again, resolved with a note; one that fails again stops no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor, Scope
from engine.definitions import Procedure
from engine.errors import NotPossible, StepFailed
from engine.tables import incident, start_timer, timer
from service.board import incidents, queries
from service.errors import NotAllowed, NotThere, Refused
from service.operations import registry
from tests.engine.drawing import flows, plain, process, service
from tests.engine.drawing import timer as timer_xml


@pytest.fixture
def failed(story, monkeypatch) -> list[str]:
    """Three slips whose reminder fails three times each; gives the ids of their incidents."""
    for unit in ("3-1201", "2-0805", "3-0902"):
        story.dispatch(story.register(unit=unit))

    break_operations(monkeypatch, "the printer is on fire")
    for _ in range(6):
        story.app.clock.advance(timedelta(hours=24))
        story.app.engine.fire_due()
    monkeypatch.undo()
    with story.app.session() as session:
        return list(session.execute(sa.select(incident.c.id).where(incident.c.resolved_at.is_(None))).scalars())


def break_operations(monkeypatch, text: str) -> None:
    """What a late limit does fails with this text."""

    def broken(*_args, **_values):
        raise RuntimeError(text)

    for name in ("ticket.remind", "escalation.ask"):
        monkeypatch.setitem(registry._operations, name, replace(registry._operations[name], call=broken))


def groups_of(story, username: str) -> list[incidents.Group]:
    with story.as_person(username) as person:
        return incidents.groups(person)


def test_incidents_stand_together_by_cause_with_their_ticket_and_tries(story, failed):
    groups = groups_of(story, "admin")
    assert sum(len(g.incidents) for g in groups) == len(failed) >= 3
    assert all(i.number.startswith("2026-") and i.tries >= 1 and i.can_retry for g in groups for i in g.incidents)
    assert "printer" in groups[0].reason
    with story.as_person("chen") as chen:
        assert queries.board(chen).incidents == len(failed)


@pytest.mark.parametrize("username", ["lin", "chen", "gao", "hu"])
def test_nobody_else_sees_or_touches_them(story, failed, username):
    assert groups_of(story, username) == []
    for done in (
        incidents.retry(story.app, story.person(username), failed),
        incidents.resolve(story.app, story.person(username), failed, "x"),
    ):
        assert {type(d.error) for d in done} == {NotThere} and {d.number for d in done} == {""}


def test_all_of_a_group_are_tried_again_and_what_is_gone_stops_none(story, failed):
    done = incidents.retry(story.app, story.person("admin"), [failed[0], "0" * 32, *failed[1:]])
    assert [type(d.error) for d in done] == [type(None), NotThere, *[type(None)] * (len(failed) - 1)]
    assert groups_of(story, "admin") == []
    with story.app.database.connect() as connection:
        armed = connection.execute(
            sa.select(sa.func.count()).select_from(timer).where(timer.c.state == "armed", timer.c.tries >= 3)
        )
        assert armed.scalar_one() == 0, "the timers have fired"


def test_one_that_fails_again_stays_and_says_why(story, failed, monkeypatch):
    break_operations(monkeypatch, "still on fire")
    done = incidents.retry(story.app, story.person("admin"), failed)
    assert all("still on fire" in str(d.error) for d in done)
    assert sum(len(g.incidents) for g in groups_of(story, "admin")) == len(failed)


def test_resolving_needs_a_note_which_the_trace_keeps(story, failed):
    admin = story.person("admin")
    with pytest.raises(Refused):
        incidents.resolve(story.app, admin, failed, " ")
    (done,) = incidents.resolve(story.app, admin, failed[:1], "改了打印机地址")
    assert done.error is None
    root = story.card("chen", done.number).ticket.instance_id
    (event,) = [e for e in story.app.engine.trace(root) if e["kind"] == "incident-resolved"]
    assert (event["actor"], event["reason"]) == ("admin", "改了打印机地址")
    assert story.app.engine.verify(root) == []
    (again,) = incidents.resolve(story.app, admin, failed[:1], "x")
    assert again.error is not None


# --- what is no timer -------------------------------------------------------------------------------------------------


def without(monkeypatch, name: str):
    """The release in use lacks an operation of the diagram, until this is called."""
    operation = registry._operations[name]
    monkeypatch.delitem(registry._operations, name)
    return lambda: monkeypatch.setitem(registry._operations, name, operation)


def test_a_message_that_was_not_delivered_is_delivered_again(story, monkeypatch):
    number = story.register()
    mend = without(monkeypatch, "ticket.note-urge")
    story.app.engine.send("ticket.urge", number, {"text": "还没来"}, scope=Scope(story.world.centre_id), actor=Actor("lin"))
    assert story.app.engine.fire_due().failed == 1
    ((one,),) = [g.incidents for g in groups_of(story, "admin")]
    assert one.can_retry and one.number == number
    (done,) = incidents.retry(story.app, story.person("admin"), [one.id])
    assert "not known here" in str(done.error)
    mend()
    (done,) = incidents.retry(story.app, story.person("admin"), [one.id])
    assert done.error is None and groups_of(story, "admin") == []
    assert story.card("lin", number).ticket.urged_count == 1


def test_a_persons_step_waits_for_that_person_and_is_closed_when_it_is_done_since(story, monkeypatch):
    number, admin = story.register(), story.person("admin")
    mend = without(monkeypatch, "slip.create")
    with pytest.raises(StepFailed):
        story.dispatch(number)
    ((one,),) = [g.incidents for g in groups_of(story, "admin")]
    assert not one.can_retry
    (done,) = incidents.retry(story.app, admin, [one.id])
    assert isinstance(done.error, NotPossible) and incidents.settle(story.app, admin) == 0
    mend()
    story.app.clock.advance(timedelta(seconds=1))
    story.dispatch(number)
    with pytest.raises(NotAllowed):
        incidents.settle(story.app, story.person("chen"))
    assert incidents.settle(story.app, admin) == 1 and groups_of(story, "admin") == []


def test_a_procedure_that_did_not_begin_by_itself_is_named_tried_again_or_resolved(story):
    starts = plain("startEvent", "s", timer_xml("Cycle", "0 0 2 * * *"))
    night = process("night", starts, service("lock", "night.lock"), plain("endEvent", "e"), flows("s > lock", "lock > e"))
    procedure = Procedure.from_files({"night.bpmn": night, "control-sheet.yaml": "code: N\nname: 夜间锁门\nvariables: {}\n".encode()})
    with story.app.engine.unit() as unit:
        story.app.engine.catalogue.put(unit.connection, procedure, unit.now, "test")
    story.app.engine.arm_starts()
    for _ in range(6):
        story.app.clock.advance(timedelta(hours=8))
        story.app.engine.fire_due()
    (group,) = groups_of(story, "admin")
    one, other = group.incidents
    assert (one.process_key, one.element_id, one.can_retry, one.number) == ("night", "lock", True, "")
    assert one.definition_hash == procedure.hash and one.centre_name != other.centre_name
    admin = story.person("admin")
    (done,) = incidents.retry(story.app, admin, [one.id])
    assert "not known here" in str(done.error)
    (done,) = incidents.resolve(story.app, admin, [one.id], "夜里人工锁了")
    assert done.error is None and [i.id for g in groups_of(story, "admin") for i in g.incidents] == [other.id]
    with story.app.database.connect() as connection:
        assert connection.execute(sa.select(incident.c.note).where(incident.c.id == one.id)).scalar_one() == "夜里人工锁了"
        assert set(connection.execute(sa.select(start_timer.c.state)).scalars()) == {"armed"}, "it goes on trying"
