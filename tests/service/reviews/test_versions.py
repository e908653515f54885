"""What happens to a signed review: it stays as signed, a late correction stands beside it, and an altered one is found."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service.patrols import actions as patrols
from service.reviews import actions, rules
from service.reviews.models import Review, ReviewState, ReviewVersion
from service.signing.models import Signature
from service.signing.rules import Sheet
from service.tickets.models import Ticket
from service.timetable.actions import start_due
from tests.conftest import CHINA
from tests.service.patrols.walking import MONDAY, Round
from tests.service.reviews.reviewing import Reviewing
from webui import cli

TUESDAY = datetime(2026, 11, 24, 17, 15, tzinfo=CHINA)


@pytest.fixture
def walked(story, clock) -> tuple[Round, Reviewing]:
    """On Monday Lin walked the twelfth floor and not the eleventh, as far as we know; on Tuesday Chen signed that record."""
    walk = Round(story, clock, levels=(11, 12), rhythm="daily")
    walk.walk(12)
    clock.set(MONDAY.replace(hour=16))
    walk.kept = walk.entry(11)  # on a phone without network
    clock.set(MONDAY.replace(hour=18))
    story.app.engine.fire_due(1000)
    reviewing = Reviewing(story, clock, at=TUESDAY)
    reviewing.done()
    return walk, reviewing


def send_late(walk: Round, clock) -> None:
    visit = walk.visits()[11]
    patrols.submit(walk.app, walk.story.person("lin"), visit.id, "from-the-basement", walk.kept)


def corrected(walked, clock) -> Reviewing:
    """The phone finds a network on Tuesday evening: the floor was walked in time after all."""
    walk, reviewing = walked
    clock.advance(timedelta(minutes=20))
    send_late(walk, clock)
    assert actions.notice_corrections(walk.app) == 1
    start_due(walk.app)
    return reviewing


def floor_11(content: dict) -> dict:
    rows = next(r for r in content["records"] if r["key"] == "patrol-record")["rows"]
    return next(row for row in rows if row["floor"] == "3座11层")


def test_a_late_correction_stands_as_version_2_beside_the_signed_version_1(walked, clock):
    reviewing = corrected(walked, clock)
    (one, signed), (two, nobody) = reviewing.versions()
    assert (one.version, signed.person, nobody, two.signature_id) == (1, "chen", None, None)
    assert (two.replaces_id, two.replaces_hash) == (one.id, one.content_hash), "it names the old one"
    assert {c["column"] for c in two.changes} >= {"by", "at", "state"}
    assert floor_11(signed.content)["state"] == "missed", "what was signed stays as it was signed"
    assert reviewing.card().review.state is ReviewState.OPEN and reviewing.card().may_sign


def test_version_2_is_signed_anew_and_both_are_kept(walked, clock):
    reviewing = corrected(walked, clock)
    assert reviewing.card().sheet.content["replaces"]["version"] == 1
    reviewing.sign(opinion="补传的，核对过")
    (one, first), (two, second) = reviewing.versions()
    assert second.version == 2 and second.replaces_id == first.id and two.content_hash == second.content_hash
    assert (floor_11(first.content)["state"], floor_11(second.content)["state"]) == ("missed", "done")
    assert floor_11(second.content)["by"] == "lin"
    assert second.content["replaces"] == {"version": 1, "hash": one.content_hash}
    assert first.content["matters"] == second.content["matters"], "what was decided stays as it was signed"
    assert reviewing.faults() == [] and reviewing.card().review.state is ReviewState.SIGNED


def test_a_correction_is_noticed_once(walked, clock):
    reviewing = corrected(walked, clock)
    assert actions.notice_corrections(reviewing.app) == 0
    reviewing.sign()
    assert actions.notice_corrections(reviewing.app) == 0 and len(reviewing.versions()) == 2


def test_a_correction_has_one_business_day_and_then_goes_to_the_manager(walked, clock):
    reviewing = corrected(walked, clock)
    due = reviewing.card().review.due_at
    assert due == datetime(2026, 11, 25, 17, 35, tzinfo=CHINA)
    clock.set(due)
    reviewing.app.engine.fire_due()
    assert reviewing.card("wang").may_sign


def test_work_that_goes_on_is_no_correction(story, clock):
    """A request that is dispatched, handled and closed after the signature changes nothing that was written."""
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    number = story.register()
    story.dispatch(number)
    reviewing = Reviewing(story, clock)
    reviewing.done()
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    assert actions.notice_corrections(story.app) == 0


def test_a_slip_that_is_sent_after_the_signature_is_no_correction_but_one_that_is_gone_is(story, clock):
    """A request of a quarter past five is dispatched after the review; a day later it goes to another department as well."""
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    number = story.register()
    reviewing = Reviewing(story, clock)
    reviewing.done()
    story.dispatch(number)
    assert actions.notice_corrections(story.app) == 0
    signed, now = ([{"key": "call-visit-register", "rows": [{"key": "2026-1", "slips": slips}]}] for slips in (["a", "b"], ["a", "c"]))
    assert [(c.column, c.before, c.after) for c in rules.changes(signed, now)] == [("slips", ["a", "b"], ["a", "c"])]


def test_a_deadline_that_the_customer_names_later_is_a_correction(story, clock):
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    number = story.register()
    story.dispatch(number)
    reviewing = Reviewing(story, clock)
    reviewing.done()
    with story.app.writing() as session:  # as ticket.deadline does
        ticket = session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
        ticket.deadline_kind, ticket.deadline_at = "at", clock.now() + timedelta(hours=2)
    assert actions.notice_corrections(story.app) == 1
    ((change),) = reviewing.versions()[1][0].changes
    assert (change["column"], change["before"], change["key"]) == ("deadline", "none", number)


def test_a_change_names_the_entry_that_came_or_went():
    one = [{"key": "call-visit-register", "rows": [{"key": "a", "request": "x"}, {"key": "b", "request": "y"}]}]
    two = [{"key": "call-visit-register", "rows": [{"key": "b", "request": "z"}, {"key": "c", "request": "x"}]}]
    found = [(c.key, c.column) for c in rules.changes(one, two)]
    assert found == [("a", ""), ("b", "request"), ("c", "")]
    assert rules.changes(one, one) == []


# --- found by verify --------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(story, clock) -> Reviewing:
    clock.set(datetime(2026, 11, 20, 17, 10, tzinfo=CHINA))
    story.dispatch(story.register())
    reviewing = Reviewing(story, clock)
    reviewing.done()
    assert reviewing.faults() == []
    return reviewing


def alter(reviewing, table, **values) -> None:
    with reviewing.app.database.begin() as connection:
        connection.execute(sa.update(table.__table__).values(**values))


def content_of(reviewing) -> dict:
    return reviewing.versions()[0][1].content


def test_verify_finds_an_altered_content(signed):
    content = content_of(signed)
    content["records"][0]["rows"][0]["request"] = "什么事也没有"
    alter(signed, Signature, content=content)
    (fault,) = signed.faults()
    assert "RS2026-0001, version 1" in fault and "chen" in fault


def test_verify_finds_a_content_altered_together_with_its_hash(signed):
    content = content_of(signed) | {"patrol_on": None}
    alter(signed, Signature, content=content, content_hash=Sheet(content).hash)
    assert "belongs to another content" in signed.faults()[0]


def test_verify_finds_it_altered_everywhere_but_in_the_chained_trace(signed):
    content = content_of(signed) | {"opinion": "都好"}
    alter(signed, Signature, content=content, content_hash=Sheet(content).hash)
    alter(signed, ReviewVersion, content_hash=Sheet(content).hash)
    assert "the trace knows no signature of this content" in signed.faults()[0]


def test_verify_finds_a_review_whose_signature_was_taken_away(signed):
    alter(signed, ReviewVersion, signature_id=None)
    assert any("signature is not there" in fault for fault in signed.faults())
    alter(signed, ReviewVersion, content_hash=None)
    assert signed.faults() == ["RS2026-0001: signed by its state, but no version of it is signed"]


def test_verify_finds_a_version_that_names_another_old_one(walked, clock):
    reviewing = corrected(walked, clock)
    reviewing.sign()
    with reviewing.app.database.begin() as connection:
        newer = ReviewVersion.__table__.c.version == 2
        connection.execute(sa.update(ReviewVersion.__table__).where(newer).values(replaces_hash="0" * 64))
    assert "the version that it replaces" in reviewing.faults()[0]


def test_the_command_says_so_and_fails(signed, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_app", lambda settings=None: signed.app)
    assert cli.main(["verify"]) == 0
    alter(signed, Signature, content=content_of(signed) | {"opinion": "x"})
    assert cli.main(["verify"]) == 1
    said = capsys.readouterr().out
    assert "The trace is whole." in said and "1 signed reviews differ from what was signed" in said


def test_a_review_that_is_not_signed_is_nothing_to_verify(story, clock):
    reviewing = Reviewing(story, clock)
    assert reviewing.faults() == []
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Review)) > 0
