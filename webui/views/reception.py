"""The desk's own books on the screen: missed calls, visitors, visits to customers, each with its small form; one call by itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from flask import g, url_for

from engine.errors import FormInvalid
from service import access
from service.errors import NotThere
from service.organisation.models import Centre
from service.reception import queries
from service.reception.models import CallState, CustomerVisit, MissedCall, Visitor
from webui import forms, people, words
from webui.filters import Clock, clock, clock_time, local, masked, now, when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.refusals import said
from webui.views import entries
from webui.views.story import element_name


def centre_of(args: Mapping[str, str]) -> Centre:
    """The centre asked for among those whose desk the person keeps; the first one otherwise. Raises NotThere for none."""
    centres = queries.centres_of(g.person)
    found = next((c for c in centres if str(c.id) == args.get("centre")), centres[0] if centres else None)
    if found is None:
        raise NotThere("Centre", args.get("centre", ""))
    return found


def page(args: Mapping[str, str], form: str = "", error: Exception | None = None) -> SimpleNamespace:
    """The page; `form` is the one whose values come back, with what is wrong with them."""
    centre = centre_of(args)
    calls, visitors = queries.calls(g.session, centre.id), queries.visitors(g.session, centre.id)
    visits = queries.visits(g.session, centre.id)
    people.know([c.noted_by for c in calls] + [c.called_by for c in calls] + [v.visited_by for v in visits])
    centres = queries.centres_of(g.person)
    field = getattr(error, "field", None) or ""
    return SimpleNamespace(
        centre=centre,
        centres=[(c.name, url_for("reception.index", centre=c.id), c.id == centre.id) for c in centres if len(centres) > 1],
        calls=[_call_row(call) for call in calls],
        waiting=sum(call.state in queries.OPEN for call in calls),
        visitors=[_visitor_row(visitor) for visitor in visitors],
        inside=sum(visitor.left_at is None for visitor in visitors),
        visits=[_visit_row(visit) for visit in visits],
        id_kinds=entries.id_kinds(),
        now=f"{local(now()):%H:%M}",
        moment=f"{local(now()):%Y-%m-%d %H:%M}",
        typed=dict(args) if form else {},
        form=form,
        errors={f"{form}-{field}": said(error)} if error is not None else {},
        registers={key: url_for("registers.show", record=key, centre=centre.id)
                   for key in ("call-visit-register", "visitor-register", "customer-visit")},
    )  # fmt: skip


def _call_row(call: MissedCall) -> SimpleNamespace:
    return SimpleNamespace(
        href=url_for("reception.call", call_number=call.number),
        who=_who(call),
        phone=masked(call.phone),
        rang=when(call.rang_at),
        rings=call.rings,
        state=entries.call_state(str(call.state)),
        clock=_clock(call),
        open=call.state in queries.OPEN,
    )


def _who(call: MissedCall) -> str:
    return listed(call.unit.code if call.unit else "", call.contact.name if call.contact else "")


def _clock(call: MissedCall) -> Clock:
    if call.state not in queries.OPEN:
        return Clock("done", entries.call_state(str(call.state)))
    task = queries.task_of(g.session, call)
    return clock(task.due_at if task else call.due_at, task.opened_at if task else call.noted_at)


def _visitor_row(visitor: Visitor) -> SimpleNamespace:
    inside = visitor.left_at is None
    return SimpleNamespace(
        id=visitor.id,
        name=visitor.name if inside else f"{visitor.name[:1]}**",  # lists do not name who came; the desk looks for who is in
        host=visitor.host,
        purpose=visitor.purpose,
        badge=visitor.badge,
        id_kind=entries.id_kind(str(visitor.id_kind)),
        came=when(visitor.came_at),
        left=when(visitor.left_at),
        inside=inside,
        overnight=inside and local(visitor.came_at).date() < local(now()).date(),
    )


def _visit_row(visit: CustomerVisit) -> SimpleNamespace:
    return SimpleNamespace(
        place=visit.unit.code,
        customer=visit.customer.name,
        contact=visit.contact,
        purpose=visit.purpose,
        interview=visit.interview,
        wishes=visit.wishes,
        at=when(visit.visited_at),
        by=name_of(visit.visited_by),
        register=url_for("desk.register", unit=visit.unit_id, channel="visit") if visit.wishes else "",
    )


# --- one missed call --------------------------------------------------------------------------------------------------


def call_page(call: MissedCall, values: Mapping[str, Any] | None = None, error: Exception | None = None) -> SimpleNamespace:
    """A call with its facts, and the form of its open task for who may do it."""
    task = queries.task_of(g.session, call)
    may_do, keeps = task is not None and access.may(g.person, "do", task), access.may(g.person, queries.ACTION, call)
    people.know([call.noted_by, call.called_by])
    return SimpleNamespace(
        number=call.number,
        title=listed(gettext("漏接来电"), _who(call) or masked(call.phone)),
        phone=call.phone if keeps else masked(call.phone),
        may_call=keeps,
        clock=_clock(call),
        state=entries.call_state(str(call.state)),
        facts=_facts(call),
        task=_task(call, task, values, error) if may_do else None,
        waits=listed(*(words.role(r) for r in task.groups.strip("|").split("|")), items=True) if task and not may_do else "",
        ticket=call.ticket_number or "",
        may_ask=task is not None and keeps,
    )


def _facts(call: MissedCall) -> list[tuple[str, str]]:
    called = when(call.called_at)
    facts = [
        (gettext("几点响的"), when(call.rang_at)),
        (gettext("响了几声"), str(call.rings)),
        (gettext("谁记的"), listed(name_of(call.noted_by), clock_time(call.noted_at))),
        (gettext("回过几次"), str(call.tries) if call.tries else ""),
        (gettext("最后一次"), listed(name_of(call.called_by), called) if call.called_by else ""),
        (gettext("怎么说明没接到"), call.reason),
        (gettext("客户说了什么"), call.words),
    ]
    return [(name, text) for name, text in facts if text]


def _task(call: MissedCall, task, values: Mapping[str, Any] | None, error: Exception | None) -> SimpleNamespace:
    form, definition = form_of(task)
    found = dict(values) if values is not None else form.initial(_suggested(call))
    faults = error.faults if isinstance(error, FormInvalid) else {error.field: said(error)} if getattr(error, "field", None) else {}
    hidden = forms.hidden_keys(form, found, service_app().engine.feel, definition.names)
    name = element_name(definition, task.element_id)
    return SimpleNamespace(
        id=task.id,
        name=name,
        version=task.version,
        fields=forms.views(form, found, faults, hidden),
        conditional=any(field.hides for field in form.fields),
        register=_register_href(call) if call.state == CallState.ASKED else "",
    )


def form_of(task):
    """(form in the reader's language, definition) of a call's task."""
    definition = service_app().engine.definition(task.definition_hash)
    return forms.localized(definition.procedure.forms.get(task.form), definition), definition


def _suggested(call: MissedCall) -> dict[str, Any]:
    if call.state != CallState.ASKED:
        return {}
    return {"ticket_number": queries.registered_since(g.session, call, g.person.username)}


def _register_href(call: MissedCall) -> str:
    return url_for(
        "desk.register", unit=call.unit_id, contact=call.contact_id, phone=call.phone, channel="missed-call"
    )
