"""Single keys: all listed on `?`, each with a visible button, off while typing and by a switch (WCAG 2.1.4)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def test_the_question_mark_lists_every_key_of_the_page(desk, story):
    number = story.register(unit="2-0805")
    lin = desk("lin", at=f"/tickets/{number}")
    lin.press("?")
    listed = lin.page.locator("#keys dt").all_inner_texts()
    on_page = [
        k.upper()
        for k in lin.page.eval_on_selector_all(
            "[data-key]", "all => all.filter(e => e.checkVisibility()).map(e => e.dataset.key)"
        )
    ]
    assert {"N", "U", "I", "Y", "E"} <= set(on_page) <= set(listed) and {"?", "/", "Esc"} <= set(listed)
    assert len(listed) == len(set(listed)) and all(lin.page.locator("#keys dd").all_inner_texts())
    lin.press("Escape")
    assert not lin.page.locator("#keys").is_visible()


def test_keys_press_what_they_stand_on_and_the_slash_finds(desk, story):
    number = story.register(unit="2-0805")
    lin = desk("lin", at=f"/tickets/{number}")
    lin.press("u")
    assert lin.page.locator("#urge").is_visible()
    lin.press("e")
    assert not lin.page.locator("#help").is_visible(), "no key reaches through an open dialog"
    lin.press("Escape")
    lin.press("/")
    assert lin.focus == "find"
    lin.type("滴水")
    lin.page.wait_for_selector(f"#found a:has-text('{number}')")
    lin.press("ArrowDown")
    lin.press("Enter", leads_on=True)
    assert lin.path == f"/tickets/{number}"


def test_keys_are_off_while_typing_and_by_the_switch(desk):
    lin = desk("lin")
    lin.press("/")
    lin.type("n?3-1201u")
    assert (
        lin.path == "/" and lin.page.input_value("#find") == "n?3-1201u" and not lin.page.locator("#keys").is_visible()
    )
    lin.press("Escape")
    lin.page.click("details.z-menu summary")
    lin.submit("button[name=single_keys][value=off]")
    lin.press("n")
    lin.press("?")
    assert lin.path == "/" and not lin.page.locator("#keys").is_visible()


def test_keys_are_off_while_an_input_method_composes(desk):
    lin = desk("lin")
    lin.page.evaluate(
        "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'n', keyCode: 229, isComposing: true, bubbles: true}))"
    )
    assert lin.path == "/"


def test_arrows_move_along_the_rows_and_enter_opens_the_one_in_focus(desk, story):
    numbers = {story.register(unit="2-0805"), story.register(unit="3-0902")}
    lin = desk("lin")
    rows = lin.page.locator("[data-rows] > li")
    second = next(n for n in numbers if n in rows.nth(1).inner_text())
    lin.press("ArrowDown")
    assert rows.nth(1).get_attribute("aria-current") == "true" and rows.nth(0).get_attribute("aria-current") is None
    lin.press("Enter", leads_on=True)
    assert second in lin.text and lin.path.startswith("/tasks/")
