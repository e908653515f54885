"""What holds for every calendar, against a count of minutes that shares no code with the one under test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from service.calendars.rules import Calendar, Closure, Deadline, Pause, Week, Window, explain, preview_change
from tests.service.calendars.cases import SHANGHAI, plain

FIRST_DAY, DAYS = date(2026, 1, 1), 60
WHOLE_HOURS = st.integers(0, 24 * 4).map(lambda quarter: quarter * 15)
dates = st.integers(0, DAYS).map(lambda count: FIRST_DAY + timedelta(days=count))
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 20)).map(lambda wall: wall.replace(tzinfo=SHANGHAI))
whole_minutes = instants.map(lambda moment: moment.replace(second=0, microsecond=0))
limits = st.integers(0, 4000)


@st.composite
def day_windows(draw, least: int = 0) -> tuple[Window, ...]:
    edges = sorted(draw(st.sets(WHOLE_HOURS, min_size=2 * least, max_size=6)))
    return tuple(Window(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def calendars(draw) -> Calendar:
    monday = draw(day_windows(least=1))
    week = Week((monday, *[draw(st.one_of(st.just(monday), day_windows())) for _ in range(6)]))
    unusual = draw(st.dictionaries(dates, st.sampled_from(["holiday", "makeup", "special"]), max_size=8))
    return Calendar(
        "Asia/Shanghai", week,
        holidays={on: "放假" for on, kind in unusual.items() if kind == "holiday"},
        makeup={on: 0 for on, kind in unusual.items() if kind == "makeup"},
        special={on: draw(day_windows(least=1)) for on, kind in unusual.items() if kind == "special"},
        closed_by_order=tuple(Closure(on, "停业", draw(day_windows(least=1))[0]) for on in draw(st.sets(dates, max_size=2))),
    )


# An independent count: one bit per minute of wall time, by the words of the procedure

def open_minute(calendar: Calendar, wall: datetime) -> bool:
    on, minute = wall.date(), wall.hour * 60 + wall.minute
    if any(closure.on == on and closure.window.start <= minute < closure.window.end for closure in calendar.closed_by_order):
        return False
    if on in calendar.holidays:
        return False
    if on in calendar.special:
        hours = calendar.special[on]
    else:
        hours = calendar.week.days[calendar.makeup[on] if on in calendar.makeup else on.weekday()]
    return any(window.start <= minute < window.end for window in hours)


def count_minutes(calendar: Calendar, start: datetime, end: datetime) -> int:
    wall, until, counted = start.astimezone(SHANGHAI), end.astimezone(SHANGHAI), 0
    while wall < until:
        counted += open_minute(calendar, wall)
        wall += timedelta(minutes=1)
    return counted


def walk_minutes(calendar: Calendar, start: datetime, minutes: int) -> datetime:
    wall, left = start.astimezone(SHANGHAI), minutes
    while left:
        left -= open_minute(calendar, wall)
        wall += timedelta(minutes=1)
    return wall


@given(calendars(), whole_minutes, st.integers(1, 1500))
def test_adding_agrees_with_walking_minute_by_minute(calendar, start, minutes):
    due_at = calendar.add(start, minutes)
    assume(due_at < start + timedelta(days=40))
    assert due_at == walk_minutes(calendar, start, minutes)


@given(calendars(), whole_minutes, st.integers(0, 9000))
def test_elapsed_agrees_with_counting_minute_by_minute(calendar, start, wall_minutes):
    end = start + timedelta(minutes=wall_minutes)
    assert calendar.elapsed(start, end) == count_minutes(calendar, start, end)


@given(calendars(), whole_minutes)
def test_open_agrees_with_the_minute(calendar, moment):
    assert calendar.is_open(moment) == open_minute(calendar, moment)
    assert calendar.is_open(moment + timedelta(seconds=59, microseconds=999_999)) == open_minute(calendar, moment)


@given(calendars(), instants, limits)
def test_what_was_added_has_elapsed(calendar, start, minutes):
    assert calendar.elapsed(start, calendar.add(start, minutes)) == minutes


@given(calendars(), instants, st.integers(1, 4000))
def test_subtracting_gives_the_open_start_back(calendar, start, minutes):
    start = calendar.next_opening(start)
    assert calendar.subtract(calendar.add(start, minutes), minutes) == start


@given(calendars(), instants, limits, st.integers(1, 2000))
def test_limits_add_up(calendar, start, minutes, more):
    assert calendar.add(calendar.add(start, minutes), more) == calendar.add(start, minutes + more)


@given(calendars(), instants, instants, limits, limits)
def test_a_later_start_or_a_longer_limit_is_never_due_earlier(calendar, one, other, few, many):
    few, many = sorted((few, many))
    one, other = sorted((one, other))
    assert calendar.add(one, few) <= calendar.add(one, many)
    assert calendar.add(one, few) <= calendar.add(other, few)


@given(calendars(), instants, limits, dates)
def test_adding_a_holiday_never_makes_a_limit_earlier(calendar, start, minutes, holiday):
    """T31"""
    assume(holiday not in calendar.makeup and holiday not in calendar.special)
    closed_more = replace(calendar, holidays={**calendar.holidays, holiday: "放假"})
    assert closed_more.add(start, minutes) >= calendar.add(start, minutes)


@given(calendars(), instants, limits, dates, day_windows(least=1))
def test_closing_by_order_never_makes_a_limit_earlier(calendar, start, minutes, on, windows):
    """T31"""
    closed_more = replace(calendar, closed_by_order=(*calendar.closed_by_order, Closure(on, "停业", windows[0])))
    assert closed_more.add(start, minutes) >= calendar.add(start, minutes)


@given(instants, limits, dates)
def test_adding_a_make_up_day_never_makes_a_limit_later(start, minutes, on):
    assert plain(makeup={on: 0}).add(start, minutes) <= plain().add(start, minutes)


@given(calendars(), instants, st.integers(1, 4000))
def test_a_limit_is_reached_within_opening_hours(calendar, start, minutes):
    due_at = calendar.add(start, minutes)
    assert calendar.is_open(due_at - timedelta(microseconds=1))
    assert due_at.tzinfo is UTC


@given(calendars(), instants)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar, moment):
    opening = calendar.next_opening(moment)
    assert opening >= moment and calendar.is_open(opening)
    assert calendar.elapsed(moment, opening) == 0


@given(calendars(), instants, limits)
def test_an_explanation_adds_up_and_ends_where_the_limit_does(calendar, start, minutes):
    explained = explain(start, minutes, calendar)
    assert explained.due_at == calendar.add(start, minutes)
    assert abs(explained.total - minutes) < 1e-6
    assert all(calendar.is_open(stretch.start) and stretch.start < stretch.end for stretch in explained)
    if minutes:
        assert explained[-1].end == explained.due_at
    assert all(not calendar.windows_on(skip.on) for skip in explained.skipped)


@given(calendars(), instants, limits, st.integers(1, 5000), st.integers(0, 20_000))
def test_a_pause_moves_a_limit_by_its_own_business_time(calendar, start, minutes, after, length):
    """T1, T2"""
    pause = Pause(start + timedelta(minutes=after), start + timedelta(minutes=after + length))
    due_at = Deadline("t", start, minutes, (pause,)).due_at(calendar)
    unpaused = calendar.add(start, minutes)
    if calendar.elapsed(start, pause.start) >= minutes:
        assert due_at == unpaused
    else:
        assert due_at == calendar.add(start, minutes + calendar.elapsed(pause.start, pause.end))


@given(calendars(), calendars(), st.lists(st.tuples(instants, limits), max_size=5))
def test_a_preview_gives_every_limit_by_both_calendars(old, new, limits_of):
    deadlines = [Deadline(number, start, minutes) for number, (start, minutes) in enumerate(limits_of)]
    moves = preview_change(old, new, deadlines)
    assert [tuple(move) for move in moves] == [
        (deadline, old.add(deadline.start_at, deadline.minutes), new.add(deadline.start_at, deadline.minutes))
        for deadline in deadlines]
