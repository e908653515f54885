"""A week that runs from the clock alone: a make-up Saturday, two holidays, clocks that are killed and that sleep; each patrol, shift,
round and review starts once, at its instant (clauses 17, 18, 20, 21, 23, 24.8, 24.9, 25).

The short form looks when something is due, and plans every four hours; the long form every minute, with the whole timetable and a dozen kills.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.timetable import queries
from tests.chaos.stage import Stage
from tests.service.timetable.week import (
    DAYS,
    ENDS,
    FRIDAY,
    MONDAY,
    OPEN,
    SATURDAY,
    THURSDAY,
    TICKS,
    USUAL_TICKS,
    Lived,
    Week,
    at,
    by_hand,
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Where clocks die."""
    with Stage("sqlite://", tmp_path_factory.mktemp("clocks")) as made:
        yield made


def test_a_week_starts_by_itself_once_and_at_its_instant(story, clock, stage, tmp_path, full, chance, monkeypatch, capsys):
    week = Week(story, clock, stage, tmp_path, usual=full, floors=8 if full else 2)
    kills = {at(OPEN[0], 8, 30): "commit", at(SATURDAY, 17, 15): "committed"}
    if full:
        instants = sorted({due for _, due, _ in by_hand(USUAL_TICKS)} - kills.keys())
        kills |= {due: chance.randint(1, 60) for due in chance.sample(instants, 10)}

    week.live(timedelta(minutes=1) if full else timedelta(hours=4), kills)

    must = Lived(by_hand(USUAL_TICKS if full else TICKS, week.centres()), week.outages, week.survived)
    assert week.killed >= 2 and (at(THURSDAY, 10), at(FRIDAY, 12)) in week.outages
    assert week.rows() == must.rows
    assert counted(story.app) == must.table()
    started = {kind: figures[1] for kind, figures in must.table().items()}
    assert week.instances() == started, "one instance each"
    assert {kind: n for kind, n in week.all_instances().items() if kind in started} == started, "and no other"
    assert story.app.engine.verify() == []
    shown_to_people(week, must, monkeypatch, capsys, full)


def counted(app) -> dict[str, tuple[int, int, int, int, int]]:
    """The service's own table of all centres, as `Lived.table` has it."""
    found: dict[str, tuple] = {}
    with app.session() as session:
        for centre_id in (1, 2):
            table = queries.table(session, centre_id, DAYS[0], DAYS[-1], at(MONDAY, 0) + ENDS)
            for t in table.tallies:
                figures = (t.planned, t.started, t.late, t.missed, t.called_off)
                found[t.kind] = tuple(map(sum, zip(figures, found.get(t.kind, (0,) * 5), strict=True)))
                assert t.to_come == 0
    return found


def shown_to_people(week: Week, must: Lived, monkeypatch, capsys, full: bool) -> None:
    """`zhiban timetable` says the same, in both languages."""
    from webui import cli

    monkeypatch.setenv("ZHIBAN_DATABASE_URL", week.app.settings.database_url)
    monkeypatch.setenv("ZHIBAN_VAR_DIR", str(week.folder))
    for language, name, heads in (("zh", "交接班", "没开始"), ("en", "Handover", "missed")):
        capsys.readouterr()
        assert cli.main(["timetable", "--week", "2026-W19", "--centre", "1", "--language", language]) == 0
        said = capsys.readouterr().out
        row = next(line for line in said.splitlines() if line.startswith(name))
        assert heads in said and tuple(map(int, row.split()[-6:])) == (*must.table()["handover"], 0)
        if full:
            with capsys.disabled():
                print(f"\n{said}")
