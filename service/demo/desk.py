"""The front desk of the demo's last week: roster, goods, handovers with their signatures, checks before going home, short leaves.

An assistant works it by day, Ding and Xia by night, Pan at weekends; Lin has it on the day that goes on at the end (or comes next), so that
she took it over this morning and gives it to Ding tonight. Surprise: the goods agree but once, when a key is missing.
"""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from service.demo import texts
from service.demo.living import Story
from service.demo.week import Week
from service.organisation.models import Role
from service.shifts import handovers, leaving, roster, sheets
from service.shifts.handovers import Count, Signing
from service.shifts.models import (
    CheckAnswer,
    DayCheck,
    DayCheckItem,
    GoodsKind,
    Handover,
    HandoverGoods,
    HandoverState,
    Post,
    Shift,
)
from service.shifts.rules import shift_times
from service.shifts.sheets import IN, OUT

BY_DAY, AT_WEEKENDS, BY_NIGHT, ALSO_BY_NIGHT, LIN = "fangqi", "panli", "dingxf", "xiamy", "lin"
AHEAD, CHECKED_BEFORE, GIVEN_BEFORE = timedelta(days=7), timedelta(minutes=23), timedelta(minutes=11)
GOODS = (
    ("3 座机房钥匙", "把", GoodsKind.COUNT, 12),
    ("对讲机", "台", GoodsKind.COUNT, 4),
    ("待领包裹", "件", GoodsKind.COUNT, 7),
    ("备用金", "元", GoodsKind.MONEY, 50000),
)
KEYS = GOODS[0][0]
Cells = dict[tuple[date, Shift], str]


def roster_of(week: Week) -> Cells:
    """Who works the desk, from the night before the week until a week ahead."""
    first, last = week.calendar.local(week.from_at).date(), week.focus + AHEAD
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    by_day = {day: _by_day(week, day) for day in days}
    return {
        (first - timedelta(days=1), Shift.NIGHT): BY_NIGHT,
        **{(day, Shift.DAY): who for day, who in by_day.items()},
        **{(day, Shift.NIGHT): _by_night(week, day) for day in days},
    }


def _by_day(week: Week, day: date) -> str:
    if not week.calendar.windows_on(day):
        return AT_WEEKENDS
    ahead = [d for d in (week.focus + timedelta(days=n) for n in range(8)) if week.calendar.windows_on(d)]
    return LIN if day in (week.focus, week.working[-5] if len(week.working) > 4 else None, *ahead[2::2]) else BY_DAY


def _by_night(week: Week, day: date) -> str:
    return ALSO_BY_NIGHT if day < week.tonight and (week.tonight - day).days % 3 == 2 else BY_NIGHT


def begin(week: Week) -> None:
    """The post with its goods, and the roster, as the supervisor enters them on the first morning."""
    app, chen = week.world.app, week.who("chen")
    post = roster.add_post(app, chen, week.centre_id, "前台", Role.SPECIALIST, BY_NIGHT)
    for given in GOODS:
        roster.save_goods(app, chen, post, roster.GoodsGiven(*given))
    roster.save_cells(app, chen, week.centre_id, {(post, *cell): ("", who) for cell, who in roster_of(week).items()})
    for (day, shift), who in roster_of(week).items():
        ends_at = shift_times(week.calendar, day, shift)[1]
        if ends_at > week.from_at:
            week.world.plan(ends_at - CHECKED_BEFORE, _checked(week, who))
            week.world.plan(ends_at - GIVEN_BEFORE, _handed_over(week, (day, shift) == (week.working[-3], Shift.DAY)))
    handovers.add_note(app, chen, post, "恒远律所这周有客人来，到了请到 3-1201")


def stories(week: Week) -> None:
    """Words for the next shift, and short leaves: two that are over, one that goes on where the centre is open."""
    days = week.working
    for number, day in enumerate(days[-4:-1]):
        week.world.plan(week.at(day, 16, 10), _noted(week, number))
    week.world.plan(week.at(days[-2], 10, 40), _left(week, "xuting", 0, "songyt", 25))
    week.world.plan(week.at(days[-2], 14, 20), _left(week, "zhou", 1, "", 20))
    if week.told.open_now:
        week.world.plan(week.told.w(6), _left(week, "xuting", 3, "luojia", None))


# --- a handover -------------------------------------------------------------------------------------------------------


def _handed_over(week: Week, missing: bool) -> Story:
    """The outgoing person writes, counts and signs; some minutes later the incoming one ticks, counts and signs."""
    handover = _running(week, HandoverState.OPEN)
    if handover is None:
        return
    _give(week, handover, week.one_of("matters"))
    yield week.now + week.minutes(6, 9)
    if missing:
        yield from _key_missing(week, handover)
    _take(week, handover, keys=11 if missing else 12)


def _key_missing(week: Week, handover: Handover) -> Story:
    """The incoming person counts one key less: back once, and then the supervisor decides."""
    app, words = week.world.app, texts.week()["difference"]
    taker = week.who(handover.incoming)
    for again in (False, True):
        _count_in(week, handover, 11)
        handovers.differ(app, taker, handover.number, words["second" if again else "first"])
        yield week.now + week.minutes(3, 5)
        if not again:
            _give(week, handover, words["recount"])
            yield week.now + week.minutes(2, 4)
    handovers.settle(app, week.who("chen"), handover.number, words["settled"])
    yield week.now + week.minutes(2, 4)


def _running(week: Week, state: HandoverState) -> Handover | None:
    return next(iter(week.rows(sa.select(Handover).where(Handover.centre_id == week.centre_id, Handover.state == state))), None)


def _give(week: Week, handover: Handover, matters: str) -> None:
    app, giver = week.world.app, week.who(handover.outgoing)
    comments = {item.key: item.comment or week.one_of("comments", str(item.kind)) for item in _items(week, handover)}
    handovers.save_out(app, giver, handover.number, comments, _counts(week, handover, 12), matters)
    handovers.give(app, giver, handover.number, _signing(week, handover, OUT, giver.username))


def _take(week: Week, handover: Handover, keys: int) -> None:
    _count_in(week, handover, keys)
    signing = _signing(week, handover, IN, handover.incoming)
    handovers.take(week.world.app, week.who(handover.incoming), handover.number, signing)


def _count_in(week: Week, handover: Handover, keys: int) -> None:
    ticked = [item.key for item in _items(week, handover)]
    handovers.save_in(week.world.app, week.who(handover.incoming), handover.number, ticked, _counts(week, handover, keys))


def _items(week: Week, handover: Handover) -> list[sheets.Item]:
    with week.world.app.session() as session:
        return sheets.items(session, handovers.named(session, handover.number))


def _counts(week: Week, handover: Handover, keys: int) -> dict[int, Count]:
    rows = week.rows(sa.select(HandoverGoods).where(HandoverGoods.handover_id == handover.id))
    return {row.goods_id: Count(keys if row.name == KEYS else row.expected) for row in rows}


def _signing(week: Week, handover: Handover, meaning: str, by: str) -> Signing:
    with week.world.app.session() as session:
        sheet = sheets.sheet(session, handovers.named(session, handover.number), meaning)
    return Signing(week.world.passwords[by], sheet.hash, sheet.text)


def _noted(week: Week, number: int) -> Story:
    (post_id,) = week.rows(sa.select(Post.id).where(Post.centre_id == week.centre_id))
    handovers.add_note(week.world.app, week.who(BY_DAY), post_id, texts.week()["notes"][number])
    yield from ()


# --- going home, leaving ----------------------------------------------------------------------------------------------


def _checked(week: Week, username: str) -> Story:
    """Each open thing is answered before going home."""
    checks = week.rows(sa.select(DayCheck).where(
        DayCheck.centre_id == week.centre_id, DayCheck.person == username, DayCheck.done_at.is_(None)
    ))  # fmt: skip
    for check in checks:
        items = week.rows(sa.select(DayCheckItem).where(DayCheckItem.check_id == check.id))
        answers = {f"{item.kind}:{item.key}": _answer(week) for item in items}
        if answers:
            leaving.answer_check(week.world.app, week.who(username), check.number, answers)
    yield from ()


def _answer(week: Week) -> tuple[str, str]:
    answer = week.world.chance.choice([CheckAnswer.DONE, CheckAnswer.TOLD, CheckAnswer.HANDOVER, CheckAnswer.HANDOVER])
    return str(answer), week.one_of("answers", str(answer))


def _left(week: Week, username: str, reason: int, cover: str, minutes: int | None) -> Story:
    """Away for some minutes: with a cover at once, without one the supervisor names somebody first."""
    app, who = week.world.app, week.who(username)
    back_at = week.now + timedelta(minutes=minutes or 25)
    number = leaving.leave(app, who, week.centre_id, texts.week()["leaves"][reason], back_at, cover)
    if not cover:
        yield week.now + timedelta(minutes=2)
        leaving.complete(app, week.who("chen"), number, "name_cover", {"allowed": "yes", "cover": "tangmin"})
    if minutes is not None:
        yield week.now + timedelta(minutes=minutes - 4)
        leaving.complete(app, who, number, "come_back", {})
