"""Checks of what elements name: forms, roles, operations, tables, procedures."""

from __future__ import annotations

import json
from collections.abc import Iterator

from engine import definitions
from engine.checks.core import RESERVED, Finding, Subject, calls, like, rule
from engine.dialect import Element, EventKind, Kind

OUTPUTS_ON = frozenset({Kind.USER, Kind.SERVICE, Kind.RULE, Kind.SCRIPT, Kind.CALL, Kind.SEND})
INPUTS_ON = frozenset({Kind.SERVICE, Kind.RULE, Kind.CALL, Kind.SUBPROCESS, Kind.SEND})
MAX_NAME = {"id": 64, "label": 200, "form": 64, "clause": 64, "message": 100, "groups": 400}  # as the tables hold them
MAX_CALL_DEPTH = 5


@rule("user-task", "Every user task has a form of its folder, a group or assignee, a due date and the clause it fulfils.",
      "Fill in form, candidate groups, due date and the property clause in the properties panel.")
def _user_task(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        if task.form is None:
            yield Finding(task.id, f"{task.name} has no form.")
        elif task.form not in subject.procedure.forms:
            yield Finding(task.id, f"The form {task.form} of {task.name} is not in forms/.", "Create the form, or correct its id."
                          + like(task.form, subject.procedure.forms))
        if not task.groups and not task.assignee:
            yield Finding(task.id, f"Nobody is to do {task.name}: it has neither group nor assignee.")
        if not task.due:
            yield Finding(task.id, f"{task.name} has no due date.")
        if not task.clause:
            yield Finding(task.id, f"{task.name} does not say which clause it fulfils.")


@rule("role", "A group that is named in plain text is a role that exists.", "Name an existing role.")
def _role(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        for group in literal_texts(task.groups):
            if group not in subject.roles:
                yield Finding(task.id, f"The group {group} of {task.name} is no role.",
                              "Name an existing role." + like(group, subject.roles))


def literal_texts(expression: str | None) -> list[str]:
    """The texts of an expression that is nothing but a text or a list of texts."""
    try:
        value = json.loads(expression or "null")
    except ValueError:
        return []
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


@rule("task-escalation", "A user task has a timer that tells somebody when it is not done, on itself or around it.",
      "Put a non-interrupting timer boundary event on it that reminds or escalates.", warning=True)
def _task_escalation(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.USER):
        holder: Element | None = task
        while holder is not None and not _has_timer(subject, holder):
            holder = subject.around(holder)
        if holder is None:
            yield Finding(task.id, f"Nothing happens when {task.name} is not done in time.")


def _has_timer(subject: Subject, element: Element) -> bool:
    return any(b.event.kind is EventKind.TIMER for b in subject.diagram.boundary_of(element.id))


@rule("operation", "A service task names an operation that exists and maps exactly its inputs.",
      "Pick an operation of docs/reference/operations.md and map each of its inputs.")
def _operation(subject: Subject) -> Iterator[Finding]:
    tasks = [e for e in subject.diagram.elements.values() if e.kind is Kind.SERVICE or e.operation]
    for task in tasks:
        operation = subject.operations.get(task.operation) if task.operation else None
        if operation is None:
            yield Finding(task.id, f"{task.name} names the operation {task.operation or '(none)'}, which does not exist.",
                          "Pick an existing operation." + like(task.operation or "", subject.operations.names()))
        else:
            yield from (Finding(task.id, reason) for reason in operation.faults(m.target for m in task.inputs))


@rule("table", "Every decision table of the folder can be read.", "Open the table in the editor, correct it and save.",
      needs_diagram=False)
def _table(subject: Subject) -> Iterator[Finding]:
    for _, faults in subject.tables:
        yield from (Finding(f.element, f.reason, f.remedy, f.file) for f in faults)


@rule("decision", "A business rule task calls a decision of the folder's tables, keeps its result in a variable, and the table"
      " looks only at declared names.", "Pick a decision of the folder and name the result variable.")
def _decision(subject: Subject) -> Iterator[Finding]:
    known = {id: table for table, _ in subject.tables if table is not None for id in table.ids()}
    for task in subject.of(Kind.RULE):
        if task.decision is None or task.decision not in known:
            yield Finding(task.id, f"The decision {task.decision or '(none)'} of {task.name} is in no table of the folder.",
                          "Pick a decision of the folder." + like(task.decision or "", known))
        else:
            given = subject.names | {m.target for m in task.inputs}
            for name in sorted(set(known[task.decision].inputs(task.decision)) - given):
                yield Finding(task.id, f"The table {task.decision} looks at {name}, which is no name of the procedure.",
                              "Map it as an input of the task, or correct the table.")
        if not task.result:
            yield Finding(task.id, f"The result of {task.name} goes nowhere.", "Name the result variable.")


@rule("script", "A script task has an expression and a variable for its result.", "Fill in expression and result variable.")
def _script(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.SCRIPT):
        if task.script is None:
            yield Finding(task.id, f"{task.name} has no expression.")
        if not task.result:
            yield Finding(task.id, f"The result of {task.name} goes nowhere.")


@rule("call", "A call activity names a procedure that exists; calls never go in a circle and are at most 5 deep.",
      "Name an existing procedure, and break circles of calls.")
def _call(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.CALL):
        own = task.called == subject.diagram.key
        if not task.called or task.called not in subject.known and not own:
            yield Finding(task.id, f"The called procedure {task.called or '(none)'} of {task.name} does not exist.",
                          "Name an existing procedure." + like(task.called or "", subject.known))
        elif own or _calls_back(subject, task.called, subject.diagram.key):
            yield Finding(task.id, f"{subject.diagram.key} calls itself through {task.called}.")
        elif _call_depth(subject, task.called, 1) > MAX_CALL_DEPTH:
            yield Finding(task.id, f"The calls that begin with {task.called} are more than {MAX_CALL_DEPTH} deep.")


def _called_by(subject: Subject, key: str) -> set[str]:
    procedure = subject.known.get(key)
    return calls(procedure) if procedure is not None else set()


def _calls_back(subject: Subject, key: str, own: str) -> bool:
    seen, waiting = set(), [key]
    while waiting:
        current = waiting.pop()
        if current == own:
            return True
        if current not in seen:
            seen.add(current)
            waiting += _called_by(subject, current)
    return False


def _call_depth(subject: Subject, key: str, depth: int) -> int:
    """How deep calls go that begin with `key` at `depth`; one more than allowed where they go deeper."""
    reached = {key}
    while reached and depth <= MAX_CALL_DEPTH:  # a level at a time: procedures that all call each other make many ways
        reached = {other for each in reached for other in _called_by(subject, each)}
        depth += bool(reached)
    return depth


@rule("call-inputs", "A call activity gives exactly the start variables that the called procedure declares.",
      "Map each variable that the called procedure's control sheet lists under `variables:`.", warning=True)
def _call_inputs(subject: Subject) -> Iterator[Finding]:
    for task in subject.of(Kind.CALL):
        called = subject.known.get(task.called or "")
        declared = set((called.control_sheet.get("variables") or {}) if called is not None else {})
        given = {m.target for m in task.inputs}
        if declared and declared != given:
            absent, strange = sorted(declared - given), sorted(given - declared)
            yield Finding(task.id, f"{task.name} gives {task.called} " + " and ".join(
                [f"no {', '.join(absent)}"] * bool(absent) + [f"the undeclared {', '.join(strange)}"] * bool(strange)) + ".")


@rule("mapping", "Input mappings stand on service, send, rule and call activities, sub-processes and throwing events, output mappings"
      " on tasks and calls.", "Remove the mapping; a message's variables arrive under their own names.")
def _mapping(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        throws = element.kind in (Kind.THROW, Kind.END) and (element.operation or element.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL))
        for side, lines, kinds in (("input", element.inputs, INPUTS_ON), ("output", element.outputs, OUTPUTS_ON)):
            if lines and element.kind not in kinds and not (throws and (side == "input" or element.operation)):
                yield Finding(element.id, f"The {side} mapping of {element.name} is not read on a {element.kind.value}.")


@rule("long-name", "Ids have at most 64 characters, labels 200, form ids and clauses 64, message names 100, candidate groups 400.",
      "Give it a shorter name; long explanations belong into the documentation of the element.")
def _long_name(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        texts = {"id": element.id, "label": element.name, "form": element.form, "clause": element.clause,
                 "message": element.event.message, "groups": element.groups}
        for what, text in texts.items():
            if text is not None and len(text) > MAX_NAME[what]:
                yield Finding(element.id[:100], f"The {what} {text[:40]}... has {len(text):,} characters, more than {MAX_NAME[what]}.")


@rule("reserved-name", "No variable is called now or instance.", "Give the variable another name.")
def _reserved_name(subject: Subject) -> Iterator[Finding]:
    for element in subject.diagram.elements.values():
        many = {element.multi.item, element.multi.output_collection} if element.multi else set()
        for name in sorted({element.result, *(m.target for m in element.outputs), *many} & RESERVED):
            yield Finding(element.id, f"{name} is given by the engine and cannot be set.")
    for name in RESERVED & set(subject.procedure.control_sheet.get("variables") or {}):
        yield Finding(None, f"{name} is given by the engine and cannot be a start variable.", file=definitions.CONTROL_SHEET)
