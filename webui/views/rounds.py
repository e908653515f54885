"""The pages of rounds: what is due now on the phone, the timetable, a notice to the quality department, a workplace's check."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from engine.errors import FormInvalid
from service.rounds import queries, rules
from service.rounds.models import CheckState, Round, RoundFiling, RoundItem, RoundState, WorkplaceCheck
from webui import forms, people
from webui.filters import clock, clock_time, day, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.views.findings import workplace_groups


def kinds() -> dict[str, str]:
    return {
        "etiquette": gettext("礼仪引导"),
        "door-open": gettext("大堂门常开"),
        "hourly": gettext("轮换值守"),
        "lift": gettext("电梯分层引导"),
    }


def centre_of(args) -> Any:
    raw = args.get("centre", "")
    return queries.centre_for(g.person, int(raw) if raw.isdigit() and len(raw) < 10 else None)


# --- today, on the phone ----------------------------------------------------------------------------------------------


def today(args) -> SimpleNamespace:
    found = queries.today(g.person, centre_of(args))
    people.know([r.ticked_by for r in found.past])
    return SimpleNamespace(
        centre=found.centre,
        centres=[(c.name, url_for("rounds.index", centre=c.id), c.id == found.centre.id) for c in queries.centres_of(g.person)],
        due=[_due(r, found.may_tick) for r in found.due],
        coming=_coming(found.coming),
        past=[_past(r) for r in found.past],
        past_on=day(found.past_on) if found.past_on else "",
        missed=sum(r.state is RoundState.MISSED for r in found.past),
        vips=[_vip(customer) for customer in found.vips],
        greeting=any(str(r.kind) == "etiquette" for r in found.due),
        checks=[_waiting_check(c) for c in found.checks],
        filings=[_waiting_filing(f) for f in found.filings],
        may_change=found.may_change,
    )  # fmt: skip


def _due(one: Round, may_tick: bool) -> SimpleNamespace:
    return SimpleNamespace(
        number=one.number,
        title=one.title,
        post=one.post,
        clock=clock(one.ends_at, one.starts_at, mine=may_tick),
        since=clock_time(one.starts_at),
        may_tick=may_tick and queries.open_task(g.person, one.instance_id, "tick_round") is not None,
        vips=str(one.kind) == "etiquette",
    )


def _coming(ticks: list[rules.Tick]) -> list[SimpleNamespace]:
    """One line per instant: 明天 08:15 and what is to be done then."""
    return [
        SimpleNamespace(at=when(at), what=listed(*(f"{t.title} {t.post}".strip() for t in ticks if t.starts_at == at), items=True))
        for at in dict.fromkeys(tick.starts_at for tick in ticks)
    ]


def _past(one: Round) -> SimpleNamespace:
    missed = one.state is RoundState.MISSED
    said = gettext("没人") if missed else listed(people.name_of(one.ticked_by), clock_time(one.ticked_at), one.note)
    return SimpleNamespace(title=listed(one.title, one.post), at=clock_time(one.starts_at), missed=missed, said=said)


def _vip(customer) -> SimpleNamespace:
    names = dict.fromkeys(c.name for c in customer.contacts if c.active)
    call = customer.address_as or listed(*names, items=True)
    others = [n for n in names if n != customer.name] if customer.address_as else []
    name = "" if customer.name == call else customer.name  # of a person the same as the contact's
    return SimpleNamespace(call=call, hint=listed(name, listed(*others, items=True)))


def _waiting_check(check: WorkplaceCheck) -> SimpleNamespace:
    return SimpleNamespace(
        href=url_for("rounds.workplace", workplace_number=check.number),
        text=gettext("现场环境检查：%(area)s", area=check.area_name),
        until=gettext("%(at)s 前", at=when(check.due_at)),
    )


def _waiting_filing(filing: RoundFiling) -> SimpleNamespace:
    return SimpleNamespace(
        href=url_for("rounds.filing", filing_number=filing.number),
        text=gettext(
            "报备：%(before)s 改为 %(after)s，等品质部知悉",
            before=f"{filing.before_from}-{filing.before_until}",
            after=f"{filing.after_from}-{filing.after_until}",
        ),
    )


# --- the timetable ----------------------------------------------------------------------------------------------------


def timetable(args) -> SimpleNamespace:
    centre = centre_of(args)
    items, waiting = queries.plan(g.person, centre)
    return SimpleNamespace(
        centre=centre,
        items=[_item(item, waiting.get(item.id)) for item in items],
        kinds=kinds(),
        new=SimpleNamespace(id=0, kind="", name="", from_time="08:15", until_time="09:30", every_minutes=0, posts="",
                            grace_minutes=10, active=True, version=None, times="", filing=None),
    )  # fmt: skip


def _item(item: RoundItem, filing: RoundFiling | None) -> SimpleNamespace:
    turn = gettext("每 %(n)d 分钟换", n=item.every_minutes) if item.every_minutes else ""
    return SimpleNamespace(
        id=item.id,
        kind=str(item.kind),
        kind_words=kinds()[str(item.kind)],
        name=item.name,
        from_time=item.from_time,
        until_time=item.until_time,
        every_minutes=item.every_minutes,
        posts="、".join(item.posts),
        grace_minutes=item.grace_minutes,
        active=item.active,
        version=item.version,
        times=listed(f"{item.from_time}-{item.until_time}", "、".join(item.posts), turn,
                     gettext("宽限 %(n)d 分", n=item.grace_minutes), "" if item.active else gettext("停用")),
        filing=_waiting_filing(filing) if filing else None,
    )  # fmt: skip


# --- a notice, a check ------------------------------------------------------------------------------------------------


def filing(found: RoundFiling) -> SimpleNamespace:
    people.know([found.filed_by, found.acknowledged_by])
    task = queries.open_task(g.person, found.instance_id, "acknowledge")
    return SimpleNamespace(
        number=found.number,
        before=f"{found.before_from}-{found.before_until}",
        after=f"{found.after_from}-{found.after_until}",
        reason=found.reason,
        filed=listed(people.name_of(found.filed_by), when(found.filed_at)),
        acknowledged=listed(people.name_of(found.acknowledged_by), when(found.acknowledged_at))
        if found.acknowledged_at
        else "",
        note=found.note,
        may=task is not None,
        may_ask=found.acknowledged_at is None,
        clock=clock(task.due_at, task.opened_at) if task is not None else None,
    )


def workplace(
    found: WorkplaceCheck, values: dict[str, Any] | None = None, error: Exception | None = None
) -> SimpleNamespace:
    people.know([found.checked_by])
    task = queries.open_task(g.person, found.instance_id, "check_area")
    form = form_of(found)
    faults = error.faults if isinstance(error, FormInvalid) else {}
    hidden = forms.hidden_keys(form, values or {}, service_app().engine.feel) if form and task else set()
    answers = {"fine": gettext("正常"), "finding": gettext("有问题"), "na": gettext("没有这项")}
    names = workplace_groups()
    return SimpleNamespace(
        number=found.number,
        area=found.area_name,
        due=gettext("%(at)s 前", at=when(found.due_at)),
        clock=clock(found.due_at, mine=task is not None) if found.state is CheckState.OPEN else None,
        fields=forms.views(form, values or {}, faults, hidden) if form and task else [],
        may=task is not None,
        may_ask=found.state is CheckState.OPEN,
        answers=[
            (names[group], clause, answers.get(found.answers.get(group), ""))
            for clause, (group, _) in rules.GROUPS.items()
        ],
        findings=[(n, url_for("findings.show", finding_number=n)) for n in found.findings],
        done=listed(people.name_of(found.checked_by), when(found.checked_at)) if found.checked_at else "",
        missed=found.state is CheckState.MISSED,
    )


def form_of(found: WorkplaceCheck):
    """The form of the check's open task, in the reader's language; None where nobody waits for it."""
    task = queries.open_task(g.person, found.instance_id, "check_area")
    if task is None:
        return None
    definition = service_app().engine.definition(task.definition_hash)
    return forms.localized(definition.procedure.forms.get(task.form), definition)
