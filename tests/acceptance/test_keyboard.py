"""Single keys: all listed on `?`, each with a visible button, off while typing and by a switch (WCAG 2.1.4)."""

from __future__ import annotations

import pytest

from tests.acceptance.looks import lived

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


# --- every command of the pages where the work is done ------------------------------------------------------------------

PAGES = {
    "ticket of the desk": ("lin", "/tickets/{late}"),
    "ticket of the department": ("gao", "/tickets/{late}"),
    "paused ticket": ("gao", "/tickets/{paused}"),
    "ticket with merged ones": ("lin", "/tickets/{merged_into}"),
    "task of the desk": ("lin", "/tasks/{dispatch}"),
    "task of a worker": ("liu", "/tasks/{handle}"),
    "queue": ("gao", "/queue"),
    "queue of several departments": ("chen", "/queue?department=engineering"),
    "board": ("chen", "/board"),
    "narrowed board": ("chen", "/board?by=step&only=over"),
}
COMMANDS = "a[href], button, summary, input:not([type=hidden]), select, textarea"
# Gives each command a number, and presses instead of doing: what was pressed stands in window.pressed.
WATCH = f"""() => {{
    window.pressed = [];
    const shown = el => el.checkVisibility({{ checkVisibilityCSS: true }}) && !el.disabled && !el.closest('[aria-hidden=true]');
    [...document.querySelectorAll('{COMMANDS}')].filter(shown).forEach((el, i) => el.dataset.number = i);
    const note = event => {{
        const el = event.target.closest('[data-key], [data-row-key], [data-row-action], [data-enter]');
        if (!el) return;
        event.preventDefault(); event.stopImmediatePropagation();
        window.pressed.push(el.dataset.key || el.dataset.rowKey || 'enter');
    }};
    addEventListener('click', note, true);
    addEventListener('submit', event => {{ event.preventDefault(); event.stopImmediatePropagation(); window.pressed.push('submit') }}, true);
    document.querySelectorAll('select[data-key]').forEach(el => el.addEventListener('focus', () => window.pressed.push(el.dataset.key)));
}}"""
# A group of radios is one stop, whose arrows go through it.
NUMBERS = """() => [...document.querySelectorAll('[data-number]')]
    .filter(el => el.type !== 'radio' || el === document.querySelector(`[data-number][name="${el.name}"]`))
    .map(el => [el.dataset.number, el.type === 'radio' ? el.name : '', (el.dataset.key || el.outerHTML.slice(0, 120))])"""
HERE = "[document.activeElement.dataset.number, document.activeElement.type === 'radio' ? document.activeElement.name : '']"
LETTERS = """() => [...document.querySelectorAll('[data-key], [data-rows] > li[aria-current] [data-row-key]')]
    .filter(el => el.checkVisibility({ checkVisibilityCSS: true }))
    .map(el => [el.dataset.key || el.dataset.rowKey, [...el.querySelectorAll('kbd'), ...el.parentElement.querySelectorAll('kbd')].map(k => k.innerText)])"""
SHARED = {"/": "find", "↑ ↓": "row", "← →": "lane", "↵": "enter", "1–9": "digit", "Ctrl ↵": "submit", "Esc": "", "?": ""}


@pytest.fixture
def at(live, desk):
    """`at("board")` is somebody before that page, in a centre where something of everything is going on."""
    ids, people = lived(live), {}

    def open_page(name: str):
        who, address = PAGES[name]
        opened = people[who] = people.get(who) or desk(who)
        opened.open(address.format_map(ids))
        opened.page.evaluate("document.activeElement.blur()")
        return opened

    return open_page


def test_every_command_is_reached_by_tab(at):
    missed = {}
    for name in PAGES:
        page = at(name).page
        page.evaluate(WATCH)
        wanted, reached = page.evaluate(NUMBERS), []
        for _ in range(len(wanted) + 3):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(HERE))
        names = {group for _, group in reached if group}
        there = {number for number, _ in reached}
        missed[name] = [what for number, group, what in wanted if number not in there and (not group or group not in names)]
        assert len(wanted) > 8, name
    assert {name: what for name, what in missed.items() if what} == {}


def test_every_key_of_the_list_does_what_it_stands_on(at):
    wrong = []
    for name in PAGES:
        page = at(name).page
        page.evaluate(WATCH)
        page.keyboard.press("?")
        listed = page.locator("#keys dt").all_inner_texts()
        page.keyboard.press("Escape")
        for key in listed:
            if (did := pressed(page, key)) != SHARED.get(key, key.lower()):
                wrong.append((name, key, did))
        letters = {key.upper() for key, _ in page.evaluate(LETTERS)}
        wrong += [(name, key, "not listed") for key in letters - set(listed)]
    assert wrong == []


def pressed(page, key: str) -> str:
    """What a key of the list brought about."""
    page.evaluate("() => { window.pressed = []; document.activeElement.blur() }")
    row = page.evaluate("document.querySelector('[data-rows] > li[aria-current]')?.innerText")
    if key in ("Esc", "?"):
        page.keyboard.press({"Esc": "Escape"}.get(key, key))
        page.keyboard.press("Escape")
        return ""
    if key in ("↑ ↓", "← →"):
        for one in {"↑ ↓": ("ArrowDown", "ArrowUp"), "← →": ("ArrowRight", "ArrowLeft")}[key]:
            page.keyboard.press(one)
            if page.evaluate("document.querySelector('[data-rows] > li[aria-current]')?.innerText") != row:
                return "row" if key == "↑ ↓" else "lane"
        return "row" if page.locator("[data-rows] > li:visible").count() == 1 else "nothing"
    page.keyboard.press({"↵": "Enter", "1–9": "2", "Ctrl ↵": "Control+Enter"}.get(key, key.lower()))
    if key == "/":
        return "find" if page.evaluate("document.activeElement.matches('#find, [data-find]')") else "nothing"
    if key == "1–9":
        return "digit" if page.evaluate("document.querySelectorAll('[data-digits] input')[1].checked") else "nothing"
    return (page.evaluate("window.pressed") or ["nothing"])[0]


def test_every_key_stands_on_a_button_that_one_sees_and_on_one_only(at):
    for name in PAGES:
        letters = at(name).page.evaluate(LETTERS)
        assert len({key for key, _ in letters}) == len(letters), (name, letters)
        hidden = [key for key, caps in letters if key.upper() not in caps and key != "x"]
        assert hidden == [], (name, hidden)  # X stands on the row's box; the words above the columns say so


def test_pause_urgency_and_the_other_commands_of_a_ticket_have_keys(at):
    desk_keys = {key for key, _ in at("ticket of the desk").page.evaluate(LETTERS)}
    assert {"u", "i", "y", "t", "j", "g", "b", "w", "e", "k"} <= desk_keys
    assert "t" in {key for key, _ in at("paused ticket").page.evaluate(LETTERS)}
    assert {"l", "c"} <= {key for key, _ in at("ticket with merged ones").page.evaluate(LETTERS)}


def test_no_key_of_any_page_works_while_typing_composing_or_switched_off(at):
    for name in PAGES:
        page = at(name).page
        keys = sorted({key for key, _ in page.evaluate(LETTERS)})
        page.evaluate(WATCH)
        page.focus("#find")
        for key in keys:
            page.keyboard.press(key)
        assert page.input_value("#find") == "".join(keys) and page.evaluate("window.pressed") == [], name
        page.evaluate("document.activeElement.blur()")
        for key in keys:
            page.evaluate(
                "key => document.dispatchEvent(new KeyboardEvent('keydown', {key, keyCode: 229, isComposing: true, bubbles: true}))",
                key,
            )
        page.evaluate("document.body.dataset.keys = 'off'")  # as the server writes it for who switched them off
        for key in keys:
            page.keyboard.press(key)
        assert page.evaluate("window.pressed") == [], name
