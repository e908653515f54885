"""A demo centre: 恒远广场 with its buildings, customers and the named cast, and more of everything by `size`.

Only the demo creates logins with a known password, and only into a database that has no company yet. The tests use the same people.
Surprise: times are relative to the given clock, so that the demo always has something that is nearly late.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from engine.api import SYSTEM
from engine.tables import user_task
from service.auth.actions import hasher
from service.calendars.actions import start_calendar
from service.customers.actions import add_contact, add_customer
from service.customers.models import Contact, Customer, CustomerKind
from service.organisation.actions import add_person, add_unit
from service.organisation.models import (
    Area,
    AreaKind,
    Branch,
    Building,
    Centre,
    Company,
    Department,
    Floor,
    Person,
    Project,
    Unit,
)

PASSWORD = "zhiban-demo-2026"  # of the demo's logins only

DEPARTMENTS = [
    ("engineering", "工程管理部", "Engineering", "engineering-head"),
    ("safety", "安全环境部", "Safety & Environment", "safety-head"),
]
HERE, THERE, EVERYWHERE = "here", "there", None
CAST = [  # username, name, phone, [(role, where)]
    ("lin", "林晓雯", "13900010001", [("specialist", HERE)]),
    ("zhou", "周敏", "13900010002", [("cashier", HERE)]),
    ("chen", "陈志远", "13900010003", [("supervisor", HERE)]),
    ("wang", "王建国", "13900010004", [("manager", HERE)]),
    ("gao", "高卫东", "13900010005", [("engineering", HERE), ("engineering-head", HERE)]),
    ("liu", "刘强", "13900010006", [("engineering", HERE)]),
    ("sun", "孙丽", "13900010007", [("safety", HERE), ("safety-head", HERE)]),
    ("qin", "秦岚", "13900010008", [("quality", EVERYWHERE), ("process-owner", EVERYWHERE)]),
    ("hu", "胡静", "13900010009", [("specialist", THERE)]),
    ("admin", "系统管理员", "13900010000", [("admin", EVERYWHERE)]),
]
COMPANIES = [  # name, vip, building, units, [(contact, title, [phones], unit)]
    (
        "恒远律师事务所",
        True,
        "3",
        ["1201", "1202", "1203"],
        [("沈静", "行政主管", ["13800132046"], "1201"), ("唐亦", "前台", ["13800132046", "13800132077"], "1203")],
    ),
    ("禾木设计", False, "2", ["0805"], [("顾北", "合伙人", ["13900562210"], "0805")]),
    ("悦动健身", False, "3", ["0902"], [("王倩", "店长", ["13901237781"], "0902")]),
    ("启明资本", True, "1", ["1502"], [("刘敏", "行政", ["13701905521"], "1502")]),
    ("微澜科技", False, "2", ["1604"], [("许工", "IT", ["13612340907"], "1604")]),
    ("博文教育", False, "3", ["1107"], [("何老师", "校长", ["13512347788"], "1107")]),
    ("甘霖咖啡", False, "3", ["1806"], [("周屿", "店主", ["13412349911"], "1806")]),
    ("华信会计师事务所", False, "2", ["1103"], [("郑芳", "行政", ["02155663320"], "1103")]),
]
NOTES = {"恒远律师事务所": ("合伙人秦总，进大堂要问好", "周一上午例会，别约上门")}


@dataclass(frozen=True, slots=True)
class World:
    """The ids that tests and the demo go on with."""

    centre_id: int
    other_centre_id: int
    people: dict[str, int]  # username -> id
    units: dict[str, int]  # code -> id
    buildings: dict[str, int]  # code -> id


def found(session: Session, from_on: date, password_hash: str | None = None) -> World:
    """Create company, two centres, places, cast and customers. `password_hash` None leaves everybody without a login."""
    company = _added(session, Company(name="恒远物业"))
    branch = _added(session, Branch(company_id=company.id, name="上海分公司"))
    here = _centre(session, branch, "恒远广场")
    there = _centre(session, branch, "滨江中心")
    session.add_all(Department(key=k, name=n, name_en=e, head_group=h) for k, n, e, h in DEPARTMENTS)
    session.flush()
    people = {
        username: _member(session, username, name, phone, roles, here, there, password_hash)
        for username, name, phone, roles in CAST
    }
    buildings = {code: _building(session, here, code) for code in ("1", "2", "3")}
    _building(session, there, "1")
    units: dict[str, Unit] = {}
    for row in COMPANIES:
        _customer(session, here, buildings, units, row, from_on)
    return World(
        here.id,
        there.id,
        {u: p.id for u, p in people.items()},
        {c: u.id for c, u in units.items()},
        {c: b.id for c, b in buildings.items()},
    )


def build(app, size: int = 1, seed: int = 1) -> World:
    """Fill an empty installation with the demo centre; `size` multiplies its customers. Run again it changes nothing."""
    if is_there(app):
        return world(app)
    with app.writing() as session:
        made = found(session, app.clock.now().date() - timedelta(days=900), hasher(app).hash(PASSWORD))
        if size > 1:
            _more_customers(session, made, size, random.Random(seed), app.clock.now().date())
    return made


def is_there(app) -> bool:
    with app.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Company)) > 0


def has_demo_logins(app) -> bool:
    """Whether the cast can log in with the demo's password here (by name only; the password may have been changed)."""
    with app.session() as session:
        found = session.scalars(
            sa.select(Person.username).where(
                Person.username.in_(["lin", "chen", "gao"]), Person.password_hash.is_not(None)
            )
        )
        return len(found.all()) == 3 and session.scalar(sa.select(Company.name)) == "恒远物业"


def world(app) -> World:
    """The world of a database that has it."""
    with app.session() as session:
        here, there = session.scalars(sa.select(Centre).order_by(Centre.id).limit(2)).all()
        return World(
            here.id,
            there.id,
            dict(session.execute(sa.select(Person.username, Person.id)).all()),
            dict(session.execute(sa.select(Unit.code, Unit.id).where(Unit.centre_id == here.id)).all()),
            dict(session.execute(sa.select(Building.code, Building.id).where(Building.centre_id == here.id)).all()),
        )


def _added(session: Session, row):
    session.add(row)
    session.flush()
    return row


def _centre(session: Session, branch: Branch, name: str) -> Centre:
    project = _added(session, Project(branch_id=branch.id, name=name))
    centre = _added(session, Centre(project_id=project.id, name=f"{name}运营中心"))
    _added(session, Area(centre_id=centre.id, name="写字楼", kind=AreaKind.OFFICE))
    start_calendar(session, centre.id, actor=SYSTEM, now=session.info["clock"].now())
    return centre


def _member(
    session: Session, username: str, name: str, phone: str, roles, here: Centre, there: Centre, password_hash
) -> Person:
    where = {HERE: here.id, THERE: there.id, EVERYWHERE: None}
    person = add_person(session, username, name, [(role, where[w], None) for role, w in roles], phone)
    person.password_hash = password_hash
    return person


def _building(session: Session, centre: Centre, code: str) -> Building:
    building = _added(session, Building(centre_id=centre.id, code=code, name=f"{code} 座"))
    session.add_all(Floor(centre_id=centre.id, building_id=building.id, level=n, name=f"{n} 层") for n in range(1, 21))
    session.flush()
    return building


def _unit(session: Session, building: Building, units: dict[str, Unit], room: str) -> Unit:
    code = f"{building.code}-{room}"
    if code not in units:
        floor = session.scalars(
            sa.select(Floor).where(Floor.building_id == building.id, Floor.level == int(room[:-2]))
        ).first()
        units[code] = add_unit(session, building, floor, code)
    return units[code]


def _customer(session: Session, centre: Centre, buildings, units, row, from_on: date) -> Customer:
    name, vip, code, rooms, contacts = row
    places = [_unit(session, buildings[code], units, room) for room in rooms]
    address_as, habits = NOTES.get(name, ("", ""))
    customer = add_customer(
        session,
        centre.id,
        CustomerKind.COMPANY,
        name,
        vip=vip,
        units=places,
        from_on=from_on,
        address_as=address_as,
        habits=habits,
    )
    for person, title, phones, room in contacts:
        add_contact(session, customer, person, phones, unit=units[f"{code}-{room}"], title=title)
    return customer


_FIRST, _SECOND = "远博锦华瑞泰安和信达", ["科技", "传媒", "贸易", "咨询", "设计", "教育", "医疗", "餐饮"]
_FAMILY, _GIVEN = "赵钱孙李周吴郑王冯陈", "伟芳娜敏静丽强磊军洋"


def _more_customers(session: Session, made: World, size: int, dice: random.Random, today: date) -> None:
    """Companies in rooms that are still free, a contact each."""
    buildings = {b.code: b for b in session.scalars(sa.select(Building).where(Building.centre_id == made.centre_id))}
    units = {u.code: u for u in session.scalars(sa.select(Unit).where(Unit.centre_id == made.centre_id))}
    centre = session.get_one(Centre, made.centre_id)
    free = [
        (code, f"{level:02d}{room:02d}")
        for code in buildings
        for level in range(1, 21)
        for room in range(1, 21)
        if f"{code}-{level:02d}{room:02d}" not in units
    ]
    dice.shuffle(free)
    for code, room in free[: 8 * (size - 1)]:
        name = "".join(dice.sample(_FIRST, 2)) + dice.choice(_SECOND) + room
        contact = (dice.choice(_FAMILY) + dice.choice(_GIVEN), "行政", [f"13{dice.randrange(10**8, 10**9)}"], room)
        _customer(
            session,
            centre,
            buildings,
            units,
            (name, dice.random() < 0.05, code, [room], [contact]),
            today - timedelta(days=dice.randrange(1000)),
        )


def requests(app, made: World, count: int = 12, seed: int = 1) -> list[str]:
    """Register some requests as Lin, so that the first screen shows work. Needs the procedures deployed."""
    from service.tickets import actions

    dice = random.Random(seed)
    stories = [
        ("repair", "茶水间吊顶滴水，地上湿了，用桶接着。", "urgent"),
        ("repair", "会议室空调不制冷。", "normal"),
        ("complaint", "早高峰电梯等太久。", "normal"),
        ("enquiry", "访客车位怎么预约？", "normal"),
        ("fees", "上个月电费比以前多一倍。", "normal"),
        ("renovation", "想把前台隔断拆掉，要办什么手续？", "normal"),
        ("repair", "大门锁打不开。", "urgent"),
        ("other", "加装门禁卡 6 张。", "normal"),
    ]
    numbers = []
    with app.session() as session:
        lin = session.get_one(Person, made.people["lin"])
        contacts = session.scalars(
            sa.select(Contact).where(Contact.centre_id == made.centre_id, Contact.unit_id.is_not(None))
        ).all()
    for index in range(count):
        category, request, urgency = stories[index % len(stories)]
        contact = dice.choice(contacts)
        numbers.append(
            actions.register(
                app,
                lin,
                {
                    "category": category,
                    "request": request,
                    "expectation": dice.choice(["come-now", "call-back", "appointment"]),
                    "reply_deadline_kind": "none",
                    "urgency": urgency,
                    "on_the_spot": False,
                },
                unit_id=contact.unit_id,
                contact_id=contact.id,
                request_id=f"demo-{seed}-{index}",
            ).number
        )
    _move_some_on(app, made, numbers)
    return numbers


def _move_some_on(app, made: World, numbers: list[str]) -> None:
    """Dispatch some of the requests, have one accepted, promise something: so that every part of the first screen shows work."""
    from service.tickets import actions

    with app.session() as session:
        lin, gao = (session.get_one(Person, made.people[name]) for name in ("lin", "gao"))
    for number in numbers[:2]:
        _do(app, lin, number, "dispatch", {"department": "engineering", "instruction": "先到现场看，再回我一声"})
    _do(app, gao, numbers[0], "accept_slip", {"answer": "accept", "worker": "liu"})
    for number, text, minutes in zip(
        numbers, ("告诉她几点修好", "给回话：电费怎么算的", "收据拍照发过去"), (40, 95, 150)
    ):
        actions.promise(
            app, lin, number, text, app.clock.now() + timedelta(minutes=minutes), request_id=f"demo-promise-{number}"
        )


def _do(app, person: Person, number: str, element: str, values: dict) -> None:
    from service.tickets import actions

    with app.session() as session:
        task = session.execute(
            sa.select(user_task.c.id).where(
                user_task.c.business_key == number, user_task.c.element_id == element, user_task.c.state == "open"
            )
        ).scalar_one()
    actions.complete_task(app, person, task, values)
