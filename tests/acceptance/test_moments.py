"""Dates and times read the same in both languages, whatever the browser's own: typed, picked, by keyboard and on the phone."""

from __future__ import annotations

import re

import pytest

from tests.people import Story

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

WRITTEN = {"date": r"\d{4}-\d\d-\d\d", "time": r"\d\d:\d\d", "datetime": r"\d{4}-\d\d-\d\d \d\d:\d\d"}
PLACES = [
    ("lin", "/tickets/{number}"),
    ("chen", "/rounds/timetable"),
    ("wang", "/calendar"),
    ("chen", "/registers/call-visit-register"),
]
FIELDS = "all => all.map(f => [f.dataset.moment, f.id, f.value, `${f.type}, ${f.labels.length} label`])"


def test_a_moment_reads_the_same_in_every_browser_and_both_languages(desk, live):
    number = Story(live.app).register()
    for who, address in PLACES:
        screen, read = desk(who, locale="fr-FR"), []  # a browser of a third language
        for language in ("zh", "en"):
            screen.speak(language)
            screen.open(address.format(number=number))
            read.append(screen.page.locator("input[data-moment]").evaluate_all(FIELDS))
            picks = screen.page.locator("[data-pick]").first.get_attribute("aria-label")
            assert picks.startswith("选" if language == "zh" else "Pick")
        assert read[0] == read[1] and read[0], address
        for kind, _id, text, looks in read[0]:
            assert not text or re.fullmatch(WRITTEN[kind], text), (address, text)
            assert looks == "text, 1 label", address


def test_by_keyboard_a_loose_date_is_written_out_and_a_wrong_one_is_told_in_the_pages_language(desk, live):
    chen = desk("chen", locale="en-US")
    chen.speak("zh")
    chen.open("/registers/call-visit-register")
    field = chen.page.locator("#r-on")
    field.fill("")
    field.press_sequentially("20261120")
    field.press("Tab")
    assert field.input_value() == "2026-11-20"
    field.fill("30/02/2026")
    field.press("Tab")
    assert field.evaluate("el => el.validationMessage") == "写成 2026-12-01 这样"
    field.fill("２０２６/11/2")
    with chen.page.expect_navigation():
        field.press("Enter")
    assert chen.page.locator("#r-on").input_value() == "2026-11-02"


PICKED = """(button) => { const asked = []; HTMLInputElement.prototype.showPicker = function () { asked.push([this.type, this.value]); };
  button.click(); const native = button.parentElement.querySelector('.z-native'); native.value = '2026-11-24T10:05';
  native.dispatchEvent(new Event('change', { bubbles: true })); return asked; }"""


def test_the_browsers_picker_fills_the_field_on_the_phone(desk, live):
    number = Story(live.app).register()
    lin = desk("lin", at=f"/tickets/{number}", phone=True, locale="en-US")
    lin.page.evaluate("document.querySelector('#promise').showModal()")
    button = lin.page.locator("#promise [data-pick]")
    box = button.bounding_box()
    assert box["width"] >= 48 and box["height"] >= 48
    before = lin.page.locator("#promise-at").input_value()
    assert button.evaluate(PICKED) == [["datetime-local", before.replace(" ", "T")]]
    assert lin.page.locator("#promise-at").input_value() == "2026-11-24 10:05"
    lin.page.fill("#promise-text", "给回话")
    lin.submit("#promise button.main")
    assert "10:05" in lin.page.inner_text("body")
