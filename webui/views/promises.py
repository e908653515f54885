"""The page of contract promises: what holds, a promise as a person entered it, and that promise with the limits it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import g, url_for

from service import access
from service.calendars import queries as calendars
from service.errors import NotThere, Refused
from service.organisation.models import Centre, Unit
from service.tickets import contracts, promising
from service.tickets.models import Category, ContractPromise, Urgency
from webui import moments, words
from webui.filters import local, month_day, now, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.views.calendar import SHOWN_SHIFTS, ShiftView, shift_views
from webui.views.limits import amount

FIELDS = ("text", "source", "from_on", "until_on", "unit", "category", "urgency", *(f"{k}_minutes" for k in contracts.KINDS))


@dataclass(frozen=True, slots=True)
class PromiseView:
    id: int
    text: str
    source: str
    days: str
    what: str  # for which requests
    limits: str
    holds: bool
    ended: str  # by whom and when
    edit: str


@dataclass(slots=True)
class Page:
    """Everything the page shows. `typed`: what stands in the form; `replaces`: the promise that is being changed."""

    centre: Centre
    centres: list[dict]
    may_change: bool
    promises: list[PromiseView]
    categories: dict[str, str]
    urgencies: dict[str, str]
    kinds: dict[str, str]
    typed: Mapping[str, str]
    replaces: int | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A change as a person entered it; `terms` None: the promise `replaces` ends."""

    terms: promising.Terms | None
    replaces: int | None
    title: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class PreviewPage:
    centre: Centre
    draft: Draft
    rows: list[tuple[str, str]]
    tickets: int
    limits: int
    shifts: list[ShiftView]
    more: int
    back: str


# --- the page ------------------------------------------------------------------------------------------------------


def centre_named(person, text: str) -> Centre | None:
    """One of the centres whose promises the person may read: the one with that id, without an id the first."""
    found = _centres(person)
    if not text:
        return found[0] if found else None
    return next((centre for centre in found if str(centre.id) == text), None)


def _centres(person) -> list[Centre]:
    seen = access.centre_filter(access.reach(person), "see promises", Centre.id)
    return list(g.session.scalars(sa.select(Centre).where(seen).order_by(Centre.id)))


def page(centre: Centre, typed: Mapping[str, str] | None = None, replaces: int | None = None) -> Page:
    rows = promising.listed(g.session, centre.id)
    old = next((row for row in rows if row.id == replaces and row.ended_at is None), None)
    return Page(
        centre,
        [
            {"name": c.name, "href": url_for("promises.index", centre=c.id), "current": c.id == centre.id}
            for c in _centres(g.person)
        ],
        access.may(g.person, "change promises", centre),
        [_view(row) for row in rows],
        {str(c): words.category(c) for c in Category},
        {str(u): words.urgency(u) for u in Urgency},
        {kind: words.target(kind) for kind in contracts.KINDS},
        typed if typed is not None else _typed(old),
        old.id if old else None,
    )


def _typed(old: ContractPromise | None) -> dict[str, str]:
    if old is None:
        return {"from_on": local(now()).date().isoformat()}
    values = {name: getattr(old, name) for name in FIELDS if name != "unit"} | {"unit": old.unit.code if old.unit else ""}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _view(row: ContractPromise) -> PromiseView:
    ended = ""
    if row.ended_at is not None:
        ended = gettext("%(who)s %(at)s 停用", who=name_of(row.ended_by), at=when(row.ended_at))
    return PromiseView(
        row.id, row.text, row.source, _days(row.from_on, row.until_on), _what(row, row.unit), _limits(row),
        row.ended_at is None, ended, url_for("promises.index", centre=row.centre_id, change=row.id) + "#promise",
    )  # fmt: skip


def _days(first: date, last: date | None) -> str:
    if last is None:
        return gettext("%(from)s 起", **{"from": _day(first)})
    return gettext("%(from)s 到 %(until)s", **{"from": _day(first), "until": _day(last)})


def _day(on: date) -> str:
    return month_day(on) if on.year == local(now()).year else on.isoformat()


def _what(terms: Any, unit: Unit | None) -> str:
    """For which requests a promise is, in words."""
    where = unit.code if unit else gettext("所有单元")
    category = words.category(terms.category) if terms.category else gettext("所有类别")
    return listed(where, category, words.urgency(terms.urgency) if terms.urgency else "")


def _limits(terms: Any) -> str:
    found = ((kind, getattr(terms, f"{kind}_minutes")) for kind in contracts.KINDS)
    return listed(*(f"{words.target(kind)} {amount(minutes)}" for kind, minutes in found if minutes is not None))


# --- a promise as it was entered -----------------------------------------------------------------------------------


def read(centre: Centre, form: Mapping[str, str]) -> Draft:
    """The change that a form holds. Raises Refused naming the field, NotThere for a promise that is not the centre's."""
    replaces = int(form["replaces"]) if form.get("replaces", "").isdigit() else None
    old = _held(centre, replaces) if replaces is not None else None
    if form.get("what") == "end":
        if old is None:
            raise NotThere("ContractPromise", replaces)
        return Draft(None, old.id, gettext("停用：%(text)s", text=old.text), {"what": "end", "replaces": str(old.id)})
    values = {name: form.get(name, "").strip()[:200] for name in FIELDS}
    terms = _terms(centre, values)
    title = gettext("改承诺：%(text)s", text=terms.text) if old else gettext("新承诺：%(text)s", text=terms.text)
    return Draft(terms, replaces, title, values | {"what": "save", "replaces": str(replaces or "")})


def _held(centre: Centre, promise_id: int) -> ContractPromise:
    row = g.session.get(ContractPromise, promise_id)
    if row is None or row.centre_id != centre.id:
        raise NotThere("ContractPromise", promise_id)
    if row.ended_at is not None:
        raise Refused(gettext("这条承诺刚才已被 %(who)s 改过或停用，重新打开这一页", who=name_of(row.ended_by)))
    return row


def _terms(centre: Centre, values: Mapping[str, str]) -> promising.Terms:
    if not values["text"]:
        raise Refused(gettext("写上承诺了什么，照合同的话写"), "text")
    if not values["source"]:
        raise Refused(gettext("写明哪份合同、第几条"), "source")
    minutes = {f"{kind}_minutes": _minutes(values, f"{kind}_minutes") for kind in contracts.KINDS}
    if not any(minutes.values()):
        raise Refused(gettext("至少写一个时限的分钟数"), "response_minutes")
    first, last = _date(values["from_on"], "from_on"), None
    if values["until_on"]:
        last = _date(values["until_on"], "until_on")
        if last < first:
            raise Refused(gettext("最后一天早于第一天"), "until_on")
    return promising.Terms(
        values["text"], values["source"], first, last, unit_id=_unit(centre, values["unit"]),
        category=_one_of(values["category"], Category), urgency=_one_of(values["urgency"], Urgency), **minutes,
    )  # fmt: skip


def _minutes(values: Mapping[str, str], name: str) -> int | None:
    text = values[name]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:7]) <= promising.LONGEST_MINUTES):
        raise Refused(gettext("写整数分钟，一个工作日写 570"), name)
    return int(text)


def _date(text: str, name: str) -> date:
    found = moments.day(text)
    if found is None:
        raise Refused(gettext("哪一天要写日期"), name)
    if not 2000 <= found.year <= 2100:
        raise Refused(gettext("日期的年份不对"), name)
    return found


def _one_of(text: str, kind) -> str | None:
    return text if text in list(kind) else None


def _unit(centre: Centre, code: str) -> int | None:
    if not code:
        return None
    wanted = sa.select(Unit.id).where(Unit.centre_id == centre.id, Unit.code == code)
    found = g.session.scalar(wanted)
    if found is None:
        raise Refused(gettext("没有这个单元，空着就是所有单元"), "unit")
    return found


# --- before it is saved, and saving --------------------------------------------------------------------------------


def preview(centre: Centre, draft: Draft) -> PreviewPage:
    """What the promise makes of the open limits."""
    found = promising.preview(g.session, centre.id, draft.terms, draft.replaces)
    calendar = calendars.calendar_of(g.session, centre.id)
    return PreviewPage(
        centre,
        draft,
        _rows(draft),
        len({shift.ticket_id for shift in found.shifts}),
        len(found.shifts),
        shift_views(found.shifts[:SHOWN_SHIFTS], calendar, calendar),
        max(0, len(found.shifts) - SHOWN_SHIFTS),
        url_for("promises.index", centre=centre.id),
    )


def _rows(draft: Draft) -> list[tuple[str, str]]:
    terms = draft.terms
    if terms is None:
        return []
    unit = g.session.get(Unit, terms.unit_id) if terms.unit_id else None
    return [
        (gettext("出处"), terms.source),
        (gettext("用于"), _what(terms, unit)),
        (gettext("时限"), _limits(terms)),
        (gettext("哪些天登记的"), _days(terms.from_on, terms.until_on)),
    ]


def save(person, centre: Centre, draft: Draft, request_id: str | None) -> promising.Changed:
    app = service_app()
    if draft.terms is None:
        return promising.end(app, person, centre.id, draft.replaces, request_id)
    return promising.save(app, person, centre.id, draft.terms, draft.replaces, request_id)


def saved_words(done: promising.Changed) -> str:
    moved, failed = len(done.followed.shifts), len(done.followed.failed)
    if failed:
        return gettext("承诺已存，%(failed)d 件单的时限还没跟上，几分钟内会再算", failed=failed)
    if moved:
        return gettext("承诺已存，%(moved)d 个时限跟着改了", moved=moved)
    return gettext("承诺已存，没有时限要改")
