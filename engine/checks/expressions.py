"""Checks of every FEEL text of a procedure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine import dialect
from engine.checks.core import Finding, Subject, names_of, rule
from engine.dialect import BadText, Element, EventKind, Kind
from engine.feel import punctuation

COUNTS = frozenset({"numberOfInstances", "numberOfActiveInstances", "numberOfCompletedInstances", "numberOfTerminatedInstances"})


class Expression(NamedTuple):
    """One FEEL text of the procedure: where it stands, and which names it may use beside the usual (None: any)."""

    element: str | None
    place: str
    text: str
    extra: frozenset[str] | None = frozenset()
    file: str = ""


@rule("expression", "Every expression is FEEL and uses only names that are declared.",
      "Correct the expression; declare what is known at the start under `variables:` of control-sheet.yaml.")
def _expression(subject: Subject) -> Iterator[Finding]:
    for expression in [*_element_expressions(subject), *_form_expressions(subject)]:
        remedy = _python_remedy(expression.text) or punctuation.remedy(expression.text)
        if remedy:
            yield Finding(expression.element, f"{expression.place} `{_short(expression.text)}` is no FEEL.", remedy, expression.file)
            continue
        names = subject.names | (expression.extra or frozenset())
        told: set[str | None] = set()
        for problem in subject.feel.check(expression.text, names):
            if (problem.name is None or expression.extra is not None) and problem.name not in told:
                told.add(problem.name)
                yield Finding(expression.element, f"{expression.place} `{_short(expression.text)}`: {problem.message}"
                              f" (character {problem.start + 1}).", file=expression.file)


@rule("duration-text", "Every duration written out in an expression is ISO 8601.",
      "Write duration(\"PT15M\") for 15 minutes, \"PT4H\" for hours, \"P1D\" for days.")
def _duration_text(subject: Subject) -> Iterator[Finding]:
    for expression in _element_expressions(subject):
        for text in re.findall(r"\bduration\(\s*\"([^\"]*)\"\s*\)", expression.text):
            try:
                dialect.check_duration(text)
            except BadText as bad:
                yield Finding(expression.element, f"{expression.place}: {bad}", bad.remedy)


def _element_expressions(subject: Subject) -> Iterator[Expression]:
    for element in subject.diagram.elements.values():
        event = element.event
        for place, text in (("candidate groups", element.groups), ("assignee", element.assignee), ("due date", element.due),
                            ("follow-up date", element.follow_up), ("priority", element.priority), ("script", element.script),
                            ("condition" if event.kind is EventKind.CONDITION else "timer", event.expression),
                            ("correlation key", event.correlation_key)):
            if text is not None:
                yield Expression(element.id, place, text)
        yield from _repeated_expressions(element)
        yield from (Expression(element.id, f"input {m.target}", m.source) for m in element.inputs)
        extra = _output_names(subject, element) if element.outputs else frozenset()
        yield from (Expression(element.id, f"output {m.target}", m.source, extra) for m in element.outputs)
    for flow in subject.diagram.flows.values():
        if flow.condition is not None:
            yield Expression(flow.id, "condition", flow.condition)


def _repeated_expressions(element: Element) -> Iterator[Expression]:
    many, loop = element.multi, element.loop
    for place, text, extra in (("input collection", many and many.collection, ()), ("cardinality", many and many.cardinality, ()),
                               ("output element", many and many.output, ()), ("completion condition", many and many.completion, COUNTS),
                               ("loop condition", loop and loop.condition, ())):
        if text is not None:
            yield Expression(element.id, place, text, frozenset(extra))


def _output_names(subject: Subject, element: Element) -> frozenset[str] | None:
    """The names an output mapping sees beside the process's own; None where they cannot be known."""
    if element.kind is Kind.SERVICE or element.operation:
        operation = subject.operations.get(element.operation) if element.operation else None
        return frozenset(operation.outputs) if operation else None
    if element.kind is Kind.CALL:
        called = subject.known.get(element.called or "")
        return frozenset(names_of(called, subject.operations)) if called is not None else None
    return frozenset()


def _form_expressions(subject: Subject) -> Iterator[Expression]:
    for form in subject.procedure.forms.values():
        conditions = {hide for field in form.fields for hide in field.hides}
        yield from (Expression(form.id, "hide condition", hide, frozenset(form.keys), f"forms/{form.id}.form")
                    for hide in sorted(conditions))


_PYTHON = (
    (r"==", "FEEL compares with a single =."),
    (r"&&|\|\|", "FEEL says `and`, `or`."),
    (r"\blambda\b", "FEEL has no lambda; use `for x in list return ...` or a decision table."),
    (r"__|\bimport\b|\bexec\b|\beval\b|\bos\.\w", "No Python is ever run; write FEEL."),
    (r"\b(True|False|None)\b", "FEEL says true, false, null."),
    (r"\bnot\s+(?!\()\w", "FEEL says not(...)."),
    (r"\b(elif|def|len\(|str\(|int\(|float\()", "This is Python; FEEL says count(list), string(x), number(text)."),
    (r"[\w)\]]\.(get|append|lower|upper|strip|split)\(", "FEEL has no methods; write upper case(text), list[1], append(list, x)."),
)


def _python_remedy(expression: str) -> str | None:
    """What to write instead where an expression looks like Python, outside its texts in quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    if re.search(r"\belse\b", bare) and not re.search(r"\bthen\b", bare):
        return "FEEL says `if a then b else c`."
    if "'" in bare:
        return 'FEEL puts texts in double quotes: "urgent".'
    return next((remedy for pattern, remedy in _PYTHON if re.search(pattern, bare)), None)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
