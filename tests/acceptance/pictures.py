"""The pictures of the documentation, taken from the lived demo: `.venv/bin/python -m tests.acceptance.pictures [FOLDER]`.

Writes the desk's day (desk, register, ticket, task), the supervisor's (board, give, stand-in, leave, limits) and the engineer's
(queue, accept, phone, pause) into docs/pictures, in Chinese and (-en) in English, each under 200 kB. The demo
is lived up to a fixed Friday afternoon, so that two runs show the same day.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import CHINA, CHROMIUM, ROOT, chromium

AT = datetime(2026, 11, 20, 16, 42, tzinfo=CHINA)
LARGEST_BYTES = 200_000
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WORDS = {
    "zh": "茶水间吊顶在滴水，地上湿了，下午四点半有客户会",
    "en": "Water drips from the pantry ceiling; clients come at half past four",
}


def main(folder: Path) -> int:
    """Take all pictures; gives the number that were too large."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, served(Path(work)) as (address, app), sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=CHROMIUM)
        sizes = [size for language in ("zh", "en") for size in taken(browser, address, app, folder, language)]
        browser.close()
    return sum(size > LARGEST_BYTES for size in sizes)


@contextmanager
def served(work: Path):
    """(address, app) of a demo centre lived up to AT."""
    from werkzeug.serving import make_server

    from engine.clock import FrozenClock
    from service import app as service
    from service import db, demo
    from service.health.models import ClockHeartbeat
    from service.settings import Settings
    from webui.app import create_app

    app = service.create(Settings(var_dir=work, secret_key="only for pictures"), clock=FrozenClock(AT))
    db.upgrade(app.database)
    service.deploy_all(app, ROOT / "bpmn")
    demo.fill(app, size=120, progress=print, now=AT)
    with app.writing() as session:
        session.add(ClockHeartbeat(process="here:1", started_at=AT, at=AT))
    server = make_server("127.0.0.1", 0, create_app(app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", app
    finally:
        server.shutdown()


def taken(browser, address: str, app, folder: Path, language: str):
    """The size of each picture of one language."""
    ending = "" if language == "zh" else "-en"
    screens = (("lin", DESK), ("chen", DESK), ("admin", DESK), ("liu", PHONE), ("gao", PHONE))
    lin, chen, admin, liu, gao = (opened(browser, address, app, *who, language) for who in screens)
    places = work_of(app)
    for name, page, path, prepare in (
        ("desk", lin, "/", None),
        ("register", lin, f"/register?unit={places['unit']}", fill_in(language)),
        ("ticket", lin, f"/tickets/{places['ticket']}", drawn),
        ("task", lin, places["verify"], drawn),
        ("queue", gao, "/queue", None),
        ("accept", gao, places["accept"], None),
        ("phone", liu, places["handle"], None),
        ("pause", liu, places["handled"], pausing),
        ("board", chen, "/board", None),
        ("give", chen, "/board", two_chosen),
        ("stand-in", chen, "/people", None),
        ("leave", admin, "/people/liu", None),
        ("limits", chen, "/calendar", None),
    ):
        page.goto(address + path)
        if prepare:
            prepare(page)
        page.evaluate(
            "document.activeElement?.blur(); document.querySelectorAll('[data-toast]').forEach(t => t.remove()); document.getAnimations().forEach(a => a.finish())"
        )
        yield saved(page.screenshot(), folder / f"{name}{ending}.png")


def opened(browser, address: str, app, username: str, screen: dict, language: str):
    """A page of somebody who is logged in and reads that language."""
    from service.auth.actions import login
    from service.demo import PASSWORD
    from service.organisation.models import Person

    with app.writing() as session:
        session.execute(sa.update(Person).where(Person.username == username).values(locale=language, theme="light"))
    phone = screen is PHONE
    context = browser.new_context(
        viewport=screen,
        is_mobile=phone,
        has_touch=phone,
        timezone_id="Asia/Shanghai",
        locale="zh-CN" if language == "zh" else "en-GB",
        device_scale_factor=1,
    )
    started = login(app, username, PASSWORD, address="127.0.0.1")
    context.add_cookies([{"name": "zhiban", "value": started.token, "url": address}])
    return context.new_page()


def work_of(app) -> dict[str, str]:
    """What to show: a busy ticket of Lin's, a task to verify, one of Liu's to handle, a unit with a customer."""
    from engine.tables import user_task

    def task(element: str, username: str) -> str:
        found = sa.select(user_task.c.id).where(
            user_task.c.element_id == element, user_task.c.state == "open", user_task.c.assignee == username
        )
        return session.execute(found.order_by(user_task.c.due_at).limit(1)).scalar()

    with app.session() as session:
        ticket = session.execute(
            sa.text("""
            select t.number from ticket t where t.owner = 'lin' and t.closed_at is null
            and t.number in (select business_key from user_task where state = 'open' and process_key = 'customer-request') order by
            (select count(*) from photo p where p.ticket_id = t.id) * 3 + t.urged_count * 2 + (select count(*) from slip s where s.ticket_id = t.id) desc,
            t.id limit 1""")
        ).scalar_one()
        unit = session.execute(
            sa.text("select unit_id from ticket where owner = 'lin' and vip order by id desc limit 1")
        ).scalar_one()
        handle = task("handle", "liu") or task("arrive", "liu")
        handled = session.execute(sa.select(user_task.c.business_key).where(user_task.c.id == handle)).scalar_one()
        waiting = sa.select(user_task.c.id).where(
            user_task.c.element_id == "accept_slip",
            user_task.c.state == "open",
            user_task.c.groups.contains("engineering"),
        )
        return {
            "ticket": ticket,
            "unit": unit,
            "verify": f"/tasks/{task('verify', 'lin') or task('dispatch', 'lin')}",
            "handle": f"/tasks/{handle}",
            "handled": f"/tickets/{handled}",
            "accept": f"/tasks/{session.execute(waiting.order_by(user_task.c.due_at).limit(1)).scalar_one()}",
        }


def fill_in(language: str):
    def fill(page) -> None:
        page.click("label:has(input[name=category][value=repair])")
        page.fill("[name=request]", WORDS[language])
        page.click("label:has(input[name=urgency][value=urgent])")
        page.wait_for_selector("#targets .z-clock >> nth=2")
        page.wait_for_timeout(800)  # the look at the limits that typing asks for

    return fill


def pausing(page) -> None:
    page.click("[data-open=pause]")


def two_chosen(page) -> None:
    for box in page.locator("#board .z-pick1").all()[:2]:
        box.click()


def drawn(page) -> None:
    page.wait_for_selector(".z-dg .z-done", state="attached")


def saved(picture: bytes, path: Path) -> int:
    """Write it with a palette, which is enough for screens and a third of the size."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")
    return path.stat().st_size


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures") else 0)
