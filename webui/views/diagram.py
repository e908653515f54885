"""A procedure's diagram with a ticket on it: the walked path, where it stands, what is late, one token per open task."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from lxml import etree

from webui.filters import face, left, when
from webui.i18n import gettext, listed
from webui.people import name_of
from webui.views.story import element_name
from webui.words import role

LABEL_WIDTH = 90.0  # what the viewer gives a label that has no box


def state(card, process_key: str, now: datetime) -> dict:
    """What the viewer marks, as JSON. `version` changes with every step, so that the page knows when to look again."""
    here = [t for t in card.tasks if t.process_key == process_key]
    late = {t.element_id for t in here if t.due_at and t.due_at <= now}
    return {
        "done": sorted(set(card.walked) - card.standing),
        "now": sorted(card.standing - late),
        "late": sorted(late),
        "tokens": [_token(t, now) for t in here],
        "version": f"{card.ticket.version}.{sum(card.walked.values())}.{len(card.timeline)}",
    }


def _token(task, now: datetime) -> dict:
    who = task.assignee_name or name_of(task.assignee) or group_words(task)
    over = bool(task.due_at and task.due_at <= now)
    return {
        "element": task.element_id,
        "face": face(who),
        "text": left(task.due_at, now) if task.due_at else who,
        "kind": "over" if over else "",
    }


def now_words(open_tasks: list, definition_of) -> str:
    """Where it stands and what follows, in one or two sentences."""
    if not open_tasks:
        return gettext("现在没有等人办的事")
    parts = []
    for task in open_tasks:
        who = name_of(task.assignee) or group_words(task)
        name = element_name(definition_of(task.process_key), task.element_id)
        clause = gettext("（条款 %(c)s）", c=task.clause) if task.clause else ""
        text = gettext("现在：%(who)s %(name)s%(clause)s", who=who, name=name, clause=clause)
        parts.append(text + (gettext("，%(at)s 前", at=when(task.due_at)) if task.due_at else ""))
    following = next_words(definition_of(open_tasks[0].process_key), open_tasks[0].element_id)
    return (
        gettext("；").join(parts) + gettext("。") + (gettext("接着：%(next)s。", next=following) if following else "")
    )


def group_words(task) -> str:
    """The roles a task is offered to, in words; rows of the engine carry them as one text, the service's as a tuple."""
    groups = task.groups.strip("|").split("|") if isinstance(task.groups, str) else task.groups
    return listed(*(role(g) for g in groups if g), items=True)


def next_words(definition, element_id: str) -> str:
    """The user tasks that may follow an element, by the drawn flows; at most three."""
    if definition is None or element_id not in definition.diagram.elements:
        return ""
    names = [element_name(definition, e) for e in _following(definition.diagram, element_id)]
    return listed(*names[:3], items=True)


def _following(diagram, start: str) -> list[str]:
    """Breadth first over the flows until user tasks; out of a sub-process at its end. Boundary events are left out."""
    seen, found, queue = {start}, [], [start]
    while queue:
        element = diagram.elements[queue.pop(0)]
        targets = [diagram.flows[f].target for f in element.outgoing]
        if not targets and element.scope in diagram.elements:
            targets = [element.scope]  # the sub-process goes on where it is left
        for target in targets:
            entry = diagram.elements[target]
            if entry.kind == "subProcess" and entry.id != element.scope:
                target = next((e.id for e in diagram.inside(entry.id) if e.kind == "startEvent"), target)
            if target in seen:
                continue
            seen.add(target)
            if diagram.elements[target].kind == "userTask":
                found.append(target)
            else:
                queue.append(target)
    return found


def renamed(xml: bytes, names: dict[str, str]) -> bytes:
    """The same diagram with other names, by element id; what has none keeps its own. Boxes of labels fit longer words."""
    tree = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    for element in tree.iter(etree.Element):
        if element.get("id") in names and element.get("name"):
            element.set("name", str(names[element.get("id")]))
        elif element.get("bpmnElement") in names:
            for box in element.findall("{*}BPMNLabel/{*}Bounds"):
                _widened(box)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


def _widened(box) -> None:
    missing = LABEL_WIDTH - float(box.get("width", 0))
    if missing > 0:
        box.set("x", str(float(box.get("x", 0)) - missing / 2))
        box.set("width", str(LABEL_WIDTH))


def of_ticket(ticket, open_tasks: list, definition_of) -> dict | None:
    if not ticket.instance_id:
        return None
    return {
        "xml": url_for("tickets.diagram", number=ticket.number),
        "state": url_for("tickets.state", number=ticket.number),
        "words": now_words(open_tasks, definition_of),
    }


def why(task) -> str:
    """Why this person sees this task."""
    if task.assignee:
        return gettext("这件事指定给了%(who)s", who=name_of(task.assignee))
    return gettext("%(groups)s都可以办，谁先办算谁的", groups=group_words(task))
