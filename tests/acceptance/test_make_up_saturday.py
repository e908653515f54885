"""Friday 17:45 before a make-up Saturday: every screen names the day and shows the sum, in both languages (clause 8, T6)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def limits(screen) -> str:
    """The limits of the page with their sums unfolded."""
    for how in screen.page.locator("details:has(> summary.z-how)").all():
        how.locator("summary").click()
    return screen.page.locator("section:has(#limit-head)").inner_text()


def test_a_limit_over_the_weekend_names_the_make_up_day_and_shows_its_sum(desk, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    lin.ticket(number)
    shown = limits(lin)
    assert "周六（补班）08:45" in shown, shown
    assert "周五 算 15 分" in shown and "17:45–18:00" in shown, shown
    assert "周六（补班） 算 15 分" in shown and "08:30–08:45" in shown and "合计 30 分" in shown, shown
    lin.open("/")
    lin.task(number)
    assert "周六（补班）08:45" in limits(lin)
    lin.speak("en")
    shown = limits(lin)
    assert "Sat (make-up day) 08:45" in shown and "08:30–08:45" in shown, shown
    lin.ticket(number)
    shown = limits(lin)
    assert "Sat (make-up day) 08:45" in shown and "make-up day): 15 min" in shown, shown


def test_the_register_page_shows_the_same_limits_before_anything_is_saved(desk):
    lin = desk("lin")
    lin.open("/register?unit=" + unit_of(lin, "2-0805"))
    lin.choose("category", "repair")
    lin.page.wait_for_selector("#targets .z-clock:has-text('周六（补班）08:45')")
    lin.page.click("#targets .z-chipbutton >> nth=0")
    assert "08:30–08:45" in lin.page.inner_text("#sum-response")


def unit_of(screen, code: str) -> str:
    from service import demo

    return str(demo.world(screen.live.app).units[code])
