"""Writing what things are found by, in the transaction that changes the thing.

The keys of a unit, customer or contact are replaced as a whole. A ticket only gains text: two statements each time, one
for the text and one for all its pieces. Surprise: a note that is added through a session is indexed by itself, so that
no action can forget it; a note written by a plain statement calls `add_ticket_text`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from engine.sql import Prepared
from service.db import insert_or_leave
from service.organisation.rules import unit_shorthand
from service.search import rules
from service.search.models import KeyKind, SearchKey, ThingKind
from service.tickets.models import TicketNote

_ADD_TEXT = Prepared(
    sa.text(
        "insert into search_text (ticket_id, centre_id, text) values (:ticket_id, :centre_id, :text)"
        " on conflict (ticket_id) do update set text = search_text.text || '\n' || excluded.text"
    )
)
_ADD_PIECES = Prepared(
    lambda dialect: sa.text(
        "insert into search_piece (centre_id, piece, ticket_id) "
        + {
            "sqlite": "select :centre_id, value, :ticket_id from json_each(:pieces) where true",
            "postgresql": "select :centre_id, value, :ticket_id from json_array_elements_text(cast(:pieces as json))",
        }[dialect]
        + " on conflict do nothing"
    )
)


def index_unit(connection: Any, centre_id: int, unit_id: int, code: str) -> None:
    """A unit is found by its shorthand, and by what follows the building's number: 3-1201, 31201, 1201."""
    codes = {unit_shorthand(code), unit_shorthand(code.split("-", 1)[-1])}
    _replace(connection, centre_id, ThingKind.UNIT, unit_id, ((KeyKind.CODE, c) for c in codes))


def index_customer(connection: Any, centre_id: int, customer_id: int, name: str) -> None:
    _replace(connection, centre_id, ThingKind.CUSTOMER, customer_id, _name_keys(name))


def index_contact(connection: Any, centre_id: int, contact_id: int, name: str, phones: Iterable[str]) -> None:
    keys = [
        *_name_keys(name),
        *((KeyKind.TAIL, rules.tail_key(p)) for p in phones),
        *((KeyKind.CODE, p) for p in phones),
    ]
    _replace(connection, centre_id, ThingKind.CONTACT, contact_id, keys)


def index_ticket(connection: Any, centre_id: int, ticket_id: int, number: str, text: str) -> None:
    """A new ticket is found by its number and its words."""
    _add(connection, centre_id, ticket_id, text, rules.number_keys(number))


def add_ticket_text(connection: Any, centre_id: int, ticket_id: int, text: str) -> None:
    """Make a ticket findable by a later text as well (a note, a result)."""
    _add(connection, centre_id, ticket_id, text, set())


@event.listens_for(TicketNote, "after_insert")
def _note_added(_mapper, connection: sa.Connection, note: TicketNote) -> None:
    add_ticket_text(connection, note.centre_id, note.ticket_id, note.text)


def _add(connection: Any, centre_id: int, ticket_id: int, text: str, keys: set[str]) -> None:
    if isinstance(connection, Session):
        connection = connection.connection()
    plain, pieces = rules.plain(text), orjson.dumps(sorted(keys | rules.pieces(text))).decode()
    if plain or keys:
        _ADD_TEXT.run(connection, ticket_id=ticket_id, centre_id=centre_id, text=plain)
        _ADD_PIECES.run(connection, ticket_id=ticket_id, centre_id=centre_id, pieces=pieces)


def _name_keys(name: str) -> list[tuple[KeyKind, str]]:
    return [(KeyKind.PINYIN, rules.pinyin_key(name)), *((KeyKind.TEXT, k) for k in rules.text_keys(name))]


def _replace(connection, centre_id: int, thing: ThingKind, thing_id: int, keys) -> None:
    connection.execute(sa.delete(SearchKey).where(SearchKey.thing == thing, SearchKey.thing_id == thing_id))
    rows = [
        {"centre_id": centre_id, "kind": kind, "key": key, "thing": thing, "thing_id": thing_id}
        for kind, key in sorted(set(keys))
        if key
    ]
    insert_or_leave(connection, SearchKey.__table__, rows, [c.name for c in SearchKey.__table__.primary_key])
