"""Is what stands in the tables one true story? Reads tables only: own SQL, own JSON, own hashing, no import of the project.

`check(database)` gives every fault found; `rule` says which of the promises is broken (I1 to I7, tickets, commands). It is meant to
be wrong in other ways than the code it judges, so it shares nothing with it: saved tokens, diagrams and the chain are read here
anew. Surprise: it takes a connection too, so a test can spoil a table, look, and roll back.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from xml.etree import ElementTree

import sqlalchemy as sa

WAITING, READY, STARTED = 8, 16, 32  # of a saved token
GENESIS = "0" * 64
REQUEST = "customer-request"
OPEN_TICKET = {"registered", "dispatched", "in-hand", "handled", "visiting"}
ENDED_SLIP = {"verified", "cancelled"}
TAKEN_BACK = "登记撤销"  # a registration that was undone
IDS = {"process_definition": "hash", "trace_event": "root_id, seq", "command": "request_id", "answered_request": "request_id"}
TABLES = ("process_definition", "process_instance", "user_task", "timer", "subscription", "trace_event", "incident", "command", "outbox",
          "notice", "person", "role_assignment", "duty", "ticket", "slip", "target", "ticket_note", "promise", "answered_request",
          "planned_run")


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken promise: which, where, and what was found."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} {self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as its client remembers it. action: register, complete, message, promise or note; subject: the task or ticket.

    outcome: acknowledged (the client saw success), refused (the client saw a refusal), unanswered (no answer ever came).
    """

    request_id: str
    action: str
    subject: str
    person: str
    outcome: str


def check(database: str | sa.Engine | sa.Connection, *, asked: Iterable[Asked] | None = None, clocks_until: datetime | None = None,
          grace: timedelta = timedelta(seconds=30)) -> list[Fault]:
    """Every fault in the tables; [] when all is well.

    asked: all requests of all clients, where they are known. clocks_until: a clock was running until then, so whatever was due
    `grace` before that and is still armed is lost.
    """
    if isinstance(database, sa.Connection):
        tables = Tables(database)
    else:
        engine = sa.create_engine(database) if isinstance(database, str) else database
        with engine.connect() as connection:
            tables = Tables(connection)
        if isinstance(database, str):
            engine.dispose()
    rules = (moving, rows_of_tokens, children, ended_instances, once, lost_timers(clocks_until, grace), chains, notices, numbers, doubles,
             tickets, slips, ticket_times, commands)
    faults = [fault for rule in rules for fault in rule(tables)]
    return faults + (list(asked_for(tables, list(asked))) if asked is not None else [])


def lateness(database: sa.Engine) -> list[float]:
    """Seconds between due and fired of every fired timer, smallest first."""
    with database.connect() as connection:
        return sorted((t["fired_at"] - t["due_at"]).total_seconds() for t in Tables(connection).timer if t["state"] == "fired")


# --- reading -----------------------------------------------------------------------------------------------------------------

class Tables:
    """All rows, read at once; instants are aware, JSON is read. A table that is not there is empty."""

    def __init__(self, connection: sa.Connection):
        there = set(sa.inspect(connection).get_table_names())
        for name in TABLES:
            setattr(self, name, _rows(connection, name) if name in there else [])
        self.events = [Told(row) for row in self.trace_event]

    @cached_property
    def instances(self) -> dict[str, dict]:
        return {row["id"]: row for row in self.process_instance}

    @cached_property
    def states(self) -> dict[str, State]:
        """instance id -> its saved tokens."""
        elements = {row["hash"]: _elements(row["files"]) for row in self.process_definition}
        return {row["id"]: State(row, elements.get(row["definition_hash"], {})) for row in self.process_instance}

    @cached_property
    def undone(self) -> set[tuple[str, int]]:
        """(chain, number) of the events of steps that were undone: they are in the chain and hold no longer."""
        return {(event.row["root_id"], seq) for event in self.events if event.row["kind"] == "step-undone"
                for seq in range(event.body.get("undone_from", 1), event.body.get("undone_to", 0) + 1)}

    @cached_property
    def told(self) -> dict[str, list[Told]]:
        """kind of event -> the events, but for those of steps that were undone."""
        found = defaultdict(list)
        for event in self.events:
            if (event.row["root_id"], event.row["seq"]) not in self.undone:
                found[event.row["kind"]].append(event)
        return found

    def told_of(self, kind: str, subject: str) -> dict[str, list[Told]]:
        """Events of a kind by the id in their body: told_of("task-completed", "task")."""
        found = defaultdict(list)
        for event in self.told[kind]:
            found[event.body.get(subject)].append(event)
        return found


def _rows(connection: sa.Connection, name: str) -> list[dict]:
    found = connection.execute(sa.text(f"select * from {name} order by {IDS.get(name, 'id')}"))
    return [{column: _value(column, value) for column, value in row.items()} for row in found.mappings()]


def _value(column: str, value):
    if value is not None and (column == "at" or column.endswith("_at")):
        return instant(value)
    return bytes(value) if isinstance(value, memoryview) else value


def instant(value: str | datetime) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Told:
    """An event of the trace with its body read; an unreadable body is empty and breaks the chain anyway."""

    def __init__(self, row: dict):
        self.row = row
        try:
            self.body = json.loads(row["body"])
        except ValueError:
            self.body = {}

    @property
    def at(self) -> datetime:
        return self.row["at"]


@dataclass(frozen=True, slots=True)
class Token:
    """A saved token, with what its element is: kind (the element's tag), event (timer, message, ...)."""

    key: str
    element: str
    state: int
    home: str | None
    host: str | None
    memo: dict
    kind: str
    event: str


class State:
    """The saved tokens of one instance."""

    def __init__(self, row: dict, elements: dict[str, tuple[str, str]]):
        try:
            _, self.ended, tokens = json.loads(row["tokens"])
            self.tokens = [Token(t[0], t[1], t[2], t[3], t[4], t[7] or {}, *elements.get(t[1], ("unknown", ""))) for t in tokens]
            self.fault = None
        except (ValueError, TypeError, IndexError) as error:
            self.ended, self.tokens, self.fault = False, [], f"saved tokens cannot be read: {error}"

    def having(self, state: int, kind: str = "", event: str = "") -> dict[str, Token]:
        return {t.key: t for t in self.tokens if t.state == state and (not kind or t.kind == kind) and (not event or t.event == event)}


def _elements(files: bytes) -> dict[str, tuple[str, str]]:
    """element id -> (tag, event) from the diagrams of a stored procedure."""
    found = {}
    for name, content in json.loads(files).items():
        if name.endswith(".bpmn"):
            for element in ElementTree.fromstring(base64.b64decode(content)).iter():
                if element.get("id"):
                    found[element.get("id")] = (_tag(element), _event(element))
    return found


def _event(element) -> str:
    tags = (_tag(child) for child in element)
    return next((tag.removesuffix("EventDefinition") for tag in tags if tag.endswith("EventDefinition")), "")


def _tag(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


# --- I1: nothing stands still for ever --------------------------------------------------------------------------------------

def moving(t: Tables) -> Iterator[Fault]:
    """Every running family has an open task, an armed timer or an open incident."""
    alive = {x["root_id"] for x in t.user_task if x["state"] == "open"} | {x["root_id"] for x in t.timer if x["state"] == "armed"} | {
        x["root_id"] for x in t.incident if x["resolved_at"] is None}
    for row in t.process_instance:
        if row["parent_id"] is None and row["state"] == "running" and row["id"] not in alive:
            yield Fault("I1", f"instance {row['id']}", f"{row['business_key']} runs, but nobody and nothing will ever move it")


# --- I2: rows say what the tokens say ---------------------------------------------------------------------------------------

def rows_of_tokens(t: Tables) -> Iterator[Fault]:
    tasks, armed, waits = _by_instance(t.user_task, "open"), _by_instance(t.timer, "armed"), _by_instance(t.subscription)
    timers = {row["id"]: row["state"] for row in t.timer}
    once_armed = t.told_of("timer-armed", "timer")
    for id, state in t.states.items():
        where = f"instance {id}"
        if state.fault:
            yield Fault("I2", where, state.fault)
            continue
        yield from _same(where, "open task", "user task token", tasks[id], state.having(READY, "userTask"))
        yield from _same(where, "subscription", "message token", waits[id], state.having(WAITING, event="message"))
        yield from _timers(where, armed[id], timers, once_armed, state.having(WAITING, event="timer"))
        yield from _rest(where, state)
    for name, rows in (("task", tasks), ("timer", armed), ("subscription", waits)):
        yield from (Fault("I2", f"instance {id}", f"does not exist, but has an open {name}") for id in rows if rows[id] and id not in t.instances)


def _by_instance(rows: list[dict], state: str | None = None) -> dict[str, dict[str, str]]:
    found = defaultdict(dict)
    for row in rows:
        if state is None or row["state"] == state:
            found[row["instance_id"]][row["id"]] = row["element_id"]
    return found


def _same(where: str, row: str, token: str, rows: dict[str, str], tokens: dict[str, Token]) -> Iterator[Fault]:
    for key in sorted(rows.keys() - tokens.keys()):
        yield Fault("I2", where, f"{row} {key} at {rows[key]} has no {token}")
    for key in sorted(tokens.keys() - rows.keys()):
        yield Fault("I2", where, f"{token} {key} at {tokens[key].element} has no {row}")
    for key in sorted(rows.keys() & tokens.keys()):
        if rows[key] != tokens[key].element:
            yield Fault("I2", where, f"{row} {key} stands at {rows[key]}, its token at {tokens[key].element}")


def _timers(where: str, armed: dict, states: dict, once_armed: dict, tokens: dict[str, Token]) -> Iterator[Fault]:
    """A timer whose rule gave no instant has a token without a row; any other waiting timer has its armed row."""
    for key in sorted(armed.keys() - tokens.keys()):
        yield Fault("I2", where, f"armed timer {key} at {armed[key]} has no waiting token")
    for key, token in tokens.items():
        if states.get(key, "armed") != "armed":
            yield Fault("I2", where, f"token {key} at {token.element} waits for a timer that is {states[key]}")
        elif key not in states and key in once_armed:
            yield Fault("I2", where, f"token {key} at {token.element} waits for a timer that was armed and whose row is gone")
        elif key in armed and armed[key] != token.element:
            yield Fault("I2", where, f"armed timer {key} stands at {armed[key]}, its token at {token.element}")


def _rest(where: str, state: State) -> Iterator[Fault]:
    keys = Counter(token.key for token in state.tokens)
    yield from (Fault("I7", where, f"token {key} is there {count} times") for key, count in keys.items() if count > 1)
    for token in state.tokens:
        if token.kind == "unknown":
            yield Fault("I2", where, f"token {token.key} stands at {token.element}, which its diagram does not have")
        elif token.state == READY and token.kind != "userTask" or token.state not in (WAITING, READY, STARTED):
            yield Fault("I2", where, f"token {token.key} at {token.element} did not come to rest (state {token.state})")
        for name, key in (("home", token.home), ("host", token.host if token.kind == "boundaryEvent" else None)):
            if key is not None and key not in keys:
                yield Fault("I2", where, f"token {token.key} at {token.element} has lost its {name} {key}")


def children(t: Tables) -> Iterator[Fault]:
    """The running children of an instance are those its call tokens wait for."""
    called = {token.memo.get("child"): (id, token.key) for id, state in t.states.items()
              for token in state.having(STARTED, "callActivity").values()}
    for row in t.process_instance:
        if row["parent_id"] is None:
            if row["root_id"] != row["id"]:
                yield Fault("I2", f"instance {row['id']}", f"has no parent, but {row['root_id']} is its root")
        elif row["parent_id"] not in t.instances or row["root_id"] not in t.instances:
            yield Fault("I2", f"instance {row['id']}", f"is an orphan: its parent {row['parent_id']} or root {row['root_id']} does not exist")
        elif row["state"] == "running" and called.get(row["id"]) != (row["parent_id"], row["parent_token"]):
            yield Fault("I2", f"instance {row['id']}", f"is an orphan: no call token of {row['parent_id']} waits for it")
    for child, (id, key) in called.items():
        if t.instances.get(child, {}).get("state") != "running":
            yield Fault("I2", f"instance {id}", f"call token {key} waits for {child}, which does not run")


def ended_instances(t: Tables) -> Iterator[Fault]:
    for id, row in t.instances.items():
        state, over = t.states[id], row["state"] != "running"
        if state.fault is None and (over != bool(state.ended) or over != (row["ended_at"] is not None)):
            yield Fault("I2", f"instance {id}", f"is {row['state']}, its saved state says ended = {state.ended}, ended at {row['ended_at']}")
        if over and state.tokens:
            yield Fault("I2", f"instance {id}", f"is {row['state']} and still has {len(state.tokens)} tokens")


# --- I3: what happened is told once, what is told happened ------------------------------------------------------------------

def once(t: Tables) -> Iterator[Fault]:
    yield from _told_once(t, t.user_task, "task", "task-opened", lambda row: True)
    yield from _told_once(t, t.user_task, "task", "task-completed", lambda row: row["state"] == "completed", "ended_at", "ended_by")
    yield from _told_once(t, t.user_task, "task", "task-cancelled", lambda row: row["state"] == "cancelled", "ended_at")
    yield from _told_once(t, t.timer, "timer", "timer-fired", lambda row: row["state"] == "fired", "fired_at")
    for row in t.timer:
        if row["fired_at"] is not None and row["fired_at"] < row["due_at"]:
            yield Fault("I3", f"timer {row['id']}", f"fired at {row['fired_at']}, before it was due at {row['due_at']}")
    yield from _lives_once(t)


def _told_once(t: Tables, rows: list[dict], subject: str, kind: str, happened, at: str = "", by: str = "") -> Iterator[Fault]:
    told = t.told_of(kind, subject)
    for row in rows:
        events, where = told.pop(row["id"], []), f"{subject} {row['id']}"
        if len(events) != int(happened(row)):
            yield Fault("I3", where, f"is {row['state']} and has {len(events)} events {kind}")
        for event in events:
            if event.row["instance_id"] != row["instance_id"] or at and event.at != row[at] or by and event.row["actor"] != row[by]:
                yield Fault("I3", where, f"its event {kind} tells of another moment, person or instance")
    for id, events in told.items():
        yield Fault("I3", f"{subject} {id}", f"is not there, but has {len(events)} events {kind}")


def _lives_once(t: Tables) -> Iterator[Fault]:
    for kind, happened in (("instance-started", lambda row: True), ("instance-ended", lambda row: row["state"] == "ended"),
                           ("instance-cancelled", lambda row: row["state"] == "cancelled")):
        told = Counter(event.row["instance_id"] for event in t.told[kind])
        for row in t.process_instance:
            if told[row["id"]] != int(happened(row)):
                yield Fault("I3", f"instance {row['id']}", f"is {row['state']} and has {told[row['id']]} events {kind}")


def lost_timers(until: datetime | None, grace: timedelta):
    def lost(t: Tables) -> Iterator[Fault]:
        seen = {row["timer_id"] for row in t.incident if row["resolved_at"] is None}
        for row in t.timer:
            if until is not None and row["state"] == "armed" and row["due_at"] + grace < until and row["id"] not in seen:
                yield Fault("I3", f"timer {row['id']}", f"lost: due at {row['due_at']}, a clock ran until {until}, and it is still armed")
    return lost


# --- I4, I6: the chain ------------------------------------------------------------------------------------------------------

def chains(t: Tables) -> Iterator[Fault]:
    """Each chain from its first event on, with the end that the root instance remembers. One fault per chain and cause."""
    by_root = defaultdict(list)
    for event in t.events:
        by_root[event.row["root_id"]].append(event)
    for row in t.process_instance:
        if row["version"] < 1:
            yield Fault("I6", f"instance {row['id']}", f"has version {row['version']}")
        if row["parent_id"] is None:
            yield from _chain(row, by_root.pop(row["id"], []), t)
    yield from (Fault("I4", f"chain {root}", f"{len(events)} events of an instance that does not exist") for root, events in by_root.items())


def _chain(root: dict, events: list[Told], t: Tables) -> Iterator[Fault]:
    seq, last, where, whole = 0, GENESIS, f"chain {root['id']}", True
    for event in events:
        row = event.row
        if row["seq"] != seq + 1:
            yield Fault("I6", where, f"after event {seq} comes {row['seq']}")
        if whole and hashlib.sha256((last + row["body"]).encode()).hexdigest() != row["hash"]:
            whole = False
            yield Fault("I4", where, f"event {row['seq']} was altered, or the one before it")
        yield from _columns(where, event, t)
        seq, last = row["seq"], row["hash"]
    if (seq, last) != (root["chain_seq"], root["chain_hash"]):
        yield Fault("I4", where, f"ends at event {seq}, its instance remembers {root['chain_seq']}: the tail is cut, added to or altered")


def _columns(where: str, event: Told, t: Tables) -> Iterator[Fault]:
    row, body = event.row, event.body
    gone = row["instance_id"] not in t.instances and (row["root_id"], row["seq"]) in t.undone  # what an undone step had called
    root = row["root_id"]  # a body names root, instance and element only where they are not the usual
    told = (body.get("root", root), body.get("seq"), body.get("instance", root), body.get("kind"), body.get("element"), body.get("actor"))
    stored = (row["root_id"], row["seq"], row["instance_id"], row["kind"], row["element_id"], row["actor"])
    if told != stored or "at" not in body or instant(body["at"]) != row["at"]:
        yield Fault("I4", where, f"the columns of event {row['seq']} differ from its body")
    if not gone and t.instances.get(row["instance_id"], {}).get("root_id") != row["root_id"]:
        yield Fault("I4", where, f"event {row['seq']} tells of instance {row['instance_id']}, which is not of this family")
    if row["personal"] is not None and _digest(row["personal"]) != body.get("personal"):
        yield Fault("I4", where, f"the personal values of event {row['seq']} differ from their digest")


def _digest(personal: str) -> str:
    """Over the text as it is stored: {"salt":"...","values":{...}}, keys sorted."""
    salt = json.loads(personal)["salt"]
    values = personal[len('{"salt":,"values":') + len(json.dumps(salt)):-1]
    return hashlib.sha256((salt + values).encode()).hexdigest()


# --- I5: notices ------------------------------------------------------------------------------------------------------------

def notices(t: Tables) -> Iterator[Fault]:
    """Each outbox key once; a sent row told each person once, not before its time; nothing was told that was not sent."""
    for key, count in Counter(row["key"] for row in t.outbox).items():
        if count > 1:
            yield Fault("I5", f"outbox {key}", f"the key is there {count} times")
    got = defaultdict(Counter)
    for notice in t.notice:
        got[notice["outbox_key"]][notice["person_id"]] += 1
    for row in t.outbox:
        yield from _sent(t, row, got.pop(row["key"], Counter()))
    for key, people in got.items():
        for person, count in people.items():
            if count > 1:
                yield Fault("I5", f"outbox {key}", f"person {person} was told {count} times")


def _sent(t: Tables, row: dict, got: Counter) -> Iterator[Fault]:
    where = f"outbox {row['key']}"
    yield from (Fault("I5", where, f"person {person} was told {count} times") for person, count in got.items() if count > 1)
    if row["sent_at"] is None:
        if got:
            yield Fault("I5", where, f"is not sent, but {len(got)} people were told")
        return
    if row["sent_at"] < row["not_before_at"]:
        yield Fault("I5", where, f"was sent at {row['sent_at']}, before {row['not_before_at']}")
    if row["kind"] != "tell":
        return
    sure, perhaps = _meant(t, json.loads(row["payload"])["to"], row["sent_at"])
    for person in sorted(sure - got.keys()):
        yield Fault("I5", where, f"was sent, but person {person} was not told")
    for person in sorted(got.keys() - sure - perhaps):
        yield Fault("I5", where, f"person {person} was told, but is not meant")


def _meant(t: Tables, to: dict, at: datetime) -> tuple[set[int], set[int]]:
    """Who must have been told, and who may have been (substitutes of people named are not followed here)."""
    people = {p["username"]: p["id"] for p in t.person if p["active"] and p["username"] != to.get("not")}
    sure, ids = {people[name] for name in to["people"] if name in people}, set(people.values())
    for group in to["groups"]:
        duty = {d["person_id"] for d in t.duty if d["role"] == group and d["centre_id"] == to["centre"] and d["starts_at"] <= at < d["ends_at"]}
        members = {r["person_id"] for r in t.role_assignment if r["role"] == group and r["centre_id"] in (None, to["centre"]) and (
            to["building"] is None or r["building_id"] in (None, to["building"]))}
        sure |= (duty or members) & ids
    return sure, ids if to["people"] else set()


# --- I7 and numbers ---------------------------------------------------------------------------------------------------------

def doubles(t: Tables) -> Iterator[Fault]:
    """At most one open task per token, and a token stands in one instance only."""
    for id, count in Counter(row["id"] for row in t.user_task if row["state"] == "open").items():
        if count > 1:
            yield Fault("I7", f"task {id}", f"is open {count} times")
    homes = Counter(token.key for state in t.states.values() for token in {x.key: x for x in state.tokens}.values())
    yield from (Fault("I7", f"token {key}", f"stands in {count} instances") for key, count in homes.items() if count > 1)


def numbers(t: Tables) -> Iterator[Fault]:
    for number, count in Counter(row["number"] for row in t.ticket).items():
        if count > 1:
            yield Fault("tickets", f"ticket {number}", f"the number is there {count} times")


# --- tickets ----------------------------------------------------------------------------------------------------------------

def tickets(t: Tables) -> Iterator[Fault]:
    """One ticket, one root instance with its number, both open or both over."""
    roots = defaultdict(list)
    for row in t.process_instance:
        if row["parent_id"] is None and row["process_key"] == REQUEST:
            roots[row["business_key"]].append(row)
    for ticket in t.ticket:
        where, found = f"ticket {ticket['number']}", roots.pop(ticket["number"], [])
        mine = [row for row in found if row["id"] == ticket["instance_id"] or row["state"] != "cancelled"]  # a merge undone left one
        if [row["id"] for row in mine] != [ticket["instance_id"]]:
            yield Fault("tickets", where, f"has instances {[row['id'] for row in found]}, it names {ticket['instance_id']}")
            continue
        found = mine
        running = found[0]["state"] == "running"
        if running != (ticket["state"] in OPEN_TICKET) or running != (ticket["closed_at"] is None):
            yield Fault("tickets", where, f"is {ticket['state']}, closed at {ticket['closed_at']}, its instance is {found[0]['state']}")
        taken_back = ticket["state"] == "withdrawn" and ticket["end_reason"] == TAKEN_BACK
        if (ticket["state"] == "merged" or taken_back) != (found[0]["state"] == "cancelled"):
            yield Fault("tickets", where, f"is {ticket['state']}, its instance is {found[0]['state']}")
    for number, found in roots.items():
        yield Fault("tickets", f"instance {found[0]['id']}", f"{number} has no ticket")


def slips(t: Tables) -> Iterator[Fault]:
    """Slips of a ticket count 1 to n, as many as the process opened; each moment after the one before it."""
    of, numbers = defaultdict(list), {ticket["id"]: ticket for ticket in t.ticket}
    for slip in t.slip:
        of[slip["ticket_id"]].append(slip)
    opened = Counter(event.row["root_id"] for event in t.told["operation"] if event.body.get("operation") == "slip.create")
    for id, ticket in numbers.items():
        where, counts = f"ticket {ticket['number']}", sorted(slip["count"] for slip in of[id])
        if counts != list(range(1, len(counts) + 1)):
            yield Fault("tickets", where, f"its slips are numbered {counts}")
        if opened[ticket["instance_id"]] != len(counts):
            yield Fault("tickets", where, f"has {len(counts)} slips, its process opened {opened[ticket['instance_id']]}")
        for slip in of[id]:
            yield from _slip(where, ticket, slip)
    yield from (Fault("tickets", f"slip {slip['number']}", "has no ticket") for slip in t.slip if slip["ticket_id"] not in numbers)


def _slip(where: str, ticket: dict, slip: dict) -> Iterator[Fault]:
    if slip["number"] != f"{ticket['number']}-{slip['count']}":
        yield Fault("tickets", where, f"its slip {slip['count']} is numbered {slip['number']}")
    if ticket["state"] not in OPEN_TICKET and slip["state"] not in ENDED_SLIP:
        yield Fault("tickets", where, f"is {ticket['state']}, its slip {slip['number']} is still {slip['state']}")
    moments = [slip[name] for name in ("sent_at", "accepted_at", "handled_at", "verified_at") if slip[name] is not None]
    if moments != sorted(moments):
        yield Fault("tickets", where, f"slip {slip['number']} was accepted, handled or verified before it could be")


def ticket_times(t: Tables) -> Iterator[Fault]:
    """What was met lies between registration and the last event; what is due is what was computed last; urges are counted once."""
    newest, last = {}, defaultdict(lambda: None)
    for target in t.target:
        newest[target["ticket_id"], target["kind"].replace("-", "_")] = target
    for event in t.events:
        last[event.row["root_id"]] = event.at
    urged = Counter(event.row["root_id"] for event in t.told["operation"] if event.body.get("operation") == "ticket.note-urge")
    for ticket in t.ticket:
        where, now = f"ticket {ticket['number']}", last[ticket["instance_id"]]
        if ticket["urged_count"] != urged[ticket["instance_id"]]:
            yield Fault("tickets", where, f"counts {ticket['urged_count']} urges, its process {urged[ticket['instance_id']]}")
        for kind in ("response", "arrival", "resolution", "return_visit"):
            target = newest.get((ticket["id"], kind))
            yield from _time(where, kind, ticket, target, now)


def _time(where: str, kind: str, ticket: dict, target: dict | None, now: datetime | None) -> Iterator[Fault]:
    met, due = ticket[f"{kind}_met_at"], ticket[f"{kind}_due_at"]
    early = kind == "arrival"  # somebody may say afterwards when they arrived
    if met is not None and (not early and met < ticket["registered_at"] or now is None or met > now):
        yield Fault("tickets", where, f"{kind} was met at {met}, outside of its life until {now}")
    if due is not None and (target is None or target["due_at"] != due):
        yield Fault("tickets", where, f"{kind} is due at {due}, which nobody computed last")
    if target is not None and (target["due_at"] > target["standard_at"] or target["standard_at"] < target["start_at"]):
        yield Fault("tickets", where, f"{kind} was computed from {target['start_at']} to {target['due_at']}")


# --- commands ---------------------------------------------------------------------------------------------------------------

def commands(t: Tables) -> Iterator[Fault]:
    """Every remembered command has its effect, in the same moment, and no task was completed by two."""
    tasks = {row["id"]: row for row in t.user_task}
    held = [row for row in t.command if not json.loads(row["result"]).get("undone")]
    got = {(event.row["actor"], event.at) for event in t.told["message-received"]}
    for subject, count in Counter(row["subject"] for row in held if row["name"] == "complete").items():
        if count > 1:
            yield Fault("commands", f"task {subject}", f"was completed by {count} commands")
    for row in held:
        where, instance = f"command {row['request_id']}", json.loads(row["result"])["instance_id"]
        task = tasks.get(row["subject"])
        if instance not in t.instances and row["name"] != "send":  # a message that is kept is about no instance yet
            yield Fault("commands", where, f"was about instance {instance}, which does not exist")
        if row["name"] == "complete" and (task is None or (task["ended_by"], task["ended_at"]) != (row["actor"], row["at"])):
            yield Fault("commands", where, f"completed task {row['subject']}, which does not say so")
        if row["name"] == "correlate" and (row["actor"], row["at"]) not in got:
            yield Fault("commands", where, f"sent {row['subject']}, which nobody received")
    yield from _answered(t)


def _answered(t: Tables) -> Iterator[Fault]:
    things = {"promise": {row["id"] for row in t.promise}, "note": {row["id"] for row in t.ticket_note}}
    for row in t.answered_request:
        if row["thing_id"] not in things.get(row["action"], {row["thing_id"]}):
            yield Fault("commands", f"command {row['request_id']}", f"made {row['action']} {row['thing_id']}, which is not there")


def asked_for(t: Tables, asked: list[Asked]) -> Iterator[Fault]:
    """What clients saw acknowledged is there once, what was refused is not, and nothing is there that nobody asked for: neither
    a person nor the timetable, whose started runs have each begun one instance.
    """
    there = defaultdict(list)
    begun = {f"planned-run-{run['id']}": run["instance_id"] for run in t.planned_run if run["state"] == "started"}
    for row in t.command:
        if begun.get(row["request_id"]) == json.loads(row["result"])["instance_id"]:
            del begun[row["request_id"]]
            continue
        there[row["request_id"]].append(({"correlate": "message"}.get(row["name"], row["name"]), row["actor"], row["subject"]))
    for row in t.answered_request:
        there[row["request_id"]].append((row["action"], row["by"], None))
    for row in t.ticket:
        if row["request_id"] is not None:
            there[row["request_id"]].append(("register", row["created_by"], None))
    for one in asked:
        found, where = there.pop(one.request_id, []), f"command {one.request_id}"
        if len(found) > 1:
            yield Fault("commands", where, f"is there {len(found)} times")
        if one.outcome == "acknowledged" and not found:
            yield Fault("commands", where, f"{one.person} saw {one.action} {one.subject} done, and it is not there")
        if one.outcome == "refused" and found:
            yield Fault("commands", where, f"{one.person} saw {one.action} {one.subject} refused, and it was done")
        for action, person, subject in found:
            if (action, person) != (one.action, one.person) or one.action == "complete" and subject != one.subject:
                yield Fault("commands", where, f"{one.person} asked {one.action} {one.subject}; {person} did {action} {subject}")
    yield from (Fault("commands", f"command {id}", "nobody asked for it") for id in there)
    yield from (Fault("commands", f"command {id}", "its run says that it began, and nothing has begun") for id in begun)
    yield from _urges(t, asked)


def _urges(t: Tables, asked: list[Asked]) -> Iterator[Fault]:
    """Each urge that was remembered was counted once."""
    urged = Counter(row["subject"].partition(" ")[2] for row in t.command if row["subject"].startswith("ticket.urge "))
    for ticket in t.ticket:
        if ticket["urged_count"] != urged[ticket["number"]]:
            yield Fault("commands", f"ticket {ticket['number']}", f"was urged {urged[ticket['number']]} times and counts {ticket['urged_count']}")
