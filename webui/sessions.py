"""Who is asking: the session cookie becomes `g.person`, attached to the request's read session `g.session`.

The session itself is a row of the service (service.auth); the browser holds only its random id. Over https the cookie is called
`__Host-zhiban`, so that no other host and no plain http can set it; on http it is `zhiban`.
"""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError

from service.auth import actions

YEAR_SECONDS = 365 * 24 * 3600
WITHOUT_PERSON = frozenset({"static", "health.live", "health.ready", "phone.worker", "phone.offline"})


def install(app: Flask) -> None:
    app.before_request(open_session)
    app.teardown_request(close_session)


def open_session() -> None:
    """One read session per request; with the person, if the cookie names a live session."""
    if request.endpoint in WITHOUT_PERSON:
        return
    app = current_app.extensions["zhiban"]
    stack = g.session_stack = ExitStack()
    g.session = stack.enter_context(app.session())
    g.session.info["reaches"] = {}
    g.visit_id = request.cookies.get(visit_cookie())
    row = actions.resume(app, g.session, request.cookies.get(session_cookie()))
    if row is not None:
        g.person, g.csrf = row.person, row.csrf


def look_again() -> None:
    """After a change: what this request reads from here on is the new state, not the one it began with. Who asks stays."""
    person = g.get("person")
    if person is not None:
        g.session.expunge(person)
    g.session.rollback()
    if person is not None:
        g.session.add(person)
    g.session.info["reaches"].clear()


def close_session(_error=None) -> None:
    stack = g.pop("session_stack", None)
    if stack is not None:
        try:
            stack.close()
        except DBAPIError:  # the database went away; we only read, and the answer stands (F8)
            g.session.invalidate()


def begin(response: Response, started: actions.LoggedIn) -> Response:
    """Hand the browser its session and the mark of this device."""
    lasts = max(60, int((started.ends_at - current_app.extensions["zhiban"].clock.now()).total_seconds()))
    _set(response, session_cookie(), started.token, lasts)
    _set(response, device_cookie(), started.device, YEAR_SECONDS)
    return response


def end(response: Response, keep: bool = False) -> Response:
    """Forget the session, and have the browser forget what it stored. `keep`: a phone still holds what it could not send; its
    page has cleared the rest.
    """
    response.delete_cookie(session_cookie(), path="/", secure=secure(), httponly=True, samesite="Lax")
    response.headers["Clear-Site-Data"] = '"cache"' if keep else '"cache", "storage"'
    return response


def token() -> str | None:
    return request.cookies.get(session_cookie())


def device() -> str | None:
    return request.cookies.get(device_cookie())


def secure() -> bool:
    return request.is_secure or current_app.extensions["zhiban"].settings.secure_cookies


def session_cookie() -> str:
    return _named("zhiban")


def device_cookie() -> str:
    return _named("zhiban-device")


def visit_cookie() -> str:
    return _named("zhiban-visit")


def _named(name: str) -> str:
    return f"__Host-{name}" if secure() else name


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=secure(), httponly=True, samesite="Lax")
