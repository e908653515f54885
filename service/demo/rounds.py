"""Posts and workplaces of the demo's last week: ticked by whoever is there, now and then by nobody; a moved window, a failed check.

The timetable is the usual one. Surprise: who ticks is looked for when something is due, so a moved window needs no telling here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.demo import found, texts
from service.demo.living import Story
from service.demo.week import Week
from service.findings.models import Finding
from service.rounds import actions, rules
from service.rounds.models import Round, RoundFiling, RoundItem, RoundState, WorkplaceCheck
from service.timetable.models import PlannedRun, RunState

AT_POST = {("etiquette", "电梯前室"): "shenjie", ("lift", "电梯前室"): "luyao", ("door-open", ""): "luyao"}
OTHERWISE_AT_POST = "fangqi"
MISSED = 0.05  # of the ticks nobody makes


def begin(week: Week) -> None:
    actions.start_usual(week.world.app, week.who("chen"), week.centre_id)


def stories(week: Week) -> None:
    week.world.plan(week.from_at, _ticked(week))
    days = week.working
    week.world.plan(week.at(days[-4], 10, 20), _filed(week, 0, week.at(days[-4], 14, 5)))
    week.world.plan(week.told.b(95), _filed(week, 1, None))


def checked(week: Week, lead: str) -> None:
    """The supervisor's checks of each week: two areas on the first days, the rest on the last; one lately found wanting."""
    week.world.plan(week.reviewed_from_at, _checks(week, lead))


# --- ticks ------------------------------------------------------------------------------------------------------------


def _ticked(week: Week) -> Story:
    """Some minutes after each instant of the timetable whoever has the post says so on the phone."""
    left = set()
    while True:
        yield _next(week) + timedelta(minutes=2)
        waiting = sa.select(Round).where(Round.centre_id == week.centre_id, Round.state == RoundState.WAITING)
        for one in week.rows(waiting.order_by(Round.id)):
            if one.id in left or week.world.chance.random() < MISSED:
                left.add(one.id)
                continue
            who = AT_POST.get((str(one.kind), one.post), OTHERWISE_AT_POST)
            actions.tick(week.world.app, week.who(who), one.number, week.one_of("ticks"))
            yield week.now + timedelta(seconds=40)


def _next(week: Week) -> datetime:
    """When the next post is due; tomorrow morning where nothing is planned yet."""
    query = sa.select(sa.func.min(PlannedRun.due_at)).where(
        PlannedRun.centre_id == week.centre_id,
        PlannedRun.kind == "duty-round",
        PlannedRun.state == RunState.PLANNED,
        PlannedRun.due_at > week.now,
    )
    (due,) = week.rows(query)
    return due or week.at(week.calendar.local(week.now).date() + timedelta(days=1), 7)


# --- a moved window ---------------------------------------------------------------------------------------------------


def _filed(week: Week, which: int, known_at: datetime | None) -> Story:
    """Chen moves the etiquette window; Qin takes note of it, or has not yet."""
    start, end, why, note = texts.week()["filings"][which]
    (item,) = week.rows(sa.select(RoundItem).where(RoundItem.centre_id == week.centre_id, RoundItem.kind == "etiquette"))
    given = actions.ItemGiven(
        str(item.kind), item.name, start, end, item.every_minutes, tuple(item.posts), item.grace_minutes, True, why
    )
    saved = actions.save_item(week.world.app, week.who("chen"), week.centre_id, given, item.id)
    if known_at is not None:
        yield known_at
        (filing,) = week.rows(sa.select(RoundFiling).where(RoundFiling.number == saved.filing))
        actions.acknowledge(week.world.app, week.who("qin"), filing.number, note)


# --- workplaces -------------------------------------------------------------------------------------------------------


def _checks(week: Week, lead: str) -> Story:
    latest = week.working[-2] - timedelta(days=week.working[-2].weekday())
    for day in week.working_from(week.reviewed_from_at):
        yield week.at(day, 10)
        checks = _open(week)
        for check in checks if day.weekday() == 4 else checks[:2]:
            yield week.now + week.minutes(10, 40)
            _check(week, lead, check, bad=check.area_name.endswith("天街") and check.week_on == latest)


def _open(week: Week) -> list[WorkplaceCheck]:
    query = sa.select(WorkplaceCheck).where(WorkplaceCheck.centre_id == week.centre_id, WorkplaceCheck.state == "open")
    return week.rows(query.order_by(WorkplaceCheck.id))


def _check(week: Week, lead: str, check: WorkplaceCheck, bad: bool) -> None:
    supervisor, wrong = week.who(lead), texts.week()["workplaces"]["bad"] if bad else {}
    values = {group: "finding" if group in wrong else "fine" for group, _ in rules.GROUPS.values()}
    for group, words in wrong.items():
        values |= {f"{group}_words": words, f"{group}_photos": week.photo(supervisor, "boxes")}
    actions.check(week.world.app, supervisor, check.number, values)
    for finding in week.rows(sa.select(Finding).where(Finding.number.in_(_findings(week, check)))):
        result = texts.week()["workplaces"]["put_right"][str(finding.group)]
        row = texts.Seen(finding.group, str(finding.severity), finding.department, "", finding.words, result, "boxes")
        week.world.plan(week.now, found.followed(week, finding.number, supervisor, row, "plain"))


def _findings(week: Week, check: WorkplaceCheck) -> list[str]:
    (done,) = week.rows(sa.select(WorkplaceCheck).where(WorkplaceCheck.id == check.id))
    return list(done.findings)
