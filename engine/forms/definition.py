"""A form-js schema as data: what fields a form has, and what each may hold.

Reading collects every fault with its remedy, as for diagrams: what form-js offers and nobody here reads is refused, never
ignored. What a value must look like is left to `fields/`, the check of sent values to `validation.py`. Surprise: groups are a
tree for the eye only; all keys live in one flat space.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from engine.dialect import Fault
from engine.errors import DefinitionRefused
from engine.forms import fields as field_types
from engine.forms.faults import Unfit
from engine.forms.patterns import UnsafePattern, compiled
from engine.forms.values import number

MAX_BYTES = 256 * 1024
MAX_COMPONENTS = 200
MAX_NESTING = 5
ZONE = "Asia/Shanghai"
RESERVED_KEYS = frozenset({"typename", "now", "instance"})

READ_CHECKS: dict[str, tuple[str, str]] = {
    "form-readable": ("A form is form-js JSON of at most 256 kB with an id and components.",
                      "Save the form again with the form editor."),
    "form-component": ("Every component and setting of a form is one that is shown and checked here.",
                       "Use another component, or remove the setting; see docs/reference/dialect.md."),
    "form-key": ("Every field has a key of its own: letters, digits and '_', not a reserved name.",
                 "Change the key in the form editor."),
    "form-label": ("Every field and every option has a label.", "Give it a label that people understand."),
    "form-rule": ("Limits, options, patterns and default values of a field fit together.",
                  "Correct the validation settings of the field."),
}

_SETTINGS = frozenset({
    "id", "type", "key", "label", "description", "validate", "values", "defaultValue", "conditional", "properties",
    "readonly", "disabled", "layout", "appearance", "decimalDigits", "increment", "subtype", "dateLabel", "timeLabel",
    "timeSerializingFormat", "timeInterval", "use24h", "disallowPassedDates", "searchable", "multiple", "accept", "text",
    "components", "showOutline", "path", "height", "verticalAlignment", "url", "$dirtyId"})
_RULES = frozenset({"required", "minLength", "maxLength", "min", "max", "pattern", "validationType"})


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a form: a field that holds a value, a group, or something to read. `spec` elsewhere."""

    type: str
    key: str = ""  # empty for what holds no value
    id: str = ""
    label: str = ""
    description: str = ""
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    validation_type: str | None = None  # email, phone
    options: tuple[Option, ...] = ()
    default: Any = None
    hide: str | None = None  # FEEL; the field is not there while it gives true
    hides: tuple[str, ...] = ()  # its own and its groups' conditions
    properties: dict[str, str] = field(default_factory=dict)
    fixed: bool = False  # readonly or disabled: shown, what is sent for it is not taken
    decimals: int | None = None
    prefix: str = ""
    suffix: str = ""
    subtype: str = ""  # datetime: date, time, datetime
    not_past: bool = False
    multiple: bool = False
    text: str = ""
    zone: str = ZONE
    children: tuple[Component, ...] = ()

    @property
    def holds_value(self) -> bool:
        return bool(self.key)

    @property
    def step(self) -> str:
        """What a browser's number control counts in: `1`, `0.01`, or `any` where the form names no places."""
        return "any" if self.decimals is None else f"{10**-self.decimals:.{self.decimals}f}"

    def shown(self, value: Any) -> str:
        """A value as a browser's own control takes it: local time for instants, nothing for None."""
        return field_types.FIELDS[self.type].show(self, value)

    def option_label(self, value: object) -> str:
        """The label of an option, for showing a stored value; the value itself where no option has it."""
        return next((o.label for o in self.options if o.value == value), str(value))


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `components` is the tree as drawn, `fields` the fields that hold a value, in the same order."""

    id: str
    components: tuple[Component, ...]
    fields: tuple[Component, ...]

    @staticmethod
    def read(text: str | bytes, file: str = "form") -> Form:
        """The form of a form-js schema; raises DefinitionRefused with every fault."""
        form, faults = read(text, file)
        if form is None or faults:
            raise DefinitionRefused(faults)
        return form

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f.key for f in self.fields)

    def field(self, key: str) -> Component:
        return next(f for f in self.fields if f.key == key)

    def walk(self) -> Iterator[Component]:
        """Every component, groups before what is in them."""
        return _walk(self.components)

    def initial(self, context: dict[str, Any]) -> dict[str, Any]:
        """What the form shows at first: the process's value of each key, else the field's default."""
        return {f.key: context[f.key] if context.get(f.key) is not None else f.default for f in self.fields}

    def validate(self, values: dict[str, Any], feel, context: dict[str, Any]) -> dict[str, Any]:
        """The cleaned values of the visible fields; raises FormInvalid. See `engine.forms.validation.validate`."""
        from engine.forms.validation import validate
        return validate(self, values, feel, context)

    def with_texts(self, texts: dict[str, Any]) -> Form:
        """The same form with labels of another language; `texts` maps key or id to label, description, values, text."""
        components = tuple(_translated(c, texts) for c in self.components)
        return Form(self.id, components, tuple(_flat(components)))


def read(text: str | bytes, file: str) -> tuple[Form | None, list[Fault]]:
    """The form and every fault; the form is None where the file as a whole cannot be read. Never raises."""
    reader = _Reader(file)
    return reader.form(text), reader.faults


def _flat(components: tuple[Component, ...]) -> Iterator[Component]:
    return (component for component in _walk(components) if component.holds_value)


def _walk(components: tuple[Component, ...]) -> Iterator[Component]:
    for component in components:
        yield component
        yield from _walk(component.children)


def _translated(component: Component, texts: dict[str, Any]) -> Component:
    own = texts.get(component.key) or texts.get(component.id) or {}
    own = own if isinstance(own, dict) else {"label": own}
    values = own.get("values") if isinstance(own.get("values"), dict) else {}
    changed = {name: str(own[name]) for name in ("label", "description", "text", "suffix") if own.get(name)}
    return replace(
        component, **changed, options=tuple(replace(o, label=str(values.get(o.value) or o.label)) for o in component.options),
        children=tuple(_translated(c, texts) for c in component.children))


class _Wrong(ValueError):
    """A setting of a component is not right; `check` is the check's id."""

    def __init__(self, check: str, reason: str):
        self.check = check
        super().__init__(reason)


class _Reader:
    """Reads one form and collects its faults."""

    def __init__(self, file: str):
        self.file = file
        self.faults: list[Fault] = []
        self.keys: set[str] = set()
        self.count = 0

    def fault(self, check: str, element: str | None, reason: str) -> None:
        self.faults.append(Fault(self.file, element, reason, READ_CHECKS[check][1], check))

    def form(self, text: str | bytes) -> Form | None:
        schema = self.schema(text)
        if schema is None:
            return None
        stem = self.file.rpartition("/")[2].removesuffix(".form")
        identity = schema.get("id") or stem
        if not isinstance(identity, str):
            return self.fault("form-readable", None, "The id of the form is no text.")
        components = self.components(schema["components"], (), 0)
        return Form(identity, components, tuple(_flat(components)))

    def schema(self, text: str | bytes) -> dict | None:
        if len(text) > MAX_BYTES:
            return self.fault("form-readable", None, f"The form has {len(text):,} bytes, more than {MAX_BYTES:,}.")
        try:
            schema = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            return self.fault("form-readable", None, f"The form is not JSON: {str(error)[:200]}.")
        if not isinstance(schema, dict) or not isinstance(schema.get("components"), list):
            return self.fault("form-readable", None, "The form has no components.")
        return schema

    def components(self, raw: list, hides: tuple[str, ...], depth: int) -> tuple[Component, ...]:
        found = []
        for item in raw:
            self.count += 1
            if self.count > MAX_COMPONENTS or depth > MAX_NESTING:
                self.fault("form-readable", None, f"The form has more than {MAX_COMPONENTS} components or {MAX_NESTING} levels.")
                break
            component = self.component(item, hides, depth)
            if component is not None:
                found.append(component)
        return tuple(found)

    def component(self, item, hides: tuple[str, ...], depth: int) -> Component | None:
        if not isinstance(item, dict):
            return self.fault("form-readable", None, "A component of the form is no object.")
        kind = item.get("type")
        name = next((str(item[n])[:80] for n in ("key", "id") if item.get(n)), str(kind)[:80])
        if not isinstance(kind, str) or kind not in field_types.FIELDS:
            return self.fault("form-component", name, f"The component type {str(kind)[:40]} is not shown here.")
        for setting in sorted(set(item) - _SETTINGS):
            self.fault("form-component", name, f"The setting {setting[:40]} is not read.")
        try:
            component = self.built(item, kind, hides)
        except _Wrong as wrong:
            return self.fault(wrong.check, name, str(wrong))
        if kind == "group":
            children = item.get("components") or []
            component = replace(component, children=self.components(children if isinstance(children, list) else [],
                                                                    component.hides, depth + 1))
        return component

    def built(self, item: dict, kind: str, hides: tuple[str, ...]) -> Component:
        holds = field_types.FIELDS[kind].holds_value
        hide = _hide(item)
        appearance = _object(item, "appearance")
        component = Component(
            kind, key=self.key(item) if holds else "", id=_text(item, "id"), label=_label(item),
            description=_text(item, "description"), hide=hide, hides=hides + ((hide,) if hide else ()),
            properties={str(k): str(v) for k, v in _object(item, "properties").items()},
            fixed=_flag(item, "readonly") or _flag(item, "disabled"), options=_options(item, kind),
            decimals=_count(item, "decimalDigits"), prefix=_text(appearance, "prefixAdorner"),
            suffix=_text(appearance, "suffixAdorner"), subtype=_subtype(item, kind),
            not_past=_flag(item, "disallowPassedDates"), multiple=_flag(item, "multiple"), text=_text(item, "text"),
            **_rules(item))
        if _text(item, "path"):
            raise _Wrong("form-component", "A group with a path nests its values; keys are flat here.")
        if holds and not component.label:
            raise _Wrong("form-label", "The field has no label.")
        return replace(component, default=_default(component, item.get("defaultValue"))) if holds else component

    def key(self, item: dict) -> str:
        key = item.get("key")
        if not isinstance(key, str) or not key.isidentifier() or key.startswith("_") or len(key) > 80:
            raise _Wrong("form-key", f"The key {str(key)[:80]!r} is not a plain name.")
        if key in RESERVED_KEYS:
            raise _Wrong("form-key", f"The key {key} is reserved.")
        if key in self.keys:
            raise _Wrong("form-key", f"The key {key} is used twice.")
        self.keys.add(key)
        return key


def _no_constant(name: str):
    raise ValueError(f"{name} is no number")


def _object(item: dict, name: str) -> dict:
    value = item.get(name)
    if value is not None and not isinstance(value, dict):
        raise _Wrong("form-readable", f"{name} is no object.")
    return value or {}


def _text(item: dict, name: str) -> str:
    value = item.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Wrong("form-readable", f"{name} is no text.")
    if value.lstrip().startswith("=") or "{{" in value:
        raise _Wrong("form-component", f"{name} is computed; texts are fixed here.")
    return value.strip()


def _flag(item: dict, name: str) -> bool:
    value = item.get(name, False)
    if not isinstance(value, bool):
        raise _Wrong("form-component", f"{name} is computed; it is on or off here.")
    return value


def _count(item: dict, name: str) -> int | None:
    value = item.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
        raise _Wrong("form-rule", f"{name} is no whole number from 0 to 100,000.")
    return value


def _number(item: dict, name: str) -> float | None:
    value = item.get(name)
    if value is None or value == "":
        return None
    try:
        return None if isinstance(value, bool) else number(value)
    except ValueError:
        raise _Wrong("form-rule", f"{name} is no number.") from None


def _label(item: dict) -> str:
    return _text(item, "label") or _text(item, "dateLabel") or _text(item, "timeLabel")


def _hide(item: dict) -> str | None:
    text = _object(item, "conditional").get("hide")
    if text is None or text == "":
        return None
    if not isinstance(text, str) or not text.strip().startswith("=") or not text.strip()[1:].strip():
        raise _Wrong("form-rule", "The hide condition is not FEEL after '='.")
    return text.strip()[1:].strip()


def _subtype(item: dict, kind: str) -> str:
    subtype = _text(item, "subtype") or ("date" if kind == "datetime" else "")
    if kind == "datetime" and subtype not in ("date", "time", "datetime"):
        raise _Wrong("form-component", f"The date type {subtype} is not known.")
    return subtype


def _options(item: dict, kind: str) -> tuple[Option, ...]:
    if not field_types.FIELDS[kind].has_options:
        return ()
    raw = item.get("values")
    if not isinstance(raw, list) or not raw or len(raw) > 300:
        raise _Wrong("form-rule", "The field has no options of its own (1 to 300).")
    options = tuple(_option(value) for value in raw)
    if len({o.value for o in options}) < len(options):
        raise _Wrong("form-rule", "Two options have the same value.")
    return options


def _option(raw) -> Option:
    if not isinstance(raw, dict) or not isinstance(raw.get("value"), str) or not raw["value"].strip():
        raise _Wrong("form-rule", "An option's value is no text.")
    label = _text(raw, "label")
    if not label:
        raise _Wrong("form-label", f"The option {raw['value'][:40]} has no label.")
    return Option(raw["value"], label)


def _rules(item: dict) -> dict[str, Any]:
    raw = _object(item, "validate")
    unknown = sorted(set(raw) - _RULES)
    if unknown:
        raise _Wrong("form-component", f"The rule {unknown[0][:40]} is not checked here.")
    kind = _text(raw, "validationType") or None
    if kind not in (None, "custom", "email", "phone"):
        raise _Wrong("form-component", f"The validation type {kind[:40]} is not checked here.")
    rules = {"required": _flag(raw, "required"), "min_length": _count(raw, "minLength"),
             "max_length": _count(raw, "maxLength"), "min": _number(raw, "min"), "max": _number(raw, "max"),
             "pattern": _pattern(raw), "validation_type": None if kind == "custom" else kind}
    for low, high in (("min_length", "max_length"), ("min", "max")):
        if rules[low] is not None and rules[high] is not None and rules[low] > rules[high]:
            raise _Wrong("form-rule", f"The least value {rules[low]} is above the greatest {rules[high]}.")
    return rules


def _pattern(raw: dict) -> str | None:
    pattern = raw.get("pattern")
    if pattern is None or pattern == "":
        return None
    if not isinstance(pattern, str):
        raise _Wrong("form-rule", "The pattern is no text.")
    try:
        compiled(pattern)
    except UnsafePattern as error:
        raise _Wrong("form-rule", f"The pattern is not safe: {error}.") from None
    return pattern


def _default(component: Component, raw: Any) -> Any:
    kind = field_types.FIELDS[component.type]
    if raw is None or raw == "" or raw == []:
        return None
    try:
        return kind.clean(component, raw)
    except Unfit as unfit:
        raise _Wrong("form-rule", f"The default value does not fit: {unfit.fault.en}") from None
