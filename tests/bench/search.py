"""Search among many: what one box costs with all tickets, people and units of a large installation, for several people.

Filled in bulk with the keys and pieces that the service writes one by one. What is typed is drawn from what is there, beside
some fixed texts that are known to be hard; a sample of the answers is compared with reading everything. Surprise: a word that
all tickets have all pieces of, but none has, is the worst there can be: every ticket's text is compared.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from service import access, db, demo
from service import app as service
from service.customers.models import Contact, ContactPhone, Customer, CustomerKind, UnitOccupancy
from service.organisation.models import Building, Person, Unit
from service.organisation.rules import unit_shorthand
from service.search import rules
from service.search.models import KeyKind, SearchKey, SearchPiece, SearchText, ThingKind
from service.search.queries import LIMIT, find
from service.settings import Settings
from service.tickets.models import Ticket
from tests.service.search import crowd

PEOPLE = ("lin", "gao", "sun", "qin", "hu")
DRAWN, TIMES, COMPARED = 10, 3, 10
MOST_MILLISECONDS = 150
WHERE = ("茶水间", "大堂", "会议室", "卫生间", "地下车库", "货梯厅", "走廊", "前台", "消防楼梯", "女洗手间", "12楼电梯口", "空调机房")
WHAT = ("吊顶滴水", "灯不亮", "LED灯闪", "门锁坏了", "水龙头漏水", "异味很重", "空调不冷", "地毯湿了", "插座没电", "玻璃有裂纹", "噪音大", "网络不通")
THEN = ("客户催了两次", "请尽快来人", "下午三点前处理", "要求回电", "已放警示牌", "客户在现场等", "和上次是同一处", "影响客户开会")
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "静伟芳娜敏强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红"
TRADES = ("律师事务所", "贸易有限公司", "科技有限公司", "会计师事务所", "文化传播有限公司", "投资管理有限公司")
HARD = {
    "one character, frequent": "水", "one character, rare": "鼯", "a pair, frequent": "漏水", "a pair, rare": "鼯鼠",
    "two words": "大堂 玻璃有", "digits and text": "12楼电", "pieces but no hit": "水间吊顶水", "nothing": "鹦鹉",
    "one digit": "1", "person": "王静", "company": "贸易有限公司", "pinyin": "wangjing",
    "number": "2025-1500", "number's tail": "1500", "a year": "2025",
}  # fmt: skip


@dataclass(frozen=True)
class Spent:
    """What the searches of one kind cost, in ms, each by each person."""

    kind: str
    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20, method="inclusive")[-1]


class Search:
    """One installation with `tickets` tickets, a fifth as many people and 2,000 units."""

    def __init__(self, url: str, folder: Path, tickets: int):
        self.app = service.create(Settings(var_dir=folder, database_url=url))
        db.upgrade(self.app.database)
        self.chance, self.tickets = random.Random(1), tickets
        with self.app.writing() as session:
            demo.found(session, date(2024, 1, 1))
        self.world = demo.world(self.app)
        start = time.perf_counter()
        postgresql = self.app.database.dialect.name == "postgresql"
        with self.app.database.begin() as connection:
            if postgresql:
                connection.execute(sa.text("set local statement_timeout = 0"))
                connection.execute(sa.text("set local work_mem = '256MB'"))
            self._units(connection)
            self._people(connection)
            self._tickets(connection)
            self._pieces(connection)
        if postgresql:
            with self.app.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("set statement_timeout = 0"))
                connection.execute(sa.text("vacuum analyze"))
        self.seconds = time.perf_counter() - start

    def close(self) -> None:
        self.app.database.dispose()

    # --- measuring ----------------------------------------------------------------------------------------------------

    def typed(self) -> dict[str, list[str]]:
        """Kind -> what is typed: drawn from the texts, names, phones and units that are there, and the hard ones."""
        chance = random.Random(2)
        texts, people, units = (sorted(x.items()) for x in (self.texts, self.names, self.codes))
        drawn = {f"{n} characters": [phrase(chance, chance.choice(texts)[1], n) for _ in range(DRAWN)] for n in range(1, 7)}
        drawn["pinyin initials"] = [rules.pinyin_key(chance.choice(people)[1]) for _ in range(DRAWN)]
        drawn["phone tail"] = [chance.choice(sorted(self.phones.values()))[-4:] for _ in range(DRAWN)]
        drawn["unit shorthand"] = [shorthand(chance, chance.choice(units)[1]) for _ in range(DRAWN)]
        return drawn | {kind: [text] * TIMES for kind, text in HARD.items()}

    def measure(self) -> list[Spent]:
        """What every kind costs, each search in a session of its own as in a page, and the better of two turns."""
        kinds, turns = self.typed(), []
        for _ in range(2):
            turns.append({kind: [self._timed(name, t) for name in PEOPLE for t in texts] for kind, texts in kinds.items()})
        return [Spent(kind, tuple(map(min, *(turn[kind] for turn in turns)))) for kind in kinds]

    def _timed(self, username: str, typed: str) -> float:
        with self.app.session() as session:
            person = session.get_one(Person, self.world.people[username])
            start = time.perf_counter()
            find(person, typed)
            return (time.perf_counter() - start) * 1000

    # --- comparing ----------------------------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """Of a sample of the searches, those that find something else than reading everything; none, if all is well."""
        kinds = self.typed()
        phrases = [t for n in range(1, 7) for t in kinds[f"{n} characters"] if not t.isdigit()][::2]
        wrong = []
        for username in PEOPLE:
            with self.app.session() as session:
                person = session.get_one(Person, self.world.people[username])
                seen = self._seen(person)
                wrong += [f"{username}: {text}" for text in phrases if self._tickets_found(person, text) != self._read(seen, text)]
        with self.app.session() as session:
            lin = session.get_one(Person, self.world.people["lin"])
            for kind in ("pinyin initials", "phone tail", "unit shorthand"):
                wrong += [f"{kind}: {text}" for text in kinds[kind][:COMPARED] if not self._names_right(lin, text)]
        return wrong

    def _seen(self, person: Person) -> list[int]:
        seen = sa.select(Ticket.id).where(access.ticket_filter(access.reach(person))).order_by(Ticket.id.desc())
        return list(object_session(person).scalars(seen))

    def _tickets_found(self, person: Person, text: str) -> list[int]:
        return [ticket.id for ticket in find(person, text).tickets]

    def _read(self, seen: list[int], text: str) -> list[int]:
        terms = rules.terms(text)
        return list(itertools.islice((id for id in seen if all(term in self.texts[id] for term in terms)), LIMIT))

    def _names_right(self, person: Person, text: str) -> bool:
        found, bare, digits = find(person, text), unit_shorthand(text), text.replace("-", "")
        units = {id for id, code in self.codes.items() if bare in (unit_shorthand(code)[: len(bare)], code.split("-")[1][: len(bare)])}
        asked = digits.isdigit() and len(digits) >= rules.MIN_PHONE
        people = {id for id, phone in self.phones.items() if asked and (phone.endswith(digits) or phone.startswith(digits))}
        people |= {id for id, name in self.names.items() if text.isalpha() and initials(name).startswith(text)}
        return all(
            len(ids) == min(LIMIT, len(wanted)) and ids <= wanted
            for ids, wanted in (({u.id for u in found.units}, units), ({c.id for c in found.contacts if c.id >= 10_000}, people))
        )

    # --- filling ------------------------------------------------------------------------------------------------------

    def _units(self, connection) -> None:
        centre, building = self.world.centre_id, connection.scalar(sa.select(sa.func.max(Building.id))) + 1
        connection.execute(sa.insert(Building.__table__), {"id": building, "centre_id": centre, "code": "9", "name": "9座"})
        units = [{"id": 10_000 + n, "centre_id": centre, "building_id": building, "code": f"9-{n // 40 + 1}{n % 40 + 1:02d}"}
                 for n in range(2000)]  # fmt: skip
        self.codes = {u["id"]: u["code"] for u in units}
        put(connection, Unit.__table__, units)
        self._keys(connection, ThingKind.UNIT, (
            (u["id"], KeyKind.CODE, unit_shorthand(c)) for u in units for c in (u["code"], u["code"].split("-")[1])))  # fmt: skip

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
        self.names, self.phones = {c["id"]: c["name"] for c in contacts}, {p["contact_id"]: p["digits"] for p in phones}
        put(connection, Customer.__table__, customers)
        put(connection, UnitOccupancy.__table__, [
            {"centre_id": centre, "unit_id": c["id"], "customer_id": c["id"], "from_on": date(2024, 1, 1)} for c in customers])  # fmt: skip
        put(connection, Contact.__table__, contacts)
        put(connection, ContactPhone.__table__, phones)
        for thing, rows in ((ThingKind.CUSTOMER, customers), (ThingKind.CONTACT, contacts)):
            self._keys(connection, thing, ((r["id"], kind, key) for r in rows for kind, key in name_keys(r["name"])))
        both = ((KeyKind.TAIL, rules.tail_key), (KeyKind.CODE, str))
        self._keys(connection, ThingKind.CONTACT, ((p["contact_id"], kind, key(p["digits"])) for p in phones for kind, key in both))

    def _keys(self, connection, thing: ThingKind, keys) -> None:
        put(connection, SearchKey.__table__, (
            {"centre_id": self.world.centre_id, "thing": thing, "thing_id": id, "kind": kind, "key": key}
            for id, kind, key in sorted(set(keys), key=lambda k: (k[1], k[2], k[0]))))  # fmt: skip

    def _tickets(self, connection) -> None:
        """Half of them with a slip for engineering, one of fifty for safety; each with a task of its owner."""
        centre, chance = self.world.centre_id, self.chance

        def words(n: int) -> str:
            rare = "，有鼯鼠" if n % (self.tickets // 5) == 7 else ""
            return f"{chance.choice(WHERE)}{chance.choice(WHAT)}，{chance.choice(WHAT)}，{chance.choice(THEN)}{rare}。"

        rows = [crowd.ticket(n, f"2025-{n:04d}", centre, words(n), unit_id=10_000 + n % 2000, customer_id=10_000 + n % 2000)
                for n in range(1, self.tickets + 1)]  # fmt: skip
        put(connection, Ticket.__table__, rows)
        connection.execute(sa.text(
            "insert into slip (centre_id, ticket_id, count, number, department, state, sent_by, sent_at, instruction, result,"
            " cause, material, reason) select centre_id, id, 1, number || '-1', case id % 50 when 0 then 'safety' else"
            " 'engineering' end, 'accepted', 'lin', registered_at, '', '', '', '', '' from ticket where id % 2 = 0"))  # fmt: skip
        connection.execute(sa.text(
            "insert into user_task (id, instance_id, root_id, centre_id, business_key, process_key, definition_hash, element_id,"
            " name, groups, assignee, priority, state, version, opened_at) select number, number, number, centre_id, number,"
            " 'customer-request', 'x', 'handle', 'x', '|specialist|', 'lin', 50, 'completed', 1, registered_at from ticket"))  # fmt: skip
        self.texts = {r["id"]: plain(f"{r['title']} {r['request']}") for r in rows}
        put(connection, SearchText.__table__, (
            {"ticket_id": id, "centre_id": centre, "text": text} for id, text in self.texts.items()))  # fmt: skip

    def _pieces(self, connection) -> None:
        """Piece by piece, the tickets in order: as the rows lie, so that nothing has to be sorted."""
        having = defaultdict(list)
        for id, text in self.texts.items():
            for piece in (*pieces(text), *rules.number_keys(f"2025-{id:04d}")):
                having[piece].append(id)
        put(connection, SearchPiece.__table__, (
            {"centre_id": self.world.centre_id, "piece": piece, "ticket_id": id} for piece in sorted(having) for id in having[piece]))  # fmt: skip


def phrase(chance: random.Random, text: str, length: int) -> str:
    """So many neighbouring characters of a text, without a gap."""
    words = [word for word in text.split() if len(word) >= length]
    word = chance.choice(words or [text.replace(" ", "")])
    start = chance.randint(0, len(word) - length)
    return word[start : start + length]


def shorthand(chance: random.Random, code: str) -> str:
    """A unit as somebody may type it: with dash, as one number, without its building."""
    return chance.choice((code, code.replace("-", ""), code.split("-")[1]))


initials, pieces, plain = cache(rules.pinyin_key), cache(rules.pieces), cache(rules.plain)


@cache
def name_keys(name: str) -> list[tuple[KeyKind, str]]:
    return [*((KeyKind.TEXT, key) for key in rules.text_keys(name)), (KeyKind.PINYIN, initials(name))]


def put(connection: sa.Connection, table: sa.Table, rows: Iterable[dict]) -> None:
    """Write rows in bulk: COPY on PostgreSQL, the driver's executemany on SQLite."""
    rows = iter(rows)
    first = next(rows)
    columns = [table.c[name] for name in first]
    prepared = values(connection.dialect, columns, itertools.chain([first], rows))
    names = ", ".join(column.name for column in columns)
    cursor = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in prepared:
                copy.write_row(row)
    else:
        cursor.executemany(f'insert into "{table.name}" ({names}) values ({", ".join("?" * len(columns))})', prepared)
    cursor.close()


def values(dialect, columns: Sequence[sa.Column], rows: Iterable[dict]) -> Iterable[tuple]:
    """Rows as the driver takes them: each value as its column's type stores it."""
    keep = [column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value) for column in columns]
    names = [column.name for column in columns]
    return (tuple(change(row[name]) for change, name in zip(keep, names, strict=True)) for row in rows)


def show(kind: str, search: Search, found: list[Spent]) -> dict[str, float]:
    """Print a line per kind; give the figures over all searches."""
    print(f"\n{kind}: searches among {search.tickets:,} tickets and {len(search.names):,} people (filled in {search.seconds:.0f} s),"
          f" each by {', '.join(PEOPLE)}, ms")  # fmt: skip
    print(f"  {'':25s}  median     p95   worst")
    for one in found:
        print(f"  {one.kind:25s} {one.median:7.1f} {one.p95:7.1f} {max(one.times):7.1f}   {HARD.get(one.kind, '')}")
    every = Spent("all", tuple(t for one in found for t in one.times))
    slowest = max(found, key=lambda one: one.p95)
    said = "below" if slowest.p95 < MOST_MILLISECONDS else "ABOVE"
    print(f"  the slowest kind, {slowest.kind}: p95 {slowest.p95:.1f} ms, {said} {MOST_MILLISECONDS} ms", flush=True)
    return {"search_median": every.median, "search_p95": every.p95, "search_slowest_p95": slowest.p95}
