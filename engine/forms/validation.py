"""The check of what a person sent for a form.

Only the form's own keys are accepted; fields that are hidden (their FEEL condition, or that of a group around them, gives
true) or fixed are dropped, whatever was sent for them. Every fault is found in one run. What a value of a type may be is
left to `fields/`.
"""

from __future__ import annotations

from typing import Any

from engine.errors import ExpressionError, FormInvalid
from engine.forms import fields as field_types
from engine.forms.definition import Component, Form
from engine.forms.faults import FormFault, Unfit

MAX_DEPTH = 8
MAX_FAULTS = 50


def validate(form: Form, values: dict[str, Any], feel, context: dict[str, Any]) -> dict[str, Any]:
    """Cleaned values of the visible fields, None where nothing was given.

    values: as sent, keyed by field key. feel: has `evaluate(expression, context)`, called only where a field has a hide
    condition. context: the process's variables and `now`. Raises FormInvalid with a FormFault per field.
    """
    faults = _foreign(form, values)
    cleaned, unfit = _cleaned(form, values)
    hidden = _hidden(form, cleaned, feel, context)
    for field in form.fields:
        if field.key in hidden or field.fixed:
            faults.pop(field.key, None)
            continue
        fault = faults.get(field.key) or unfit.get(field.key) or _missing_or_past(field, cleaned[field.key], context)
        if fault is not None:
            faults[field.key] = _worded(field, fault)
    if faults:
        raise FormInvalid(form.id, dict(list(faults.items())[:MAX_FAULTS]))
    return {f.key: cleaned[f.key] for f in form.fields if f.key not in hidden and not f.fixed}


def _foreign(form: Form, values: dict[str, Any]) -> dict[str, FormFault]:
    """Keys the form does not have, and names that no value may contain at any depth."""
    faults: dict[str, FormFault] = {}
    keys = set(form.keys)
    for key, value in values.items():
        refused = refused_name(value)
        if not isinstance(key, str) or key not in keys:
            faults[str(key)[:80]] = FormFault("unknown")
        elif refused is not None:
            faults[key] = FormFault("refused-name", {"name": refused})
    return faults


def refused_name(value: Any, depth: int = 0) -> str | None:
    """A name in `value` that would poison stored state (`typename`, `__...`), or None. Too deep counts as one."""
    if depth > MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or key == "typename" or key.startswith(("__", "@")):
                return str(key)[:40]
            found = refused_name(inner, depth + 1)
            if found is not None:
                return found
    if isinstance(value, (list, tuple)):
        return next((found for inner in value if (found := refused_name(inner, depth + 1)) is not None), None)
    return None


def _cleaned(form: Form, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, FormFault]]:
    cleaned: dict[str, Any] = {}
    unfit: dict[str, FormFault] = {}
    for field in form.fields:
        cleaned[field.key] = None
        try:
            cleaned[field.key] = field_types.FIELDS[field.type].clean(field, values.get(field.key))
        except Unfit as error:
            unfit[field.key] = error.fault
    return cleaned, unfit


def _hidden(form: Form, cleaned: dict[str, Any], feel, context: dict[str, Any]) -> set[str]:
    """Keys of hidden fields. A hidden field counts as null for the conditions of others, so this runs until it is stable."""
    hidden: set[str] = set()
    if not any(field.hides for field in form.fields):
        return hidden
    for _ in range(len(form.fields) + 1):
        data = context | {key: None if key in hidden else value for key, value in cleaned.items()}
        answers: dict[str, bool] = {}
        now_hidden = {f.key for f in form.fields if any(_true(h, feel, data, answers) for h in f.hides)}
        if now_hidden == hidden:
            break
        hidden = now_hidden
    return hidden


def _true(expression: str, feel, data: dict[str, Any], answers: dict[str, bool]) -> bool:
    if expression not in answers:
        answer = feel.evaluate(expression, data)
        if not isinstance(answer, bool) and answer is not None:
            raise ExpressionError(expression, f"A hide condition gives true or false, not {str(answer)[:60]}.")
        answers[expression] = answer is True
    return answers[expression]


def _missing_or_past(field: Component, value: Any, context: dict[str, Any]) -> FormFault | None:
    if field_types.FIELDS[field.type].empty(value):
        return FormFault("ticked" if field.type == "checkbox" else "required") if field.required else None
    if field.not_past and field.subtype == "datetime" and context.get("now") and value < context["now"]:
        return FormFault("past")
    return None


def _worded(field: Component, fault: FormFault) -> FormFault:
    """The fault with the author's own words, where a pattern has some (property `message`, `message_en`)."""
    if fault.rule != "pattern" or "message" not in field.properties:
        return fault
    return FormFault(fault.rule, fault.params, field.properties["message"], field.properties.get("message_en", ""))
