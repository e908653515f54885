"""Incidents in words: what failed, at which step of which procedure, for which tickets, and what a retry gave."""

from __future__ import annotations

from types import SimpleNamespace

from flask import g, url_for

from engine.errors import EngineError
from service.board import incidents
from service.errors import ServiceError
from webui.errors import fault_of
from webui.filters import when
from webui.gates import service_app
from webui.i18n import gettext, listed
from webui.refusals import said
from webui.views.story import element_name, procedure_name


def page(report=None, selected: list[str] = ()) -> SimpleNamespace:
    groups = incidents.groups(g.person)
    return SimpleNamespace(
        groups=[_group(x) for x in groups],
        count=sum(len(x.incidents) for x in groups),
        report=report,
        selected=set(selected),
    )


def rows() -> list[SimpleNamespace]:
    """Every open incident with its group, in the order of the screen."""
    return [
        SimpleNamespace(group=group, row=row, opened_at=one.opened_at)
        for found in incidents.groups(g.person)
        for group in [_group(found)]
        for one, row in zip(found.incidents, group.rows)
    ]


def report(done: list[incidents.Done], resolving: bool) -> SimpleNamespace:
    good = [d for d in done if d.error is None]
    text = gettext("%(n)d 件已处理", n=len(good)) if resolving else gettext("%(n)d 件重试成功", n=len(good))
    return SimpleNamespace(
        done=len(good),
        text=text,
        bad=[SimpleNamespace(number=d.number or d.id[:8], text=_cause(d.error)) for d in done if d.error is not None],
    )


def _cause(error: Exception) -> str:
    if not isinstance(error, (EngineError, ServiceError)):
        return f"{type(error).__name__}: {error}"
    fault = fault_of(error)
    return fault.rule or fault.what


def _group(group: incidents.Group) -> SimpleNamespace:
    first = group.incidents[0]
    definition = service_app().engine.definition(first.definition_hash) if first.definition_hash else None
    step = element_name(definition, first.element_id) if first.element_id else ""
    return SimpleNamespace(
        key=group.key,
        what=listed(procedure_name(definition) if definition else first.process_key, step),
        kind=group.kind,
        reason=said(group.reason),
        retry=any(i.can_retry for i in group.incidents),
        rows=[_row(i) for i in group.incidents],
    )


def _row(one: incidents.Incident) -> SimpleNamespace:
    return SimpleNamespace(
        id=one.id,
        number=one.number or one.id[:8],
        href=url_for("tickets.show", number=one.number) if one.title else "",
        title=one.title,
        where=one.centre_name,
        at=when(one.opened_at),
        tries=gettext("试过 %(n)d 次", n=one.tries),
        reason=said(one.reason),
        can_retry=one.can_retry,
    )
