"""A centre served by real processes on one database: web workers and clocks that can be killed and started again at once.

The shipped procedures run with limits of seconds instead of hours, as their owner could draw them; otherwise nothing is changed.
Only the processes started here are ever signalled, each by its id.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
KILLED = "killed"
PASSWORD = "zhiban-demo-2026"
STAFF = [("mei", "梅雨", "specialist"), ("tao", "陶然", "specialist"), ("an", "安宁", "specialist"), ("bo", "柏松", "engineering")]
SECONDS = {"response_passed": 3, "arrival_passed": 2, "nearly_due": 1, "resolution_passed": 3, "next_day": 1}  # others: 3
TIMER = re.compile(rb'(id="(\w+)_timer">\s*<bpmn:timeDate[^>]*>)[^<]*')


def furnish(url: str, folder: Path, seconds: dict[str, int] | None = None) -> None:
    """Make the demo centre of a copied database ready: more staff, always open, limits in seconds. Nothing that the timetable has for
    today and tomorrow begins: a fault run tells the same story at every time of the day.
    """
    from engine.definitions import Procedure, read_folder
    from service import app as service
    from service import demo
    from service.calendars.actions import save_version
    from service.calendars.queries import calendar_of
    from service.organisation.actions import add_person
    from service.organisation.models import Person
    from service.settings import Settings
    from service.timetable.actions import plan_ahead
    from service.timetable.models import PlannedRun, RunState

    app = service.create(Settings(var_dir=folder, database_url=url, secret_key="only for tests", password_memory_mib=1))
    from service.auth.actions import hasher

    hashed, centre = hasher(app).hash(PASSWORD), demo.world(app).centre_id
    with app.writing() as session:
        for username, name, role in STAFF:
            add_person(session, username, name, [(role, centre, None)])
        session.query(Person).update({"password_hash": hashed})
        calendar = replace(calendar_of(session, centre), round_the_clock=True)
        save_version(session, centre, calendar, actor=_Setting(), now=app.clock.now(), reason="测试：全天开放")
    plan_ahead(app)
    with app.writing() as session:
        session.query(PlannedRun).update({"state": RunState.MISSED, "reason": "测试：时间表停用"})
    for key in ("escalation", "customer-request"):
        files = {name: content for name, content in read_folder(ROOT / "bpmn" / key).files.items()
                 if not name.startswith("scenarios/")}  # each new process would read them first
        files[f"{key}.bpmn"] = TIMER.sub(lambda found: _limit(found, seconds or SECONDS), files[f"{key}.bpmn"])
        app.engine.deploy(Procedure.from_files(files, key))
    app.database.dispose()
    app.engine.feel.close()


class _Setting:
    person = "qin"


def _limit(found: re.Match, seconds: dict[str, int]) -> bytes:
    return found[1] + b'=now + duration("PT%dS")' % seconds.get(found[2].decode(), seconds.get("others", 3))


class Stage:
    """The processes of one installation. Use as a context manager; `left_over()` after it says what did not end."""

    def __init__(self, url: str, folder: Path, **settings: str | int):
        self.url, self.folder, self.log = url, folder, folder / "processes.log"
        self.port = _free_port()
        self.running: dict[str, int] = {}  # name -> process id: web, clock-1, ...
        self.kills: dict[str, int] = {}
        self._answers_asked = itertools.count(1)
        values = {"var_dir": folder, "database_url": url, "secret_key": "only for tests", "port": self.port, "web_workers": 2,
                  "password_memory_mib": 1, **settings}
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHIBAN_")} | {
            f"ZHIBAN_{name.upper()}": str(value) for name, value in values.items()} | {"PYTHONPATH": str(ROOT)}

    def __enter__(self) -> Self:
        self._nursery = subprocess.Popen([sys.executable, "-m", "tests.chaos.nursery"], cwd=ROOT, env=self._environment, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._nursery.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_) -> None:
        """As an operator would end it: ask first."""
        for name in list(self.running):
            self.signal(name, signal.SIGTERM)
        _until(lambda: not any(map(self.alive, self.running)), 15)
        self._nursery.stdin.close()
        self._nursery.wait(10)
        self._nursery.stdout.close()

    # --- starting and ending -----------------------------------------------------------------------------------------------
    def start(self, name: str, before: Sequence[tuple] = ()) -> None:
        """Start `web`, or `clock-1`, `clock-2`, ..., or `serve`. `before`: ("module:function", value, ...) to be called in it first."""
        self.running[name] = self._order(arguments=[name.partition("-")[0]], before=before)

    def do(self, call: str, *values, before: Sequence[tuple] = (), seconds: float = 60, wait: bool = True) -> Any:
        """What a function of tests/chaos/hands.py gives in a process of its own; KILLED where the process died on the way.

        Without `wait` the process goes on by itself: what comes back waits for it when called.
        """
        answer = self.folder / f"answer-{next(self._answers_asked)}"
        pid = self._order(call=["tests.chaos.hands:answer", str(answer), call, *values], before=before)

        def result() -> Any:
            assert _until(lambda: not _alive(pid, self._nursery.pid), seconds, 0.005), f"{call} does not end"
            return json.loads(answer.read_text()) if answer.exists() else KILLED

        result.pid = pid
        return result() if wait else result

    def _order(self, **order) -> int:
        self._nursery.stdin.write(json.dumps(order | {"log": str(self.log)}) + "\n")
        self._nursery.stdin.flush()
        return int(self._nursery.stdout.readline())

    def alive(self, name: str) -> bool:
        return _alive(self.running[name], self._nursery.pid)

    def signal(self, name: str, number: int) -> None:
        if self.alive(name):
            os.kill(self.running[name], number)

    def kill(self, name: str) -> bool:
        """SIGKILL a process, or with `worker` one of the web's; whether there was one to kill."""
        if name == "worker":
            workers = [w for w in _children(self.running["web"]) if _alive(w, self.running["web"])] if self.alive("web") else []
            pid = workers[time.monotonic_ns() % len(workers)] if workers else None
        else:
            pid = self.running[name] if self.alive(name) else None
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        kind = name.partition("-")[0]
        self.kills[kind] = self.kills.get(kind, 0) + 1
        return True

    def keep_running(self) -> None:
        """Start again whatever is dead."""
        for name in self.running:
            if not self.alive(name):
                self.start(name)

    def wait_for_web(self, seconds: float = 30) -> bool:
        return _until(self._answers, seconds)

    def _answers(self) -> bool:
        self.keep_running()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
            try:
                connection.request("GET", "/live")
                return connection.getresponse().status == 200
            except OSError:
                return False
            except http.client.HTTPException:
                return False

    def left_over(self, seconds: float = 5) -> list[str]:
        """Processes of this installation that still run; children of killed ones get a moment to notice."""
        mark, found = f"ZHIBAN_VAR_DIR={self.folder}\0".encode(), []

        def none_left() -> bool:
            found[:] = [f"{pid} {_read(pid, 'cmdline')!r}" for pid in _processes() if mark in _read(pid, "environ") and _state(pid) != "Z"]
            return not found

        _until(none_left, seconds)
        return found


def _until(true, seconds: float, pause: float = 0.05) -> bool:
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(pause)
    return True


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _state(pid: int) -> str:
    return (_stat(pid) or ["Z"])[0]


def _alive(pid: int, parent: int) -> bool:
    stat = _stat(pid)
    return len(stat) > 1 and stat[0] != "Z" and stat[1] == str(parent)


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(pid, f"task/{pid}/children").split()]
