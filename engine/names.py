"""The names that a procedure's expressions may use. An absent one of these is null; any other name is an error."""

from __future__ import annotations

from engine.dialect import EventKind, Kind

STEP_NAMES = frozenset({"now", "instance"})  # the step's instant; {id, business_key, centre, building, process}


def declared_names(procedure, operations) -> frozenset[str]:
    """Variables and messages of the control sheet, form keys, mapping targets, results and outputs of operations."""
    sheet = procedure.control_sheet or {}
    names = set(STEP_NAMES) | set(sheet.get("variables") or {})
    for brought in (sheet.get("messages") or {}).values():
        names.update(brought or {})
    for form in procedure.forms.values():
        names.update(field.key for field in form.fields if field.key)
    for element in procedure.diagram.elements.values():
        names.update(m.target for m in element.outputs)
        if element.result:
            names.add(element.result)
        if element.multi:
            names.update(n for n in (element.multi.item, element.multi.output_collection, "loopCounter") if n)
        if element.loop:
            names.add("loopCounter")
        if element.kind is Kind.SUBPROCESS or element.event.kind in (EventKind.MESSAGE, EventKind.SIGNAL):
            names.update(m.target for m in element.inputs)
        operation = operations.get(element.operation) if element.operation else None
        if operation and not element.outputs:
            names.update(operation.outputs)
    return frozenset(names)
