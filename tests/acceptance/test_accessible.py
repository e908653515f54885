"""Every screen of the main job for everybody: axe-core finds nothing serious, no page complains (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOK = """async tags => (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})).violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => `${v.id}: ${v.nodes.slice(0, 4).map(n => n.target.join(' ') + ' ' + (n.any[0] || n.all[0] || n.none[0] || {}).message).join(' | ')}`)"""


@pytest.fixture
def lived(live, story) -> dict[str, str]:
    """Addresses of one page of each kind, with something on every one: late, urged, asked, with a photo and a promise."""
    from service.tickets import actions
    from tests.acceptance.conftest import photo_of

    late, own = story.register(unit="2-0805"), story.register(unit="3-1201")
    story.dispatch(late)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, late)
    actions.add_photo(live.app, story.person("liu"), late, photo_of(), "a.jpg")
    actions.urge(live.app, story.person("lin"), late, "怎么还没来")
    actions.ask_help(live.app, story.person("lin"), late, "没有钥匙")
    actions.promise(live.app, story.person("lin"), late, "几点修好，给回话", live.at("2026-11-20 17:59"))
    live.until("2026-11-23 11:00")
    task, arrive = story.task("lin", "dispatch", own).task_id, story.task("liu", "arrive", late).task_id
    return {
        "first": "/",
        "register": "/register",
        "register of a unit": f"/register?unit={story.world.units['3-1201']}",
        "task": f"/tasks/{task}",
        "ticket": f"/tickets/{late}",
        "tickets": "/tickets",
        "notices": "/notices",
        "found": "/search?q=滴水",
        "missing": "/nothing",
        "queue": "/queue",
        "field task": f"/tasks/{arrive}",
    }


WHO = {"queue": "gao", "field task": "liu"}


COMBINATIONS = [
    ("light", 1440, "zh"),
    ("dark", 1440, "en"),
    ("light", 390, "en"),
    ("dark", 390, "zh"),
    ("light", 1440, "en"),
    ("dark", 1440, "zh"),
    ("light", 390, "zh"),
    ("dark", 390, "en"),
]
PAIRS = 4  # the first ones hold each pair of theme, width and language; the rest is for the long form


@pytest.mark.parametrize(("theme", "width", "language"), COMBINATIONS)
def test_axe_finds_nothing_serious(desk, lived, theme, width, language, full):
    if not full and (theme, width, language) not in COMBINATIONS[:PAIRS]:
        pytest.skip("in the long form")
    found = []
    for username, places in by_person(lived).items():
        screen = desk(username, bypass_csp=True, phone=width == 390)
        screen.expected.append("404")
        screen.theme(theme)
        screen.speak(language)
        for name in places:
            screen.open(lived[name])
            found += [f"{name}: {fault}" for fault in axe(screen)]
            if (wide := screen.page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append(f"{name}: {wide} px wide")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_serious_on_the_login_pages(desk):
    screen = desk(bypass_csp=True)
    screen.expected.append("401")
    found = []
    for scheme in ("light", "dark"):
        screen.page.emulate_media(color_scheme=scheme)
        for path in ("/login", "/password"):
            screen.open(path)
            found += axe(screen)
        screen.log_in("lin", "wrong")
        found += axe(screen)
    assert not found, "\n".join(found)


def by_person(lived: dict[str, str]) -> dict[str, list[str]]:
    people: dict[str, list[str]] = {}
    for name in lived:
        people.setdefault(WHO.get(name, "lin"), []).append(name)
    return people


def axe(screen) -> list[str]:
    """Serious and critical findings on the page as it stands; animations are over, menus are closed."""
    screen.page.evaluate("document.getAnimations().forEach(a => a.finish())")
    screen.page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    return screen.page.evaluate(LOOK, RULES)


@pytest.mark.parametrize("username", ["lin", "zhou", "chen", "wang", "gao", "liu", "sun", "qin", "admin"])
def test_no_page_in_anybodys_menu_complains(desk, lived, username):
    """`desk` fails the test for any console error, refused content or uncaught exception."""
    screen = desk(username)
    for path in screen.page.eval_on_selector_all(".z-rail a", "all => all.map(a => a.getAttribute('href'))"):
        assert screen.open(path).status == 200, path


@pytest.mark.parametrize("width", [1440, 390])
def test_no_text_of_the_first_screen_lies_over_another(desk, lived, width):
    """A late promise has a chip that is wider than an instant."""
    lin = desk("lin", phone=width == 390)
    for promise in lin.page.locator(".z-promise").all():
        chip, words = promise.locator("> b > *, > b").first.bounding_box(), promise.locator("> div").bounding_box()
        assert chip["x"] + chip["width"] <= words["x"] or chip["y"] + chip["height"] <= words["y"] + 1
    assert lin.page.locator(".z-promise .z-clock").count() == 1
