"""Forms as form-js writes them: what is read, and what is refused with a remedy."""

import json
import random

import pytest

from engine.errors import DefinitionRefused
from engine.forms import Form
from engine.forms.definition import READ_CHECKS, read

CATEGORY = {"type": "radio", "key": "category", "label": "类别", "validate": {"required": True},
            "values": [{"label": "报修", "value": "repair"}, {"label": "投诉", "value": "complaint"}],
            "properties": {"widget": "chips"}}
REQUEST = {"type": "textarea", "key": "request", "label": "诉求", "description": "客户原话", "validate": {"maxLength": 200}}
DEADLINE = {"type": "datetime", "subtype": "datetime", "key": "reply_deadline", "dateLabel": "答复时限",
            "conditional": {"hide": "=category = \"complaint\""}}


def form_of(*components, **more):
    return json.dumps({"id": "register", "type": "default", "schemaVersion": 16, "components": list(components)} | more)


def faults_of(*components):
    return [(f.check, f.element) for f in read(form_of(*components), "forms/register.form")[1]]


def test_fields_come_flat_and_components_as_drawn():
    group = {"type": "group", "id": "when", "label": "时间", "components": [DEADLINE], "conditional": {"hide": "=false"}}
    form = Form.read(form_of(CATEGORY, group, {"type": "text", "text": "请核对"}))
    assert form.keys == ("category", "reply_deadline")
    assert [c.type for c in form.components] == ["radio", "group", "text"]
    assert form.field("reply_deadline").hides == ("false", 'category = "complaint"')
    assert form.field("reply_deadline").label == "答复时限"
    assert form.field("category").properties["widget"] == "chips"
    assert form.field("category").option_label("repair") == "报修"


def test_first_values_come_from_the_process_then_from_the_form():
    form = Form.read(form_of(CATEGORY | {"defaultValue": "repair"}, REQUEST))
    assert form.initial({}) == {"category": "repair", "request": None}
    assert form.initial({"category": "complaint", "request": "漏水", "other": 1}) == {"category": "complaint", "request": "漏水"}


def test_texts_of_another_language_replace_labels_and_options():
    form = Form.read(form_of(CATEGORY, {"type": "group", "components": [REQUEST]})).with_texts(
        {"category": {"label": "Category", "values": {"repair": "Repair"}}, "request": {"label": "Request", "description": "Words"}})
    assert form.field("category").label == "Category"
    assert [o.label for o in form.field("category").options] == ["Repair", "投诉"]
    assert form.components[1].children[0].description == "Words"
    assert form.with_texts({"category": "Kind"}).field("category").label == "Kind"


@pytest.mark.parametrize(("component", "check"), [
    ({"type": "html", "content": "<b>x</b>"}, "form-component"),
    ({"type": "iframe", "url": "https://example.com"}, "form-component"),
    ({"type": "dynamiclist", "components": []}, "form-component"),
    (REQUEST | {"valuesExpression": "=x"}, "form-component"),
    (REQUEST | {"readonly": "=x"}, "form-component"),
    (REQUEST | {"label": "=x"}, "form-component"),
    (REQUEST | {"label": "Hallo {{x}}"}, "form-component"),
    (REQUEST | {"validate": {"maxLength": 2, "minLength": 3}}, "form-rule"),
    (REQUEST | {"validate": {"maxLength": "=x"}}, "form-rule"),
    (REQUEST | {"validate": {"own": 1}}, "form-component"),
    (REQUEST | {"conditional": {"hide": "x"}}, "form-rule"),
    (REQUEST | {"label": ""}, "form-label"),
    (REQUEST | {"key": "a.b"}, "form-key"), (REQUEST | {"key": "__class__"}, "form-key"),
    (REQUEST | {"key": "typename"}, "form-key"), (REQUEST | {"key": "now"}, "form-key"), (REQUEST | {"key": None}, "form-key"),
    ({"type": "textfield", "key": "a", "label": "A", "validate": {"pattern": "(a+)+"}}, "form-rule"),
    (CATEGORY | {"values": []}, "form-rule"), (CATEGORY | {"values": CATEGORY["values"] * 2}, "form-rule"),
    (CATEGORY | {"values": [{"value": "a"}]}, "form-label"), (CATEGORY | {"defaultValue": "fees"}, "form-rule"),
    (DEADLINE | {"subtype": "week"}, "form-component"),
    ({"type": "group", "path": "inner", "components": []}, "form-component"),
])
def test_what_is_not_read_is_refused(component, check):
    found = faults_of(component)
    assert [c for c, _ in found] == [check]


def test_a_key_is_used_once():
    assert faults_of(REQUEST, REQUEST) == [("form-key", "request")]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"components": 3}', '{"components": [NaN]}', "[" * 100_000,
                                  form_of(*[{"type": "spacer"}] * 201), form_of("x"), form_of(id=5), "x" * 300_000])
def test_broken_forms_are_faults_not_errors(text):
    _, faults = read(text, "forms/broken.form")
    assert faults and {f.check for f in faults} <= set(READ_CHECKS)
    with pytest.raises(DefinitionRefused):
        Form.read(text)


def test_changed_forms_never_raise():
    rng = random.Random(20254)
    good = form_of(CATEGORY, REQUEST, DEADLINE, {"type": "group", "components": [{"type": "number", "key": "n", "label": "N"}]})
    odd = [None, "", "=", 5, -1, 1.5, True, [], {}, [[]], {"a": {}}, "x" * 999, "\u0000", "number", "group"]

    def change(node):
        if isinstance(node, dict):
            return {k: rng.choice(odd) if rng.random() < 0.06 else change(v) for k, v in node.items() if rng.random() > 0.02}
        return [change(v) for v in node] if isinstance(node, list) else node

    for _ in range(200):
        form, faults = read(json.dumps(change(json.loads(good))), "forms/changed.form")
        assert form is not None or faults
