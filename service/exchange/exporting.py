"""Taking a list out: written as text, logged, and not too often. What is in the list is the caller's own reading of it.

The line of the log is written before the first row is read; its count of rows comes when the file is whole. Surprise: rows
come from the same queries as the screen, so this module never asks who may see what, it only asks how much somebody takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO

import sqlalchemy as sa

from service.errors import ServiceError
from service.exchange import sheets
from service.exchange.models import ExportRun
from service.exchange.sheets import About, no_facts
from service.organisation.models import Person

MAX_ROWS = 20_000
PER_WINDOW = 20
WINDOW = timedelta(minutes=10)
IN_MEMORY = 4_000_000  # bytes; larger files go to the disk


class TooManyExports(ServiceError):
    """The person took many lists out within a short time. Wait `retry_after_seconds`. Show 429."""

    def __init__(self, retry_after_seconds: int):
        self.retry_after_seconds = retry_after_seconds
        super().__init__(
            f"{PER_WINDOW} lists were exported within {int(WINDOW.total_seconds() // 60)} minutes. Wait a little."
        )


def take_out(
    app,
    person: Person,
    name: str,
    title: str,
    heads: Sequence[tuple[str, int]],
    rows: Iterable[Sequence[str]],
    about: About = no_facts,
    about_title: str = "About",
    filter: str = "",
) -> tuple[IO[bytes], int]:
    """The file, at its beginning, and how many rows it has (at most MAX_ROWS). `about` gives the facts of its second sheet
    for that number. Raises TooManyExports.
    """
    run_id = _begun(app, person.username, name, filter)
    out = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (the answer closes it)
    count = sheets.write(out, title, heads, _limited(rows), about, about_title)
    out.seek(0)
    with app.writing() as session:
        session.execute(sa.update(ExportRun).where(ExportRun.id == run_id).values(rows=count))
    return out, count


def _begun(app, username: str, name: str, filter: str) -> int:
    with app.writing() as session:
        unit = session.info["unit"]
        unit.lock_request(f"export:{username}")
        recent = sa.select(sa.func.count(), sa.func.min(ExportRun.at)).where(
            ExportRun.by == username, ExportRun.at > unit.now - WINDOW
        )
        count, oldest = session.execute(recent).one()
        if count >= PER_WINDOW:
            raise TooManyExports(max(1, int((oldest + WINDOW - unit.now).total_seconds())))
        run = ExportRun(by=username, list=name, filter=filter[:400], rows=None, at=unit.now)
        session.add(run)
        session.flush()
        return run.id


def _limited(rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    return islice(rows, MAX_ROWS)
