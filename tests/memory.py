"""Where the tests' databases and files lie: in memory where there is room, for copying a database of 900 files 2,000 times is
most of what they would wait for on a disk.

Only what a test throws away lies there. `TMPDIR`, if it is set, decides instead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 3 * 1024**3  # bytes that have to be free; a run of two workers takes less than one third
PREFIX = "zhiban-tests-"


def move_in() -> Path | None:
    """Makes a folder in memory the place for temporary files of this process and its children; None where it stays as it was."""
    if os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return None
    _clear()
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)  # PostgreSQL runs as somebody else and goes through
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    return folder


def move_out(folder: Path) -> None:
    os.environ.pop("TMPDIR", None)
    tempfile.tempdir = None
    shutil.rmtree(folder, ignore_errors=True)


def _clear() -> None:
    """Removes what runs that were killed have left."""
    for left in MEMORY.glob(PREFIX + "*"):
        if not Path("/proc", left.name.removeprefix(PREFIX)).exists():
            shutil.rmtree(left, ignore_errors=True)
