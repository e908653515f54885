"""Writing search keys: the keys of a thing are replaced as a whole whenever it changes, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from service.db import insert_or_leave
from service.organisation.rules import unit_shorthand
from service.search import rules
from service.search.models import KeyKind, SearchKey, ThingKind


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
    keys = [
        (KeyKind.CODE, unit_shorthand(number)),
        (KeyKind.TAIL, rules.tail_key(number)),
        *((KeyKind.TEXT, k) for k in rules.text_keys(text)),
    ]
    _replace(connection, centre_id, ThingKind.TICKET, ticket_id, keys)


def add_ticket_text(connection: Any, centre_id: int, ticket_id: int, text: str) -> None:
    """Make a ticket findable by a later text as well (a note, a result)."""
    _insert(connection, centre_id, ThingKind.TICKET, ticket_id, ((KeyKind.TEXT, k) for k in rules.text_keys(text)))


def _name_keys(name: str) -> list[tuple[KeyKind, str]]:
    return [(KeyKind.PINYIN, rules.pinyin_key(name)), *((KeyKind.TEXT, k) for k in rules.text_keys(name))]


def _replace(connection, centre_id: int, thing: ThingKind, thing_id: int, keys) -> None:
    connection.execute(sa.delete(SearchKey).where(SearchKey.thing == thing, SearchKey.thing_id == thing_id))
    _insert(connection, centre_id, thing, thing_id, keys)


def _insert(connection, centre_id: int, thing: ThingKind, thing_id: int, keys) -> None:
    rows = [
        {"centre_id": centre_id, "kind": kind, "key": key, "thing": thing, "thing_id": thing_id}
        for kind, key in sorted(set(keys))
        if key
    ]
    insert_or_leave(connection, SearchKey.__table__, rows, [c.name for c in SearchKey.__table__.primary_key])
