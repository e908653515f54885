"""What changed between two editions of a procedure, element by element, and how much it matters to instances that run.

Cosmetic: people read it, nothing runs by it. Compatible: an instance may be moved without anybody being surprised. Semantic: the
moved instance goes other ways, or asks for other things, than the one that was started. One table, `RULES`, holds every rule.
Surprise: what hangs on an added boundary event alone is part of that event, so a new escalation path is compatible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import cached_property

from lxml import etree

from engine.definitions import Procedure
from engine.dialect import Diagram, Element, EventKind, Flow, Kind
from engine.forms import Form

DRAWN = ("{http://www.omg.org/spec/BPMN/20100524/DI}BPMNDiagram", "{https://www.omg.org/spec/DMN/20191111/DMNDI/}DMNDI")
JOINS = (Kind.PARALLEL, Kind.INCLUSIVE)
NAMES_OF_SHEET = ("variables", "messages")
TEXTS_OF_FIELD = frozenset({"id", "label", "description", "text", "prefix", "suffix", "properties", "children", "hides"})


class Weight(StrEnum):
    """How much a difference matters to a running instance."""

    COSMETIC = "cosmetic"
    COMPATIBLE = "compatible"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `element`: its id in the new edition, or in the old one where it is gone; a file or form id; None for the whole."""

    element: str | None
    what: str  # id of the rule that found it
    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change and how it is found: (element, text) for each."""

    what: str
    weight: Weight
    says: str
    find: Callable[[Editions], Iterable[tuple[str | None, str]]]


def compare(old: Procedure | Diagram, new: Procedure | Diagram, mapping: Mapping[str, str] | None = None) -> list[Difference]:
    """Every difference, the weightiest first. `mapping`: old element id -> new one where an element has another id now.

    Two diagrams are compared as such; two procedures with their forms, tables, texts and control sheets.
    """
    editions = Editions(old, new, mapping or {})
    order = list(Weight)[::-1]
    found = [Difference(element, rule.what, rule.weight, text) for rule in RULES for element, text in rule.find(editions)]
    return sorted(found, key=lambda difference: order.index(difference.weight))


class Names:
    """Which element and flow of a new diagram stands for one of the old: by the mapping, else by the same id."""

    def __init__(self, old: Diagram, new: Diagram, mapping: Mapping[str, str]):
        self.old, self.new, self.mapping = old, new, mapping

    def element(self, id: str | None) -> str | None:
        """The id in the new diagram, whether or not it has it. The process itself stands for itself."""
        return self.new.key if id == self.old.key else self.mapping.get(id, id)

    def counterpart(self, element: Element) -> Element | None:
        return self.new.elements.get(self.element(element.id))

    def flow(self, id: str | None) -> str | None:
        """The flow by which a token comes to the same element; None where it comes in no more."""
        if id is None or id not in self.old.flows:
            return id
        was = self.old.flows[id]
        source, target = self.element(was.source), self.element(was.target)
        same = self.new.flows.get(self.mapping.get(id, id))
        if same is not None and same.target == target:
            return same.id
        found = [f.id for f in self.new.flows.values() if (f.source, f.target) == (source, target)]
        return found[0] if len(found) == 1 else None


class Editions:
    """The two sides of a comparison, paired."""

    def __init__(self, old: Procedure | Diagram, new: Procedure | Diagram, mapping: Mapping[str, str]):
        self.before, self.after = (side if isinstance(side, Procedure) else None for side in (old, new))
        self.old, self.new = (side.diagram if isinstance(side, Procedure) else side for side in (old, new))
        self.names = Names(self.old, self.new, mapping)

    @cached_property
    def pairs(self) -> list[tuple[Element, Element]]:
        found = ((element, self.names.counterpart(element)) for element in self.old.elements.values())
        return [(was, now) for was, now in found if now is not None]

    @cached_property
    def added(self) -> dict[str, Element]:
        known = {now.id for _, now in self.pairs}
        return {e.id: e for e in self.new.elements.values() if e.id not in known}

    @cached_property
    def removed(self) -> dict[str, Element]:
        known = {was.id for was, _ in self.pairs}
        return {e.id: e for e in self.old.elements.values() if e.id not in known}

    @cached_property
    def flows(self) -> list[tuple[Flow, Flow]]:
        """Flows that lead from and to the same elements."""
        left, found = dict(self.new.flows), []
        for was in sorted(self.old.flows.values(), key=lambda f: self.names.mapping.get(f.id, f.id) not in left):
            ends = (self.names.element(was.source), self.names.element(was.target))
            same = left.get(self.names.mapping.get(was.id, was.id))
            if same is None or (same.source, same.target) != ends:
                same = next((f for f in left.values() if (f.source, f.target) == ends), None)
            if same is not None:
                found.append((was, left.pop(same.id)))
        return found

    @cached_property
    def new_boundaries(self) -> list[Element]:
        """Added boundary events of activities that were there, one that undoes apart: it changes what is done."""
        return [e for e in self.added.values() if e.kind is Kind.BOUNDARY and e.attached_to not in self.added
                and e.event.kind is not EventKind.COMPENSATION]

    @cached_property
    def beside(self) -> frozenset[str]:
        """Added elements that are reached by an added boundary event only."""
        inner = {e.id: {i.id for i in self.new.inside(e.id)} for e in self.added.values() if e.kind is Kind.SUBPROCESS}
        found, waiting = set(), [e.id for e in self.new_boundaries]
        while waiting:
            current = waiting.pop()
            if current in found or current not in self.added:
                continue
            found.add(current)
            waiting += [self.new.flows[f].target for f in self.new.elements[current].outgoing]
            waiting += [e.id for e in self.new.boundary_of(current)] + sorted(inner.get(current, ()))
        while True:  # what comes from elsewhere too is no longer beside
            mixed = {id for id in found if any(self.new.flows[f].source not in found for f in self.new.elements[id].incoming)}
            if not mixed:
                return frozenset(found)
            found -= mixed

    @cached_property
    def forms(self) -> list[tuple[str, Form, Form]]:
        if not (self.before and self.after):
            return []
        return [(id, form, self.after.forms[id]) for id, form in self.before.forms.items() if id in self.after.forms]

    def fields(self) -> Iterator[tuple[str, object, object]]:
        """(form/key, field before, field after) of the fields that both have."""
        for id, old, new in self.forms:
            for field in old.fields:
                if field.key in new.keys:
                    yield f"{id}/{field.key}", field, new.field(field.key)

    def sheets(self) -> tuple[dict, dict]:
        return tuple(side.control_sheet if side else {} for side in (self.before, self.after))


# --- how rules find ----------------------------------------------------------------------------------------------------------

def _changed(*names: str, ids: bool = False):
    """Elements that have another value in one of these fields. ids: the values are ids of elements."""
    def find(editions: Editions):
        for was, now in editions.pairs:
            for name in names:
                before, after = getattr(was, name), getattr(now, name)
                if (editions.names.element(before) if ids else before) != after:
                    yield now.id, f"{name} is {_short(after)}, was {_short(before)}."
    return find


def _short(value) -> str:
    text = "nothing" if value in (None, "", (), {}) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _labels(editions: Editions):
    yield from _changed("name")(editions)
    if editions.old.name != editions.new.name:
        yield editions.new.key, f"the process is called {_short(editions.new.name)}, was {_short(editions.old.name)}."
    yield from ((now.id, f"the flow is called {_short(now.name)}, was {_short(was.name)}.") for was, now in editions.flows
                if was.name != now.name)


def _drawing(editions: Editions):
    if editions.before and editions.after:
        old, new = (_drawn(side, True) for side in (editions.before, editions.after))
        yield from ((name, "it is drawn in another way.") for name in sorted(old.keys() & new.keys()) if old[name] != new[name])
    elif editions.old.shapes != editions.new.shapes:
        yield None, "other shapes are drawn."
    if editions.old.documentation_only != editions.new.documentation_only:
        yield None, "annotations, groups, lanes or data objects changed."


def _drawn(procedure: Procedure, wanted: bool) -> dict[str, bytes]:
    """File -> the part of a diagram or table that is only drawn (`wanted`), or all but that."""
    found = {}
    for name, content in procedure.files.items():
        if "/" in name or not name.endswith((".bpmn", ".dmn")):
            continue
        root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False,
                                                         remove_comments=True, remove_blank_text=True))
        drawn = [child for child in root if child.tag in DRAWN]
        if not wanted:
            for child in drawn:
                root.remove(child)
        found[name] = b"".join(etree.tostring(child, method="c14n") for child in (drawn if wanted else [root]))
    return found


def _tables(editions: Editions):
    if not (editions.before and editions.after):
        return
    old, new = (_drawn(side, False) for side in (editions.before, editions.after))
    tables = sorted(name for name in old.keys() | new.keys() if name.endswith(".dmn"))
    for name in tables:
        if old.get(name) != new.get(name):
            yield name, "the table is new." if name not in old else "the table is gone." if name not in new else "the table changed."


def _english(editions: Editions):
    if editions.before and editions.after and editions.before.translations != editions.after.translations:
        yield "en.yaml", "English texts changed."


def _sheet(editions: Editions):
    old, new = editions.sheets()
    names = sorted(n for n in old.keys() | new.keys() if n not in NAMES_OF_SHEET and old.get(n) != new.get(n))
    if names:
        yield "control-sheet.yaml", f"changed: {', '.join(names)}."


def _declared(sheet: dict) -> set[str]:
    return set(sheet.get("variables") or {}) | {f"{message}/{name}" for message, brought in (sheet.get("messages") or {}).items()
                                               for name in [*(brought or {}), ""]}


def _sheet_names(removed: bool):
    def find(editions: Editions):
        old, new = map(_declared, editions.sheets())
        for name in sorted(old - new if removed else new - old):
            yield "control-sheet.yaml", f"{name.rstrip('/')} is declared {'no more' if removed else 'now'}."
    return find


def _timers(editions: Editions):
    for was, now in editions.pairs:
        if _same_timer(was, now) and was.event.expression != now.event.expression:
            yield now.id, f"the time is {_short(now.event.expression)}, was {_short(was.event.expression)}."


def _same_timer(was: Element, now: Element) -> bool:
    return was.event.kind is now.event.kind is EventKind.TIMER and was.event.timer is now.event.timer


def _events(editions: Editions):
    for was, now in editions.pairs:
        before, after = replace(was.event, activity=editions.names.element(was.event.activity)), now.event
        if _same_timer(was, now):
            before = replace(before, expression=after.expression)
        for field in fields(before):
            if getattr(before, field.name) != getattr(after, field.name):
                yield now.id, f"its event's {field.name} is {_short(getattr(after, field.name))}, was {_short(getattr(before, field.name))}."


def _added_boundaries(editions: Editions):
    yield from ((e.id, f"{e.name} is new on {e.attached_to}.") for e in editions.new_boundaries)


def _added_elements(editions: Editions):
    yield from ((e.id, f"{e.name} ({e.kind}) is new.") for e in editions.added.values() if e.id not in editions.beside)


def _removed_elements(editions: Editions):
    yield from ((e.id, f"{e.name} ({e.kind}) is gone.") for e in editions.removed.values())


def _conditions(editions: Editions):
    for was, now in editions.flows:
        if (was.condition, was.default) != (now.condition, now.default):
            yield now.id, f"its condition is {_condition(now)}, was {_condition(was)}."


def _condition(flow: Flow) -> str:
    return "the default" if flow.default else _short(flow.condition)


def _added_flows(editions: Editions):
    """But for those by which an added boundary event's branch goes on, where nothing waits for its token."""
    known = {now.id for _, now in editions.flows}
    for flow in editions.new.flows.values():
        if flow.id not in known and (flow.source not in editions.beside or editions.new.elements[flow.target].kind in JOINS
                                     and flow.target not in editions.beside):
            yield flow.id, f"the flow from {flow.source} to {flow.target} is new."


def _removed_flows(editions: Editions):
    known = {was.id for was, _ in editions.flows}
    yield from ((f.id, f"the flow from {f.source} to {f.target} is gone.") for f in editions.old.flows.values() if f.id not in known)


def _flow_order(editions: Editions):
    now_of = {was.id: now.id for was, now in editions.flows}
    for was, now in editions.pairs:
        if was.kind is not Kind.EXCLUSIVE:
            continue
        kept = [now_of[f] for f in was.outgoing if f in now_of]
        if kept != [f for f in now.outgoing if f in kept]:
            yield now.id, "its conditions are asked in another order."


def _removed_fields(editions: Editions):
    for id, old, new in editions.forms:
        yield from ((f"{id}/{key}", "the field is gone.") for key in old.keys if key not in new.keys)


def _added_fields(required: bool):
    def find(editions: Editions):
        for id, old, new in editions.forms:
            for field in new.fields:
                if field.key not in old.keys and field.required is required:
                    yield f"{id}/{field.key}", f"the field is new{' and must be filled in' if required else ''}."
    return find


def _required(now_required: bool):
    def find(editions: Editions):
        for where, was, now in editions.fields():
            if was.required is not now_required and now.required is now_required:
                yield where, "the field must be filled in now." if now_required else "the field may be left empty now."
    return find


def _field_rules(editions: Editions):
    for where, was, now in editions.fields():
        for field in fields(was):
            if field.name in TEXTS_OF_FIELD or field.name == "required":
                continue
            before, after = getattr(was, field.name), getattr(now, field.name)
            if field.name == "options":
                before, after = (tuple(option.value for option in options) for options in (before, after))
            if before != after:
                yield where, f"{field.name} is {_short(after)}, was {_short(before)}."


def _form_texts(editions: Editions):
    for id, old, new in editions.forms:
        if _texts(old) != _texts(new) and not any(where.startswith(f"{id}/") for rule in (
                _field_rules, _removed_fields, _added_fields(True), _added_fields(False)) for where, _ in rule(editions)):
            yield id, "texts, groups or the order of fields changed."


def _texts(form: Form) -> list:
    return [(c.type, c.key, c.label, c.description, c.text, c.prefix, c.suffix, c.properties, tuple(o.label for o in c.options))
            for c in form.walk()]


COSMETIC, COMPATIBLE, SEMANTIC = Weight
RULES: tuple[Rule, ...] = (
    Rule("label", COSMETIC, "An element, a flow or the process is called otherwise.", _labels),
    Rule("documentation", COSMETIC, "The documentation of an element changed.", _changed("documentation")),
    Rule("lane", COSMETIC, "An element stands in another lane; the group that this gives is told apart.", _changed("lane")),
    Rule("drawing", COSMETIC, "Shapes, lines, annotations or data objects are drawn otherwise.", _drawing),
    Rule("english", COSMETIC, "English texts changed.", _english),
    Rule("control-sheet", COSMETIC, "The control sheet changed, apart from what it declares.", _sheet),
    Rule("form-texts", COSMETIC, "Labels, descriptions, groups or the order of a form changed.", _form_texts),
    Rule("due", COMPATIBLE, "Due date, follow-up date or priority follows another rule.", _changed("due", "follow_up", "priority")),
    Rule("who", COMPATIBLE, "Candidate groups or assignee follow another rule.", _changed("groups", "assignee")),
    Rule("time", COMPATIBLE, "A timer has another time of the same sort (instant, duration, cycle).", _timers),
    Rule("properties", COMPATIBLE, "Clause, record or another property changed.", _changed("properties")),
    Rule("boundary-added", COMPATIBLE, "An activity has a boundary event more, with what follows it.", _added_boundaries),
    Rule("field-added", COMPATIBLE, "A form has a field more, which may be left empty.", _added_fields(False)),
    Rule("field-optional", COMPATIBLE, "A field may be left empty now.", _required(False)),
    Rule("name-added", COMPATIBLE, "The control sheet declares a variable or message more.", _sheet_names(False)),
    Rule("element-removed", SEMANTIC, "An element is gone.", _removed_elements),
    Rule("element-added", SEMANTIC, "An element is new and not reached by an added boundary event alone.", _added_elements),
    Rule("kind", SEMANTIC, "An element is of another kind.", _changed("kind")),
    Rule("place", SEMANTIC, "An element stands in another sub-process or on another activity, or is undone by another one.",
         _changed("scope", "attached_to", "handler", ids=True)),
    Rule("marker", SEMANTIC, "An element has another marker: several times, loop, event sub-process, transaction, compensation, interrupting.",
         _changed("multi", "loop", "interrupting", "triggered_by_event", "transaction", "for_compensation")),
    Rule("event", SEMANTIC, "An event waits for or does something else.", _events),
    Rule("operation", SEMANTIC, "An operation, script, decision or its result variable changed.",
         _changed("operation", "script", "decision", "result")),
    Rule("mappings", SEMANTIC, "Input or output mappings changed.", _changed("inputs", "outputs")),
    Rule("call", SEMANTIC, "Another procedure or version is called, or other variables come back.",
         _changed("called", "binding", "version_tag", "propagate_all")),
    Rule("condition", SEMANTIC, "A flow has another condition, or another flow is the default.", _conditions),
    Rule("flow-removed", SEMANTIC, "A flow is gone.", _removed_flows),
    Rule("flow-added", SEMANTIC, "A flow is new and not part of an added boundary event's branch.", _added_flows),
    Rule("flow-order", SEMANTIC, "An exclusive gateway asks its conditions in another order.", _flow_order),
    Rule("table", SEMANTIC, "A decision table changed, apart from its drawing.", _tables),
    Rule("form", SEMANTIC, "A task has another form.", _changed("form")),
    Rule("field-removed", SEMANTIC, "A form has a field less.", _removed_fields),
    Rule("field-required", SEMANTIC, "A field that was there must be filled in now.", _required(True)),
    Rule("field-added-required", SEMANTIC, "A form has a field more, which must be filled in.", _added_fields(True)),
    Rule("field-rule", SEMANTIC, "A field takes other values: type, limits, options, default, when it is hidden.", _field_rules),
    Rule("name-removed", SEMANTIC, "The control sheet declares a variable or message less.", _sheet_names(True)),
)
