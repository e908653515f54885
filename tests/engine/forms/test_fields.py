"""What a value of each field type may be. Limits: just before, at, just after."""

import datetime as dt

import pytest

from engine.forms import Component, Option, Unfit
from engine.forms.fields import FIELDS

OPTIONS = (Option("repair", "报修"), Option("complaint", "投诉"))


def clean(kind, raw, **settings):
    spec = Component(kind, key="field", label="一项", **({"options": OPTIONS} if FIELDS[kind].has_options else {}) | settings)
    return FIELDS[kind].clean(spec, raw)


def rule_of(kind, raw, **settings):
    with pytest.raises(Unfit) as refused:
        clean(kind, raw, **settings)
    assert refused.value.fault.zh and refused.value.fault.en
    return refused.value.fault.rule


def test_text_is_trimmed_and_normalised():
    assert clean("textfield", "  3-1201 茶水间 ") == "3-1201 茶水间"
    assert clean("textfield", "e\u0301") == "é"
    assert clean("textfield", "   ") is None
    assert clean("textarea", "一\r\n二") == "一\n二"


@pytest.mark.parametrize("raw", [5, ["a"], {"a": 1}, True])
def test_text_is_text(raw):
    assert rule_of("textfield", raw) == "kind"


def test_text_of_one_line_has_no_second_line():
    assert rule_of("textfield", "一\n二") == "one-line"


@pytest.mark.parametrize("raw", ["a\0b", "a\x1bb", "a\ud800b"])
def test_text_has_no_control_characters(raw):
    assert rule_of("textarea", raw) == "characters"


def test_length_limits_count_at_the_border():
    assert rule_of("textfield", "一", min_length=2, max_length=3) == "min-length"
    assert clean("textfield", "一二", min_length=2, max_length=3) == "一二"
    assert clean("textfield", "一二三", min_length=2, max_length=3) == "一二三"
    assert rule_of("textfield", "一二三四", min_length=2, max_length=3) == "max-length"
    assert rule_of("textfield", "x" * 501) == "max-length"
    assert rule_of("textarea", "x" * 5001) == "max-length"


@pytest.mark.parametrize("raw", ["13800138000", "021-61234567", "+86 138 0013 8000", "61234567转801"])
def test_phone_numbers_are_taken(raw):
    assert clean("textfield", raw, validation_type="phone") == raw


@pytest.mark.parametrize("raw", ["abc", "12", "138001380001380013800", "1380013800a"])
def test_other_texts_are_no_phone_numbers(raw):
    assert rule_of("textfield", raw, validation_type="phone") == "phone"


def test_mail_addresses():
    assert clean("textfield", "lin@example.com", validation_type="email") == "lin@example.com"
    assert rule_of("textfield", "lin@example", validation_type="email") == "email"


def test_a_pattern_may_match_anywhere_unless_it_is_anchored():
    assert clean("textfield", "A-12", pattern="[0-9]") == "A-12"
    assert rule_of("textfield", "A-12", pattern="^[0-9]+$") == "pattern"


@pytest.mark.parametrize(("raw", "value"), [("12", 12), ("12.50", 12.5), (" １２ ", 12), ("-3", -3), (7, 7), (0, 0), ("1e2", 100)])
def test_numbers_come_back_whole_where_they_are(raw, value):
    cleaned = clean("number", raw)
    assert cleaned == value and type(cleaned) is type(value)


@pytest.mark.parametrize("raw", ["zwölf", "1,5", "NaN", "inf", "1e400", "1" * 50, "1_000", True, [1], {}])
def test_other_things_are_no_numbers(raw):
    assert rule_of("number", raw) == "number"


def test_number_limits_count_at_the_border():
    assert rule_of("number", "0", min=1, max=5) == "min"
    assert clean("number", "1", min=1, max=5) == 1
    assert clean("number", "5", min=1, max=5) == 5
    assert rule_of("number", "5.01", min=1, max=5) == "max"


def test_money_has_two_places():
    assert clean("number", "0.29", decimals=2) == 0.29
    assert rule_of("number", "0.291", decimals=2) == "decimals"
    assert rule_of("number", "0.5", decimals=0) == "whole"


@pytest.mark.parametrize("kind", ["select", "radio"])
def test_a_choice_is_one_of_the_options(kind):
    assert clean(kind, "repair") == "repair"
    assert clean(kind, "") is None
    assert rule_of(kind, "fees") == "option"
    assert rule_of(kind, ["repair"]) == "option"


@pytest.mark.parametrize("kind", ["checklist", "taglist"])
def test_several_choices_come_once_and_in_the_forms_order(kind):
    assert clean(kind, ["complaint", "repair", "complaint"]) == ["repair", "complaint"]
    assert clean(kind, "repair") == ["repair"]
    assert clean(kind, None) == []
    assert rule_of(kind, ["repair", "fees"]) == "option"
    assert rule_of(kind, {"repair": True}) == "kind"
    assert rule_of(kind, [["repair"]]) == "option"


@pytest.mark.parametrize(("raw", "value"), [("true", True), ("on", True), (True, True), (None, False), ("", False), (False, False)])
def test_a_checkbox_is_yes_or_no(raw, value):
    assert clean("checkbox", raw) is value
    assert FIELDS["checkbox"].empty(value) is not value


def test_a_checkbox_takes_nothing_else():
    assert rule_of("checkbox", "vielleicht") == "kind"
    assert rule_of("checkbox", 1) == "kind"


def test_local_time_becomes_an_instant():
    assert clean("datetime", "2025-11-25T17:20", subtype="datetime") == dt.datetime(2025, 11, 25, 9, 20, tzinfo=dt.UTC)
    assert clean("datetime", "2025-11-25T09:20:00Z", subtype="datetime") == dt.datetime(2025, 11, 25, 9, 20, tzinfo=dt.UTC)


def test_an_instant_is_shown_in_local_time():
    spec = Component("datetime", key="at", label="时间", subtype="datetime")
    assert spec.shown(dt.datetime(2025, 11, 25, 16, 30, tzinfo=dt.UTC)) == "2025-11-26T00:30"
    assert spec.shown("2025-11-26T00:30") == "2025-11-26T00:30"
    assert spec.shown(None) == ""


def test_dates_and_times():
    assert clean("datetime", "2025-11-25", subtype="date") == dt.date(2025, 11, 25)
    assert clean("datetime", "17:20", subtype="time") == dt.time(17, 20)
    assert rule_of("datetime", "2025-02-30", subtype="date") == "date"
    assert rule_of("datetime", "25:00", subtype="time") == "time"


@pytest.mark.parametrize("raw", ["morgen", "2025-13-01T00:00", "0001-01-01T00:00", "9999-12-31T23:59", 5, "2025-11-25T17:20" * 9])
def test_other_texts_are_no_instants(raw):
    assert rule_of("datetime", raw, subtype="datetime") == "instant"


def test_photos_are_ids_each_once():
    assert clean("filepicker", ["3", 4, "3"], multiple=True) == [3, 4]
    assert clean("filepicker", "7") == [7]
    assert clean("filepicker", None) == []
    assert rule_of("filepicker", ["1", "2"]) == "too-many"
    assert rule_of("filepicker", list(range(1, 22)), multiple=True) == "too-many"


@pytest.mark.parametrize("raw", [["../x"], [{"id": 1}], [True], [-1], [0.5], ["a b"]])
def test_other_things_are_no_photos(raw):
    assert rule_of("filepicker", raw, multiple=True) == "photo"


def test_shown_components_hold_no_value():
    for kind in ("text", "separator", "spacer", "group"):
        assert not FIELDS[kind].holds_value
