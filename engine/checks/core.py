"""What a check is, what it looks at, and running them all."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from engine import definitions, dialect
from engine.definitions import Procedure
from engine.dialect import Diagram, Element, EventKind, Fault, Kind
from engine.errors import DefinitionRefused, EngineError
from engine.forms import definition as form_definition
from engine.names import declared_names

MAX_FAULTS = 500  # of one procedure or file: nobody reads more, and a hostile file has 100,000
MAX_REASON = 600  # characters: names in a diagram may be as long as the file
ESCALATION = "escalation"
RESERVED = frozenset({"now", "instance"})
CHOOSING = frozenset({Kind.EXCLUSIVE, Kind.INCLUSIVE})


class Finding(NamedTuple):
    """What a check found. `file` is the diagram where it is not named, `remedy` the check's own where it is empty."""

    element: str | None
    reason: str
    remedy: str = ""
    file: str = ""


@dataclass(frozen=True)
class Subject:
    """The procedure under check, and what it may refer to."""

    procedure: Procedure
    operations: Any  # has get(name) -> operation or None, names()
    functions: tuple
    roles: frozenset[str]
    known: Mapping[str, Procedure | None]  # procedures that may be called; None where only the key is known
    feel: Any
    people_in: Callable[[str], int] | None = None  # how many people of today are in a group; None where nobody can say
    waiting: dict[str, bool] = field(default_factory=dict)  # called procedure -> whether nobody passes it without waiting

    @property
    def diagram(self) -> Diagram:
        return self.procedure.diagram

    @cached_property
    def names(self) -> set[str]:
        """The names that every expression of the procedure may use."""
        return names_of(self.procedure, self.operations) | {f.name for f in self.functions}

    @cached_property
    def tables(self) -> list[tuple[Any, list[Fault]]]:
        """The decisions of each table file (None where it cannot be read), with its faults."""
        return [load_table(file, content, self.feel) for file, content in self.procedure.decisions.items()]

    @cached_property
    def scopes(self) -> dict[str, list[Element]]:
        """The process and each sub-process, with what stands directly in it."""
        subs = [e.id for e in self.diagram.elements.values() if e.kind is Kind.SUBPROCESS]
        return {scope: self.diagram.inside(scope) for scope in (self.diagram.key, *subs)}

    def of(self, *kinds: Kind) -> list[Element]:
        return [e for e in self.diagram.elements.values() if e.kind in kinds]

    def targets(self, element: Element) -> list[str]:
        """The elements that a token reaches next; from a throwing link event its catching end."""
        return [self.diagram.flows[f].target for f in element.outgoing] + [e.id for e in self.other_ends(element)]

    def other_ends(self, link: Element) -> list[Element]:
        """The catching ends of a throwing link event."""
        if link.event.kind is not EventKind.LINK or link.kind is not Kind.THROW:
            return []
        return [e for e in self.diagram.inside(link.scope) if e.kind is Kind.CATCH and e.event.kind is EventKind.LINK
                and e.event.name == link.event.name]

    def around(self, element: Element) -> Element | None:
        """The sub-process that the element stands in, or None in the process itself."""
        return self.diagram.elements.get(element.scope)


@dataclass(frozen=True)
class Check:
    """One rule. `run` is None where a reader finds it."""

    id: str
    what: str
    remedy: str
    warning: bool = False
    run: Callable[[Subject], Iterator[Finding]] | None = None
    needs_diagram: bool = True


REGISTRY: dict[str, Check] = {}


def rule(id: str, what: str, remedy: str, *, warning: bool = False, needs_diagram: bool = True):
    """Register the decorated function as check `id`."""
    def register(function):
        REGISTRY[id] = Check(id, what, remedy, warning, function, needs_diagram)
        return function
    return register


for _id, (_what, _remedy) in (dialect.READ_CHECKS | definitions.READ_CHECKS | form_definition.READ_CHECKS).items():
    REGISTRY[_id] = Check(_id, _what, _remedy, _id == "stray-file")


def check(procedure: Procedure, *, operations, functions: Iterable = (), roles: Iterable[str] = (),
          known_processes: Iterable[str] | Mapping[str, Procedure | None] = (), feel=None,
          people_in: Callable[[str], int] | None = None) -> list[Fault]:
    """Every fault of a procedure, warnings included, in the order of the diagram.

    operations: the registry of service-task operations. functions: the FEEL functions of the domain. roles: the groups that
    exist. known_processes: what may be called, as keys, or as procedures by key, which also checks circles of calls. people_in:
    how many people of today are in a group; without it nobody is asked for.
    """
    subject = _subject(procedure, operations, functions, roles, known_processes, feel, people_in)
    faults = list(procedure.faults)
    for each in REGISTRY.values():
        if each.run is not None and (procedure.diagram is not None or not each.needs_diagram):
            faults += [_fault(subject, each, finding) for finding in islice(each.run(subject), MAX_FAULTS)]
    return sorted(_fewer(faults), key=_place(procedure))


def check_all(procedures: Iterable[Procedure], *, operations, functions: Iterable = (), roles: Iterable[str] = (),
              known_processes: Iterable[str] = (), feel=None, people_in: Callable[[str], int] | None = None) -> list[Fault]:
    """The faults of several procedures that may call each other."""
    procedures = list(procedures)
    known = dict.fromkeys(known_processes) | {p.key: p for p in procedures}
    return [fault for p in procedures for fault in check(p, operations=operations, functions=functions, roles=roles,
                                                         known_processes=known, feel=feel, people_in=people_in)]


def check_file(name: str, content: bytes) -> list[Fault]:
    """The faults of a lone diagram, table, form or YAML file: what can be said without its folder."""
    return _fewer(_file_faults(name, content))


def _file_faults(name: str, content: bytes) -> list[Fault]:
    if name.endswith(".bpmn"):
        return dialect.read(content, name)[1]
    if name.endswith(".form"):
        return form_definition.read(content, name)[1]
    if name.endswith(".dmn"):
        return [replace(f, check="table", remedy=f.remedy or REGISTRY["table"].remedy) for f in load_table(name, content, None)[1]]
    if name.endswith((".yaml", ".yml")):
        return definitions.read_yaml(content, name)[1]
    return [Fault(name, None, "The file is no diagram, table, form or YAML file.", "Name it .bpmn, .dmn, .form or .yaml.",
                  "readable")]


def _fewer(faults: list[Fault]) -> list[Fault]:
    """Each fault once, faults before warnings, and not more than somebody can read."""
    listed = sorted(dict.fromkeys(faults), key=lambda fault: fault.warning)
    if len(listed) <= MAX_FAULTS:
        return listed
    return [*listed[:MAX_FAULTS], Fault(listed[0].file, None, f"There are {len(listed) - MAX_FAULTS} more faults.",
                                        "Correct these first.", listed[MAX_FAULTS].check, listed[MAX_FAULTS].warning)]


def calls(procedure: Procedure) -> set[str]:
    """The keys of the procedures that a procedure calls."""
    return {e.called for e in procedure.diagram.elements.values() if e.called} if procedure.diagram else set()


def names_of(procedure: Procedure, operations) -> set[str]:
    """The names an expression of the procedure may use: what is declared, and what its messages bring."""
    names = set(declared_names(procedure, operations)) if procedure.diagram else set(RESERVED)
    for variables in (procedure.control_sheet.get("messages") or {}).values():
        names |= set(variables or {})
    return names


def _subject(procedure, operations, functions, roles, known_processes, feel, people_in) -> Subject:
    functions = tuple(functions.values() if isinstance(functions, Mapping) else functions)
    if feel is None:
        from engine.feel import Feel
        feel = Feel(functions)
    known = dict(known_processes) if isinstance(known_processes, Mapping) else dict.fromkeys(known_processes)
    return Subject(procedure, operations, functions, frozenset(roles), known, feel, people_in)


def _fault(subject: Subject, each: Check, finding: Finding) -> Fault:
    diagram = subject.procedure.diagram
    file = finding.file or (diagram.file if diagram else subject.procedure.key)
    reason = finding.reason if len(finding.reason) <= MAX_REASON else finding.reason[:MAX_REASON - 3] + "..."
    return Fault(file, finding.element, reason, finding.remedy or each.remedy, each.id, each.warning)


def _place(procedure: Procedure):
    """Sorts faults: faults before warnings, then by file and by place in the diagram."""
    diagram = procedure.diagram
    order = {id: n for n, id in enumerate([*diagram.elements, *diagram.flows])} if diagram else {}
    return lambda fault: (fault.warning, fault.file, order.get(fault.element, len(order)), fault.check)


def like(name: str, names: Iterable[str]) -> str:
    """A hint at names that look like `name`, or at all of them where there are few."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, 2) or (names if len(names) <= 12 else [])
    return f" Known: {', '.join(close)}." if close else ""


def load_table(file: str, content: bytes, feel) -> tuple[Any, list[Fault]]:
    """The decisions of a file, or None with its faults."""
    from engine.decisions import load
    try:
        return load(content, file=file, feel=feel), []
    except DefinitionRefused as refused:
        return None, refused.faults
    except (EngineError, ValueError) as error:
        return None, [Fault(file, None, f"The table cannot be read: {str(error)[:300]}", "")]
