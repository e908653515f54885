"""What every answer carries and what every change must prove: headers, Content-Security-Policy, CSRF.

The CSRF token belongs to the session; before log-in a random cookie takes the session's place. Surprise: a change from another site is refused twice over, by the browser's
`Sec-Fetch-Site`/`Origin` and by the token, and either alone is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from webui import sessions
from webui.errors import Refused

CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; worker-src 'self'"
# Photos are shown by the page; opened on their own they may do nothing at all.
PHOTO_CSP = "default-src 'none'; sandbox"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 12 * 1024 * 1024


def install(app: Flask) -> None:
    app.config.update(MAX_CONTENT_LENGTH=UPLOAD_LIMIT, MAX_FORM_MEMORY_SIZE=BODY_LIMIT, MAX_FORM_PARTS=500)
    app.before_request(limit_body)
    app.before_request(refuse_foreign_change)
    app.after_request(add_headers)
    app.context_processor(lambda: {"csrf_token": csrf_token})


def limit_body() -> None:
    """Only routes that take photos accept more than a megabyte."""
    view = request.endpoint and current_app.view_functions.get(request.endpoint)
    request.max_content_length = UPLOAD_LIMIT if getattr(view, "takes_photos", False) else BODY_LIMIT


def takes_photos(view):
    view.takes_photos = True
    return view


def csrf_token() -> str:
    """The token of this session; before log-in that of this visit."""
    return g.get("csrf") or _of_visit(g.get("visit_id") or _new_visit())


def refuse_foreign_change() -> None:
    """403 for a change that another site may have caused, or that does not carry the session's token."""
    if request.method in SAFE:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refused("foreign-site")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Refused("foreign-site")
    wanted = g.get("csrf") or (_of_visit(g.visit_id) if g.get("visit_id") else "")
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not wanted or not hmac.compare_digest(wanted.encode(), sent.encode()):
        raise Refused("stale-page")


def add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-store"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if visit := g.pop("new_visit", None):
        response.set_cookie(
            sessions.visit_cookie(), visit, httponly=True, samesite="Lax", secure=sessions.secure(), path="/"
        )
    return response


def _of_visit(visit: str) -> str:
    return hmac.new(visit.encode(), b"zhiban csrf", hashlib.sha256).hexdigest()


def _new_visit() -> str:
    g.visit_id = g.new_visit = secrets.token_urlsafe(24)
    return g.visit_id
