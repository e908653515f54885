"""A ticket's story (经过), newest first: the trace in people's words, and what was said beside it.

Only what somebody did, said or missed is told; the engine's own steps (a token passed, an operation ran) are left out. Names of
elements come from the diagram the instance runs on, in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webui import words
from webui.diagram_texts import diagram_text
from webui.filters import day, local, when
from webui.i18n import colon, gettext, language, listed
from webui.people import name_of

SAID_KEYS = (
    "result",
    "question",
    "answer_text",
    "instruction",
    "reason",
    "fail_reason",
    "words",
    "guidance",
    "explanation",
    "note",
    "cause",
)
ICONS = {
    "register": "phone",
    "dispatch": "send",
    "accept_slip": "check",
    "arrive": "map-pin",
    "handle": "tool",
    "verify": "list-check",
    "return_visit": "phone-call",
    "answer_question": "message-2",
    "sign_off": "pencil",
    "handle_on_the_spot": "check",
}


@dataclass(slots=True)
class Entry:
    at: datetime
    icon: str
    head: str = ""
    text: str = ""
    said: str = ""
    hint: str = ""
    kind: str = ""  # mine: the customer sent it; over: a limit was missed
    day: str = ""  # set on the first entry of another day


def story(card, definitions) -> list[Entry]:
    """Entries newest first. `definitions(process key)` gives the definition an event's element stands in, or None."""
    ticket = card.ticket
    events = [
        e.data | {"at": e.at, "kind": e.kind}
        for e in reversed(card.timeline)
        if e.kind in TOLD or e.kind == "instance-started"
    ]
    processes = {e["instance"]: e["process"] for e in events if e["kind"] == "instance-started"}
    found = [
        *_closed(ticket),
        *(_noted(n) for n in card.notes if n.text != ticket.end_reason or not n.text),
        *_escalated(card),
        *_paused(card),
    ]
    for event in events:
        if event.get("undone") and event["kind"] != "task-completed":
            continue  # of a step that was undone it is told what somebody did, not what followed from it
        told = TOLD.get(event["kind"])
        entry = told(event, definitions(processes.get(event["instance"], ""))) if told else None
        if entry:
            found.append(entry)
    found.append(_registered(ticket))
    found.sort(key=lambda e: e.at, reverse=True)  # of one moment the later step comes first, the registration last
    _mark_days(found)
    return found


def element_name(definition, element_id: str) -> str:
    """An element's label in the reader's language."""
    if definition is None:
        return element_id
    if language() == "en":
        name = ((definition.procedure.translations or {}).get("elements") or {}).get(element_id)
        if name:
            return name
    element = definition.diagram.elements.get(element_id)
    return element.name if element else element_id


def procedure_name(definition) -> str:
    """The procedure's own name in the reader's language."""
    if language() == "en":
        texts = (definition.procedure.translations or {}).get("elements") or {}
        return texts.get(definition.key) or definition.diagram.name
    return definition.diagram.name


def _registered(ticket) -> Entry:
    return Entry(
        ticket.registered_at,
        "phone",
        gettext("登记"),
        gettext("%(who)s，%(channel)s", who=name_of(ticket.created_by), channel=words.channel(ticket.channel)),
        ticket.request,
    )


def _escalated(card) -> list[Entry]:
    """Calls for help and what the superior answered."""
    found = [
        Entry(e.asked_at, "lifebuoy", gettext("上报上级"), name_of(e.asked_by), diagram_text(e.reason or e.subject))
        for e in card.escalations
    ]
    return found + [
        Entry(e.answered_at, "message-2", gettext("上级答复"), name_of(e.answered_by), e.guidance)
        for e in card.escalations
        if e.answered_at
    ]


def _paused(card) -> list[Entry]:
    """When the work stood still, why and until when at the latest."""
    found = []
    for pause in card.pauses:
        until = gettext("最晚 %(at)s 继续", at=when(pause.until_at))
        text = listed(words.pause_reason(pause.reason), name_of(pause.started_by))
        found.append(Entry(pause.started_at, "player-pause", gettext("暂停"), text, hint=until))
        if pause.ended_at is not None:
            by_itself = pause.ended_by == "system"
            who = gettext("到了最晚的时刻") if by_itself else name_of(pause.ended_by)
            found.append(Entry(pause.ended_at, "clock", gettext("继续办"), who, pause.note))
    return found


def _closed(ticket) -> list[Entry]:
    if ticket.closed_at is None:
        return []
    if str(ticket.state) == "withdrawn":
        return [Entry(ticket.closed_at, "x", gettext("客户撤单"), "", ticket.end_reason, kind="mine")]
    score = gettext("客户打 %(n)d 分", n=ticket.satisfaction) if ticket.satisfaction else ""
    return [Entry(ticket.closed_at, "check", words.ticket_state(ticket.state), score, ticket.end_reason)]


def _completed(event: dict, definition) -> Entry | None:
    element = event["element"]
    if element in ("register", "resume"):
        return None  # told from the ticket itself, with the customer's words, and from its pauses
    values = (event.get("values") or {}).get("after") or {}
    late = event.get("due") and event["at"] > _instant(event["due"])
    text = name_of(event["actor"])
    if event.get("on_behalf_of"):
        text = gettext("%(who)s 替 %(whom)s", who=text, whom=name_of(event["on_behalf_of"]))
    choice = _choice(definition, element, values)
    name = element_name(definition, element)
    return Entry(
        event["at"],
        ICONS.get(element, "check"),
        name,
        listed(*(t for t in (choice, text) if t != name)),
        "\n".join(str(values[k]) for k in SAID_KEYS if isinstance(values.get(k), str) and values[k].strip()),
        gettext("后来撤销了")
        if event.get("undone")
        else gettext("晚于 %(at)s", at=when(_instant(event["due"])))
        if late
        else "",
    )


def _picked(field, value: str) -> str:
    label = field.option_label(value)
    return f"{field.label}{colon()}{label}" if value in ("yes", "no") else label


def _undone(event: dict, definition) -> Entry:
    what = element_name(definition, event["element"])
    return Entry(event["at"], "history", gettext("撤销"), listed(what, name_of(event["actor"])))


def _choice(definition, element: str, values: dict) -> str:
    """The labels of what was picked: the department, the answer, the score. A yes or no says to what."""
    spec = definition.diagram.elements.get(element) if definition else None
    form = definition.procedure.forms.get(spec.form) if spec and spec.form else None
    if form is None:
        return ""
    if language() == "en":
        from webui.forms import localized

        form = localized(form, definition)
    return listed(
        *(
            _picked(c, values[c.key])
            for c in form.fields
            if c.options and isinstance(values.get(c.key), str) and values[c.key]
        )
    )


def _fired(event: dict, definition) -> Entry | None:
    if event["element"] == "pause_passed":
        return None  # no limit was missed; told from the ticket's pauses
    return Entry(
        event["at"],
        "alert-triangle",
        element_name(definition, event["element"]),
        gettext("%(at)s 到点", at=when(_instant(event["due"]))) if event.get("due") else "",
        kind="over",
    )


def _decided(event: dict, definition) -> Entry:
    rows = listed(*map(str, event.get("rules") or []), items=True)
    return Entry(
        event["at"],
        "table",
        element_name(definition, event["element"]),
        gettext("对上第 %(rows)s 行", rows=rows) if rows else "",
    )


def _retimed(event: dict, definition) -> Entry:
    before, after = (when(_instant(event[k])) if event.get(k) else "—" for k in ("before", "after"))
    return Entry(
        event["at"],
        "clock",
        gettext("改时限"),
        gettext(
            "%(what)s：%(before)s 改成 %(after)s",
            what=element_name(definition, event["element"]),
            before=before,
            after=after,
        ),
        hint=str(event.get("reason") or ""),
    )


def _assigned(event: dict, definition) -> Entry:
    whom = name_of(event.get("after")) or gettext("本部门")
    return Entry(
        event["at"],
        "user-plus",
        "",
        gettext(
            "%(what)s 归 %(whom)s，%(who)s",
            what=element_name(definition, event["element"]),
            whom=whom,
            who=name_of(event["actor"]),
        ),
        hint=str(event.get("reason") or ""),
    )


TOLD = {
    "step-undone": _undone,
    "task-completed": _completed,
    "timer-fired": _fired,
    "decision": _decided,
    "timer-retimed": _retimed,
    "task-assigned": _assigned,
    "task-claimed": _assigned,
}


def _noted(note) -> Entry:
    head, icon, kind = {
        "urge": (gettext("客户催办"), "bell-ringing", "mine"),
        "information": (gettext("客户补充"), "message-plus", "mine"),
        "said": (gettext("客户说"), "message-2", "mine"),
        "told": (gettext("告诉客户"), "phone", ""),
        "internal": (gettext("记一笔"), "pencil", ""),
    }.get(str(note.kind), (str(note.kind), "pencil", ""))
    return Entry(note.at, icon, head, gettext("%(who)s 记", who=name_of(note.by)), note.text, kind=kind)


def _mark_days(entries: list[Entry]) -> None:
    from webui.filters import now

    last = local(now()).date()
    for entry in entries:
        on = local(entry.at).date()
        if on != last:
            entry.day = day(on)
        last = on


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
