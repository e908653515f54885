"""A small centre with the cast, both shipped procedures, a frozen clock, and the web application on it."""

from __future__ import annotations

import re
import shutil
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

ROOT = Path(__file__).resolve().parents[2]
CHINA = timezone(timedelta(hours=8))
FRIDAY_MORNING = datetime(2026, 11, 20, 10, 0, tzinfo=CHINA)
PASSWORD = "zhiban-demo-2026"
CAST = {  # username: name, roles in the first centre
    "lin": ("林晓雯", ["specialist"]),
    "zhou": ("周敏", ["cashier"]),
    "chen": ("陈志远", ["supervisor"]),
    "wang": ("王建国", ["manager"]),
    "gao": ("高卫东", ["engineering", "engineering-head"]),
    "liu": ("刘强", ["engineering"]),
    "sun": ("孙丽", ["safety-head"]),
}
WIDE = {"qin": ("秦岚", ["quality"]), "admin": ("管理员", ["admin"])}


@pytest.fixture(scope="session")
def seeded(tmp_path_factory) -> Path:
    """A database file with schema, procedures, places and people; each test works on a copy."""
    folder = tmp_path_factory.mktemp("seeded")
    seed(application(folder))
    return folder


def application(folder: Path, at: datetime = FRIDAY_MORNING):
    from engine.clock import FrozenClock
    from service import app as service
    from service import db
    from service.settings import Settings

    settings = Settings(var_dir=folder, password_memory_mib=1, secret_key="only for tests", undo_seconds=0)
    database = db.connect(settings.database)
    event.listen(database, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return service.create(settings, clock=FrozenClock(at), database=database)


def seed(app) -> None:
    from service import app as service
    from service import db

    db.upgrade(app.database)
    service.deploy_all(app, ROOT / "bpmn")
    with app.writing() as session:
        places(session)
        people(app, session)


def places(session: Session) -> None:
    from service.customers.actions import add_contact, add_customer
    from service.customers.models import CustomerKind
    from service.organisation.actions import add_unit
    from service.organisation.models import Branch, Building, Centre, Company, Department, Project

    rows = [
        Company(id=1, name="安和物业"),
        Branch(id=1, company_id=1, name="华东"),
        Project(id=1, branch_id=1, name="江湾"),
        Centre(id=1, project_id=1, name="江湾中心"),
        Centre(id=2, project_id=1, name="外滩中心"),
        Department(key="engineering", name="工程管理部", name_en="Engineering", head_group="engineering-head"),
        Department(key="safety", name="安全环境部", name_en="Safety", head_group="safety-head"),
        Building(id=3, centre_id=1, code="3", name="3座"),
        Building(id=9, centre_id=2, code="9", name="9座"),
    ]
    for row in rows:  # one by one: nothing but the ids says which comes first
        session.add(row)
        session.flush()
    building, other = rows[-2:]
    unit, empty = add_unit(session, building, None, "3-1201"), add_unit(session, building, None, "3-1202")
    far = add_unit(session, other, None, "9-0101")
    law = add_customer(
        session,
        1,
        CustomerKind.COMPANY,
        "恒远律师事务所",
        vip=True,
        units=[unit],
        from_on=date(2021, 3, 1),
        habits="周一上午例会，别约上门",
    )
    add_contact(session, law, "沈静", ["13800132046"], unit=unit, title="行政主管")
    add_contact(session, law, "唐亦", ["13800132046"], unit=unit, title="前台")
    add_customer(session, 1, CustomerKind.COMPANY, "空房管理", units=[empty], from_on=date(2024, 1, 1))
    add_customer(session, 2, CustomerKind.COMPANY, "外滩商行", units=[far], from_on=date(2024, 1, 1))


def people(app, session: Session) -> None:
    from service.auth.actions import hasher
    from service.organisation.actions import add_person

    secret = hasher(app).hash(PASSWORD)
    for username, (name, roles) in (CAST | WIDE).items():
        person = add_person(session, username, name, [(role, None if username in WIDE else 1, None) for role in roles])
        person.password_hash, person.locale = secret, "zh"
    stranger = add_person(session, "hu", "胡静", [("specialist", 2, None)])
    stranger.password_hash, stranger.locale = secret, "zh"


@pytest.fixture
def app(seeded, tmp_path):
    shutil.copytree(seeded, tmp_path / "var")
    opened = application(tmp_path / "var")
    yield opened
    opened.engine.feel.close()
    opened.database.dispose()


@pytest.fixture
def web(app):
    from webui.app import create_app

    made = create_app(app)
    made.testing = False  # errors become pages, as in life
    return made


class Browser:
    """A person's browser: cookies, and the token of the page last seen in what it sends."""

    def __init__(self, web):
        self.client = web.test_client()
        self.csrf = ""

    def get(self, path: str, **kwargs):
        answer = self.client.get(path, **kwargs)
        found = (
            re.search(r'name="csrf_token" value="([^"]+)"', answer.get_data(as_text=True))
            if answer.mimetype == "text/html"
            else None
        )
        self.csrf = found[1] if found else self.csrf
        return answer

    def post(self, path: str, data: dict | None = None, **kwargs):
        return self.client.post(path, data={"csrf_token": self.csrf} | (data or {}), **kwargs)

    def login(self, username: str, password: str = PASSWORD):
        self.get("/login")
        answer = self.post("/login", {"username": username, "password": password})
        self.get("/")
        return answer


@pytest.fixture
def visitor(web):
    """`visitor("lin")` is Lin's browser, logged in; `visitor()` is nobody's."""

    def open_for(username: str | None = None) -> Browser:
        opened = Browser(web)
        if username:
            assert opened.login(username).status_code == 303
        return opened

    return open_for


REPAIR = {
    "unit_id": "1",
    "channel": "phone",
    "category": "repair",
    "request": "茶水间吊顶漏水，滴到会议室",
    "expectation": "come-now",
    "reply_deadline_kind": "none",
    "urgency": "urgent",
}


@pytest.fixture
def repair(visitor):
    """An urgent repair that Lin has registered; gives the address of the dispatch task."""
    lin = visitor("lin")
    answer = lin.post("/register", REPAIR | {"request_id": "first"})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


@pytest.fixture
def reviewing(app, clock):
    """Friday, a quarter past five: the review of the day begins, with a repair of half past nine that has no slip."""
    from tests.people import Story
    from tests.service.reviews.reviewing import QUARTER_PAST_FIVE, Reviewing

    story = Story(app)
    clock.set(QUARTER_PAST_FIVE - timedelta(hours=8))
    story.register()
    return Reviewing(story, clock)


@pytest.fixture
def posts(app, clock):
    """The day's posts, doors and lifts: Monday, a quarter past eight."""
    from tests.people import Story
    from tests.service.rounds.posts import Posts

    made = Posts(Story(app), clock)
    made.at("08:15")
    return made
