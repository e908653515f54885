"""Signing: the password again, over the hash shown; what has changed since is shown and nothing is signed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor
from service import demo
from service.auth.models import LoginTry
from service.errors import Refused, TooManyTries
from service.signing import actions, queries, steps
from service.signing.models import Signature
from service.signing.rules import Difference, Sheet, differences

LIN = Actor("lin", role="specialist")
CONTENT = {"goods": [{"key": "keys", "counted": 12}], "day": date(2026, 11, 20), "matters": "三楼门禁坏了"}


def sign(story, sheet: Sheet, seen: str, by: str = "lin", actor: Actor = LIN, shown: str | None = None, proof=None):
    proof = proof or actions.prove(story.app, story.person(by), demo.PASSWORD)
    with story.app.writing() as session:
        row = actions.sign(
            session, proof, "JB2026-0001", "handover-out", sheet, seen, actor=actor, centre_id=1, shown=shown
        )
        return row.id, row.version, row.replaces_id


def rows(story) -> list[Signature]:
    with story.app.session() as session:
        return queries.signatures_of(session, "JB2026-0001")


def test_the_hash_is_the_same_for_the_same_content_in_any_order():
    again = dict(reversed(CONTENT.items()))
    assert Sheet(CONTENT).hash == Sheet(again).hash == Sheet(Sheet.read(Sheet(CONTENT).text).content).hash
    assert Sheet(CONTENT | {"matters": "三楼门禁坏了 "}).hash != Sheet(CONTENT).hash
    assert Sheet.read("{") is None and Sheet.read("[]") is None and Sheet.read(None) is None


def test_differences_name_the_place_and_both_values():
    now = CONTENT | {"goods": [{"key": "radio", "counted": 2}, {"key": "keys", "counted": 11}]}
    assert differences(Sheet(CONTENT), Sheet(now)) == [
        Difference(("goods", "keys", "counted"), 12, 11),
        Difference(("goods", "radio"), None, {"counted": 2, "key": "radio"}),
    ]
    assert differences(Sheet(CONTENT), Sheet(CONTENT)) == []


def test_a_signature_keeps_who_when_what_and_its_hash(story, clock):
    sheet = Sheet(CONTENT)
    sign(story, sheet, sheet.hash)
    (row,) = rows(story)
    assert (row.person, row.role, row.meaning, row.version, row.content_hash) == (
        "lin", "specialist", "handover-out", 1, sheet.hash,
    )  # fmt: skip
    assert row.content["matters"] == "三楼门禁坏了" and row.signed_at == clock.now() and queries.holds(row)
    row.content = row.content | {"matters": "没事"}
    assert not queries.holds(row)


def test_a_second_signature_is_a_new_version_that_names_the_old(story):
    sheet = Sheet(CONTENT)
    first, *_ = sign(story, sheet, sheet.hash)
    later = Sheet(CONTENT | {"matters": "修好了"})
    assert sign(story, later, later.hash)[1:] == (2, first)


def test_what_changed_since_it_was_shown_is_told_and_nothing_is_signed(story):
    shown, now = Sheet(CONTENT), Sheet(CONTENT | {"matters": "又漏水"})
    with pytest.raises(actions.ContentChanged) as told:
        sign(story, now, shown.hash, shown=shown.text)
    assert told.value.differences == [Difference(("matters",), "三楼门禁坏了", "又漏水")]
    with pytest.raises(actions.ContentChanged) as told:  # a text that is not the one of its hash tells nothing
        sign(story, now, shown.hash, shown=now.text)
    assert told.value.differences == [] and rows(story) == []


def test_a_wrong_password_signs_nothing_and_counts_as_a_try(story):
    allowed = story.app.settings.login_tries_per_pair * 3
    for _ in range(allowed):
        with pytest.raises(Refused, match="not your password"):
            actions.prove(story.app, story.person("lin"), "wrong")
    with pytest.raises(TooManyTries):
        actions.prove(story.app, story.person("lin"), demo.PASSWORD)
    with story.app.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LoginTry).where(sa.not_(LoginTry.ok))) == allowed


def test_a_proof_serves_its_person_and_only_for_two_minutes(story, clock):
    sheet = Sheet(CONTENT)
    proof = actions.prove(story.app, story.person("zhou"), demo.PASSWORD)
    with pytest.raises(Refused, match="again"):
        sign(story, sheet, sheet.hash, proof=proof)
    proof = actions.prove(story.app, story.person("lin"), demo.PASSWORD)
    clock.advance(timedelta(minutes=2))
    sign(story, sheet, sheet.hash, proof=proof)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Refused, match="again"):
        sign(story, sheet, sheet.hash, proof=proof)


def test_a_signature_serves_one_step_of_its_person_and_meaning(story):
    sheet = Sheet(CONTENT)
    id, *_ = sign(story, sheet, sheet.hash)

    def spend(meaning="handover-out", person="lin", subject="JB2026-0001", number=id):
        with story.app.writing() as session:
            return steps.spend(session.connection(), number, subject, meaning, person, "step").content_hash

    for wrong in ({"meaning": "handover-in"}, {"person": "zhou"}, {"subject": "JB2026-0002"}, {"number": None}):
        with pytest.raises(Refused, match="needs your signature"):
            spend(**wrong)
    assert spend() == sheet.hash
    with pytest.raises(Refused, match="needs your signature"):
        spend()
