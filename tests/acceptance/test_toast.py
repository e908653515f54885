"""The note that something was done, with its undo, covers nothing for good: every row and button can be brought clear of it."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

# Commands of the page that lie under a note as it stands now.
UNDER = """() => {
    const notes = [...document.querySelectorAll('.z-toast')].map(t => t.getBoundingClientRect());
    return [...document.querySelectorAll('main :is(a, button, input, textarea, select)')].filter(el => {
        const box = el.getBoundingClientRect();
        if (!box.width || !el.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true })) return false;
        return notes.some(n => box.left < n.right && box.right > n.left && box.top < n.bottom && box.bottom > n.top);
    }).map(el => el.outerHTML.slice(0, 100));
}"""


@pytest.fixture
def noted(live, desk, story):
    """`noted(width)` is Lin, with a long list of work, who has just dispatched a slip that can be undone."""

    def of(width: int):
        live.app.engine.undo_seconds = 30
        for unit in ("2-0805", "3-0902") * 6:
            story.register(unit=unit)
        lin = desk("lin", phone=width == 390)
        lin.page.locator("[data-row-action]").first.click()
        lin.page.wait_for_url("**/tasks/**")
        lin.dispatch(instruction="看一下")
        assert lin.path == "/" and lin.page.locator(".z-undo").is_visible()
        return lin

    return of


@pytest.mark.parametrize("width", [1440, 390])
def test_the_end_of_every_page_is_free_of_the_note(noted, width):
    lin = noted(width)
    for path in ("/", "/tickets", "/register"):
        lin.open(path)
        assert lin.page.locator(".z-toast").count() >= 1, path
        lin.page.evaluate("document.getAnimations().forEach(a => a.finish())")
        lin.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        assert lin.page.evaluate(UNDER) == [], path


def test_a_row_that_the_arrows_reach_is_never_under_the_note(noted):
    lin = noted(1440)
    lin.page.evaluate("document.getAnimations().forEach(a => a.finish())")
    for _ in range(lin.page.locator("#desk [data-rows] > li").count()):
        lin.press("ArrowDown")
        note = lin.page.locator(".z-undo").bounding_box()
        row = lin.page.locator("[data-rows] > li[aria-current]").bounding_box()
        assert row["y"] + row["height"] <= note["y"] or row["x"] + row["width"] <= note["x"], row


def test_the_room_stays_when_the_note_goes_so_that_nothing_moves_under_the_pointer(noted):
    lin = noted(1440)
    lin.page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    before = lin.page.evaluate("[scrollY, document.documentElement.scrollHeight]")
    lin.page.evaluate("document.querySelectorAll('.z-toast').forEach(t => t.remove())")
    assert lin.page.evaluate("[scrollY, document.documentElement.scrollHeight]") == before
