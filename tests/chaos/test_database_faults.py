"""The database stops, fills up, is locked the wrong way round, or is held by a process that stands still (F5, F8, F9, F19, F20)."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.chaos.checker import check
from tests.chaos.moments import stop
from tests.chaos.people import Answer, Diary, Lost, Person, hidden
from tests.chaos.stage import KILLED, Stage, _children, _read, _state, furnish
from tests.postgres import Cluster

LONG = {"response_passed": 3600, "others": 3600}
REQUEST = {"channel": "phone", "category": "repair", "request": "茶水间吊顶滴水，地上湿了", "expectation": "come-now",
           "reply_deadline_kind": "none", "urgency": "urgent"}
DISPATCH = {"department": "engineering", "instruction": "先关阀再查"}


@contextmanager
def centre(copies, template, folder, **settings):
    """(stage, database) of a copied centre whose limits are far away; nothing is started yet."""
    url = copies.copy(template)
    furnish(url, folder, LONG)
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with Stage(url, folder, **settings) as stage:
        yield stage, database
    assert stage.left_over(30) == []
    copies.drop(url)


def specialist(stage: Stage, database: sa.Engine) -> Person:
    """Lin, logged in, whose every click is the test's."""
    lin = Person("lin", {"specialist"}, stage.port, database, Diary(), threading.Event(), "1")
    lin.log_in()
    return lin


def ask_to_register(lin: Person, request_id: str) -> Answer:
    with lin.database.connect() as connection:
        unit = connection.execute(sa.text("select min(id) from unit where centre_id = 1")).scalar()
    return lin.browser.ask("POST", "/register", lin.proof("/register") | REQUEST | {"unit_id": str(unit), "request_id": request_id})


def wait_until(true, seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def somebody_waits(watching: sa.Connection) -> None:
    """Come back when a statement waits for a lock."""
    waiting = sa.text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
    assert wait_until(lambda: watching.execute(waiting).scalar() or watching.rollback(), 10)


def faults_of(database: sa.Engine, **options) -> str:
    return "\n".join(map(str, check(database, **options)))


# --- F5 -----------------------------------------------------------------------------------------------------------------------

@pytest.mark.databases("postgresql")
def test_a_worker_that_stands_still_in_a_step_keeps_its_own_instance_for_a_while_and_commits_nothing(
        copies, centre_template, tmp_path, full):
    """F5: other instances go on at once, this one when the database has ended the session (15 s, here 2)."""
    idle = 15 if full else 2
    with centre(copies, centre_template, tmp_path) as (stage, database):
        held, other = stage.do("registered", uuid4().hex), stage.do("registered", uuid4().hex)
        zombie = stage.do("tried", "dispatch", held, "zombie", wait=False, before=[
            ("tests.chaos.hands:impatient", "idle_in_transaction_session_timeout", "15s", f"{idle}s"), stop("commit", tmp_path / "moments")])
        assert wait_until(lambda: _state(zombie.pid) == "T", 30)
        began = time.monotonic()
        assert stage.do("tried", "dispatch", other, "other") == "done"
        assert time.monotonic() - began < idle or not full  # nobody waited for the zombie
        assert wait_until(lambda: stage.do("tried", "dispatch", held, "second") == "done", 60)
        os.kill(zombie.pid, signal.SIGCONT)
        assert zombie() == "OperationalError"  # which a page tells as 503, and a clock as "waits"
        with database.connect() as connection:
            held_by = connection.execute(sa.text("select request_id from command where subject = :task"), {"task": held["task"]}).scalars().all()
        assert held_by == ["second"]
        assert faults_of(database) == ""


@pytest.mark.databases("sqlite")
def test_a_web_worker_that_stands_still_holding_the_write_lock_is_ended(copies, centre_template, tmp_path, full, capsys):
    """F5: on SQLite it keeps everybody from writing until it is ended (20 s, here 3)."""
    silent = 20 if full else 3
    with centre(copies, centre_template, tmp_path, silent_seconds=silent) as (stage, database):
        stage.start("web", before=[stop("INSERT INTO trace_event", tmp_path / "moments", armed=True)])
        assert stage.wait_for_web()
        lin, mei = specialist(stage, database), specialist(stage, database)
        began, answers = time.monotonic(), []
        first = threading.Thread(target=lambda: answers.append(_again(lin, "held")))
        first.start()
        assert wait_until((tmp_path / "moments.once").exists, 20)
        answers.append(_again(mei, "other"))
        first.join(60)
        free = time.monotonic() - began
        with capsys.disabled():
            print(f"\na stopped SQLite writer: everybody goes on after {free:.1f} s")
        assert answers == [303, 303]
        with database.connect() as connection:
            assert set(connection.execute(sa.text("select request_id from ticket")).scalars()) == {"held", "other"}
        assert faults_of(database) == ""


def _again(person: Person, request_id: str, seconds: float = 90) -> int:
    """Send it until it is answered with something else than "come again"; only lost answers and 503 may come before."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            answer = ask_to_register(person, request_id)
        except Lost:
            continue
        if answer.status != 503:
            return answer.status
        time.sleep(0.1)
    return 0


@pytest.mark.slow
@pytest.mark.databases("sqlite")
def test_a_clock_that_stands_still_is_ended_and_started_anew(copies, centre_template, tmp_path):
    """F5: `zhiban serve` watches it."""
    with centre(copies, centre_template, tmp_path, silent_seconds=4) as (stage, _):
        stage.start("serve")

        def clocks() -> list[int]:
            return [pid for pid in _children(stage.running["serve"]) if b"--pulse" in _read(pid, "cmdline")]

        assert wait_until(lambda: stage.log.exists() and "is running" in stage.log.read_text(), 60)
        time.sleep(1.5)  # it has moved
        stopped = clocks()[0]
        os.kill(stopped, signal.SIGSTOP)
        assert wait_until(lambda: clocks() and stopped not in clocks(), 30), stage.log.read_text()[-1000:]


# --- F8 -----------------------------------------------------------------------------------------------------------------------

class Restartable(Cluster):
    """A server that crashes at once and is started again, with its data."""

    def __init__(self):
        super().__init__()
        self._watches = [self._watch]

    def crash(self) -> None:
        """As `pg_ctl restart -m immediate`: connections are cut, what was committed is recovered."""
        pid = self.server_pid()
        os.kill(pid, signal.SIGQUIT)
        assert wait_until(lambda: _gone(self.folder / "data/postmaster.pid", pid), 20)
        self._watch = self._start()
        self._watches.append(self._watch)
        self._admin = self._connect()

    def stop(self) -> None:
        super().stop()
        for watch in self._watches[:-1]:
            watch.stdin.close()
            watch.wait(timeout=30)


def _gone(lock: Path, pid: int) -> bool:
    return _state(pid) == "Z" or not lock.exists()


class Patient(Person):
    """Also waits, in what it reads for itself, while the database is away."""

    def act(self) -> None:
        try:
            super().act()
        except sa.exc.DBAPIError:
            time.sleep(0.1)

    def _is_done(self, request_id: str) -> bool:
        try:
            return super()._is_done(request_id)
        except sa.exc.DBAPIError:
            return False


@pytest.mark.slow
@pytest.mark.databases("postgresql")
def test_people_work_while_the_database_is_restarted_and_see_only_come_again(tmp_path, chance, full, capsys, database_kind):
    """F8: ten minutes with --full, a restart every 5 to 40 s."""
    from tests.conftest import Databases, _found_centre

    seconds, pauses = (600, (5, 40)) if full else (12, (1, 3))
    cluster = Restartable()
    try:
        databases = Databases(cluster)
        url = databases.copy(databases.template("centre", lambda url: _found_centre(url, tmp_path / "made")))
        furnish(url, tmp_path)
        database, diary, over = sa.create_engine(url, poolclass=sa.NullPool), Diary(), threading.Event()
        restarts = 0
        with Stage(url, tmp_path) as stage:
            for name in ("web", "clock-1", "clock-2"):
                stage.start(name)
            assert stage.wait_for_web()
            people = [Patient(name, roles, stage.port, database, diary, over, f"{chance.random()}")
                      for name, roles in {"lin": {"specialist"}, "mei": {"specialist"}, "gao": {"engineering", "engineering-head"},
                                          "chen": {"supervisor"}}.items()]
            [one.start() for one in people]
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                time.sleep(chance.uniform(*pauses))
                cluster.crash()
                restarts += 1
            assert stage.wait_for_web()
            over.set()
            [one.join(60) for one in people]
            assert [one.error for one in people] == [None] * len(people)
            assert wait_until(lambda: _rested(database), 90)
            settled_at = datetime.now(UTC)
        outcomes = {o: sum(one.outcome == o for one in diary.asked) for o in ("acknowledged", "refused", "unanswered")}
        with capsys.disabled():
            print(f"\n{restarts} restarts of the database in {seconds} s: {len(diary.asked)} commands {outcomes}, {dict(diary.counts)}")
        assert diary.broken == [], "\n".join(diary.broken)
        assert restarts >= 2 and outcomes["acknowledged"] > 0
        assert faults_of(database, asked=diary.asked, clocks_until=settled_at, grace=timedelta(seconds=15)) == ""
        assert stage.left_over() == []
    finally:
        cluster.stop()


def _rested(database: sa.Engine) -> bool:
    """Nothing is due now that the clock has not done."""
    with database.connect() as connection:
        return not connection.execute(sa.text(
            "select 1 from timer where state = 'armed' and due_at < now() + interval '3 seconds' union all"
            " select 1 from outbox where sent_at is null and not_before_at < now()")).first()


# --- F9 -----------------------------------------------------------------------------------------------------------------------

@pytest.mark.databases("sqlite")
def test_a_full_disk_is_said_and_changes_nothing(copies, centre_template, tmp_path):
    """F9: the write-ahead log cannot grow any more; with room again the same request goes through."""
    with centre(copies, centre_template, tmp_path, web_workers=1) as (stage, database):
        stage.start("web", before=[("tests.chaos.hands:small_disk", 200_000)])
        assert stage.wait_for_web()
        lin, asked = specialist(stage, database), []
        for number in range(60):
            asked.append(f"request-{number}")
            answer = ask_to_register(lin, asked[-1])
            if answer.status != 303:
                break
        assert answer.status == 507 and "磁盘满了" in answer.page, (answer.status, len(asked), stage.log.read_text()[-1500:])
        assert lin.browser.ask("GET", "/tickets").status == 200  # reading goes on
        with database.connect() as connection:
            assert sorted(connection.execute(sa.text("select request_id from ticket")).scalars()) == sorted(asked[:-1])
            assert connection.execute(sa.text("pragma integrity_check")).scalar() == "ok"
        stage.kill("web")
        stage.start("web")
        assert stage.wait_for_web()
        assert _again(lin, asked[-1]) == 303
        assert faults_of(database) == ""


# --- F19, F20 -----------------------------------------------------------------------------------------------------------------

@pytest.mark.databases("sqlite")
def test_eight_writers_at_once_never_see_a_locked_database(copies, centre_template, tmp_path, full, capsys):
    """F19: twenty steps a second for a minute with --full."""
    seconds = 60 if full else 4
    with centre(copies, centre_template, tmp_path) as (stage, database):
        writers = [stage.do("work", f"writer-{n}", seconds, 2.5, wait=False, seconds=seconds + 90) for n in range(8)]
        found = [writer() for writer in writers]
        assert KILLED not in found, stage.log.read_text()[-2000:]
        spent = sorted(one for writer in found for one in writer["spent"])
        with capsys.disabled():
            print(f"\n8 writers on SQLite: {len(spent)} pairs of steps in {seconds} s, p95 {spent[int(len(spent) * 0.95)] * 1000:.0f} ms each pair")
        assert [fault for writer in found for fault in writer["faults"]] == []
        with database.connect() as connection:
            assert connection.execute(sa.text("select count(*) from command where name = 'complete'")).scalar() >= len(spent)
        assert faults_of(database) == ""


@pytest.mark.databases("postgresql")
def test_a_deadlock_is_tried_again_and_nobody_sees_it(copies, centre_template, tmp_path):
    """F20: somebody locks the ticket first and the instance then; a step takes them the other way round and is given up."""
    with centre(copies, centre_template, tmp_path, web_workers=1) as (stage, database):
        stage.start("web")
        found = stage.do("registered", uuid4().hex)
        assert stage.wait_for_web()
        lin, answers = specialist(stage, database), []
        fields = hidden(lin.page(f"/tasks/{found['task']}").page) | DISPATCH | {"request_id": "deadlocked"}
        click = threading.Thread(target=lambda: answers.append(lin.browser.ask("POST", f"/tasks/{found['task']}", fields)))
        with database.begin() as other, database.connect() as watching:
            other.execute(sa.text("set local deadlock_timeout = '30s'"))  # so that the step is the one that notices
            other.execute(sa.text("select 1 from ticket where number = :number for update"), found)
            click.start()
            somebody_waits(watching)
            other.execute(sa.text("select 1 from process_instance where id = :instance for update"), found)
        click.join(30)
        assert [answer.status for answer in answers] == [303], stage.log.read_text()[-1500:]
        assert "is done again" in stage.log.read_text()
        assert faults_of(database) == ""


@pytest.mark.databases("postgresql")
def test_who_comes_second_to_write_a_new_row_is_answered_as_if_it_had_stood_there(copies, centre_template, tmp_path):
    """F20: two windows save the first text of one draft; the row that both found missing is written by the other one first."""
    with centre(copies, centre_template, tmp_path, web_workers=1) as (stage, database):
        stage.start("web")
        found = stage.do("registered", uuid4().hex)
        assert stage.wait_for_web()
        lin, answers, place = specialist(stage, database), [], f"task:{found['task']}"
        fields = hidden(lin.page(f"/tasks/{found['task']}").page) | DISPATCH | {"draft_version": "0"}
        save = threading.Thread(target=lambda: answers.append(lin.browser.ask("POST", f"/tasks/{found['task']}/draft", fields)))
        with database.begin() as other, database.connect() as watching:
            other.execute(sa.text(
                "insert into draft (person_id, place, task_id, category, version, fields, began_at, saved_at)"
                " select id, :place, :task, '', 1, '{\"instruction\": [\"先看现场\"]}', now() - interval '1 minute', now() - interval '1 minute'"
                " from person where username = 'lin'"), {"place": place, "task": found["task"]})
            save.start()
            somebody_waits(watching)
        save.join(30)
        assert [answer.status for answer in answers] == [409], stage.log.read_text()[-1500:]
        with database.connect() as connection:
            mine, others = connection.execute(sa.text("select fields, other from draft where place = :place"), {"place": place}).one()
        assert mine["instruction"] == ["先看现场"] and others["fields"]["instruction"] == [DISPATCH["instruction"]]
        assert faults_of(database) == ""


@pytest.mark.databases("postgresql")
def test_a_notice_that_waited_for_the_database_has_not_failed(copies, centre_template, tmp_path):
    """F12: only faults of its own are counted, not that somebody held a lock."""
    with centre(copies, centre_template, tmp_path) as (stage, database):
        stage.do("due", stage.do("dispatched", uuid4().hex))
        with database.begin() as other:
            other.execute(sa.text("lock table notice in exclusive mode"))
            assert stage.do("tried", "deliver", before=[("tests.chaos.hands:impatient", "lock_timeout", "5s", "200ms")]) == "done"
        with database.connect() as connection:
            rows = connection.execute(sa.text("select tries, sent_at from outbox")).all()
        assert rows and {tuple(row) for row in rows} == {(0, None)}
        stage.do("deliver")
        with database.connect() as connection:
            assert connection.execute(sa.text("select count(*) from outbox where sent_at is null")).scalar() == 0
