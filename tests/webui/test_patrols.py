"""Patrols and findings on the pages: a floor as one entry, a tag's address, the plan, the record, a complaint about a floor."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.people import COMPLAINT, Story
from tests.service.patrols.walking import FINE, MONDAY, Round
from tests.service.reviews.reviewing import Reviewing
from tests.webui.test_access_matrix import photo
from tests.webui.reading import text

pytestmark = pytest.mark.usefixtures("walked")


@pytest.fixture
def app(centre):
    """The demo centre, whose floors are walked."""
    return centre


@pytest.fixture
def walked(app, clock) -> Round:
    return Round(Story(app), clock)


def entry(clock, **more) -> dict:
    now = clock.now()
    return {
        "id": uuid4().hex,
        "answers": FINE,
        "opened_at": (now - timedelta(minutes=1)).isoformat(),
        "sent_at": now.isoformat(),
        **more,
    }


def send(browser, visit_id: int, sent: dict):
    return browser.client.post(f"/patrols/floors/{visit_id}", json=sent, headers={"X-CSRF-Token": browser.csrf})


def test_the_days_floors_come_ones_own_first(visitor, walked):
    page = text(visitor("lin").get("/patrols"))
    assert page.index("3座12层") < page.index("3座10层")
    assert "我负责" in page and "0 / 4 层" in page


def test_ones_own_floors_stand_open_and_those_of_others_are_folded(visitor, walked):
    page = visitor("lin").get("/patrols").get_data(as_text=True)
    own, folded = page.split('<details class="z-walked"', 1)
    assert "3座12层" in own and "3座10层" not in own
    assert "别人负责的 3 层" in folded and "3座10层" in folded


def test_out_of_hours_the_page_shows_the_next_slots_and_the_latest_records(visitor, walked, clock):
    """Monday evening: nothing is to be walked; on Friday night the next slots are Monday's."""
    walked.walk(12)
    clock.set(MONDAY.replace(hour=21))
    walked.app.engine.fire_due(100)
    page = text(visitor("lin").get("/patrols"))
    assert "现在没有要巡的 明天 08:30 到 12:00 3座 4 层 明天 12:00 到 18:00 3座 4 层" in page
    assert "最近的巡查记录 今天 1 / 4 层 漏巡 3 层 3座 上午 XC2026-0001 1 / 4 层 漏巡 3 层" in page
    clock.set(MONDAY + timedelta(days=4, hours=13))
    assert "周一 08:30 到 12:00" in text(visitor("lin").get("/patrols"))


def test_the_record_says_why_floors_were_missed_as_the_daily_review_has_it(visitor, walked, clock):
    clock.set(MONDAY.replace(hour=12))
    walked.app.engine.fire_due(100)
    reviewing = Reviewing(walked.story, clock, at=MONDAY.replace(hour=17, minute=15) + timedelta(days=1))
    missed = next(key for key in reviewing.matters() if key.startswith("missed-floor"))
    reviewing.decide(missed, "雨水倒灌，人都去排水了")
    assert "日审 雨水倒灌，人都去排水了，陈志远" in text(visitor("chen").get("/patrols/XC2026-0001"))


def test_a_patrol_is_one_row_on_the_first_screen(visitor, walked):
    page = text(visitor("lin").get("/"))
    assert "巡查：3座 上午，还有 4 层" in page and "先出问题的排前面 1 " in page, "it counts like any other row"
    assert "巡查：3座" not in text(visitor("gao").get("/"))


def test_a_scanned_tag_opens_its_floor_with_the_six_groups(visitor, walked):
    lin = visitor("lin")
    answer = lin.get(f"/patrols/tags/{walked.tag(12)}")
    assert answer.location == f"/patrols/floors/{walked.visits()[12].id}?tag={walked.tag(12)}"
    page = text(lin.get(answer.location))
    assert all(
        name in page for name in ("地面卫生", "绿化", "卫生间", "公共设施", "装修现场", "张贴", "厕纸、洗手液够用")
    )


def test_a_tag_of_a_floor_that_is_walked_leads_to_the_list(visitor, walked):
    walked.walk(12)
    assert visitor("lin").get(f"/patrols/tags/{walked.tag(12)}").location == "/patrols"


def test_a_floor_is_sent_as_one_entry_and_again_gives_the_same_answer(visitor, walked, clock):
    """T30."""
    lin, visit = visitor("lin"), walked.visits()[12].id
    lin.get("/patrols")
    picture = lin.client.post(
        f"/patrols/floors/{visit}/photos",
        data={"photo": (io.BytesIO(photo()), "a.png")},
        headers={"X-CSRF-Token": lin.csrf},
    ).json
    assert set(picture) == {"id", "sha256"}
    seen = {"group": "facilities", "words": "应急灯不亮", "photos": [picture["id"]]}
    sent = entry(clock, tag=walked.tag(12), answers=FINE | {"facilities": "finding"}, findings=[seen])
    first, again = send(lin, visit, sent), send(lin, visit, sent)
    assert first.status_code == 200 and first.json == again.json
    (number,) = first.json["findings"]
    page = visitor("gao").get(f"/findings/{number}").get_data(as_text=True)
    assert "应急灯不亮" in page and "/findings/photos/" in page


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"id": "x"},
        {"id": "phone-entry-1", "answers": {"floors": "fine"}},
        {"id": "phone-entry-1", "answers": FINE, "findings": [{"group": "roof"}]},
    ],
)
def test_an_entry_that_says_too_little_is_refused_and_changes_nothing(visitor, walked, sent):
    lin, visit = visitor("lin"), walked.visits()[12].id
    lin.get("/patrols")
    assert send(lin, visit, sent).status_code == 422
    assert str(walked.visits()[12].state) == "waiting"


def test_the_record_shows_who_when_what_and_what_to_look_at(visitor, walked, clock):
    walked.walk(11)
    clock.advance(timedelta(minutes=3))
    walked.walk(12, seconds=5, tag=None, scanned_at=None)
    page = text(visitor("chen").get("/patrols/XC2026-0001"))
    assert "值得看一眼的 1 层" in page and "没扫码" in page and "答得太快" in page and "林晓雯" in page


def test_the_record_names_entries_that_did_not_count_and_why(visitor, walked, clock):
    """Zhou's phone had no network: the floor was Lin's by then. Another entry came after the slot."""
    from service.patrols import actions

    zhou, hole = walked.story.person("zhou"), {"group": "facilities", "words": "防火门坏", "severity": "minor"}
    sent = walked.entry(12, answers=FINE | {"facilities": "finding"}, findings=[hole])
    walked.walk(12)
    actions.submit(walked.app, zhou, walked.visits()[12].id, "no-network-1", sent)
    clock.set(MONDAY.replace(hour=12))
    walked.app.engine.fire_due()
    clock.set(MONDAY.replace(hour=12, minute=40))
    actions.submit(walked.app, zhou, walked.visits()[13].id, "no-network-2", walked.entry(13))
    page = text(visitor("chen").get(f"/patrols/{walked.record().row.patrol.number}"))
    late = page.split("没算进记录的补传")[1]
    assert "林晓雯先巡过这一层" in late and "和记录不同：公共设施：有问题" in late and "防火门坏" in late
    assert "时段完了才到，算漏巡" in late and late.count("周敏") == 2


def test_a_record_whose_entries_all_counted_says_nothing_of_late_ones(visitor, walked, clock):
    walked.walk(12)
    assert "没算进记录的补传" not in text(visitor("chen").get(f"/patrols/{walked.record().row.patrol.number}"))


def test_the_plan_folds_each_building_to_its_counts_and_opens_what_lacks_something(visitor, walked):
    page = visitor("chen").get("/patrols/plan").get_data(as_text=True)
    folds = page.split('id="floors"')[1].split("</form>")[0].split('<details class="z-building"')[1:]
    lacking = [fold for fold in folds if "3 层没人负责" in fold]
    assert len(folds) == 3 and [fold for fold in folds if fold.startswith(" open")] == lacking


def test_a_supervisor_keeps_the_plan_on_a_page(visitor, walked):
    chen = visitor("chen")
    page = chen.get("/patrols/plan").get_data(as_text=True)
    assert "3座" in page
    area = walked.given.area_id
    new = {"name": "大堂", "area": area, "rhythm": "daily", "floor": [str(walked.floors[1])], "active": "on"}
    assert chen.post("/patrols/plan", new).status_code == 303
    assert "大堂" in text(chen.get("/patrols/plan"))
    assert chen.post("/patrols/plan", new).status_code == 422
    assert visitor("lin").get("/patrols/plan").status_code == 404


def test_a_supervisor_names_who_answers_for_floors_and_prints_tags(visitor, walked):
    chen = visitor("chen")
    chen.get("/patrols/plan")
    assert (
        chen.post("/patrols/responsible", {"floor": [str(walked.floors[13])], "responsible": "lin"}).status_code == 303
    )
    assert (
        chen.post("/patrols/responsible", {"floor": [str(walked.floors[13])], "responsible": "gao"}).status_code == 422
    )
    assert chen.post("/patrols/tags", {"floor": [str(walked.floors[1])], "name": "大堂"}).status_code == 303
    sheet = chen.get("/patrols/tags").get_data(as_text=True)
    assert sheet.count("z-tagcard") == 5
    picture = chen.get(re.search(r'src="(/patrols/tags/[^"]+\.svg)"', sheet)[1])
    assert picture.mimetype == "image/svg+xml" and b"<path" in picture.data


def test_what_is_posted_is_noted_and_taken_down(visitor, walked):
    chen = visitor("chen")
    chen.get("/patrols/plan")
    chen.post(
        "/patrols/postings",
        {"floor": str(walked.floors[12]), "kind": "notice", "title": "停水通知", "expires_on": "2026-12-01"},
    )
    page = chen.get("/patrols/plan").get_data(as_text=True)
    assert "停水通知" in page and "过期了" not in page
    walked.clock.set(MONDAY + timedelta(days=9))
    chen = visitor("chen")
    page = chen.get("/patrols/plan").get_data(as_text=True)
    assert "过期了，还没撤" in page
    chen.post(re.search(r"/patrols/postings/\d+/down", page)[0])
    assert "停水通知" not in text(chen.get("/patrols/plan"))


def test_a_complaint_about_a_floor_names_who_answers_for_it_and_its_last_patrols(visitor, walked):
    """Clause 23.1."""
    walked.walk(12)
    number = walked.story.register("chen", "3-1201", COMPLAINT | {"request": "走道灯坏了没人管"})
    page = text(visitor("chen").get(f"/tickets/{number}"))
    assert "3座12层最近的巡查" in page and "楼层责任人：林晓雯" in page and "巡过，林晓雯" in page
    other = walked.story.register("chen", "3-1201")
    assert "最近的巡查" not in text(visitor("chen").get(f"/tickets/{other}"))


def test_the_floor_that_a_complaint_names_counts_before_the_customers_own(visitor, walked):
    """Clause 23.1: somebody of the twelfth floor complains about the tenth."""
    walked.walk(10)
    chen, unit = visitor("chen"), walked.story.world.units["3-1201"]
    page = chen.get(f"/register?unit={unit}").get_data(as_text=True)
    offered = re.findall(r'value="(floor:\d+)">(3座\d+层)', page)
    assert offered[0][1] == "3座12层" and "3座10层" in dict(offered).values()
    tenth = next(value for value, name in offered if name == "3座10层")
    sent = COMPLAINT | {"unit_id": unit, "about": tenth, "request": "走道灯坏了没人管", "request_id": "c", "on_the_spot": ""}
    chen.post("/register", sent)
    assert "3座10层最近的巡查" in text(chen.get("/tickets/2026-0001"))


def seen(walked) -> str:
    hole = {"group": "facilities", "severity": "major", "department": "engineering", "words": "应急灯不亮"}
    return walked.walk(12, answers=FINE | {"facilities": "finding"}, findings=[hole]).findings[0]


def test_a_finding_is_worked_on_from_its_page(visitor, walked):
    number = seen(walked)
    gao, lin = visitor("gao"), visitor("lin")
    work = gao.get("/").get_data(as_text=True)
    task = walked.story.task("gao", "accept_finding", number).task_id
    assert f"/tasks/{task}" in work
    assert gao.get(f"/tasks/{task}").location == f"/findings/{number}"
    gao.get(f"/findings/{number}")
    assert gao.post(f"/findings/{number}/tasks/{task}", {"worker": "gao"}).status_code == 303
    fix = walked.story.task("gao", "put_right", number).task_id
    wrong = gao.post(f"/findings/{number}/tasks/{fix}", {"result": ""})
    assert wrong.status_code == 422 and "还有 1 处要改 要填：怎么改的 改好标红" in text(wrong)
    picture = (io.BytesIO(photo()), "a.png")
    assert (
        gao.post(f"/findings/{number}/tasks/{fix}", {"result": "换了电池", "photo_after": picture}).status_code == 303
    )
    page = text(lin.get(f"/findings/{number}"))
    assert "改好，等复查" in page and "换了电池" in page and "改好后，高卫东" in page
    look = walked.story.task("lin", "look_again", number).task_id
    asked = lin.get(f"/findings/{number}").get_data(as_text=True)
    assert 'data-field="back_reason" hidden' in asked, "what is not right is asked for only where it is not"
    assert lin.post(f"/tasks/{look}/shape", {"passed": "no"}).json == {"hidden": []}
    lin.post(f"/findings/{number}/tasks/{look}", {"passed": "yes"})
    assert "销项了" in text(lin.get(f"/findings/{number}"))
    assert number not in text(lin.get("/findings")) and number in text(lin.get("/findings?state=closed"))


def test_a_finding_becomes_a_ticket_that_names_it(visitor, walked):
    number, lin = seen(walked), visitor("lin")
    lin.get(f"/findings/{number}")
    answer = lin.post(f"/findings/{number}/ticket", {"category": "repair", "request_id": "press"})
    assert answer.status_code == 303
    assert number in text(lin.get(answer.location))
    assert answer.location.split("/")[-1] in text(lin.get(f"/findings/{number}"))


def test_notices_about_findings_and_patrols_lead_to_their_pages(visitor, walked, clock):
    from service.notifications.deliver import deliver_due

    number = seen(walked)
    clock.set(clock.now().replace(hour=4))
    walked.app.engine.fire_due()
    deliver_due(walked.app)
    page = visitor("gao").get("/notices").get_data(as_text=True)
    assert f"/findings/{number}" in page and "巡查发现问题，等你们接" in page
    page = visitor("chen").get("/notices").get_data(as_text=True)
    assert "/patrols/XC2026-0001" in page and "漏巡 3 层" in page


def test_the_board_shows_no_row_per_floor(visitor, walked):
    page = text(visitor("chen").get("/board"))
    assert "巡楼层" not in page


def test_english_pages_hold_no_chinese_of_ours(visitor, walked):
    number = seen(walked)
    chen = visitor("chen")
    chen.post("/me", {"language": "en"})
    for path in (
        "/patrols",
        "/patrols/plan",
        "/patrols/tags",
        "/patrols/XC2026-0001",
        "/findings",
        f"/findings/{number}",
        f"/patrols/floors/{walked.visits()[13].id}",
    ):
        page = text(chen.get(path))
        for theirs in ("3座12层", "3座 上午", "恒远广场运营中心", "应急灯不亮", "电梯厅", "中文"):
            page = page.replace(theirs, "")
        page = re.sub(r"\d 座|\d+ 层|3座\d+层|3座", "", page)
        page = re.sub(r"写字楼|[林周敏陈王高刘晓雯志远建国卫东强助理]+", "", page)
        assert not re.findall(r"[一-鿿]{2,}", page), (path, re.findall(r".{0,20}[一-鿿]{2,}.{0,20}", page))


@pytest.mark.browser
def test_a_clean_floor_takes_six_taps_after_the_scan(phone, serve, web, walked):
    address = serve(web)
    phone.goto(f"{address}/login")
    phone.fill("input[name=username]", "lin")
    phone.fill("input[name=password]", "zhiban-demo-2026")
    phone.keyboard.press("Enter")
    phone.wait_for_url(lambda url: "/login" not in url)
    with walked.app.writing() as session:
        session.execute(sa.text("update patrol_visit set photo_item = ''"))
    phone.goto(f"{address}/patrols/tags/{walked.tag(12)}")
    for _ in range(6):
        phone.tap("[data-answer=fine]")
    phone.wait_for_url(f"{address}/patrols")
    visit = walked.visits()[12]
    assert (str(visit.state), visit.answers) == ("done", FINE)
    assert visit.point_id is not None and phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_finding_of_another_centre_is_not_there(visitor, walked):
    number = seen(walked)
    hu = visitor("hu")
    task = walked.story.task("gao", "accept_finding", number).task_id
    for address in (f"/findings/{number}", "/patrols/XC2026-0001", f"/tasks/{task}", f"/patrols/tags/{walked.tag(12)}"):
        assert hu.get(address).status_code == 404
