"""Each field type has one module and one template of the same name; the templates show what a person needs, safely."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jinja2
import pytest

from engine.forms import Form, FormFault
from engine.forms.fields import FIELDS

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "webui" / "templates"
YES_NO = [{"label": "还在漏", "value": "yes"}, {"label": "停了", "value": "no"}]
COMPONENTS = [
    {"type": "textfield", "key": "phone", "label": "电话", "description": "客户手机", "validate": {"validationType": "phone"}},
    {"type": "textarea", "key": "request", "label": "诉求", "validate": {"required": True}},
    {"type": "number", "key": "cost", "label": "费用", "decimalDigits": 2, "appearance": {"suffixAdorner": "元"}},
    {"type": "select", "key": "who", "label": "谁", "values": YES_NO}, {"type": "radio", "key": "leak", "label": "漏吗", "values": YES_NO},
    {"type": "checkbox", "key": "done", "label": "现场能办"}, {"type": "checklist", "key": "rooms", "label": "哪间", "values": YES_NO},
    {"type": "taglist", "key": "tags", "label": "标签", "values": YES_NO},
    {"type": "datetime", "subtype": "datetime", "key": "at", "label": "时间", "conditional": {"hide": "=leak = \"no\""}},
    {"type": "filepicker", "key": "photo", "label": "照片", "multiple": True}, {"type": "text", "text": "<b>请核对</b>"},
    {"type": "separator"}, {"type": "spacer"},
    {"type": "group", "label": "到场", "components": [{"type": "textfield", "key": "inner", "label": "里面"}]}]
FORM = Form.read(json.dumps({"id": "f", "components": COMPONENTS}))


@pytest.fixture(scope="module")
def environment():
    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)


def shown(environment, key, value=None, fault=None, lang="zh", **more):
    field = next(c for c in FORM.walk() if key in (c.key, c.type))
    return environment.get_template(f"fields/{field.type}.html").render(field=field, value=value, fault=fault, lang=lang, **more)


def test_every_field_type_has_its_template_and_every_template_its_type():
    modules = {p.stem for p in (ROOT / "engine" / "forms" / "fields").glob("*.py")} - {"__init__"}
    templates = {p.stem for p in (TEMPLATES / "fields").glob("*.html") if not p.stem.startswith("_")}
    assert modules == templates == set(FIELDS)


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_templates_keep_to_the_content_security_policy_and_label_their_control(environment, kind):
    html = shown(environment, kind)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", html)
    if FIELDS[kind].holds_value:
        field = next(c for c in FORM.walk() if c.type == kind)
        assert field.label in html and f'name="{field.key}"' in html
        labelled = f'for="f-{field.key}"' in html or f'aria-labelledby="f-{field.key}-label"' in html or "<label class=\"z-check\">" in html
        assert labelled


def test_a_fault_is_tied_to_its_control_and_speaks_the_readers_language(environment):
    html = shown(environment, "phone", "12", FormFault("phone"))
    assert 'aria-invalid="true"' in html and 'aria-describedby="f-phone-fault f-phone-help"' in html
    assert 'id="f-phone-fault"' in html and "电话号码不对" in html and 'value="12"' in html and 'type="tel"' in html
    assert "This is no phone number" in shown(environment, "phone", "12", FormFault("phone"), "en")
    assert "太短" in shown(environment, "phone", "12", "太短")


def test_optional_fields_say_so_and_required_ones_do_not(environment):
    assert "（可不填）" in shown(environment, "phone") and "(optional)" in shown(environment, "phone", lang="en")
    assert "可不填" not in shown(environment, "request") and 'aria-required="true"' in shown(environment, "request")


def test_what_people_wrote_is_never_markup(environment):
    html = shown(environment, "request", "</textarea><img src=x onerror=alert(1)>")
    assert "<img" not in html
    assert "&lt;b&gt;" in shown(environment, "text")


def test_a_text_that_starts_with_a_line_break_keeps_it(environment):
    assert ">\n\n二" in shown(environment, "request", "\n二")


def test_an_instant_is_shown_as_local_time(environment):
    html = shown(environment, "at", datetime(2026, 11, 20, 9, 20, tzinfo=UTC))
    assert 'data-moment="datetime"' in html and 'value="2026-11-20 17:20"' in html
    assert "data-hide=\"leak = &#34;no&#34;\"" in html


def test_choices_are_native_controls_with_the_value_checked(environment):
    html = shown(environment, "leak", "no")
    assert html.count('<input type="radio"') == 2 and 'value="no" checked' in html and 'class="z-seg"' in html
    assert 'value="yes" selected' in shown(environment, "who", "yes")
    assert shown(environment, "rooms", ["yes", "no"]).count(" checked") == 2
    assert " checked" in shown(environment, "done", True) and " checked" not in shown(environment, "done", False)


def test_chips_carry_digits(environment):
    field = next(c for c in Form.read(json.dumps({"id": "f", "components": [
        COMPONENTS[4] | {"properties": {"widget": "chips"}}]})).fields)
    html = environment.get_template("fields/radio.html").render(field=field, lang="zh")
    assert html.count('class="z-cat"') == 2 and "<kbd aria-hidden=\"true\">2</kbd>" in html


def test_photos_open_the_camera_and_keep_what_was_stored(environment):
    html = shown(environment, "photo", [3, 4])
    assert 'type="file" accept="image/*" multiple' in html and '<input type="hidden" name="photo" value="4">' in html


def test_money_counts_in_fen(environment):
    assert 'step="0.01"' in shown(environment, "cost") and "元" in shown(environment, "cost")


def test_a_group_shows_its_fields_with_their_own_values(environment):
    html = shown(environment, "group", values={"inner": "茶水间"}, faults={"inner": FormFault("required")})
    assert "<fieldset" in html and "<legend" in html and 'value="茶水间"' in html and 'id="f-inner-fault"' in html


def test_a_page_may_give_name_and_id_of_its_own(environment):
    html = shown(environment, "phone", name="other", id="p1", autofocus=True)
    assert 'name="other"' in html and 'id="p1"' in html and " autofocus" in html
