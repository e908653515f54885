"""The moments of a step: every statement that reaches the database, each commit from both sides, each operation of a diagram.

`install(number, signal, path)` makes this process signal itself at the given moment; every moment that was reached is written to
`path`, so a test knows how far it came. A text instead of a number means the first moment that begins with it, once for all
processes that share the path. Surprise: number 0 is never reached and only lists them.
"""

from __future__ import annotations

import os
import signal as signals
import time
from pathlib import Path

COMMIT, COMMITTED = "commit", "committed"


class Moments:
    """Counts, notes and signals. Armed by `begin`, so that opening the application is no part of the step."""

    def __init__(self, number: int | str, signal: int, path: str):
        self.once = Path(f"{path}.once")
        self.number, self.signal, self.armed, self.count = number, signal, False, 0
        self.notes = open(path, "w", buffering=1, encoding="utf-8")  # noqa: SIM115 - open as long as the process lives

    def reach(self, what: str) -> None:
        if not self.armed:
            return
        self.count += 1
        self.notes.write(" ".join(what.split())[:60] + "\n")
        if self.count == self.number or isinstance(self.number, str) and what.startswith(self.number) and self._first():
            os.kill(os.getpid(), self.signal)
            time.sleep(0.2)  # a signal to oneself may be a moment late

    def _first(self) -> bool:
        try:
            self.once.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


_moments: Moments | None = None


def install(number: int | str, signal: int, path: str, armed: bool = False) -> None:
    """Called in a process that is about to do something. `armed`: from now on, not from `begin` on."""
    global _moments
    import sqlalchemy as sa

    from engine import sql
    from engine.operations import Operation, Registry

    _moments = moments = Moments(number, signal, path)
    sa.event.listen(sa.Engine, "before_cursor_execute", lambda connection, cursor, statement, *rest: moments.reach(statement))
    sql.observers.append(moments.reach)
    committing = sa.engine.default.DefaultDialect.do_commit

    def commit(dialect, connection):
        moments.reach(COMMIT)
        committing(dialect, connection)
        moments.reach(COMMITTED)

    sa.engine.default.DefaultDialect.do_commit = commit
    getting = Registry.get

    def get(registry, name: str) -> Operation | None:
        moments.reach(f"operation {name}")
        return getting(registry, name)

    Registry.get = get
    moments.armed = armed


def begin() -> None:
    """From here on moments count."""
    if _moments is not None:
        _moments.armed = True


def kill(number: int, path: Path) -> tuple:
    """For `Stage.do(before=[...])`: dies at this moment."""
    return "tests.chaos.moments:install", number, int(signals.SIGKILL), str(path)


def stop(number: int | str, path: Path, armed: bool = False) -> tuple:
    """For `Stage.do` and `Stage.start`: stands still at this moment, until somebody continues or ends it."""
    return "tests.chaos.moments:install", number, int(signals.SIGSTOP), str(path), armed


def reached(path: Path) -> list[str]:
    """The moments that a process came to."""
    return path.read_text(encoding="utf-8").splitlines()
