"""What an installation's own processes take: seconds until the web answers, and the memory of a web worker and of the clock.

Real processes, begun as an operator begins them, on the demo centre, with the settings as shipped. Surprise: memory is what the
kernel calls resident, so pages that two workers share are counted in each.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from service import app as service
from service import db, demo
from service.settings import Settings
from tests.chaos.people import Diary, Person

ROOT = Path(__file__).parents[2]
REQUESTS = 200
PATHS = ("/", "/tickets", "/tickets?all=1", "/register")
COMING_UP_SECONDS = 120


def measure(url: str, folder: Path, requests: int = REQUESTS) -> dict[str, float]:
    """Seconds from the command to the first answer at /live; MiB of the largest web worker and of the clock after the requests."""
    made = service.create(Settings(var_dir=folder, database_url=url, secret_key="only for a measurement"))
    db.upgrade(made.database)
    service.deploy_all(made, ROOT / "bpmn")
    demo.build(made)
    made.database.dispose()
    port = _free_port()
    settings = {"VAR_DIR": folder, "DATABASE_URL": url, "SECRET_KEY": "only for a measurement", "PORT": port}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIBAN_")} | {
        f"ZHIBAN_{name}": str(value) for name, value in settings.items()}
    with running("clock", environment, folder) as clock:
        start = time.perf_counter()
        with running("web", environment, folder) as web:
            _until_live(port, start)
            seconds = time.perf_counter() - start
            person = Person("lin", {"specialist"}, port, made.database, Diary(), threading.Event(), "bench")
            person.log_in()
            for number in range(requests):
                answer = person.browser.ask("GET", PATHS[number % len(PATHS)])
                if answer.status != 200:
                    raise SystemExit(f"{answer.status} at {PATHS[number % len(PATHS)]}; see {folder / 'web.log'}")
            workers = Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()
            return {"web_start_seconds": seconds, "web_worker_mib": max(map(_resident, workers)), "clock_mib": _resident(clock.pid)}


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


def _until_live(port: int, start: float) -> None:
    while not _live(port):
        if time.perf_counter() - start > COMING_UP_SECONDS:
            raise SystemExit(f"the web does not answer after {COMING_UP_SECONDS} s")
        time.sleep(0.01)


def _live(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", "/live")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


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
