"""Who reaches what, generated from the routes and the cast: somebody of another centre finds nothing, looking changes nothing,
and list, detail, search and files agree about every ticket (T23, T24; ASVS 8.2, 8.3, 8.4).

A new route is taken in by itself. One with a new kind of id in its address fails `test_every_address_can_be_made`, until `Town.ids`
says what may stand there. Surprise: `town` is lived in once per database kind; tests that change something get a copy.
"""

from __future__ import annotations

import io
import itertools
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from tests.acceptance.tables import content, content_hash
from tests.conftest import FRIDAY_EVENING, _app, _found_centre
from tests.people import COMPLAINT, REPAIR, Story
from tests.webui.conftest import Browser

CAST = ["lin", "zhou", "chen", "wang", "gao", "liu", "sun", "qin", "hu", "admin"]
DESK, LEADS, FIELD = {"lin", "zhou"}, {"chen", "wang"}, {"gao", "liu", "sun"}
PUBLIC = {"static", "health.live", "health.ready", "health.metrics", "auth.login", "auth.login_language", "auth.first_password"}
PUBLIC |= {"phone.manifest", "phone.worker", "phone.offline"}  # the same for everybody; whose floors it are is not in them
# Routes without an id in their address that change only what is the person's own.
OWN = {"auth.preferences", "auth.logout", "notices.read_all", *PUBLIC}
# Addresses whose ids belong to no centre: lists by their name, and the procedures, which are the company's.
WHOLE_COMPANY = {"exchange.export", *(f"procedures.{view}" for view in ("show", "version", "diagram", "state"))}
# Registers are named by their record, and show the reader's own centre.
WHOLE_COMPANY |= {f"registers.{view}" for view in ("show", "paper", "file")}
# What looking may write: the session's last use, and the log of what was taken out as a file.
TOUCHED = ("web_session", "export_run")
# Words of the first centre that nobody of another may read, wherever they stand.
SECRETS = [
    "吊顶滴水",
    "前台态度不好",
    "应急灯不亮",
    "停水告示",
    "巡查三座",
    "先到现场看",
    "没有钥匙",
    "怎么还没来",
    "几点修好",
    "自己修好了",
    "恒远律师",
    "禾木设计",
    "悦动健身",
    "沈静",
    "顾北",
    "13800132046",
    "13900562210",
    "3-1201",
    "2-0805",
    "3-0902",
    "林晓雯",
    "高卫东",
    "刘强",
    "陈志远",
]
SEARCHES = [
    "吊顶",
    "吊顶滴水",
    "滴水",
    "3-1201",
    "1201",
    "恒远",
    "恒远律师事务所",
    "hylssws",
    "hengyuan",
    "2046",
    "13800132046",
    "138 0013 2046",
    "沈静",
    "sj",
    "2026-0001",
    "2026-0001-1",
    "0001",
    "林",
    "林晓雯",
    "2-0805",
    "禾木",
    "%",
    "_",
    "'",
    "2026",
]


@dataclass
class Town:
    """Two centres with something of everything in the first, and the ids that may stand in an address."""

    tickets: list[str] = field(default_factory=list)
    of_hu: str = ""
    ids: dict[str, list] = field(default_factory=dict)
    units: list[int] = field(default_factory=list)
    contacts: list[int] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)

    def values(self, endpoint: str, name: str) -> list | None:
        return self.ids.get(f"{endpoint}:{name}") or self.ids.get(name)

    def addresses(self, rule) -> list[str]:
        """Every address of a route that has an id of the first centre in it; the route's own address where it takes none."""
        names = [n for _, n in re.findall(r"<(?:(\w+):)?(\w+)>", rule.rule)]
        found = []
        for values in itertools.product(*(self.values(rule.endpoint, n) for n in names)):
            given = dict(zip(names, values))
            found.append(re.sub(r"<(?:\w+:)?(\w+)>", lambda m, given=given: str(given[m[1]]), rule.rule))
        return found


def live_in(app) -> Town:
    """Four tickets of the first centre in different states, one of the second, every kind of thing hanging on them."""
    from service.notifications.deliver import deliver_due
    from service.tickets import actions

    story, town = Story(app), Town()
    lin, liu = story.person("lin"), story.person("liu")
    with app.session() as session:
        contact = session.execute(sa.text("select id from contact order by id limit 1")).scalar_one()
    at_desk = story.register()
    at_work = actions.register(app, lin, REPAIR, unit_id=story.world.units["3-1201"], contact_id=contact).number
    story.dispatch(at_work)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, at_work)
    actions.add_photo(app, liu, at_work, photo(), "a.png", kind="before")
    actions.urge(app, lin, at_work, "怎么还没来")
    actions.ask_help(app, lin, at_work, "没有钥匙")
    actions.promise(app, lin, at_work, "几点修好，给回话", app.clock.now() + timedelta(minutes=30))
    complaint = story.register(unit="2-0805", form=COMPLAINT)
    gone = story.register(unit="3-0902")
    actions.withdraw(app, lin, gone, "自己修好了")
    town.of_hu = of_the_other_centre(app, story)
    patrol(app, story)
    shift(app, story)
    reviewed(app, story)
    on_post(app, story)
    at_reception(app, story)
    deliver_due(app)
    town.tickets = [at_desk, at_work, complaint, gone]
    fill_ids(app, town)
    return town


def patrol(app, story: Story) -> None:
    """A patrol of two floors, one of them walked with a finding, tags, and something posted."""
    from service.findings.actions import add_photo
    from service.patrols import actions, checklist
    from service.timetable.actions import plan_ahead, start_due

    with app.session() as session:
        area, *floors = session.execute(
            sa.text("select a.id, f.id from area a join floor f on f.centre_id = a.centre_id where a.centre_id = :c order by f.id"),
            {"c": story.world.centre_id},
        ).all()[:2]
        floor_ids = (area[1], *(f[1] for f in floors))
    chen, lin = story.person("chen"), story.person("lin")
    actions.make_points(app, chen, list(floor_ids), "电梯厅")
    actions.post(app, lin, floor_ids[0], "notice", "停水告示", date(2026, 11, 30))
    actions.save_plan(app, chen, story.world.centre_id, actions.PlanGiven("巡查三座", area[0], "daily", floor_ids))
    plan_ahead(app)
    start_due(app)
    with app.session() as session:
        visit = session.execute(sa.text("select id from patrol_visit order by id")).scalars().first()
    seen = {"group": "facilities", "words": "应急灯不亮", "photos": [add_photo(app, lin, story.world.centre_id, photo(), "a.png").id]}
    answers = {g.key: "fine" for g in checklist.groups()} | {"facilities": "finding"}
    actions.submit(app, lin, visit, "phone-entry-1", {"answers": answers, "findings": [seen]})


def shift(app, story: Story) -> None:
    """A post with goods and a note, a handover that has begun, Lin's check before going home, and a leave without cover."""
    from service.shifts import handovers, leaving, roster
    from service.shifts.models import Shift
    from service.timetable.actions import plan_ahead, start_due

    chen, lin, friday = story.person("chen"), story.person("lin"), date(2026, 11, 20)
    post = roster.add_post(app, chen, story.world.centre_id, "前台", "specialist", "lin")
    roster.save_goods(app, chen, post, roster.GoodsGiven("钥匙", "把", "count", 12))
    cells = {(post, friday, Shift.DAY): ("", "lin"), (post, friday, Shift.NIGHT): ("", "zhou")}
    roster.save_cells(app, chen, story.world.centre_id, cells)
    handovers.add_note(app, lin, post, "三座货梯明早检修")
    plan_ahead(app)
    start_due(app)
    leaving.leave(app, lin, story.world.centre_id, "取快递单", app.clock.now() + timedelta(minutes=10))
    handovers.ask_help(app, lin, "LG2026-0001", "一时走不开")


def on_post(app, story: Story) -> None:
    """The first centre's timetable with a tick that is due, a notice of a moved window, and the week's check."""
    from service.rounds import actions
    from service.rounds.models import RoundItem
    from service.timetable.actions import plan_ahead, start_due

    chen, centre = story.person("chen"), story.world.centre_id
    actions.start_usual(app, chen, centre)
    with app.session() as session:
        item = session.scalars(sa.select(RoundItem).where(RoundItem.kind == "etiquette")).one()
    given = actions.ItemGiven("etiquette", item.name, "08:00", "09:15", posts=tuple(item.posts), reason="客户到得早")
    actions.save_item(app, chen, centre, given, item.id)
    lift = actions.ItemGiven("lift", "电梯分层引导 现在", "17:40", "18:30", posts=("电梯前室",))
    actions.save_item(app, chen, centre, lift)
    plan_ahead(app, date(2026, 11, 16))  # the first working day of the week, on which its check begins
    for kind in ("duty-round", "round-filing", "workplace-check"):
        start_due(app, kind=kind)


def at_reception(app, story: Story) -> None:
    """A missed call that waits, one that was called back and waits for its ticket, a visitor in the house, a visit."""
    from service.reception import actions, rules

    lin, here, now = story.person("lin"), story.world.centre_id, app.clock.now()
    for phone in ("13800132046", "13911112222"):
        number = actions.note_call(app, lin, here, rules.CallGiven(phone, now - timedelta(minutes=3), 5))
    actions.complete(app, lin, number, {"reached": "yes", "reason": "在接另一个电话", "words": "灯不亮", "has_request": "yes"})
    actions.visitor_in(app, lin, here, rules.VisitorGiven("张伟", "恒远律师事务所", "送合同", "id-card", "A12"))
    given = rules.VisitGiven(now - timedelta(hours=1), "沈静", "发停水通知", "续租没问题", "想换一盏灯")
    actions.record_visit(app, lin, here, "3-1201", given)


def reviewed(app, story: Story) -> None:
    """The first centre's daily review of the day: each matter decided, signed; the weekly one waits."""
    from service import demo
    from service.reviews import actions
    from service.signing.actions import prove
    from service.timetable.actions import plan_ahead, start_due

    plan_ahead(app)
    for kind in ("daily-review", "weekly-review"):
        start_due(app, kind=kind)
    chen, number = story.person("chen"), "RS2026-0001"
    for line in _review(story, number).lines:
        decision = actions.Decision("催部门，今天办完", "lin", app.clock.now().date())
        actions.decide(app, chen, number, line.matter.key, decision)
    actions.sign(app, chen, number, prove(app, chen, demo.PASSWORD), _review(story, number).sheet.hash)


def _review(story: Story, number: str):
    from service.reviews import queries

    with story.as_person("chen") as chen:
        return queries.card(chen, number)


def of_the_other_centre(app, story: Story) -> str:
    from service.tickets import actions

    with app.session() as session:
        building = session.execute(
            sa.text("select id from building where centre_id = :c"), {"c": story.world.other_centre_id}
        ).scalar()
    return actions.register(app, story.person("hu"), REPAIR | {"request": "大堂灯不亮"}, building_id=building).number


def fill_ids(app, town: Town) -> None:
    with app.session() as session:

        def column(text: str) -> list:
            return list(session.execute(sa.text(text), {"hu": town.of_hu}).scalars())

        town.units, town.customers, town.contacts = (
            column(f"select id from {t} order by id") for t in ("unit", "customer", "contact")
        )
        town.ids = {
            "number": town.tickets,
            "task_id": column("select id from user_task where business_key <> :hu and business_key in (select number from ticket)"),
            "findings.complete:task_id": column("select id from user_task where process_key = 'finding'"),
            "files.photo:key": column("select key from photo"),
            "phone_id": column("select id from contact_phone order by id")[:2],
            "promise_id": column("select id from promise"),
            "username": ["lin", "chen"],
            "substitute_id": column("select id from substitute") or [1],
            "procedure": ["customer-request"],
            "version": column("select hash from process_definition where key = 'customer-request'"),
            "exchange.export:key": exported(),
            "patrol_number": column("select number from patrol order by id"),
            "visit_id": column("select id from patrol_visit order by id")[:2],
            "tag": column("select code from patrol_point order by id")[:2],
            "point_id": column("select id from patrol_point order by id")[:1],
            "entry_id": ["phone-entry-1"],
            "posting_id": column("select id from posting"),
            "post_id": column("select id from post"),
            "handover_number": column("select number from handover"),
            "check_number": column("select number from day_check"),
            "call_id": column("select id from user_task where process_key = 'escalation' and business_key like 'LG%'"),
            "leave_number": column("select number from leave_post"),
            "call_number": column("select number from missed_call order by id"),
            "visitor_id": column("select id from visitor order by id"),
            "finding_number": column("select number from finding order by id"),
            "findings.photo:key": column("select key from finding_photo"),
            "round_number": column("select number from round"),
            "filing_number": column("select number from round_filing"),
            "workplace_number": column("select number from workplace_check where centre_id = 1"),
            "review_number": column("select number from review where centre_id = 1"),
            "version_number": [1],
            "action_id": column("select id from review_action order by id limit 2"),
            "record": ["call-visit-register", "shift-handover", "visitor-register", "customer-visit", "patrol-record"],
            "key": ["units", "people", "k" * 32],
            "notice_id": column(
                "select n.id from notice n join person p on p.id = n.person_id where p.username <> 'hu' order by n.id"
            )[:6],
        }


def exported() -> list[str]:
    try:
        from webui.views.exchange import LISTS
    except ImportError:
        return ["tickets"]
    return list(LISTS)


def photo() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 140, 150)).save(out, "PNG")
    return out.getvalue()


_LIVED: dict[str, tuple] = {}  # by kind, for the life of this test process


@pytest.fixture(scope="session")
def lived(copies, database_kind, tmp_path_factory):
    """(template, town, folder of its files), made once per kind of database."""
    if database_kind not in _LIVED:
        folder, towns = tmp_path_factory.mktemp("town"), []

        def fill(url: str) -> None:
            _found_centre(url, folder)
            made = _app(url, folder)
            towns.append(live_in(made))
            made.database.dispose()

        _LIVED[database_kind] = copies.template("town", fill), towns[0], folder
    return _LIVED[database_kind]


@pytest.fixture
def town(lived) -> Town:
    return lived[1]


@pytest.fixture
def app(copies, lived):
    """A copy of the town; replaces the folder's small centre."""
    from engine.clock import FrozenClock

    url = copies.copy(lived[0])
    made = _app(url, lived[2], FrozenClock(FRIDAY_EVENING))
    yield made
    made.database.dispose()
    copies.drop(url)


@pytest.fixture
def people(web):
    """`people("hu")` is Hu's browser, logged in; `people()` is nobody's."""
    known: dict[str | None, Browser] = {}

    def browser_of(username: str | None = None) -> Browser:
        if username not in known:
            known[username] = Browser(web)
            if username:
                assert known[username].login(username).status_code == 303
        return known[username]

    return browser_of


def routes(web, method: str) -> list:
    return [rule for rule in web.url_map.iter_rules() if method in rule.methods and rule.endpoint != "static"]


def gets(web, town: Town, searches: list[str] = SEARCHES) -> list[tuple[str, str]]:
    """(endpoint, address) of everything that can be looked at, with every id of the first centre, and the ways to ask for it."""
    found = [(rule.endpoint, address) for rule in routes(web, "GET") for address in town.addresses(rule)]
    questions = (
        [f"q={q}" for q in searches]
        + [f"unit={u}" for u in town.units[:4]]
        + [f"unit={town.units[0]}&contact={c}" for c in town.contacts[:2]]
    )
    questions += [
        "all=1",
        "part=1&all=1",
        "department=engineering",
        "department=safety",
        "centre=1",
        "centre=1&month=2026-11",
    ]
    plain = {rule.endpoint: rule.rule for rule in routes(web, "GET") if not rule.arguments}
    for endpoint in (
        "desk.search",
        "desk.find",
        "desk.who",
        "desk.register",
        "desk.first",
        "tickets.index",
        "queue.index",
        "calendar.index",
    ):
        found += [(endpoint, f"{plain[endpoint]}?{question}") for question in questions if endpoint in plain]
    found += [
        ("exchange.export", f"/{key}.xlsx?{question}")
        for key in town.ids["exchange.export:key"]
        for question in ("all=1", "department=engineering")
        if any(rule.endpoint == "exchange.export" for rule in routes(web, "GET"))
    ]
    return found


def text_of(answer) -> str:
    """What an answer says: its text; of a spreadsheet the text of its sheets."""
    content = answer.get_data()
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return "".join(
                file.read(name).decode("utf-8", "replace") for name in file.namelist() if name.endswith(".xml")
            )
    return content.decode("utf-8", "replace")


def leaked(text: str, asked: str) -> list[str]:
    """Secrets that an answer holds and that stood neither in the question nor in a field's example."""
    text = re.sub(r'placeholder="[^"]*"|单元 3-1201、', "", text)
    for echo in {asked.split("q=")[-1]} if "q=" in asked else ():
        text = text.replace(echo, "")
    return [secret for secret in SECRETS if secret in text]


EVERYTHING = {
    "text": "别的中心的人写的",
    "reason": "别的中心的人撤的",
    "question": "别的中心的人问的",
    "due_at": "2026-11-20T18:00",
    "department": "safety",
    "instruction": "别的中心的人派的",
    "answer": "accept",
    "passed": "yes",
    "reached": "yes",
    "how": "phone",
    "satisfaction": "1",
    "words": "坏",
    "guidance": "别的",
    "approved": "yes",
    "result": "x",
    "cause": "x",
    "labour_minutes": "1",
    "arrived_at": "2026-11-20T17:00",
    "category": "repair",
    "request": "别的中心的人登记的",
    "expectation": "come-now",
    "reply_deadline_kind": "none",
    "urgency": "normal",
    "language": "en",
    "centre": "1",
    "on": "2026-11-21",
    "kind": "closed",
    "seen": "1",
    "password": "zhiban-demo-2026",
}


def form(**more) -> dict:
    return EVERYTHING | {"request_id": "of another centre", "photo": (io.BytesIO(photo()), "a.png")} | more


# --- the test itself ---------------------------------------------------------------------------------------------------------


def test_every_address_can_be_made(web, town):
    unknown = [
        (rule.endpoint, name)
        for rule in web.url_map.iter_rules()
        if rule.endpoint != "static"
        for name in rule.arguments
        if not town.values(rule.endpoint, name)
    ]
    assert unknown == [], "say in Town.ids what may stand in these addresses"


def test_the_town_has_something_to_find(people, town):
    """Otherwise the tests below would pass on an empty house."""
    lin = people("lin")
    seen = "".join(
        text_of(lin.get(path))
        for path in ["/", "/tickets?all=1", f"/register?unit={town.units[0]}", *(f"/tickets/{n}" for n in town.tickets)]
    )
    assert {"吊顶滴水", "前台态度不好", "没有钥匙", "怎么还没来", "几点修好", "自己修好了", "恒远律师", "沈静"} <= set(
        leaked(seen, "")
    )
    assert people("hu").get(f"/tickets/{town.of_hu}").status_code == 200


# --- somebody of another centre ----------------------------------------------------------------------------------------------


def test_hu_gets_404_for_every_address_with_an_id_of_another_centre(web, people, town):
    hu, wrong = people("hu"), []
    for rule in routes(web, "GET"):
        for address in town.addresses(rule) if rule.arguments and rule.endpoint not in WHOLE_COMPANY else []:
            answer = hu.get(address)
            if answer.status_code != 404 or leaked(text_of(answer), ""):
                wrong.append((address, answer.status_code, leaked(text_of(answer), "")))
    assert wrong == []


def test_what_hu_may_not_see_looks_like_what_does_not_exist(web, people, town):
    """Not a word, not a status, not a header tells that something is there."""
    hu = people("hu")
    for there, nowhere in (
        (f"/tickets/{town.tickets[1]}", "/tickets/2026-9999"),
        (f"/tasks/{town.ids['task_id'][0]}", f"/tasks/{'0' * 32}"),
        (f"/photos/{town.ids['files.photo:key'][0]}", "/photos/nothing"),
        (f"/register?unit={town.units[0]}", "/register?unit=999999"),
        (f"/tickets/{town.tickets[1]}/state", "/tickets/2026-9999/state"),
        (f"/tickets/{town.tickets[1]}/diagram", "/tickets/2026-9999/diagram"),
    ):
        one, other = hu.get(there), hu.get(nowhere)
        assert (one.status_code, one.get_data(), sorted(one.headers.keys())) == (
            other.status_code,
            other.get_data(),
            sorted(other.headers.keys()),
        ), there


def test_no_list_search_count_or_file_tells_hu_anything(web, people, town):
    hu, wrong = people("hu"), []
    for endpoint, address in gets(web, town):
        text = text_of(hu.get(address))
        found = leaked(text, address) + [
            n for n in town.tickets if n in text.replace(address.split("q=")[-1] if "q=" in address else "\0", "")
        ]
        if found:
            wrong.append((address, found))
    assert wrong == [], wrong[:5]


def test_totals_are_those_of_hus_own_centre(people, town):
    hu = people("hu")
    assert re.findall(r'class="z-count">(\d+)<', text_of(hu.get("/tickets?all=1"))) == ["1"]
    for query in SEARCHES[:-1]:
        assert set(re.findall(r'class="z-count">(\d+)<', text_of(hu.get(f"/search?q={query}")))) <= {"0"}, query
    assert town.of_hu in text_of(hu.get("/search?q=大堂灯")), "search itself works"


def test_hu_changes_nothing_with_any_address_of_another_centre(app, web, people, town):
    hu = people("hu")
    hu.get("/")
    before, answers = content_hash(app.database), []
    for rule in routes(web, "POST"):
        for address in town.addresses(rule) if rule.arguments else []:
            answer = hu.post(address, form())
            answers.append((address, answer.status_code, leaked(text_of(answer), "")))
    assert [a for a in answers if a[1] != 404 or a[2]] == [] and len(answers) > 30
    assert content_hash(app.database) == before


def test_hu_changes_nothing_with_an_id_of_another_centre_in_a_form(app, web, people, town):
    hu = people("hu")
    hu.get("/")
    before, wrong = content(app.database), []
    for rule in routes(web, "POST"):
        if rule.arguments or rule.endpoint in OWN:
            continue
        for ids in (
            {"unit_id": town.units[0]},
            {"customer_id": town.customers[0]},
            {"contact_id": town.contacts[0]},
            {"unit_id": town.units[0], "contact_id": town.contacts[0]},
        ):
            text = text_of(hu.post(rule.rule, form(**ids)))
            wrong += [(rule.endpoint, ids, leaked(text, ""))] if leaked(text, "") else []
    assert wrong == []
    after = content(app.database)
    assert {name for name in before if before[name] != after[name]} <= {"notice_address"}, (
        "only Hu's own choice of a mailbox"
    )


# --- looking, and being nobody -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", CAST)
def test_looking_changes_nothing(app, web, people, town, username):
    person = people(username)
    before = content(app.database, TOUCHED)
    for _, address in gets(web, town, SEARCHES[:2]):
        assert person.get(address).status_code < 500 or address == "/ready", address
    after = content(app.database, TOUCHED)
    assert {name for name in before if before[name] != after[name]} == set()


def test_nobody_is_sent_to_the_login_page_and_changes_nothing(app, web, people, town):
    nobody = people()
    nobody.get("/login")
    before = content_hash(app.database)
    for endpoint, address in gets(web, town, SEARCHES[:2]):
        if endpoint not in PUBLIC:
            answer = nobody.get(address)
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), address
    for rule in routes(web, "POST"):
        for address in town.addresses(rule) if rule.endpoint not in PUBLIC else []:
            assert nobody.post(address, form()).status_code in (302, 403), address
    assert content_hash(app.database) == before


# --- the people of the centre ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", CAST)
def test_list_detail_search_and_files_agree_about_every_ticket(people, town, username):
    """T23: one permission function for every way to a ticket."""
    person = people(username)
    listed, found = text_of(person.get("/tickets?all=1")), text_of(person.get("/search?q=2026"))
    for number in town.tickets:
        seen = person.get(f"/tickets/{number}").status_code == 200
        ways = {
            "list": f"/tickets/{number}" in listed,
            "search": f"/tickets/{number}" in found,
            "state": person.get(f"/tickets/{number}/state").status_code == 200,
            "diagram": person.get(f"/tickets/{number}/diagram").status_code == 200,
        }
        if number == town.tickets[1]:
            ways["photo"] = person.get(f"/photos/{town.ids['files.photo:key'][0]}").status_code == 200
        assert set(ways.values()) == {seen}, (number, ways)


def test_who_sees_which_ticket(people, town):
    """The desk, leads and quality see all of their centre; a department what was dispatched to it; nobody else anything."""
    at_desk, at_work, complaint, gone = town.tickets
    everything = {at_desk, at_work, complaint, gone}
    wanted = {name: everything for name in DESK | LEADS | {"qin"}} | {
        "gao": {at_work},
        "liu": {at_work},
        "sun": set(),
        "hu": set(),
        "admin": set(),
    }
    assert {
        name: {n for n in everything if people(name).get(f"/tickets/{n}").status_code == 200} for name in CAST
    } == wanted


def test_who_gets_which_page(people):
    pages = {
        "/register": DESK | LEADS | {"hu"},
        "/queue": FIELD | LEADS,
        "/": set(CAST),
        "/tickets": set(CAST),
        "/notices": set(CAST),
    }
    for path, wanted in pages.items():
        assert {name for name in CAST if people(name).get(path).status_code == 200} == wanted, path


@pytest.mark.parametrize("username", ["qin", "admin", "sun"])
def test_who_only_reads_or_is_not_concerned_changes_nothing(app, web, people, town, username):
    """Quality reads all and does nothing; the administrator and the other department do not even see it."""
    person = people(username)
    person.get("/")
    before = content_hash(app.database)
    for rule in routes(web, "POST"):
        if {"number", "task_id", "notice_id"} & rule.arguments:
            for address in town.addresses(rule):
                if "notice_id" in rule.arguments and username != "hu":
                    continue  # may be the person's own
                shown = rule.endpoint == "tasks.shape" and username == "qin"  # which fields are hidden; changes nothing
                assert person.post(address, form()).status_code in ({200} if shown else {403, 404, 409, 422}), address
    assert content_hash(app.database) == before


def test_one_reads_only_ones_own_notices(app, people, town):
    chen = people("chen")
    with app.session() as session:
        mine = (
            session.execute(
                sa.text("select n.id from notice n join person p on p.id = n.person_id where p.username = 'chen'")
            )
            .scalars()
            .all()
        )
        others = (
            session.execute(
                sa.text("select n.id from notice n join person p on p.id = n.person_id where p.username <> 'chen'")
            )
            .scalars()
            .all()
        )
    assert mine and others
    chen.get("/notices")
    assert {chen.post(f"/notices/{id}/read").status_code for id in others} == {404}
    assert chen.post(f"/notices/{mine[0]}/read").status_code == 303


def test_a_worker_reaches_the_tasks_of_another_department_by_no_address(people, town):
    sun = people("sun")
    assert {sun.get(f"/tasks/{id}").status_code for id in town.ids["task_id"]} == {404}
