"""Files are chosen in the application's own words: no browser's text on the page, label, keyboard and required as with any field."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import photo_of, picture
from tests.acceptance.looks import lived
from tests.conftest import ROOT

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

PLACES = [("liu", "/tasks/{handle}"), ("lin", "/tickets/{late}"), ("wang", "/exchange")]
# The control as one sees it: nothing of its own, and the words that lie under it.
SEEN = """el => ({opacity: getComputedStyle(el).opacity, size: [el.offsetWidth, el.offsetHeight],
    box: [el.parentElement.clientWidth, el.parentElement.clientHeight], words: el.parentElement.innerText.trim(),
    named: !!(el.labels.length || el.getAttribute('aria-label') || el.getAttribute('aria-labelledby'))})"""


def test_every_file_control_stands_in_its_own_words():
    """In the templates, so that a new one is held to it too."""
    bare = [
        f"{path.name}: {line.strip()[:80]}"
        for path in (ROOT / "webui" / "templates").rglob("*.html")
        for line in path.read_text(encoding="utf-8").splitlines()
        if 'type="file"' in line and "{% call file(" not in line
    ]
    assert bare == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("who", "address"), PLACES)
def test_one_sees_our_words_and_never_the_browsers(desk, live, language, who, address):
    ids = lived(live)
    screen = desk(who, locale="fr-FR")  # a browser of a third language
    screen.speak(language)
    screen.open(address.format_map(ids))
    controls = screen.page.locator("input[type=file]")
    assert controls.count() >= 1
    for control in controls.all():
        seen = control.evaluate(SEEN)
        assert seen["opacity"] == "0" and seen["size"] == seen["box"] and seen["named"], seen
        assert ("选" in seen["words"]) if language == "zh" else seen["words"].startswith(("Choose", "Take")), seen


def test_what_was_chosen_is_named_and_taken(desk, live):
    ids = lived(live)
    liu = desk("lin", at=f"/tickets/{ids['late']}")
    box = liu.page.locator(".z-file:has(input[name=photo])")
    with liu.page.expect_file_chooser() as chooser:
        liu.press("p")
    chooser.value.set_files(picture("吊顶.jpg", photo_of((1, 2, 3))))
    assert "吊顶.jpg" in box.inner_text()
    before = liu.page.locator(".z-photos img").count()
    liu.submit("form[action*='/photos'] button")
    assert liu.page.locator(".z-photos img").count() == before + 1


def test_several_files_are_counted_and_a_missing_one_is_asked_for_in_our_words(desk, live):
    ids = lived(live)
    liu = desk("liu", at=f"/tasks/{ids['handle']}")
    control = liu.page.locator("input[type=file][name=photo_after]")
    control.set_input_files([picture("a.jpg", photo_of()), picture("b.jpg", photo_of())])
    assert "选了 2 张：" in control.evaluate("el => el.parentElement.innerText")
    wang = desk("wang", at="/exchange")
    missing = wang.page.locator("#units-file")
    wang.page.click("form[action*='/upload/units'] button.main")
    assert missing.evaluate("el => el.validationMessage") == "先选文件" and wang.path == "/exchange"


def test_the_keyboard_reaches_the_control_and_its_focus_is_seen(desk, live):
    ids = lived(live)
    liu = desk("liu", at=f"/tasks/{ids['handle']}")
    box = liu.page.locator(".z-file").first
    plain = box.evaluate("el => getComputedStyle(el).boxShadow")
    for _ in range(60):
        liu.page.keyboard.press("Tab")
        if liu.page.evaluate("document.activeElement.type") == "file":
            break
    assert liu.page.evaluate("document.activeElement.type") == "file"
    assert liu.page.locator(".z-file:has(:focus)").first.evaluate("el => getComputedStyle(el).boxShadow") != plain
