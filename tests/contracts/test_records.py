"""Every duty of clauses 17 to 25.3 leaves a row in a record: a story of its procedure ends in it, it is filled in, and it is seen.

One line of `RECORDS` per clause: the procedure, the story that shows it, the table with the columns that must be filled, and the
register of chapter 6 in which the row stands complete. A signed review stands in the last column of the entries that it covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from engine import scenarios
from engine.clock import FrozenClock
from engine.definitions import read_folder
from service import rehearsal
from service.registers import queries as registers
from service.registers.rules import Record

ROOT = Path(__file__).resolve().parents[2]
CALLS, SHIFTS, PATROLS = Record.CALLS, Record.SHIFTS, Record.PATROLS


@dataclass(frozen=True)
class Row:
    """`filled` may not be empty in the rows of `table`; they stand in `register`: by `key`, or "" where a table's rows are part of an
    entry, or None where the entry is a signature.
    """

    procedure: str
    story: str
    table: str
    filled: tuple[str, ...]
    register: Record
    key: str | None = "number"


ROUND = ("round", ("title", "starts_at", "ends_at", "state", "ticked_by", "ticked_at"), SHIFTS)
REVIEW = ("review_version", ("version", "content_hash", "signature_id", "made_at"), CALLS, None)
CHECK = ("workplace_check", ("area_name", "week_on", "answers", "checked_by", "checked_at", "state"), SHIFTS)
FINDING = ("finding", ("words", "place", "department", "reported_by", "reported_at", "severity", "state"), PATROLS, "")
CALL = ("missed_call", ("number", "phone", "rang_at", "rings", "noted_by", "called_by", "called_at", "reason", "state"), CALLS)
RECORDS: dict[str, Row] = {
    "17": Row("duty-round", "01-on-post", *ROUND),
    "18": Row("duty-round", "01-on-post", *ROUND),
    "20": Row("duty-round", "03-doors", *ROUND),
    "21": Row("duty-round", "05-lift-help", *ROUND),
    "23.1": Row(
        "patrol", "01-all-walked", "patrol_visit", ("label", "walked_by", "arrived_at", "answers", "state"), PATROLS, ""
    ),
    "23.2": Row("patrol", "04-finding", *FINDING),
    "23.3": Row("daily-review", "01-signed", *REVIEW),
    **{f"24.{n}": Row("workplace-check", "01-all-fine", *CHECK) for n in range(1, 6)},
    "24.6": Row(
        "leave-post", "01-covered", "leave_post", ("person", "reason", "back_due_at", "cover", "left_at", "back_at"), SHIFTS
    ),
    "24.7": Row("missed-call", "02-becomes-a-ticket", *CALL),
    "24.8": Row("end-of-day-check", "02-each-answered", "day_check", ("person", "day", "opened_at", "done_at"), CALLS),
    "24.9": Row("daily-review", "01-signed", *REVIEW),
    "25.1": Row(
        "handover",
        "",
        "handover_record",
        ("outgoing", "unfinished", "to_follow", "goods", "matters", "out_hash"),
        SHIFTS,
    ),
    "25.2": Row("handover", "", "handover_record", ("incoming", "taken_at", "in_hash", "difference"), SHIFTS),
    "25.3": Row("weekly-review", "01-signed", *REVIEW),
}


def clauses() -> dict[str, str]:
    """The clauses of this page, as the diagrams and control sheets name them: 17, 18, 20, 21, 23.1 to 25.3."""
    wanted = ["17", "18", "20", "21", *(f"23.{n}" for n in (1, 2, 3)), *(f"24.{n}" for n in range(1, 10))]
    return dict.fromkeys([*wanted, *(f"25.{n}" for n in (1, 2, 3))], "")


def stories_of(row: Row) -> list[str]:
    """The story named, or every story of the procedure where any may show it."""
    return (
        [row.story]
        if row.story
        else sorted(p.stem for p in (ROOT / "bpmn" / row.procedure / "scenarios").glob("*.yaml"))
    )


def test_every_clause_has_its_row():
    assert set(clauses()) == set(RECORDS)


def test_every_procedure_named_is_there_and_says_that_it_carries_the_clause():
    wrong = []
    for clause, row in RECORDS.items():
        sheet = ROOT / "bpmn" / row.procedure / "control-sheet.yaml"
        named = [str(c) for c in yaml.safe_load(sheet.read_text(encoding="utf-8"))["clauses"]]
        wrong += [] if clause in named else [(clause, row.procedure)]
    assert wrong == []


@pytest.fixture(scope="module")
def stage():
    with rehearsal.Stage(ROOT / "bpmn") as made:
        yield made


class Played:
    """A story, played on the real domain and looked at before its database goes."""

    def __init__(self, stage, procedure: str, name: str, look):
        definition = read_folder(ROOT / "bpmn" / procedure)
        copy = stage._folder / "record.db"
        copy.write_bytes(stage._template.read_bytes())
        clock = FrozenClock(rehearsal._BEFORE)
        app = stage._app(copy, clock)
        try:
            story = definition.scenarios[name]
            self.report = scenarios.run(
                app.engine, clock, procedure, name, story, lambda s, now: rehearsal.prepare(app, s)
            )
            self.found = look(app)
        finally:
            app.database.dispose()
            for path in stage._folder.glob("record.db*"):
                path.unlink()


@pytest.mark.parametrize("clause", sorted(RECORDS))
def test_a_story_of_the_clause_ends_in_a_filled_row_of_its_record(stage, clause):
    row = RECORDS[clause]
    for name in stories_of(row):
        played = Played(stage, row.procedure, name, lambda app: look(app, row))
        assert played.report.ok, played.report.faults
        rows, seen = played.found
        whole = [r for r in rows if all(_filled(r[column]) for column in row.filled)]
        if whole and seen:
            return
    pytest.fail(f"clause {clause}: no story of {row.procedure} leaves a filled row of {row.table} in its register")


def look(app, row: Row) -> tuple[list[dict], bool]:
    """(the rows of the table, whether one of them stands complete in its register)."""
    with app.session() as session:
        rows = [dict(r) for r in session.execute(sa.text(f'select * from "{row.table}"')).mappings()]
        if row.key is None:  # the rehearsed content has no entries: that a signature names them is reviews' own test
            return rows, session.execute(sa.text("select count(*) from signature where spent_on is not null")).scalar() > 0
        day = app.clock.now().date()
        entries = registers.entries(session, row.register, 1, registers.days(session, 1, day.replace(day=1), day))
        if row.table == "finding":  # stands in the line of its floor
            named = {number for e in entries for number, *_ in e.cells["findings"]}
            return rows, any(r["number"] in named for r in rows)
        keys = {r[row.key] for r in rows} if row.key else {e.key for e in entries}
        return rows, any(e.key in keys and not e.missing for e in entries)


def _filled(value) -> bool:
    return value is not None and value not in ("", "[]", "{}", [], {})


def test_a_signed_review_of_a_story_is_whole_but_for_its_rehearsed_content(stage):
    """Its hash is in the trace, its signature is spent: what `zhiban verify` asks for."""

    def found(app):
        with app.session() as session:
            return session.execute(sa.text("select spent_on, content_hash from signature")).one()

    spent, content_hash = Played(stage, "daily-review", "01-signed", found).found
    assert spent.endswith("record_signature") and len(content_hash) == 64
