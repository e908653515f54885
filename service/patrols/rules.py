"""Pure decisions of patrols: the slots of a day, what a submission may hold, how weak its proofs are.

No single sign proves that somebody stood on a floor: a code can be sent on, a picture can be an old one, a phone's clock can be
set (T39). So each sign is a flag with a weight, flags are added up, and the sum is shown. Nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from service.calendars.rules import Calendar
from service.patrols.models import Answer, PatrolSlot, Rhythm

MORNING_ENDS = time(12, 0)
LOOK = 3  # flags that weigh as much are worth a look
PHOTO_CHANCE = 0.15  # how often a visit has to photograph something

FASTEST_FLOOR = timedelta(seconds=20)  # six groups, looked at and answered
FASTEST_WALK = timedelta(seconds=15)  # from one floor's last answer to the next floor
FASTEST_BUILDING = timedelta(seconds=90)
CLOCKS_APART = timedelta(minutes=2)
LONG_WAIT = timedelta(hours=4)  # a phone without network may wait; longer is worth knowing
LEVELS_APART = 5


class Flag(StrEnum):
    NO_TAG = "no-tag"
    WRONG_TAG = "wrong-tag"
    TOO_FAST = "too-fast"
    TOO_NEAR = "too-near"  # too little time since the floor before
    OUT_OF_ORDER = "out-of-order"  # far from the floor before
    CLOCK_OFF = "clock-off"
    SENT_LATE = "sent-late"
    AFTER_SLOT = "after-slot"  # it came when the slot was over; by the phone's clock it was walked in time
    NO_PHOTO = "no-photo"
    OLD_PHOTO = "old-photo"  # the same picture was sent before


WEIGHT = {
    Flag.NO_TAG: 1,
    Flag.WRONG_TAG: 2,
    Flag.TOO_FAST: 2,
    Flag.TOO_NEAR: 2,
    Flag.OUT_OF_ORDER: 1,
    Flag.CLOCK_OFF: 2,
    Flag.SENT_LATE: 1,
    Flag.AFTER_SLOT: 1,
    Flag.NO_PHOTO: 1,
    Flag.OLD_PHOTO: 3,
}


def slots(
    rhythm: Rhythm, opens_at: datetime, closes_at: datetime, calendar: Calendar
) -> list[tuple[PatrolSlot, datetime, datetime]]:
    """The slots of a day that is open from `opens_at` to `closes_at`: (slot, from, until). The morning ends at 12:00 of the
    centre's clock; a half of the day in which the centre is closed has no slot.
    """
    if rhythm is Rhythm.DAILY:
        return [(PatrolSlot.DAY, opens_at, closes_at)]
    noon = (
        calendar.local(opens_at)
        .replace(hour=MORNING_ENDS.hour, minute=0, second=0, microsecond=0)
        .astimezone(opens_at.tzinfo)
    )
    halves = [
        (PatrolSlot.MORNING, opens_at, min(noon, closes_at)),
        (PatrolSlot.AFTERNOON, max(noon, opens_at), closes_at),
    ]
    return [(slot, start, end) for slot, start, end in halves if start < end]


@dataclass(frozen=True, slots=True)
class Place:
    """A floor as far as distance goes."""

    building_id: int
    level: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What came with a floor. Instants: `opened_at`, `scanned_at` and `sent_at` by the phone, `arrived_at` by us."""

    here: Place
    tag_fits: bool | None  # None without a tag
    opened_at: datetime | None
    sent_at: datetime | None
    arrived_at: datetime
    clocks_apart: bool = False  # the phone's clock was wrong, or was set in between; times above are put right by then
    photo_wanted: bool = False
    photo_given: bool = False
    photo_old: bool = False
    after_slot: bool = False
    before: Place | None = None  # the floor that the same person walked before, today
    before_sent_at: datetime | None = None


def flags(proof: Proof) -> list[Flag]:
    """What speaks against the visit, in the order of `Flag`."""
    found = {
        Flag.NO_TAG: proof.tag_fits is None,
        Flag.WRONG_TAG: proof.tag_fits is False,
        Flag.TOO_FAST: _less(proof.opened_at, proof.sent_at, FASTEST_FLOOR),
        Flag.TOO_NEAR: _walked_too_fast(proof),
        Flag.OUT_OF_ORDER: _far(proof),
        Flag.CLOCK_OFF: proof.clocks_apart
        or (proof.sent_at is not None and proof.sent_at > proof.arrived_at + CLOCKS_APART),
        Flag.SENT_LATE: proof.sent_at is not None and proof.sent_at < proof.arrived_at - LONG_WAIT,
        Flag.AFTER_SLOT: proof.after_slot,
        Flag.NO_PHOTO: proof.photo_wanted and not proof.photo_given,
        Flag.OLD_PHOTO: proof.photo_old,
    }
    return [flag for flag in Flag if found[flag]]


def weight(found: Iterable[str]) -> int:
    """What the flags weigh together; from LOOK on the visit is worth a look."""
    return sum(WEIGHT[Flag(flag)] for flag in found)


def clocks_apart(offset_seconds: int | None, at_sending_seconds: int | None) -> bool:
    """Whether a phone's clock is wrong, or was set between the walk and the sending. Offsets: ours minus the phone's."""
    known = [timedelta(seconds=s) for s in (offset_seconds, at_sending_seconds) if s is not None]
    return any(abs(one) > CLOCKS_APART for one in known) or (len(known) == 2 and abs(known[0] - known[1]) > CLOCKS_APART)


def _less(start: datetime | None, end: datetime | None, than: timedelta) -> bool:
    return start is not None and end is not None and end - start < than


def _walked_too_fast(proof: Proof) -> bool:
    if proof.before is None:
        return False
    same = proof.before.building_id == proof.here.building_id
    return _less(proof.before_sent_at, proof.opened_at, FASTEST_WALK if same else FASTEST_BUILDING)


def _far(proof: Proof) -> bool:
    before, here = proof.before, proof.here
    return (
        before is not None and before.building_id == here.building_id and abs(before.level - here.level) > LEVELS_APART
    )


def complete(answers: dict[str, str], keys: Iterable[str]) -> list[str]:
    """The groups that have no answer yet."""
    return [key for key in keys if answers.get(key) not in {str(a) for a in Answer}]
