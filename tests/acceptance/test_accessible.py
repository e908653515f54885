"""Every page in every state, in both languages and both themes: axe-core finds nothing, no page complains (WCAG 2.2 AA).

What is looked at stands in `looks.py`; here is how. Surprise: a page is opened once per language and turned dark where it stands,
so that a look costs half a second; the server writes the same attribute.
"""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import template_rendered

from tests.acceptance.looks import LOOKS, NO_PAGES, Look, lived
from tests.conftest import ROOT

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + "; 0"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """async ([part, but, only]) => (await axe.run(
    {include: [part || 'html'], exclude: but && document.querySelector(but) ? [but] : []},
    {runOnly: only, resultTypes: ['violations']})).violations
    .map(v => `${v.id}: ${v.nodes.slice(0, 4).map(n => n.target.join(' ') + ' ' + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(' | ')}`)"""
STILL = "document.getAnimations().forEach(a => a.finish())"
THEME = """name => {
    const html = document.documentElement, before = html.dataset.bsTheme;
    if (before) html.dataset.bsTheme = name;
    return before || '';
}"""
SQUEEZED = """[...document.querySelectorAll('input.z-field, select.z-field, textarea.z-field')]
    .filter(el => el.checkVisibility() && el.getBoundingClientRect().width < 64).map(el => el.name || el.id)"""
TEMPLATES = ROOT / "webui" / "templates"


@pytest.fixture
def speaking(live, desk):
    """`speaking("en")("lin")` is Lin, who reads English, at a desk in the light."""

    def of(language: str, width: int = 1440):
        from service.organisation.models import Person

        with live.app.writing() as session:
            session.execute(sa.update(Person).values(locale=language, theme="light"))
        known = {}

        def screen_of(username: str | None):
            if username not in known:
                locale = "zh-CN" if language == "zh" else "en-GB"
                known[username] = desk(username, bypass_csp=True, phone=width == 390, locale=locale)
                known[username].expected.append("status of (401|404|409|422)")
            return known[username]

        return screen_of

    return of


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_any_page_in_any_state_light_and_dark(live, speaking, language):
    found, ids, drawn = [], {}, set()
    with template_rendered.connected_to(lambda _app, template, **_: drawn.add(template.name)):
        for state in ("empty", "full", "error"):
            ids = lived(live) if state == "full" else ids
            screen_of = speaking(language)  # the clock has moved on: people log in anew
            for look in [look for looks in LOOKS.values() for look in looks if look.state == state]:
                found += faults_of(screen_of(look.who), look, ids)
    assert not found, f"{len(found)} findings\n" + "\n".join(found)
    assert whole_pages() - drawn == {"base.html"}, "no look comes to these templates"


def test_a_phone_shows_every_page_without_scrolling_aside_and_axe_finds_nothing(live, speaking, full):
    found, ids, screen_of = [], lived(live), speaking("en", 390)
    for look in [look for looks in LOOKS.values() for look in looks if look.state != "empty" and (full or not look.do)]:
        screen = screen_of(look.who)
        found += faults_of(screen, look, ids)
        if (wide := screen.page.evaluate("document.documentElement.scrollWidth")) > 390:
            found.append(f"{look.address}: {wide} px wide")
        found += [f"{look.address}: {name} has no room" for name in screen.page.evaluate(SQUEEZED)]
    assert not found, f"{len(found)} findings\n" + "\n".join(found)


def test_every_page_is_looked_at(live):
    """A new page fails here until `looks.py` says how to come to it in each of its states."""
    from webui.app import create_app

    web = create_app(live.app)
    gets = {rule.endpoint for rule in web.url_map.iter_rules() if "GET" in rule.methods}
    everything = {rule.endpoint for rule in web.url_map.iter_rules()}
    assert gets - set(LOOKS) - NO_PAGES == set(), "pages without a look"
    assert (set(LOOKS) | NO_PAGES) - everything == {""}, "looks at what is gone"
    for endpoint, looks in LOOKS.items():
        assert any(look.state == "full" for look in looks) or endpoint.startswith("auth.") or not endpoint, endpoint


def test_what_counts_as_no_page_is_none(live):
    """Each of these answers with a part of a page, data or a file, never with a whole page."""
    from tests.webui.conftest import Browser
    from webui.app import create_app

    web, ids = create_app(live.app), lived(live)
    lin, photo = Browser(web), _one(live, "select key from photo")
    assert lin.login("lin", "zhiban-demo-2026").status_code == 303
    given = {"key": "tickets", "number": ids["late"], "procedure": "customer-request", "version": ids["version"],
             "record": "call-visit-register", "entry_id": "phone-entry-1"}
    special = {"files.photo": {"key": photo}, "patrols.tag_picture": {"tag": ids["tag"]},
               "findings.photo": {"key": _one(live, "select key from finding_photo")}, "static": {"filename": "css/tokens.css"}}
    for rule in web.url_map.iter_rules():
        if rule.endpoint in NO_PAGES and rule.endpoint != "exchange.template":
            values = special.get(rule.endpoint, given)
            answer = lin.get(re.sub(r"<(?:\w+:)?(\w+)>", lambda m, v=values: v[m[1]], rule.rule))
            assert answer.status_code in (200, 503) and b"<html" not in answer.get_data(), rule.rule


def _one(live, query: str):
    with live.app.session() as session:
        return session.execute(sa.text(query)).scalar()


def whole_pages() -> set[str]:
    """The templates that draw a whole page."""
    texts = {str(path.relative_to(TEMPLATES)): path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    return {name for name, text in texts.items() if '{% extends "base.html" %}' in text or "<html" in text}


def faults_of(screen, look: Look, ids: dict[str, str]) -> list[str]:
    """Bring the screen to what is looked at; what axe-core finds there and in each of its dialogs."""
    screen.open(look.address.format_map(ids))
    if look.do:
        look.do(screen)
    found = faults(screen.page)
    for name in look.dialogs:
        screen.page.click(f"[data-open={name}]")
        found += faults(screen.page, f"#{name}")
        screen.page.keyboard.press("Escape")
    return [f"{look.state} {look.who} {look.address} {fault}" for fault in found]


def faults(page, part: str = "") -> list[str]:
    """What axe-core finds on the page as it stands, in the light and then in the dark."""
    page.emulate_media(reduced_motion="reduce")  # a colour that is still changing is none that anybody reads
    page.evaluate(AXE)
    page.evaluate(STILL)
    light = page.evaluate(LOOK, [part, "", {"type": "tag", "values": RULES}])
    before = page.evaluate(THEME, "dark")
    page.emulate_media(color_scheme="dark")
    page.evaluate(STILL)
    dark = page.evaluate(LOOK, [part, ".djs-container svg", {"type": "rule", "values": ["color-contrast"]}])
    page.emulate_media(color_scheme="light")
    page.evaluate(THEME, before)
    return light + [f"dark: {fault}" for fault in dark if fault not in light]


@pytest.mark.parametrize("username", ["lin", "zhou", "chen", "wang", "gao", "liu", "sun", "qin", "admin"])
def test_no_page_in_anybodys_menu_complains(desk, live, username):
    """`desk` fails the test for any console error, refused content or uncaught exception."""
    lived(live)
    screen = desk(username)
    for path in screen.page.eval_on_selector_all(".z-rail a", "all => all.map(a => a.getAttribute('href'))"):
        assert screen.open(path).status == 200, path


@pytest.mark.parametrize("width", [1440, 390])
def test_no_text_of_the_first_screen_lies_over_another(desk, live, width):
    """A late promise has a chip that is wider than an instant."""
    lived(live)
    lin = desk("lin", phone=width == 390)
    for promise in lin.page.locator(".z-promise").all():
        chip, words = promise.locator("> b > *, > b").first.bounding_box(), promise.locator("> div").bounding_box()
        assert chip["x"] + chip["width"] <= words["x"] or chip["y"] + chip["height"] <= words["y"] + 1
    assert lin.page.locator(".z-promise .z-clock").count() == 1
