"""Every page that the application shows, in each of its states: what `test_accessible` looks at.

`LOOKS` has an entry for each route that answers with a page; a new page without one fails a test. `lived` fills the centre and gives
the ids that stand in braces in an address. Surprise: "error" is what a person sees after sending something wrong, so it is reached
by the page's own form.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from openpyxl import Workbook

from tests.acceptance.conftest import Desk, photo_of
from tests.people import Story

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNITS = ["楼栋", "楼层", "单元号", "客户类型", "面积", "客户名称", "联系人", "电话", "VIP", "习惯和禁忌"]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a page: in which state of the centre, as whom (None: nobody is logged in), and what is done there first."""

    state: str  # empty, full, error
    who: str | None
    address: str
    do: Callable[[Desk], Any] | None = None
    dialogs: tuple[str, ...] = ()  # opened one after the other, each looked at by itself


# Routes that answer with no page of their own: parts of one, data for its script, a file.
NO_PAGES = {
    "static",
    "health.live",
    "health.metrics",
    "health.ready",
    "desk.find",
    "desk.who",
    "exchange.export",
    "exchange.template",
    "files.photo",
    "findings.photo",
    "patrols.day",
    "patrols.entry",
    "patrols.tag_picture",
    "phone.manifest",
    "phone.worker",
    "procedures.diagram",
    "procedures.state",
    "shifts.news",
    "registers.file",
    "tickets.diagram",
    "tickets.state",
}


# --- what is done before looking --------------------------------------------------------------------------------------


def send(form: str, button: str = "button:not([type='button'])", **values) -> Callable[[Desk], None]:
    """Fill the form and send it although the browser would hold it back, as an old one would."""

    def do(desk: Desk) -> None:
        for name, value in values.items():
            desk.page.fill(f"{form} [name='{name}']", value)
        with desk.another_page():
            desk.page.eval_on_selector(f"{form} {button}", "b => { b.form.noValidate = true; b.click() }")

    return do


def press(selector: str, shows: str) -> Callable[[Desk], None]:
    """Press something that opens a part of the page."""

    def do(desk: Desk) -> None:
        desk.page.locator(selector).locator("visible=true").first.click()
        desk.page.wait_for_selector(shows)

    return do


def bring(kind: str, *rows: list, name: str = "单元.xlsx") -> Callable[[Desk], None]:
    """Bring a file in; without rows it is none that can be read."""

    def do(desk: Desk) -> None:
        content = workbook(*rows) if rows else b"nothing"
        desk.page.set_input_files(f"#{kind}-file", {"name": name, "mimeType": XLSX, "buffer": content})
        desk.submit(f"form[action*='/upload/{kind}'] button.main")

    return do


def workbook(*rows: list) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def give_what_is_gone(desk: Desk) -> None:
    """Take over a task that nobody has any more: the report says what came of each."""
    desk.page.eval_on_selector("#board [name=task]", "b => { b.value = '0'.repeat(32); b.checked = true }")
    desk.submit("#board button[value=me]")


def find(desk: Desk) -> None:
    desk.page.fill("#find", "3-1201")
    desk.page.wait_for_selector("#found a")


def wrong_password(desk: Desk) -> None:
    desk.log_in("lin", "wrong")


# --- the pages ----------------------------------------------------------------------------------------------------------

PROMISE = {"text": "紧急报修一小时办完", "source": "物业合同第 8 条", "from_on": "2026-11-20", "resolution_minutes": "60"}
ON_TICKET = ("urge", "add", "promise", "urgency", "deadline", "merge", "withdraw", "help")

LOOKS: dict[str, list[Look]] = {
    "auth.login": [Look("empty", None, "/login"), Look("error", None, "/login", wrong_password)],
    "auth.first_password": [
        Look("empty", None, "/password"),
        Look("error", None, "/password", send("form", username="lin", code="x", password="x")),
    ],
    "desk.first": [
        Look("empty", "lin", "/"),
        Look("full", "lin", "/"),
        Look("full", "lin", "/?all=1", press("details.z-menu summary", ".z-sheet")),
        Look("full", "lin", "/", find),
        Look("full", "liu", "/"),
        Look("full", "chen", "/", press("[data-open-keys]", "#keys dt")),
    ],
    "desk.register": [
        Look("empty", "lin", "/register"),
        Look("full", "lin", "/register?unit={unit}"),
        Look("full", "lin", "/register?unit={unit}", press("[name=category][value=complaint]", "#about-whom")),
        Look("error", "lin", "/register", send("#register-form", "[data-default]")),
    ],
    "desk.search": [Look("empty", "lin", "/search?q=没有这样的事"), Look("full", "lin", "/search?q=滴水")],
    "tickets.index": [
        Look("empty", "lin", "/tickets"),
        Look("full", "lin", "/tickets"),
        Look("full", "lin", "/tickets?all=1"),
    ],
    "tickets.show": [
        Look("full", "lin", "/tickets/{late}", dialogs=ON_TICKET),
        Look("full", "gao", "/tickets/{late}", dialogs=("pause",)),
        Look("full", "gao", "/tickets/{paused}", dialogs=("resume",)),
        Look("full", "lin", "/tickets/{merged_into}", dialogs=("tell",)),
        Look("full", "qin", "/tickets/{late}"),
        Look("error", "lin", "/tickets/{late}", send("#add", "button.main")),
    ],
    "tasks.show": [
        Look("full", "lin", "/tasks/{dispatch}"),
        Look("full", "liu", "/tasks/{arrive}"),
        Look("full", "gao", "/tasks/{accept}"),
        Look("full", "liu", "/tasks/{handle}", dialogs=("help",)),
        Look("full", "chen", "/tasks/{answer}"),
        Look("full", "chen", "/tasks/{call}"),
        Look("error", "chen", "/tasks/{call}", send("form[data-task]", "[data-default]")),
        Look("full", "qin", "/tasks/{dispatch}"),
        Look("error", "liu", "/tasks/{begun}"),
        Look("error", "lin", "/tasks/{dispatch}", send("form[data-task]", "[data-default]")),
        Look("error", "liu", "/tasks/{handle}", send("form[data-task]", "[data-default]")),
    ],
    "queue.index": [
        Look("empty", "gao", "/queue"),
        Look("full", "gao", "/queue"),
        Look("full", "chen", "/queue?department=engineering"),
    ],
    "board.index": [
        Look("empty", "chen", "/board"),
        Look("full", "chen", "/board"),
        Look("full", "chen", "/board?by=step"),
        Look("full", "chen", "/board?lane=engineering"),
        Look("full", "chen", "/board", press("#board .z-pick1", ".z-give")),
        Look("full", "qin", "/board"),
        Look("error", "chen", "/board", send("#board", "button[value=person]")),
        Look("error", "chen", "/board", give_what_is_gone),
    ],
    "calendar.index": [
        Look("full", "lin", "/calendar"),
        Look("full", "chen", "/calendar?month=2026-10"),
        Look("error", "chen", "/calendar", send("form.z-oneday", "[data-default]")),
    ],
    "calendar.preview": [
        Look("full", "chen", "/calendar", send("form.z-oneday", "[data-default]", on="2026-11-24", text="台风停工")),
        Look("full", "chen", "/calendar", send("form:has(button[value=import])", "button[value=import]")),
    ],
    "promises.index": [
        Look("empty", "lin", "/promises"),
        Look("full", "lin", "/promises"),
        Look("full", "chen", "/promises"),
        Look("error", "chen", "/promises", send("form[data-main]", "[data-default]", text="两小时到场")),
    ],
    "promises.preview": [Look("full", "chen", "/promises", send("form[data-main]", "[data-default]", **PROMISE))],
    "registers.index": [Look("empty", "lin", "/registers"), Look("full", "chen", "/registers")],
    "registers.show": [
        Look("empty", "chen", "/registers/visitor-register"),
        Look("full", "chen", "/registers/call-visit-register"),
        Look("full", "qin", "/registers/patrol-record"),
    ],
    "registers.paper": [Look("full", "chen", "/registers/call-visit-register/print")],
    "reception.index": [
        Look("empty", "lin", "/reception"),
        Look("full", "lin", "/reception"),
        Look("error", "lin", "/reception", send("form[action*='/visits']")),
        Look("error", "lin", "/reception", send("form[action*='/reception/calls']", phone="1")),
    ],
    "reception.call": [
        Look("full", "lin", "/reception/calls/LD2026-0001"),
        Look("full", "zhou", "/reception/calls/LD2026-0002"),
        Look("full", "qin", "/reception/calls/LD2026-0001"),
        Look("error", "lin", "/reception/calls/LD2026-0001", send("form[data-main]", "[data-default]")),
    ],
    "reviews.index": [Look("empty", "chen", "/reviews"), Look("full", "chen", "/reviews")],
    "reviews.show": [
        Look("full", "chen", "/reviews/{review}"),
        Look("full", "qin", "/reviews/{review}"),
        Look("full", "chen", "/reviews/RS2026-0001"),
        Look("error", "chen", "/reviews/{review}", send("form[action$='/decide']")),
    ],
    "reviews.version": [Look("full", "chen", "/reviews/RS2026-0001/versions/1")],
    "exchange.index": [
        Look("empty", "wang", "/exchange"),
        Look("full", "wang", "/exchange"),
        Look("error", "wang", "/exchange", bring("units")),
    ],
    "exchange.show": [
        Look("full", "wang", "/exchange", bring("units", UNITS, ["3座", "9", "0905", "公司", "60", "拾光摄影"])),
        Look("full", "wang", "/exchange", bring("people", ["用户名", "姓名", "角色"], ["zhangsan", "张三", "客服专员"])),
        Look("error", "wang", "/exchange", bring("units", UNITS, ["9座", "?", "x", "y", "z", "", "", "1", "?"])),
    ],
    "incidents.index": [
        Look("empty", "admin", "/incidents"),
        Look("full", "admin", "/incidents"),
        Look("error", "admin", "/incidents", send("form[action='/incidents']", "button[value=resolve]")),
    ],
    "notices.index": [Look("empty", "lin", "/notices"), Look("full", "lin", "/notices")],
    "notices.mail": [
        Look("empty", "lin", "/notices/mail"),
        Look("full", "lin", "/notices/mail"),
        Look("error", "lin", "/notices/mail", send("form[action='/notices/mail']", "button.main", address="lin@")),
    ],
    "people.index": [
        Look("empty", "lin", "/people"),
        Look("full", "lin", "/people"),
        Look("full", "admin", "/people"),
        Look("error", "lin", "/people", send("form[action='/people/substitutes']", "[data-default]")),
    ],
    "people.show": [
        Look("empty", "admin", "/people/sun"),
        Look("full", "admin", "/people/liu"),
        Look("full", "admin", "/people/admin"),
        Look("error", "admin", "/people/liu", send("form[action*='/leave']", "button.main", reason="调走")),
    ],
    "patrols.index": [
        Look("empty", "lin", "/patrols"),
        Look("full", "lin", "/patrols"),
        Look("full", "chen", "/patrols"),
    ],
    "patrols.scan": [Look("full", "lin", "/patrols/tags/{tag}")],
    "patrols.short": [Look("full", "lin", "/p/{tag}")],
    "patrols.queue": [Look("empty", "lin", "/patrols/queue"), Look("full", "lin", "/patrols/queue")],
    "phone.offline": [Look("full", "lin", "/offline")],
    "rounds.index": [Look("empty", "lin", "/rounds"), Look("full", "lin", "/rounds"), Look("full", "chen", "/rounds")],
    "rounds.timetable": [
        Look("empty", "chen", "/rounds/timetable"),
        Look("full", "chen", "/rounds/timetable"),
        Look("full", "qin", "/rounds/timetable"),
    ],
    "rounds.filing": [Look("full", "qin", "/rounds/filings/{filing}"), Look("full", "chen", "/rounds/filings/{filing}")],
    "rounds.workplace": [Look("full", "chen", "/rounds/workplaces/{workplace}")],
    "patrols.floor": [
        Look("full", "lin", "/patrols/floors/{visit}"),
        Look("full", "lin", "/patrols/floors/{visit}", press("[data-answer=finding]", "#words")),
        Look("full", "lin", "/patrols/floors/{walked}"),
        Look("full", "gao", "/patrols/floors/{visit}"),
    ],
    "patrols.record": [Look("full", "chen", "/patrols/{patrol}")],
    "patrols.plan": [
        Look("empty", "chen", "/patrols/plan"),
        Look("full", "chen", "/patrols/plan", press("details:has([name=plan]) > summary", "[name=plan] ~ * [name=name]")),
        Look("error", "chen", "/patrols/plan", send("form[action*='/postings?']", title=" ", expires_on="2026-12-01")),
    ],
    "patrols.tags": [Look("empty", "chen", "/patrols/tags"), Look("full", "chen", "/patrols/tags")],
    "shifts.index": [
        Look("empty", "lin", "/shifts"),
        Look("full", "lin", "/shifts"),
        Look("full", "chen", "/shifts"),
        Look("error", "lin", "/shifts", send("form:has([name=until])", reason="x", until="23:59")),
    ],
    "shifts.week": [
        Look("empty", "chen", "/shifts/roster"),
        Look("full", "chen", "/shifts/roster", press("details:has([name=goods]) > summary", "[name=goods_name]")),
        Look("full", "lin", "/shifts/roster"),
    ],
    "shifts.handover": [
        Look("full", "lin", "/shifts/handovers/{handover}", dialogs=("help",)),
        Look("full", "zhou", "/shifts/handovers/{handover}"),
        Look("full", "zhou", "/shifts/handovers/{given}"),
        Look("full", "chen", "/shifts/handovers/{given}"),
        Look("error", "zhou", "/shifts/handovers/{given}", send("form[action$='/differ']", difference=" ")),
    ],
    "shifts.check": [Look("full", "lin", "/shifts/checks/{check}", dialogs=("help",)), Look("full", "chen", "/shifts/checks/{check}")],
    "shifts.show_leave": [
        Look("full", "lin", "/shifts/leaves/{leave}", dialogs=("help",)),
        Look("full", "chen", "/shifts/leaves/{leave}"),
    ],
    "findings.index": [Look("empty", "gao", "/findings"), Look("full", "gao", "/findings")],
    "findings.show": [
        Look("full", "gao", "/findings/{finding}", dialogs=("help",)),
        Look("full", "lin", "/findings/{finding}"),
        Look("error", "gao", "/findings/{accepted}", send("form[action*='/tasks/']", "[data-default]")),
    ],
    "procedures.index": [Look("full", "lin", "/procedures"), Look("full", "chen", "/procedures")],
    "procedures.show": [Look("full", "lin", "/procedures/customer-request"), Look("full", "lin", "/procedures/escalation")],
    "procedures.version": [Look("full", "lin", "/procedures/customer-request/{version}")],
    "": [Look("error", "lin", "/nothing"), Look("error", "lin", "/tickets/2026-9999"), Look("error", None, "/login/nothing")],
}


# --- a centre with something of everything -------------------------------------------------------------------------------


def lived(live) -> dict[str, str]:
    """Fill the centre; gives the ids that stand in the addresses: late, urged, asked, promised, paused, merged, failed, stood in for."""
    from service.rounds import actions as rounds
    from service.tickets import actions, changes
    from service.timetable.actions import plan_ahead, start_due
    from tests.webui.test_access_matrix import at_reception, on_post, reviewed

    app, story = live.app, Story(live.app)
    lin, liu = story.person("lin"), story.person("liu")
    with app.session() as session:
        contact = session.execute(sa.text("select id from contact order by id limit 1")).scalar_one()
    late, paused, double, waits = (story.register(unit=unit) for unit in ("2-0805", "3-1201", "3-0902", "3-0902"))
    own = story.register(unit="3-1201", contact_id=contact)
    for number in (late, paused, waits):
        story.dispatch(number)
    begun = begin(story, "liu", "accept_slip", late)
    for number in (late, paused):
        story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    actions.add_photo(app, liu, late, photo_of(), "a.jpg")
    actions.urge(app, lin, late, "怎么还没来")
    actions.ask_help(app, lin, late, "没有钥匙")
    actions.promise(app, lin, late, "几点修好，给回话", live.at("2026-11-20 17:59"))
    story.complete("liu", "arrive", {"arrived_at": "2026-11-20T17:45"}, paused)
    handle = story.task("liu", "handle", paused).task_id
    changes.pause(app, liu, paused, "part-on-order", live.at("2026-11-25 10:00"))
    actions.merge(app, lin, double, own)
    stand_in(app, "lin", "zhou", live)
    promise(app, live)
    reviewed(app, story)  # RS2026-0001 is signed, the other one waits
    on_post(app, story)
    at_reception(app, story)
    live.until("2026-11-23 11:00")
    plan_ahead(app)
    start_due(app, kind="daily-review")  # that of Saturday, which is late
    fail(app)
    app.settings = replace(app.settings, smtp_host="127.0.0.1", smtp_tls="none", mail_from="zhiban@example.com")
    with app.session() as session:
        newest = "select number from review where centre_id = 1 and kind = 'daily' order by day desc limit 1"  # Saturday's, with matters
        review = session.execute(sa.text(newest)).scalar()
        filing = session.execute(sa.text("select number from round_filing")).scalar()
        workplace = session.execute(sa.text("select number from workplace_check where centre_id = 1")).scalar()
    rounds.ask_help(app, lin, filing, "窗口移到几点合适")
    with app.session() as session:
        version = session.execute(sa.text("select hash from process_definition where key = 'customer-request'")).scalar()
    return {
        "late": late,
        "paused": paused,
        "merged_into": own,
        "unit": str(story.world.units["3-1201"]),
        "dispatch": story.task("lin", "dispatch", own).task_id,
        "accept": story.task("gao", "accept_slip", waits).task_id,
        "arrive": story.task("liu", "arrive", late).task_id,
        "handle": handle,
        "begun": begun,
        "answer": story.task("chen", "answer_supervisor", late).task_id,
        "call": story.task("chen", "answer_supervisor", filing).task_id,
        "version": version,
        "review": review,
        "filing": filing,
        "workplace": workplace,
        **floors(app, story),
        **shifts(app, story),
    }


def shifts(app, story: Story) -> dict[str, str]:
    """Two posts: at one the outgoing person writes, at the other the incoming one has to count; a check, a leave without cover."""
    from datetime import timedelta

    from engine.api import SYSTEM, Scope
    from service.shifts import handovers, leaving, roster, sheets
    from tests.acceptance.conftest import PASSWORD

    chen, lin, here, now = story.person("chen"), story.person("lin"), story.world.centre_id, app.clock.now()
    posts = {name: roster.add_post(app, chen, here, name, "specialist", "lin") for name in ("前台", "大堂")}
    times = {"shift_ends_at": now + timedelta(minutes=15), "day": "2026-11-23"}
    for count, (name, post) in enumerate(posts.items(), 1):
        roster.save_goods(app, chen, post, roster.GoodsGiven("钥匙", "把", "count", 12))
        given = {
            "handover_number": f"JB2026-000{count}", "post_id": post, "post_name": name, "shift": "day", "outgoing": "lin",
            "incoming": "zhou", "sign_due_at": now + timedelta(minutes=45),
        }  # fmt: skip
        app.engine.start("handover", given | times, business_key=given["handover_number"], scope=Scope(here), actor=SYSTEM)
    handovers.add_note(app, lin, posts["前台"], "三座货梯明早检修")
    with app.session() as session:
        listed = sheets.items(session, handovers.named(session, "JB2026-0002"))
        goods = sheets.goods(session, handovers.named(session, "JB2026-0002"))
    counts = {row.goods_id: handovers.Count(11, "一把借出") for row in goods}
    handovers.save_out(app, lin, "JB2026-0002", {i.key: "留意" for i in listed}, counts, "")
    with app.session() as session:
        sheet = sheets.sheet(session, handovers.named(session, "JB2026-0002"), sheets.OUT)
    handovers.give(app, lin, "JB2026-0002", handovers.Signing(PASSWORD, sheet.hash, sheet.text))
    check = {"check_number": "BH2026-0001", "person": "lin", "since_at": now - timedelta(hours=8)}
    app.engine.start("end-of-day-check", check | times, business_key="BH2026-0001", scope=Scope(here), actor=SYSTEM)
    leave = leaving.leave(app, lin, here, "去三座取快递单", now + timedelta(minutes=20))
    return {"handover": "JB2026-0001", "given": "JB2026-0002", "check": "BH2026-0001", "leave": leave}


def floors(app, story: Story) -> dict[str, str]:
    """A patrol under way: one floor walked with two findings, one of them accepted, and something posted past its date."""
    from datetime import date

    from service.findings.actions import add_photo
    from service.patrols import actions, checklist
    from service.timetable.actions import plan_ahead, start_due

    chen, lin, centre = story.person("chen"), story.person("lin"), story.world.centre_id
    with app.session() as session:
        rows = session.execute(sa.text("select id from floor where centre_id = :c order by id"), {"c": centre}).scalars()
        ids, area = tuple(rows)[:3], session.execute(sa.text("select id from area where centre_id = :c"), {"c": centre}).scalar()
    actions.set_responsible(app, chen, [ids[0]], "lin")
    actions.make_points(app, chen, list(ids), "电梯厅")
    actions.post(app, lin, ids[1], "notice", "停水通知", date(2026, 11, 20))
    actions.save_plan(app, chen, centre, actions.PlanGiven("一座", area, "twice", ids))
    plan_ahead(app)
    start_due(app)
    with app.session() as session:
        walked, visit = session.execute(sa.text("select id from patrol_visit order by id")).scalars().all()[:2]
        patrol = session.execute(sa.text("select number from patrol")).scalar()
        tag = session.execute(sa.text("select code from patrol_point where floor_id = :f"), {"f": ids[1]}).scalar()
    seen = [{"group": "facilities", "words": "应急灯不亮", "photos": [add_photo(app, lin, centre, photo_of(), "a.jpg").id]},
            {"group": "toilets", "words": "水龙头滴水", "department": "engineering"}]
    answers = {g.key: "fine" for g in checklist.groups()} | {"facilities": "finding", "toilets": "finding"}
    numbers = actions.submit(app, lin, walked, "phone-entry-1", {"answers": answers, "findings": seen}).findings
    story.complete("gao", "accept_finding", {"worker": "gao"}, numbers[1])
    return {"patrol": patrol, "visit": str(visit), "walked": str(walked), "tag": tag, "finding": numbers[0], "accepted": numbers[1]}


def begin(story: Story, who: str, element: str, number: str) -> str:
    """Somebody begins a task that another then does; gives its id."""
    from service.drafts import actions, rules

    task = story.task(who, element, number).task_id
    actions.save(story.app, story.person(who), rules.of_task(task), {"answer": ["question"], "question_text": ["哪一间"]})
    return task


def stand_in(app, whom: str, by: str, live) -> None:
    from service.board import standing_in

    story = Story(app)
    standing_in.enter(
        app, story.person(whom), whom, by, live.at("2026-11-20 18:00"), live.at("2026-11-27 18:00")
    )


def promise(app, live) -> None:
    """A contract promises more than the table; another one ended."""
    from service.tickets import promising

    chen, centre = Story(app).person("chen"), Story(app).world.centre_id
    terms = promising.Terms("紧急报修半小时到场", "物业合同第 8 条", live.at("2026-11-20 00:00").date(), arrival_minutes=30)
    promising.save(app, chen, centre, terms)
    promising.end(app, chen, centre, promising.save(app, chen, centre, replace(terms, text="两小时办完")).promise_id)


def fail(app) -> None:
    """A step that stopped, as the engine writes it down."""
    from engine.tables import incident

    with app.engine.unit() as unit:
        root, centre = unit.connection.execute(sa.text("select id, centre_id from process_instance limit 1")).one()
        row = {"root_id": root, "instance_id": root, "centre_id": centre, "kind": "error", "command": "{}", "tries": 2}
        unit.connection.execute(
            sa.insert(incident).values(id="f" * 32, reason="no condition holds", element_id="dispatch", opened_at=unit.now, **row)
        )
