"""One box finds everything that may be seen, and nothing else: compared with reading every text (T21, T23)."""

from __future__ import annotations

import unicodedata

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import object_session

from service import access
from service.customers.models import Contact, Customer
from service.organisation.models import Centre, Unit
from service.search.models import ThingKind
from service.search.queries import LIMIT, find, ids
from service.tickets import actions
from service.tickets.models import Ticket
from tests.people import REPAIR
from tests.service.search import crowd

LETTERS = "水水水水电电灯茶间漏滴吊顶楼上下客户投诉静１２０12AaＢb3ⅣéÉ，。 -_%'，恒远"
PEOPLE = ("lin", "chen", "gao", "sun", "qin", "hu", "admin")


def plainly(text: str) -> str:
    """The plain form again, the slow way."""
    kept = (c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(kept).split())


def stands_in(row: Ticket, phrase: str) -> bool:
    words = [w for w in map(plainly, unicodedata.normalize("NFKC", phrase).split()) if w]
    return bool(words) and all(word in plainly(f"{row.title} {row.request}") for word in words)


@pytest.fixture
def hall(story, chance):
    """Three hundred tickets of chance in two centres; every third has a slip."""
    story.register(form=REPAIR | {"request": "会议室"})
    with story.app.writing() as session:
        centres = list(session.scalars(sa.select(Centre.id).order_by(Centre.id)))
        rows = [
            crowd.ticket(n, f"2025-{n:04d}", chance.choice([centres[0], *centres]), crowd.text(chance, LETTERS))
            for n in range(1001, 1301)
        ]
        slips = [crowd.slip(r, chance.choice(["engineering", "safety"])) for r in rows if r["id"] % 3 == 0]
        crowd.put(session.connection(), rows, slips)
    return story


def test_what_is_found_is_what_reading_every_text_finds(hall, chance, full):
    """T21: phrases of one to six characters, with digits among them."""
    phrases = {p for _ in range(2000 if full else 60) if not (p := crowd.text(chance, LETTERS, 1, 6)).strip().isdigit()}
    for username in PEOPLE:
        with hall.as_person(username) as person:
            session, seen = object_session(person), access.ticket_filter(access.reach(person))
            visible = list(session.scalars(sa.select(Ticket).where(seen).order_by(Ticket.id.desc())))
            for phrase in sorted(phrases):
                wanted = [t.number for t in visible if stands_in(t, phrase)]
                if plainly(phrase).replace(" ", "").isdigit():
                    assert set(wanted[:1]) <= {t.number for t in find(person, phrase, limit=400).tickets}, phrase
                    continue
                assert [t.number for t in find(person, phrase).tickets] == wanted[:LIMIT], (username, phrase)
                assert [t.number for t in find(person, phrase, limit=400).tickets] == wanted, (username, phrase)
                every = session.scalars(sa.select(Ticket.number).where(Ticket.id.in_(ids(phrase, ThingKind.TICKET)), seen))
                assert sorted(every) == sorted(wanted), (username, phrase)


def test_digits_are_found_in_texts_and_in_numbers(hall):
    with hall.as_person("lin") as lin:
        session, seen = object_session(lin), access.ticket_filter(access.reach(lin))
        visible = list(session.scalars(sa.select(Ticket).where(seen)))
        for digits in ("1", "12", "120", "0１2", "1201", "1100", "125"):
            plain = plainly(digits)
            wanted = {t.number for t in visible if stands_in(t, digits) or t.number == f"2026-{plain:>04}"}
            if len(plain) >= 3:
                wanted |= {t.number for t in visible if t.number.split("-")[1].endswith(plain)}
            assert {t.number for t in find(lin, digits, limit=400).tickets} == wanted, digits


@pytest.mark.parametrize("typed", ["2025-1101", "20251101", "２０２５－１１０１", "1101", "101", "2025-1101-1", "1101-1"])
def test_a_ticket_is_found_by_its_number_whole_without_year_and_by_its_tail(story, typed):
    with story.app.writing() as session:
        here = session.scalar(sa.select(Centre.id).order_by(Centre.id).limit(1))
        rows = [crowd.ticket(n, f"2025-{n}", here, "大堂的灯") for n in (1101, 1102, 11011, 21101)]
        crowd.put(session.connection(), rows, [crowd.slip(rows[0])])
    with story.as_person("lin") as lin:
        found = [t.number for t in find(lin, typed).tickets]
        assert "2025-1101" in found and "2025-1102" not in found
        assert found[0] == "2025-1101" or typed in ("1101", "101"), "what was typed in full stands first"
        assert [t.number for t in find(lin, "2025").tickets] == ["2025-21101", "2025-11011", "2025-1102", "2025-1101"]


@pytest.mark.parametrize("typed", ["3-1201", "3#1201", "31201", "３－１２０１", "3座1201", "3号楼1201室", "3 1201", "1201"])
def test_a_unit_is_found_however_it_is_written(story, typed):
    with story.as_person("lin") as lin:
        assert [u.code for u in find(lin, typed).units] == ["3-1201"]


@pytest.mark.parametrize("typed", ["沈静", "沈", "静", "sj", "SJ", "ｓｊ", "shenjing", "shen jing", "shenj", "2046", "13800132046", "1380"])
def test_a_person_is_found_by_name_pinyin_initials_and_phone(story, typed):
    """T21."""
    with story.as_person("lin") as lin:
        assert "沈静" in [c.name for c in find(lin, typed).contacts]
        assert "沈静" not in [c.name for c in find(lin, "46").contacts], "two digits are no phone"


@pytest.mark.parametrize("typed", ["恒远", "远律", "恒远律师事务所", "律师事务所", "hylssws", "hengyuanlvshi", "hengyuanlushi", "所"])
def test_a_company_is_found_by_any_characters_and_pinyin(story, typed):
    with story.as_person("lin") as lin:
        assert "恒远律师事务所" in [c.name for c in find(lin, typed).customers]
        assert not find(lin, "恒远事务").customers, "all its pairs but one are there"


def test_a_name_that_only_has_all_pairs_of_a_phrase_is_no_hit(story):
    from datetime import date

    from service.customers.actions import add_customer
    from service.customers.models import CustomerKind

    with story.app.writing() as session:
        add_customer(session, story.world.centre_id, CustomerKind.COMPANY, "乙丙甲乙", from_on=date(2026, 1, 1))
    with story.as_person("lin") as lin:
        assert find(lin, "丙甲乙").customers and not find(lin, "甲乙丙").customers


def test_results_stand_exact_number_unit_person_company_then_tickets_newest_first(story):
    numbers = [story.register(form=REPAIR | {"request": "1号梯异响"}) for _ in range(3)]
    with story.as_person("lin") as lin:
        found = list(find(lin, numbers[0].split("-")[1].lstrip("0")))
        kinds = [type(thing) for thing in found]
        assert found[0].number == numbers[0] and [t.number for t in found if isinstance(t, Ticket)][1:] == numbers[:0:-1]
        order = [Unit, Contact, Customer, Ticket]
        assert sorted(kinds[1:], key=order.index) == kinds[1:] and Unit in kinds


def test_every_note_that_is_shown_is_found(story):
    number = story.register()
    actions.note(story.app, story.person("lin"), number, "玻璃幕墙有裂纹")
    with story.as_person("lin") as lin:
        assert [t.number for t in find(lin, "幕墙有裂").tickets] == [number]
        assert [t.number for t in find(lin, "裂").tickets] == [number]


def test_another_centre_finds_and_counts_nothing(story):
    """T23."""
    story.register()
    with story.as_person("hu") as hu:
        for typed in ("滴水", "水", "2026", "0001", "1", "恒远", "沈静", "sj", "3-1201", "2046"):
            assert not find(hu, typed) and len(list(find(hu, typed))) == 0, typed


@pytest.mark.parametrize("typed", ["", " ", "%", "_", "'", "\\", "🙂", "--", "=", "~沈", "a" * 500, "水 " * 60, "9" * 80])
def test_whatever_is_typed_gives_an_answer(story, typed):
    with story.as_person("lin") as lin:
        assert len(find(lin, typed).tickets) <= LIMIT


@pytest.mark.parametrize("typed", ["水", "滴水", "茶水间吊顶滴", "恒远律师 水", "3-1201", "2026-0001-1", "sj", "0001", "13800132046"])
def test_a_search_costs_at_most_ten_statements_however_much_it_finds(story, engine_statements, typed):
    for _ in range(3):
        story.register()
    with story.as_person("lin") as lin:
        find(lin, typed)
        engine_statements.clear()
        found = find(lin, typed)
        for unit in found.units:
            assert unit.building.name
        for contact in found.contacts:
            assert contact.customer.name
        for customer in found.customers:
            assert all(o.unit.code for o in customer.occupancies)
        for ticket in found.tickets:
            assert ticket.unit.code and ticket.customer.name
    assert len(engine_statements) <= 10, "\n".join(engine_statements)


def test_registering_writes_at_most_two_statements_for_search(story, engine_statements):
    story.register()
    assert 1 <= len([s for s in engine_statements if "search_" in s]) <= 2


@pytest.fixture
def engine_statements(story):
    """Every statement that reaches the story's database."""
    from sqlalchemy import event

    from engine.sql import observers

    found = []

    def note(statement: str) -> None:
        if not statement.startswith(("BEGIN", "SET", "PRAGMA")):
            found.append(statement)

    event.listen(story.app.database, "before_cursor_execute", lambda a, b, statement, *rest: note(statement))
    observers.append(note)
    yield found
    observers.remove(note)


def test_the_schema_step_makes_the_same_keys_anew(story):
    import importlib

    from service.search.models import SearchKey, SearchPiece, SearchText

    story.register()
    story.dispatch()
    number = story.register(form=REPAIR | {"request": "ＬＥＤ灯，坏了"})
    actions.note(story.app, story.person("lin"), number, "备件已到")
    step = importlib.import_module("service.migrations.versions.0008_search")
    tables = [SearchKey.__table__, SearchPiece.__table__, SearchText.__table__]
    with story.app.database.begin() as connection:
        before = [sorted(map(str, connection.execute(sa.select(t)))) for t in tables]
        for table in tables:
            connection.execute(sa.delete(table))
        step.index_units(connection)
        step.index_names(connection)
        step.index_tickets(connection)
        assert [sorted(map(str, connection.execute(sa.select(t)))) for t in tables] == before
