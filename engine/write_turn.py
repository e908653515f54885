"""Writers of one SQLite file wait in line for its single write lock: threads at a lock, processes at two lock files.

SQLite's own way of waiting is to look again after 1, 2, 5 ... 100 ms, so the lock lies free while everybody sleeps: eight
people at once waited 155 ms for a step of 2. Here one thread per process looks, first after half a millisecond. Who waits holds the
second file, and nobody takes the first without it: a process that writes all the time lets others in between. The turn is a
courtesy and no guard: who waits too long goes on without it, and SQLite decides. Surprise: the files beside the database are
empty and stay; the system takes the locks back from a process that dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_SECONDS = (0.0005, 0.004)  # between two looks at the lock file: at first, and at last, for looking costs time, too
PATIENCE_SECONDS = 2.0  # then SQLite's own waiting does


class WriteTurn:
    """The line in front of one database file."""

    def __init__(self, path: str):
        """path: of the database file; the lock files are `<path>-turn` and `<path>-next`."""
        self._turn, self._next = f"{path}-turn", f"{path}-next"
        self._thread = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Waits at most PATIENCE_SECONDS; the block then runs in any case."""
        until = time.monotonic() + PATIENCE_SECONDS
        if not self._thread.acquire(timeout=PATIENCE_SECONDS):
            yield
            return
        try:
            with _both(self._turn, self._next, until):
                yield
        finally:
            self._thread.release()


@contextmanager
def _both(turn: str, following: str, until: float) -> Iterator[None]:
    files: list[int] = []
    try:
        files += (os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for path in (following, turn))
        for file in files:
            _wait_for(file, until)
        os.close(files.pop(0))  # and gives the lock back
    except OSError:  # no room, no right: SQLite will say so
        pass
    try:
        yield
    finally:
        for file in files:
            os.close(file)


def _wait_for(file: int, until: float) -> None:
    seconds, longest = LOOK_SECONDS
    while not _locked(file) and time.monotonic() < until:
        time.sleep(seconds)
        seconds = min(seconds * 1.5, longest)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
