"""One hash over everything a database holds, to say that nothing was changed."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa


def content_hash(database, without: tuple[str, ...] = ("web_session",)) -> str:
    """A hash of every row of every table but those named."""
    digest = hashlib.sha256()
    for name, rows in content(database, without).items():
        digest.update(f"{name}{rows}".encode())
    return digest.hexdigest()


def content(database, without: tuple[str, ...] = ("web_session",)) -> dict[str, list[str]]:
    """Every row of every table but those named, as text, sorted."""
    with database.connect() as connection:
        names = sorted(set(sa.inspect(connection).get_table_names()) - set(without))
        return {
            name: sorted(str(tuple(row)) for row in connection.execute(sa.text(f'select * from "{name}"')))
            for name in names
        }
