"""Logging in and out, setting a password with a one-time code, and a person's own choices: language, theme, single keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, url_for

from service.auth import actions
from service.errors import LoginRefused, PasswordRefused, TooManyTries
from webui import i18n, sessions
from webui import preferences as preferences_of
from webui.errors import fault_of
from webui.gates import gate, public, service_app, signed_in

auth = Blueprint("auth", __name__)


@auth.route("/login", methods=["GET", "POST"])
@gate(public)
def login():
    back = _own_address(request.args.get("next", ""))
    if request.method == "GET":
        return (
            redirect(back or url_for("desk.first"))
            if g.get("person")
            else render_template("auth/login.html", next=back)
        )
    username = request.form.get("username", "")[:64]
    try:
        started = actions.login(
            service_app(),
            username,
            request.form.get("password", "")[:1000],
            address=request.remote_addr or "",
            device=sessions.device(),
            agent=request.user_agent.string,
            old_token=sessions.token(),
        )
    except (LoginRefused, TooManyTries) as error:
        fault = fault_of(error)
        return render_template("auth/login.html", next=back, username=username, fault=fault), fault.status
    return sessions.begin(redirect(back or url_for("desk.first"), 303), started)


@auth.post("/login/language")
@gate(public)
def login_language():
    """The language of the log-in page, before it is known who it is."""
    chosen = request.form.get("language", "")
    answer = redirect(url_for("auth.login"), 303)
    if chosen in i18n.LANGUAGES:
        answer.set_cookie(
            i18n.LANGUAGE_COOKIE,
            chosen,
            max_age=sessions.YEAR_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=sessions.secure(),
        )
    return answer


@auth.route("/password", methods=["GET", "POST"])
@gate(public)
def first_password():
    """Set a password with a one-time code, which an administrator gives out."""
    if request.method == "GET":
        return render_template("auth/password.html")
    try:
        actions.redeem_code(
            service_app(),
            request.form.get("code", "")[:100],
            request.form.get("password", "")[:1000],
            address=request.remote_addr or "",
        )
    except (LoginRefused, PasswordRefused, TooManyTries) as error:
        fault = fault_of(error)
        return render_template("auth/password.html", fault=fault), fault.status
    return redirect(url_for("auth.login"), 303)


@auth.post("/logout")
@gate(signed_in)
def logout():
    actions.logout(service_app(), sessions.token())
    return sessions.end(redirect(url_for("auth.login"), 303), keep="keep" in request.form)


@auth.post("/me")
@gate(signed_in)
def preferences():
    """Language, theme and single keys are kept with the person, so that they follow to every device."""
    chosen = {}
    if request.form.get("language") in i18n.LANGUAGES:
        chosen["locale"] = request.form["language"]
    if request.form.get("theme") in i18n.THEMES:
        chosen["theme"] = request.form["theme"]
    if request.form.get("single_keys") in ("on", "off"):
        chosen["single_keys"] = request.form["single_keys"] == "on"
    if chosen:
        preferences_of.keep(service_app(), g.person, **chosen)
    return redirect(_own_address(request.form.get("back", "")) or url_for("desk.first"), 303)


def _own_address(text: str) -> str:
    """An address of this site as path and query; empty for anything that could lead elsewhere."""
    parts = urlsplit(text.rstrip("?"))
    if (
        parts.scheme
        or parts.netloc
        or not parts.path.startswith("/")
        or parts.path.startswith(("//", "/\\"))
        or "\\" in text
    ):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
