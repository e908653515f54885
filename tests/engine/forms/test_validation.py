"""What a person may send for a form: only its own fields, each by its rules; hidden ones are dropped."""

import json
from datetime import UTC, datetime

import pytest

from engine.errors import ExpressionError, FormInvalid
from engine.feel import Feel
from engine.forms import Form

NOW = datetime(2026, 11, 20, 9, 45, tzinfo=UTC)
YES_NO = [{"label": "通过", "value": "yes"}, {"label": "不通过", "value": "no"}]
VERIFY = Form.read(json.dumps({"id": "verify", "components": [
    {"type": "radio", "key": "passed", "label": "核实", "values": YES_NO, "validate": {"required": True}},
    {"type": "group", "label": "原因", "conditional": {"hide": "=passed != \"no\""}, "components": [
        {"type": "textfield", "key": "fail_reason", "label": "原因", "validate": {"required": True, "minLength": 2}},
        {"type": "textfield", "key": "witness", "label": "谁看到", "conditional": {"hide": "=fail_reason = null"}}]},
    {"type": "number", "key": "cost_yuan", "label": "费用", "decimalDigits": 2, "validate": {"min": 0}},
    {"type": "textfield", "key": "unit", "label": "单元", "readonly": True}]}))


@pytest.fixture(scope="module")
def feel():
    return Feel()


def faults_of(form, values, feel, context=None):
    with pytest.raises(FormInvalid) as refused:
        form.validate(values, feel, context or {})
    assert refused.value.form == form.id
    return {key: fault.rule for key, fault in refused.value.faults.items()}


def test_values_come_back_cleaned_and_absent_ones_as_none(feel):
    assert VERIFY.validate({"passed": "no", "fail_reason": " 还漏 "}, feel, {}) == {
        "passed": "no", "fail_reason": "还漏", "witness": None, "cost_yuan": None}


def test_hidden_fields_are_dropped_even_if_sent_or_faulty(feel):
    assert VERIFY.validate({"passed": "yes", "fail_reason": "x", "witness": 5, "cost_yuan": "3"}, feel, {}) == {
        "passed": "yes", "cost_yuan": 3}


def test_a_field_hidden_by_a_hidden_field_is_hidden_too(feel):
    assert "witness" not in VERIFY.validate({"passed": "yes", "fail_reason": "还漏", "witness": "林"}, feel, {})


def test_required_fields_that_are_visible_have_to_be_given(feel):
    assert faults_of(VERIFY, {}, feel) == {"passed": "required"}
    assert faults_of(VERIFY, {"passed": "no"}, feel) == {"fail_reason": "required"}


def test_every_fault_is_told_at_once_in_both_languages(feel):
    with pytest.raises(FormInvalid) as refused:
        VERIFY.validate({"passed": "no", "fail_reason": "x", "cost_yuan": "-1"}, feel, {})
    fault = refused.value.faults["fail_reason"]
    assert str(fault) == "至少 2 个字，现在 1 个。" and fault.en == "At least 2 characters; now 1."
    assert refused.value.faults["cost_yuan"].rule == "min"


def test_keys_of_other_forms_are_refused(feel):
    assert faults_of(VERIFY, {"passed": "yes", "vip": True}, feel) == {"vip": "unknown"}


@pytest.mark.parametrize("poison", [{"typename": "x"}, [{"a": {"typename": 1}}], {"a": {"__class__": 1}}, {"@dt": "2025"}])
def test_names_that_poison_stored_state_are_refused_at_any_depth(feel, poison):
    assert faults_of(VERIFY, {"passed": "yes", "cost_yuan": poison}, feel) == {"cost_yuan": "refused-name"}


def test_values_nested_too_deep_are_refused(feel):
    deep = "x"
    for _ in range(200):
        deep = [deep]
    assert faults_of(VERIFY, {"passed": "yes", "cost_yuan": deep}, feel) == {"cost_yuan": "refused-name"}


def test_what_is_sent_for_a_fixed_field_is_not_taken(feel):
    assert "unit" not in VERIFY.validate({"passed": "yes", "unit": "9-9999"}, feel, {})


def test_hide_conditions_see_the_process(feel):
    form = Form.read(json.dumps({"id": "f", "components": [
        {"type": "textfield", "key": "note", "label": "备注", "conditional": {"hide": "=not(vip)"}, "validate": {"required": True}}]}))
    assert form.validate({}, feel, {"vip": False}) == {}
    assert faults_of(form, {}, feel, {"vip": True}) == {"note": "required"}


def test_a_hide_condition_that_gives_no_truth_value_is_an_error_of_its_author(feel):
    form = Form.read(json.dumps({"id": "f", "components": [
        {"type": "textfield", "key": "note", "label": "备注", "conditional": {"hide": "=1 + 1"}}]}))
    with pytest.raises(ExpressionError):
        form.validate({}, feel, {})


def test_without_hide_conditions_feel_is_not_asked():
    form = Form.read(json.dumps({"id": "f", "components": [{"type": "textfield", "key": "a", "label": "A"}]}))
    assert form.validate({"a": "x"}, None, {}) == {"a": "x"}


def test_a_promise_lies_in_the_future():
    form = Form.read(json.dumps({"id": "f", "components": [
        {"type": "datetime", "subtype": "datetime", "key": "at", "label": "时间", "disallowPassedDates": True}]}))
    assert faults_of(form, {"at": "2026-11-20T17:44"}, None, {"now": NOW}) == {"at": "past"}
    assert form.validate({"at": "2026-11-20T17:45"}, None, {"now": NOW}) == {"at": NOW}


def test_a_required_checkbox_has_to_be_ticked():
    form = Form.read(json.dumps({"id": "f", "components": [
        {"type": "checkbox", "key": "read", "label": "已读", "validate": {"required": True}}]}))
    assert faults_of(form, {"read": "false"}, None) == {"read": "ticked"}
    assert form.validate({"read": "true"}, None, {}) == {"read": True}


def test_the_author_may_word_what_a_pattern_wants():
    form = Form.read(json.dumps({"id": "f", "components": [
        {"type": "textfield", "key": "plate", "label": "车牌", "validate": {"pattern": "^沪"},
         "properties": {"message": "只登记沪牌。", "message_en": "Shanghai plates only."}}]}))
    with pytest.raises(FormInvalid) as refused:
        form.validate({"plate": "京A1"}, None, {})
    assert (str(refused.value.faults["plate"]), refused.value.faults["plate"].en) == ("只登记沪牌。", "Shanghai plates only.")
