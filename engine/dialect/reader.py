"""Reads one BPMN file into a `Diagram`, collecting every fault."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from lxml import etree

from engine.dialect.allowed import (
    ALWAYS_INTERRUPT,
    ATTRIBUTE_FIELDS,
    BINDINGS,
    BPMN,
    DATA_LINES,
    DI,
    DOCUMENTATION,
    EVENT_TAGS,
    EVENTS,
    EXTENSION_ATTRIBUTES,
    EXTENSION_REMEDIES,
    EXTENSIONS,
    FIXED_ATTRIBUTES,
    LOOP_FIELDS,
    MARKERS,
    MAX_ATTRIBUTES,
    MAX_BYTES,
    MAX_FLOWS,
    MAX_MARKS,
    MAX_NESTING,
    MAX_NODES,
    OTHER_ENGINES,
    PLUMBING,
    READ_CHECKS,
    REFUSED,
    ROOT_DOCUMENTATION,
    TIMER_TAGS,
    ZEEBE,
)
from engine.dialect.model import ACTIVITIES, Diagram, Element, Event, EventKind, Fault, Flow, Kind, Loop, Mapping, Multi
from engine.dialect.texts import BadText, after_equals, feel_or_text, feel_text, timer_expression, variable_name


def read(xml: bytes | str, file: str) -> tuple[Diagram | None, list[Fault]]:
    """The one executable process of a BPMN file, and every fault found on the way.

    The diagram is None where the file as a whole is refused. With faults (other than warnings) it may not be deployed;
    it is given all the same, so that checks can report theirs in the same run. Never raises, whatever the bytes are.
    """
    reader = _Reader(file)
    root = reader.parse(xml.encode("utf-8", "surrogatepass") if isinstance(xml, str) else xml)
    return (None if root is None else reader.diagram(root)), reader.faults


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    group: str | None


@dataclass(frozen=True, slots=True)
class _Message:
    name: str
    correlation_key: str | None


class _Reader:
    """Reads one file. Every method adds to `faults` what it refuses and goes on with the rest."""

    def __init__(self, file: str):
        self.file = file
        self.faults: list[Fault] = []
        self.elements: dict[str, Element] = {}
        self.flows: dict[str, Flow] = {}
        self.documentation: list[str] = []
        self.refused: set[str] = set()
        self.ids: set[str] = set()
        self.messages: dict[str, _Message | None] = {}
        self.named: dict[str, str | None] = {}  # id of a signal, error or escalation -> its name or code
        self.associations: list[tuple[str, str]] = []
        self.version_tag: str | None = None
        self.lanes: dict[str, _Lane] = {}
        self.defaults: dict[str, str] = {}  # flow id -> gateway that names it as default

    def fault(self, check: str, element: str | None, reason: str, remedy: str | None = None) -> None:
        self.faults.append(Fault(self.file, element, reason, remedy or READ_CHECKS[check][1], check))

    def text(self, check: str, element: str | None, convert, text: str):
        """convert(text), or None with a fault where the text is not fit."""
        try:
            return convert(text)
        except BadText as bad:
            self.fault(check, element, str(bad), bad.remedy)
            return None

    # the file

    def parse(self, xml: bytes):
        if not xml.strip():
            return self.fault("readable", None, "The file is empty.")
        if len(xml) > MAX_BYTES:
            return self.fault("readable", None, f"The file has {len(xml):,} bytes, more than {MAX_BYTES:,}.",
                              READ_CHECKS["too-large"][1])
        for what, most, found in (("tags", MAX_MARKS, xml.count(b"<")), ("attributes", MAX_ATTRIBUTES, xml.count(b"="))):
            if found > most:
                return self.fault("too-large", None, f"The file has about {found:,} {what}, more than {most:,}.")
        if re.search(rb"<!\s*DOCTYPE", xml.replace(b"\0", b""), re.IGNORECASE):
            return self.fault("readable", None, "The file has a DOCTYPE.", "Remove the DOCTYPE line and all entities.")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
                                 huge_tree=False, remove_comments=True, remove_pis=True)
        try:
            root = etree.fromstring(xml, parser)
        except (etree.LxmlError, ValueError, LookupError) as error:
            return self.fault("readable", None, f"The file is not XML: {str(error)[:200]}.")
        if root is None or root.getroottree().docinfo.internalDTD is not None:
            return self.fault("readable", None, "The file has a DOCTYPE.", "Remove the DOCTYPE line and all entities.")
        if root.tag != f"{{{BPMN}}}definitions":
            return self.fault("readable", None, f"The file is not BPMN 2.0: its root is {_shown(root.tag)}.")
        return root

    def diagram(self, root) -> Diagram | None:
        process = self.executable_process(root)
        if process is None or not self.fits(process):
            return None
        key = process.get("id") or ""
        if not key:
            return self.fault("unique-id", None, "The process has no id.", "Set the process id to the folder's name.")
        self.ids.add(key)
        self.root_elements(root, process)
        self.process_extensions(process, key)
        self.foreign_attributes(process, key)
        self.scope(process, key, 0)
        return Diagram(key, _label(process, key), self.joined_elements(), self.joined_flows(),
                       tuple(dict.fromkeys(self.documentation)), _shapes(root), frozenset(self.refused), self.file,
                       self.version_tag)

    def executable_process(self, root):
        """The executable process. Where there is not exactly one, the fault is told and the largest is read all the same, so that
        an author who brings a file from elsewhere sees everything at once.
        """
        processes = list(root.iterfind(_b("process")))
        executable = [p for p in processes if p.get("isExecutable") in ("true", "1")]
        if len(executable) == 1:
            return executable[0]
        if executable:
            names = ", ".join(p.get("id") or "?" for p in executable[:5])
            self.fault("one-process", None, f"Several processes are executable: {names}.")
        else:
            self.fault("one-process", None, "No process of the file is executable.")
        return max(executable or processes, key=len, default=None)

    def fits(self, process) -> bool:
        nodes = flows = 0
        for node in process.iterdescendants():
            namespace, tag = _split(node.tag)
            if namespace == BPMN:
                flows += tag == "sequenceFlow"
                nodes += tag in NODE_TAGS
        if nodes > MAX_NODES:
            self.fault("too-large", None, f"The process has {nodes} nodes, more than {MAX_NODES}.")
        if flows > MAX_FLOWS:
            self.fault("too-large", None, f"The process has {flows} flows, more than {MAX_FLOWS}.")
        return nodes <= MAX_NODES and flows <= MAX_FLOWS

    def root_elements(self, root, process) -> None:
        for child in root:
            namespace, tag = _split(child.tag)
            if namespace != BPMN or child is process:
                continue
            if tag == "message":
                self.message(child)
            elif tag in _NAMED:
                self.named_event(child, tag)
            elif tag == "process" or tag in ("collaboration", "category"):
                self.documentation += [n.get("id") for n in child.iter() if n.get("id")]
            elif tag not in ROOT_DOCUMENTATION:
                self.refuse(child, tag)

    def message(self, node) -> None:
        identity, name, key = node.get("id") or "", (node.get("name") or "").strip(), None
        if name.startswith("="):
            self.fault("fixed-name", identity, f"The message name {name!r} is an expression.", "Write the name itself.")
        for extension in self.extensions(node, identity, frozenset({"subscription"})):
            text = extension.get("correlationKey") or ""
            key = self.text("expression-text", identity, feel_or_text, text) if text.strip() else None
        self.messages[identity] = _Message(name, key) if name else None

    def named_event(self, node, tag: str) -> None:
        """A signal by its name, an error or escalation by its code (or name, where it has no code)."""
        identity, name = node.get("id") or "", (node.get(_NAMED[tag]) or node.get("name") or "").strip()
        if name.startswith("="):
            self.fault("fixed-name", identity, f"The {tag} {name!r} is an expression.", "Write the name or code itself.")
        self.named[identity] = name or None

    def process_extensions(self, process, key: str) -> None:
        for extension in self.extensions(process, key, frozenset({"properties", "versionTag"})):
            if _split(extension.tag)[1] == "properties":
                self.properties(extension, key)
            else:
                self.version_tag = (extension.get("value") or "").strip() or None

    # what stands in a process or sub-process

    def scope(self, node, scope: str, depth: int) -> None:
        for lane_set in node.iterfind(_b("laneSet")):
            self.lane_set(lane_set)
        for child in node:
            namespace, tag = _split(child.tag)
            if namespace != BPMN:
                self.fault("unknown-extension", scope, f"The element {_shown(child.tag)} is not BPMN.")
            elif tag == "sequenceFlow":
                self.flow(child)
            elif tag in KIND_BY_TAG:
                self.element(child, KIND_BY_TAG[tag], scope, depth)
            elif tag in DOCUMENTATION:
                if tag == "association":
                    self.associations.append((_local(child.get("sourceRef")), _local(child.get("targetRef"))))
                self.documentation += [n.get("id") for n in child.iter() if n.get("id")]
            elif tag not in PLUMBING and tag not in DATA_LINES and not (depth and tag in MARKERS):
                self.refuse(child, tag, child.get("id") or scope)

    def refuse(self, node, tag: str, element: str | None = None) -> None:
        reason, remedy = REFUSED.get(tag, (f"The element {tag} is not part of the dialect.", None))
        if tag in NODE_TAGS and node.get("id"):
            self.refused.add(node.get("id"))
        self.fault("unknown-element", element or node.get("id") or _label(node, tag), reason, remedy)

    def new_id(self, node, tag: str) -> str | None:
        identity = node.get("id")
        if not identity:
            return self.fault("unique-id", None, f"The {tag} {node.get('name') or ''} has no id.".replace("  ", " "))
        if not re.fullmatch(r"[^\W\d][\w.-]{0,99}", identity):
            return self.fault("unique-id", identity[:100], "The id is no XML name.", "Use letters, digits, '_', '-', '.'.")
        if identity in self.ids:
            return self.fault("unique-id", identity, f"The id {identity} is used twice.")
        self.ids.add(identity)
        return identity

    def lane_set(self, node) -> None:
        for lane in node.iterfind(_b("lane")):
            named = _Lane(_label(lane, lane.get("id") or ""), self.lane_group(lane))
            for reference in lane.iterfind(_b("flowNodeRef")):
                self.lanes[(reference.text or "").strip()] = named
            for child in lane.iterfind(_b("childLaneSet")):
                self.lane_set(child)

    def lane_group(self, lane) -> str | None:
        """The group a lane stands for: its property `group`, or its name."""
        properties: dict[str, str] = {}
        for extension in self.extensions(lane, lane.get("id"), frozenset({"properties"})):
            properties |= self.properties(extension, lane.get("id"))
        return properties.get("group") or (lane.get("name") or "").strip() or None

    def flow(self, node) -> None:
        identity = self.new_id(node, "sequence flow")
        if identity is None:
            return
        condition = None
        for child in node:
            namespace, tag = _split(child.tag)
            if tag == "conditionExpression" and namespace == BPMN:
                condition = self.condition(child, identity)
            elif tag == "extensionElements" and namespace == BPMN:
                list(self.extensions(node, identity, frozenset({"properties"})))
            elif tag not in PLUMBING or namespace != BPMN:
                self.refuse(child, tag, identity)
        self.foreign_attributes(node, identity)
        self.flows[identity] = Flow(identity, node.get("sourceRef") or "", node.get("targetRef") or "",
                                    _label(node, ""), condition)

    def condition(self, node, flow_id: str) -> str | None:
        text = "".join(node.itertext()).strip()
        if not text:
            return None
        if not text.startswith("="):
            return self.fault("expression-text", flow_id, f"The condition {text[:60]!r} does not start with '='.",
                              "Write the condition as FEEL after '=', such as =urgency = \"urgent\".")
        return self.text("expression-text", flow_id, after_equals, text)

    def element(self, node, kind: Kind, scope: str, depth: int) -> None:
        identity = self.new_id(node, kind.value)
        if identity is None:
            return
        self.markers(node, identity)
        self.foreign_attributes(node, identity)
        event = self.event(node, kind, identity)
        self.children(node, kind, identity)
        if event is None:
            self.refused.add(identity)
            return
        fields = self.element_extensions(node, kind, identity)
        if kind in ACTIVITIES:
            fields |= self.repeated(node, identity)
        lane = self.lanes.get(identity) or self.lanes.get(scope)
        if lane:
            self.lanes.setdefault(identity, lane)
            if kind is Kind.USER and lane.group and not fields.get("groups") and not fields.get("assignee"):
                fields["groups"] = feel_text(lane.group)
        if node.get("default"):
            self.defaults[node.get("default")] = identity
        self.elements[identity] = Element(
            identity, kind, _label(node, identity), scope, lane=lane.name if lane else None,
            documentation=" ".join(" ".join(d.itertext()).strip() for d in node.iterfind(_b("documentation"))),
            event=event, attached_to=_local(node.get("attachedToRef")) if kind is Kind.BOUNDARY else None,
            interrupting=_interrupting(node, kind, event), triggered_by_event=node.get("triggeredByEvent") in ("true", "1"),
            transaction=_split(node.tag)[1] == "transaction", for_compensation=node.get("isForCompensation") in ("true", "1"),
            **fields)
        if kind is Kind.SUBPROCESS:
            self.sub_process(node, identity, depth + 1)

    def sub_process(self, node, identity: str, depth: int) -> None:
        if depth > MAX_NESTING:
            self.fault("too-large", identity, f"Sub-processes are nested more than {MAX_NESTING} deep.")
            return
        self.scope(node, identity, depth)

    def markers(self, node, identity: str) -> None:
        for attribute, (allowed, reason, remedy) in FIXED_ATTRIBUTES.items():
            value = node.get(attribute)
            if value is not None and value not in allowed:
                self.fault("unknown-element", identity, reason, remedy)

    def foreign_attributes(self, node, identity: str) -> None:
        for attribute in node.attrib:
            namespace, name = _split(attribute)
            if namespace in OTHER_ENGINES:
                self.fault("unknown-extension", identity, f"The attribute {name} belongs to another engine.",
                           "Remove it; the properties panel for Camunda 8 (zeebe) has the field that is read here.")

    def children(self, node, kind: Kind, identity: str) -> None:
        """Refuse what the element contains and nobody reads. `event` reads definitions, `scope` reads sub-processes."""
        if kind is Kind.SUBPROCESS:
            return
        allowed = PLUMBING | (DATA_LINES if kind in ACTIVITIES or kind in EVENTS else frozenset())
        if kind in ACTIVITIES:
            allowed |= MARKERS
        for child in node:
            namespace, tag = _split(child.tag)
            if namespace != BPMN:
                self.fault("unknown-extension", identity, f"The element {_shown(child.tag)} is not BPMN.")
            elif tag not in allowed and not (kind in EVENTS and _is_definition(tag)):
                self.refuse(child, tag, identity)

    # events

    def event(self, node, kind: Kind, identity: str) -> Event | None:
        """What the event waits for; Event() for what is no event; None with a fault where it cannot be executed."""
        if kind is Kind.RECEIVE or kind is Kind.SEND and not self.has_operation(node):
            return self.message_event(node, identity)
        if kind not in EVENTS:
            return Event()
        definitions = [c for c in node if _is_definition(_split(c.tag)[1])]
        if len(definitions) > 1:
            return self.fault("event-definition", identity, "The event has several definitions.", "Use one event each.")
        tag = _split(definitions[0].tag)[1] if definitions else ""
        if definitions and tag not in EVENT_TAGS:
            return self.refuse(definitions[0], tag, identity)
        event_kind = EVENT_TAGS.get(tag, EventKind.NONE)
        if event_kind not in EVENTS[kind]:
            if kind is Kind.START and event_kind is EventKind.COMPENSATION:
                return self.fault("event-definition", identity, *REFUSED["compensation start"])
            what = "without a definition" if event_kind is EventKind.NONE else f"with a {event_kind.value} definition"
            return self.fault("event-definition", identity, f"A {kind.value} {what} is not executed.")
        if event_kind is EventKind.NONE or event_kind in (EventKind.TERMINATE, EventKind.CANCEL):
            return Event(event_kind)
        if event_kind is EventKind.MESSAGE and kind in (Kind.THROW, Kind.END) and self.has_operation(node):
            return Event(event_kind)
        return _EVENT_READERS[event_kind](self, definitions[0], kind, identity)

    def has_operation(self, node) -> bool:
        """Whether a send task or throwing message event calls an operation, as Camunda 8 draws it."""
        return node.find(f"{_b('extensionElements')}/{{{ZEEBE}}}taskDefinition") is not None

    def signal(self, definition, kind: Kind, identity: str) -> Event:
        name = self.named.get(_local(definition.get("signalRef")))
        if name is None:
            self.fault("event-definition", identity, "The event names no signal, or the signal has no name.",
                       "Pick or create the signal in the properties panel and name it.")
        return Event(EventKind.SIGNAL, name=name)

    def coded(self, definition, kind: Kind, identity: str) -> Event:
        """An error or escalation. A catching event without a code takes any."""
        event_kind = EVENT_TAGS[_split(definition.tag)[1]]
        reference = _local(definition.get(f"{event_kind.value}Ref"))
        code = self.named.get(reference)
        if code is None and (reference or kind in (Kind.THROW, Kind.END)):
            self.fault("event-definition", identity, f"The event names no {event_kind.value}, or it has no code.",
                       f"Pick or create the {event_kind.value} in the properties panel and give it a code.")
        return Event(event_kind, name=code)

    def conditional(self, definition, kind: Kind, identity: str) -> Event:
        condition = definition.find(_b("condition"))
        text = "" if condition is None else "".join(condition.itertext()).strip()
        if not text.startswith("="):
            self.fault("expression-text", identity, f"The condition {text[:60]!r} does not start with '='.")
            return Event(EventKind.CONDITION)
        return Event(EventKind.CONDITION, expression=self.text("expression-text", identity, after_equals, text))

    def compensation(self, definition, kind: Kind, identity: str) -> Event:
        if definition.get("waitForCompletion") in ("false", "0"):
            self.fault("event-definition", identity, "The compensation is not waited for.", "Set waitForCompletion.")
        return Event(EventKind.COMPENSATION, activity=_local(definition.get("activityRef")) or None)

    def link(self, definition, kind: Kind, identity: str) -> Event:
        name = (definition.get("name") or "").strip()
        if not name:
            self.fault("event-definition", identity, "The link event has no name.", "Give both ends the same link name.")
        return Event(EventKind.LINK, name=name or None)

    # what is done several times

    def repeated(self, node, identity: str) -> dict:
        """The multi-instance or loop marker of an activity."""
        markers = [c for c in node if _split(c.tag) in ((BPMN, m) for m in MARKERS)]
        if len(markers) > 1:
            self.fault("unknown-element", identity, "The activity has several markers.", "Keep one marker.")
        if not markers:
            return {}
        if _split(markers[0].tag)[1] == "standardLoopCharacteristics":
            return {"loop": self.standard_loop(markers[0], identity)}
        return {"multi": self.multi(markers[0], identity)}

    def multi(self, marker, identity: str) -> Multi:
        fields: dict = {}
        for extension in self.extensions(marker, identity, frozenset({"loopCharacteristics"})):
            for attribute, text in extension.attrib.items():
                if attribute in LOOP_FIELDS and text.strip():
                    name, convert, check = LOOP_FIELDS[attribute]
                    fields[name] = self.marked(identity, text) if convert is after_equals else self.text(check, identity, convert, text)
        fields["cardinality"] = self.inner_text(marker, "loopCardinality", identity)
        fields["completion"] = self.inner_text(marker, "completionCondition", identity)
        self.only(marker, {"loopCardinality", "completionCondition"}, identity)
        if (fields.get("collection") is None) == (fields["cardinality"] is None):
            self.fault("event-definition", identity, "The multi-instance marker needs a collection or a number of times, not both.",
                       "Give it an input collection such as =floors.")
        if (fields.get("output") is None) != (fields.get("output_collection") is None):
            self.fault("event-definition", identity, "Output collection and output element belong together.", "Fill in both.")
        return Multi(parallel=marker.get("isSequential") not in ("true", "1"), **fields)

    def standard_loop(self, marker, identity: str) -> Loop:
        self.only(marker, {"loopCondition"}, identity)
        maximum = marker.get("loopMaximum")
        if maximum is not None and not re.fullmatch(r"[1-9]\d{0,3}", maximum.strip()):
            self.fault("event-definition", identity, f"The loop maximum {maximum!r} is no whole number from 1 to 9999.", "Correct it.")
            maximum = None
        condition = self.inner_text(marker, "loopCondition", identity)
        if condition is None and maximum is None:
            self.fault("event-definition", identity, "The loop has neither condition nor maximum.", "Give it one of the two.")
        return Loop(condition, marker.get("testBefore") in ("true", "1"), int(maximum) if maximum else None)

    def inner_text(self, marker, tag: str, identity: str) -> str | None:
        child = marker.find(_b(tag))
        text = "" if child is None else "".join(child.itertext()).strip()
        return self.marked(identity, text) if text else None

    def marked(self, identity: str, text: str) -> str | None:
        """FEEL after '='; a whole number needs no '='."""
        text = text.strip()
        if re.fullmatch(r"\d{1,4}", text):
            return text
        if not text.startswith("="):
            return self.fault("expression-text", identity, f"The expression {text[:60]!r} does not start with '='.")
        return self.text("expression-text", identity, after_equals, text)

    def only(self, marker, known: set[str], identity: str) -> None:
        for child in marker:
            namespace, tag = _split(child.tag)
            if namespace != BPMN or tag not in known | PLUMBING:
                self.refuse(child, tag, identity)

    # messages and timers

    def timer(self, definition, kind: Kind, identity: str) -> Event:
        times = [(TIMER_TAGS[_split(c.tag)[1]], "".join(c.itertext()).strip()) for c in definition
                 if _split(c.tag)[1] in TIMER_TAGS]
        times = [(way, text) for way, text in times if text]
        if len(times) != 1:
            self.fault("event-definition", identity, "The timer has no time." if not times else "The timer has several times.",
                       "Give it exactly one: date, duration or cycle.")
            return Event(EventKind.TIMER)
        way, text = times[0]
        return Event(EventKind.TIMER, way, self.text("timer-text", identity, lambda t: timer_expression(way, t), text))

    def message_event(self, definition, identity: str) -> Event:
        """The message that an event or a send or receive task names."""
        reference = _local(definition.get("messageRef"))
        message = self.messages.get(reference) if reference else None
        if message is None:
            self.fault("event-definition", identity, "The event names no message." if not reference else
                       f"The message {reference} does not exist or has no name.",
                       "Pick or create the message in the properties panel and name it.")
            return Event(EventKind.MESSAGE)
        return Event(EventKind.MESSAGE, message=message.name, correlation_key=message.correlation_key)

    # extension elements

    def extensions(self, node, identity: str | None, allowed: frozenset[str]):
        """The zeebe extension elements of `node` that are allowed there; the others become faults."""
        told = set()
        for extension in (e for holder in node.iterfind(_b("extensionElements")) for e in holder):
            namespace, tag = _split(extension.tag)
            if namespace != ZEEBE or tag not in allowed:
                if extension.tag in told:
                    continue
                told.add(extension.tag)
                self.fault("unknown-extension", identity, f"The extension {_shown(extension.tag)} is not understood here.",
                           EXTENSION_REMEDIES.get(tag))
                continue
            for attribute in sorted(set(extension.attrib) - EXTENSION_ATTRIBUTES.get(tag, frozenset())):
                if tag in EXTENSION_ATTRIBUTES:
                    self.fault("unknown-extension", identity, f"The attribute {_shown(attribute)} of {tag} is not read.")
            yield extension

    def element_extensions(self, node, kind: Kind, identity: str) -> dict:
        allowed = EXTENSIONS.get(kind, frozenset()) | {"properties"}
        if kind in ACTIVITIES or kind in EVENTS:
            allowed = allowed | {"ioMapping"}
        fields: dict = {}
        for extension in self.extensions(node, identity, allowed):
            tag = _split(extension.tag)[1]
            if tag == "properties":
                fields["properties"] = fields.get("properties", {}) | self.properties(extension, identity)
            elif tag == "ioMapping":
                fields["inputs"] = self.mappings(extension, "input", identity)
                fields["outputs"] = self.mappings(extension, "output", identity)
            else:
                fields |= self.attributes(extension, tag, identity)
        return fields

    def attributes(self, extension, tag: str, identity: str) -> dict:
        fields: dict = {}
        for attribute, text in extension.attrib.items():
            target = ATTRIBUTE_FIELDS.get((tag, attribute))
            if target and text.strip():
                fields[target[0]] = self.text(target[2], identity, target[1], text)
        binding = extension.get("bindingType", "latest")
        if binding not in BINDINGS or binding == "versionTag" and tag != "calledElement":
            self.fault("unknown-extension", identity, f"Binding {binding} is not understood here.", "Bind to the latest.")
        if tag == "calledElement":
            fields["binding"] = binding
            if (binding == "versionTag") != (fields.get("version_tag") is not None):
                self.fault("unknown-extension", identity, "Version tag and binding do not fit.", "Give both, or bind to the latest.")
            fields["propagate_all"] = extension.get("propagateAllChildVariables") == "true"
            if extension.get("propagateAllParentVariables") == "true":
                self.fault("unknown-extension", identity, "A called process is never given all variables.",
                           "Draw an input mapping for each variable it needs.")
        return fields

    def mappings(self, extension, side: str, identity: str) -> tuple[Mapping, ...]:
        found: list[Mapping] = []
        for line in extension.iterfind(f"{{{ZEEBE}}}{side}"):
            target = self.text("fixed-name", identity, variable_name, line.get("target") or "")
            source_text = line.get("source") or ""
            if not source_text.strip():
                self.fault("expression-text", identity, f"The {side} mapping of {target} has no source.")
                continue
            source = self.text("expression-text", identity, feel_or_text, source_text)
            if target in {m.target for m in found}:
                self.fault("fixed-name", identity, f"The {side} {target} is mapped twice.", "Keep one of the two mappings.")
            elif target and source:
                found.append(Mapping(source, target))
        return tuple(found)

    def properties(self, extension, identity: str | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in extension.iterfind(f"{{{ZEEBE}}}property"):
            name = (line.get("name") or "").strip()
            if not name or name in found:
                self.fault("fixed-name", identity, f"The property {name!r} is empty or given twice.", "Name it once.")
            else:
                found[name] = (line.get("value") or "").strip()
        return found

    # joining flows and elements

    def joined_flows(self) -> dict[str, Flow]:
        for flow_id, gateway in self.defaults.items():
            flow = self.flows.get(flow_id)
            if flow is None or flow.source != gateway:
                self.fault("event-definition", gateway, f"The default flow {flow_id} does not leave the element.",
                           "Pick the default flow again.")
            else:
                self.flows[flow_id] = replace(flow, default=True)
        return self.flows

    def joined_elements(self) -> dict[str, Element]:
        incoming: dict[str, list[str]] = {}
        outgoing: dict[str, list[str]] = {}
        for flow in self.flows.values():
            outgoing.setdefault(flow.source, []).append(flow.id)
            incoming.setdefault(flow.target, []).append(flow.id)
        handlers = self.handlers()
        return {identity: replace(element, incoming=tuple(incoming.get(identity, ())),
                                  outgoing=tuple(outgoing.get(identity, ())), handler=handlers.get(identity))
                for identity, element in self.elements.items()}

    def handlers(self) -> dict[str, str]:
        """Compensation boundary event -> the activity that its association leads to."""
        found: dict[str, str] = {}
        for source, target in self.associations:
            for event, activity in ((source, target), (target, source)):
                element, handler = self.elements.get(event), self.elements.get(activity)
                if element and handler and element.kind is Kind.BOUNDARY and element.event.kind is EventKind.COMPENSATION \
                        and handler.for_compensation:
                    found[event] = activity
        return found


_EVENT_READERS = {
    EventKind.TIMER: _Reader.timer, EventKind.MESSAGE: lambda reader, definition, kind, identity: reader.message_event(
        definition, identity), EventKind.SIGNAL: _Reader.signal, EventKind.ERROR: _Reader.coded, EventKind.ESCALATION: _Reader.coded,
    EventKind.CONDITION: _Reader.conditional, EventKind.COMPENSATION: _Reader.compensation, EventKind.LINK: _Reader.link}
_NAMED = {"signal": "name", "error": "errorCode", "escalation": "escalationCode"}
KIND_BY_TAG = {kind.value: kind for kind in Kind} | {"transaction": Kind.SUBPROCESS}
NODE_TAGS = frozenset(KIND_BY_TAG) | frozenset({
    "task", "manualTask", "complexGateway", "adHocSubProcess", "dataStoreReference", "textAnnotation", "group", "dataObjectReference", "callChoreography"})


def _b(tag: str) -> str:
    return f"{{{BPMN}}}{tag}"


@lru_cache(1024)
def _split(tag) -> tuple[str, str]:
    if not isinstance(tag, str):  # entity references have no tag
        return "", "?"
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


def _is_definition(tag: str) -> bool:
    return tag.endswith(("EventDefinition", "DefinitionRef"))


def _shown(tag) -> str:
    """A tag as authors see it in the file."""
    namespace, name = _split(tag)
    return f"zeebe:{name}" if namespace == ZEEBE else name


def _local(reference: str | None) -> str:
    """A QName reference without its prefix."""
    return (reference or "").strip().rpartition(":")[2]


def _label(node, otherwise: str) -> str:
    return " ".join((node.get("name") or "").split()) or otherwise


def _interrupting(node, kind: Kind, event: Event) -> bool:
    attribute = {Kind.BOUNDARY: "cancelActivity", Kind.START: "isInterrupting"}.get(kind)
    if event.kind in ALWAYS_INTERRUPT:
        return True
    if event.kind is EventKind.COMPENSATION:
        return False
    return attribute is None or node.get(attribute) not in ("false", "0")


def _shapes(root) -> frozenset[str]:
    drawn = (n.get("bpmnElement") for tag in ("BPMNShape", "BPMNEdge") for n in root.iter(f"{{{DI}}}{tag}"))
    return frozenset(_local(reference) for reference in drawn if reference)
