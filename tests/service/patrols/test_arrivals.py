"""Photos before or after the entry that names them, receipts by hash, a phone's clock that is off (T30)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.errors import NotAllowed, NotThere
from service.findings.models import Finding, FindingPhoto
from service.patrols import actions, arrivals
from service.patrols.models import Visit
from tests.service.patrols.walking import FINE, Round
from tests.webui.test_access_matrix import photo

PHOTO = photo()
SHA256 = hashlib.sha256(PHOTO).hexdigest()
SEEN = {"group": "facilities", "words": "应急灯不亮", "photos": [SHA256]}


@pytest.fixture
def round_(story, clock) -> Round:
    return Round(story, clock)


def send_entry(round_: Round, entry_id: str, level: int = 12, by: str = "lin", **more) -> actions.Submitted:
    content = round_.entry(level, **({"answers": FINE | {"facilities": "finding"}, "findings": [SEEN]} | more))
    return actions.submit(
        round_.app, round_.story.person(by), round_.visits()[level].id, entry_id, content, sha256="e" * 64
    )


def send_photo(round_: Round, entry_id: str, level: int = 12, by: str = "lin") -> None:
    arrivals.add_photo(round_.app, round_.story.person(by), round_.visits()[level].id, entry_id, PHOTO, "p.jpg")


def receipt(round_: Round, entry_id: str, by: str = "lin") -> arrivals.Receipt:
    with round_.story.as_person(by) as person:
        return arrivals.receipt(round_.app, person, entry_id)


def photos(round_: Round) -> list[tuple[str, str]]:
    with round_.app.session() as session:
        query = sa.select(Finding.words, FindingPhoto.source_sha256).join(
            Finding, Finding.id == FindingPhoto.finding_id
        )
        joined = [tuple(row) for row in session.execute(query)]
        assert session.scalar(sa.select(sa.func.count()).select_from(FindingPhoto)) == len(joined)
        return joined


@pytest.mark.parametrize("order", ["photo entry", "entry photo", "photo entry photo entry", "entry photo photo entry"])
def test_photo_and_entry_come_in_any_order_and_as_often_as_they_like(round_, order):
    entry_id = uuid4().hex
    for what in order.split():
        (send_photo if what == "photo" else send_entry)(round_, entry_id)
    assert photos(round_) == [("应急灯不亮", SHA256)]
    found = receipt(round_, entry_id)
    assert (found.sha256, found.photos, found.outcome) == ("e" * 64, [SHA256], "counted")


def test_a_receipt_names_no_photo_that_is_not_there(round_, app):
    entry_id = uuid4().hex
    send_entry(round_, entry_id)
    assert receipt(round_, entry_id).photos == []
    send_photo(round_, entry_id)
    for file in round_.app.settings.photos.rglob("*"):
        if file.is_file():
            file.unlink()
    assert receipt(round_, entry_id).photos == []


def test_an_entry_for_a_floor_that_somebody_walked_before_is_kept_and_says_by_whom(round_):
    round_.walk(12, by="chen")
    entry_id = uuid4().hex
    send_photo(round_, entry_id)
    send_entry(round_, entry_id)
    found = receipt(round_, entry_id)
    assert (found.outcome, found.by, len(found.findings)) == ("walked", "陈志远", 1)
    assert photos(round_) == [("应急灯不亮", SHA256)]


def test_an_entry_after_the_slot_says_that_it_is_over(round_, clock):
    clock.set(clock.now().replace(hour=4, minute=30))  # half past twelve in Shanghai
    round_.app.engine.fire_due()
    entry_id = uuid4().hex
    send_entry(round_, entry_id)
    assert receipt(round_, entry_id).outcome == "over"


def test_nobody_else_gets_the_receipt_or_may_add_a_photo(round_):
    entry_id = uuid4().hex
    send_entry(round_, entry_id)
    for other in ("chen", "hu"):
        with pytest.raises(NotThere):
            receipt(round_, entry_id, by=other)
    with pytest.raises((NotThere, NotAllowed)):
        send_photo(round_, entry_id, by="hu")
    send_photo(round_, entry_id, by="chen")  # may walk, but the entry is not theirs
    assert receipt(round_, entry_id).photos == []


@pytest.mark.parametrize(
    ("noted", "at_sending", "flagged"),
    [(0, 0, False), (1200, 1200, True), (-1200, -1200, True), (0, 1200, True), (None, None, False)],
)
def test_a_phones_clock_that_is_off_or_was_set_is_flagged_and_times_are_put_right(
    round_, clock, noted, at_sending, flagged
):
    wrong = timedelta(seconds=noted or 0)
    now = clock.now()
    times = {
        key: (now - wrong - timedelta(seconds=s)).isoformat()
        for key, s in (("opened_at", 90), ("scanned_at", 90), ("sent_at", 30))
    }
    phone_now = None if at_sending is None else now - timedelta(seconds=at_sending)
    content = round_.entry(12, **times, offset_seconds=noted)
    visit_id = round_.visits()[12].id
    actions.submit(round_.app, round_.story.person("lin"), visit_id, uuid4().hex, content, phone_now=phone_now)
    with round_.app.session() as session:
        visit = session.get_one(Visit, visit_id)
        assert visit.flags == (["clock-off"] if flagged else [])
        assert (visit.clock_offset_seconds, visit.scanned_at, visit.arrived_at) == (
            noted,
            now - wrong - timedelta(seconds=90),
            now,
        )


def test_a_slow_phone_does_not_turn_a_late_walk_into_one_in_time(round_, clock):
    """Walked ten minutes after noon by a phone that shows ten minutes before."""
    slot_end = clock.now().replace(hour=4, minute=0)
    clock.set(slot_end + timedelta(minutes=10))
    round_.app.engine.fire_due()
    send_entry(round_, uuid4().hex, sent_at=(clock.now() - timedelta(minutes=20)).isoformat(), offset_seconds=1200)
    assert str(round_.visits()[12].state) == "missed"
    send_entry(round_, uuid4().hex, sent_at=(slot_end - timedelta(minutes=5)).isoformat(), offset_seconds=0)
    assert str(round_.visits()[12].state) == "done"
