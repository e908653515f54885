"""Names of people for screens. The engine and the tickets know usernames; a page shows names, asked for once per request."""

from __future__ import annotations

from collections.abc import Iterable

from flask import g

from service.organisation.queries import names_of
from webui.i18n import gettext


def names() -> dict[str, str]:
    """The names known in this request; what a query already answered is put in here."""
    return g.setdefault("names", {})


def know(usernames: Iterable[str | None]) -> None:
    """Loads the names of several people in one query."""
    known = names()
    wanted = {u for u in usernames if u and u not in known}
    if wanted:
        known.update(dict.fromkeys(wanted), **names_of(g.session, wanted))


def name_of(username: str | None) -> str:
    if not username:
        return ""
    if username in ("system", "clock", "@system"):
        return gettext("系统")
    know([username])
    return names().get(username) or username
