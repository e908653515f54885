"""The patrol without network (T29, T30): floors are walked in the basement, everything arrives once, and the phone lets go of nothing
before the server holds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.api import Actor
from engine.clock import SystemClock
from service.auth.actions import login
from service.calendars.actions import save_version
from service.calendars.queries import calendar_of
from service.organisation.models import Area, Building, Floor
from service.patrols import actions
from service.patrols.models import Visit
from service.timetable.actions import start_due
from tests.acceptance.conftest import PASSWORD, Desk
from tests.acceptance.walking_phone import LEVELS, Walker, arrived, big_photo, codes, hash_of
from tests.chaos.stage import Stage
from tests.conftest import _app
from tests.people import Story
from tests.service.patrols.walking import Round

pytestmark = pytest.mark.browser

NO_NETWORK = [
    "ERR_INTERNET_DISCONNECTED",
    "ERR_CONNECTION_REFUSED",
    "ERR_FAILED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
]
HOLES = {"应急灯不亮": big_photo((200, 60, 40)), "吊顶滴水": big_photo((40, 90, 160))}


@pytest.fixture
def walked(live) -> Round:
    """Twelve floors of building 3, this morning; nobody has walked one."""
    made = Round(Story(live.app), live.app.clock, levels=LEVELS)
    live.beat()
    return made


@pytest.fixture
def walker(desk, live, walked) -> Walker:
    """Lin with a telephone whose clock is right: the server's stands at Monday, 8:30."""
    return walker_at(desk, live, live.app.clock.now())


def walker_at(desk, live, phone_time: datetime) -> Walker:
    opened = desk(None, phone=True)
    opened.expected += NO_NETWORK
    opened.page.clock.set_system_time(phone_time)
    opened.sign_in("lin")
    made = Walker(opened.page, live.address)
    made.open_list()
    return made


def walk_all(walker: Walker, app) -> dict[str, str]:
    """Twelve floors, the third and the eighth with a finding; gives entry id -> hash as the phone has them."""
    for n, code in enumerate(codes(app).values()):
        walker.scan(code)
        if n in (2, 7):
            words, photo = list(HOLES.items())[n == 7]
            walker.finds(words, photo)
        else:
            assert walker.clean() == 6
    return {e["id"]: e["sha256"] for e in walker.kept()["entries"]}


def everything_arrived_once(app, entries: dict[str, str], photos: set[str]) -> None:
    found = arrived(app)
    assert found["entries"] == entries
    assert {str(v.state) for v in found["visits"]} == {"done"} and len({v.submission_id for v in found["visits"]}) == 12
    assert sorted(words for words, _ in found["photos"]) == sorted(HOLES) and found["findings"] == 2
    assert {sha256 for _, sha256 in found["photos"]} == photos


def test_twelve_floors_without_network_arrive_once_when_a_new_page_is_online(walker, live, desk):
    """T30: entries and photos stay on the phone until the server has their hashes."""
    context = walker.page.context
    context.set_offline(True)
    entries = walk_all(walker, live.app)
    kept = walker.kept()
    photos = {p["sha256"] for p in kept["photos"]}
    assert len(entries) == 12 and len(photos) == 2 and arrived(live.app)["entries"] == {}
    assert all(hash_of(e["body"]) == e["sha256"] for e in kept["entries"])
    assert all(p["kind"] == "image/jpeg" and max(p["size"]) == 1600 for p in kept["photos"])
    assert "没有网络，12 条没发出" in walker.page.inner_text("body")

    walker.page.close()
    context.set_offline(False)
    later = Walker(context.new_page(), live.address)
    later.page.clock.set_system_time(live.app.clock.now() + timedelta(hours=1))
    later.page.goto(f"{live.address}/patrols")
    later.wait_until_sent()
    assert later.kept() == {"entries": [], "photos": []}
    everything_arrived_once(live.app, entries, photos)
    # what was seen stands in the department's queue as soon as it was sent
    assert all(words in desk("gao").text for words in HOLES)


def test_a_phone_whose_clock_is_twenty_minutes_wrong_is_put_right_and_noted(desk, live, walked):
    """Both times are kept: the phone's as it gave them, ours, and how far they were apart."""
    slow = live.app.clock.now() - timedelta(minutes=20)
    walker = walker_at(desk, live, slow)
    context = walker.page.context
    context.set_offline(True)
    (visit_id, code), *_ = codes(live.app).items()
    walker.scan(code)
    walker.clean()
    context.set_offline(False)
    walker.wait_until_sent()
    with live.app.session() as session:
        visit = session.get(Visit, visit_id)
        assert abs(visit.clock_offset_seconds - 20 * 60) < 60
        assert visit.arrived_at == live.app.clock.now() and abs(visit.scanned_at - slow) < timedelta(minutes=1)
        assert visit.point_id is not None and set(visit.flags) - {"too-fast"} == {"clock-off"}
    chen = desk("chen", at="/patrols/XC2026-0001")
    assert "手机的钟慢 20 分" in chen.text


def test_what_somebody_else_walked_before_is_kept_and_said(walker, live, walked):
    """A clash is shown until somebody has read it, and nothing of it is dropped."""
    context, (first, *_) = walker.page.context, codes(live.app).items()
    context.set_offline(True)
    walker.scan(first[1])
    walker.finds("应急灯不亮", HOLES["应急灯不亮"])
    walked.walk(LEVELS[0], by="chen")
    context.set_offline(False)
    walker.wait_until_sent()
    (kept,) = walker.kept()["entries"]
    assert (kept["state"], kept["outcome"]) == ("told", "walked")
    walker.page.goto(f"{live.address}/patrols/queue")
    walker.page.wait_for_selector("text=陈志远先巡过这一层")
    found = arrived(live.app)
    assert kept["id"] in found["entries"] and [words for words, _ in found["photos"]] == ["应急灯不亮"]
    walker.page.click("text=知道了")
    walker.page.wait_for_selector("text=都发出去了")
    assert walker.kept()["entries"] == []


def test_a_session_that_ended_keeps_everything_until_the_person_logs_in_again(walker, live):
    context, (first, *_) = walker.page.context, codes(live.app).items()
    context.set_offline(True)
    walker.scan(first[1])
    walker.finds("应急灯不亮", HOLES["应急灯不亮"])
    context.clear_cookies()
    context.set_offline(False)
    walker.page.wait_for_selector("text=登录后接着发")
    assert len(walker.kept()["entries"]) == 1 and arrived(live.app)["entries"] == {}
    walker.page.click("[data-queue] a")
    walker.page.fill("#username", "lin")
    walker.page.fill("#password", PASSWORD)
    walker.page.tap("form.z-form button.main")
    walker.page.wait_for_url(f"{live.address}/patrols/queue")
    walker.wait_until_sent()
    assert len(arrived(live.app)["entries"]) == 1 and walker.kept() == {"entries": [], "photos": []}


def test_somebody_else_on_the_same_phone_sees_nothing_of_it_and_sends_nothing_of_it(walker, live, desk):
    """The day's floors go with the other person's log-in; what was not sent stays for its owner."""
    context, (first, *_) = walker.page.context, codes(live.app).items()
    context.set_offline(True)
    walker.scan(first[1])
    walker.clean()
    context.clear_cookies()
    context.set_offline(False)
    Desk(walker.page, live).sign_in("gao")
    walker.page.goto(f"{live.address}/patrols")
    walker.page.wait_for_selector("text=这台手机上有别人的 1 条没发出")
    assert arrived(live.app)["entries"] == {} and len(walker.kept()["entries"]) == 1
    kept = walker.page.evaluate(
        "caches.keys().then(async names => (await Promise.all(names.map(async n => (await (await caches.open(n)).keys()).map(r => new URL(r.url).pathname)))).flat())"
    )
    assert [p for p in kept if not p.startswith("/static/") and p not in ("/offline", "/language")] == []
    Desk(walker.page, live).log_out()
    Desk(walker.page, live).log_in("lin")
    walker.wait_until_sent()
    assert len(arrived(live.app)["entries"]) == 1


def test_logging_out_clears_what_the_browser_keeps(walker, live):
    Desk(walker.page, live).log_out()
    names = walker.page.evaluate("indexedDB.databases().then(all => all.map(d => d.name))")
    assert names == [] and walker.page.evaluate("caches.keys()") == []


def test_a_floor_half_answered_comes_back_after_the_camera_killed_the_tab(walker, live):
    """T29."""
    context, (first, *_) = walker.page.context, codes(live.app).items()
    context.set_offline(True)
    walker.scan(first[1])
    for _ in range(3):
        walker.page.tap("[data-answer=fine]")
    walker.page.wait_for_selector("text=第 4 项，共 6 项")
    walker.page.close()
    again = Walker(context.new_page(), live.address)
    again.scan(first[1])
    again.page.wait_for_selector("text=第 4 项，共 6 项")


# --- a server that dies ------------------------------------------------------------------------------------------------


@pytest.fixture
def stage(copies, centre_template, tmp_path):
    """A real web process on the demo centre, whose clock is the system's: always open, a plan of twelve floors under way."""
    url = copies.copy(centre_template)
    app = _app(url, tmp_path, SystemClock())
    plan_now(app)
    app.database.dispose()
    app.engine.feel.close()
    with Stage(url, tmp_path, web_workers=1, undo_seconds=0) as started:
        started.start("web")
        assert started.wait_for_web()
        yield started
    copies.drop(url)


def plan_now(app) -> None:
    """Building 3, floors 2 to 13, once a day, started."""
    story = Story(app)
    with app.writing() as session:
        calendar = replace(calendar_of(session, story.world.centre_id), round_the_clock=True)
        save_version(
            session, story.world.centre_id, calendar, actor=Actor("qin"), now=app.clock.now(), reason="全天开放"
        )
    with app.session() as session:
        building = session.scalars(
            sa.select(Building).where(Building.centre_id == story.world.centre_id, Building.code == "3")
        ).one()
        floors = session.scalars(
            sa.select(Floor.id).where(Floor.building_id == building.id, Floor.level.in_(LEVELS)).order_by(Floor.level)
        ).all()
        area = session.scalars(sa.select(Area.id).where(Area.centre_id == story.world.centre_id)).first()
    chen = story.person("chen")
    actions.make_points(app, chen, list(floors), "电梯厅")
    actions.save_plan(app, chen, story.world.centre_id, actions.PlanGiven("3座", area, "daily", tuple(floors)))
    start_due(app)
    with app.writing() as session:
        session.execute(sa.update(Visit).values(photo_item=""))


class Dying:
    """Kills the server when it has kept the fifth entry, and again when it has kept the second photo, before it can say so."""

    def __init__(self, stage: Stage):
        self.stage, self.seen, self.deaths = stage, {"entry": 0, "photo": 0}, []

    def __call__(self, route) -> None:
        kind = "photo" if route.request.url.endswith("/photos") else "entry"
        self.seen[kind] += 1
        if (kind, self.seen[kind]) not in (("entry", 5), ("photo", 2)) or kind in self.deaths:
            return route.continue_()
        assert route.fetch().ok
        self.deaths.append(kind)
        self.stage.kill("worker")
        self.stage.kill("web")
        return route.abort()


@pytest.mark.databases("sqlite")
def test_a_server_killed_after_it_kept_something_but_before_it_said_so_costs_nothing(stage, new_page, tmp_path):
    """T30: it dies twice, and comes back on the same port."""
    address = f"http://127.0.0.1:{stage.port}"
    app = _app(stage.url, tmp_path, SystemClock())
    context = new_page(width=390, height=844, has_touch=True, is_mobile=True).context
    token = login(app, "lin", PASSWORD, address="127.0.0.1").token
    context.add_cookies([{"name": "zhiban", "value": token, "url": address}])
    walker = Walker(context.pages[0], address)
    walker.open_list()
    context.set_offline(True)
    entries = walk_all(walker, app)
    photos = {p["sha256"] for p in walker.kept()["photos"]}
    dying = Dying(stage)
    walker.page.route("**/patrols/floors/**", dying)
    context.set_offline(False)
    for death in ("entry", "photo"):
        until(walker, lambda death=death: death in dying.deaths)
        assert len(walker.kept()["entries"]) > 0 and stage.wait_for_web()
        walker.page.goto(f"{address}/patrols/queue")
    walker.wait_until_sent()
    assert dying.deaths == ["entry", "photo"] and walker.kept() == {"entries": [], "photos": []}
    everything_arrived_once(app, entries, photos)
    app.database.dispose()


def until(walker: Walker, true) -> None:
    """Let the page go on until something has happened outside of it."""
    for _ in range(600):
        if true():
            return
        walker.page.wait_for_timeout(50)
    pytest.fail("it did not happen")
