"""The calendar's page: who reads and who changes it, a change shown before it is saved, a clash that shows both."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import sqlalchemy as sa

from service.calendars.queries import calendar_of, versions
from service.organisation.actions import add_person
from service.tickets.models import Ticket
from tests.webui.conftest import CHINA, PASSWORD, REPAIR

SATURDAY = datetime(2026, 11, 21, 8, 45, tzinfo=CHINA)
MONDAY = datetime(2026, 11, 23, 8, 45, tzinfo=CHINA)
MAKEUP = {"what": "day", "on": "2026-11-21", "kind": "makeup", "takes_weekday": "4", "text": "消防演练补班"}


@pytest.fixture
def friday_evening(app, visitor):
    """A fee question that Lin registered Friday 17:45 for a customer without VIP mark; 120 minutes run."""
    app.clock.set(datetime(2026, 11, 20, 17, 45, tzinfo=CHINA))
    answer = visitor("lin").post(
        "/register", REPAIR | {"category": "repair", "urgency": "normal", "unit_id": "2", "request_id": "evening"}
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)


def response_due_at(app) -> datetime:
    with app.session() as session:
        return session.scalars(sa.select(Ticket.response_due_at).order_by(Ticket.id.desc())).first()


def version(app) -> int:
    with app.session() as session:
        return calendar_of(session, 1).version


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


def sent_again(answer) -> dict[str, str]:
    """The hidden values of the preview's form, as a browser sends them."""
    form = answer.get_data(as_text=True).split('action="/calendar/save"')[1].split("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def saved(who, values: dict) -> object:
    return who.post("/calendar/save", sent_again(who.post("/calendar/preview", values)))


def test_everybody_of_the_centre_reads_it_and_only_leads_change_it(visitor):
    for username, changes in (("lin", False), ("gao", False), ("chen", True), ("wang", True)):
        who = visitor(username)
        page = who.get("/calendar")
        assert page.status_code == 200 and "这一周" in text_of(page), username
        assert ('action="/calendar/preview"' in page.get_data(as_text=True)) is changes, username
        if not changes:
            for path in ("/calendar/preview", "/calendar/save"):
                assert who.post(path, MAKEUP).status_code == 403, (username, path)


def test_nobody_sees_the_calendar_of_another_centre(visitor, app):
    hu = visitor("hu")
    assert "外滩中心" in text_of(hu.get("/calendar"))
    assert hu.get("/calendar?centre=1").status_code == 404
    for path in ("/calendar/preview", "/calendar/save"):
        assert hu.post(path, MAKEUP | {"centre": "1"}).status_code == 404
    assert visitor("wang").post("/calendar/save", MAKEUP | {"centre": "2"}).status_code == 404
    assert version(app) == 0


def test_a_person_without_any_centre_has_no_calendar(visitor, app):
    assert visitor("admin").get("/calendar").status_code == 404


def test_the_process_owner_chooses_among_the_centres(visitor, app):
    with app.writing() as session:
        from service.auth.actions import hasher

        owner = add_person(session, "qiu", "邱岳", [("process-owner", None, None)])
        owner.password_hash, owner.locale = hasher(app).hash(PASSWORD), "zh"
    qiu = visitor("qiu")
    assert "江湾中心" in text_of(qiu.get("/calendar")) and "外滩中心" in text_of(qiu.get("/calendar"))
    assert saved(qiu, MAKEUP | {"centre": "2"}).status_code == 303
    with app.session() as session:
        assert (calendar_of(session, 1).version, calendar_of(session, 2).version) == (0, 1)


def test_a_preview_names_the_days_and_the_limits_and_saves_nothing(visitor, app, friday_evening):
    wang = visitor("wang")
    wang.get("/calendar")
    before = response_due_at(app)
    page = text_of(wang.post("/calendar/preview", MAKEUP))
    assert before == MONDAY and response_due_at(app) == before and version(app) == 0
    assert "11月21日 周六" in page and "补班" in page and "按周五的时间" in page
    assert "2026-0001" in page and "接单" in page
    assert "11月23日 周一 08:45" in page and "11月21日 周六（补班） 08:45" in page and "提前" in page


def test_the_same_values_sent_again_save_and_the_limits_follow(visitor, app, friday_evening):
    wang = visitor("wang")
    answer = saved(wang, MAKEUP)
    assert answer.status_code == 303 and answer.location.startswith("/calendar")
    assert response_due_at(app) == SATURDAY and version(app) == 1
    page = text_of(wang.get(answer.location))
    assert "第 1 版已存" in page and "时限跟着改了" in page and "消防演练补班" in page
    ticket = text_of(wang.get("/tickets/2026-0001"))
    assert "周六（补班）" in ticket


def test_a_second_click_saves_once(visitor, app, friday_evening):
    wang = visitor("wang")
    values = sent_again(wang.post("/calendar/preview", MAKEUP))
    assert [wang.post("/calendar/save", values).status_code for _ in range(2)] == [303, 303]
    assert version(app) == 1


def test_a_clash_shows_both_and_loses_nothing(visitor, app, friday_evening):
    wang, chen = visitor("wang"), visitor("chen")
    mine = sent_again(wang.post("/calendar/preview", MAKEUP))
    theirs = {"what": "day", "on": "2026-11-24", "kind": "holiday", "text": "店庆"}
    assert saved(chen, theirs).status_code == 303
    answer = wang.post("/calendar/save", mine)
    page = text_of(answer)
    assert answer.status_code == 409 and version(app) == 1 and response_due_at(app) == MONDAY
    assert "陈志远" in page and "店庆" in page and "消防演练补班" in page and "11月24日" in page
    assert wang.post("/calendar/save", sent_again(answer)).status_code == 303
    with app.session() as session:
        calendar = calendar_of(session, 1)
        assert len(calendar.holidays) == len(calendar.makeup) == 1


def test_a_preview_from_an_old_page_says_so_at_once(visitor, app):
    wang = visitor("wang")
    assert saved(visitor("chen"), {"what": "day", "on": "2026-11-24", "kind": "holiday", "text": "店庆"})
    assert "店庆" in text_of(wang.post("/calendar/preview", MAKEUP | {"seen": "0"}))


@pytest.mark.parametrize(
    "values, field",
    [
        ({"on": ""}, "on"),
        ({"on": "2026-02-30"}, "on"),
        ({"text": " "}, "text"),
        ({"kind": "feast"}, "kind"),
        ({"takes_weekday": "5"}, "takes_weekday"),
        ({"takes_weekday": ""}, "takes_weekday"),
        ({"kind": "special", "hours": ""}, "hours"),
        ({"kind": "special", "hours": "9 点"}, "hours"),
        ({"kind": "special", "hours": "18:00-09:00"}, "hours"),
        ({"kind": "special", "hours": "09:00-12:00, 11:00-13:00"}, "hours"),
        ({"kind": "closed", "closed_hours": "?"}, "closed_hours"),
        ({"what": "import", "year": "2099"}, "year"),
        ({"what": "publish", "year": "next"}, "year"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_what_was_typed_stays(visitor, app, values, field):
    wang = visitor("wang")
    for path in ("/calendar/preview", "/calendar/save"):
        answer = wang.post(path, MAKEUP | values)
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert f'id="bad-{field}"' in page
        assert values.get("text") or "消防演练补班" in page
    assert version(app) == 0


def test_special_hours_a_closed_part_of_a_day_and_as_usual_again(visitor, app):
    wang = visitor("wang")
    day = {"what": "day", "on": "2026-11-25"}
    for values, shown in (
        ({"kind": "special", "hours": "10:00-12:00，13:00-15:00", "text": "开放日"}, "10:00–12:00、13:00–15:00"),
        ({"kind": "closed", "closed_hours": "10:00-11:00", "text": "停电"}, "11:00–12:00、13:00–15:00"),
        ({"kind": "normal", "text": "不办了"}, "08:30–18:00"),
        ({"kind": "closed", "text": "台风"}, "停业 台风"),
    ):
        assert saved(wang, day | values).status_code == 303, values
        page = text_of(wang.get("/calendar?month=2026-11"))
        assert shown in page and values["text"] in page


def test_a_year_is_imported_looked_at_and_published(visitor, app, friday_evening):
    wang = visitor("wang")
    shown = text_of(wang.post("/calendar/preview", {"what": "import", "year": "2026"}))
    assert "国庆节" in shown and "补班" in shown
    assert saved(wang, {"what": "import", "year": "2026"}).status_code == 303
    assert "没发布" in text_of(wang.get("/calendar"))
    assert saved(wang, {"what": "publish", "year": "2026"}).status_code == 303
    with app.session() as session:
        calendar = calendar_of(session, 1)
        assert 2026 in calendar.published_years and len(calendar.holidays) > 20
        assert [row.created_by for row in versions(session, 1)] == ["wang", "wang"]


def test_an_unknown_year_is_a_warning_on_the_page(visitor, app):
    app.clock.set(datetime(2026, 12, 31, 17, 45, tzinfo=CHINA))
    lin = visitor("lin")
    assert lin.post("/register", REPAIR | {"urgency": "normal", "request_id": "eve"}).status_code == 303
    wang = visitor("wang")
    assert "2027 年放假安排未发布" in text_of(wang.get("/calendar"))
    page = wang.post("/calendar/preview", MAKEUP | {"on": "2027-01-02"})
    assert page.status_code == 200 and "2027 年放假安排未发布" in text_of(page)


def test_odd_addresses_do_no_harm(visitor):
    wang = visitor("wang")
    for query in (
        "month=2026-13",
        "month=x",
        "month=0001-01",
        "month=9999-12",
        "centre=x",
        "centre=99999999999999999999",
    ):
        assert wang.get(f"/calendar?{query}").status_code in (200, 404), query
    assert wang.post("/calendar/save", MAKEUP | {"seen": "x" * 30, "text": "<b>" + "长" * 500}).status_code == 303
    assert "<b>长" not in wang.get("/calendar").get_data(as_text=True)


def test_the_page_speaks_english_too(visitor, app, friday_evening):
    wang = visitor("wang")
    wang.post("/me", {"language": "en"})
    wang.get("/calendar")
    assert "This week" in text_of(wang.get("/calendar")) and "December 2026" in text_of(wang.get("/calendar"))
    page = text_of(wang.post("/calendar/preview", MAKEUP | {"text": "fire drill"}))
    assert "21 Nov Sat (make-up day) 08:45" in page and "Save and move the limits" in page


def test_the_page_costs_a_fixed_number_of_statements(visitor, app):
    wang, seen, counts = visitor("wang"), [], []
    sa.event.listen(app.database, "before_cursor_execute", lambda *given: seen.append(given[2]))
    for on in range(1, 4):
        saved(wang, {"what": "day", "on": f"2026-12-0{on}", "kind": "holiday", "text": f"假 {on}"})
        wang.get("/calendar")
        seen.clear()
        wang.get("/calendar")
        counts.append(len(seen))
    assert len(set(counts)) == 1, counts


def test_shifts_that_have_not_begun_are_shown_before_they_move_with_the_hours(app, visitor):
    from datetime import date

    from service.organisation.queries import person_named
    from service.shifts import roster
    from service.shifts.models import Shift

    with app.session() as session:
        chen = person_named(session, "chen")
    post = roster.add_post(app, chen, 1, "前台", "specialist", "lin")
    roster.save_cells(app, chen, 1, {(post, date(2026, 11, 23), Shift.DAY): ("", "lin")})
    who = visitor("chen")
    change = {"what": "day", "on": "2026-11-23", "kind": "special", "hours": "09:00-17:00", "text": "年会"}
    seen = who.post("/calendar/preview", change)
    page = text_of(seen)
    assert "会改的班次 1" in page and "林晓雯" in page and "08:30–18:00" in page and "09:00–17:00" in page
    done = who.post("/calendar/save", sent_again(seen))
    assert done.status_code == 303 and "1 个班次的时间跟着改了" in text_of(who.get(done.location))
    assert "会改的班次" not in text_of(who.post("/calendar/preview", change | {"on": "2026-11-25"}))
