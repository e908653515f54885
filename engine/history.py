"""The trace: events that are only ever added, chained by hash per root instance.

An event is written in the transaction of the step it tells of and never derived from the token state. Personal values stand
beside the chain: the hashed body holds a salted digest of them, so that erasing a person leaves the chain whole.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import Connection, select

from engine.tables import instant_text, process_instance, trace_event

GENESIS = "0" * 64


@dataclass(slots=True)
class Event:
    """One event before it is numbered. `body` must be JSON without floats that matter; `personal` may be erased later."""

    kind: str
    instance_id: str
    element_id: str | None = None
    body: dict = field(default_factory=dict)
    personal: dict | None = None
    seq: int = 0


def canonical(value) -> str:
    """The one text of a JSON value that is hashed: sorted keys, UTF-8, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_text).decode()


def _text(value) -> str:
    return str(value)


def digest(salt: str, personal: dict) -> str:
    return hashlib.sha256((salt + canonical(personal)).encode()).hexdigest()


def chained(previous: str, body: str) -> str:
    return hashlib.sha256((previous + body).encode()).hexdigest()


class Chain:
    """The end of one root instance's chain, to which a step adds. Rows are written by `rows()` at the step's end."""

    def __init__(self, root_id: str, centre_id: int, seq: int, last: str):
        self.root_id, self.centre_id, self.seq, self.last = root_id, centre_id, seq, last
        self.rows: list[dict] = []
        self._by: tuple = (None, {})  # who acted last, and how an event says it

    def add(self, event: Event, at: datetime, actor) -> None:
        self.seq += 1
        event.seq = self.seq
        body = {"seq": self.seq, "at": instant_text(at), "kind": event.kind, "actor": actor.person, **event.body}
        if self.seq == 1:
            body["root"] = self.root_id  # the chain carries it on
        if event.instance_id != self.root_id:
            body["instance"] = event.instance_id
        if event.element_id is not None:
            body["element"] = event.element_id
        if self._by[0] is not actor:
            self._by = actor, {name: value for name in ("role", "on_behalf_of", "channel") if (value := getattr(actor, name, None))}
        body |= self._by[1]
        personal = None
        if event.personal:
            salt = secrets.token_hex(16)
            body["personal"] = digest(salt, event.personal)
            personal = canonical({"salt": salt, "values": event.personal})
        text = canonical(body)
        self.last = chained(self.last, text)
        self.rows.append({"root_id": self.root_id, "seq": self.seq, "instance_id": event.instance_id,
                          "centre_id": self.centre_id, "at": at, "kind": event.kind, "element_id": event.element_id,
                          "actor": actor.person, "body": text, "personal": personal, "hash": self.last})


def read(connection: Connection, root_id: str) -> list[dict]:
    """The events of a root instance in order; each with its body's fields and `personal` values where not erased.

    Those of a step or a move to another version that was undone later have `undone`: they happened, and no longer hold.
    """
    found = connection.execute(select(trace_event).where(trace_event.c.root_id == root_id).order_by(trace_event.c.seq))
    events = [_event(row) for row in found]
    for undo in [event for event in events if event["kind"] in ("step-undone", "migration-undone")]:
        for event in events[undo["undone_from"] - 1:undo["undone_to"]]:
            event["undone"] = True
    return events


def _event(row) -> dict:
    event = {"root": row.root_id, "instance": row.instance_id, "element": None} | json.loads(row.body)
    event["at"] = row.at
    if row.personal:
        event["values"] = json.loads(row.personal)["values"]
    return event


def verify(connection: Connection, root_id: str | None = None) -> list[str]:
    """Every break in the chains: the first altered, removed or added event of each root; [] when all are whole."""
    roots = select(process_instance.c.id, process_instance.c.chain_seq, process_instance.c.chain_hash).where(
        process_instance.c.parent_id.is_(None))
    if root_id:
        roots = roots.where(process_instance.c.id == root_id)
    ends = {row.id: (row.chain_seq, row.chain_hash) for row in connection.execute(roots)}
    events = select(trace_event).order_by(trace_event.c.root_id, trace_event.c.seq)
    if root_id:
        events = events.where(trace_event.c.root_id == root_id)
    faults, seen = [], {}
    for row in connection.execute(events):
        seq, last, broken = seen.get(row.root_id, (0, GENESIS, False))
        if broken:
            continue
        fault = _fault(row, seq, last)
        if fault:
            faults.append(fault)
        seen[row.root_id] = (row.seq, row.hash, bool(fault))
    for root, end in ends.items():
        seq, last, broken = seen.pop(root, (0, GENESIS, False))
        if not broken and (seq, last) != end:
            faults.append(f"{root}: the chain ends at event {seq}, its instance says {end[0]}: events at the end are missing,"
                          " added or altered")
    faults += [f"{root}: {seq} events of an instance that does not exist" for root, (seq, _, _) in seen.items()]
    return faults


def _fault(row, seq: int, last: str) -> str | None:
    where = f"{row.root_id}: event {row.seq}"
    if row.seq != seq + 1:
        return f"{where}: event {seq + 1} is missing"
    if chained(last, row.body) != row.hash:
        return f"{where}: altered, or an event before it was"
    body = {"root": row.root_id, "instance": row.root_id, "element": None} | json.loads(row.body)
    if (body["kind"], body["element"], body["actor"], body["at"], body["root"], body["instance"]) != (
            row.kind, row.element_id, row.actor, instant_text(row.at), row.root_id, row.instance_id):
        return f"{where}: its columns differ from the hashed text"
    if row.personal:
        personal = json.loads(row.personal)
        if digest(personal["salt"], personal["values"]) != body.get("personal"):
            return f"{where}: its personal values differ from their digest"
    return None
