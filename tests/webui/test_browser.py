"""What only a real browser shows: keys, policy, accessibility, sizes. Chromium on the running application."""

from __future__ import annotations

import pytest

from tests.webui.conftest import PASSWORD, ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (ROOT / "webui/static/vendor/htmx.js").exists(), reason="the browser's parts are not built"),
]
PAGES = ("/", "/register?unit=1", "/tickets", "/tickets/2026-0001", "/notices", "{task}")


@pytest.fixture
def address(web, serve) -> str:
    return serve(web)


def login(page, address: str, username: str = "lin") -> None:
    page.goto(f"{address}/login")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url(f"{address}/")


def test_from_ring_to_dispatch_by_keys_alone(page, address):
    login(page, address)
    page.keyboard.press("n")
    page.wait_for_selector("#pick:focus")
    page.keyboard.type("3-1201")
    page.wait_for_selector("#picked a")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=unit_id]", state="attached")
    page.keyboard.press("3")
    page.wait_for_selector("#f-request:focus")
    page.keyboard.type("茶水间吊顶漏水3")
    assert page.input_value("#f-request") == "茶水间吊顶漏水3", "digits are text while typing"
    page.check("[name=expectation][value=come-now]", force=True)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/tasks/*fresh=1")
    assert page.is_checked("[name=department][value=engineering]")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    assert page.locator("text=派出去没人接").count() == 1 and page.locator("text=3-1201 茶水间吊顶漏水3").count() == 1


def test_single_keys_are_off_by_the_switch_and_while_an_input_method_composes(page, address):
    login(page, address)
    page.goto(f"{address}/register")
    page.dispatch_event("#main", "keydown", {"key": "?", "isComposing": True, "bubbles": True})
    assert not page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.click(".z-menu > summary")
    page.click("[name=single_keys][value=off]")
    page.wait_for_load_state()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not page.locator("#keys").is_visible()


def test_the_limits_appear_while_the_form_is_filled(page, address):
    login(page, address)
    page.goto(f"{address}/register?unit=1")
    page.keyboard.press("3")
    page.wait_for_selector("#targets >> text=接单")
    page.check("[name=urgency][value=urgent]", force=True)
    page.wait_for_selector("#targets >> text=到场 10:30")
    page.click("#targets button >> text=到场")
    assert page.locator("#sum-arrival").is_visible()


def test_a_field_appears_with_the_answer_that_needs_it(page, address):
    login(page, address)
    page.goto(f"{address}/register?unit=1")
    assert not page.locator("#f-reply_deadline").is_visible()
    page.check("[name=reply_deadline_kind][value=at]", force=True)
    page.wait_for_selector("#f-reply_deadline", state="visible")


def test_the_token_stands_on_the_diagram_and_moves_with_the_ticket(page, address, visitor, repair):
    login(page, address)
    page.goto(f"{address}/tickets/2026-0001")
    page.wait_for_selector(".z-token")
    assert page.locator(".z-now[data-element-id=dispatch]").count() == 1
    lin = visitor("lin")
    form = lin.get(repair).get_data(as_text=True)
    from tests.webui.test_story import form_of

    lin.post(repair.split("?")[0], form_of(form) | {"department": "engineering", "instruction": "茶水间"})
    page.wait_for_selector(".z-now[data-element-id=accept_slip]", timeout=9000)
    page.wait_for_selector("#live-slips >> text=2026-0001-1")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_every_page_passes_the_accessibility_rules(new_page, address, repair, look):
    page = new_page(width=1440, height=900, color_scheme=look)
    page.goto(f"{address}/login")
    faults = {f"login {f['id']}": f["targets"] for f in violations(page)}
    login(page, address)
    for path in PAGES:
        page.goto(address + path.format(task=repair.split("?")[0]))
        page.wait_for_load_state("networkidle")
        faults |= {f"{path} {f['id']}": f["targets"] for f in violations(page)}
    assert faults == {}


def violations(page) -> list[dict]:
    """What axe finds against WCAG 2.2 A and AA."""
    page.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate("""async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}))
        .violations.map(v => ({id: v.id, targets: v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message || ''))}))""")


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_no_page_scrolls_sideways_and_no_text_is_too_small(new_page, address, repair, width):
    page = new_page(width=width, height=800)
    login(page, address)
    for path in PAGES:
        page.goto(address + path.format(task=repair.split("?")[0]))
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(SMALLEST) >= (14 if width <= 600 else 13), (path, page.evaluate(SMALLEST_TEXT))


SMALLEST = """() => Math.min(...[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('svg, .djs-container')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => parseFloat(getComputedStyle(e).fontSize)))"""
SMALLEST_TEXT = """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('svg, .djs-container')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && parseFloat(getComputedStyle(e).fontSize) < 14)
    .slice(0, 5).map(e => e.className + ': ' + e.textContent.trim().slice(0, 20))"""


def test_what_a_thumb_has_to_hit_is_large_enough_on_a_phone(phone, address, visitor, repair):
    login(phone, address)
    phone.goto(address + repair)
    small = phone.evaluate("""() => [...document.querySelectorAll('main button, main input:not([type=hidden]), main .z-cat, .z-nav a')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44 && !e.matches('summary, .z-seg input, .z-check input, .z-cat input'))
        .map(e => e.outerHTML.slice(0, 80))""")
    assert small == []


def test_pages_work_without_scripts(new_page, address):
    page = new_page(java_script_enabled=False)
    login(page, address)
    page.goto(f"{address}/register?unit=1")
    page.check("[name=category][value=repair]", force=True)
    page.fill("#f-request", "没有脚本也能登记")
    page.check("[name=expectation][value=come-now]", force=True)
    page.click("button.main")
    page.wait_for_url("**/tasks/*fresh=1")
    page.click("button.main")
    page.wait_for_url(f"{address}/")
