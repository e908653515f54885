"""Drafts: kept with a version per person and place, spent in the step's own transaction, bounded, forgotten in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor
from engine.sql import observers
from service.drafts import actions, queries, rules
from service.drafts.models import Draft
from service.errors import NotThere
from service.tickets import actions as tickets
from tests.people import Story


@pytest.fixture
def story(centre) -> Story:
    return Story(centre)


@pytest.fixture
def desk(story, clock):
    """Lin, at a ticket that she has to dispatch; every save comes a second after the one before."""
    return Typing(story, clock)


class Typing:
    def __init__(self, story: Story, clock):
        self.story, self.clock = story, clock
        self.lin = story.person("lin")
        self.number = story.register()
        self.task = story.task("lin", "dispatch", self.number).task_id
        self.place = rules.of_task(self.task)

    def save(self, text: str, version: int = 0, **more) -> actions.Saved:
        self.clock.advance(timedelta(seconds=1))
        person = more.pop("person", self.lin)
        return actions.save(self.story.app, person, self.place, {"instruction": [text]}, version=version, **more)

    def draft(self, username: str = "lin") -> Draft | None:
        with self.story.as_person(username) as person:
            return queries.one(person, self.place)

    def dispatch(self, version: int, by: str = "lin") -> None:
        person = self.story.person(by)
        tickets.complete_task(
            self.story.app,
            person,
            self.task,
            {"department": "engineering", "instruction": "先到现场看"},
            also=lambda session: actions.spend(session, person.id, self.place, version),
        )


def test_each_save_is_the_next_version(desk):
    first = desk.save("先")
    assert (first.version, desk.save("先到现场看", first.version).version) == (1, 2)
    assert desk.draft().fields == {"instruction": ["先到现场看"]}


def test_saving_the_same_again_changes_nothing(desk):
    first = desk.save("先")
    assert desk.save("先", first.version) == first


def test_of_two_windows_the_newer_text_stays_and_the_older_is_kept_beside_it(desk):
    desk.save("一", 0)
    desk.save("一二", 1)
    with pytest.raises(actions.DraftOlder) as older:
        desk.save("另一个窗口", 1)
    draft = desk.draft()
    assert (older.value.version, draft.fields["instruction"]) == (2, ["一二"])
    assert draft.other["fields"]["instruction"] == ["另一个窗口"]


def test_the_older_window_may_win_and_the_newer_text_stays_beside_it(desk):
    desk.save("一", 0)
    desk.save("一二", 1)
    assert desk.save("另一个窗口", 1, force=True).version == 3
    draft = desk.draft()
    assert (draft.fields["instruction"], draft.other["fields"]["instruction"]) == (["另一个窗口"], ["一二"])


def test_nobody_reaches_the_draft_of_another(desk):
    desk.save("只给自己看", 0)
    chen = desk.story.person("chen")
    assert desk.draft("chen") is None
    with pytest.raises(NotThere):
        actions.drop(desk.story.app, chen, desk.place)
    assert desk.save("主管的", 0, person=chen).version == 1 and desk.draft().fields["instruction"] == ["只给自己看"]


def test_the_draft_goes_with_the_step_it_became(desk):
    saved = desk.save("先到", 0)
    desk.dispatch(saved.version)
    assert desk.draft() is None


def test_a_step_that_fails_leaves_the_draft(desk):
    """T19."""
    saved = desk.save("先到", 0)
    with pytest.raises(Exception, match="department"):
        tickets.complete_task(
            desk.story.app,
            desk.lin,
            desk.task,
            {"instruction": "先到"},
            also=lambda session: actions.spend(session, desk.lin.id, desk.place, saved.version),
        )
    assert desk.draft().version == saved.version


def test_a_newer_text_of_another_window_survives_the_submit_of_an_older_one(desk):
    desk.save("一", 0)
    desk.save("一二", 1)
    desk.dispatch(1)
    assert desk.draft().fields["instruction"] == ["一二"]


def test_a_draft_stays_when_somebody_else_does_the_task(desk):
    desk.save("我的话", 0)
    desk.story.app.engine.complete(
        desk.task, {"department": "engineering", "instruction": "他的话"}, actor=Actor("chen")
    )
    assert desk.draft().fields["instruction"] == ["我的话"]
    with desk.story.as_person("lin") as lin:
        assert [(t.done, t.unit) for t in queries.mine(lin)] == [(True, "3-1201")]


def test_a_save_that_comes_after_its_form_was_sent_keeps_nothing(desk):
    tickets.complete_task(
        desk.story.app, desk.lin, desk.task, {"department": "engineering", "instruction": "先"}, request_id="sent"
    )
    with pytest.raises(actions.DraftSpent):
        desk.save("晚到", 0, request_id="sent")
    assert desk.draft() is None


def test_a_window_whose_draft_was_sent_elsewhere_learns_it(desk):
    saved = desk.save("先到", 0)
    desk.dispatch(saved.version)
    with pytest.raises(actions.DraftSpent):
        desk.save("还在写", saved.version)


def test_a_draft_holds_64_kb_and_no_more(desk):
    most = rules.MAX_BYTES - len('{"instruction": [""]}')
    assert desk.save("a" * most).version == 1
    with pytest.raises(actions.DraftTooBig):
        desk.save("a" * (most + 1), 1)


def test_saves_come_a_few_times_a_second_at_most(desk):
    desk.save("一", 0)
    desk.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(actions.TooManyDrafts):
        actions.save(desk.story.app, desk.lin, desk.place, {"instruction": ["二"]}, version=1)
    desk.clock.advance(rules.LEAST)
    actions.save(desk.story.app, desk.lin, desk.place, {"instruction": ["二"]}, version=1)


def test_a_person_keeps_forty_drafts_and_no_more(desk):
    for n in range(rules.MOST):
        desk.place = rules.of_registration(f"{n:032x}")
        desk.save("一")
    desk.place = rules.of_registration("f" * 32)
    with pytest.raises(actions.TooManyDrafts):
        desk.save("一")


def test_what_nobody_touches_for_thirty_days_is_forgotten(desk):
    desk.save("旧的")
    desk.clock.advance(rules.KEPT_FOR)
    assert actions.forget_old(desk.story.app) == 0
    desk.clock.advance(timedelta(seconds=1))
    assert (actions.forget_old(desk.story.app), desk.draft()) == (1, None)


def test_typed_leaves_out_what_nobody_types():
    pairs = [("csrf_token", "x"), ("request_id", "x"), ("seen", "1"), ("a", "1"), ("b", "2"), ("a", "3")]
    assert rules.typed(pairs) == {"a": ["1", "3"], "b": ["2"]}


def test_the_tab_names_unit_and_matter(desk):
    desk.save("先到", 0)
    desk.place = rules.of_registration("a" * 32)
    desk.clock.advance(timedelta(seconds=1))
    unit = desk.story.world.units["2-0805"]
    actions.save(desk.story.app, desk.lin, desk.place, {"unit_id": [str(unit)], "category": ["repair"]})
    with desk.story.as_person("lin") as lin:
        tabs = queries.mine(lin)
    assert [(t.unit, t.category, bool(t.title), t.done) for t in tabs] == [
        ("2-0805", "repair", False, False),
        ("3-1201", "", True, False),
    ]


def test_somebody_without_drafts_costs_one_statement(desk, centre):
    statements = []
    with desk.story.as_person("lin") as lin:
        sa.event.listen(centre.database, "before_cursor_execute", lambda *a: statements.append(a[2]))
        observers.append(statements.append)
        assert queries.mine(lin) == []
        observers.remove(statements.append)
    assert len([s for s in statements if s.startswith("SELECT")]) == 1
