"""Writers of one SQLite file wait in line for its single write lock: threads at a lock, processes at a lock file.

SQLite's own way of waiting is to look again after 1, 2, 5 ... 100 ms, so the lock lies free while everybody sleeps: eight
people at once waited 155 ms for a step of 2. Here one thread per process looks, first after half a millisecond. The turn is a
courtesy and no guard: who waits too long goes on without it, and SQLite decides. Surprise: the file beside the database is
empty and stays; the system takes the lock back from a process that dies.
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
        """path: of the database file; the lock file is `<path>-turn`."""
        self._path = f"{path}-turn"
        self._thread = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Waits at most PATIENCE_SECONDS; the block then runs in any case."""
        until = time.monotonic() + PATIENCE_SECONDS
        if not self._thread.acquire(timeout=PATIENCE_SECONDS):
            yield
            return
        try:
            with self._file_locked(until):
                yield
        finally:
            self._thread.release()

    @contextmanager
    def _file_locked(self, until: float) -> Iterator[None]:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:  # no room, no right: SQLite will say so
            yield
            return
        try:
            seconds, longest = LOOK_SECONDS
            while not _locked(file) and time.monotonic() < until:
                time.sleep(seconds)
                seconds = min(seconds * 1.5, longest)
            yield
        finally:
            os.close(file)  # and gives the lock back


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
