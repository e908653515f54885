"""Undo of a completed task: every row exactly as it was, for thirty seconds, unless somebody went on from it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, bindparam, insert, select, update
from sqlalchemy import delete as sql_delete

from engine.api import Actor, Engine
from engine.errors import NotFound, StepUndone, TooLateToUndo
from engine.tables import metadata, outbox, step_undo, timer, user_task
from engine.undo import Memory, Remembered
from tests.engine.conftest import Desk, form
from tests.engine.drawing import boundary, call, flows, message, plain, process, script, service, user
from tests.engine.drawing import timer as timer_xml

S, E = plain("startEvent", "s"), plain("endEvent", "e")
LIN, CHEN = Actor("lin"), Actor("chen")
NOT_COMPARED = {"trace_event", "command", "step_undo"}

things = MetaData()
THING = Table("thing", things, Column("id", Integer, primary_key=True), Column("root_id", String(32)), Column("text", String(50)),
              Column("by", String(20)))
LOG = Table("thing_log", things, Column("root_id", String(32), primary_key=True), Column("word", String(20), primary_key=True))


@pytest.fixture
def operations(operations):
    @operations.operation("change", inputs={"text": str})
    def change(step, *, text):
        """A thing of the domain is changed, another is added, a word is logged."""
        connection = step.connection
        connection.execute(update(THING).where(THING.c.root_id == step.root_id).values(text=text))
        connection.execute(insert(THING).values(root_id=step.root_id, text="new", by=step.actor.person))
        connection.execute(insert(LOG).values(root_id=step.root_id, word=text))

    @operations.operation("remove")
    def remove(step):
        """The things of the domain are gone."""
        step.connection.execute(sql_delete(THING).where(THING.c.root_id == step.root_id))

    return operations


@pytest.fixture
def engine(database, clock, operations):
    things.create_all(database)
    mine = [Remembered(t, t.c.root_id == bindparam("root"), grows=t is LOG) for t in (THING, LOG)]
    yield Engine(database, clock=clock, operations=operations, roles={"specialist"}, undo_seconds=30, undo_tables=mine)
    things.drop_all(database)


@pytest.fixture
def desk(engine):
    return Desk(engine)


def rows(engine) -> dict[str, list]:
    """Every row of every table that an undo has to put back; of a root instance all but where its chain ends."""
    found = {}
    with engine.database.connect() as connection:
        for table in (*metadata.sorted_tables, *things.sorted_tables):
            if table.name in NOT_COMPARED:
                continue
            columns = [c for c in table.columns if c.name not in ("chain_seq", "chain_hash")]
            found[table.name] = sorted(map(repr, connection.execute(select(*columns))))
    return found


def thing(engine, root: str, text: str = "old") -> None:
    with engine.database.begin() as connection:
        connection.execute(insert(THING).values(root_id=root, text=text, by="lin"))
        connection.execute(insert(THING).values(root_id="another", text="of another", by="hu"))


# Two tasks, a notice, a timer on each, a message that both wait for, a call, a thing of the domain.
RICH = process(
    "rich", S, user("a"), service("n", "note", {"text": '"told"'}), service("c", "change", {"text": '"changed"'}),
    plain("parallelGateway", "f"), user("b"), call("k", "child", {"x": "1"}), plain("parallelGateway", "j"), E,
    boundary("ta", "a", timer_xml("Duration", "PT1H"), interrupting=False), user("late"), plain("endEvent", "e2"),
    boundary("ma", "a", message("urge"), interrupting=False), user("urged"), plain("endEvent", "e3"),
    boundary("tb", "b", timer_xml("Duration", "PT2H")), user("over"), plain("endEvent", "e4"),
    boundary("mb", "b", message("stop")), plain("endEvent", "e5"),
    flows("s > a", "a > n", "n > c", "c > f", "f > b", "f > k", "b > j", "k > j", "j > e", "ta > late", "late > e2", "ma > urged",
          "urged > e3", "tb > over", "over > e4", "mb > e5"), messages=("urge", "stop"))
CHILD = process("child", S, user("inner"), E, boundary("ti", "inner", timer_xml("Duration", "PT3H"), interrupting=False), user("chased"),
                plain("endEvent", "e2"), flows("s > inner", "inner > e", "ti > chased", "chased > e2"))
LINE = process("line", S, user("a"), user("b"), E, flows("s > a", "a > b", "b > e"))


@pytest.fixture
def rich(desk, engine):
    desk.deploy(CHILD)
    desk.deploy(RICH, forms__any_form=form("word"))
    root = desk.start("rich", {"owner": "lin"})
    thing(engine, root)
    return root


def test_an_undo_puts_back_every_row_exactly(desk, engine, rich):
    task, before = desk.task(rich, "a").id, rows(engine)
    result = desk.complete(rich, "a", {"word": "说的话"})
    assert rows(engine) != before and desk.open(rich) == ["b", "inner"]
    undone = engine.undo(task, actor=LIN)
    assert rows(engine) == before
    assert undone.opened == (task,) and undone.data["values"] == {"word": "说的话"} and len(result.opened) == 2
    assert engine.verify() == []


def test_after_an_undo_the_same_step_goes_as_if_it_had_never_been_done(desk, engine, clock, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a", {"word": "x"})
    once = {name: len(found) for name, found in rows(engine).items()}
    for _ in range(3):
        engine.undo(task, actor=LIN)
        desk.complete(rich, "a", {"word": "x"})
    assert {name: len(found) for name, found in rows(engine).items()} == once
    assert desk.open(rich) == ["b", "inner"] and engine.verify() == []


def test_the_trace_tells_the_step_and_that_it_was_undone(desk, engine, rich):
    task, told = desk.task(rich, "a").id, len(engine.trace(rich))
    desk.complete(rich, "a")
    done = len(engine.trace(rich))
    engine.undo(task, actor=LIN)
    event = engine.trace(rich)[-1]
    assert (event["kind"], event["task"], event["actor"], event["done_by"]) == ("step-undone", task, "lin", "lin")
    assert (event["undone_from"], event["undone_to"], len(engine.trace(rich))) == (told + 1, done, done + 1)


def test_timers_are_armed_again_and_fire_once(desk, engine, clock, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    engine.undo(task, actor=LIN)
    clock.advance(timedelta(minutes=59))
    assert engine.fire_due().fired == 0
    clock.advance(timedelta(minutes=1))
    assert (engine.fire_due().fired, engine.fire_due().fired) == (1, 0)
    clock.advance(timedelta(hours=9))
    assert engine.fire_due().fired == 0, "the timers of the step that was undone are gone"
    assert desk.open(rich) == ["a", "late"]


def test_messages_reach_the_events_that_wait_again(desk, engine, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    engine.undo(task, actor=LIN)
    engine.correlate("urge", "2026-1", actor=LIN)
    assert desk.open(rich) == ["a", "urged"]


def test_notices_wait_as_long_as_the_step_may_be_undone_and_are_withdrawn_with_it(desk, engine, clock, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    with engine.database.connect() as connection:
        assert connection.execute(select(outbox.c.not_before_at)).scalars().all() == [clock.now() + timedelta(seconds=30)]
    engine.undo(task, actor=LIN)
    with engine.database.connect() as connection:
        assert connection.execute(select(outbox.c.key)).all() == []


def test_a_notice_that_is_out_cannot_be_withdrawn(desk, engine, clock, rich):
    """Two machines whose clocks differ: what was told stays told."""
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    with engine.database.begin() as connection:
        connection.execute(update(outbox).values(sent_at=clock.now()))
    before = rows(engine)
    with pytest.raises(TooLateToUndo) as late:
        engine.undo(task, actor=LIN)
    assert late.value.why == "told" and rows(engine) == before


@pytest.mark.parametrize("seconds, done", [(0, True), (29.999, True), (30, False), (31, False)])
def test_a_step_may_be_undone_for_thirty_seconds(desk, engine, clock, rich, seconds, done):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    clock.advance(timedelta(seconds=seconds))
    if done:
        engine.undo(task, actor=LIN)
    else:
        with pytest.raises(TooLateToUndo) as late:
            engine.undo(task, actor=LIN)
        assert late.value.why == "time"
    assert desk.open(rich) == (["a"] if done else ["b", "inner"])


def test_nobody_undoes_what_somebody_went_on_from(desk, engine, clock, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    clock.advance(timedelta(seconds=5))
    engine.claim(desk.task(rich, "b").id, actor=CHEN)
    before = rows(engine)
    with pytest.raises(TooLateToUndo) as late:
        engine.undo(task, actor=LIN)
    assert (late.value.why, late.value.by, late.value.at) == ("acted", "chen", clock.now())
    assert rows(engine) == before and engine.undoable("lin") is None


def test_a_timer_that_fired_since_counts_as_somebody(desk, engine, clock):
    desk.deploy(process("soon", S, user("a"), user("b"), E, boundary("t", "b", timer_xml("Duration", "PT10S"), interrupting=False),
                        user("late"), plain("endEvent", "e2"), flows("s > a", "a > b", "b > e", "t > late", "late > e2")))
    root = desk.start("soon")
    task = desk.task(root, "a").id
    desk.complete(root, "a")
    clock.advance(timedelta(seconds=10))
    assert engine.fire_due().fired == 1
    with pytest.raises(TooLateToUndo):
        engine.undo(task, actor=LIN)


def test_nobody_undoes_over_a_change_of_the_domain_that_the_trace_does_not_know(desk, engine, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    with engine.database.begin() as connection:
        connection.execute(update(THING).where(THING.c.text == "new").values(text="written by somebody else"))
    before = rows(engine)
    with pytest.raises(TooLateToUndo):
        engine.undo(task, actor=LIN)
    assert rows(engine) == before


def test_what_others_added_meanwhile_stays(desk, engine, rich):
    """A row of the same root that another transaction wrote between step and undo."""
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    with engine.database.begin() as connection:
        connection.execute(insert(THING).values(root_id=rich, text="somebody's note", by="chen"))
    engine.undo(task, actor=LIN)
    with engine.database.connect() as connection:
        assert sorted(connection.execute(select(THING.c.text)).scalars()) == ["of another", "old", "somebody's note"]


def test_rows_that_the_step_removed_come_back(desk, engine):
    desk.deploy(process("r", S, user("a"), service("x", "remove"), user("b"), E, flows("s > a", "a > x", "x > b", "b > e")))
    root = desk.start("r")
    thing(engine, root, "it's 引号 \\ \n \" and more")
    before, task = rows(engine), desk.task(root, "a").id
    desk.complete(root, "a")
    assert len(rows(engine)["thing"]) == 1
    engine.undo(task, actor=LIN)
    assert rows(engine) == before


def test_the_last_step_is_undone_though_it_ended_the_instance(desk, engine):
    desk.deploy(LINE)
    root = desk.start("line")
    desk.complete(root, "a")
    before, task = rows(engine), desk.task(root, "b").id
    assert desk.complete(root, "b").ended
    engine.undo(task, actor=LIN)
    assert rows(engine) == before and engine.instance(root).state == "running"
    assert desk.complete(root, "b").ended


def test_a_step_that_ends_a_called_instance_is_undone_in_both(desk, engine):
    desk.deploy(CHILD)
    desk.deploy(process("p", S, call("k", "child", {"x": "1"}, {"got": "x"}), user("b"), E, flows("s > k", "k > b", "b > e")))
    root = desk.start("p")
    before, task = rows(engine), desk.task(root, "inner").id
    desk.complete(root, "inner")
    assert desk.open(root) == ["b"]
    engine.undo(task, actor=LIN)
    assert rows(engine) == before and desk.open(root) == ["inner"]
    desk.complete(root, "inner")
    assert desk.open(root) == ["b"] and engine.verify() == []


def test_what_the_same_transaction_did_after_the_step_is_undone_with_it(desk, engine):
    """The domain moves an open task to another owner in the transaction of the step."""
    desk.deploy(process("w", S, plain("parallelGateway", "f"), user("a"), user("other"), plain("parallelGateway", "j"), E,
                        flows("s > f", "f > a", "f > other", "a > j", "other > j", "j > e")))
    root = desk.start("w")
    before, task, other = rows(engine), desk.task(root, "a").id, desk.task(root, "other").id
    with engine.unit() as unit:
        engine.complete(task, {}, actor=LIN, unit=unit)
        engine.assign(other, "zhou", actor=LIN, unit=unit)
        engine.assign(other, "chen", actor=LIN, unit=unit)
    assert desk.task(root, "other").assignee == "chen"
    engine.undo(task, actor=LIN)
    assert rows(engine) == before


def test_an_overdue_timer_that_fired_before_the_step_stays_fired(desk, engine, clock, rich):
    """What the clock did is nobody's step; only the person's own is undone."""
    task = desk.task(rich, "a").id
    clock.advance(timedelta(hours=1))
    desk.complete(rich, "a")
    assert desk.open(rich) == ["b", "inner", "late"]
    engine.undo(task, actor=LIN)
    assert desk.open(rich) == ["a", "late"] and engine.fire_due().fired == 0


def test_a_request_that_was_undone_says_so_when_it_is_sent_again(desk, engine, rich):
    """Neither done again by a late repeat, nor answered as if it still held."""
    task = desk.task(rich, "a").id
    engine.complete(task, {}, actor=LIN, request_id="r1")
    engine.undo(task, actor=LIN, request_id="u1")
    with pytest.raises(StepUndone):
        engine.complete(task, {}, actor=LIN, request_id="r1")
    assert engine.undo(task, actor=LIN, request_id="u1").replayed
    assert not engine.complete(task, {}, actor=LIN, request_id="r2").replayed


def earlier(before: dict) -> None:
    """As the first release that could undo wrote it."""
    for name in ("format", "subscriptions", "new_subscriptions", "message"):
        before.pop(name)


def narrower(before: dict) -> None:
    """As a table of the domain was before a column was added."""
    what, row = before["rows"][0]
    values = json.loads(row)
    values = dict(list(values.items())[:-1]) if isinstance(values, dict) else values[:-1]
    before["rows"][0] = [what, json.dumps(values)]


def renamed(before: dict) -> None:
    before["rows"][0][0] = "thing_of_old"


@pytest.mark.parametrize("change", [earlier, narrower, renamed])
def test_a_step_that_was_kept_in_another_form_before_an_upgrade_stays(desk, engine, rich, change):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a", {"word": "x"})
    with engine.database.begin() as connection:
        before = json.loads(connection.execute(select(step_undo.c.before)).scalar_one())
        change(before)
        connection.execute(update(step_undo).values(before=json.dumps(before)))
    done = rows(engine)
    with pytest.raises(TooLateToUndo, match="Task a .* cannot be undone: it was done before the program was upgraded. Open") as late:
        engine.undo(task, actor=LIN)
    assert late.value.why == "upgraded" and rows(engine) == done


def test_nobody_undoes_what_another_did(desk, engine, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    with pytest.raises(NotFound):
        engine.undo(task, actor=CHEN)
    assert desk.open(rich) == ["b", "inner"]


def test_an_undo_is_done_once(desk, engine, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    engine.undo(task, actor=LIN)
    with pytest.raises(NotFound):
        engine.undo(task, actor=LIN)


def test_of_eight_who_undo_at_once_one_does(desk, engine, rich):
    task, before, answers = desk.task(rich, "a").id, rows(engine), []
    desk.complete(rich, "a")

    def press():
        try:
            answers.append(engine.undo(task, actor=LIN).opened)
        except Exception as error:  # noqa: BLE001 - whatever comes is told
            answers.append(type(error))

    threads = [threading.Thread(target=press) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(map(str, answers)) == sorted(map(str, [(task,), *[NotFound] * 7]))
    assert rows(engine) == before and engine.verify() == []


def test_of_an_undo_and_a_next_step_at_once_one_wins(desk, engine, rich):
    for _ in range(4):
        task = desk.task(rich, "a").id
        desk.complete(rich, "a")
        following, answers = desk.task(rich, "b").id, {}

        def press(name, act, answers=answers):
            try:
                act()
                answers[name] = True
            except Exception as error:  # noqa: BLE001 - whatever comes is told
                answers[name] = type(error).__name__

        threads = [threading.Thread(target=press, args=("undo", lambda task=task: engine.undo(task, actor=LIN))),
                   threading.Thread(target=press, args=("next", lambda b=following: engine.claim(b, actor=CHEN)))]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert answers in ({"undo": True, "next": "NotFound"}, {"undo": "TooLateToUndo", "next": True})
        assert engine.verify() == []
        if answers["undo"] is not True:
            return
        assert desk.open(rich) == ["a"]


def test_an_undo_that_breaks_off_half_way_leaves_everything_done(desk, engine, rich, monkeypatch):
    """As a killed process does: the transaction is all or nothing."""
    from engine.commands import undo as module

    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    before = rows(engine)
    monkeypatch.setattr(module, "_withdraw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.undo(task, actor=LIN)
    assert rows(engine) == before and desk.open(rich) == ["b", "inner"] and engine.verify() == []
    monkeypatch.undo()
    engine.undo(task, actor=LIN)
    assert desk.open(rich) == ["a"]


def test_a_root_that_began_in_the_same_transaction_has_nothing_to_go_back_to(desk, engine):
    from engine.api import Scope

    desk.deploy(LINE)
    with engine.unit() as unit:
        started = engine.start("line", {}, business_key="x", scope=Scope(1), actor=LIN, unit=unit)
        engine.complete(started.opened[0], {}, actor=LIN, unit=unit)
    assert engine.undoable("lin") is None


def test_the_newest_step_of_a_person_is_offered_until_its_time_is_over(desk, engine, clock, rich):
    task = desk.task(rich, "a").id
    desk.complete(rich, "a")
    assert engine.undoable("lin").task_id == task and engine.undoable("chen") is None
    clock.advance(timedelta(seconds=30))
    assert engine.undoable("lin") is None
    assert (engine.forget_undo(), engine.forget_undo()) == (1, 0)


def test_a_timer_that_was_put_away_and_armed_anew_in_a_step_makes_it_final(desk, engine, operations):
    """Its row before the step is not known, so rather no undo than half of one."""
    @operations.operation("pause")
    def pause(step):
        """The deadline is put away."""
        step.follow({"limit": None}, "pause")

    @operations.operation("resume", inputs={"until": object})
    def resume(step, *, until):
        """The deadline is armed anew."""
        step.follow({"limit": until}, "resume")

    desk.deploy(process("p", S, plain("parallelGateway", "f"), user("work"), user("rest"), service("stop", "pause"), user("again"),
                        service("go", "resume", {"until": 'date and time("2026-11-21T09:00:00Z")'}), user("end"), E, plain("endEvent", "e2"),
                        boundary("t", "work", timer_xml("Date", "=limit"), interrupting=False), plain("endEvent", "e3"),
                        flows("s > f", "f > work", "f > rest", "work > e", "rest > stop", "stop > again", "again > go", "go > end", "end > e2",
                              "t > e3")), {"limit": None})
    from datetime import UTC, datetime

    root = desk.start("p", {"limit": datetime(2026, 11, 20, 9, 0, tzinfo=UTC)})
    before, rest = rows(engine), desk.task(root, "rest").id
    desk.complete(root, "rest")
    engine.undo(rest, actor=LIN)
    assert rows(engine) == before
    desk.complete(root, "rest")
    again = desk.task(root, "again").id
    desk.complete(root, "again")
    with pytest.raises(NotFound):
        engine.undo(again, actor=LIN)


def test_what_may_be_undone_costs_two_statements_more(desk, engine, statements, rich):
    other, counts = desk.start("rich", {"owner": "lin"}, number="2026-2"), []
    warm = desk.start("rich", {"owner": "lin"}, number="2026-3")
    for root, engine.undo_seconds in ((warm, 30), (rich, 30), (other, 0)):
        thing(engine, root)
        statements.clear()
        desk.complete(root, "a", {"word": "x"}, request_id=root)
        counts.append(len(statements))
    assert counts[1] == counts[2] + 2


def test_nothing_is_read_or_kept_where_undo_is_off(desk, engine, statements, rich):
    engine.undo_seconds = 0
    statements.clear()
    desk.complete(rich, "a", {"word": "x"}, request_id="once")
    assert [s for s in statements if "step_undo" in s or "union all" in s.lower()] == []
    with engine.database.connect() as connection:
        assert connection.execute(select(step_undo)).all() == []
        held = connection.execute(select(outbox.c.not_before_at - outbox.c.created_at) if connection.dialect.name != "sqlite" else
                                  select(outbox.c.not_before_at == outbox.c.created_at)).scalars().all()
    assert held in ([True], [timedelta(0)])


def test_what_is_kept_does_not_grow_with_the_story(desk, engine):
    desk.deploy(process("loop", S, plain("exclusiveGateway", "m"), user("a"), service("n", "note", {"text": '"x"'}), plain("exclusiveGateway", "x"),
                        E, flows("s > m", "m > a", "a > n", "n > x", 'x > m : noted = "x"', 'x > e : noted = "end"')))
    root, sizes = desk.start("loop"), []
    for _ in range(30):
        desk.complete(root, "a")
        with engine.database.connect() as connection:
            sizes.append(len(connection.execute(select(step_undo.c.before).order_by(step_undo.c.seq.desc())).scalar()))
    assert abs(sizes[29] - sizes[4]) <= 8, sizes


def test_a_table_that_cannot_be_put_back_is_refused_at_start():
    bytes_, bare = MetaData(), MetaData()
    for table in (Table("b", bytes_, Column("id", Integer, primary_key=True), Column("x", LargeBinary)),
                  Table("r", bare, Column("id", Integer, primary_key=True), sqlite_with_rowid=False)):
        with pytest.raises(ValueError, match=f"table {table.name}"):
            Memory([Remembered(table, table.c.id == bindparam("root"))])


def test_user_tasks_and_timers_keep_their_versions_and_instants(desk, engine, clock):
    """An operation of the step moves a deadline that was there before."""
    desk.deploy(process("d", S, plain("parallelGateway", "f"), user("a"), user("other", due='=date and time("2026-11-20T05:00:00Z")'), script("x", "y", "1"),
                        user("b"), E, plain("endEvent", "e2"), boundary("t", "other", timer_xml("Duration", "PT1H"), interrupting=False),
                        plain("endEvent", "e3"), flows("s > f", "f > a", "f > other", "a > x", "x > b", "b > e", "other > e2", "t > e3")))
    root = desk.start("d")
    before, task = rows(engine), desk.task(root, "a").id
    with engine.unit() as unit:
        engine.complete(task, {}, actor=LIN, unit=unit)
        for element in ("other", "t"):
            assert engine.retime_element(root, element, clock.now() + timedelta(hours=5), reason="pause", actor=LIN, unit=unit) == 1
        armed = unit.connection.execute(select(timer.c.id).where(timer.c.element_id == "t")).scalar()
        engine.retime(armed, clock.now() + timedelta(hours=6), reason="again", actor=LIN, unit=unit)
    assert rows(engine)["timer"] != before["timer"] and rows(engine)["user_task"] != before["user_task"]
    engine.undo(task, actor=LIN)
    assert rows(engine) == before
    with engine.database.connect() as connection:
        assert connection.execute(select(user_task.c.version)).scalars().all() == [1, 1]
