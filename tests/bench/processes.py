"""What an installation's own processes take: seconds until the web answers, and the memory of a web worker and of the clock.

Real processes, begun as an operator begins them, on the demo centre, with the settings as shipped. Surprise: memory is what the
kernel calls resident, so pages that two workers share are counted in each.
"""

from __future__ import annotations

import http.client
import itertools
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from service import app as service
from service import db, demo
from service.health.models import ClockHeartbeat
from service.settings import Settings
from tests.chaos.people import Diary, Person

ROOT = Path(__file__).parents[2]
REQUESTS = 200
SECRET = "only for a measurement"
PATHS = ("/", "/tickets", "/tickets?all=1", "/register")
COMING_UP_SECONDS = 120


def found_centre(url: str, folder: Path) -> None:
    """The demo centre with the shipped procedures in force, as after the first `make run`."""
    made = service.create(Settings(var_dir=folder, database_url=url, secret_key=SECRET))
    db.upgrade(made.database)
    service.deploy_all(made, ROOT / "bpmn")
    demo.build(made)
    made.database.dispose()


def measure(url: str, folder: Path, requests: int = REQUESTS, **settings) -> dict[str, float]:
    """Of the demo centre at `url`: seconds from the command to the first answer at /live; MiB of the largest web worker and of the
    clock after the requests. settings: other than as shipped.
    """
    port, database = _free_port(), db.connect(url)
    settings |= {"var_dir": folder, "database_url": url, "secret_key": SECRET, "port": port}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIBAN_")} | {
        f"ZHIBAN_{name.upper()}": str(value) for name, value in settings.items()}
    start = time.perf_counter()
    with running("web", environment, folder) as web:
        _until(lambda: _live(port), "the web")
        seconds = time.perf_counter() - start
        with running("clock", environment, folder) as clock:
            _read_pages(port, requests)
            _until(lambda: _beats(database), "the clock")
            database.dispose()
            workers = Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()
            return {"web_start_seconds": seconds, "web_worker_mib": max(map(_resident, workers)), "clock_mib": _resident(clock.pid)}


def _read_pages(port: int, requests: int) -> None:
    person = Person("lin", {"specialist"}, port, None, Diary(), threading.Event(), "bench")
    person.log_in()
    for path in itertools.islice(itertools.cycle(PATHS), requests):
        answer = person.browser.ask("GET", path)
        if answer.status != 200:
            raise SystemExit(f"{answer.status} at {path}")


@contextmanager
def running(command: str, environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen]:
    """`zhiban <command>`, asked to end at the end of the block."""
    with (folder / f"{command}.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "webui.cli", command], cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _until(true: Callable[[], bool], what: str) -> None:
    give_up_at = time.perf_counter() + COMING_UP_SECONDS
    while not true():
        if time.perf_counter() > give_up_at:
            raise SystemExit(f"{what} does not come up within {COMING_UP_SECONDS} s")
        time.sleep(0.05)


def _live(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", "/live")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _beats(database: sa.Engine) -> bool:
    """Whether a clock has written that it lives: by then it has everything in memory."""
    with database.connect() as connection:
        return bool(connection.scalar(sa.select(sa.func.count()).select_from(ClockHeartbeat)))


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _resident(pid: int | str) -> float:
    """MiB."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def show(kind: str, found: dict[str, float]) -> None:
    print(f"\n{kind}: an installation's own processes")
    print(f"  {'web answers after':25s} {found['web_start_seconds']:9.1f} s")
    print(f"  {'a web worker holds':25s} {found['web_worker_mib']:9.0f} MiB")
    print(f"  {'the clock holds':25s} {found['clock_mib']:9.0f} MiB", flush=True)
