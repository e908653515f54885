"""The demo centre served on a free port, a clock that the test moves, and desks: browsers that speak the users' language.

`live` is the installation, `desk("lin")` a person at a screen, `desk("gao", phone=True)` one on a 390 px telephone. Time stands
still until `live.until("2026-11-21 08:45")`, which also fires what is due, as the clock process would. Surprise: what a page
logs as an error, an uncaught exception or a refused content fails the test that opened it.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from tests.acceptance.tables import content_hash
from tests.conftest import CHINA

PASSWORD = "zhiban-demo-2026"
FRIDAY, MAKE_UP_SATURDAY = "2026-11-20", "2026-11-21"


@pytest.fixture
def live(centre, serve):
    """The demo centre on a free port. Saturday 2026-11-21 is a make-up day, worked 08:30 to 18:00."""
    from webui.app import create_app

    made = Live(centre)
    made.make_up_day(MAKE_UP_SATURDAY)
    made.beat()
    web = create_app(centre)
    made.address = serve(web)
    return made


class Live:
    """One installation with its address and its clock."""

    def __init__(self, app):
        self.app, self.address, self.desks, self.began = app, "", [], app.clock.now()

    def at(self, text: str) -> datetime:
        """ "2026-11-20 17:45" of the centre."""
        return datetime.fromisoformat(text).replace(tzinfo=CHINA)

    def until(self, text: str) -> None:
        """Move the clock there, and do what the clock process does by then: fire what is due, deliver notices."""
        self.set(text)
        while self.app.engine.fire_due().fired:
            pass
        self.deliver()

    def deliver(self) -> None:
        from service.notifications.deliver import deliver_due

        deliver_due(self.app)

    def set(self, text: str) -> None:
        """Move the clock without letting anything happen, once every screen has what it asked for by itself."""
        for desk in self.desks:
            desk.wait_until_it_stands()
        if self.at(text) - self.began >= timedelta(minutes=self.app.settings.session_idle_minutes):
            for desk in self.desks:  # sessions run out: a page that is left open is told so when it next looks for news
                desk.expected.append("status of 401")
        self.app.clock.set(self.at(text))
        self.beat()

    def beat(self) -> None:
        """A clock process lives: pages show no warning."""
        from service.health.models import ClockHeartbeat

        with self.app.writing() as session:
            session.merge(ClockHeartbeat(process="here:1", started_at=self.app.clock.now(), at=self.app.clock.now()))

    def make_up_day(self, day: str) -> None:
        """The process owner enters a make-up day (clause 8) through the calendar's own action."""
        from engine.api import Actor
        from service.calendars.actions import save_version
        from service.calendars.queries import calendar_of
        from service.organisation.models import Centre

        with self.app.writing() as session:
            for centre_id in session.scalars(sa.select(Centre.id)).all():
                calendar = calendar_of(session, centre_id)
                save_version(
                    session,
                    centre_id,
                    with_make_up(calendar, day),
                    actor=Actor("qin"),
                    now=self.app.clock.now(),
                    reason="补班",
                )

    def tables(self) -> str:
        """A hash of everything but the people's sessions, what they are typing and where they look."""
        return content_hash(self.app.database, without=("web_session", "draft", "presence"))

    def open_tasks(self, number: str) -> list[str]:
        """Elements at which a ticket waits for somebody."""
        from engine.tables import user_task

        with self.app.database.connect() as connection:
            return sorted(
                connection.scalars(
                    sa.select(user_task.c.element_id).where(
                        user_task.c.business_key == number, user_task.c.state == "open"
                    )
                )
            )

    def armed_timers(self, number: str) -> int:
        from engine.tables import process_instance, timer

        with self.app.database.connect() as connection:
            roots = sa.select(process_instance.c.id).where(process_instance.c.business_key == number)
            return connection.scalar(
                sa.select(sa.func.count())
                .select_from(timer)
                .where(timer.c.instance_id.in_(roots), timer.c.state == "armed")
            )


def with_make_up(calendar, day: str):
    """The calendar with one more make-up day that has a Friday's hours."""
    return replace(calendar, makeup=dict(calendar.makeup) | {date.fromisoformat(day): 4})


@pytest.fixture
def desk(live, new_page):
    """Opens people's screens: `desk("lin")` is logged in and sees the first screen (or `at`), `desk()` is nobody's yet."""

    def open_for(username: str | None = None, at: str = "/", phone: bool = False, **options) -> Desk:
        screen = (
            {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}
            if phone
            else {"width": 1440, "height": 900}
        )
        opened = Desk(new_page(**(screen | options)), live)
        live.desks.append(opened)
        if username:
            opened.sign_in(username)
            opened.open(at)
        return opened

    yield open_for
    faults = [f for d in live.desks for f in d.faults if not any(re.search(p, f) for p in d.expected)]
    assert not faults, "pages complained: " + "; ".join(faults)


@dataclass
class Desk:
    """A person at a screen. Verbs are those of the procedure; each ends when the next page stands."""

    page: object
    live: Live
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # patterns of complaints that the test provokes
    presses: list[str] = field(default_factory=list)  # what was done by keyboard, one entry per key or text

    def __post_init__(self):
        self.page.on(
            "console",
            lambda m: (
                self.faults.append(f"{m.text} ({m.location.get('url', '')})")
                if m.type in ("error", "warning")
                else None
            ),
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        # a listener from the start: asked for only around a key press, Chromium may hear of it after the key
        self.page.on("filechooser", lambda _: None)

    # --- going somewhere ---------------------------------------------------------------------------------------------

    def open(self, path: str):
        answer = self.page.goto(self.live.address + path)
        self.wait_until_it_stands()
        return answer

    def wait_until_it_stands(self) -> None:
        """The page is here, and what it asks for by itself as well."""
        if not self.page.is_closed():
            self.page.wait_for_function("() => document.readyState === 'complete' && !document.querySelector('.htmx-request')")

    @contextmanager
    def another_page(self):
        """What is done within leads to another page, which stands at the end."""
        with self.page.expect_navigation(wait_until="load"):
            yield
        self.wait_until_it_stands()

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def text(self) -> str:
        return self.page.inner_text("body")

    def sign_in(self, username: str) -> None:
        """A session without the log-in page, which has its own tests and takes a second."""
        from service.auth.actions import login

        started = login(self.live.app, username, PASSWORD, address="127.0.0.1")
        self.page.context.add_cookies([{"name": "zhiban", "value": started.token, "url": self.live.address}])

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        """By the log-in page."""
        if self.path != "/login":
            self.open("/login")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.submit("form.z-form button.main")

    def log_out(self) -> None:
        self.page.click("details.z-menu summary")
        self.submit("form[action='/logout'] button")

    def speak(self, language: str) -> None:
        """zh or en, by the person's own menu."""
        self.page.click("details.z-menu summary")
        self.submit(f"button[name=language][value={language}]")

    def theme(self, name: str) -> None:
        self.page.click("details.z-menu summary")
        self.submit(f"button[name=theme][value={name}]")

    def submit(self, selector: str) -> None:
        """Click something that leads to another page, and wait for it."""
        with self.another_page():
            self.page.click(selector)

    # --- by keyboard -------------------------------------------------------------------------------------------------

    def press(self, key: str, leads_on: bool = False) -> None:
        self.presses.append(key)
        if leads_on:
            with self.another_page():
                self.page.keyboard.press(key)
        else:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.presses.append(text)
        self.page.keyboard.type(text)

    @property
    def focus(self) -> str:
        return self.page.evaluate(
            "document.activeElement.id || document.activeElement.name || document.activeElement.tagName"
        )

    # --- the procedure's verbs ---------------------------------------------------------------------------------------

    def register(
        self,
        unit: str = "2-0805",
        words: str = "茶水间吊顶滴水，地上湿了",
        category: str = "repair",
        expectation: str = "come-now",
        urgency: str = "normal",
    ) -> str:
        """Take a request with the mouse; gives the ticket's number. The page is then the dispatch task."""
        self.open("/register")
        self.pick(unit)
        self.choose("category", category)
        self.page.fill("[name=request]", words)
        self.choose("expectation", expectation)
        self.choose("urgency", urgency)
        self.submit("#register-form button[data-default]")
        return self.number

    def pick(self, unit: str) -> None:
        """Choose the unit on the register page."""
        self.page.fill("#pick", unit)
        self.page.click(f"#picked a:has-text('{unit}')")
        self.page.wait_for_selector("#who input[name=unit_id]", state="attached")

    @property
    def number(self) -> str:
        """The number of the ticket that the page is about."""
        return re.search(r"\d{4}-\d{4,}", self.page.inner_text("main"))[0]

    def choose(self, name: str, value: str) -> None:
        self.page.click(f"label:has(input[name={name}][value='{value}'])")

    def do_task(self) -> None:
        self.submit("form[data-task] button[data-default]")

    def dispatch(self, department: str = "engineering", instruction: str | None = None) -> None:
        self.choose("department", department)
        if instruction is not None:
            self.page.fill("[name=instruction]", instruction)
        self.do_task()

    def task(self, number: str, title: str = "") -> None:
        """Open one's own task of a ticket from the list, as a person does."""
        row = self.page.locator(f"[data-rows] > li:has-text('{number}')")
        if title:
            row = row.filter(has_text=title)
        with self.another_page():
            row.first.locator("[data-row-action]").click()

    def accept(self, worker: str = "") -> None:
        self.choose("answer", "accept")
        if worker:
            self.page.fill("[name=worker]", worker)
        self.do_task()

    def arrive(self, at: str | None = None, photo: bytes | None = None) -> None:
        if at:
            self.page.fill("[name=arrived_at]", at)
        if photo:
            self.page.set_input_files("input[type=file][name=photo_before]", picture("before.jpg", photo))
        self.do_task()

    def handle(
        self,
        result: str = "换了水阀",
        cause: str = "阀芯老化",
        minutes: int = 30,
        cost: str = "",
        photo: bytes | None = None,
    ) -> None:
        self.page.fill("[name=result]", result)
        self.page.fill("[name=cause]", cause)
        self.page.fill("[name=labour_minutes]", str(minutes))
        if cost:
            self.page.fill("[name=cost_yuan]", cost)
        if photo:
            self.page.set_input_files("input[type=file][name=photo_after]", picture("after.jpg", photo))
        self.do_task()

    def verify(self, passed: bool = True, reason: str = "") -> None:
        self.choose("passed", "yes" if passed else "no")
        if reason:
            self.page.fill("[name=fail_reason]", reason)
        self.do_task()

    def visit(self, score: int = 5, words: str = "来得快", how: str = "phone") -> None:
        self.choose("reached", "yes")
        self.choose("how", how)
        self.page.fill("[name=satisfaction]", str(score))
        self.page.fill("[name=words]", words)
        self.do_task()

    def ticket(self, number: str) -> None:
        self.open(f"/tickets/{number}")

    def ask(self, dialog: str, field_name: str, text: str) -> None:
        """One of the dialogs on the ticket: urge, add, withdraw, help."""
        self.page.click(f"[data-open={dialog}]")
        self.page.fill(f"#{dialog} [name={field_name}]", text)
        self.submit(f"#{dialog} button.main")

    def wait_for(self, condition: str, seconds: float = 5) -> None:
        self.page.wait_for_function(condition, timeout=seconds * 1000)

    def shot(self, path: Path, **options) -> None:
        self.page.screenshot(path=path, **options)


def picture(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def photo_of(colour: tuple[int, int, int] = (120, 140, 150)) -> bytes:
    """A JPEG as a phone might send it."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def story(live):
    """What happened before, told without a browser: `story.register()`, `story.dispatch(number)`, `story.complete(...)`."""
    from tests.people import Story

    return Story(live.app)
