"""Search among many: what one box costs with all tickets, people and units of a large installation, for several people.

Filled by a few large statements; the pieces of the texts are cut by the database, which is the same as what the service
writes one by one. Each figure is the slowest person's median. Surprise: a word that all tickets have all pieces of, but none
has, is the worst there can be: every ticket's text is compared.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from service import app as service
from service import demo
from service.customers.models import Contact, ContactPhone, Customer, CustomerKind, UnitOccupancy
from service.organisation.models import Building, Person, Unit
from service.organisation.rules import unit_shorthand
from service.search import rules
from service.search.models import KeyKind, SearchKey, ThingKind
from service.search.queries import find
from service.settings import Settings
from service.tickets.models import Ticket
from tests.service.search import crowd

PEOPLE = ("lin", "gao", "sun", "qin", "hu")
TIMES = 5
WHERE = ("茶水间", "大堂", "会议室", "卫生间", "地下车库", "货梯厅", "走廊", "前台", "消防楼梯", "女洗手间", "12楼电梯口", "空调机房")
WHAT = ("吊顶滴水", "灯不亮", "LED灯闪", "门锁坏了", "水龙头漏水", "异味很重", "空调不冷", "地毯湿了", "插座没电", "玻璃有裂纹", "噪音大", "网络不通")
THEN = ("客户催了两次", "请尽快来人", "下午三点前处理", "要求回电", "已放警示牌", "客户在现场等", "和上次是同一处", "影响客户开会")
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "静伟芳娜敏强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红"
TRADES = ("律师事务所", "贸易有限公司", "科技有限公司", "会计师事务所", "文化传播有限公司", "投资管理有限公司")
KINDS = {
    "one character, frequent": "水", "one character, rare": "鼯", "a pair, frequent": "漏水", "a pair, rare": "鼯鼠",
    "3 characters, frequent": "水龙头", "6 characters": "茶水间吊顶滴", "two words": "大堂 玻璃有", "digits and text": "12楼电",
    "pieces but no hit": "水间吊顶水", "nothing": "鹦鹉", "one digit": "1", "unit": "9-1201", "person": "王静", "company": "贸易有限公司",
    "initials": "wj", "pinyin": "wangjing", "phone tail": "2046", "number": "2025-1500", "number's tail": "1500", "a year": "2025",
}  # fmt: skip


class Search:
    """One installation with `tickets` tickets and a fifth as many people; `medians()` gives ms by kind."""

    def __init__(self, url: str, folder: Path, tickets: int):
        self.app = service.create(Settings(var_dir=folder, database_url=url))
        from service import db

        db.upgrade(self.app.database)
        self.chance, self.tickets = random.Random(1), tickets
        with self.app.writing() as session:
            demo.found(session, date(2024, 1, 1))
        self.world = demo.world(self.app)
        start = time.perf_counter()
        with self.app.database.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("set local statement_timeout = 0"))
            self._units(connection)
            self._people(connection)
            self._tickets(connection)
            self._pieces(connection)
        if self.app.database.dialect.name == "postgresql":
            with self.app.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("set statement_timeout = 0"))
                connection.execute(sa.text("vacuum analyze"))
        self.seconds = time.perf_counter() - start

    def medians(self) -> dict[str, float]:
        """The slowest person's median of each kind, in ms, each search in a session of its own as in a page."""
        found = {}
        for kind, typed in KINDS.items():
            found[kind] = max(statistics.median(self._timed(name, typed) for _ in range(TIMES)) for name in PEOPLE)
        return found

    def _timed(self, username: str, typed: str) -> float:
        with self.app.session() as session:
            person = session.get_one(Person, self.world.people[username])
            start = time.perf_counter()
            find(person, typed)
            return (time.perf_counter() - start) * 1000

    def _units(self, connection) -> None:
        centre, building = self.world.centre_id, connection.scalar(sa.select(sa.func.max(Building.id))) + 1
        connection.execute(sa.insert(Building.__table__), {"id": building, "centre_id": centre, "code": "9", "name": "9座"})
        self.units = [{"id": 10_000 + n, "centre_id": centre, "building_id": building, "code": f"9-{n // 40 + 1}{n % 40 + 1:02d}"}
                      for n in range(2000)]  # fmt: skip
        connection.execute(sa.insert(Unit.__table__), self.units)
        self._keys(connection, ThingKind.UNIT, (
            (u["id"], KeyKind.CODE, unit_shorthand(c)) for u in self.units for c in (u["code"], u["code"].split("-")[1])))  # fmt: skip

    def _people(self, connection) -> None:
        centre, chance = self.world.centre_id, self.chance
        empty = {"address_as": "", "habits": "", "note": "", "active": True, "vip": False}
        customers = [{"id": 10_000 + n, "centre_id": centre, "kind": CustomerKind.COMPANY,
                      "name": crowd.text(chance, GIVEN, 2, 3) + chance.choice(TRADES), **empty} for n in range(2000)]  # fmt: skip
        contacts = [{"id": 10_000 + n, "centre_id": centre, "customer_id": 10_000 + n % 2000, "unit_id": 10_000 + n % 2000,
                     "name": chance.choice(SURNAMES) + crowd.text(chance, GIVEN, 1, 2), "title": "", "note": "", "active": True}
                    for n in range(self.tickets // 5)]  # fmt: skip
        phones = [{"centre_id": centre, "contact_id": c["id"], "kind": "mobile",
                   "digits": f"1{chance.randint(3_000_000_000, 9_999_999_999)}"} for c in contacts]  # fmt: skip
        connection.execute(sa.insert(Customer.__table__), customers)
        connection.execute(sa.insert(UnitOccupancy.__table__), [
            {"centre_id": centre, "unit_id": c["id"], "customer_id": c["id"], "from_on": date(2024, 1, 1)} for c in customers])  # fmt: skip
        connection.execute(sa.insert(Contact.__table__), contacts)
        connection.execute(sa.insert(ContactPhone.__table__), phones)
        for thing, rows in ((ThingKind.CUSTOMER, customers), (ThingKind.CONTACT, contacts)):
            self._keys(connection, thing, itertools.chain(
                ((r["id"], KeyKind.TEXT, k) for r in rows for k in rules.text_keys(r["name"])),
                ((r["id"], KeyKind.PINYIN, rules.pinyin_key(r["name"])) for r in rows)))  # fmt: skip
        self._keys(connection, ThingKind.CONTACT, itertools.chain(
            ((p["contact_id"], KeyKind.TAIL, rules.tail_key(p["digits"])) for p in phones),
            ((p["contact_id"], KeyKind.CODE, p["digits"]) for p in phones)))  # fmt: skip

    def _keys(self, connection, thing: ThingKind, keys) -> None:
        rows = [{"centre_id": self.world.centre_id, "thing": thing, "thing_id": id, "kind": kind, "key": key}
                for id, kind, key in sorted(set(keys), key=lambda k: (k[1], k[2], k[0]))]  # fmt: skip
        connection.execute(sa.insert(SearchKey.__table__), rows)

    def _tickets(self, connection) -> None:
        """Half of them with a slip for engineering, one of fifty for safety; each with a task of its owner."""
        centre, chance = self.world.centre_id, self.chance
        def words(n: int) -> str:
            rare = "，有鼯鼠" if n % (self.tickets // 5) == 7 else ""
            return f"{chance.choice(WHERE)}{chance.choice(WHAT)}，{chance.choice(WHAT)}，{chance.choice(THEN)}{rare}。"

        rows = [crowd.ticket(n, f"2025-{n:04d}", centre, words(n), unit_id=10_000 + n % 2000, customer_id=10_000 + n % 2000)
                for n in range(1, self.tickets + 1)]  # fmt: skip
        for start in range(0, len(rows), 10_000):
            connection.execute(sa.insert(Ticket.__table__), rows[start : start + 10_000])
        connection.execute(sa.text(
            "insert into slip (centre_id, ticket_id, count, number, department, state, sent_by, sent_at, instruction, result,"
            " cause, material, reason) select centre_id, id, 1, number || '-1', case id % 50 when 0 then 'safety' else"
            " 'engineering' end, 'accepted', 'lin', registered_at, '', '', '', '', '' from ticket where id % 2 = 0"))  # fmt: skip
        connection.execute(sa.text(
            "insert into user_task (id, instance_id, root_id, centre_id, business_key, process_key, definition_hash, element_id,"
            " name, groups, assignee, priority, state, version, opened_at) select number, number, number, centre_id, number,"
            " 'customer-request', 'x', 'handle', 'x', '|specialist|', 'lin', 50, 'completed', 1, registered_at from ticket"))  # fmt: skip
        plain = [{"ticket_id": r["id"], "centre_id": centre, "text": rules.plain(f"{r['title']} {r['request']}")} for r in rows]
        text = sa.table("search_text", sa.column("ticket_id"), sa.column("centre_id"), sa.column("text"))
        for start in range(0, len(plain), 10_000):
            connection.execute(sa.insert(text), plain[start : start + 10_000])

    def _pieces(self, connection) -> None:
        connection.execute(sa.text("create temporary table place (n integer)"))
        connection.execute(sa.text("insert into place values (:n)"), [{"n": n} for n in range(1, 101)])
        connection.execute(sa.text(
            "insert into search_piece (centre_id, piece, ticket_id) select distinct centre_id, piece, ticket_id from ("
            " select centre_id, ticket_id, substr(text, n, 1) as piece from search_text join place on n <= length(text)"
            " union all"
            " select centre_id, ticket_id, substr(text, n, 2) from search_text join place on n < length(text)"
            ") as cut where piece not like '% %' order by 1, 2, 3"))  # fmt: skip
        rows = [{"c": self.world.centre_id, "p": key, "t": n} for n in range(1, self.tickets + 1)
                for key in rules.number_keys(f"2025-{n:04d}")]  # fmt: skip
        rows.sort(key=lambda row: (row["p"], row["t"]))
        for start in range(0, len(rows), 10_000):
            connection.execute(sa.text("insert into search_piece values (:c, :p, :t)"), rows[start : start + 10_000])

    def close(self) -> None:
        self.app.database.dispose()


def show(kind: str, search: Search, figures: dict[str, float]) -> None:
    print(f"\n{kind}: searches among {search.tickets:,} tickets (filled in {search.seconds:.0f} s), ms, the slowest of {', '.join(PEOPLE)}")
    for name, value in figures.items():
        print(f"  {name:27s} {value:7.1f}   {KINDS[name]}", flush=True)
