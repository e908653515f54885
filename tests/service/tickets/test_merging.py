"""Merging, its undo and telling all callers: a repeated press answers with the first result (T19)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from service.errors import Refused
from service.tickets import actions, changes
from service.tickets.models import NoteKind, Ticket, TicketNote
from tests.chaos.checker import check
from tests.people import REPAIR


@pytest.fixture
def pair(story) -> tuple[str, str]:
    """Two calls about one lift."""
    return tuple(story.register(unit=unit, form=REPAIR | {"request": "电梯不动"}) for unit in ("3-1201", "2-0805"))


def notes(story, number: str, kind: NoteKind) -> int:
    with story.app.session() as session:
        of = sa.select(Ticket.id).where(Ticket.number == number).scalar_subquery()
        wanted = sa.select(sa.func.count()).select_from(TicketNote)
        return session.scalar(wanted.where(TicketNote.ticket_id == of, TicketNote.kind == kind))


def merge(story, child: str, into: str, request_id: str | None = None) -> None:
    actions.merge(story.app, story.person("lin"), child, into, "同一部电梯", request_id=request_id)


def test_the_same_merge_twice_merges_once(story, pair):
    parent, child = pair
    merge(story, child, parent, "m1")
    merge(story, child, parent, "m1")
    assert notes(story, parent, NoteKind.SAID) == 1 and check(story.app.database) == []
    with pytest.raises(Refused):
        merge(story, child, parent, "m2")  # another press, of a page that was not loaded again


def test_the_same_undo_of_a_merge_twice_starts_one_process(story, pair):
    parent, child = pair
    merge(story, child, parent)
    for _ in range(2):
        changes.unmerge(story.app, story.person("lin"), child, "u1")
    assert story.task("lin", "dispatch", child) and check(story.app.database) == []
    with pytest.raises(Refused):
        changes.unmerge(story.app, story.person("lin"), child, "u2")


def test_the_same_word_to_all_callers_twice_is_noted_once_and_counts_the_same(story, pair):
    parent, child = pair
    merge(story, child, parent)
    counts = [changes.tell_callers(story.app, story.person("lin"), parent, "两点恢复", "t1") for _ in range(2)]
    assert counts == [2, 2]
    assert notes(story, parent, NoteKind.TOLD) == notes(story, child, NoteKind.TOLD) == 1


def test_a_request_id_of_another_act_is_refused(story, pair):
    parent, child = pair
    merge(story, child, parent, "one")
    with pytest.raises(Refused):
        changes.unmerge(story.app, story.person("lin"), child, "one")


def test_a_merge_that_is_refused_leaves_nothing_and_its_request_may_be_sent_again(story, pair):
    parent, child = pair
    with pytest.raises(Refused):
        merge(story, child, child, "m1")
    merge(story, child, parent, "m1")
    assert story.card("lin", child).merged_into == parent
