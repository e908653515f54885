"""A throwaway PostgreSQL for tests, benchmarks and fault runs: own data folder, own unix socket, no port, nothing left behind.

PostgreSQL refuses to run as root; then the server runs as `postgres` or `nobody`. A small shell stands between: it stops the
server and removes the folder as soon as its standard input closes, so even a killed test run leaves no server.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

# Without fsync a commit still survives a killed server process, but not a power cut: enough for everything a test does.
QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_wal_size": "256MB", "autovacuum": "off"}

WATCH = """
exec 3<&0
{server} </dev/null >{log} 2>&1 &
server=$!
cat <&3 >/dev/null
kill -INT $server 2>/dev/null
wait $server
rm -rf {folder} 2>/dev/null
"""


class NoPostgres(RuntimeError):
    """PostgreSQL's server programs were not found. `make test` installs them; `--databases sqlite` does without."""


def programs() -> Path:
    """The folder with `initdb` and `postgres`, the newest where there are several."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: float(found.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if not found:
        raise NoPostgres("no initdb found; install the Debian package postgresql, or run with --databases sqlite")
    return Path(found).parent


def unprivileged() -> dict:
    """Arguments for subprocess that make a root process run something as somebody else."""
    if os.geteuid() != 0:
        return {}
    known = {user.pw_name: user for user in pwd.getpwall()}
    user = known.get("postgres") or known["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Cluster:
    """A running server. `settings` are added to, or replace, the quick ones; `durable` takes PostgreSQL's own defaults."""

    def __init__(self, *, durable: bool = False, **settings: str):
        self.settings = {**({} if durable else QUICK), "listen_addresses": "", "timezone": "UTC", **settings}
        self.folder = Path(tempfile.mkdtemp(prefix="zhiban-pg-"))
        self._who = unprivileged()
        self._names = (f"test_{number}" for number in itertools.count(1))
        if self._who:
            os.chown(self.folder, self._who["user"], self._who["group"])
        self._initialise()
        self._watch = self._start()
        self._admin = self._connect()

    def url(self, name: str = "postgres") -> str:
        """SQLAlchemy's address of one database of this server."""
        return f"postgresql+psycopg://zhiban@/{name}?host={self.folder}"

    def create(self, template: str | None = None, name: str | None = None) -> str:
        """Creates a database, a copy of `template` where given, and returns its name."""
        name = name or next(self._names)
        self._admin.execute(f"create database {name}" + (f" template {template} strategy file_copy" if template else ""))
        return name

    def drop(self, name: str) -> None:
        self._admin.execute(f"drop database if exists {name} with (force)")

    def stop(self) -> None:
        """Stops the server and removes its folder."""
        self._admin.close()
        self._watch.stdin.close()
        self._watch.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)  # the server's user may not remove it from a folder of ours

    def server_pid(self) -> int:
        """The process to signal in fault runs."""
        return int((self.folder / "data/postmaster.pid").read_text().split()[0])

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=self._environment(), **self._who)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _initialise(self) -> None:
        self._run(str(programs() / "initdb"), "--no-sync", "--auth=trust", "--username=zhiban", "--encoding=UTF8",
                  "--locale=C.UTF-8", "-D", str(self.folder / "data"))

    def _start(self) -> subprocess.Popen:
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        server = [str(programs() / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        script = WATCH.format(server=shlex.join(server), log=self.folder / "server.log", folder=self.folder)
        return subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.PIPE, cwd="/", env=self._environment(),
                                start_new_session=True, **self._who)

    def _environment(self) -> dict:
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"HOME": str(self.folder)}

    def _connect(self) -> psycopg.Connection:
        give_up_at = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(host=str(self.folder), user="zhiban", dbname="postgres", autocommit=True)
            except psycopg.OperationalError:
                if self._watch.poll() is not None or time.monotonic() > give_up_at:
                    log = self.folder / "server.log"
                    raise RuntimeError("PostgreSQL did not start: " + (log.read_text() if log.exists() else "no log")) from None
                time.sleep(0.02)
