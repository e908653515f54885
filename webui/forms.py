"""A form of a procedure on a page: its fields with what stands in them, what was sent, which are hidden now.

The check of values is the engine's (`Form.validate`); here is only what a browser sends and shows. Surprise: hide conditions
are evaluated on the server, so that browser and server can never disagree; the page asks with every change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.errors import ExpressionError
from engine.forms import FormFault
from webui import moments
from webui.i18n import language
from webui.refusals import said

SEVERAL = frozenset({"checklist", "taglist", "filepicker"})


@dataclass(slots=True)
class FieldView:
    """One component with everything its template needs. `error` is the text of a broken rule."""

    spec: Any
    value: Any = None
    error: str = ""
    hidden: bool = False
    autofocus: bool = False
    digits: bool = False  # the group that digits choose in
    photos: list = field(default_factory=list)
    suggestions: list[tuple[str, str]] = field(default_factory=list)  # (text, hint) that a line is likely to be, offered while typing
    children: list[FieldView] = field(default_factory=list)

    @property
    def type(self) -> str:
        return self.spec.type

    @property
    def name(self) -> str:
        return self.spec.key

    @property
    def id(self) -> str:
        return f"f-{self.spec.key or self.spec.id}"


def localized(form, definition):
    """The form in the reader's language, by the `en.yaml` beside the procedure."""
    if language() != "en" or form is None:
        return form
    texts = (definition.procedure.translations or {}).get("forms", {}).get(form.id, {})
    return form.with_texts(texts) if texts else form


def views(
    form, values: dict[str, Any], faults: dict[str, Any] | None = None, hidden: set[str] = frozenset()
) -> list[FieldView]:
    """The components of a form, as a tree, with values, faults and what is hidden."""
    faults = faults or {}
    digits = next((c.key for c in form.fields if c.type == "radio" and c.properties.get("widget") == "chips"), None)
    focus = next((k for k in form.keys if k in faults), None)
    return [_view(c, values, faults, hidden, digits, focus) for c in form.components]


def _view(c, values, faults, hidden, digits, focus) -> FieldView:
    view = FieldView(
        c,
        values.get(c.key),
        text_of(faults.get(c.key)),
        c.key in hidden,
        bool(focus) and c.key == focus,
        bool(digits) and c.key == digits,
    )
    view.children = [_view(child, values, faults, hidden, digits, focus) for child in c.children]
    if c.children:
        view.hidden = all(child.hidden for child in view.children)
    return view


def text_of(fault) -> str:
    """A fault in the reader's language."""
    if not fault:
        return ""
    return (fault.en if language() == "en" else fault.zh) if isinstance(fault, FormFault) else said(fault)


def sent(form, data: MultiDict) -> dict[str, Any]:
    """What the browser sent for the form's own fields, not checked. A field that was not on the page is left out."""
    values: dict[str, Any] = {}
    for spec in form.fields:
        if spec.type == "checkbox":
            values[spec.key] = spec.key in data
        elif spec.type in SEVERAL:
            values[spec.key] = [v for v in data.getlist(spec.key) if v]
        elif spec.key in data:
            typed = data.get(spec.key)
            values[spec.key] = moments.written(spec.subtype or "datetime", typed) if spec.type == "datetime" else typed
    return values


def hidden_keys(form, values: dict[str, Any], feel, names=()) -> set[str]:
    """Keys of the fields whose condition, or that of a group around them, gives true for these values."""
    if not any(spec.hides for spec in form.fields):
        return set()
    context = dict.fromkeys(names) | {spec.key: values.get(spec.key) or None for spec in form.fields}
    answers = {condition: _true(feel, condition, context) for spec in form.fields for condition in spec.hides}
    return {spec.key for spec in form.fields if any(answers[condition] for condition in spec.hides)}


def _true(feel, condition: str, context: dict) -> bool:
    try:
        return feel.evaluate(condition, context) is True
    except ExpressionError:
        return False  # shown rather than lost; the engine's own check names the fault
